//! Where archives go: stdout, a file, a directory; and where reports go.

use std::fs::File;
use std::io::{BufWriter, IsTerminal, Read, Write};
use std::os::fd::AsFd;
use std::path::{Path, PathBuf};

use archive::{Record, Sink, TarSink};

use crate::directory::DirectorySink;
use crate::file::AtomicFile;
use crate::not_written::{Left, NotWritten};
use crate::publish::Existing;
use crate::{Exit, Failure, FailureContext, Result, pipe};

/// A place for an archive.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Destination {
    Stdout,
    File(PathBuf, Existing),
    Directory(PathBuf, Existing),
}

impl Destination {
    /// From `-o`: a name that ends in `/`, or a directory that exists, is a directory.
    pub fn new(name: Option<&str>, existing: Existing) -> Self {
        match name {
            None | Some("-") => Destination::Stdout,
            Some(name) if name.ends_with('/') || Path::new(name).is_dir() => {
                Destination::Directory(PathBuf::from(name), existing)
            }
            Some(name) => Destination::File(PathBuf::from(name), existing),
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
pub struct ArchiveSink(Place);

#[derive(Debug)]
enum Place {
    Stdout(TarSink<BufWriter<File>>),
    File(TarSink<BufWriter<AtomicFile>>),
    Directory(DirectorySink),
}

const BUFFER_BYTES: usize = 256 * 1024;

/// Opens the destination; refuses a terminal and whatever exists already and may not be replaced.
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
            Ok(ArchiveSink(Place::Stdout(TarSink::new(stdout))))
        }
        Destination::File(path, existing) => {
            let file = AtomicFile::create(path, *existing)
                .map_err(|refused| refused.into_failure("file", path, true))?;
            let writer = BufWriter::with_capacity(BUFFER_BYTES, file);
            Ok(ArchiveSink(Place::File(TarSink::new(writer))))
        }
        Destination::Directory(path, existing) => DirectorySink::create(path, *existing)
            .map(|it| ArchiveSink(Place::Directory(it)))
            .map_err(|refused| refused.into_failure("directory", path, true)),
    }
}

/// Stdout for large writes: without the library's own buffer, which looks for ends of lines in all that passes.
pub fn open_stdout() -> Result<File> {
    let stdout = std::io::stdout();
    pipe::widen(&stdout);
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
    kind: &'static str,
}

impl ReportFile {
    /// Refuses a name that exists already, before any work.
    pub fn create(path: &Path) -> Result<Self> {
        let file = AtomicFile::create(path, Existing::Kept)
            .map_err(|refused| refused.into_failure("report", path, false))?;
        let (path, kind) = (path.to_owned(), "report");
        Ok(ReportFile { file, path, kind })
    }

    /// The same for a tool with `--force`, which may replace a file; `kind` is what messages call it.
    pub fn create_over(path: &Path, kind: &'static str, existing: Existing) -> Result<Self> {
        let file =
            AtomicFile::create(path, existing).map_err(|refused| refused.into_failure(kind, path, true))?;
        let path = path.to_owned();
        Ok(ReportFile { file, path, kind })
    }

    /// Writes the whole report.
    pub fn publish(mut self, text: &str) -> Result<()> {
        let written = self.file.write_all(text.as_bytes());
        written
            .and_then(|()| self.file.publish())
            .or_fail(Exit::Target, || {
                format!("{} `{}` cannot be written", self.kind, self.path.display())
            })
    }
}

/// A file that appears under its name whole, in the place of one that is there, or not at all. Only its owner may read
/// it.
#[derive(Debug)]
pub struct ReplacedFile {
    file: AtomicFile,
    path: PathBuf,
}

impl ReplacedFile {
    /// Begins it beside the one that it will replace.
    pub fn create(path: &Path) -> Result<Self> {
        let file = AtomicFile::create(path, Existing::Replaced).map_err(|refused| Failure {
            // The work is under way, so it is no word on the line that is wrong.
            exit: Exit::Target,
            ..refused.into_failure("file", path, false)
        })?;
        let path = path.to_owned();
        Ok(ReplacedFile { file, path })
    }

    /// Adds to what it will hold.
    pub fn write(&mut self, contents: &[u8]) -> Result<()> {
        let written = self.file.write_all(contents);
        written.or_fail(Exit::Target, || not_written(&self.path))
    }

    /// Puts it in its place.
    pub fn publish(self) -> Result<()> {
        let published = self.file.publish();
        published.or_fail(Exit::Target, || not_written(&self.path))
    }
}

fn not_written(path: &Path) -> String {
    format!("file `{}` cannot be written", path.display())
}

/// Stdout as a regular file reaches the disk before success is reported: a full disk, or one that is elsewhere,
/// may tell so late. A pipe cannot be synced, and whoever reads it checks the end member.
fn sync_stdout(stdout: &File) -> std::io::Result<()> {
    if stdout.metadata().is_ok_and(|it| it.is_file()) {
        return stdout.sync_all();
    }
    Ok(())
}

impl Sink for ArchiveSink {
    type Output = ();

    fn member(&mut self, run: &str, record: &Record, body: &mut dyn Read) -> archive::Result<()> {
        let left = self.0.left();
        let written = match &mut self.0 {
            Place::Stdout(it) => it.member(run, record, body),
            Place::File(it) => it.member(run, record, body),
            Place::Directory(it) => it.member(run, record, body),
        };
        written.map_err(|error| error.map_write(|cause| NotWritten::caused_by(cause, left)))
    }

    fn finish(self) -> archive::Result<()> {
        let left = self.0.left();
        self.0
            .finish()
            .map_err(|error| error.map_write(|cause| NotWritten::caused_by(cause, left)))
    }
}

impl Place {
    fn left(&self) -> Left {
        match self {
            Place::Stdout(_) => Left::Part,
            Place::File(_) | Place::Directory(_) => Left::Nothing,
        }
    }

    fn finish(self) -> archive::Result<()> {
        match self {
            Place::Stdout(it) => sync_stdout(&unbuffered(it.finish()?)?).map_err(archive::Error::from_write),
            Place::File(it) => {
                let file = unbuffered(it.finish()?)?;
                file.publish().map_err(archive::Error::from_write)
            }
            Place::Directory(it) => it.finish(),
        }
    }
}

fn unbuffered<W: Write>(writer: BufWriter<W>) -> archive::Result<W> {
    let inner = writer.into_inner();
    inner.map_err(|error| archive::Error::from_write(error.into_error()))
}
