//! The census: one pass over a table's rows that proves for every column which type holds all of its values
//! exactly. Columns whose declared type does not hold them take part in a second pass with all wider types.

use std::collections::HashSet;
use std::fmt::Write;
use std::ops::ControlFlow;

use rusqlite::types::{Type, ValueRef};
use rusqlite::{Connection, Row};

use super::choices::OnBadValue;
use super::inspection::Blocker;
use super::note::{Note, NoteKind};
use super::proposal::{Proposal, propose};
use super::rows::{failed, scan};
use super::schema::Table;
use super::target_type::{TargetType, is_text};
use crate::Result;

/// Rows that are named where values are at fault.
const EXAMPLES_MAX: usize = 3;

/// Longest value that fits the server's 1 GB message with room for the rest of its row.
const VALUE_BYTES_MAX: usize = 1_000_000_000;

/// Gives every column of `table` its target type and figures; a `chosen` type goes before all others. Hands back the
/// places of columns that have values which do not fit.
pub(super) fn take(
    connection: &Connection,
    table: &mut Table,
    chosen: &[Option<TargetType>],
    on_bad_value: OnBadValue,
    notes: &mut Vec<Note>,
    blockers: &mut Vec<Blocker>,
) -> Result<Vec<usize>> {
    let ordered = ordered_columns(table);
    let proposals: Vec<Proposal> = table
        .columns
        .iter()
        .zip(chosen)
        .map(|(column, chosen)| match *chosen {
            Some(target) => Proposal::chosen(target),
            None => propose(
                &column.declared_type,
                ordered.contains(&column.name.to_ascii_lowercase()),
            ),
        })
        .collect();
    let mut tallies: Vec<Tally> = proposals
        .iter()
        .enumerate()
        .map(|(place, it)| Tally::new(place, &it.candidates[..1], chosen[place].is_some()))
        .collect();
    pass(connection, table, &mut tallies)?;
    let mut second: Vec<Tally> = tallies
        .iter()
        .filter(|tally| tally.chosen().is_none() && proposals[tally.place].candidates.len() > 1)
        .map(|tally| Tally::new(tally.place, &proposals[tally.place].candidates[1..], tally.is_chosen))
        .collect();
    if !second.is_empty() {
        pass(connection, table, &mut second)?;
    }
    let mut suspects = Vec::new();
    for first in &tallies {
        let wider = second.iter().find(|it| it.place == first.place);
        let is_sound = first.chosen().is_some() || wider.is_some_and(|it| it.chosen().is_some());
        let is_chosen = chosen[first.place].is_some();
        if is_chosen && !is_sound || !is_chosen && first.bad_text.count > 0 && on_bad_value != OnBadValue::Stop {
            suspects.push(first.place);
        }
        settle(table, &proposals[first.place], first, wider, (is_chosen, on_bad_value), notes, blockers);
    }
    Ok(suspects)
}

/// What is found out about one column.
struct Tally {
    place: usize,
    /// Whether somebody has chosen the type.
    is_chosen: bool,
    candidates: Vec<Candidate>,
    values: u64,
    nulls: u64,
    bytes: u64,
    classes: HashSet<u8>,
    integer_max: Option<i64>,
    bad_text: Examples,
    too_long: Examples,
}

struct Candidate {
    target: TargetType,
    misfits: Examples,
    bytes_max: usize,
}

#[derive(Default)]
struct Examples {
    count: u64,
    rows: Vec<String>,
}

impl Examples {
    fn add(&mut self, label: impl FnOnce() -> String) {
        self.count += 1;
        if self.rows.len() < EXAMPLES_MAX {
            self.rows.push(label());
        }
    }

    /// `rowid 17, 44, 102, …`
    fn list(&self, kind: &str) -> String {
        let more = if self.count > self.rows.len() as u64 {
            ", …"
        } else {
            ""
        };
        format!("{kind} {}{more}", self.rows.join(", "))
    }
}

impl Tally {
    fn new(place: usize, targets: &[TargetType], is_chosen: bool) -> Tally {
        let candidates = targets
            .iter()
            .map(|&target| Candidate {
                target,
                misfits: Examples::default(),
                bytes_max: 0,
            })
            .collect();
        Tally {
            place,
            is_chosen,
            candidates,
            values: 0,
            nulls: 0,
            bytes: 0,
            classes: HashSet::new(),
            integer_max: None,
            bad_text: Examples::default(),
            too_long: Examples::default(),
        }
    }

    fn chosen(&self) -> Option<&Candidate> {
        self.candidates.iter().find(|it| it.misfits.count == 0)
    }

    fn add(&mut self, value: ValueRef<'_>, buffer: &mut Vec<u8>, label: &dyn Fn() -> String) {
        let class = match value {
            ValueRef::Null => {
                self.nulls += 1;
                return;
            }
            ValueRef::Integer(it) => {
                self.integer_max = self.integer_max.max(Some(it));
                self.bytes += 8;
                Type::Integer
            }
            ValueRef::Real(_) => {
                self.bytes += 8;
                Type::Real
            }
            ValueRef::Text(it) => {
                self.bytes += it.len() as u64;
                if !is_text(it) {
                    self.bad_text.add(label);
                    if !self.is_chosen {
                        // It stands in the way, or is left out: the type is that of the other values.
                        self.values += 1;
                        return;
                    }
                }
                Type::Text
            }
            ValueRef::Blob(it) => {
                self.bytes += it.len() as u64;
                Type::Blob
            }
        };
        self.values += 1;
        self.classes.insert(class as u8);
        let is_only = self.candidates.len() == 1;
        for candidate in &mut self.candidates {
            // The first one's misfits are counted for the note; of the wider ones only the fitting matter.
            if candidate.misfits.count > 0 && !is_only {
                continue;
            }
            buffer.clear();
            if candidate.target.write(value, buffer).is_err() {
                candidate.misfits.add(label);
            } else if buffer.len() > VALUE_BYTES_MAX {
                self.too_long.add(label);
            }
            candidate.bytes_max = candidate.bytes_max.max(buffer.len());
        }
    }
}

fn pass(connection: &Connection, table: &mut Table, tallies: &mut [Tally]) -> Result<()> {
    let places: Vec<usize> = tallies.iter().map(|it| it.place).collect();
    let rowid = table.rowid_name();
    let keys = key_places(table);
    let all: Vec<usize> = if rowid.is_some() {
        places
    } else {
        places.into_iter().chain(keys.clone()).collect()
    };
    let (mut row_count, mut buffer) = (0, Vec::new());
    scan(connection, table, &all, rowid, &mut |row| {
        row_count += 1;
        for (field, tally) in tallies.iter_mut().enumerate() {
            let value = row.get_ref(field).map_err(failed(table))?;
            tally.add(value, &mut buffer, &|| match rowid {
                Some(_) => row
                    .get::<_, i64>(all.len())
                    .map_or_else(|_| row_count.to_string(), |it| it.to_string()),
                None => key_label(row, all.len() - keys.len(), keys.len()).unwrap_or(row_count.to_string()),
            });
        }
        Ok(ControlFlow::Continue(()))
    })?;
    table.row_count = row_count;
    Ok(())
}

/// Enters what was found about one column into the table.
fn settle(
    table: &mut Table,
    proposal: &Proposal,
    first: &Tally,
    wider: Option<&Tally>,
    (is_chosen, on_bad_value): (bool, OnBadValue),
    notes: &mut Vec<Note>,
    blockers: &mut Vec<Blocker>,
) {
    let row_word = row_word(table);
    let object = format!("{}.{}", table.name, table.columns[first.place].name);
    let column = &mut table.columns[first.place];
    table.bytes += first.bytes;
    column.nulls = first.nulls;
    column.uniform = first.classes.len() <= 1;
    if table.rowid_alias == Some(first.place) {
        column.rowid_max = first.integer_max;
    }
    let chosen = first.chosen().or_else(|| wider.and_then(Tally::chosen));
    column.target = match chosen {
        _ if first.values == 0 => proposal.empty,
        Some(candidate) => candidate.target,
        // Its misfits are judged by the widest of what was chosen.
        None if is_chosen => proposal.widest(),
        None => TargetType::MixedBytea,
    };
    column.bytes_max = chosen.map_or(0, |candidate| candidate.bytes_max);
    if first.bad_text.count > 0 && !is_chosen && on_bad_value == OnBadValue::Stop {
        let rows = first.bad_text.list(row_word);
        blockers.push(Blocker::BadText {
            column: object,
            count: first.bad_text.count,
            rows,
        });
        return;
    }
    let too_long = wider.map_or(&first.too_long, |it| &it.too_long);
    if too_long.count > 0 {
        blockers.push(Blocker::TooLong {
            column: object,
            rows: too_long.list(row_word),
        });
        return;
    }
    if first.values > 0 && !is_chosen {
        notes.extend(note_on_type(object, column.target, proposal, first, row_word));
    }
}

/// What is worth saying about the type that a column with values got.
fn note_on_type(
    object: String,
    target: TargetType,
    proposal: &Proposal,
    first: &Tally,
    row_word: &str,
) -> Option<Note> {
    if target == TargetType::TimestampTz {
        let text = "becomes timestamp with time zone: the moments stay, their offsets become UTC";
        return Some(Note::new(NoteKind::Changed, object, text));
    }
    let mixed = matches!(target, TargetType::MixedText | TargetType::MixedBytea);
    let proposed = first.candidates.first()?;
    if target == proposed.target || !(proposal.declared || mixed) {
        return None;
    }
    let mut text = String::new();
    if proposal.declared {
        let (misfits, rows) = (proposed.misfits.count, proposed.misfits.list(row_word));
        let (values, proposed) = (first.values, proposed.target.to_sql());
        let _ = write!(
            text,
            "{misfits} of {values} values do not fit {proposed} ({rows}): "
        );
    }
    let _ = write!(text, "becomes {}", target.to_sql());
    if mixed {
        text.push_str(", values of several storage classes as their texts");
    }
    Some(Note::new(NoteKind::Widened, object, text))
}

fn row_word(table: &Table) -> &'static str {
    match (table.rowid_name(), table.without_rowid) {
        (Some(_), _) => "rowid",
        (None, true) => "key",
        (None, false) => "row",
    }
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

fn key_places(table: &Table) -> Vec<usize> {
    let place_of = |name: &String| table.columns.iter().position(|column| column.name == *name);
    table.primary_key.iter().filter_map(place_of).collect()
}

/// The key of a row without a rowid, `(2, north)`.
fn key_label(row: &Row<'_>, start: usize, count: usize) -> Option<String> {
    let mut parts = Vec::new();
    for field in start..start + count {
        let mut text = Vec::new();
        TargetType::MixedBytea
            .write(row.get_ref(field).ok()?, &mut text)
            .ok()?;
        let mut readable = Vec::new();
        let fits = TargetType::MixedText
            .write(row.get_ref(field).ok()?, &mut readable)
            .is_ok();
        parts.push(String::from_utf8(if fits { readable } else { text }).ok()?);
    }
    (count > 0).then(|| format!("({})", parts.join(", ")))
}
