//! The beginning of an `INSERT` as `pg_dump --inserts` writes it: the names are rewritten, the values are data.

use std::io::BufRead;

use rewrite::{Rewriter, Rewritten};

use super::error::PlainSqlErrorKind;

/// What every such statement begins with.
pub(crate) const START: &[u8] = b"INSERT INTO ";

/// The word before the values.
const VALUES: &[u8] = b" VALUES";
/// Makes the beginning a statement that the parser can read.
const PLACEHOLDER: &str = " (NULL);";

/// The last beginning that was rewritten, for the many that are like it.
#[derive(Debug, Default)]
pub(crate) struct Heads {
    old: Vec<u8>,
    new: String,
}

/// What stands before the values.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Head {
    /// `INSERT INTO t (a) VALUES`; what follows are values.
    Rows(Vec<u8>),
    /// It is a statement of another shape, such as `INSERT INTO t DEFAULT VALUES;`.
    Other(Vec<u8>),
}

/// Reads on behind [`START`].
pub(crate) fn read_head(input: &mut impl BufRead) -> Result<Head, PlainSqlErrorKind> {
    let mut head = START.to_vec();
    let mut in_name = false;
    loop {
        let buffer = input.fill_buf().map_err(PlainSqlErrorKind::Read)?;
        if buffer.is_empty() {
            return Ok(Head::Other(head));
        }
        for (index, &byte) in buffer.iter().enumerate() {
            let is_end = matches!(byte, b' ' | b'\n' | b'(');
            if !in_name && is_end && head.ends_with(VALUES) {
                input.consume(index);
                return Ok(Head::Rows(head));
            }
            in_name ^= byte == b'"';
            if !in_name && matches!(byte, b';' | b'\'' | b'$') {
                input.consume(index);
                return Ok(Head::Other(head));
            }
            head.push(byte);
        }
        let length = buffer.len();
        input.consume(length);
    }
}

impl Heads {
    /// The new text for `head`, and what came of it when it is not the same as the last one.
    pub(crate) fn rewrite(
        &mut self,
        head: Vec<u8>,
        rewriter: &Rewriter,
    ) -> Option<(&str, Option<Rewritten>)> {
        let mut fresh = None;
        if self.old != head {
            let statement = format!("{}{PLACEHOLDER}", std::str::from_utf8(&head).ok()?);
            let rewritten = rewriter.rewrite(&statement);
            let new = rewritten.text.strip_suffix(PLACEHOLDER).unwrap_or(&statement);
            new.clone_into(&mut self.new);
            self.old = head;
            fresh = Some(rewritten);
        }
        Some((&self.new, fresh))
    }
}

#[cfg(test)]
mod tests {
    use std::io::BufReader;

    use super::*;

    fn check(rest: &str, expected: &Head) {
        for capacity in 1..=rest.len() {
            let mut input = BufReader::with_capacity(capacity, rest.as_bytes());
            assert_eq!(
                &read_head(&mut input).expect("nothing fails"),
                expected,
                "{capacity}"
            );
        }
    }

    #[test]
    fn names_end_where_values_begin() {
        let rows = |head: &str| Head::Rows(head.as_bytes().to_vec());
        let other = |head: &str| Head::Other(head.as_bytes().to_vec());
        check("s.t VALUES (1);", &rows("INSERT INTO s.t VALUES"));
        check("s.t VALUES\n\t(1);", &rows("INSERT INTO s.t VALUES"));
        check(
            "s.\" VALUES (\"\"\n\" (a, \"b;\") OVERRIDING SYSTEM VALUE VALUES (1)",
            &rows("INSERT INTO s.\" VALUES (\"\"\n\" (a, \"b;\") OVERRIDING SYSTEM VALUE VALUES"),
        );
        check("s.t DEFAULT VALUES;", &other("INSERT INTO s.t DEFAULT VALUES"));
        check("s.t SELECT 'x VALUES (';", &other("INSERT INTO s.t SELECT "));
    }
}
