//! In which order tables are repaired, so that foreign keys hold between the statements.

use catalog::{Catalog, ForeignKey, QualifiedName, Table, dependency_order};

use super::Damaged;
use crate::rows::difference::RowDifference;

/// Places of damaged tables.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Order {
    /// Those that are referred to come first.
    pub(super) parents_first: Vec<usize>,
    /// Tables that refer to each other in a circle.
    pub(super) circle: Vec<usize>,
    /// Tables whose rows too many go last: rows that refer to them must be changed before. The others' go first, so that
    /// no unique key stands in the way of what comes.
    pub(super) delete_late: Vec<usize>,
    /// Tables that refer to themselves.
    pub(super) to_themselves: Vec<usize>,
}

pub(super) fn order(damaged: &[Damaged<'_>], foreign_keys: &[ForeignKey], target: &Catalog) -> Order {
    let lineages: Vec<Vec<QualifiedName>> = damaged.iter().map(|it| lineage(it.table, target)).collect();
    let places = |name: &QualifiedName| {
        let places = lineages.iter().enumerate().filter(|(_, it)| it.contains(name));
        places.map(|(place, _)| place).collect::<Vec<usize>>()
    };
    let (mut edges, mut order) = (Vec::new(), Order::default());
    for key in foreign_keys {
        let parents = places(&key.parent);
        for child in places(&key.table) {
            let moves = changes_any(&damaged[child], &key.columns);
            for &parent in &parents {
                edges.push((child, parent));
                if child == parent {
                    order.to_themselves.push(child);
                }
                if moves {
                    order.delete_late.push(parent);
                }
            }
        }
    }
    match dependency_order(damaged.len(), &edges) {
        Ok(places) => order.parents_first = places,
        Err(cycle) => {
            let is_free = |it: &usize| !cycle.nodes.contains(it);
            order.parents_first = (0..damaged.len())
                .filter(is_free)
                .chain(cycle.nodes.iter().copied())
                .collect();
            order.circle = cycle.nodes;
        }
    }
    order
}

/// A table and, of a partition, all tables that it is a part of.
fn lineage(table: &Table, target: &Catalog) -> Vec<QualifiedName> {
    let mut names = vec![table.qualified_name()];
    let mut at = table.partition_of.as_ref();
    while let Some(name) = at.filter(|it| !names.contains(it)) {
        names.push(name.clone());
        let root = target.tables.iter().find(|it| it.qualified_name() == *name);
        at = root.and_then(|it| it.partition_of.as_ref());
    }
    names
}

/// Whether a row is changed in one of `columns`.
fn changes_any(damaged: &Damaged<'_>, columns: &[String]) -> bool {
    damaged.rows.rows.iter().any(|row| match row {
        RowDifference::Changed { columns: places, .. } => {
            let mut names = places.iter().filter_map(|&it| damaged.rows.columns.get(it));
            names.any(|it| columns.contains(it))
        }
        RowDifference::Missing(_) | RowDifference::Extra(_) => false,
    })
}
