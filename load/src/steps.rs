//! Work that is done once, whatever happens: statements run in a transaction that notes each in the journal. A session that
//! is lost is opened again, a lost answer is settled by the journal, and what was done is not done again.

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
    /// Does, on a session of its own, what of `statements` is not done: `work` gets them.
    pub(crate) fn once(
        self,
        session: &mut Session,
        phase: &str,
        statements: &[&str],
        work: impl Fn(&mut Transaction<'_>, &[&str]) -> Result<()>,
    ) -> Result<()> {
        let Some(left) = self.left(phase, statements) else {
            return Ok(());
        };
        let is_done = |session: &mut Session| left.is_done(session, self.run);
        let attempt = |session: &mut Session| self.attempt(session, &left, &work);
        retry(session, attempt, Session::renew, is_done)?;
        left.steps.iter().for_each(|it| session.promised().note_step(it));
        Ok(())
    }

    /// The same on the session that has the locks.
    pub(crate) fn once_in_order(
        self,
        target: &mut Target,
        phase: &str,
        statements: &[&str],
        work: impl Fn(&mut Transaction<'_>, &[&str]) -> Result<()>,
    ) -> Result<()> {
        let Some(left) = self.left(phase, statements) else {
            return Ok(());
        };
        let is_done = |target: &mut Target| left.is_done(target.client(), self.run);
        let attempt = |target: &mut Target| self.attempt(target.client(), &left, &work);
        retry(target, attempt, Target::renew, is_done)?;
        left.steps.iter().for_each(|it| target.promised().note_step(it));
        Ok(())
    }

    /// Whether a statement was done before this process.
    pub(crate) fn has(self, phase: &str, statement: &str) -> bool {
        self.loaded.has_step(&Step::new(phase, [statement]))
    }

    /// Each statement is a step by itself, so that nothing depends on how they are put into transactions. None where
    /// all are done.
    fn left<'s>(self, phase: &str, statements: &[&'s str]) -> Option<Left<'s>> {
        let mut left = Left::default();
        for statement in statements {
            let step = Step::new(phase, [*statement]);
            if !self.loaded.has_step(&step) {
                left.statements.push(statement);
                left.steps.push(step);
            }
        }
        (!left.steps.is_empty()).then_some(left)
    }

    fn attempt(
        self,
        client: &mut Client,
        left: &Left<'_>,
        work: impl Fn(&mut Transaction<'_>, &[&str]) -> Result<()>,
    ) -> Result<()> {
        let failing = "a transaction could not be used";
        let mut transaction = client.transaction().map_err(|error| failed(failing, error))?;
        journal::hold(&mut transaction, self.run)?;
        work(&mut transaction, &left.statements)?;
        journal::note_steps(&mut transaction, self.run, &left.steps)?;
        transaction.commit().map_err(|error| failed(failing, error))
    }
}

/// Statements that are not done.
#[derive(Default)]
struct Left<'a> {
    statements: Vec<&'a str>,
    steps: Vec<Step>,
}

impl Left<'_> {
    /// Whether they were committed, as the journal says. One tells it for all.
    fn is_done(&self, client: &mut Client, run: &Run) -> Result<bool> {
        self.steps
            .last()
            .map_or(Ok(true), |step| journal::has_step(client, run, step))
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
