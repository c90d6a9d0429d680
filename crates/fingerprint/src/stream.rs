//! Rows on their way past: hashed, given to whoever wants them, and thrown away, so that memory stays bounded.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::Arc;

use crate::{Bins, Fingerprint, Form, FrameError, KeyBins, Row, RowScanner, Rows};

/// Bytes that are held before hashed rows are thrown away.
const HELD_BYTES_MAX: usize = 1 << 20;

/// The fingerprint of one `COPY … TO STDOUT` while it arrives.
#[derive(Debug)]
pub struct RowStream {
    scanner: RowScanner,
    total: Fingerprint,
}

impl RowStream {
    /// For rows of `columns` columns.
    pub fn new(form: Form, columns: usize) -> Self {
        RowStream::binning(form, columns, None)
    }

    /// The same, with a fingerprint of each bin, of the rows as they arrive.
    pub fn binning(form: Form, columns: usize, rule: Option<Arc<KeyBins>>) -> Self {
        RowStream {
            scanner: RowScanner::new(form, columns).binning(rule.map(|rule| Bins::new(form, rule))),
            total: Fingerprint::empty(form),
        }
    }

    pub fn form(&self) -> Form {
        self.total.form
    }

    /// Takes the next bytes of the stream, cut anywhere. Whole rows are given to `count`, which says with which
    /// fingerprint they count: their own, as [`as_they_are`] gives it, unless it changes them.
    pub fn push<E: From<FrameError>>(
        &mut self,
        bytes: &[u8],
        count: impl FnOnce(&Rows) -> Result<Fingerprint, E>,
    ) -> Result<(), E> {
        self.scanner.push(bytes)?;
        if self.scanner.buffered() >= HELD_BYTES_MAX {
            let rows = self.scanner.take_rows();
            add(&mut self.total, count(&rows)?);
        }
        Ok(())
    }

    /// The fingerprint of all rows, after the stream has ended.
    pub fn finish<E: From<FrameError>>(
        self,
        count: impl FnOnce(&Rows) -> Result<Fingerprint, E>,
    ) -> Result<Fingerprint, E> {
        Ok(self.end(count)?.0)
    }

    /// The same, with the bins where they were asked for.
    pub fn end<E: From<FrameError>>(
        mut self,
        count: impl FnOnce(&Rows) -> Result<Fingerprint, E>,
    ) -> Result<(Fingerprint, Option<Bins>), E> {
        let mut total = self.total;
        let bins = self.scanner.take_bins();
        let rows = self.scanner.finish()?;
        add(&mut total, count(&rows)?);
        Ok((total, bins))
    }
}

/// For [`RowStream`]: rows count as what they are.
pub fn as_they_are(rows: &Rows) -> Result<Fingerprint, FrameError> {
    Ok(rows.fingerprint)
}

fn add(total: &mut Fingerprint, part: Fingerprint) {
    // A part in another form is left out, so that no comparison takes the rest for the whole.
    let _ = total.merge(&part);
}

/// Rows by their hashes, each as often as it is there.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct RowBag(HashMap<[u8; 32], u64>);

impl RowBag {
    pub fn add(&mut self, row: Row<'_>) {
        *self.0.entry(row.hash()).or_default() += 1;
    }

    /// Takes the row out once, if it is there.
    pub fn remove(&mut self, row: Row<'_>) {
        if let Entry::Occupied(mut times) = self.0.entry(row.hash()) {
            if *times.get() > 1 {
                *times.get_mut() -= 1;
            } else {
                times.remove();
            }
        }
    }

    /// How many rows there are.
    pub fn rows(&self) -> u64 {
        self.0.values().sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::each_row;

    /// Enough to be thrown away several times.
    fn rows() -> Vec<u8> {
        let row = |number: u32| format!("{number},{}\n", "x".repeat(90)).into_bytes();
        (0..40_000).flat_map(row).collect()
    }

    #[test]
    fn a_stream_has_the_fingerprint_of_its_rows_wherever_it_is_cut() {
        let bytes = rows();
        let mut whole = RowScanner::new(Form::Text, 2);
        whole.push(&bytes).expect("rows");
        let expected = whole.finish().expect("rows").fingerprint;
        for length in [70_001, 3 << 20, bytes.len()] {
            let (mut stream, mut parts) = (RowStream::new(Form::Text, 2), 0);
            for piece in bytes.chunks(length) {
                let count = |rows: &Rows| {
                    parts += 1;
                    as_they_are(rows)
                };
                stream.push(piece, count).expect("rows");
            }
            assert!(parts > 0, "nothing was thrown away on the way");
            assert_eq!(stream.finish(as_they_are).expect("rows"), expected);
        }
    }

    #[test]
    fn a_bag_knows_how_often_a_row_is_there() {
        let mut bag = RowBag::default();
        let mut each = |bytes: &[u8], take: fn(&mut RowBag, Row<'_>)| {
            each_row(Form::Text, 1, bytes, |row| take(&mut bag, row)).expect("rows");
            bag.rows()
        };
        assert_eq!(each(b"a\na\nb\n", RowBag::add), 3);
        assert_eq!(each(b"a\nc\n", RowBag::remove), 2);
        assert_eq!(each(b"a\na\nb\n", RowBag::remove), 0);
    }
}
