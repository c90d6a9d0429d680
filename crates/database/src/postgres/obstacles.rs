//! What stands in the way of somebody who sets the rows of a table right: unique values, guards and keys that act.

use catalog::QualifiedName;
use postgres::GenericClient;

use crate::{Error, Result};

/// What a table has that gets between single statements.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Obstacles {
    /// Columns whose values no two rows may share, or that decide about it: those of all unique and exclusion indexes,
    /// with their expressions and conditions.
    pub unique_columns: Vec<String>,
    /// Whether there are triggers, rules, or policies that bind the owner too.
    pub is_guarded: bool,
    /// Tables that refer to this one by a key that changes or deletes their rows with those here.
    pub acting_children: Vec<QualifiedName>,
}

/// A unique index over a generated column is over all that it may be calculated from. Columns of an index that serves a
/// constraint stand in the index alone, those of expressions and conditions among the dependencies.
const OBSTACLES: &str = "
SELECT n.nspname AS schema, c.relname AS name,
       ARRAY(SELECT DISTINCT a.attname::pg_catalog.text FROM pg_catalog.pg_index i
             JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
             WHERE i.indrelid = c.oid AND (i.indisunique OR i.indisexclusion) AND EXISTS (
               SELECT FROM (
                 SELECT k.number::pg_catalog.int4 FROM pg_catalog.unnest(i.indkey::pg_catalog.int2[]) AS k (number)
                 UNION ALL
                 SELECT d.refobjsubid FROM pg_catalog.pg_depend d
                 WHERE d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass AND d.objid = i.indexrelid
                   AND d.refclassid = 'pg_catalog.pg_class'::pg_catalog.regclass AND d.refobjid = c.oid) AS u (number)
               JOIN pg_catalog.pg_attribute ua ON ua.attrelid = c.oid AND ua.attnum = u.number AND ua.attnum > 0
               WHERE ua.attnum = a.attnum OR ua.attgenerated <> '')) AS unique_columns,
       c.relforcerowsecurity
       OR EXISTS (SELECT FROM pg_catalog.pg_trigger t
                  WHERE t.tgrelid = c.oid AND NOT t.tgisinternal AND t.tgenabled <> 'D')
       OR EXISTS (SELECT FROM pg_catalog.pg_rewrite r
                  WHERE r.ev_class = c.oid AND r.ev_type <> '1' AND r.ev_enabled <> 'D') AS is_guarded,
       (SELECT pg_catalog.array_agg(kn.nspname::pg_catalog.text ORDER BY k.oid) FROM pg_catalog.pg_constraint k
        JOIN pg_catalog.pg_class kc ON kc.oid = k.conrelid JOIN pg_catalog.pg_namespace kn ON kn.oid = kc.relnamespace
        WHERE k.confrelid = c.oid AND k.contype = 'f' AND k.conparentid = 0
          AND (k.confdeltype IN ('c', 'n', 'd') OR k.confupdtype IN ('c', 'n', 'd'))) AS acting_schemas,
       (SELECT pg_catalog.array_agg(kc.relname::pg_catalog.text ORDER BY k.oid) FROM pg_catalog.pg_constraint k
        JOIN pg_catalog.pg_class kc ON kc.oid = k.conrelid
        WHERE k.confrelid = c.oid AND k.contype = 'f' AND k.conparentid = 0
          AND (k.confdeltype IN ('c', 'n', 'd') OR k.confupdtype IN ('c', 'n', 'd'))) AS acting_tables
FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind IN ('r', 'p') AND n.nspname = ANY($1)";

/// Reads what stands in the way in each table of `schemas`.
pub fn read_obstacles(
    client: &mut impl GenericClient,
    schemas: &[&str],
) -> Result<Vec<(QualifiedName, Obstacles)>> {
    let rows = client
        .query(OBSTACLES, &[&schemas])
        .map_err(Error::query("unique keys and triggers could not be listed"))?;
    Ok(rows
        .iter()
        .map(|row| {
            let names = |column: &str| row.get::<_, Option<Vec<String>>>(column).unwrap_or_default();
            let children = names("acting_schemas").into_iter().zip(names("acting_tables"));
            let obstacles = Obstacles {
                unique_columns: row.get("unique_columns"),
                is_guarded: row.get("is_guarded"),
                acting_children: children
                    .map(|(schema, name)| QualifiedName::new(schema, name))
                    .collect(),
            };
            let name = QualifiedName::new(row.get::<_, String>("schema"), row.get::<_, String>("name"));
            (name, obstacles)
        })
        .collect())
}
