//! Room in memory for chunks on their way from the reader to the server.
//!
//! A row is never cut, so a chunk can be as large as a row. While such a one is on its way no other may join it, so
//! that memory is bounded by what one row needs, however many sessions write.

use std::sync::{Arc, Condvar, Mutex, PoisonError};

/// Bytes of rows on their way; one chunk alone may have more.
const BYTES_MAX: u64 = 64 << 20;

/// What is taken; clones share it.
#[derive(Clone, Default)]
pub(crate) struct Room(Arc<Inner>);

#[derive(Default)]
struct Inner {
    taken: Mutex<u64>,
    freed: Condvar,
}

/// A chunk's part of the room; dropping it makes room for the next.
pub(crate) struct Place {
    room: Room,
    bytes: u64,
}

impl Room {
    /// Waits until there is room for `bytes`, or for nothing else.
    pub(crate) fn enter(&self, bytes: u64) -> Place {
        let taken = self.0.taken.lock().unwrap_or_else(PoisonError::into_inner);
        let is_full = |taken: &mut u64| *taken > 0 && taken.saturating_add(bytes) > BYTES_MAX;
        let waited = self.0.freed.wait_while(taken, is_full);
        *waited.unwrap_or_else(PoisonError::into_inner) += bytes;
        Place {
            room: self.clone(),
            bytes,
        }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let room = &self.room.0;
        *room.taken.lock().unwrap_or_else(PoisonError::into_inner) -= self.bytes;
        room.freed.notify_all();
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::{RecvTimeoutError, channel};
    use std::thread;
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_long_row_is_alone_on_its_way() {
        let (room, (sender, entered)) = (Room::default(), channel());
        thread::spawn(move || {
            for bytes in [BYTES_MAX / 2, 2 * BYTES_MAX, u64::MAX, 1] {
                sender.send(room.enter(bytes)).unwrap();
            }
        });
        for _ in 0..3 {
            let place = entered.recv().unwrap();
            let next = entered.recv_timeout(Duration::from_millis(30)).map(drop);
            assert_eq!(next, Err(RecvTimeoutError::Timeout), "beside {}", place.bytes);
        }
        assert_eq!(entered.recv().unwrap().bytes, 1);
    }
}
