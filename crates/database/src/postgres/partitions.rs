//! The keys of partitioned tables: what decides in which partition a row belongs, and whether that is the same in
//! another database.

use std::collections::HashMap;

use catalog::{NameKind, PartitionKey, PartitionStrategy, QualifiedName};
use postgres::{GenericClient, Row};

use crate::{Error, Result};

/// `$1`: names of the built-in types whose values are OIDs of objects.
///
/// A key's type is taken apart down to what it is made of. The type of an expression is not in the catalog: its
/// operator class names it, if need be as a family of types such as `anyenum`.
const PARTITION_KEYS: &str = "
WITH RECURSIVE keys AS (
  SELECT p.partrelid AS relation, p.partstrat::pg_catalog.text AS strategy, k.place, k.sorted_by,
         COALESCE(a.atttypid, o.opcintype) AS type
  FROM pg_catalog.pg_partitioned_table p
  CROSS JOIN LATERAL ROWS FROM (
    pg_catalog.unnest(p.partattrs::pg_catalog.int2[]), pg_catalog.unnest(p.partclass::pg_catalog.oid[]),
    pg_catalog.unnest(p.partcollation::pg_catalog.oid[])) WITH ORDINALITY AS k (attnum, class, sorted_by, place)
  JOIN pg_catalog.pg_opclass o ON o.oid = k.class
  LEFT JOIN pg_catalog.pg_attribute a ON a.attrelid = p.partrelid AND a.attnum = k.attnum AND k.attnum > 0
), made AS (
  SELECT relation, place, type FROM keys
  UNION
  SELECT m.relation, m.place, c.part FROM made m JOIN pg_catalog.pg_type t ON t.oid = m.type
  CROSS JOIN LATERAL (
    SELECT t.typelem AS part WHERE t.typelem <> 0
    UNION ALL SELECT t.typbasetype WHERE t.typtype = 'd'
    UNION ALL SELECT a.atttypid FROM pg_catalog.pg_attribute a
      WHERE t.typtype = 'c' AND a.attrelid = t.typrelid AND a.attnum > 0 AND NOT a.attisdropped
    UNION ALL SELECT r.rngsubtype FROM pg_catalog.pg_range r WHERE t.oid IN (r.rngtypid, r.rngmultitypid)) c
), facts AS (
  SELECT m.relation, m.place, pg_catalog.bool_or(t.typcollation <> 0) AS has_text,
         pg_catalog.bool_or(t.typtype = 'e' OR t.typtype = 'p' AND t.typname <> 'cstring') AS has_labels,
         pg_catalog.bool_or(t.typnamespace = 'pg_catalog'::pg_catalog.regnamespace AND t.typname = ANY ($1)) AS has_names
  FROM made m JOIN pg_catalog.pg_type t ON t.oid = m.type GROUP BY m.relation, m.place
), collations AS (
  SELECT c.oid, c.collprovider AS provider, c.collcollate AS collate, pg_catalog.to_jsonb(c) AS whole,
         c.collversion AS version
  FROM pg_catalog.pg_collation c WHERE c.collprovider <> 'd'
  UNION ALL
  SELECT c.oid, COALESCE((pg_catalog.to_jsonb(d) ->> 'datlocprovider')::\"char\", 'c'), d.datcollate,
         pg_catalog.to_jsonb(d), pg_catalog.to_jsonb(d) ->> 'datcollversion'
  FROM pg_catalog.pg_collation c JOIN pg_catalog.pg_database d ON d.datname = pg_catalog.current_database()
  WHERE c.collprovider = 'd'
), named AS (
  SELECT c.oid, CASE WHEN c.provider = 'c' AND c.collate IN ('C', 'POSIX') THEN 'C' ELSE pg_catalog.concat(
           CASE c.provider WHEN 'i' THEN 'icu' WHEN 'b' THEN 'builtin' ELSE 'libc' END, ':',
           CASE WHEN c.provider = 'c' THEN c.collate ELSE COALESCE(c.whole ->> 'colllocale', c.whole ->> 'colliculocale',
             c.whole ->> 'datlocale', c.whole ->> 'daticulocale', c.collate) END, '@' || c.version) END AS name
  FROM collations c
)
SELECT k.relation, s.nspname AS schema,
       r.relname AS name, k.strategy, pg_catalog.bool_or(f.has_labels) AS has_labels, pg_catalog.bool_or(f.has_names) AS has_names,
       COALESCE(pg_catalog.array_agg(n.name ORDER BY k.place) FILTER (WHERE n.name IS NOT NULL), '{}') AS collations
FROM keys k JOIN pg_catalog.pg_class r ON r.oid = k.relation JOIN pg_catalog.pg_namespace s ON s.oid = r.relnamespace
JOIN facts f ON f.relation = k.relation AND f.place = k.place
LEFT JOIN named n ON n.oid = CASE
  WHEN k.sorted_by <> 0 THEN k.sorted_by
  WHEN f.has_text THEN (SELECT c.oid FROM pg_catalog.pg_collation c WHERE c.collprovider = 'd') END
GROUP BY k.relation, s.nspname, r.relname, k.strategy";

/// The key of every partitioned table, by the table's OID.
pub(super) fn read_keys(client: &mut impl GenericClient) -> Result<HashMap<u32, PartitionKey>> {
    let rows = read_rows(client)?;
    Ok(rows.iter().map(|row| (row.get("relation"), key(row))).collect())
}

/// The key of every partitioned table of the database.
pub fn read_partition_keys(client: &mut impl GenericClient) -> Result<HashMap<QualifiedName, PartitionKey>> {
    let name = |row: &Row| QualifiedName::new(row.get::<_, &str>("schema"), row.get::<_, &str>("name"));
    let rows = read_rows(client)?;
    Ok(rows.iter().map(|row| (name(row), key(row))).collect())
}

fn read_rows(client: &mut impl GenericClient) -> Result<Vec<Row>> {
    let names = NameKind::ALL.iter().map(|it| it.type_name());
    let names: Vec<&str> = names.chain(["regrole"]).collect();
    client
        .query(PARTITION_KEYS, &[&names])
        .map_err(Error::query("the keys of partitioned tables could not be read"))
}

fn key(row: &Row) -> PartitionKey {
    let strategy = match row.get("strategy") {
        "h" => PartitionStrategy::Hash,
        "r" => PartitionStrategy::Range,
        _ => PartitionStrategy::List,
    };
    let (has_labels, has_names): (bool, bool) = (row.get("has_labels"), row.get("has_names"));
    let by_oids = match strategy {
        PartitionStrategy::Hash => has_labels || has_names,
        // Labels stand in the order that the type gives them, objects in that of their OIDs.
        PartitionStrategy::Range => has_names,
        PartitionStrategy::List => false,
    };
    PartitionKey {
        strategy,
        by_oids,
        collations: row.get("collations"),
    }
}
