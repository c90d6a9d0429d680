//! Chunks of one reader's rows, written in their form, framed, hashed and compressed by several threads beside it.
//!
//! A SQLite file is read by one connection, and all else that is done with its rows takes longer. Chunks are written
//! in the order in which their rows were read, whichever is ready first, so the archive is the same with any number of
//! threads.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

use archive::Writer;
use catalog::Table;
use cli::{ArchiveSink, Exit, Failure, FailureContext, Progress};
use database::sqlite::{Batch, RowEncoder};
use fingerprint::{Form, chunk_end, chunk_start};
use rayon::{Scope, ThreadPoolBuilder};

use crate::Options;
use crate::chunk_queue::{Closed, Queued, Sender, SharedRoom};
use crate::rows::{Chunk, Stop, write_chunks};

/// Takes rows from a reader, and gives them to whichever thread is free.
pub(crate) struct Packer<'run, 'scope> {
    options: &'scope Options,
    scope: &'run Scope<'scope>,
    /// Where each chunk under way will come out, in order.
    places: SyncSender<Receiver<Queued<Chunk>>>,
    /// For all of them together: a chunk can be as large as a row.
    room: SharedRoom,
    trouble: Arc<Trouble>,
}

/// What the threads tell the reader.
#[derive(Default)]
struct Trouble {
    halted: AtomicBool,
    first: Mutex<Option<Failure>>,
}

/// Brings what `read` gives to the packer into the archive, in `options.jobs` threads.
pub(crate) fn pack<'scope>(
    options: &'scope Options,
    writer: &mut Writer<ArchiveSink>,
    progress: &Progress,
    read: impl FnOnce(&Packer<'_, 'scope>) -> cli::Result<()>,
) -> cli::Result<()> {
    let pool = ThreadPoolBuilder::new()
        .num_threads(options.jobs)
        .build()
        .or_fail(Exit::Internal, || "no threads could be started")?;
    let (places, chunks) = sync_channel::<Receiver<Queued<Chunk>>>(options.jobs);
    let trouble = Arc::new(Trouble::default());
    thread::scope(|threads| {
        let writing = threads.spawn(|| write_chunks(writer, chunks.into_iter().flatten(), progress));
        // The reader's connection stays in its thread.
        let read = pool.in_place_scope(|scope| {
            read(&Packer {
                options,
                scope,
                places,
                room: SharedRoom::new(),
                trouble: Arc::clone(&trouble),
            })
        });
        let written = writing
            .join()
            .unwrap_or_else(|panic| std::panic::resume_unwind(panic));
        // A failed thread halts the reader, and leaves a gap that the writer does not see.
        let packed = trouble.first().take().map_or(Ok(()), Err);
        written.and(packed).and(read)
    })
}

impl<'scope> Packer<'_, 'scope> {
    /// How many bytes of rows make a chunk.
    pub(crate) fn chunk_bytes(&self) -> usize {
        self.options.chunk_bytes
    }

    /// Takes rows of `table`, which `encoder` writes; they become one chunk, or more. Waits while too many are under way.
    pub(crate) fn pack(
        &self,
        table: &'scope Table,
        encoder: &RowEncoder,
        batches: Vec<Batch>,
    ) -> Result<(), Stop> {
        cli::check_interrupt().map_err(Stop::Failed)?;
        if self.trouble.halted.load(Ordering::Relaxed) {
            return Err(Stop::Halted);
        }
        let bytes: usize = batches.iter().map(Batch::size).sum();
        if bytes == 0 {
            return Ok(());
        }
        let (options, trouble) = (self.options, Arc::clone(&self.trouble));
        let (sender, place) = self.room.queue(expected_bytes(bytes, encoder.form(), options));
        self.places.send(place).map_err(|_| Stop::Halted)?;
        let encoder = encoder.clone();
        self.scope.spawn(move |_| {
            let job = Job {
                table,
                options,
                form: encoder.form(),
                names: table.stored_columns().map(|it| it.name.as_str()).collect(),
                expected: bytes.min(options.chunk_bytes + CHUNK_OVERRUN),
                sender: &sender,
                halted: &trouble.halted,
            };
            if let Err(Stop::Failed(failure)) = job.run(encoder, batches) {
                trouble.first().get_or_insert(failure);
                trouble.halted.store(true, Ordering::Relaxed);
            }
        });
        self.room.wait_for_large();
        Ok(())
    }
}

/// How far the last row of a chunk may reach beyond its size without the chunk being moved.
const CHUNK_OVERRUN: usize = 64 << 10;

/// What the rows in a batch, and a chunk of them, take: bytes have twice as many digits, which matters where a row is
/// large.
fn expected_bytes(bytes: usize, form: Form, options: &Options) -> u64 {
    let factor = if form == Form::Text && is_large(bytes, options) {
        2
    } else {
        1
    };
    bytes as u64 * factor
}

/// Whether so many bytes are more than a chunk because a row is.
fn is_large(bytes: usize, options: &Options) -> bool {
    bytes / 2 > options.chunk_bytes
}

/// Some rows of a table on their way into chunks.
struct Job<'a> {
    table: &'a Table,
    options: &'a Options,
    form: Form,
    names: Vec<&'a str>,
    /// Bytes of a chunk, for which there is room at once: a buffer that grows is moved.
    expected: usize,
    sender: &'a Sender<Chunk>,
    halted: &'a AtomicBool,
}

impl Job<'_> {
    fn run(&self, mut encoder: RowEncoder, batches: Vec<Batch>) -> Result<(), Stop> {
        let mut chunk = self.begin();
        for batch in batches {
            // A large row is not to be there twice while its chunk waits.
            let is_large = is_large(batch.size(), self.options);
            let bytes = if is_large {
                usize::MAX
            } else {
                self.options.chunk_bytes
            };
            encoder.encode(&batch, &mut chunk, bytes, |chunk| self.send(chunk))?;
            drop(batch);
            if is_large {
                self.send(&mut chunk)?;
            }
        }
        self.send(&mut chunk)
    }

    fn start(&self) -> Vec<u8> {
        chunk_start(self.form, self.names.iter().copied())
    }

    fn begin(&self) -> Vec<u8> {
        let mut chunk = self.start();
        chunk.reserve(self.expected);
        chunk
    }

    /// Takes the chunk out, unless it has no rows.
    fn send(&self, chunk: &mut Vec<u8>) -> Result<(), Stop> {
        if chunk.len() == self.start().len() {
            return Ok(());
        }
        let mut chunk = std::mem::replace(chunk, self.begin());
        let end = chunk_end(self.form);
        chunk.reserve_exact(end.len());
        chunk.extend_from_slice(end);
        let chunk = Chunk::of_rows(
            self.table,
            self.form,
            &self.names,
            self.options,
            chunk,
            self.halted,
        )?;
        let bytes = chunk.stored_bytes();
        self.sender.send(chunk, bytes).map_err(|Closed| Stop::Halted)
    }
}

impl Trouble {
    fn first(&self) -> std::sync::MutexGuard<'_, Option<Failure>> {
        self.first.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
