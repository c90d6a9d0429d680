//! Chunks between the readers and the writer, bounded by their number and by their bytes.
//!
//! A row is never cut, so a chunk can be as large as a row. While such a one waits or is written, no other may join
//! it: memory is bounded by what a row needs, however many readers meet long rows.

use std::sync::Arc;
use std::sync::mpsc::{Receiver, SendError, SyncSender, sync_channel};

use cli::{Place, Room};

/// Chunks that wait: enough to hide the writer's pauses, few enough for memory.
const WAITING_CHUNKS: usize = 2;

/// Bytes of chunks that wait or are written; one chunk alone may have more.
const BYTES_MAX: u64 = 32 << 20;

/// A queue for things whose size is known.
pub(crate) fn queue<T>() -> (Sender<T>, Receiver<Queued<T>>) {
    let (sender, receiver) = sync_channel(WAITING_CHUNKS);
    let room = Room::new(BYTES_MAX);
    let place = None;
    let sender = Sender {
        items: sender,
        room,
        place,
    };
    (sender, receiver)
}

/// Room that many queues share, each for one thing that is counted before it is made.
pub(crate) struct SharedRoom(Room);

impl SharedRoom {
    pub(crate) fn new() -> Self {
        SharedRoom(Room::new(BYTES_MAX))
    }

    /// Waits until `bytes` have room; they keep it until what is made of them is done with, or given up.
    pub(crate) fn queue<T>(&self, bytes: u64) -> (Sender<T>, Receiver<Queued<T>>) {
        let (sender, receiver) = sync_channel(WAITING_CHUNKS);
        let sender = Sender {
            items: sender,
            place: Some(Arc::new(self.0.enter(bytes))),
            room: self.0.clone(),
        };
        (sender, receiver)
    }

    /// Waits while something large is under way, beside which nothing else may be made.
    pub(crate) fn wait_for_large(&self) {
        self.0.wait_for_large();
    }
}

/// The readers' end.
pub(crate) struct Sender<T> {
    items: SyncSender<Queued<T>>,
    room: Room,
    /// What was entered already for all that is sent.
    place: Option<Arc<Place>>,
}

/// Something on its way; dropping it makes room for the next.
pub(crate) struct Queued<T> {
    pub(crate) item: T,
    _place: Arc<Place>,
}

/// The receiver is gone.
#[derive(Debug)]
pub(crate) struct Closed;

impl<T> Clone for Sender<T> {
    fn clone(&self) -> Self {
        Sender {
            items: self.items.clone(),
            room: self.room.clone(),
            place: self.place.clone(),
        }
    }
}

impl<T> Sender<T> {
    /// Waits until `item` has room, and with a large one until it is done with. When the receiver goes away, all that
    /// waits is dropped, and the wait is over.
    pub(crate) fn send(&self, item: T, bytes: u64) -> Result<(), Closed> {
        let is_entered = self.place.is_some();
        let place = self.place.clone();
        let place = place.unwrap_or_else(|| Arc::new(self.room.enter(bytes)));
        self.items
            .send(Queued { item, _place: place })
            .map_err(|SendError(_)| Closed)?;
        if bytes > BYTES_MAX && !is_entered {
            // Else its reader would fetch the next long row beside it.
            self.room.wait_for_large();
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::RecvTimeoutError;
    use std::thread;
    use std::time::Duration;

    use super::*;

    const SHORTLY: Duration = Duration::from_millis(30);

    #[test]
    fn a_large_chunk_waits_until_it_is_alone() {
        let (sender, receiver) = queue();
        thread::scope(|scope| {
            scope.spawn(move || {
                for (item, bytes) in [(1, BYTES_MAX / 2), (2, 2 * BYTES_MAX), (3, 1)] {
                    sender.send(item, bytes).unwrap();
                }
            });
            for item in 1..=3 {
                let queued = receiver.recv().unwrap();
                assert_eq!(queued.item, item);
                if item < 3 {
                    let next = receiver.recv_timeout(SHORTLY).map(|it| it.item);
                    assert_eq!(next, Err(RecvTimeoutError::Timeout), "beside {item}");
                }
            }
        });
    }

    #[test]
    fn queues_that_share_room_are_bounded_together() {
        let room = SharedRoom::new();
        let (first, one) = room.queue(BYTES_MAX);
        thread::scope(|scope| {
            let second = scope.spawn(|| room.queue::<u8>(1));
            first.send(1, 1).unwrap();
            drop(first);
            thread::sleep(SHORTLY);
            assert!(!second.is_finished(), "what waits keeps its room");
            assert_eq!(one.recv().unwrap().item, 1);
            let (given_up, _two) = second.join().unwrap();
            let third = scope.spawn(|| drop(room.queue::<u8>(BYTES_MAX)));
            thread::sleep(SHORTLY);
            assert!(!third.is_finished(), "what is made has room");
            drop(given_up);
            third.join().unwrap();
        });
    }

    #[test]
    fn a_reader_that_waits_hears_that_the_writer_is_gone() {
        let (sender, receiver) = queue();
        sender.send(1, BYTES_MAX).unwrap();
        let waiting = thread::spawn(move || sender.send(2, BYTES_MAX).is_err());
        thread::sleep(SHORTLY);
        drop(receiver);
        assert!(waiting.join().unwrap());
    }
}
