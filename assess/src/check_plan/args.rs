//! The arguments of `assess --check-plan`.

use std::path::PathBuf;

use clap::Args;

#[derive(Args, Debug)]
pub(crate) struct CheckPlanArgs {
    /// Say line by line what is wrong with a plan, and what has changed in its sources since it was made; ends with 1
    /// where there is anything
    ///
    /// Told are faults of the file, names that no source has, conflicts without a resolution or with one that is none of
    /// their choices, tables, columns, extensions and roles that are gone, new or others, and conflicts that the plan does
    /// not know. Sources and targets are those of the plan. With --ready, the verdict follows. Nothing is written.
    #[arg(
        long,
        value_name = "FILE",
        conflicts_with_all = ["sources", "target", "to_target", "plan", "into", "cost", "make"],
        help_heading = "Plan"
    )]
    pub(crate) check_plan: Option<PathBuf>,
    /// Look at the plan's file alone, at no source and no target
    #[arg(
        long,
        requires = "check_plan",
        conflicts_with = "ready",
        help_heading = "Plan"
    )]
    pub(super) offline: bool,
}
