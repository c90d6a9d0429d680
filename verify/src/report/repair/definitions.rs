//! What is not rows: sequences, NOT NULL, validation and indexes as statements, everything else as a line that says what
//! a person must do.

use std::fmt::Write as _;

use catalog::{
    Catalog, Definition, DefinitionKind, ObjectKind, QualifiedName, Sequence, Table, Value, quote_ident,
};

use super::{Ground, SETTINGS, literal, table_of};
use crate::report::value::line;
use crate::report::{Area, Difference, LargeObjects, Report, Weight};

/// A statement, with the object and the property of the finding that it takes care of.
struct Step {
    object: String,
    property: &'static str,
    sql: String,
}

pub(super) fn statements(report: &Report, ground: &Ground, text: &mut String) {
    let mut steps = sequences(ground);
    steps.extend(not_null(ground));
    steps.extend(validations(ground));
    steps.extend(indexes(ground));
    let by_hand = by_hand(report, &steps, ground);
    if !steps.is_empty() {
        text.push_str("\n-- Definitions and sequences, after the rows.\nBEGIN;\n");
        text.push_str(SETTINGS);
        for step in &steps {
            let _ = writeln!(
                text,
                "-- {}: {}\n{};",
                line(&step.object),
                step.property,
                step.sql
            );
        }
        text.push_str("COMMIT;\n");
    }
    if !by_hand.is_empty() {
        text.push_str("\n-- What is left for a person to decide:\n");
        for it in by_hand {
            let _ = writeln!(text, "--   {}", line(&it));
        }
    }
}

/// Sequences that would give a number again.
fn sequences(ground: &Ground) -> Vec<Step> {
    let pairs = ground.source.sequences.iter().filter_map(|it| {
        let same = |there: &&Sequence| there.schema == it.schema && there.name == it.name;
        Some((it, ground.target.sequences.iter().find(same)?))
    });
    let behind = pairs.filter(|(here, there)| is_behind(there, here));
    behind
        .map(|(it, _)| {
            let name = QualifiedName::new(&it.schema, &it.name).to_string();
            let sql = format!(
                "SELECT pg_catalog.setval({}::pg_catalog.regclass, {}, {})",
                literal(Some(&name)),
                it.last_value,
                it.is_called
            );
            let object = format!("sequence {name}");
            Step {
                object,
                property: "position",
                sql,
            }
        })
        .collect()
}

/// Whether `found` would give numbers that `expected` has given already.
fn is_behind(found: &Sequence, expected: &Sequence) -> bool {
    let key = |it: &Sequence| {
        let value = i128::from(it.last_value) * if expected.increment < 0 { -1 } else { 1 };
        (value, it.is_called)
    };
    key(found) < key(expected)
}

/// Columns that may hold NULL on the target alone.
fn not_null(ground: &Ground) -> Vec<Step> {
    let mut steps = Vec::new();
    for table in ground.source.tables.iter().filter(|it| it.is_own()) {
        let Some(there) = same_table(table, &ground.target) else {
            continue;
        };
        for column in table.columns.iter().filter(|it| it.not_null) {
            let name = column.target_name();
            if there
                .columns
                .iter()
                .any(|it| it.target_name() == name && !it.not_null)
            {
                let (name, table) = (quote_ident(name), table.qualified_name());
                steps.push(Step {
                    object: format!("column {name} of {table}"),
                    property: "not null",
                    sql: format!("ALTER TABLE {table} ALTER COLUMN {name} SET NOT NULL"),
                });
            }
        }
    }
    steps
}

fn same_table<'a>(table: &Table, target: &'a Catalog) -> Option<&'a Table> {
    let mut tables = target.tables.iter();
    tables.find(|it| it.schema == table.schema && it.name == table.name && it.is_own())
}

/// Constraints that hold for new rows alone.
fn validations(ground: &Ground) -> Vec<Step> {
    let constraints = pairs(ground, ObjectKind::Constraint);
    constraints
        .filter_map(|(here, there)| {
            let table = here.table.as_ref()?;
            // It is said only of those that were never validated.
            let is_not = |it: &Definition| plain(it, "validated") == Some("no");
            if is_not(here) || !is_not(there?) {
                return None;
            }
            let table = QualifiedName::new(&here.schema, table);
            let name = quote_ident(&here.name);
            Some(Step {
                object: format!("constraint {name} of {table}"),
                property: "validated",
                sql: format!("ALTER TABLE {table} VALIDATE CONSTRAINT {name}"),
            })
        })
        .collect()
}

/// Indexes that the target lacks. Those of constraints are made by them.
fn indexes(ground: &Ground) -> Vec<Step> {
    let missing = pairs(ground, ObjectKind::Index).filter(|(_, there)| there.is_none());
    missing
        .filter_map(|(here, _)| {
            let constraint = |it: &Definition| {
                it.kind == DefinitionKind::Object(ObjectKind::Constraint)
                    && it.table == here.table
                    && it.schema == here.schema
                    && it.name == here.name
            };
            if ground.source.definitions.iter().any(constraint) {
                return None;
            }
            Some(Step {
                object: format!("index {}", QualifiedName::new(&here.schema, &here.name)),
                property: "missing",
                sql: statement(here)?.trim_end_matches(';').to_owned(),
            })
        })
        .collect()
}

/// Definitions of a kind in the source, each with the target's.
fn pairs(ground: &Ground, kind: ObjectKind) -> impl Iterator<Item = (&Definition, Option<&Definition>)> {
    // What nobody wrote down is not missing.
    let is_known = !ground.target.definitions.is_empty();
    let ours = ground.source.definitions.iter();
    let ours = ours.filter(move |it| is_known && it.kind == DefinitionKind::Object(kind));
    ours.map(|here| {
        let same = |it: &&Definition| {
            (it.kind, &it.schema, &it.name, &it.table) == (here.kind, &here.schema, &here.name, &here.table)
        };
        (here, ground.target.definitions.iter().find(same))
    })
}

fn plain<'a>(definition: &'a Definition, name: &str) -> Option<&'a str> {
    let property = definition.properties.iter().find(|it| it.name == name)?;
    match &property.value {
        Value::Plain(text) => Some(text),
        Value::Statement(_) | Value::Written(_) => None,
    }
}

fn statement(definition: &Definition) -> Option<&str> {
    let property = definition.properties.iter().find(|it| it.name == "definition")?;
    match &property.value {
        Value::Statement(sql) | Value::Written(sql) => Some(sql),
        Value::Plain(_) => None,
    }
}

/// Every difference that no statement takes care of.
fn by_hand(report: &Report, steps: &[Step], ground: &Ground) -> Vec<String> {
    let mut lines = Vec::new();
    for it in &report.tables {
        let Some(difference) = &it.difference else {
            continue;
        };
        let is_repaired = it.rows.as_ref().is_some_and(|it| !it.rows.is_empty())
            && matches!(difference, Difference::Rows)
            && table_of(it, &ground.target).is_some();
        if !is_repaired {
            lines.push(format!("table {}: {}", it.name, it.verdict()));
        }
    }
    lines.extend(report.large_objects.iter().flat_map(LargeObjects::sentences));
    for it in report
        .findings
        .iter()
        .filter(|it| it.weight == Weight::Difference)
    {
        let is_step = |step: &Step| step.object == it.object && step.property == it.property;
        if !steps.iter().any(is_step) && it.area != Area::Query {
            lines.push(format!("{}: {it}", it.area));
        }
    }
    lines
}
