//! Chunks of one reader's rows, framed, hashed and compressed by several threads beside it.
//!
//! A SQLite file is read by one connection, and to compress its rows takes longer than to read them. Chunks are written
//! in the order in which their rows were read, whichever is ready first, so the archive is the same with any number of
//! threads.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

use archive::Writer;
use catalog::Table;
use cli::{ArchiveSink, Exit, Failure, FailureContext, Progress};
use fingerprint::Form;
use rayon::{Scope, ThreadPoolBuilder};

use crate::Options;
use crate::chunk_queue::{Queued, SharedRoom};
use crate::rows::{Chunk, Chunker, Stop, write_chunks};

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

    /// Takes whole rows of `table` as CSV; they become one chunk. Waits while too many are under way.
    pub(crate) fn pack(&self, table: &'scope Table, rows: Vec<u8>) -> Result<(), Stop> {
        cli::check_interrupt().map_err(Stop::Failed)?;
        if self.trouble.halted.load(Ordering::Relaxed) {
            return Err(Stop::Halted);
        }
        if rows.is_empty() {
            return Ok(());
        }
        let (sender, place) = self.room.queue(rows.len() as u64);
        self.places.send(place).map_err(|_| Stop::Halted)?;
        let (options, trouble) = (self.options, Arc::clone(&self.trouble));
        self.scope.spawn(move |_| {
            let mut chunker = Chunker::new(table, Form::Text, options, &sender, &trouble.halted);
            let pushed = chunker.push(&rows);
            drop(rows);
            if let Err(Stop::Failed(failure)) = pushed.and_then(|()| chunker.finish()) {
                trouble.first().get_or_insert(failure);
                trouble.halted.store(true, Ordering::Relaxed);
            }
        });
        self.room.wait_for_large();
        Ok(())
    }
}

impl Trouble {
    fn first(&self) -> std::sync::MutexGuard<'_, Option<Failure>> {
        self.first.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
