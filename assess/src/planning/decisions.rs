//! Conflicts in the plan: each with what is proposed, so that a person can decide otherwise.

use plan::{Plan, PlannedConflict};
use serde_json::Value;

use crate::conflicts::{Conflict, Severity};

/// Enters the conflicts that were found. What blocks has no resolution yet: nobody has decided.
pub(crate) fn enter(conflicts: &[Conflict], plan: &mut Plan) {
    plan.conflicts = conflicts.iter().map(planned).collect();
}

fn planned(conflict: &Conflict) -> PlannedConflict {
    let choices: Vec<String> = conflict.choices.iter().map(|it| (*it).to_owned()).collect();
    let proposed = (conflict.severity != Severity::Blocks)
        .then(|| choices.first().cloned())
        .flatten();
    PlannedConflict {
        id: conflict.id.clone(),
        severity: word(conflict.severity),
        topic: conflict.topic.key(),
        text: conflict.text.clone(),
        proposed: Some(conflict.way_out.clone()),
        choices,
        resolution: proposed,
        note: None,
    }
}

fn word(severity: Severity) -> String {
    match serde_json::to_value(severity) {
        Ok(Value::String(word)) => word,
        _ => String::new(),
    }
}
