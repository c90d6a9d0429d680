//! The rows of a table as SQLite reads them, but for what is left out by choice.

use std::ops::ControlFlow;

use rusqlite::{Connection, Row};

use super::schema::Table;
use super::source::read_error;
use crate::{Error, Result};

/// Reads the columns at `places` of every row; with `rowid`, that name's value stands behind them.
pub(super) fn scan(
    connection: &Connection,
    table: &Table,
    places: &[usize],
    rowid: Option<&str>,
    visit: &mut dyn FnMut(&Row<'_>) -> Result<ControlFlow<()>>,
) -> Result<()> {
    // With the table's alias before it, a name in double quotes is never taken for a string.
    let names = places.iter().map(|&place| expression(table, place));
    let names: Vec<String> = names.chain(rowid.map(|name| format!("s.{name}"))).collect();
    let mut sql = scan_sql(table, &names);
    if let Some(condition) = &table.omission.condition {
        sql.push_str(" WHERE ");
        sql.push_str(condition);
    }
    each(connection, table, &sql, visit)
}

/// A scan of the table itself, never of an index that has the same columns: it could be damaged.
pub(super) fn scan_sql(table: &Table, columns: &[String]) -> String {
    format!(
        "SELECT {} FROM main.{} AS s NOT INDEXED",
        columns.join(", "),
        quote(&table.name)
    )
}

pub(super) fn each(
    connection: &Connection,
    table: &Table,
    sql: &str,
    visit: &mut dyn FnMut(&Row<'_>) -> Result<ControlFlow<()>>,
) -> Result<()> {
    let mut statement = connection.prepare(sql).map_err(failed(table))?;
    let mut rows = statement.query([]).map_err(failed(table))?;
    while let Some(row) = rows.next().map_err(failed(table))? {
        if visit(row)?.is_break() {
            break;
        }
    }
    Ok(())
}

/// The column's value, or NULL where that is left out.
pub(super) fn expression(table: &Table, place: usize) -> String {
    let column = format!("s.{}", quote(table.source_name(place)));
    let nulls = table.omission.nulls.iter();
    match nulls.filter(|(it, _)| *it == place).map(|(_, when)| when).next() {
        Some(when) => format!("CASE WHEN {when} THEN NULL ELSE {column} END"),
        None => column,
    }
}

/// Asked for at every value, so nothing is made before something has failed.
pub(super) fn failed(table: &Table) -> impl FnOnce(rusqlite::Error) -> Error {
    |error| read_error(format!("cannot read the rows of table {}", table.name), error)
}

/// SQLite's quoting, which knows no escapes but the doubled quote.
pub(super) fn quote(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}
