//! What a target's journal says of schemas that exist: which of them a load has made, and of what.

use catalog::{JOURNAL_COMMENT, JOURNAL_SCHEMA};
use postgres::GenericClient;

use crate::{Error, Result};

/// The last load into a schema that exists.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SchemaLoad {
    pub schema: String,
    /// The archive's: the database's or file's name, or several names with `+` between them.
    pub source: String,
    /// Or else it did not come to its end.
    pub is_live: bool,
}

/// A journal that somebody else could have written, or that the role may not read, says nothing.
const READABLE: &str = "
SELECT FROM pg_catalog.pg_namespace n
JOIN pg_catalog.pg_class c ON c.relnamespace = n.oid AND c.relname = 'run' AND c.relkind = 'r' AND NOT c.relrowsecurity
WHERE n.nspname = $1 AND pg_catalog.obj_description(n.oid, 'pg_namespace') = $2
  AND pg_catalog.pg_has_role(n.nspowner, 'MEMBER') AND pg_catalog.has_schema_privilege(n.oid, 'USAGE')
  AND pg_catalog.has_table_privilege(c.oid, 'SELECT')";

/// By OID: a schema that somebody has made anew under the name is another one.
const LOADS: &str = "
SELECT DISTINCT ON (n.nspname) n.nspname::pg_catalog.text AS schema, r.source, r.state
FROM coalesce.run r JOIN pg_catalog.pg_namespace n ON n.oid OPERATOR(pg_catalog.=) ANY (r.schema_oids)
WHERE n.nspname::pg_catalog.text OPERATOR(pg_catalog.=) ANY ($1) AND r.state OPERATOR(pg_catalog.<>) 'abandoned'
ORDER BY n.nspname, r.id DESC";

/// The last load into each of `schemas` that exists and was loaded into.
pub fn read_schema_loads(client: &mut impl GenericClient, schemas: &[String]) -> Result<Vec<SchemaLoad>> {
    let failed = || Error::query("the target's journal could not be read");
    let readable = client
        .query_opt(READABLE, &[&JOURNAL_SCHEMA, &JOURNAL_COMMENT])
        .map_err(failed())?;
    if readable.is_none() {
        return Ok(Vec::new());
    }
    let rows = client.query(LOADS, &[&schemas]).map_err(failed())?;
    let load = |row: &postgres::Row| SchemaLoad {
        schema: row.get("schema"),
        source: row.get("source"),
        is_live: row.get::<_, &str>("state") == "live",
    };
    Ok(rows.iter().map(load).collect())
}
