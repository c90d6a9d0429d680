//! Rows of a table with what tells them from each other, for comparisons as the target makes them.

use rusqlite::Connection;
use rusqlite::types::{Value, ValueRef};

use super::nocase::Comparison;
use super::rows::{failed, quote};
use super::schema::Table;
use super::target_type::TargetType;
use crate::{Error, ErrorKind, Result};

/// Passes the key of each row whose columns at `places` all hold a value, as bytes that are equal where the target
/// takes the values as equal; before it the row's name ([`Table::row_name`]), NULL where it has none.
pub(super) fn keyed_rows(
    connection: &Connection,
    table: &Table,
    (places, comparisons): (&[usize], &[Comparison]),
    visit: &mut dyn FnMut(Value, &[u8]) -> Result<()>,
) -> Result<()> {
    let column = |place: usize| format!("s.{}", quote(&table.columns[place].name));
    let columns: Vec<String> = places.iter().map(|&place| column(place)).collect();
    let complete: Vec<String> = columns.iter().map(|it| format!("{it} IS NOT NULL")).collect();
    let sql = format!(
        "SELECT {}, {} FROM main.{} AS s WHERE {}",
        table.row_name("s").as_deref().unwrap_or("NULL"),
        columns.join(", "),
        quote(&table.name),
        complete.join(" AND ")
    );
    let mut statement = connection.prepare(&sql).map_err(failed(table))?;
    let mut rows = statement.query([]).map_err(failed(table))?;
    let (mut text, mut key) = (Vec::new(), Vec::new());
    while let Some(row) = rows.next().map_err(failed(table))? {
        key.clear();
        for (field, (&place, &comparison)) in places.iter().zip(comparisons).enumerate() {
            let value = row.get_ref(field + 1).map_err(failed(table))?;
            text.clear();
            comparable(table, place, comparison, value, &mut text)?;
            key.extend_from_slice(&u32::try_from(text.len()).unwrap_or(u32::MAX).to_be_bytes());
            key.extend_from_slice(&text);
        }
        visit(row.get(0).map_err(failed(table))?, &key)?;
    }
    Ok(())
}

/// The value's text on the target, as that compares it: a numeric without its trailing zeros, text without case where
/// case does not count.
fn comparable(
    table: &Table,
    place: usize,
    comparison: Comparison,
    value: ValueRef<'_>,
    text: &mut Vec<u8>,
) -> Result<()> {
    let column = &table.columns[place];
    column.target.write(value, text).map_err(|_| {
        let message = format!(
            "a value of {}.{} does not fit {}, although every value was checked",
            table.name,
            column.name,
            column.target.to_sql()
        );
        Error::new(ErrorKind::Unsupported, message)
    })?;
    match column.target {
        TargetType::Numeric(_) if text.contains(&b'.') => {
            let digits = text.iter().rposition(|&byte| byte != b'0');
            text.truncate(digits.map_or(0, |last| last + 1));
            if text.last() == Some(&b'.') {
                text.pop();
            }
        }
        TargetType::Double if text == b"-0" => *text = b"0".to_vec(),
        _ if comparison != Comparison::Exact => *text = comparison.fold(text),
        _ => {}
    }
    Ok(())
}
