//! Rows of a table with what tells them from each other, for comparisons as the target makes them.

use rusqlite::Connection;
use rusqlite::types::Value;

use super::nocase::Comparison;
use super::rows::{failed, itself, quote};
use super::rule::Taken;
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
    let all = table.with_deciding(places);
    let columns: Vec<String> = all
        .iter()
        .map(|&place| format!("s.{}", quote(table.source_name(place))))
        .collect();
    let complete: Vec<String> = columns[..places.len()]
        .iter()
        .map(|it| format!("{it} IS NOT NULL"))
        .collect();
    let sql = format!(
        "SELECT {}, {} FROM {} WHERE {}",
        table.row_name("s").as_deref().unwrap_or("NULL"),
        columns.join(", "),
        itself(table, "s"),
        complete.join(" AND ")
    );
    let mut statement = connection.prepare(&sql).map_err(failed(table))?;
    let mut rows = statement.query([]).map_err(failed(table))?;
    let (mut text, mut key) = (Vec::new(), Vec::new());
    'rows: while let Some(row) = rows.next().map_err(failed(table))? {
        key.clear();
        for (field, &place) in all.iter().enumerate() {
            let value = row.get_ref(field + 1).map_err(failed(table))?;
            text.clear();
            let taken = table.rule(place).take(value, &mut text, TargetType::write);
            let taken = taken.map_err(|_| misfit(table, place))?;
            match (taken, comparisons.get(field)) {
                // The row is set aside, or its key is not complete on the target.
                (Taken::Rejected, _) | (Taken::Null, Some(_)) => continue 'rows,
                (_, None) => {}
                (Taken::Value, Some(&comparison)) => {
                    let text = comparable(table, place, comparison, &mut text);
                    key.extend_from_slice(&u32::try_from(text.len()).unwrap_or(u32::MAX).to_be_bytes());
                    key.extend_from_slice(text);
                }
            }
        }
        visit(row.get(0).map_err(failed(table))?, &key)?;
    }
    Ok(())
}

fn misfit(table: &Table, place: usize) -> Error {
    let column = &table.columns[place];
    let message = format!(
        "a value of {}.{} does not fit {}, although every value was checked",
        table.name,
        column.name,
        column.target.to_sql()
    );
    Error::new(ErrorKind::Unsupported, message)
}

/// The value's text on the target, as that compares it: a numeric without its trailing zeros, text without case where
/// case does not count.
fn comparable<'a>(table: &Table, place: usize, comparison: Comparison, text: &'a mut Vec<u8>) -> &'a [u8] {
    match table.columns[place].target {
        TargetType::Numeric(_) | TargetType::MixedNumeric(_) if text.contains(&b'.') => {
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
    text
}
