//! Rows that are too long for a line of CSV: the server takes a line as a whole, and a binary row value by value.

use super::inspection::Inspection;
use super::note::{Note, NoteKind};
use super::row_label::word;
use super::schema::Table;
use crate::{Error, ErrorKind, Result};

/// What PostgreSQL holds as one piece of memory (`MaxAllocSize`), with the byte at its end.
pub(super) const LINE_BYTES_MAX: usize = 0x3fff_fffe;

/// The longest row of a table that travels as binary alone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LongLine {
    /// Bytes as CSV, at most.
    pub bytes: usize,
    /// A rowid, the key of a table WITHOUT ROWID, or the number of the row.
    pub row: String,
}

impl Inspection {
    /// Refuses rows that cannot travel: those of the tables for which `is_text` says that they go as CSV.
    pub fn refuse_long_lines(&self, is_text: impl Fn(usize) -> bool) -> Result<()> {
        let mut tables = self.schema.tables.iter().enumerate();
        let Some((_, table)) = tables.find(|(at, it)| it.long_line.is_some() && is_text(*at)) else {
            return Ok(());
        };
        let said = said(table).unwrap_or_default();
        Err(
            Error::new(ErrorKind::Unsupported, format!("table {}: {said}", table.name)).with_hint(
                "--rows binary sends them value by value; a table with a column of type citext travels as CSV alone",
            ),
        )
    }
}

/// A note on a table with such rows.
pub(super) fn note(table: &Table) -> Option<Note> {
    let text = said(table)? + ": dump wants --rows binary";
    Some(Note::new(NoteKind::Changed, &table.name, text))
}

fn said(table: &Table) -> Option<String> {
    let LongLine { bytes, row } = table.long_line.as_ref()?;
    let word = word(table);
    Some(format!(
        "a row has up to {bytes} bytes as a line of CSV, and the server takes {LINE_BYTES_MAX} ({word} {row})"
    ))
}
