//! Which columns hold the values of which others: along foreign keys, and from a partition or an heir to its parent.

use std::collections::{BTreeMap, BTreeSet};

use catalog::{Catalog, ForeignKey, QualifiedName, Table};

/// A column by its table's place in the catalog and its own place in the table.
pub(crate) type Node = (usize, usize);

/// What every column follows.
#[derive(Default)]
pub(crate) struct Follows {
    edges: BTreeMap<Node, BTreeSet<Node>>,
    /// Columns that refer to a table which is not here.
    outside: BTreeMap<Node, QualifiedName>,
}

impl Follows {
    pub(crate) fn new<'a>(catalog: &Catalog, foreign_keys: impl Iterator<Item = &'a ForeignKey>) -> Self {
        let tables = &catalog.tables;
        let own = tables.iter().enumerate().filter(|(_, it)| it.is_own());
        let by_name: BTreeMap<QualifiedName, usize> = own
            .clone()
            .map(|(place, it)| (it.qualified_name(), place))
            .collect();
        let column = |table: usize, name: &str| {
            let place = tables[table].columns.iter().position(|it| it.name == name)?;
            Some((table, place))
        };
        let mut follows = Follows::default();
        for key in foreign_keys {
            let Some(&table) = by_name.get(&key.table) else {
                continue;
            };
            let parent = by_name.get(&key.parent).copied();
            let primary_key = || parent.map_or(&[][..], |it| &tables[it].primary_key);
            let parent_columns = match key.parent_columns.as_slice() {
                [] => primary_key(),
                named => named,
            };
            for (place, name) in key.columns.iter().enumerate() {
                let Some(node) = column(table, name) else { continue };
                let to = parent
                    .zip(parent_columns.get(place))
                    .and_then(|(it, name)| column(it, name));
                match to {
                    Some(to) => follows.add(node, to),
                    None => {
                        follows.outside.insert(node, key.parent.clone());
                    }
                }
            }
        }
        for (place, table) in own {
            for parent in parents(table).filter_map(|it| by_name.get(it)) {
                for (at, it) in table.columns.iter().enumerate() {
                    if let Some(to) = column(*parent, &it.name) {
                        follows.add((place, at), to);
                    }
                }
            }
        }
        follows
    }

    fn add(&mut self, node: Node, to: Node) {
        // A key that refers to itself says nothing.
        if node != to {
            self.edges.entry(node).or_default().insert(to);
        }
    }

    /// Columns that follow others.
    pub(crate) fn nodes(&self) -> impl Iterator<Item = Node> {
        self.edges.keys().copied()
    }

    /// The table elsewhere to which a column refers.
    pub(crate) fn outside(&self, node: Node) -> Option<&QualifiedName> {
        self.outside.get(&node)
    }

    /// Where following ends: columns that follow nothing, and circles of columns that follow each other alone. A column
    /// that follows nothing ends in itself.
    pub(crate) fn ends(&self, node: Node) -> Vec<BTreeSet<Node>> {
        let mut ends: Vec<BTreeSet<Node>> = Vec::new();
        for reached in self.reached(node) {
            let circle = self.reached(reached);
            let is_end = circle.iter().all(|it| self.reached(*it).contains(&reached));
            if is_end && !ends.contains(&circle) {
                ends.push(circle);
            }
        }
        ends
    }

    /// The node itself and all that it follows.
    fn reached(&self, node: Node) -> BTreeSet<Node> {
        let (mut reached, mut left) = (BTreeSet::from([node]), vec![node]);
        while let Some(next) = left.pop() {
            let further = self.edges.get(&next).into_iter().flatten();
            left.extend(further.filter(|it| reached.insert(**it)));
        }
        reached
    }
}

/// The tables whose columns are the table's, too.
pub(crate) fn parents(table: &Table) -> impl Iterator<Item = &QualifiedName> {
    table.partition_of.iter().chain(&table.inherits)
}
