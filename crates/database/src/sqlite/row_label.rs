//! What a row is called in messages.

use std::borrow::Cow;

use rusqlite::Row;
use rusqlite::types::ValueRef;

use super::schema::Table;
use super::target_type::TargetType;

/// Rows that are named where values are at fault.
const EXAMPLES_MAX: usize = 3;

/// How rows of a table are named. The rows must be read with all columns where there is no rowid.
#[derive(Debug)]
pub(super) struct RowLabels {
    /// The name under which the rowid can be read.
    pub(super) rowid: Option<&'static str>,
    /// Places of the primary key's columns.
    keys: Vec<usize>,
    word: &'static str,
}

/// How many rows, and the first of them.
#[derive(Debug, Default)]
pub(super) struct Named {
    pub(super) count: u64,
    pub(super) rows: Vec<String>,
}

impl RowLabels {
    pub(super) fn of(table: &Table) -> RowLabels {
        let place_of = |name: &String| table.columns.iter().position(|column| column.name == *name);
        RowLabels {
            rowid: table.rowid_name(),
            keys: table.primary_key.iter().filter_map(place_of).collect(),
            word: word(table),
        }
    }

    /// The label of the row that is the `number`th, of which `fields` columns were read.
    pub(super) fn label(&self, row: &Row<'_>, fields: usize, number: u64) -> String {
        let label = match (self.rowid, self.word) {
            (Some(_), _) => row.get(fields).ok().map(|it: i64| it.to_string()),
            (None, "key") => self.key(row),
            _ => None,
        };
        label.unwrap_or_else(|| number.to_string())
    }

    /// `rowid 17, 44, 102, …`
    pub(super) fn list(&self, named: &Named) -> String {
        let more = if named.count > named.rows.len() as u64 {
            ", …"
        } else {
            ""
        };
        format!("{} {}{more}", self.word, named.rows.join(", "))
    }

    /// The key of a row without a rowid, `(2, north)`.
    fn key(&self, row: &Row<'_>) -> Option<String> {
        let mut parts = Vec::new();
        for &place in &self.keys {
            parts.push(brief(row.get_ref(place).ok()?));
        }
        Some(format!("({})", parts.join(", ")))
    }
}

/// What rows are named by that are read one after the other.
pub(super) fn word(table: &Table) -> &'static str {
    match (table.rowid_name(), table.without_rowid) {
        (Some(_), _) => "rowid",
        (None, true) => "key",
        (None, false) => "row",
    }
}

impl Named {
    pub(super) fn add(&mut self, label: impl FnOnce() -> String) {
        self.count += 1;
        if self.rows.len() < EXAMPLES_MAX {
            self.rows.push(label());
        }
    }
}

/// A value as SQLite writes it as text, or its bytes as `\x…`, which the second part says.
pub(super) fn readable(value: ValueRef<'_>) -> (String, bool) {
    let mut text = Vec::new();
    if TargetType::MixedText.write(value, &mut text).is_ok()
        && let Ok(text) = String::from_utf8(std::mem::take(&mut text))
    {
        return (text, false);
    }
    text.clear();
    let written = TargetType::MixedBytea.write(value, &mut text).is_ok();
    (String::from_utf8(text).unwrap_or_default(), written)
}

/// Characters of a value that a message takes, at most.
const BRIEF_CHARS_MAX: usize = 60;

/// The same for a message, not longer than a line takes.
pub(super) fn brief(value: ValueRef<'_>) -> String {
    cut(&readable(value).0, BRIEF_CHARS_MAX).into_owned()
}

/// The text up to so many characters, with a sign that there is more.
pub(super) fn cut(text: &str, chars_max: usize) -> Cow<'_, str> {
    match text.char_indices().nth(chars_max) {
        Some((end, _)) => Cow::Owned(format!("{}…", &text[..end])),
        None => Cow::Borrowed(text),
    }
}
