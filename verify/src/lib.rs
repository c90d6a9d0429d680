//! `verify`: proof that a target holds what a source holds, like `cmp`. It never writes.

mod args;
mod comparison;
mod report;
mod rows;
mod schema;
mod sides;

use clap::{ArgMatches, Command, CommandFactory, FromArgMatches};
use cli::{Failure, Outcome, Ui};

use args::Args;

/// The definition of the tool's arguments.
pub fn command() -> Command {
    Args::command()
}

/// Runs the tool.
pub fn run(matches: &ArgMatches, ui: &Ui) -> cli::Result {
    let args = Args::from_arg_matches(matches).map_err(Failure::usage)?;
    let report = match (&args.archive, &args.source, &args.target) {
        (Some(archive), _, _) => sides::archive_alone::check(archive, args.jobs(), ui)?,
        (None, Some(source), Some(target)) => comparison::compare(source, target, &args, ui)?,
        _ => return Err(Failure::usage("name a SOURCE and a TARGET, or --archive FILE")),
    };
    ui.print(report.render(args.format))?;
    Ok(if report.is_identical() {
        Outcome::Done
    } else {
        Outcome::Findings
    })
}
