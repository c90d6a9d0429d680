//! Who may reach the new schemas: nobody before they are live, then whom the source named, when asked for.

use std::collections::BTreeSet;

use archive::Header;
use catalog::{quote_ident, quote_literal};
use cli::{Result, Ui, count};
use postgres::Transaction;
use rewrite::{StatementKind, statements};

use crate::journal::{self, Run};
use crate::statements::execute;
use crate::target::{Target, failed};

/// Statements that take back what the target's default privileges gave away. PUBLIC's built-in privileges on
/// functions and types stay: without USAGE on the schema they reach nothing.
const REVOKES: &str = "
WITH namespaces AS (
  SELECT n.oid, n.nspname, n.nspowner, n.nspacl FROM pg_catalog.pg_namespace n WHERE n.nspname = ANY ($1)
), given AS (
  SELECT 'SCHEMA ' || pg_catalog.quote_ident(nspname) AS object, nspowner AS owner, nspacl AS acl
  FROM namespaces WHERE $2
  UNION ALL
  SELECT CASE c.relkind WHEN 'S' THEN 'SEQUENCE ' ELSE 'TABLE ' END
         || pg_catalog.quote_ident(n.nspname) || '.' || pg_catalog.quote_ident(c.relname), c.relowner, c.relacl
  FROM pg_catalog.pg_class c JOIN namespaces n ON n.oid = c.relnamespace WHERE c.relkind IN ('r', 'p', 'f', 'v', 'm', 'S')
  UNION ALL
  SELECT 'ROUTINE ' || p.oid::pg_catalog.regprocedure::pg_catalog.text, p.proowner, p.proacl
  FROM pg_catalog.pg_proc p JOIN namespaces n ON n.oid = p.pronamespace
  UNION ALL
  SELECT 'TYPE ' || pg_catalog.quote_ident(n.nspname) || '.' || pg_catalog.quote_ident(t.typname), t.typowner, t.typacl
  FROM pg_catalog.pg_type t JOIN namespaces n ON n.oid = t.typnamespace WHERE t.typtype IN ('d', 'e', 'r')
)
SELECT DISTINCT 'REVOKE ALL ON ' || g.object || ' FROM ' || pg_catalog.quote_ident(r.rolname)
FROM given g, LATERAL pg_catalog.aclexplode(g.acl) a JOIN pg_catalog.pg_roles r ON r.oid = a.grantee
WHERE a.grantee <> g.owner
UNION
SELECT DISTINCT 'REVOKE ALL ON ' || g.object || ' FROM PUBLIC'
FROM given g, LATERAL pg_catalog.aclexplode(g.acl) a
WHERE a.grantee = 0 AND (g.object LIKE 'TABLE %' OR g.object LIKE 'SEQUENCE %' OR g.object LIKE 'SCHEMA %')";

/// Takes back, in the transaction that made them, what `schemas` and the objects in them give to others.
pub(crate) fn revoke_all(transaction: &mut Transaction<'_>, schemas: &[String]) -> Result<()> {
    revoke(transaction, schemas, true)
}

/// As [`revoke_all`], but leaves alone the grants of schemas that were there before.
pub(crate) fn revoke_from_objects(transaction: &mut Transaction<'_>, schemas: &[String]) -> Result<()> {
    revoke(transaction, schemas, false)
}

fn revoke(transaction: &mut Transaction<'_>, schemas: &[String], also_schemas: bool) -> Result<()> {
    let step = "default privileges could not be taken back";
    let rows = transaction
        .query(REVOKES, &[&schemas, &also_schemas])
        .map_err(|error| failed(step, error))?;
    for row in rows {
        transaction
            .batch_execute(row.get(0))
            .map_err(|error| failed(step, error))?;
    }
    Ok(())
}

/// Applies the source's grants. Every role that holds a privilege on an object gets USAGE on its schema, since
/// PUBLIC's USAGE on `public`, which it may have relied on, does not come along.
pub(crate) fn apply(target: &mut Target, run: &Run, header: &Header, sql: &str) -> Result<()> {
    const HOLDERS: &str = "
        SELECT DISTINCT n.nspname, r.rolname FROM pg_catalog.pg_namespace n
        JOIN LATERAL (
          SELECT c.relacl AS acl FROM pg_catalog.pg_class c WHERE c.relnamespace = n.oid
          UNION ALL SELECT p.proacl FROM pg_catalog.pg_proc p WHERE p.pronamespace = n.oid
          UNION ALL SELECT t.typacl FROM pg_catalog.pg_type t WHERE t.typnamespace = n.oid) o ON true
        CROSS JOIN LATERAL pg_catalog.aclexplode(o.acl) a
        JOIN pg_catalog.pg_roles r ON r.oid = a.grantee
        WHERE n.nspname = ANY ($1) AND a.grantee <> n.nspowner";
    let step = "the grants could not be applied";
    let mut transaction = target
        .client()
        .transaction()
        .map_err(|error| failed(step, error))?;
    journal::hold(&mut transaction, run)?;
    for statement in statements(sql)
        .iter()
        .filter(|it| it.kind == StatementKind::Grant)
    {
        execute(&mut transaction, statement.text)?;
    }
    let schemas: Vec<&str> = header.catalog.schemas.iter().map(|it| it.name.as_str()).collect();
    for row in transaction
        .query(HOLDERS, &[&schemas])
        .map_err(|error| failed(step, error))?
    {
        let (schema, role) = (quote_ident(row.get(0)), quote_ident(row.get(1)));
        execute(
            &mut transaction,
            &format!("GRANT USAGE ON SCHEMA {schema} TO {role}"),
        )?;
    }
    transaction.commit().map_err(|error| failed(step, error))
}

/// Says that there were grants which are not applied.
pub(crate) fn mention(sql: &str, ui: &Ui) {
    let grants = statements(sql)
        .iter()
        .filter(|it| it.kind == StatementKind::Grant)
        .count();
    if grants > 0 {
        ui.status(format_args!(
            "{} grants of the source are not applied (--privileges keep)",
            count(grants as u64)
        ));
    }
}

/// Roles of the archive that the target does not have.
pub(crate) fn missing_roles(target: &mut Target, header: &Header) -> Result<BTreeSet<String>> {
    let names: Vec<String> = header
        .catalog
        .roles
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
