//! Files and folders that appear under their name whole, or not at all: they are made under a temporary name in the
//! same folder, and get their own when everything in them is on the disk.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use rustix::fs::{CWD, RenameFlags};
use rustix::io::Errno;

use crate::not_written::{Left, NotWritten};

/// What the names of files begin with that are not whole yet, and of those that a killed process has left.
pub const PREFIX: &str = ".coalesce-";

/// What publishing asks of the file system, so that tests can make each step of it fail.
pub(crate) trait Disk {
    /// As write(2): fewer bytes than were given may be taken.
    fn write(&self, file: &mut File, bytes: &[u8]) -> io::Result<usize> {
        file.write(bytes)
    }

    /// Everything of `file` reaches the disk. After it `close` has nothing left to write, so that its result, which
    /// Rust does not tell, cannot hide a loss.
    fn sync(&self, file: &File) -> io::Result<()> {
        file.sync_all()
    }

    /// The names in `folder` reach the disk, where the file system can promise that.
    fn sync_folder(&self, folder: &Path) -> io::Result<()> {
        sync_folder(folder)
    }

    /// As rename(2): a file or an empty folder called `to` gives way.
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        fs::rename(from, to)
    }

    /// Nothing gives way.
    fn rename_new(&self, from: &Path, to: &Path) -> io::Result<()> {
        rename_new(from, to)
    }

    /// Both change places at once.
    fn exchange(&self, one: &Path, other: &Path) -> io::Result<()> {
        Ok(rustix::fs::renameat_with(
            CWD,
            one,
            CWD,
            other,
            RenameFlags::EXCHANGE,
        )?)
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        remove(path)
    }

    /// What removes `path` when the tool is interrupted.
    fn stage(&self, path: &Path) -> Staged {
        Staged::guarded(path)
    }
}

/// A file that is written through a disk.
pub(crate) struct OnDisk<'a, D> {
    pub(crate) disk: &'a D,
    pub(crate) file: &'a mut File,
}

impl<D: Disk> Write for OnDisk<'_, D> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.disk.write(self.file, bytes)
    }

    /// A file has no buffer of ours.
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// The file system as it is.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct RealDisk;

impl Disk for RealDisk {}

/// What may stand under a name before the new one takes it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Existing {
    /// Nothing, or an empty folder where a directory is made.
    Kept,
    /// A file, or a directory that is an archive.
    Replaced,
}

/// Gives `staged`, whose contents are on the disk, the name `path`; `replaces` says that something has it.
///
/// After a failure `path` is what it was, and `staged` is gone, as far as the file system lets us. A crash at any
/// moment loses neither: one of both has the name or, where the file system cannot exchange two folders, for a moment
/// none, and each is whole under a temporary name beside it.
pub(crate) fn put_in_place(disk: &impl Disk, staged: &Path, path: &Path, replaces: bool) -> io::Result<()> {
    let placed = if replaces {
        take_place(disk, staged, path)
    } else if staged.is_dir() {
        // An empty folder gives way, one with entries does not.
        disk.rename(staged, path).map(|()| Undo::RenameTo(staged))
    } else {
        disk.rename_new(staged, path).map(|()| Undo::RenameTo(staged))
    };
    let undo = placed.inspect_err(|_| {
        let _ = disk.remove(staged);
    })?;
    if let Err(error) = disk.sync_folder(parent(path)) {
        if let (Err(_), Some(former)) = (undo.run(disk, path, staged), undo.former()) {
            // Neither is lost, and nothing is removed that may be the only one on the disk.
            return Err(both_are_there(&error, former));
        }
        let _ = disk.remove(staged);
        return Err(error);
    }
    match undo.former() {
        Some(former) => disk
            .remove(former)
            .map_err(|error| both_are_there(&error, former)),
        None => Ok(()),
    }
}

fn both_are_there(error: &io::Error, former: &Path) -> io::Error {
    let text = format!(
        "the new one is in place, but {}, the former one, cannot be removed",
        former.display()
    );
    let error = io::Error::new(error.kind(), format!("{text}: {error}"));
    NotWritten::caused_by(error, Left::Whole)
}

/// How a name gets back what it had.
enum Undo<'a> {
    RenameTo(&'a Path),
    Exchange(&'a Path),
    /// The former one has this name.
    PutBack(PathBuf),
    /// It is gone.
    Nothing,
}

impl Undo<'_> {
    /// An error leaves both where they were.
    fn run(&self, disk: &impl Disk, path: &Path, staged: &Path) -> io::Result<()> {
        match self {
            // Nothing had the name.
            Undo::RenameTo(staged) => disk.rename(path, staged).or_else(|_| disk.remove(path)),
            Undo::Exchange(staged) => disk.exchange(staged, path),
            Undo::PutBack(former) => {
                disk.rename(path, staged)?;
                disk.rename(former, path)
            }
            Undo::Nothing => Ok(()),
        }
    }

    fn former(&self) -> Option<&Path> {
        match self {
            Undo::Exchange(former) => Some(former),
            Undo::PutBack(former) => Some(former),
            Undo::RenameTo(_) | Undo::Nothing => None,
        }
    }
}

fn take_place<'a>(disk: &impl Disk, staged: &'a Path, path: &Path) -> io::Result<Undo<'a>> {
    match disk.exchange(staged, path) {
        Ok(()) => return Ok(Undo::Exchange(staged)),
        Err(error) if !is_unsupported(&error) => return Err(error),
        Err(_) => {}
    }
    if !staged.is_dir() {
        return disk.rename(staged, path).map(|()| Undo::Nothing);
    }
    // An empty folder, which gives way, has kept a name that nobody else takes.
    let aside = tempfile::Builder::new().prefix(PREFIX).tempdir_in(parent(path))?;
    let aside = aside.keep();
    disk.rename(path, &aside).inspect_err(|_| {
        let _ = fs::remove_dir(&aside);
    })?;
    disk.rename(staged, path).map_err(|error| {
        if disk.rename(&aside, path).is_ok() {
            return error;
        }
        let text = format!("{error}; the former one is whole, and called {}", aside.display());
        io::Error::new(error.kind(), text)
    })?;
    Ok(Undo::PutBack(aside))
}

/// The folder that holds `path`.
pub(crate) fn parent(path: &Path) -> &Path {
    path.parent()
        .filter(|it| !it.as_os_str().is_empty())
        .unwrap_or(Path::new("."))
}

/// A file system that cannot sync folders, and a folder that we may write but not read, are no failures: so does
/// PostgreSQL (`fsync_fname_ext`).
fn sync_folder(folder: &Path) -> io::Result<()> {
    let synced = match File::open(folder) {
        Ok(folder) => folder.sync_all(),
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied => Ok(()),
        Err(error) => Err(error),
    };
    synced.or_else(|error| match error.raw_os_error().map(Errno::from_raw_os_error) {
        Some(Errno::INVAL | Errno::BADF) => Ok(()),
        _ => Err(error),
    })
}

fn rename_new(from: &Path, to: &Path) -> io::Result<()> {
    match rustix::fs::renameat_with(CWD, from, CWD, to, RenameFlags::NOREPLACE).map_err(io::Error::from) {
        Err(error) if is_unsupported(&error) => match fs::hard_link(from, to) {
            Ok(()) => fs::remove_file(from),
            // EPERM: the file system has no second names for a file.
            Err(error) if is_unsupported(&error) || error.kind() == io::ErrorKind::PermissionDenied => {
                rename_if_free(from, to)
            }
            Err(error) => Err(error),
        },
        renamed => renamed,
    }
}

/// Where the file system can promise no more: somebody who takes the name between both steps loses it to us.
fn rename_if_free(from: &Path, to: &Path) -> io::Result<()> {
    match fs::symlink_metadata(to) {
        Ok(_) => Err(io::ErrorKind::AlreadyExists.into()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => fs::rename(from, to),
        Err(error) => Err(error),
    }
}

/// Whether the kernel or the file system does not know the kind of rename that was asked for.
fn is_unsupported(error: &io::Error) -> bool {
    let code = error.raw_os_error().map(Errno::from_raw_os_error);
    matches!(code, Some(Errno::INVAL | Errno::NOSYS | Errno::OPNOTSUPP))
}

fn remove(path: &Path) -> io::Result<()> {
    if path.is_dir() {
        fs::remove_dir_all(path)
    } else {
        fs::remove_file(path)
    }
}

/// Removes what is under way when the tool is interrupted, until it gets its name.
#[derive(Debug)]
pub(crate) struct Staged {
    state: Arc<Mutex<State>>,
    _guard: Option<crate::InterruptGuard>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    UnderWay,
    Removed,
    Publishing,
}

impl Staged {
    fn guarded(path: &Path) -> Self {
        let state = Arc::new(Mutex::new(State::UnderWay));
        let (shared, path) = (Arc::clone(&state), path.to_owned());
        let guard = crate::on_interrupt(move || {
            let mut state = lock(&shared);
            if *state != State::Publishing {
                let _ = remove(&path);
                *state = State::Removed;
            }
        });
        Staged {
            state,
            _guard: Some(guard),
        }
    }

    /// From now on an interrupt removes nothing: what has the temporary name may soon be what had the other one.
    pub(crate) fn begin_publishing(&self) -> io::Result<()> {
        let mut state = lock(&self.state);
        if *state == State::Removed {
            return Err(io::ErrorKind::Interrupted.into());
        }
        *state = State::Publishing;
        Ok(())
    }
}

fn lock(state: &Mutex<State>) -> MutexGuard<'_, State> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests;
