//! Tables of which the planner knows nothing.

use catalog::QualifiedName;
use postgres::GenericClient;

use crate::{Error, Result};

/// `$1`: schemas. `reltuples` does not tell it, since an index that is built sets it too. Tables whose statistics this role
/// may not see, and tables that nobody may analyze, are left out; a partitioned root
/// is analyzed by hand alone, and a materialized view that was just made is small work for autovacuum.
const NEVER: &str = "
SELECT n.nspname::pg_catalog.text AS schema, c.relname::pg_catalog.text AS name
FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
WHERE n.nspname = ANY ($1) AND c.relkind = 'r' AND c.relpersistence <> 't'
  AND pg_catalog.has_table_privilege(c.oid, 'SELECT') AND NOT pg_catalog.row_security_active(c.oid)
  AND EXISTS (SELECT FROM pg_catalog.pg_attribute a WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
              AND COALESCE(a.attstattarget, -1) <> 0)
  AND pg_catalog.pg_stat_get_last_analyze_time(c.oid) IS NULL
  AND pg_catalog.pg_stat_get_last_autoanalyze_time(c.oid) IS NULL
  AND NOT EXISTS (SELECT FROM pg_catalog.pg_stats s WHERE s.schemaname = n.nspname AND s.tablename = c.relname)
  AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend d WHERE d.deptype = 'e' AND d.objid = c.oid
                  AND d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass)
ORDER BY 1, 2";

/// Tables of `schemas` without statistics, empty ones among them.
pub fn read_never_analyzed(
    client: &mut impl GenericClient,
    schemas: &[String],
) -> Result<Vec<QualifiedName>> {
    let rows = client
        .query(NEVER, &[&schemas])
        .map_err(Error::query("the tables without statistics could not be listed"))?;
    Ok(rows
        .iter()
        .map(|row| QualifiedName::new(row.get::<_, String>("schema"), row.get::<_, String>("name")))
        .collect())
}
