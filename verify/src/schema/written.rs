//! What a source says in our words, which the server writes in its own: a SQLite file's definitions, and what is known of
//! them before they are made.

use catalog::{
    Catalog, Column, Definition, DefinitionKind, ObjectKind, Property, Value, mentions, quote_ident,
};
use rewrite::{Said, said_by_server};

use super::label::{label, said};
use crate::report::{Area, Finding, Weight};

/// How many objects a sentence names.
const NAMED_MAX: usize = 5;

/// Puts the server's words in the place of ours wherever they say the same, so that what is left is different. Returns
/// what could not be judged, as one finding.
pub(crate) fn settle(source: &mut Vec<Definition>, target: &[Definition]) -> Option<Finding> {
    let mut unjudged = Vec::new();
    let mut columns = Vec::new();
    for definition in source.iter_mut() {
        let is_written = |it: &Property| matches!(it.value, Value::Written(_));
        let is_ours = definition.properties.iter().any(is_written);
        if definition.kind == DefinitionKind::Extension && definition.properties.is_empty() {
            // A file asks for no version.
            let there = target
                .iter()
                .find(|it| it.kind == definition.kind && it.name == definition.name);
            definition.properties = there.map_or_else(Vec::new, |it| it.properties.clone());
        }
        if !is_ours {
            continue;
        }
        let Some(there) = target.iter().find(|it| is_same_object(definition, it)) else {
            continue;
        };
        let is_view = definition.kind == DefinitionKind::Object(ObjectKind::View);
        if is_view {
            // What a query's columns are follows from the query.
            columns.extend(target.iter().filter(|it| is_column_of(it, definition)).cloned());
        }
        let label = label(definition);
        for property in definition.properties.iter_mut().filter(|it| is_written(it)) {
            let there = there.properties.iter().find(|it| it.name == property.name);
            let verdict = there.map(|it| verdict(property, it)).map(|it| match it {
                // The server puts the columns in the place of a star, and gives a query within itself another name.
                Said::Otherwise if is_view && has_star_or_recursion(said(property)) => Said::Unknown,
                it => it,
            });
            match (verdict, there) {
                (Some(Said::Same), Some(there)) => property.value = there.value.clone(),
                (Some(Said::Unknown), Some(there)) => {
                    property.value = there.value.clone();
                    unjudged.push(label.clone());
                }
                _ => {
                    if let Value::Written(sql) = &property.value {
                        property.value = Value::Statement(sql.clone());
                    }
                }
            }
        }
    }
    source.extend(columns);
    not_compared(&unjudged)
}

fn has_star_or_recursion(sql: &str) -> bool {
    sql.contains(".*") || sql.contains("* FROM") || sql.contains("RECURSIVE")
}

fn verdict(here: &Property, there: &Property) -> Said {
    if matches!(here.name.as_str(), "default" | "expression") {
        said_by_server(
            &format!("SELECT {}", said(here)),
            &format!("SELECT {}", said(there)),
        )
    } else {
        let whole = |it: &Property| match &it.value {
            Value::Plain(sql) | Value::Statement(sql) | Value::Written(sql) => sql.clone(),
        };
        said_by_server(&whole(here), &whole(there))
    }
}

fn not_compared(unjudged: &[String]) -> Option<Finding> {
    let first = unjudged
        .iter()
        .take(NAMED_MAX)
        .cloned()
        .collect::<Vec<_>>()
        .join(", ");
    let rest = unjudged.len().saturating_sub(NAMED_MAX);
    let more = if rest > 0 {
        format!(" and {rest} more")
    } else {
        String::new()
    };
    (!unjudged.is_empty()).then(|| {
        Finding::new(Area::Schema, "definitions", "not compared")
            .weighing(Weight::NotCompared)
            .with_note(format!(
                "PostgreSQL writes {first}{more} in its own words, and nobody can tell whether they say the same"
            ))
    })
}

fn is_same_object(here: &Definition, there: &Definition) -> bool {
    let place = |it: &Definition| (it.kind, it.schema.clone(), it.name.clone());
    place(here) == place(there) && here.table == there.table && here.arguments == there.arguments
}

fn is_column_of(column: &Definition, view: &Definition) -> bool {
    column.kind == DefinitionKind::Column
        && column.schema == view.schema
        && column.table.as_ref() == Some(&view.name)
}

/// Queries whose columns got new names: PostgreSQL follows them by lists of names that nobody else writes so.
pub(crate) fn explain_renamed_columns(findings: &mut [Finding]) {
    let queries = ["view ", "materialized view ", "rule "];
    for finding in findings {
        let is_query = queries.iter().any(|it| finding.object.starts_with(it));
        if is_query && finding.property == "definition" && finding.weight == Weight::Difference {
            finding.weight = Weight::NotCompared;
            finding.note = Some(
                "columns have new names, which PostgreSQL writes into a query in its own way: nobody can tell whether it \
                 says the same"
                    .to_owned(),
            );
        }
    }
}

/// What speaks of a column that got another type PostgreSQL writes with other casts.
pub(crate) fn explain_retyped_columns(findings: &mut [Finding], renamed: &Catalog) {
    let changed = renamed
        .tables
        .iter()
        .filter_map(|it| Some((it, it.changes.as_ref()?)));
    let retyped: Vec<&str> = changed
        .flat_map(|(table, changes)| {
            table
                .columns
                .iter()
                .filter(|it| changes.retypes(&it.name).is_some())
        })
        .map(Column::target_name)
        .collect();
    for finding in findings.iter_mut().filter(|it| it.weight == Weight::Difference) {
        let speaks = |it: &Option<String>| {
            let text = it.as_deref().unwrap_or_default();
            retyped.iter().any(|column| mentions(text, column))
        };
        let is_default = finding.property == "default"
            && retyped
                .iter()
                .any(|it| finding.object.ends_with(&format!(".{}", quote_ident(it))));
        if is_default
            || finding.property == "definition" && speaks(&finding.source) && speaks(&finding.target)
        {
            finding.weight = Weight::NotCompared;
            finding.note = Some("a column that it speaks of has another type on the target".to_owned());
        }
    }
}

/// Explains what follows from keys that became UUIDs: what mentions them is written otherwise, or calculates with another
/// type.
pub(crate) fn explain_converted_keys(findings: &mut [Finding]) {
    const PROGRAMS: [&str; 7] = [
        "view ",
        "materialized view ",
        "rule ",
        "policy ",
        "trigger ",
        "function ",
        "procedure ",
    ];
    const INTEGERS: [&str; 3] = ["smallint", "integer", "bigint"];
    for finding in findings.iter_mut().filter(|it| it.weight == Weight::Difference) {
        let types = (finding.source.as_deref(), finding.target.as_deref());
        let is_key = finding.property == "type"
            && types.1 == Some("uuid")
            && types.0.is_some_and(|it| INTEGERS.contains(&it));
        let is_program = finding.property == "definition"
            && finding.source.is_some()
            && finding.target.is_some()
            && PROGRAMS.iter().any(|it| finding.object.starts_with(it));
        if is_key {
            finding.weight = Weight::Expected;
            finding.note = Some("integer keys are UUIDs on the target".to_owned());
        } else if is_program {
            finding.weight = Weight::NotCompared;
            finding.note =
                Some("integer keys are UUIDs on the target, and what mentions them says so".to_owned());
        }
    }
}
