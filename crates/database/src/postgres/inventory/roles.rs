//! Roles that own something here, have been granted something, or are connected.

use ::inventory::{Inventory, Role};

use super::session::Session;
use super::tables::Relations;
use super::unsigned;
use crate::Result;

/// Objects in the user's schemas, the schemas and the database itself; 0 as a grantee is everybody.
const ROLES: &str = "
WITH namespaces AS (
  SELECT n.oid, n.nspowner, n.nspacl FROM pg_catalog.pg_namespace n
  WHERE n.nspname !~ '^pg_' AND n.nspname NOT IN ('information_schema', 'coalesce')
), members AS (
  SELECT e.classid, e.objid FROM pg_catalog.pg_depend e WHERE e.deptype = 'e'
), objects AS (
  SELECT nspowner AS owner, nspacl AS acl FROM namespaces
  UNION ALL SELECT c.relowner, c.relacl FROM pg_catalog.pg_class c JOIN namespaces n ON n.oid = c.relnamespace
    WHERE c.relkind IN ('r', 'p', 'f', 'v', 'm', 'S') AND c.relpersistence <> 't'
      AND NOT EXISTS (SELECT FROM members m WHERE m.objid = c.oid AND m.classid = 'pg_catalog.pg_class'::pg_catalog.regclass)
  UNION ALL SELECT p.proowner, p.proacl FROM pg_catalog.pg_proc p JOIN namespaces n ON n.oid = p.pronamespace
    WHERE NOT EXISTS (SELECT FROM members m WHERE m.objid = p.oid AND m.classid = 'pg_catalog.pg_proc'::pg_catalog.regclass)
  UNION ALL SELECT t.typowner, t.typacl FROM pg_catalog.pg_type t JOIN namespaces n ON n.oid = t.typnamespace
    WHERE t.typtype IN ('e', 'd', 'r')
      AND NOT EXISTS (SELECT FROM members m WHERE m.objid = t.oid AND m.classid = 'pg_catalog.pg_type'::pg_catalog.regclass)
  UNION ALL SELECT d.datdba, d.datacl FROM pg_catalog.pg_database d WHERE d.datname = pg_catalog.current_database()
), columns AS (
  SELECT a.attacl AS acl FROM pg_catalog.pg_attribute a JOIN pg_catalog.pg_class c ON c.oid = a.attrelid
  JOIN namespaces n ON n.oid = c.relnamespace WHERE a.attacl IS NOT NULL
), owned AS (
  SELECT owner AS oid, pg_catalog.count(*) AS owned FROM objects GROUP BY owner
), granted AS (
  SELECT x.grantee AS oid, pg_catalog.count(*) AS granted FROM (
    SELECT DISTINCT o.place, (pg_catalog.aclexplode(o.acl)).grantee, o.owner
    FROM (SELECT acl, owner, pg_catalog.row_number() OVER () AS place FROM objects WHERE acl IS NOT NULL
          UNION ALL SELECT acl, 0, -pg_catalog.row_number() OVER () FROM columns) o) x
  WHERE x.grantee <> x.owner GROUP BY x.grantee
)
SELECT r.rolname::pg_catalog.text AS name, r.rolsuper AS superuser, r.rolcanlogin AS login,
       r.rolbypassrls AS bypass_row_security, r.rolconnlimit AS connection_limit,
       COALESCE(o.owned, 0) AS owned, COALESCE(g.granted, 0) AS granted,
       ARRAY(SELECT b.rolname::pg_catalog.text FROM pg_catalog.pg_auth_members m JOIN pg_catalog.pg_roles b ON b.oid = m.roleid
             WHERE m.member = r.oid ORDER BY b.rolname COLLATE \"C\") AS member_of
FROM pg_catalog.pg_roles r LEFT JOIN owned o ON o.oid = r.oid LEFT JOIN granted g ON g.oid = r.oid
WHERE o.oid IS NOT NULL OR g.oid IS NOT NULL OR r.rolname = ANY ($1)
ORDER BY r.rolname COLLATE \"C\"";

pub(super) fn read(
    session: &mut Session<'_>,
    inventory: &mut Inventory,
    relations: &Relations,
) -> Result<()> {
    let mut named: Vec<String> = inventory.connections.iter().map(|it| it.role.clone()).collect();
    // Without them the policies cannot be made.
    let policies = relations
        .tables()
        .flat_map(|(_, place)| &inventory.tables[place].policies);
    named.extend(policies.flat_map(|it| it.roles.iter().cloned()));
    named.sort();
    named.dedup();
    for row in session.ask("the roles", ROLES, &[&named])? {
        inventory.roles.push(Role {
            name: row.get("name"),
            superuser: row.get("superuser"),
            login: row.get("login"),
            bypass_row_security: row.get("bypass_row_security"),
            connection_limit: u32::try_from(row.get::<_, i32>("connection_limit")).ok(),
            member_of: row.get("member_of"),
            owned: unsigned(row.get("owned")),
            granted: unsigned(row.get("granted")),
        });
    }
    // It stands for the database's owner, whoever that is, and is no role to be made anywhere.
    inventory.roles.retain(|it| it.name != "pg_database_owner");
    Ok(())
}
