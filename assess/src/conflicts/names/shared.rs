//! Names that several sources use and that the plan keeps apart.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use catalog::QualifiedName;

use super::{Placed, Scene, Space};
use crate::conflicts::{Conflict, Severity, Topic};

pub(super) fn find(scene: &Scene<'_>, names: &[Placed], conflicts: &mut Vec<Conflict>) {
    let mut users: BTreeMap<(bool, &str), Vec<&Placed>> = BTreeMap::new();
    // What belongs to a table goes where the table goes, and is told with it.
    for name in names.iter().filter(|it| it.owner.is_none()) {
        let is_routine = name.space == Space::Routine;
        users.entry((is_routine, &name.from.name)).or_default().push(name);
    }
    for ((is_routine, name), group) in users {
        let sides: BTreeSet<usize> = group.iter().map(|it| it.side).collect();
        if sides.len() < 2 {
            continue;
        }
        let of_sides: HashSet<(&QualifiedName, Option<&str>, usize)> = group
            .iter()
            .map(|it| (&it.to, it.arguments.as_deref(), it.side))
            .collect();
        let places: HashSet<(&QualifiedName, Option<&str>)> = of_sides
            .iter()
            .map(|(to, arguments, _)| (*to, *arguments))
            .collect();
        if places.len() < of_sides.len() {
            // They meet, which is told as a clash.
            continue;
        }
        let kinds: BTreeSet<&str> = group.iter().map(|it| it.kind.as_str()).collect();
        let kinds: Vec<&str> = kinds.into_iter().collect();
        let labels: Vec<&str> = sides.iter().map(|it| scene.sides[*it].label.as_str()).collect();
        let evidence: BTreeSet<String> = group
            .iter()
            .map(|it| {
                format!(
                    "{} of {} becomes {}.{}",
                    it.told(),
                    scene.sides[it.side].label,
                    it.to.schema,
                    it.to.name
                )
            })
            .collect();
        let text = format!("{} {name} in {}", kinds.join(" and "), labels.join(", "));
        let call = if is_routine { "()" } else { "" };
        conflicts.push(
            Conflict::new(
                Severity::Resolved,
                Topic::Name,
                &["shared", &format!("{name}{call}")],
                text,
                way(&group),
            )
            .with_evidence(evidence),
        );
    }
}

/// What keeps them apart.
fn way(group: &[&Placed]) -> &'static str {
    let mut schemas: BTreeMap<&str, BTreeSet<usize>> = BTreeMap::new();
    for it in group {
        schemas.entry(&it.to.schema).or_default().insert(it.side);
    }
    if schemas.values().all(|sides| sides.len() == 1) {
        "kept apart by schema"
    } else if group.iter().any(|it| it.to.name != it.from.name) {
        "kept apart by new names"
    } else {
        "kept apart by their arguments"
    }
}
