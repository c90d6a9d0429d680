//! The filter itself: what is held, what is rewritten, what passes.

use std::io::{self, BufRead, Read, Write};

use plan::Mapping;
use rewrite::{Note, Rewriter, Rewritten, SearchPath, ending, statement_ranges};

use super::column_names::rename_columns;
use super::error::{PlainSqlError, PlainSqlErrorKind};
use super::insert::{self, Head, Heads};
use super::preamble::create_missing_schemas;
use super::rows::{Passed, pass_copy, pass_values};
use super::section::{Section, newlines};
use crate::report::Account;

/// The beginning of a statement with the bytes of a large object.
const LARGE_OBJECT: &[u8] = b"SELECT pg_catalog.lowrite(";

/// A line that is longer stands before no dump's header.
const LINE_BYTES_MAX: u64 = 64 * 1024;

/// What wrote the input.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Dump {
    /// `pg_dump` or `pg_restore`.
    Database,
    /// `pg_dumpall`.
    Cluster,
}

/// What is asked of the filter beside new names.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Wishes {
    /// A doubt is an error; when it stands before the first row, nothing of the dump is written.
    pub(crate) strict: bool,
    /// Every edit is to be told.
    pub(crate) edits: bool,
    /// Routines that lean on the search path are looked for.
    pub(crate) search_path: Option<SearchPath>,
}

/// Gives every name in the plain dump `input` its new name and writes the dump to `output`.
pub(crate) fn rewrite_plain_sql<R: BufRead, W: Write>(
    input: R,
    output: W,
    mapping: &Mapping,
    wishes: Wishes,
) -> Result<Account, PlainSqlError> {
    let rewriter = Rewriter::for_stream(mapping.clone());
    let rewriter = match wishes.search_path {
        Some(policy) => rewriter.with_search_path(policy),
        None => rewriter,
    };
    let mut filter = Filter {
        input,
        output,
        mapping,
        wishes,
        rewriter,
        dump: None,
        connection: None,
        heads: Heads::default(),
        line: 0,
        held: true,
        is_last: false,
        account: Account::default(),
    };
    let Err(kind) = filter.run() else {
        return Ok(filter.account);
    };
    let is_write = matches!(kind, PlainSqlErrorKind::Write(_));
    let kind = match filter.raise(&kind) {
        Err(error) if !is_write => PlainSqlErrorKind::Write(error),
        _ => kind,
    };
    Err(PlainSqlError::new(kind, filter.account))
}

struct Filter<'a, R, W> {
    input: R,
    output: W,
    mapping: &'a Mapping,
    wishes: Wishes,
    rewriter: Rewriter,
    /// Known from its header on.
    dump: Option<Dump>,
    /// The first `\connect`.
    connection: Option<Vec<u8>>,
    heads: Heads,
    /// Lines passed on or judged so far.
    line: usize,
    /// Nothing has been written yet.
    held: bool,
    /// The section under way is the last one.
    is_last: bool,
    account: Account,
}

impl<R: BufRead, W: Write> Filter<'_, R, W> {
    fn run(&mut self) -> Result<(), PlainSqlErrorKind> {
        let mut section = Section::default();
        let mut line = Vec::new();
        loop {
            line.clear();
            let starts_rows = self.read_start(&mut line)?;
            if starts_rows && self.dump.is_some() && section.is_complete(self.line)? {
                self.flush(&mut section)?;
                if line == insert::START {
                    self.pass_insert(&mut section)?;
                } else {
                    self.output.write_all(&line).map_err(PlainSqlErrorKind::Write)?;
                    let passed = pass_values(&mut self.input, &mut self.output, 1)?;
                    self.take_passed(passed)?;
                }
                continue;
            }
            if !line.ends_with(b"\n") {
                self.read_rest(&mut line)?;
            }
            if line.is_empty() {
                return self.finish(section);
            }
            self.look_at(&line, &mut section)?;
            section.bytes.extend_from_slice(&line);
            if may_end_copy(&line) && section.ends_with_copy(self.line)? {
                self.flush(&mut section)?;
                let passed = pass_copy(&mut self.input, &mut self.output)?;
                self.take_passed(passed)?;
            } else if !self.held && section.is_due() && section.is_complete(self.line)? {
                self.flush(&mut section)?;
            }
        }
    }

    /// Reads the beginning of a line, far enough to say whether a statement with rows may begin there: such a
    /// line can be longer than memory.
    fn read_start(&mut self, line: &mut Vec<u8>) -> Result<bool, PlainSqlErrorKind> {
        for start in [insert::START, LARGE_OBJECT] {
            if !start.starts_with(line) {
                break;
            }
            (&mut self.input)
                .take((start.len() - line.len()) as u64)
                .read_until(b'\n', line)
                .map_err(PlainSqlErrorKind::Read)?;
            if line == start {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Reads on to the end of the line; before the header not further than any line goes there.
    fn read_rest(&mut self, line: &mut Vec<u8>) -> Result<(), PlainSqlErrorKind> {
        let bytes_max = match self.dump {
            Some(_) => u64::MAX,
            None => LINE_BYTES_MAX,
        };
        let read = (&mut self.input).take(bytes_max).read_until(b'\n', line);
        let count = read.map_err(PlainSqlErrorKind::Read)?;
        if count as u64 == bytes_max {
            return Err(PlainSqlErrorKind::NotADump);
        }
        Ok(())
    }

    /// Notices headers and commands of psql.
    fn look_at(&mut self, line: &[u8], section: &mut Section) -> Result<(), PlainSqlErrorKind> {
        let words = line.trim_ascii_end();
        let header = [Dump::Database, Dump::Cluster]
            .into_iter()
            .find(|it| words == it.header().as_bytes());
        match (self.dump, header) {
            (None, Some(dump)) => self.dump = Some(dump),
            (None, None) if !may_stand_before_header(line) => return Err(PlainSqlErrorKind::NotADump),
            // Without its end of line it may be a trailer that was cut.
            (Some(dump), Some(_)) if line.ends_with(b"\n") && section.is_complete(self.line)? => {
                return Err(several(dump));
            }
            _ => {}
        }
        if line.starts_with(b"\\connect ") && section.is_complete(self.line)? {
            let first = self.connection.get_or_insert_with(|| words.to_vec());
            if first != words {
                return Err(several(self.dump.unwrap_or(Dump::Database)));
            }
            section.connected = Some(section.bytes.len() + line.len());
        }
        Ok(())
    }

    fn finish(&mut self, mut section: Section) -> Result<(), PlainSqlErrorKind> {
        let Some(dump) = self.dump else {
            return Err(if section.bytes.is_empty() {
                PlainSqlErrorKind::Empty
            } else {
                PlainSqlErrorKind::NotADump
            });
        };
        let text = section.text(self.line)?;
        let found = ending(text);
        let tail = &text[found.last.map_or(0, |last| last.end)..];
        if !found.is_complete || !tail.lines().any(|line| line == dump.trailer()) {
            let line = self.line + text.lines().count();
            return Err(PlainSqlErrorKind::Truncated { line });
        }
        self.rewriter
            .check_renames()
            .map_err(PlainSqlErrorKind::Mapping)?;
        self.is_last = true;
        self.flush(&mut section)?;
        self.account.forget_pinned(&self.rewriter);
        if self.wishes.strict && self.account.has_doubts() {
            return Err(PlainSqlErrorKind::Doubts);
        }
        self.output.flush().map_err(PlainSqlErrorKind::Write)
    }

    /// Rewrites and writes what was collected.
    fn flush(&mut self, section: &mut Section) -> Result<(), PlainSqlErrorKind> {
        if !self.held && section.is_blank() {
            self.line += newlines(&section.bytes);
            self.output
                .write_all(&section.bytes)
                .map_err(PlainSqlErrorKind::Write)?;
            section.clear();
            return Ok(());
        }
        let sql = section.text(self.line)?;
        if self.dump == Some(Dump::Cluster) {
            self.rewriter.learn_paths(sql);
        }
        let mut rewritten = self
            .rewriter
            .learn_and_rewrite(sql)
            .map_err(PlainSqlErrorKind::Mapping)?;
        self.check_mapping()?;
        if self.held && self.dump == Some(Dump::Database) {
            self.rewriter
                .check_schemas()
                .map_err(PlainSqlErrorKind::Mapping)?;
            if sets_path(sql) {
                return Err(PlainSqlErrorKind::SearchPath);
            }
        }
        if self.held && self.dump == Some(Dump::Database) {
            let (connected, own) = (section.connected, &self.account.schemas);
            let missing = create_missing_schemas(
                sql,
                connected,
                &mut rewritten,
                self.mapping,
                own,
                &self.rewriter.extension_homes(),
            );
            self.account.created_schemas = missing;
        }
        if self.is_last {
            let trailer = self.dump.unwrap_or(Dump::Database).trailer();
            self.account.columns = rename_columns(&self.rewriter, trailer, &mut rewritten)?;
        }
        if let Some(at) = commit(sql) {
            let line = self.line + newlines(&sql.as_bytes()[..at]) + 1;
            self.account.note(commit_note(line));
        }
        let line_count = newlines(sql.as_bytes());
        let text = self.take_rewritten(rewritten);
        self.line += line_count;
        if self.held && self.wishes.strict && self.account.has_doubts() {
            return Err(PlainSqlErrorKind::Doubts);
        }
        self.held = false;
        section.clear();
        self.output
            .write_all(text.as_bytes())
            .map_err(PlainSqlErrorKind::Write)
    }

    /// Adds what came of a text that begins after the lines so far; gives back the new text.
    fn take_rewritten(&mut self, mut rewritten: Rewritten) -> String {
        let (edits, doubts) = (&mut rewritten.edits, &mut rewritten.doubts);
        let lines = edits
            .iter_mut()
            .map(|it| &mut it.line)
            .chain(doubts.iter_mut().map(|it| &mut it.line))
            .chain(rewritten.notes.iter_mut().map(|it| &mut it.line))
            .chain(rewritten.secrets.iter_mut().map(|it| &mut it.line))
            .chain(rewritten.pins.iter_mut().map(|it| &mut it.line))
            .chain(rewritten.leaning.iter_mut().map(|it| &mut it.line));
        lines.for_each(|line| *line += self.line);
        if !self.wishes.edits {
            rewritten.edits.clear();
        }
        self.account.take(None, rewritten)
    }

    fn check_mapping(&mut self) -> Result<(), PlainSqlErrorKind> {
        let known = self.rewriter.known();
        // They only grow.
        if known.schema_count() == self.account.schemas.len() {
            return Ok(());
        }
        self.account.schemas = known.schemas();
        let schemas = self.account.schemas.iter().map(String::as_str);
        self.mapping
            .apply(schemas)
            .map(|_| ())
            .map_err(PlainSqlErrorKind::Mapping)
    }

    /// Passes an `INSERT`, whose first words have been read. `section` is empty.
    fn pass_insert(&mut self, section: &mut Section) -> Result<(), PlainSqlErrorKind> {
        let head = match insert::read_head(&mut self.input)? {
            Head::Rows(head) => head,
            Head::Other(head) => {
                section.bytes = head;
                return Ok(());
            }
        };
        let (line, line_count) = (self.line + 1, newlines(&head));
        let (new, fresh) = self
            .heads
            .rewrite(head, &self.rewriter)
            .ok_or(PlainSqlErrorKind::NotUtf8 { line })?;
        self.output
            .write_all(new.as_bytes())
            .map_err(PlainSqlErrorKind::Write)?;
        if let Some(fresh) = fresh {
            self.take_rewritten(fresh);
        }
        self.line += line_count;
        let passed = pass_values(&mut self.input, &mut self.output, 0)?;
        self.take_passed(passed)
    }

    fn take_passed(&mut self, passed: Passed) -> Result<(), PlainSqlErrorKind> {
        self.line += passed.lines;
        self.account.rows += passed.rows;
        if passed.is_truncated {
            return Err(PlainSqlErrorKind::Truncated { line: self.line + 1 });
        }
        Ok(())
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

impl Dump {
    /// The first words of such a dump.
    fn header(self) -> &'static str {
        match self {
            Dump::Database => "-- PostgreSQL database dump",
            Dump::Cluster => "-- PostgreSQL database cluster dump",
        }
    }

    /// The last words of such a dump.
    fn trailer(self) -> &'static str {
        match self {
            Dump::Database => "-- PostgreSQL database dump complete",
            Dump::Cluster => "-- PostgreSQL database cluster dump complete",
        }
    }
}

/// Whether the dump relies on a search path, so that its names have no schemas.
fn sets_path(sql: &str) -> bool {
    const START: &str = "SET search_path = ";
    let is_wanted = |line: &str| line.starts_with(START) && !line.starts_with("SET search_path = ''");
    sql.lines().any(is_wanted) && statement_ranges(sql).into_iter().any(|it| is_wanted(&sql[it]))
}

fn several(dump: Dump) -> PlainSqlErrorKind {
    match dump {
        Dump::Database => PlainSqlErrorKind::SeveralDumps,
        Dump::Cluster => PlainSqlErrorKind::WholeCluster,
    }
}

/// `pg_dump` puts large objects into a transaction of their own, which ends that of `psql -1`: where it does.
fn commit(sql: &str) -> Option<usize> {
    const COMMIT: &str = "COMMIT;";
    // A look at the lines saves the statements from being told apart.
    if !sql.lines().any(|line| line == COMMIT) {
        return None;
    }
    let ranges = statement_ranges(sql).into_iter();
    ranges
        .filter(|it| &sql[it.clone()] == COMMIT)
        .map(|it| it.start)
        .next()
}

fn commit_note(line: usize) -> Note {
    let text = "the dump commits here: what fails later no longer undoes what came before";
    Note {
        object: "large objects".to_owned(),
        line,
        body_line: None,
        text: text.to_owned(),
    }
}

fn may_end_copy(line: &[u8]) -> bool {
    line.trim_ascii_end().ends_with(b" FROM stdin;")
}

/// Before the header there are only comments, blank lines and commands of psql.
fn may_stand_before_header(line: &[u8]) -> bool {
    let line = line.trim_ascii();
    line.is_empty() || line.starts_with(b"--") || line.starts_with(b"\\")
}

#[cfg(test)]
mod tests;
