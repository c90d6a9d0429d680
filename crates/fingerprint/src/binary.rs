//! Rows in PostgreSQL's binary COPY format ("COPY", section "Binary Format" of the manual).

use crate::{FrameError, FrameErrorKind};

/// Signature, no flags, no header extension: what every server and our own chunks start with.
pub(crate) const HEADER: &[u8; 19] = b"PGCOPY\n\xff\r\n\0\0\0\0\0\0\0\0\0";
/// A field count of -1 ends the rows.
pub(crate) const TRAILER: [u8; 2] = [0xff, 0xff];

/// What stands at the start of some bytes.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Tuple {
    /// A whole row of this many bytes.
    Row(usize),
    Trailer,
    /// More bytes are needed.
    Incomplete,
}

/// Looks at one tuple; `offset` is only for the error.
pub(crate) fn tuple(bytes: &[u8], columns: usize, offset: usize) -> Result<Tuple, FrameError> {
    let Some((count, mut rest)) = bytes.split_first_chunk::<2>() else {
        return Ok(Tuple::Incomplete);
    };
    if *count == TRAILER {
        return Ok(Tuple::Trailer);
    }
    let found = usize::from(u16::from_be_bytes(*count));
    if found != columns {
        return Err(FrameError::new(
            FrameErrorKind::Columns {
                expected: columns,
                found,
            },
            offset,
        ));
    }
    for _ in 0..columns {
        let Some((length, after)) = rest.split_first_chunk::<4>() else {
            return Ok(Tuple::Incomplete);
        };
        let length = match i32::from_be_bytes(*length) {
            -1 => 0,
            length => usize::try_from(length).map_err(|_| FrameError::new(FrameErrorKind::Length, offset))?,
        };
        let Some(after) = after.get(length..) else {
            return Ok(Tuple::Incomplete);
        };
        rest = after;
    }
    Ok(Tuple::Row(bytes.len() - rest.len()))
}

#[cfg(test)]
mod tests {
    use super::*;

    const ROW: &[u8] = b"\0\x02\0\0\0\x01a\xff\xff\xff\xff";

    #[test]
    fn every_prefix_of_a_row_is_incomplete() {
        for end in 0..ROW.len() {
            assert_eq!(tuple(&ROW[..end], 2, 0), Ok(Tuple::Incomplete), "{end}");
        }
        assert_eq!(tuple(ROW, 2, 0), Ok(Tuple::Row(ROW.len())));
    }

    #[test]
    fn other_counts_and_negative_lengths_are_refused() {
        assert!(tuple(ROW, 3, 0).is_err());
        assert!(tuple(b"\0\x01\xff\xff\xff\xfe", 1, 0).is_err());
    }
}
