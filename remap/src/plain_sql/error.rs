//! Why the filter for plain SQL failed.

use std::fmt;
use std::io;

use plan::MappingError;

use crate::report::Account;

/// A failure, with what had been done until then. The output ends with a statement that raises, unless
/// writing failed.
#[derive(Debug)]
pub(crate) struct PlainSqlError {
    kind: PlainSqlErrorKind,
    account: Box<Account>,
}

/// Kinds of failure.
#[derive(Debug)]
#[non_exhaustive]
pub(crate) enum PlainSqlErrorKind {
    Read(io::Error),
    Write(io::Error),
    /// Nothing came, so whatever should have written it has failed.
    Empty,
    /// The input does not begin as `pg_dump` begins.
    NotADump,
    /// Behind one dump there is another, or another database.
    SeveralDumps,
    /// `pg_dumpall` with the databases themselves.
    WholeCluster,
    /// The input ends before `pg_dump`'s closing comment.
    Truncated {
        line: usize,
    },
    /// A statement is not in UTF-8.
    NotUtf8 {
        line: usize,
    },
    /// The dump sets a search path, and names things without their schemas.
    SearchPath,
    /// Columns get new names, and there is no closing comment before which to give them.
    NoPlaceForColumns,
    /// The mapping does not fit the dump's schemas.
    Mapping(MappingError),
    /// There are doubts, and doubts were to be failures.
    Doubts,
}

impl PlainSqlError {
    pub(crate) fn new(kind: PlainSqlErrorKind, account: Account) -> Self {
        PlainSqlError {
            kind,
            account: Box::new(account),
        }
    }

    pub(crate) fn kind(&self) -> &PlainSqlErrorKind {
        &self.kind
    }

    pub(crate) fn account(&self) -> &Account {
        &self.account
    }
}

impl PlainSqlErrorKind {
    /// What the statement says that makes the output fail. It stands inside a literal: no quotes.
    pub(crate) fn message(&self) -> &'static str {
        match self {
            PlainSqlErrorKind::Doubts => "there are places that cannot be proved",
            PlainSqlErrorKind::Truncated { .. } => "the dump is truncated",
            PlainSqlErrorKind::Empty => "the input is empty",
            PlainSqlErrorKind::NotADump => "the input is no dump",
            PlainSqlErrorKind::SeveralDumps | PlainSqlErrorKind::WholeCluster => {
                "the input holds several databases"
            }
            PlainSqlErrorKind::NoPlaceForColumns => "the columns cannot get their names",
            PlainSqlErrorKind::Mapping(_) => "the dump cannot get these names",
            PlainSqlErrorKind::SearchPath => "the dump names things without their schemas",
            PlainSqlErrorKind::NotUtf8 { .. } => "a statement is not in UTF-8",
            PlainSqlErrorKind::Read(_) | PlainSqlErrorKind::Write(_) => "the dump cannot be read",
        }
    }
}

impl fmt::Display for PlainSqlError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.kind {
            PlainSqlErrorKind::Read(_) => f.write_str("the dump cannot be read"),
            PlainSqlErrorKind::Write(_) => f.write_str("the rewritten dump cannot be written"),
            PlainSqlErrorKind::Empty => f.write_str("the input is empty"),
            PlainSqlErrorKind::NotADump => {
                f.write_str("the input is neither an archive nor a dump as pg_dump writes it")
            }
            PlainSqlErrorKind::SeveralDumps => f.write_str("the input holds more than one database"),
            PlainSqlErrorKind::WholeCluster => {
                f.write_str("the input holds all databases of a cluster, and new names are those of one")
            }
            PlainSqlErrorKind::Truncated { line } => {
                write!(f, "the dump is truncated: it ends at line {line}")
            }
            PlainSqlErrorKind::NotUtf8 { line } => write!(f, "the statement at line {line} is not in UTF-8"),
            PlainSqlErrorKind::NoPlaceForColumns => f.write_str(
                "columns get new names, and the dump has no closing comment before which to give them",
            ),
            PlainSqlErrorKind::Mapping(_) => f.write_str("what is in the dump cannot get these names"),
            PlainSqlErrorKind::SearchPath => f.write_str(
                "the dump sets a search_path and names things without their schemas, as pg_dump did before 10.3",
            ),
            PlainSqlErrorKind::Doubts => write!(f, "{} places cannot be proved", self.account.doubt_count()),
        }
    }
}

impl std::error::Error for PlainSqlError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match &self.kind {
            PlainSqlErrorKind::Read(error) | PlainSqlErrorKind::Write(error) => Some(error),
            PlainSqlErrorKind::Mapping(error) => Some(error),
            _ => None,
        }
    }
}
