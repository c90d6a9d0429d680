//! Chunks made of rows while they arrive.

use crate::rows::{Rows, chunk_end, chunk_start};
use crate::{Form, FrameError, RowScanner};

/// Frames and hashes the rows of one `COPY … TO STDOUT` while they arrive, in chunks that can be read alone. Each is
/// gathered behind its header, so that what is framed need not be moved any more.
#[derive(Debug)]
pub struct ChunkScanner {
    scanner: RowScanner,
    form: Form,
}

impl ChunkScanner {
    /// For rows with columns of these names; see [`RowScanner::new`].
    pub fn new<'a>(
        form: Form,
        names: impl IntoIterator<Item = &'a str, IntoIter: ExactSizeIterator>,
    ) -> Self {
        let names = names.into_iter();
        let columns = names.len();
        let scanner = RowScanner::behind(chunk_start(form, names), form, columns);
        ChunkScanner { scanner, form }
    }

    /// Takes the next bytes of the stream, cut anywhere.
    pub fn push(&mut self, bytes: &[u8]) -> Result<(), FrameError> {
        self.scanner.push(bytes)
    }

    /// Bytes that are held.
    pub fn buffered(&self) -> usize {
        self.scanner.buffered()
    }

    /// The whole rows since the last call as one chunk, with header and trailer.
    pub fn take_chunk(&mut self) -> Rows {
        let rows = self.scanner.take_rows();
        self.end(rows)
    }

    /// The last rows as a chunk, after the stream has ended. Refuses a stream that ended within a row.
    pub fn finish(mut self) -> Result<Rows, FrameError> {
        let scanner = std::mem::replace(&mut self.scanner, RowScanner::new(self.form, 0));
        let rows = scanner.finish()?;
        Ok(self.end(rows))
    }

    fn end(&self, mut rows: Rows) -> Rows {
        let end = chunk_end(self.form);
        // A chunk can be one long row: no room is made for more of them.
        rows.bytes.reserve_exact(end.len());
        rows.bytes.extend_from_slice(end);
        rows
    }
}
