//! Sessions opened for work that is done beside each other: as many as wanted, or as many as there is room for.

use std::thread;
use std::time::Duration;

use crate::{Result, check_interrupt};

/// A session that has just ended is counted by its server for a moment more, so the first one is tried again.
const TRIES: u32 = 10;
const PAUSE: Duration = Duration::from_millis(100);

/// Calls `open` up to `wanted` times. Where no connection is left (SQLSTATE 53300) those that are open do.
pub fn open_sessions<T>(wanted: usize, mut open: impl FnMut() -> Result<T>) -> Result<Vec<T>> {
    let mut sessions = Vec::new();
    let mut tries = 1;
    while sessions.len() < wanted {
        check_interrupt()?;
        match open() {
            Ok(session) => sessions.push(session),
            Err(failure) if failure.is_too_many_connections() && !sessions.is_empty() => break,
            Err(failure) if failure.is_too_many_connections() && tries < TRIES => {
                tries += 1;
                thread::sleep(PAUSE);
            }
            Err(failure) => return Err(failure),
        }
    }
    Ok(sessions)
}
