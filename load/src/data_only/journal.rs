//! What a load of rows alone writes into the journal: one row for the run, and one for each table, in the transaction
//! that fills it. So what is in is known, whatever became of the process, and no table is filled twice.

use archive::Header;
use catalog::{QualifiedName, quote_ident};
use cli::{Exit, Failure, Result};
use postgres::{Client, Transaction};

use crate::journal::{DATABASE_LOCK, can_look, create_tables};
use crate::promised;
use crate::target::failed;

const TABLES: &str = "
CREATE TABLE IF NOT EXISTS coalesce.data_run (
  id bigint PRIMARY KEY GENERATED ALWAYS AS IDENTITY,
  dump_run text NOT NULL,
  source text NOT NULL,
  role text NOT NULL,
  choices text NOT NULL,
  state text NOT NULL CHECK (state IN ('loading', 'done')),
  owner uuid NOT NULL DEFAULT pg_catalog.gen_random_uuid(),
  started_at timestamptz NOT NULL DEFAULT pg_catalog.now(),
  ended_at timestamptz
);
CREATE TABLE IF NOT EXISTS coalesce.loaded_table (
  run bigint NOT NULL,
  name text NOT NULL,
  rows bigint NOT NULL,
  PRIMARY KEY (run, name)
);";

const STEP: &str = "the journal could not be written";
const READING: &str = "the journal could not be read";

/// A run of this process.
#[derive(Debug)]
pub(crate) struct DataRun {
    pub(crate) id: i64,
    owner: String,
}

/// The last run of the same archive.
#[derive(Debug)]
pub(crate) struct Earlier {
    pub(crate) id: i64,
    pub(crate) choices: String,
    pub(crate) is_done: bool,
    /// Tables that it has filled, as SQL names them.
    pub(crate) tables: Vec<String>,
    /// Those that any run of the archive has filled.
    pub(crate) tables_of_all: Vec<String>,
}

/// What the journal knows of loads of the archive's rows.
pub(crate) fn earlier(client: &mut Client, header: &Header) -> Result<Option<Earlier>> {
    const LAST: &str = "SELECT r.id, r.choices, r.state = 'done' AS is_done,
          ARRAY(SELECT t.name FROM coalesce.loaded_table t WHERE t.run = r.id ORDER BY t.name) AS tables,
          ARRAY(SELECT DISTINCT t.name FROM coalesce.loaded_table t
                JOIN coalesce.data_run o ON o.id = t.run AND o.dump_run = r.dump_run) AS tables_of_all
        FROM coalesce.data_run r WHERE r.dump_run = $1 ORDER BY r.id DESC LIMIT 1";
    if !can_look(client, "loaded_table").map_err(|error| failed(READING, error))? {
        return Ok(None);
    }
    let row = client
        .query_opt(LAST, &[&header.run])
        .map_err(|error| failed(READING, error))?;
    Ok(row.map(|row| Earlier {
        id: row.get("id"),
        choices: row.get("choices"),
        is_done: row.get("is_done"),
        tables: row.get("tables"),
        tables_of_all: row.get("tables_of_all"),
    }))
}

/// Enters a new run.
pub(crate) fn begin(client: &mut Client, header: &Header, choices: &str) -> Result<DataRun> {
    let mut transaction = client.transaction().map_err(|error| failed(STEP, error))?;
    transaction
        .batch_execute(DATABASE_LOCK)
        .map_err(|error| failed(STEP, error))?;
    create_tables(&mut transaction)?;
    transaction
        .batch_execute(TABLES)
        .map_err(|error| failed(STEP, error))?;
    give_to_owner(&mut transaction)?;
    let row = transaction
        .query_one(
            "INSERT INTO coalesce.data_run (dump_run, source, role, choices, state)
             VALUES ($1, $2, current_user, $3, 'loading') RETURNING id, owner::pg_catalog.text",
            &[&header.run, &header.source.database, &choices],
        )
        .map_err(|error| failed(STEP, error))?;
    let run = DataRun {
        id: row.get(0),
        owner: row.get(1),
    };
    transaction.commit().map_err(|error| failed(STEP, error))?;
    Ok(run)
}

/// The journal's tables belong to whom the schema belongs to, and nobody else may look.
fn give_to_owner(transaction: &mut Transaction<'_>) -> Result<()> {
    let row = transaction
        .query_one(
            "SELECT pg_catalog.pg_get_userbyid(n.nspowner)::pg_catalog.text
             FROM pg_catalog.pg_namespace n WHERE n.nspname = 'coalesce'",
            &[],
        )
        .map_err(|error| failed(STEP, error))?;
    let owner = quote_ident(row.get(0));
    for table in ["data_run", "loaded_table"] {
        transaction
            .batch_execute(&format!("ALTER TABLE coalesce.{table} OWNER TO {owner}"))
            .map_err(|error| failed(STEP, error))?;
    }
    crate::grants::close_journal(transaction)
}

/// Takes a run over that did not end. Waits until a transaction of its former owner has ended, which then cannot begin
/// another one.
pub(crate) fn take_over(client: &mut Client, earlier: &Earlier) -> Result<DataRun> {
    let row = client
        .query_opt(
            "UPDATE coalesce.data_run SET owner = pg_catalog.gen_random_uuid()
             WHERE id = $1 AND state = 'loading' RETURNING owner::pg_catalog.text",
            &[&earlier.id],
        )
        .map_err(|error| failed(STEP, error))?;
    let run = row.map(|row| DataRun {
        id: earlier.id,
        owner: row.get(0),
    });
    run.ok_or_else(|| ended(earlier.id))
}

fn ended(id: i64) -> Failure {
    Failure::new(Exit::Target, format!("run {id} has ended or was taken over"))
}

/// Makes sure within a transaction that the run is still this process's, and stays so until it ends.
pub(crate) fn hold(transaction: &mut Transaction<'_>, run: &DataRun) -> Result<()> {
    let row = transaction
        .query_opt(
            "SELECT FROM coalesce.data_run
             WHERE id = $1 AND owner::pg_catalog.text = $2 AND state = 'loading' FOR SHARE",
            &[&run.id, &run.owner],
        )
        .map_err(|error| failed(READING, error))?;
    row.map(drop).ok_or_else(|| ended(run.id))
}

/// Notes a table in the transaction that fills it.
pub(crate) fn note_table(
    transaction: &mut Transaction<'_>,
    run: &DataRun,
    name: &QualifiedName,
    rows: u64,
) -> Result<()> {
    let rows = i64::try_from(rows).unwrap_or(i64::MAX);
    transaction
        .execute(
            "INSERT INTO coalesce.loaded_table (run, name, rows) VALUES ($1, $2, $3)",
            &[&run.id, &name.to_string(), &rows],
        )
        .map(drop)
        .map_err(|error| failed(STEP, error))
}

/// The tables that a run has filled. Waits for a transaction of the run that may still be on its way to its end: the
/// answer to COMMIT can be lost.
pub(crate) fn loaded_tables(client: &mut Client, run: i64) -> Result<Vec<String>> {
    let mut transaction = client.transaction().map_err(|error| failed(READING, error))?;
    transaction
        .batch_execute("SET LOCAL lock_timeout = '10s'")
        .and_then(|()| transaction.query("SELECT FROM coalesce.data_run WHERE id = $1 FOR UPDATE", &[&run]))
        .map_err(|error| failed(READING, error))?;
    let rows = transaction
        .query(
            "SELECT name FROM coalesce.loaded_table WHERE run = $1 ORDER BY name",
            &[&run],
        )
        .map_err(|error| failed(READING, error))?;
    Ok(rows.iter().map(|row| row.get(0)).collect())
}

/// The last step: all tables are in, and the disk has them.
pub(crate) fn end(client: &mut Client, run: &DataRun) -> Result<()> {
    let mut transaction = client.transaction().map_err(|error| failed(STEP, error))?;
    hold(&mut transaction, run)?;
    promised::keep(&mut transaction)?;
    transaction
        .execute(
            "UPDATE coalesce.data_run SET state = 'done', ended_at = pg_catalog.now() WHERE id = $1",
            &[&run.id],
        )
        .map_err(|error| failed(STEP, error))?;
    transaction.commit().map_err(|error| failed(STEP, error))
}
