//! One moment of a database, seen by several sessions.
//!
//! A snapshot alone does not protect a table: TRUNCATE and rewriting ALTER TABLE between the snapshot and the
//! lock make it read as empty ("Caveats" in the manual's chapter on MVCC). So every table is locked, and what
//! the snapshot shows of it is compared with what it is now, before anything is read.

use std::time::Duration;

use catalog::QualifiedName;
use postgres::error::SqlState;
use postgres::{Client, Row};

use crate::endpoint::PostgresEndpoint;
use crate::{Error, ErrorKind, Result};

/// How often a new snapshot is taken when tables change under our hands.
const TRIES: u32 = 5;
const LOCK_TIMEOUT: Duration = Duration::from_secs(30);
/// Tables named in one LOCK statement.
const LOCK_BATCH: usize = 200;

/// An exported snapshot, held by one session with ACCESS SHARE locks on all tables.
pub struct Snapshot {
    endpoint: PostgresEndpoint,
    application_name: String,
    client: Client,
    id: String,
    identity: Identity,
}

/// Which database, which server, which moment.
#[derive(Clone, Debug)]
pub struct Identity {
    pub database: String,
    /// The same for two sessions only if they are in one database of one running server.
    pub instance: String,
    /// As in `server_version_num`: 150008 for 15.8.
    pub version_number: i32,
    pub server_version: String,
    pub encoding: String,
    /// `provider:locale@version`.
    pub collation: String,
    /// ISO 8601 in UTC.
    pub snapshot_time: String,
    pub lsn: String,
    pub in_recovery: bool,
}

/// A session that sees a snapshot.
pub struct SnapshotSession {
    client: Client,
}

impl std::fmt::Debug for Snapshot {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Snapshot")
            .field("endpoint", &self.endpoint)
            .field("id", &self.id)
            .finish_non_exhaustive()
    }
}

impl std::fmt::Debug for SnapshotSession {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SnapshotSession").finish_non_exhaustive()
    }
}

impl Snapshot {
    /// Takes a snapshot of all tables, or of those in `schemas`.
    pub fn take(
        endpoint: &PostgresEndpoint,
        application_name: &str,
        schemas: Option<&[String]>,
    ) -> Result<Self> {
        let mut client = endpoint.connect(application_name)?;
        let mut present = endpoint.connect(application_name)?;
        for _ in 0..TRIES {
            client
                .batch_execute("BEGIN ISOLATION LEVEL REPEATABLE READ, READ ONLY")
                .map_err(Error::query("no transaction could be opened"))?;
            let id: String = client
                .query_one("SELECT pg_catalog.pg_export_snapshot()", &[])
                .map_err(Error::query("no snapshot could be exported"))?
                .get(0);
            if lock_tables(&mut client, &mut present, schemas)? {
                let identity = read_identity(&mut client)?;
                let (endpoint, application_name) = (endpoint.clone(), application_name.to_owned());
                return Ok(Snapshot {
                    endpoint,
                    application_name,
                    client,
                    id,
                    identity,
                });
            }
            client
                .batch_execute("ROLLBACK")
                .map_err(Error::query("a transaction could not be ended"))?;
        }
        Err(Error::new(
            ErrorKind::Query,
            format!(
                "tables of {} were changed by DDL during each of {TRIES} snapshots",
                endpoint.display_name()
            ),
        )
        .with_hint("run it again when no migration, TRUNCATE or rewriting ALTER TABLE is at work"))
    }

    /// As `pg_dump --snapshot` takes it.
    pub fn id(&self) -> &str {
        &self.id
    }

    pub fn identity(&self) -> &Identity {
        &self.identity
    }

    pub fn endpoint(&self) -> &PostgresEndpoint {
        &self.endpoint
    }

    /// The session that holds the snapshot.
    pub fn client(&mut self) -> &mut Client {
        &mut self.client
    }

    /// Opens another session that sees the same.
    pub fn session(&self) -> Result<SnapshotSession> {
        let mut client = self.endpoint.connect(&self.application_name)?;
        let id = catalog::quote_literal(&self.id);
        client
            .batch_execute(&format!(
                "BEGIN ISOLATION LEVEL REPEATABLE READ, READ ONLY; SET TRANSACTION SNAPSHOT {id}"
            ))
            .map_err(Error::query("a session could not take part in the snapshot"))?;
        Ok(SnapshotSession { client })
    }
}

impl SnapshotSession {
    /// What cancels the session's running statement, for another thread.
    pub fn canceller(&self, endpoint: &PostgresEndpoint) -> impl FnMut() + Send + 'static + use<> {
        endpoint.canceller(&self.client)
    }

    pub fn client(&mut self) -> &mut Client {
        &mut self.client
    }
}

/// Tables that have rows, or whose shape matters for the rows of others.
const TABLES: &str = "SELECT c.oid, n.nspname, c.relname FROM pg_catalog.pg_class c
    JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
    WHERE c.relkind IN ('r', 'p') AND c.relpersistence <> 't' AND n.nspname !~ '^pg_'
      AND n.nspname NOT IN ('information_schema', 'coalesce')
      AND ($1::pg_catalog.text[] IS NULL OR n.nspname = ANY ($1))
    ORDER BY 2, 3";

/// The storage and the columns of the tables `$1`, as the session sees them, in a few bytes.
const STATE: &str = "SELECT pg_catalog.md5(pg_catalog.string_agg(t.state, E'\n' ORDER BY t.oid)) FROM (
    SELECT c.oid, pg_catalog.concat_ws(' ', c.oid, n.nspname, c.relname, c.relkind, c.relfilenode,
        (SELECT pg_catalog.string_agg(
                  pg_catalog.concat_ws(' ', a.attnum, a.attname, a.atttypid, a.atttypmod, a.attisdropped), ','
                  ORDER BY a.attnum)
         FROM pg_catalog.pg_attribute a WHERE a.attrelid = c.oid AND a.attnum > 0)) AS state
    FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
    WHERE c.oid = ANY ($1)) AS t";

/// Locks all tables that the snapshot shows. False when one of them is not now what the snapshot shows.
///
/// `present` is a session of its own, outside the snapshot: it sees what is committed, and once the locks are held
/// that stays as it is.
fn lock_tables(client: &mut Client, present: &mut Client, schemas: Option<&[String]>) -> Result<bool> {
    let rows = client
        .query(TABLES, &[&schemas])
        .map_err(Error::query("the tables could not be listed"))?;
    let name = |row: &Row| QualifiedName::new(row.get::<_, &str>(1), row.get::<_, &str>(2)).to_string();
    let names: Vec<String> = rows.iter().map(name).collect();
    set_lock_timeout(client, LOCK_TIMEOUT)?;
    for batch in names.chunks(LOCK_BATCH) {
        let only: Vec<String> = batch.iter().map(|name| format!("ONLY {name}")).collect();
        let locked = client.batch_execute(&format!("LOCK TABLE {} IN ACCESS SHARE MODE", only.join(", ")));
        if let Err(error) = locked {
            return if is_gone(&error) {
                Ok(false)
            } else {
                Err(not_locked(error))
            };
        }
    }
    set_lock_timeout(client, Duration::ZERO)?;
    let oids: Vec<u32> = rows.iter().map(|row| row.get(0)).collect();
    let state = |client: &mut Client| -> Result<Option<String>> {
        let row = client
            .query_one(STATE, &[&oids])
            .map_err(Error::query("the tables could not be compared"))?;
        Ok(row.get(0))
    };
    Ok(state(client)? == state(present)?)
}

fn set_lock_timeout(client: &mut Client, timeout: Duration) -> Result<()> {
    client
        .batch_execute(&format!("SET LOCAL lock_timeout = {}", timeout.as_millis()))
        .map_err(Error::query("lock_timeout could not be set"))
}

/// Whether a table vanished before it could be locked.
fn is_gone(error: &postgres::Error) -> bool {
    error
        .code()
        .is_some_and(|code| *code == SqlState::UNDEFINED_TABLE || *code == SqlState::INVALID_SCHEMA_NAME)
}

fn not_locked(error: postgres::Error) -> Error {
    let hint = match error.code() {
        Some(code) if *code == SqlState::LOCK_NOT_AVAILABLE => {
            "another session holds a lock on one of the tables; end it or wait for it"
        }
        Some(code) if *code == SqlState::INSUFFICIENT_PRIVILEGE => {
            "GRANT pg_read_all_data TO the role that reads"
        }
        Some(code) if *code == SqlState::OUT_OF_MEMORY => "raise max_locks_per_transaction on the server",
        _ => "the tables must stay as they are while they are read",
    };
    Error::query("the tables could not be locked (ACCESS SHARE)")(error).with_hint(hint)
}

fn read_identity(client: &mut Client) -> Result<Identity> {
    // Columns that only some versions have are looked up by name in the row's JSON.
    const IDENTITY: &str = "SELECT pg_catalog.current_database()::pg_catalog.text AS database,
          pg_catalog.concat_ws(' ', d.oid, pg_catalog.pg_postmaster_start_time()) AS instance,
          pg_catalog.current_setting('server_version_num')::pg_catalog.int4 AS version_number,
          pg_catalog.current_setting('server_version') AS server_version,
          pg_catalog.pg_encoding_to_char(d.encoding)::pg_catalog.text AS encoding,
          d.datcollate::pg_catalog.text AS collate,
          pg_catalog.to_jsonb(d) ->> 'datlocprovider' AS provider,
          COALESCE(pg_catalog.to_jsonb(d) ->> 'datlocale', pg_catalog.to_jsonb(d) ->> 'daticulocale') AS locale,
          pg_catalog.to_jsonb(d) ->> 'datcollversion' AS collation_version,
          pg_catalog.to_char(pg_catalog.now() AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"') AS snapshot_time,
          pg_catalog.pg_is_in_recovery() AS in_recovery,
          (CASE WHEN pg_catalog.pg_is_in_recovery() THEN pg_catalog.pg_last_wal_replay_lsn()
                ELSE pg_catalog.pg_current_wal_lsn() END)::pg_catalog.text AS lsn
        FROM pg_catalog.pg_database d WHERE d.datname = pg_catalog.current_database()";
    let row = client
        .query_one(IDENTITY, &[])
        .map_err(Error::query("the server could not be identified"))?;
    let provider = match row.get::<_, Option<&str>>("provider") {
        Some("i") => "icu",
        Some("b") => "builtin",
        _ => "libc",
    };
    let locale = match row.get::<_, Option<&str>>("locale") {
        Some(locale) if provider != "libc" => locale,
        _ => row.get("collate"),
    };
    let version = row
        .get::<_, Option<&str>>("collation_version")
        .map_or(String::new(), |it| format!("@{it}"));
    Ok(Identity {
        database: row.get("database"),
        instance: row.get("instance"),
        version_number: row.get("version_number"),
        server_version: row
            .get::<_, &str>("server_version")
            .split(' ')
            .next()
            .unwrap_or_default()
            .to_owned(),
        encoding: row.get("encoding"),
        collation: format!("{provider}:{locale}{version}"),
        snapshot_time: row.get("snapshot_time"),
        lsn: row.get::<_, Option<String>>("lsn").unwrap_or_default(),
        in_recovery: row.get("in_recovery"),
    })
}
