//! The plan's file: read whole, with every fault at its line; and endpoints out of it, with what the environment knows.

use std::path::Path;

use plan::{Plan, PlanError, PlannedSource};

use crate::{Exit, Failure, FailureContext, Result};

/// Reads the plan at `path`; the failure has everything that is wrong with it.
pub fn read_plan(path: &Path) -> Result<Plan> {
    let json = std::fs::read_to_string(path).or_fail(Exit::Usage, || {
        format!("plan `{}` cannot be read", path.display())
    })?;
    Plan::parse(&json).map_err(|error| unusable(path, &error))
}

/// The source called `name` of the plan at `path`.
pub(crate) fn planned_source(path: &Path, name: &str) -> Result<PlannedSource> {
    let plan = read_plan(path)?;
    let source = plan.source(name).map_err(|error| unusable(path, &error))?;
    Ok(source.clone())
}

/// What is wrong with the plan at `path`, each line as compilers write it: `plan.json:17: sources[1].map: …`.
pub fn unusable(path: &Path, error: &PlanError) -> Failure {
    let path = path.display();
    let failure = match error.faults() {
        [_] => Failure::usage(format!("plan `{path}` cannot be used")),
        faults => Failure::usage(format!("plan `{path}` cannot be used: {} faults", faults.len())),
    };
    error.faults().iter().fold(failure, |failure, fault| {
        let line = fault.line.map_or_else(String::new, |line| format!("{line}:"));
        failure.with_state(format!("{path}:{line} {fault}"))
    })
}

/// The words of a planned endpoint with what the environment has for `${NAME}`. `of` says whose it is, for the message;
/// the words must not be printed, since they may hold a password now.
pub fn expand_endpoint(words: &str, of: &str) -> Result<String> {
    plan::expand(words, |name| std::env::var(name).ok()).map_err(|missing| match missing {
        Some(name) => Failure::usage(format!(
            "the endpoint of {of} has ${{{name}}}, and the environment has no variable of that name"
        ))
        .with_hint(format!("export {name}=… before")),
        None => Failure::usage(format!("the endpoint of {of} has a ${{ that is not closed")),
    })
}
