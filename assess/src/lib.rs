//! `assess`: what sources hold, where they conflict, and what the plan is. It never writes to a database.

mod args;
mod columns;
mod conflicts;
mod large_objects;
mod made_makefile;
mod page;
mod pictures;
mod planning;
mod readiness;
mod report;
mod sources;
mod target;

use clap::{ArgMatches, Command, CommandFactory, FromArgMatches};
use cli::{Exit, Failure, FailureContext, Outcome, Ui};

use args::Args;
use report::Report;

/// The definition of the tool's arguments.
pub fn command() -> Command {
    Args::command()
}

/// Runs the tool.
pub fn run(matches: &ArgMatches, ui: &Ui) -> cli::Result {
    let args = Args::from_arg_matches(matches).map_err(Failure::usage)?;
    if let Some(plan) = &args.made_makefile.make {
        return ui.print(made_makefile::render(plan)?).map(|()| Outcome::Done);
    }
    let pictures = args.pictures.pictures.as_deref();
    let pictures = pictures.map(pictures::Folder::create).transpose()?;
    let mut choices = args.sqlite.choices(None)?;
    args.sqlite_names.apply(&mut choices)?;
    let sources = sources::take_all(&args, &choices, ui)?;
    let (plan, placements) = planning::propose(&sources, &choices);
    plan.validate()
        .or_fail(Exit::Internal, || "the plan that was made does not hold")?;
    let target = args
        .target
        .as_deref()
        .map(|target| target::take(target, &planning::target_schemas(&plan), ui))
        .transpose()?;
    let conflicts = conflicts::find(&sources, target.as_ref(), &plan, placements);
    let verdict = args.readiness.ready.then(|| {
        let scene = readiness::of_sources(&args.sources, &sources, &plan, target.as_ref(), &conflicts)?;
        readiness::judge(scene, &args.readiness, ui)
    });
    let verdict = verdict.transpose()?;
    let report = Report {
        verdict: verdict.as_ref(),
        sources: &sources,
        target: target.as_ref(),
        conflicts: &conflicts,
        plan: &plan,
        is_verbose: ui.is_verbose(),
    };
    ui.print(report::render(args.format, &report)?)?;
    if let Some(folder) = pictures {
        pictures::write(folder, &report, ui)?;
    }
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
    Ok(if verdict.is_some_and(|it| !it.ready) {
        Outcome::Findings
    } else {
        Outcome::Done
    })
}
