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
    existing: Existing,
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
        replaces(path, existing)?;
        let file = tempfile::Builder::new()
            .prefix(PREFIX)
            .tempfile_in(parent(path))?;
        Ok(AtomicFile {
            staged: disk.stage(file.path()),
            path: path.to_owned(),
            file,
            existing,
            disk,
        })
    }

    pub(crate) fn publish(self) -> io::Result<()> {
        self.disk.sync(self.file.as_file())?;
        // Looked at again, since the name may have been taken or given up in the meantime.
        let replaces = replaces(&self.path, self.existing).map_err(|refused| match refused {
            Refused::Io(error) => error,
            _ => io::ErrorKind::AlreadyExists.into(),
        })?;
        self.staged.begin_publishing()?;
        let (_, temporary) = self.file.keep()?;
        put_in_place(&self.disk, &temporary, &self.path, replaces)
    }
}

/// Whether a file has the name that gives way; an error for whatever else has it.
fn replaces(path: &Path, existing: Existing) -> Result<bool, Refused> {
    // A link counts as what it is: behind it there may be nothing, and then `exists` does not see it.
    match fs::symlink_metadata(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(error.into()),
        Ok(_) if existing == Existing::Kept => Err(Refused::Exists),
        Ok(found) if found.is_file() => Ok(true),
        Ok(_) => Err(Refused::NoFile),
    }
}

impl<D: Disk> Write for AtomicFile<D> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.disk.write(self.file.as_file_mut(), bytes)
    }

    /// A file has no buffer of ours.
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
