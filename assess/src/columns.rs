//! What becomes of each column of a SQLite file, and why.

use database::sqlite::{Choices, Inspection, NoteKind, TypeChoice};
use plan::PlannedType;
use serde::Serialize;

/// One column that the file has.
#[derive(Debug, Serialize)]
pub(crate) struct ColumnFate {
    pub(crate) table: String,
    pub(crate) column: String,
    /// As written in the table's definition; empty without one.
    pub(crate) declared: String,
    /// How many are moved that are not NULL.
    pub(crate) values: u64,
    /// The type on the target.
    pub(crate) becomes: String,
    pub(crate) why: String,
    /// Whether a plan says so: the declared type alone does not tell it.
    pub(crate) is_planned: bool,
}

impl ColumnFate {
    pub(crate) fn planned(&self) -> PlannedType {
        PlannedType {
            table: self.table.clone(),
            column: self.column.clone(),
            target: self.becomes.clone(),
            note: Some(self.why.clone()),
        }
    }
}

/// All columns that the file has, in its order.
pub(crate) fn fates(survey: &Inspection, choices: &Choices) -> Vec<ColumnFate> {
    let tables = survey.schema.tables.iter();
    tables
        .flat_map(|table| table.own_columns().map(move |(_, column)| (table, column)))
        .map(|(table, column)| {
            let object = format!("{}.{}", table.name, column.name);
            let is_this = |it: &TypeChoice| {
                it.table.eq_ignore_ascii_case(&table.name) && it.column.eq_ignore_ascii_case(&column.name)
            };
            let about_type = |kind| matches!(kind, NoteKind::Widened | NoteKind::Changed);
            let note = survey.notes.iter().find(|it| it.object == object && about_type(it.kind));
            let (why, is_planned) = if choices.types.iter().any(is_this) {
                ("chosen".to_owned(), true)
            } else if let Some(note) = note {
                (note.text.clone(), true)
            } else if column.declared_type.is_empty() {
                ("no declared type: all values fit".to_owned(), false)
            } else {
                ("the declared type holds every value".to_owned(), false)
            };
            ColumnFate {
                table: table.name.clone(),
                column: column.name.clone(),
                declared: column.declared_type.clone(),
                values: table.row_count.saturating_sub(column.nulls),
                becomes: column.target.to_sql(),
                why,
                is_planned,
            }
        })
        .collect()
}
