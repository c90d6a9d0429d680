//! What of a run is in: chunks of rows with their fingerprints, and steps that are done.

use std::collections::{HashMap, HashSet};

use archive::hex;
use cli::{Exit, Failure, Result};
use fingerprint::{Fingerprint, Form};
use postgres::{Client, GenericClient, Transaction};
use sha2::{Digest, Sha256};

use super::{Run, hold};
use crate::promised::keep;
use crate::target::failed;

const WRITE: &str = "the journal could not be written";
const READ: &str = "the journal could not be read";

/// Stands in the place of a chunk's number for all rows of a table, which another dump has in other chunks.
const WHOLE_TABLE: i32 = -1;

/// Something that is done in one transaction, known by what it does.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Step(String);

impl Step {
    /// `phase` keeps the same statements apart that are run at different times.
    pub(crate) fn new<'a>(phase: &str, statements: impl IntoIterator<Item = &'a str>) -> Self {
        let mut hasher = Sha256::new();
        for statement in statements {
            hasher.update(statement);
            hasher.update([0]);
        }
        Step(format!("{phase} {}", hex(&hasher.finalize())))
    }
}

/// Notes a chunk in the transaction that writes its rows.
pub(crate) fn note_chunk(
    transaction: &mut Transaction<'_>,
    run: &Run,
    (table, chunk): (u32, u32),
    fingerprint: &Fingerprint,
) -> Result<()> {
    let (rows, form) = (
        i64::try_from(fingerprint.rows).unwrap_or(i64::MAX),
        fingerprint.form.to_string(),
    );
    transaction
        .execute(
            "INSERT INTO coalesce.chunk (run, table_number, chunk_number, form, rows, sum)
             VALUES ($1, $2::bigint::integer, $3::bigint::integer, $4, $5, $6)",
            &[
                &run.id,
                &i64::from(table),
                &i64::from(chunk),
                &form,
                &rows,
                &fingerprint.sum(),
            ],
        )
        .map(drop)
        .map_err(|error| failed(WRITE, error))
}

/// Whether the journal has a chunk, as another session sees it.
pub(crate) fn has_chunk(client: &mut Client, run: &Run, (table, chunk): (u32, u32)) -> Result<bool> {
    let row = client
        .query_opt(
            "SELECT FROM coalesce.chunk
             WHERE run = $1 AND table_number = $2::bigint::integer AND chunk_number = $3::bigint::integer",
            &[&run.id, &i64::from(table), &i64::from(chunk)],
        )
        .map_err(|error| failed(READ, error))?;
    Ok(row.is_some())
}

/// Notes a step in the transaction that does it.
pub(crate) fn note_step(transaction: &mut Transaction<'_>, run: &Run, step: &Step) -> Result<()> {
    note_steps(transaction, run, std::slice::from_ref(step))
}

/// The same for several that are done together.
pub(crate) fn note_steps(transaction: &mut Transaction<'_>, run: &Run, steps: &[Step]) -> Result<()> {
    let steps: Vec<&str> = steps.iter().map(|it| it.0.as_str()).collect();
    transaction
        .execute(
            "INSERT INTO coalesce.step (run, step) SELECT $1, x.step FROM pg_catalog.unnest($2::pg_catalog.text[]) AS x (step)
             ON CONFLICT DO NOTHING",
            &[&run.id, &steps],
        )
        .map(drop)
        .map_err(|error| failed(WRITE, error))
}

/// What is noted where the target was found to hold something else than was loaded.
const DIFFERS: &str = "differs";

/// Notes that what is in is not what was loaded, so that nobody goes on with it.
pub(crate) fn note_difference(client: &mut Client, run: &Run) -> Result<()> {
    let mut transaction = client.transaction().map_err(|error| failed(WRITE, error))?;
    hold(&mut transaction, run)?;
    keep(&mut transaction)?;
    note_steps(&mut transaction, run, &[Step(DIFFERS.to_owned())])?;
    transaction.commit().map_err(|error| failed(WRITE, error))
}

/// Whether the journal has a step, as another session sees it.
pub(crate) fn has_step(client: &mut Client, run: &Run, step: &Step) -> Result<bool> {
    let row = client
        .query_opt(
            "SELECT FROM coalesce.step WHERE run = $1 AND step = $2",
            &[&run.id, &step.0],
        )
        .map_err(|error| failed(READ, error))?;
    Ok(row.is_some())
}

/// What of a run was in when it was taken up.
#[derive(Clone, Debug, Default)]
pub(crate) struct Loaded {
    tables: HashMap<u32, LoadedTable>,
    steps: HashSet<Step>,
}

/// What of a table was in.
#[derive(Clone, Debug, Default)]
struct LoadedTable {
    chunks: HashMap<u32, Fingerprint>,
    /// All its rows, from another dump.
    whole: Option<Fingerprint>,
}

impl Loaded {
    pub(crate) fn read(client: &mut impl GenericClient, run: &Run) -> Result<Self> {
        let mut loaded = Loaded::default();
        let chunks = client
            .query(
                "SELECT table_number::bigint, chunk_number, form, rows, sum FROM coalesce.chunk WHERE run = $1",
                &[&run.id],
            )
            .map_err(|error| failed(READ, error))?;
        for row in chunks {
            let (table, chunk): (i64, i32) = (row.get(0), row.get(1));
            let (rows, sum): (i64, &str) = (row.get(3), row.get(4));
            let form = match row.get(2) {
                "binary" => Form::Binary,
                _ => Form::Text,
            };
            let strange = || Failure::new(Exit::Target, "the journal holds what load did not write");
            let rows = u64::try_from(rows).map_err(|_| strange())?;
            let fingerprint = Fingerprint::from_parts(form, rows, sum).ok_or_else(strange)?;
            let table = loaded
                .tables
                .entry(u32::try_from(table).map_err(|_| strange())?)
                .or_default();
            if chunk == WHOLE_TABLE {
                table.whole = Some(fingerprint);
            } else {
                let chunk = u32::try_from(chunk).map_err(|_| strange())?;
                table.chunks.insert(chunk, fingerprint);
            }
        }
        let steps = client
            .query("SELECT step FROM coalesce.step WHERE run = $1", &[&run.id])
            .map_err(|error| failed(READ, error))?;
        loaded.steps = steps.iter().map(|row| Step(row.get(0))).collect();
        Ok(loaded)
    }

    /// Whether any rows of the table were in.
    pub(crate) fn has_rows_of(&self, table: u32) -> bool {
        self.tables.contains_key(&table)
    }

    /// Whether anything behind the rows was done.
    pub(crate) fn has_steps_of(&self, is_meant: impl Fn(&str) -> bool) -> bool {
        self.steps.iter().any(|it| is_meant(&it.0))
    }

    /// Whether it was found to be something else than was loaded.
    pub(crate) fn differs(&self) -> bool {
        self.steps.contains(&Step(DIFFERS.to_owned()))
    }

    pub(crate) fn has_step(&self, step: &Step) -> bool {
        self.steps.contains(step)
    }

    /// Whether a chunk was in, whatever its rows.
    pub(crate) fn has_chunk_at(&self, (table, chunk): (u32, u32)) -> bool {
        let table = self.tables.get(&table);
        table.is_some_and(|it| it.whole.is_some() || it.chunks.contains_key(&chunk))
    }

    /// Whether a chunk was in; an error when it is not the one that was.
    pub(crate) fn has_chunk(&self, (table, chunk): (u32, u32), fingerprint: &Fingerprint) -> Result<bool> {
        let Some(table) = self.tables.get(&table) else {
            return Ok(false);
        };
        if table.whole.is_some() {
            return Ok(true);
        }
        match table.chunks.get(&chunk) {
            None => Ok(false),
            Some(found) if found == fingerprint => Ok(true),
            Some(_) => Err(Failure::new(
                Exit::Archive,
                "a chunk is not the one that was loaded before the load was interrupted",
            )),
        }
    }

    /// The fingerprint of all rows of a table that were in.
    pub(crate) fn fingerprint(&self, table: u32) -> Option<Fingerprint> {
        let table = self.tables.get(&table)?;
        let mut parts = table.whole.iter().chain(table.chunks.values());
        let mut sum = *parts.next()?;
        parts.try_for_each(|part| sum.merge(part)).ok()?;
        Some(sum)
    }

    /// Tables of which rows were in.
    pub(crate) fn tables(&self) -> impl Iterator<Item = u32> {
        self.tables.keys().copied()
    }
}

/// Rows that the run `$1` has written of the tables `$2`, as an SQL expression: those of the chunks that are in, without
/// those that were rejected.
pub(crate) const NOTED_ROWS: &str = "
  ((SELECT COALESCE(pg_catalog.sum(c.rows), 0) FROM coalesce.chunk c
    WHERE c.run = $1 AND c.table_number = ANY ($2::pg_catalog.int8[]))
   - (SELECT COALESCE(pg_catalog.sum(r.rows), 0) FROM coalesce.rejected r
      WHERE r.run = $1 AND r.table_number = ANY ($2::pg_catalog.int8[])))";

/// Forgets the rows of a table, in the transaction that removes them.
pub(crate) fn forget_table(transaction: &mut Transaction<'_>, run: &Run, table: u32) -> Result<()> {
    forget_chunks(transaction, run, table)?;
    transaction
        .execute(
            "DELETE FROM coalesce.rejected WHERE run = $1 AND table_number = $2::bigint::integer",
            &[&run.id, &i64::from(table)],
        )
        .map(drop)
        .map_err(|error| failed(WRITE, error))
}

fn forget_chunks(transaction: &mut Transaction<'_>, run: &Run, table: u32) -> Result<()> {
    transaction
        .execute(
            "DELETE FROM coalesce.chunk WHERE run = $1 AND table_number = $2::bigint::integer",
            &[&run.id, &i64::from(table)],
        )
        .map(drop)
        .map_err(|error| failed(WRITE, error))
}

/// Notes that all rows of a table are in, whatever the chunks of another dump are.
pub(crate) fn keep_table(
    transaction: &mut Transaction<'_>,
    run: &Run,
    table: u32,
    fingerprint: &Fingerprint,
) -> Result<()> {
    forget_chunks(transaction, run, table)?;
    let rows = i64::try_from(fingerprint.rows).unwrap_or(i64::MAX);
    transaction
        .execute(
            "INSERT INTO coalesce.chunk (run, table_number, chunk_number, form, rows, sum)
             VALUES ($1, $2::bigint::integer, $3, $4, $5, $6)",
            &[
                &run.id,
                &i64::from(table),
                &WHOLE_TABLE,
                &fingerprint.form.to_string(),
                &rows,
                &fingerprint.sum(),
            ],
        )
        .map(drop)
        .map_err(|error| failed(WRITE, error))
}
