//! The work of the readers: tables and parts of tables, the largest first.

use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};

use archive::{RowFilter, TableForm};
use catalog::{Catalog, LargeObject, QualifiedName, Table, TableKind};
use database::postgres::{Extent, large_object_parts as extents_of_large_objects};
use fingerprint::Form;

/// Rows of one table that one session reads in one statement.
#[derive(Clone, Debug)]
pub(crate) struct Part<'a> {
    pub(crate) table: &'a Table,
    pub(crate) form: Form,
    pub(crate) extent: Extent,
    /// About how many bytes the server reads for it.
    bytes: u64,
}

/// Parts that wait for a reader.
pub(crate) struct PartQueue<'a> {
    parts: Vec<Part<'a>>,
    next: AtomicUsize,
}

/// How tables are cut.
pub(crate) struct Cut<'a> {
    /// Blocks of the tables' heaps; a table that is not here is read whole.
    pub(crate) blocks: &'a HashMap<QualifiedName, u32>,
    /// Bytes of a part; `None` leaves all tables whole.
    pub(crate) part_bytes: Option<u64>,
}

impl<'a> PartQueue<'a> {
    pub(crate) fn new(
        catalog: &'a Catalog,
        forms: &[TableForm],
        filters: &[RowFilter],
        cut: &Cut<'_>,
    ) -> Self {
        let mut parts: Vec<Part<'a>> = forms
            .iter()
            .filter_map(|it| Some((catalog.tables.get(usize::try_from(it.table).ok()?)?, it.form)))
            .flat_map(|(table, form)| {
                let filter = filters.iter().find(|it| it.table == table.number);
                cut.parts(table, form, filter, &catalog.large_objects)
            })
            .collect();
        parts.sort_by_key(|part| std::cmp::Reverse(part.bytes));
        PartQueue {
            parts,
            next: AtomicUsize::new(0),
        }
    }

    /// Without any part, for an archive without rows.
    pub(crate) fn empty() -> Self {
        PartQueue {
            parts: Vec::new(),
            next: AtomicUsize::new(0),
        }
    }

    pub(crate) fn len(&self) -> usize {
        self.parts.len()
    }

    pub(crate) fn take(&self) -> Option<&Part<'a>> {
        self.parts.get(self.next.fetch_add(1, Ordering::Relaxed))
    }
}

impl Cut<'_> {
    /// None where there is nothing to read: a heap without blocks has no rows in any snapshot.
    fn parts<'a>(
        &self,
        table: &'a Table,
        form: Form,
        filter: Option<&RowFilter>,
        large_objects: &[LargeObject],
    ) -> Vec<Part<'a>> {
        let condition = match filter {
            None => None,
            Some(RowFilter { condition: None, .. }) => return Vec::new(),
            Some(RowFilter { condition, .. }) => condition.clone(),
        };
        if table.kind == TableKind::LargeObjects {
            return large_object_parts(table, form, large_objects);
        }
        let blocks = self.blocks.get(&table.qualified_name()).copied();
        if blocks == Some(0) {
            return Vec::new();
        }
        // Rows that an extension chooses in its own words are read whole.
        let part_bytes = self.part_bytes.filter(|_| table.condition.is_none());
        let count = match (blocks, part_bytes) {
            (Some(blocks), Some(part_bytes)) => {
                table.bytes.div_ceil(part_bytes.max(1)).clamp(1, blocks.into())
            }
            _ => 1,
        };
        let extent = |blocks| Extent {
            blocks,
            condition: condition.clone(),
        };
        let part = |blocks| Part {
            table,
            form,
            extent: extent(blocks),
            bytes: table.bytes / count,
        };
        if count == 1 {
            return vec![part(None)];
        }
        let ranges = Extent::block_parts(blocks.unwrap_or_default(), count);
        ranges.map(|range| part(Some(range))).collect()
    }
}

/// Their table is nobody's heap: it is cut by their OIDs.
fn large_object_parts<'a>(table: &'a Table, form: Form, objects: &[LargeObject]) -> Vec<Part<'a>> {
    let extents = extents_of_large_objects(objects);
    let bytes = table.bytes / extents.len().max(1) as u64;
    let part = |extent| Part {
        table,
        form,
        extent,
        bytes,
    };
    extents.into_iter().map(part).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table(bytes: u64) -> Table {
        Table {
            number: 0,
            schema: "s".to_owned(),
            name: "t".to_owned(),
            kind: catalog::TableKind::Ordinary,
            unlogged: false,
            columns: Vec::new(),
            primary_key: Vec::new(),
            partition_of: None,
            partition_key: None,
            through_root: None,
            inherits: Vec::new(),
            rows_estimate: None,
            bytes,
            extension: None,
            index_bytes: None,
            origin: None,
            condition: None,
            merged: None,
            part: None,
            changes: None,
        }
    }

    /// The blocks of each part of a table of `bytes` in `blocks`, cut at 100 bytes.
    fn cut(bytes: u64, blocks: Option<u32>) -> Vec<Option<(u32, Option<u32>)>> {
        let table = table(bytes);
        let blocks = blocks
            .map(|it| (table.qualified_name(), it))
            .into_iter()
            .collect();
        let cut = Cut {
            blocks: &blocks,
            part_bytes: Some(100),
        };
        let parts = cut.parts(&table, Form::Text, None, &[]);
        parts.into_iter().map(|it| it.extent.blocks).collect()
    }

    #[test]
    fn parts_cover_every_block_once_and_the_last_is_open() {
        for (bytes, blocks, expected) in [
            (0, Some(0), &[][..]),
            (90, Some(9), &[None]),
            (0, None, &[None]),
            (1000, None, &[None]),
            (
                250,
                Some(25),
                &[Some((0, Some(8))), Some((8, Some(16))), Some((16, None))],
            ),
            // Long values elsewhere: a part has a block at least.
            (900, Some(2), &[Some((0, Some(1))), Some((1, None))]),
        ] {
            assert_eq!(cut(bytes, blocks), expected, "{bytes} {blocks:?}");
        }
    }

    #[test]
    fn rows_that_are_not_wanted_are_no_work() {
        let table = table(90);
        let blocks = HashMap::from([(table.qualified_name(), 9)]);
        let cut = Cut {
            blocks: &blocks,
            part_bytes: None,
        };
        let filter = |condition| RowFilter { table: 0, condition };
        assert!(cut.parts(&table, Form::Text, Some(&filter(None)), &[]).is_empty());
        let chosen = filter(Some("a > 1".to_owned()));
        let parts = cut.parts(&table, Form::Text, Some(&chosen), &[]);
        assert_eq!(parts[0].extent.condition.as_deref(), Some("a > 1"));
    }
}
