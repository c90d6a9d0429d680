//! Rows as the server sends them, piece by piece.

use std::collections::HashMap;

use catalog::{QualifiedName, Table, TableKind, ThroughRoot};
use fingerprint::Form;
use postgres::{Client, GenericClient};

use super::large_objects;
use super::oversize::explain;
use super::row_source::RowSource;
use super::selection::Chosen;
use crate::{Error, ErrorKind, Result};

/// Which of a table's own rows are read. The default is all of them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Extent {
    /// Rows in these blocks of the heap; without an end those in all that follow.
    pub blocks: Option<(u32, Option<u32>)>,
    /// Rows for which this SQL condition is true.
    pub condition: Option<String>,
}

impl Extent {
    /// All rows, read by a query: COPY of a table refuses to name generated columns.
    pub fn by_query() -> Self {
        Extent {
            blocks: None,
            condition: Some("true".to_owned()),
        }
    }

    /// The blocks of a heap of so many in `count` parts. The last one is open: rows that a larger table has by now are not
    /// in the snapshot, but blocks that were counted a moment too early are read in any case.
    pub fn block_parts(blocks: u32, count: u64) -> impl Iterator<Item = (u32, Option<u32>)> {
        let bound = move |part: u64| u32::try_from(u64::from(blocks) * part / count).unwrap_or(u32::MAX);
        (0..count).map(move |part| (bound(part), (part + 1 < count).then(|| bound(part + 1))))
    }

    /// Those of these rows for which this condition is true, too.
    #[must_use]
    pub fn and(mut self, condition: Option<String>) -> Self {
        self.condition = match (self.condition.take(), condition) {
            // A comment in a condition ends with its line.
            (Some(one), Some(next)) => Some(format!("({one}\n) AND ({next}\n)")),
            (one, next) => one.or(next),
        };
        self
    }

    /// SQL of the conditions; empty for all rows.
    pub(super) fn conditions(&self) -> String {
        let mut conditions = Vec::new();
        if let Some((first, end)) = self.blocks {
            conditions.push(format!("ctid OPERATOR(pg_catalog.>=) '({first},0)'"));
            conditions.extend(end.map(|end| format!("ctid OPERATOR(pg_catalog.<) '({end},0)'")));
        }
        // A comment in the condition ends with its line.
        conditions.extend(self.condition.as_ref().map(|it| format!("({it}\n)")));
        conditions.join(" AND ")
    }
}

/// The statement that reads a table's own rows: stored columns in the catalog's order.
pub fn copy_out_sql(table: &Table, form: Form, extent: &Extent) -> String {
    let format = match form {
        Form::Text => "csv",
        Form::Binary => "binary",
    };
    if table.kind == TableKind::LargeObjects {
        return large_objects::copy_out_sql(extent.condition.as_deref(), format);
    }
    let (name, columns) = (table.qualified_name(), table.column_list());
    if let (TableKind::Part, Some(query)) = (table.kind, &table.condition) {
        return copy_query_sql(query, &columns, format, &extent.conditions());
    }
    let is_root = table.through_root == Some(ThroughRoot::Root);
    // COPY without a column list would send the generated columns' names as its columns.
    let has_only_generated = columns.is_empty() && !table.columns.is_empty();
    let is_whole = *extent == Extent::default() && table.condition.is_none();
    if is_whole && !is_root && !has_only_generated {
        return format!("COPY {name} {columns} TO STDOUT (FORMAT {format})");
    }
    let inner = columns.strip_prefix('(').and_then(|it| it.strip_suffix(')'));
    let columns = inner.unwrap_or_default();
    if let Some(condition) = &table.condition {
        // An extension's own words, `WHERE …`; such tables are read whole.
        return format!("COPY (SELECT {columns} FROM ONLY {name} {condition}) TO STDOUT (FORMAT {format})");
    }
    let only = if is_root { "" } else { "ONLY " };
    let conditions = extent.conditions();
    let filter = if conditions.is_empty() {
        String::new()
    } else {
        format!(" WHERE {conditions}")
    };
    format!("COPY (SELECT {columns} FROM {only}{name}{filter}) TO STDOUT (FORMAT {format})")
}

/// Rows of a part of a merged table: they are what a query gives.
fn copy_query_sql(query: &str, columns: &str, format: &str, conditions: &str) -> String {
    let columns = columns.trim_start_matches('(').trim_end_matches(')');
    let filter = if conditions.is_empty() {
        String::new()
    } else {
        format!(" WHERE {conditions}")
    };
    format!("COPY (SELECT {columns} FROM ({query}) p{filter}) TO STDOUT (FORMAT {format})")
}

/// Makes sure that the server understands a condition for a table's rows, without reading any.
pub fn check_condition(client: &mut Client, table: &Table, condition: &str) -> Result<()> {
    let name = table.qualified_name();
    let extent = Extent {
        condition: Some(condition.to_owned()),
        ..Extent::default()
    };
    let sql = format!("SELECT FROM ONLY {name} WHERE {}", extent.conditions());
    let hint =
        "a condition is an SQL expression over the table's columns; names of all else have their schema";
    // Twice, in two kinds of brackets: what closes the one and opens it again, `a) OR (b`, is no expression in the other,
    // and would not be kept together with the blocks that a part is read by.
    let in_brackets = format!("SELECT FROM ONLY {name} WHERE (ARRAY[{condition}\n])[1]");
    let checked = client.prepare(&sql).and_then(|_| client.prepare(&in_brackets));
    checked.map(drop).map_err(|error| {
        Error::new(
            ErrorKind::Selection,
            format!("the condition for rows of {name} cannot be used"),
        )
        .with_source(error)
        .with_hint(hint)
    })
}

/// How many blocks the heaps of the chosen tables have now, which is at least what the snapshot shows of them. Tables
/// of other access methods are left out.
pub fn read_blocks(client: &mut Client, chosen: &Chosen) -> Result<HashMap<QualifiedName, u32>> {
    const BLOCKS: &str = "SELECT n.nspname AS schema, c.relname AS name,
          COALESCE(pg_catalog.pg_relation_size(c.oid), 0)
            / pg_catalog.current_setting('block_size')::pg_catalog.int8 AS blocks
        FROM pg_catalog.pg_class c
        JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
        JOIN pg_catalog.pg_am a ON a.oid = c.relam AND a.amname = 'heap'
        WHERE c.relkind = 'r' AND c.relpersistence <> 't' AND n.nspname !~ '^pg_'
          AND ($1::pg_catalog.text[] IS NULL OR n.nspname = ANY ($1))
          AND ($2::pg_catalog.oid[] IS NULL OR c.oid = ANY ($2))";
    let rows = client
        .query(BLOCKS, &[&chosen.schemas, &chosen.relation_oids()])
        .map_err(Error::query("the tables' sizes could not be read"))?;
    let blocks = |row: &postgres::Row| {
        let name = QualifiedName::new(row.get::<_, &str>("schema"), row.get::<_, &str>("name"));
        let blocks = u32::try_from(row.get::<_, i64>("blocks")).unwrap_or(u32::MAX);
        (name, blocks)
    };
    Ok(rows.iter().map(blocks).collect())
}

/// Gives every piece of the stream to `take`, which may stop by an error of its own.
///
/// The outer result is the server's, the inner one `take`'s. A row that is too long for COPY is named; the session's
/// transaction is over then.
pub fn read_rows<E>(
    client: &mut impl RowSource,
    table: &Table,
    form: Form,
    extent: &Extent,
    take: impl FnMut(&[u8]) -> std::result::Result<(), E>,
) -> Result<std::result::Result<(), E>> {
    let read = client.copy_out(&copy_out_sql(table, form, extent), take);
    read.map_err(|source| {
        let message = format!("rows of {} could not be read", table.qualified_name());
        explain(client, table, form, Error::query(message)(source))
    })
}

/// The same for rows whose columns are these SQL expressions.
pub fn read_rows_as<E>(
    client: &mut impl RowSource,
    table: &Table,
    expressions: &[String],
    form: Form,
    extent: &Extent,
    take: impl FnMut(&[u8]) -> std::result::Result<(), E>,
) -> Result<std::result::Result<(), E>> {
    let name = table.qualified_name();
    let only = if table.through_root == Some(ThroughRoot::Root) {
        ""
    } else {
        "ONLY "
    };
    let format = match form {
        Form::Text => "csv",
        Form::Binary => "binary",
    };
    let conditions = extent.conditions();
    let filter = if conditions.is_empty() {
        String::new()
    } else {
        format!(" WHERE {conditions}")
    };
    let columns = expressions.join(", ");
    let sql = format!("COPY (SELECT {columns} FROM {only}{name}{filter}) TO STDOUT (FORMAT {format})");
    let read = client.copy_out(&sql, take);
    read.map_err(|source| Error::query(format!("rows of {name} could not be read"))(source))
}

/// How many rows of its own a table has, as the session sees it.
pub fn count_rows(client: &mut impl GenericClient, table: &Table) -> Result<u64> {
    let name = table.qualified_name();
    let only = if table.through_root == Some(ThroughRoot::Root) {
        ""
    } else {
        "ONLY "
    };
    let sql = format!("SELECT pg_catalog.count(*) FROM {only}{name}");
    let row = client
        .query_one(&sql, &[])
        .map_err(Error::query(format!("rows of {name} could not be counted")))?;
    Ok(u64::try_from(row.get::<_, i64>(0)).unwrap_or_default())
}
