//! Names that SQL has to quote on the target and did not have to quote before: words that a newer PostgreSQL reserves,
//! and words and capital letters of SQLite files.

use inventory::Engine;

use super::{Placed, Scene, Space};
use crate::conflicts::conflict::number_of;
use crate::conflicts::{Conflict, Severity, Side, Topic};

/// Words that were plain names before, with the version that took them. Source: appendix C of the manuals of 14 to 18.
const NEW: [(&str, u32); 14] = [
    ("system_user", 16),
    ("json_array", 16),
    ("json_arrayagg", 16),
    ("json_object", 16),
    ("json_objectagg", 16),
    ("json", 17),
    ("json_exists", 17),
    ("json_query", 17),
    ("json_scalar", 17),
    ("json_serialize", 17),
    ("json_table", 17),
    ("json_value", 17),
    ("merge_action", 17),
    ("xmltext", 17),
];

pub(super) fn find(scene: &Scene<'_>, names: &[Placed], conflicts: &mut Vec<Conflict>) {
    for (place, side) in scene.sides.iter().enumerate() {
        let own = || names.iter().filter(move |it| it.side == place);
        match side.inventory.server.engine {
            Engine::Postgres => conflicts.extend(newly_reserved(scene, side, own())),
            Engine::Sqlite => {
                conflicts.extend(reserved(scene, side, own()));
                conflicts.extend(capitals(side, own()));
            }
        }
    }
}

fn newly_reserved<'a>(
    scene: &Scene<'_>,
    side: &Side<'_>,
    names: impl Iterator<Item = &'a Placed>,
) -> Option<Conflict> {
    let target = scene.target?;
    let (from, to) = (
        side.inventory.server.version_number / 10_000,
        target.identity.version_number.unsigned_abs() / 10_000,
    );
    let is_new = |word: &str| {
        NEW.iter()
            .any(|(new, since)| *new == word && *since > from && *since <= to)
    };
    // All but `system_user` may still be names of tables and columns.
    let of_objects = names
        .filter(|it| is_new(&it.to.name))
        .filter(|it| it.to.name == "system_user" || matches!(it.space, Space::Routine | Space::Type))
        .filter(|it| !(it.space == Space::Type && it.kind != "type" && it.kind != "domain"))
        .map(Placed::told);
    let of_columns = columns(side).filter(|(_, column)| column == "system_user" && is_new(column));
    let found: Vec<String> = of_objects
        .chain(of_columns.map(|(table, column)| format!("column {table}.{column}")))
        .collect();
    (!found.is_empty()).then(|| {
        let text = format!(
            "{} of {} {} a keyword in PostgreSQL {to} and a plain name in {from}: {}",
            number_of(found.len(), "name", "names"),
            side.label,
            if found.len() == 1 { "is" } else { "are" },
            super::super::conflict::list(&found, 3)
        );
        Conflict::new(
            Severity::Warns,
            Topic::Name,
            &[side.key(), "keywords"],
            text,
            "applications and bodies of functions have to quote it, or rename it in the plan",
        )
        .with_evidence(found)
        .with_choices(&["rename", "accept"])
    })
}

/// Tables and columns of a file that are reserved words of the target's.
fn reserved<'a>(
    scene: &Scene<'_>,
    side: &Side<'_>,
    names: impl Iterator<Item = &'a Placed>,
) -> Option<Conflict> {
    let target = scene.target?;
    let is_reserved = |word: &str| matches!(target.facts.keywords.get(word), Some('R'));
    let tables =
        names.filter(|it| it.space == Space::Relation && it.owner.is_none() && is_reserved(&it.to.name));
    let found: Vec<String> = tables
        .map(Placed::told)
        .chain(
            columns(side)
                .filter(|(_, column)| is_reserved(column))
                .map(|(table, column)| format!("column {table}.{column}")),
        )
        .collect();
    (!found.is_empty()).then(|| {
        let text = format!(
            "{} of {} {} reserved in PostgreSQL: {}",
            number_of(found.len(), "name", "names"),
            side.label,
            if found.len() == 1 { "is" } else { "are" },
            super::super::conflict::list(&found, 3)
        );
        Conflict::new(
            Severity::Notes,
            Topic::Name,
            &[side.key(), "keywords"],
            text,
            "SQL has to quote them, or rename them in the plan",
        )
        .with_evidence(found)
        .with_choices(&["accept", "rename"])
    })
}

/// SQLite finds `Users` as `users`; PostgreSQL does not.
fn capitals<'a>(side: &Side<'_>, names: impl Iterator<Item = &'a Placed>) -> Option<Conflict> {
    let has_capitals = |name: &str| name.chars().any(char::is_uppercase);
    let tables =
        names.filter(|it| it.space == Space::Relation && it.owner.is_none() && has_capitals(&it.to.name));
    let found: Vec<String> = tables
        .map(Placed::told)
        .chain(
            columns(side)
                .filter(|(_, column)| has_capitals(column))
                .map(|(table, column)| format!("column {table}.{column}")),
        )
        .collect();
    (!found.is_empty()).then(|| {
        let text = format!(
            "{} of {} {} capital letters, which SQLite does not tell from small ones: {}",
            number_of(found.len(), "name", "names"),
            side.label,
            if found.len() == 1 { "has" } else { "have" },
            super::super::conflict::list(&found, 3)
        );
        Conflict::new(
            Severity::Notes,
            Topic::Name,
            &[side.key(), "capitals"],
            text,
            "SQL has to quote them, or take --snake-case",
        )
        .with_evidence(found)
        .with_choices(&["accept", "rename"])
    })
}

/// Table and column, with the column's name on the target.
fn columns<'a>(side: &'a Side<'_>) -> impl Iterator<Item = (&'a str, String)> {
    side.inventory.tables.iter().flat_map(|table| {
        let columns = table.columns.iter();
        columns.map(|it| (table.name.as_str(), side.settled.column(&it.name)))
    })
}
