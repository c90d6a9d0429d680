//! The one pass over a table: a connection reads, and threads beside it look at what was read.

use std::convert::Infallible;
use std::ops::ControlFlow;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

use rusqlite::Connection;
use rusqlite::types::ValueRef;

use super::profile::Profile;
use super::sample::RowLabel;
use crate::Result;
use crate::sqlite::batch::{Batch, BatchRow, read_batches};
use crate::sqlite::row_label::brief;
use crate::sqlite::schema::Table;

/// Bytes that may wait for a thread. Beyond it, and for a row that is as large, the reader looks for itself.
const WAITING_BYTES_MAX: usize = 8 << 20;

/// Rows of the table, and a profile of each column.
pub(super) fn read(connection: &Connection, table: &Table) -> Result<(u64, Vec<Profile>)> {
    let places: Vec<usize> = (0..table.columns.len()).collect();
    let looker = Looker::new(table);
    let looker = &looker;
    let waiting_bytes = &AtomicUsize::new(0);
    rayon::in_place_scope(|scope| {
        read_batches::<Infallible>(connection, table, &places, &mut |batch| {
            let bytes = batch.size();
            if waiting_bytes.load(Ordering::Relaxed) + bytes > WAITING_BYTES_MAX {
                looker.look(&batch);
            } else {
                waiting_bytes.fetch_add(bytes, Ordering::Relaxed);
                scope.spawn(move |_| {
                    looker.look(&batch);
                    drop(batch);
                    waiting_bytes.fetch_sub(bytes, Ordering::Relaxed);
                });
            }
            ControlFlow::Continue(())
        })
    })?;
    Ok(looker.finish())
}

/// Looks at batches, from any number of threads.
struct Looker<'a> {
    table: &'a Table,
    /// The places of the columns that name a row of a table WITHOUT ROWID.
    key_places: Vec<usize>,
    rows: AtomicU64,
    /// Profiles of parts of the table that no thread works on.
    idle: Mutex<Vec<Vec<Profile>>>,
}

impl<'a> Looker<'a> {
    fn new(table: &'a Table) -> Looker<'a> {
        let place_of = |name: &String| table.columns.iter().position(|column| column.name == *name);
        Looker {
            table,
            key_places: table.primary_key.iter().filter_map(place_of).collect(),
            rows: AtomicU64::new(0),
            idle: Mutex::default(),
        }
    }

    fn look(&self, batch: &Batch) {
        let mut profiles = self.idle().pop().unwrap_or_else(|| self.blank());
        for row in batch.rows() {
            for (profile, value) in profiles.iter_mut().zip(row.values()) {
                profile.add(value, row.place, || self.label(row));
            }
        }
        self.rows.fetch_add(batch.len() as u64, Ordering::Relaxed);
        self.idle().push(profiles);
    }

    fn finish(&self) -> (u64, Vec<Profile>) {
        let mut merged = self.blank();
        for part in self.idle().drain(..) {
            for (profile, other) in merged.iter_mut().zip(part) {
                profile.merge(other);
            }
        }
        (self.rows.load(Ordering::Relaxed), merged)
    }

    fn blank(&self) -> Vec<Profile> {
        vec![Profile::default(); self.table.columns.len()]
    }

    fn idle(&self) -> std::sync::MutexGuard<'_, Vec<Vec<Profile>>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn label(&self, row: BatchRow<'_>) -> RowLabel {
        if let Some(rowid) = row.rowid {
            return RowLabel::Rowid(rowid);
        }
        if !self.table.without_rowid {
            return RowLabel::Place;
        }
        let values: Vec<ValueRef<'_>> = row.values().collect();
        let parts: Vec<String> = self
            .key_places
            .iter()
            .filter_map(|&place| values.get(place).map(|&value| brief(value)))
            .collect();
        RowLabel::Key(format!("({})", parts.join(", ")).into())
    }
}
