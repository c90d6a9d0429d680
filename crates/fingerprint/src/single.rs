//! Rows one by one, each with its values and its hash, for whoever needs more than what they add up to.

use sha2::{Digest, Sha256};

use crate::binary::{self, Tuple};
use crate::csv::{self, LineScanner};
use crate::{Fingerprint, Form, FrameError, FrameErrorKind};

/// One row in its canonical framing.
#[derive(Clone, Copy, Debug)]
pub struct Row<'a> {
    form: Form,
    framed: &'a [u8],
}

impl<'a> Row<'a> {
    /// A row in the framing that its hash is over: see the description of the crate.
    pub fn from_framed(form: Form, framed: &'a [u8]) -> Self {
        Row { form, framed }
    }

    /// The values in the order of the columns: in form `text` their own text, in form `binary` what their types
    /// send. `None` is NULL.
    pub fn values(&self) -> impl Iterator<Item = Option<&'a [u8]>> + use<'a> {
        csv::framed_values(self.framed)
    }

    /// How the values are written.
    pub fn form(&self) -> Form {
        self.form
    }

    /// The values with their framing.
    pub fn framed(&self) -> &'a [u8] {
        self.framed
    }

    /// SHA-256 over the values with their framing.
    pub fn hash(&self) -> [u8; 32] {
        Sha256::digest(self.framed).into()
    }

    /// The fingerprint of this row alone.
    pub fn fingerprint(&self) -> Fingerprint {
        let mut fingerprint = Fingerprint::empty(self.form);
        fingerprint.add_row(self.hash());
        fingerprint
    }
}

/// Gives every row of a whole chunk, which has its header, to `take`. Chunks are not copied.
pub fn each_row_of_chunk<'a>(
    form: Form,
    names: impl IntoIterator<Item = &'a str, IntoIter: ExactSizeIterator>,
    chunk: &[u8],
    take: impl FnMut(Row<'_>),
) -> Result<(), FrameError> {
    let names = names.into_iter();
    let columns = names.len();
    let bad_header = || FrameError::new(FrameErrorKind::Header, 0);
    match form {
        Form::Binary => {
            if !chunk.starts_with(binary::HEADER) {
                return Err(bad_header());
            }
            let end = binary_rows(chunk, binary::HEADER.len(), columns, take)?;
            match chunk[end..].len().cmp(&binary::TRAILER.len()) {
                std::cmp::Ordering::Less => Err(FrameError::new(FrameErrorKind::Truncated, end)),
                std::cmp::Ordering::Equal => Ok(()),
                std::cmp::Ordering::Greater => Err(FrameError::new(FrameErrorKind::Trailing, end)),
            }
        }
        Form::Text => {
            let mut header = Vec::new();
            csv::encode_header(names, &mut header);
            if !chunk.starts_with(&header) {
                return Err(bad_header());
            }
            text_rows(chunk, header.len(), columns, take)
        }
    }
}

/// The same for whole rows without header and trailer.
pub fn each_row(
    form: Form,
    columns: usize,
    rows: &[u8],
    take: impl FnMut(Row<'_>),
) -> Result<(), FrameError> {
    match form {
        Form::Text => text_rows(rows, 0, columns, take),
        Form::Binary => {
            let end = binary_rows(rows, 0, columns, take)?;
            if end == rows.len() {
                Ok(())
            } else {
                Err(FrameError::new(FrameErrorKind::Trailing, end))
            }
        }
    }
}

/// Returns where the rows end: at the trailer, or at the end of the bytes.
fn binary_rows(
    bytes: &[u8],
    mut offset: usize,
    columns: usize,
    mut take: impl FnMut(Row<'_>),
) -> Result<usize, FrameError> {
    while offset < bytes.len() {
        match binary::tuple(&bytes[offset..], columns, offset)? {
            Tuple::Row(length) => {
                take(Row {
                    form: Form::Binary,
                    framed: &bytes[offset..offset + length],
                });
                offset += length;
            }
            Tuple::Incomplete => return Err(FrameError::new(FrameErrorKind::Truncated, offset)),
            Tuple::Trailer => break,
        }
    }
    Ok(offset)
}

fn text_rows(
    bytes: &[u8],
    mut offset: usize,
    columns: usize,
    mut take: impl FnMut(Row<'_>),
) -> Result<(), FrameError> {
    let mut lines = LineScanner::default();
    let mut canonical = Vec::new();
    while offset < bytes.len() {
        let end = lines
            .row_end(bytes, offset)
            .ok_or_else(|| FrameError::new(FrameErrorKind::Truncated, offset))?;
        csv::frame_row(&bytes[offset..end], columns, offset, &mut canonical)?;
        take(Row {
            form: Form::Text,
            framed: &canonical,
        });
        offset = end;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{scan_chunk, wrap_chunk};

    const BINARY: &[u8] = b"\0\x02\0\0\0\x011\0\0\0\x01x\0\x02\xff\xff\xff\xff\0\0\0\0";

    #[track_caller]
    fn check(form: Form, rows: &[u8], expected: &[[Option<&str>; 2]]) {
        let (mut found, mut sum) = (Vec::new(), Fingerprint::empty(form));
        each_row(form, 2, rows, |row| {
            let values = row
                .values()
                .map(|it| it.map(|it| String::from_utf8_lossy(it).into_owned()));
            found.push(values.collect::<Vec<_>>());
            sum.merge(&row.fingerprint()).unwrap();
        })
        .unwrap();
        assert_eq!(
            found,
            expected
                .iter()
                .map(|row| row.map(|it| it.map(str::to_owned)).to_vec())
                .collect::<Vec<_>>()
        );
        let chunk = wrap_chunk(form, ["a", "b"], rows.to_vec());
        assert_eq!(scan_chunk(form, ["a", "b"], &chunk).unwrap(), sum);
    }

    #[test]
    fn rows_have_their_values_and_add_up_to_the_whole() {
        let expected = [[Some("1"), Some("x")], [None, Some("")]];
        check(Form::Text, b"1,x\n,\"\"\n", &expected);
        check(Form::Binary, BINARY, &expected);
    }

    #[test]
    fn chunk_that_ends_early_or_late_is_refused() {
        let whole = wrap_chunk(Form::Binary, ["a", "b"], BINARY.to_vec());
        let longer = [whole.as_slice(), b"\0"].concat();
        for (chunk, kind) in [
            (&whole[..whole.len() - 1], FrameErrorKind::Truncated),
            (&whole[..whole.len() - 2], FrameErrorKind::Truncated),
            (&longer, FrameErrorKind::Trailing),
        ] {
            let refused = each_row_of_chunk(Form::Binary, ["a", "b"], chunk, |_| ()).unwrap_err();
            assert_eq!(refused.kind(), kind);
        }
        let trailer_within = [BINARY, &binary::TRAILER, BINARY].concat();
        assert!(each_row(Form::Binary, 2, &trailer_within, |_| ()).is_err());
    }
}
