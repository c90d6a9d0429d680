//! Room on the target: for connections, and on its disk.

use std::collections::BTreeSet;

use cli::{count, size};

use super::roles::cluster;
use super::{Conflict, Scene, Severity, Side, Topic};
use crate::target::Target;

pub(super) fn find(scene: &Scene<'_>, conflicts: &mut Vec<Conflict>) {
    if let Some(target) = scene.target {
        connections(scene, target, conflicts);
    }
    space(scene, conflicts);
}

/// What all sources use at the moment, against what the target leaves to them.
fn connections(scene: &Scene<'_>, target: &Target, conflicts: &mut Vec<Conflict>) {
    let facts = &target.facts;
    let is_elsewhere = |side: &&Side<'_>| match (&facts.cluster, &side.inventory.server.cluster) {
        (Some(there), Some(here)) => there != here,
        _ => true,
    };
    let servers: Vec<&Side<'_>> = scene
        .sides
        .iter()
        .filter(|it| it.inventory.is_postgres() && !it.inventory.server.archive)
        .collect();
    let coming: u32 = servers
        .iter()
        .filter(|it| is_elsewhere(it))
        .map(|it| it.inventory.server.connections)
        .sum();
    let of_sources: u32 = servers.iter().map(|it| it.inventory.server.connections).sum();
    let usable = facts.max_connections.saturating_sub(facts.reserved_connections);
    let each: Vec<String> = servers
        .iter()
        .filter(|it| it.inventory.server.connections > 0)
        .map(|it| format!("{}: {}", it.label, it.inventory.server.connections))
        .collect();
    let number = |it: u32| count(u64::from(it));
    if facts.max_connections > 0 && facts.connections + coming > usable {
        conflicts.push(
            Conflict::new(
                Severity::Warns,
                Topic::Connections,
                &["max_connections"],
                format!(
                    "{} connections in use by the sources and {} by {} do not fit into {} (max_connections {} without {} reserved)",
                    number(coming),
                    number(facts.connections),
                    target.name,
                    number(usable),
                    number(facts.max_connections),
                    number(facts.reserved_connections)
                ),
                "raise max_connections (a restart), or put a pooler before it",
            )
            .with_evidence(each.clone()),
        );
    }
    if let Some(limit) = facts.connection_limit.filter(|it| of_sources > *it) {
        let database = catalog::quote_ident(&target.identity.database);
        conflicts.push(
            Conflict::new(
                Severity::Warns,
                Topic::Connections,
                &["database"],
                format!(
                    "{} connections in use by the sources, and {} takes {}",
                    number(of_sources),
                    target.name,
                    number(limit)
                ),
                format!("ALTER DATABASE {database} CONNECTION LIMIT {of_sources}"),
            )
            .with_evidence(each),
        );
    }
    limits(&servers, usable, conflicts);
}

/// Limits that somebody has set in the sources are what an application may grow to.
fn limits(servers: &[&Side<'_>], usable: u32, conflicts: &mut Vec<Conflict>) {
    let (mut seen, mut found, mut sum) = (BTreeSet::new(), Vec::new(), 0_u64);
    for side in servers {
        let of = cluster(side.inventory);
        let roles = side
            .inventory
            .roles
            .iter()
            .filter_map(|it| Some((it, it.connection_limit?)));
        for (role, limit) in roles.filter(|(it, limit)| it.login && *limit > 0) {
            if seen.insert((of.clone(), role.name.clone())) {
                sum += u64::from(limit);
                found.push(format!("role {} of {}: {limit}", role.name, side.label));
            }
        }
        if let Some(limit) = side.inventory.server.connection_limit {
            found.push(format!("database {}: {limit}", side.label));
        }
    }
    if sum > u64::from(usable) && usable > 0 {
        conflicts.push(
            Conflict::new(
                Severity::Notes,
                Topic::Connections,
                &["limits"],
                format!(
                    "roles of the sources may open {} connections, and the target has {}",
                    count(sum),
                    count(u64::from(usable))
                ),
                "set their CONNECTION LIMIT on the target so that one application leaves room for others",
            )
            .with_evidence(found),
        );
    }
}

/// No server tells a normal role how much room its disk has.
fn space(scene: &Scene<'_>, conflicts: &mut Vec<Conflict>) {
    // Tables that were never analysed tell no bytes of their own.
    let bytes = |side: &Side<'_>| side.inventory.bytes().max(side.inventory.server.bytes);
    let sum: u64 = scene.sides.iter().map(bytes).sum();
    if sum == 0 {
        return;
    }
    let largest = scene.sides.iter().map(bytes).max().unwrap_or(0);
    conflicts.push(
        Conflict::new(
            Severity::Notes,
            Topic::Space,
            &["disk"],
            format!(
                "the sources hold {} with indexes; while keys are built and tables are converted up to {} more is needed at once",
                size(sum),
                size(largest)
            ),
            "no server tells its free disk: look there, then load --space SIZE refuses what does not fit",
        )
        .with_evidence(
            scene
                .sides
                .iter()
                .map(|it| format!("{}: {}", it.label, size(bytes(it)))),
        ),
    );
}
