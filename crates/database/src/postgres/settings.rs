//! Settings of the database and of roles in it, and the schemas that are open to everybody.

use catalog::{PublicUsage, Setting};
use postgres::GenericClient;

use crate::{Error, Result};

/// What `ALTER DATABASE … SET` and `ALTER ROLE … IN DATABASE … SET` have set; settings of a role for all databases
/// are the cluster's.
const SETTINGS: &str = "
SELECT r.rolname::pg_catalog.text AS role, pg_catalog.split_part(c.entry, '=', 1) AS name,
       pg_catalog.substr(c.entry, pg_catalog.strpos(c.entry, '=') + 1) AS value
FROM pg_catalog.pg_db_role_setting s
JOIN pg_catalog.pg_database d ON d.oid = s.setdatabase AND d.datname = pg_catalog.current_database()
LEFT JOIN pg_catalog.pg_roles r ON r.oid = s.setrole
CROSS JOIN LATERAL pg_catalog.unnest(s.setconfig) WITH ORDINALITY AS c (entry, place)
ORDER BY r.rolname COLLATE \"C\" NULLS FIRST, c.place";

/// A role's own USAGE can come by way of a role that it is a member of.
const PUBLIC_USAGE: &str = "
WITH open AS (
  SELECT n.oid, n.nspname, n.nspowner, COALESCE(n.nspacl, pg_catalog.acldefault('n', n.nspowner)) AS acl
  FROM pg_catalog.pg_namespace n
  WHERE n.nspname !~ '^pg_' AND n.nspname NOT IN ('information_schema', 'coalesce')
    AND EXISTS (SELECT FROM pg_catalog.aclexplode(n.nspacl) a WHERE a.grantee = 0 AND a.privilege_type = 'USAGE')
), holders AS (
  SELECT c.relnamespace AS namespace, a.grantee FROM pg_catalog.pg_class c
  CROSS JOIN LATERAL pg_catalog.aclexplode(c.relacl) a WHERE a.grantee NOT IN (0, c.relowner)
  UNION SELECT c.relnamespace, a.grantee FROM pg_catalog.pg_attribute t JOIN pg_catalog.pg_class c ON c.oid = t.attrelid
  CROSS JOIN LATERAL pg_catalog.aclexplode(t.attacl) a WHERE a.grantee NOT IN (0, c.relowner)
  UNION SELECT p.pronamespace, a.grantee FROM pg_catalog.pg_proc p
  CROSS JOIN LATERAL pg_catalog.aclexplode(p.proacl) a WHERE a.grantee NOT IN (0, p.proowner)
  UNION SELECT t.typnamespace, a.grantee FROM pg_catalog.pg_type t
  CROSS JOIN LATERAL pg_catalog.aclexplode(t.typacl) a WHERE a.grantee NOT IN (0, t.typowner)
)
SELECT o.nspname::pg_catalog.text AS schema,
       ARRAY(SELECT r.rolname::pg_catalog.text FROM holders h JOIN pg_catalog.pg_roles r ON r.oid = h.grantee
             WHERE h.namespace = o.oid AND r.oid <> o.nspowner AND NOT r.rolsuper
               AND NOT EXISTS (SELECT FROM pg_catalog.aclexplode(o.acl) a
                               WHERE a.privilege_type = 'USAGE' AND a.grantee <> 0
                                 AND pg_catalog.pg_has_role(r.oid, a.grantee, 'USAGE'))
             ORDER BY r.rolname COLLATE \"C\") AS relied_on_by
FROM open o ORDER BY o.nspname COLLATE \"C\"";

/// The schema that every database has from the start.
const BUILT_IN_SCHEMA: &str = "public";

/// Reads the settings, in the order in which they were made. They can hold passwords.
pub fn read_settings(client: &mut impl GenericClient) -> Result<Vec<Setting>> {
    let rows = client
        .query(SETTINGS, &[])
        .map_err(Error::query("the settings could not be listed"))?;
    let settings = rows.iter().map(|row| Setting {
        role: row.get("role"),
        name: row.get("name"),
        value: row.get("value"),
    });
    Ok(settings.collect())
}

/// Reads the schemas on which PUBLIC has USAGE.
pub(super) fn read_public_usage(client: &mut impl GenericClient) -> Result<Vec<PublicUsage>> {
    let rows = client
        .query(PUBLIC_USAGE, &[])
        .map_err(Error::query("the privileges on schemas could not be read"))?;
    let usage = rows.iter().map(|row| {
        let schema: String = row.get("schema");
        PublicUsage {
            built_in: schema == BUILT_IN_SCHEMA,
            schema,
            relied_on_by: row.get("relied_on_by"),
        }
    });
    Ok(usage.collect())
}
