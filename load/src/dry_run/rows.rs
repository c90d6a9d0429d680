//! The archive read to its end and proved as in a load; of each table the first rows are tried.

use archive::{End, Header};
use catalog::TableKind;
use cli::{ArchiveReader, Exit, Failure, Result};
use fingerprint::{Form, Row, each_row_of_chunk, encode_row, wrap_chunk};
use postgres::error::{DbError, SqlState};

use crate::conversions;
use crate::merging::Merging;
use crate::rows::Routes;
use crate::rows::{Chunk, Freeze, OpenedChunk, Tally, copy_in_sql, table_of};

use super::rehearsal::{Copy, Rehearsal};

/// Rows of each table that are tried, and about how many bytes of them; one row is tried in any case.
const ROWS_MAX: u64 = 1000;
const BYTES_MAX: usize = 1 << 20;

/// Large objects that are made: enough to know that they can be.
const LARGE_OBJECTS_MAX: usize = 100;

/// What became of the rows.
#[derive(Default)]
pub(super) struct Sampled {
    /// Rows that were tried.
    pub(super) rows: u64,
    /// Rows that name what is made only after them.
    pub(super) late: Vec<Copy>,
}

/// Large objects that are made for a try. That their OIDs are free has been looked at before.
pub(super) fn large_objects(header: &Header) -> Vec<String> {
    let objects = header.catalog.large_objects.iter().take(LARGE_OBJECTS_MAX);
    objects
        .map(|it| format!("SELECT pg_catalog.lo_create({})", it.oid))
        .collect()
}

/// Reads and proves all chunks and the end member, and tries the first rows of each table.
pub(super) fn rehearse(
    rehearsal: &mut Rehearsal<'_>,
    mut reader: ArchiveReader,
    header: &Header,
) -> Result<(End, Sampled)> {
    let routes = Routes::find(rehearsal.transaction(), header)?;
    let conversions = conversions::Staging::new(header);
    rehearsal.all(&conversions.definitions())?;
    let merging = Merging::new(header);
    rehearsal.all(&merging.definitions())?;
    let parts = merging.staging();
    let tally = Tally::new(header);
    let mut sampled = Sampled::default();
    while let Some((rows, _)) = reader.next_chunk().map_err(Failure::archive)? {
        cli::check_interrupt()?;
        let table = table_of(header, &rows)?;
        let stored = reader.chunk_bytes().map_err(Failure::archive)?;
        let chunk = OpenedChunk::new(table, Chunk { rows, stored })?;
        tally.add(rows.table, &chunk.fingerprint);
        if rows.chunk > 0 || table.kind == TableKind::LargeObjects {
            continue;
        }
        let into = if table.kind == TableKind::Configuration {
            staging(rehearsal, &chunk)?
        } else if let Some(staged) = conversions.table(table.number) {
            staged.to_string()
        } else if let Some(staged) = parts.get(&table.number) {
            staged.to_string()
        } else {
            routes.table(table).to_string()
        };
        let (number, bytes) = sample(&chunk)?;
        sampled.rows += number;
        let copy = Copy {
            table: table.qualified_name().to_string(),
            sql: copy_in_sql(table, &into, rows.form, Freeze::No),
            bytes,
        };
        match rehearsal.try_copy(&copy)? {
            Some(error) if table.stores_names() && names_nothing(&error) => sampled.late.push(copy),
            Some(error) => rehearsal.note_rows(&copy, &error)?,
            None => {
                let insertion = conversions.insertion(table.number, &routes.table(table));
                rehearsal.all(insertion.as_slice())?;
            }
        }
    }
    let end = reader.finish().map_err(Failure::archive)?;
    tally.compare(header, &end)?;
    rehearsal.all(&merging.trial())?;
    Ok((end, sampled))
}

fn names_nothing(error: &DbError) -> bool {
    let missing = [
        SqlState::INVALID_SCHEMA_NAME,
        SqlState::UNDEFINED_TABLE,
        SqlState::UNDEFINED_OBJECT,
        SqlState::UNDEFINED_FUNCTION,
    ];
    missing.contains(error.code())
}

/// Rows of an extension's table do not go into it, which is live, but into a temporary one like it.
fn staging(rehearsal: &mut Rehearsal<'_>, chunk: &OpenedChunk<'_>) -> Result<String> {
    let table = chunk.table;
    let name = format!("pg_temp.coalesce_trial_{}", table.number);
    let columns = table.column_list();
    let columns = columns.trim_start_matches('(').trim_end_matches(')');
    let sql = format!(
        "CREATE TEMPORARY TABLE {name} ON COMMIT DROP AS SELECT {columns} FROM {} WITH NO DATA",
        table.qualified_name()
    );
    rehearsal.all(&[sql])?;
    Ok(name)
}

/// The first rows of a chunk as a chunk, and how many they are.
fn sample(chunk: &OpenedChunk<'_>) -> Result<(u64, Vec<u8>)> {
    let (form, table) = (chunk.rows.form, chunk.table);
    let names = || {
        table
            .stored_columns()
            .map(|it| it.name.as_str())
            .collect::<Vec<_>>()
    };
    let (mut number, mut rows) = (0, Vec::new());
    each_row_of_chunk(form, names(), &chunk.bytes, |row| {
        if number == 0 || number < ROWS_MAX && rows.len() < BYTES_MAX {
            number += 1;
            append(row, form, &mut rows);
        }
    })
    .map_err(|error| {
        let message = format!("archive is damaged: chunk 0 of {}", table.qualified_name());
        Failure::new(Exit::Archive, message).with_source(error)
    })?;
    Ok((number, wrap_chunk(form, names(), rows)))
}

fn append(row: Row<'_>, form: Form, rows: &mut Vec<u8>) {
    if form == Form::Text {
        return encode_row(row.values(), rows);
    }
    let length = |of: usize| u32::try_from(of).unwrap_or(u32::MAX).to_be_bytes();
    let columns = u16::try_from(row.values().count()).unwrap_or(u16::MAX);
    rows.extend_from_slice(&columns.to_be_bytes());
    for value in row.values() {
        match value {
            Some(bytes) => {
                rows.extend_from_slice(&length(bytes.len()));
                rows.extend_from_slice(bytes);
            }
            None => rows.extend_from_slice(&u32::MAX.to_be_bytes()),
        }
    }
}
