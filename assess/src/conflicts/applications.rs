//! Who is connected to a source, and so has to be told that it moves.

use std::collections::BTreeMap;

use cli::count;

use super::conflict::list;
use super::{Conflict, Scene, Severity, Topic};

pub(super) fn find(scene: &Scene<'_>, conflicts: &mut Vec<Conflict>) {
    for side in &scene.sides {
        if side.inventory.connections.is_empty() {
            continue;
        }
        let mut of_application: BTreeMap<(&str, &str), u64> = BTreeMap::new();
        for it in &side.inventory.connections {
            *of_application.entry((&it.application, &it.role)).or_default() += it.count;
        }
        let mut heaviest: Vec<(&(&str, &str), &u64)> = of_application.iter().collect();
        heaviest.sort_by_key(|(name, number)| (std::cmp::Reverse(**number), **name));
        let told: Vec<String> = heaviest
            .iter()
            .map(|((application, role), number)| {
                let application = if application.is_empty() {
                    "(no name)"
                } else {
                    application
                };
                format!("{application} as {role} ({})", count(**number))
            })
            .collect();
        let evidence = side.inventory.connections.iter().map(|it| {
            let application = if it.application.is_empty() {
                "(no name)"
            } else {
                &it.application
            };
            let client = it.client.as_deref().unwrap_or("a socket of its own machine");
            format!(
                "{application} as {} from {client}: {} connections, {} active",
                it.role,
                count(it.count),
                count(it.active)
            )
        });
        conflicts.push(
            Conflict::new(
                Severity::Notes,
                Topic::Application,
                &[side.key()],
                format!("connected to {}: {}", side.label, list(&told, 4)),
                "tell them the new address, database, role and search_path, and when",
            )
            .with_evidence(evidence)
            .with_choices(&["accept"]),
        );
    }
}
