//! The rows of a table that can still be read, from the damaged database into the sound one, within SQLite: values
//! pass as they are stored, whatever they are.

use rusqlite::ErrorCode;

use super::lost::Lost;
use super::tree::{Leaf, Pages};
use super::{Definition, Work};
use crate::{Error, Result};

/// Leaves that are tried at once; half of them where that fails, down to one row.
const LEAVES_AT_ONCE: usize = 64;

/// The statements for one table.
struct Passage {
    /// `INSERT … SELECT` of all stored columns, without a condition.
    insert: String,
    /// What the number of a row is called.
    rowid: String,
    /// The columns of the primary key; of a table without rowids.
    key: Option<String>,
}

/// A failed step: of reading the pages, or of the work as a whole.
struct Failed(Error);

impl From<std::io::Error> for Failed {
    fn from(error: std::io::Error) -> Self {
        Failed(
            Error::new(crate::ErrorKind::File, "cannot read the copy of the damaged file").with_source(error),
        )
    }
}

impl Work<'_> {
    /// Returns how many rows were read.
    pub(super) fn rows(&self, definition: &Definition, pages: &mut Pages, lost: &mut Lost) -> Result<u64> {
        let passage = self
            .passage(&definition.name)
            .map_err(|error| self.failed(error))?;
        if let Some(key) = &passage.key {
            return self.read_both_ends(&passage, key, lost);
        }
        let (mut read, mut waiting) = (0, Vec::new());
        let walked = pages.each_leaf(definition.root, &mut |leaf| -> std::result::Result<(), Failed> {
            let is_readable = leaf.rowids.is_some();
            let gap = (leaf.page, leaf.after, leaf.up_to);
            if is_readable {
                waiting.push(leaf);
            }
            if !is_readable || waiting.len() == LEAVES_AT_ONCE {
                read += self.leaves(&passage, &waiting, lost).map_err(Failed)?;
                waiting.clear();
            }
            if !is_readable {
                lost.page(gap.0, gap.1, gap.2);
            }
            Ok(())
        });
        walked.map_err(|Failed(error)| error)?;
        read += self.leaves(&passage, &waiting, lost)?;
        Ok(read)
    }

    fn leaves(&self, passage: &Passage, leaves: &[Leaf], lost: &mut Lost) -> Result<u64> {
        self.interrupter.check()?;
        let mut rowids = leaves.iter().flat_map(|it| it.rowids.iter().flatten().copied());
        let Some(first) = rowids.next() else {
            return Ok(0);
        };
        let (mut end, mut count) = (first, 1);
        for rowid in rowids {
            (end, count) = (rowid, count + 1);
        }
        if self.range(passage, first, end, count)? {
            return Ok(count);
        }
        if let [leaf] = leaves {
            let mut read = 0;
            for &rowid in leaf.rowids.iter().flatten() {
                if self.range(passage, rowid, rowid, 1)? {
                    read += 1;
                } else {
                    lost.row(rowid);
                }
            }
            return Ok(read);
        }
        let (before, after) = leaves.split_at(leaves.len() / 2);
        Ok(self.leaves(passage, before, lost)? + self.leaves(passage, after, lost)?)
    }

    /// Whether exactly `count` rows came over; else none did.
    fn range(&self, passage: &Passage, first: i64, last: i64, count: u64) -> Result<bool> {
        let (insert, rowid) = (&passage.insert, &passage.rowid);
        let sql = if first == last {
            format!("{insert} WHERE s.{rowid} = {first}")
        } else {
            format!("{insert} WHERE s.{rowid} BETWEEN {first} AND {last}")
        };
        self.attempt(&sql, count)
    }

    /// Whether exactly `count` rows came over; else none did. They are read on the other connection first: after
    /// a damaged page was met within a transaction, SQLite writes nothing more in it (`SQLITE_CorruptRdOnly`).
    fn attempt(&self, sql: &str, count: u64) -> Result<bool> {
        let select = sql.split_once(SELECT).map_or("", |(_, it)| it);
        if self.count(&format!("{SELECT}{select}"))? != (count, true) {
            return Ok(false);
        }
        match self.connection.execute(sql, []) {
            Ok(_) => Ok(true),
            Err(error) if is_about_rows(&error) => Ok(false),
            Err(error) => Err(self.failed(error)),
        }
    }

    /// Rows of a table without rowids, up to the first that cannot be read, and from the last one back.
    fn read_both_ends(&self, passage: &Passage, key: &str, lost: &mut Lost) -> Result<u64> {
        let descending = key.replace(',', " DESC,") + " DESC";
        let select = passage.insert.find(SELECT).map_or("", |at| &passage.insert[at..]);
        let (forward, is_whole) = self.count(select)?;
        let insert = |order: &str, count: u64| {
            let sql = format!("{} ORDER BY {order} LIMIT {count}", passage.insert);
            self.attempt(&sql, count)
        };
        let head = if insert(key, forward)? { forward } else { 0 };
        if is_whole && head == forward {
            return Ok(head);
        }
        let (backward, _) = self.count(&format!("{select} ORDER BY {descending}"))?;
        let tail = if insert(&descending, backward)? {
            backward
        } else {
            0
        };
        lost.between(head, tail);
        Ok(head + tail)
    }

    /// How many rows of a query can be read, and whether these are all.
    fn count(&self, select: &str) -> Result<(u64, bool)> {
        let mut statement = self.reader.prepare(select).map_err(|error| self.failed(error))?;
        let columns = statement.column_count();
        let mut rows = statement.query([]).map_err(|error| self.failed(error))?;
        let mut count = 0;
        loop {
            match rows.next() {
                Ok(None) => return Ok((count, true)),
                // A value on pages of its own is read when it is asked for.
                Ok(Some(row)) if (0..columns).all(|it| row.get_ref(it).is_ok()) => count += 1,
                Ok(Some(_)) => return Ok((count, false)),
                Err(error) if is_about_rows(&error) => return Ok((count, false)),
                Err(error) => return Err(self.failed(error)),
            }
        }
    }

    fn passage(&self, table: &str) -> rusqlite::Result<Passage> {
        let sql = "SELECT name, hidden, pk FROM pragma_table_xinfo(?1, 'main') ORDER BY cid";
        let mut statement = self.connection.prepare(sql)?;
        let columns: Vec<(String, i64, i64)> = statement
            .query_map([table], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?
            .collect::<rusqlite::Result<_>>()?;
        let sql = "SELECT wr FROM pragma_table_list WHERE schema = 'main' AND name = ?1";
        let without_rowid: bool = self.connection.query_row(sql, [table], |row| row.get(0))?;
        let mut names: Vec<String> = columns
            .iter()
            .filter(|(_, hidden, _)| *hidden == 0)
            .map(|(name, ..)| quote(name))
            .collect();
        let mut key: Vec<(i64, String)> = columns
            .iter()
            .filter(|(.., place)| *place > 0)
            .map(|(name, _, place)| (*place, quote(name)))
            .collect();
        key.sort();
        let hides = |name: &str| columns.iter().any(|(it, ..)| it.eq_ignore_ascii_case(name));
        let free = ["rowid", "_rowid_", "oid"].into_iter().find(|it| !hides(it));
        // A column that is the rowid comes twice, with the same value.
        names.extend(free.filter(|_| !without_rowid).map(str::to_owned));
        // Columns can hide it under all its names, but for the one that it is.
        let rowid = free.map_or_else(
            || key.first().map_or(String::new(), |(_, name)| name.clone()),
            str::to_owned,
        );
        let sources: Vec<String> = names.iter().map(|it| format!("s.{it}")).collect();
        let table = quote(table);
        Ok(Passage {
            insert: format!(
                "INSERT INTO main.{table} ({}) {SELECT}{} FROM damaged.{table} AS s NOT INDEXED",
                names.join(", "),
                sources.join(", ")
            ),
            rowid,
            key: without_rowid.then(|| {
                key.into_iter()
                    .map(|(_, name)| name)
                    .collect::<Vec<_>>()
                    .join(",")
            }),
        })
    }
}

const SELECT: &str = "SELECT ";

/// Whether other rows may do better.
fn is_about_rows(error: &rusqlite::Error) -> bool {
    matches!(
        error.sqlite_error_code(),
        Some(
            ErrorCode::DatabaseCorrupt
                | ErrorCode::ConstraintViolation
                | ErrorCode::TooBig
                | ErrorCode::TypeMismatch
                | ErrorCode::Unknown
        )
    )
}

fn quote(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}
