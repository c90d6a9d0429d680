//! Rows in PostgreSQL's CSV format ("COPY", section "CSV Format" of the manual) with its default options:
//! comma, double quotes, an unquoted empty value for NULL.

use memchr::{memchr, memchr2};

use sha2::{Digest, Sha256};

use crate::{FrameError, FrameErrorKind};

/// Rows up to this size are copied into their canonical framing before they are hashed, which is faster.
const COPIED_BYTES_MAX: usize = 1 << 20;

/// Finds the ends of rows in bytes that arrive in pieces.
#[derive(Debug, Default)]
pub(crate) struct LineScanner {
    in_quotes: bool,
}

impl LineScanner {
    /// The offset just behind the row that `bytes[..from]` is the already scanned start of.
    ///
    /// A doubled quote leaves quotes and enters them again, so it needs no look ahead.
    pub(crate) fn row_end(&mut self, bytes: &[u8], mut from: usize) -> Option<usize> {
        loop {
            if self.in_quotes {
                from += memchr(b'"', &bytes[from..])? + 1;
                self.in_quotes = false;
            } else {
                let found = from + memchr2(b'"', b'\n', &bytes[from..])?;
                from = found + 1;
                if bytes[found] == b'\n' {
                    return Some(from);
                }
                self.in_quotes = true;
            }
        }
    }
}

/// Turns one row (with its newline) into the canonical framing, appended to `canonical`.
pub(crate) fn frame_row(
    row: &[u8],
    columns: usize,
    offset: usize,
    canonical: &mut Vec<u8>,
) -> Result<(), FrameError> {
    let line = row.strip_suffix(b"\n").unwrap_or(row);
    canonical.clear();
    canonical.extend_from_slice(&[0, 0]);
    let mut found = 0_usize;
    if !(line.is_empty() && columns == 0) {
        let mut rest = Some(line);
        while let Some(field) = rest {
            rest = frame_field(field, offset, canonical)?;
            found += 1;
        }
    }
    if found != columns {
        return Err(FrameError::new(
            FrameErrorKind::Columns {
                expected: columns,
                found,
            },
            offset,
        ));
    }
    let count = u16::try_from(columns).map_err(|_| {
        FrameError::new(
            FrameErrorKind::Columns {
                expected: columns,
                found,
            },
            offset,
        )
    })?;
    canonical[..2].copy_from_slice(&count.to_be_bytes());
    Ok(())
}

/// The hash of a row's canonical framing. A long row is not copied for it; `canonical` is room for the others.
pub(crate) fn hash_row(
    row: &[u8],
    columns: usize,
    offset: usize,
    canonical: &mut Vec<u8>,
) -> Result<[u8; 32], FrameError> {
    if !is_copied(row) {
        return hash_long_row(row, columns, offset);
    }
    frame_row(row, columns, offset, canonical)?;
    Ok(Sha256::digest(&canonical).into())
}

/// Whether [`hash_row`] leaves the framing of this row in its room.
pub(crate) fn is_copied(row: &[u8]) -> bool {
    row.len() <= COPIED_BYTES_MAX
}

/// Frames a row that has been found sound, but for values that no key has, which become NULL: an index takes none of more
/// than a few kilobytes, and a long row is not copied.
pub(crate) fn frame_short_values(row: &[u8], canonical: &mut Vec<u8>) {
    const KEY_BYTES_MAX: usize = 16 << 10;
    canonical.clear();
    canonical.extend_from_slice(&[0, 0]);
    let mut rest = Some(row.strip_suffix(b"\n").unwrap_or(row));
    while let Some(line) = rest {
        let start = canonical.len();
        canonical.extend_from_slice(&(-1_i32).to_be_bytes());
        let mut length = 0;
        let walked = walk_field(line, 0, |piece| {
            length += piece.len();
            if length <= KEY_BYTES_MAX {
                canonical.extend_from_slice(piece);
            }
        });
        let Ok(field) = walked else { return };
        if field.is_null || length > KEY_BYTES_MAX {
            canonical.truncate(start + 4);
        } else if let Ok(length) = i32::try_from(length) {
            canonical[start..start + 4].copy_from_slice(&length.to_be_bytes());
        }
        rest = field.rest;
    }
}

/// Goes over each field twice, since its length stands before it.
fn hash_long_row(row: &[u8], columns: usize, offset: usize) -> Result<[u8; 32], FrameError> {
    let wrong = |found| {
        let expected = columns;
        FrameError::new(FrameErrorKind::Columns { expected, found }, offset)
    };
    let mut hash = Sha256::new();
    hash.update(u16::try_from(columns).map_err(|_| wrong(0))?.to_be_bytes());
    let mut found = 0_usize;
    let mut rest = Some(row.strip_suffix(b"\n").unwrap_or(row));
    while let Some(line) = rest {
        let mut length = 0_usize;
        let field = walk_field(line, offset, |piece| length += piece.len())?;
        if field.is_null {
            hash.update((-1_i32).to_be_bytes());
        } else {
            let length =
                i32::try_from(length).map_err(|_| FrameError::new(FrameErrorKind::Length, offset))?;
            hash.update(length.to_be_bytes());
            walk_field(line, offset, |piece| hash.update(piece))?;
        }
        rest = field.rest;
        found += 1;
    }
    if found == columns {
        Ok(hash.finalize().into())
    } else {
        Err(wrong(found))
    }
}

/// Frames the first field of `line`; returns what follows its comma, or `None` for the last field.
fn frame_field<'a>(
    line: &'a [u8],
    offset: usize,
    canonical: &mut Vec<u8>,
) -> Result<Option<&'a [u8]>, FrameError> {
    let length_at = canonical.len();
    canonical.extend_from_slice(&(-1_i32).to_be_bytes());
    let field = walk_field(line, offset, |piece| canonical.extend_from_slice(piece))?;
    if !field.is_null {
        set_length(canonical, length_at, offset)?;
    }
    Ok(field.rest)
}

/// What is known of a field behind it.
struct Walked<'a> {
    is_null: bool,
    /// What follows its comma; `None` for the last field.
    rest: Option<&'a [u8]>,
}

/// Gives the pieces of the value of the first field of `line` to `take`.
fn walk_field(line: &[u8], offset: usize, mut take: impl FnMut(&[u8])) -> Result<Walked<'_>, FrameError> {
    let quote_error = || FrameError::new(FrameErrorKind::Quote, offset);
    let Some(mut quoted) = line.strip_prefix(b"\"") else {
        let end = memchr(b',', line).unwrap_or(line.len());
        if memchr(b'"', &line[..end]).is_some() {
            return Err(quote_error());
        }
        take(&line[..end]);
        return Ok(Walked {
            is_null: end == 0,
            rest: line.get(end + 1..),
        });
    };
    loop {
        let end = memchr(b'"', quoted).ok_or_else(quote_error)?;
        let rest = match quoted.get(end + 1) {
            Some(b'"') => {
                take(&quoted[..=end]);
                quoted = &quoted[end + 2..];
                continue;
            }
            Some(b',') => Some(&quoted[end + 2..]),
            None => None,
            Some(_) => return Err(quote_error()),
        };
        take(&quoted[..end]);
        return Ok(Walked { is_null: false, rest });
    }
}

fn set_length(canonical: &mut [u8], length_at: usize, offset: usize) -> Result<(), FrameError> {
    let length = i32::try_from(canonical.len() - length_at - 4)
        .map_err(|_| FrameError::new(FrameErrorKind::Length, offset))?;
    canonical[length_at..length_at + 4].copy_from_slice(&length.to_be_bytes());
    Ok(())
}

/// The values of a row in the canonical framing, in order.
pub(crate) fn framed_values(canonical: &[u8]) -> impl Iterator<Item = Option<&[u8]>> {
    let mut rest = canonical.get(2..).unwrap_or_default();
    std::iter::from_fn(move || {
        let (length, after) = rest.split_first_chunk::<4>()?;
        // -1, which is no length, is that of NULL.
        let length = usize::try_from(i32::from_be_bytes(*length)).ok();
        let (value, after) = after.split_at_checked(length.unwrap_or(0))?;
        rest = after;
        Some(length.map(|_| value))
    })
}

/// Appends one row as PostgreSQL reads it; `None` is NULL. Values are in the database's text form.
pub fn encode_row<'a>(values: impl IntoIterator<Item = Option<&'a [u8]>>, csv: &mut Vec<u8>) {
    for (index, value) in values.into_iter().enumerate() {
        if index > 0 {
            csv.push(b',');
        }
        if let Some(value) = value {
            encode_value(value, csv);
        }
    }
    csv.push(b'\n');
}

/// Appends the header line with the columns' names.
pub fn encode_header<'a>(names: impl IntoIterator<Item = &'a str>, csv: &mut Vec<u8>) {
    encode_row(names.into_iter().map(|name| Some(name.as_bytes())), csv);
}

/// Appends one value, which is not NULL, quoted where it must be.
pub fn encode_value(value: &[u8], csv: &mut Vec<u8>) {
    // `\.` alone on a line ends the input for servers before PostgreSQL 18, so it is quoted as they do.
    let special = |byte: &u8| matches!(byte, b',' | b'"' | b'\n' | b'\r');
    let plain = !value.is_empty() && value != b"\\." && !value.iter().any(special);
    if plain {
        csv.extend_from_slice(value);
        return;
    }
    csv.push(b'"');
    for &byte in value {
        if byte == b'"' {
            csv.push(b'"');
        }
        csv.push(byte);
    }
    csv.push(b'"');
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn frame(csv: &[u8], columns: usize) -> Result<Vec<u8>, FrameErrorKind> {
        let mut canonical = Vec::new();
        frame_row(csv, columns, 0, &mut canonical)
            .map(|()| canonical)
            .map_err(|error| error.kind())
    }

    fn framed(values: &[Option<&[u8]>]) -> Vec<u8> {
        let mut out = u16::try_from(values.len()).unwrap().to_be_bytes().to_vec();
        for value in values {
            let length = value.map_or(-1, |it| i32::try_from(it.len()).unwrap());
            out.extend_from_slice(&length.to_be_bytes());
            out.extend_from_slice(value.unwrap_or_default());
        }
        out
    }

    #[test]
    fn null_and_the_empty_string_stay_apart() {
        assert_eq!(frame(b",\"\"\n", 2), Ok(framed(&[None, Some(b"")])));
    }

    #[test]
    fn blank_line_is_a_row() {
        assert_eq!(frame(b"\n", 1), Ok(framed(&[None])));
        assert_eq!(frame(b"\n", 0), Ok(framed(&[])));
        assert_eq!(
            frame(b"\n", 2),
            Err(FrameErrorKind::Columns {
                expected: 2,
                found: 1
            })
        );
    }

    #[test]
    fn stray_quotes_are_refused() {
        for bad in [b"a\"b\n".as_slice(), b"\"a\"b\n", b"\"a\n"] {
            assert_eq!(frame(bad, 1), Err(FrameErrorKind::Quote), "{bad:?}");
        }
    }

    #[test]
    fn newline_inside_quotes_ends_no_row() {
        let csv = b"\"a\n\"\"\n\",b\nnext";
        let whole = LineScanner::default().row_end(csv, 0);
        assert_eq!(whole, Some(10));
        let mut scanner = LineScanner::default();
        let piecewise = (1..=csv.len()).find_map(|end| scanner.row_end(&csv[..end], end - 1));
        assert_eq!(piecewise, whole);
    }

    proptest! {
        #[test]
        fn encoded_rows_are_framed_back(
            values in prop::collection::vec(prop::option::of(prop::collection::vec(
                prop_oneof![Just(b'"'), Just(b','), Just(b'\n'), Just(b'\r'), Just(b'\\'), Just(b'.'), any::<u8>()], 0..6
            )), 0..5)
        ) {
            let values: Vec<Option<&[u8]>> = values.iter().map(Option::as_deref).collect();
            let mut csv = Vec::new();
            encode_row(values.iter().copied(), &mut csv);
            prop_assert_eq!(LineScanner::default().row_end(&csv, 0), Some(csv.len()));
            prop_assert_eq!(frame(&csv, values.len()), Ok(framed(&values)));
        }
    }
}
