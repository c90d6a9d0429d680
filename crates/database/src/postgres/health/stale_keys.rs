//! Indexes over text that were built by another version of their collation: their order may be wrong, and a unique one
//! may have let the same value in twice.

use catalog::QualifiedName;
use postgres::GenericClient;

use crate::{Error, Result};

/// An index whose collation is recorded with another version than the operating system has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StaleIndex {
    pub index: QualifiedName,
    pub table: QualifiedName,
    pub recorded: String,
    pub actual: String,
    /// Of a unique index: counts the keys that stand in the table more than once.
    pub duplicates_sql: Option<String>,
}

/// PostgreSQL 14 records no version for the database's own collation.
const OF_DATABASE_SINCE: i32 = 150_000;

const OF_DATABASE: &str = "
  UNION ALL
  SELECT 'pg_catalog.\"default\"'::pg_catalog.regcollation::pg_catalog.oid, d.datcollversion,
         pg_catalog.pg_database_collation_actual_version(d.oid)
  FROM pg_catalog.pg_database d WHERE d.datname = pg_catalog.current_database()";

/// Whether a unique index is looked through without its own help is for who asks: `enable_indexscan` and its kin.
fn sql(version: i32) -> String {
    let of_database = if version >= OF_DATABASE_SINCE {
        OF_DATABASE
    } else {
        ""
    };
    format!(
        "
WITH versions (oid, recorded, actual) AS (
  SELECT c.oid, c.collversion, pg_catalog.pg_collation_actual_version(c.oid)
  FROM pg_catalog.pg_collation c WHERE c.collversion IS NOT NULL{of_database}
), stale AS (SELECT * FROM versions v WHERE v.recorded <> v.actual)
SELECT DISTINCT ON (x.indexrelid) ni.nspname::pg_catalog.text AS schema, i.relname::pg_catalog.text AS name,
       nt.nspname::pg_catalog.text AS table_schema, t.relname::pg_catalog.text AS table_name,
       s.recorded, s.actual, x.indisunique AS is_unique,
       COALESCE((pg_catalog.to_jsonb(x) ->> 'indnullsnotdistinct')::pg_catalog.bool, false) AS nulls_too,
       pg_catalog.pg_get_expr(x.indpred, x.indrelid) AS predicate,
       ARRAY(SELECT pg_catalog.pg_get_indexdef(x.indexrelid, k::pg_catalog.int4, true)
             FROM pg_catalog.generate_series(1, x.indnkeyatts) AS k) AS keys
FROM pg_catalog.pg_index x
JOIN pg_catalog.pg_class i ON i.oid = x.indexrelid JOIN pg_catalog.pg_namespace ni ON ni.oid = i.relnamespace
JOIN pg_catalog.pg_class t ON t.oid = x.indrelid JOIN pg_catalog.pg_namespace nt ON nt.oid = t.relnamespace
CROSS JOIN LATERAL pg_catalog.unnest(x.indcollation) AS c (oid) JOIN stale s ON s.oid = c.oid
WHERE ni.nspname = ANY ($1) AND i.relkind = 'i' AND x.indisvalid
ORDER BY x.indexrelid"
    )
}

/// All of them in `schemas`.
pub fn read_stale_indexes(client: &mut impl GenericClient, schemas: &[String]) -> Result<Vec<StaleIndex>> {
    const VERSION: &str = "SELECT pg_catalog.current_setting('server_version_num')::pg_catalog.int4";
    let failed = || Error::query("the versions of collations could not be read");
    let version: i32 = client.query_one(VERSION, &[]).map_err(failed())?.get(0);
    let rows = client.query(&sql(version), &[&schemas]).map_err(failed())?;
    let name = |row: &postgres::Row, schema: &str, name: &str| {
        QualifiedName::new(row.get::<_, String>(schema), row.get::<_, String>(name))
    };
    Ok(rows
        .iter()
        .map(|row| {
            let table = name(row, "table_schema", "table_name");
            StaleIndex {
                index: name(row, "schema", "name"),
                recorded: row.get("recorded"),
                actual: row.get("actual"),
                duplicates_sql: row
                    .get::<_, bool>("is_unique")
                    .then(|| duplicates_sql(&table, row)),
                table,
            }
        })
        .collect())
}

fn duplicates_sql(table: &QualifiedName, row: &postgres::Row) -> String {
    let keys: Vec<String> = row.get("keys");
    let keys: Vec<String> = keys.iter().map(|it| format!("({it})")).collect();
    let mut conditions: Vec<String> = Vec::new();
    if !row.get::<_, bool>("nulls_too") {
        conditions.extend(keys.iter().map(|it| format!("{it} IS NOT NULL")));
    }
    conditions.extend(row.get::<_, Option<String>>("predicate"));
    let only_those = if conditions.is_empty() {
        String::new()
    } else {
        format!(" WHERE {}", conditions.join(" AND "))
    };
    format!(
        "SELECT pg_catalog.count(*) FROM (SELECT FROM ONLY {table}{only_those} GROUP BY {} \
         HAVING pg_catalog.count(*) OPERATOR(pg_catalog.>) 1) AS twice",
        keys.join(", ")
    )
}
