//! Values that their column's chosen type cannot hold, or that no text of PostgreSQL can hold: found, counted, and given
//! the fate that was chosen for them.

use std::ops::ControlFlow;

use catalog::IDENTIFIER_BYTES_MAX;
use rusqlite::Connection;
use rusqlite::types::ValueRef;

use super::choices::OnBadValue;
use super::discard::{Discard, Fate};
use super::exact::is_text;
use super::inspection::Blocker;
use super::nocase::Comparison;
use super::note::{Note, NoteKind};
use super::row_label::{Named, RowLabels, brief, readable};
use super::rows::{failed, scan};
use super::rule::OnMisfit;
use super::schema::{Column, Table};
use super::target_type::TargetType;
use crate::Result;

/// What is found on the way.
#[derive(Debug, Default)]
pub(super) struct Outcome {
    pub(super) notes: Vec<Note>,
    pub(super) blockers: Vec<Blocker>,
    pub(super) discards: Vec<Discard>,
}

/// What the misfits of one column are.
struct Suspect {
    place: usize,
    target: TargetType,
    misfits: Named,
    /// Rows in which it is the first column with a misfit.
    first_in: Named,
    classes: Classes,
    classes_first: Classes,
    /// The values of the first misfits, for those who want to see them.
    shown: Vec<String>,
    /// Whether `text` holds all of them.
    is_text: bool,
    bytes_max: usize,
}

/// Numbers of values by storage class.
#[derive(Default)]
struct Classes {
    integers: u64,
    reals: u64,
    texts: u64,
    bad_texts: u64,
    blobs: u64,
}

/// Gives each misfit in the columns at `suspects` of the table at `at` its fate. Their types are chosen or proposed
/// already, and do not hold all their values.
pub(super) fn settle(
    connection: &Connection,
    table: &mut Table,
    at: usize,
    suspects: &[usize],
    on_bad_value: OnBadValue,
    outcome: &mut Outcome,
) -> Result<()> {
    if suspects.is_empty() {
        return Ok(());
    }
    let labels = RowLabels::of(table);
    let mut suspects: Vec<Suspect> = suspects.iter().map(|&place| Suspect::new(table, place)).collect();
    let kept = look(connection, table, &labels, &mut suspects)?;
    if on_bad_value == OnBadValue::Reject {
        kept.enter(table);
    }
    for suspect in suspects.into_iter().filter(|it| it.misfits.count > 0) {
        suspect.settle(table, at, &labels, on_bad_value, outcome);
    }
    Ok(())
}

/// What the rows without misfits are, for the figures of a table of which the others are rejected.
struct Kept {
    rows: u64,
    bytes: u64,
    nulls: Vec<u64>,
    rowid_max: Option<i64>,
}

impl Kept {
    fn enter(self, table: &mut Table) {
        table.row_count = self.rows;
        table.bytes = self.bytes;
        for (column, nulls) in table.columns.iter_mut().zip(self.nulls) {
            column.nulls = nulls;
        }
        if let Some(place) = table.rowid_alias {
            table.columns[place].rowid_max = self.rowid_max;
        }
    }
}

fn look(
    connection: &Connection,
    table: &Table,
    labels: &RowLabels,
    suspects: &mut [Suspect],
) -> Result<Kept> {
    let places: Vec<usize> = (0..table.columns.len()).collect();
    let mut kept = Kept {
        rows: 0,
        bytes: 0,
        nulls: vec![0; places.len()],
        rowid_max: None,
    };
    let (mut number, mut buffer) = (0, Vec::new());
    scan(connection, table, &places, labels.rowid, &mut |row| {
        number += 1;
        let mut is_kept = true;
        for suspect in suspects.iter_mut() {
            let value = row.get_ref(suspect.place).map_err(failed(table))?;
            buffer.clear();
            if value == ValueRef::Null || suspect.target.write(value, &mut buffer).is_ok() {
                continue;
            }
            let label = || labels.label(row, places.len(), number);
            suspect.add(value, &label);
            if is_kept {
                suspect.first_in.add(label);
                suspect.classes_first.add(value);
            }
            is_kept = false;
        }
        if is_kept {
            kept.rows += 1;
            for &place in &places {
                let value = row.get_ref(place).map_err(failed(table))?;
                kept.nulls[place] += u64::from(value == ValueRef::Null);
                kept.bytes += bytes_of(value);
                if let (ValueRef::Integer(it), true) = (value, table.rowid_alias == Some(place)) {
                    kept.rowid_max = kept.rowid_max.max(Some(it));
                }
            }
        }
        Ok(ControlFlow::Continue(()))
    })?;
    Ok(kept)
}

fn bytes_of(value: ValueRef<'_>) -> u64 {
    match value {
        ValueRef::Null => 0,
        ValueRef::Integer(_) | ValueRef::Real(_) => 8,
        ValueRef::Text(it) | ValueRef::Blob(it) => it.len() as u64,
    }
}

impl Suspect {
    fn new(table: &Table, place: usize) -> Suspect {
        Suspect {
            place,
            target: table.columns[place].target,
            misfits: Named::default(),
            first_in: Named::default(),
            classes: Classes::default(),
            classes_first: Classes::default(),
            shown: Vec::new(),
            is_text: true,
            bytes_max: 0,
        }
    }

    fn add(&mut self, value: ValueRef<'_>, label: &impl Fn() -> String) {
        self.classes.add(value);
        self.is_text &= match value {
            ValueRef::Text(it) => is_text(it),
            ValueRef::Blob(_) => false,
            _ => true,
        };
        let (text, _) = readable(value);
        // Bytes in hexadecimal are the longer form.
        self.bytes_max = self.bytes_max.max(2 + 2 * text.len());
        self.misfits.add(label);
        if self.misfits.rows.len() > self.shown.len() {
            self.shown.push(shown(value));
        }
    }

    fn settle(
        self,
        table: &mut Table,
        at: usize,
        labels: &RowLabels,
        on_bad_value: OnBadValue,
        outcome: &mut Outcome,
    ) {
        let column = &mut table.columns[self.place];
        let name = column.name.clone();
        let object = format!("{}.{name}", table.name);
        let (count, examples) = (self.misfits.count, labels.list(&self.misfits));
        let reason = match on_bad_value {
            OnBadValue::Reject => self.reason(&self.classes_first),
            _ => self.reason(&self.classes),
        };
        let mut discard = |fate, rows, examples| {
            outcome.discards.push(Discard {
                table: at,
                column: name.clone(),
                fate,
                reason: reason.clone(),
                rows,
                examples,
            });
        };
        match on_bad_value {
            OnBadValue::Stop => {
                let rows = self.misfits.rows.iter().zip(&self.shown);
                outcome.blockers.push(Blocker::Misfits {
                    values: rows
                        .map(|(row, value)| format!("{object} of {row} is {value}"))
                        .collect(),
                    column: object,
                    count,
                    reason,
                    rows: examples,
                });
                // So that the rest can be judged, and all that is in the way is told at once.
                column.on_misfit = OnMisfit::Null;
                return;
            }
            OnBadValue::Reject => {
                column.on_misfit = OnMisfit::Reject;
                if self.first_in.count > 0 {
                    discard(Fate::Rejected, self.first_in.count, labels.list(&self.first_in));
                }
                return;
            }
            OnBadValue::Null => discard(Fate::Null, count, examples),
            OnBadValue::TextColumn => {
                let keeper = self.keeper(table);
                let column = keeper.name.clone();
                table.columns.push(keeper);
                discard(Fate::Kept { column }, count, examples);
            }
        }
        let column = &mut table.columns[self.place];
        column.on_misfit = OnMisfit::Null;
        column.nulls += count;
        if column.not_null {
            let values = if count == 1 {
                "value becomes"
            } else {
                "values become"
            };
            let text = format!("loses NOT NULL, since {count} {values} NULL");
            outcome.notes.push(Note::new(NoteKind::Constraint, object, text));
        }
    }

    /// The column that keeps what the values were.
    fn keeper(&self, table: &Table) -> Column {
        let name = free_name(table, &table.columns[self.place].name);
        Column {
            new_name: name.clone(),
            name,
            declared_type: String::new(),
            not_null: false,
            default: None,
            generated: None,
            expression: None,
            target: if self.is_text {
                TargetType::MixedText
            } else {
                TargetType::MixedBytea
            },
            on_misfit: OnMisfit::Fail,
            keeps: Some(self.place),
            nulls: table.row_count - self.misfits.count,
            rowid_max: None,
            range: None,
            uniform: false,
            bytes_max: self.bytes_max,
            collation: "BINARY".to_owned(),
            comparison: Comparison::Exact,
        }
    }

    /// `2 texts and 1 blob do not fit bigint`
    fn reason(&self, classes: &Classes) -> String {
        let verb = if classes.count() == 1 { "does" } else { "do" };
        format!("{} {verb} not fit {}", classes.words(), self.target.to_sql())
    }
}

/// `NAME_text`, with a number behind it while the table has that already.
fn free_name(table: &Table, name: &str) -> String {
    // Of one name more than there are columns, one is free.
    (1..=table.columns.len() + 1)
        .map(|number| {
            let suffix = if number == 1 {
                "_text".to_owned()
            } else {
                format!("_text{number}")
            };
            let end = name.floor_char_boundary(IDENTIFIER_BYTES_MAX - suffix.len());
            format!("{}{suffix}", &name[..end])
        })
        .find(|it| table.column(it).is_none())
        .unwrap_or_default()
}

impl Classes {
    fn add(&mut self, value: ValueRef<'_>) {
        let number = match value {
            ValueRef::Null => return,
            ValueRef::Integer(_) => &mut self.integers,
            ValueRef::Real(_) => &mut self.reals,
            ValueRef::Text(it) if is_text(it) => &mut self.texts,
            ValueRef::Text(_) => &mut self.bad_texts,
            ValueRef::Blob(_) => &mut self.blobs,
        };
        *number += 1;
    }

    fn count(&self) -> u64 {
        self.integers + self.reals + self.texts + self.bad_texts + self.blobs
    }

    fn words(&self) -> String {
        let parts = [
            (self.integers, "integer", "integers", ""),
            (self.reals, "real", "reals", ""),
            (self.texts, "text", "texts", ""),
            (self.bad_texts, "text", "texts", " with a NUL or malformed UTF-8"),
            (self.blobs, "blob", "blobs", ""),
        ];
        let parts: Vec<String> = parts
            .iter()
            .filter(|(number, ..)| *number > 0)
            .map(|(number, one, many, what)| {
                format!("{number} {}{what}", if *number == 1 { one } else { many })
            })
            .collect();
        parts.join(", ")
    }
}

/// What one value is, for the reason of a single row.
pub(super) fn class_of(value: ValueRef<'_>) -> &'static str {
    match value {
        ValueRef::Null => "NULL",
        ValueRef::Integer(_) => "integer",
        ValueRef::Real(_) => "real",
        ValueRef::Text(it) if is_text(it) => "text",
        ValueRef::Text(_) => "text with a NUL or malformed UTF-8",
        ValueRef::Blob(_) => "blob",
    }
}

/// A value as SQLite's SQL has it, cut where it is long.
pub(super) fn shown(value: ValueRef<'_>) -> String {
    match value {
        ValueRef::Text(it) if is_text(it) => format!("'{}'", brief(value)),
        _ => brief(value),
    }
}
