//! Tables of our own in SQLite's temporary database: a private file that SQLite makes, fills beyond a small cache and
//! removes, so that proofs over all rows of a table take disk and not memory. The source is opened for reading alone
//! and is not written.

use rusqlite::{Connection, Statement};

use super::rows::quote;
use super::rule::OnMisfit;
use super::schema::{Column, Table};
use super::source::read_error;
use super::target_type::TargetType;
use crate::{Error, Result};

/// A table of the temporary database; its rows go with it.
#[derive(Debug)]
pub(super) struct Scratch<'a> {
    connection: &'a Connection,
    name: String,
}

impl<'a> Scratch<'a> {
    /// Makes the table `name`, or makes it anew. `definition` are its columns in parentheses and its options.
    pub(super) fn create(connection: &'a Connection, name: &str, definition: &str) -> Result<Scratch<'a>> {
        let name = format!("coalesce_{name}");
        write(
            connection,
            // 8 MiB of cache; what is more goes to disk.
            &format!(
                "PRAGMA temp.cache_size = -8192; DROP TABLE IF EXISTS temp.{name}; CREATE TEMP TABLE {name} {definition}"
            ),
        )?;
        Ok(Scratch { connection, name })
    }

    /// As it is written in SQL.
    pub(super) fn sql(&self) -> String {
        format!("temp.{}", self.name)
    }

    /// Adds the rows that `select` gives; how many these are.
    pub(super) fn fill(&self, select: &str) -> Result<u64> {
        let sql = format!("INSERT INTO {} {select}", self.sql());
        let count = writing(self.connection, || {
            self.connection.execute(&sql, []).map_err(failed)
        })?;
        Ok(count as u64)
    }

    /// A statement that adds a row of two values, unless its key is there; for use within [`writing`].
    pub(super) fn insert(&self) -> Result<Statement<'a>> {
        let sql = format!(
            "INSERT INTO {} VALUES (?1, ?2) ON CONFLICT DO NOTHING",
            self.sql()
        );
        self.connection.prepare(&sql).map_err(failed)
    }

    /// Makes an index on `columns`.
    pub(super) fn index(&self, columns: &str) -> Result<()> {
        let name = &self.name;
        write(
            self.connection,
            &format!("CREATE INDEX temp.{name}_at ON {name} ({columns})"),
        )
    }

    /// Removes it with its rows; one that is left lasts as long as the connection.
    pub(super) fn remove(self) -> Result<()> {
        remove(self.connection, &self.name)
    }
}

/// Removes the table of that name, if it is there.
fn remove(connection: &Connection, name: &str) -> Result<()> {
    write(connection, &format!("DROP TABLE IF EXISTS temp.{name}"))
}

/// Removes the table that was made under this name, if one was.
pub(super) fn forget(connection: &Connection, name: &str) -> Result<()> {
    remove(connection, &format!("coalesce_{name}"))
}

/// Runs statements that write to the temporary database.
fn write(connection: &Connection, sql: &str) -> Result<()> {
    writing(connection, || connection.execute_batch(sql).map_err(failed))
}

/// Lets the temporary database be written while `work` runs; the source's file is open for reading alone.
pub(super) fn writing<T>(connection: &Connection, work: impl FnOnce() -> Result<T>) -> Result<T> {
    connection
        .execute_batch("PRAGMA query_only = OFF")
        .map_err(failed)?;
    let outcome = work();
    connection
        .execute_batch("PRAGMA query_only = ON")
        .map_err(failed)?;
    outcome
}

/// A failed statement over tables of the temporary database.
pub(super) fn failed(error: rusqlite::Error) -> Error {
    read_error("cannot compare rows in a temporary database".to_owned(), error)
        .with_hint("SQLite makes it in the folder that SQLITE_TMPDIR or TMPDIR names")
}

impl Table {
    /// An expression that tells the rows of this table, read under the name `alias`, from each other: the rowid, or
    /// the primary key as text. `None` where columns hide the rowid by all of its names.
    pub(super) fn row_name(&self, alias: &str) -> Option<String> {
        let column = |name: &str| format!("{alias}.{}", quote(name));
        if self.without_rowid {
            let parts: Vec<String> = self
                .primary_key
                .iter()
                .map(|it| self.quoted(it, &column(it)))
                .collect();
            return Some(format!("({})", parts.join(" || ', ' || ")));
        }
        self.rowid_name()
            .map(|it| format!("{alias}.{it}"))
            .or_else(|| self.rowid_alias.map(|place| column(&self.columns[place].name)))
    }

    /// SQL for the value of the column `name` as SQL has it, of no two values the same.
    ///
    /// `quote` ends a text at a NUL, and what it makes of malformed UTF-8 is no text that can be read.
    fn quoted(&self, name: &str, column: &str) -> String {
        let quoted = format!("quote({column})");
        if self.column(name).is_some_and(Column::is_all_text) {
            return quoted;
        }
        format!(
            "CASE typeof({column}) WHEN 'text' THEN 'CAST(X''' || hex(CAST({column} AS BLOB)) || ''' AS TEXT)' \
             ELSE {quoted} END"
        )
    }

    /// What people call the number of a row.
    pub(super) fn row_word(&self) -> &'static str {
        match (
            self.rowid_name().is_some() || self.rowid_alias.is_some(),
            self.without_rowid,
        ) {
            (true, _) => "rowid",
            (false, true) => "key",
            (false, false) => "row",
        }
    }
}

impl Column {
    /// Whether all its texts are such as PostgreSQL can hold, as the census has shown.
    fn is_all_text(&self) -> bool {
        self.on_misfit == OnMisfit::Fail && !matches!(self.target, TargetType::Bytea | TargetType::MixedBytea)
    }
}
