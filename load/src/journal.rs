//! The journal: schema `coalesce` on the target, without grants. One row for each run, kept; one row for each
//! chunk that is in and for each large object that was made, removed when the run is live.

use archive::Header;
use catalog::JOURNAL_COMMENT;
use cli::{Exit, Failure, Result};
use postgres::{Client, GenericClient, Transaction};

use crate::target::{Target, failed};

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
  owner_pid integer NOT NULL,
  started_at timestamptz NOT NULL DEFAULT pg_catalog.now(),
  ended_at timestamptz
);
CREATE TABLE IF NOT EXISTS coalesce.chunk (
  run bigint NOT NULL,
  table_number integer NOT NULL,
  chunk_number integer NOT NULL,
  PRIMARY KEY (run, table_number, chunk_number)
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
    owner_pid: i32,
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
                   OR c.relrowsecurity OR c.relname NOT IN ('run', 'chunk', 'large_object',
                                                         'data_run', 'loaded_table'))) AS plain
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
    transaction
        .batch_execute(DATABASE_LOCK)
        .map_err(|error| failed(step, error))?;
    create_tables(&mut transaction)?;
    crate::prepare::create_schemas(&mut transaction, &created_schemas, header)?;
    let row = transaction
        .query_one(
            "INSERT INTO coalesce.run
               (dump_run, source, role, schemas, schema_oids, created_schemas, state, owner_pid)
             SELECT $1, $2, current_user, $3::pg_catalog.text[],
               ARRAY(SELECT n.oid
                     FROM pg_catalog.unnest($3::pg_catalog.text[]) WITH ORDINALITY AS s (name, place)
                     JOIN pg_catalog.pg_namespace n ON n.nspname = s.name ORDER BY s.place),
               $4, 'loading', pg_catalog.pg_backend_pid()
             RETURNING id, owner_pid, role",
            &[&header.run, &header.source.database, &schemas, &created_schemas],
        )
        .map_err(|error| failed(step, error))?;
    let run = Run {
        id: row.get(0),
        owner_pid: row.get(1),
        role: row.get(2),
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
        .batch_execute(TABLES)
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

/// Notes large objects in the transaction that makes them.
pub(crate) fn note_large_objects(transaction: &mut Transaction<'_>, run: &Run, oids: &[u32]) -> Result<()> {
    transaction
        .execute(
            "INSERT INTO coalesce.large_object (run, oid, made_by)
             SELECT $1, x.oid, pg_catalog.pg_current_xact_id() FROM pg_catalog.unnest($2::pg_catalog.oid[]) AS x (oid)",
            &[&run.id, &oids],
        )
        .map(drop)
        .map_err(|error| failed("the journal could not be written", error))
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

/// The runs that made large objects of `oids` and did not end, each with what `load --abandon` knows it by.
pub(crate) fn unfinished_makers(client: &mut impl GenericClient, oids: &[u32]) -> Result<Vec<(i64, String)>> {
    const MAKERS: &str = "
        SELECT r.id, COALESCE(r.schemas[1], $2) FROM coalesce.run r
        WHERE r.state = 'loading'
          AND EXISTS (SELECT FROM coalesce.large_object o WHERE o.run = r.id AND o.oid = ANY ($1))
        ORDER BY r.id";
    let step = "the journal could not be read";
    if !can_look(client, "large_object").map_err(|error| failed(step, error))? {
        return Ok(Vec::new());
    }
    let rows = client
        .query(MAKERS, &[&oids, &LARGE_OBJECTS])
        .map_err(|error| failed(step, error))?;
    Ok(rows.iter().map(|row| (row.get(0), row.get(1))).collect())
}

/// The OIDs of the large objects that a run which did not end has made, ascending.
pub(crate) fn large_objects(client: &mut impl GenericClient, run: &Run) -> Result<Vec<u32>> {
    let step = "the journal could not be read";
    if !can_look(client, "large_object").map_err(|error| failed(step, error))? {
        return Ok(Vec::new());
    }
    let rows = client
        .query(
            "SELECT oid FROM coalesce.large_object WHERE run = $1 ORDER BY oid",
            &[&run.id],
        )
        .map_err(|error| failed(step, error))?;
    Ok(rows.iter().map(|row| row.get(0)).collect())
}

/// Those of `oids` that are still what the run has made, and those that are something else now.
///
/// An OID can be given again after its object was removed, so the row in the system's catalog must be the one that
/// the run's own transaction wrote, and its owner the role that loads.
pub(crate) fn own_large_objects(
    client: &mut impl GenericClient,
    run: &Run,
    oids: &[u32],
) -> Result<(Vec<u32>, Vec<u32>)> {
    const EXISTING: &str = "
        SELECT m.oid, m.xmin = o.made_by::pg_catalog.xid
          AND m.lomowner = (SELECT r.oid FROM pg_catalog.pg_roles r WHERE r.rolname = $3) AS own
        FROM coalesce.large_object o JOIN pg_catalog.pg_largeobject_metadata m ON m.oid = o.oid
        WHERE o.run = $1 AND o.oid = ANY ($2) ORDER BY m.oid";
    if oids.is_empty() {
        return Ok((Vec::new(), Vec::new()));
    }
    let rows = client
        .query(EXISTING, &[&run.id, &oids, &run.role])
        .map_err(|error| failed("the large objects could not be examined", error))?;
    let (own, others): (Vec<_>, Vec<_>) = rows
        .iter()
        .partition(|row| row.get::<_, Option<bool>>("own").unwrap_or(false));
    let oids = |rows: Vec<&postgres::Row>| rows.into_iter().map(|row| row.get("oid")).collect();
    Ok((oids(own), oids(others)))
}

/// Removes what is known of a run's parts, which nobody needs once it has ended.
fn forget_parts(client: &mut impl GenericClient, run: &Run) -> std::result::Result<(), postgres::Error> {
    client.execute("DELETE FROM coalesce.chunk WHERE run = $1", &[&run.id])?;
    // A journal from before there were large objects gets its table with the next load.
    if can_look(client, "large_object")? {
        client.execute("DELETE FROM coalesce.large_object WHERE run = $1", &[&run.id])?;
    }
    Ok(())
}

/// The last step, with whatever `open` does in the same transaction: from here on the schemas are what they say.
pub(crate) fn go_live(
    target: &mut Target,
    run: &Run,
    open: impl FnOnce(&mut Transaction<'_>) -> Result<()>,
) -> Result<()> {
    let step = "the schemas could not be made live";
    let mut transaction = target
        .client()
        .transaction()
        .map_err(|error| failed(step, error))?;
    hold(&mut transaction, run)?;
    open(&mut transaction)?;
    let mut end = || -> std::result::Result<(), postgres::Error> {
        transaction.batch_execute("SET LOCAL synchronous_commit = on")?;
        forget_parts(&mut transaction, run)?;
        transaction.execute(
            "UPDATE coalesce.run SET state = 'live', ended_at = pg_catalog.now() WHERE id = $1",
            &[&run.id],
        )?;
        Ok(())
    };
    end().map_err(|error| failed(step, error))?;
    match transaction.commit() {
        Ok(()) => Ok(()),
        Err(error) => settle_lost_answer(target, run, failed(step, error)),
    }
}

/// The answer to COMMIT was lost: the row that was written with it says what became of it.
fn settle_lost_answer(target: &Target, run: &Run, failure: Failure) -> Result<()> {
    let asked = target.sessions(1)?.pop().map(|mut client| {
        client.query_opt(
            "SELECT state = 'live' FROM coalesce.run WHERE id = $1",
            &[&run.id],
        )
    });
    match asked {
        Some(Ok(Some(row))) if row.get(0) => Ok(()),
        _ => Err(failure),
    }
}

/// The load that wrote `schema`, as it stands now, and did not end, if there is one.
pub(crate) fn unfinished_run(client: &mut Client, schema: &str) -> Result<Option<Run>> {
    const OF_SCHEMA: &str = "
        SELECT r.id, r.owner_pid, r.role, r.created_schemas,
        ARRAY(SELECT n.nspname::pg_catalog.text FROM pg_catalog.pg_namespace n
        WHERE n.oid = ANY (r.schema_oids) AND n.nspname = ANY (r.schemas))
        FROM coalesce.run r
        JOIN pg_catalog.pg_namespace n ON n.nspname = $1 AND n.oid = ANY (r.schema_oids)
        WHERE r.state = 'loading' ORDER BY r.id DESC LIMIT 1";
    const WITHOUT_SCHEMA: &str = "
        SELECT r.id, r.owner_pid, r.role, r.created_schemas, r.schemas FROM coalesce.run r
        WHERE r.state = 'loading' AND pg_catalog.cardinality(r.schemas) = 0 AND $1::pg_catalog.text IS NOT NULL
        ORDER BY r.id DESC LIMIT 1";
    let step = "the journal could not be read";
    if !can_look(client, "run").map_err(|error| failed(step, error))? {
        return Ok(None);
    }
    // A schema of that name that was made later is another's.
    let sql = if schema == LARGE_OBJECTS {
        WITHOUT_SCHEMA
    } else {
        OF_SCHEMA
    };
    let row = client
        .query_opt(sql, &[&schema])
        .map_err(|error| failed(step, error))?;
    Ok(row.map(|row| Run {
        id: row.get(0),
        owner_pid: row.get(1),
        role: row.get(2),
        created_schemas: row.get(3),
        schemas: row.get(4),
    }))
}

/// Notes that what an unfinished load left is gone.
pub(crate) fn abandon(
    client: &mut impl GenericClient,
    run: &Run,
) -> std::result::Result<(), postgres::Error> {
    forget_parts(client, run)?;
    client
        .execute(
            "UPDATE coalesce.run SET state = 'abandoned', ended_at = pg_catalog.now() WHERE id = $1",
            &[&run.id],
        )
        .map(drop)
}
