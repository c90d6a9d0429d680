//! What the server has called committed without waiting for its disk (`synchronous_commit = off`): when it crashes it
//! may take the last of it back, rows and steps together with what the journal says of them. Whoever opens a session
//! again has to find all of it in the journal before anything else is done.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, PoisonError};

use cli::{Exit, Failure, Result};
use postgres::{Client, Transaction};

use crate::journal::{self, Loaded, Run, Step};
use crate::target::failed;

/// Shared by all sessions of a run.
#[derive(Clone, Debug, Default)]
pub(crate) struct Promised(Arc<Mutex<Parts>>);

#[derive(Debug, Default)]
struct Parts {
    /// None before the run has begun.
    run: Option<Run>,
    /// A table's number and a chunk's.
    chunks: HashSet<(u32, u32)>,
    steps: HashSet<Step>,
}

impl Promised {
    /// From here on there is a journal to look into.
    pub(crate) fn begin(&self, run: &Run) {
        self.change(|parts| parts.run = Some(run.clone()));
    }

    /// The transaction that wrote this chunk was committed.
    pub(crate) fn note_chunk(&self, place: (u32, u32)) {
        self.change(|parts| {
            parts.chunks.insert(place);
        });
    }

    /// The transaction that did this step was committed.
    pub(crate) fn note_step(&self, step: &Step) {
        self.change(|parts| {
            parts.steps.insert(step.clone());
        });
    }

    fn change(&self, change: impl FnOnce(&mut Parts)) {
        change(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner));
    }

    /// Fails where the journal lacks anything. What was written after it stands in the same log behind it, so a run
    /// that is taken up again later is whole as far as its journal goes, unless this process goes on.
    pub(crate) fn check(&self, client: &mut Client) -> Result<()> {
        let parts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(run) = &parts.run else { return Ok(()) };
        let found = Loaded::read(client, run)?;
        let kept = parts.chunks.iter().all(|it| found.has_chunk_at(*it))
            && parts.steps.iter().all(|it| found.has_step(it));
        if kept {
            return Ok(());
        }
        // Another process that took the run over may have ended it, and forgotten its parts.
        let step = "the journal could not be read";
        let mut transaction = client.transaction().map_err(|error| failed(step, error))?;
        journal::hold(&mut transaction, run)?;
        Err(Failure::new(
            Exit::Target,
            "the server has crashed, and taken back what it had called committed",
        ))
    }
}

/// Makes the end of a transaction wait for the disk, and, as PostgreSQL writes its log in one order, for all that was
/// committed before without waiting. What the session began with stays where it waits for more.
pub(crate) fn keep(transaction: &mut Transaction<'_>) -> Result<()> {
    const DURABLE: &str = "
        SELECT pg_catalog.set_config('synchronous_commit', CASE s.reset_val WHEN 'off' THEN 'on' ELSE s.reset_val END, true)
        FROM pg_catalog.pg_settings s WHERE s.name = 'synchronous_commit'";
    transaction
        .batch_execute(DURABLE)
        .map_err(|error| failed("a transaction could not be used", error))
}
