//! `assess`: what sources hold, where they conflict, and what the plan is. It never writes to a database.

mod args;
mod conflicts;
mod inventory;
mod planning;
mod report;

use clap::{ArgMatches, Command, CommandFactory, FromArgMatches};
use cli::{Exit, Failure, FailureContext, Outcome, Ui};

use args::Args;
use inventory::Inventory;

/// The definition of the tool's arguments.
pub fn command() -> Command {
    Args::command()
}

/// Runs the tool.
pub fn run(matches: &ArgMatches, ui: &Ui) -> cli::Result {
    let args = Args::from_arg_matches(matches).map_err(Failure::usage)?;
    let sources: Vec<Inventory> = args
        .sources
        .iter()
        .map(|source| inventory::take(source, Failure::source, ui))
        .collect::<cli::Result<_>>()?;
    let target = args
        .target
        .as_deref()
        .map(|target| inventory::take(target, Failure::target, ui))
        .transpose()?;
    let plan = planning::propose(&sources);
    let conflicts = conflicts::find(&sources, target.as_ref(), &plan);
    ui.print(report::render(args.format, &sources, target.as_ref(), &conflicts))?;
    if let Some(path) = &args.plan {
        let write = || {
            use std::io::Write;
            let mut file = std::fs::OpenOptions::new()
                .write(true)
                .create_new(true)
                .open(path)?;
            writeln!(file, "{}", plan.to_json())
        };
        write().or_fail(Exit::Usage, || {
            format!("plan `{}` cannot be written", path.display())
        })?;
        ui.status(format_args!("plan written to {}", path.display()));
    }
    let blocked = conflicts
        .iter()
        .any(|it| it.severity == conflicts::Severity::Blocks);
    Ok(if args.ready && blocked {
        Outcome::Findings
    } else {
        Outcome::Done
    })
}
