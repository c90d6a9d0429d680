//! SQL between two lots of rows: collected until it can be rewritten as a whole.

use rewrite::is_complete;

use super::error::PlainSqlErrorKind;

/// How much SQL is collected behind the first row before it is rewritten and passed on.
const SECTION_BYTES: usize = 256 * 1024;

/// SQL that has been read and not yet written.
#[derive(Debug, Default)]
pub(crate) struct Section {
    pub(crate) bytes: Vec<u8>,
    /// Size at which it was last found to be in the middle of a statement.
    checked: usize,
}

impl Section {
    pub(crate) fn text(&self, line: usize) -> Result<&str, PlainSqlErrorKind> {
        std::str::from_utf8(&self.bytes).map_err(|error| PlainSqlErrorKind::NotUtf8 {
            line: line + newlines(&self.bytes[..error.valid_up_to()]) + 1,
        })
    }

    pub(crate) fn is_complete(&mut self, line: usize) -> Result<bool, PlainSqlErrorKind> {
        self.checked = self.bytes.len();
        Ok(is_complete(self.text(line)?))
    }

    /// Asked again only when it has grown by half, so that a long statement is not looked through for each of
    /// its lines.
    pub(crate) fn is_due(&self) -> bool {
        let len = self.bytes.len();
        len >= SECTION_BYTES && len >= self.checked + self.checked / 2 && self.bytes.ends_with(b";\n")
    }

    pub(crate) fn clear(&mut self) {
        self.bytes.clear();
        self.checked = 0;
    }
}

pub(crate) fn newlines(bytes: &[u8]) -> usize {
    memchr::memchr_iter(b'\n', bytes).count()
}
