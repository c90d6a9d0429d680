//! Rows on their way into the archive: many readers fill one stream.

use std::sync::atomic::{AtomicBool, Ordering};

use archive::{Codec, Writer, compress};
use catalog::Table;
use cli::{ArchiveSink, Failure, Pace, Progress, Work};
use fingerprint::{ChunkScanner, Fingerprint, Form, FrameError, Rows, scan_chunk};

use crate::Options;
use crate::chunk_queue::{Closed, Queued, Sender};

/// A chunk as it will be stored.
pub(crate) struct Chunk {
    table: u32,
    codec: Codec,
    raw: u64,
    stored: Vec<u8>,
    fingerprint: Fingerprint,
}

/// Why reading a table's rows stopped.
pub(crate) enum Stop {
    /// The writer or another reader has stopped, for a reason that it reports itself.
    Halted,
    Failed(Failure),
}

impl From<database::Error> for Stop {
    fn from(error: database::Error) -> Stop {
        Stop::Failed(Failure::source(error))
    }
}

impl Chunk {
    /// Hashes and compresses whole rows of `table`, with their header and trailer.
    pub(crate) fn of_rows(
        table: &Table,
        form: Form,
        names: &[&str],
        options: &Options,
        rows: Vec<u8>,
        halted: &AtomicBool,
    ) -> Result<Chunk, Stop> {
        wait(&options.pace, rows.len(), halted)?;
        let fingerprint =
            scan_chunk(form, names.iter().copied(), &rows).map_err(|error| not_framed(table, error))?;
        let raw = rows.len() as u64;
        let stored = compress(options.codec, rows).map_err(|error| Stop::Failed(Failure::archive(error)))?;
        Ok(Chunk {
            table: table.number,
            codec: options.codec,
            raw,
            stored,
            fingerprint,
        })
    }

    pub(crate) fn stored_bytes(&self) -> u64 {
        self.stored.len() as u64
    }
}

/// Waits until so many bytes may pass.
fn wait(pace: &Pace, bytes: usize, halted: &AtomicBool) -> Result<(), Stop> {
    // Not a halt: nobody else may be left who reports it, and the archive would end as if it were whole.
    cli::check_interrupt().map_err(Stop::Failed)?;
    if halted.load(Ordering::Relaxed) {
        return Err(Stop::Halted);
    }
    pace.wait_while(bytes, || !halted.load(Ordering::Relaxed))
        .map_err(Stop::Failed)
}

fn not_framed(table: &Table, error: FrameError) -> Stop {
    let message = format!(
        "rows of {} are not framed as they should be",
        table.qualified_name()
    );
    Stop::Failed(Failure::new(cli::Exit::Source, message).with_source(error))
}

/// Cuts one table's rows into chunks.
pub(crate) struct Chunker<'a> {
    table: &'a Table,
    codec: Codec,
    chunk_bytes: usize,
    scanner: ChunkScanner,
    chunks: &'a Sender<Chunk>,
    halted: &'a AtomicBool,
    pace: &'a Pace,
    sent: u64,
}

impl<'a> Chunker<'a> {
    pub(crate) fn new(
        table: &'a Table,
        form: Form,
        options: &'a Options,
        chunks: &'a Sender<Chunk>,
        halted: &'a AtomicBool,
    ) -> Self {
        let names: Vec<&str> = table.stored_columns().map(|it| it.name.as_str()).collect();
        Chunker {
            table,
            codec: options.codec,
            chunk_bytes: options.chunk_bytes,
            scanner: ChunkScanner::new(form, names),
            chunks,
            halted,
            pace: &options.pace,
            sent: 0,
        }
    }

    /// How many chunks have been given away.
    pub(crate) fn sent(&self) -> u64 {
        self.sent
    }

    /// Takes the next piece of the stream of rows.
    pub(crate) fn push(&mut self, bytes: &[u8]) -> Result<(), Stop> {
        wait(self.pace, bytes.len(), self.halted)?;
        self.scanner
            .push(bytes)
            .map_err(|error| not_framed(self.table, error))?;
        if self.scanner.buffered() >= self.chunk_bytes {
            let rows = self.scanner.take_chunk();
            self.send(rows)?;
        }
        Ok(())
    }

    pub(crate) fn finish(mut self) -> Result<(), Stop> {
        let scanner = std::mem::replace(&mut self.scanner, ChunkScanner::new(Form::Text, []));
        let rows = scanner.finish().map_err(|error| not_framed(self.table, error))?;
        self.send(rows)
    }

    fn send(&mut self, rows: Rows) -> Result<(), Stop> {
        let (chunk, fingerprint) = (rows.bytes, rows.fingerprint);
        if fingerprint.rows == 0 {
            return Ok(());
        }
        let raw = chunk.len() as u64;
        let stored = compress(self.codec, chunk).map_err(|error| Stop::Failed(Failure::archive(error)))?;
        let chunk = Chunk {
            table: self.table.number,
            codec: self.codec,
            raw,
            stored,
            fingerprint,
        };
        let bytes = chunk.stored.len() as u64;
        self.sent += 1;
        self.chunks.send(chunk, bytes).map_err(|Closed| Stop::Halted)
    }
}

/// Writes chunks until every reader has gone.
pub(crate) fn write_chunks(
    writer: &mut Writer<ArchiveSink>,
    chunks: impl IntoIterator<Item = Queued<Chunk>>,
    progress: &Progress,
) -> cli::Result<()> {
    for queued in chunks {
        let chunk = &queued.item;
        cli::check_interrupt()?;
        writer
            .chunk(
                chunk.table,
                chunk.codec,
                chunk.raw,
                &chunk.stored,
                &chunk.fingerprint,
            )
            .map_err(Failure::archive)?;
        progress.advance(Work {
            rows: chunk.fingerprint.rows,
            bytes: chunk.raw,
        });
    }
    Ok(())
}
