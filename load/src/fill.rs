//! Rows from the archive into the tables, on several sessions while the archive is still coming.

use std::io::Write;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use archive::{End, Header, RowsRecord, decompress};
use catalog::{QualifiedName, Table, TableKind};
use cli::{ArchiveReader, Exit, Failure, Pace, Place, Progress, Result, Room, Ui, Work};
use fingerprint::{Fingerprint, Form, Row, each_row_of_chunk, scan_chunk};
use postgres::{Client, Transaction};

use crate::journal::{self, Run};
use crate::large_objects;
use crate::late_rows::LateRows;
use crate::routes::Routes;
use crate::target::{Target, failed};

/// Chunks between the reader and the sessions: enough to hide the reader's pauses, few enough for memory.
const WAITING_CHUNKS: usize = 2;

/// Rows handed to the connection at once; it copies what it is given.
const PIECE_BYTES: usize = 64 << 10;

/// Bytes of rows on their way from the archive to the sessions; one chunk alone may have more.
const BYTES_MAX: u64 = 64 << 20;

/// How often a session that waits for rows looks whether the work goes on.
const LOOK_AFTER: Duration = Duration::from_millis(50);

/// Bytes of a table that are worth a session more.
const SESSION_BYTES: u64 = 4 << 20;

/// A chunk whose SHA-256 holds.
pub(crate) struct Chunk {
    pub(crate) rows: RowsRecord,
    pub(crate) stored: Vec<u8>,
}

/// A chunk on its way from the reader to a session, with its room in memory.
struct Underway {
    chunk: Chunk,
    _place: Place,
}

/// What is known, and what still has to go in, when the archive has been read to its end.
pub(crate) struct Filled {
    pub(crate) end: End,
    /// Chunks that name what is made only after the rows.
    pub(crate) late: LateRows,
    /// Chunks for tables of extensions.
    pub(crate) of_extensions: LateRows,
}

/// How many sessions can have rows to write at the same time: small tables one each, large ones several.
pub(crate) fn sessions_wanted(header: &Header) -> usize {
    let tables = header.catalog.tables.iter().filter(|table| table.has_rows());
    let wanted: u64 = tables.map(|table| 1 + table.bytes / SESSION_BYTES).sum();
    usize::try_from(wanted).unwrap_or(usize::MAX).max(1)
}

/// Loads all chunks, reads the end member and compares every fingerprint with it. Chunks that name what is made only
/// after the rows are given back: they have been framed and hashed, and still have to go in.
///
/// The archive is read by a thread that is waited for only when all sessions have ended well: after a failure
/// nobody cares for what a silent upstream may still send, and what it said is a consequence.
pub(crate) fn fill(
    target: &mut Target,
    run: &Run,
    reader: ArchiveReader,
    header: &Header,
    ui: &Ui,
) -> Result<Filled> {
    let expected = header.catalog.tables.iter().map(|table| table.bytes).sum();
    let progress = ui.progress(&run.schemas.join(", "), Some(expected));
    let routes = Routes::find(target, header)?;
    let (tally, late, of_extensions) = (Tally::new(header), LateRows::default(), LateRows::default());
    let mut sessions = target.take_sessions_for_rows();
    let stop = AtomicBool::new(false);
    let (sender, chunks) = sync_channel(WAITING_CHUNKS);
    let reading = thread::spawn(move || read_chunks(reader, &sender));
    let chunks = Mutex::new(chunks);
    let pace = target.pace();
    let filling = Filling {
        run,
        pace: &pace,
        header,
        tally: &tally,
        late: &late,
        routes: &routes,
        of_extensions: &of_extensions,
    };
    thread::scope(|scope| {
        let (filling, chunks, stop, progress) = (&filling, &chunks, &stop, &progress);
        let writers: Vec<_> = sessions
            .iter_mut()
            .map(|client| scope.spawn(move || write_chunks(client, filling, chunks, progress, stop)))
            .collect();
        // Every session is waited for, also after a failure.
        let mut ended = Ok(());
        for writer in writers {
            let written = writer.join();
            ended = ended.and(written.unwrap_or_else(|panic| std::panic::resume_unwind(panic)));
        }
        ended
    })?;
    let end = reading
        .join()
        .unwrap_or_else(|panic| std::panic::resume_unwind(panic))?;
    progress.finish();
    tally.compare(header, &end)?;
    Ok(Filled {
        end,
        late,
        of_extensions,
    })
}

/// What all sessions share.
struct Filling<'a> {
    run: &'a Run,
    pace: &'a Pace,
    header: &'a Header,
    tally: &'a Tally,
    late: &'a LateRows,
    routes: &'a Routes,
    of_extensions: &'a LateRows,
}

/// The work of the thread that reads. The channel is open until the end member has been read too, so that the
/// sessions, which can be interrupted, wait for it instead of [`fill`].
fn read_chunks(mut reader: ArchiveReader, chunks: &SyncSender<Underway>) -> Result<End> {
    let room = Room::new(BYTES_MAX);
    while let Some((rows, _)) = reader.next_chunk().map_err(Failure::archive)? {
        let place = room.enter(rows.raw);
        let stored = reader.chunk_bytes().map_err(Failure::archive)?;
        let underway = Underway {
            chunk: Chunk { rows, stored },
            _place: place,
        };
        if chunks.send(underway).is_err() {
            // The sessions have said why, and nobody hears this.
            return Err(Failure::new(Exit::Target, "no session takes rows any more"));
        }
    }
    reader.finish().map_err(Failure::archive)
}

/// The work of one session.
fn write_chunks(
    client: &mut Client,
    filling: &Filling<'_>,
    chunks: &Mutex<Receiver<Underway>>,
    progress: &Progress,
    stop: &AtomicBool,
) -> Result<()> {
    while let Some(Underway { chunk, _place }) = take_chunk(chunks, stop)? {
        let work = Work {
            rows: chunk.rows.rows,
            bytes: chunk.rows.raw,
        };
        write_chunk(client, filling, chunk).inspect_err(|_| stop.store(true, Ordering::Relaxed))?;
        progress.advance(work);
    }
    Ok(())
}

/// The next chunk; none when there are no more, or when another session has failed.
fn take_chunk(chunks: &Mutex<Receiver<Underway>>, stop: &AtomicBool) -> Result<Option<Underway>> {
    loop {
        cli::check_interrupt()?;
        if stop.load(Ordering::Relaxed) {
            return Ok(None);
        }
        let chunks = chunks.lock().unwrap_or_else(PoisonError::into_inner);
        match chunks.recv_timeout(LOOK_AFTER) {
            Ok(chunk) => return Ok(Some(chunk)),
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => return Ok(None),
        }
    }
}

fn write_chunk(client: &mut Client, filling: &Filling<'_>, chunk: Chunk) -> Result<()> {
    let table = table_of(filling.header, &chunk.rows)?;
    let of_extension = table.kind == TableKind::Configuration;
    let kept = (of_extension || table.stores_names()).then(|| chunk.stored.clone());
    let into = filling.routes.table(table);
    let opened = OpenedChunk::new(table, chunk)?;
    let copied = if of_extension {
        Ok(())
    } else {
        opened.copy(client, filling.run, filling.header, &into, filling.pace)
    };
    match (copied, kept) {
        (Ok(()), Some(stored)) if of_extension => {
            // The table is not this load's: nothing goes in before everything is live.
            filling
                .of_extensions
                .keep(opened.rows, into, &stored, opened.fingerprint)?;
        }
        // The server knows best what it cannot resolve yet: an index, or a view that needs a key.
        (Err(failure), Some(stored)) if failure.is_missing_object() => {
            filling
                .late
                .keep(opened.rows, into, &stored, opened.fingerprint)?;
        }
        (copied, _) => copied?,
    }
    filling.tally.add(opened.rows.table, &opened.fingerprint);
    Ok(())
}

/// The table whose rows a chunk holds.
pub(crate) fn table_of<'a>(header: &'a Header, rows: &RowsRecord) -> Result<&'a Table> {
    let place = usize::try_from(rows.table).unwrap_or(usize::MAX);
    header.catalog.tables.get(place).ok_or_else(|| {
        Failure::new(
            Exit::Archive,
            format!("archive is damaged: it has no table {}", rows.table),
        )
    })
}

/// A chunk whose rows are framed and hashed.
pub(crate) struct OpenedChunk<'a> {
    pub(crate) table: &'a Table,
    rows: RowsRecord,
    bytes: Vec<u8>,
    pub(crate) fingerprint: Fingerprint,
}

impl<'a> OpenedChunk<'a> {
    pub(crate) fn new(table: &'a Table, chunk: Chunk) -> Result<Self> {
        let rows = chunk.rows;
        let name = table.qualified_name();
        let bytes = decompress(rows.codec, chunk.stored, rows.raw).map_err(Failure::archive)?;
        let names: Vec<&str> = table
            .stored_columns()
            .map(|column| column.name.as_str())
            .collect();
        let fingerprint = scan_chunk(rows.form, names, &bytes).map_err(|error| {
            Failure::new(
                Exit::Archive,
                format!("archive is damaged: chunk {} of {name}", rows.chunk),
            )
            .with_source(error)
        })?;
        if fingerprint.rows != rows.rows {
            let message = format!(
                "archive is damaged: chunk {} of {name} has another number of rows",
                rows.chunk
            );
            return Err(Failure::new(Exit::Archive, message));
        }
        Ok(OpenedChunk {
            table,
            rows,
            bytes,
            fingerprint,
        })
    }

    /// Gives every row to `take`.
    pub(crate) fn each_row(&self, take: impl FnMut(Row<'_>)) -> Result<()> {
        let names: Vec<&str> = self.table.stored_columns().map(|it| it.name.as_str()).collect();
        each_row_of_chunk(self.rows.form, names, &self.bytes, take).map_err(|error| {
            let message = format!(
                "archive is damaged: chunk {} of {}",
                self.rows.chunk,
                self.table.qualified_name()
            );
            Failure::new(Exit::Archive, message).with_source(error)
        })
    }

    /// Writes the rows into the table `name`, with their row in the journal, in one transaction.
    pub(crate) fn copy(
        &self,
        client: &mut Client,
        run: &Run,
        header: &Header,
        name: &QualifiedName,
        pace: &Pace,
    ) -> Result<()> {
        let rows = &self.rows;
        let step = || format!("rows of {name} could not be written (chunk {})", rows.chunk);
        let mut transaction = client.transaction().map_err(|error| failed(step(), error))?;
        journal::hold(&mut transaction, run)?;
        if self.table.kind == TableKind::LargeObjects {
            pace.wait(self.bytes.len())?;
            large_objects::put(&mut transaction, header, self.table, rows, &self.bytes)?;
        } else {
            self.copy_into(&mut transaction, &name.to_string(), pace)?;
        }
        journal::note_chunk(&mut transaction, run, rows.table, rows.chunk)?;
        transaction.commit().map_err(|error| failed(step(), error))
    }

    /// Writes the rows into `name`, a table that has the same columns.
    pub(crate) fn copy_into(&self, transaction: &mut Transaction<'_>, name: &str, pace: &Pace) -> Result<()> {
        let rows = &self.rows;
        let step = || {
            let table = self.table.qualified_name();
            format!("rows of {table} could not be written (chunk {})", rows.chunk)
        };
        let mut writer = transaction
            .copy_in(&copy_in_sql(self.table, name, rows.form))
            .map_err(|error| failed(step(), error))?;
        for piece in self.bytes.chunks(PIECE_BYTES) {
            pace.wait(piece.len())?;
            writer
                .write_all(piece)
                .map_err(|error| Failure::new(Exit::Target, step()).with_source(error))?;
        }
        let copied = writer.finish().map_err(|error| failed(step(), error))?;
        if copied == rows.rows {
            return Ok(());
        }
        let message = format!(
            "{name} took {copied} of {} rows of chunk {}",
            rows.rows, rows.chunk
        );
        Err(Failure::new(Exit::Target, message))
    }
}

fn copy_in_sql(table: &Table, into: &str, form: Form) -> String {
    let format = match form {
        Form::Text => "FORMAT csv, HEADER",
        Form::Binary => "FORMAT binary",
    };
    format!("COPY {into} {} FROM STDIN ({format})", table.column_list())
}

/// Fingerprints of what has been sent or kept for later, by table.
struct Tally(Mutex<Vec<Option<Fingerprint>>>);

impl Tally {
    fn new(header: &Header) -> Self {
        let empty = |table: &Table| header.form(table.number).map(Fingerprint::empty);
        Tally(Mutex::new(header.catalog.tables.iter().map(empty).collect()))
    }

    fn add(&self, table: u32, part: &Fingerprint) {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let place = usize::try_from(table)
            .ok()
            .and_then(|place| all.get_mut(place))
            .and_then(Option::as_mut);
        // A part in another form is left out, so that the comparison at the end fails.
        place.map(|whole| whole.merge(part));
    }

    fn compare(&self, header: &Header, end: &End) -> Result<()> {
        let all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        for table in header.catalog.tables.iter().filter(|table| table.has_rows()) {
            let loaded = usize::try_from(table.number)
                .ok()
                .and_then(|place| all.get(place))
                .copied()
                .flatten();
            let expected = end.table(table.number).map(|it| it.fingerprint);
            if loaded != expected || expected.is_none() {
                let message = format!(
                    "{}: what was loaded has another fingerprint than the archive says",
                    table.qualified_name()
                );
                return Err(Failure::new(Exit::Archive, message));
            }
        }
        Ok(())
    }
}
