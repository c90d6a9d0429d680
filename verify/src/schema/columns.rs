//! The order of columns, for rows that are written without naming them.

use std::collections::{HashMap, HashSet};

use catalog::{Definition, DefinitionKind, quote_ident};

use super::definitions::{is_owner, property};
use super::label::label;
use crate::report::{Area, Finding, Weight};

/// Tables whose columns stand in another order, of those that both sides have.
pub(super) fn orders(source: &[Definition], target: &[Definition]) -> Vec<Finding> {
    let ours = columns_in_order(source);
    let theirs: HashMap<(&str, &str), Vec<&str>> = columns_in_order(target).into_iter().collect();
    let mut findings = Vec::new();
    for ((schema, table), here) in ours {
        let Some(there) = theirs.get(&(schema, table)) else {
            continue;
        };
        let (mine, other): (HashSet<&str>, HashSet<&str>) =
            (here.iter().copied().collect(), there.iter().copied().collect());
        let here: Vec<&str> = here.into_iter().filter(|it| other.contains(it)).collect();
        let there: Vec<&str> = there.iter().copied().filter(|it| mine.contains(it)).collect();
        let Some(place) = here.iter().zip(&there).position(|(a, b)| a != b) else {
            continue;
        };
        let definition = source
            .iter()
            .find(|it| is_owner(it.kind) && it.schema == schema && it.name == table);
        let Some(definition) = definition else { continue };
        let shown = |columns: &[&str]| {
            let names: Vec<String> = columns[place..]
                .iter()
                .take(3)
                .map(|it| quote_ident(it))
                .collect();
            let rest = if columns.len() > place + 3 { ", …" } else { "" };
            let start = if place > 0 { "…, " } else { "" };
            Some(format!("{start}{}{rest}", names.join(", ")))
        };
        let finding = Finding::new(Area::Schema, label(definition), "order of columns")
            .between(shown(&here), shown(&there));
        findings.push(if property(definition, "inherits").is_some() {
            finding
                .weighing(Weight::Expected)
                .with_note("a dump puts inherited columns first")
        } else {
            finding
        });
    }
    findings
}

/// Each table with its columns in their order.
fn columns_in_order(definitions: &[Definition]) -> Vec<((&str, &str), Vec<&str>)> {
    let mut tables: Vec<((&str, &str), Vec<&str>)> = Vec::new();
    for column in definitions.iter().filter(|it| it.kind == DefinitionKind::Column) {
        let table = (
            column.schema.as_str(),
            column.table.as_deref().unwrap_or_default(),
        );
        match tables.last_mut() {
            Some((last, columns)) if *last == table => columns.push(&column.name),
            _ => tables.push((table, vec![&column.name])),
        }
    }
    tables
}
