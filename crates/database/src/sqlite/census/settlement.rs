//! Enters what was found into the table, with notes on what changes and blockers for what cannot be moved.

use super::kind::Kind;
use super::profile::{Misfits, Profile};
use super::report::{ColumnCensus, TableCensus};
use super::row_word;
use super::suggestion::Suggestion;
use crate::sqlite::choices::OnBadValue;
use crate::sqlite::inspection::Blocker;
use crate::sqlite::long_line;
use crate::sqlite::note::{Note, NoteKind};
use crate::sqlite::rule::OnMisfit;
use crate::sqlite::schema::Table;
use crate::sqlite::target_type::TargetType;

/// Gives every column of `table` its target type and figures. Hands back the places of columns that hold values which do
/// not fit, and of which `on_bad_value` says what they become.
pub(in crate::sqlite) fn settle(
    table: &mut Table,
    census: &TableCensus,
    on_bad_value: OnBadValue,
    notes: &mut Vec<Note>,
    blockers: &mut Vec<Blocker>,
) -> Vec<usize> {
    let mut suspects = Vec::new();
    let rows_by = row_word(table);
    for (place, found) in census.columns.iter().enumerate() {
        let object = format!("{}.{}", table.name, table.columns[place].name);
        let (profile, target) = (&found.profile, found.proposal.target);
        let column = &mut table.columns[place];
        column.nulls = profile.nulls();
        column.uniform = is_uniform(profile);
        column.range = profile.integers().filter(|_| profile.all(Kind::INTEGER));
        column.target = target;
        column.bytes_max = profile.bytes_max(target);
        if table.rowid_alias == Some(place) {
            column.rowid_max = profile.integers().map(|it| it.1);
        }
        let rows = |it: &Misfits| format!("{rows_by} {}", it.some_rows());
        let bad_text = profile.having(Kind::BAD_TEXT);
        let too_long = profile.too_long(target);
        if found.proposal.is_chosen {
            if found.proposal.refused.count > 0 {
                suspects.push(place);
            }
        } else if on_bad_value != OnBadValue::Stop {
            if bad_text.count > 0 || !profile.fits(target) {
                suspects.push(place);
            }
        } else if bad_text.count > 0 {
            // So that the rest can be judged, and all that is in the way is told at once.
            column.on_misfit = OnMisfit::Null;
            blockers.push(Blocker::BadText {
                column: object,
                count: bad_text.count,
                rows: rows(&bad_text),
            });
            continue;
        }
        if too_long.count > 0 {
            blockers.push(Blocker::TooLong {
                column: object,
                rows: rows(&too_long),
            });
        } else {
            notes.extend(note_on_type(&object, found));
            let suggestions = found.proposal.suggestions.iter();
            notes.extend(suggestions.filter(|it| it.urgent).map(|it| it.note(&object)));
        }
    }
    notes.extend(long_line::note(table));
    suspects
}

/// What is worth saying about the type that a column with values got.
fn note_on_type(object: &str, found: &ColumnCensus) -> Option<Note> {
    let ColumnCensus { profile, proposal } = found;
    let target = proposal.target;
    if profile.values() == 0 {
        return None;
    }
    if target == TargetType::TimestampTz {
        let text = "becomes timestamp with time zone: the moments stay, their offsets become UTC";
        return Some(Note::new(NoteKind::Changed, object, text));
    }
    let mixed = matches!(target, TargetType::MixedText | TargetType::MixedBytea);
    if proposal.declared == Some(target) || !(proposal.declared.is_some() || mixed) {
        return None;
    }
    let mut text = match proposal.declared {
        Some(_) => format!("{}: becomes {}", proposal.reason, target.to_sql()),
        None => format!("becomes {}", target.to_sql()),
    };
    if target != TargetType::MixedBytea {
        if mixed {
            text.push_str(", values of several storage classes as their texts");
        }
        return Some(Note::new(NoteKind::Widened, object, text));
    }
    text.push_str(", texts and numbers as the bytes of their texts");
    if proposal.blobs_are_few {
        text.push_str(" (with --on-bad-value null, text-column or reject it stays text)");
    }
    Some(Note::new(NoteKind::Bytes, object, text))
}

fn is_uniform(profile: &Profile) -> bool {
    let classes = [Kind::INTEGER, Kind::REAL, Kind::TEXT, Kind::BLOB];
    classes.into_iter().any(|it| profile.all(it))
}

impl Suggestion {
    fn note(&self, object: &str) -> Note {
        let text = format!(
            "{}: `--type {object}='{}'` would hold them",
            self.reason, self.target
        );
        Note::new(NoteKind::Suggested, object, text)
    }
}
