//! In which order tables are repaired, so that foreign keys hold between the statements, and which keys no order satisfies.

use catalog::{Catalog, ForeignKey, QualifiedName, Table, dependency_order};

use super::{Damaged, Ground};
use crate::rows::difference::RowDifference;

/// Places of damaged tables.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Order {
    /// Those that are referred to come first.
    pub(super) parents_first: Vec<usize>,
    /// Tables between which foreign keys must be set aside: the one that refers, then the other one.
    pub(super) keys_aside: Vec<(QualifiedName, QualifiedName)>,
}

/// Rows too many go first of all, children before parents, so that no unique value stands in the way of what comes.
pub(super) fn order(damaged: &[Damaged<'_>], ground: &Ground) -> Order {
    let lineages: Vec<Vec<QualifiedName>> = damaged
        .iter()
        .map(|it| lineage(it.table, &ground.target))
        .collect();
    let places = |name: &QualifiedName| {
        let places = lineages.iter().enumerate().filter(|(_, it)| it.contains(name));
        places.map(|(place, _)| place).collect::<Vec<usize>>()
    };
    let (mut edges, mut order) = (Vec::new(), Order::default());
    for key in &ground.foreign_keys {
        let (children, parents) = (places(&key.table), places(&key.parent));
        let moves = children.iter().any(|&it| changes_any(&damaged[it], &key.columns));
        let is_acting = ground.obstacles(&key.parent).acting_children.contains(&key.table);
        let is_aside = parents.iter().any(|&it| {
            let parent = &damaged[it];
            let is_itself = children.contains(&it);
            let is_moved = changes_any(parent, &key.parent_columns);
            let goes = parent.has_extra();
            is_itself || is_moved || parent.replaces_any() || goes && (moves || is_acting)
        });
        if is_aside {
            order.set_aside(key);
        } else {
            let pairs = children
                .iter()
                .flat_map(|&child| parents.iter().map(move |&parent| (child, parent)));
            edges.extend(pairs.map(|edge| (edge, key)));
        }
    }
    let only = |edges: &[((usize, usize), &ForeignKey)]| edges.iter().map(|it| it.0).collect::<Vec<_>>();
    if let Err(circle) = dependency_order(damaged.len(), &only(&edges)) {
        let is_in =
            |(child, parent): (usize, usize)| circle.nodes.contains(&child) && circle.nodes.contains(&parent);
        for (_, key) in edges.iter().filter(|it| is_in(it.0)) {
            order.set_aside(key);
        }
        edges.retain(|it| !is_in(it.0));
    }
    let places = dependency_order(damaged.len(), &only(&edges));
    order.parents_first = places.unwrap_or_else(|_| (0..damaged.len()).collect());
    order
}

impl Order {
    fn set_aside(&mut self, key: &ForeignKey) {
        let pair = (key.table.clone(), key.parent.clone());
        if !self.keys_aside.contains(&pair) {
            self.keys_aside.push(pair);
        }
    }
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
