//! Rejected rows in the journal: how many of each chunk, and what their hashes add up to. They stay when the run is
//! live, since without them nothing says why the target has fewer rows than the archive.

use archive::RowsRecord;
use cli::{Exit, Failure, Result};
use fingerprint::Fingerprint;
use postgres::{GenericClient, Transaction};
use serde_json::json;

use crate::journal::Run;
use crate::target::failed;

/// `sum` is that of a fingerprint: the hashes of the rows modulo 2^256, the highest byte first.
pub(crate) const DEFINITION: &str = "
CREATE TABLE IF NOT EXISTS coalesce.rejected (
  run bigint NOT NULL,
  table_number integer NOT NULL,
  chunk_number integer NOT NULL,
  table_name text NOT NULL,
  rows bigint NOT NULL,
  form text NOT NULL,
  sum bytea NOT NULL,
  reason text NOT NULL,
  PRIMARY KEY (run, table_number, chunk_number)
);";

/// What was rejected of one chunk.
#[derive(Clone, Debug)]
pub(crate) struct RejectedChunk {
    pub(crate) table: u32,
    pub(crate) chunk: u32,
    /// The table that would have taken the rows.
    pub(crate) into: String,
    pub(crate) fingerprint: Fingerprint,
    /// SQLSTATEs, each with the number of its rows: `23514: 3, 22P02: 1`. Never values.
    pub(crate) reason: String,
}

/// Notes rejected rows in the transaction that writes the others of their chunk.
pub(super) fn note(
    transaction: &mut Transaction<'_>,
    run: &Run,
    rows: &RowsRecord,
    into: &str,
    rejected: &Fingerprint,
    reason: &str,
) -> Result<()> {
    transaction
        .execute(
            "INSERT INTO coalesce.rejected
               (run, table_number, chunk_number, table_name, rows, form, sum, reason)
             VALUES ($1, $2::bigint::integer, $3::bigint::integer, $4, $5, $6, pg_catalog.decode($7, 'hex'), $8)",
            &[
                &run.id(),
                &i64::from(rows.table),
                &i64::from(rows.chunk),
                &into,
                &rejected.rows.cast_signed(),
                &rejected.form.to_string(),
                &rejected.sum(),
                &reason,
            ],
        )
        .map(drop)
        .map_err(|error| failed("the journal could not be written", error))
}

/// All that a run has rejected, in the order of tables and chunks.
pub(crate) fn read(client: &mut impl GenericClient, run: &Run) -> Result<Vec<RejectedChunk>> {
    read_of(client, run.id())
}

/// All that the run with this number has rejected.
pub(super) fn read_of(client: &mut impl GenericClient, run: i64) -> Result<Vec<RejectedChunk>> {
    const REJECTED: &str = "
        SELECT table_number::pg_catalog.oid, chunk_number::pg_catalog.oid, table_name, rows, form,
          pg_catalog.encode(sum, 'hex'), reason
        FROM coalesce.rejected WHERE run = $1 ORDER BY table_number, chunk_number";
    let step = "the journal could not be read";
    if !exists(client).map_err(|error| failed(step, error))? {
        return Ok(Vec::new());
    }
    let rows = client
        .query(REJECTED, &[&run])
        .map_err(|error| failed(step, error))?;
    rows.iter()
        .map(|row| {
            let fingerprint = json!({
                "form": row.get::<_, &str>(4),
                "rows": row.get::<_, i64>(3).unsigned_abs(),
                "sum": row.get::<_, &str>(5),
            });
            Ok(RejectedChunk {
                table: row.get(0),
                chunk: row.get(1),
                into: row.get(2),
                fingerprint: serde_json::from_value(fingerprint)
                    .map_err(|error| Failure::new(Exit::Target, step).with_source(error))?,
                reason: row.get(6),
            })
        })
        .collect()
}

/// Removes what is known of a run that is abandoned, with the rows it was about.
pub(crate) fn forget(client: &mut impl GenericClient, run: &Run) -> std::result::Result<(), postgres::Error> {
    if exists(client)? {
        client.execute("DELETE FROM coalesce.rejected WHERE run = $1", &[&run.id()])?;
    }
    Ok(())
}

/// A journal from before rows could be rejected gets its table with the next load.
fn exists(client: &mut impl GenericClient) -> std::result::Result<bool, postgres::Error> {
    const TABLE: &str = "SELECT pg_catalog.to_regclass('coalesce.rejected') IS NOT NULL";
    client.query_one(TABLE, &[]).map(|row| row.get(0))
}
