//! The foreign keys of a database, as far as values go along them.

use catalog::{ForeignKey, QualifiedName};
use postgres::GenericClient;

use crate::{Error, Result};

/// Keys that PostgreSQL derived from one of a partitioned table are left out: partitions follow their root.
const FOREIGN_KEYS: &str = "
SELECT tn.nspname AS schema, t.relname AS name, pn.nspname AS parent_schema, p.relname AS parent_name,
       ARRAY(SELECT a.attname::pg_catalog.text FROM pg_catalog.unnest(k.conkey) WITH ORDINALITY AS c (number, place)
             JOIN pg_catalog.pg_attribute a ON a.attrelid = k.conrelid AND a.attnum = c.number ORDER BY c.place)
         AS columns,
       ARRAY(SELECT a.attname::pg_catalog.text FROM pg_catalog.unnest(k.confkey) WITH ORDINALITY AS c (number, place)
             JOIN pg_catalog.pg_attribute a ON a.attrelid = k.confrelid AND a.attnum = c.number ORDER BY c.place)
         AS parent_columns
FROM pg_catalog.pg_constraint k
JOIN pg_catalog.pg_class t ON t.oid = k.conrelid JOIN pg_catalog.pg_namespace tn ON tn.oid = t.relnamespace
JOIN pg_catalog.pg_class p ON p.oid = k.confrelid JOIN pg_catalog.pg_namespace pn ON pn.oid = p.relnamespace
WHERE k.contype = 'f' AND k.conparentid = 0";

/// Reads the foreign keys of all tables.
pub fn read_foreign_keys(client: &mut impl GenericClient) -> Result<Vec<ForeignKey>> {
    let rows = client
        .query(FOREIGN_KEYS, &[])
        .map_err(Error::query("the foreign keys could not be listed"))?;
    Ok(rows
        .iter()
        .map(|row| ForeignKey {
            table: QualifiedName::new(row.get::<_, String>("schema"), row.get::<_, String>("name")),
            columns: row.get("columns"),
            parent: QualifiedName::new(
                row.get::<_, String>("parent_schema"),
                row.get::<_, String>("parent_name"),
            ),
            parent_columns: row.get("parent_columns"),
        })
        .collect())
}
