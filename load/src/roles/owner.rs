//! Everything that the load made, given to another role.

use archive::Header;
use catalog::quote_ident;
use cli::{Exit, Failure, Result};
use postgres::Transaction;

use crate::journal::Run;
use crate::statements::execute;
use crate::target::failed;

/// What stands in the schemas `$1`, is a whole of its own, belongs to no extension and to the session's role: how
/// ALTER calls it. Sequences that a column owns go with their table.
const OWN_OBJECTS: &str = "
SELECT CASE i.type WHEN 'composite type' THEN 'TYPE' WHEN 'statistics object' THEN 'STATISTICS'
         WHEN 'function' THEN 'ROUTINE' WHEN 'procedure' THEN 'ROUTINE' WHEN 'aggregate' THEN 'ROUTINE'
         ELSE pg_catalog.upper(i.type) END, i.identity
FROM pg_catalog.pg_depend d
JOIN pg_catalog.pg_namespace n ON n.oid = d.refobjid
CROSS JOIN LATERAL pg_catalog.pg_identify_object(d.classid, d.objid, 0) i
LEFT JOIN pg_catalog.pg_shdepend s ON s.classid = d.classid AND s.objid = d.objid AND s.objsubid = 0
  AND s.deptype = 'o'
  AND s.dbid = (SELECT b.oid FROM pg_catalog.pg_database b WHERE b.datname = pg_catalog.current_database())
WHERE d.refclassid = 'pg_catalog.pg_namespace'::pg_catalog.regclass AND d.deptype = 'n' AND n.nspname = ANY ($1)
  AND d.classid <> ALL (ARRAY['pg_catalog.pg_default_acl', 'pg_catalog.pg_extension', 'pg_catalog.pg_ts_parser',
                              'pg_catalog.pg_ts_template']::pg_catalog.regclass[])
  AND COALESCE(s.refobjid, 10) = (SELECT r.oid FROM pg_catalog.pg_roles r WHERE r.rolname = current_user)
  AND NOT EXISTS (
    SELECT FROM pg_catalog.pg_depend e LEFT JOIN pg_catalog.pg_class c ON c.oid = e.objid
    WHERE e.classid = d.classid AND e.objid = d.objid
      AND (e.deptype = 'e' OR e.deptype = 'i' AND e.refobjid <> e.objid
           OR e.deptype = 'a' AND e.refobjsubid > 0 AND c.relkind = 'S'
              AND e.classid = 'pg_catalog.pg_class'::pg_catalog.regclass))
ORDER BY d.classid, d.objid";

/// Gives it all to `role`, with the schemas that the load made. Grants go along: their grantor is then `role`.
pub(super) fn give(transaction: &mut Transaction<'_>, run: &Run, header: &Header, role: &str) -> Result<()> {
    if role == run.role {
        return Ok(());
    }
    let name = quote_ident(role);
    // A new owner must be able to make what it gets: the server insists.
    for schema in schemas_to_open(transaction, run, role)? {
        let schema = quote_ident(&schema);
        execute(
            transaction,
            &format!("GRANT USAGE, CREATE ON SCHEMA {schema} TO {name}"),
        )?;
    }
    for (kind, identity) in own_objects(transaction, run)? {
        execute(transaction, &format!("ALTER {kind} {identity} OWNER TO {name}"))?;
    }
    // Since PostgreSQL 17 they go with their ranges; PostgreSQL 13 has none.
    for identity in own_multiranges(transaction, run)? {
        execute(transaction, &format!("ALTER TYPE {identity} OWNER TO {name}"))?;
    }
    let left = own_objects(transaction, run)?;
    if !left.is_empty() {
        let failure = Failure::new(Exit::Internal, format!("not everything could be given to {role}"));
        return Err(left.iter().fold(failure, |failure, (kind, identity)| {
            failure.with_state(format!("{kind} {identity}"))
        }));
    }
    for object in &header.catalog.large_objects {
        execute(
            transaction,
            &format!("ALTER LARGE OBJECT {} OWNER TO {name}", object.oid),
        )?;
    }
    for schema in &run.created_schemas {
        let schema = quote_ident(schema);
        execute(transaction, &format!("ALTER SCHEMA {schema} OWNER TO {name}"))?;
    }
    Ok(())
}

/// Those of the run's schemas in which `role` lacks what an owner of objects needs.
fn schemas_to_open(transaction: &mut Transaction<'_>, run: &Run, role: &str) -> Result<Vec<String>> {
    const CLOSED: &str = "
        SELECT n.nspname::pg_catalog.text FROM pg_catalog.pg_namespace n
        WHERE n.nspname = ANY ($1)
          AND NOT (pg_catalog.has_schema_privilege($2::pg_catalog.name, n.oid, 'USAGE')
                   AND pg_catalog.has_schema_privilege($2::pg_catalog.name, n.oid, 'CREATE'))
        ORDER BY 1";
    let rows = transaction
        .query(CLOSED, &[&run.schemas, &role])
        .map_err(|error| failed("the schemas could not be examined", error))?;
    Ok(rows.iter().map(|row| row.get(0)).collect())
}

fn own_objects(transaction: &mut Transaction<'_>, run: &Run) -> Result<Vec<(String, String)>> {
    let rows = transaction
        .query(OWN_OBJECTS, &[&run.schemas])
        .map_err(|error| failed("the contents of the schemas could not be listed", error))?;
    Ok(rows.iter().map(|row| (row.get(0), row.get(1))).collect())
}

fn own_multiranges(transaction: &mut Transaction<'_>, run: &Run) -> Result<Vec<String>> {
    const MULTIRANGES: &str = "
        SELECT pg_catalog.format_type(t.oid, NULL) FROM pg_catalog.pg_type t
        JOIN pg_catalog.pg_namespace n ON n.oid = t.typnamespace
        WHERE t.typtype = 'm' AND n.nspname = ANY ($1)
          AND t.typowner = (SELECT r.oid FROM pg_catalog.pg_roles r WHERE r.rolname = current_user)
          AND NOT EXISTS (
            SELECT FROM pg_catalog.pg_depend e
            WHERE e.classid = 'pg_catalog.pg_type'::pg_catalog.regclass AND e.deptype = 'e'
              AND e.objid IN (SELECT d.refobjid FROM pg_catalog.pg_depend d
                              WHERE d.classid = 'pg_catalog.pg_type'::pg_catalog.regclass AND d.objid = t.oid
                                AND d.deptype = 'i'))
        ORDER BY t.oid";
    let rows = transaction
        .query(MULTIRANGES, &[&run.schemas])
        .map_err(|error| failed("the multirange types could not be listed", error))?;
    Ok(rows.iter().map(|row| row.get(0)).collect())
}
