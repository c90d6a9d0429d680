//! Sessions that read a PostgreSQL source's rows beside each other, and end together.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Mutex, PoisonError};
use std::thread;

use archive::Writer;
use cli::{ArchiveSink, Failure, InterruptGuard, Progress, Ui};
use database::postgres::{RowSource, Snapshot, SnapshotSession, read_rows};

use crate::parts::{Part, PartQueue};
use crate::rows::{Chunk, Chunker, Stop, write_chunks};
use crate::{Options, chunk_queue};

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
    pub(crate) fn open(snapshot: &mut Snapshot, wanted: usize, ui: &Ui) -> cli::Result<Self> {
        let sessions = cli::open_sessions(wanted, || snapshot.session().map_err(Failure::source))?;
        let endpoint = snapshot.endpoint().clone();
        if sessions.len() < wanted {
            ui.status(format_args!(
                "{}: no room for {wanted} sessions, {} read its rows",
                endpoint.display_name(),
                sessions.len()
            ));
        }
        let mut cancellers: Vec<Canceller> = sessions
            .iter()
            .map(|session| -> Canceller { Mutex::new(Box::new(session.canceller())) })
            .collect();
        cancellers.push(Mutex::new(Box::new(endpoint.canceller(snapshot.client()))));
        Ok(Readers {
            halt: Halt {
                halted: AtomicBool::new(false),
                cancellers,
            },
            sessions,
        })
    }

    /// Brings the rows of all parts into the archive. The first failure ends all sessions' statements.
    pub(crate) fn read(
        self,
        snapshot: &mut Snapshot,
        queue: &PartQueue<'_>,
        options: &Options,
        writer: &mut Writer<ArchiveSink>,
        progress: &Progress,
    ) -> cli::Result<()> {
        snapshot.wait_for_locks().map_err(Failure::source)?;
        let (halt, keeper) = (&self.halt, self.sessions.len());
        thread::scope(|scope| {
            let (sender, chunks) = chunk_queue::queue();
            let (blocked, kept) = channel();
            let work = |place| Work {
                place,
                halt,
                options,
                chunks: sender.clone(),
            };
            let mut threads: Vec<_> = self
                .sessions
                .into_iter()
                .enumerate()
                .map(|(place, session)| {
                    let reader = Reader {
                        guard: Some(cli::on_interrupt(session.canceller())),
                        session,
                        work: work(place),
                    };
                    let blocked = blocked.clone();
                    scope.spawn(move || reader.read_parts(queue, &blocked))
                })
                .collect();
            let work = work(keeper);
            threads.push(scope.spawn(move || work.read_kept(snapshot, &kept)));
            drop((blocked, sender));
            let written = write_chunks(writer, chunks, progress);
            if written.is_err() {
                halt.all();
            }
            // Every reader is waited for, also after a failure.
            threads.into_iter().fold(written, |ended, reader| {
                let read = reader.join();
                ended.and(read.unwrap_or_else(|panic| std::panic::resume_unwind(panic)))
            })
        })
    }
}

/// What cancels a session's statement.
type Canceller = Mutex<Box<dyn FnMut() + Send>>;

/// Ends all readers early.
struct Halt {
    halted: AtomicBool,
    /// In the order of the sessions; the last is the one that holds the snapshot.
    cancellers: Vec<Canceller>,
}

impl Halt {
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

/// What every thread that reads has.
struct Work<'a> {
    place: usize,
    halt: &'a Halt,
    options: &'a Options,
    chunks: chunk_queue::Sender<Chunk>,
}

/// Why a part was not read to its end.
enum Unread {
    Stop(Stop),
    /// The statement failed, after so many chunks of the part had been given away.
    Failed {
        failure: Failure,
        sent: u64,
    },
}

impl Work<'_> {
    fn read(&self, source: &mut impl RowSource, part: &Part<'_>) -> Result<(), Unread> {
        let halt = self.halt;
        let mut chunker = Chunker::new(part.table, part.form, self.options, &self.chunks, &halt.halted);
        let read = read_rows(source, part.table, part.form, &part.extent, |piece| {
            chunker.push(piece).inspect_err(|_| {
                // Before the stream is dropped, which receives the rest of it first; whoever was halted
                // may have begun its COPY after all were cancelled.
                halt.cancel(self.place);
            })
        });
        match read {
            Ok(stopped) => stopped.and_then(|()| chunker.finish()).map_err(Unread::Stop),
            Err(error) => Err(Unread::Failed {
                failure: Failure::source(error),
                sent: chunker.sent(),
            }),
        }
    }

    /// Halts all others, and tells the reason if it is the first.
    fn end(&self, stop: Stop) -> cli::Result<()> {
        let is_first = self.halt.all();
        match stop {
            Stop::Failed(failure) if is_first => Err(failure),
            _ => Ok(()),
        }
    }

    fn is_halted(&self) -> bool {
        self.halt.halted.load(Ordering::Relaxed)
    }

    /// Reads what the others would have to wait for, through the session that has all locks.
    fn read_kept(self, snapshot: &mut Snapshot, kept: &Receiver<&Part<'_>>) -> cli::Result<()> {
        for part in kept {
            let stop = match self.read(snapshot.client(), part) {
                Ok(()) => continue,
                Err(Unread::Stop(stop)) => stop,
                Err(Unread::Failed { failure, .. }) => Stop::Failed(failure),
            };
            return self.end(stop);
        }
        Ok(())
    }
}

/// One of the sessions, and what ends it.
struct Reader<'a> {
    session: SnapshotSession,
    guard: Option<InterruptGuard>,
    work: Work<'a>,
}

impl<'a> Reader<'a> {
    fn read_parts(mut self, queue: &'a PartQueue<'_>, blocked: &Sender<&'a Part<'a>>) -> cli::Result<()> {
        let mut count = 0;
        while let Some(part) = queue.take() {
            count += 1;
            let renewed = if count % PARTS_LOCKED_MAX == 0 {
                self.renew()
            } else {
                Ok(())
            };
            if let Err(stop) = renewed.and_then(|()| self.read_part(part, blocked)) {
                return self.work.end(stop);
            }
            if self.work.is_halted() {
                return Ok(());
            }
            cli::check_interrupt()?;
        }
        Ok(())
    }

    /// Reads a part, and reads it again when the server process dies before a chunk of it was given away: rows come
    /// in no order that could be taken up again. A part whose lock others wait for is given away.
    fn read_part(&mut self, part: &'a Part<'a>, blocked: &Sender<&'a Part<'a>>) -> Result<(), Stop> {
        let mut tries = 1;
        loop {
            let locked = self.session.lock(part.table).map_err(Failure::source);
            if locked.as_ref().is_err_and(Failure::is_lock_conflict) {
                self.renew()?;
                return blocked.send(part).map_err(|_| Stop::Halted);
            }
            let read = locked
                .map_err(|failure| Unread::Failed { failure, sent: 0 })
                .and_then(|()| self.work.read(self.session.client(), part));
            let (failure, sent) = match read {
                Ok(()) => return Ok(()),
                Err(Unread::Stop(stop)) => return Err(stop),
                Err(Unread::Failed { failure, sent }) => (failure, sent),
            };
            if self.work.is_halted() || !self.session.is_lost() {
                return Err(Stop::Failed(failure));
            }
            if sent > 0 {
                let state = "a part of them is written already, so they cannot be read again";
                return Err(Stop::Failed(failure.with_state(state)));
            }
            if tries == TRIES || !self.reopen() {
                return Err(Stop::Failed(failure));
            }
            tries += 1;
        }
    }

    fn renew(&mut self) -> Result<(), Stop> {
        let renewed = self.session.renew();
        renewed.map_err(|error| Stop::Failed(Failure::source(error)))
    }

    /// False when the snapshot cannot be reached any more.
    fn reopen(&mut self) -> bool {
        let Ok(session) = self.session.reopen() else {
            return false;
        };
        self.work.halt.replace(self.work.place, &session);
        self.guard = Some(cli::on_interrupt(session.canceller()));
        self.session = session;
        true
    }
}
