//! A SQLite file opened for reading: one connection, one read transaction, nothing written.

use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use rusqlite::config::DbConfig;
use rusqlite::{Connection, ErrorCode, OpenFlags};
use tempfile::TempDir;

use crate::private_folder::private_folder;
use crate::{Error, ErrorKind, Result};

const HEADER: &[u8; 16] = b"SQLite format 3\0";

/// How long a writer that holds the file may keep us waiting.
const BUSY_TIMEOUT: Duration = Duration::from_secs(10);

/// Suffixes of the files that belong to a database's state. The shared-memory index `-shm` is made anew.
const SIDECARS: [&str; 2] = ["-wal", "-journal"];

/// A SQLite database at one moment: everything is read within one transaction that begins with
/// [`SqliteSource::open`] and ends when the value is dropped.
///
/// In rollback-journal mode no writer can commit as long as it lives.
#[derive(Debug)]
pub struct SqliteSource {
    // Declared before the folder: the connection must be closed before its file is removed.
    connection: Connection,
    copy: Option<TempDir>,
    path: PathBuf,
}

/// Whether the file begins with SQLite's header. An empty file, which SQLite would take for an empty
/// database, does not.
pub fn is_sqlite_file(path: &Path) -> io::Result<bool> {
    let mut header = Vec::with_capacity(HEADER.len());
    File::open(path)?
        .take(HEADER.len() as u64)
        .read_to_end(&mut header)?;
    Ok(header == HEADER)
}

impl SqliteSource {
    /// Opens the file and begins the transaction. [`SqliteSource::inspect`] checks the file for damage.
    ///
    /// Where SQLite would have to write to the file or beside it before it could read (a hot rollback journal,
    /// a write-ahead log in a folder that cannot be written), the file and its sidecars are copied to a
    /// temporary folder first: see [`SqliteSource::copied`].
    pub fn open(path: &Path) -> Result<SqliteSource> {
        let shown = path.display();
        match is_sqlite_file(path) {
            Ok(true) => {}
            Ok(false) => {
                return Err(Error::new(ErrorKind::File, format!("{shown} is not a SQLite database"))
                    .with_hint("the file does not begin with SQLite's header; an encrypted database must be decrypted first"));
            }
            Err(error) => {
                return Err(
                    Error::new(ErrorKind::File, format!("cannot read the file {shown}")).with_source(error),
                );
            }
        }
        let (connection, copy) = match begin(path, OpenFlags::SQLITE_OPEN_READ_ONLY) {
            Ok(connection) => (connection, None),
            Err(error) if wants_to_write(&error) => {
                let copy = copy_with_sidecars(path)?;
                let connection = begin(&copy.path().join(COPY_NAME), OpenFlags::SQLITE_OPEN_READ_WRITE)
                    .map_err(open_error(path))?;
                (connection, Some(copy))
            }
            Err(error) => return Err(open_error(path)(error)),
        };
        Ok(SqliteSource {
            connection,
            copy,
            path: path.to_owned(),
        })
    }

    /// Whether a copy of the file is read because SQLite could not have read the file without writing.
    pub fn copied(&self) -> bool {
        self.copy.is_some()
    }

    /// The path that was given, also where a copy is read.
    pub fn path(&self) -> &Path {
        &self.path
    }

    pub(super) fn connection(&self) -> &Connection {
        &self.connection
    }

    /// The check for damage on a connection of its own, which can run on another thread while this source is read.
    /// `None` where there can be no second connection: a writer that waits for us to end lets nobody else begin.
    pub(super) fn damage_check_beside(&self) -> Option<DamageCheck> {
        let file = match &self.copy {
            Some(copy) => copy.path().join(COPY_NAME),
            None => self.path.clone(),
        };
        let connection = begin(&file, OpenFlags::SQLITE_OPEN_READ_ONLY).ok()?;
        Some(DamageCheck {
            connection,
            path: self.path.clone(),
        })
    }

    pub(super) fn check_for_damage(&self) -> Result<()> {
        check_for_damage(&self.connection, &self.path)
    }
}

/// See [`SqliteSource::damage_check_beside`].
#[derive(Debug)]
pub(super) struct DamageCheck {
    connection: Connection,
    /// What the file is called, also where a copy is read.
    path: PathBuf,
}

impl DamageCheck {
    pub(super) fn run(self) -> Result<()> {
        check_for_damage(&self.connection, &self.path)
    }
}

/// Looks at every page.
fn check_for_damage(connection: &Connection, path: &Path) -> Result<()> {
    let context = || format!("cannot check {} for damage", path.display());
    let mut statement = connection
        .prepare("PRAGMA quick_check")
        .map_err(|error| read_error(context(), error))?;
    let answers = statement.query_map([], |row| row.get::<_, String>(0));
    for answer in answers.map_err(|error| read_error(context(), error))? {
        let answer = answer.map_err(|error| read_error(context(), error))?;
        if answer != "ok" && !is_about_a_row(&answer) {
            return Err(damaged(path).with_source(answer));
        }
    }
    Ok(())
}

/// Whether `quick_check` found only that a row breaks a constraint of its table: the file itself is sound.
fn is_about_a_row(answer: &str) -> bool {
    answer.starts_with("CHECK constraint failed in ")
        || answer.split_once(" value in ").is_some_and(|(kind, _)| {
            matches!(kind, "NULL" | "NUMERIC" | "TEXT" | "BLOB") || kind.starts_with("non-")
        })
}

/// A failed read, told apart by whether the file is at fault.
pub(super) fn read_error(context: String, error: rusqlite::Error) -> Error {
    let kind = match error.sqlite_error_code() {
        Some(
            ErrorCode::DatabaseCorrupt
            | ErrorCode::NotADatabase
            | ErrorCode::SystemIoFailure
            | ErrorCode::CannotOpen
            | ErrorCode::PermissionDenied
            | ErrorCode::DatabaseBusy,
        ) => ErrorKind::File,
        _ => ErrorKind::Query,
    };
    Error::new(kind, context).with_source(error)
}

fn damaged(path: &Path) -> Error {
    Error::new(ErrorKind::File, format!("{} is damaged", path.display()))
        .with_hint("restore it from a backup, or save what is readable with `.recover` of the sqlite3 shell")
}

fn open_error(path: &Path) -> impl FnOnce(rusqlite::Error) -> Error {
    move |error| match error.sqlite_error_code() {
        Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => damaged(path).with_source(error),
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => Error::new(
            ErrorKind::File,
            format!("{} is locked by a writer", path.display()),
        )
        .with_hint("try again when the application that writes it is idle or stopped")
        .with_source(error),
        _ => read_error(
            format!("cannot open the SQLite database {}", path.display()),
            error,
        ),
    }
}

/// Opens and begins the transaction; its first read fixes the state that all later ones see.
fn begin(path: &Path, access: OpenFlags) -> rusqlite::Result<Connection> {
    let connection = Connection::open_with_flags(path, access | OpenFlags::SQLITE_OPEN_NO_MUTEX)?;
    connection.busy_timeout(BUSY_TIMEOUT)?;
    // https://sqlite.org/security.html, "Untrusted SQLite Database Files".
    for (config, value) in [
        (DbConfig::SQLITE_DBCONFIG_DEFENSIVE, true),
        (DbConfig::SQLITE_DBCONFIG_TRUSTED_SCHEMA, false),
        (DbConfig::SQLITE_DBCONFIG_ENABLE_TRIGGER, false),
        (DbConfig::SQLITE_DBCONFIG_ENABLE_VIEW, false),
        (DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true),
    ] {
        connection.set_db_config(config, value)?;
    }
    connection.execute_batch("PRAGMA query_only = ON; PRAGMA cell_size_check = ON; BEGIN")?;
    connection.query_row("SELECT count(*) FROM sqlite_schema", [], |_| Ok(()))?;
    Ok(connection)
}

fn wants_to_write(error: &rusqlite::Error) -> bool {
    matches!(
        error.sqlite_error_code(),
        Some(ErrorCode::CannotOpen | ErrorCode::ReadOnly)
    )
}

const COPY_NAME: &str = "copy.sqlite";

/// Copies the database with its sidecars; refuses when somebody writes meanwhile, since the parts would not
/// be of one state.
fn copy_with_sidecars(path: &Path) -> Result<TempDir> {
    let failed = |error: io::Error| {
        Error::new(ErrorKind::File, format!("cannot copy {} to a temporary folder", path.display()))
            .with_hint("the file needs recovery before it can be read; a copy is recovered instead, in the folder that TMPDIR names")
            .with_source(error)
    };
    let folder = private_folder().map_err(failed)?;
    let before = state_of(path).map_err(failed)?;
    fs::copy(path, folder.path().join(COPY_NAME)).map_err(failed)?;
    for suffix in SIDECARS {
        match fs::copy(
            with_suffix(path, suffix),
            folder.path().join(format!("{COPY_NAME}{suffix}")),
        ) {
            Ok(_) => {}
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
    Ok(folder)
}

/// Length and time of change of the file and its sidecars.
fn state_of(path: &Path) -> io::Result<Vec<Option<(u64, SystemTime)>>> {
    let paths = std::iter::once(path.to_owned()).chain(SIDECARS.map(|suffix| with_suffix(path, suffix)));
    paths
        .map(|path| match fs::metadata(path) {
            Ok(metadata) => Ok(Some((metadata.len(), metadata.modified()?))),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        })
        .collect()
}

fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    name.into()
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;
    use crate::sqlite::Choices;

    fn make(path: &Path, sql: &str) -> Connection {
        let connection = Connection::open(path).unwrap();
        connection.execute_batch(sql).unwrap();
        connection
    }

    fn count(source: &SqliteSource) -> i64 {
        source
            .connection()
            .query_row("SELECT count(*) FROM t", [], |row| row.get(0))
            .unwrap()
    }

    #[test]
    fn only_the_header_makes_a_sqlite_file() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("f");
        for (content, expected) in [
            (&b""[..], false),
            (b"SQLite format 3", false),
            (b"SQLite format 3\0", true),
            (b"PGDMP", false),
        ] {
            fs::write(&path, content).unwrap();
            assert_eq!(is_sqlite_file(&path).unwrap(), expected);
        }
        assert!(is_sqlite_file(&folder.path().join("absent")).is_err());
    }

    #[test]
    fn absent_file_is_not_created() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("absent");
        assert_eq!(SqliteSource::open(&path).unwrap_err().kind(), ErrorKind::File);
        assert!(!path.exists());
    }

    #[test]
    fn damaged_file_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("damaged");
        make(&path, "CREATE TABLE t (a); INSERT INTO t SELECT hex(randomblob(500)) FROM generate(50)".replace(
            "FROM generate(50)",
            "FROM (WITH RECURSIVE n(x) AS (VALUES(1) UNION ALL SELECT x + 1 FROM n WHERE x < 50) SELECT x FROM n)",
        ).as_str());
        let mut bytes = fs::read(&path).unwrap();
        let middle = bytes.len() / 2 / 4096 * 4096;
        bytes[middle..middle + 4096].fill(0x5a);
        fs::write(&path, bytes).unwrap();
        let source = SqliteSource::open(&path).unwrap();
        assert!(source.check_for_damage().is_err());
        let error = source.inspect(&Choices::default()).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::File);
        assert!(error.to_string().contains("is damaged"), "{error}");
        assert!(error.hint().is_some());
    }

    #[test]
    fn writes_after_the_opening_are_not_seen() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("wal");
        let writer = make(
            &path,
            "PRAGMA journal_mode = WAL; CREATE TABLE t (a); INSERT INTO t VALUES (1)",
        );
        let source = SqliteSource::open(&path).unwrap();
        writer.execute("INSERT INTO t VALUES (2)", []).unwrap();
        assert_eq!(count(&source), 1);
        assert_eq!(count(&SqliteSource::open(&path).unwrap()), 2);
        assert!(!source.copied());
    }

    #[test]
    fn source_cannot_be_written_through() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("f");
        drop(make(&path, "CREATE TABLE t (a)"));
        let source = SqliteSource::open(&path).unwrap();
        assert!(
            source
                .connection()
                .execute("INSERT INTO t VALUES (1)", [])
                .is_err()
        );
    }

    #[test]
    fn hot_journal_is_rolled_back_in_a_copy() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("live");
        let writer = make(
            &path,
            "CREATE TABLE t (a); INSERT INTO t VALUES (1); PRAGMA cache_size = 1; PRAGMA cache_spill = 1",
        );
        writer
            .execute_batch(
                "BEGIN; INSERT INTO t WITH RECURSIVE n(x) AS (VALUES(1) UNION ALL SELECT x + 1 FROM n WHERE x < 5000)
                 SELECT randomblob(500) FROM n",
            )
            .unwrap();
        let crashed = folder.path().join("crashed");
        fs::copy(&path, &crashed).unwrap();
        fs::copy(with_suffix(&path, "-journal"), with_suffix(&crashed, "-journal")).unwrap();
        let before = fs::read(&crashed).unwrap();
        let source = SqliteSource::open(&crashed).unwrap();
        assert!(source.copied());
        let copy = source.copy.as_ref().unwrap().path();
        assert_eq!(fs::metadata(copy).unwrap().permissions().mode() & 0o777, 0o700);
        assert_eq!(count(&source), 1);
        assert!(fs::read(&crashed).unwrap() == before, "the file was written");
        assert!(with_suffix(&crashed, "-journal").exists());
    }
}
