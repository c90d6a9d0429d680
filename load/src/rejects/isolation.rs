//! A chunk of which some rows are refused: these are set aside and all others go in, in one transaction.

use std::collections::BTreeMap;
use std::io::Write;
use std::ops::Range;
use std::sync::atomic::Ordering;

use catalog::QualifiedName;
use cli::{Exit, Failure, Result};
use fingerprint::Fingerprint;
use postgres::{Client, Transaction};

use super::Rejects;
use super::cut::Cut;
use super::folder::{Folder, Rejected};
use super::readable::readable;
use super::refusal::{Names, Refusal};
use super::search::Search;
use super::{damaged, journal as rejected_journal};
use crate::journal::{self, Run};
use crate::rows::{Freeze, OpenedChunk, copy_in_sql};
use crate::target::failed;

/// Rows handed to the connection at once; it copies what it is given.
const PIECE_BYTES: usize = 64 << 10;

/// What was refused while all rows of a chunk were sent together.
pub(super) struct Isolation<'a> {
    pub(super) rejects: &'a Rejects,
    pub(super) folder: &'a Folder,
    pub(super) run: &'a Run,
    pub(super) chunk: &'a OpenedChunk<'a>,
    pub(super) cut: &'a Cut<'a>,
    pub(super) into: &'a QualifiedName,
    pub(super) names: Names,
}

/// What came of one attempt.
enum Tried {
    Taken,
    Refused(Box<Refusal>),
}

impl Isolation<'_> {
    /// `first` is what the server said to all rows together. Returns the fingerprints of what went in and of what did
    /// not.
    pub(super) fn run(&self, client: &mut Client, first: &Refusal) -> Result<(Fingerprint, Fingerprint)> {
        let mut transaction = client.transaction().map_err(|error| failed(self.step(), error))?;
        journal::hold(&mut transaction, self.run)?;
        // What would be checked at the end, of all rows together, is checked with each attempt.
        transaction
            .batch_execute("SET CONSTRAINTS ALL IMMEDIATE")
            .map_err(|error| failed(self.step(), error))?;
        let (loaded, refused) = self.separate(&mut transaction, first)?;
        let rejected = self.set_aside(&mut transaction, &refused)?;
        self.prove(&loaded, &rejected)?;
        // With all of its rows: what of them was rejected stands beside it.
        journal::note_chunk(
            &mut transaction,
            self.run,
            self.chunk.place(),
            &self.chunk.fingerprint,
        )?;
        let all = self.rejects.rows.fetch_add(rejected.rows, Ordering::Relaxed) + rejected.rows;
        if let Some((row, refusal)) = refused.last().filter(|_| self.rejects.are_too_many(all)) {
            return Err(self.rejects.too_many(self.chunk, *row, refusal));
        }
        transaction.commit().map_err(|error| failed(self.step(), error))?;
        Ok((loaded, rejected))
    }

    fn step(&self) -> String {
        format!(
            "rows of {} could not be written (chunk {})",
            self.into, self.chunk.rows.chunk
        )
    }

    /// Writes every row that the target takes. Returns the fingerprint of those and the others with their refusals.
    fn separate(
        &self,
        transaction: &mut Transaction<'_>,
        first: &Refusal,
    ) -> Result<(Fingerprint, Vec<(usize, Refusal)>)> {
        let mut loaded = Fingerprint::empty(self.cut.form);
        let mut refused = Vec::new();
        let mut search = Search::new(self.cut.len(), self.named(&(0..self.cut.len()), first));
        let before = self.rejects.rows.load(Ordering::Relaxed);
        while let Some(rows) = search.next() {
            cli::check_interrupt()?;
            match self.attempt(transaction, &rows)? {
                Tried::Taken => {
                    let part = self.cut.fingerprint(&rows);
                    let part = part.map_err(|error| damaged(self.chunk.table, error))?;
                    let _ = loaded.merge(&part);
                    search.taken(&rows);
                }
                Tried::Refused(refusal) => {
                    if let Some(row) = search.refused(&rows, self.named(&rows, &refusal)) {
                        // Not only at the chunk's end: all of its rows may be refused.
                        if self.rejects.are_too_many(before + refused.len() as u64 + 1) {
                            return Err(self.rejects.too_many(self.chunk, row, &refusal));
                        }
                        refused.push((row, *refusal));
                    }
                }
            }
        }
        Ok((loaded, refused))
    }

    fn named(&self, rows: &Range<usize>, refusal: &Refusal) -> Option<usize> {
        self.cut.row_of_line(rows, refusal.line?)
    }

    /// Sends some rows; the transaction goes on whatever the server says of them.
    fn attempt(&self, transaction: &mut Transaction<'_>, rows: &Range<usize>) -> Result<Tried> {
        let mut part = transaction
            .transaction()
            .map_err(|error| failed(self.step(), error))?;
        let sent = self.send(&mut part, rows);
        let failure = match sent {
            Ok(()) => {
                part.commit().map_err(|error| failed(self.step(), error))?;
                return Ok(Tried::Taken);
            }
            Err(failure) => failure,
        };
        match Refusal::find(&failure, self.chunk.table, &self.into.name, self.names) {
            Some(refusal) => {
                part.rollback().map_err(|error| failed(self.step(), error))?;
                Ok(Tried::Refused(Box::new(refusal)))
            }
            None => Err(failure),
        }
    }

    fn send(&self, part: &mut Transaction<'_>, rows: &Range<usize>) -> Result<()> {
        let sql = copy_in_sql(
            self.chunk.table,
            &self.into.to_string(),
            self.cut.form,
            Freeze::No,
        );
        let mut writer = part.copy_in(&sql).map_err(|error| failed(self.step(), error))?;
        for piece in self.cut.pieces(rows).iter().flat_map(|it| it.chunks(PIECE_BYTES)) {
            writer
                .write_all(piece)
                .map_err(|error| Failure::new(Exit::Target, self.step()).with_source(error))?;
        }
        let copied = writer.finish().map_err(|error| failed(self.step(), error))?;
        if copied == rows.len() as u64 {
            return Ok(());
        }
        let message = format!(
            "{} took {copied} of {} rows of chunk {}",
            self.into,
            rows.len(),
            self.chunk.rows.chunk
        );
        Err(Failure::new(Exit::Target, message))
    }

    /// Writes the refused rows to their file and what they add up to into the journal.
    fn set_aside(
        &self,
        transaction: &mut Transaction<'_>,
        refused: &[(usize, Refusal)],
    ) -> Result<Fingerprint> {
        let (table, rows) = (self.chunk.table, &self.chunk.rows);
        let mut rejected = Fingerprint::empty(self.cut.form);
        for (row, _) in refused {
            let part = self.cut.fingerprint(&(*row..row + 1));
            let _ = rejected.merge(&part.map_err(|error| damaged(table, error))?);
        }
        if refused.is_empty() {
            self.folder.forget(table, rows.chunk)?;
            return Ok(rejected);
        }
        let numbers: Vec<usize> = refused.iter().map(|(row, _)| *row).collect();
        let texts = readable(transaction, table, self.into, self.cut, &numbers)?;
        let lines: Vec<Rejected<'_>> = refused
            .iter()
            .zip(&texts)
            .map(|((row, refusal), text)| Rejected {
                number: row + 1,
                refusal,
                row: text,
            })
            .collect();
        self.folder.write(table, rows.chunk, &lines)?;
        let reason = reasons(refused.iter().map(|(_, refusal)| refusal));
        let into = self.into.to_string();
        rejected_journal::note(transaction, self.run, rows, &into, &rejected, &reason)?;
        Ok(rejected)
    }

    /// What went in and what did not are all of the chunk.
    fn prove(&self, loaded: &Fingerprint, rejected: &Fingerprint) -> Result<()> {
        let mut both = *loaded;
        if both.merge(rejected).is_ok() && both == self.chunk.fingerprint {
            return Ok(());
        }
        let message = format!(
            "{}: what was loaded and what was rejected of chunk {} are together another fingerprint than the \
             archive's",
            self.into, self.chunk.rows.chunk
        );
        Err(Failure::new(Exit::Internal, message))
    }
}

/// SQLSTATEs with the numbers of their rows: `23514: 3, 22P02: 1`.
fn reasons<'a>(refusals: impl Iterator<Item = &'a Refusal>) -> String {
    let mut numbers: BTreeMap<&str, u64> = BTreeMap::new();
    for refusal in refusals {
        *numbers.entry(&refusal.sqlstate).or_default() += 1;
    }
    super::found::list_reasons(numbers.iter().map(|(sqlstate, rows)| (*sqlstate, *rows)))
}
