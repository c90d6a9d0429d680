//! `--check-plan`: whether a plan holds, and whether its sources are still those that it was made of.

mod args;
mod changes;
mod findings;
mod names;
mod refusals;

use std::path::Path;

use cli::{Exit, FailureContext, Outcome, Result, Ui};
use plan::{Lines, Plan};

use crate::args::Args;
use crate::conflicts::{Conflict, Severity, Topic};
use crate::planning::{self, Group};
use crate::readiness::{self, Verdict};
use crate::report::Format;
use crate::sources;

pub(crate) use args::CheckPlanArgs;
use findings::{Findings, Kind};

/// Runs `assess --check-plan`.
pub(crate) fn run(path: &Path, args: &Args, ui: &Ui) -> Result {
    let json = std::fs::read_to_string(path).or_fail(Exit::Usage, || {
        format!("plan `{}` cannot be read", path.display())
    })?;
    let mut findings = Findings::default();
    let mut verdict = None;
    match Plan::parse(&json) {
        Err(error) => findings.take_faults(&error),
        Ok(plan) => {
            findings.lines = Lines::of(&json);
            decisions(&plan, &mut findings);
            if args.check_plan.offline {
                names::by_the_plan(&plan, &mut findings);
            } else {
                verdict = look(plan, args, &mut findings, ui)?;
            }
        }
    }
    let holds = findings.is_empty();
    let text = match args.format {
        Format::Json => findings.render_json(path, args.check_plan.offline, verdict.as_ref()),
        _ => findings.render_text(path, verdict.as_ref()),
    };
    ui.print(text)?;
    Ok(if holds && verdict.is_none_or(|it| it.ready) {
        Outcome::Done
    } else {
        Outcome::Findings
    })
}

/// Conflicts that nobody has decided.
fn decisions(plan: &Plan, findings: &mut Findings) {
    for (at, conflict) in plan.conflicts.iter().enumerate() {
        if conflict.resolution.is_none() {
            let choices = match conflict.choices.as_slice() {
                [] => String::new(),
                choices => format!(" (`resolution`: {})", choices.join(", ")),
            };
            findings.add(
                format!("conflicts[{at}]"),
                Kind::Conflict,
                format!("nobody has decided: {}{choices}", conflict.text),
            );
        }
    }
}

/// Looks at all sources and targets of the plan.
fn look(mut plan: Plan, args: &Args, findings: &mut Findings, ui: &Ui) -> Result<Option<Verdict>> {
    // Sources of one target stand together; their places in the file stay known.
    let place = |it: &plan::PlannedSource| {
        let target = plan.target_of(it).ok();
        plan.targets
            .iter()
            .position(|one| target.is_some_and(|it| it.name == one.name))
    };
    let mut order: Vec<usize> = (0..plan.sources.len()).collect();
    order.sort_by_key(|at| place(&plan.sources[*at]));
    let places: Vec<Option<usize>> = order.iter().map(|at| place(&plan.sources[*at])).collect();
    plan.sources = order.iter().map(|at| plan.sources[*at].clone()).collect();
    let mut wanted = Vec::new();
    for source in &plan.sources {
        let words = cli::expand_endpoint(&source.endpoint, &format!("source {}", source.name))?;
        let mut choices = args.sqlite.choices(Some(source))?;
        args.sqlite_names.apply(&mut choices)?;
        wanted.push((words, choices));
    }
    let sources = sources::take_planned(&wanted, args, ui)?;
    for ((at, source), planned) in order.iter().zip(&sources).zip(&plan.sources) {
        let path = format!("sources[{at}]");
        changes::find(planned, &source.inventory, &path, findings);
        let known = findings.len();
        names::by_source(planned, &source.inventory, &path, findings);
        // What is not there cannot be changed either: once is enough.
        if findings.len() == known {
            refusals::find(planned, source, &path, findings);
        }
    }
    let mut groups = Vec::new();
    for (at, target) in plan.targets.iter().enumerate() {
        let words = cli::expand_endpoint(&target.endpoint, &format!("target {}", target.name))?;
        groups.push(Group {
            name: target.name.clone(),
            words,
            sources: places.partition_point(|it| *it < Some(at))
                ..places.partition_point(|it| *it <= Some(at)),
        });
    }
    let (targets, conflicts) = planning::look(&sources, &plan, &groups, Vec::new(), ui)?;
    judge_conflicts(&plan, &conflicts, findings);
    if !args.readiness.ready {
        return Ok(None);
    }
    let words: Vec<String> = wanted.into_iter().map(|(words, _)| words).collect();
    let mut scene = readiness::of_sources(&words, &sources, &plan, None, &conflicts)?;
    let of_targets = groups.iter().map(|it| it.sources.clone().collect());
    scene.targets = targets.iter().zip(of_targets).collect();
    readiness::judge(scene, &args.readiness, ui).map(Some)
}

/// Conflicts that are there now: those that the plan does not know, and resolutions that they do not have.
fn judge_conflicts(plan: &Plan, found: &[Conflict], findings: &mut Findings) {
    for conflict in found {
        let known = plan.conflicts.iter().position(|it| it.id == conflict.id);
        match known {
            Some(at) => {
                let resolution = plan.conflicts[at].resolution.as_deref();
                if let Some(chosen) = resolution.filter(|it| !conflict.choices.contains(it)) {
                    let choices = conflict.choices.join(", ");
                    findings.add(
                        format!("conflicts[{at}].resolution"),
                        Kind::Conflict,
                        format!("`{chosen}` is none of its choices: {choices}"),
                    );
                }
            }
            // What the plan asks for has been done.
            None if conflict.is_loaded() => findings.notes.push(conflict.text.clone()),
            None if is_to_be_decided(conflict) => findings.add(
                "conflicts",
                Kind::Conflict,
                format!("{} is not among them: {}", conflict.id, conflict.text),
            ),
            None => {}
        }
    }
}

/// Who is connected changes from one moment to the next, and is no reason to make another plan.
fn is_to_be_decided(conflict: &Conflict) -> bool {
    let passes = matches!(conflict.topic, Topic::Application | Topic::Connections);
    conflict.severity == Severity::Blocks || (conflict.severity == Severity::Warns && !passes)
}
