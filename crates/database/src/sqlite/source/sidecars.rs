//! The files beside a database: which belong to its state, and which SQLite made for us alone.
//!
//! A reader of a database in WAL mode needs `-shm`, and SQLite makes it, with an empty `-wal`, where there is none. A
//! reader that may not write leaves both behind. They are removed as SQLite's last connection removes them: under a
//! lock that nobody has who has the database open.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use rustix::fs::{Access, FlockOperation, StatVfsMountFlags};

/// Suffixes of the files that belong to a database's state. The shared-memory index `-shm` is made anew.
pub(super) const STATE: [&str; 2] = ["-wal", "-journal"];

/// Suffixes of the files that a reader in WAL mode makes.
const MADE_FOR_READING: [&str; 2] = ["-shm", "-wal"];

pub(super) fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    name.into()
}

/// Bytes at the head of a database, a log and a journal that say which state it is: counters of changes, salts.
const HEAD_BYTES: u64 = 100;

/// By what a change of one file is seen. Its time alone may stand still for the tick of a clock, or be another
/// machine's.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Mark {
    pub(super) bytes: u64,
    pub(super) modified: SystemTime,
    /// When anything of the file changed, its times too: seconds and nanoseconds.
    changed: (i64, i64),
    head: Vec<u8>,
}

/// The marks of the file and its sidecars. No connection of this process may have it open.
pub(super) fn state_of(path: &Path) -> io::Result<Vec<Option<Mark>>> {
    let paths = std::iter::once(path.to_owned()).chain(STATE.map(|suffix| with_suffix(path, suffix)));
    paths
        .map(|path| match mark_of(&path) {
            Ok(mark) => Ok(Some(mark)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        })
        .collect()
}

fn mark_of(path: &Path) -> io::Result<Mark> {
    let metadata = fs::metadata(path)?;
    // A pipe would wait for ever.
    if !metadata.is_file() {
        return Err(io::Error::other(format!("{} is no file", path.display())));
    }
    let file = File::open(path)?;
    let mut head = Vec::new();
    file.take(HEAD_BYTES).read_to_end(&mut head)?;
    Ok(Mark {
        bytes: metadata.len(),
        modified: metadata.modified()?,
        changed: (metadata.ctime(), metadata.ctime_nsec()),
        head,
    })
}

/// What can be done about the files that a reader in WAL mode needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Room {
    /// They are there, or can be made and removed again.
    Enough,
    /// The file is on a file system that nobody can write to, and has no log and no journal: it is complete as it is.
    Immutable,
    /// They could not be made, or not be removed safely.
    None,
}

/// Who may write to the file system that a file is on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Mount {
    Writable,
    /// Read-only by this path. The same file may be written by another one, or by another machine.
    ReadOnly,
    /// Of a kind that has no way to write.
    Unchanging,
}

/// File systems that are made once and never changed, by their numbers in `linux/magic.h`: ISO 9660, `SquashFS`, EROFS,
/// cramfs.
#[cfg(target_os = "linux")]
const UNCHANGING: [u64; 4] = [0x9660, 0x7371_7368, 0xe0f5_e1e2, 0x28cd_3d45];

impl Mount {
    pub(super) fn of(path: &Path) -> Mount {
        if !rustix::fs::statvfs(path).is_ok_and(|it| it.f_flag.contains(StatVfsMountFlags::RDONLY)) {
            return Mount::Writable;
        }
        #[cfg(target_os = "linux")]
        if rustix::fs::statfs(path)
            .is_ok_and(|it| u64::try_from(it.f_type).is_ok_and(|it| UNCHANGING.contains(&it)))
        {
            return Mount::Unchanging;
        }
        Mount::ReadOnly
    }
}

/// Looks at a database in WAL mode.
pub(super) fn room_for_reading(path: &Path, mount: Mount) -> Room {
    let is_there = |suffix: &str| with_suffix(path, suffix).exists();
    match mount {
        Mount::Unchanging if !STATE.into_iter().any(is_there) => return Room::Immutable,
        Mount::ReadOnly | Mount::Unchanging => return Room::None,
        Mount::Writable => {}
    }
    if MADE_FOR_READING.into_iter().all(is_there) {
        return Room::Enough;
    }
    let folder = path
        .parent()
        .filter(|it| !it.as_os_str().is_empty())
        .unwrap_or(Path::new("."));
    let may_write = |path: &Path| rustix::fs::access(path, Access::WRITE_OK).is_ok();
    if may_write(folder) && may_write(path) {
        Room::Enough
    } else {
        Room::None
    }
}

/// Removes, when it is dropped, what SQLite made beside a database; it must live longer than the connection.
#[derive(Debug, Default)]
pub(super) struct MadeBeside {
    path: PathBuf,
    absent: Vec<PathBuf>,
}

impl MadeBeside {
    /// Notes what is not there before the database is opened.
    pub(super) fn note(path: &Path) -> MadeBeside {
        let absent = MADE_FOR_READING
            .map(|suffix| with_suffix(path, suffix))
            .into_iter()
            .filter(|it| !it.exists())
            .collect();
        MadeBeside {
            path: path.to_owned(),
            absent,
        }
    }
}

impl Drop for MadeBeside {
    fn drop(&mut self) {
        if !self.absent.iter().any(|it| it.exists()) {
            return;
        }
        // Whoever has the database open holds a shared lock on it, in WAL mode too.
        let Some(_lock) = lock_alone(&self.path) else {
            return;
        };
        let log = with_suffix(&self.path, "-wal");
        for made in &self.absent {
            // A log that holds something is somebody's.
            if *made != log || fs::metadata(made).is_ok_and(|it| it.len() == 0) {
                let _ = fs::remove_file(made);
            }
        }
    }
}

fn lock_alone(path: &Path) -> Option<File> {
    let file = OpenOptions::new().read(true).write(true).open(path).ok()?;
    rustix::fs::fcntl_lock(&file, FlockOperation::NonBlockingLockExclusive).ok()?;
    Some(file)
}
