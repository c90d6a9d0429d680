//! Versions of servers, and features that the target's version does not have.

use std::collections::BTreeMap;

use catalog::GeneratedKind;
use inventory::Inventory;
use rewrite::{DemandKind, later_features};

use super::conflict::{list, number_of};
use super::{Conflict, Scene, Severity, Side, Topic};

/// The version that brought virtual generated columns.
const VIRTUAL_SINCE: i32 = 18;

pub(super) fn find(scene: &Scene<'_>, conflicts: &mut Vec<Conflict>) {
    let Some(target) = scene.target else { return };
    let there = target.identity.version_number / 10_000;
    for side in scene.sides.iter().filter(|it| it.inventory.is_postgres()) {
        let here = i32::try_from(side.inventory.server.version_number / 10_000).unwrap_or(i32::MAX);
        if here > there {
            let text = format!(
                "{} is PostgreSQL {}, {} is older: {}",
                side.label, side.inventory.server.version, target.name, target.identity.server_version
            );
            conflicts.push(
                Conflict::new(
                    Severity::Blocks,
                    Topic::Server,
                    &[side.key(), "older"],
                    text,
                    "take a newer server, or try load --allow-older-target",
                )
                .with_choices(&["fix", "allow-older-target"]),
            );
        }
        // A source has no more than its own version has.
        if here <= there {
            continue;
        }
        for ((feature, since), objects) in lacking(side, there) {
            let text = format!(
                "{} of {} {} {feature}, which PostgreSQL has from {since} on: {}",
                number_of(objects.len(), "object", "objects"),
                side.label,
                if objects.len() == 1 { "uses" } else { "use" },
                list(&objects, 3)
            );
            conflicts.push(
                Conflict::new(
                    Severity::Blocks,
                    Topic::Feature,
                    &[side.key(), feature],
                    text,
                    "load into a newer server, or change it in the source",
                )
                .with_evidence(objects),
            );
        }
    }
}

/// Features that a server of `version` has not, with the version that brought each and the objects that use it.
fn lacking(side: &Side<'_>, version: i32) -> BTreeMap<(&'static str, i32), Vec<String>> {
    let mut found: BTreeMap<(&'static str, i32), Vec<String>> = BTreeMap::new();
    let mut add = |feature, since, object: String| {
        if since > version {
            let objects = found.entry((feature, since)).or_default();
            if !objects.contains(&object) {
                objects.push(object);
            }
        }
    };
    for table in &side.catalog.tables {
        for column in &table.columns {
            if column.generated == Some(GeneratedKind::Virtual) {
                let object = format!("column {}.{}", table.qualified_name(), column.name);
                add("virtual generated columns", VIRTUAL_SINCE, object);
            }
        }
    }
    for (object, text) in texts(side.inventory) {
        for demand in later_features(&text, version) {
            if let DemandKind::Version { feature, since } = demand.kind {
                add(feature, since, object.clone());
            }
        }
    }
    for table in &side.inventory.tables {
        for column in &table.columns {
            if column.type_name.trim_end_matches("[]").ends_with("multirange") {
                add(
                    "multirange types",
                    14,
                    format!("column {}.{}", table.label(), column.name),
                );
            }
        }
    }
    for routine in &side.inventory.routines {
        // Its body is a parsed tree.
        if routine.language == "sql" && routine.body.is_empty() && routine.kind != "aggregate" {
            add("a routine with an SQL-standard body", 14, told(routine));
        }
    }
    found
}

fn told(routine: &inventory::Routine) -> String {
    let inventory::Routine {
        schema,
        name,
        kind,
        arguments,
        ..
    } = routine;
    format!("{kind} {schema}.{name}({arguments})")
}

/// Everything of a source that is SQL, each with the object that it belongs to. What has no statement of its own gets
/// one, since features are told by the words of statements.
fn texts(of: &Inventory) -> impl Iterator<Item = (String, String)> {
    let tables = of.tables.iter().flat_map(|table| {
        let keys = table.keys.iter().map(move |it| {
            let text = format!("ALTER TABLE t ADD CONSTRAINT c {};", it.definition);
            (format!("constraint {} of {}", it.name, table.label()), text)
        });
        let indexes = table.indexes.iter().map(move |it| {
            (
                format!("index {}.{}", table.schema, it.name),
                format!("{};", it.definition),
            )
        });
        let foreign = table.foreign_keys.iter().map(move |it| {
            let text = format!("ALTER TABLE t ADD CONSTRAINT c {};", it.definition);
            (format!("constraint {} of {}", it.name, table.label()), text)
        });
        keys.chain(indexes).chain(foreign)
    });
    let views = of.views.iter().map(|it| {
        let text = format!("CREATE VIEW v AS {};", it.definition.trim_end_matches(';'));
        (format!("view {}.{}", it.schema, it.name), text)
    });
    let routines = of.routines.iter().map(|it| (told(it), format!("{};", it.body)));
    tables.chain(views).chain(routines)
}

#[cfg(test)]
mod tests {
    use super::*;
    use inventory::{Column, Index, Key, Routine, Table, View};

    #[test]
    fn features_are_told_with_what_uses_them() {
        let (name, schema) = ("t".to_owned(), "public".to_owned());
        let inventory = Inventory {
            tables: vec![Table {
                name,
                schema: schema.clone(),
                columns: vec![Column {
                    name: "c".to_owned(),
                    type_name: "int4multirange[]".to_owned(),
                    ..Column::default()
                }],
                keys: vec![Key {
                    name: "k".to_owned(),
                    definition: "PRIMARY KEY (a, b WITHOUT OVERLAPS)".to_owned(),
                    ..Key::default()
                }],
                indexes: vec![Index {
                    name: "i".to_owned(),
                    definition: "CREATE UNIQUE INDEX i ON public.t USING btree (a) NULLS NOT DISTINCT"
                        .to_owned(),
                    ..Index::default()
                }],
                ..Table::default()
            }],
            routines: vec![Routine {
                schema: schema.clone(),
                name: "f".to_owned(),
                kind: "function".to_owned(),
                language: "plpgsql".to_owned(),
                body: "BEGIN MERGE INTO t USING s ON true WHEN MATCHED THEN DO NOTHING; END".to_owned(),
                ..Routine::default()
            }],
            views: vec![View {
                schema,
                name: "v".to_owned(),
                definition: " SELECT 'MERGE INTO t'::text AS merge;".to_owned(),
                ..View::default()
            }],
            ..Inventory::default()
        };
        let catalog = catalog::Catalog::default();
        let planned = super::super::scene::planned("a");
        let side = Side::new("a", &inventory, &catalog, &planned);
        let told = |version| {
            let found = lacking(&side, version);
            let all = found.into_iter();
            all.map(|((feature, _), objects)| format!("{feature}: {}", objects.join(", ")))
                .collect::<Vec<_>>()
        };
        assert_eq!(told(18), Vec::<String>::new());
        assert_eq!(told(17), ["WITHOUT OVERLAPS keys: constraint k of public.t"]);
        assert_eq!(
            told(13),
            [
                "MERGE: function public.f()",
                "UNIQUE NULLS NOT DISTINCT: index public.i",
                "WITHOUT OVERLAPS keys: constraint k of public.t",
                "multirange types: column public.t.c",
            ]
        );
    }
}
