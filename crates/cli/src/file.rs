//! A file that appears under its name whole, or not at all.

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use crate::publish::{Disk, Existing, PREFIX, RealDisk, Staged, parent, put_in_place};
use crate::refused::Refused;

/// Writes a file under a temporary name, until it is whole.
#[derive(Debug)]
pub(crate) struct AtomicFile<D = RealDisk> {
    file: tempfile::NamedTempFile,
    path: PathBuf,
    replaces: bool,
    staged: Staged,
    disk: D,
}

impl AtomicFile {
    /// Refuses a name that something has, unless it is a file that may be replaced.
    pub(crate) fn create(path: &Path, existing: Existing) -> Result<Self, Refused> {
        AtomicFile::create_on(RealDisk, path, existing)
    }
}

impl<D: Disk> AtomicFile<D> {
    pub(crate) fn create_on(disk: D, path: &Path, existing: Existing) -> Result<Self, Refused> {
        if path.file_name().is_none() {
            return Err(Refused::NoName);
        }
        // A link counts as what it is: behind it there may be nothing, and then `exists` does not see it.
        let replaces = match fs::symlink_metadata(path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => false,
            Err(error) => return Err(error.into()),
            Ok(_) if existing == Existing::Kept => return Err(Refused::Exists),
            Ok(found) if found.is_file() => true,
            Ok(_) => return Err(Refused::NoFile),
        };
        let file = tempfile::Builder::new()
            .prefix(PREFIX)
            .tempfile_in(parent(path))?;
        Ok(AtomicFile {
            staged: disk.stage(file.path()),
            path: path.to_owned(),
            file,
            replaces,
            disk,
        })
    }

    pub(crate) fn publish(self) -> io::Result<()> {
        self.disk.sync(self.file.as_file())?;
        self.staged.begin_publishing()?;
        let (_, temporary) = self.file.keep()?;
        put_in_place(&self.disk, &temporary, &self.path, self.replaces)
    }
}

impl<D> Write for AtomicFile<D> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.file.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}
