//! The one pass over a table: a connection reads, and threads beside it look at what was read.

use std::convert::Infallible;
use std::ops::ControlFlow;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

use rusqlite::Connection;
use rusqlite::types::ValueRef;

use super::profile::Profile;
use super::sample::{RowLabel, SampledRow};
use crate::Result;
use crate::sqlite::batch::{Batch, BatchRow, read_batches};
use crate::sqlite::long_line::{LINE_BYTES_MAX, LongLine};
use crate::sqlite::row_label::brief;
use crate::sqlite::schema::Table;

/// Bytes that may wait for a thread. Beyond it, and for a row that is as large, the reader looks for itself.
const WAITING_BYTES_MAX: usize = 8 << 20;

/// Rows of the table, a profile of each column, and the longest of the rows that the server takes as no line of CSV.
pub(super) fn read(connection: &Connection, table: &Table) -> Result<(u64, Vec<Profile>, Option<LongLine>)> {
    let places: Vec<usize> = (0..table.columns.len()).collect();
    let looker = Looker::new(table, LINE_BYTES_MAX);
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
    line_bytes_max: usize,
    long_line: Mutex<Option<LongLine>>,
    /// Profiles of parts of the table that no thread works on.
    idle: Mutex<Vec<Vec<Profile>>>,
}

impl<'a> Looker<'a> {
    fn new(table: &'a Table, line_bytes_max: usize) -> Looker<'a> {
        let place_of = |name: &String| table.columns.iter().position(|column| column.name == *name);
        Looker {
            table,
            key_places: table.primary_key.iter().filter_map(place_of).collect(),
            rows: AtomicU64::new(0),
            line_bytes_max,
            long_line: Mutex::default(),
            idle: Mutex::default(),
        }
    }

    fn look(&self, batch: &Batch) {
        let mut profiles = self.idle().pop().unwrap_or_else(|| self.blank());
        for row in batch.rows() {
            // No value's text takes more than three times what a batch takes for it.
            if row.size() > self.line_bytes_max / 3 {
                self.measure(row);
            }
            for (profile, value) in profiles.iter_mut().zip(row.values()) {
                profile.add(value, row.place, || self.label(row));
            }
        }
        self.rows.fetch_add(batch.len() as u64, Ordering::Relaxed);
        self.idle().push(profiles);
    }

    fn measure(&self, row: BatchRow<'_>) {
        let bytes = line_bytes(row);
        let mut longest = self.long_line.lock().unwrap_or_else(PoisonError::into_inner);
        if bytes > self.line_bytes_max && longest.as_ref().is_none_or(|it| it.bytes < bytes) {
            let (place, label) = (row.place, self.label(row));
            let row = SampledRow { place, label }.to_string();
            *longest = Some(LongLine { bytes, row });
        }
    }

    fn finish(&self) -> (u64, Vec<Profile>, Option<LongLine>) {
        let mut merged = self.blank();
        for part in self.idle().drain(..) {
            for (profile, other) in merged.iter_mut().zip(part) {
                profile.merge(other);
            }
        }
        let mut longest = self.long_line.lock().unwrap_or_else(PoisonError::into_inner);
        (self.rows.load(Ordering::Relaxed), merged, longest.take())
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

/// Bytes of the row as a line of CSV, at most, with blobs in hexadecimal digits.
fn line_bytes(row: BatchRow<'_>) -> usize {
    /// As the longest number.
    const NUMBER_BYTES: usize = 26;
    let bytes = row.values().map(|value| match value {
        ValueRef::Null => 1,
        ValueRef::Integer(_) | ValueRef::Real(_) => NUMBER_BYTES,
        // In quotes, and each quote in it twice.
        ValueRef::Text(it) => 2 + it.len() + it.split(|byte| *byte == b'"').count(),
        ValueRef::Blob(it) => 3 + 2 * it.len(),
    });
    bytes.sum()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sqlite::schema::Schema;

    #[test]
    fn the_longest_line_is_kept_where_it_is_too_long() {
        let connection = Connection::open_in_memory().unwrap();
        let sql =
            "CREATE TABLE t (a, b); INSERT INTO t (rowid, a, b) VALUES (3, x'0102030405', 'ten bytes!'),
             (5, x'0102030405060708090a', 'ten \"\"\" b!'), (7, 'ten bytes!', 'ten bytes!'), (9, 1, NULL)";
        connection.execute_batch(sql).unwrap();
        let table = &Schema::read(&connection).unwrap().tables[0];
        let longest = |bytes_max| {
            let looker = Looker::new(table, bytes_max);
            let read = read_batches::<Infallible>(&connection, table, &[0, 1], &mut |batch| {
                looker.look(&batch);
                ControlFlow::Continue(())
            });
            assert!(read.is_ok());
            looker.finish().2.map(|it| (it.bytes, it.row))
        };
        assert_eq!(longest(38), Some((39, "5".to_owned())));
        assert_eq!(longest(39), None);
        assert_eq!(longest(20), Some((39, "5".to_owned())));
    }
}
