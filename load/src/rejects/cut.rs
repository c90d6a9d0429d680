//! A chunk cut into its rows, any run of which can be sent as a chunk of its own.

use std::ops::Range;

use catalog::Table;
use fingerprint::{Fingerprint, Form, FrameError, each_row, row_bounds};
use memchr::memchr_iter;

#[derive(Debug)]
pub(super) struct Cut<'a> {
    pub(super) form: Form,
    columns: usize,
    bytes: &'a [u8],
    bounds: Vec<usize>,
}

impl<'a> Cut<'a> {
    pub(super) fn new(form: Form, table: &Table, bytes: &'a [u8]) -> Result<Self, FrameError> {
        let names: Vec<&str> = table.stored_columns().map(|it| it.name.as_str()).collect();
        Ok(Cut {
            form,
            columns: names.len(),
            bounds: row_bounds(form, names, bytes)?,
            bytes,
        })
    }

    /// Rows in the chunk.
    pub(super) fn len(&self) -> usize {
        self.bounds.len() - 1
    }

    /// What to send for `rows`: header, rows, trailer.
    pub(super) fn pieces(&self, rows: &Range<usize>) -> [&'a [u8]; 3] {
        let end = self.bounds[self.len()];
        [&self.bytes[..self.bounds[0]], self.rows(rows), &self.bytes[end..]]
    }

    fn rows(&self, rows: &Range<usize>) -> &'a [u8] {
        &self.bytes[self.bounds[rows.start]..self.bounds[rows.end]]
    }

    /// The length of one row as it travels.
    pub(super) fn bytes_of(&self, row: usize) -> usize {
        self.bounds[row + 1] - self.bounds[row]
    }

    pub(super) fn fingerprint(&self, rows: &Range<usize>) -> Result<Fingerprint, FrameError> {
        let mut sum = Fingerprint::empty(self.form);
        each_row(self.form, self.columns, self.rows(rows), |row| {
            // Rows of one chunk have one form.
            let _ = sum.merge(&row.fingerprint());
        })?;
        Ok(sum)
    }

    /// The values of one row, as they travel; `None` is NULL.
    pub(super) fn values(&self, row: usize) -> Result<Vec<Option<Vec<u8>>>, FrameError> {
        let mut values = Vec::new();
        each_row(self.form, self.columns, self.rows(&(row..row + 1)), |row| {
            values = row.values().map(|it| it.map(<[u8]>::to_vec)).collect();
        })?;
        Ok(values)
    }

    /// The row that a server means with a line of CONTEXT, after `rows` have been sent.
    ///
    /// In binary form lines are rows. In CSV the header is the first line, and a line feed within a value begins
    /// another one; within the header, which shows how lines end, a carriage return does.
    pub(super) fn row_of_line(&self, rows: &Range<usize>, line: u64) -> Option<usize> {
        let line = usize::try_from(line).ok()?;
        if self.form == Form::Binary {
            let row = rows.start + line.checked_sub(1)?;
            return rows.contains(&row).then_some(row);
        }
        let header = &self.bytes[..self.bounds[0]];
        let mut seen = 1 + memchr_iter(b'\r', header).count();
        if line <= seen {
            return None;
        }
        rows.clone().find(|row| {
            let bytes = self.rows(&(*row..*row + 1));
            seen += memchr_iter(b'\n', bytes).count();
            seen >= line
        })
    }
}

#[cfg(test)]
mod tests {
    use fingerprint::{scan_chunk, wrap_chunk};

    use super::*;

    const NAMES: [&str; 2] = ["a", "b\r"];

    fn cut(form: Form, bytes: &[u8]) -> Cut<'_> {
        let bounds = row_bounds(form, NAMES, bytes).unwrap_or_default();
        let columns = NAMES.len();
        Cut {
            form,
            columns,
            bytes,
            bounds,
        }
    }

    #[test]
    fn lines_of_context_lead_to_rows() {
        let text = wrap_chunk(Form::Text, NAMES, b"1,x\n2,\"a\nb\n\"\n3,z\n".to_vec());
        let text = cut(Form::Text, &text);
        // The header takes two, the second row three.
        let rows = |lines: Range<u64>, part: Range<usize>| -> Vec<Option<usize>> {
            lines.map(|line| text.row_of_line(&part, line)).collect()
        };
        assert_eq!(
            rows(1..9, 0..3),
            [None, None, Some(0), Some(1), Some(1), Some(1), Some(2), None]
        );
        assert_eq!(rows(3..8, 1..3), [Some(1), Some(1), Some(1), Some(2), None]);

        let binary = wrap_chunk(Form::Binary, NAMES, b"\0\x02\xff\xff\xff\xff\0\0\0\0".repeat(3));
        let binary = cut(Form::Binary, &binary);
        let found: Vec<_> = (0..4).map(|line| binary.row_of_line(&(1..3), line)).collect();
        assert_eq!(found, [None, Some(1), Some(2), None]);
    }

    #[test]
    fn parts_are_chunks_and_add_up() {
        let bytes = wrap_chunk(Form::Text, NAMES, b"1,x\n,\"\"\n3,z\n".to_vec());
        let cut = cut(Form::Text, &bytes);
        let mut sum = Fingerprint::empty(Form::Text);
        for rows in [0..1, 1..3] {
            let part = cut.pieces(&rows).concat();
            let fingerprint = cut.fingerprint(&rows).ok();
            assert_eq!(fingerprint, scan_chunk(Form::Text, NAMES, &part).ok());
            assert_eq!(fingerprint.map(|it| sum.merge(&it)), Some(Ok(())));
        }
        assert_eq!(Some(sum), scan_chunk(Form::Text, NAMES, &bytes).ok());
        assert_eq!(cut.values(1), Ok(vec![None, Some(Vec::new())]));
    }
}
