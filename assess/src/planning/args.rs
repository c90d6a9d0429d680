//! The arguments that say what the plan is to be.

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use plan::Layout;

const HEADING: &str = "Plan";

#[derive(Args, Debug)]
pub(crate) struct PlanningArgs {
    /// The database that is to take the sources in; with several, each with a name, and --to-target says which source
    /// goes where [repeatable]
    #[arg(long, value_name = "[NAME=]TARGET", help_heading = HEADING)]
    pub(crate) target: Vec<String>,
    /// Which target SOURCE goes to: SOURCE as it was typed, or by its name in the plan [default: the only target]
    /// [repeatable]
    #[arg(long, value_name = "SOURCE=NAME", requires = "target", help_heading = HEADING)]
    pub(crate) to_target: Vec<String>,
    /// Write a plan to this new file: what becomes of every source, and why
    ///
    /// It holds targets, sources in their order, new names, merges, all choices for SQLite files, the conflicts with what
    /// is proposed for each, and what each source had, so that --check-plan can say what changed. No password is in it.
    #[arg(long, value_name = "FILE", help_heading = HEADING)]
    pub(crate) plan: Option<PathBuf>,
    /// How the names of the sources are kept apart
    #[arg(long, value_enum, default_value_t = LayoutWord::Schema, value_name = "LAYOUT", help_heading = HEADING)]
    layout: LayoutWord,
    /// The schema that sources share, with --layout prefix and merge [default: public]
    ///
    /// It takes each source's `public`, or the only schema that it has; other schemas keep their names.
    #[arg(long, value_name = "SCHEMA", help_heading = HEADING)]
    pub(super) into: Option<String>,
    /// What a source or a target costs in a month, in whatever currency all have, for the saving; SOURCE or TARGET as
    /// typed or by its name in the plan [repeatable]
    #[arg(long, value_name = "NAME=AMOUNT", help_heading = HEADING)]
    pub(super) cost: Vec<String>,
}

/// The values of `--layout`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum LayoutWord {
    /// Every source has schemas of its own
    Schema,
    /// All share a schema, and what clashes is called after its source
    Prefix,
    /// All share a schema, tables of one name and fitting columns become one, and what else clashes is called after its
    /// source
    Merge,
}

impl PlanningArgs {
    pub(super) fn layout(&self) -> Layout {
        match self.layout {
            LayoutWord::Schema => Layout::Schema,
            LayoutWord::Prefix => Layout::Prefix,
            LayoutWord::Merge => Layout::Merge,
        }
    }
}
