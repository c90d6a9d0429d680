//! The arguments of `assess --ready`.

use std::path::PathBuf;
use std::time::Duration;

use clap::Args;

#[derive(Args, Debug)]
pub(crate) struct ReadyArgs {
    /// Say whether the move can begin, and end with 1 when it cannot
    ///
    /// Looked at are conflicts, the target (what its role may do, versions, encoding, extensions, names that are
    /// taken), the privileges of the sources' roles, backups, and integrity: rows behind foreign keys that are NOT
    /// VALID, invalid indexes, keys that an index of another collation's version may have let in twice. What was not
    /// looked at is said, and is no obstacle. Nothing is written.
    #[arg(long, help_heading = "Readiness")]
    pub(crate) ready: bool,
    /// A backup of one of the sources: an archive made by `dump`, a file or a directory; it must be whole, of that
    /// source and fresh [repeatable]
    #[arg(long, value_name = "PATH", requires = "ready", help_heading = "Readiness")]
    pub(crate) backup: Vec<PathBuf>,
    /// Hours that a backup may be old
    #[arg(
        long,
        value_name = "HOURS",
        default_value_t = 24,
        requires = "ready",
        help_heading = "Readiness"
    )]
    backup_age: u32,
    /// Seconds that each look into rows, and into a backup that is a file, may take; 0: as long as it wants
    #[arg(
        long,
        value_name = "SECONDS",
        default_value_t = 10,
        requires = "ready",
        help_heading = "Readiness"
    )]
    look_timeout: u32,
}

impl ReadyArgs {
    pub(super) fn backup_age(&self) -> Duration {
        Duration::from_hours(u64::from(self.backup_age))
    }

    /// `None` for no limit.
    pub(super) fn look_timeout(&self) -> Option<Duration> {
        (self.look_timeout > 0).then(|| Duration::from_secs(u64::from(self.look_timeout)))
    }
}
