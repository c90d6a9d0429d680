//! What is asked for with rows that the target refuses.

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use cli::{Failure, Result};

#[derive(Debug, Args)]
pub(crate) struct RejectArgs {
    /// What becomes of rows that the target refuses
    ///
    /// `stop` names the first one by its table, chunk, row and column, and ends the load. `reject` writes each to a
    /// file with the server's reason and loads all others; the schemas go live without them, and the exit code is 1.
    /// Only what is the row's own fault counts: a lost connection, a full disk or a missing privilege always ends the
    /// load.
    #[arg(long, value_enum, default_value_t = OnError::Stop, value_name = "WHAT")]
    on_error: OnError,
    /// The folder for rejected rows; it is made, or is empty
    ///
    /// One CSV file for each table and chunk. Its first columns are those of the table, so that mended rows can go in
    /// by `\copy`; the last ones say which row it is and why it was refused.
    #[arg(long, value_name = "DIR", required_if_eq("on_error", "reject"))]
    rejects: Option<PathBuf>,
    /// Stop all the same when more rows than this are rejected [default: any number may be]
    #[arg(long, value_name = "N", requires = "rejects")]
    reject_max: Option<u64>,
}

/// What becomes of a refused row.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum OnError {
    /// It ends the load
    Stop,
    /// It is set aside
    Reject,
}

/// Where rejected rows go.
#[derive(Debug)]
pub(super) struct Wanted<'a> {
    pub(super) folder: &'a PathBuf,
    pub(super) rows_max: Option<u64>,
}

impl RejectArgs {
    /// None where the first refused row ends the load.
    pub(super) fn wanted(&self) -> Result<Option<Wanted<'_>>> {
        match (self.on_error, &self.rejects) {
            (OnError::Reject, Some(folder)) => Ok(Some(Wanted {
                folder,
                rows_max: self.reject_max,
            })),
            (OnError::Stop, None) => Ok(None),
            _ => Err(Failure::usage(
                "--rejects DIR and --on-error reject belong together",
            )),
        }
    }
}
