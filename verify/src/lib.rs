//! `verify`: proof that a target holds what a source holds, like `cmp`. It never writes.

mod afterwards;
mod args;
mod comparison;
mod ends;
mod health;
mod isolation;
mod merging;
mod queries;
mod report;
mod rows;
mod schema;
mod sides;

use clap::{ArgMatches, Command, CommandFactory, FromArgMatches};
use cli::{Failure, Outcome, Ui};

use args::{Args, Command as Asked};
use ends::Ends;
use report::Run;

/// The definition of the tool's arguments.
pub fn command() -> Command {
    Args::command()
}

/// Runs the tool.
pub fn run(matches: &ArgMatches, ui: &Ui) -> cli::Result {
    let mut args = Args::from_arg_matches(matches).map_err(Failure::usage)?;
    if let Some(Asked::Queries(args)) = &args.command {
        return queries::run(args, ui);
    }
    let run = Run::start(&command(), matches);
    let (file, repair) = args.files()?;
    let report = if let Some(archive) = &args.archive {
        sides::archive_alone::check(archive, args.jobs(), ui)?
    } else {
        let ends = Ends::find(&mut args)?;
        comparison::compare(&ends.source, &ends.target, &args, ui)?
    };
    let report = report.made_by(run.finish());
    let sealed = report.render(args.format, args.shown(ui));
    if let Some((file, script)) = repair.zip(report.repair(&sealed.sha256)) {
        file.publish(&script)?;
    }
    match file {
        None => ui.print(sealed.text)?,
        Some(file) => {
            file.publish(&sealed.text)?;
            ui.status(report.closing());
        }
    }
    Ok(if report.is_identical() {
        Outcome::Done
    } else {
        Outcome::Findings
    })
}
