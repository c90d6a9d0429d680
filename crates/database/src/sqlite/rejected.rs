//! The rows that are set aside, with everything that they hold.

use std::ops::ControlFlow;

use rusqlite::types::ValueRef;

use super::misfits::{class_of, shown};
use super::row_label::{RowLabels, readable};
use super::rows::{failed, scan};
use super::rule::{OnMisfit, Taken};
use super::schema::{Column, Table};
use super::source::SqliteSource;
use super::target_type::TargetType;
use crate::Result;

/// A row that is not moved.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RejectedRow {
    /// Its rowid, its key in a table WITHOUT ROWID, or its number where columns hide the rowid.
    pub label: String,
    /// The file's name of the column that is at fault.
    pub column: String,
    pub reason: String,
    /// One for each column of the file, as SQLite writes it as text; bytes in hexadecimal, `\x…`.
    pub values: Vec<Option<String>>,
    /// The file's names of columns whose values here are bytes in hexadecimal.
    pub hex: Vec<String>,
}

impl SqliteSource {
    /// Passes the rows of `table`, as found by [`SqliteSource::inspect`] of this source, that [`SqliteSource::rows`]
    /// leaves out. The visitor's break is handed back.
    pub fn rejected_rows<B>(
        &self,
        table: &Table,
        visit: &mut dyn FnMut(&RejectedRow) -> ControlFlow<B>,
    ) -> Result<ControlFlow<B>> {
        let mut outcome = ControlFlow::Continue(());
        if !table.rejects_rows() {
            return Ok(outcome);
        }
        let labels = RowLabels::of(table);
        let places: Vec<usize> = table.own_columns().map(|(place, _)| place).collect();
        let (mut number, mut buffer) = (0, Vec::new());
        scan(self.connection(), table, &places, labels.rowid, &mut |row| {
            number += 1;
            let mut fault = None;
            for &place in &places {
                buffer.clear();
                let value = row.get_ref(place).map_err(failed(table))?;
                if let Ok(Taken::Rejected) = table.rule(place).take(value, &mut buffer, TargetType::write) {
                    fault = Some(place);
                    break;
                }
            }
            let Some(fault) = fault else {
                return Ok(ControlFlow::Continue(()));
            };
            let at_fault = row.get_ref(fault).map_err(failed(table))?;
            let column = &table.columns[fault];
            let mut rejected = RejectedRow {
                label: labels.label(row, places.len(), number),
                column: column.name.clone(),
                reason: format!(
                    "{} {} does not fit {}",
                    class_of(at_fault),
                    shown(at_fault),
                    column.target.to_sql()
                ),
                values: Vec::with_capacity(places.len()),
                hex: Vec::new(),
            };
            for &place in &places {
                let value = row.get_ref(place).map_err(failed(table))?;
                let (text, is_hex) = readable(value);
                rejected.values.push((value != ValueRef::Null).then_some(text));
                if is_hex {
                    rejected.hex.push(table.columns[place].name.clone());
                }
            }
            outcome = visit(&rejected);
            Ok(if outcome.is_break() {
                ControlFlow::Break(())
            } else {
                ControlFlow::Continue(())
            })
        })?;
        Ok(outcome)
    }
}

impl Table {
    /// Whether rows of it are set aside.
    pub fn rejects_rows(&self) -> bool {
        self.columns.iter().any(|it| it.on_misfit == OnMisfit::Reject)
    }

    /// The columns that the file has, with their places; those that keep originals stand behind them.
    pub fn own_columns(&self) -> impl Iterator<Item = (usize, &Column)> {
        self.columns
            .iter()
            .enumerate()
            .filter(|(_, it)| it.keeps.is_none())
    }
}
