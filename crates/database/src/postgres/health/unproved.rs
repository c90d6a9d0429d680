//! Constraints that not every row was looked at for, and indexes that do not count.

use catalog::ObjectKind;
use postgres::GenericClient;

use crate::{Error, Result};

/// A constraint that is not validated, or an index that is not valid.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unproved {
    /// Constraint or index.
    pub kind: ObjectKind,
    pub schema: String,
    pub name: String,
    /// Without one the constraint is a domain's.
    pub table: Option<String>,
}

/// What PostgreSQL derived for a partition follows its root.
const UNPROVED: &str = "
SELECT 'constraint' AS kind, n.nspname::pg_catalog.text AS schema, k.conname::pg_catalog.text AS name,
       c.relname::pg_catalog.text AS table_name
FROM pg_catalog.pg_constraint k JOIN pg_catalog.pg_namespace n ON n.oid = k.connamespace
LEFT JOIN pg_catalog.pg_class c ON c.oid = k.conrelid
WHERE NOT k.convalidated AND k.conparentid = 0 AND k.coninhcount = 0
  AND COALESCE((pg_catalog.to_jsonb(k) ->> 'conenforced')::pg_catalog.bool, true) AND n.nspname = ANY ($1)
UNION ALL
SELECT 'index', n.nspname::pg_catalog.text, c.relname::pg_catalog.text, t.relname::pg_catalog.text
FROM pg_catalog.pg_index i JOIN pg_catalog.pg_class c ON c.oid = i.indexrelid
JOIN pg_catalog.pg_class t ON t.oid = i.indrelid JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
WHERE NOT (i.indisvalid AND i.indisready AND i.indislive) AND n.nspname = ANY ($1)
ORDER BY 1, 2, 4, 3";

/// All of them in `schemas`.
pub fn read_unproved(client: &mut impl GenericClient, schemas: &[String]) -> Result<Vec<Unproved>> {
    let rows = client
        .query(UNPROVED, &[&schemas])
        .map_err(Error::query("what is not validated could not be listed"))?;
    Ok(rows
        .iter()
        .map(|row| Unproved {
            kind: match row.get("kind") {
                "index" => ObjectKind::Index,
                _ => ObjectKind::Constraint,
            },
            schema: row.get("schema"),
            name: row.get("name"),
            table: row.get("table_name"),
        })
        .collect())
}
