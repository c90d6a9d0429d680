//! The census: one pass over a table's rows that counts for every column what its values are. From the counts follows,
//! for every type on the target, whether it holds all values, and which rows it would refuse.

mod digits;
mod document;
mod kind;
mod magnitude;
mod moment;
mod pass;
mod profile;
mod reading;
mod report;
mod sample;
mod settlement;
mod suggestion;
mod value_kind;

#[cfg(test)]
mod tests;

use std::collections::HashSet;

use rusqlite::Connection;

use super::choices::OnBadValue;
use super::proposal::{Proposal, declared_length, propose};
use super::row_label::word as row_word;
use super::schema::Table;
use super::target_type::TargetType;
use crate::Result;

pub(super) use kind::Kind;
pub use profile::{Misfits, Profile};
pub use report::{ColumnCensus, ColumnReport, Refused, TableCensus, TableReport};
pub(super) use settlement::settle;
pub use suggestion::Suggestion;
pub(super) use suggestion::suggest;
pub use value_kind::ValueKind;

/// Reads all rows of `table` once, and proposes a type for each column for which none is `chosen`.
pub(super) fn take(
    connection: &Connection,
    table: &mut Table,
    chosen: &[Option<TargetType>],
    on_bad_value: OnBadValue,
) -> Result<TableCensus> {
    let (rows, profiles, long_line) = pass::read(connection, table)?;
    table.row_count = rows;
    table.long_line = long_line;
    table.bytes = profiles.iter().map(Profile::bytes).sum();
    let ordered = ordered_columns(table);
    let columns = table
        .columns
        .iter()
        .zip(chosen)
        .zip(profiles)
        .map(|((column, chosen), profile)| {
            let ordered = ordered.contains(&column.name.to_ascii_lowercase());
            let proposal = match *chosen {
                Some(target) => Proposal::chosen(target, &profile),
                None => propose(column, &profile, ordered, row_word(table), on_bad_value),
            };
            ColumnCensus { profile, proposal }
        });
    Ok(TableCensus {
        columns: columns.collect(),
    })
}

/// Names, in lower case, of columns in keys, indexes and foreign keys.
fn ordered_columns(table: &Table) -> HashSet<String> {
    let indexed = table
        .indexes
        .iter()
        .flat_map(|index| index.columns.iter().filter_map(|it| it.name.as_ref()));
    let foreign = table.foreign_keys.iter().flat_map(|key| &key.columns);
    table
        .primary_key
        .iter()
        .chain(indexed)
        .chain(foreign)
        .map(|name| name.to_ascii_lowercase())
        .collect()
}
