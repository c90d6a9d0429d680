//! The filter itself: what is held, what is rewritten, what passes.

use std::io::{self, BufRead, Write};

use catalog::quote_ident;
use plan::{DEFAULT_SCHEMA, Mapping};
use rewrite::{Note, Rewriter, SearchPath, StatementKind, is_complete, statements};

use super::Summary;
use super::error::{PlainSqlError, PlainSqlErrorKind};
use super::section::{Section, newlines};

/// The first words of what `pg_dump` and `pg_restore` write.
const HEADER: &str = "-- PostgreSQL database dump";
/// Their last words.
const TRAILER: &str = "-- PostgreSQL database dump complete";
/// Where the leading `SET` lines are looked for.
const PREAMBLE_BYTES: usize = 16 * 1024;

/// Gives every name in the plain dump `input` its new name and writes the dump to `output`.
///
/// With `strict`, a doubt is an error; when it stands before the first row, nothing of the dump is written.
pub(crate) fn rewrite_plain_sql<R: BufRead, W: Write>(
    input: R,
    output: W,
    mapping: &Mapping,
    search_path: SearchPath,
    strict: bool,
) -> Result<Summary, PlainSqlError> {
    let rewriter = Rewriter::for_stream(mapping.clone()).with_search_path(search_path);
    let mut filter = Filter {
        input,
        output,
        mapping,
        strict,
        rewriter,
        line: 0,
        held: true,
        summary: Summary::default(),
    };
    let Err(kind) = filter.run() else {
        return Ok(filter.summary);
    };
    let is_write = matches!(kind, PlainSqlErrorKind::Write(_));
    let kind = match filter.raise(&kind) {
        Err(error) if !is_write => PlainSqlErrorKind::Write(error),
        _ => kind,
    };
    Err(PlainSqlError::new(kind, filter.summary))
}

struct Filter<'a, R, W> {
    input: R,
    output: W,
    mapping: &'a Mapping,
    strict: bool,
    rewriter: Rewriter,
    /// Lines passed on or judged so far.
    line: usize,
    /// Nothing has been written yet.
    held: bool,
    summary: Summary,
}

impl<R: BufRead, W: Write> Filter<'_, R, W> {
    fn run(&mut self) -> Result<(), PlainSqlErrorKind> {
        let mut section = Section::default();
        let mut has_header = false;
        loop {
            let mut line = Vec::new();
            if self
                .input
                .read_until(b'\n', &mut line)
                .map_err(PlainSqlErrorKind::Read)?
                == 0
            {
                break;
            }
            has_header |= !has_header && line.trim_ascii_end() == HEADER.as_bytes();
            let starts_rows = is_copy(&line);
            if !has_header && !begins_like_a_dump(&line) {
                return Err(PlainSqlErrorKind::NotADump);
            }
            let is_boundary = starts_rows || (self.held && line.starts_with(b"INSERT INTO "));
            if is_boundary && section.is_complete(self.line)? {
                if !starts_rows {
                    self.flush(&mut section)?;
                }
                section.bytes.extend_from_slice(&line);
                if starts_rows {
                    self.flush(&mut section)?;
                    self.pass_rows()?;
                }
                continue;
            }
            section.bytes.extend_from_slice(&line);
            if !self.held && section.is_due() && section.is_complete(self.line)? {
                self.flush(&mut section)?;
            }
        }
        self.finish(section, has_header)
    }

    fn finish(&mut self, mut section: Section, has_header: bool) -> Result<(), PlainSqlErrorKind> {
        if !has_header {
            let is_empty = section.bytes.is_empty();
            return Err(if is_empty {
                PlainSqlErrorKind::Empty
            } else {
                PlainSqlErrorKind::NotADump
            });
        }
        let text = section.text(self.line)?;
        let tail = statements(text)
            .last()
            .map_or(text, |last| &text[last.range.end..]);
        if !is_complete(text) || !tail.lines().any(|line| line == TRAILER) {
            let line = self.line + text.lines().count();
            return Err(PlainSqlErrorKind::Truncated { line });
        }
        self.flush(&mut section)?;
        // What seemed to be left may have been pinned by a later statement.
        self.summary.leaning.retain(|it| self.rewriter.leans(&it.object));
        if self.strict && !self.summary.doubts.is_empty() {
            return Err(PlainSqlErrorKind::Doubts);
        }
        self.output.flush().map_err(PlainSqlErrorKind::Write)
    }

    /// Rewrites and writes what was collected.
    fn flush(&mut self, section: &mut Section) -> Result<(), PlainSqlErrorKind> {
        let sql = section.text(self.line)?;
        self.rewriter.learn(sql).map_err(PlainSqlErrorKind::Mapping)?;
        self.check_mapping()?;
        let mut rewritten = self.rewriter.rewrite(sql);
        for line in rewritten
            .doubts
            .iter_mut()
            .map(|it| &mut it.line)
            .chain(rewritten.notes.iter_mut().map(|it| &mut it.line))
            .chain(rewritten.pins.iter_mut().map(|it| &mut it.line))
            .chain(rewritten.leaning.iter_mut().map(|it| &mut it.line))
        {
            *line += self.line;
        }
        let mut text = rewritten.text;
        if self.held {
            let target = quote_ident(&self.mapping.schema(DEFAULT_SCHEMA));
            let is_used = rewritten.edits.iter().any(|edit| edit.new == target);
            if is_used && target != quote_ident(DEFAULT_SCHEMA) && !creates_schema(&text, &target) {
                text.insert_str(end_of_preamble(&text), &format!("\n\nCREATE SCHEMA {target};"));
                self.summary.created_schema = Some(self.mapping.schema(DEFAULT_SCHEMA));
            }
        }
        if let Some(at) = sql.find("\nCOMMIT;\n") {
            self.summary
                .notes
                .push(commit_note(self.line + newlines(&sql.as_bytes()[..at]) + 2));
        }
        self.line += newlines(sql.as_bytes());
        self.summary.counts += rewritten.counts;
        self.summary.doubts.append(&mut rewritten.doubts);
        self.summary.notes.append(&mut rewritten.notes);
        self.summary.pins.append(&mut rewritten.pins);
        self.summary.leaning.append(&mut rewritten.leaning);
        if self.held && self.strict && !self.summary.doubts.is_empty() {
            return Err(PlainSqlErrorKind::Doubts);
        }
        self.held = false;
        section.clear();
        self.output
            .write_all(text.as_bytes())
            .map_err(PlainSqlErrorKind::Write)
    }

    fn check_mapping(&mut self) -> Result<(), PlainSqlErrorKind> {
        self.summary.schemas = self.rewriter.known().schemas();
        let schemas = self.summary.schemas.iter().map(String::as_str);
        self.mapping
            .apply(schemas)
            .map(|_| ())
            .map_err(PlainSqlErrorKind::Mapping)
    }

    /// Passes the rows of one COPY and the line `\.` that ends them.
    fn pass_rows(&mut self) -> Result<(), PlainSqlErrorKind> {
        // The first bytes of the line under way: enough to tell `\.` from a row.
        let mut head = Vec::with_capacity(4);
        loop {
            let buffer = self.input.fill_buf().map_err(PlainSqlErrorKind::Read)?;
            if buffer.is_empty() {
                let end: &[u8] = if head.is_empty() { b"\\.\n" } else { b"\n\\.\n" };
                self.output.write_all(end).map_err(PlainSqlErrorKind::Write)?;
                return Err(PlainSqlErrorKind::Truncated { line: self.line });
            }
            let mut used = 0;
            let mut at_end = false;
            while used < buffer.len() && !at_end {
                let rest = &buffer[used..];
                let newline = memchr::memchr(b'\n', rest);
                let line = &rest[..newline.unwrap_or(rest.len())];
                head.extend_from_slice(&line[..line.len().min(4 - head.len())]);
                used += line.len();
                if newline.is_some() {
                    used += 1;
                    self.line += 1;
                    at_end = matches!(head.as_slice(), b"\\." | b"\\.\r");
                    self.summary.rows += u64::from(!at_end);
                    head.clear();
                }
            }
            self.output
                .write_all(&buffer[..used])
                .map_err(PlainSqlErrorKind::Write)?;
            self.input.consume(used);
            if at_end {
                return Ok(());
            }
        }
    }

    /// Ends the output so that a transaction around it fails. What came before may be a comment without an end
    /// of line, which would swallow the statement.
    fn raise(&mut self, kind: &PlainSqlErrorKind) -> io::Result<()> {
        let reason = kind.message();
        writeln!(
            self.output,
            "\nDO $$ BEGIN RAISE EXCEPTION 'remap-schema failed: {reason}'; END $$;"
        )?;
        self.output.flush()
    }
}

/// `pg_dump` puts large objects into a transaction of their own, which ends that of `psql -1`.
fn commit_note(line: usize) -> Note {
    let text = "the dump commits here: what fails later no longer undoes what came before";
    Note {
        object: "large objects".to_owned(),
        line,
        text: text.to_owned(),
    }
}

fn is_copy(line: &[u8]) -> bool {
    line.starts_with(b"COPY ") && line.trim_ascii_end().ends_with(b" FROM stdin;")
}

/// Before the header there are only comments, blank lines and commands of psql.
fn begins_like_a_dump(line: &[u8]) -> bool {
    let line = line.trim_ascii();
    line.is_empty() || line.starts_with(b"--") || line.starts_with(b"\\")
}

fn creates_schema(sql: &str, target: &str) -> bool {
    // Only lines can hold the statement as pg_dump writes it; this saves a parse of every dump without it.
    let start = format!("CREATE SCHEMA {target}");
    sql.lines().any(|line| {
        line.strip_prefix(&start)
            .is_some_and(|rest| rest.starts_with([';', ' ']))
    })
}

/// The offset after the `SET` lines at the beginning, behind a `\connect` if there is one.
fn end_of_preamble(sql: &str) -> usize {
    let start = sql.rfind("\n\\connect ").map_or(0, |at| at + 1);
    let mut end = sql.len().min(start + PREAMBLE_BYTES);
    while !sql.is_char_boundary(end) {
        end -= 1;
    }
    let settings = statements(&sql[start..end])
        .into_iter()
        .take_while(|it| it.kind == StatementKind::Set);
    let line_end = start + sql[start..].find('\n').unwrap_or(0);
    settings.last().map_or(line_end, |last| start + last.range.end)
}

#[cfg(test)]
mod tests {
    use super::*;

    const PREAMBLE: &str = "--\n-- PostgreSQL database dump\n--\n\n\\restrict a\n\nSET statement_timeout = 0;\nSELECT pg_catalog.set_config('search_path', '', false);";
    const END: &str = "\n\n--\n-- PostgreSQL database dump complete\n--\n\n\\unrestrict a\n\n";
    const RAISE: &str = "\nDO $$ BEGIN RAISE EXCEPTION 'remap-schema failed: ";

    fn filter(input: &[u8], strict: bool) -> (Vec<u8>, Result<Summary, PlainSqlError>) {
        let mapping = Mapping::new(None, &["public=x".to_owned()]).expect("the pair is valid");
        let mut output = Vec::new();
        // Few bytes at a time, so that every line is cut somewhere.
        let input = io::BufReader::with_capacity(7, input);
        let result = rewrite_plain_sql(input, &mut output, &mapping, SearchPath::Pin, strict);
        (output, result)
    }

    /// A whole dump around `body`; a schema is created for it.
    fn check(body: &str, expected: &str) {
        let (output, result) = filter(format!("{PREAMBLE}\n\n{body}{END}").as_bytes(), true);
        let expected = format!("{PREAMBLE}\n\nCREATE SCHEMA x;\n\n{expected}{END}");
        assert_eq!(String::from_utf8_lossy(&output), expected);
        assert_eq!(
            result.expect("the dump is whole").created_schema.as_deref(),
            Some("x")
        );
    }

    /// The output fails at its end, and begins with `expected`.
    fn check_failure(input: &[u8], strict: bool, expected: &[u8]) -> PlainSqlError {
        let (output, result) = filter(input, strict);
        let raise = output.windows(RAISE.len()).position(|it| it == RAISE.as_bytes());
        let raise = raise.expect("the output raises");
        assert_eq!(
            String::from_utf8_lossy(&output[..raise]),
            String::from_utf8_lossy(expected)
        );
        assert!(output.ends_with(b"'; END $$;\n"));
        result.expect_err("the filter fails")
    }

    #[test]
    fn rows_pass_and_definitions_before_between_and_after_them_move() {
        check(
            "CREATE TABLE public.t (a text);\n\nCOPY public.t (a) FROM stdin;\npublic.t\n\\\\.\n\\.x\n\\.\n\n\nCOPY public.t (a) FROM stdin;\n\\.\n\nSELECT pg_catalog.setval('public.q', 1);\n",
            "CREATE TABLE x.t (a text);\n\nCOPY x.t (a) FROM stdin;\npublic.t\n\\\\.\n\\.x\n\\.\n\n\nCOPY x.t (a) FROM stdin;\n\\.\n\nSELECT pg_catalog.setval('x.q', 1);\n",
        );
        check(
            "CREATE TABLE public.t (a text);\nINSERT INTO public.t VALUES ('public.t;\nCOPY public.t FROM stdin;\n');\n",
            "CREATE TABLE x.t (a text);\nINSERT INTO x.t VALUES ('public.t;\nCOPY public.t FROM stdin;\n');\n",
        );
    }

    #[test]
    fn copy_inside_a_body_is_no_copy() {
        let body =
            "CREATE FUNCTION public.f() RETURNS text LANGUAGE sql AS $$SELECT '\nCOPY t FROM stdin;\n'$$;\n";
        check(body, &body.replacen("public", "x", 1));
    }

    #[test]
    fn rows_may_be_any_bytes() {
        let mut input = format!("{PREAMBLE}\nCOPY a.t (a) FROM stdin;\n").into_bytes();
        input.extend_from_slice(b"\xff\xfe\0\r\n\\.");
        input.extend_from_slice(b"\n");
        input.extend_from_slice(END.as_bytes());
        let (output, result) = filter(&input, true);
        assert_eq!(output, input);
        assert_eq!(result.expect("the dump is whole").rows, 1);
    }

    #[test]
    fn schema_that_the_dump_creates_is_not_created_twice() {
        let body =
            |schema: &str| format!("{PREAMBLE}\nCREATE SCHEMA {schema};\nCREATE TABLE {schema}.t ();\n{END}");
        let (output, _) = filter(body("public").as_bytes(), true);
        assert_eq!(String::from_utf8_lossy(&output), body("x"));
    }

    #[test]
    fn truncated_dump_is_rejected_wherever_it_ends() {
        let whole = format!(
            "{PREAMBLE}\nCREATE TABLE a.t (a text);\nCOPY a.t (a) FROM stdin;\n1\n2\n\\.\nSELECT 1;\n{END}"
        );
        let end = whole.find("complete").expect("it is there");
        for cut in whole.find("restrict").expect("it is there")..end {
            let (output, result) = filter(&whole.as_bytes()[..cut], false);
            let error = result.expect_err("it is cut");
            assert!(
                matches!(error.kind(), PlainSqlErrorKind::Truncated { .. }),
                "{cut}: {error:?}"
            );
            let output = String::from_utf8(output).expect("it is text");
            // Behind a COPY the statement that raises must not be taken for a row.
            let sql = output.rsplit("\\.\n").next().unwrap_or_default();
            assert!(sql.contains(RAISE) && is_complete(sql), "{cut}: {output}");
        }
        let uncommitted = &whole[..end + "complete".len()];
        let doubtful = uncommitted.replace("SELECT 1;", "DO $x$BEGIN EXECUTE f(); END$x$;");
        let (output, _) = filter(doubtful.as_bytes(), true);
        assert!(
            String::from_utf8_lossy(&output).contains(RAISE),
            "it would end the comment"
        );
    }

    #[test]
    fn doubts_before_the_first_row_keep_everything_back() {
        let body = "CREATE FUNCTION public.f() RETURNS void LANGUAGE plpgsql AS $$BEGIN EXECUTE f(); END$$;";
        let dump = format!("{PREAMBLE}\n{body}\nCOPY public.t (a) FROM stdin;\n\\.\n{END}");
        assert!(matches!(
            check_failure(dump.as_bytes(), true, b"").kind(),
            PlainSqlErrorKind::Doubts
        ));
        let (output, result) = filter(dump.as_bytes(), false);
        assert!(output.ends_with(END.as_bytes()));
        assert_eq!(result.expect("doubts are allowed").doubts[0].line, 9);
    }

    #[test]
    fn what_is_no_dump_is_refused() {
        for input in ["CREATE TABLE public.t ();\n", "a,b\n1,2\n"] {
            assert!(
                matches!(
                    check_failure(input.as_bytes(), false, b"").kind(),
                    PlainSqlErrorKind::NotADump
                ),
                "{input}"
            );
        }
    }

    #[test]
    fn what_is_empty_is_no_dump_either() {
        let error = check_failure(b"", false, b"");
        assert!(matches!(error.kind(), PlainSqlErrorKind::Empty));
    }
}
