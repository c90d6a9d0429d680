//! Rows from the archive into the tables, on several sessions while the archive is still coming.
//!
//! A table is filled by chunk, each in one transaction with its row in the journal, or whole: one transaction that
//! truncates it, so that its rows can be frozen, and takes all its chunks. What is in when a session is lost stays in;
//! what is not is tried again, in memory where the archive comes through a pipe, else by reading it once more.

mod chunk;
mod late;
mod queue;
mod routes;
mod session;
mod tally;

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

use archive::{End, Header};
use catalog::{QualifiedName, TableKind};
use cli::{ArchiveReader, Exit, Failure, Result, Room, Ui};

use crate::conversions::Staging;
use crate::journal::Loaded;
use crate::rejects::Rejects;
use crate::steps::Steps;
use crate::target::Target;
use queue::{Queue, Underway};
use session::Writer;

pub(crate) use chunk::{Chunk, Freeze, OpenedChunk, copy_in_sql, table_at, table_of};
pub(crate) use late::LateRows;
pub(crate) use routes::Routes;
pub(crate) use tally::Tally;

/// Bytes of rows on their way from the archive to the sessions; one chunk alone may have more.
const BYTES_MAX: u64 = 64 << 20;

/// Of a table that is filled whole from a pipe so many bytes are kept, to be sent again on a new session.
const KEPT_BYTES_MAX: u64 = 8 << 20;

/// Bytes of a table that are worth a session more.
const SESSION_BYTES: u64 = 4 << 20;

/// How often an archive is read, at most: again only where sessions were lost.
const PASSES_MAX: u32 = 5;

/// Where the archive's members come from, and how they are filled in.
pub(crate) struct Filling<'a> {
    /// As it was named on the command line; `-` is stdin.
    pub(crate) archive: &'a str,
    /// Bytes of a table that is filled in one transaction, at most.
    pub(crate) whole_max: u64,
    /// What becomes of rows that the target refuses.
    pub(crate) rejects: &'a Rejects,
    /// Where rows wait that are converted.
    pub(crate) staging: &'a Staging<'a>,
    /// Where rows wait that are merged, by the numbers of the parts.
    pub(crate) parts: BTreeMap<u32, QualifiedName>,
    /// Whether it must be known what converted rows become.
    pub(crate) reads_back: bool,
}

/// What is known, and what still has to go in, when the archive has been read to its end.
pub(crate) struct Filled {
    pub(crate) end: End,
    /// Chunks that name what is made only after the rows.
    pub(crate) late: LateRows,
    /// Chunks for tables of extensions.
    pub(crate) of_extensions: LateRows,
    /// What converted rows become; empty unless it must be known.
    pub(crate) converted: Tally,
}

/// How many sessions can have rows to write at the same time: small tables one each, large ones several.
pub(crate) fn sessions_wanted(header: &Header) -> usize {
    let tables = header.catalog.tables.iter().filter(|table| table.has_rows());
    let wanted: u64 = tables.map(|table| 1 + table.bytes / SESSION_BYTES).sum();
    usize::try_from(wanted).unwrap_or(usize::MAX).max(1)
}

impl Filling<'_> {
    /// Loads all chunks that are not in, reads the end member and compares every fingerprint with it. Chunks that name
    /// what is made only after the rows are given back: they have been framed and hashed, and still have to go in.
    pub(crate) fn fill(
        &self,
        target: &mut Target,
        steps: Steps<'_>,
        reader: ArchiveReader,
        header: &Header,
        ui: &Ui,
    ) -> Result<Filled> {
        let (mut again, mut reader) = (None, reader);
        for pass in 0..PASSES_MAX {
            // What sessions have lost goes chunk by chunk, so that each pass comes further.
            // A row that is refused ends its transaction, which shall be that of its chunk.
            let whole_max = if pass == 0 && !self.rejects.are_wanted() {
                self.whole_max
            } else {
                0
            };
            let steps = Steps {
                loaded: again.as_ref().unwrap_or(steps.loaded),
                ..steps
            };
            let (filled, lost) = self.pass(target, steps, reader, header, whole_max, ui)?;
            target.revive(steps.run)?;
            if lost.is_empty() {
                return Ok(filled);
            }
            let tables = header.catalog.tables.iter();
            let names: Vec<String> = tables
                .filter(|it| lost.contains(&it.number))
                .map(|it| it.qualified_name().to_string())
                .collect();
            ui.status(format_args!(
                "the archive is read again: sessions were lost that filled {}",
                names.join(", ")
            ));
            again = Some(Loaded::read(target.client(), steps.run)?);
            reader = self.open_again(header)?;
        }
        Err(Failure::new(
            Exit::Target,
            "sessions were lost again and again while rows were written",
        ))
    }

    fn open_again(&self, header: &Header) -> Result<ArchiveReader> {
        let mut reader = cli::open_archive(self.archive)?;
        reader.schema().map_err(Failure::archive)?;
        if reader.header() == header {
            return Ok(reader);
        }
        Err(Failure::new(
            Exit::Archive,
            "the archive was replaced by another one while it was loaded",
        ))
    }

    /// Reads the archive once. The thread that reads is waited for only when all sessions have ended well: after a
    /// failure nobody cares for what a silent upstream may still send, and what it said is a consequence.
    ///
    /// Returns the numbers of tables, too, that lost what they had with a session.
    fn pass(
        &self,
        target: &mut Target,
        steps: Steps<'_>,
        reader: ArchiveReader,
        header: &Header,
        whole_max: u64,
        ui: &Ui,
    ) -> Result<(Filled, BTreeSet<u32>)> {
        let expected = header.catalog.tables.iter().map(|table| table.bytes).sum();
        let progress = ui.progress(&steps.run.schemas.join(", "), Some(expected));
        let routes = Routes::find(target.client(), header)?
            .through(self.staging, header)
            .through_parts(&self.parts);
        let mut sessions = target.take_sessions_for_rows(sessions_wanted(header))?;
        let kept_bytes_max = self.kept_bytes_max(sessions.len());
        let whole_max = kept_bytes_max.unwrap_or(whole_max).min(whole_max);
        let whole = whole_tables(header, steps.loaded, &routes, sessions.len(), whole_max);
        let queue = Arc::new(Queue::new(whole));
        let reading = {
            let queue = Arc::clone(&queue);
            thread::spawn(move || {
                let read = read_chunks(reader, &queue);
                queue.close();
                read
            })
        };
        let writer = Writer {
            steps,
            header,
            rejects: self.rejects,
            pace: target.pace(),
            routes: &routes,
            queue: &queue,
            progress: &progress,
            tally: Tally::new(header),
            converted: self.reads_back.then(|| Tally::new(header)),
            late: LateRows::default(),
            of_extensions: LateRows::default(),
            lost: Mutex::default(),
            whole_max,
            keeps_rows: kept_bytes_max.is_some(),
        };
        thread::scope(|scope| {
            let writer = &writer;
            let writing: Vec<_> = sessions
                .iter_mut()
                .map(|session| scope.spawn(move || writer.write_all(session)))
                .collect();
            // Every session is waited for, also after a failure.
            let mut ended = Ok(());
            for session in writing {
                let written = session.join();
                ended = ended.and(written.unwrap_or_else(|panic| std::panic::resume_unwind(panic)));
            }
            ended
        })?;
        let end = reading
            .join()
            .unwrap_or_else(|panic| std::panic::resume_unwind(panic))?;
        progress.finish();
        writer.tally.compare(header, &end)?;
        let lost = writer.lost.into_inner().unwrap_or_else(PoisonError::into_inner);
        let filled = Filled {
            end,
            late: writer.late,
            of_extensions: writer.of_extensions,
            converted: writer.converted.unwrap_or_else(|| Tally::new(header)),
        };
        Ok((filled, lost))
    }

    /// Bytes that a session keeps of the table that it fills whole; `None` where the archive can be read again.
    fn kept_bytes_max(&self, sessions: usize) -> Option<u64> {
        let shared = BYTES_MAX / 2 / sessions.max(1) as u64;
        (self.archive == "-").then_some(KEPT_BYTES_MAX.min(shared))
    }
}

/// Tables that one transaction can fill: of the load's own making, empty, and neither so large nor so much of the whole
/// that other sessions would have nothing to do.
fn whole_tables(
    header: &Header,
    loaded: &Loaded,
    routes: &Routes,
    sessions: usize,
    bytes_max: u64,
) -> HashSet<u32> {
    let tables = header.catalog.tables.iter().filter(|it| it.has_rows());
    let all_bytes: u64 = tables.clone().map(|it| it.bytes).sum();
    let share = (all_bytes / sessions.max(1) as u64).max(SESSION_BYTES);
    tables
        .filter(|it| {
            it.kind == TableKind::Ordinary
                // Frozen rows are seen before their row in the journal is, and such a table is counted.
                && !it.unlogged
                && bytes_max > 0
                && it.bytes <= bytes_max.min(share)
                && !it.stores_names()
                && !routes.leads_elsewhere(it)
                && !loaded.has_rows_of(it.number)
        })
        .map(|it| it.number)
        .collect()
}

/// The work of the thread that reads. The queue is closed when the end member has been read too, so that the
/// sessions, which can be interrupted, wait for it instead of [`Filling::fill`].
fn read_chunks(mut reader: ArchiveReader, queue: &Queue) -> Result<End> {
    let room = Room::new(BYTES_MAX);
    while let Some((rows, record)) = reader.next_chunk().map_err(Failure::archive)? {
        // An archive that lies about one of them must not have the memory of the other.
        let place = queue.enter(&room, rows.raw.max(record.stored));
        let stored = reader.chunk_bytes().map_err(Failure::archive)?;
        let chunk = Chunk { rows, stored };
        if !queue.put(Underway { chunk, place }) {
            // The sessions have said why, and nobody hears this.
            return Err(Failure::new(Exit::Target, "no session takes rows any more"));
        }
    }
    reader.finish().map_err(Failure::archive)
}
