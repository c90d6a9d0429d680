//! The rows of a table that can still be read, from the damaged database into the sound one, within SQLite: values
//! pass as they are stored, whatever they are.

use rusqlite::{ErrorCode, OptionalExtension};

use super::lost::Lost;
use super::tree::{Leaf, Pages};
use super::{Definition, Work};
use crate::{Error, Result};

/// Leaves that are tried at once; half of them where that fails, down to one row.
const LEAVES_AT_ONCE: usize = 64;

/// The statements for one table.
struct Passage {
    /// `INSERT INTO` with all stored columns.
    insert: String,
    /// `SELECT … FROM` of the same columns from the damaged table, without a condition.
    select: String,
    order: Order,
}

/// How the rows of a table are addressed.
enum Order {
    /// By their number, under this name.
    Rowid(String),
    /// By the primary key, from either end: terms for `ORDER BY`.
    Key { ascending: String, descending: String },
    /// Not at all, since columns hide the rowid by all its names: from the start alone.
    Hidden,
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
        let rowid = match &passage.order {
            Order::Rowid(name) => name,
            Order::Key {
                ascending,
                descending,
            } => return self.read_both_ends(&passage, (ascending, descending), lost),
            Order::Hidden => return self.read_start(&passage, lost),
        };
        let (mut read, mut waiting) = (0, Vec::new());
        let walked = pages.each_leaf(definition.root, &mut |leaf| -> std::result::Result<(), Failed> {
            let is_readable = leaf.rowids.is_some();
            let gap = (leaf.page, leaf.after, leaf.up_to);
            if is_readable {
                waiting.push(leaf);
            }
            if !is_readable || waiting.len() == LEAVES_AT_ONCE {
                read += self.leaves((&passage, rowid), &waiting, lost).map_err(Failed)?;
                waiting.clear();
            }
            if !is_readable {
                lost.page(gap.0, gap.1, gap.2);
            }
            Ok(())
        });
        walked.map_err(|Failed(error)| error)?;
        read += self.leaves((&passage, rowid), &waiting, lost)?;
        Ok(read)
    }

    fn leaves(&self, passage: (&Passage, &str), leaves: &[Leaf], lost: &mut Lost) -> Result<u64> {
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
    fn range(&self, (passage, rowid): (&Passage, &str), first: i64, last: i64, count: u64) -> Result<bool> {
        let condition = if first == last {
            format!("WHERE s.{rowid} = {first}")
        } else {
            format!("WHERE s.{rowid} BETWEEN {first} AND {last}")
        };
        self.attempt(passage, &condition, count)
    }

    /// Whether exactly `count` rows came over; else none did. They are read on the other connection first: after
    /// a damaged page was met within a transaction, SQLite writes nothing more in it (`SQLITE_CorruptRdOnly`).
    fn attempt(&self, passage: &Passage, condition: &str, count: u64) -> Result<bool> {
        let select = format!("{} {condition}", passage.select);
        if self.count(&select)? != (count, true) {
            return Ok(false);
        }
        match self
            .connection
            .execute(&format!("{} {select}", passage.insert), [])
        {
            Ok(_) => Ok(true),
            Err(error) if is_about_rows(&error) => Ok(false),
            Err(error) => Err(self.failed(error)),
        }
    }

    /// Rows of a table without rowids, up to the first that cannot be read, and from the last one back.
    fn read_both_ends(
        &self,
        passage: &Passage,
        (ascending, descending): (&str, &str),
        lost: &mut Lost,
    ) -> Result<u64> {
        let (head, is_whole) = self.read_along(passage, &format!("ORDER BY {ascending}"))?;
        if is_whole {
            return Ok(head);
        }
        let (tail, _) = self.read_along(passage, &format!("ORDER BY {descending}"))?;
        lost.between(head, tail);
        Ok(head + tail)
    }

    /// Rows of a table up to the first that cannot be read.
    fn read_start(&self, passage: &Passage, lost: &mut Lost) -> Result<u64> {
        let (read, is_whole) = self.read_along(passage, "")?;
        if !is_whole {
            lost.behind(read);
        }
        Ok(read)
    }

    /// How many rows came over in this order, and whether these are all.
    fn read_along(&self, passage: &Passage, order: &str) -> Result<(u64, bool)> {
        let (count, is_whole) = self.count(&format!("{} {order}", passage.select))?;
        if self.attempt(passage, &format!("{order} LIMIT {count}"), count)? {
            Ok((count, is_whole))
        } else {
            Ok((0, false))
        }
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
        // The same on both sides, which have the same definition.
        let sql = "SELECT name FROM pragma_index_list(?1, 'main') WHERE origin = 'pk'";
        let key_index: Option<String> = self
            .connection
            .query_row(sql, [table], |row| row.get(0))
            .optional()?;
        let mut names: Vec<String> = columns
            .iter()
            .filter(|(_, hidden, _)| *hidden == 0)
            .map(|(name, ..)| quote(name))
            .collect();
        let hides = |name: &str| columns.iter().any(|(it, ..)| it.eq_ignore_ascii_case(name));
        let free = ["rowid", "_rowid_", "oid"].into_iter().find(|it| !hides(it));
        // A column that is the rowid comes twice, with the same value.
        names.extend(free.filter(|_| !without_rowid).map(str::to_owned));
        // One that is no index's is the rowid.
        let alias = columns
            .iter()
            .find(|(.., key)| *key > 0 && key_index.is_none())
            .map(|(name, ..)| quote(name));
        let (order, path) = if let Some(index) = key_index.filter(|_| without_rowid) {
            (self.key_order(&index)?, format!("INDEXED BY {}", quote(&index)))
        } else {
            let rowid = free.map(str::to_owned).or(alias);
            (
                rowid.map_or(Order::Hidden, Order::Rowid),
                "NOT INDEXED".to_owned(),
            )
        };
        let sources: Vec<String> = names.iter().map(|it| format!("s.{it}")).collect();
        let table = quote(table);
        Ok(Passage {
            insert: format!("INSERT INTO main.{table} ({})", names.join(", ")),
            select: format!("SELECT {} FROM damaged.{table} AS s {path}", sources.join(", ")),
            order,
        })
    }

    /// The order in which the rows of a table without rowids lie, and the other way round: any other one would be
    /// sorted, which takes all rows.
    fn key_order(&self, index: &str) -> rusqlite::Result<Order> {
        let sql = "SELECT name, \"desc\", coll FROM pragma_index_xinfo(?1, 'main') WHERE key ORDER BY seqno";
        let mut statement = self.connection.prepare(sql)?;
        let mut rows = statement.query([index])?;
        let (mut ascending, mut descending) = (Vec::new(), Vec::new());
        while let Some(row) = rows.next()? {
            let (name, collation): (String, String) = (row.get(0)?, row.get(2)?);
            let term = format!("s.{} COLLATE {}", quote(&name), quote(&collation));
            let (one, other) = if row.get(1)? {
                ("DESC", "ASC")
            } else {
                ("ASC", "DESC")
            };
            ascending.push(format!("{term} {one}"));
            descending.push(format!("{term} {other}"));
        }
        Ok(Order::Key {
            ascending: ascending.join(", "),
            descending: descending.join(", "),
        })
    }
}

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
