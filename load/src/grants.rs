//! Who may reach the new schemas: nobody before they are live, then whom the source named, when asked for.

mod opening;

use std::collections::BTreeSet;

use catalog::{quote_ident, quote_literal};
use cli::Result;
use postgres::Transaction;

use crate::journal::Run;
use crate::target::{Target, failed};

pub(crate) use opening::{mention, open, say_public, takes_from_public};

/// What stands in the schemas `$1` and belongs to no extension: how GRANT calls it, its owner and its privileges.
pub(crate) const OBJECTS: &str = "
WITH namespaces AS (
  SELECT n.oid, n.nspname, n.nspowner, n.nspacl FROM pg_catalog.pg_namespace n WHERE n.nspname = ANY ($1)
), members AS (
  SELECT d.classid, d.objid FROM pg_catalog.pg_depend d WHERE d.deptype = 'e'
), given AS (
  SELECT 'SCHEMA' AS kind, pg_catalog.quote_ident(nspname) AS name, nspowner AS owner, nspacl AS acl FROM namespaces
  UNION ALL
  SELECT CASE c.relkind WHEN 'S' THEN 'SEQUENCE' ELSE 'TABLE' END, c.oid::pg_catalog.regclass::pg_catalog.text,
         c.relowner, c.relacl
  FROM pg_catalog.pg_class c JOIN namespaces n ON n.oid = c.relnamespace
  WHERE c.relkind IN ('r', 'p', 'f', 'v', 'm', 'S')
    AND ('pg_catalog.pg_class'::pg_catalog.regclass, c.oid) NOT IN (SELECT classid, objid FROM members)
  UNION ALL
  SELECT 'ROUTINE', p.oid::pg_catalog.regprocedure::pg_catalog.text, p.proowner,
         COALESCE(p.proacl, pg_catalog.acldefault('f', p.proowner))
  FROM pg_catalog.pg_proc p JOIN namespaces n ON n.oid = p.pronamespace
  WHERE ('pg_catalog.pg_proc'::pg_catalog.regclass, p.oid) NOT IN (SELECT classid, objid FROM members)
  UNION ALL
  SELECT 'TYPE', t.oid::pg_catalog.regtype::pg_catalog.text, t.typowner, t.typacl
  FROM pg_catalog.pg_type t JOIN namespaces n ON n.oid = t.typnamespace
  WHERE t.typtype IN ('d', 'e', 'r')
    AND ('pg_catalog.pg_type'::pg_catalog.regclass, t.oid) NOT IN (SELECT classid, objid FROM members)
)";

/// Statements that take back, on objects of `$1`, what goes to anyone but the owner. Where a schema stays closed
/// (it is none of `$2`) PUBLIC's built-in privileges on routines and types reach nothing and stay.
const REVOKES: &str = "
SELECT DISTINCT 'REVOKE ALL ON ' || g.kind || ' ' || g.name || ' FROM '
       || COALESCE(pg_catalog.quote_ident(r.rolname), 'PUBLIC')
FROM given g CROSS JOIN LATERAL pg_catalog.aclexplode(g.acl) a
LEFT JOIN pg_catalog.pg_roles r ON r.oid = a.grantee
WHERE a.grantee <> g.owner AND (r.rolname IS NOT NULL OR a.grantee = 0)
  AND (g.kind <> 'SCHEMA' OR NOT g.name = ANY ($2))
  AND (a.grantee <> 0 OR g.kind <> 'ROUTINE' AND g.kind <> 'TYPE' OR g.kind = 'ROUTINE' AND pg_catalog.cardinality($2) > 0)";

/// Whether anything gives privileges on what this role makes: default privileges, or triggers of the database's events,
/// which can do what they like.
const GIVEN_BY_DEFAULT: &str = "
SELECT EXISTS (SELECT FROM pg_catalog.pg_default_acl a
               JOIN pg_catalog.pg_roles r ON r.oid = a.defaclrole AND r.rolname = current_user)
  OR EXISTS (SELECT FROM pg_catalog.pg_event_trigger t WHERE t.evtenabled <> 'D')";

/// Takes back, in the transaction that made them, what the new objects give to others.
///
/// Going through all objects for each transaction takes the longer the more there are, so it is left out where nothing
/// gives anything; before the schemas are opened [`revoke_finally`] goes through all of them once more.
pub(crate) fn revoke_all(transaction: &mut Transaction<'_>, run: &Run) -> Result<()> {
    let is_new = |it| run.created_schemas.contains(it);
    if run.schemas.iter().all(is_new) {
        let row = transaction
            .query_one(GIVEN_BY_DEFAULT, &[])
            .map_err(|error| failed("what default privileges give could not be seen", error))?;
        if !row.get::<_, bool>(0) {
            return Ok(());
        }
    }
    revoke_finally(transaction, run)
}

/// The same, whatever gave it.
fn revoke_finally(transaction: &mut Transaction<'_>, run: &Run) -> Result<()> {
    let (created, existing): (Vec<String>, Vec<String>) = run
        .schemas
        .iter()
        .cloned()
        .partition(|it| run.created_schemas.contains(it));
    revoke(transaction, &created, &[])?;
    revoke(transaction, &existing, &existing)
}

/// Closes our journal.
pub(crate) fn close_journal(transaction: &mut Transaction<'_>) -> Result<()> {
    revoke(transaction, &[catalog::JOURNAL_SCHEMA.to_owned()], &[])
}

/// `open` are those of `schemas` that others may have USAGE on: there PUBLIC must not call routines either.
fn revoke(transaction: &mut Transaction<'_>, schemas: &[String], open: &[String]) -> Result<()> {
    let step = "what default privileges give could not be taken back";
    let open: Vec<String> = open.iter().map(|it| quote_ident(it)).collect();
    let rows = transaction
        .query(&format!("{OBJECTS} {REVOKES}"), &[&schemas, &open])
        .map_err(|error| failed(step, error))?;
    for row in rows {
        transaction
            .batch_execute(row.get(0))
            .map_err(|error| failed(step, error))?;
    }
    Ok(())
}

/// Those of `roles` that the target does not have.
pub(crate) fn missing_roles(target: &mut Target, roles: &[String]) -> Result<BTreeSet<String>> {
    let names: Vec<String> = roles
        .iter()
        .map(|role| format!("({})", quote_literal(role)))
        .collect();
    if names.is_empty() {
        return Ok(BTreeSet::new());
    }
    let sql = format!(
        "SELECT r.name FROM (VALUES {}) AS r (name)
         WHERE NOT EXISTS (SELECT FROM pg_catalog.pg_roles p WHERE p.rolname = r.name)",
        names.join(", ")
    );
    let rows = target
        .client()
        .query(&sql, &[])
        .map_err(|error| failed("the roles could not be listed", error))?;
    Ok(rows.iter().map(|row| row.get(0)).collect())
}
