//! What is compared as one: a table, or a partition tree in which the target may keep rows in other partitions.

use std::collections::{BTreeMap, HashMap};

use catalog::{PartitionTrees, QualifiedName, Table, ThroughRoot};
use database::postgres::Extent;

/// What one comparison is about.
pub(crate) struct Unit<'a> {
    /// The table in the source; the root of a tree is to be read through.
    pub(crate) table: Table,
    /// The same table as it is called on the target.
    pub(crate) renamed: &'a Table,
    /// The partitions of the source whose rows are the root's here; empty for a table by itself.
    pub(crate) parts: Vec<&'a Table>,
    /// How rows of a live source are read.
    pub(crate) extent: Extent,
}

impl Unit<'_> {
    /// Bytes in the source.
    pub(crate) fn bytes(&self) -> u64 {
        let parts: u64 = self.parts.iter().map(|it| it.bytes).sum();
        self.table.bytes + parts
    }
}

/// All tables with rows, partitions of one tree together where what orders their keys differs on the target.
///
/// `tables` and `renamed` are the source's, in the same order; `there` are the target's. Partitions that have their
/// columns in another order than the root are counted in the root's.
pub(crate) fn units<'a>(
    tables: &'a [Table],
    renamed: &'a [Table],
    there: &HashMap<QualifiedName, &Table>,
    same_encoding: bool,
) -> Vec<Unit<'a>> {
    let trees = PartitionTrees::new(renamed);
    let differs = |table: &Table| {
        let found = there
            .get(&table.qualified_name())
            .and_then(|it| it.partition_key.as_ref());
        let key = table.partition_key.as_ref().zip(found);
        key.is_some_and(|(key, found)| !key.places_text_as(found, same_encoding))
    };
    let root_of = |table: &'a Table| {
        let parent = table.partition_of.as_ref();
        parent.and_then(|_| trees.topmost(table, differs))
    };
    let mut alone = Vec::new();
    let mut together: BTreeMap<u32, (&Table, Vec<&Table>)> = BTreeMap::new();
    for (table, new) in tables
        .iter()
        .zip(renamed)
        .filter(|(table, _)| table.has_rows() && table.is_own())
    {
        if let Some(root) = root_of(new) {
            together
                .entry(root.number)
                .or_insert((root, Vec::new()))
                .1
                .push(table);
        } else {
            alone.push(Unit {
                table: table.clone(),
                renamed: new,
                parts: Vec::new(),
                extent: Extent::default(),
            });
        }
    }
    let trees = together.into_values().filter_map(|(root, parts)| {
        let mut table = tables.iter().find(|it| it.number == root.number)?.clone();
        table.through_root = Some(ThroughRoot::Root);
        Some(Unit {
            table,
            renamed: root,
            parts,
            extent: Extent::default(),
        })
    });
    alone.into_iter().chain(trees).collect()
}
