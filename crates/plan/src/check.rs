//! Whether a plan can be carried out, as far as the plan alone tells: everything that is wrong, at once.

use std::collections::{BTreeMap, BTreeSet};

use catalog::{IDENTIFIER_BYTES_MAX, RoleNames};

use crate::document::{Cost, FORMAT_VERSION, Plan};
use crate::faults::{Fault, Faults, below};
use crate::tables::PlannedTable;
use crate::{PlannedSource, TablePattern, check_merges, check_schema_name, has_password};

pub(crate) fn faults(plan: &Plan) -> Vec<Fault> {
    let mut faults = Faults::default();
    if plan.version != FORMAT_VERSION {
        faults.add(
            "version",
            format!(
                "the plan has format version {}, this tool reads {FORMAT_VERSION}",
                plan.version
            ),
        );
    }
    targets(plan, &mut faults);
    let mut names = BTreeSet::new();
    for (index, source) in plan.sources.iter().enumerate() {
        let path = format!("sources[{index}]");
        if source.name.is_empty() {
            faults.add(below(&path, "name"), "it is empty");
        } else if !names.insert(&source.name) {
            faults.add(
                below(&path, "name"),
                format!("the plan names source `{}` twice", source.name),
            );
        }
        one_source(plan, source, &path, &mut faults);
    }
    schemas_that_meet(plan, &mut faults);
    for problem in check_merges(&plan.merges, &plan.sources) {
        faults.add(problem.path, problem.reason);
    }
    let mut ids = BTreeSet::new();
    for (index, conflict) in plan.conflicts.iter().enumerate() {
        let path = format!("conflicts[{index}]");
        if !ids.insert(&conflict.id) {
            faults.add(below(&path, "id"), format!("`{}` stands here twice", conflict.id));
        }
        let chosen = conflict
            .resolution
            .as_ref()
            .filter(|_| !conflict.choices.is_empty());
        if let Some(chosen) = chosen.filter(|it| !conflict.choices.contains(it)) {
            faults.add(
                below(&path, "resolution"),
                format!(
                    "`{chosen}` is none of its choices: {}",
                    conflict.choices.join(", ")
                ),
            );
        }
    }
    faults.0
}

fn targets(plan: &Plan, faults: &mut Faults) {
    let mut names = BTreeSet::new();
    for (index, target) in plan.targets.iter().enumerate() {
        let path = format!("targets[{index}]");
        if target.name.is_empty() {
            faults.add(below(&path, "name"), "it is empty");
        } else if !names.insert(&target.name) {
            faults.add(
                below(&path, "name"),
                format!("the plan names target `{}` twice", target.name),
            );
        }
        endpoint(&target.endpoint, &path, faults);
        cost(target.cost_per_month.as_ref(), &path, faults);
    }
}

/// An endpoint that can be kept in a file: without a password.
fn endpoint(words: &str, path: &str, faults: &mut Faults) {
    let place = below(path, "endpoint");
    if has_password(words) {
        faults.add(
            place,
            "a password stands here in clear; write ${NAME} in its place and put it into the environment, or use .pgpass",
        );
    } else if words.is_empty() {
        faults.add(place, "it is empty");
    } else if let Err(None) = crate::expand(words, |_| Some(String::new())) {
        faults.add(place, "a ${ is not closed by }");
    }
}

fn cost(amount: Option<&Cost>, path: &str, faults: &mut Faults) {
    if amount.and_then(Cost::as_f64).is_some_and(|it| it < 0.0) {
        faults.add(below(path, "cost_per_month"), "it is less than nothing");
    }
}

fn one_source(plan: &Plan, source: &PlannedSource, path: &str, faults: &mut Faults) {
    endpoint(&source.endpoint, path, faults);
    cost(source.cost_per_month.as_ref(), path, faults);
    if let Some(target) = &source.target
        && let Err(error) = plan.target(target)
    {
        faults.add(below(path, "target"), &error.faults()[0].message);
    } else if source.target.is_none() && plan.targets.len() > 1 {
        faults.add(
            path,
            "the plan has several targets, and this source names none: \"target\"",
        );
    }
    choices_of_a_file(source, path, faults);
    for (index, pattern) in source.keys.iter().flat_map(|it| &it.uuid).enumerate() {
        if let Err(error) = TablePattern::parse(pattern) {
            faults.add(format!("{path}.keys.uuid[{index}]"), error);
        }
    }
    mapping(source, path, faults);
    for (old, new) in &source.roles {
        if let Err(error) = RoleNames::check(old, new.as_deref()) {
            faults.add(below(&below(path, "roles"), old), error);
        }
    }
    for (name, table) in &source.tables {
        let place = below(&below(path, "tables"), &name.to_string());
        if name.routine {
            faults.add(&place, "it is a routine's name, no table's");
        }
        if !source.schemas.contains(&name.schema) {
            let known = source.schemas.join(", ");
            faults.add(
                &place,
                format!("the source has no schema `{}`; it has {known}", name.schema),
            );
        }
        one_table(table, &place, faults);
    }
}

fn mapping(source: &PlannedSource, path: &str, faults: &mut Faults) {
    let mapping = &source.mapping;
    let named = mapping.to.iter().map(|new| ("to".to_owned(), new));
    let mapped = mapping.map.iter().map(|(old, new)| (below("map", old), new));
    let before = faults.0.len();
    for (place, new) in named.chain(mapped) {
        if let Err(error) = check_schema_name(new) {
            faults.add(format!("{path}.{place}"), error);
        }
    }
    for (old, new) in &mapping.rename {
        name_of(new, &below(&below(path, "rename"), &old.to_string()), faults);
    }
    if faults.0.len() == before
        && let Err(error) = mapping.apply(source.schemas.iter().map(String::as_str))
    {
        faults.add(path, error);
    }
}

/// SQLite's names are the same in capital and small letters.
fn choices_of_a_file(source: &PlannedSource, path: &str, faults: &mut Faults) {
    let mut seen = BTreeSet::new();
    for (index, it) in source.types.iter().enumerate() {
        if !seen.insert((it.table.to_ascii_lowercase(), it.column.to_ascii_lowercase())) {
            faults.add(
                format!("{path}.types[{index}]"),
                format!(
                    "the plan gives {}.{} of source `{}` two types",
                    it.table, it.column, source.name
                ),
            );
        }
    }
    let mut seen = BTreeSet::new();
    let renames = source.names.iter().flat_map(|it| &it.rename);
    for (index, it) in renames.enumerate() {
        let column = it.column.as_ref().map(|it| it.to_ascii_lowercase());
        if !seen.insert((it.table.to_ascii_lowercase(), column)) {
            let object = match &it.column {
                Some(column) => format!("{}.{column}", it.table),
                None => it.table.clone(),
            };
            faults.add(
                format!("{path}.names.rename[{index}]"),
                format!("the plan gives {object} of source `{}` two names", source.name),
            );
        }
    }
}

fn one_table(table: &PlannedTable, path: &str, faults: &mut Faults) {
    if table.condition.as_ref().is_some_and(|it| it.trim().is_empty()) {
        faults.add(below(path, "where"), "it is empty");
    }
    if table.leave_out && (table.condition.is_some() || table.changes_columns()) {
        faults.add(
            path,
            "the table is left out, and yet something is said of its rows or columns",
        );
    }
    let mut taken: BTreeMap<&str, &str> = BTreeMap::new();
    for (name, column) in &table.columns {
        let place = below(&below(path, "columns"), name);
        if column.drop && (column.rename.is_some() || column.target.is_some() || column.using.is_some()) {
            faults.add(&place, "the column is dropped, and yet it gets a name or a type");
        }
        if column.using.is_some() && column.target.is_none() {
            faults.add(
                &place,
                "`using` says how a type is reached, and there is no `type`",
            );
        }
        for (key, text) in [("type", &column.target), ("using", &column.using)] {
            if text.as_ref().is_some_and(|it| it.trim().is_empty()) {
                faults.add(below(&place, key), "it is empty");
            }
        }
        if let Some(new) = &column.rename {
            name_of(new, &below(&place, "rename"), faults);
            if let Some(first) = taken.insert(new, name) {
                faults.add(place, format!("`{first}` and `{name}` would both become `{new}`"));
            }
        }
    }
    for (name, column) in &table.add {
        let place = below(&below(path, "add"), name);
        name_of(name, &place, faults);
        if taken.contains_key(name.as_str()) {
            faults.add(&place, format!("another column becomes `{name}`"));
        }
        for (key, text) in [("type", &column.target), ("value", &column.value)] {
            if text.trim().is_empty() {
                faults.add(below(&place, key), "it is empty");
            }
        }
    }
}

fn name_of(name: &str, path: &str, faults: &mut Faults) {
    if name.is_empty() {
        faults.add(path, "a name cannot be empty");
    } else if name.len() > IDENTIFIER_BYTES_MAX {
        faults.add(
            path,
            format!(
                "`{name}` has {} bytes, PostgreSQL keeps {IDENTIFIER_BYTES_MAX}",
                name.len()
            ),
        );
    }
}

/// Two sources meet in one schema of one target, and not both of them are meant to.
fn schemas_that_meet(plan: &Plan, faults: &mut Faults) {
    let mut taken: BTreeMap<(Option<&str>, String), &PlannedSource> = BTreeMap::new();
    for (index, source) in plan.sources.iter().enumerate() {
        let target = plan.target_of(source).ok().map(|it| it.name.as_str());
        for schema in source.schemas.iter().map(|it| source.mapping.schema(it)) {
            match taken.get(&(target, schema.clone())) {
                Some(first) if first.name == source.name => {}
                Some(first) if first.shares_schemas() && source.shares_schemas() => {}
                Some(first) => faults.add(
                    format!("sources[{index}]"),
                    format!(
                        "sources `{}` and `{}` would both become schema `{schema}`",
                        first.name, source.name
                    ),
                ),
                None => {
                    taken.insert((target, schema), source);
                }
            }
        }
    }
}
