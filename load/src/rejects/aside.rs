//! The refused rows of one chunk on their way into its file: in parts, so that a chunk of which every row is refused takes
//! no more memory than one of which a few are.

use std::collections::BTreeMap;

use catalog::QualifiedName;
use cli::Result;
use fingerprint::Fingerprint;
use postgres::Transaction;

use super::cut::Cut;
use super::folder::{ChunkFile, Folder, Rejected};
use super::readable::readable;
use super::refusal::Refusal;
use super::{damaged, journal as rejected_journal};
use crate::journal::Run;
use crate::rows::OpenedChunk;

/// Rows that are written at once, and their bytes with what the server said of them; one row alone may have more.
const ROWS_MAX: usize = 1000;
const BYTES_MAX: usize = 1 << 20;

pub(super) struct Aside<'a> {
    folder: &'a Folder,
    chunk: &'a OpenedChunk<'a>,
    cut: &'a Cut<'a>,
    into: &'a QualifiedName,
    /// None before the first part is written.
    file: Option<ChunkFile<'a>>,
    /// Rows that are not in the file yet, by their place in the chunk.
    waiting: Vec<(usize, Refusal)>,
    waiting_bytes: usize,
    rejected: Fingerprint,
    /// Numbers of rows by SQLSTATE.
    reasons: BTreeMap<String, u64>,
}

impl<'a> Aside<'a> {
    pub(super) fn new(
        folder: &'a Folder,
        chunk: &'a OpenedChunk<'a>,
        cut: &'a Cut<'a>,
        into: &'a QualifiedName,
    ) -> Self {
        Aside {
            folder,
            chunk,
            cut,
            into,
            file: None,
            waiting: Vec::new(),
            waiting_bytes: 0,
            rejected: Fingerprint::empty(cut.form),
            reasons: BTreeMap::new(),
        }
    }

    /// Rows that were put here.
    pub(super) fn rows(&self) -> u64 {
        self.rejected.rows
    }

    /// Takes a row, which is behind all that were taken before.
    pub(super) fn put(
        &mut self,
        transaction: &mut Transaction<'_>,
        row: usize,
        refusal: Refusal,
    ) -> Result<()> {
        let part = self.cut.fingerprint(&(row..row + 1));
        let part = part.map_err(|error| damaged(self.chunk.table, error))?;
        // Rows of one chunk have one form.
        let _ = self.rejected.merge(&part);
        *self.reasons.entry(refusal.sqlstate.clone()).or_default() += 1;
        self.waiting_bytes += self.cut.bytes_of(row) + refusal.message.len();
        self.waiting.push((row, refusal));
        if self.waiting.len() < ROWS_MAX && self.waiting_bytes < BYTES_MAX {
            return Ok(());
        }
        self.write(transaction)
    }

    fn write(&mut self, transaction: &mut Transaction<'_>) -> Result<()> {
        let table = self.chunk.table;
        let waiting = std::mem::take(&mut self.waiting);
        self.waiting_bytes = 0;
        let numbers: Vec<usize> = waiting.iter().map(|(row, _)| *row).collect();
        let texts = readable(transaction, table, self.into, self.cut, &numbers)?;
        let lines: Vec<Rejected<'_>> = waiting
            .iter()
            .zip(&texts)
            .map(|((row, refusal), text)| Rejected {
                number: row + 1,
                refusal,
                row: text,
            })
            .collect();
        let mut file = match self.file.take() {
            Some(file) => file,
            None => self.folder.begin(table, self.chunk.rows.chunk)?,
        };
        file.write(&lines)?;
        self.file = Some(file);
        Ok(())
    }

    /// Gives the file its name and notes in the journal what its rows add up to, which is returned.
    pub(super) fn finish(mut self, transaction: &mut Transaction<'_>, run: &Run) -> Result<Fingerprint> {
        let rows = &self.chunk.rows;
        if !self.waiting.is_empty() {
            self.write(transaction)?;
        }
        let Some(file) = self.file else {
            self.folder.forget(self.chunk.table, rows.chunk)?;
            return Ok(self.rejected);
        };
        file.finish()?;
        let reasons = self
            .reasons
            .iter()
            .map(|(sqlstate, rows)| (sqlstate.as_str(), *rows));
        let (into, reasons) = (self.into.to_string(), super::found::list_reasons(reasons));
        rejected_journal::note(transaction, run, rows, &into, &self.rejected, &reasons)?;
        Ok(self.rejected)
    }
}
