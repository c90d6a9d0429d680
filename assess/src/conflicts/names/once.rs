//! Names that a database has once, whatever the schema: servers of foreign data wrappers and publications.

use std::collections::{BTreeMap, BTreeSet};

use super::Scene;
use crate::conflicts::conflict::{choices, list};
use crate::conflicts::{Conflict, Severity, Topic};

pub(super) fn find(scene: &Scene<'_>, conflicts: &mut Vec<Conflict>) {
    let mut servers: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    let mut publications: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for side in &scene.sides {
        // A connection that a body opens has no server of its own.
        let of_catalog = side
            .inventory
            .foreign_servers
            .iter()
            .filter(|it| it.wrapper != "dblink");
        for it in of_catalog {
            servers.entry(&it.name).or_default().push(&side.label);
        }
        for it in &side.inventory.publications {
            publications.entry(&it.name).or_default().push(&side.label);
        }
    }
    let on_target: BTreeSet<&str> = scene
        .target
        .iter()
        .flat_map(|it| &it.facts.foreign_servers)
        .map(String::as_str)
        .collect();
    let published: BTreeSet<&str> = scene
        .target
        .iter()
        .flat_map(|it| &it.facts.publications)
        .map(|it| it.name.as_str())
        .collect();
    let mut push = |severity, kind: &str, name: &str, users: &[&str], is_taken: bool, way_out: &str| {
        if users.len() < 2 && !is_taken {
            return;
        }
        let there = if is_taken { ", and on the target" } else { "" };
        conflicts.push(
            Conflict::new(
                severity,
                Topic::Name,
                &[kind, name],
                format!(
                    "{kind} {name} in {}{there}: a database has one of that name",
                    list(users, 5)
                ),
                way_out,
            )
            .with_evidence(users.iter().copied())
            .with_choices(choices::RENAME_OR_FIX),
        );
    };
    for (name, users) in servers {
        let is_taken = on_target.contains(name);
        push(
            Severity::Blocks,
            "server",
            name,
            &users,
            is_taken,
            "rename one in its source: ALTER SERVER … RENAME TO …",
        );
    }
    for (name, users) in publications {
        let is_taken = published.contains(name);
        push(
            Severity::Warns,
            "publication",
            name,
            &users,
            is_taken,
            "they stay behind unless load --apply publications is told; rename one before that",
        );
    }
}
