//! An archive as a directory: its members as files, `end.json` written last and read first.

use std::collections::{BTreeSet, VecDeque};
use std::fs::{self, DirBuilder, File, OpenOptions, Permissions};
use std::io::{self, Read};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use archive::{End, Error, Record, Result, Sink, Store};

use crate::publish::{Disk, Existing, OnDisk, PREFIX, RealDisk, Staged, parent, put_in_place};
use crate::refused::Refused;

const END_NAME: &str = "end.json";

/// Writes members as files below a folder that becomes the archive when it is finished.
#[derive(Debug)]
pub(crate) struct DirectorySink<D = RealDisk> {
    /// Named so that it vanishes when the sink is dropped unfinished.
    staging: tempfile::TempDir,
    /// Folders made in it, whose names have to reach the disk as the files' bytes do.
    folders: BTreeSet<PathBuf>,
    directory: PathBuf,
    existing: Existing,
    staged: Staged,
    disk: D,
}

impl DirectorySink {
    /// `directory` must not exist, be empty, or be an archive that may be replaced.
    pub(crate) fn create(directory: &Path, existing: Existing) -> std::result::Result<Self, Refused> {
        DirectorySink::create_on(RealDisk, directory, existing)
    }
}

impl<D: Disk> DirectorySink<D> {
    pub(crate) fn create_on(
        disk: D,
        directory: &Path,
        existing: Existing,
    ) -> std::result::Result<Self, Refused> {
        // Without the slash at its end, behind which a link would be what it leads to.
        let directory: PathBuf = directory.components().collect();
        if directory.file_name().is_none() {
            return Err(Refused::NoName);
        }
        replaces(&directory, existing)?;
        let staging = tempfile::Builder::new()
            .prefix(PREFIX)
            .permissions(Permissions::from_mode(0o700))
            .tempdir_in(parent(&directory))?;
        Ok(DirectorySink {
            staged: disk.stage(staging.path()),
            folders: BTreeSet::from([staging.path().to_owned()]),
            staging,
            directory,
            existing,
            disk,
        })
    }
}

/// Whether there is an archive under the name that gives way; an error for whatever else is there, unless it is an
/// empty folder.
fn replaces(directory: &Path, existing: Existing) -> std::result::Result<bool, Refused> {
    match fs::symlink_metadata(directory) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(false),
        Err(error) => return Err(error.into()),
        Ok(found) if found.is_symlink() => return Err(Refused::Link),
        Ok(found) if found.is_dir() && found.dev() != fs::metadata(parent(directory))?.dev() => {
            return Err(Refused::MountPoint);
        }
        Ok(_) => {}
    }
    // Fails for a file.
    if fs::read_dir(directory)?.next().is_none() {
        return Ok(false);
    }
    if existing == Existing::Kept {
        return Err(Refused::NotEmpty);
    }
    let (_, end) = read_end(directory).map_err(Refused::NoArchive)?;
    let mut members: BTreeSet<PathBuf> = end.members.iter().map(|it| directory.join(&it.name)).collect();
    members.insert(directory.join(END_NAME));
    refuse_strangers(directory, &members)?;
    Ok(true)
}

/// What somebody has put beside the members is nothing that we may remove with them.
fn refuse_strangers(folder: &Path, members: &BTreeSet<PathBuf>) -> std::result::Result<(), Refused> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let path = entry.path();
        if entry.file_type()?.is_dir() && members.iter().any(|it| it.starts_with(&path)) {
            refuse_strangers(&path, members)?;
        } else if !members.contains(&path) {
            return Err(Refused::Stranger(path));
        }
    }
    Ok(())
}

impl<D: Disk> Sink for DirectorySink<D> {
    type Output = ();

    fn member(&mut self, _run: &str, record: &Record, body: &mut dyn Read) -> Result<()> {
        let root = self.staging.path();
        let path = root.join(&record.name);
        let folder = path.parent().unwrap_or(root);
        let create = || {
            // Rows are nobody else's business, in files as in a database.
            DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
            OpenOptions::new()
                .write(true)
                .create_new(true)
                .mode(0o600)
                .open(&path)
        };
        let mut file = create().map_err(Error::from_write)?;
        let made = folder.ancestors().take_while(|it| it.starts_with(root));
        self.folders.extend(made.map(Path::to_owned));
        let mut output = OnDisk {
            disk: &self.disk,
            file: &mut file,
        };
        archive::copy_body(body, &mut output)?;
        self.disk.sync(&file).map_err(Error::from_write)
    }

    fn finish(self) -> Result<()> {
        let publish = || {
            // The deepest first: a folder on the disk has all its entries there.
            for folder in self.folders.iter().rev() {
                self.disk.sync_folder(folder)?;
            }
            self.staged.begin_publishing()?;
            // Looked at again, since somebody may have put something there in the meantime.
            let replaces = replaces(&self.directory, self.existing).map_err(|refused| match refused {
                Refused::Io(error) => error,
                _ => io::ErrorKind::AlreadyExists.into(),
            })?;
            put_in_place(&self.disk, &self.staging.keep(), &self.directory, replaces)
        };
        publish().map_err(Error::from_write)
    }
}

/// The end member of an archive in a directory, as bytes and as what they mean.
fn read_end(directory: &Path) -> Result<(Vec<u8>, End)> {
    let mut json = Vec::new();
    match File::open(directory.join(END_NAME)) {
        Ok(mut file) => file.read_to_end(&mut json).map_err(Error::from_read)?,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Err(Error::truncated()),
        Err(error) => return Err(Error::from_read(error)),
    };
    let end = End::parse(&json)?;
    Ok((json, end))
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
        let (json, end) = read_end(directory)?;
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

    /// The file of the current member.
    pub(crate) fn path(&self) -> PathBuf {
        self.directory.join(&self.name)
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
