//! Sessions that read a PostgreSQL source's rows beside each other, and end together.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{SyncSender, sync_channel};
use std::sync::{Mutex, PoisonError};
use std::thread;

use archive::Writer;
use cli::{ArchiveSink, Failure, InterruptGuard, Progress, Ui};
use database::postgres::{Snapshot, SnapshotSession, read_rows};

use crate::Options;
use crate::parts::{Part, PartQueue};
use crate::rows::{Chunk, Chunker, Stop, WAITING_CHUNKS, write_chunks};

/// How often a part is read whose server process dies.
const TRIES: u32 = 3;

/// After so many parts a session gives its locks back, so that those of all tables need not fit twice.
const PARTS_LOCKED_MAX: usize = 100;

/// Sessions that see the snapshot.
pub(crate) struct Readers {
    sessions: Vec<SnapshotSession>,
    halt: Halt,
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
        Ok(Readers {
            halt: Halt::new(&sessions),
            sessions,
        })
    }

    /// Brings the rows of all tables into the archive. The first failure ends all sessions' statements.
    pub(crate) fn read(
        self,
        queue: &PartQueue<'_>,
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
                    let reader = Reader {
                        guard: Some(cli::on_interrupt(session.canceller())),
                        session,
                        place,
                        halt,
                    };
                    scope.spawn(move || reader.read_parts(queue, options, &sender))
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
    fn new(sessions: &[SnapshotSession]) -> Self {
        let canceller = |session: &SnapshotSession| -> Mutex<Box<dyn FnMut() + Send>> {
            Mutex::new(Box::new(session.canceller()))
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

    /// Another session has taken this place.
    fn replace(&self, place: usize, session: &SnapshotSession) {
        if let Some(canceller) = self.cancellers.get(place) {
            *canceller.lock().unwrap_or_else(PoisonError::into_inner) = Box::new(session.canceller());
        }
    }
}

/// One of the sessions, and what ends it.
struct Reader<'a> {
    session: SnapshotSession,
    guard: Option<InterruptGuard>,
    place: usize,
    halt: &'a Halt,
}

impl Reader<'_> {
    fn read_parts(
        mut self,
        queue: &PartQueue<'_>,
        options: &Options,
        chunks: &SyncSender<Chunk>,
    ) -> cli::Result<()> {
        let mut count = 0;
        while let Some(part) = queue.take() {
            count += 1;
            let renewed = if count % PARTS_LOCKED_MAX == 0 {
                self.session
                    .renew()
                    .map_err(|error| Stop::Failed(Failure::source(error)))
            } else {
                Ok(())
            };
            if let Err(stop) = renewed.and_then(|()| self.read_part(part, options, chunks)) {
                let is_first = self.halt.all();
                return match stop {
                    Stop::Failed(failure) if is_first => Err(failure),
                    _ => Ok(()),
                };
            }
            if self.halt.halted.load(Ordering::Relaxed) {
                return Ok(());
            }
            cli::check_interrupt()?;
        }
        Ok(())
    }

    /// Reads a part, and reads it again when the server process dies before a chunk of it was given away: rows come
    /// in no order that could be taken up again.
    fn read_part(
        &mut self,
        part: &Part<'_>,
        options: &Options,
        chunks: &SyncSender<Chunk>,
    ) -> Result<(), Stop> {
        let mut tries = 1;
        loop {
            let halt = self.halt;
            let mut chunker = Chunker::new(part.table, part.form, options, chunks, &halt.halted);
            let (place, client) = (self.place, self.session.client());
            let read = read_rows(client, part.table, part.form, &part.extent, |piece| {
                chunker.push(piece).inspect_err(|_| {
                    // Before the stream is dropped, which receives the rest of it first; whoever was halted
                    // may have begun its COPY after all were cancelled.
                    halt.cancel(place);
                })
            });
            let failure = match read {
                Ok(stopped) => return stopped.and_then(|()| chunker.finish()),
                Err(error) => Failure::source(error),
            };
            let is_lost = self.session.is_lost() && !halt.halted.load(Ordering::Relaxed);
            if !is_lost {
                return Err(Stop::Failed(failure));
            }
            if chunker.sent() > 0 {
                let state = "a part of them is written already, so they cannot be read again";
                return Err(Stop::Failed(failure.with_state(state)));
            }
            if tries == TRIES || !self.reopen() {
                return Err(Stop::Failed(failure));
            }
            tries += 1;
        }
    }

    /// False when the snapshot cannot be reached any more.
    fn reopen(&mut self) -> bool {
        let Ok(session) = self.session.reopen() else {
            return false;
        };
        self.halt.replace(self.place, &session);
        self.guard = Some(cli::on_interrupt(session.canceller()));
        self.session = session;
        true
    }
}
