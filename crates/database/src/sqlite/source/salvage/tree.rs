//! The pages of a table's tree as they lie in a damaged file: which rowids each leaf has room for, and which leaves
//! are no leaves any more. SQLite itself stops at the first damaged page.
//!
//! The file must have no journal and no write-ahead log. Its form: <https://sqlite.org/fileformat2.html#b_tree_pages>.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::path::Path;

use super::super::header::Header;

const INTERIOR: u8 = 0x05;
const LEAF: u8 = 0x0d;
/// Before the tree of the first page stands the header of the file.
const FILE_HEADER_BYTES: usize = 100;
/// A tree as large as a file can be has 5 levels or so; SQLite stops at 20.
const DEPTH_MAX: usize = 20;

/// A leaf, or what should be one or several.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Leaf {
    pub(super) page: u32,
    /// Its rowids are larger than this, where there is a neighbour that says so.
    pub(super) after: Option<i64>,
    /// And at most this.
    pub(super) up_to: Option<i64>,
    /// In the page's order; `None` where the page cannot be a leaf.
    pub(super) rowids: Option<Vec<i64>>,
}

/// The pages of a file, each of which is in one tree alone.
#[derive(Debug)]
pub(super) struct Pages {
    file: File,
    page_bytes: usize,
    page_count: u32,
    /// A bit for each page that a tree has had.
    seen: Vec<u64>,
}

impl Pages {
    pub(super) fn open(path: &Path, header: &Header) -> io::Result<Pages> {
        let file = File::open(path)?;
        let count = file.metadata()?.len() / u64::from(header.page_bytes);
        Ok(Pages {
            page_bytes: usize::try_from(header.page_bytes).unwrap_or_default(),
            page_count: u32::try_from(count).unwrap_or(u32::MAX),
            seen: vec![0; usize::try_from(count / 64 + 1).unwrap_or_default()],
            file,
        })
    }

    /// Passes the leaves of the tree under `root` in their order. A page that was in a tree before counts as damaged.
    pub(super) fn each_leaf<E: From<io::Error>>(
        &mut self,
        root: u32,
        visit: &mut dyn FnMut(Leaf) -> Result<(), E>,
    ) -> Result<(), E> {
        self.walk(root, (None, None), 0, visit)
    }

    fn walk<E: From<io::Error>>(
        &mut self,
        page: u32,
        (after, up_to): (Option<i64>, Option<i64>),
        depth: usize,
        visit: &mut dyn FnMut(Leaf) -> Result<(), E>,
    ) -> Result<(), E> {
        let is_new = depth < DEPTH_MAX && self.is_first_time(page);
        let content = if is_new { self.read(page)? } else { None };
        let leaf = |rowids| Leaf {
            page,
            after,
            up_to,
            rowids,
        };
        let Some(content) = content else {
            return visit(leaf(None));
        };
        match content.node() {
            Some(Node::Leaf(rowids)) => visit(leaf(Some(rowids)))?,
            Some(Node::Interior(children)) => {
                let mut start = after;
                for (child, key) in children {
                    self.walk(child, (start, key.or(up_to)), depth + 1, visit)?;
                    start = key.or(start);
                }
            }
            None => visit(leaf(None))?,
        }
        Ok(())
    }

    fn is_first_time(&mut self, page: u32) -> bool {
        let Some(word) = self.seen.get_mut(page as usize / 64) else {
            return false;
        };
        let bit = 1_u64 << (page % 64);
        let first = *word & bit == 0;
        *word |= bit;
        first
    }

    /// `None` for a page that is not in the file.
    fn read(&self, page: u32) -> io::Result<Option<Content>> {
        if page == 0 || page > self.page_count {
            return Ok(None);
        }
        let mut bytes = vec![0; self.page_bytes];
        let at = u64::from(page - 1) * self.page_bytes as u64;
        self.file.read_exact_at(&mut bytes, at)?;
        let start = if page == 1 { FILE_HEADER_BYTES } else { 0 };
        Ok(Some(Content { bytes, start }))
    }
}

enum Node {
    /// Children with the largest rowid below each; the last one has none.
    Interior(Vec<(u32, Option<i64>)>),
    Leaf(Vec<i64>),
}

struct Content {
    bytes: Vec<u8>,
    start: usize,
}

impl Content {
    /// `None` where the page cannot be one of a table's tree.
    fn node(&self) -> Option<Node> {
        let kind = *self.bytes.get(self.start)?;
        let cells = usize::from(self.number(self.start + 3)?);
        let head = match kind {
            INTERIOR => 12,
            LEAF => 8,
            _ => return None,
        };
        let cell = |at: usize| self.number(self.start + head + 2 * at).map(usize::from);
        if kind == LEAF {
            let rowid = |at| {
                let (_, length) = varint(self.bytes.get(cell(at)?..)?)?;
                varint(self.bytes.get(cell(at)? + length..)?).map(|(rowid, _)| rowid)
            };
            let rowids: Vec<i64> = (0..cells).map(rowid).collect::<Option<_>>()?;
            return rowids.is_sorted_by(|a, b| a < b).then_some(Node::Leaf(rowids));
        }
        let child = |at: usize| -> Option<(u32, Option<i64>)> {
            let start = cell(at)?;
            let (key, _) = varint(self.bytes.get(start + 4..)?)?;
            Some((self.page(start)?, Some(key)))
        };
        let mut children: Vec<(u32, Option<i64>)> = (0..cells).map(child).collect::<Option<_>>()?;
        if !children.is_sorted_by(|a, b| a.1 < b.1) {
            return None;
        }
        children.push((self.page(self.start + 8)?, None));
        Some(Node::Interior(children))
    }

    fn number(&self, at: usize) -> Option<u16> {
        Some(u16::from_be_bytes(self.bytes.get(at..at + 2)?.try_into().ok()?))
    }

    fn page(&self, at: usize) -> Option<u32> {
        Some(u32::from_be_bytes(self.bytes.get(at..at + 4)?.try_into().ok()?))
    }
}

/// A number of one to nine bytes, and how many it has.
fn varint(bytes: &[u8]) -> Option<(i64, usize)> {
    let mut number: u64 = 0;
    for (at, &byte) in bytes.iter().take(9).enumerate() {
        if at == 8 {
            number = number << 8 | u64::from(byte);
            return Some((number.cast_signed(), 9));
        }
        number = number << 7 | u64::from(byte & 0x7f);
        if byte & 0x80 == 0 {
            return Some((number.cast_signed(), at + 1));
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn varints_are_those_of_the_file_format() {
        for (bytes, expected) in [
            (&[0x00][..], Some((0, 1))),
            (&[0x7f], Some((127, 1))),
            (&[0x81, 0x00], Some((128, 2))),
            (&[0xff; 9], Some((-1, 9))),
            (&[0x80], None),
            (&[], None),
        ] {
            assert_eq!(varint(bytes), expected);
        }
    }

    #[test]
    fn leaves_stand_in_order_with_the_rowids_that_they_may_have() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("f");
        let connection = rusqlite::Connection::open(&path).unwrap();
        connection
            .execute_batch(
                "PRAGMA page_size = 512; CREATE TABLE t (a);
                 WITH RECURSIVE n(x) AS (VALUES (1) UNION ALL SELECT x + 1 FROM n WHERE x < 2000)
                 INSERT INTO t SELECT 'some text that fills the pages ' || x FROM n",
            )
            .unwrap();
        let root = connection
            .query_row("SELECT rootpage FROM sqlite_schema", [], |it| it.get(0))
            .unwrap();
        drop(connection);
        let mut pages = Pages::open(&path, &Header::read(&path).unwrap()).unwrap();
        let mut leaves = Vec::new();
        let mut keep = |leaf| -> io::Result<()> {
            leaves.push(leaf);
            Ok(())
        };
        pages.each_leaf(root, &mut keep).unwrap();
        assert!(leaves.len() > 100);
        let rowids: Vec<i64> = leaves.iter().flat_map(|it| it.rowids.clone().unwrap()).collect();
        assert_eq!(rowids, (1..=2000).collect::<Vec<_>>());
        assert!(leaves.windows(2).all(|it| it[0].up_to == it[1].after));
        for leaf in &leaves {
            let rowids = leaf.rowids.as_ref().unwrap();
            assert!(leaf.after < rowids.first().copied());
            assert!(
                leaf.up_to
                    .is_none_or(|it| rowids.last().is_some_and(|last| *last <= it))
            );
        }
    }
}
