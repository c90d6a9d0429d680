//! The rows of a table, each value as its target type's canonical text.

use std::ops::ControlFlow;

use rusqlite::{Connection, Row};

use super::schema::Table;
use super::source::{SqliteSource, read_error};
use crate::{Error, ErrorKind, Result};

/// Receives a row, one text for each column; `None` is NULL. A break ends the reading.
pub type Visit<'a, B = ()> = dyn FnMut(&[Option<&[u8]>]) -> ControlFlow<B> + 'a;

impl SqliteSource {
    /// Passes every row of `table`, as found by [`SqliteSource::inspect`] of this source, to `visit`, without the columns
    /// that PostgreSQL calculates: each text is what PostgreSQL itself would print under the settings that every session pins. The visitor's
    /// break is handed back.
    pub fn rows<B>(&self, table: &Table, visit: &mut Visit<'_, B>) -> Result<ControlFlow<B>> {
        let places = table.stored_places();
        let mut outcome = ControlFlow::Continue(());
        canonical_rows(self.connection(), table, &places, &mut |row| {
            outcome = visit(row);
            if outcome.is_break() {
                ControlFlow::Break(())
            } else {
                ControlFlow::Continue(())
            }
        })?;
        Ok(outcome)
    }
}

/// Passes the canonical texts of the columns at `places` of every row.
pub(super) fn canonical_rows(
    connection: &Connection,
    table: &Table,
    places: &[usize],
    visit: &mut Visit<'_>,
) -> Result<()> {
    let mut text = Vec::new();
    let mut ends = Vec::with_capacity(places.len());
    scan(connection, table, places, None, &mut |row| {
        text.clear();
        ends.clear();
        for (field, &place) in places.iter().enumerate() {
            let value = row.get_ref(field).map_err(failed(table))?;
            if value == rusqlite::types::ValueRef::Null {
                ends.push(None);
                continue;
            }
            let column = &table.columns[place];
            column.target.write(value, &mut text).map_err(|_| {
                let message = format!(
                    "a value of {}.{} does not fit {}, although every value was checked",
                    table.name,
                    column.name,
                    column.target.to_sql()
                );
                Error::new(ErrorKind::Unsupported, message)
            })?;
            ends.push(Some(text.len()));
        }
        let mut start = 0;
        let fields: Vec<Option<&[u8]>> = ends
            .iter()
            .map(|end| end.map(|end| &text[std::mem::replace(&mut start, end)..end]))
            .collect();
        Ok(visit(&fields))
    })
}

/// Reads the columns at `places` of every row; with `rowid`, that name's value stands behind them.
pub(super) fn scan(
    connection: &Connection,
    table: &Table,
    places: &[usize],
    rowid: Option<&str>,
    visit: &mut dyn FnMut(&Row<'_>) -> Result<ControlFlow<()>>,
) -> Result<()> {
    // With the table's alias before it, a name in double quotes is never taken for a string.
    let names = places
        .iter()
        .map(|&place| format!("s.{}", quote(&table.columns[place].name)));
    let names: Vec<String> = names.chain(rowid.map(|name| format!("s.{name}"))).collect();
    let sql = format!(
        "SELECT {} FROM main.{} AS s",
        names.join(", "),
        quote(&table.name)
    );
    let mut statement = connection.prepare(&sql).map_err(failed(table))?;
    let mut rows = statement.query([]).map_err(failed(table))?;
    while let Some(row) = rows.next().map_err(failed(table))? {
        if visit(row)?.is_break() {
            break;
        }
    }
    Ok(())
}

pub(super) fn failed(table: &Table) -> impl FnOnce(rusqlite::Error) -> Error {
    let context = format!("cannot read the rows of table {}", table.name);
    move |error| read_error(context, error)
}

/// SQLite's quoting, which knows no escapes but the doubled quote.
pub(super) fn quote(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}
