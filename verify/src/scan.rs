//! Rows of one table on their way past: framed, hashed and thrown away, or kept one by one.

use catalog::Table;
use cli::{Exit, Failure, Result};
use fingerprint::{Fingerprint, Form, FrameError, RowStream, Rows, each_row, map_rows};
use rewrite::TableNames;

use crate::beside::Kept;

/// Hashes rows and throws them away.
pub(crate) struct Scan<'a> {
    pub(crate) name: String,
    stream: RowStream,
    each: Each<'a>,
}

/// What is done with the rows beside hashing them.
struct Each<'a> {
    columns: usize,
    /// Gives names in the values those of the target, before they are hashed.
    names: Option<TableNames<'a>>,
    /// Where the rows are kept one by one too.
    kept: Option<Kept>,
}

impl<'a> Scan<'a> {
    pub(crate) fn new(table: &Table, form: Form, names: Option<TableNames<'a>>) -> Self {
        let columns = table.stored_columns().count();
        Scan {
            name: table.qualified_name().to_string(),
            stream: RowStream::new(form, columns),
            each: Each {
                columns,
                names,
                kept: None,
            },
        }
    }

    pub(crate) fn form(&self) -> Form {
        self.stream.form()
    }

    /// Keeps the rows in `kept` too, unless they are kept already.
    pub(crate) fn keep_in(&mut self, kept: Option<Kept>) {
        if self.each.kept.is_none() {
            self.each.kept = kept;
        }
    }

    pub(crate) fn push(&mut self, piece: &[u8]) -> Result<()> {
        let pushed = self.stream.push(piece, |rows| self.each.count(rows));
        pushed.map_err(|error| not_framed(&self.name, error))
    }

    pub(crate) fn finish(self) -> Result<Fingerprint> {
        Ok(self.end()?.0)
    }

    /// The fingerprint of all rows, and what was kept of them.
    pub(crate) fn end(mut self) -> Result<(Fingerprint, Option<Kept>)> {
        let ended = self.stream.finish(|rows| self.each.count(rows));
        let total = ended.map_err(|error| not_framed(&self.name, error))?;
        Ok((total, self.each.kept))
    }
}

impl Each<'_> {
    /// The fingerprint of the rows as the target should have them.
    fn count(&mut self, rows: &Rows) -> std::result::Result<Fingerprint, FrameError> {
        let Some(names) = &mut self.names else {
            self.keep(rows.fingerprint.form, &rows.bytes)?;
            return Ok(rows.fingerprint);
        };
        let mapped = map_rows(self.columns, &rows.bytes, |place, value| names.map(place, value))?;
        self.keep(
            mapped.after.form,
            mapped.changed.as_deref().unwrap_or(&rows.bytes),
        )?;
        Ok(mapped.after)
    }

    fn keep(&mut self, form: Form, rows: &[u8]) -> std::result::Result<(), FrameError> {
        match &mut self.kept {
            Some(kept) => each_row(form, self.columns, rows, |row| kept.take(row)),
            None => Ok(()),
        }
    }
}

pub(crate) fn not_framed(name: &str, error: FrameError) -> Failure {
    Failure::new(
        Exit::Source,
        format!("rows of {name} are not framed as they should be"),
    )
    .with_source(error)
}
