//! Texts of UTF-16 files that are not UTF-16: SQLite gives them as UTF-8 with U+FFFD in place of each half of a pair
//! that stands alone, and says nothing. Their bytes as they are stored tell.

use std::ops::ControlFlow;

use rusqlite::Connection;

use super::inspection::{Blocker, COLUMNS_MAX};
use super::rows::{failed, quote, scan_sql};
use super::schema::Schema;
use super::source::read_error;
use crate::Result;

/// Rows that are named.
const EXAMPLES_MAX: usize = 3;

/// Whether the file keeps its texts in UTF-16.
pub(super) fn is_encoding(connection: &Connection) -> Result<bool> {
    Ok(encoding(connection)?.starts_with("UTF-16"))
}

fn encoding(connection: &Connection) -> Result<String> {
    connection
        .query_row("PRAGMA encoding", [], |row| row.get(0))
        .map_err(|error| read_error("cannot read the encoding of the database".to_owned(), error))
}

/// Looks through all texts of a file that is written in UTF-16, once more: SQLite gives a value in one way at a time.
pub(super) fn check(connection: &Connection, schema: &Schema, blockers: &mut Vec<Blocker>) -> Result<()> {
    let number: fn([u8; 2]) -> u16 = match encoding(connection)?.as_str() {
        "UTF-16le" => u16::from_le_bytes,
        "UTF-16be" => u16::from_be_bytes,
        _ => return Ok(()),
    };
    for table in schema.tables.iter().filter(|it| it.columns.len() <= COLUMNS_MAX) {
        let columns = table.own_columns().map(|(_, it)| {
            let name = quote(&it.name);
            format!("CASE typeof(s.{name}) WHEN 'text' THEN CAST(s.{name} AS BLOB) END")
        });
        let own_count = table.own_columns().count();
        let rowid = table.rowid_name();
        let columns: Vec<String> = columns.chain(rowid.map(|it| format!("s.{it}"))).collect();
        let mut found: Vec<(u64, Vec<String>)> = vec![(0, Vec::new()); own_count];
        let mut row_count = 0_u64;
        let sql = scan_sql(table, &columns);
        super::rows::each(connection, table, &sql, &mut |row| {
            row_count += 1;
            for (place, (count, rows)) in found.iter_mut().enumerate() {
                let value = row.get_ref(place).map_err(failed(table))?;
                if value
                    .as_blob_or_null()
                    .is_ok_and(|it| it.is_some_and(|text| !is_utf16(text, number)))
                {
                    *count += 1;
                    if rows.len() < EXAMPLES_MAX {
                        let rowid = row.get::<_, i64>(own_count);
                        rows.push(rowid.map_or_else(|_| row_count.to_string(), |it| it.to_string()));
                    }
                }
            }
            Ok(ControlFlow::Continue(()))
        })?;
        let word = if rowid.is_some() { "rowid" } else { "row" };
        for (column, (count, rows)) in table.columns.iter().zip(found) {
            if count > 0 {
                let more = if count > rows.len() as u64 { ", …" } else { "" };
                blockers.push(Blocker::BadUtf16 {
                    column: format!("{}.{}", table.name, column.name),
                    count,
                    rows: format!("{word} {}{more}", rows.join(", ")),
                });
            }
        }
    }
    Ok(())
}

fn is_utf16(text: &[u8], number: fn([u8; 2]) -> u16) -> bool {
    let (units, rest) = text.as_chunks::<2>();
    rest.is_empty() && char::decode_utf16(units.iter().map(|it| number(*it))).all(|it| it.is_ok())
}

#[cfg(test)]
mod tests {
    use super::super::{Choices, SqliteSource};

    #[test]
    fn halves_of_pairs_are_told_with_their_rows() {
        // Fault 45.
        let folder = tempfile::tempdir().unwrap();
        for (encoding, pair, half) in [
            ("UTF-16le", "3DD800DE", "3DD84100"),
            ("UTF-16be", "D83DDE00", "D83D0041"),
        ] {
            let path = folder.path().join(encoding);
            let connection = rusqlite::Connection::open(&path).unwrap();
            connection
                .execute_batch(&format!(
                    "PRAGMA encoding = '{encoding}'; CREATE TABLE t (id INTEGER PRIMARY KEY, a TEXT, b);
                     INSERT INTO t VALUES (3, CAST(x'{pair}' AS TEXT), 'grün'), (4, NULL, x'{half}');"
                ))
                .unwrap();
            let source = SqliteSource::open(&path).unwrap();
            let inspection = source.inspect(&Choices::default()).unwrap();
            let rows = crate::sqlite::tests::rows(&source, &inspection.schema.tables[0]);
            assert!(rows.concat().contains(&Some("\u{1f600}".to_owned())), "{rows:?}");
            drop(source);
            connection
                .execute_batch(&format!("INSERT INTO t VALUES (17, CAST(x'{half}' AS TEXT), 1)"))
                .unwrap();
            let error = SqliteSource::open(&path)
                .unwrap()
                .inspect(&Choices::default())
                .unwrap_err();
            assert!(
                error
                    .to_string()
                    .contains("1 values of t.a are no UTF-16 (rowid 17)"),
                "{error}"
            );
        }
    }
}
