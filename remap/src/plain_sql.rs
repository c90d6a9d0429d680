//! `pg_dump`'s plain output as a filter: definitions are rewritten, rows pass untouched.
//!
//! Everything before the first row is held until it has been judged. Where the filter must fail, its output
//! ends with a statement that raises, so that `psql -1 -v ON_ERROR_STOP=1` behind it rolls back.

mod column_names;
mod error;
mod filter;
mod insert;
mod preamble;
mod rows;
mod section;

use std::io::{self, BufRead, BufWriter, ErrorKind, Read, Write};

use cli::{Exit, Failure, Outcome, Ui, open_stdout};
use plan::{Mapping, MappingError};

use crate::args::Args;
use crate::report::Report;
use error::{PlainSqlError, PlainSqlErrorKind};
use filter::{Wishes, rewrite_plain_sql};

/// Rows come and go in pieces of this size where the other side allows it.
const BUFFER_BYTES: usize = 256 * 1024;

pub(crate) fn remap(input: impl BufRead, mapping: &Mapping, args: &Args, ui: &Ui) -> cli::Result {
    if args.output.is_named() {
        return Err(Failure::usage(
            "plain SQL goes to stdout, --output is for archives",
        ));
    }
    let report = Report::create(args.report.as_deref())?;
    let wishes = Wishes {
        // A check reads on, to tell every doubt.
        strict: args.strict && !args.check,
        edits: report.is_wanted(),
        search_path: Some(args.search_path.into()),
    };
    let output: Box<dyn Write> = if args.check {
        Box::new(io::sink())
    } else {
        Box::new(BufWriter::with_capacity(BUFFER_BYTES, open_stdout()?))
    };
    let result = rewrite_plain_sql(Interruptible(input), output, mapping, wishes);
    let account = result.as_ref().unwrap_or_else(PlainSqlError::account);
    // What was judged until an error says nothing of the rest.
    let was_judged = match &result {
        Ok(_) => true,
        Err(error) => matches!(error.kind(), PlainSqlErrorKind::Doubts),
    };
    if was_judged {
        account.say(mapping, ui);
    }
    match &result {
        Ok(_) => report.publish(account, mapping, "sql")?,
        Err(error) if matches!(error.kind(), PlainSqlErrorKind::Doubts) => {
            report.publish(account, mapping, "sql")?;
        }
        Err(_) => {}
    }
    let is_strict_check = args.check && args.strict;
    match result {
        Ok(account) if is_strict_check && account.has_doubts() => Ok(Outcome::Findings),
        Ok(_) => Ok(Outcome::Done),
        Err(error) if matches!(error.kind(), PlainSqlErrorKind::Doubts) => Ok(Outcome::Findings),
        Err(_) if cli::is_interrupted() => Err(Failure::interrupted()),
        Err(error) => Err(failure(error, args.check)),
    }
}

/// An input that fails once a signal has asked the tool to end. The output then gets its last statement: to
/// `psql` a `COPY` that merely stops is a whole one.
struct Interruptible<R>(R);

impl<R: BufRead> Read for Interruptible<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        check_interrupt()?;
        self.0.read(buffer)
    }
}

impl<R: BufRead> BufRead for Interruptible<R> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        check_interrupt()?;
        self.0.fill_buf()
    }

    fn consume(&mut self, count: usize) {
        self.0.consume(count);
    }
}

fn check_interrupt() -> io::Result<()> {
    if cli::is_interrupted() {
        return Err(io::Error::other("interrupted"));
    }
    Ok(())
}

fn failure(error: PlainSqlError, is_check: bool) -> Failure {
    let (exit, hint) = match error.kind() {
        PlainSqlErrorKind::Write(cause) if cause.kind() == ErrorKind::BrokenPipe => {
            (Exit::OutputClosed, None)
        }
        PlainSqlErrorKind::Write(_) => (Exit::Target, None),
        PlainSqlErrorKind::Mapping(MappingError::ObjectCollision { .. }) => (
            Exit::Usage,
            Some("--rename SCHEMA.OLD=NEW gives one of them another name"),
        ),
        PlainSqlErrorKind::Mapping(_) => (Exit::Usage, None),
        PlainSqlErrorKind::SearchPath => (
            Exit::Source,
            Some("dump with pg_dump 10.3 or later, or use `dump`"),
        ),
        PlainSqlErrorKind::NotADump => (
            Exit::Source,
            Some(
                "`dump` makes an archive, `pg_dump` plain SQL; `pg_restore -f - FILE` makes SQL of its other formats",
            ),
        ),
        PlainSqlErrorKind::SeveralDumps => (
            Exit::Source,
            Some("filter each dump by itself, with names of its own"),
        ),
        PlainSqlErrorKind::WholeCluster => (
            Exit::Source,
            Some(
                "take the roles by `pg_dumpall --globals-only`, and each database by a `pg_dump` of its own",
            ),
        ),
        PlainSqlErrorKind::NotUtf8 { .. } => (Exit::Source, Some("dump with `pg_dump --encoding=UTF8`")),
        PlainSqlErrorKind::Empty
        | PlainSqlErrorKind::Truncated { .. }
        | PlainSqlErrorKind::NoPlaceForColumns => (
            Exit::Archive,
            Some("the tool that wrote it did not finish; its own message says why"),
        ),
        PlainSqlErrorKind::Read(_) | PlainSqlErrorKind::Doubts => (Exit::Source, None),
    };
    let failure = Failure::new(exit, &error);
    let failure = if is_check || matches!(error.kind(), PlainSqlErrorKind::Empty) {
        failure
    } else {
        failure.with_state(
            "the output ends with a statement that raises: `psql -1 -v ON_ERROR_STOP=1` keeps nothing",
        )
    };
    let failure = match hint {
        Some(hint) => failure.with_hint(hint),
        None => failure,
    };
    failure.with_source(error)
}
