//! A foreign key as a join of the rows that refer with the rows that are referred to, as the target compares them.
//!
//! Where SQLite compares the values as PostgreSQL does, it joins the tables itself, through the parent's index. Else
//! the keys go into its temporary database, as the target writes them.

use rusqlite::{Connection, params};

use super::keyed_rows::{RowKey, keyed_rows};
use super::nocase::Comparison;
use super::rows::{itself, quote};
use super::rule::OnMisfit;
use super::schema::{Column, Schema, Table};
use super::scratch::{self, Scratch, failed, writing};
use super::target_type::TargetType;
use crate::Result;

/// One foreign key. Its parts are SQL, in which `c` is the table that refers and `p` the parent.
#[derive(Debug)]
pub(super) struct Link {
    /// Its place in [`super::keys::Keys::references`].
    pub(super) number: usize,
    /// Places of the tables, and of their columns.
    pub(super) table: usize,
    pub(super) columns: Vec<usize>,
    pub(super) parent: usize,
    pub(super) parent_columns: Vec<usize>,
    from: String,
    to: String,
    equal: String,
    /// Whether the key is complete.
    complete: String,
    /// Whether no parent was joined.
    is_lost: String,
    /// The names of both rows; `None` for a row without any.
    row: Option<String>,
    parent_row: Option<String>,
}

impl Link {
    pub(super) fn new(
        connection: &Connection,
        schema: &Schema,
        number: usize,
        (table, columns): (usize, &[usize]),
        (parent, parent_columns): (usize, &[usize]),
    ) -> Result<Link> {
        let link = Link {
            number,
            table,
            columns: columns.to_vec(),
            parent,
            parent_columns: parent_columns.to_vec(),
            from: String::new(),
            to: String::new(),
            equal: String::new(),
            complete: String::new(),
            is_lost: String::new(),
            row: None,
            parent_row: None,
        };
        let (own, other) = (&schema.tables[table], &schema.tables[parent]);
        let pairs = || columns.iter().zip(parent_columns);
        let is_whole = |table: &Table| !table.rejects_rows();
        if is_whole(own)
            && is_whole(other)
            && pairs().all(|(&from, &to)| compares_alike(&own.columns[from], &other.columns[to]))
        {
            let link = link.over_tables(own, other);
            if link.is_quick(connection, other) {
                return Ok(link);
            }
            return link.over_keys(connection, own, other);
        }
        link.over_keys(connection, own, other)
    }

    fn over_tables(self, own: &Table, other: &Table) -> Link {
        let from = |place: &usize| format!("c.{}", quote(&own.columns[*place].name));
        let pairs = self.columns.iter().zip(&self.parent_columns);
        let equal = pairs.map(|(own, place)| {
            let (own, to) = (from(own), format!("p.{}", quote(&other.columns[*place].name)));
            // A sign takes the affinity away, which could keep the index from being used. The column's own collation
            // finds the index, the other one compares letter by letter.
            if other.columns[*place].is_text() {
                format!("{to} = +{own} AND {to} = +{own} COLLATE BINARY")
            } else {
                format!("{to} = +{own}")
            }
        });
        let equal = joined(equal);
        let complete = joined(self.columns.iter().map(|it| format!("{} IS NOT NULL", from(it))));
        let first = self.parent_columns.first().map_or(0, |it| *it);
        Link {
            from: itself(own, "c"),
            to: format!("main.{} AS p", quote(&other.name)),
            equal,
            complete,
            is_lost: format!("p.{} IS NULL", quote(&other.columns[first].name)),
            row: own.row_name("c"),
            parent_row: other.row_name("p"),
            ..self
        }
    }

    /// Whether SQLite looks each parent up, in the table `other` itself or in an index that agrees with it, and does not
    /// read all of them again for each row.
    fn is_quick(&self, connection: &Connection, other: &Table) -> bool {
        let sql = format!(
            "EXPLAIN QUERY PLAN SELECT 1 FROM {} LEFT JOIN {} ON {} WHERE {} AND {}",
            self.from, self.to, self.equal, self.complete, self.is_lost
        );
        let plan = || -> rusqlite::Result<Vec<String>> {
            connection
                .prepare(&sql)?
                .query_map([], |row| row.get::<_, String>("detail"))?
                .collect()
        };
        let plan = plan().unwrap_or_default();
        let search = plan.iter().find(|it| it.starts_with("SEARCH p "));
        search.is_some_and(|it| !it.contains(" INDEX ") || agrees_with_its_indexes(connection, other))
    }

    fn over_keys(self, connection: &Connection, own: &Table, other: &Table) -> Result<Link> {
        let children = Scratch::create(connection, &format!("child_{}", self.number), "(k BLOB, r)")?;
        let parents = Scratch::create(
            connection,
            &format!("parent_{}", self.number),
            "(k BLOB PRIMARY KEY, r) WITHOUT ROWID",
        )?;
        for (scratch, table, places) in [
            (&children, own, &self.columns),
            (&parents, other, &self.parent_columns),
        ] {
            writing(connection, || {
                let mut insert = scratch.insert()?;
                let comparisons: Vec<Comparison> =
                    places.iter().map(|&it| table.columns[it].comparison).collect();
                let key = RowKey {
                    places,
                    comparisons: &comparisons,
                    predicate: &[],
                };
                keyed_rows(connection, table, key, &mut |row, key| {
                    insert.execute(params![key, row]).map_err(failed).map(|_| ())
                })
            })?;
        }
        let name = |table: &Table, alias: &str| table.row_name(alias).map(|_| format!("{alias}.r"));
        Ok(Link {
            from: format!("{} AS c", children.sql()),
            to: format!("{} AS p", parents.sql()),
            equal: "p.k = c.k".to_owned(),
            complete: "true".to_owned(),
            is_lost: "p.k IS NULL".to_owned(),
            row: name(own, "c"),
            parent_row: name(other, "p"),
            ..self
        })
    }

    /// Removes what was written down of the keys.
    pub(super) fn forget(&self, connection: &Connection) -> Result<()> {
        let number = self.number;
        scratch::forget(connection, &format!("child_{number}"))?;
        scratch::forget(connection, &format!("parent_{number}"))
    }

    /// Whether rows of both tables can be told apart.
    pub(super) fn names_rows(&self) -> bool {
        self.row.is_some() && self.parent_row.is_some()
    }

    /// Whether no row is without a parent by the figures alone: the parent's rowids have no gap, and all that refers to
    /// them lies between the first and the last.
    pub(super) fn is_complete(&self, schema: &Schema) -> bool {
        let (own, other) = (&schema.tables[self.table], &schema.tables[self.parent]);
        let ([from], [to]) = (&*self.columns, &*self.parent_columns) else {
            return false;
        };
        if other.rowid_alias != Some(*to) || other.rejects_rows() {
            return false;
        }
        let (from, to) = (&own.columns[*from], &other.columns[*to]);
        let (Some(keys), Some((first, last))) = (from.range, to.range) else {
            return false;
        };
        let span = i128::from(last) - i128::from(first) + 1;
        let is_gapless = span == i128::from(other.row_count);
        compares_alike(from, to) && is_gapless && first <= keys.0 && keys.1 <= last
    }

    /// SQL for the names of the rows without a parent; where they have none, for a NULL each.
    pub(super) fn orphans(&self) -> String {
        format!(
            "SELECT {} FROM {} LEFT JOIN {} ON {} WHERE {} AND {}",
            self.row.as_deref().unwrap_or("NULL"),
            self.from,
            self.to,
            self.equal,
            self.complete,
            self.is_lost
        )
    }

    /// SQL for the names of rows and of their parents.
    pub(super) fn pairs(&self) -> String {
        format!(
            "SELECT {}, {} FROM {} JOIN {} ON {}",
            self.row.as_deref().unwrap_or("NULL"),
            self.parent_row.as_deref().unwrap_or("NULL"),
            self.from,
            self.to,
            self.equal
        )
    }
}

/// Whether SQLite takes the same values of two columns as equal that the target takes as equal.
fn compares_alike(one: &Column, other: &Column) -> bool {
    use TargetType::{BigInt, Bytea, Double, Integer, SmallInt, Text, Varchar};
    let is_plain = |it: &Column| {
        it.comparison == Comparison::Exact
            && it.on_misfit == OnMisfit::Fail
            && it.keeps.is_none()
            && matches!(
                it.target,
                SmallInt | Integer | BigInt | Double | Text | Varchar(_) | Bytea
            )
    };
    is_plain(one) && is_plain(other)
}

/// Whether the indexes of a table hold its rows and no others, which `quick_check` does not ask.
fn agrees_with_its_indexes(connection: &Connection, table: &Table) -> bool {
    let sql = format!("PRAGMA main.integrity_check({})", quote(&table.name));
    let said = connection.query_row(&sql, [], |row| row.get::<_, String>(0));
    said.is_ok_and(|it| it == "ok")
}

fn joined(conditions: impl Iterator<Item = String>) -> String {
    conditions.collect::<Vec<_>>().join(" AND ")
}
