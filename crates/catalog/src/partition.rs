//! Partitions whose rows another database may keep in other places, so that a row's partition is the target's to
//! choose: hash partitions over values that carry OIDs, and keys of text under another collation.

use std::collections::{HashMap, HashSet};

use serde::{Deserialize, Serialize};

use crate::{Catalog, QualifiedName, Table, TableKind};

/// The key of a partitioned table, as far as it decides where else a row could belong.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PartitionKey {
    /// How a row's values of the key choose its partition.
    pub strategy: PartitionStrategy,
    /// Whether the place of a row depends on OIDs, which differ from database to database: those of an enum's labels
    /// in a hash, those of objects in a range.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub by_oids: bool,
    /// What orders and compares the text in the key: `provider:locale@version` of each collation, in the key's order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub collations: Vec<String>,
}

impl PartitionKey {
    /// Whether rows stand where they would under `other`, as far as text decides: text is compared by its collations
    /// and hashed by its bytes.
    pub fn places_text_as(&self, other: &PartitionKey, same_encoding: bool) -> bool {
        self.collations.is_empty() || same_encoding && self.collations == other.collations
    }
}

/// The word behind `PARTITION BY`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PartitionStrategy {
    List,
    Range,
    Hash,
}

/// The place of a table in a partition tree that is read, filled and compared as one table.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ThroughRoot {
    /// The rows of all its partitions are its own.
    Root,
    /// Its rows are those of the root above it.
    Below,
}

/// Finds the partitioned tables above a table.
#[derive(Debug)]
pub struct PartitionTrees<'a> {
    partitioned: HashMap<QualifiedName, &'a Table>,
    /// Numbers of partitioned tables with a foreign table below.
    with_foreign: HashSet<u32>,
}

impl<'a> PartitionTrees<'a> {
    /// The trees among `tables`, which are all of a catalog's.
    pub fn new(tables: &'a [Table]) -> Self {
        let partitioned = tables.iter().filter(|it| it.kind == TableKind::Partitioned);
        let mut trees = PartitionTrees {
            partitioned: partitioned.map(|it| (it.qualified_name(), it)).collect(),
            with_foreign: HashSet::new(),
        };
        for foreign in tables.iter().filter(|it| it.kind == TableKind::Foreign) {
            let mut above = trees.parent(foreign);
            while let Some(table) = above {
                trees.with_foreign.insert(table.number);
                above = trees.parent(table);
            }
        }
        trees
    }

    fn parent(&self, table: &Table) -> Option<&'a Table> {
        self.partitioned.get(table.partition_of.as_ref()?).copied()
    }

    /// The topmost of `table` and of the partitioned tables above it that `is_wanted` wants. One with a foreign table
    /// below is none: through it the rows of others would be taken for ours, and ours could become theirs.
    pub fn topmost(&self, table: &'a Table, is_wanted: impl Fn(&Table) -> bool) -> Option<&'a Table> {
        let mut found = None;
        let mut next = Some(table);
        while let Some(at) = next {
            if is_wanted(at) && !self.with_foreign.contains(&at.number) {
                found = Some(at);
            }
            next = self.parent(at);
        }
        found
    }
}

impl Catalog {
    /// Gives the rows of trees in which OIDs decide to the topmost such table, with the bytes of its partitions.
    pub fn read_through_roots(&mut self) {
        let trees = PartitionTrees::new(&self.tables);
        let by_oids = |it: &Table| it.partition_key.as_ref().is_some_and(|key| key.by_oids);
        let roots: Vec<Option<u32>> = self
            .tables
            .iter()
            .map(|table| trees.topmost(table, by_oids).map(|root| root.number))
            .collect();
        let mut bytes: HashMap<u32, u64> = HashMap::new();
        for (table, root) in self.tables.iter_mut().zip(&roots) {
            let Some(root) = *root else { continue };
            if root == table.number {
                table.through_root = Some(ThroughRoot::Root);
            } else {
                table.through_root = Some(ThroughRoot::Below);
                *bytes.entry(root).or_default() += std::mem::take(&mut table.bytes);
            }
        }
        for table in &mut self.tables {
            if table.through_root == Some(ThroughRoot::Root) {
                table.bytes = bytes.get(&table.number).copied().unwrap_or_default();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table(number: u32, kind: TableKind, parent: Option<u32>, by_oids: Option<bool>) -> Table {
        let key = |by_oids| PartitionKey {
            strategy: PartitionStrategy::Hash,
            by_oids,
            collations: Vec::new(),
        };
        Table {
            number,
            schema: "s".to_owned(),
            name: number.to_string(),
            kind,
            unlogged: false,
            columns: Vec::new(),
            primary_key: Vec::new(),
            partition_of: parent.map(|it| QualifiedName::new("s", it.to_string())),
            partition_key: by_oids.map(key),
            through_root: None,
            inherits: Vec::new(),
            rows_estimate: None,
            bytes: 1,
            extension: None,
            index_bytes: None,
            origin: None,
            condition: None,
            merged: None,
            part: None,
            changes: None,
        }
    }

    /// Which tables have rows, and their bytes.
    fn check(tables: Vec<Table>, expected: &[(u32, u64)]) {
        let mut catalog = Catalog {
            tables,
            ..Catalog::default()
        };
        catalog.read_through_roots();
        let with_rows = catalog.tables.iter().filter(|it| it.has_rows());
        assert_eq!(
            with_rows.map(|it| (it.number, it.bytes)).collect::<Vec<_>>(),
            expected
        );
    }

    #[test]
    fn rows_belong_to_the_topmost_table_whose_key_depends_on_oids() {
        use TableKind::{Foreign, Ordinary, Partitioned};
        let tree = |last| {
            vec![
                table(0, Partitioned, None, Some(false)),
                table(1, Partitioned, Some(0), Some(true)),
                table(2, Partitioned, Some(1), Some(true)),
                table(3, Ordinary, Some(2), None),
                table(4, last, Some(1), None),
                table(5, Ordinary, Some(0), None),
            ]
        };
        check(tree(Ordinary), &[(1, 3), (5, 1)]);
        check(tree(Foreign), &[(2, 1), (5, 1)]);
    }
}
