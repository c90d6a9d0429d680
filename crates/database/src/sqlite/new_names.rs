//! The names that tables, columns and indexes get on the target: those that they have, in snake case, or chosen one
//! by one. What PostgreSQL cannot call so, and what would become one, is found before a row is moved.

use std::collections::HashMap;
use std::collections::hash_map::Entry;

use catalog::{IDENTIFIER_BYTES_MAX, cut_identifier, snake_case};

use super::choices::{Choices, NameStyle, Rename};
use super::inspection::Blocker;
use super::schema::{IndexOrigin, Schema, Table};

/// Names that every PostgreSQL table has already.
const SYSTEM_COLUMNS: [&str; 6] = ["tableoid", "cmax", "xmax", "cmin", "xmin", "ctid"];

/// Gives every table, column and index its name on the target.
pub(super) fn give(schema: &mut Schema, choices: &Choices, blockers: &mut Vec<Blocker>) {
    for table in &mut schema.tables {
        table.new_name = new_name(choices, &table.name, None);
        for column in &mut table.columns {
            column.new_name = new_name(choices, &table.name, Some(&column.name));
        }
        for search in &mut table.searches {
            search.new_name = new_name(choices, &search.name, None);
        }
        for index in &mut table.indexes {
            // Names of indexes and of tables are one namespace, so that one option serves both.
            index.new_name = new_name(choices, &index.name, None);
        }
    }
    for table in &schema.tables {
        check_name(&table.new_name, &format!("table {}", table.name), blockers);
        check_columns(table, blockers);
    }
    for index in schema.tables.iter().flat_map(|it| &it.indexes) {
        if index.origin == IndexOrigin::CreateIndex {
            check_name(&index.new_name, &format!("index {}", index.name), blockers);
        }
    }
    let tables = schema.tables.iter();
    find_clashes(
        tables.map(|it| (it.name.as_str(), it.new_name.as_str())),
        "tables",
        blockers,
    );
    let unknown = choices.renames.iter().filter(|it| !is_known(schema, it));
    blockers.extend(unknown.map(|it| Blocker::UnknownName {
        name: match &it.column {
            Some(column) => format!("column {}.{column}", it.table),
            None => format!("table or index {}", it.table),
        },
    }));
}

fn new_name(choices: &Choices, table: &str, column: Option<&str>) -> String {
    let is_meant = |it: &&Rename| {
        it.table.eq_ignore_ascii_case(table)
            && match (&it.column, column) {
                (Some(wanted), Some(column)) => wanted.eq_ignore_ascii_case(column),
                (None, None) => true,
                _ => false,
            }
    };
    let name = column.unwrap_or(table);
    match (choices.renames.iter().find(is_meant), choices.names) {
        (Some(rename), _) => rename.new_name.clone(),
        (None, style) => style.apply(name),
    }
}

impl NameStyle {
    /// The name in this style.
    pub(super) fn apply(self, name: &str) -> String {
        match self {
            NameStyle::Keep => name.to_owned(),
            NameStyle::SnakeCase => cut_identifier(&snake_case(name)).to_owned(),
        }
    }
}

/// Whether PostgreSQL can call something so.
pub(super) fn is_name(name: &str) -> bool {
    !name.is_empty() && name.len() <= IDENTIFIER_BYTES_MAX
}

fn check_columns(table: &Table, blockers: &mut Vec<Blocker>) {
    for column in &table.columns {
        let label = format!("{}.{}", table.name, column.name);
        check_name(&column.new_name, &format!("column {label}"), blockers);
        if SYSTEM_COLUMNS.contains(&column.new_name.as_str()) {
            blockers.push(Blocker::SystemColumn { column: label });
        }
    }
    let names = table
        .columns
        .iter()
        .map(|it| (it.name.as_str(), it.new_name.as_str()));
    find_clashes(names, &format!("columns of {}", table.name), blockers);
}

fn check_name(name: &str, label: &str, blockers: &mut Vec<Blocker>) {
    if name.is_empty() {
        blockers.push(Blocker::EmptyName {
            table: label.to_owned(),
        });
    } else if name.len() > IDENTIFIER_BYTES_MAX {
        blockers.push(Blocker::LongName {
            object: label.to_owned(),
        });
    }
}

/// Finds two of `names`, each with its new one, that become one.
fn find_clashes<'a>(
    names: impl Iterator<Item = (&'a str, &'a str)>,
    kind: &str,
    blockers: &mut Vec<Blocker>,
) {
    let mut taken: HashMap<&str, &str> = HashMap::new();
    for (name, new_name) in names {
        match taken.entry(new_name) {
            Entry::Vacant(place) => {
                place.insert(name);
            }
            Entry::Occupied(first) => blockers.push(Blocker::NameClash {
                kind: kind.to_owned(),
                first: (*first.get()).to_owned(),
                second: name.to_owned(),
                new_name: new_name.to_owned(),
            }),
        }
    }
}

fn is_known(schema: &Schema, rename: &Rename) -> bool {
    let is_named = |name: &str| name.eq_ignore_ascii_case(&rename.table);
    match &rename.column {
        Some(column) => schema
            .tables
            .iter()
            .any(|it| is_named(&it.name) && it.column(column).is_some()),
        None => schema
            .tables
            .iter()
            .flat_map(|it| {
                let indexes = it.indexes.iter().map(|it| &it.name);
                let searches = it.searches.iter().map(|it| &it.name);
                std::iter::once(&it.name).chain(indexes).chain(searches)
            })
            .any(|it| is_named(it)),
    }
}
