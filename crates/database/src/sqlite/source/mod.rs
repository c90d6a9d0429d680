//! A SQLite file opened for reading: one connection, one read transaction, nothing written.
//!
//! While a connection has the file open, nothing else in this process may open and close it: the system drops all
//! locks that a process has on a file when it closes any descriptor of it.

mod copy;
mod damage;
mod header;
mod interrupter;
mod salvage;
mod session;
mod sidecars;
mod trouble;

use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::{Connection, ErrorCode};

use copy::Copy;
use damage::Damage;
use header::Header;
use session::{Access, begin};
use sidecars::{MadeBeside, Mount, Room};
use trouble::open_error;

use super::note::Note;
use crate::{Error, Result};

pub(super) use damage::DamageCheck;
pub use header::{is_sqlite_file, why_no_database};
pub use interrupter::Interrupter;
pub(super) use trouble::read_error;

/// How a file is opened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Opening {
    /// How long a writer that holds the file may keep us waiting.
    pub busy_timeout: Duration,
    /// Whether a damaged file is read as far as it can be.
    pub salvage: bool,
}

impl Default for Opening {
    fn default() -> Self {
        Opening {
            busy_timeout: Duration::from_secs(10),
            salvage: false,
        }
    }
}

/// A SQLite database at one moment: everything is read within one transaction that begins with
/// [`SqliteSource::open`] and ends when the value is dropped.
///
/// In rollback-journal mode no writer can commit as long as it lives.
#[derive(Debug)]
pub struct SqliteSource {
    // Dropped in this order: the connection is closed before files beside it and the copy are removed.
    connection: Connection,
    _made_beside: MadeBeside,
    copy: Option<Copy>,
    path: PathBuf,
    read: PathBuf,
    access: Access,
    interrupter: Interrupter,
    salvaged: bool,
    damage_notes: Vec<Note>,
    lost_rows: bool,
    /// Whether damage was looked for already.
    checked: bool,
}

impl SqliteSource {
    /// Opens the file as [`SqliteSource::open_with`] does, with nothing chosen.
    pub fn open(path: &Path) -> Result<SqliteSource> {
        SqliteSource::open_with(path, &Opening::default(), &Interrupter::default())
    }

    /// Opens the file and begins the transaction. `interrupter` ends all of it, and what is read later. Damage is looked
    /// for by [`SqliteSource::inspect`], or here where what is damaged is to be salvaged.
    ///
    /// Where SQLite would have to write to the file or beside it before it could read (a hot rollback journal,
    /// a write-ahead log in a folder that cannot be written), the file and its sidecars are copied to a
    /// temporary folder first: see [`SqliteSource::copied`].
    pub fn open_with(path: &Path, opening: &Opening, interrupter: &Interrupter) -> Result<SqliteSource> {
        if opening.salvage {
            let header = Header::read(path)?;
            if header.is_truncated(&with_its_sidecars(path)) {
                let damage = Damage::of_truncated(&header);
                return SqliteSource::salvage(path, Some(&damage), opening, interrupter);
            }
        }
        let mut source = match SqliteSource::open_unchecked(path, opening, interrupter) {
            Ok(source) => match missing_end(&source.connection, &source.read) {
                None => source,
                Some(damage) if opening.salvage => {
                    drop(source);
                    return SqliteSource::salvage(path, Some(&damage), opening, interrupter);
                }
                Some(damage) => return Err(damage.to_error(path)),
            },
            Err(error) if opening.salvage && is_about_damage(&error) => {
                return SqliteSource::salvage(path, None, opening, interrupter);
            }
            Err(error) => return Err(error),
        };
        if !opening.salvage {
            return Ok(source);
        }
        match damage::find(&source.connection, path)? {
            None => {
                source.checked = true;
                Ok(source)
            }
            Some(damage) => {
                drop(source);
                SqliteSource::salvage(path, Some(&damage), opening, interrupter)
            }
        }
    }

    fn salvage(
        path: &Path,
        damage: Option<&Damage>,
        opening: &Opening,
        interrupter: &Interrupter,
    ) -> Result<SqliteSource> {
        let salvaged = salvage::salvage(&with_its_sidecars(path), damage, interrupter)?;
        let wait = opening.busy_timeout;
        let connection = begin(&salvaged.database, Access::Copy, wait, interrupter).map_err(|error| {
            read_error(
                format!("cannot read what was salvaged from {}", path.display()),
                error,
            )
        })?;
        Ok(SqliteSource {
            connection,
            _made_beside: MadeBeside::default(),
            copy: Some(salvaged.copy),
            path: path.to_owned(),
            read: salvaged.database,
            access: Access::Copy,
            interrupter: interrupter.clone(),
            salvaged: true,
            damage_notes: salvaged.notes,
            lost_rows: salvaged.lost_rows,
            checked: true,
        })
    }

    fn open_unchecked(path: &Path, opening: &Opening, interrupter: &Interrupter) -> Result<SqliteSource> {
        let header = Header::read(path)?;
        let file = &with_its_sidecars(path);
        let wait = opening.busy_timeout;
        let room = if header.wal {
            sidecars::room_for_reading(file, Mount::of(file))
        } else {
            Room::Enough
        };
        let in_place = match room {
            Room::Enough => Some(Access::InPlace),
            Room::Immutable => Some(Access::Immutable),
            Room::None => None,
        };
        let made_beside = if in_place == Some(Access::InPlace) {
            MadeBeside::note(file)
        } else {
            MadeBeside::default()
        };
        let begun = in_place.map(|access| (access, begin(file, access, wait, interrupter)));
        let (connection, copy, access) = match begun {
            Some((access, Ok(connection))) => (connection, None, access),
            Some((_, Err(error))) if !wants_to_write(&error) => {
                interrupter.check()?;
                return Err(refusal(path, file, wait, error));
            }
            _ => {
                let copy = Copy::make(file, 1, interrupter)?;
                let connection = begin(&copy.database(), Access::Copy, wait, interrupter)
                    .map_err(|error| refusal(path, &copy.database(), wait, error))?;
                (connection, Some(copy), Access::Copy)
            }
        };
        interrupter.check()?;
        Ok(SqliteSource {
            connection,
            _made_beside: made_beside,
            read: copy.as_ref().map_or_else(|| file.clone(), Copy::database),
            copy,
            path: path.to_owned(),
            access,
            interrupter: interrupter.clone(),
            salvaged: false,
            damage_notes: Vec::new(),
            lost_rows: false,
            checked: false,
        })
    }

    /// Whether a copy of the file is read because SQLite could not have read the file without writing.
    pub fn copied(&self) -> bool {
        self.copy.is_some()
    }

    /// Whether the file is damaged and what is read is what could be saved of it.
    pub fn salvaged(&self) -> bool {
        self.salvaged
    }

    /// The path that was given, also where a copy is read.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Whether the file was looked through for damage when it was opened.
    pub(super) fn is_checked(&self) -> bool {
        self.checked
    }

    /// The look at the file's damage on a connection of its own, which can run on another thread while this source is
    /// read. `None` where there can be no second connection: a writer that waits for us to end lets nobody else begin.
    pub(super) fn damage_check_beside(&self) -> Option<DamageCheck> {
        let connection = begin(&self.read, self.access, Duration::ZERO, &self.interrupter).ok()?;
        Some(DamageCheck::new(connection, &self.path))
    }

    /// The same on the source's own connection.
    pub(super) fn check_for_damage(&self) -> Result<()> {
        let damage = damage::find(&self.connection, &self.path)?;
        damage.map_or(Ok(()), |damage| Err(damage.to_error(&self.path)))
    }

    /// Whether rows of a damaged file could not be read; the notes of the inspection tell which.
    pub fn lost_rows(&self) -> bool {
        self.lost_rows
    }

    pub(super) fn damage_notes(&self) -> &[Note] {
        &self.damage_notes
    }

    pub(super) fn connection(&self) -> &Connection {
        &self.connection
    }
}

/// The file beside which SQLite looks for a journal and a log: it follows symbolic links.
fn with_its_sidecars(path: &Path) -> PathBuf {
    std::fs::canonicalize(path).unwrap_or_else(|_| path.to_owned())
}

/// Why `file`, which is read for what stands at `path`, could not be opened.
fn refusal(path: &Path, file: &Path, waited: Duration, error: rusqlite::Error) -> Error {
    match Header::read(file) {
        Ok(header)
            if error.sqlite_error_code() == Some(ErrorCode::DatabaseCorrupt) && header.is_truncated(file) =>
        {
            Damage::of_truncated(&header).to_error(path).with_source(error)
        }
        _ => open_error(path, waited, error),
    }
}

/// What is said where the file that the connection reads, the original or a recovered copy, is shorter than its pages:
/// SQLite itself takes a part of the last page for a page. The log may have pages that the file has not.
fn missing_end(connection: &Connection, file: &Path) -> Option<Damage> {
    let number = |pragma: &str| connection.query_row(pragma, [], |row| row.get::<_, u32>(0)).ok();
    // Opening the files would drop the connection's locks.
    let length = |path: &Path| std::fs::metadata(path).map(|it| it.len());
    let log = length(&sidecars::with_suffix(file, "-wal")).unwrap_or_default();
    let (pages, page_bytes) = (number("PRAGMA page_count")?, number("PRAGMA page_size")?);
    let there = length(file).ok()? / u64::from(page_bytes);
    (log == 0 && there < u64::from(pages)).then(|| Damage::of_missing_end(there, pages))
}

/// Whether the file could not even be opened because of its damage.
fn is_about_damage(error: &Error) -> bool {
    let cause = std::error::Error::source(error).and_then(|it| it.downcast_ref::<rusqlite::Error>());
    cause.is_some_and(|it| it.sqlite_error_code() == Some(ErrorCode::DatabaseCorrupt))
}

fn wants_to_write(error: &rusqlite::Error) -> bool {
    matches!(
        error.sqlite_error_code(),
        Some(ErrorCode::CannotOpen | ErrorCode::ReadOnly)
    )
}

#[cfg(test)]
mod tests;
