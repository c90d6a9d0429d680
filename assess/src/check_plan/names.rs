//! Tables and columns that a plan names: whether the source has them.

use std::collections::BTreeMap;

use catalog::quote_ident;
use inventory::Inventory;
use plan::{Plan, PlannedSource, Renamed};

use super::findings::{Findings, Kind};

/// Tables with their columns.
type Tables = BTreeMap<(String, String), Vec<String>>;

/// By the source itself.
pub(super) fn by_source(planned: &PlannedSource, inventory: &Inventory, path: &str, findings: &mut Findings) {
    let tables = inventory.tables.iter().map(|it| {
        let columns = it.columns.iter().map(|it| it.name.clone()).collect();
        ((it.schema.clone(), it.name.clone()), columns)
    });
    check(planned, &tables.collect(), path, findings);
    let schemas: Vec<&str> = inventory.schemas.iter().map(|it| it.name.as_str()).collect();
    for (at, schema) in planned.schemas.iter().enumerate() {
        if !schemas.contains(&schema.as_str()) {
            findings.add(
                format!("{path}.schemas[{at}]"),
                Kind::Name,
                format!("{} has no schema {schema}", planned.name),
            );
        }
    }
    for schema in schemas
        .iter()
        .filter(|it| !planned.schemas.iter().any(|one| one == *it))
    {
        findings.add(
            format!("{path}.schemas"),
            Kind::Change,
            format!(
                "{} has a schema {schema}, which the plan does not know",
                planned.name
            ),
        );
    }
}

/// By what the plan says that the source had.
pub(super) fn by_the_plan(plan: &Plan, findings: &mut Findings) {
    for (at, planned) in plan.sources.iter().enumerate() {
        let Some(made_of) = &planned.made_of else {
            continue;
        };
        let mut tables = Tables::new();
        for (name, table) in &made_of.tables {
            let Ok(name) = name.parse::<Renamed>() else {
                continue;
            };
            let columns = table.columns.iter().filter_map(|it| column_name(it)).collect();
            tables.insert((name.schema, name.name), columns);
        }
        check(planned, &tables, &format!("sources[{at}]"), findings);
    }
}

/// The name before the type: bare, or in double quotes.
fn column_name(text: &str) -> Option<String> {
    if text.starts_with('"') {
        plan::name_part(text).map(|(name, _)| name)
    } else {
        text.split(' ').next().map(str::to_owned)
    }
}

fn check(planned: &PlannedSource, tables: &Tables, path: &str, findings: &mut Findings) {
    for (name, said) in &planned.tables {
        let place = format!("{path}.tables[{}]", serde_json::Value::from(name.to_string()));
        let Some(columns) = tables.get(&(name.schema.clone(), name.name.clone())) else {
            findings.add(place, Kind::Name, format!("{} has no table {name}", planned.name));
            continue;
        };
        for column in said.columns.keys().filter(|it| !columns.contains(it)) {
            findings.add(
                format!("{place}.columns.{column}"),
                Kind::Name,
                format!(
                    "table {name} of {} has no column {}",
                    planned.name,
                    quote_ident(column)
                ),
            );
        }
        for column in said.add.keys().filter(|it| columns.contains(it)) {
            findings.add(
                format!("{place}.add.{column}"),
                Kind::Name,
                format!(
                    "table {name} of {} has a column {} already",
                    planned.name,
                    quote_ident(column)
                ),
            );
        }
    }
}
