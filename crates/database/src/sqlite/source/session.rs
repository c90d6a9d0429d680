//! A connection to an untrusted file and the transaction that everything is read in.

use std::fmt::Write;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::time::{Duration, Instant};

use rusqlite::config::DbConfig;
use rusqlite::limits::Limit;
use rusqlite::{Connection, ErrorCode, OpenFlags};

use super::interrupter::Interrupter;

/// Between two tries for a lock.
const NAP: Duration = Duration::from_millis(20);

/// What SQLite may be made to do by a file, `docs/type-mapping.md` has them too. Where none is given the library's own
/// holds; <https://sqlite.org/security.html> asks for small ones.
const LIMITS: [(Limit, i32); 10] = [
    // Bytes of a value, and of a row.
    (Limit::SQLITE_LIMIT_LENGTH, 1_000_000_000),
    // Bytes of one definition.
    (Limit::SQLITE_LIMIT_SQL_LENGTH, 1_000_000),
    (Limit::SQLITE_LIMIT_COLUMN, 2_000),
    (Limit::SQLITE_LIMIT_EXPR_DEPTH, 1_000),
    (Limit::SQLITE_LIMIT_VDBE_OP, 250_000),
    (Limit::SQLITE_LIMIT_FUNCTION_ARG, 127),
    (Limit::SQLITE_LIMIT_LIKE_PATTERN_LENGTH, 1_000),
    (Limit::SQLITE_LIMIT_VARIABLE_NUMBER, 100),
    (Limit::SQLITE_LIMIT_ATTACHED, 0),
    (Limit::SQLITE_LIMIT_WORKER_THREADS, 0),
];

/// For pages that are read again, such as those of a parent's keys. SQLite's own 2 MiB make a foreign key into a large
/// table many times as slow.
const CACHE_KIB: i32 = 16 << 10;

/// How a file is reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Access {
    /// Where it is, as one of its readers.
    InPlace,
    /// Where it is, without locks: nobody can write to it.
    Immutable,
    /// A copy of ours, which SQLite may recover.
    Copy,
}

/// Opens and begins the transaction; its first read fixes the state that all later ones see. A lock that is in the
/// way is waited for.
pub(super) fn begin(
    path: &Path,
    access: Access,
    wait: Duration,
    interrupter: &Interrupter,
) -> rusqlite::Result<Connection> {
    let connection = open(path, access)?;
    harden(&connection)?;
    interrupter.watch(&connection);
    connection.execute_batch(
        "PRAGMA query_only = ON; PRAGMA cell_size_check = ON; PRAGMA ignore_check_constraints = ON",
    )?;
    // Its own waiting cannot be ended from outside; the library begins with five seconds of it.
    connection.busy_timeout(Duration::ZERO)?;
    let end = Instant::now() + wait;
    loop {
        let begun = connection
            .execute_batch("BEGIN")
            .and_then(|()| connection.query_row("SELECT count(*) FROM sqlite_schema", [], |_| Ok(())));
        match begun {
            Err(error) if is_busy(&error) && Instant::now() < end && !interrupter.is_asked() => {
                if !connection.is_autocommit() {
                    connection.execute_batch("ROLLBACK")?;
                }
                std::thread::sleep(NAP);
            }
            Err(error) => return Err(error),
            Ok(()) => break,
        }
    }
    // It reads the schema, so it could wait for a lock before.
    connection.pragma_update(None, "cache_size", -CACHE_KIB)?;
    connection.busy_timeout(wait)?;
    Ok(connection)
}

fn open(path: &Path, access: Access) -> rusqlite::Result<Connection> {
    // A relative name could begin with `file:`, and would be a URI with options of its own.
    let path = std::path::absolute(path).map_err(|_| rusqlite::Error::InvalidPath(path.to_owned()))?;
    let read_only = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    match access {
        Access::InPlace => Connection::open_with_flags(path, read_only),
        Access::Copy => {
            let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
            Connection::open_with_flags(path, flags)
        }
        Access::Immutable => {
            Connection::open_with_flags(uri(&path, "immutable=1"), read_only | OpenFlags::SQLITE_OPEN_URI)
        }
    }
}

/// <https://sqlite.org/uri.html>
pub(super) fn uri(path: &Path, options: &str) -> String {
    let mut uri = String::from("file://");
    for &byte in path.as_os_str().as_bytes() {
        if byte.is_ascii_alphanumeric() || b"/-_.".contains(&byte) {
            uri.push(char::from(byte));
        } else {
            let _ = write!(uri, "%{byte:02X}");
        }
    }
    uri + "?" + options
}

/// <https://sqlite.org/security.html>, "Untrusted SQLite Database Files".
fn harden(connection: &Connection) -> rusqlite::Result<()> {
    for (config, value) in [
        (DbConfig::SQLITE_DBCONFIG_DEFENSIVE, true),
        (DbConfig::SQLITE_DBCONFIG_TRUSTED_SCHEMA, false),
        (DbConfig::SQLITE_DBCONFIG_ENABLE_TRIGGER, false),
        (DbConfig::SQLITE_DBCONFIG_ENABLE_VIEW, false),
        (DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true),
    ] {
        connection.set_db_config(config, value)?;
    }
    limit(connection)
}

pub(super) fn limit(connection: &Connection) -> rusqlite::Result<()> {
    for (limit, value) in LIMITS {
        connection.set_limit(limit, value)?;
    }
    Ok(())
}

pub(super) fn is_busy(error: &rusqlite::Error) -> bool {
    matches!(
        error.sqlite_error_code(),
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked)
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_in_uris_have_no_signs_of_their_own() {
        assert_eq!(
            uri(Path::new("/a b/ü?x#y.db"), "immutable=1"),
            "file:///a%20b/%C3%BC%3Fx%23y.db?immutable=1"
        );
    }
}
