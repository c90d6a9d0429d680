//! Rows pass in the buffer that they were read into, whatever they hold and however long they are.

use std::io::{BufRead, Write};

use memchr::{memchr, memmem, memrchr};

use super::error::PlainSqlErrorKind;
use super::section::newlines;

/// What was passed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Passed {
    pub(crate) lines: usize,
    pub(crate) rows: u64,
    /// The input ended before the rows did; the output holds a closing that lets what follows be read as SQL.
    pub(crate) is_truncated: bool,
}

/// Passes the rows of one `COPY … FROM stdin` and the line `\.` that ends them.
pub(crate) fn pass_copy(
    input: &mut impl BufRead,
    output: &mut impl Write,
) -> Result<Passed, PlainSqlErrorKind> {
    let end = memmem::Finder::new(b"\n\\.");
    let mut passed = Passed::default();
    // The first bytes of the line under way: enough to tell `\.` from a row.
    let mut head = Head::default();
    loop {
        let read = input.fill_buf();
        let Some(buffer) = read.as_ref().ok().filter(|it| !it.is_empty()) else {
            let end: &[u8] = if head.is_empty() { b"\\.\n" } else { b"\n\\.\n" };
            output.write_all(end).map_err(PlainSqlErrorKind::Write)?;
            passed.is_truncated = true;
            return read.map(|_| passed).map_err(PlainSqlErrorKind::Read);
        };
        let (used, is_end) = take_lines(buffer, &end, &mut head);
        let lines = newlines(&buffer[..used]);
        passed.lines += lines;
        passed.rows += lines as u64 - u64::from(is_end);
        output
            .write_all(&buffer[..used])
            .map_err(PlainSqlErrorKind::Write)?;
        input.consume(used);
        if is_end {
            return Ok(passed);
        }
    }
}

/// The first bytes of a line.
#[derive(Default)]
struct Head(Vec<u8>);

impl Head {
    const BYTES_MAX: usize = 4;

    fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    fn extend(&mut self, bytes: &[u8]) {
        let missing = Self::BYTES_MAX - self.0.len();
        self.0.extend_from_slice(&bytes[..bytes.len().min(missing)]);
    }

    fn ends_rows(&self) -> bool {
        matches!(self.0.as_slice(), b"\\." | b"\\.\r")
    }
}

/// How much of `buffer` belongs to the rows, and whether their end is in it. `head` is the beginning of the line
/// that the buffer goes on with, and of the one that it ends with.
fn take_lines(buffer: &[u8], end: &memmem::Finder<'_>, head: &mut Head) -> (usize, bool) {
    let Some(newline) = memchr(b'\n', buffer) else {
        head.extend(buffer);
        return (buffer.len(), false);
    };
    head.extend(&buffer[..newline]);
    if head.ends_rows() {
        return (newline + 1, true);
    }
    let mut from = newline;
    while let Some(at) = end.find(&buffer[from..]).map(|it| from + it) {
        let after = at + 3;
        let rest = &buffer[after..];
        let return_length = usize::from(rest.first() == Some(&b'\r'));
        match rest.get(return_length) {
            Some(b'\n') => return (after + return_length + 1, true),
            _ => from = after,
        }
    }
    let last = memrchr(b'\n', buffer).unwrap_or(newline);
    head.0.clear();
    head.extend(&buffer[last + 1..]);
    (buffer.len(), false)
}

/// Passes the rest of a statement whose values are data, up to its semicolon, `depth` parentheses being open.
/// `pg_dump` writes values as numbers, words and strings whose quotes are doubled, and nothing else
/// (`dumpTableData_insert` in `pg_dump.c`).
pub(crate) fn pass_values(
    input: &mut impl BufRead,
    output: &mut impl Write,
    mut depth: usize,
) -> Result<Passed, PlainSqlErrorKind> {
    let mut passed = Passed::default();
    let mut quote = None;
    loop {
        let read = input.fill_buf();
        let Some(buffer) = read.as_ref().ok().filter(|it| !it.is_empty()) else {
            // A comma before the end is an error of syntax: no row that was cut short is taken for a whole one.
            let open: String = quote.map(char::from).into_iter().collect();
            write!(output, "{open},{};", ")".repeat(depth)).map_err(PlainSqlErrorKind::Write)?;
            passed.is_truncated = true;
            return read.map(|_| passed).map_err(PlainSqlErrorKind::Read);
        };
        let (used, is_end) = take_values(buffer, &mut quote, &mut depth);
        passed.lines += newlines(&buffer[..used]);
        output
            .write_all(&buffer[..used])
            .map_err(PlainSqlErrorKind::Write)?;
        input.consume(used);
        if is_end {
            return Ok(passed);
        }
    }
}

fn take_values(buffer: &[u8], quote: &mut Option<u8>, depth: &mut usize) -> (usize, bool) {
    let mut at = 0;
    while at < buffer.len() {
        if let Some(closing) = *quote {
            let Some(length) = memchr(closing, &buffer[at..]) else {
                return (buffer.len(), false);
            };
            at += length + 1;
            *quote = None;
            continue;
        }
        let byte = buffer[at];
        at += 1;
        match byte {
            b'\'' | b'"' => *quote = Some(byte),
            b'(' => *depth += 1,
            b')' => *depth = depth.saturating_sub(1),
            b';' if *depth == 0 => return (at, true),
            _ => {}
        }
    }
    (at, false)
}

#[cfg(test)]
mod tests {
    use std::io::BufReader;

    use super::*;

    /// Everything up to `rest` passes as it is, wherever the input is cut into buffers.
    fn check(
        pass: impl Fn(&mut BufReader<&[u8]>, &mut Vec<u8>) -> Passed,
        rows: &str,
        rest: &str,
        expected: Passed,
    ) {
        let whole = format!("{rows}{rest}");
        for capacity in 1..whole.len() + 2 {
            let mut input = BufReader::with_capacity(capacity, whole.as_bytes());
            let mut output = Vec::new();
            assert_eq!(pass(&mut input, &mut output), expected, "{capacity} {whole:?}");
            assert_eq!(String::from_utf8_lossy(&output), rows, "{capacity}");
            let mut left = String::new();
            std::io::Read::read_to_string(&mut input, &mut left).expect("it is text");
            assert_eq!(left, rest, "{capacity}");
        }
    }

    fn passed(lines: usize, rows: u64) -> Passed {
        Passed {
            lines,
            rows,
            is_truncated: false,
        }
    }

    #[test]
    fn copied_rows_end_with_their_own_line() {
        let pass = |input: &mut BufReader<&[u8]>, output: &mut Vec<u8>| {
            pass_copy(input, output).expect("nothing fails")
        };
        check(pass, "\\.\n", "a\n\\.\n", passed(1, 0));
        check(pass, "a\n\\\\.\n\\.x\n \\.\n\\.\n", "\n\\.\n", passed(5, 4));
        check(pass, "\n\n\\.\r\n", "\nb", passed(3, 2));
        check(pass, "\\.\\.\n\\.\r.\n\\.\n", "", passed(3, 2));
    }

    #[test]
    fn values_end_with_the_semicolon_outside_strings() {
        let pass = |input: &mut BufReader<&[u8]>, output: &mut Vec<u8>| {
            pass_values(input, output, 0).expect("nothing fails")
        };
        check(pass, " (1, 'a;\n''); --', B'1', NULL);", "\n;", passed(1, 0));
        check(pass, "\n\t(1),\n\t('\\');", "'", passed(2, 0));
    }

    /// An input that fails after `bytes`.
    struct Failing<'a>(&'a [u8]);

    impl std::io::Read for Failing<'_> {
        fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
            match self.0.read(buffer)? {
                0 => Err(std::io::Error::other("no more")),
                count => Ok(count),
            }
        }
    }

    #[test]
    fn input_that_fails_leaves_nothing_open() {
        for (rows, closing) in [("a\tb", "\n\\.\n"), ("a\n", "\\.\n")] {
            let (mut input, mut output) = (BufReader::new(Failing(rows.as_bytes())), Vec::new());
            let result = pass_copy(&mut input, &mut output);
            assert!(matches!(result, Err(PlainSqlErrorKind::Read(_))));
            assert_eq!(String::from_utf8_lossy(&output), format!("{rows}{closing}"));
        }
        let (mut input, mut output) = (BufReader::new(Failing(b" ('a")), Vec::new());
        let result = pass_values(&mut input, &mut output, 0);
        assert!(matches!(result, Err(PlainSqlErrorKind::Read(_))));
        assert_eq!(String::from_utf8_lossy(&output), " ('a',);");
    }

    #[test]
    fn values_cut_short_are_an_error_of_syntax() {
        for (cut, closing) in [(" ('a", "',);"), (" (1), (2", ",);"), (" (1)", ",;"), ("", ",;")] {
            let mut output = Vec::new();
            let passed = pass_values(&mut cut.as_bytes(), &mut output, 0).expect("nothing fails");
            assert!(passed.is_truncated);
            assert_eq!(String::from_utf8_lossy(&output), format!("{cut}{closing}"));
        }
    }
}
