//! What foreign keys mean for a diagram: how many rows they join, and which table stands for a partition.

use std::collections::HashMap;

use diagram::Marks;
use inventory::{ForeignKey, Inventory, KeyKind, Table, TableKind};

/// A source's tables by name, so that a large source is not searched again for each key.
pub(super) struct Tables<'a> {
    by_name: HashMap<(&'a str, &'a str), &'a Table>,
    by_label: HashMap<String, &'a Table>,
}

impl<'a> Tables<'a> {
    pub(super) fn of(source: &'a Inventory) -> Self {
        Tables {
            by_name: source
                .tables
                .iter()
                .map(|it| ((it.schema.as_str(), it.name.as_str()), it))
                .collect(),
            by_label: source.tables.iter().map(|it| (it.label(), it)).collect(),
        }
    }

    /// The table that a foreign key leads to, as it is shown.
    pub(super) fn parent(&self, key: &'a ForeignKey) -> Option<&'a Table> {
        let table = *self
            .by_name
            .get(&(key.parent_schema.as_str(), key.parent.as_str()))?;
        Some(self.whole(table))
    }

    /// The table itself, or that of which it is a part.
    pub(super) fn whole(&self, table: &'a Table) -> &'a Table {
        let mut whole = table;
        // Partitions of partitions; no tree is deeper than this.
        for _ in 0..64 {
            let above = whole.parents.first().filter(|_| is_part(whole));
            match above.and_then(|it| self.by_label.get(it)) {
                Some(above) => whole = above,
                None => break,
            }
        }
        whole
    }

    /// The columns that a foreign key leads to: the primary key's where it names none.
    pub(super) fn parent_columns(&self, key: &'a ForeignKey) -> Vec<String> {
        if !key.parent_columns.is_empty() {
            return key.parent_columns.clone();
        }
        let primary = self.parent(key).and_then(Table::primary_key);
        primary.map(|it| it.columns.clone()).unwrap_or_default()
    }
}

/// Whether it is a partition, however deep.
fn is_part(table: &Table) -> bool {
    table.kind == TableKind::Partition || (table.kind == TableKind::Partitioned && !table.parents.is_empty())
}

pub(super) fn marks(table: &Table, column: &str) -> Marks {
    let in_primary =
        |it: &inventory::Key| it.kind == KeyKind::Primary && it.columns.iter().any(|it| it == column);
    Marks {
        primary: table.keys.iter().any(in_primary),
        foreign: table
            .foreign_keys
            .iter()
            .any(|it| it.columns.iter().any(|it| it == column)),
        unique: unique_columns(table).any(|it| it == [column]),
    }
}

/// Whether a parent has one child at most: the columns hold a key of the child's.
pub(super) fn is_one_to_one(table: &Table, key: &ForeignKey) -> bool {
    let primary = table.primary_key().map(|it| it.columns.as_slice());
    unique_columns(table)
        .chain(primary)
        .any(|unique| !unique.is_empty() && unique.iter().all(|it| key.columns.contains(it)))
}

/// Whether a child may have no parent.
pub(super) fn is_optional(table: &Table, key: &ForeignKey) -> bool {
    let may_be_null = |column: &String| table.columns.iter().any(|it| it.name == *column && !it.not_null);
    key.columns.iter().any(may_be_null)
}

fn unique_columns(table: &Table) -> impl Iterator<Item = &[String]> {
    let keys = table
        .keys
        .iter()
        .filter(|it| it.kind == KeyKind::Unique)
        .map(|it| it.columns.as_slice());
    let indexes = table
        .indexes
        .iter()
        .filter(|it| it.flags.unique && !it.flags.partial && !it.flags.constraint);
    keys.chain(indexes.map(|it| it.columns.as_slice()))
}
