//! Whether a key holds different values for the target, where SQLite takes more of them as different.

use rusqlite::{Connection, OptionalExtension, params};

use super::keyed_rows::keyed_rows;
use super::nocase::Comparison;
use super::schema::Table;
use super::scratch::{Scratch, failed, writing};
use crate::Result;

/// Two rows whose keys become the same, as `rowid 3 and rowid 7`; the first pair that is found.
pub(super) fn find(
    connection: &Connection,
    table: &Table,
    columns: &[usize],
    comparisons: &[Comparison],
) -> Result<Option<String>> {
    let seen = Scratch::create(connection, "seen", "(k BLOB PRIMARY KEY, r) WITHOUT ROWID")?;
    let found = writing(connection, || {
        let insert = format!(
            "INSERT INTO {} VALUES (?1, ?2) ON CONFLICT DO NOTHING",
            seen.sql()
        );
        let mut insert = connection.prepare(&insert).map_err(failed)?;
        let first = format!("SELECT r FROM {} WHERE k = ?1", seen.sql());
        let mut found = None;
        keyed_rows(connection, table, (columns, comparisons), &mut |row, key| {
            if found.is_some() || insert.execute(params![key, row]).map_err(failed)? > 0 {
                return Ok(());
            }
            let first: Option<rusqlite::types::Value> = connection
                .query_row(&first, [key], |row| row.get(0))
                .optional()
                .map_err(failed)?;
            let first = first.unwrap_or(rusqlite::types::Value::Null);
            found = Some(format!("{} and {}", label(table, &first), label(table, &row)));
            Ok(())
        })?;
        Ok(found)
    })?;
    seen.remove()?;
    Ok(found)
}

/// What people call the row of this name ([`Table::row_name`]): `rowid 17`, `key (2, 'north')`.
pub(super) fn label(table: &Table, row: &rusqlite::types::Value) -> String {
    use rusqlite::types::Value;
    let word = table.row_word();
    match row {
        Value::Integer(number) => format!("{word} {number}"),
        Value::Text(key) => format!("{word} ({key})"),
        _ => format!("a {word} without a number"),
    }
}
