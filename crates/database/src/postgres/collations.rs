//! Collations that a source's definitions use, and those of that name on a target.

use catalog::{Collation, QualifiedName};
use postgres::{GenericClient, Row};

use crate::{Error, Result};

/// Every collation with the library's own version of today; `pg_collation_actual_version` says it of the database's
/// own from PostgreSQL 15 on.
const NAMED: &str = "
orders AS (
  SELECT c.oid, c.collnamespace AS namespace, c.collname AS name, c.collencoding AS encoding, CASE
    WHEN o.provider = 'c' AND o.locale IN ('C', 'POSIX') THEN 'C'
    ELSE pg_catalog.concat(CASE o.provider WHEN 'i' THEN 'icu' WHEN 'b' THEN 'builtin' ELSE 'libc' END, ':', o.locale,
      '@' || pg_catalog.pg_collation_actual_version(c.oid)) END AS rule
  FROM pg_catalog.pg_collation c
  JOIN pg_catalog.pg_database d ON d.datname = pg_catalog.current_database()
  CROSS JOIN LATERAL (SELECT
    CASE WHEN c.collprovider <> 'd' THEN c.collprovider::pg_catalog.text
         ELSE COALESCE(pg_catalog.to_jsonb(d) ->> 'datlocprovider', 'c') END AS provider,
    CASE WHEN c.collprovider <> 'd' THEN COALESCE(pg_catalog.to_jsonb(c) ->> 'colllocale',
           pg_catalog.to_jsonb(c) ->> 'colliculocale', c.collcollate)
         WHEN COALESCE(pg_catalog.to_jsonb(d) ->> 'datlocprovider', 'c') = 'c' THEN d.datcollate
         ELSE COALESCE(pg_catalog.to_jsonb(d) ->> 'datlocale', pg_catalog.to_jsonb(d) ->> 'daticulocale',
           d.datcollate) END AS locale) AS o
  WHERE c.oid IN (SELECT w.oid FROM wanted w)
)";

/// Those used in the schemas `$1`, or in all of the user's. What the system pins (`C`, the default) has no dependencies,
/// so columns, indexes and domains are asked themselves; of views the rest.
const USED: &str = "
WITH namespaces AS (
  SELECT n.oid FROM pg_catalog.pg_namespace n
  WHERE n.nspname !~ '^pg_' AND n.nspname NOT IN ('information_schema', 'coalesce')
    AND ($1::pg_catalog.text[] IS NULL OR n.nspname = ANY ($1))
), relations AS (
  SELECT c.oid, c.relkind FROM pg_catalog.pg_class c JOIN namespaces n ON n.oid = c.relnamespace
  WHERE c.relpersistence <> 't' AND c.oid NOT IN (SELECT d.objid FROM pg_catalog.pg_depend d
    WHERE d.deptype = 'e' AND d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass)
), uses AS (
  SELECT a.attcollation AS collation, NULL::pg_catalog.oid AS index
  FROM pg_catalog.pg_attribute a JOIN relations r ON r.oid = a.attrelid
  WHERE a.attnum > 0 AND NOT a.attisdropped AND r.relkind IN ('r', 'p', 'f', 'v', 'm', 'c')
  UNION ALL
  SELECT k.oid, x.indexrelid FROM pg_catalog.pg_index x JOIN relations r ON r.oid = x.indexrelid
  CROSS JOIN LATERAL pg_catalog.unnest(x.indcollation::pg_catalog.oid[]) AS k (oid)
  UNION ALL
  SELECT t.typcollation, NULL FROM pg_catalog.pg_type t JOIN namespaces n ON n.oid = t.typnamespace
  WHERE t.typtype = 'd'
  UNION ALL
  SELECT d.refobjid, NULL FROM pg_catalog.pg_rewrite w JOIN relations r ON r.oid = w.ev_class
  JOIN pg_catalog.pg_depend d ON d.classid = 'pg_catalog.pg_rewrite'::pg_catalog.regclass AND d.objid = w.oid
    AND d.refclassid = 'pg_catalog.pg_collation'::pg_catalog.regclass
), wanted AS (
  SELECT u.collation AS oid, pg_catalog.count(DISTINCT u.index) AS indexes FROM uses u
  WHERE u.collation <> 0 GROUP BY u.collation
),";

const SELECTED: &str = "
SELECT n.nspname::pg_catalog.text AS schema, o.name::pg_catalog.text AS name, o.rule AS order, w.indexes
FROM orders o JOIN wanted w ON w.oid = o.oid JOIN pg_catalog.pg_namespace n ON n.oid = o.namespace
ORDER BY n.nspname COLLATE \"C\", o.name COLLATE \"C\"";

/// Those of the names `$1`, in the schemas `$2`, that text of this database can have.
const OF_NAME: &str = "
WITH wanted AS (
  SELECT c.oid, 0::pg_catalog.int8 AS indexes FROM pg_catalog.pg_collation c
  JOIN pg_catalog.pg_namespace n ON n.oid = c.collnamespace
  JOIN ROWS FROM (pg_catalog.unnest($1::pg_catalog.text[]), pg_catalog.unnest($2::pg_catalog.text[]))
    AS x (name, schema) ON x.name = c.collname AND x.schema = n.nspname
  JOIN pg_catalog.pg_database d ON d.datname = pg_catalog.current_database()
  WHERE c.collencoding IN (-1, d.encoding)
),";

/// The collations in use, each once.
pub(super) fn read_collations(
    client: &mut impl GenericClient,
    schemas: Option<&[String]>,
) -> Result<Vec<Collation>> {
    let rows = client
        .query(&format!("{USED}{NAMED}{SELECTED}"), &[&schemas])
        .map_err(Error::query("the collations could not be listed"))?;
    Ok(rows.iter().map(collation).collect())
}

/// Those of `names` that the session's database has for its encoding; they order no index here.
pub fn find_collations(client: &mut impl GenericClient, names: &[QualifiedName]) -> Result<Vec<Collation>> {
    let (names, schemas): (Vec<&str>, Vec<&str>) = names
        .iter()
        .map(|it| (it.name.as_str(), it.schema.as_str()))
        .unzip();
    let rows = client
        .query(&format!("{OF_NAME}{NAMED}{SELECTED}"), &[&names, &schemas])
        .map_err(Error::query("the target's collations could not be listed"))?;
    Ok(rows.iter().map(collation).collect())
}

fn collation(row: &Row) -> Collation {
    Collation {
        schema: row.get("schema"),
        name: row.get("name"),
        order: row.get("order"),
        indexes: u32::try_from(row.get::<_, i64>("indexes")).unwrap_or(u32::MAX),
    }
}
