//! Proofs beyond those that every load gives: the target read back before it goes live, and a restore that is thrown
//! away again.

mod read_back;
mod restore_test;
mod units;

use clap::Args;

pub(crate) use read_back::ReadBack;
pub(crate) use restore_test::{Scratch, leave_out, restore_test};

/// What else is to be proved, and how fast rows may pass.
#[derive(Args, Debug, Default)]
pub(crate) struct ProofArgs {
    /// Read every table back from the target before it goes live, and compare it with the archive's fingerprints
    ///
    /// This finds what changed rows after they were sent: a function that a materialized view or an index calls, or
    /// another session. On a difference nothing goes live. It comes before the statements of --after, whose changes are
    /// the user's own and are not proved.
    #[arg(long, conflicts_with = "abandon")]
    pub(crate) read_back: bool,
    /// Prove that the archive can be restored: load it into a scratch database on the server of TARGET, read it back,
    /// and drop the database
    ///
    /// TARGET names any database of the server, which is not touched; the role needs CREATEDB. The scratch database is
    /// dropped after a failure and after Ctrl-C too. Policies for roles that the server does not have are left out and
    /// listed, with exit status 1.
    #[arg(long, conflicts_with_all = ["abandon", "apply", "resume", "RoleArgs", "after"])]
    pub(crate) restore_test: bool,
    #[command(flatten)]
    pub(crate) rate: cli::RateArgs,
}

impl ProofArgs {
    /// Whether the target is read back before it goes live.
    pub(crate) fn reads_back(&self) -> bool {
        self.read_back || self.restore_test
    }
}
