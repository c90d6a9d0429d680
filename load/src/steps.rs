//! Work that is done once, whatever happens: a step runs in a transaction that notes it in the journal. A session that
//! is lost is opened again, a lost answer is settled by the journal, and a step that was done is not done again.

use std::time::Duration;

use cli::{Failure, Result};
use postgres::{Client, Transaction};

use crate::journal::{self, Loaded, Run, Step};
use crate::target::{Session, Target, failed};

/// How often a step is tried that a deadlock, a lock or the end of its session has stopped.
pub(crate) const TRIES: u32 = 5;

/// The longest pause before the second try; it doubles for each one after that.
const PAUSE: Duration = Duration::from_millis(200);

/// A run with what of it was done before this process.
#[derive(Clone, Copy)]
pub(crate) struct Steps<'a> {
    pub(crate) run: &'a Run,
    pub(crate) loaded: &'a Loaded,
}

impl Steps<'_> {
    /// Does a step on a session of its own.
    pub(crate) fn once(
        self,
        session: &mut Session,
        step: &Step,
        work: impl Fn(&mut Transaction<'_>) -> Result<()>,
    ) -> Result<()> {
        if self.loaded.has_step(step) {
            return Ok(());
        }
        let is_done = |session: &mut Session| journal::has_step(session, self.run, step);
        let attempt = |session: &mut Session| self.attempt(session, step, &work);
        retry(session, attempt, Session::renew, is_done)?;
        session.promised().note_step(step);
        Ok(())
    }

    /// Does a step on the session that has the locks.
    pub(crate) fn once_in_order(
        self,
        target: &mut Target,
        step: &Step,
        work: impl Fn(&mut Transaction<'_>) -> Result<()>,
    ) -> Result<()> {
        if self.loaded.has_step(step) {
            return Ok(());
        }
        let is_done = |target: &mut Target| journal::has_step(target.client(), self.run, step);
        let attempt = |target: &mut Target| self.attempt(target.client(), step, &work);
        retry(target, attempt, Target::renew, is_done)?;
        target.promised().note_step(step);
        Ok(())
    }

    fn attempt(
        self,
        client: &mut Client,
        step: &Step,
        work: impl Fn(&mut Transaction<'_>) -> Result<()>,
    ) -> Result<()> {
        let failing = "a transaction could not be used";
        let mut transaction = client.transaction().map_err(|error| failed(failing, error))?;
        journal::hold(&mut transaction, self.run)?;
        work(&mut transaction)?;
        journal::note_step(&mut transaction, self.run, step)?;
        transaction.commit().map_err(|error| failed(failing, error))
    }
}

/// Tries again what may succeed then. `is_done` is asked after a session was lost: the answer to COMMIT may have been
/// lost with it.
pub(crate) fn retry<S>(
    session: &mut S,
    attempt: impl Fn(&mut S) -> Result<()>,
    renew: impl Fn(&mut S, Failure) -> Result<()>,
    is_done: impl Fn(&mut S) -> Result<bool>,
) -> Result<()> {
    for tries in 1..TRIES {
        match attempt(session) {
            Err(failure) if failure.is_transient() => {
                cli::check_interrupt()?;
                std::thread::sleep((PAUSE * 2_u32.pow(tries - 1)).mul_f64(fastrand::f64()));
            }
            Err(failure) if failure.is_lost_session() => {
                cli::check_interrupt()?;
                renew(session, failure)?;
                if is_done(session)? {
                    return Ok(());
                }
            }
            ended => return ended,
        }
    }
    attempt(session)
}
