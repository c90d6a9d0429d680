//! What a SQLite database contains, in SQLite's own terms, read through its pragmas.

use std::collections::HashMap;

use rusqlite::{Connection, Row};

use super::foreign_key::{self, ForeignKey};
use super::long_line::LongLine;
use super::nocase::Comparison;
use super::orphans::Omission;
use super::rule::OnMisfit;
use super::source::read_error;
use super::sql_text;
use super::target_type::TargetType;
use super::text_search::TextSearch;
use crate::Result;

/// Everything in `sqlite_schema`, each list in byte order of names.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Schema {
    pub tables: Vec<Table>,
    pub views: Vec<View>,
    pub triggers: Vec<Trigger>,
    /// Virtual tables and the shadow tables that hold their content.
    pub virtual_tables: Vec<VirtualTable>,
}

/// An ordinary table.
#[derive(Clone, Debug, PartialEq)]
pub struct Table {
    pub name: String,
    /// Its name on the target.
    pub new_name: String,
    pub columns: Vec<Column>,
    /// Names of the primary key's columns in the key's order; empty without one.
    pub primary_key: Vec<String>,
    /// The column that is an alias of the rowid (`INTEGER PRIMARY KEY`), by its place.
    pub rowid_alias: Option<usize>,
    pub autoincrement: bool,
    pub without_rowid: bool,
    pub strict: bool,
    pub indexes: Vec<Index>,
    pub foreign_keys: Vec<ForeignKey>,
    /// The statement that made it.
    pub sql: String,
    /// Exact, as counted in the transaction.
    pub row_count: u64,
    /// Bytes of all values, without SQLite's own overhead.
    pub bytes: u64,
    /// The longest of its rows that travel as binary alone.
    pub long_line: Option<LongLine>,
    /// `sqlite_sequence.seq` of an AUTOINCREMENT table.
    pub sequence: Option<i64>,
    /// What is left out of its rows by choice.
    pub omission: Omission,
    /// What full-text tables with its rows become.
    pub searches: Vec<TextSearch>,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Column {
    pub name: String,
    /// Its name on the target.
    pub new_name: String,
    /// As written in the table's definition; empty without one.
    pub declared_type: String,
    pub not_null: bool,
    /// The default's SQL text.
    pub default: Option<String>,
    pub generated: Option<Generated>,
    /// By which PostgreSQL calculates it on the target; its values do not travel.
    pub expression: Option<String>,
    /// The type that holds all its values exactly, but for those that `on_misfit` is about.
    pub target: TargetType,
    pub on_misfit: OnMisfit,
    /// For a column that the file does not have: the place of the one whose misfits it keeps.
    pub keeps: Option<usize>,
    pub nulls: u64,
    /// The largest rowid; for a column that is an alias of it.
    pub rowid_max: Option<i64>,
    /// The smallest and the largest value, where all are integers.
    pub range: Option<(i64, i64)>,
    /// Whether all its values are of one storage class.
    pub uniform: bool,
    /// Bytes of the longest text as the target type writes it.
    pub bytes_max: usize,
    /// Its collation in SQLite: BINARY, NOCASE, RTRIM, or one that an application brings.
    pub collation: String,
    /// How the target compares its values.
    pub comparison: Comparison,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Generated {
    Stored,
    Virtual,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Index {
    pub name: String,
    /// Its name on the target, if that is free there.
    pub new_name: String,
    pub unique: bool,
    pub origin: IndexOrigin,
    pub columns: Vec<IndexColumn>,
    /// The statement that made it; empty for one of a constraint.
    pub sql: String,
    /// The text after WHERE.
    pub predicate: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IndexOrigin {
    CreateIndex,
    UniqueConstraint,
    PrimaryKey,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IndexColumn {
    /// `None` for an expression.
    pub name: Option<String>,
    pub descending: bool,
    pub collation: String,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct View {
    pub name: String,
    /// Its name on the target.
    pub new_name: String,
    /// The statement that made it.
    pub sql: String,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trigger {
    pub name: String,
    /// Its name on the target.
    pub new_name: String,
    /// The table or view.
    pub table: String,
    /// The statement that made it.
    pub sql: String,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VirtualTable {
    pub name: String,
    /// Whether it is the shadow of another virtual table.
    pub shadow: bool,
}

impl Table {
    /// SQLite compares names without regard to ASCII case.
    pub fn column(&self, name: &str) -> Option<&Column> {
        self.columns
            .iter()
            .find(|column| column.name.eq_ignore_ascii_case(name))
    }

    /// Places of the columns whose values travel.
    pub fn stored_places(&self) -> Vec<usize> {
        let stored = |place: &usize| self.columns[*place].expression.is_none();
        (0..self.columns.len()).filter(stored).collect()
    }

    /// Whether values of some rows that are moved become NULL by choice.
    pub fn loses_values(&self) -> bool {
        let is_lost = |it: &Column| it.on_misfit == OnMisfit::Null;
        self.columns.iter().any(is_lost) || !self.omission.nulls.is_empty()
    }

    /// Names of the table by which a row's number can be read; `None` where there is none, or columns hide it.
    pub(super) fn rowid_name(&self) -> Option<&'static str> {
        if self.without_rowid {
            return None;
        }
        ["rowid", "_rowid_", "oid"]
            .into_iter()
            .find(|name| self.column(name).is_none())
    }
}

impl Schema {
    pub(super) fn read(connection: &Connection) -> Result<Schema> {
        read(connection)
            .map_err(|error| read_error("cannot read the schema of the database".to_owned(), error))
    }
}

fn read(connection: &Connection) -> rusqlite::Result<Schema> {
    let mut schema = Schema::default();
    let sql_of = definitions(connection)?;
    let sequences = sequences(connection)?;
    let rows = query(
        connection,
        "SELECT name, type, wr, strict FROM pragma_table_list WHERE schema = 'main' ORDER BY name",
        [],
        |row| {
            Ok((
                row.get::<_, String>(0)?,
                row.get::<_, String>(1)?,
                row.get::<_, bool>(2)?,
                row.get::<_, bool>(3)?,
            ))
        },
    )?;
    for (name, kind, without_rowid, strict) in rows {
        // Names that begin so are reserved for SQLite itself.
        if name
            .get(..7)
            .is_some_and(|prefix| prefix.eq_ignore_ascii_case("sqlite_"))
        {
            continue;
        }
        match kind.as_str() {
            "view" => schema.views.push(View {
                sql: sql_of.get(&name).cloned().unwrap_or_default(),
                new_name: name.clone(),
                name,
            }),
            "virtual" => schema.virtual_tables.push(VirtualTable { name, shadow: false }),
            "shadow" => schema.virtual_tables.push(VirtualTable { name, shadow: true }),
            _ => {
                let sql = sql_of.get(&name).cloned().unwrap_or_default();
                let mut table = read_table(connection, &name, sql, without_rowid, &sql_of)?;
                table.strict = strict;
                table.sequence = sequences.get(&table.name).copied();
                schema.tables.push(table);
            }
        }
    }
    schema.triggers = query(
        connection,
        "SELECT name, tbl_name, sql FROM sqlite_schema WHERE type = 'trigger' ORDER BY name",
        [],
        |row| {
            Ok(Trigger {
                name: row.get(0)?,
                new_name: row.get(0)?,
                table: row.get(1)?,
                sql: row.get::<_, Option<String>>(2)?.unwrap_or_default(),
            })
        },
    )?;
    Ok(schema)
}

fn read_table(
    connection: &Connection,
    name: &str,
    sql: String,
    without_rowid: bool,
    sql_of: &HashMap<String, String>,
) -> rusqlite::Result<Table> {
    let mut keys = Vec::new();
    let mut columns = query(
        connection,
        "SELECT name, type, \"notnull\", dflt_value, hidden, pk FROM pragma_table_xinfo(?1, 'main')
         WHERE hidden <> 1 ORDER BY cid",
        [name],
        |row| {
            let generated = match row.get::<_, i64>(4)? {
                2 => Some(Generated::Virtual),
                3 => Some(Generated::Stored),
                _ => None,
            };
            keys.push((row.get::<_, i64>(5)?, row.get::<_, String>(0)?));
            Ok(Column {
                name: row.get(0)?,
                new_name: row.get(0)?,
                declared_type: row.get(1)?,
                not_null: row.get(2)?,
                default: row.get(3)?,
                generated,
                expression: None,
                target: TargetType::Text,
                on_misfit: OnMisfit::Fail,
                keeps: None,
                nulls: 0,
                rowid_max: None,
                range: None,
                uniform: true,
                bytes_max: 0,
                collation: String::new(),
                comparison: Comparison::Exact,
            })
        },
    )?;
    for column in &mut columns {
        let (_, collation, ..) = connection.column_metadata(Some("main"), name, column.name.as_str())?;
        column.collation = collation.map_or_else(String::new, |it| it.to_string_lossy().into_owned());
    }
    keys.retain(|(place, _)| *place > 0);
    keys.sort();
    let primary_key: Vec<String> = keys.into_iter().map(|(_, name)| name).collect();
    let indexes = read_indexes(connection, name, sql_of)?;
    let rowid_alias = match primary_key.as_slice() {
        // `INTEGER PRIMARY KEY DESC` is no alias, by an old quirk; the index that it has instead tells.
        [key]
            if !without_rowid
                && !indexes
                    .iter()
                    .any(|index| index.origin == IndexOrigin::PrimaryKey) =>
        {
            columns.iter().position(|column| {
                column.name == *key && column.declared_type.eq_ignore_ascii_case("integer")
            })
        }
        _ => None,
    };
    Ok(Table {
        name: name.to_owned(),
        new_name: name.to_owned(),
        columns,
        primary_key,
        rowid_alias,
        autoincrement: sql_text::has_word(&sql, "AUTOINCREMENT"),
        without_rowid,
        strict: false,
        indexes,
        foreign_keys: foreign_key::read(connection, name, &sql)?,
        sql,
        row_count: 0,
        bytes: 0,
        long_line: None,
        sequence: None,
        omission: Omission::default(),
        searches: Vec::new(),
    })
}

/// The columns of a virtual table that its rows have, as those of a table without a key.
pub(super) fn read_content(connection: &Connection, name: &str) -> rusqlite::Result<Table> {
    read_table(connection, name, String::new(), false, &HashMap::new())
}

/// The statement that made a table.
pub(super) fn statement_of(connection: &Connection, table: &str) -> Result<String> {
    let sql = "SELECT sql FROM sqlite_schema WHERE type = 'table' AND name = ?1";
    let statement = connection.query_row(sql, [table], |row| row.get::<_, Option<String>>(0));
    statement
        .map(Option::unwrap_or_default)
        .map_err(|error| read_error(format!("cannot read the definition of {table}"), error))
}

fn read_indexes(
    connection: &Connection,
    table: &str,
    sql_of: &HashMap<String, String>,
) -> rusqlite::Result<Vec<Index>> {
    let mut indexes = query(
        connection,
        "SELECT name, \"unique\", origin, partial FROM pragma_index_list(?1, 'main') ORDER BY seq DESC",
        [table],
        |row| {
            let name: String = row.get(0)?;
            let origin = match row.get::<_, String>(2)?.as_str() {
                "c" => IndexOrigin::CreateIndex,
                "pk" => IndexOrigin::PrimaryKey,
                _ => IndexOrigin::UniqueConstraint,
            };
            let sql = sql_of.get(&name).cloned().unwrap_or_default();
            let predicate = row.get::<_, bool>(3)?.then(|| {
                sql_text::after_word(&sql, "WHERE")
                    .unwrap_or_default()
                    .trim()
                    .to_owned()
            });
            Ok(Index {
                new_name: name.clone(),
                name,
                sql,
                unique: row.get(1)?,
                origin,
                columns: Vec::new(),
                predicate,
            })
        },
    )?;
    for index in &mut indexes {
        index.columns = query(
            connection,
            "SELECT name, cid, \"desc\", coll FROM pragma_index_xinfo(?1, 'main') WHERE key ORDER BY seqno",
            [&index.name],
            |row| {
                Ok(IndexColumn {
                    name: if row.get::<_, i64>(1)? < 0 {
                        None
                    } else {
                        row.get(0)?
                    },
                    descending: row.get(2)?,
                    collation: row.get::<_, Option<String>>(3)?.unwrap_or_default(),
                })
            },
        )?;
    }
    Ok(indexes)
}

/// Names of tables, indexes and views with the statements that made them.
fn definitions(connection: &Connection) -> rusqlite::Result<HashMap<String, String>> {
    let sql =
        "SELECT name, sql FROM sqlite_schema WHERE type IN ('table', 'index', 'view') AND sql IS NOT NULL";
    Ok(query(connection, sql, [], |row| Ok((row.get(0)?, row.get(1)?)))?
        .into_iter()
        .collect())
}

fn sequences(connection: &Connection) -> rusqlite::Result<HashMap<String, i64>> {
    let exists = "SELECT count(*) FROM sqlite_schema WHERE name = 'sqlite_sequence'";
    if connection.query_row(exists, [], |row| row.get::<_, i64>(0))? == 0 {
        return Ok(HashMap::new());
    }
    // An application may write anything into this table; only what SQLite itself would use counts.
    let sql = "SELECT name, seq FROM sqlite_sequence WHERE typeof(name) = 'text' AND typeof(seq) = 'integer'";
    Ok(query(connection, sql, [], |row| Ok((row.get(0)?, row.get(1)?)))?
        .into_iter()
        .collect())
}

pub(super) fn query<T>(
    connection: &Connection,
    sql: &str,
    params: impl rusqlite::Params,
    read: impl FnMut(&Row<'_>) -> rusqlite::Result<T>,
) -> rusqlite::Result<Vec<T>> {
    connection.prepare(sql)?.query_map(params, read)?.collect()
}
