//! Rows of one table on their way past: framed, hashed and thrown away, or kept one by one.

use catalog::Table;
use cli::{Exit, Failure, FailureContext, Result};
use fingerprint::{Fingerprint, Form, RowScanner, Rows, each_row, map_rows};
use rewrite::TableNames;

use crate::beside::Kept;

/// Bytes that are held before hashed rows are thrown away.
const HELD_BYTES_MAX: usize = 1 << 20;

/// Hashes rows and throws them away.
pub(crate) struct Scan<'a> {
    pub(crate) name: String,
    columns: usize,
    scanner: RowScanner,
    pub(crate) total: Fingerprint,
    /// Gives names in the values those of the target, before they are hashed.
    names: Option<TableNames<'a>>,
    /// Where the rows are kept one by one too.
    pub(crate) kept: Option<Kept>,
}

impl<'a> Scan<'a> {
    pub(crate) fn new(table: &Table, form: Form, names: Option<TableNames<'a>>) -> Self {
        let columns = table.stored_columns().count();
        Scan {
            name: table.qualified_name().to_string(),
            columns,
            scanner: RowScanner::new(form, columns),
            total: Fingerprint::empty(form),
            names,
            kept: None,
        }
    }

    pub(crate) fn push(&mut self, piece: &[u8]) -> Result<()> {
        self.scanner
            .push(piece)
            .map_err(|error| not_framed(&self.name, error))?;
        if self.scanner.buffered() >= HELD_BYTES_MAX {
            let part = self.scanner.take_rows();
            self.add(&part)?;
        }
        Ok(())
    }

    pub(crate) fn finish(self) -> Result<Fingerprint> {
        Ok(self.end()?.total)
    }

    pub(crate) fn end(mut self) -> Result<Self> {
        let scanner = std::mem::replace(&mut self.scanner, RowScanner::new(self.total.form, self.columns));
        let last = scanner.finish().map_err(|error| not_framed(&self.name, error))?;
        self.add(&last)?;
        Ok(self)
    }

    fn add(&mut self, rows: &Rows) -> Result<()> {
        let part = match &mut self.names {
            None => {
                self.keep(&rows.bytes)?;
                rows.fingerprint
            }
            Some(names) => {
                let mapped = map_rows(self.columns, &rows.bytes, |place, value| names.map(place, value))
                    .map_err(|error| not_framed(&self.name, error))?;
                self.keep(mapped.changed.as_deref().unwrap_or(&rows.bytes))?;
                mapped.after
            }
        };
        self.total.merge(&part).or_fail(Exit::Internal, || {
            format!("fingerprints of {} cannot be added", self.name)
        })
    }

    fn keep(&mut self, rows: &[u8]) -> Result<()> {
        let Some(kept) = &mut self.kept else {
            return Ok(());
        };
        each_row(self.total.form, self.columns, rows, |row| kept.take(row))
            .map_err(|error| not_framed(&self.name, error))
    }
}

fn not_framed(name: &str, error: fingerprint::FrameError) -> Failure {
    Failure::new(
        Exit::Source,
        format!("rows of {name} are not framed as they should be"),
    )
    .with_source(error)
}
