//! PL/pgSQL routines that cannot run, as `plpgsql_check` finds them where the target has it.

use cli::{Failure, Result};
use database::postgres::health::{
    Checker, Complaint, RoutineCheck, find_checker, read_application_paths, read_routine_checks,
};
use rayon::prelude::*;

use super::Scene;
use crate::report::{Area, Finding, Weight};
use crate::sides::{Live, Source};

/// The SQLSTATE of a table that is not there.
const UNDEFINED_TABLE: &str = "42P01";

pub(super) fn look(scene: &Scene<'_>) -> Result<Vec<Finding>> {
    let target = scene.target;
    let Some(checker) = checker_of(target, Failure::target)? else {
        return Ok(Vec::new());
    };
    let routines = target
        .with_snapshot(|it| read_routine_checks(it.client(), scene.schemas))
        .map_err(Failure::target)?;
    if routines.is_empty() {
        return Ok(Vec::new());
    }
    if target.identity.in_recovery {
        let finding = Finding::new(Area::Health, "PL/pgSQL routines", "plpgsql_check");
        let note = "a standby cannot check them; ask the primary";
        return Ok(vec![finding.weighing(Weight::NotCompared).with_note(note)]);
    }
    let mut paths = target
        .with_snapshot(|it| read_application_paths(it.client(), scene.schemas))
        .map_err(Failure::target)?;
    paths.insert(0, scene.renamed.search_path.clone());
    let answers: Result<Vec<(&RoutineCheck, Answer)>> = routines
        .par_iter()
        .map(|it| Ok((it, check(target, &checker, it, &paths)?)))
        .collect();
    let answers = answers?;
    let failing: Vec<&RoutineCheck> = answers
        .iter()
        .filter(|(_, it)| it.first_error().is_some())
        .map(|(it, _)| *it)
        .collect();
    let known = known_errors(scene, &failing)?;
    let told = answers
        .iter()
        .flat_map(|(routine, answer)| findings(scene, routine, answer, &known));
    Ok(told.collect())
}

fn checker_of(live: &Live, failure: fn(database::Error) -> Failure) -> Result<Option<Checker>> {
    live.with_snapshot(|it| find_checker(it.client()))
        .map_err(failure)
}

/// What the checker said.
enum Answer {
    Complaints(Vec<Complaint>),
    /// It gave up, for this reason.
    None(String),
}

impl Answer {
    fn first_error(&self) -> Option<&Complaint> {
        match self {
            Answer::Complaints(all) => all.iter().find(|it| it.is_error),
            Answer::None(_) => None,
        }
    }
}

/// Checks under each path until there is nothing to complain of: an application comes under one of them.
fn check(live: &Live, checker: &Checker, routine: &RoutineCheck, paths: &[Vec<String>]) -> Result<Answer> {
    let mut first = None;
    for path in paths {
        let answer = live.with_session(|session| checker.check(session, routine, path))?;
        let answer = match answer.map_err(Failure::target) {
            Ok(complaints) => Answer::Complaints(complaints),
            Err(failure) => match failure.server_error() {
                Some(error) if !failure.is_lost_session() => Answer::None(error.message().to_owned()),
                _ => return Err(failure),
            },
        };
        if matches!(&answer, Answer::Complaints(_)) && answer.first_error().is_none() {
            return Ok(answer);
        }
        first.get_or_insert(answer);
    }
    Ok(first.unwrap_or(Answer::Complaints(Vec::new())))
}

/// Errors that a live source with the checker has in the routines of the same name, by the names of the target.
fn known_errors(scene: &Scene<'_>, failing: &[&RoutineCheck]) -> Result<Vec<(String, String, String)>> {
    let Source::Postgres(live) = scene.source else {
        return Ok(Vec::new());
    };
    let checker = match checker_of(live, Failure::source)? {
        Some(checker) if !failing.is_empty() && !live.identity.in_recovery => checker,
        _ => return Ok(Vec::new()),
    };
    let catalog = scene.source.catalog();
    let schemas: Vec<String> = catalog.schemas.iter().map(|it| it.name.clone()).collect();
    let routines = live
        .with_snapshot(|it| read_routine_checks(it.client(), &schemas))
        .map_err(Failure::source)?;
    let paths = [catalog.search_path.clone()];
    let mut known = Vec::new();
    for routine in &routines {
        let mut pairs = catalog.objects.iter().zip(&scene.renamed.objects);
        let pair = pairs.find(|(old, _)| old.schema == routine.schema && old.name == routine.name);
        let Some((_, new)) = pair else { continue };
        if !failing
            .iter()
            .any(|it| it.schema == new.schema && it.name == new.name)
        {
            continue;
        }
        if let Some(error) = check(live, &checker, routine, &paths)?.first_error() {
            known.push((new.schema.clone(), new.name.clone(), error.sqlstate.clone()));
        }
    }
    Ok(known)
}

fn findings(
    scene: &Scene<'_>,
    routine: &RoutineCheck,
    answer: &Answer,
    known: &[(String, String, String)],
) -> Vec<Finding> {
    let finding = || Finding::new(Area::Health, &routine.object, "plpgsql_check");
    let complaints = match answer {
        Answer::Complaints(complaints) => complaints,
        Answer::None(reason) => {
            return vec![finding().weighing(Weight::NotCompared).with_note(reason)];
        }
    };
    let said = |it: &Complaint| match &it.line {
        Some(line) => format!("line {line}: {} (SQLSTATE {})", it.message, it.sqlstate),
        None => format!("{} (SQLSTATE {})", it.message, it.sqlstate),
    };
    let warnings = complaints.iter().filter(|it| !it.is_error && scene.is_verbose);
    let mut findings: Vec<Finding> = warnings
        .map(|it| finding().weighing(Weight::Advice).with_note(said(it)))
        .collect();
    let Some(error) = answer.first_error() else {
        return findings;
    };
    let is_known = known.iter().any(|(schema, name, sqlstate)| {
        *schema == routine.schema && *name == routine.name && *sqlstate == error.sqlstate
    });
    let errors = complaints.iter().filter(|it| it.is_error).count();
    let more = match errors {
        0 | 1 => String::new(),
        more => format!("; {} more", more - 1),
    };
    let note = format!("{}{more}", said(error));
    findings.push(if is_known {
        finding()
            .weighing(Weight::Expected)
            .with_note(format!("{note}; so it is in the source"))
    } else if routine.makes_temporary && error.sqlstate == UNDEFINED_TABLE {
        finding().weighing(Weight::Advice).with_note(format!(
            "{note}; it makes temporary tables, which the checker does not see"
        ))
    } else {
        finding().with_note(note)
    });
    findings
}
