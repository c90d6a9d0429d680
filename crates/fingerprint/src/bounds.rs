//! Where the rows of a chunk begin and end in its bytes, for whoever sends some of them alone.

use crate::binary::{self, Tuple};
use crate::csv::LineScanner;
use crate::{Form, FrameError, FrameErrorKind, wrap_chunk};

/// The offsets at which the rows of a whole chunk begin, and the one at which the last of them ends: row `n` is
/// `bounds[n]..bounds[n + 1]`. What stands before the first is the chunk's header, what stands behind the last its
/// trailer, so that a part of the rows between both is a chunk of its own.
pub fn row_bounds<'a>(
    form: Form,
    names: impl IntoIterator<Item = &'a str, IntoIter: ExactSizeIterator>,
    chunk: &[u8],
) -> Result<Vec<usize>, FrameError> {
    let names = names.into_iter();
    let columns = names.len();
    let empty = wrap_chunk(form, names, Vec::new());
    let header = match form {
        Form::Binary => &empty[..binary::HEADER.len()],
        Form::Text => &empty[..],
    };
    if !chunk.starts_with(header) {
        return Err(FrameError::new(FrameErrorKind::Header, 0));
    }
    let mut offset = header.len();
    let mut bounds = vec![offset];
    let mut lines = LineScanner::default();
    while offset < chunk.len() {
        let truncated = || FrameError::new(FrameErrorKind::Truncated, offset);
        offset = match form {
            Form::Text => lines.row_end(chunk, offset).ok_or_else(truncated)?,
            Form::Binary => match binary::tuple(&chunk[offset..], columns, offset)? {
                Tuple::Row(length) => offset + length,
                Tuple::Trailer => break,
                Tuple::Incomplete => return Err(truncated()),
            },
        };
        bounds.push(offset);
    }
    Ok(bounds)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Fingerprint, scan_chunk};

    const NAMES: [&str; 2] = ["a", "b"];

    #[track_caller]
    fn check(form: Form, rows: &[&[u8]]) {
        let chunk = wrap_chunk(form, NAMES, rows.concat());
        let bounds = row_bounds(form, NAMES, &chunk).unwrap();
        let cut: Vec<&[u8]> = bounds.windows(2).map(|it| &chunk[it[0]..it[1]]).collect();
        assert_eq!(cut, rows, "{form}");

        let (header, trailer) = (&chunk[..bounds[0]], &chunk[bounds[rows.len()]..]);
        let mut sum = Fingerprint::empty(form);
        for row in cut {
            let alone = [header, row, trailer].concat();
            sum.merge(&scan_chunk(form, NAMES, &alone).unwrap()).unwrap();
        }
        assert_eq!(sum, scan_chunk(form, NAMES, &chunk).unwrap(), "{form}");
    }

    #[test]
    fn each_row_is_a_chunk_of_its_own_between_header_and_trailer() {
        check(Form::Text, &[b"1,x\n", b",\"a\n\"\"b\"\n", b"1,x\n"]);
        check(
            Form::Binary,
            &[b"\0\x02\0\0\0\x011\0\0\0\x01x", b"\0\x02\xff\xff\xff\xff\0\0\0\0"],
        );
        check(Form::Text, &[]);
        check(Form::Binary, &[]);
    }

    #[test]
    fn what_is_no_chunk_has_no_bounds() {
        assert!(row_bounds(Form::Text, NAMES, b"b,a\n1,x\n").is_err());
        assert!(row_bounds(Form::Text, NAMES, b"a,b\n1,x").is_err());
        assert!(row_bounds(Form::Binary, NAMES, b"PGCOPY").is_err());
    }
}
