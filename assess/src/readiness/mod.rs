//! `--ready`: whether the move can begin. What is known already (conflicts, what the target offers) is judged; privileges,
//! backups and integrity are looked at here, into rows only as long as `--look-timeout` allows.

mod args;
mod backups;
mod integrity;
mod privileges;
mod target;
mod verdict;
mod ways_out;

use std::time::Duration;

use cli::{Failure, Result, Ui};
use database::Endpoint;
use database::endpoint::PostgresEndpoint;
use plan::{Plan, PlannedSource};
use postgres::Client;

use crate::conflicts::{Conflict, Severity};
use crate::sources::Source;
use crate::target::Target;

pub(crate) use args::ReadyArgs;
pub(crate) use verdict::{Check, Mark, Topic, Verdict};

/// A source with what the plan says of it.
pub(crate) struct Subject<'a> {
    /// How it is called in messages.
    pub(crate) name: &'a str,
    pub(crate) source: &'a Source,
    pub(crate) planned: &'a PlannedSource,
    /// `None` for an archive.
    pub(crate) endpoint: Option<Endpoint>,
}

/// Everything that is judged.
pub(crate) struct Scene<'a> {
    pub(crate) subjects: Vec<Subject<'a>>,
    /// Each with the subjects that go there, by their places.
    pub(crate) targets: Vec<(&'a Target, Vec<usize>)>,
    /// Those that the plan leaves open.
    pub(crate) conflicts: Vec<&'a Conflict>,
    /// What else was found before, such as faults of the plan.
    pub(crate) checks: Vec<Check>,
}

impl Subject<'_> {
    fn server(&self) -> Option<&PostgresEndpoint> {
        match &self.endpoint {
            Some(Endpoint::Postgres(endpoint)) => Some(endpoint),
            _ => None,
        }
    }
}

/// Sources as they were named on the command line, with the plan that is proposed for them.
pub(crate) fn of_sources<'a>(
    words: &[String],
    sources: &'a [Source],
    plan: &'a Plan,
    target: Option<&'a Target>,
    conflicts: &'a [Conflict],
) -> Result<Scene<'a>> {
    let mut subjects = Vec::new();
    for ((words, source), planned) in words.iter().zip(sources).zip(&plan.sources) {
        let endpoint = if source.inventory.server.archive {
            None
        } else {
            Some(Endpoint::parse(words, &cli::environment()).map_err(Failure::source)?)
        };
        subjects.push(Subject {
            name: &planned.name,
            source,
            planned,
            endpoint,
        });
    }
    let all = (0..subjects.len()).collect();
    Ok(Scene {
        subjects,
        targets: target.map(|it| (it, all)).into_iter().collect(),
        conflicts: conflicts.iter().filter(|it| !is_decided(it, plan)).collect(),
        checks: Vec::new(),
    })
}

/// Whether the plan says what becomes of it, in words that it has.
fn is_decided(conflict: &Conflict, plan: &Plan) -> bool {
    plan.conflicts.iter().any(|it| {
        let chosen = it.resolution.as_deref();
        it.id == conflict.id && chosen.is_some_and(|it| conflict.choices.contains(&it))
    })
}

/// Looks at everything and says what stands in the way.
pub(crate) fn judge(scene: Scene<'_>, args: &ReadyArgs, ui: &Ui) -> Result<Verdict> {
    let mut checks = scene.checks;
    checks.extend(of_conflicts(&scene.conflicts));
    if scene.targets.is_empty() {
        let text = "nobody looked, since none is named";
        checks.push(Check::warns(Topic::Target, text, "name it by --target"));
    }
    for (target, places) in &scene.targets {
        let subjects: Vec<&Subject<'_>> = places.iter().map(|it| &scene.subjects[*it]).collect();
        checks.extend(target::judge(target, &subjects));
    }
    let mut sessions = Vec::new();
    for subject in &scene.subjects {
        let session = subject.server().map(|it| session(it, args.look_timeout()));
        sessions.push(session.transpose()?);
    }
    for (subject, session) in scene.subjects.iter().zip(&mut sessions) {
        checks.extend(privileges::judge(subject, session.as_mut())?);
        checks.extend(integrity::judge(subject, session.as_mut())?);
        cli::check_interrupt()?;
    }
    checks.extend(backups::judge(&scene.subjects, &mut sessions, args)?);
    if ui.is_verbose() {
        ui.detail(format_args!("{} lines of readiness", checks.len()));
    }
    Ok(Verdict::of(checks))
}

fn of_conflicts(conflicts: &[&Conflict]) -> Vec<Check> {
    let blocking = conflicts.iter().filter(|it| it.severity == Severity::Blocks);
    let checks: Vec<Check> = blocking
        .map(|it| Check::fails(Topic::Conflicts, &it.text, &it.way_out))
        .collect();
    if checks.is_empty() {
        return vec![Check::holds(Topic::Conflicts, "none is in the way")];
    }
    checks
}

/// A session of its own, which can only read, and in which no statement takes longer than a look may.
fn session(endpoint: &PostgresEndpoint, timeout: Option<Duration>) -> Result<Client> {
    let mut client = endpoint.connect("coalesce assess").map_err(Failure::source)?;
    cli::on_interrupt(endpoint.canceller(&client)).keep();
    let milliseconds = timeout.map_or(0, |it| it.as_millis());
    // An index whose order is in doubt must not be what answers whether its keys are there twice.
    let sql = format!(
        "SET default_transaction_read_only = on; SET statement_timeout = {milliseconds}; SET enable_indexscan = off; \
         SET enable_indexonlyscan = off; SET enable_bitmapscan = off"
    );
    client.batch_execute(&sql).map_err(|error| {
        Failure::new(cli::Exit::Source, "a session could not be set up").with_source(error)
    })?;
    Ok(client)
}
