//! Sequences and the columns that get their numbers.

use catalog::{QualifiedName, quote_ident};
use postgres::GenericClient;

use crate::{Error, Result};

/// A column that takes its values from a sequence.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SequenceLink {
    pub sequence: QualifiedName,
    pub increment: i64,
    /// Whether it begins anew at its end, so that its numbers come again by intention.
    pub cycles: bool,
    pub table: QualifiedName,
    pub column: String,
    /// Whether the rows are those of partitions.
    is_tree: bool,
}

/// `$1`: schemas in which the sequence or the table is.
///
/// A column is linked when it is an identity, when its default is `nextval` of the sequence and nothing else, or when it
/// owns the sequence and has no default at all. One whose default calculates with the number, or asks somebody else, has
/// other values than the sequence.
const LINKS: &str = "
WITH uses AS (
  SELECT d.objid AS sequence, d.refobjid AS relation, d.refobjsubid::pg_catalog.int2 AS attnum
  FROM pg_catalog.pg_depend d
  JOIN pg_catalog.pg_attribute a ON a.attrelid = d.refobjid AND a.attnum = d.refobjsubid
  WHERE d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass AND d.objsubid = 0
    AND d.refclassid = 'pg_catalog.pg_class'::pg_catalog.regclass AND d.refobjsubid > 0 AND d.deptype IN ('a', 'i')
    AND (a.attidentity <> '' OR NOT a.atthasdef)
  UNION
  SELECT d.refobjid, f.adrelid, f.adnum
  FROM pg_catalog.pg_attrdef f
  JOIN pg_catalog.pg_depend d ON d.classid = 'pg_catalog.pg_attrdef'::pg_catalog.regclass AND d.objid = f.oid
    AND d.refclassid = 'pg_catalog.pg_class'::pg_catalog.regclass
  WHERE pg_catalog.pg_get_expr(f.adbin, f.adrelid)
    ~ '^\\(?nextval\\(''([^'']|'''')+''::regclass\\)\\)?(::(smallint|integer|bigint|numeric))?$'
)
SELECT sn.nspname::pg_catalog.text AS schema, c.relname::pg_catalog.text AS name, s.seqincrement AS increment,
       s.seqcycle AS cycles, tn.nspname::pg_catalog.text AS table_schema, t.relname::pg_catalog.text AS table_name,
       t.relkind = 'p' AS tree, a.attname::pg_catalog.text AS column_name
FROM uses u
JOIN pg_catalog.pg_sequence s ON s.seqrelid = u.sequence
JOIN pg_catalog.pg_class c ON c.oid = u.sequence JOIN pg_catalog.pg_namespace sn ON sn.oid = c.relnamespace
JOIN pg_catalog.pg_class t ON t.oid = u.relation JOIN pg_catalog.pg_namespace tn ON tn.oid = t.relnamespace
JOIN pg_catalog.pg_attribute a ON a.attrelid = t.oid AND a.attnum = u.attnum AND NOT a.attisdropped
JOIN pg_catalog.pg_type y ON y.oid = a.atttypid
WHERE t.relkind IN ('r', 'p') AND t.relpersistence <> 't' AND y.typcategory = 'N'
  AND pg_catalog.format_type(CASE y.typtype WHEN 'd' THEN y.typbasetype ELSE y.oid END, NULL)
    IN ('smallint', 'integer', 'bigint', 'numeric')
  AND (sn.nspname = ANY ($1) OR tn.nspname = ANY ($1))
  AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend e WHERE e.deptype = 'e' AND e.objid = c.oid
                  AND e.classid = 'pg_catalog.pg_class'::pg_catalog.regclass)
ORDER BY sn.nspname COLLATE \"C\", c.relname COLLATE \"C\", tn.nspname COLLATE \"C\", t.relname COLLATE \"C\",
  a.attname COLLATE \"C\"";

/// All of them, those of one sequence next to each other.
pub fn read_sequence_links(client: &mut impl GenericClient, schemas: &[String]) -> Result<Vec<SequenceLink>> {
    let rows = client
        .query(LINKS, &[&schemas])
        .map_err(Error::query("the columns of sequences could not be listed"))?;
    let name = |row: &postgres::Row, schema: &str, name: &str| {
        QualifiedName::new(row.get::<_, String>(schema), row.get::<_, String>(name))
    };
    Ok(rows
        .iter()
        .map(|row| SequenceLink {
            sequence: name(row, "schema", "name"),
            increment: row.get("increment"),
            cycles: row.get("cycles"),
            table: name(row, "table_schema", "table_name"),
            column: row.get("column_name"),
            is_tree: row.get("tree"),
        })
        .collect())
}

impl SequenceLink {
    /// Asks for the column's last value in the sequence's direction, as a whole number; no value in an empty table.
    pub fn reached_sql(&self) -> String {
        let last = if self.increment < 0 { "min" } else { "max" };
        let only = if self.is_tree { "" } else { "ONLY " };
        format!(
            "SELECT pg_catalog.trunc(pg_catalog.{last}(t.{})::pg_catalog.numeric)::pg_catalog.text FROM {only}{} AS t",
            quote_ident(&self.column),
            self.table
        )
    }

    /// Asks for the number that the sequence gives next.
    pub fn next_sql(&self) -> String {
        format!(
            "SELECT (CASE WHEN s.is_called THEN s.last_value::pg_catalog.numeric + {} ELSE s.last_value END)::pg_catalog.text \
             FROM {} AS s",
            self.increment, self.sequence
        )
    }
}
