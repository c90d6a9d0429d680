//! A private copy of a database with its sidecars, for what SQLite could not read without writing.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use tempfile::TempDir;

use super::interrupter::Interrupter;
use super::sidecars::{Mark, STATE, state_of, with_suffix};
use crate::private_folder::private_folder;
use crate::{Error, ErrorKind, Result};

const COPY_NAME: &str = "copy.sqlite";

/// Between two looks at whether the end has been asked for.
const PIECE_BYTES: usize = 1 << 20;

/// More than file systems of Linux need between two times that differ.
const TICK: Duration = Duration::from_millis(20);

/// A folder that only its owner may look into; removed when it is dropped.
#[derive(Debug)]
pub(super) struct Copy(TempDir);

impl Copy {
    /// Copies the file; refuses when somebody writes meanwhile, since the parts would not be of one state. `copies`
    /// says how many times the space is needed.
    pub(super) fn make(path: &Path, copies: u64, interrupter: &Interrupter) -> Result<Copy> {
        let failed = |error: io::Error| {
            Error::new(ErrorKind::File, format!("cannot copy {} to a temporary folder", path.display()))
                .with_hint("the file cannot be read where it is without being written; it is copied into the folder that TMPDIR names")
                .with_source(error)
        };
        let folder = private_folder().map_err(failed)?;
        interrupter.remove(folder.path());
        let before = settled_state(path).map_err(failed)?;
        let bytes: u64 = before.iter().flatten().map(|it| it.bytes).sum();
        check_space(path, folder.path(), bytes.saturating_mul(copies))?;
        let copy = Copy(folder);
        let pass = |from: &Path, to: &Path| pass(from, to, interrupter);
        pass(path, &copy.database()).map_err(failed)?;
        for suffix in STATE {
            match pass(&with_suffix(path, suffix), &with_suffix(&copy.database(), suffix)) {
                Ok(()) => {}
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(error) => return Err(failed(error)),
            }
        }
        if state_of(path).map_err(failed)? != before {
            return Err(Error::new(
                ErrorKind::File,
                format!("{} changed while it was copied", path.display()),
            )
            .with_hint("stop the application that writes it and try again"));
        }
        Ok(copy)
    }

    /// The copied database.
    pub(super) fn database(&self) -> PathBuf {
        self.0.path().join(COPY_NAME)
    }

    pub(super) fn folder(&self) -> &Path {
        self.0.path()
    }
}

/// The state of the file, of which a later change has a later time: one within the tick in which the file was written
/// last would not.
fn settled_state(path: &Path) -> io::Result<Vec<Option<Mark>>> {
    let state = state_of(path)?;
    let now = SystemTime::now();
    let is_fresh = |it: &Mark| now.duration_since(it.modified).is_ok_and(|age| age < TICK);
    if state.iter().flatten().any(is_fresh) {
        std::thread::sleep(TICK);
        return state_of(path);
    }
    Ok(state)
}

fn pass(from: &Path, to: &Path, interrupter: &Interrupter) -> io::Result<()> {
    let mut from = File::open(from)?;
    let mut to = OpenOptions::new().write(true).create_new(true).open(to)?;
    let mut piece = vec![0; PIECE_BYTES];
    loop {
        if interrupter.is_asked() {
            return Err(io::Error::other("interrupted"));
        }
        let length = match from.read(&mut piece) {
            Ok(0) => return Ok(()),
            Ok(length) => length,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(error),
        };
        to.write_all(&piece[..length])?;
    }
}

fn check_space(path: &Path, folder: &Path, needed: u64) -> Result<()> {
    // Where the file system does not tell, the copying itself will.
    let Ok(space) = rustix::fs::statvfs(folder) else {
        return Ok(());
    };
    let free = space.f_bavail.saturating_mul(space.f_frsize);
    if free >= needed {
        return Ok(());
    }
    let place = fs::canonicalize(folder).ok();
    let place = place.as_deref().and_then(Path::parent).unwrap_or(folder);
    let message = format!(
        "{} must be copied before it can be read, which takes {} MiB; {} has {} MiB",
        path.display(),
        needed.div_ceil(1 << 20),
        place.display(),
        free >> 20
    );
    Err(Error::new(ErrorKind::File, message).with_hint("set TMPDIR to a folder with more space"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_does_not_fit_is_told_before_it_is_copied() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("f");
        fs::write(&path, "x").unwrap();
        let error = Copy::make(&path, u64::MAX, &Interrupter::default()).unwrap_err();
        assert!(error.to_string().contains("must be copied"), "{error}");
        assert!(error.hint().unwrap().contains("TMPDIR"));
        let interrupter = Interrupter::default();
        let copy = Copy::make(&path, 1, &interrupter).unwrap();
        assert_eq!(fs::read(copy.database()).unwrap(), b"x");
        interrupter.interrupt();
        assert!(!copy.folder().exists());
        let error = Copy::make(&path, 1, &interrupter).unwrap_err();
        assert!(error.to_string().contains("cannot copy"), "{error}");
    }
}
