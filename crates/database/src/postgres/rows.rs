//! Rows as the server sends them, piece by piece.

use std::io::BufRead;

use catalog::{Table, TableKind, quote_ident};
use fingerprint::Form;
use postgres::GenericClient;

use super::large_objects;
use crate::{Error, ErrorKind, Result};

/// The statement that reads a table's own rows: stored columns in the catalog's order.
pub fn copy_out_sql(table: &Table, form: Form) -> String {
    let format = match form {
        Form::Text => "csv",
        Form::Binary => "binary",
    };
    if table.kind == TableKind::LargeObjects {
        return large_objects::copy_out_sql(table, format);
    }
    let (name, columns) = (table.qualified_name(), table.column_list());
    if let Some(condition) = &table.condition {
        let names: Vec<String> = table.stored_columns().map(|it| quote_ident(&it.name)).collect();
        let columns = names.join(", ");
        return format!("COPY (SELECT {columns} FROM ONLY {name} {condition}) TO STDOUT (FORMAT {format})");
    }
    if columns.is_empty() && !table.columns.is_empty() {
        // COPY without a column list would send the generated columns' names as its columns.
        return format!("COPY (SELECT FROM ONLY {name}) TO STDOUT (FORMAT {format})");
    }
    format!("COPY {name} {columns} TO STDOUT (FORMAT {format})")
}

/// Gives every piece of the stream to `take`, which may stop by an error of its own.
///
/// The outer result is the server's, the inner one `take`'s.
pub fn read_rows<E>(
    client: &mut impl GenericClient,
    table: &Table,
    form: Form,
    mut take: impl FnMut(&[u8]) -> std::result::Result<(), E>,
) -> Result<std::result::Result<(), E>> {
    let name = table.qualified_name();
    let failed = || format!("rows of {name} could not be read");
    let mut reader = client
        .copy_out(&copy_out_sql(table, form))
        .map_err(Error::query(failed()))?;
    loop {
        let piece = reader
            .fill_buf()
            .map_err(|error| Error::new(ErrorKind::Query, failed()).with_source(error))?;
        if piece.is_empty() {
            return Ok(Ok(()));
        }
        if let Err(stop) = take(piece) {
            return Ok(Err(stop));
        }
        let length = piece.len();
        reader.consume(length);
    }
}

/// How many rows of its own a table has, as the session sees it.
pub fn count_rows(client: &mut impl GenericClient, table: &Table) -> Result<u64> {
    let name = table.qualified_name();
    let sql = format!("SELECT pg_catalog.count(*) FROM ONLY {name}");
    let row = client
        .query_one(&sql, &[])
        .map_err(Error::query(format!("rows of {name} could not be counted")))?;
    Ok(u64::try_from(row.get::<_, i64>(0)).unwrap_or_default())
}
