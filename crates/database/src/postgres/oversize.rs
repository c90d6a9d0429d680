//! Rows that COPY cannot write: PostgreSQL builds each in memory, where nothing may pass 1 GiB, and as text a `bytea`
//! takes twice its bytes, a bit string eight times.

use catalog::{ColumnType, Table, ThroughRoot, quote_ident};
use fingerprint::Form;
use postgres::GenericClient;
use postgres::error::{DbError, SqlState};

use super::row_source::RowSource;
use crate::{Error, ErrorKind, Result};

/// `MaxAllocSize` of PostgreSQL, with the byte that ends its strings.
const ROW_BYTES_MAX: i64 = (1 << 30) - 1;

/// PostgreSQL's compressions make a value at most so many times smaller.
const COMPRESSION_MAX: i64 = 255;

/// Above this many bytes of its own a table is not looked through for what only might be there.
const LOOKED_THROUGH_MAX: i64 = 1 << 30;

/// A row that is too long for COPY.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OversizedRow {
    /// Where it lies, as in `WHERE ctid = '(0,1)'`.
    pub ctid: String,
    /// Bytes on the wire, at least.
    pub bytes: i64,
    /// The column that takes most of them.
    pub column: String,
    /// The other form of rows in which it would pass, if there is one.
    pub passes_as: Option<Form>,
}

/// The first row of `table` that COPY cannot write in `form`, as far as sizes tell without reading the values.
pub fn find_oversized_row(
    client: &mut impl RowSource,
    table: &Table,
    form: Form,
) -> Result<Option<OversizedRow>> {
    find_longer(client, table, form, ROW_BYTES_MAX)
}

/// Whether a table is worth looking through for rows that are too long.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OversizedRows {
    /// Nothing in it is long enough.
    Impossible,
    Possible,
    /// It could hold one, and to look takes too long to do it without being asked to.
    NotLookedFor,
}

/// Whether `table`, with its partitions where it is read through its root, could hold such a row.
pub fn could_hold_oversized_row(client: &mut impl GenericClient, table: &Table) -> Result<OversizedRows> {
    let failed = format!("the size of {} could not be asked for", table.qualified_name());
    let sql = "WITH RECURSIVE tree AS (
          SELECT c.oid FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
          WHERE n.nspname = $1 AND c.relname = $2
          UNION
          SELECT i.inhrelid FROM pg_catalog.pg_inherits i JOIN tree t ON t.oid = i.inhparent WHERE $5
        )
        SELECT COALESCE(pg_catalog.max(pg_catalog.pg_relation_size(c.reltoastrelid)), 0) >= $4 AS could,
          COALESCE(pg_catalog.sum(pg_catalog.pg_relation_size(c.oid)), 0) <= $3::pg_catalog.int8 AS is_small
        FROM tree t JOIN pg_catalog.pg_class c ON c.oid = t.oid WHERE c.reltoastrelid <> 0";
    // A bit string of an eighth of the limit can be too long as text.
    let least = ROW_BYTES_MAX / 8 / COMPRESSION_MAX;
    let row = client
        .query_one(
            sql,
            &[
                &table.schema,
                &table.name,
                &LOOKED_THROUGH_MAX,
                &least,
                &is_root(table),
            ],
        )
        .map_err(Error::query(failed))?;
    Ok(match (row.get("could"), row.get("is_small")) {
        (false, _) => OversizedRows::Impossible,
        (true, true) => OversizedRows::Possible,
        (true, false) => OversizedRows::NotLookedFor,
    })
}

/// Whether the rows of its partitions are read through it.
fn is_root(table: &Table) -> bool {
    table.through_root == Some(ThroughRoot::Root)
}

/// What to say of a COPY that failed: with the row, if it was one that is too long.
///
/// The session's transaction has failed with the COPY and is ended, so that the session can be asked once more.
pub(super) fn explain(client: &mut impl RowSource, table: &Table, form: Form, error: Error) -> Error {
    // Outside the transaction the table is not locked: whoever waits for it must not keep us waiting too.
    const ASK_ANEW: &str = "ROLLBACK; SET lock_timeout = '2s'; SET statement_timeout = '60s'";
    if !could_be_size(&error) || client.batch_execute(ASK_ANEW).is_err() {
        return error;
    }
    let Ok(Some(row)) = find_oversized_row(client, table, form) else {
        return error;
    };
    let name = table.qualified_name();
    let message = format!(
        "rows of {name} could not be read: the one at ctid {} takes {} bytes or more (most of them in column {}), and \
         COPY passes no row of 1 GiB",
        row.ctid, row.bytes, row.column
    );
    let hint = match row.passes_as {
        Some(Form::Binary) => "as binary it passes: `--rows binary`".to_owned(),
        _ => format!(
            "shorten or split it, or see it with SELECT … FROM {name} WHERE ctid = '{}'",
            row.ctid
        ),
    };
    Error::new(ErrorKind::Query, message)
        .with_hint(hint)
        .with_source(error)
}

/// PostgreSQL has no SQLSTATE of its own for it: a buffer that cannot grow, an allocation that is refused.
fn could_be_size(error: &Error) -> bool {
    let mut cause = std::error::Error::source(error);
    while let Some(it) = cause {
        if let Some(error) = it.downcast_ref::<DbError>() {
            return [
                SqlState::PROGRAM_LIMIT_EXCEEDED,
                SqlState::INTERNAL_ERROR,
                SqlState::OUT_OF_MEMORY,
            ]
            .contains(error.code());
        }
        cause = it.source();
    }
    false
}

fn find_longer(
    client: &mut impl RowSource,
    table: &Table,
    form: Form,
    bytes_max: i64,
) -> Result<Option<OversizedRow>> {
    let columns: Vec<_> = table.stored_columns().collect();
    if columns.is_empty() {
        return Ok(None);
    }
    let sizes = |form| -> Vec<String> {
        let size = |it: &&catalog::Column| size_sql(&quote_ident(&it.name), &it.column_type, form);
        columns.iter().map(size).collect()
    };
    let name = table.qualified_name();
    let (here, as_binary) = (sizes(form), sizes(Form::Binary).join(" + "));
    let only = if is_root(table) { "" } else { "ONLY " };
    let sql = format!(
        "SELECT ctid::pg_catalog.text, {sum}, ARRAY[{each}], {as_binary} FROM {only}{name} WHERE {sum} > $1 LIMIT 1",
        sum = here.join(" + "),
        each = here.join(", "),
    );
    let row = client
        .query_opt(&sql, &[&bytes_max])
        .map_err(Error::query(format!("sizes of rows of {name} could not be read")))?;
    Ok(row.map(|row| {
        let each: Vec<i64> = row.get(2);
        let largest = each.iter().zip(&columns).max_by_key(|(bytes, _)| **bytes);
        let is_safe = columns.iter().all(|it| it.binary_safe);
        let passes = form == Form::Text && is_safe && row.get::<_, i64>(3) <= bytes_max;
        OversizedRow {
            ctid: row.get(0),
            bytes: row.get(1),
            column: largest.map(|(_, column)| column.name.clone()).unwrap_or_default(),
            passes_as: passes.then_some(Form::Binary),
        }
    }))
}

/// Bytes of a value on the wire, at least; for all but bit strings a value's head tells, however large it is.
fn size_sql(column: &str, of: &ColumnType, form: Form) -> String {
    let is_built_in = of.schema == ColumnType::BUILT_IN_SCHEMA;
    let size = match of.text.as_str() {
        "bytea" if is_built_in && form == Form::Text => {
            format!("2 + 2 * pg_catalog.octet_length({column})::pg_catalog.int8")
        }
        "bytea" | "text" | "character varying" if is_built_in => {
            format!("pg_catalog.octet_length({column})::pg_catalog.int8")
        }
        bits if is_built_in && bits.starts_with("bit") && form == Form::Text && !bits.ends_with("[]") => {
            format!("pg_catalog.length({column})::pg_catalog.int8")
        }
        _ => format!("pg_catalog.pg_column_size({column})::pg_catalog.int8"),
    };
    format!("COALESCE({size}, 0)")
}
