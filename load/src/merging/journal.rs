//! What a run has merged, in the journal: how many rows of each part stand in the merged table and how many are joined to
//! another source's, which these are, and which keys follow. It stays when the run is live: `verify` needs it.

use cli::Result;
use fingerprint::Fingerprint;
use postgres::{GenericClient, Transaction};

use crate::journal::{Run, can_look};
use crate::target::failed;

/// `part` is the part as the archive says it, with the columns that its sums are over; a sum is that of a fingerprint, in
/// hexadecimal digits. `natural_sum` is SHA-256 over the text of the natural key of the row that stays.
pub(crate) const DEFINITION: &str = "
CREATE TABLE IF NOT EXISTS coalesce.merged (
  run bigint NOT NULL,
  part_number integer NOT NULL,
  table_name text NOT NULL,
  source text NOT NULL,
  source_table text NOT NULL,
  part text NOT NULL,
  staged bigint NOT NULL,
  inserted bigint NOT NULL,
  joined bigint NOT NULL,
  differing bigint NOT NULL,
  joined_text text NOT NULL,
  joined_binary text,
  merged_text text,
  PRIMARY KEY (run, part_number)
);
CREATE TABLE IF NOT EXISTS coalesce.joined (
  run bigint NOT NULL,
  part_number integer NOT NULL,
  table_name text NOT NULL,
  source text NOT NULL,
  key text[] NOT NULL,
  winner_source text NOT NULL,
  winner_key text[] NOT NULL,
  natural_sum text NOT NULL,
  differing text[] NOT NULL,
  differing_values text[]
);
CREATE TABLE IF NOT EXISTS coalesce.redirected (
  run bigint NOT NULL,
  part_number integer NOT NULL,
  table_name text NOT NULL,
  source text NOT NULL,
  columns text[] NOT NULL,
  old text[] NOT NULL,
  winner text[] NOT NULL
);";

/// The tables' names.
const TABLES: [&str; 3] = ["merged", "joined", "redirected"];

/// What became of the rows of one part.
#[derive(Clone, Debug)]
pub(super) struct PartDone {
    pub(super) part_number: u32,
    /// The merged table.
    pub(super) table_name: String,
    pub(super) source: String,
    /// The table's name in the archive.
    pub(super) source_table: String,
    /// The part as JSON.
    pub(super) part: String,
    pub(super) staged: u64,
    pub(super) inserted: u64,
    pub(super) joined: u64,
    /// Joined rows with other values than those that stay.
    pub(super) differing: u64,
    /// The joined rows, as they were.
    pub(super) joined_text: String,
    pub(super) joined_binary: Option<String>,
    /// The rows that were inserted, as text; where they are to be read back.
    pub(super) merged_text: Option<String>,
}

pub(super) fn note(transaction: &mut Transaction<'_>, run: &Run, it: &PartDone) -> Result<()> {
    let number = |it: u64| i64::try_from(it).unwrap_or(i64::MAX);
    transaction
        .execute(
            "INSERT INTO coalesce.merged
               (run, part_number, table_name, source, source_table, part, staged, inserted, joined, differing,
                joined_text, joined_binary, merged_text)
             VALUES ($1, $2::bigint::integer, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)",
            &[
                &run.id(),
                &i64::from(it.part_number),
                &it.table_name,
                &it.source,
                &it.source_table,
                &it.part,
                &number(it.staged),
                &number(it.inserted),
                &number(it.joined),
                &number(it.differing),
                &it.joined_text,
                &it.joined_binary,
                &it.merged_text,
            ],
        )
        .map(drop)
        .map_err(|error| failed("the journal could not be written", error))
}

/// What became of the parts of a run, in the order of their numbers.
pub(super) fn read(client: &mut impl GenericClient, run: i64) -> Result<Vec<PartDone>> {
    let step = "the journal could not be read";
    if !can_look(client, "merged").map_err(|error| failed(step, error))? {
        return Ok(Vec::new());
    }
    let rows = client
        .query(
            "SELECT part_number::bigint, table_name, source, source_table, part, staged, inserted, joined, differing,
               joined_text, joined_binary, merged_text
             FROM coalesce.merged WHERE run = $1 ORDER BY part_number",
            &[&run],
        )
        .map_err(|error| failed(step, error))?;
    let number = |row: &postgres::Row, column: usize| row.get::<_, i64>(column).unsigned_abs();
    Ok(rows
        .iter()
        .map(|row| PartDone {
            part_number: u32::try_from(row.get::<_, i64>(0)).unwrap_or_default(),
            table_name: row.get(1),
            source: row.get(2),
            source_table: row.get(3),
            part: row.get(4),
            staged: number(row, 5),
            inserted: number(row, 6),
            joined: number(row, 7),
            differing: number(row, 8),
            joined_text: row.get(9),
            joined_binary: row.get(10),
            merged_text: row.get(11),
        })
        .collect())
}

/// A fingerprint out of the journal.
pub(super) fn fingerprint(rows: u64, sum: &str) -> Option<Fingerprint> {
    Fingerprint::from_parts(fingerprint::Form::Text, rows, sum)
}

/// Removes what is known of a run that is abandoned.
pub(crate) fn forget(client: &mut impl GenericClient, run: &Run) -> std::result::Result<(), postgres::Error> {
    for table in TABLES {
        // A journal from before there were merged tables gets them with the next load.
        if can_look(client, table)? {
            client.execute(
                &format!("DELETE FROM coalesce.{table} WHERE run = $1"),
                &[&run.id()],
            )?;
        }
    }
    Ok(())
}
