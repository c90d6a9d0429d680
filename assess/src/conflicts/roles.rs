//! Roles: one name for different people in different clusters, and owners, grantees and policies whose roles the target
//! does not have.

use std::collections::{BTreeMap, BTreeSet};

use catalog::quote_ident;
use inventory::{Inventory, Role};

use super::conflict::{choices, list, number_of};
use super::{Conflict, Scene, Severity, Side, Topic};
use crate::target::Target;

pub(super) fn find(scene: &Scene<'_>, conflicts: &mut Vec<Conflict>) {
    between_sources(scene, conflicts);
    let Some(target) = scene.target else { return };
    for side in scene.sides.iter().filter(|it| it.inventory.is_postgres()) {
        conflicts.extend(policies(side, target));
        conflicts.extend(missing(side, target));
        against_target(side, target, conflicts);
    }
}

/// A role of a source under the name that it has on the target; none where the plan drops it.
fn target_name<'a>(side: &'a Side<'_>, role: &'a str) -> Option<&'a str> {
    match side.planned.roles.get(role) {
        Some(new) => new.as_deref(),
        None => Some(role),
    }
}

/// One name on the target for roles of several clusters.
fn between_sources(scene: &Scene<'_>, conflicts: &mut Vec<Conflict>) {
    let mut users: BTreeMap<&str, Vec<(&Side<'_>, &Role)>> = BTreeMap::new();
    for side in scene.sides.iter().filter(|it| knows_roles(it.inventory)) {
        for role in &side.inventory.roles {
            if let Some(name) = target_name(side, &role.name) {
                users.entry(name).or_default().push((side, role));
            }
        }
    }
    for (name, group) in users {
        let clusters: BTreeSet<String> = group.iter().map(|(side, _)| cluster(side.inventory)).collect();
        if clusters.len() < 2 {
            continue;
        }
        let differences = differences(&group);
        let labels: Vec<&str> = group.iter().map(|(side, _)| side.label.as_str()).collect();
        let is_superuser = group.iter().all(|(_, role)| role.superuser);
        let (severity, text) = if !differences.is_empty() {
            let text = format!("role {name} differs: {}", list(&differences, 4));
            (Severity::Warns, text)
        } else if is_superuser {
            // Every cluster has its own administrator.
            continue;
        } else {
            let text = format!(
                "role {name} is there in {} clusters ({}): it may mean different people",
                clusters.len(),
                labels.join(", ")
            );
            (Severity::Notes, text)
        };
        conflicts.push(
            Conflict::new(
                severity,
                Topic::Role,
                &[name, "sources"],
                text,
                "one role gets the rights of both: give one a new name by `roles` in the plan, if they are two people",
            )
            .with_evidence(group.iter().map(|(side, role)| format!("{}: {}", side.label, told(role))))
            .with_choices(&["accept", "rename"]),
        );
    }
}

/// An archive has the names of roles alone.
fn knows_roles(inventory: &Inventory) -> bool {
    inventory.is_postgres() && !inventory.server.archive
}

/// What tells one cluster from another.
pub(super) fn cluster(inventory: &Inventory) -> String {
    let server = &inventory.server;
    let address = || {
        server
            .address
            .clone()
            .unwrap_or_else(|| inventory.endpoint.clone())
    };
    server.cluster.clone().unwrap_or_else(address)
}

/// `superuser in a, not in b`
fn differences(group: &[(&Side<'_>, &Role)]) -> Vec<String> {
    type Has = fn(&Role) -> bool;
    let flags: [(&str, Has); 3] = [
        ("superuser", |it| it.superuser),
        ("LOGIN", |it| it.login),
        ("BYPASSRLS", |it| it.bypass_row_security),
    ];
    let mut found = Vec::new();
    for (word, has) in flags {
        let (with, without): (Vec<_>, Vec<_>) = group.iter().partition(|(_, role)| has(role));
        if !with.is_empty() && !without.is_empty() {
            let names = |these: &[&(&Side<'_>, &Role)]| {
                let names: Vec<&str> = these.iter().map(|(side, _)| side.label.as_str()).collect();
                names.join(", ")
            };
            found.push(format!("{word} in {}, not in {}", names(&with), names(&without)));
        }
    }
    let memberships: BTreeSet<&[String]> = group.iter().map(|(_, role)| role.member_of.as_slice()).collect();
    if memberships.len() > 1 {
        let each = group.iter().map(|(side, role)| {
            let of = if role.member_of.is_empty() {
                "none".to_owned()
            } else {
                role.member_of.join(", ")
            };
            format!("member of {of} in {}", side.label)
        });
        found.extend(each);
    }
    found
}

/// `login, superuser, member of readers; owns 3, granted 12`
fn told(role: &Role) -> String {
    let mut words: Vec<String> = Vec::new();
    for (word, is_so) in [
        ("login", role.login),
        ("superuser", role.superuser),
        ("bypasses row security", role.bypass_row_security),
    ] {
        if is_so {
            words.push(word.to_owned());
        }
    }
    if !role.member_of.is_empty() {
        words.push(format!("member of {}", role.member_of.join(", ")));
    }
    words.push(format!("owns {}", cli::count(role.owned)));
    words.push(format!("granted {}", cli::count(role.granted)));
    words.join(", ")
}

/// Policies cannot be made without the roles that they name.
fn policies(side: &Side<'_>, target: &Target) -> Option<Conflict> {
    let mut missing: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    for table in &side.inventory.tables {
        for policy in &table.policies {
            for role in policy
                .roles
                .iter()
                .filter(|it| !it.eq_ignore_ascii_case("public"))
            {
                let Some(name) = target_name(side, role) else {
                    continue;
                };
                if target.facts.role(name).is_none() {
                    let policy = format!("policy {} of {}", policy.name, table.label());
                    missing.entry(name).or_default().push(policy);
                }
            }
        }
    }
    if missing.is_empty() {
        return None;
    }
    let roles: Vec<&str> = missing.keys().copied().collect();
    let evidence: Vec<String> = missing
        .iter()
        .flat_map(|(role, policies)| policies.iter().map(move |it| format!("{it} names {role}")))
        .collect();
    let text = format!(
        "{} of {} {} {}, which {} lacks",
        number_of(evidence.len(), "policy", "policies"),
        side.label,
        if evidence.len() == 1 { "names" } else { "name" },
        list(&roles, 3),
        target.name
    );
    Some(
        Conflict::new(
            Severity::Blocks,
            Topic::Role,
            &[side.key(), "policies"],
            text,
            create(&roles),
        )
        .with_evidence(evidence),
    )
}

/// Owners, grantees and those who connect.
fn missing(side: &Side<'_>, target: &Target) -> Option<Conflict> {
    let connected: BTreeSet<&str> = side
        .inventory
        .connections
        .iter()
        .map(|it| it.role.as_str())
        .collect();
    let absent: Vec<(&str, &Role)> = side
        .inventory
        .roles
        .iter()
        .filter_map(|it| Some((target_name(side, &it.name)?, it)))
        .filter(|(name, _)| target.facts.role(name).is_none())
        // A superuser needs no rights, and each cluster has its own.
        .filter(|(_, it)| !it.superuser || connected.contains(it.name.as_str()))
        .collect();
    if absent.is_empty() {
        return None;
    }
    let names: Vec<&str> = absent.iter().map(|(name, _)| *name).collect();
    let (owned, granted) = absent.iter().fold((0, 0), |(owned, granted), (_, it)| {
        (owned + it.owned, granted + it.granted)
    });
    let text = format!(
        "{} of {} not on {}: {} (own {}, granted {})",
        if names.len() == 1 { "a role" } else { "roles" },
        side.label,
        target.name,
        list(&names, 3),
        cli::count(owned),
        cli::count(granted)
    );
    Some(
        Conflict::new(
            Severity::Warns,
            Topic::Role,
            &[side.key(), "missing"],
            text,
            format!(
                "{}, or give them names that are there by `roles` in the plan; without it load gives all to its own role and \
                 drops grants",
                create(&names)
            ),
        )
        .with_evidence(absent.iter().map(|(name, it)| format!("{name}: {}", told(it)))),
    )
}

/// `CREATE ROLE a; CREATE ROLE b`
fn create(roles: &[&str]) -> String {
    const MOST: usize = 3;
    let mut each: Vec<String> = roles
        .iter()
        .take(MOST)
        .map(|it| format!("CREATE ROLE {}", quote_ident(it)))
        .collect();
    if roles.len() > MOST {
        each.push("…".to_owned());
    }
    each.join("; ")
}

/// A role of the target's with the name of a source's that may do something else.
fn against_target(side: &Side<'_>, target: &Target, conflicts: &mut Vec<Conflict>) {
    let same = target.facts.cluster.is_some() && target.facts.cluster == side.inventory.server.cluster;
    if same || !knows_roles(side.inventory) {
        return;
    }
    for role in &side.inventory.roles {
        let Some(name) = target_name(side, &role.name) else {
            continue;
        };
        let Some(there) = target.facts.role(name) else {
            continue;
        };
        let mut differs = Vec::new();
        for (word, here, there) in [
            ("superuser", role.superuser, there.superuser),
            ("LOGIN", role.login, there.login),
            ("BYPASSRLS", role.bypass_row_security, there.bypass_row_security),
        ] {
            if here != there {
                let (with, without) = if here {
                    (&side.label, &target.name)
                } else {
                    (&target.name, &side.label)
                };
                differs.push(format!("{word} in {with}, not in {without}"));
            }
        }
        if !differs.is_empty() {
            conflicts.push(
                Conflict::new(
                    Severity::Warns,
                    Topic::Role,
                    &[name, "target", side.key()],
                    format!("role {name} differs: {}", list(&differs, 3)),
                    "it may be somebody else: give it a new name by `roles` in the plan, or ALTER ROLE on the target",
                )
                .with_evidence(differs)
                .with_choices(choices::RENAME_OR_FIX),
            );
        }
    }
}
