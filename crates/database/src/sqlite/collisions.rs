//! Whether a key holds different values for the target, where SQLite takes more of them as different.

use rusqlite::{Connection, OptionalExtension, params};

use super::keyed_rows::{RowKey, keyed_rows};
use super::row_label::cut;
use super::rows::{self, itself, quote};
use super::schema::Table;
use super::scratch::{Scratch, failed, writing};
use crate::Result;

/// Two rows whose keys become the same, as `rowid 3 and rowid 7`; the first pair that is found.
pub(super) fn find(connection: &Connection, table: &Table, key: RowKey<'_>) -> Result<Option<String>> {
    let seen = Scratch::create(connection, "seen", "(k BLOB PRIMARY KEY, r) WITHOUT ROWID")?;
    let found = writing(connection, || {
        let mut insert = seen.insert()?;
        let first = format!("SELECT r FROM {} WHERE k = ?1", seen.sql());
        let mut found = None;
        keyed_rows(connection, table, key, &mut |row, key| {
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
    /// Of a key that may have several columns.
    const KEY_CHARS_MAX: usize = 120;
    use rusqlite::types::Value;
    let word = table.row_word();
    match row {
        Value::Integer(number) => format!("{word} {number}"),
        Value::Text(key) => format!("{word} ({})", cut(key, KEY_CHARS_MAX)),
        _ => format!("a {word} without a number"),
    }
}

/// The first rows that have NULL in one of the columns.
pub(super) fn rows_with_null(connection: &Connection, table: &Table, columns: &[usize]) -> Result<String> {
    const NAMED_MAX: usize = 3;
    let Some(name) = table.row_name("s") else {
        return Ok("its rows have no number".to_owned());
    };
    let tests: Vec<String> = columns
        .iter()
        .map(|&place| format!("s.{} IS NULL", quote(&table.columns[place].name)))
        .collect();
    let sql = format!(
        "SELECT {name} FROM {} WHERE {} LIMIT {}",
        itself(table, "s"),
        tests.join(" OR "),
        NAMED_MAX + 1
    );
    let mut statement = connection.prepare(&sql).map_err(rows::failed(table))?;
    let rows = statement.query_map([], |row| Ok(label(table, &row.get(0)?)));
    let mut rows: Vec<String> = rows.and_then(Iterator::collect).map_err(rows::failed(table))?;
    if rows.is_empty() {
        // The file has none: they come from values that become NULL.
        return Ok("values that do not fit".to_owned());
    }
    if rows.len() > NAMED_MAX {
        "…".clone_into(&mut rows[NAMED_MAX]);
    }
    Ok(rows.join(", "))
}
