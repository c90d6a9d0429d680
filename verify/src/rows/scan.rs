//! Rows of one table on their way past: framed, hashed and thrown away, or kept one by one.

use catalog::Table;
use cli::{Exit, Failure, Result};
use conversion::{NotConvertible, RowConversion};
use fingerprint::{Fingerprint, Form, FrameError, RowStream, Rows, each_row, map_rows};
use rewrite::TableNames;

use crate::rows::beside::Kept;

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
    /// Gives keys the values of the target.
    conversion: Option<RowConversion>,
    /// A value that could not be converted.
    refused: Option<NotConvertible>,
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
                conversion: None,
                refused: None,
                kept: None,
            },
        }
    }

    pub(crate) fn form(&self) -> Form {
        self.stream.form()
    }

    /// Counts rows as they are after this conversion.
    pub(crate) fn converting(mut self, conversion: Option<RowConversion>) -> Self {
        self.each.conversion = conversion;
        self
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
        if let Some(error) = self.each.refused {
            return Err(not_converted(&self.name, error));
        }
        Ok((total, self.each.kept))
    }
}

impl Each<'_> {
    /// The fingerprint of the rows as the target should have them.
    fn count(&mut self, rows: &Rows) -> std::result::Result<Fingerprint, FrameError> {
        if self.conversion.is_some() {
            return self.count_converted(rows);
        }
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

    /// Tables whose values hold names are never converted, and what is kept one by one neither.
    fn count_converted(&mut self, rows: &Rows) -> std::result::Result<Fingerprint, FrameError> {
        let form = rows.fingerprint.form;
        let Some(conversion) = &mut self.conversion else {
            return Ok(rows.fingerprint);
        };
        let converted =
            conversion.fingerprint(form, |take| each_row(form, self.columns, &rows.bytes, take))?;
        Ok(converted.unwrap_or_else(|error| {
            self.refused.get_or_insert(error);
            Fingerprint::empty(form)
        }))
    }

    fn keep(&mut self, form: Form, rows: &[u8]) -> std::result::Result<(), FrameError> {
        match &mut self.kept {
            Some(kept) => each_row(form, self.columns, rows, |row| kept.take(row)),
            None => Ok(()),
        }
    }
}

pub(crate) fn not_converted(name: &str, error: NotConvertible) -> Failure {
    Failure::new(Exit::Source, format!("keys of {name} cannot become UUIDs")).with_source(error)
}

pub(crate) fn not_framed(name: &str, error: FrameError) -> Failure {
    Failure::new(
        Exit::Source,
        format!("rows of {name} are not framed as they should be"),
    )
    .with_source(error)
}
