//! The work of one session that writes rows.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};

use archive::Header;
use catalog::{QualifiedName, Table, TableKind};
use cli::{Pace, Place, Progress, Result, Work};
use postgres::Transaction;

use super::chunk::{Chunk, Freeze, OpenedChunk, table_of};
use super::late::LateRows;
use super::queue::{Next, Queue, Underway};
use super::routes::Routes;
use super::tally::Tally;
use crate::conversions;
use crate::journal;
use crate::rejects::Rejects;
use crate::statements::execute;
use crate::steps::{Steps, retry};
use crate::target::{Session, failed};

/// What all sessions share.
pub(super) struct Writer<'a> {
    pub(super) steps: Steps<'a>,
    pub(super) header: &'a Header,
    pub(super) rejects: &'a Rejects,
    pub(super) pace: Arc<Pace>,
    pub(super) routes: &'a Routes,
    pub(super) queue: &'a Queue,
    pub(super) progress: &'a Progress,
    pub(super) tally: Tally,
    /// Where it is wanted.
    pub(super) converted: Option<Tally>,
    pub(super) late: LateRows,
    pub(super) of_extensions: LateRows,
    /// Tables whose rows went with a session, by number.
    pub(super) lost: Mutex<BTreeSet<u32>>,
    /// Bytes of a table that is filled in one transaction, at most.
    pub(super) whole_max: u64,
    /// Whether they are kept until they are committed, since nobody can read them again.
    pub(super) keeps_rows: bool,
}

/// A table that is filled in one transaction.
struct WholeTable<'a> {
    table: &'a Table,
    bytes: u64,
    /// What is in the transaction, in memory.
    kept: Vec<(OpenedChunk<'a>, Place)>,
    /// The first chunk's number: by it the journal says whether the transaction was committed.
    first: u32,
    /// A chunk that would make the table larger than one transaction may be.
    beyond: Option<(OpenedChunk<'a>, Place)>,
}

impl<'a> Writer<'a> {
    /// Writes chunks until there are no more.
    pub(super) fn write_all(&self, session: &mut Session) -> Result<()> {
        match self.write_until_end(session) {
            // The first failure is the one to tell; what others meet then may come from it.
            Err(failure) if self.queue.stop() => Err(failure),
            _ => Ok(()),
        }
    }

    fn write_until_end(&self, session: &mut Session) -> Result<()> {
        let mut next = self.queue.take(None)?;
        loop {
            match next {
                Next::ByChunk(Underway { chunk, place: _place }) => self.write_chunk(session, chunk)?,
                Next::Whole(underway) => {
                    let table = underway.chunk.rows.table;
                    let beyond = self.write_whole(session, underway);
                    self.queue.release(table);
                    if let Some((chunk, _place)) = beyond? {
                        self.write_opened(session, &chunk, &chunk.table.qualified_name())?;
                    }
                }
                Next::Release | Next::End => return Ok(()),
            }
            next = self.queue.take(None)?;
        }
    }

    fn is_lost(&self, table: u32) -> bool {
        let lost = self.lost.lock().unwrap_or_else(PoisonError::into_inner);
        lost.contains(&table)
    }

    /// Frames and hashes a chunk, and counts it as read.
    fn open(&self, chunk: Chunk) -> Result<OpenedChunk<'a>> {
        self.rejects.see(&chunk.rows);
        let opened = OpenedChunk::new(table_of(self.header, &chunk.rows)?, chunk)?.with_pace(&self.pace);
        self.tally.add(opened.rows.table, &opened.fingerprint);
        if let Some(tally) = &self.converted
            && let Some(fingerprint) = conversions::converted(self.header, &opened)?
        {
            tally.add(opened.rows.table, &fingerprint);
        }
        Ok(opened)
    }

    fn advance(&self, opened: &OpenedChunk<'_>) {
        self.progress.advance(Work {
            rows: opened.rows.rows,
            bytes: opened.rows.raw,
        });
    }

    fn write_chunk(&self, session: &mut Session, chunk: Chunk) -> Result<()> {
        let table = table_of(self.header, &chunk.rows)?;
        let of_extension = table.kind == TableKind::Configuration;
        let kept = (of_extension || table.stores_names()).then(|| chunk.stored.clone());
        let into = self.routes.table(table);
        let opened = self.open(chunk)?;
        let is_in = self.steps.loaded.has_chunk(opened.place(), &opened.fingerprint)?;
        match kept {
            _ if is_in || self.is_lost(table.number) => {}
            Some(stored) if of_extension => {
                // The table is not this load's: nothing goes in before everything is live.
                self.of_extensions
                    .keep(opened.rows, into, &stored, opened.fingerprint)?;
            }
            Some(stored) => match self.write_opened(session, &opened, &into) {
                // The server knows best what it cannot resolve yet: an index, or a view that needs a key.
                Err(failure) if failure.is_missing_object() => {
                    self.late.keep(opened.rows, into, &stored, opened.fingerprint)?;
                }
                written => return written,
            },
            None => return self.write_opened(session, &opened, &into),
        }
        self.advance(&opened);
        Ok(())
    }

    /// Writes a chunk in a transaction of its own, once, whatever becomes of the session.
    fn write_opened(
        &self,
        session: &mut Session,
        opened: &OpenedChunk<'_>,
        into: &QualifiedName,
    ) -> Result<()> {
        let run = self.steps.run;
        retry(
            session,
            |session| self.rejects.copy(session, run, self.header, opened, into),
            Session::renew,
            |session| journal::has_chunk(session, run, opened.place()),
        )?;
        session.promised().note_chunk(opened.place());
        self.advance(opened);
        Ok(())
    }

    /// Fills a table in one transaction, as far as its chunks come while no other table needs the session. A chunk that
    /// would make it larger than it may be is given back.
    fn write_whole(
        &self,
        session: &mut Session,
        first: Underway,
    ) -> Result<Option<(OpenedChunk<'a>, Place)>> {
        let mut whole = WholeTable {
            table: table_of(self.header, &first.chunk.rows)?,
            bytes: 0,
            kept: Vec::new(),
            first: first.chunk.rows.chunk,
            beyond: None,
        };
        let failure = match self.try_whole(session, &mut whole, first) {
            Err(failure) if failure.is_lost_session() || failure.is_transient() => failure,
            Err(failure) => return Err(failure),
            Ok(()) => {
                session.promised().note_chunk((whole.table.number, whole.first));
                return Ok(whole.beyond);
            }
        };
        if failure.is_lost_session() {
            session.renew(failure)?;
            if journal::has_chunk(session, self.steps.run, (whole.table.number, whole.first))? {
                session.promised().note_chunk((whole.table.number, whole.first));
                return Ok(whole.beyond);
            }
        }
        if !self.keeps_rows {
            let mut lost = self.lost.lock().unwrap_or_else(PoisonError::into_inner);
            lost.insert(whole.table.number);
            return Ok(None);
        }
        // What comes now goes chunk by chunk; what was in the transaction does so, too.
        let into = whole.table.qualified_name();
        for (opened, _) in &whole.kept {
            let run = self.steps.run;
            retry(
                session,
                |session| opened.copy(session, run, self.header, &into),
                Session::renew,
                |session| journal::has_chunk(session, run, opened.place()),
            )?;
            session.promised().note_chunk(opened.place());
        }
        Ok(whole.beyond)
    }

    fn try_whole(&self, session: &mut Session, whole: &mut WholeTable<'a>, first: Underway) -> Result<()> {
        let name = whole.table.qualified_name();
        let step = || format!("rows of {name} could not be written");
        let mut opened = self.open(first.chunk)?;
        let mut place = first.place;
        whole.bytes = opened.len();
        // Kept before the server is asked for anything, which may fail.
        let mut transaction = match self.begin_whole(session, whole.table) {
            Ok(transaction) => transaction,
            Err(failure) => {
                whole.keep(opened, place);
                return Err(failure);
            }
        };
        loop {
            let copied = self.copy_frozen(&mut transaction, &opened);
            whole.keep_if(self.keeps_rows, opened, place);
            copied?;
            match self.queue.take(Some(whole.table.number))? {
                Next::Whole(next) | Next::ByChunk(next) => {
                    opened = self.open(next.chunk)?;
                    place = next.place;
                    whole.bytes += opened.len();
                    if whole.bytes > self.whole_max {
                        whole.beyond = Some((opened, place));
                        break;
                    }
                }
                Next::Release | Next::End => break,
            }
        }
        transaction.commit().map_err(|error| failed(step(), error))
    }

    fn begin_whole<'s>(&self, session: &'s mut Session, table: &Table) -> Result<Transaction<'s>> {
        let name = table.qualified_name();
        let mut transaction = session
            .transaction()
            .map_err(|error| failed(format!("rows of {name} could not be written"), error))?;
        journal::hold(&mut transaction, self.steps.run)?;
        execute(&mut transaction, &format!("TRUNCATE ONLY {name}"))?;
        Ok(transaction)
    }

    fn copy_frozen(&self, transaction: &mut Transaction<'_>, opened: &OpenedChunk<'_>) -> Result<()> {
        let name = opened.table.qualified_name();
        let copied = opened.copy_into(transaction, &name.to_string(), Freeze::Yes);
        copied.map_err(|failure| self.rejects.explain(failure, opened, &name))?;
        journal::note_chunk(transaction, self.steps.run, opened.place(), &opened.fingerprint)?;
        self.advance(opened);
        Ok(())
    }
}

impl<'a> WholeTable<'a> {
    fn keep(&mut self, opened: OpenedChunk<'a>, place: Place) {
        self.kept.push((opened, place));
    }

    fn keep_if(&mut self, keeps: bool, opened: OpenedChunk<'a>, place: Place) {
        if keeps {
            self.keep(opened, place);
        }
    }
}
