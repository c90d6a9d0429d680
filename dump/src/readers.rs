//! Sessions that read a PostgreSQL source's rows beside each other, and end together.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc::{SyncSender, sync_channel};
use std::sync::{Mutex, PoisonError};
use std::thread;

use archive::{TableForm, Writer};
use catalog::{Catalog, Table, TableKind};
use cli::{ArchiveSink, Failure, InterruptGuard, Progress, Ui};
use database::endpoint::PostgresEndpoint;
use database::postgres::{Snapshot, SnapshotSession, read_rows};
use fingerprint::Form;

use crate::Options;
use crate::rows::{Chunk, Chunker, Stop, WAITING_CHUNKS, write_chunks};

/// Tables that wait for a reader, the largest first.
pub(crate) struct TableQueue<'a> {
    tables: Vec<(&'a Table, Form)>,
    next: AtomicUsize,
}

impl<'a> TableQueue<'a> {
    /// `large_objects` are the parts in which the table that stands for them is read.
    pub(crate) fn new(catalog: &'a Catalog, large_objects: &'a [Table], forms: &[TableForm]) -> Self {
        let whole = |it: &TableForm| Some((catalog.tables.get(usize::try_from(it.table).ok()?)?, it.form));
        let in_parts = |(table, form): (&'a Table, Form)| {
            let parts = if table.kind == TableKind::LargeObjects {
                large_objects
            } else {
                std::slice::from_ref(table)
            };
            parts.iter().map(move |part| (part, form))
        };
        let mut tables: Vec<(&Table, Form)> = forms.iter().filter_map(whole).flat_map(in_parts).collect();
        tables.sort_by_key(|(table, _)| std::cmp::Reverse(table.bytes));
        TableQueue {
            tables,
            next: AtomicUsize::new(0),
        }
    }

    pub(crate) fn len(&self) -> usize {
        self.tables.len()
    }

    fn take(&self) -> Option<(&'a Table, Form)> {
        self.tables
            .get(self.next.fetch_add(1, Ordering::Relaxed))
            .copied()
    }
}

/// Sessions that see the snapshot.
pub(crate) struct Readers {
    sessions: Vec<SnapshotSession>,
    halt: Halt,
    _guards: Vec<InterruptGuard>,
}

impl Readers {
    /// Opens `wanted` sessions, or as many as the server has room for, but one at least.
    pub(crate) fn open(snapshot: &Snapshot, wanted: usize, ui: &Ui) -> cli::Result<Self> {
        let endpoint = snapshot.endpoint();
        let sessions = cli::open_sessions(wanted, || snapshot.session().map_err(Failure::source))?;
        if sessions.len() < wanted {
            ui.status(format_args!(
                "{}: no room for {wanted} sessions, {} read its rows",
                endpoint.display_name(),
                sessions.len()
            ));
        }
        let guard = |session: &SnapshotSession| cli::on_interrupt(session.canceller(endpoint));
        Ok(Readers {
            _guards: sessions.iter().map(guard).collect(),
            halt: Halt::new(&sessions, endpoint),
            sessions,
        })
    }

    /// Brings the rows of all tables into the archive. The first failure ends all sessions' statements.
    pub(crate) fn read(
        self,
        queue: &TableQueue<'_>,
        options: &Options,
        writer: &mut Writer<ArchiveSink>,
        progress: &Progress,
    ) -> cli::Result<()> {
        let halt = &self.halt;
        thread::scope(|scope| {
            let (sender, chunks) = sync_channel(WAITING_CHUNKS);
            let readers: Vec<_> = self
                .sessions
                .into_iter()
                .enumerate()
                .map(|(place, session)| {
                    let sender = sender.clone();
                    scope.spawn(move || read_tables(session, place, queue, halt, options, &sender))
                })
                .collect();
            drop(sender);
            let written = write_chunks(writer, chunks, progress);
            if written.is_err() {
                halt.all();
            }
            // Every reader is waited for, also after a failure.
            readers.into_iter().fold(written, |ended, reader| {
                let read = reader.join();
                ended.and(read.unwrap_or_else(|panic| std::panic::resume_unwind(panic)))
            })
        })
    }
}

/// Ends all readers early.
struct Halt {
    halted: AtomicBool,
    /// In the order of the sessions.
    cancellers: Vec<Mutex<Box<dyn FnMut() + Send>>>,
}

impl Halt {
    fn new(sessions: &[SnapshotSession], endpoint: &PostgresEndpoint) -> Self {
        let canceller = |session: &SnapshotSession| -> Mutex<Box<dyn FnMut() + Send>> {
            Mutex::new(Box::new(session.canceller(endpoint)))
        };
        Halt {
            halted: AtomicBool::new(false),
            cancellers: sessions.iter().map(canceller).collect(),
        }
    }

    /// False when the readers had been halted before, for a reason that somebody else reports.
    fn all(&self) -> bool {
        let is_first = !self.halted.swap(true, Ordering::Relaxed);
        if is_first {
            (0..self.cancellers.len()).for_each(|place| self.cancel(place));
        }
        is_first
    }

    fn cancel(&self, place: usize) {
        if let Some(canceller) = self.cancellers.get(place) {
            canceller.lock().unwrap_or_else(PoisonError::into_inner)();
        }
    }
}

/// The work of one reader.
fn read_tables(
    mut session: SnapshotSession,
    place: usize,
    queue: &TableQueue<'_>,
    halt: &Halt,
    options: &Options,
    chunks: &SyncSender<Chunk>,
) -> cli::Result<()> {
    while let Some((table, form)) = queue.take() {
        let mut chunker = Chunker::new(table, form, options, chunks, &halt.halted);
        let read = read_rows(session.client(), table, form, |piece| {
            chunker.push(piece).inspect_err(|_| {
                // Before the stream is dropped, which receives the rest of it first; whoever was halted
                // may have begun its COPY after all were cancelled.
                halt.cancel(place);
            })
        });
        let ended = match read {
            Err(error) => Err(Stop::Failed(Failure::source(error))),
            Ok(stopped) => stopped.and_then(|()| chunker.finish()),
        };
        if let Err(stop) = ended {
            let is_first = halt.all();
            return match stop {
                Stop::Failed(failure) if is_first => Err(failure),
                _ => Ok(()),
            };
        }
        if halt.halted.load(Ordering::Relaxed) {
            return Ok(());
        }
        cli::check_interrupt()?;
    }
    Ok(())
}
