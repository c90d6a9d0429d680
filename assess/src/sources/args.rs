//! How much a census may ask of a server.

use std::time::Duration;

use clap::Args;

/// Options of the census of a live server.
#[derive(Args, Clone, Debug)]
pub(crate) struct CensusArgs {
    /// Count the rows of every table of a server, which reads all of them; without it the planner's estimate is shown
    ///
    /// Counting takes ACCESS SHARE on each table, one at a time for each of --jobs sessions, and waits 2 seconds at
    /// most for a table that somebody holds: such a table keeps its estimate, and the report says so. Rows of SQLite
    /// files and of archives are always exact.
    #[arg(long, help_heading = "Census")]
    pub(crate) exact: bool,
    /// Sessions that count at once, for each source
    #[arg(long, default_value_t = 4, value_name = "N", help_heading = "Census",
        value_parser = clap::value_parser!(u32).range(1..=64))]
    pub(crate) jobs: u32,
    /// Seconds that each question to a server may take, counting included; 0 sets no limit
    #[arg(long, default_value_t = 60, value_name = "SECONDS", help_heading = "Census")]
    pub(crate) statement_timeout: u32,
}

impl CensusArgs {
    /// `None` for no limit.
    pub(crate) fn timeout(&self) -> Option<Duration> {
        (self.statement_timeout > 0).then(|| Duration::from_secs(self.statement_timeout.into()))
    }
}
