//! Rows on their way: a scanner that hashes them as they arrive in pieces, and chunks that hold whole rows.

use sha2::{Digest, Sha256};

use crate::binary::{self, Tuple};
use crate::csv::{self, LineScanner};
use crate::{Bins, Fingerprint, Form, FrameError, FrameErrorKind};

/// Whole rows, with their fingerprint; without header and trailer unless they are a chunk.
#[derive(Debug)]
pub struct Rows {
    pub bytes: Vec<u8>,
    pub fingerprint: Fingerprint,
}

/// Frames and hashes the rows of one `COPY … TO STDOUT` while they arrive.
#[derive(Debug)]
pub struct RowScanner {
    columns: usize,
    /// What stands before all rows that are taken.
    start: Vec<u8>,
    buffer: Vec<u8>,
    /// Everything before is whole rows, hashed, behind the start.
    framed: usize,
    state: State,
    fingerprint: Fingerprint,
    lines: LineScanner,
    canonical: Vec<u8>,
    bins: Option<Bins>,
}

#[derive(Debug, PartialEq, Eq)]
enum State {
    /// The binary signature is still to come.
    Header,
    Rows,
    /// The binary trailer has been seen.
    End,
}

impl RowScanner {
    /// For rows of `columns` columns; a binary stream starts with its signature, a text stream with a row.
    pub fn new(form: Form, columns: usize) -> Self {
        RowScanner::behind(Vec::new(), form, columns)
    }

    /// The same, with `start` before the rows whenever some are taken.
    pub(crate) fn behind(start: Vec<u8>, form: Form, columns: usize) -> Self {
        RowScanner {
            columns,
            buffer: start.clone(),
            framed: start.len(),
            start,
            state: if form == Form::Binary {
                State::Header
            } else {
                State::Rows
            },
            fingerprint: Fingerprint::empty(form),
            lines: LineScanner::default(),
            canonical: Vec::new(),
            bins: None,
        }
    }

    /// Adds each row to `bins` too.
    pub(crate) fn binning(self, bins: Option<Bins>) -> Self {
        RowScanner { bins, ..self }
    }

    /// The bins of all whole rows so far, which are no longer counted.
    pub(crate) fn take_bins(&mut self) -> Option<Bins> {
        self.bins.take()
    }

    /// Takes the next bytes of the stream, cut anywhere.
    pub fn push(&mut self, bytes: &[u8]) -> Result<(), FrameError> {
        let fresh = self.buffer.len();
        self.buffer.extend_from_slice(bytes);
        match self.fingerprint.form {
            Form::Binary => self.scan_binary(),
            Form::Text => self.scan_text(fresh),
        }
    }

    /// Bytes that are held.
    pub fn buffered(&self) -> usize {
        self.buffer.len()
    }

    /// The whole rows since the last call; the start of an unfinished row stays.
    pub fn take_rows(&mut self) -> Rows {
        // As many bytes may come again; a buffer that grows is moved.
        const EXPECTED_BYTES_MAX: usize = 8 << 20;
        let rest = &self.buffer[self.framed..];
        let mut next =
            Vec::with_capacity((self.start.len() + rest.len()).max(self.framed.min(EXPECTED_BYTES_MAX)));
        next.extend_from_slice(&self.start);
        next.extend_from_slice(rest);
        self.buffer.truncate(self.framed);
        let bytes = std::mem::replace(&mut self.buffer, next);
        self.framed = self.start.len();
        let form = self.fingerprint.form;
        Rows {
            bytes,
            fingerprint: std::mem::replace(&mut self.fingerprint, Fingerprint::empty(form)),
        }
    }

    /// The last rows, after the stream has ended. Refuses a stream that ended within a row.
    pub fn finish(mut self) -> Result<Rows, FrameError> {
        let ended = match self.fingerprint.form {
            Form::Binary => self.state == State::End,
            Form::Text => true,
        };
        if !ended || self.framed != self.buffer.len() {
            return Err(FrameError::new(FrameErrorKind::Truncated, self.framed));
        }
        Ok(self.take_rows())
    }

    fn scan_binary(&mut self) -> Result<(), FrameError> {
        if self.state == State::Header {
            let header = self.framed..self.framed + binary::HEADER.len();
            let Some(found) = self.buffer.get(header.clone()) else {
                return Ok(());
            };
            if found != binary::HEADER {
                return Err(FrameError::new(FrameErrorKind::Header, 0));
            }
            self.buffer.drain(header);
            self.state = State::Rows;
        }
        while self.state == State::Rows {
            let rest = &self.buffer[self.framed..];
            match binary::tuple(rest, self.columns, self.framed)? {
                Tuple::Incomplete => return Ok(()),
                Tuple::Row(length) => {
                    let hash = Sha256::digest(&rest[..length]).into();
                    self.fingerprint.add_row(hash);
                    if let Some(bins) = &mut self.bins {
                        bins.add(&rest[..length], hash);
                    }
                    self.framed += length;
                }
                Tuple::Trailer => {
                    self.state = State::End;
                    self.buffer
                        .drain(self.framed..self.framed + binary::TRAILER.len());
                }
            }
        }
        if self.framed == self.buffer.len() {
            Ok(())
        } else {
            Err(FrameError::new(FrameErrorKind::Trailing, self.framed))
        }
    }

    /// Everything before `fresh` has been looked at.
    fn scan_text(&mut self, mut fresh: usize) -> Result<(), FrameError> {
        while let Some(end) = self.lines.row_end(&self.buffer, fresh) {
            let row = &self.buffer[self.framed..end];
            let hash = csv::hash_row(row, self.columns, self.framed, &mut self.canonical)?;
            self.fingerprint.add_row(hash);
            if let Some(bins) = &mut self.bins {
                add_text_row(bins, row, hash, &mut self.canonical);
            }
            self.framed = end;
            fresh = end;
        }
        Ok(())
    }
}

/// Adds a row that has just been hashed, and that `canonical` holds the framing of, unless it is too long for that.
fn add_text_row(bins: &mut Bins, row: &[u8], hash: [u8; 32], canonical: &mut Vec<u8>) {
    if csv::is_copied(row) {
        bins.add(canonical, hash);
    } else {
        csv::frame_short_values(row, canonical);
        bins.add(canonical, hash);
    }
}

/// Makes a chunk that can be read alone: binary rows between signature and trailer, CSV rows under a header
/// line with the columns' `names`. The rows stay where they are but for a move, so that a long row is not there twice.
pub fn wrap_chunk<'a>(form: Form, names: impl IntoIterator<Item = &'a str>, rows: Vec<u8>) -> Vec<u8> {
    let (mut chunk, start, end) = (rows, chunk_start(form, names), chunk_end(form));
    chunk.reserve_exact(start.len() + end.len());
    chunk.splice(0..0, start);
    chunk.extend_from_slice(end);
    chunk
}

/// What stands before a chunk's rows, so that it can be read alone: see [`wrap_chunk`].
pub fn chunk_start<'a>(form: Form, names: impl IntoIterator<Item = &'a str>) -> Vec<u8> {
    match form {
        Form::Binary => binary::HEADER.to_vec(),
        Form::Text => {
            let mut header = Vec::new();
            csv::encode_header(names, &mut header);
            header
        }
    }
}

/// What stands behind them.
pub fn chunk_end(form: Form) -> &'static [u8] {
    match form {
        Form::Binary => &binary::TRAILER,
        Form::Text => &[],
    }
}

/// Frames and hashes a whole chunk with its header.
pub fn scan_chunk<'a>(
    form: Form,
    names: impl IntoIterator<Item = &'a str, IntoIter: ExactSizeIterator>,
    chunk: &[u8],
) -> Result<Fingerprint, FrameError> {
    scan_chunk_into(form, names, chunk, None)
}

/// The same, and adds each row to `bins`.
pub fn scan_chunk_into<'a>(
    form: Form,
    names: impl IntoIterator<Item = &'a str, IntoIter: ExactSizeIterator>,
    chunk: &[u8],
    bins: Option<&mut Bins>,
) -> Result<Fingerprint, FrameError> {
    let names = names.into_iter();
    let mut scanner = ChunkScan {
        columns: names.len(),
        fingerprint: Fingerprint::empty(form),
        bins,
    };
    match form {
        Form::Binary => scanner.binary(chunk)?,
        Form::Text => {
            let mut header = Vec::new();
            csv::encode_header(names, &mut header);
            if !chunk.starts_with(&header) {
                return Err(FrameError::new(FrameErrorKind::Header, 0));
            }
            scanner.text(chunk, header.len())?;
        }
    }
    Ok(scanner.fingerprint)
}

/// Works on borrowed bytes: a chunk is not copied to be hashed.
struct ChunkScan<'a> {
    columns: usize,
    fingerprint: Fingerprint,
    bins: Option<&'a mut Bins>,
}

impl ChunkScan<'_> {
    fn binary(&mut self, chunk: &[u8]) -> Result<(), FrameError> {
        if !chunk.starts_with(binary::HEADER) {
            return Err(FrameError::new(FrameErrorKind::Header, 0));
        }
        let mut offset = binary::HEADER.len();
        loop {
            match binary::tuple(&chunk[offset..], self.columns, offset)? {
                Tuple::Row(length) => {
                    let framed = &chunk[offset..offset + length];
                    let hash = Sha256::digest(framed).into();
                    self.fingerprint.add_row(hash);
                    if let Some(bins) = &mut self.bins {
                        bins.add(framed, hash);
                    }
                    offset += length;
                }
                Tuple::Incomplete => return Err(FrameError::new(FrameErrorKind::Truncated, offset)),
                Tuple::Trailer if offset + binary::TRAILER.len() == chunk.len() => return Ok(()),
                Tuple::Trailer => return Err(FrameError::new(FrameErrorKind::Trailing, offset)),
            }
        }
    }

    fn text(&mut self, chunk: &[u8], mut offset: usize) -> Result<(), FrameError> {
        let mut lines = LineScanner::default();
        let mut canonical = Vec::new();
        while offset < chunk.len() {
            let end = lines
                .row_end(chunk, offset)
                .ok_or_else(|| FrameError::new(FrameErrorKind::Truncated, offset))?;
            let row = &chunk[offset..end];
            let hash = csv::hash_row(row, self.columns, offset, &mut canonical)?;
            self.fingerprint.add_row(hash);
            if let Some(bins) = &mut self.bins {
                add_text_row(bins, row, hash, &mut canonical);
            }
            offset = end;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ChunkScanner;
    use proptest::prelude::*;

    const NAMES: [&str; 2] = ["a", "b"];

    /// (as a stream from the server, the rows alone)
    fn sample(form: Form) -> (Vec<u8>, Vec<u8>) {
        match form {
            Form::Text => (
                b"1,x\n,\"a\n\"\"b\"\n1,x\n".to_vec(),
                b"1,x\n,\"a\n\"\"b\"\n1,x\n".to_vec(),
            ),
            Form::Binary => {
                let rows = b"\0\x02\0\0\0\x011\0\0\0\x01x\0\x02\xff\xff\xff\xff\0\0\0\0".to_vec();
                (
                    [binary::HEADER.as_slice(), &rows, &binary::TRAILER].concat(),
                    rows,
                )
            }
        }
    }

    proptest! {
        #[test]
        fn pieces_of_any_size_give_the_same_rows(
            binary in any::<bool>(), size in 1_usize..40, take_each in any::<bool>()
        ) {
            let form = if binary { Form::Binary } else { Form::Text };
            let (stream, rows) = sample(form);
            let mut scanner = RowScanner::new(form, 2);
            let (mut bytes, mut sum) = (Vec::new(), Fingerprint::empty(form));
            let mut keep = |taken: Rows| {
                bytes.extend(taken.bytes);
                sum.merge(&taken.fingerprint).unwrap();
            };
            for piece in stream.chunks(size) {
                scanner.push(piece).unwrap();
                if take_each {
                    keep(scanner.take_rows());
                }
            }
            keep(scanner.finish().unwrap());
            prop_assert_eq!(&bytes, &rows);
            let chunk = wrap_chunk(form, NAMES, rows.clone());
            prop_assert_eq!(scan_chunk(form, NAMES, &chunk).unwrap(), sum);

            let mut scanner = ChunkScanner::new(form, NAMES);
            let mut chunks = Vec::new();
            for piece in stream.chunks(size) {
                scanner.push(piece).unwrap();
                if take_each {
                    chunks.push(scanner.take_chunk());
                }
            }
            chunks.push(scanner.finish().unwrap());
            let mut total = Fingerprint::empty(form);
            for taken in &chunks {
                prop_assert_eq!(scan_chunk(form, NAMES, &taken.bytes).unwrap(), taken.fingerprint);
                total.merge(&taken.fingerprint).unwrap();
            }
            prop_assert_eq!(total, sum);
            prop_assert!(take_each || chunks[0].bytes == chunk);
        }
    }

    #[test]
    fn a_long_row_is_hashed_as_if_it_were_copied() {
        let long = "x\"\",\n".repeat(1 << 19);
        let row = format!(
            "\"{long}\",plain\n,\"\"\n\"\",\"{long}\"\n{},\n",
            "y".repeat(2 << 20)
        );
        let mut expected = Fingerprint::empty(Form::Text);
        let mut canonical = Vec::new();
        for line in [
            format!("\"{long}\",plain\n"),
            ",\"\"\n".to_owned(),
            format!("\"\",\"{long}\"\n"),
            format!("{},\n", "y".repeat(2 << 20)),
        ] {
            csv::frame_row(line.as_bytes(), 2, 0, &mut canonical).unwrap();
            expected.add_row(Sha256::digest(&canonical).into());
        }
        let chunk = wrap_chunk(Form::Text, NAMES, row.clone().into_bytes());
        assert_eq!(scan_chunk(Form::Text, NAMES, &chunk).unwrap(), expected);
        for (columns, row) in [
            (3, row.as_str()),
            (1, &row),
            (2, &format!("\"{long}\"x,\n")),
            (2, &format!("{long},\n")),
        ] {
            assert!(RowScanner::new(Form::Text, columns).push(row.as_bytes()).is_err());
        }
    }

    #[test]
    fn truncated_stream_is_refused() {
        for form in [Form::Text, Form::Binary] {
            let (stream, _) = sample(form);
            let mut scanner = RowScanner::new(form, 2);
            scanner.push(&stream[..stream.len() - 1]).unwrap();
            assert_eq!(
                scanner.finish().unwrap_err().kind(),
                FrameErrorKind::Truncated,
                "{form}"
            );
        }
    }

    #[test]
    fn chunk_of_other_columns_is_refused() {
        for form in [Form::Text, Form::Binary] {
            let chunk = wrap_chunk(form, NAMES, sample(form).1);
            assert!(scan_chunk(form, ["a"], &chunk).is_err(), "{form}");
        }
        let chunk = wrap_chunk(Form::Text, NAMES, Vec::new());
        assert_eq!(
            scan_chunk(Form::Text, ["b", "a"], &chunk).unwrap_err().kind(),
            FrameErrorKind::Header
        );
    }

    #[test]
    fn a_changed_moved_or_doubled_value_changes_the_fingerprint() {
        let of = |rows: &[u8]| {
            scan_chunk(Form::Text, NAMES, &wrap_chunk(Form::Text, NAMES, rows.to_vec())).unwrap()
        };
        let original = of(b"1,2\n3,4\n");
        assert_eq!(of(b"3,4\n1,2\n"), original, "order does not matter");
        for other in [
            "1,2\n3,5\n",
            "1,4\n3,2\n",
            "2,1\n3,4\n",
            "1,2\n",
            "1,2\n3,4\n3,4\n",
            "12,\n3,4\n",
        ] {
            assert_ne!(of(other.as_bytes()), original, "{other}");
        }
    }
}
