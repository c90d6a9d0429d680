//! Settings that change what text or SQL means, where sources differ from each other or from the target.

use std::collections::{BTreeMap, BTreeSet};

use catalog::{quote_ident, quote_literal};
use database::postgres::MEANING;
use inventory::{Inventory, Scope, Setting};

use super::conflict::{list, number_of};
use super::{Conflict, Scene, Severity, Side, Topic};

pub(super) fn find(scene: &Scene<'_>, conflicts: &mut Vec<Conflict>) {
    databases(scene, conflicts);
    for side in scene.sides.iter().filter(|it| it.inventory.is_postgres()) {
        conflicts.extend(of_roles(side));
    }
}

/// What a session of `inventory`'s database starts with, as far as it is known.
fn value<'a>(inventory: &'a Inventory, name: &str) -> Option<&'a str> {
    let of_scope = |scope| {
        let mut all = inventory.settings.iter();
        all.find(|it| it.scope == scope && it.name.eq_ignore_ascii_case(name))
            .map(|it| it.value.as_str())
    };
    of_scope(Scope::Database).or_else(|| of_scope(Scope::Server))
}

fn databases(scene: &Scene<'_>, conflicts: &mut Vec<Conflict>) {
    for name in MEANING {
        let mut values: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
        let mut sources = BTreeSet::new();
        for side in scene.sides.iter().filter(|it| it.inventory.is_postgres()) {
            if let Some(value) = value(side.inventory, name) {
                values.entry(value).or_default().push(&side.label);
                sources.insert(value);
            }
        }
        let there = scene
            .target
            .and_then(|it| Some((it.facts.settings.get(name)?.as_str(), it)));
        if let (Some((value, target)), false) = (there, sources.is_empty()) {
            values.entry(value).or_default().push(&target.name);
        }
        if values.len() < 2 {
            continue;
        }
        let each: Vec<String> = values
            .iter()
            .map(|(value, places)| format!("{} in {}", shown(value), places.join(", ")))
            .collect();
        conflicts.push(
            Conflict::new(
                severity(name),
                Topic::Setting,
                &[name],
                format!("{name} is {}", list(&each, 4)),
                way_out(scene, name, &sources),
            )
            .with_evidence(each)
            .with_choices(&["recreate", "accept"]),
        );
    }
}

fn shown(value: &str) -> &str {
    if value.is_empty() { "empty" } else { value }
}

/// Whether the same SQL can give another result, or only other words and defaults.
fn severity(name: &str) -> Severity {
    match name {
        "lc_messages"
        | "escape_string_warning"
        | "backslash_quote"
        | "default_table_access_method"
        | "lc_numeric"
        | "bytea_output"
        | "extra_float_digits" => Severity::Notes,
        _ => Severity::Warns,
    }
}

fn way_out(scene: &Scene<'_>, name: &str, sources: &BTreeSet<&str>) -> String {
    let database = scene
        .target
        .map_or("the target".to_owned(), |it| quote_ident(&it.identity.database));
    let value = match sources.len() {
        1 => sources
            .first()
            .map_or("…".to_owned(), |it| quote_literal(it).trim().to_owned()),
        _ => "…".to_owned(),
    };
    format!(
        "each application's role sets what it had: ALTER ROLE … IN DATABASE {database} SET {name} = {value}"
    )
}

/// The value, unless it may hold a password.
fn harmless(it: &Setting) -> &str {
    if rewrite::is_secret_setting(&it.name, &it.value) {
        "(not shown)"
    } else {
        &it.value
    }
}

/// What is set for roles, the path left out, which is a topic of its own.
fn of_roles(side: &Side<'_>) -> Option<Conflict> {
    let all = side.inventory.settings.iter();
    let found: Vec<String> = all
        .filter(|it| !it.name.eq_ignore_ascii_case("search_path"))
        .filter_map(|it| match (it.scope, &it.role) {
            (Scope::Role | Scope::RoleInDatabase, Some(role)) => {
                Some(format!("{} of role {role} = {}", it.name, harmless(it)))
            }
            (Scope::Database, _) if !MEANING.iter().any(|name| name.eq_ignore_ascii_case(&it.name)) => {
                Some(format!("{} of the database = {}", it.name, harmless(it)))
            }
            _ => None,
        })
        .collect();
    (!found.is_empty()).then(|| {
        Conflict::new(
            Severity::Notes,
            Topic::Setting,
            &[side.key(), "roles"],
            format!(
                "{} of {} {} behind: {}",
                number_of(found.len(), "setting", "settings"),
                side.label,
                if found.len() == 1 { "stays" } else { "stay" },
                list(&found, 2)
            ),
            "load --apply settings takes those of the database and of roles in it; those of a whole cluster are for ALTER ROLE",
        )
        .with_evidence(found)
        .with_choices(&["recreate", "drop"])
    })
}
