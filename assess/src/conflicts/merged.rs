//! Tables of several sources that the plan makes one: columns that do not unite, keys that may meet, rows that may be
//! the same.

use std::collections::BTreeMap;

use catalog::{ColumnType, QualifiedName, Table};
use inventory::KeyKind;
use plan::{Merge, MergedKeys, unite_types};

use super::conflict::list;
use super::{Conflict, Scene, Severity, Side, Topic};

/// One source's part of a merged table.
struct Part<'a> {
    side: &'a Side<'a>,
    name: QualifiedName,
    table: &'a Table,
}

pub(super) fn find(scene: &Scene<'_>, conflicts: &mut Vec<Conflict>) {
    for merge in &scene.plan.merges {
        let mut parts = Vec::new();
        for it in &merge.tables {
            let Some(side) = scene.sides.iter().find(|side| side.planned.name == it.source) else {
                continue;
            };
            let found = it.name().and_then(|name| {
                let mut tables = side.catalog.tables.iter();
                let table = tables.find(|it| it.qualified_name() == name)?;
                Some(Part { side, name, table })
            });
            match found {
                Some(part) => parts.push(part),
                None => conflicts.push(Conflict::new(
                    Severity::Blocks,
                    Topic::Merge,
                    &[&merge.into, &it.source, "table"],
                    format!(
                        "{} is to take {} of {}, which has no such table",
                        merge.into, it.table, side.label
                    ),
                    "take it out of `merges` in the plan, or name the table as the source has it",
                )),
            }
        }
        columns(merge, &parts, conflicts);
        conflicts.extend(keys(merge, &parts));
        conflicts.extend(same_rows(merge, &parts));
    }
}

fn columns(merge: &Merge, parts: &[Part<'_>], conflicts: &mut Vec<Conflict>) {
    let mut types: BTreeMap<&str, Vec<(&str, &ColumnType)>> = BTreeMap::new();
    for part in parts {
        for column in &part.table.columns {
            types
                .entry(&column.name)
                .or_default()
                .push((&part.side.label, &column.column_type));
        }
    }
    for (name, of) in types
        .iter()
        .filter(|(name, _)| !merge.columns.contains_key(**name))
    {
        let mut all = of.iter().map(|(_, it)| (*it).clone());
        let first = all.next();
        let united = first.and_then(|first| all.try_fold(first, |one, other| unite_types(&one, &other)));
        if united.is_some() {
            continue;
        }
        let each: Vec<String> = of
            .iter()
            .map(|(label, it)| format!("{} in {label}", type_text(it)))
            .collect();
        conflicts.push(
            Conflict::new(
                Severity::Blocks,
                Topic::Merge,
                &[&merge.into, "column", name],
                format!(
                    "{}: column {name} is {}, and these do not unite",
                    merge.into,
                    list(&each, 4)
                ),
                format!("say its type in the plan: \"columns\": {{\"{name}\": \"text\"}}"),
            )
            .with_evidence(each)
            .with_choices(&["type", "fix"]),
        );
    }
    if let Some(taken) = types.get(merge.source_column.as_str()) {
        let labels: Vec<&str> = taken.iter().map(|(label, _)| *label).collect();
        conflicts.push(Conflict::new(
            Severity::Blocks,
            Topic::Merge,
            &[&merge.into, "source_column"],
            format!(
                "{}: {} has a column {} already, which is to say where a row comes from",
                merge.into,
                list(&labels, 3),
                merge.source_column
            ),
            "give `source_column` of that merge another name in the plan",
        ));
    }
}

fn type_text(of: &ColumnType) -> String {
    if of.schema == ColumnType::BUILT_IN_SCHEMA {
        of.text.clone()
    } else {
        format!("{}.{}{}", of.schema, of.name, of.text)
    }
}

/// Keys that stay as they are must not meet, and nobody has looked.
fn keys(merge: &Merge, parts: &[Part<'_>]) -> Option<Conflict> {
    if merge.keys != MergedKeys::AsIs || parts.len() < 2 {
        return None;
    }
    let each: Vec<String> = parts
        .iter()
        .map(|it| format!("{} of {}{}", it.table.qualified_name(), it.side.label, reach(it)))
        .collect();
    Some(
        Conflict::new(
            Severity::Warns,
            Topic::Merge,
            &[&merge.into, "keys"],
            format!("{}: keys stay as they are and must not meet: {}", merge.into, list(&each, 3)),
            "load fails where they do: take `keys` offset, uuid or composite in the plan unless they are known to differ",
        )
        .with_evidence(each)
        .with_choices(&["offset", "uuid", "composite", "accept"]),
    )
}

/// How far the sequence of a table has counted, where it is known.
fn reach(part: &Part<'_>) -> String {
    let start = format!("{}.{}.", part.name.schema, part.name.name);
    let of_table = part.side.inventory.sequences.iter().filter(|it| {
        let owner = it.owned_by.as_deref();
        owner.is_some_and(|owner| owner.starts_with(&start))
    });
    of_table
        .filter_map(|it| it.last_value)
        .max()
        .map_or(String::new(), |last| format!(" (up to {last})"))
}

/// A natural key that several sources have: a row of each may stand for the same thing.
fn same_rows(merge: &Merge, parts: &[Part<'_>]) -> Option<Conflict> {
    if !merge.dedupe.is_empty() {
        return None;
    }
    let mut natural: BTreeMap<Vec<&str>, Vec<String>> = BTreeMap::new();
    for part in parts {
        let Some(table) = part.side.inventory.table(&part.name.schema, &part.name.name) else {
            continue;
        };
        let constraints = table
            .keys
            .iter()
            .filter(|it| it.kind == KeyKind::Unique)
            .map(|it| &it.columns);
        let indexes = table
            .indexes
            .iter()
            .filter(|it| it.flags.unique && !it.flags.partial)
            .map(|it| &it.columns);
        let mut seen: Vec<Vec<&str>> = Vec::new();
        for columns in constraints.chain(indexes) {
            let mut columns: Vec<&str> = columns.iter().map(String::as_str).collect();
            columns.sort_unstable();
            let is_primary = table.primary_key().is_some_and(|key| {
                let mut of_key: Vec<&str> = key.columns.iter().map(String::as_str).collect();
                of_key.sort_unstable();
                of_key == columns
            });
            if !columns.is_empty() && !is_primary && !seen.contains(&columns) {
                natural
                    .entry(columns.clone())
                    .or_default()
                    .push(part.side.label.clone());
                seen.push(columns);
            }
        }
    }
    let (columns, labels) = natural.into_iter().find(|(_, labels)| labels.len() > 1)?;
    let columns = columns.join(", ");
    Some(
        Conflict::new(
            Severity::Warns,
            Topic::Merge,
            &[&merge.into, "rows"],
            format!(
                "{}: {columns} is unique in {} each; rows with one {columns} may be the same",
                merge.into,
                list(&labels, 4)
            ),
            format!(
                "say whether they are: \"dedupe\": [\"{}\"] in the plan, or accept one row of each",
                columns.replace(", ", "\", \"")
            ),
        )
        .with_evidence(labels)
        .with_choices(&["dedupe", "accept"]),
    )
}

#[cfg(test)]
mod tests {
    use catalog::Catalog;
    use inventory::{Inventory, Key};
    use plan::Plan;

    use super::*;

    /// A catalog and an inventory with `users`, whose columns are given as name and type; `email` is unique.
    fn users(columns: &[(&str, &str)]) -> (Catalog, Inventory) {
        let columns: Vec<serde_json::Value> = columns
            .iter()
            .map(|(name, text)| {
                serde_json::json!({
                    "name": name, "not_null": false, "identity": null, "generated": null, "binary_safe": true,
                    "type": {"schema": "pg_catalog", "name": text, "text": text},
                })
            })
            .collect();
        let table = serde_json::from_value(serde_json::json!({
            "number": 0, "schema": "public", "name": "users", "kind": "ordinary", "unlogged": false,
            "columns": columns, "primary_key": ["id"], "partition_of": null, "inherits": [],
            "rows_estimate": null, "bytes": 0,
        }));
        let catalog = Catalog {
            tables: vec![table.unwrap()],
            ..Catalog::default()
        };
        let inventory = Inventory {
            tables: vec![inventory::Table {
                schema: "public".to_owned(),
                name: "users".to_owned(),
                keys: vec![Key {
                    kind: KeyKind::Unique,
                    columns: vec!["email".to_owned()],
                    ..Key::default()
                }],
                ..inventory::Table::default()
            }],
            ..Inventory::default()
        };
        (catalog, inventory)
    }

    fn check(one: &[(&str, &str)], other: &[(&str, &str)], merge: &str, expected: &[&str]) {
        let json = format!(
            r#"{{"version":1,"sources":[
                {{"name":"a","endpoint":"a","schemas":["public"],"layout":"merge","map":{{"public":"app"}}}},
                {{"name":"b","endpoint":"b","schemas":["public"],"layout":"merge","map":{{"public":"app"}}}}],
              "merges":[{{"into":"app.users",{merge},"tables":[
                {{"source":"a","table":"public.users"}},{{"source":"b","table":"public.users"}}]}}]}}"#
        );
        let plan = Plan::parse(&json).unwrap();
        let (a, b) = (users(one), users(other));
        let scene = Scene {
            sides: vec![
                Side::new("a", &a.1, &a.0, &plan.sources[0]),
                Side::new("b", &b.1, &b.0, &plan.sources[1]),
            ],
            target: None,
            plan: &plan,
        };
        let mut found = Vec::new();
        find(&scene, &mut found);
        let found: Vec<String> = found
            .iter()
            .map(|it| format!("{:?} {}", it.severity, it.text))
            .collect();
        assert_eq!(found, expected);
    }

    #[test]
    fn columns_keys_and_rows_that_do_not_unite_are_told() {
        let plain: &[(&str, &str)] = &[("id", "integer"), ("email", "text")];
        check(plain, plain, r#""keys":"composite","dedupe":["email"]"#, &[]);
        check(
            plain,
            &[("id", "bigint"), ("email", "text"), ("source", "text")],
            r#""keys":"as-is""#,
            &[
                "Blocks app.users: b has a column source already, which is to say where a row comes from",
                "Warns app.users: keys stay as they are and must not meet: public.users of a and public.users of b",
                "Warns app.users: email is unique in a and b each; rows with one email may be the same",
            ],
        );
        let retyped: &[(&str, &str)] = &[("id", "integer"), ("email", "jsonb")];
        check(
            plain,
            retyped,
            r#""keys":"composite","dedupe":["email"]"#,
            &["Blocks app.users: column email is text in a and jsonb in b, and these do not unite"],
        );
        check(
            plain,
            retyped,
            r#""keys":"composite","dedupe":["email"],"columns":{"email":"text"}"#,
            &[],
        );
    }
}
