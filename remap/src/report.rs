//! What is said of a rewriting, on stderr.

use cli::{Ui, count};
use plan::Mapping;
use rewrite::{Counts, Doubt, Unresolved};

/// Tells what was renamed and every doubt.
pub(crate) fn say(mapping: &Mapping, schemas: &[String], counts: Counts, doubts: &[Doubt], ui: &Ui) {
    let renamed = schemas
        .iter()
        .map(|schema| (schema, mapping.schema(schema)))
        .filter(|(old, new)| *old != new);
    let renamed: Vec<String> = renamed.map(|(old, new)| format!("{old} → {new}")).collect();
    let renamed = if renamed.is_empty() {
        "no schema renamed".to_owned()
    } else {
        renamed.join(", ")
    };
    let number = |number: usize| count(number as u64);
    let end = match doubts.len() {
        0 => "no doubts".to_owned(),
        1 => "1 doubt:".to_owned(),
        more => format!("{} doubts:", number(more)),
    };
    ui.status(format_args!(
        "{renamed}  {} names in {} statements, {} in {} bodies; {end}",
        number(counts.names),
        number(counts.statements),
        number(counts.body_names),
        number(counts.bodies),
    ));
    for doubt in doubts {
        ui.status(format_args!(
            "{} line {}: {}",
            doubt.object, doubt.line, doubt.reason
        ));
    }
}

/// Tells which values in rows mean nothing on the target.
pub(crate) fn say_unresolved(unresolved: &[Unresolved], ui: &Ui) {
    for finding in unresolved {
        ui.status(finding);
    }
}
