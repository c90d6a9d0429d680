//! `pg_dump`'s plain output as a filter: definitions are rewritten, rows pass untouched.
//!
//! Everything before the first row is held until it has been judged. Where the filter must fail, its output
//! ends with a statement that raises, so that `psql -1 -v ON_ERROR_STOP=1` behind it rolls back.

mod error;
mod filter;
mod section;

use std::io::{BufRead, BufWriter, ErrorKind};

use cli::{Exit, Failure, Outcome, Ui};
use plan::Mapping;
use rewrite::{Counts, Doubt, Leaning, Note, Pin};

use crate::args::Args;
use crate::{path_report, report};
use error::{PlainSqlError, PlainSqlErrorKind};
use filter::rewrite_plain_sql;

/// What was done.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Summary {
    pub(crate) counts: Counts,
    pub(crate) doubts: Vec<Doubt>,
    pub(crate) notes: Vec<Note>,
    pub(crate) pins: Vec<Pin>,
    pub(crate) leaning: Vec<Leaning>,
    /// The schema that was created because the dump itself does not create it.
    pub(crate) created_schema: Option<String>,
    /// The dump's own schemas under their old names.
    pub(crate) schemas: Vec<String>,
    /// Rows that passed, those of INSERT statements left out.
    pub(crate) rows: u64,
}

pub(crate) fn remap(input: impl BufRead, mapping: &Mapping, args: &Args, ui: &Ui) -> cli::Result {
    if args.output.is_some() {
        return Err(Failure::usage(
            "plain SQL goes to stdout, --output is for archives",
        ));
    }
    let output = BufWriter::new(std::io::stdout().lock());
    let result = rewrite_plain_sql(input, output, mapping, args.search_path.into(), args.strict);
    let summary = result.as_ref().unwrap_or_else(PlainSqlError::summary);
    let was_dump = !matches!(
        result.as_ref().map_err(PlainSqlError::kind),
        Err(PlainSqlErrorKind::Empty | PlainSqlErrorKind::NotADump)
    );
    if was_dump {
        report::say(mapping, &summary.schemas, summary.counts, &summary.doubts, ui);
        path_report::say(&summary.pins, &summary.leaning, ui);
    }
    for note in &summary.notes {
        ui.status(format_args!("{} line {}: {}", note.object, note.line, note.text));
    }
    match result {
        Ok(_) => Ok(Outcome::Done),
        Err(error) if matches!(error.kind(), PlainSqlErrorKind::Doubts) => Ok(Outcome::Findings),
        Err(error) => Err(failure(error)),
    }
}

fn failure(error: PlainSqlError) -> Failure {
    let (exit, hint) = match error.kind() {
        PlainSqlErrorKind::Write(cause) if cause.kind() == ErrorKind::BrokenPipe => {
            (Exit::OutputClosed, None)
        }
        PlainSqlErrorKind::Write(_) => (Exit::Target, None),
        PlainSqlErrorKind::Mapping(_) => (Exit::Usage, None),
        PlainSqlErrorKind::NotADump => (Exit::Source, Some("`dump` makes an archive, `pg_dump` plain SQL")),
        PlainSqlErrorKind::NotUtf8 { .. } => (Exit::Source, Some("dump with `pg_dump --encoding=UTF8`")),
        PlainSqlErrorKind::Empty | PlainSqlErrorKind::Truncated { .. } => (
            Exit::Archive,
            Some("the tool that wrote it did not finish; its own message says why"),
        ),
        PlainSqlErrorKind::Read(_) | PlainSqlErrorKind::Doubts => (Exit::Source, None),
    };
    let failure = Failure::new(exit, &error);
    let failure = if matches!(error.kind(), PlainSqlErrorKind::Empty) {
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
