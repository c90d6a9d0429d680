//! Rows whose values change on their way: framed and hashed as they were and as they are then.

use sha2::{Digest, Sha256};

use crate::csv::{self, LineScanner};
use crate::rows::wrap_chunk;
use crate::{Fingerprint, Form, FrameError, FrameErrorKind};

/// Rows in CSV after a mapping.
#[derive(Debug)]
pub struct MappedChunk {
    /// The rows with their new values; `None` when no value has changed.
    pub changed: Option<Vec<u8>>,
    /// The fingerprint of the rows as they were.
    pub before: Fingerprint,
    /// The fingerprint of the rows as they are now.
    pub after: Fingerprint,
}

/// Gives every value of a text chunk with its header that is not NULL to `map`, with its column's place; `None`
/// from there keeps the value. Rows without a new value keep their bytes.
pub fn map_chunk<'a>(
    names: impl IntoIterator<Item = &'a str, IntoIter: ExactSizeIterator>,
    chunk: &[u8],
    map: impl FnMut(usize, &[u8]) -> Option<Vec<u8>>,
) -> Result<MappedChunk, FrameError> {
    let names = names.into_iter();
    let columns = names.len();
    let header = wrap_chunk(Form::Text, names, Vec::new());
    let rows = chunk
        .strip_prefix(header.as_slice())
        .ok_or_else(|| FrameError::new(FrameErrorKind::Header, 0))?;
    let mut mapped = map_rows(columns, rows, map)?;
    if let Some(rows) = &mut mapped.changed {
        rows.splice(0..0, header);
    }
    Ok(mapped)
}

/// The same for whole rows without a header.
pub fn map_rows(
    columns: usize,
    rows: &[u8],
    mut map: impl FnMut(usize, &[u8]) -> Option<Vec<u8>>,
) -> Result<MappedChunk, FrameError> {
    let empty = Fingerprint::empty(Form::Text);
    let (mut before, mut after) = (empty, empty);
    let (mut changed, mut copied): (Option<Vec<u8>>, usize) = (None, 0);
    let (mut lines, mut offset) = (LineScanner::default(), 0);
    let (mut canonical, mut new_row) = (Vec::new(), Vec::new());
    while offset < rows.len() {
        let end = lines
            .row_end(rows, offset)
            .ok_or_else(|| FrameError::new(FrameErrorKind::Truncated, offset))?;
        csv::frame_row(&rows[offset..end], columns, offset, &mut canonical)?;
        let hash: [u8; 32] = Sha256::digest(&canonical).into();
        before.add_row(hash);
        let new: Vec<Option<Vec<u8>>> = csv::framed_values(&canonical)
            .enumerate()
            .map(|(column, value)| map(column, value?))
            .collect();
        if new.iter().all(Option::is_none) {
            after.add_row(hash);
        } else {
            let values = csv::framed_values(&canonical)
                .zip(&new)
                .map(|(old, new)| new.as_deref().or(old));
            new_row.clear();
            csv::encode_row(values, &mut new_row);
            csv::frame_row(&new_row, columns, offset, &mut canonical)?;
            after.add_row(Sha256::digest(&canonical).into());
            let changed = changed.get_or_insert_with(|| Vec::with_capacity(rows.len() + 1024));
            changed.extend_from_slice(&rows[copied..offset]);
            changed.extend_from_slice(&new_row);
            copied = end;
        }
        offset = end;
    }
    if let Some(changed) = &mut changed {
        changed.extend_from_slice(&rows[copied..]);
    }
    Ok(MappedChunk {
        changed,
        before,
        after,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scan_chunk;

    const NAMES: [&str; 2] = ["a", "b"];

    fn chunk(rows: &[u8]) -> Vec<u8> {
        wrap_chunk(Form::Text, NAMES, rows.to_vec())
    }

    #[track_caller]
    fn check(rows: &[u8], map: impl Fn(usize, &[u8]) -> Option<Vec<u8>>, expected: Option<&[u8]>) {
        let mapped = map_chunk(NAMES, &chunk(rows), map).unwrap();
        assert_eq!(mapped.changed, expected.map(chunk));
        let scanned = |rows: &[u8]| scan_chunk(Form::Text, NAMES, &chunk(rows)).unwrap();
        assert_eq!(mapped.before, scanned(rows));
        assert_eq!(mapped.after, scanned(expected.unwrap_or(rows)));
    }

    #[test]
    fn rows_without_a_new_value_keep_their_bytes() {
        let rows = b"\"1\",x\n,\"a\n\"\"b\"\n\"2\",\"x\"\n,\n3,y\n";
        check(rows, |_, _| None, None);
        let b = |column: usize, value: &[u8]| (column == 1 && value == b"x").then(|| b"p.\"q,\"".to_vec());
        check(
            rows,
            b,
            Some(b"1,\"p.\"\"q,\"\"\"\n,\"a\n\"\"b\"\n2,\"p.\"\"q,\"\"\"\n,\n3,y\n"),
        );
    }

    #[test]
    fn null_is_never_mapped_and_the_empty_string_is() {
        check(
            b",\"\"\n",
            |_, value| value.is_empty().then(|| b"new".to_vec()),
            Some(b",new\n"),
        );
    }

    #[test]
    fn rows_that_are_not_framed_are_refused() {
        for (rows, kind) in [
            (b"1,2\n3".as_slice(), FrameErrorKind::Truncated),
            (b"1,2\n3,\"x\"y\n", FrameErrorKind::Quote),
        ] {
            let refused = map_chunk(NAMES, &chunk(rows), |_, _| None).unwrap_err();
            assert_eq!(refused.kind(), kind);
        }
        let refused = map_chunk(["a", "c"], &chunk(b"1,2\n"), |_, _| None).unwrap_err();
        assert_eq!(refused.kind(), FrameErrorKind::Header);
    }
}
