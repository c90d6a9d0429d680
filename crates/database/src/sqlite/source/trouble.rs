//! What SQLite's refusals mean for whoever moves the file.

use std::fs::File;
use std::path::Path;
use std::time::Duration;

use rusqlite::ErrorCode;
use rusqlite::ffi;
use rustix::process::{Flock, FlockType, fcntl_getlk};

use super::session::is_busy;
use super::sidecars::with_suffix;
use crate::{Error, ErrorKind};

/// The bytes that SQLite locks in place of the whole file: <https://sqlite.org/lockingv3.html>.
const PENDING_BYTE: u64 = 0x4000_0000;
const SHARED_FIRST: u64 = PENDING_BYTE + 2;
const SHARED_LENGTH: u64 = 510;

/// A failed read, told apart by whether the file is at fault.
pub(in crate::sqlite) fn read_error(context: String, error: rusqlite::Error) -> Error {
    let code = error.sqlite_error_code();
    let kind = match code {
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
    let hint = way_out(&error.to_string(), code);
    let failed = Error::new(kind, context).with_source(error);
    match hint {
        Some(hint) => failed.with_hint(hint),
        None => failed,
    }
}

/// What helps, by SQLite's words first: while it reads a schema it gives every trouble the code of damage.
fn way_out(said: &str, code: Option<ErrorCode>) -> Option<&'static str> {
    const MISSING: [&str; 4] = [
        "unsafe use of",
        "no such function",
        "no such collation",
        "prohibited in",
    ];
    const BEYOND: [&str; 4] = ["too big", "too large", "too many", "too complex"];
    const DAMAGED: &str =
        "the file is damaged: restore it from a backup, or read what can be read with --salvage";
    let says = |words: &[&str]| words.iter().any(|it| said.contains(it));
    if says(&MISSING) {
        return Some(
            "a generated column, a CHECK or an index calls what only its application has, or what a file may not call: \
             make it an ordinary column in a copy of the file",
        );
    }
    if says(&BEYOND) || code == Some(ErrorCode::TooBig) {
        return Some(
            "a value, a row or a definition goes beyond what is read of an unknown file: shorten or simplify it in a copy of \
             the file",
        );
    }
    match code? {
        ErrorCode::DatabaseCorrupt => Some(DAMAGED),
        ErrorCode::SystemIoFailure => {
            Some("the disk or the file system does not give the file's bytes: copy the file elsewhere first")
        }
        _ => None,
    }
}

/// A file that could not be opened, after `waited` where somebody had it locked.
pub(super) fn open_error(path: &Path, waited: Duration, error: rusqlite::Error) -> Error {
    let shown = path.display();
    if !is_busy(&error) {
        let context = match &error {
            rusqlite::Error::SqliteFailure(_, Some(said))
                if said.starts_with("malformed database schema") =>
            {
                format!("cannot read the schema of {shown}")
            }
            _ => format!("cannot open the SQLite database {shown}"),
        };
        return read_error(context, error);
    }
    let seconds = waited.as_secs_f64();
    let (state, hint) = holder(path, &error);
    let message = format!("{shown} is locked: {state}; waited {seconds} s");
    Error::new(ErrorKind::File, message)
        .with_hint(hint)
        .with_source(error)
}

/// Who holds the lock, and what helps. The file is opened here: no connection of this process may have it open.
fn holder(path: &Path, error: &rusqlite::Error) -> (String, &'static str) {
    const WAIT: &str =
        "wait longer with --busy-timeout, or try again when the application that writes it is idle";
    if let rusqlite::Error::SqliteFailure(failure, _) = error
        && failure.extended_code == ffi::SQLITE_BUSY_RECOVERY
    {
        return ("another process recovers its write-ahead log".to_owned(), WAIT);
    }
    let blocked = |start, length| {
        let mut wanted = Flock::from(FlockType::ReadLock);
        (wanted.start, wanted.length) = (start, length);
        let file = File::open(path).ok()?;
        let lock = fcntl_getlk(&file, &wanted).ok()??;
        let process = lock
            .pid
            .map_or(String::new(), |it| format!(" (process {})", it.as_raw_nonzero()));
        Some(process)
    };
    if let Some(process) = blocked(SHARED_FIRST, SHARED_LENGTH) {
        let way = if with_suffix(path, "-wal").exists() {
            "the application has it for itself alone (locking_mode = EXCLUSIVE): stop the application"
        } else {
            "stop the application if it keeps the file for itself alone (locking_mode = EXCLUSIVE); else wait longer with --busy-timeout"
        };
        return (format!("a writer has an exclusive lock{process}"), way);
    }
    if let Some(process) = blocked(PENDING_BYTE, 1) {
        let state = format!("a writer is about to commit and lets no new reader in{process}");
        return (state, WAIT);
    }
    ("a writer has it".to_owned(), WAIT)
}
