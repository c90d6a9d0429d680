//! One moment of a database, seen by several sessions.
//!
//! A snapshot alone does not protect a table: TRUNCATE and rewriting ALTER TABLE between the snapshot and the
//! lock make it read as empty ("Caveats" in the manual's chapter on MVCC). So every table is locked, and what
//! the snapshot shows of it is compared with what it is now, before anything is read. Definitions are read by
//! functions of the server that do not look through the snapshot, so they are compared too, after they were read.

use std::thread;
use std::time::{Duration, Instant};

use catalog::{Table, TableKind};
use postgres::Client;
use postgres::error::SqlState;

use super::ddl::{OnInterrupt, SchemaRequest};
use super::identity::{Identity, read_identity};
use super::locks::{Locked, Standing, cancel, has_same_definitions, lock_tables, standing};
use super::selection::{Chosen, Selection};
use crate::endpoint::{PostgresEndpoint, RowSession};
use crate::error::GAVE_WAY;
use crate::{Error, ErrorKind, Result};

/// How often a new snapshot is taken when tables change under our hands.
const TRIES: u32 = 10;
const LOCK_TIMEOUT: Duration = Duration::from_secs(30);
/// How long a session waits behind others for a lock that the snapshot's own session holds.
const QUEUED_FOR: Duration = Duration::from_millis(300);
/// A session that says nothing to an empty question for so long has no server process.
const ANSWERS_WITHIN: Duration = Duration::from_secs(10);

/// What a snapshot is asked for.
pub struct SnapshotRequest<'a> {
    endpoint: &'a PostgresEndpoint,
    application_name: &'a str,
    selection: Selection,
    lock_timeout: Duration,
    watches: bool,
    on_interrupt: Option<OnInterrupt<'a>>,
}

/// An exported snapshot, held by one session with ACCESS SHARE locks on all tables.
pub struct Snapshot {
    endpoint: PostgresEndpoint,
    application_name: String,
    selection: Selection,
    lock_timeout: Duration,
    tries: u32,
    client: Client,
    /// The server process of `client`.
    process: i32,
    /// Sees what is committed now; for those who read definitions, where the server has room for it beside `pg_dump`.
    present: Option<Client>,
    watches: bool,
    moment: Moment,
}

/// Looks from outside whether `pg_dump` waits for somebody who waits for the snapshot's locks.
pub struct Watch<'a> {
    present: &'a mut Client,
    process: i32,
}

/// What is of one try.
struct Moment {
    id: String,
    identity: Identity,
    chosen: Chosen,
}

/// A session that sees a snapshot.
pub struct SnapshotSession {
    client: RowSession,
    endpoint: PostgresEndpoint,
    application_name: String,
    snapshot: String,
}

impl std::fmt::Debug for SnapshotRequest<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SnapshotRequest")
            .field("endpoint", &self.endpoint)
            .field("selection", &self.selection)
            .finish_non_exhaustive()
    }
}

impl std::fmt::Debug for Snapshot {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Snapshot")
            .field("endpoint", &self.endpoint)
            .field("id", &self.moment.id)
            .finish_non_exhaustive()
    }
}

impl std::fmt::Debug for Watch<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Watch")
            .field("process", &self.process)
            .finish_non_exhaustive()
    }
}

impl std::fmt::Debug for SnapshotSession {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SnapshotSession").finish_non_exhaustive()
    }
}

impl<'a> SnapshotRequest<'a> {
    /// A snapshot of everything.
    pub fn new(endpoint: &'a PostgresEndpoint, application_name: &'a str) -> Self {
        SnapshotRequest {
            endpoint,
            application_name,
            selection: Selection::default(),
            lock_timeout: LOCK_TIMEOUT,
            watches: false,
            on_interrupt: None,
        }
    }

    /// Takes what cancels the statement of the session that holds the snapshot, before its first one: the locks can be
    /// waited for long.
    #[must_use]
    pub fn on_interrupt(mut self, on_interrupt: OnInterrupt<'a>) -> Self {
        self.on_interrupt = Some(on_interrupt);
        self
    }

    /// Keeps a session more, so that [`Snapshot::is_current`] can be asked.
    #[must_use]
    pub fn watching_definitions(mut self) -> Self {
        self.watches = true;
        self
    }

    /// Locks and reads only what `selection` chooses.
    #[must_use]
    pub fn selecting(mut self, selection: Selection) -> Self {
        self.selection = selection;
        self
    }

    /// How long to wait for locks that others hold; 30 s unless it is said.
    #[must_use]
    pub fn lock_timeout(mut self, timeout: Duration) -> Self {
        self.lock_timeout = timeout;
        self
    }

    /// Takes the snapshot and the locks.
    pub fn take(self) -> Result<Snapshot> {
        let mut client = self.endpoint.connect(self.application_name)?;
        if let Some(on_interrupt) = self.on_interrupt {
            on_interrupt(Box::new(self.endpoint.canceller(&client)));
        }
        let mut present = self.endpoint.connect(self.application_name)?;
        // It must see, and may have to cancel, what belongs to the role that signed in.
        present
            .batch_execute("SET ROLE NONE")
            .map_err(Error::query("the role could not be set"))?;
        let mut tries = 0;
        let moment = find_moment(
            self.endpoint,
            &mut client,
            &mut present,
            &self.selection,
            self.lock_timeout,
            &mut tries,
        )?;
        let process = client
            .query_one("SELECT pg_catalog.pg_backend_pid()", &[])
            .map_err(Error::query("the session could not be identified"))?
            .get(0);
        Ok(Snapshot {
            process,
            endpoint: self.endpoint.clone(),
            application_name: self.application_name.to_owned(),
            selection: self.selection,
            lock_timeout: self.lock_timeout,
            tries,
            client,
            present: if self.watches && has_room_for_pg_dump(self.endpoint, self.application_name)? {
                Some(present)
            } else {
                None
            },
            watches: self.watches,
            moment,
        })
    }
}

/// Whether the role may have one session more than the two that there are.
fn has_room_for_pg_dump(endpoint: &PostgresEndpoint, application_name: &str) -> Result<bool> {
    match endpoint.connect(application_name) {
        Ok(_) => Ok(true),
        Err(error) if error.has_state(&SqlState::TOO_MANY_CONNECTIONS) => Ok(false),
        Err(error) => Err(error),
    }
}

/// Tries until all tables are now what a snapshot shows. While somebody holds a lock, we hold none and look again, for
/// as long as `lock_timeout` says.
fn find_moment(
    endpoint: &PostgresEndpoint,
    client: &mut Client,
    present: &mut Client,
    selection: &Selection,
    lock_timeout: Duration,
    tries: &mut u32,
) -> Result<Moment> {
    let deadline = Instant::now() + lock_timeout;
    while *tries < TRIES {
        client
            .batch_execute("BEGIN ISOLATION LEVEL REPEATABLE READ, READ ONLY")
            .map_err(Error::query("no transaction could be opened"))?;
        let id: String = client
            .query_one("SELECT pg_catalog.pg_export_snapshot()", &[])
            .map_err(Error::query("no snapshot could be exported"))?
            .get(0);
        let identity = read_identity(client)?;
        let chosen = selection.resolve(client)?;
        match lock_tables(client, present, &identity, &chosen)? {
            Locked::All => return Ok(Moment { id, identity, chosen }),
            Locked::Changed => *tries += 1,
            Locked::Busy(error) if Instant::now() >= deadline => return Err(error),
            Locked::Busy(_) => {}
        }
        roll_back(client)?;
        thread::sleep(pause());
    }
    let message = format!(
        "definitions of {} were changed during each of {TRIES} snapshots",
        endpoint.display_name()
    );
    Err(Error::new(ErrorKind::Query, message)
        .with_hint("run it again when no migration, TRUNCATE or rewriting ALTER TABLE is at work"))
}

/// Between two tries, so that several who wait for the same do not meet again.
fn pause() -> Duration {
    Duration::from_millis(fastrand::u64(10..80))
}

fn roll_back(client: &mut Client) -> Result<()> {
    client.batch_execute("ROLLBACK").map_err(not_rolled_back())
}

fn not_rolled_back() -> impl FnOnce(postgres::Error) -> Error {
    Error::query("a transaction could not be ended")
}

impl Snapshot {
    /// As `pg_dump --snapshot` takes it.
    pub fn id(&self) -> &str {
        &self.moment.id
    }

    /// Which database and which moment of it the snapshot shows.
    pub fn identity(&self) -> &Identity {
        &self.moment.identity
    }

    /// Where the snapshot was taken.
    pub fn endpoint(&self) -> &PostgresEndpoint {
        &self.endpoint
    }

    /// What was wanted, as this snapshot has it.
    pub fn chosen(&self) -> &Chosen {
        &self.moment.chosen
    }

    /// The session that holds the snapshot.
    pub fn client(&mut self) -> &mut Client {
        &mut self.client
    }

    /// The session that holds the snapshot, and what was chosen in it.
    pub fn parts(&mut self) -> (&mut Client, &Chosen) {
        (&mut self.client, &self.moment.chosen)
    }

    /// The same, with a watch for a snapshot that watches definitions.
    pub fn watched_parts(&mut self) -> (&mut Client, &Chosen, Option<Watch<'_>>) {
        let process = self.process;
        let watch = self.present.as_mut().map(|present| Watch { present, process });
        (&mut self.client, &self.moment.chosen, watch)
    }

    /// Lets the session that holds the snapshot wait for locks as long as it takes, which it can do once nothing else
    /// waits for it: it has the tables' locks already.
    pub fn wait_for_locks(&mut self) -> Result<()> {
        self.client
            .batch_execute("SET LOCAL lock_timeout = 0")
            .map_err(Error::query("lock_timeout could not be set"))
    }

    /// Whether every definition is still the one that the snapshot shows. What read definitions before, `pg_dump`
    /// too, may have seen others where it is not. Always true for a snapshot that does not watch them.
    pub fn is_current(&mut self) -> Result<bool> {
        if !self.watches {
            return Ok(true);
        }
        let mut opened;
        let present = if let Some(present) = &mut self.present {
            present
        } else {
            opened = self.endpoint.connect(&self.application_name)?;
            &mut opened
        };
        has_same_definitions(&mut self.client, present, &self.moment.chosen)
    }

    /// Makes sure that the tables' locks have been held all the time. It must be asked when everything has been read:
    /// had the session that holds them been ended, by an administrator or by a standby that gave way, tables could have
    /// been truncated meanwhile and read as empty by the other sessions.
    pub fn confirm(&mut self) -> Result<()> {
        let answer = self.client.simple_query("SELECT").map(drop);
        answer.map_err(|error| {
            let message = "the session that held the tables' locks was ended, so what was read may be of another moment";
            let error = Error::query(message)(error);
            match (error.hint(), self.moment.identity.in_recovery) {
                (None, true) => error.with_hint(GAVE_WAY),
                (None, false) => error.with_hint("run it again, and leave its idle session in peace"),
                _ => error,
            }
        })
    }

    /// Gives back what [`SnapshotRequest::watching_definitions`] took, once all definitions have been read.
    pub fn stop_watching(&mut self) {
        self.watches = false;
        self.present = None;
    }

    /// Gives the snapshot up and takes a new one, unless that was tried too often.
    pub fn retake(&mut self) -> Result<()> {
        roll_back(&mut self.client)?;
        self.tries += 1;
        thread::sleep(pause());
        let mut opened;
        let present = if let Some(present) = &mut self.present {
            present
        } else {
            opened = self.endpoint.connect(&self.application_name)?;
            &mut opened
        };
        self.moment = find_moment(
            &self.endpoint,
            &mut self.client,
            present,
            &self.selection,
            self.lock_timeout,
            &mut self.tries,
        )?;
        Ok(())
    }

    /// Opens another session that sees the same.
    pub fn session(&self) -> Result<SnapshotSession> {
        SnapshotSession::open(&self.endpoint, &self.application_name, &self.moment.id)
    }
}

impl Watch<'_> {
    /// How the session of `request`'s `pg_dump` stands. Time does not resolve that it is in its own way, since `pg_dump`
    /// is waited for outside the server, and the server's own way out, where it sees the circle, could hit the other
    /// session.
    pub fn standing(&mut self, request: &SchemaRequest) -> Result<Standing> {
        standing(self.present, self.process, request.application_name())
    }

    /// Cancels what it is doing.
    pub fn cancel(&mut self, request: &SchemaRequest) -> Result<()> {
        cancel(self.present, request.application_name())
    }
}

impl SnapshotSession {
    fn open(endpoint: &PostgresEndpoint, application_name: &str, snapshot: &str) -> Result<Self> {
        let mut session = SnapshotSession {
            client: endpoint.connect_for_rows(application_name)?,
            endpoint: endpoint.clone(),
            application_name: application_name.to_owned(),
            snapshot: snapshot.to_owned(),
        };
        session.begin()?;
        Ok(session)
    }

    /// A new session in the place of one whose server process has died. Fails when the snapshot has died too.
    pub fn reopen(&self) -> Result<Self> {
        SnapshotSession::open(&self.endpoint, &self.application_name, &self.snapshot)
    }

    /// Whether the server process is gone. Asked of itself: a connection may not know its end yet.
    pub fn is_lost(&mut self) -> bool {
        !self.client.is_valid(ANSWERS_WITHIN)
    }

    /// What cancels the session's running statement, for another thread.
    pub fn canceller(&self) -> impl FnMut() + Send + 'static + use<> {
        self.endpoint.canceller(&self.client)
    }

    /// The session itself, within its transaction.
    pub fn client(&mut self) -> &mut RowSession {
        &mut self.client
    }

    /// Takes the table's lock, which the snapshot's own session has already: whatever stands before us in the queue is a
    /// session that waits for the snapshot to end, so we wait but for a moment. Other locks that reading needs are
    /// waited for.
    pub fn lock(&mut self, table: &Table) -> Result<()> {
        if table.kind == TableKind::LargeObjects {
            return Ok(());
        }
        let name = table.qualified_name();
        // The partitions of a tree are read through its root.
        let only = if table.through_root.is_some() { "" } else { "ONLY " };
        self.client
            .batch_execute(&format!(
                "SET LOCAL lock_timeout = {}; LOCK TABLE {only}{name} IN ACCESS SHARE MODE; SET LOCAL lock_timeout = 0",
                QUEUED_FOR.as_millis()
            ))
            .map_err(Error::query(format!("{name} could not be locked (ACCESS SHARE)")))
    }

    /// Gives the locks back that reading has taken; the session sees the same snapshot as before.
    pub fn renew(&mut self) -> Result<()> {
        self.client.batch_execute("ROLLBACK").map_err(not_rolled_back())?;
        self.begin()
    }

    fn begin(&mut self) -> Result<()> {
        let id = catalog::quote_literal(&self.snapshot);
        self.client
            .batch_execute(&format!(
                "BEGIN ISOLATION LEVEL REPEATABLE READ, READ ONLY; SET TRANSACTION SNAPSHOT {id}"
            ))
            .map_err(Error::query("a session could not take part in the snapshot"))
    }
}
