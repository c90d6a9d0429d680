//! Rows of an archive on their way past: one thread reads and checks members, others decompress and hash chunks.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, sync_channel};
use std::sync::{Mutex, PoisonError};
use std::thread;

use archive::{End, Header, RowsRecord, decompress};
use catalog::Table;
use cli::{ArchiveReader, Exit, Failure, Place, Result, Room};
use conversion::{TableConversion, conversion_of};
use fingerprint::{Fingerprint, FrameError, Row, each_row_of_chunk, map_chunk, scan_chunk};
use rewrite::{NameMap, TableNames};

use crate::rows::beside::Kept;
use crate::rows::converted::ConvertedRows;

/// Bytes of chunks, stored and decompressed, that are on their way at once; one chunk alone may have more.
const ROOM_BYTES: u64 = 64 << 20;

/// Rows that are compared one by one, by table.
pub(crate) type KeptRows = HashMap<u32, Kept>;

/// With what rows are counted beside what they are.
#[derive(Default)]
pub(crate) struct Passing<'a> {
    /// Gives rows with names of objects in them their new ones.
    pub(crate) names: Option<&'a NameMap>,
    pub(crate) conversions: &'a [TableConversion],
    /// Of tables that are compared by some of their columns, or in another order: the places of these.
    pub(crate) projections: HashMap<u32, Vec<usize>>,
    /// Whether rows that are compared one by one are kept.
    pub(crate) keeps: bool,
    /// Whether the end's fingerprints are taken as they are: chunks are checked by their SHA-256 alone, but for those of
    /// tables whose rows count otherwise or are kept.
    pub(crate) believes: bool,
    /// Threads that hash.
    pub(crate) jobs: usize,
}

impl Passing<'_> {
    /// Whether a table's rows count otherwise than they are, or are kept.
    fn opens(&self, table: &Table, header: &Header) -> bool {
        let form = header.form(table.number);
        self.names.is_some_and(|it| it.table(table).is_some())
            || conversion_of(self.conversions, table.number).is_some()
            || self.projections.contains_key(&table.number)
            || self.keeps && form.is_some_and(|it| Kept::of_table(table, it).is_some())
    }
}

/// What an archive holds, once all of it has been read.
pub(crate) struct Passed {
    pub(crate) end: End,
    /// Of tables whose rows count otherwise: see [`Passing`].
    pub(crate) changed: HashMap<u32, Fingerprint>,
    pub(crate) kept: KeptRows,
}

/// Reads the rest of an archive, frames and hashes all its rows again and compares them with its end.
pub(crate) fn read_through(
    mut reader: ArchiveReader,
    header: &Header,
    passing: &Passing<'_>,
) -> Result<Passed> {
    let keep = |table: &Table| Some((table.number, Kept::of_table(table, header.form(table.number)?)?));
    let tables = header.catalog.tables.iter().filter(|_| passing.keeps);
    let is_opened = |number: u32| {
        let table = usize::try_from(number)
            .ok()
            .and_then(|it| header.catalog.tables.get(it));
        !passing.believes || table.is_none_or(|it| passing.opens(it, header))
    };
    let kept: Mutex<KeptRows> = Mutex::new(tables.filter_map(keep).collect());
    let (room, failed) = (Room::new(ROOM_BYTES), AtomicBool::new(false));
    let (sender, chunks) = sync_channel(2 * passing.jobs.max(1));
    let chunks = Mutex::new(chunks);
    let mut all = Counted::new(header, passing);
    let read = thread::scope(|scope| {
        let workers: Vec<_> = (0..passing.jobs.max(1))
            .map(|_| scope.spawn(|| work(&chunks, &failed, &kept, Counted::new(header, passing))))
            .collect();
        let mut read = || -> Result<()> {
            let mut place = 0;
            while !failed.load(Ordering::Relaxed) {
                let next = reader.next_chunk().map_err(Failure::archive)?;
                let Some((rows, record)) = next else { break };
                if !is_opened(rows.table) {
                    let skip = |body: &mut dyn std::io::Read| archive::copy_body(body, &mut std::io::sink());
                    reader.chunk_stream(skip).map_err(Failure::archive)?;
                    cli::check_interrupt()?;
                    continue;
                }
                let room = room.enter(record.stored.saturating_add(rows.raw));
                let stored = reader.chunk_bytes().map_err(Failure::archive)?;
                let chunk = Chunk {
                    place,
                    rows,
                    stored,
                    member: record.name,
                    _room: room,
                };
                if sender.send(chunk).is_err() {
                    break;
                }
                place += 1;
            }
            Ok(())
        };
        let read = read();
        drop(sender);
        let mut first: Option<(u64, Failure)> = None;
        for worker in workers {
            let done = worker
                .join()
                .unwrap_or_else(|panic| std::panic::resume_unwind(panic));
            match done.and_then(|part| all.merge(part).map_err(|failure| (u64::MAX, failure))) {
                Err(failure) if first.as_ref().is_none_or(|it| failure.0 < it.0) => first = Some(failure),
                _ => {}
            }
        }
        // What is wrong with a chunk stands before what the reader met later.
        first.map_or(read, |(_, failure)| Err(failure))
    });
    read?;
    let end = reader.finish().map_err(Failure::archive)?;
    for (table, total) in header.catalog.tables.iter().zip(&all.totals) {
        if is_opened(table.number) && *total != end.table(table.number).map(|it| it.fingerprint) {
            let message = format!(
                "archive is damaged: rows of {} do not have the fingerprint that it names",
                table.qualified_name()
            );
            return Err(Failure::new(Exit::Archive, message));
        }
    }
    let kept = kept.into_inner().unwrap_or_else(PoisonError::into_inner);
    Ok(Passed {
        end,
        changed: all.changed(),
        kept,
    })
}

/// A chunk between two threads.
struct Chunk {
    /// Among the archive's chunks.
    place: u64,
    rows: RowsRecord,
    stored: Vec<u8>,
    member: String,
    _room: Place,
}

/// Takes whichever chunk comes next. After a failure the rest is only taken, so that the reader does not wait for ever.
fn work<'a>(
    chunks: &Mutex<Receiver<Chunk>>,
    failed: &AtomicBool,
    kept: &Mutex<KeptRows>,
    mut counted: Counted<'a>,
) -> std::result::Result<Counted<'a>, (u64, Failure)> {
    let mut failure = None;
    loop {
        let next = chunks.lock().unwrap_or_else(PoisonError::into_inner).recv();
        let Ok(chunk) = next else { break };
        if failure.is_none()
            && let Err(error) = counted.count(chunk.rows, chunk.stored, &chunk.member, kept)
        {
            failed.store(true, Ordering::Relaxed);
            failure = Some((chunk.place, error));
        }
    }
    failure.map_or(Ok(counted), Err)
}

/// What one thread has counted.
struct Counted<'a> {
    header: &'a Header,
    totals: Vec<Option<Fingerprint>>,
    /// The tables whose values hold names, and the fingerprints that they have under their new ones.
    renamed: HashMap<u32, (TableNames<'a>, Fingerprint)>,
    converted: ConvertedRows,
    projected: HashMap<u32, (&'a [usize], Fingerprint)>,
}

impl<'a> Counted<'a> {
    fn new(header: &'a Header, passing: &'a Passing<'_>) -> Self {
        let empty = |table: &Table| header.form(table.number).map(Fingerprint::empty);
        let renamed = |table: &Table| Some((table.number, (passing.names?.table(table)?, empty(table)?)));
        let projected = |table: &Table| {
            let places = passing.projections.get(&table.number)?;
            Some((table.number, (places.as_slice(), empty(table)?)))
        };
        let tables = || header.catalog.tables.iter();
        Counted {
            header,
            totals: tables().map(empty).collect(),
            renamed: tables().filter_map(renamed).collect(),
            converted: ConvertedRows::new(header, passing.conversions),
            projected: tables().filter_map(projected).collect(),
        }
    }

    fn count(
        &mut self,
        rows: RowsRecord,
        stored: Vec<u8>,
        member: &str,
        kept: &Mutex<KeptRows>,
    ) -> Result<()> {
        let place = usize::try_from(rows.table).unwrap_or(usize::MAX);
        let table = self.header.catalog.tables.get(place);
        let table = table.ok_or_else(|| damaged(member))?;
        let mut bytes = decompress(rows.codec, stored, rows.raw).map_err(Failure::archive)?;
        let names: Vec<&str> = table.stored_columns().map(|it| it.name.as_str()).collect();
        let names = || names.iter().copied();
        let not_framed = |error: FrameError| damaged(member).with_source(error);
        let part = if let Some((values, total)) = self.renamed.get_mut(&rows.table) {
            let map = |place: usize, value: &[u8]| values.map(place, value);
            let mapped = map_chunk(names(), &bytes, map).map_err(not_framed)?;
            let _ = total.merge(&mapped.after);
            bytes = mapped.changed.unwrap_or(bytes);
            mapped.before
        } else {
            if !self.converted.take(table, &rows, &bytes) {
                return Err(damaged(member));
            }
            scan_chunk(rows.form, names(), &bytes).map_err(not_framed)?
        };
        if let Some((places, total)) = self.projected.get_mut(&rows.table) {
            let mut framed = Vec::new();
            let mut add = |row: Row<'_>| {
                let _ = total.merge(&project(row, places, &mut framed).fingerprint());
            };
            each_row_of_chunk(rows.form, names(), &bytes, &mut add).map_err(not_framed)?;
        }
        if let Some(kept) = kept
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .get_mut(&rows.table)
        {
            each_row_of_chunk(rows.form, names(), &bytes, |row| kept.take(row)).map_err(not_framed)?;
        }
        let total = self.totals.get_mut(place).and_then(Option::as_mut);
        match total.map(|it| it.merge(&part)) {
            Some(Err(error)) => Err(damaged(member).with_source(error)),
            _ => Ok(()),
        }
    }

    /// Adds what another thread has counted.
    fn merge(&mut self, part: Counted<'_>) -> Result<()> {
        let failed = |_| Failure::new(Exit::Internal, "fingerprints of two forms were added");
        for (total, part) in self.totals.iter_mut().zip(&part.totals) {
            if let (Some(total), Some(part)) = (total, part) {
                total.merge(part).map_err(failed)?;
            }
        }
        for (table, (_, total)) in &mut self.renamed {
            if let Some((_, part)) = part.renamed.get(table) {
                total.merge(part).map_err(failed)?;
            }
        }
        for (table, (_, total)) in &mut self.projected {
            if let Some((_, part)) = part.projected.get(table) {
                total.merge(part).map_err(failed)?;
            }
        }
        self.converted.merge(part.converted).map_err(failed)
    }

    fn changed(self) -> HashMap<u32, Fingerprint> {
        let mut changed: HashMap<u32, Fingerprint> = self
            .renamed
            .into_iter()
            .map(|(table, (_, it))| (table, it))
            .collect();
        changed.extend(self.converted.finish());
        // Projected rows have their new names already; what is converted is never projected.
        changed.extend(self.projected.into_iter().map(|(table, (_, it))| (table, it)));
        changed
    }
}

/// The row with these of its values, in this order.
fn project<'a>(row: Row<'_>, places: &[usize], framed: &'a mut Vec<u8>) -> Row<'a> {
    let values: Vec<Option<&[u8]>> = row.values().collect();
    let chosen = places.iter().map(|&place| values.get(place).copied().flatten());
    Row::frame(row.form(), chosen, framed)
}

fn damaged(member: &str) -> Failure {
    Failure::new(
        Exit::Archive,
        format!("archive is damaged: rows in member {member}"),
    )
}
