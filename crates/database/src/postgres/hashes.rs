//! What a server can hash of a table by itself: weaker than a fingerprint, and no row leaves the server.

use std::collections::{HashMap, HashSet};

use catalog::{Column, QualifiedName, Table, ThroughRoot, quote_ident};
use postgres::GenericClient;

use super::row_source::RowSource;
use super::rows::Extent;
use crate::{Error, Result};

/// The first PostgreSQL with `hash_record_extended`.
pub const HASHES_RECORDS: i32 = 140_000;

/// Columns whose types have a hash function that means the same in every database, by table.
#[derive(Debug, Default)]
pub struct HashableColumns(HashMap<QualifiedName, HashSet<String>>);

impl HashableColumns {
    /// Whether the column's type has such a function.
    pub fn has(&self, table: &QualifiedName, column: &str) -> bool {
        self.0.get(table).is_some_and(|it| it.contains(column))
    }
}

/// How many rows a server counts, and the sum of its hashes of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HashSum {
    pub rows: u64,
    pub sum: i128,
}

/// `varchar` and `cidr` use the functions of `text` and `inet`; `aclitem` hashes OIDs. Enums, ranges and composites hash
/// by functions of pseudo-types, and are not here: an enum's hash is that of its OID.
const HASHABLE: &str = "
WITH RECURSIVE base AS (
  SELECT t.oid AS type, t.oid AS base FROM pg_catalog.pg_type t WHERE t.typtype <> 'd'
  UNION ALL
  SELECT d.oid, b.base FROM base b JOIN pg_catalog.pg_type d ON d.typtype = 'd' AND d.typbasetype = b.type
), hashed AS (
  SELECT o.opcintype AS type
  FROM pg_catalog.pg_opclass o
  JOIN pg_catalog.pg_am m ON m.oid = o.opcmethod AND m.amname = 'hash'
  JOIN pg_catalog.pg_amproc p ON p.amprocfamily = o.opcfamily AND p.amproclefttype = o.opcintype
    AND p.amprocrighttype = o.opcintype AND p.amprocnum = 2
  WHERE o.opcdefault AND o.opcintype <> 'pg_catalog.aclitem'::pg_catalog.regtype
  UNION SELECT 'pg_catalog.varchar'::pg_catalog.regtype UNION SELECT 'pg_catalog.cidr'::pg_catalog.regtype
)
SELECT n.nspname AS schema, c.relname AS relation, a.attname AS name
FROM pg_catalog.pg_attribute a
JOIN pg_catalog.pg_class c ON c.oid = a.attrelid
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
JOIN base b ON b.type = a.atttypid
JOIN pg_catalog.pg_type t ON t.oid = b.base AND t.typtype = 'b'
LEFT JOIN pg_catalog.pg_type e ON e.typarray = t.oid AND e.typtype = 'b'
WHERE a.attnum > 0 AND NOT a.attisdropped AND c.relkind IN ('r', 'p')
  AND n.nspname !~ '^pg_' AND n.nspname NOT IN ('information_schema', 'coalesce')
  AND (t.oid IN (SELECT h.type FROM hashed h) OR e.oid IN (SELECT h.type FROM hashed h))";

/// Which columns a server can hash as they are.
pub fn read_hashable_columns(client: &mut impl GenericClient) -> Result<HashableColumns> {
    let rows = client
        .query(HASHABLE, &[])
        .map_err(Error::query("the types' hash functions could not be listed"))?;
    let mut columns = HashableColumns::default();
    for row in rows {
        let table = QualifiedName::new(row.get::<_, &str>("schema"), row.get::<_, &str>("relation"));
        columns.0.entry(table).or_default().insert(row.get("name"));
    }
    Ok(columns)
}

/// Counts and hashes the rows of `table` on its server. `columns` are those of the hash in the order that both sides
/// share, each with whether its type's own function is used; all others are hashed as text. `by_record` says that
/// both servers have [`HASHES_RECORDS`].
pub fn sum_hashes(
    client: &mut impl RowSource,
    table: &Table,
    columns: &[(&Column, bool)],
    by_record: bool,
    extent: &Extent,
) -> Result<HashSum> {
    let sql = hash_sql(table, columns, by_record, extent);
    let failed = || Error::query(format!("rows of {} could not be hashed", table.qualified_name()));
    let row = client.query_opt(&sql, &[]).map_err(failed())?;
    let row = row.ok_or_else(|| Error::new(crate::ErrorKind::Query, "a count has no row"))?;
    let sum: Option<String> = row.get(1);
    Ok(HashSum {
        rows: u64::try_from(row.get::<_, i64>(0)).unwrap_or_default(),
        sum: sum.and_then(|it| it.parse().ok()).unwrap_or_default(),
    })
}

fn hash_sql(table: &Table, columns: &[(&Column, bool)], by_record: bool, extent: &Extent) -> String {
    let name = |column: &Column| format!("t.{}", quote_ident(&column.name));
    let of_kind = |own: bool| {
        columns
            .iter()
            .filter(move |(_, it)| by_record && *it == own || !by_record && !own)
    };
    // A collation that takes different texts for equal gives them one hash.
    let own = of_kind(true).map(|(column, _)| {
        if is_text(column) {
            format!("{} COLLATE pg_catalog.\"C\"", name(column))
        } else {
            name(column)
        }
    });
    let own: Vec<String> = own.collect();
    let texts: Vec<String> = of_kind(false).map(|(column, _)| name(column)).collect();
    let text = format!(
        "ROW({})::pg_catalog.text COLLATE pg_catalog.\"C\"",
        texts.join(", ")
    );
    let hash = if !by_record {
        format!("pg_catalog.hashtextextended({text}, 0)")
    } else if texts.is_empty() && own.is_empty() {
        "0::pg_catalog.int8".to_owned()
    } else {
        let parts: Vec<String> = own
            .into_iter()
            .chain((!texts.is_empty()).then_some(text))
            .collect();
        // A record's hash is linear in those of its columns: without a hash over it, values that change places between rows
        // would leave the sum as it is.
        format!(
            "pg_catalog.hashint8extended(pg_catalog.hash_record_extended(ROW({}), 0), 1)",
            parts.join(", ")
        )
    };
    let only = if table.through_root == Some(ThroughRoot::Root) {
        ""
    } else {
        "ONLY "
    };
    let conditions = extent.conditions();
    let filter = if conditions.is_empty() {
        String::new()
    } else {
        format!(" WHERE {conditions}")
    };
    format!(
        "SELECT pg_catalog.count(*), pg_catalog.sum({hash})::pg_catalog.text FROM {only}{} AS t{filter}",
        table.qualified_name()
    )
}

/// Whether a collation decides which values are equal. `name` has one that is never another.
fn is_text(column: &Column) -> bool {
    let it = &column.column_type;
    let base = it.base.as_deref().unwrap_or(&it.text);
    let words = ["text", "character"];
    words.iter().any(|word| base.starts_with(word)) || it.name == "citext"
}
