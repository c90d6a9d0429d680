//! The arguments of `remap-schema --merge`.

/// Tables of several sources that become one.
#[derive(clap::Args, Clone, Debug, Default)]
#[command(next_help_heading = "Merging")]
pub(crate) struct MergeArgs {
    /// Fold the archives of several sources into one, with the tables that the plan merges: give --plan, and NAME=ARCHIVE
    /// for each source instead of the input
    ///
    /// Each ARCHIVE is a file or a directory that `dump` wrote of the plan's source NAME. Every source gets the names that
    /// the plan has for it, and its tables that the plan merges become parts of one table each; one `load` then takes
    /// all of it or nothing. What cannot be merged is refused by name before anything is written.
    #[arg(
        long,
        requires = "plan",
        conflicts_with_all = ["source_name", "uuid_keys", "to", "map", "prefix", "rename", "snake_case", "extensions_schema"]
    )]
    pub(crate) merge: bool,
}
