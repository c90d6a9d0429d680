//! `assess`: what sources hold, where they conflict, and what the plan is. It never writes to a database.

mod args;
mod check_plan;
mod columns;
mod conflicts;
mod dictionary;
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
use planning::Placement;
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
    if let Some(path) = &args.check_plan.check_plan {
        return check_plan::run(path, &args, ui);
    }
    if let Some(path) = &args.planning.plan {
        planning::refuse_existing(path)?;
    }
    let pictures = args.pictures.pictures.as_deref();
    let pictures = pictures.map(pictures::Folder::create).transpose()?;
    let dictionary = args.dictionary.create()?;
    let mut choices = args.sqlite.choices(None)?;
    args.sqlite_names.apply(&mut choices)?;
    let mut sources = sources::take_all(&args, &choices, ui)?;
    let mut words = args.sources.clone();
    let placement = Placement::find(&args.planning, &mut sources, &mut words)?;
    let (mut plan, placements) = planning::propose(&sources, &words, &choices, &placement, &args.planning)?;
    plan.validate()
        .or_fail(Exit::Internal, || "the plan that was made does not hold")?;
    let groups = placement.groups();
    let (targets, conflicts) = planning::look(&sources, &plan, &groups, placements, ui)?;
    planning::enter_decisions(&conflicts, &mut plan);
    let verdict = args.readiness.ready.then(|| {
        let words: Vec<String> = words
            .iter()
            .map(|it| cli::expand_endpoint(it, "a source"))
            .collect::<cli::Result<_>>()?;
        let mut scene = readiness::of_sources(&words, &sources, &plan, None, &conflicts)?;
        let places = groups.iter().map(|it| it.sources.clone().collect());
        scene.targets = targets.iter().zip(places).collect();
        readiness::judge(scene, &args.readiness, ui)
    });
    let verdict = verdict.transpose()?;
    let report = Report {
        verdict: verdict.as_ref(),
        sources: &sources,
        targets: &targets,
        conflicts: &conflicts,
        plan: &plan,
        is_verbose: ui.is_verbose(),
    };
    ui.print(report::render(args.format, &report))?;
    if let Some(folder) = pictures {
        pictures::write(folder, &report, ui)?;
    }
    if let Some(file) = dictionary {
        file.publish(&dictionary::render(&report))?;
    }
    if let Some(saving) = planning::saving(&plan) {
        ui.status(saving);
    }
    if let Some(path) = &args.planning.plan {
        planning::write(path, &plan, ui)?;
    }
    Ok(if verdict.is_some_and(|it| !it.ready) {
        Outcome::Findings
    } else {
        Outcome::Done
    })
}
