//! What proves that a key or index is unique on the target: SQLite's own index, or the rows.

use rusqlite::Connection;

use super::collisions;
use super::keyed_rows::RowKey;
use super::keys::Keys;
use super::nocase::{self, Comparison};
use super::note::{Note, NoteKind};
use super::schema::{Index, Schema, Table};
use crate::Result;

impl Keys {
    /// Whether the column at `place` of the table at `at` belongs to a key or index that is unique.
    pub(super) fn has_unique(&self, at: usize, place: usize) -> bool {
        let mut uniques = self.uniques.iter().filter(|it| it.table == at);
        let mut indexes = self.indexes.iter().filter(|it| it.unique && it.table == at);
        uniques.any(|it| it.columns.contains(&place))
            || indexes.any(|it| {
                let tested = it.predicate.iter().any(|(tested, _)| *tested == place);
                tested || it.columns.iter().any(|(column, _)| *column == place)
            })
    }

    /// Leaves out the unique indexes on a part of the rows in which values are the same, once it is known which values
    /// become NULL.
    pub(super) fn prove_partial(
        &mut self,
        connection: &Connection,
        schema: &Schema,
        notes: &mut Vec<Note>,
    ) -> Result<()> {
        for index in std::mem::take(&mut self.indexes) {
            let table = &schema.tables[index.table];
            let is_steady = !index.predicate.iter().any(|it| table.loses_values_at(it.0));
            if !index.unique || index.predicate.is_empty() || (index.proved && is_steady) {
                self.indexes.push(index);
                continue;
            }
            let places: Vec<usize> = index.columns.iter().map(|(place, _)| *place).collect();
            let own = nocase::comparisons_of(table, &places).into_iter();
            let comparisons: Vec<Comparison> = own
                .zip(&index.comparisons)
                .map(|(own, wanted)| wanted.unwrap_or(own))
                .collect();
            let key = RowKey {
                places: &places,
                comparisons: &comparisons,
                predicate: &index.predicate,
            };
            match collisions::find(connection, table, key)? {
                None => self.indexes.push(index),
                Some(rows) => {
                    let text = format!(
                        "the unique index on {} is left out: different values become the same: {rows}",
                        table.name
                    );
                    notes.push(Note::new(NoteKind::Constraint, index.name, text));
                }
            }
        }
        Ok(())
    }
}

/// Whether SQLite's own `index` tells all values of these columns apart that are different on the target.
pub(super) fn is_proved(
    connection: &Connection,
    table: &Table,
    columns: &[usize],
    index: Option<&Index>,
    comparisons: &[Comparison],
) -> Result<bool> {
    for (field, (&place, &comparison)) in columns.iter().zip(comparisons).enumerate() {
        let column = &table.columns[place];
        let key = index.and_then(|it| it.columns.get(field));
        let is_nocase = key.is_some_and(|it| it.collation.eq_ignore_ascii_case("NOCASE"));
        let is_proved = column.uniform
            && column.target.keeps_apart()
            // Only what SQLite compares without regard to case says something of such a comparison.
            && (comparison == Comparison::Exact
                || (is_nocase && nocase::is_ascii(connection, table, place)?));
        if !is_proved {
            return Ok(false);
        }
    }
    Ok(true)
}
