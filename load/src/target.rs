//! The database that is written: its sessions and its locks.

use std::ops::{Deref, DerefMut};
use std::sync::Arc;
use std::time::Duration;

use cli::{Exit, Failure, InterruptGuard, Pace, Result, Steps, Ui};
use database::endpoint::PostgresEndpoint;
use postgres::Client;

use crate::journal::{self, Run};

/// How often, and how long apart, a schema's lock is asked for.
const LOCK_TRIES: u32 = 4;
const LOCK_PAUSE: Duration = Duration::from_millis(50);

/// The target, with the session that holds the locks and writes the journal.
pub(crate) struct Target {
    endpoint: PostgresEndpoint,
    client: Client,
    jobs: usize,
    /// Opened before anything is written, for whoever writes the rows.
    for_rows: Sessions,
    pace: Arc<Pace>,
    ui: Ui,
    _guard: InterruptGuard,
}

/// Sessions that work beside each other; what they run is cancelled when the tool is interrupted.
#[derive(Default)]
pub(crate) struct Sessions {
    clients: Vec<Client>,
    _guards: Vec<InterruptGuard>,
}

impl Deref for Sessions {
    type Target = Vec<Client>;

    fn deref(&self) -> &Vec<Client> {
        &self.clients
    }
}

impl DerefMut for Sessions {
    fn deref_mut(&mut self) -> &mut Vec<Client> {
        &mut self.clients
    }
}

impl Target {
    pub(crate) fn connect(endpoint: &PostgresEndpoint, jobs: usize, ui: &Ui) -> Result<Self> {
        let (client, guard) = open(endpoint)?;
        Ok(Target {
            endpoint: endpoint.clone(),
            client,
            jobs,
            for_rows: Sessions::default(),
            pace: Arc::default(),
            ui: ui.clone(),
            _guard: guard,
        })
    }

    /// Rows go in, and are read back, no faster than `pace`.
    pub(crate) fn with_pace(mut self, pace: Pace) -> Self {
        self.pace = Arc::new(pace);
        self
    }

    pub(crate) fn pace(&self) -> Arc<Pace> {
        Arc::clone(&self.pace)
    }

    /// Shows a phase of so many steps until it is dropped.
    pub(crate) fn steps(&self, run: &Run, phase: &'static str, expected: usize) -> Steps {
        self.ui.steps(&run.schemas.join(", "), phase, expected)
    }

    pub(crate) fn name(&self) -> String {
        self.endpoint.display_name()
    }

    pub(crate) fn client(&mut self) -> &mut Client {
        &mut self.client
    }

    /// As many sessions as work in parallel, at most `wanted`; fewer, but one at least, when the server has no
    /// room for more.
    pub(crate) fn sessions(&self, wanted: usize) -> Result<Sessions> {
        let opened = cli::open_sessions(self.jobs.min(wanted), || open(&self.endpoint))?;
        let (clients, guards) = opened.into_iter().unzip();
        Ok(Sessions {
            clients,
            _guards: guards,
        })
    }

    /// Opens the sessions that [`Target::take_sessions_for_rows`] will give.
    pub(crate) fn open_sessions_for_rows(&mut self, wanted: usize, ui: &Ui) -> Result<()> {
        let opened = self.sessions(wanted);
        self.for_rows = opened.map_err(|failure| failure.with_state("nothing was written"))?;
        let (wanted, opened) = (self.jobs.min(wanted), self.for_rows.len());
        if opened < wanted {
            ui.status(format_args!(
                "{}: no room for {wanted} sessions, {opened} write its rows",
                self.name()
            ));
        }
        Ok(())
    }

    pub(crate) fn take_sessions_for_rows(&mut self) -> Sessions {
        std::mem::take(&mut self.for_rows)
    }

    /// One lock for each schema, in sorted order, held as long as the session; refused when another load
    /// holds one.
    pub(crate) fn lock_schemas(&mut self, schemas: &[String]) -> Result<()> {
        let mut sorted: Vec<&String> = schemas.iter().collect();
        sorted.sort();
        for schema in sorted {
            let taken = self.take_lock(schema)?;
            if !taken {
                let run = journal::unfinished_run(&mut self.client, schema)?;
                let run = run.map_or(String::new(), |run| format!(" (run {})", run.id()));
                return Err(Failure::new(
                    Exit::Target,
                    format!("another load is writing schema {schema}{run}"),
                )
                .with_hint("wait for it, or end it first"));
            }
        }
        Ok(())
    }

    /// False when another session holds the lock. That of a load that has just ended holds it for a moment more.
    fn take_lock(&mut self, schema: &str) -> Result<bool> {
        const LOCK: &str = "SELECT pg_catalog.pg_try_advisory_lock(pg_catalog.hashtextextended('coalesce schema ' || $1, 0))";
        for tries_left in (0..LOCK_TRIES).rev() {
            let row = self
                .client
                .query_one(LOCK, &[&schema])
                .map_err(|error| failed("the schemas could not be locked", error))?;
            if row.get(0) {
                return Ok(true);
            }
            cli::check_interrupt()?;
            if tries_left > 0 {
                std::thread::sleep(LOCK_PAUSE);
            }
        }
        Ok(false)
    }
}

fn open(endpoint: &PostgresEndpoint) -> Result<(Client, InterruptGuard)> {
    let mut client = endpoint.connect("coalesce load").map_err(Failure::target)?;
    client
        .batch_execute("SET check_function_bodies = off; SET client_min_messages = warning; SET synchronous_commit = off")
        .map_err(|error| failed("the session could not be set up", error))?;
    let guard = cli::on_interrupt(endpoint.canceller(&client));
    Ok((client, guard))
}

/// A statement that the target refused.
pub(crate) fn failed(step: impl std::fmt::Display, error: postgres::Error) -> Failure {
    Failure::new(Exit::Target, step).with_source(error)
}
