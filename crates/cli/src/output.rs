//! Where archives go: stdout, a file, a directory; and where reports go.

use std::fs::File;
use std::io::{BufWriter, IsTerminal, Read, Write};
use std::os::fd::AsFd;
use std::path::{Path, PathBuf};

use archive::{Record, Sink, TarSink};

use crate::directory::{AtomicFile, DirectorySink};
use crate::{Exit, Failure, FailureContext, Result};

/// A place for an archive.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Destination {
    Stdout,
    File(PathBuf),
    Directory(PathBuf),
}

impl Destination {
    /// From `-o`: a name that ends in `/`, or a directory that exists, is a directory.
    pub fn new(name: Option<&str>) -> Self {
        match name {
            None | Some("-") => Destination::Stdout,
            Some(name) if name.ends_with('/') || std::path::Path::new(name).is_dir() => {
                Destination::Directory(PathBuf::from(name))
            }
            Some(name) => Destination::File(PathBuf::from(name)),
        }
    }

    /// Whether what is written is consumed at once by another program.
    pub fn is_pipe(&self) -> bool {
        use std::os::unix::fs::FileTypeExt;
        let is_fifo = || std::fs::metadata("/dev/stdout").is_ok_and(|it| it.file_type().is_fifo());
        *self == Destination::Stdout && is_fifo()
    }

    /// Whether what is written is kept nowhere: stdout is `/dev/null`, or was closed when the program began.
    /// The two cannot be told apart, since Rust's runtime opens `/dev/null` in the place of a closed descriptor.
    pub fn is_null(&self) -> bool {
        use std::os::unix::fs::{FileTypeExt, MetadataExt};
        let device = |path: &str| {
            let file = std::fs::metadata(path).ok()?;
            file.file_type().is_char_device().then(|| file.rdev())
        };
        let stdout = device("/dev/stdout");
        *self == Destination::Stdout && stdout.is_some() && stdout == device("/dev/null")
    }
}

/// A sink for whatever was named.
#[derive(Debug)]
pub enum ArchiveSink {
    Stdout(TarSink<BufWriter<File>>),
    File(TarSink<BufWriter<AtomicFileWriter>>),
    Directory(DirectorySink),
}

/// A file that appears when it is finished.
#[derive(Debug)]
pub struct AtomicFileWriter(AtomicFile);

const BUFFER_BYTES: usize = 256 * 1024;

/// Opens the destination; refuses a terminal and whatever exists already.
pub fn create_archive(destination: &Destination) -> Result<ArchiveSink> {
    match destination {
        Destination::Stdout => {
            let stdout = std::io::stdout();
            if stdout.is_terminal() {
                return Err(
                    Failure::usage("stdout is a terminal, and an archive is nothing to look at")
                        .with_hint("write `… | load TARGET`, `-o FILE` or `-o DIR/`"),
                );
            }
            let stdout = BufWriter::with_capacity(BUFFER_BYTES, open_stdout()?);
            Ok(ArchiveSink::Stdout(TarSink::new(stdout)))
        }
        Destination::File(path) => {
            let file = AtomicFile::create(path).map_err(|error| not_created("file", path, error))?;
            let writer = BufWriter::with_capacity(BUFFER_BYTES, AtomicFileWriter(file));
            Ok(ArchiveSink::File(TarSink::new(writer)))
        }
        Destination::Directory(path) => DirectorySink::create(path)
            .map(ArchiveSink::Directory)
            .map_err(|error| not_created("directory", path, error)),
    }
}

/// Stdout for large writes: without the library's own buffer, which looks for ends of lines in all that passes.
pub fn open_stdout() -> Result<File> {
    let stdout = std::io::stdout();
    let descriptor = stdout.as_fd().try_clone_to_owned();
    descriptor
        .map(File::from)
        .or_fail(Exit::Target, || "stdout cannot be written".to_owned())
}

/// A file for a report, which appears under its name whole, or not at all.
#[derive(Debug)]
pub struct ReportFile {
    file: AtomicFile,
    path: PathBuf,
}

impl ReportFile {
    /// Refuses a name that exists already, before any work.
    pub fn create(path: &Path) -> Result<Self> {
        let file = AtomicFile::create(path).map_err(|error| not_created("report", path, error))?;
        let path = path.to_owned();
        Ok(ReportFile { file, path })
    }

    /// Writes the whole report.
    pub fn publish(mut self, text: &str) -> Result<()> {
        let written = self.file.write_all(text.as_bytes());
        written
            .and_then(|()| self.file.publish())
            .or_fail(Exit::Target, || {
                format!("report `{}` cannot be written", self.path.display())
            })
    }
}

fn not_created(kind: &str, path: &Path, error: std::io::Error) -> Failure {
    use std::io::ErrorKind;
    let name = path.display();
    let refused = match error.kind() {
        ErrorKind::AlreadyExists => format!("{kind} `{name}` exists already, and nothing is written over"),
        ErrorKind::DirectoryNotEmpty => format!("{kind} `{name}` is not empty, and nothing is written over"),
        _ => {
            let message = format!("{kind} `{name}` cannot be written");
            return Failure::usage(message).with_source(error);
        }
    };
    Failure::usage(refused).with_hint("name another one, or remove it first")
}

impl Sink for ArchiveSink {
    type Output = ();

    fn member(&mut self, run: &str, record: &Record, body: &mut dyn Read) -> archive::Result<()> {
        match self {
            ArchiveSink::Stdout(it) => it.member(run, record, body),
            ArchiveSink::File(it) => it.member(run, record, body),
            ArchiveSink::Directory(it) => it.member(run, record, body),
        }
    }

    fn finish(self) -> archive::Result<()> {
        match self {
            ArchiveSink::Stdout(it) => it.finish().map(drop),
            ArchiveSink::File(it) => {
                let file = it
                    .finish()?
                    .into_inner()
                    .map_err(|error| archive::Error::from_write(error.into_error()))?;
                file.0.publish().map_err(archive::Error::from_write)
            }
            ArchiveSink::Directory(it) => it.finish(),
        }
    }
}

impl Write for AtomicFileWriter {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        self.0.flush()
    }
}
