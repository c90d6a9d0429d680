//! Chunks between the thread that reads the archive and the sessions that write: who takes which.
//!
//! A table that is filled whole belongs to one session until its transaction ends, and all its chunks go there. A
//! session that waits for more of such a table gives it up when another table waits for a session and no other is
//! free: what comes of it later goes chunk by chunk.

use std::collections::{HashSet, VecDeque};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use archive::RowsRecord;
use cli::{Place, Result, Room};

use super::chunk::Chunk;

/// Chunks that may wait: enough to hide pauses, also where the next ones are all for one session. Bytes are bounded by
/// their room.
const WAITING_MAX: usize = 16;

/// How often a session that waits for rows looks whether the work goes on.
const LOOK_AFTER: Duration = Duration::from_millis(50);

/// A chunk on its way from the reader to a session, with its room in memory.
pub(super) struct Underway {
    pub(super) chunk: Chunk,
    pub(super) place: Place,
}

/// What a session is to do next.
pub(super) enum Next {
    /// Write this, as a part of its table.
    ByChunk(Underway),
    /// Write this into a table that is the session's until [`Queue::release`].
    Whole(Underway),
    /// End the transaction of the table that is the session's.
    Release,
    /// There is no more.
    End,
}

pub(super) struct Queue {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    waiting: VecDeque<Underway>,
    /// Tables that nothing has been written of, and that may be filled whole.
    untouched: HashSet<u32>,
    /// Tables that belong to a session.
    owned: HashSet<u32>,
    /// Sessions that wait and own no table.
    free: usize,
    /// No more chunks come.
    is_read: bool,
    /// The next chunk waits for room, which sessions have that keep theirs.
    lacks_room: bool,
    /// A session has failed.
    is_stopped: bool,
}

impl Queue {
    /// `whole` are the tables that may be filled in one transaction.
    pub(super) fn new(whole: HashSet<u32>) -> Self {
        let state = State {
            untouched: whole,
            ..State::default()
        };
        Queue {
            state: Mutex::new(state),
            changed: Condvar::new(),
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits for room and adds a chunk; false when nobody takes any more.
    pub(super) fn put(&self, underway: Underway) -> bool {
        let full = |state: &mut State| state.waiting.len() >= WAITING_MAX && !state.is_stopped;
        let mut state = self
            .changed
            .wait_while(self.lock(), full)
            .unwrap_or_else(PoisonError::into_inner);
        if state.is_stopped {
            return false;
        }
        state.waiting.push_back(underway);
        self.changed.notify_all();
        true
    }

    /// Room for a chunk. Where it must be waited for, sessions end their transactions and give back what they keep.
    pub(super) fn enter(&self, room: &Room, bytes: u64) -> Place {
        room.try_enter(bytes).unwrap_or_else(|| {
            self.lock().lacks_room = true;
            self.changed.notify_all();
            let place = room.enter(bytes);
            self.lock().lacks_room = false;
            place
        })
    }

    /// No more chunks come.
    pub(super) fn close(&self) {
        self.lock().is_read = true;
        self.changed.notify_all();
    }

    /// No session takes any more. True the first time.
    pub(super) fn stop(&self) -> bool {
        let was_stopped = std::mem::replace(&mut self.lock().is_stopped, true);
        self.changed.notify_all();
        !was_stopped
    }

    /// Waits for work for a session that owns the table `own`, or none.
    pub(super) fn take(&self, own: Option<u32>) -> Result<Next> {
        let mut state = self.lock();
        state.free += usize::from(own.is_none());
        let next = loop {
            if let Err(failure) = cli::check_interrupt() {
                state.free -= usize::from(own.is_none());
                return Err(failure);
            }
            if let Some(next) = state.next(own) {
                break next;
            }
            let waited = self.changed.wait_timeout(state, LOOK_AFTER);
            state = waited.unwrap_or_else(PoisonError::into_inner).0;
        };
        state.free -= usize::from(own.is_none());
        self.changed.notify_all();
        Ok(next)
    }

    /// A session owns its table no longer.
    pub(super) fn release(&self, table: u32) {
        self.lock().owned.remove(&table);
        self.changed.notify_all();
    }
}

impl State {
    fn next(&mut self, own: Option<u32>) -> Option<Next> {
        if self.is_stopped {
            return Some(Next::End);
        }
        let place = self.waiting.iter().position(|it| {
            let table = it.chunk.rows.table;
            own.map_or(!self.owned.contains(&table), |own| own == table)
        });
        match (place, own) {
            (Some(place), None) => {
                let underway = self.waiting.remove(place)?;
                let table = underway.chunk.rows.table;
                if self.untouched.remove(&table) {
                    self.owned.insert(table);
                    Some(Next::Whole(underway))
                } else {
                    Some(Next::ByChunk(underway))
                }
            }
            (Some(place), Some(_)) => self.waiting.remove(place).map(Next::Whole),
            (None, Some(_)) if self.is_read || self.lacks_room || self.lacks_session() => Some(Next::Release),
            (None, None) if self.is_read => Some(Next::End),
            (None, _) => None,
        }
    }

    /// Whether a chunk waits that nobody will take.
    fn lacks_session(&self) -> bool {
        let is_open = |rows: &RowsRecord| !self.owned.contains(&rows.table);
        self.free == 0 && self.waiting.iter().any(|it| is_open(&it.chunk.rows))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use archive::Codec;
    use fingerprint::Form;

    fn underway(room: &Room, table: u32, chunk: u32) -> Underway {
        let rows = RowsRecord {
            table,
            chunk,
            form: Form::Text,
            codec: Codec::None,
            rows: 1,
            raw: 1,
        };
        Underway {
            chunk: Chunk {
                rows,
                stored: Vec::new(),
            },
            place: room.enter(1),
        }
    }

    fn shown(next: &Next) -> String {
        match next {
            Next::ByChunk(it) => format!("chunk {} of {}", it.chunk.rows.chunk, it.chunk.rows.table),
            Next::Whole(it) => format!("whole {} of {}", it.chunk.rows.chunk, it.chunk.rows.table),
            Next::Release => "release".to_owned(),
            Next::End => "end".to_owned(),
        }
    }

    #[test]
    fn a_table_is_whole_until_another_needs_its_session() {
        let (queue, room) = (Queue::new([1, 2].into()), Room::new(100));
        let take = |own| shown(&queue.take(own).unwrap());
        for (table, chunk) in [(1, 0), (1, 1), (2, 0)] {
            assert!(queue.put(underway(&room, table, chunk)));
        }
        assert_eq!(take(None), "whole 0 of 1");
        assert_eq!(take(Some(1)), "whole 1 of 1");
        assert_eq!(
            take(Some(1)),
            "release",
            "table 2 waits, and there is one session"
        );
        queue.release(1);
        assert!(queue.put(underway(&room, 1, 2)));
        assert_eq!(take(None), "whole 0 of 2");
        queue.release(2);
        assert_eq!(take(None), "chunk 2 of 1", "it has rows already");
        queue.close();
        assert_eq!(take(None), "end");
    }

    #[test]
    fn the_end_of_the_archive_ends_a_whole_table() {
        let (queue, room) = (Queue::new([1].into()), Room::new(100));
        assert!(queue.put(underway(&room, 1, 0)));
        queue.close();
        assert_eq!(shown(&queue.take(None).unwrap()), "whole 0 of 1");
        assert_eq!(shown(&queue.take(Some(1)).unwrap()), "release");
    }

    #[test]
    fn a_whole_table_ends_for_a_chunk_that_needs_its_room() {
        let (queue, room) = (Queue::new([1].into()), Room::new(1));
        assert!(queue.put(underway(&room, 1, 0)));
        let Next::Whole(kept) = queue.take(None).unwrap() else {
            panic!("the table is not whole")
        };
        std::thread::scope(|scope| {
            scope.spawn(|| drop(queue.enter(&room, 1)));
            assert_eq!(shown(&queue.take(Some(1)).unwrap()), "release");
            drop(kept);
        });
    }

    #[test]
    fn nobody_takes_rows_after_a_failure() {
        let (queue, room) = (Queue::new(HashSet::new()), Room::new(100));
        assert!(queue.stop());
        assert!(!queue.stop(), "the first failure is the one to tell");
        assert!(!queue.put(underway(&room, 1, 0)));
        assert_eq!(shown(&queue.take(None).unwrap()), "end");
    }
}
