//! An archive as a directory: its members as files, `end.json` written last and read first.

use std::collections::VecDeque;
use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use archive::{End, Error, Record, Result, Sink, Store};

const END_NAME: &str = "end.json";

/// Writes members as files below a folder that becomes the archive when it is finished.
#[derive(Debug)]
pub struct DirectorySink {
    /// Named so that it vanishes when the sink is dropped unfinished.
    staging: tempfile::TempDir,
    directory: PathBuf,
    _guard: crate::InterruptGuard,
}

impl DirectorySink {
    /// `directory` must not exist, or be empty.
    pub(crate) fn create(directory: &Path) -> io::Result<Self> {
        // Asked of the file system itself: `FILE/` does not exist for `Path::exists`, and cannot be made either.
        match fs::read_dir(directory).map(|mut entries| entries.next().is_some()) {
            Ok(true) => return Err(io::ErrorKind::DirectoryNotEmpty.into()),
            Ok(false) => {}
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(error),
        }
        let parent = match directory.parent() {
            Some(parent) if !parent.as_os_str().is_empty() => parent,
            _ => Path::new("."),
        };
        let staging = tempfile::Builder::new().prefix(".coalesce-").tempdir_in(parent)?;
        let path = staging.path().to_owned();
        let guard = crate::on_interrupt(move || {
            let _ = fs::remove_dir_all(&path);
        });
        Ok(DirectorySink {
            staging,
            directory: directory.to_owned(),
            _guard: guard,
        })
    }
}

impl Sink for DirectorySink {
    type Output = ();

    fn member(&mut self, _run: &str, record: &Record, body: &mut dyn Read) -> Result<()> {
        let path = self.staging.path().join(&record.name);
        let create = || {
            // Rows are nobody else's business, in files as in a database.
            DirBuilder::new()
                .recursive(true)
                .mode(0o700)
                .create(path.parent().unwrap_or(self.staging.path()))?;
            OpenOptions::new()
                .write(true)
                .create_new(true)
                .mode(0o600)
                .open(&path)
        };
        let mut file = create().map_err(Error::from_write)?;
        archive::copy_body(body, &mut file)?;
        file.sync_all().map_err(Error::from_write)
    }

    fn finish(self) -> Result<()> {
        let staging = self.staging.keep();
        let publish = || {
            // The name appears at once and whole; an empty folder of that name gives way.
            fs::rename(&staging, &self.directory)?;
            File::open(
                self.directory
                    .parent()
                    .filter(|it| !it.as_os_str().is_empty())
                    .unwrap_or(Path::new(".")),
            )?
            .sync_all()
        };
        publish().map_err(|error| {
            let _ = fs::remove_dir_all(&staging);
            Error::from_write(error)
        })
    }
}

/// Reads members from files, in the order of the end member's records.
#[derive(Debug)]
pub struct DirectoryStore {
    directory: PathBuf,
    run: String,
    waiting: VecDeque<Record>,
    end: Option<Record>,
    body: Box<dyn ReadSend>,
    name: String,
}

/// A body is a file, or the end member that has been read already.
trait ReadSend: Read + Send + std::fmt::Debug {}
impl<T: Read + Send + std::fmt::Debug> ReadSend for T {}

impl DirectoryStore {
    pub(crate) fn open(directory: &Path) -> Result<Self> {
        let mut json = Vec::new();
        match File::open(directory.join(END_NAME)) {
            Ok(mut file) => file.read_to_end(&mut json).map_err(Error::from_read)?,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Err(Error::truncated()),
            Err(error) => return Err(Error::from_read(error)),
        };
        let end = End::parse(&json)?;
        let record = end.record(&json);
        Ok(DirectoryStore {
            directory: directory.to_owned(),
            run: end.run,
            waiting: end.members.into(),
            end: Some(record),
            body: Box::new(io::Cursor::new(json)),
            name: END_NAME.to_owned(),
        })
    }
}

impl Store for DirectoryStore {
    fn next(&mut self) -> Result<(String, Record)> {
        if let Some(record) = self.waiting.pop_front() {
            record.check_name()?;
            let file = File::open(self.directory.join(&record.name)).map_err(|error| {
                if error.kind() == io::ErrorKind::NotFound {
                    Error::missing(&record.name)
                } else {
                    Error::from_read(error)
                }
            })?;
            self.body = Box::new(io::BufReader::with_capacity(256 * 1024, file));
            self.name.clone_from(&record.name);
            return Ok((self.run.clone(), record));
        }
        let record = self.end.take().ok_or_else(Error::truncated)?;
        let file = File::open(self.directory.join(END_NAME)).map_err(Error::from_read)?;
        self.body = Box::new(file);
        END_NAME.clone_into(&mut self.name);
        Ok((self.run.clone(), record))
    }

    fn body(&mut self) -> &mut dyn Read {
        &mut self.body
    }

    fn end_body(&mut self) -> Result<()> {
        let mut one = [0];
        match self.body.read(&mut one).map_err(Error::from_read)? {
            0 => Ok(()),
            _ => Err(Error::longer(&self.name)),
        }
    }

    fn finish(&mut self) -> Result<()> {
        Ok(())
    }
}

/// Writes a file that appears under its name whole, or not at all.
#[derive(Debug)]
pub(crate) struct AtomicFile {
    file: tempfile::NamedTempFile,
    path: PathBuf,
    _guard: crate::InterruptGuard,
}

impl AtomicFile {
    pub(crate) fn create(path: &Path) -> io::Result<Self> {
        if path.exists() {
            return Err(io::ErrorKind::AlreadyExists.into());
        }
        let parent = path
            .parent()
            .filter(|it| !it.as_os_str().is_empty())
            .unwrap_or(Path::new("."));
        let file = tempfile::Builder::new()
            .prefix(".coalesce-")
            .tempfile_in(parent)?;
        let temporary = file.path().to_owned();
        let guard = crate::on_interrupt(move || {
            let _ = fs::remove_file(&temporary);
        });
        Ok(AtomicFile {
            file,
            path: path.to_owned(),
            _guard: guard,
        })
    }

    pub(crate) fn publish(self) -> io::Result<()> {
        self.file.as_file().sync_all()?;
        self.file.persist_noclobber(&self.path)?;
        File::open(
            self.path
                .parent()
                .filter(|it| !it.as_os_str().is_empty())
                .unwrap_or(Path::new(".")),
        )?
        .sync_all()
    }
}

impl Write for AtomicFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.file.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}
