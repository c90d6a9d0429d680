//! Rows of a table with what tells them from each other, for comparisons as the target makes them.

use rusqlite::Connection;
use rusqlite::types::Value;

use super::nocase::Comparison;
use super::rows::{expression, failed, itself};
use super::rule::Taken;
use super::schema::Table;
use super::target_type::{TargetType, unproved};
use crate::Result;

/// Which values of a row are compared, and how.
#[derive(Clone, Copy, Debug)]
pub(super) struct RowKey<'a> {
    /// Places of the columns.
    pub(super) places: &'a [usize],
    pub(super) comparisons: &'a [Comparison],
    /// Columns that must be NULL (false) or not (true) for the row to count.
    pub(super) predicate: &'a [(usize, bool)],
}

/// Passes the key of each row whose columns at the key's places all hold a value, as bytes that are equal where the
/// target takes the values as equal; before it the row's name ([`Table::row_name`]), NULL where it has none.
pub(super) fn keyed_rows(
    connection: &Connection,
    table: &Table,
    key: RowKey<'_>,
    visit: &mut dyn FnMut(Value, &[u8]) -> Result<()>,
) -> Result<()> {
    let (places, comparisons) = (key.places, key.comparisons);
    let tested: Vec<usize> = key.predicate.iter().map(|(place, _)| *place).collect();
    let all = table.with_deciding(&[places, &tested].concat());
    let columns: Vec<String> = all.iter().map(|&place| expression(table, place)).collect();
    let mut conditions: Vec<String> = columns[..places.len()]
        .iter()
        .map(|it| format!("{it} IS NOT NULL"))
        .collect();
    conditions.extend(table.omission.condition.clone());
    let sql = format!(
        "SELECT {}, {} FROM {} WHERE {}",
        table.row_name("s").as_deref().unwrap_or("NULL"),
        columns.join(", "),
        itself(table, "s"),
        conditions.join(" AND ")
    );
    let mut statement = connection.prepare(&sql).map_err(failed(table))?;
    let mut rows = statement.query([]).map_err(failed(table))?;
    let (mut text, mut bytes) = (Vec::new(), Vec::new());
    'rows: while let Some(row) = rows.next().map_err(failed(table))? {
        bytes.clear();
        for (field, &place) in all.iter().enumerate() {
            let value = row.get_ref(field + 1).map_err(failed(table))?;
            text.clear();
            let taken = table.rule(place).take(value, &mut text, TargetType::write);
            let column = &table.columns[place];
            let taken = taken.map_err(|_| unproved(&table.name, &column.name, column.target))?;
            if let (Taken::Value, Some(&comparison)) = (taken, comparisons.get(field)) {
                comparable(column.target, comparison, &mut text);
                bytes.extend_from_slice(&u32::try_from(text.len()).unwrap_or(u32::MAX).to_be_bytes());
                bytes.extend_from_slice(&text);
                continue;
            }
            let wanted = field
                .checked_sub(places.len())
                .and_then(|it| key.predicate.get(it));
            // The row is set aside, or its key is not complete on the target, or it does not count.
            if taken == Taken::Rejected
                || field < places.len()
                || wanted.is_some_and(|(_, not_null)| (taken == Taken::Value) != *not_null)
            {
                continue 'rows;
            }
        }
        visit(row.get(0).map_err(failed(table))?, &bytes)?;
    }
    Ok(())
}

/// Makes of the value's text on the target what that compares: a numeric without its trailing zeros, text without case
/// where case does not count.
pub(super) fn comparable(target: TargetType, comparison: Comparison, text: &mut Vec<u8>) {
    match target {
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
}
