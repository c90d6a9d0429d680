//! The journal: schema `coalesce` on the target, without grants. One row for each run, kept; one row for each
//! chunk that is in, for each step that is done and for each large object that was made, removed when the run is live.
//!
//! What a row says was written in the transaction that did it, so it is true whatever became of the process.

mod earlier;
mod large_objects;
mod origin;
mod parts;

use archive::Header;
use catalog::JOURNAL_COMMENT;
use cli::{Exit, Failure, Result};
use postgres::{GenericClient, Transaction};
use uuid::Uuid;

use crate::merging;
use crate::promised::keep;
use crate::rejects;
use crate::target::{RENEW_WITHIN, Target, failed};

pub(crate) use earlier::{change_dump, live_run, take_over, unfinished_run};
pub(crate) use large_objects::{large_objects, note_large_objects, own_large_objects, unfinished_makers};
pub(crate) use origin::Origin;
pub(crate) use parts::{
    Loaded, NOTED_ROWS, Step, forget_table, has_chunk, has_step, keep_table, note_chunk, note_difference,
    note_step, note_steps,
};

/// Stands for the schema of a run that has none, but large objects; no schema can have such a name.
pub(crate) const LARGE_OBJECTS: &str = "pg_largeobject";

/// Guards the making of what all loads into a database share.
pub(crate) const DATABASE_LOCK: &str =
    "SELECT pg_catalog.pg_advisory_xact_lock(pg_catalog.hashtextextended('coalesce database', 0))";

/// Nothing in the tables calls a function but PostgreSQL's own, and `trouble` makes sure that it stays so.
const TABLES: &str = "
CREATE TABLE IF NOT EXISTS coalesce.run (
  id bigint PRIMARY KEY GENERATED ALWAYS AS IDENTITY,
  dump_run text NOT NULL,
  source text NOT NULL,
  role text NOT NULL,
  schemas text[] NOT NULL,
  schema_oids oid[] NOT NULL,
  created_schemas text[] NOT NULL,
  state text NOT NULL CHECK (state IN ('loading', 'live', 'abandoned')),
  owner text NOT NULL,
  tool text NOT NULL,
  filters text NOT NULL,
  definitions text NOT NULL,
  started_at timestamptz NOT NULL DEFAULT pg_catalog.now(),
  ended_at timestamptz
);
CREATE TABLE IF NOT EXISTS coalesce.chunk (
  run bigint NOT NULL,
  table_number integer NOT NULL,
  chunk_number integer NOT NULL,
  form text NOT NULL,
  rows bigint NOT NULL,
  sum text NOT NULL,
  PRIMARY KEY (run, table_number, chunk_number)
);
CREATE TABLE IF NOT EXISTS coalesce.step (
  run bigint NOT NULL,
  step text NOT NULL,
  PRIMARY KEY (run, step)
);
CREATE TABLE IF NOT EXISTS coalesce.large_object (
  run bigint NOT NULL,
  oid oid NOT NULL,
  made_by xid8 NOT NULL,
  PRIMARY KEY (run, oid)
);";

/// A load, as the journal knows it.
#[derive(Clone, Debug)]
pub(crate) struct Run {
    id: i64,
    /// What only the process that has the run knows: one that was taken over has another.
    owner: String,
    /// What it began with.
    pub(crate) origin: Origin,
    /// The role that loads, whose objects are the load's.
    pub(crate) role: String,
    pub(crate) schemas: Vec<String>,
    /// Those of `schemas` that did not exist before.
    pub(crate) created_schemas: Vec<String>,
}

impl Run {
    pub(crate) fn id(&self) -> i64 {
        self.id
    }

    /// The `application_name` of its sessions.
    pub(crate) fn session_name(&self) -> String {
        format!("coalesce load {}", self.id)
    }
}

/// Why what is there under the journal's name cannot be trusted or used, as a sentence; `None` when it can, or when
/// there is nothing.
///
/// Whoever owns a table decides what runs when it is written, so it must belong to the loading role, to the
/// database's owner or to a superuser, who could do anything here without it.
pub(crate) fn trouble(client: &mut impl GenericClient) -> Result<Option<String>> {
    const EXAMINATION: &str = "
        SELECT pg_catalog.pg_get_userbyid(n.nspowner)::pg_catalog.text AS owner,
          pg_catalog.has_schema_privilege(n.oid, 'USAGE') AND pg_catalog.has_schema_privilege(n.oid, 'CREATE')
            AS usable,
          pg_catalog.obj_description(n.oid, 'pg_namespace') IS NOT DISTINCT FROM $1 AS ours,
          t.oid IS NOT NULL AS trusted,
          NOT EXISTS (
            SELECT FROM pg_catalog.pg_class c WHERE c.relnamespace = n.oid AND c.relkind NOT IN ('i', 'S')
              AND (c.relkind <> 'r' OR c.relowner <> n.nspowner OR c.relhastriggers OR c.relhasrules
                   OR c.relrowsecurity OR c.relname NOT IN ('run', 'chunk', 'step', 'large_object', 'rejected',
                                                         'data_run', 'loaded_table', 'merged', 'joined', 'redirected'))) AS plain
        FROM pg_catalog.pg_namespace n
        LEFT JOIN pg_catalog.pg_roles t ON t.oid = n.nspowner AND (t.rolsuper OR t.rolname = current_user
          OR t.oid = (SELECT d.datdba FROM pg_catalog.pg_database d WHERE d.datname = pg_catalog.current_database()))
        WHERE n.nspname = 'coalesce'";
    let row = client
        .query_opt(EXAMINATION, &[&JOURNAL_COMMENT])
        .map_err(|error| failed("the journal could not be examined", error))?;
    let Some(row) = row else { return Ok(None) };
    let owner: String = row.get("owner");
    Ok(if !row.get::<_, bool>("ours") {
        Some("schema coalesce is not the journal of Coalesce, whose name it has: rename it".to_owned())
    } else if !row.get::<_, bool>("trusted") || !row.get::<_, bool>("plain") {
        Some(format!(
            "schema coalesce belongs to {owner} and is not as load made it: look into it, then drop it"
        ))
    } else if !row.get::<_, bool>("usable") {
        Some(format!(
            "the journal (schema coalesce) belongs to {owner}: load as a role that is a member of it"
        ))
    } else {
        None
    })
}

/// Enters a new run and makes its schemas, together: what the journal calls made by a run is never another's.
/// `existing` are those of its schemas that exist already, empty.
pub(crate) fn begin(
    target: &mut Target,
    header: &Header,
    origin: &Origin,
    existing: &[String],
) -> Result<Run> {
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
    transaction
        .batch_execute(DATABASE_LOCK)
        .map_err(|error| failed(step, error))?;
    keep(&mut transaction)?;
    create_tables(&mut transaction)?;
    crate::prepare::create_schemas(&mut transaction, &created_schemas, header)?;
    let owner = Uuid::now_v7().to_string();
    let row = transaction
        .query_one(
            "INSERT INTO coalesce.run
               (dump_run, source, tool, filters, definitions, role, schemas, schema_oids, created_schemas, state, owner)
             SELECT $1, $2, $3, $4, $5, current_user, $6::pg_catalog.text[],
               ARRAY(SELECT n.oid
                     FROM pg_catalog.unnest($6::pg_catalog.text[]) WITH ORDINALITY AS s (name, place)
                     JOIN pg_catalog.pg_namespace n ON n.nspname = s.name ORDER BY s.place),
               $7, 'loading', $8
             RETURNING id, role",
            &[
                &origin.dump_run,
                &origin.source,
                &origin.tool,
                &origin.filters,
                &origin.definitions,
                &schemas,
                &created_schemas,
                &owner,
            ],
        )
        .map_err(|error| failed(step, error))?;
    let run = Run {
        id: row.get(0),
        owner,
        origin: origin.clone(),
        role: row.get(1),
        schemas,
        created_schemas,
    };
    crate::grants::revoke_all(&mut transaction, &run)?;
    transaction.commit().map_err(|error| failed(step, error))?;
    Ok(run)
}

/// Statements that give the journal's tables to its owner.
const STRANGE_TABLES: &str = "
SELECT 'ALTER TABLE coalesce.' || pg_catalog.quote_ident(c.relname) || ' OWNER TO ' || pg_catalog.quote_ident(r.rolname)
FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
JOIN pg_catalog.pg_roles r ON r.oid = n.nspowner
WHERE n.nspname = 'coalesce' AND c.relkind = 'r' AND c.relowner <> n.nspowner";

/// Makes the journal where it is missing.
pub(crate) fn create_tables(transaction: &mut Transaction<'_>) -> Result<()> {
    let step = "the journal could not be made";
    let exists: bool = transaction
        .query_one("SELECT pg_catalog.to_regnamespace('coalesce') IS NOT NULL", &[])
        .map_err(|error| failed(step, error))?
        .get(0);
    if !exists {
        let comment = catalog::quote_literal(JOURNAL_COMMENT);
        let schema = format!("CREATE SCHEMA coalesce; COMMENT ON SCHEMA coalesce IS {comment}");
        transaction
            .batch_execute(&schema)
            .map_err(|error| failed(step, error))?;
    }
    // Looked at under the lock: from here on nobody else can make it.
    if let Some(trouble) = trouble(transaction)? {
        return Err(Failure::new(Exit::Target, trouble));
    }
    transaction
        .batch_execute(&[TABLES, rejects::journal::DEFINITION, merging::journal::DEFINITION].concat())
        .map_err(|error| failed(step, error))?;
    // A table that an older journal lacked would be this role's, and the journal another's.
    let strange = transaction
        .query(STRANGE_TABLES, &[])
        .map_err(|error| failed(step, error))?;
    for row in strange {
        transaction
            .batch_execute(row.get(0))
            .map_err(|error| failed(step, error))?;
    }
    crate::grants::close_journal(transaction)
}

/// Makes sure within a transaction that the run is still this process's, and stays so until it ends.
pub(crate) fn hold(transaction: &mut Transaction<'_>, run: &Run) -> Result<()> {
    let row = transaction
        .query_opt(
            "SELECT FROM coalesce.run WHERE id = $1 AND owner = $2 AND state = 'loading' FOR SHARE",
            &[&run.id, &run.owner],
        )
        .map_err(|error| failed("the journal could not be read", error))?;
    row.map(drop).ok_or_else(|| {
        Failure::new(
            Exit::Target,
            format!("run {} has ended or was taken over", run.id),
        )
    })
}

/// Whether the journal has the table, and lets this role look for it.
pub(crate) fn can_look(
    client: &mut impl GenericClient,
    table: &str,
) -> std::result::Result<bool, postgres::Error> {
    const TABLE: &str = "
        SELECT FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
        WHERE n.nspname = 'coalesce' AND c.relname = $1 AND pg_catalog.has_schema_privilege(n.oid, 'USAGE')
          AND pg_catalog.has_table_privilege(c.oid, 'SELECT')";
    client.query_opt(TABLE, &[&table]).map(|row| row.is_some())
}

/// Removes what is known of a run's parts, which nobody needs once it has ended.
fn forget_parts(client: &mut impl GenericClient, run: &Run) -> std::result::Result<(), postgres::Error> {
    client.execute("DELETE FROM coalesce.chunk WHERE run = $1", &[&run.id])?;
    client.execute("DELETE FROM coalesce.step WHERE run = $1", &[&run.id])?;
    // A journal from before there were large objects gets its table with the next load.
    if can_look(client, "large_object")? {
        client.execute("DELETE FROM coalesce.large_object WHERE run = $1", &[&run.id])?;
    }
    Ok(())
}

/// What became of the last transaction.
pub(crate) enum Ending {
    Live,
    /// Neither the server nor the journal could be asked.
    NotKnown(Failure),
}

/// The last step, with whatever `open` does in the same transaction: from here on the schemas are what they say.
pub(crate) fn go_live(
    target: &mut Target,
    run: &Run,
    open: impl FnOnce(&mut Transaction<'_>) -> Result<()>,
) -> Result<Ending> {
    let step = "the schemas could not be made live";
    let mut transaction = target
        .client()
        .transaction()
        .map_err(|error| failed(step, error))?;
    hold(&mut transaction, run)?;
    open(&mut transaction)?;
    keep(&mut transaction)?;
    let mut end = || -> std::result::Result<(), postgres::Error> {
        forget_parts(&mut transaction, run)?;
        transaction.execute(
            "UPDATE coalesce.run SET state = 'live', ended_at = pg_catalog.now() WHERE id = $1",
            &[&run.id],
        )?;
        Ok(())
    };
    end().map_err(|error| failed(step, error))?;
    match transaction.commit() {
        Ok(()) => Ok(Ending::Live),
        Err(error) => settle_lost_answer(target, run, failed(step, error)),
    }
}

/// The answer to COMMIT was lost: the row that was written with it says what became of it. A session that is still
/// committing is waited for, since it holds the row.
fn settle_lost_answer(target: &mut Target, run: &Run, failure: Failure) -> Result<Ending> {
    if !failure.is_lost_session() {
        return Err(failure);
    }
    let asked = target.session_within(RENEW_WITHIN).map(|mut session| {
        session.query_opt(
            "SELECT state = 'live' FROM coalesce.run WHERE id = $1 FOR SHARE",
            &[&run.id],
        )
    });
    match asked {
        Ok(Ok(Some(row))) if row.get(0) => Ok(Ending::Live),
        Ok(Ok(_)) => Err(failure),
        _ => Ok(Ending::NotKnown(failure)),
    }
}

/// Notes that what an unfinished load left is gone.
pub(crate) fn abandon(
    client: &mut impl GenericClient,
    run: &Run,
) -> std::result::Result<(), postgres::Error> {
    forget_parts(client, run)?;
    rejects::journal::forget(client, run)?;
    merging::journal::forget(client, run)?;
    client
        .execute(
            "UPDATE coalesce.run SET state = 'abandoned', ended_at = pg_catalog.now() WHERE id = $1",
            &[&run.id],
        )
        .map(drop)
}
