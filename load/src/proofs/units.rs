//! What is read back as one: a table, or a partition tree into whose root the rows of partitions went.

use std::collections::BTreeMap;

use archive::{End, Header};
use catalog::{Column, QualifiedName, Table, TableKind, ThroughRoot};
use cli::{Exit, Failure, Result};
use fingerprint::{Fingerprint, Form};

use crate::rows::Routes;

/// What one comparison is about.
pub(super) struct Unit {
    /// The table as it is read: under the names that it has now.
    pub(super) view: Table,
    /// What the archive has of it; of several partitions together.
    pub(super) expected: Fingerprint,
    /// Bytes in the source.
    pub(super) bytes: u64,
    /// Whether the values can be compared too. A fingerprint depends on the order of columns, which partitions of one
    /// tree can have each for itself.
    pub(super) has_one_order: bool,
}

impl Unit {
    pub(super) fn name(&self) -> String {
        self.view.qualified_name().to_string()
    }

    pub(super) fn form(&self) -> Form {
        self.expected.form
    }
}

/// Everything that the load has filled, as far as it `is_meant`. Rows of extensions' tables go in with the grants, and are read back then.
pub(super) fn units(
    header: &Header,
    end: &End,
    routes: &Routes,
    is_meant: fn(&Table) -> bool,
) -> Result<Vec<Unit>> {
    let mut trees: BTreeMap<QualifiedName, Unit> = BTreeMap::new();
    let filled = header.catalog.tables.iter().filter(|it| it.has_rows());
    // Rows of parts are read back where they have been merged.
    let is_elsewhere = |it: &&Table| matches!(it.kind, TableKind::Configuration | TableKind::Part);
    for table in filled.filter(|it| !is_elsewhere(it) && is_meant(it)) {
        let name = routes.table(table);
        let expected = end.table(table.number).map(|it| it.fingerprint);
        let unit = Unit {
            view: view(table, &name),
            expected: expected.ok_or_else(|| no_fingerprint(table))?,
            bytes: table.bytes,
            has_one_order: true,
        };
        match trees.get_mut(&name) {
            None => {
                trees.insert(name, unit);
            }
            Some(whole) => add(whole, &unit),
        }
    }
    Ok(trees.into_values().collect())
}

/// The table with the names that its columns have now, read through `name`.
fn view(table: &Table, name: &QualifiedName) -> Table {
    let called_now = |column: &Column| Column {
        name: column.target_name().to_owned(),
        ..column.clone()
    };
    let mut view = Table {
        columns: table.columns.iter().map(called_now).collect(),
        ..table.clone()
    };
    if *name != table.qualified_name() {
        name.schema.clone_into(&mut view.schema);
        name.name.clone_into(&mut view.name);
        view.through_root = Some(ThroughRoot::Root);
    }
    view
}

fn add(whole: &mut Unit, part: &Unit) {
    let names = |unit: &Unit| -> Vec<String> {
        let columns = unit.view.stored_columns();
        columns.map(|it| it.name.clone()).collect()
    };
    let has_same_order = names(whole) == names(part);
    // Partitions can have different forms too: one may have a column that is not read as binary any more.
    let merged = whole.expected.merge(&part.expected).is_ok();
    if !merged {
        whole.expected.rows += part.expected.rows;
    }
    whole.has_one_order &= has_same_order && merged;
    whole.bytes += part.bytes;
}

fn no_fingerprint(table: &Table) -> Failure {
    Failure::new(
        Exit::Archive,
        format!("archive has no rows of {}", table.qualified_name()),
    )
}
