//! Rows as SQLite has them, many at a time, so that threads beside the connection can work on them: the thread that
//! reads does nothing but step and copy.

use std::ops::ControlFlow;

use rusqlite::Connection;
use rusqlite::types::ValueRef;

use super::rows::{failed, scan};
use super::schema::Table;
use super::source::SqliteSource;
use crate::Result;

/// Bytes after which a batch is given away; a larger row makes one of its own or ends one.
const BATCH_BYTES: usize = 1 << 20;

/// What stands before a value's bytes.
const NULL: u8 = 0;
const INTEGER: u8 = 1;
const REAL: u8 = 2;
const TEXT: u8 = 3;
const BLOB: u8 = 4;

/// Rows of one table, in the order in which they were read.
///
/// The values stand behind each other: a byte for the storage class, then eight bytes of a number, or the length (eight
/// bytes) and the bytes of a text or blob.
#[derive(Debug, Default)]
pub struct Batch {
    first: u64,
    bytes: Vec<u8>,
    /// Where each row ends in `bytes`.
    ends: Vec<usize>,
    /// Empty where the table's rows have none.
    rowids: Vec<i64>,
}

/// A row of a [`Batch`].
#[derive(Clone, Copy, Debug)]
pub struct BatchRow<'a> {
    /// How many rows of the table were read before it.
    pub place: u64,
    /// `None` in a table WITHOUT ROWID, and where columns hide it under all its names.
    pub rowid: Option<i64>,
    bytes: &'a [u8],
}

impl SqliteSource {
    /// Passes all rows of `table` to `visit`, in batches of about 1 MiB: the columns at `places`, in that order. The
    /// visitor's break ends the reading and is handed back.
    pub fn batches<B>(
        &self,
        table: &Table,
        places: &[usize],
        visit: &mut dyn FnMut(Batch) -> ControlFlow<B>,
    ) -> Result<ControlFlow<B>> {
        read_batches(self.connection(), table, places, visit)
    }
}

/// See [`SqliteSource::batches`].
pub(super) fn read_batches<B>(
    connection: &Connection,
    table: &Table,
    places: &[usize],
    visit: &mut dyn FnMut(Batch) -> ControlFlow<B>,
) -> Result<ControlFlow<B>> {
    let rowid = table.rowid_name();
    let mut batch = Batch::default();
    let mut broken = None;
    scan(connection, table, places, rowid, &mut |row| {
        for field in 0..places.len() {
            batch.push(row.get_ref(field).map_err(failed(table))?);
        }
        if rowid.is_some() {
            batch.rowids.push(row.get(places.len()).map_err(failed(table))?);
        }
        batch.ends.push(batch.bytes.len());
        if batch.size() >= BATCH_BYTES {
            let next = batch.next();
            if let ControlFlow::Break(value) = visit(std::mem::replace(&mut batch, next)) {
                broken = Some(value);
                return Ok(ControlFlow::Break(()));
            }
        }
        Ok(ControlFlow::Continue(()))
    })?;
    match broken {
        Some(value) => Ok(ControlFlow::Break(value)),
        None if batch.is_empty() => Ok(ControlFlow::Continue(())),
        None => Ok(visit(batch)),
    }
}

impl Batch {
    /// How many rows there are.
    pub fn len(&self) -> usize {
        self.ends.len()
    }

    pub fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    /// Bytes in memory, without room that is not used.
    pub fn size(&self) -> usize {
        self.bytes.len() + size_of::<usize>() * self.ends.len() + size_of::<i64>() * self.rowids.len()
    }

    pub fn rows(&self) -> impl Iterator<Item = BatchRow<'_>> {
        let mut start = 0;
        (self.first..)
            .zip(self.ends.iter().enumerate())
            .map(move |(place, (at, &end))| BatchRow {
                place,
                rowid: self.rowids.get(at).copied(),
                bytes: &self.bytes[std::mem::replace(&mut start, end)..end],
            })
    }

    /// The empty batch for the rows that follow, with room for as many, since it would be moved when it grows.
    fn next(&self) -> Batch {
        Batch {
            first: self.first + self.ends.len() as u64,
            bytes: Vec::with_capacity(self.bytes.len().min(2 * BATCH_BYTES)),
            ends: Vec::with_capacity(self.ends.len()),
            rowids: Vec::with_capacity(self.rowids.len()),
        }
    }

    fn push(&mut self, value: ValueRef<'_>) {
        match value {
            ValueRef::Null => self.bytes.push(NULL),
            ValueRef::Integer(it) => self.push_number(INTEGER, it.to_ne_bytes()),
            ValueRef::Real(it) => self.push_number(REAL, it.to_ne_bytes()),
            ValueRef::Text(it) => self.push_bytes(TEXT, it),
            ValueRef::Blob(it) => self.push_bytes(BLOB, it),
        }
    }

    fn push_number(&mut self, class: u8, number: [u8; 8]) {
        let mut value = [class; 9];
        value[1..].copy_from_slice(&number);
        self.bytes.extend_from_slice(&value);
    }

    fn push_bytes(&mut self, class: u8, bytes: &[u8]) {
        if bytes.len() > BATCH_BYTES {
            // Else there could be room for twice as much.
            self.bytes.reserve_exact(9 + bytes.len());
        }
        self.push_number(class, (bytes.len() as u64).to_ne_bytes());
        self.bytes.extend_from_slice(bytes);
    }
}

impl<'a> BatchRow<'a> {
    /// Its values, in the order in which the columns were asked for.
    pub fn values(self) -> Values<'a> {
        Values(self.bytes)
    }

    /// Bytes of its values, with nine more for each.
    pub fn size(self) -> usize {
        self.bytes.len()
    }
}

/// See [`BatchRow::values`].
#[derive(Clone, Debug)]
pub struct Values<'a>(&'a [u8]);

impl<'a> Iterator for Values<'a> {
    type Item = ValueRef<'a>;

    fn next(&mut self) -> Option<ValueRef<'a>> {
        let (&class, rest) = self.0.split_first()?;
        if class == NULL {
            self.0 = rest;
            return Some(ValueRef::Null);
        }
        let (number, rest) = rest.split_first_chunk::<8>()?;
        if class == INTEGER || class == REAL {
            self.0 = rest;
            return Some(if class == INTEGER {
                ValueRef::Integer(i64::from_ne_bytes(*number))
            } else {
                ValueRef::Real(f64::from_ne_bytes(*number))
            });
        }
        let length = usize::try_from(u64::from_ne_bytes(*number)).ok()?;
        let (bytes, rest) = rest.split_at_checked(length)?;
        self.0 = rest;
        Some(if class == TEXT {
            ValueRef::Text(bytes)
        } else {
            ValueRef::Blob(bytes)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::super::schema::Schema;
    use super::*;

    fn batches_of(sql: &str, places: &[usize]) -> Vec<Batch> {
        let connection = Connection::open_in_memory().unwrap();
        connection.execute_batch(sql).unwrap();
        let schema = Schema::read(&connection).unwrap();
        let mut batches = Vec::new();
        let visit: &mut dyn FnMut(Batch) -> ControlFlow<()> = &mut |batch| {
            batches.push(batch);
            ControlFlow::Continue(())
        };
        assert!(
            read_batches(&connection, &schema.tables[0], places, visit)
                .unwrap()
                .is_continue()
        );
        batches
    }

    #[test]
    fn values_come_back_as_they_are() {
        let batches = batches_of(
            "CREATE TABLE t (a, b);
             INSERT INTO t (rowid, a, b) VALUES (-5, NULL, 'x'), (7, -1, ''), (9, -0.5, x'00ff'), (10, x'', NULL),
                 (11, 9e999, -9223372036854775808)",
            &[1, 0],
        );
        let found: Vec<(u64, Option<i64>, Vec<ValueRef<'_>>)> = batches
            .iter()
            .flat_map(Batch::rows)
            .map(|row| (row.place, row.rowid, row.values().collect()))
            .collect();
        let expected = [
            (0, Some(-5), vec![ValueRef::Text(b"x"), ValueRef::Null]),
            (1, Some(7), vec![ValueRef::Text(b""), ValueRef::Integer(-1)]),
            (2, Some(9), vec![ValueRef::Blob(b"\0\xff"), ValueRef::Real(-0.5)]),
            (3, Some(10), vec![ValueRef::Null, ValueRef::Blob(b"")]),
            (
                4,
                Some(11),
                vec![ValueRef::Integer(i64::MIN), ValueRef::Real(f64::INFINITY)],
            ),
        ];
        assert_eq!(found, expected);
    }

    #[test]
    fn batches_are_bounded_and_lose_nothing() {
        let batches = batches_of(
            "CREATE TABLE t (k PRIMARY KEY, v) WITHOUT ROWID;
             WITH n(x) AS (VALUES (0) UNION ALL SELECT x + 1 FROM n WHERE x < 60000)
             INSERT INTO t SELECT x, CASE WHEN x = 20000 THEN zeroblob(3000000) ELSE x || ' hundred bytes of text' END
             FROM n",
            &[0, 1],
        );
        assert!(batches.len() >= 3);
        let mut next = 0;
        for batch in &batches {
            let largest = batch.rows().map(BatchRow::size).max().unwrap_or(0);
            assert!(batch.size() < BATCH_BYTES + largest.max(100) + 16);
            for row in batch.rows() {
                assert_eq!((row.place, row.rowid), (next, None));
                let key = i64::try_from(next).unwrap();
                assert_eq!(row.values().next(), Some(ValueRef::Integer(key)));
                next += 1;
            }
        }
        assert_eq!(next, 60_001);
    }

    #[test]
    fn a_break_ends_the_reading() {
        let connection = Connection::open_in_memory().unwrap();
        connection
            .execute_batch("CREATE TABLE t (a); INSERT INTO t VALUES (1)")
            .unwrap();
        let schema = Schema::read(&connection).unwrap();
        let visit: &mut dyn FnMut(Batch) -> ControlFlow<usize> = &mut |batch| ControlFlow::Break(batch.len());
        let read = read_batches(&connection, &schema.tables[0], &[], visit).unwrap();
        assert_eq!(read, ControlFlow::Break(1));
    }

    #[test]
    fn a_batch_goes_to_other_threads() {
        const fn is_send<T: Send>() {}
        is_send::<Batch>();
    }
}
