//! SQL between two lots of rows: collected until it can be rewritten as a whole.

use std::ops::Range;

use rewrite::ending;

use super::error::PlainSqlErrorKind;

/// How much SQL is collected behind the first row before it is rewritten and passed on.
const SECTION_BYTES: usize = 256 * 1024;

/// SQL that has been read and not yet written. It is looked through once, however often it is asked where it
/// stands: from the last whole statement on, and not at all while a body is open.
#[derive(Debug, Default)]
pub(crate) struct Section {
    pub(crate) bytes: Vec<u8>,
    /// The offset behind the last `\connect`.
    pub(crate) connected: Option<usize>,
    /// Up to here there are whole statements.
    whole: usize,
    /// The last of them.
    last: Range<usize>,
    /// Up to here it has been looked through.
    seen: usize,
    is_complete: bool,
    /// What closes the dollar-quoted string that is open.
    waits_for: Option<String>,
}

impl Section {
    pub(crate) fn text(&self, line: usize) -> Result<&str, PlainSqlErrorKind> {
        self.text_from(0, line)
    }

    fn text_from(&self, start: usize, line: usize) -> Result<&str, PlainSqlErrorKind> {
        std::str::from_utf8(&self.bytes[start..]).map_err(|error| PlainSqlErrorKind::NotUtf8 {
            line: line + newlines(&self.bytes[..start + error.valid_up_to()]) + 1,
        })
    }

    /// Whether nothing is open: no statement, string or comment. `line` is the number of lines before the
    /// section.
    pub(crate) fn is_complete(&mut self, line: usize) -> Result<bool, PlainSqlErrorKind> {
        if self.seen == self.bytes.len() {
            return Ok(self.is_complete || self.bytes.is_empty());
        }
        if let Some(closing) = &self.waits_for {
            let start = self.seen.saturating_sub(closing.len() - 1).max(self.whole);
            if memchr::memmem::find(&self.bytes[start..], closing.as_bytes()).is_none() {
                self.seen = self.bytes.len();
                return Ok(false);
            }
        }
        let found = ending(self.text_from(self.whole, line)?);
        if let Some(last) = found.last {
            self.last = self.whole + last.start..self.whole + last.end;
            self.whole = self.last.end;
        }
        self.seen = self.bytes.len();
        self.is_complete = found.is_complete;
        self.waits_for = found.waits_for;
        Ok(self.is_complete)
    }

    /// Whether the section ends with a whole `COPY` statement.
    pub(crate) fn ends_with_copy(&mut self, line: usize) -> Result<bool, PlainSqlErrorKind> {
        let is_complete = self.is_complete(line)?;
        let last = self.bytes.get(self.last.clone()).unwrap_or_default();
        let tail = &self.bytes[self.last.end.min(self.bytes.len())..];
        Ok(is_complete && last.starts_with(b"COPY ") && tail.trim_ascii().is_empty())
    }

    pub(crate) fn is_due(&self) -> bool {
        self.bytes.len() >= SECTION_BYTES && self.bytes.ends_with(b";\n")
    }

    pub(crate) fn is_blank(&self) -> bool {
        self.bytes.trim_ascii().is_empty()
    }

    pub(crate) fn clear(&mut self) {
        *self = Section {
            bytes: std::mem::take(&mut self.bytes),
            ..Section::default()
        };
        self.bytes.clear();
    }
}

pub(crate) fn newlines(bytes: &[u8]) -> usize {
    memchr::memchr_iter(b'\n', bytes).count()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whether_a_section_is_complete_does_not_depend_on_when_it_is_asked() {
        let sql =
            "SELECT 1;\nDO $a$\nb;\n$b$;\n$\na$;\n$a$;\nSELECT 'x\n;';\n/* ;\n*/ COPY t FROM stdin;\n-- x\n";
        let mut asked_often = Section::default();
        for line in sql.split_inclusive('\n') {
            asked_often.bytes.extend_from_slice(line.as_bytes());
            let mut asked_once = Section {
                bytes: asked_often.bytes.clone(),
                ..Section::default()
            };
            for _ in 0..2 {
                assert_eq!(
                    asked_often.is_complete(0).expect("it is text"),
                    asked_once.is_complete(0).expect("it is text"),
                    "{line}"
                );
            }
            let copies = asked_often.ends_with_copy(0).expect("it is text");
            assert_eq!(copies, line.contains("COPY"), "{line}");
        }
    }
}
