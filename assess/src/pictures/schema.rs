//! One schema of a source as a diagram.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use cli::count;
use diagram::{Diagram, Row};
use inventory::{Inventory, Table, TableKind};

use super::draft::{Draft, Name, Reference};
use super::foreign_keys::{Tables, is_one_to_one, is_optional, marks};

/// The schemas that have tables.
pub(super) fn names(source: &Inventory) -> Vec<&str> {
    let mut names: Vec<&str> = source.tables.iter().map(|it| it.schema.as_str()).collect();
    names.sort_unstable();
    names.dedup();
    names
}

/// Its tables with their foreign keys. Tables of other schemas that these lead to stand by with what is referred to;
/// partitions are counted with the table that they are parts of, and their keys are its keys, unless it is elsewhere.
pub(super) fn diagram(source: &Inventory, schema: &str) -> Diagram {
    let tables = Tables::of(source);
    let parts = parts(source);
    let mut draft = Draft::default();
    let as_shown = |table| {
        let whole = tables.whole(table);
        if whole.schema == schema { whole } else { table }
    };
    let mut shown = 0;
    for table in source
        .tables_in(schema)
        .filter(|it| std::ptr::eq(as_shown(it), *it))
    {
        draft.add(
            name(table),
            drawn(table, parts.get(table.label().as_str()).copied()),
        );
        shown += 1;
    }
    let mut references = Vec::new();
    for table in source.tables_in(schema) {
        for key in &table.foreign_keys {
            let Some(parent) = tables.parent(key) else {
                continue;
            };
            let reference = Reference {
                child: name(as_shown(table)),
                columns: key.columns.clone(),
                parent: name(parent),
                parent_columns: tables.parent_columns(key),
                label: key.name.clone(),
                one_to_one: is_one_to_one(table, key),
                optional: is_optional(table, key),
            };
            stand_by(&mut draft, parent, &reference);
            references.push(reference);
        }
    }
    let mut diagram = draft.finish(references);
    let outside = diagram.tables.len() - shown;
    diagram.title = format!("{}: schema {schema}", source.name);
    diagram.description = description(&diagram, outside);
    diagram
}

/// A table of another schema, with the columns that are referred to.
fn stand_by(draft: &mut Draft, parent: &Table, reference: &Reference) {
    if !draft.has(&reference.parent) {
        let table = diagram::Table {
            name: parent.label(),
            note: Some("in another schema".to_owned()),
            ..diagram::Table::default()
        };
        draft.add(reference.parent.clone(), table);
    }
    let Some(drawn) = draft.get_mut(&reference.parent) else {
        return;
    };
    for column in &reference.parent_columns {
        let is_there = drawn.rows.iter().any(|it| it.name == *column);
        if let Some(column) = parent.columns.iter().find(|it| it.name == *column && !is_there) {
            drawn.rows.push(row(parent, column));
        }
    }
}

fn drawn(table: &Table, parts: Option<usize>) -> diagram::Table {
    diagram::Table {
        name: table.name.clone(),
        rows: table.columns.iter().map(|it| row(table, it)).collect(),
        note: Some(note(table, parts)),
        ..diagram::Table::default()
    }
}

pub(super) fn row(table: &Table, column: &inventory::Column) -> Row {
    Row {
        name: column.name.clone(),
        type_name: column.type_name.clone(),
        marks: marks(table, &column.name),
        not_null: column.not_null,
    }
}

/// `1,204 rows`, `~1,204 rows in 7 partitions`, `foreign table`
fn note(table: &Table, parts: Option<usize>) -> String {
    let mut words = match table.kind {
        TableKind::Foreign => return "foreign table".to_owned(),
        TableKind::Virtual => return "virtual table".to_owned(),
        TableKind::Partitioned => String::new(),
        TableKind::Ordinary | TableKind::Partition => rows(table),
    };
    if let Some(parts) = parts {
        let what = if table.kind == TableKind::Partitioned {
            "partition"
        } else {
            "heir"
        };
        let gap = if words.is_empty() { "" } else { ", " };
        words = format!("{words}{gap}{}", plural(parts, what));
    }
    words
}

/// `~` stands before what was not counted.
pub(super) fn rows(table: &Table) -> String {
    let estimate = if table.rows_exact { "" } else { "~" };
    match table.rows_counted.or(table.rows_estimate) {
        Some(1) => format!("{estimate}1 row"),
        Some(rows) => format!("{estimate}{} rows", count(rows)),
        None => String::new(),
    }
}

/// How many parts each table has, by its label; parts of parts are counted where they are.
pub(super) fn parts(source: &Inventory) -> BTreeMap<&str, usize> {
    let mut parts = BTreeMap::new();
    for parent in source.tables.iter().flat_map(|it| &it.parents) {
        *parts.entry(parent.as_str()).or_default() += 1;
    }
    parts
}

fn description(diagram: &Diagram, outside: usize) -> String {
    let mut words = format!(
        "{}, {}.",
        plural(diagram.tables.len() - outside, "table"),
        plural(diagram.edges.len(), "foreign key")
    );
    match outside {
        0 => {}
        1 => words.push_str(" A table of another schema stands by."),
        _ => {
            let _ = write!(words, " {} of other schemas stand by.", plural(outside, "table"));
        }
    }
    if diagram.tables.len() > diagram::DETAILED_TABLES_MAX {
        words.push_str(" Only columns of keys are shown.");
    }
    words
}

/// `1 table`, `1,204 tables`
pub(super) fn plural(number: usize, noun: &str) -> String {
    format!(
        "{} {noun}{}",
        count(number as u64),
        if number == 1 { "" } else { "s" }
    )
}

fn name(table: &Table) -> Name {
    (table.schema.clone(), table.name.clone())
}
