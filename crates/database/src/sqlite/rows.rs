//! The rows of a table as SQLite reads them, but for what is left out by choice.

use std::ops::ControlFlow;

use rusqlite::{Connection, Row};

use super::schema::{IndexOrigin, Table};
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

/// A scan of the table itself.
pub(super) fn scan_sql(table: &Table, columns: &[String]) -> String {
    format!("SELECT {} FROM {}", columns.join(", "), itself(table, "s"))
}

/// The rows of the table itself under the name `alias`, for FROM: never those of an index that has the same columns,
/// which `quick_check` does not compare with the table.
///
/// A table WITHOUT ROWID is the index of its primary key, and SQLite heeds no NOT INDEXED there.
pub(super) fn itself(table: &Table, alias: &str) -> String {
    let key = table
        .indexes
        .iter()
        .find(|it| table.without_rowid && it.origin == IndexOrigin::PrimaryKey);
    let path = key.map_or_else(
        || "NOT INDEXED".to_owned(),
        |it| format!("INDEXED BY {}", quote(&it.name)),
    );
    format!("main.{} AS {alias} {path}", quote(&table.name))
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
