//! Room in memory for chunks that are on their way between threads.
//!
//! A row is never cut, so a chunk can be as large as a row. While such a one is on its way no other may join it, so
//! that memory is bounded by what one row needs, however many sessions read or write.

use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

/// Bytes that may be on their way; one chunk alone may have more. Clones share them.
#[derive(Clone, Debug)]
pub struct Room(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    bytes_max: u64,
    taken: Mutex<u64>,
    freed: Condvar,
}

/// A chunk's part of the room; dropping it makes room for the next.
#[derive(Debug)]
pub struct Place {
    room: Room,
    bytes: u64,
}

impl Room {
    pub fn new(bytes_max: u64) -> Self {
        Room(Arc::new(Inner {
            bytes_max,
            taken: Mutex::default(),
            freed: Condvar::default(),
        }))
    }

    /// Waits until there is room for `bytes`, or nothing else is on its way.
    pub fn enter(&self, bytes: u64) -> Place {
        let bytes_max = self.0.bytes_max;
        *self.wait(|taken| taken > 0 && taken.saturating_add(bytes) > bytes_max) += bytes;
        Place {
            room: self.clone(),
            bytes,
        }
    }

    /// Room for `bytes`, if there is some without waiting.
    pub fn try_enter(&self, bytes: u64) -> Option<Place> {
        let mut taken = self.0.taken.lock().unwrap_or_else(PoisonError::into_inner);
        if *taken > 0 && taken.saturating_add(bytes) > self.0.bytes_max {
            return None;
        }
        *taken += bytes;
        Some(Place {
            room: self.clone(),
            bytes,
        })
    }

    /// Waits while a chunk is on its way that needs more than there is.
    pub fn wait_for_large(&self) {
        let bytes_max = self.0.bytes_max;
        drop(self.wait(|taken| taken > bytes_max));
    }

    /// Waits while `is_full` of the bytes that are taken.
    fn wait(&self, is_full: impl Fn(u64) -> bool) -> MutexGuard<'_, u64> {
        let taken = self.0.taken.lock().unwrap_or_else(PoisonError::into_inner);
        let waited = self.0.freed.wait_while(taken, |taken| is_full(*taken));
        waited.unwrap_or_else(PoisonError::into_inner)
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

    const BYTES_MAX: u64 = 100;

    #[test]
    fn a_long_row_is_alone_on_its_way() {
        let (room, (sender, entered)) = (Room::new(BYTES_MAX), channel());
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
