//! The journal: schema `coalesce` on the target, without grants. One row for each run, kept; one row for each
//! chunk that is in, removed when the run is live.

use archive::Header;
use cli::{Exit, Failure, Result};
use postgres::{Client, GenericClient, Transaction};

use crate::target::{Target, failed};

/// Guards the making of what all loads into a database share.
pub(crate) const DATABASE_LOCK: &str =
    "SELECT pg_catalog.pg_advisory_xact_lock(pg_catalog.hashtextextended('coalesce database', 0))";

const TABLES: &str = "
CREATE SCHEMA IF NOT EXISTS coalesce;
CREATE TABLE IF NOT EXISTS coalesce.run (
  id bigint PRIMARY KEY GENERATED ALWAYS AS IDENTITY,
  dump_run text NOT NULL,
  source text NOT NULL,
  schemas text[] NOT NULL,
  created_schemas text[] NOT NULL,
  state text NOT NULL CHECK (state IN ('loading', 'live', 'abandoned')),
  owner_pid integer NOT NULL,
  started_at timestamptz NOT NULL DEFAULT pg_catalog.now(),
  ended_at timestamptz
);
CREATE TABLE IF NOT EXISTS coalesce.chunk (
  run bigint NOT NULL REFERENCES coalesce.run,
  table_number integer NOT NULL,
  chunk_number integer NOT NULL,
  PRIMARY KEY (run, table_number, chunk_number)
);
COMMENT ON SCHEMA coalesce IS 'journal of Coalesce: loads into this database'";

/// A load, as the journal knows it.
#[derive(Clone, Debug)]
pub(crate) struct Run {
    id: i64,
    owner_pid: i32,
    pub(crate) schemas: Vec<String>,
    /// Those of `schemas` that did not exist before.
    pub(crate) created_schemas: Vec<String>,
}

impl Run {
    pub(crate) fn id(&self) -> i64 {
        self.id
    }
}

/// Enters a new run and makes its schemas, together: what the journal calls made by a run is never another's.
/// `existing` are those of its schemas that exist already, empty.
pub(crate) fn begin(target: &mut Target, header: &Header, existing: &[String]) -> Result<Run> {
    let step = "the journal could not be written";
    let schemas: Vec<String> = header.catalog.schemas.iter().map(|it| it.name.clone()).collect();
    let created_schemas: Vec<String> = schemas
        .iter()
        .filter(|it| !existing.contains(it))
        .cloned()
        .collect();
    let mut transaction = target
        .client()
        .transaction()
        .map_err(|error| failed(step, error))?;
    let mut enter = || -> std::result::Result<Run, postgres::Error> {
        transaction.batch_execute(DATABASE_LOCK)?;
        transaction.batch_execute(TABLES)?;
        let row = transaction.query_one(
            "INSERT INTO coalesce.run (dump_run, source, schemas, created_schemas, state, owner_pid)
             VALUES ($1, $2, $3, $4, 'loading', pg_catalog.pg_backend_pid()) RETURNING id, owner_pid",
            &[&header.run, &header.source.database, &schemas, &created_schemas],
        )?;
        Ok(Run {
            id: row.get(0),
            owner_pid: row.get(1),
            schemas: schemas.clone(),
            created_schemas: created_schemas.clone(),
        })
    };
    let run = enter().map_err(|error| failed(step, error))?;
    crate::grants::revoke_all(&mut transaction, &["coalesce".to_owned()])?;
    crate::prepare::create_schemas(&mut transaction, &run, header)?;
    transaction.commit().map_err(|error| failed(step, error))?;
    Ok(run)
}

/// Makes sure within a transaction that the run is still this process's, and stays so until it ends.
pub(crate) fn hold(transaction: &mut Transaction<'_>, run: &Run) -> Result<()> {
    let row = transaction
        .query_opt(
            "SELECT FROM coalesce.run WHERE id = $1 AND owner_pid = $2 AND state = 'loading' FOR SHARE",
            &[&run.id, &run.owner_pid],
        )
        .map_err(|error| failed("the journal could not be read", error))?;
    row.map(drop).ok_or_else(|| {
        Failure::new(
            Exit::Target,
            format!("run {} has ended or was taken over", run.id),
        )
    })
}

/// Notes a chunk in the transaction that writes its rows.
pub(crate) fn note_chunk(transaction: &mut Transaction<'_>, run: &Run, table: u32, chunk: u32) -> Result<()> {
    transaction
        .execute(
            "INSERT INTO coalesce.chunk (run, table_number, chunk_number) VALUES ($1, $2::bigint::integer, $3::bigint::integer)",
            &[&run.id, &i64::from(table), &i64::from(chunk)],
        )
        .map(drop)
        .map_err(|error| failed("the journal could not be written", error))
}

/// The last step: from here on the schemas are what they say.
pub(crate) fn go_live(target: &mut Target, run: &Run) -> Result<()> {
    let step = "the journal could not be written";
    let mut transaction = target
        .client()
        .transaction()
        .map_err(|error| failed(step, error))?;
    hold(&mut transaction, run)?;
    let mut end = || -> std::result::Result<(), postgres::Error> {
        transaction.batch_execute("SET LOCAL synchronous_commit = on")?;
        transaction.execute("DELETE FROM coalesce.chunk WHERE run = $1", &[&run.id])?;
        transaction.execute(
            "UPDATE coalesce.run SET state = 'live', ended_at = pg_catalog.now() WHERE id = $1",
            &[&run.id],
        )?;
        Ok(())
    };
    end().map_err(|error| failed(step, error))?;
    transaction.commit().map_err(|error| failed(step, error))
}

/// The load that wrote `schema` and did not end, if there is one.
pub(crate) fn unfinished_run(client: &mut Client, schema: &str) -> Result<Option<Run>> {
    let step = "the journal could not be read";
    let exists: bool = client
        .query_one("SELECT pg_catalog.to_regclass('coalesce.run') IS NOT NULL", &[])
        .map_err(|error| failed(step, error))?
        .get(0);
    if !exists {
        return Ok(None);
    }
    let row = client
        .query_opt(
            "SELECT id, owner_pid, schemas, created_schemas FROM coalesce.run
             WHERE state = 'loading' AND $1 = ANY (schemas) ORDER BY id DESC LIMIT 1",
            &[&schema],
        )
        .map_err(|error| failed(step, error))?;
    Ok(row.map(|row| Run {
        id: row.get(0),
        owner_pid: row.get(1),
        schemas: row.get(2),
        created_schemas: row.get(3),
    }))
}

/// Notes that what an unfinished load left is gone.
pub(crate) fn abandon(
    client: &mut impl GenericClient,
    run: &Run,
) -> std::result::Result<(), postgres::Error> {
    client.execute("DELETE FROM coalesce.chunk WHERE run = $1", &[&run.id])?;
    client
        .execute(
            "UPDATE coalesce.run SET state = 'abandoned', ended_at = pg_catalog.now() WHERE id = $1",
            &[&run.id],
        )
        .map(drop)
}
