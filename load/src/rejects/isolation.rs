//! A chunk of which some rows are refused: these are set aside and all others go in, in one transaction.

use std::ops::Range;

use catalog::QualifiedName;
use cli::{Exit, Failure, Result};
use fingerprint::Fingerprint;
use postgres::{Client, Transaction};

use super::aside::Aside;
use super::cut::Cut;
use super::folder::Folder;
use super::refusal::{Names, Refusal};
use super::search::Search;
use super::{Rejects, damaged};
use crate::journal::{self, Run};
use crate::rows::{Freeze, OpenedChunk};
use crate::target::failed;

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
        let (loaded, aside) = self.separate(&mut transaction, first)?;
        let rejected = aside.finish(&mut transaction, self.run)?;
        self.prove(&loaded, &rejected)?;
        // With all of its rows: what of them was rejected stands beside it.
        journal::note_chunk(
            &mut transaction,
            self.run,
            self.chunk.place(),
            &self.chunk.fingerprint,
        )?;
        transaction.commit().map_err(|error| failed(self.step(), error))?;
        Ok((loaded, rejected))
    }

    fn step(&self) -> String {
        format!(
            "rows of {} could not be written (chunk {})",
            self.into, self.chunk.rows.chunk
        )
    }

    /// Writes every row that the target takes. Returns the fingerprint of those, and the others.
    fn separate(
        &self,
        transaction: &mut Transaction<'_>,
        first: &Refusal,
    ) -> Result<(Fingerprint, Aside<'_>)> {
        let mut loaded = Fingerprint::empty(self.cut.form);
        let mut aside = Aside::new(self.folder, self.chunk, self.cut, self.into);
        let mut search = Search::new(self.cut.len(), self.named(&(0..self.cut.len()), first));
        self.rejects.count_rejected(self.chunk.place(), 0);
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
                        let all = self.rejects.count_rejected(self.chunk.place(), aside.rows() + 1);
                        if self.rejects.are_too_many(all) {
                            return Err(self.rejects.too_many(self.chunk, row, &refusal));
                        }
                        aside.put(transaction, row, *refusal)?;
                    }
                }
            }
        }
        Ok((loaded, aside))
    }

    fn named(&self, rows: &Range<usize>, refusal: &Refusal) -> Option<usize> {
        self.cut.row_of_line(rows, refusal.line?)
    }

    /// Sends some rows; the transaction goes on whatever the server says of them.
    fn attempt(&self, transaction: &mut Transaction<'_>, rows: &Range<usize>) -> Result<Tried> {
        let mut part = transaction
            .transaction()
            .map_err(|error| failed(self.step(), error))?;
        let pieces = self.cut.pieces(rows);
        let sent = (rows.len() as u64, pieces.as_slice());
        let sent = self
            .chunk
            .copy_part_into(&mut part, &self.into.to_string(), Freeze::No, sent);
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
