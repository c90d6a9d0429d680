//! Questions to a snapshot whose answers are text: several sessions ask at once, and a question that fails does no harm.

use postgres::SimpleQueryMessage;
use postgres::error::SqlState;

use super::snapshot::{Snapshot, SnapshotSession};
use crate::{Error, Result};

/// A row of an answer; `None` is NULL.
pub type TextRow = Vec<Option<String>>;

/// How long a question waits behind others for a lock that the snapshot's own session may hold.
const QUEUED_FOR: &str = "300ms";

impl SnapshotSession {
    /// The rows of `sql`, one statement; `what` says what it was for. `None` when somebody waits for the snapshot's locks,
    /// behind whom this session would wait too: [`Snapshot::ask`] then. After a failure the session can be asked again.
    pub fn ask(&mut self, sql: &str, what: &str) -> Result<Option<Vec<TextRow>>> {
        let patient = format!("SET LOCAL lock_timeout = '{QUEUED_FOR}'; {sql}; SET LOCAL lock_timeout = 0");
        match self.client().simple_query(&patient) {
            Ok(messages) => Ok(Some(rows(&messages))),
            Err(error) => {
                self.renew()?;
                if error.code() == Some(&SqlState::LOCK_NOT_AVAILABLE) {
                    return Ok(None);
                }
                Err(Error::query(what)(error))
            }
        }
    }
}

impl Snapshot {
    /// The rows of `sql`, one statement; `what` says what it was for. A failure leaves the snapshot as it is.
    pub fn ask(&mut self, sql: &str, what: &str) -> Result<Vec<TextRow>> {
        let client = self.client();
        let guarded = format!("SAVEPOINT question; {sql}; RELEASE SAVEPOINT question");
        match client.simple_query(&guarded) {
            Ok(messages) => Ok(rows(&messages)),
            Err(error) => {
                // Where the session has ended this fails too, and what ended it is told.
                let _ = client.batch_execute("ROLLBACK TO SAVEPOINT question; RELEASE SAVEPOINT question");
                Err(Error::query(what)(error))
            }
        }
    }
}

fn rows(messages: &[SimpleQueryMessage]) -> Vec<TextRow> {
    let rows = messages.iter().filter_map(|it| match it {
        SimpleQueryMessage::Row(row) => Some(row),
        _ => None,
    });
    rows.map(|row| (0..row.len()).map(|at| row.get(at).map(str::to_owned)).collect())
        .collect()
}
