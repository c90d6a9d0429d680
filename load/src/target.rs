//! The database that is written: its sessions and its locks.

use std::ops::{Deref, DerefMut};
use std::sync::Arc;
use std::time::{Duration, Instant};

use archive::Header;
use catalog::quote_literal;
use cli::{Exit, Failure, InterruptGuard, Pace, Result, Ui};
use database::endpoint::PostgresEndpoint;
use postgres::Client;

use crate::hints;

use crate::journal::{self, Run};
use crate::promised::Promised;
use crate::unlogged::Unlogged;

/// How long apart a schema's lock is asked for.
const LOCK_PAUSE: Duration = Duration::from_millis(50);

/// How long a schema's lock is waited for by a load that begins: that of one which has just ended is there for a moment
/// more.
pub(crate) const SOON: Duration = Duration::from_millis(150);

/// The same for a load that goes on: the server notices within two seconds that the former process has gone.
pub(crate) const LATER: Duration = Duration::from_secs(5);

/// How long a session that was lost is tried for again: a server that restarts needs some seconds.
pub(crate) const RENEW_WITHIN: Duration = Duration::from_secs(30);
const RENEW_PAUSE: Duration = Duration::from_millis(200);

/// The target, with the session that holds the locks and writes the journal.
pub(crate) struct Target {
    session: Session,
    jobs: usize,
    /// Opened before anything is written, for whoever writes the rows.
    for_rows: Sessions,
    /// The schemas whose locks are held.
    locked: Vec<String>,
    pace: Arc<Pace>,
    ui: Ui,
}

/// A session that can be opened again when it was lost; what it runs is cancelled when the tool is interrupted.
pub(crate) struct Session {
    client: Client,
    settings: Settings,
    guard: InterruptGuard,
}

/// Sessions that work beside each other.
pub(crate) type Sessions = Vec<Session>;

/// What all sessions of a load are opened with.
#[derive(Clone)]
struct Settings {
    endpoint: PostgresEndpoint,
    /// The `application_name`: by it what is left of a run is found.
    name: String,
    /// What the user asks for of every session.
    set_up: String,
    promised: Promised,
    /// The run and its unlogged tables, which a server that crashes empties.
    run: Option<Arc<(Run, Vec<Unlogged>)>>,
}

impl Deref for Session {
    type Target = Client;

    fn deref(&self) -> &Client {
        &self.client
    }
}

impl DerefMut for Session {
    fn deref_mut(&mut self) -> &mut Client {
        &mut self.client
    }
}

impl Session {
    fn open(settings: &Settings) -> Result<Self> {
        let (client, guard) = settings.open()?;
        Ok(Session {
            client,
            settings: settings.clone(),
            guard,
        })
    }

    /// What the server has promised to this session and to the others of its run.
    pub(crate) fn promised(&self) -> &Promised {
        &self.settings.promised
    }

    /// Opens it again after `failure`, which is given back where that is no use: the session was not lost, no server
    /// answers in time, or rows of unlogged tables are lost.
    pub(crate) fn renew(&mut self, failure: Failure) -> Result<()> {
        if !failure.is_lost_session() {
            return Err(failure);
        }
        let end = Instant::now() + RENEW_WITHIN;
        loop {
            cli::check_interrupt()?;
            match self.settings.open() {
                Ok((client, guard)) => {
                    self.client = client;
                    self.guard = guard;
                    self.settings.promised.check(&mut self.client)?;
                    return self.refuse_losses(failure);
                }
                Err(refused) if refused.may_pass() && Instant::now() < end => {
                    std::thread::sleep(RENEW_PAUSE);
                }
                Err(refused) => {
                    return Err(failure.with_state(format!("no new session: {}", refused.causes())));
                }
            }
        }
    }

    /// What may have happened while there was no session.
    fn refuse_losses(&mut self, failure: Failure) -> Result<()> {
        let Some(run) = self.settings.run.clone() else {
            return Ok(());
        };
        let (run, unlogged) = &*run;
        let step = "the journal could not be read";
        let mut transaction = self.client.transaction().map_err(|error| failed(step, error))?;
        journal::hold(&mut transaction, run)?;
        for table in unlogged {
            if !table.has_noted_rows(&mut transaction, run)? {
                let name = table.name();
                return Err(failure.with_state(format!(
                    "the server has crashed and emptied the unlogged table {name}"
                )));
            }
        }
        Ok(())
    }
}

impl Target {
    pub(crate) fn connect(endpoint: &PostgresEndpoint, jobs: usize, ui: &Ui) -> Result<Self> {
        let settings = Settings {
            endpoint: endpoint.clone(),
            name: "coalesce load".to_owned(),
            set_up: String::new(),
            promised: Promised::default(),
            run: None,
        };
        Ok(Target {
            session: Session::open(&settings)?,
            jobs,
            for_rows: Sessions::default(),
            locked: Vec::new(),
            pace: Arc::default(),
            ui: ui.clone(),
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
    pub(crate) fn show_phase(&self, run: &Run, phase: &'static str, expected: usize) -> cli::Steps {
        self.ui.steps(&run.schemas.join(", "), phase, expected)
    }

    /// Gives the sessions the run's name, those that are open and those to come.
    pub(crate) fn enter_run(&mut self, run: &Run, header: &Header) -> Result<()> {
        let sql = format!("SET application_name = {}", quote_literal(&run.session_name()));
        self.promised().begin(run);
        let unlogged = Arc::new((run.clone(), Unlogged::all(header)));
        let sessions = std::iter::once(&mut self.session).chain(&mut self.for_rows);
        for session in sessions {
            session.settings.name = run.session_name();
            session.settings.run = Some(Arc::clone(&unlogged));
            session
                .batch_execute(&sql)
                .map_err(|error| failed("a session could not be named", error))?;
        }
        Ok(())
    }

    /// Makes sure that the first session is there, and the locks with it: it may have been lost while others wrote.
    pub(crate) fn revive(&mut self, run: &Run) -> Result<()> {
        let Err(error) = self.session.batch_execute("SELECT 1") else {
            return Ok(());
        };
        self.renew(failed("the first session was lost", error))?;
        let mut transaction = self
            .session
            .transaction()
            .map_err(|error| failed("the first session was lost", error))?;
        journal::hold(&mut transaction, run)
    }

    /// Opens the first session again, and takes its locks again.
    pub(crate) fn renew(&mut self, failure: Failure) -> Result<()> {
        self.session.renew(failure)?;
        let locked = std::mem::take(&mut self.locked);
        self.lock_schemas(&locked, LATER)
    }

    pub(crate) fn promised(&self) -> &Promised {
        self.session.promised()
    }

    pub(crate) fn name(&self) -> String {
        self.session.settings.endpoint.display_name()
    }

    pub(crate) fn client(&mut self) -> &mut Client {
        &mut self.session
    }

    /// Has every session that is opened from now on begin with `sql`.
    pub(crate) fn set_up_sessions(&mut self, sql: String) {
        self.session.settings.set_up = sql;
    }

    pub(crate) fn jobs(&self) -> usize {
        self.jobs
    }

    /// As many sessions as work in parallel, at most `wanted`; fewer, but one at least, when the server has no
    /// room for more.
    pub(crate) fn sessions(&self, wanted: usize) -> Result<Sessions> {
        let settings = &self.session.settings;
        let mut sessions = cli::open_sessions(self.jobs.min(wanted), || Session::open(settings))?;
        // The server may have crashed since the last ones.
        if let Some(session) = sessions.first_mut() {
            settings.promised.check(session)?;
        }
        Ok(sessions)
    }

    /// One session more, for which nothing is looked up in the journal: it may be over. A server that does not answer yet
    /// is waited for.
    pub(crate) fn session_within(&self, time: Duration) -> Result<Session> {
        let end = Instant::now() + time;
        loop {
            cli::check_interrupt()?;
            match Session::open(&self.session.settings) {
                Err(refused) if refused.may_pass() && Instant::now() < end => {
                    std::thread::sleep(RENEW_PAUSE);
                }
                opened => return opened,
            }
        }
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

    /// Those that were opened before; new ones the second time.
    pub(crate) fn take_sessions_for_rows(&mut self, wanted: usize) -> Result<Sessions> {
        if self.for_rows.is_empty() {
            return self.sessions(wanted);
        }
        Ok(std::mem::take(&mut self.for_rows))
    }

    /// One lock for each schema, in sorted order, held as long as the session; refused when another load
    /// holds one, and does not let it go in `patience`.
    pub(crate) fn lock_schemas(&mut self, schemas: &[String], patience: Duration) -> Result<()> {
        let end = Instant::now() + patience;
        let mut sorted: Vec<&String> = schemas.iter().collect();
        sorted.sort();
        for schema in sorted {
            if !self.take_lock(schema, end)? {
                return Err(self.held_by_another(schema)?);
            }
        }
        self.locked = schemas.to_vec();
        Ok(())
    }

    fn held_by_another(&mut self, schema: &str) -> Result<Failure> {
        const HOLDER: &str = "
            SELECT l.pid, COALESCE(' of ' || pg_catalog.host(a.client_addr), '')
            FROM pg_catalog.pg_locks l LEFT JOIN pg_catalog.pg_stat_activity a ON a.pid = l.pid
            WHERE l.locktype = 'advisory' AND l.granted AND l.objsubid = 1
              AND l.database = (SELECT d.oid FROM pg_catalog.pg_database d WHERE d.datname = pg_catalog.current_database())
              AND (l.classid::pg_catalog.int8 << 32) | l.objid::pg_catalog.int8
                = pg_catalog.hashtextextended('coalesce schema ' || $1, 0)";
        let run = journal::unfinished_run(&mut self.session, schema)?;
        let run = run.map(|run| format!("run {}", run.id()));
        let holder = self
            .session
            .query_opt(HOLDER, &[&schema])
            .map_err(|error| failed("the locks could not be listed", error))?;
        let pid: Option<i32> = holder.as_ref().map(|row| row.get(0));
        let session =
            holder.map(|row| format!("session {}{}", row.get::<_, i32>(0), row.get::<_, String>(1)));
        let who: Vec<String> = run.into_iter().chain(session).collect();
        let who = if who.is_empty() {
            String::new()
        } else {
            format!(" ({})", who.join(", "))
        };
        let way_out = match pid {
            Some(pid) => format!("wait for it, or end it: SELECT pg_terminate_backend({pid})"),
            None => "wait for it, or end it first".to_owned(),
        };
        let message = format!("another load is writing schema {schema}{who}");
        Ok(Failure::new(Exit::Target, message).with_hint(way_out))
    }

    /// False when another session holds the lock until then.
    fn take_lock(&mut self, schema: &str, end: Instant) -> Result<bool> {
        const LOCK: &str = "SELECT pg_catalog.pg_try_advisory_lock(pg_catalog.hashtextextended('coalesce schema ' || $1, 0))";
        loop {
            let row = self
                .session
                .query_one(LOCK, &[&schema])
                .map_err(|error| failed("the schemas could not be locked", error))?;
            if row.get(0) {
                return Ok(true);
            }
            if Instant::now() >= end {
                return Ok(false);
            }
            cli::check_interrupt()?;
            std::thread::sleep(LOCK_PAUSE);
        }
    }
}

impl Settings {
    fn open(&self) -> Result<(Client, InterruptGuard)> {
        /// From PostgreSQL 14 on a server notices while it works that nobody waits for the answer.
        const NOTICE_GONE: &str =
            "SELECT pg_catalog.set_config(s.name, '2s', false) FROM pg_catalog.pg_settings s
            WHERE s.name = 'client_connection_check_interval'";
        let mut client = self.endpoint.connect("coalesce load").map_err(Failure::target)?;
        let name = quote_literal(&self.name);
        client
            .batch_execute(&format!(
                "SET check_function_bodies = off; SET client_min_messages = warning; SET synchronous_commit = off;
                 SET application_name = {name}; {NOTICE_GONE}; {}",
                self.set_up
            ))
            .map_err(|error| failed("the session could not be set up", error))?;
        let guard = cli::on_interrupt(self.endpoint.canceller(&client));
        Ok((client, guard))
    }
}

/// A statement that the target refused.
pub(crate) fn failed(step: impl std::fmt::Display, error: postgres::Error) -> Failure {
    hints::with_hint(Failure::new(Exit::Target, step), &error).with_source(error)
}
