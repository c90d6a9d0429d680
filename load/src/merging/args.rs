//! The options of `load` about rows that are joined.

use std::path::PathBuf;

use clap::Args;

/// What is written about rows that are joined.
#[derive(Args, Debug, Default)]
pub(crate) struct MergingArgs {
    /// Write a report of the rows that were joined to FILE, as CSV
    ///
    /// One line for each row of a source that is not in a merged table, since another source has the same by the natural
    /// key: table, source, key, the source and the key of the row that stays, and the names of the columns that differ.
    #[arg(long, value_name = "FILE", conflicts_with_all = ["abandon", "dry_run", "data_only", "restore_test"])]
    pub(crate) joined: Option<PathBuf>,
    /// Have the report, and the target's journal, hold the differing values of joined rows too
    ///
    /// Without it there are the names of the columns alone. The journal keeps the values: whoever may read schema
    /// coalesce can read them.
    #[arg(long, requires = "joined")]
    pub(crate) joined_values: bool,
}
