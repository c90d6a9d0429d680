//! Who finds tables without naming a schema, and so has to be told where they are after the move.

use std::collections::{BTreeMap, BTreeSet};

use catalog::{QualifiedName, quote_ident};
use inventory::{Scope, Setting};

use super::conflict::{list, number_of};
use super::{Conflict, Scene, Severity, Side, Topic, leaning};

/// What a role gets that sets nothing.
const DEFAULT: &str = "\"$user\", public";

pub(super) fn find(scene: &Scene<'_>, conflicts: &mut Vec<Conflict>) {
    let database = scene
        .target
        .map_or("the target", |it| it.identity.database.as_str());
    for side in scene.sides.iter().filter(|it| it.inventory.is_postgres()) {
        settings(side, database, conflicts);
        applications(side, database, conflicts);
        routines(side, conflicts);
    }
}

/// Paths that somebody has set for a database or a role.
fn settings(side: &Side<'_>, database: &str, conflicts: &mut Vec<Conflict>) {
    let of_path = |it: &&Setting| it.name.eq_ignore_ascii_case("search_path");
    for setting in side.inventory.settings.iter().filter(of_path) {
        let (who, statement) = match (setting.scope, &setting.role) {
            (Scope::Server, _) => continue,
            (Scope::Database, _) | (_, None) => (
                format!("database {}", side.inventory.server.database),
                format!("ALTER DATABASE {}", quote_ident(database)),
            ),
            (_, Some(role)) => (
                format!("role {role}"),
                format!(
                    "ALTER ROLE {} IN DATABASE {}",
                    quote_ident(role),
                    quote_ident(database)
                ),
            ),
        };
        let new = new_path(side, &setting.value);
        let is_same = new == parts(&setting.value);
        let way_out = if setting.scope == Scope::Role {
            // The role may have other databases in its cluster, for which it holds too.
            format!("{statement} SET search_path = {}", new.join(", "))
        } else {
            format!(
                "load --apply settings, or {statement} SET search_path = {}",
                new.join(", ")
            )
        };
        conflicts.push(
            Conflict::new(
                if is_same { Severity::Notes } else { Severity::Warns },
                Topic::SearchPath,
                &[side.key(), &who],
                format!("search_path of {who} in {} is {}", side.label, setting.value),
                way_out,
            )
            .with_choices(&["recreate", "accept"]),
        );
    }
}

/// Roles that log in and set no path: they find what is in `public`.
fn applications(side: &Side<'_>, database: &str, conflicts: &mut Vec<Conflict>) {
    let of_path = |it: &&Setting| it.name.eq_ignore_ascii_case("search_path");
    let set: Vec<&Setting> = side.inventory.settings.iter().filter(of_path).collect();
    if set.iter().any(|it| it.scope == Scope::Database) {
        return;
    }
    let path = set
        .iter()
        .find(|it| it.scope == Scope::Server)
        .map_or(DEFAULT, |it| it.value.as_str());
    let with_own: BTreeSet<&str> = set.iter().filter_map(|it| it.role.as_deref()).collect();
    let mut roles: BTreeSet<&str> = side
        .inventory
        .connections
        .iter()
        .map(|it| it.role.as_str())
        .collect();
    let logins = side
        .inventory
        .roles
        .iter()
        .filter(|it| it.login && it.owned + it.granted > 0);
    roles.extend(logins.map(|it| it.name.as_str()));
    let is_free = |it: &&str| !with_own.contains(it) && !it.is_empty();
    let is_superuser = |name: &&str| {
        let mut all = side.inventory.roles.iter();
        all.any(|it| it.name == *name && it.superuser)
    };
    // An administrator is no application.
    let roles: Vec<&str> = roles
        .into_iter()
        .filter(|it| is_free(it) && !is_superuser(it))
        .collect();
    let found: Vec<String> = parts(path)
        .into_iter()
        .filter(|it| {
            side.inventory
                .schemas
                .iter()
                .any(|schema| quote_ident(&schema.name) == *it)
        })
        .collect();
    let new = new_path(side, path);
    let moved: Vec<&String> = found.iter().filter(|it| !new.contains(it)).collect();
    let tables = side
        .inventory
        .tables
        .iter()
        .filter(|it| moved.contains(&&quote_ident(&it.schema)));
    let tables = tables.count();
    if moved.is_empty() || tables == 0 {
        return;
    }
    let who = if roles.is_empty() {
        "applications".to_owned()
    } else {
        format!("applications as {}", list(&roles, 4))
    };
    let moved: Vec<&str> = moved.iter().map(|it| it.as_str()).collect();
    let role = roles.first().map_or("…".to_owned(), |it| quote_ident(it));
    conflicts.push(
        Conflict::new(
            Severity::Warns,
            Topic::SearchPath,
            &[side.key(), "applications"],
            format!(
                "{who} find {} of {} through search_path ({path}), and {} moves",
                number_of(tables, "table", "tables"),
                side.label,
                list(&moved, 3)
            ),
            format!(
                "ALTER ROLE {role} IN DATABASE {} SET search_path = {}",
                quote_ident(database),
                new.join(", ")
            ),
        )
        .with_evidence(roles.iter().map(|it| format!("role {it}")))
        .with_choices(&["recreate", "accept"]),
    );
}

/// Functions that name things without a schema.
fn routines(side: &Side<'_>, conflicts: &mut Vec<Conflict>) {
    let is_path = |it: &String| it.to_lowercase().starts_with("search_path=");
    let own: BTreeSet<&str> = side.inventory.schemas.iter().map(|it| it.name.as_str()).collect();
    let is_own = |schema: &str| own.contains(schema);
    let all = side.inventory.routines.iter().filter(|it| is_own(&it.schema));
    let (pinned, free): (Vec<_>, Vec<_>) = all.partition(|it| it.settings.iter().any(is_path));
    let label = |it: &inventory::Routine| format!("{}.{}({})", it.schema, it.name, it.arguments);
    if !pinned.is_empty() {
        let names: Vec<String> = pinned.iter().map(|it| label(it)).collect();
        conflicts.push(
            Conflict::new(
                Severity::Resolved,
                Topic::SearchPath,
                &[side.key(), "pinned"],
                format!(
                    "{} of {} {} search_path",
                    number_of(names.len(), "function", "functions"),
                    side.label,
                    if names.len() == 1 {
                        "sets its own"
                    } else {
                        "set their own"
                    }
                ),
                "remap-schema puts the new names there",
            )
            .with_evidence(names),
        );
    }
    let names = leaning::Names::of(side.inventory);
    let leaning: Vec<(String, Vec<String>)> = free
        .iter()
        .filter(|it| ["sql", "plpgsql"].contains(&it.language.as_str()))
        .map(|it| (label(it), names.unqualified(&it.body)))
        .filter(|(_, found)| !found.is_empty())
        .collect();
    let moves = side
        .planned
        .schemas
        .iter()
        .any(|it| side.settled.schema(it) != *it);
    if leaning.is_empty() || !moves {
        return;
    }
    let names: Vec<&str> = leaning.iter().map(|(name, _)| name.as_str()).collect();
    let evidence = leaning
        .iter()
        .map(|(name, found)| format!("{name} names {}", list(found, 4)));
    conflicts.push(
        Conflict::new(
            Severity::Warns,
            Topic::SearchPath,
            &[side.key(), "functions"],
            format!(
                "{} of {} {} names without a schema and {} no search_path: {}",
                number_of(names.len(), "function", "functions"),
                side.label,
                if names.len() == 1 { "has" } else { "have" },
                if names.len() == 1 { "sets" } else { "set" },
                list(&names, 3)
            ),
            "remap-schema pins those that PostgreSQL calls by itself; others need it in their callers' path, or SET search_path",
        )
        .with_evidence(evidence)
        .with_choices(&["accept", "fix"]),
    );
}

/// The schemas of a path, quoted as SQL.
fn parts(path: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut rest = path.trim();
    while !rest.is_empty() {
        // A bare name ends at a comma, which `name_part` would take into it.
        let end = if rest.starts_with('"') {
            rest.len()
        } else {
            rest.find(',').unwrap_or(rest.len())
        };
        let Some((name, after)) = plan::name_part(&rest[..end]) else {
            break;
        };
        let name = if rest.starts_with('"') {
            name
        } else {
            name.trim().to_lowercase()
        };
        found.push(if name == "$user" {
            "\"$user\"".to_owned()
        } else {
            quote_ident(&name)
        });
        let used = end - after.len();
        if used == 0 {
            break;
        }
        rest = rest[used..].trim_start().trim_start_matches(',').trim_start();
    }
    found
}

/// The same path with the target's names, then where extensions are kept.
fn new_path(side: &Side<'_>, path: &str) -> Vec<String> {
    let mut new: Vec<String> = Vec::new();
    let own: BTreeMap<String, &str> = side
        .inventory
        .schemas
        .iter()
        .map(|it| (quote_ident(&it.name), it.name.as_str()))
        .collect();
    let mut add = |name: String| {
        if !new.contains(&name) {
            new.push(name);
        }
    };
    for part in parts(path) {
        match own.get(&part) {
            Some(schema) => add(quote_ident(&side.settled.schema(schema))),
            None => add(part),
        }
    }
    for it in side.inventory.own_extensions() {
        add(quote_ident(&side.settled.extension_schema(&it.name, &it.schema)));
    }
    new
}

/// Names of a source by which bodies find something.
pub(super) fn relations(inventory: &inventory::Inventory) -> impl Iterator<Item = QualifiedName> {
    let tables = inventory
        .tables
        .iter()
        .map(|it| QualifiedName::new(&it.schema, &it.name));
    let views = inventory
        .views
        .iter()
        .map(|it| QualifiedName::new(&it.schema, &it.name));
    tables.chain(views)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_read_as_the_server_reads_them() {
        for (path, expected) in [
            ("\"$user\", public", &["\"$user\"", "public"] as &[&str]),
            ("app,public", &["app", "public"]),
            ("\"Odd, name\", x", &["\"Odd, name\"", "x"]),
            ("App", &["app"]),
            ("\"\"", &["\"\""]),
            ("", &[]),
        ] {
            assert_eq!(parts(path), expected, "{path}");
        }
    }
}
