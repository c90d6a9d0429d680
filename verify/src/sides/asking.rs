//! Questions to a live side, asked by as many threads as it has sessions for.

use std::sync::PoisonError;

use cli::{Exit, Failure, Result};
use database::postgres::{SnapshotSession, TextRow};

use crate::sides::Live;

impl Live {
    /// The rows of `sql`, one statement that reads; `what` is the message of a failure.
    pub(crate) fn ask(
        &self,
        sql: &str,
        what: &str,
        failure: fn(database::Error) -> Failure,
    ) -> Result<Vec<TextRow>> {
        let answer = self.with_session(|session| session.ask(sql, what))?;
        match answer.map_err(failure)? {
            Some(rows) => Ok(rows),
            None => self
                .with_snapshot(|snapshot| snapshot.ask(sql, what))
                .map_err(failure),
        }
    }

    /// Lends one of the sessions that see the snapshot.
    pub(crate) fn with_session<T>(&self, work: impl FnOnce(&mut SnapshotSession) -> T) -> Result<T> {
        let session = self.sessions.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let mut session =
            session.ok_or_else(|| Failure::new(Exit::Internal, "more readers than sessions"))?;
        let worked = work(&mut session);
        self.sessions
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push(session);
        Ok(worked)
    }
}
