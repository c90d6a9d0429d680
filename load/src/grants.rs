//! Who may reach the new schemas: nobody before they are live, then whom the source named, when asked for.

use std::collections::BTreeSet;

use archive::Header;
use catalog::{quote_ident, quote_literal};
use cli::{Result, Ui, count};
use postgres::Transaction;
use rewrite::{Statement, StatementKind, statements};

use crate::journal::Run;
use crate::statements::execute;
use crate::target::{Target, failed};

/// What stands in the schemas `$1` and belongs to no extension: how GRANT calls it, its owner and its privileges.
const OBJECTS: &str = "
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

/// Opens the schemas in the transaction that makes them live. What the source took from PUBLIC is taken in any
/// case; with `keep`, what it granted is granted.
pub(crate) fn open(
    transaction: &mut Transaction<'_>,
    run: &Run,
    header: &Header,
    sql: &str,
    keep: bool,
) -> Result<()> {
    revoke_finally(transaction, run)?;
    give_back_routines(transaction, run)?;
    for statement in statements(sql)
        .iter()
        .filter(|it| it.kind == StatementKind::Grant)
    {
        if keep && !opens_former_public(statement, run, header) || takes_from_public(statement) {
            execute(transaction, statement.text)?;
        }
    }
    if keep {
        give_usage(transaction, run, header)
    } else {
        Ok(())
    }
}

/// In schemas that were there before, PUBLIC was kept from the routines until now.
fn give_back_routines(transaction: &mut Transaction<'_>, run: &Run) -> Result<()> {
    const ROUTINES: &str = "SELECT 'GRANT EXECUTE ON ROUTINE ' || g.name || ' TO PUBLIC' FROM given g
        WHERE g.kind = 'ROUTINE' AND pg_catalog.cardinality($1) > 0";
    let step = "the routines could not be opened";
    let existing: Vec<&String> = run
        .schemas
        .iter()
        .filter(|it| !run.created_schemas.contains(it))
        .collect();
    let rows = transaction
        .query(&format!("{OBJECTS} {ROUTINES}"), &[&existing])
        .map_err(|error| failed(step, error))?;
    rows.iter().try_for_each(|row| execute(transaction, row.get(0)))
}

/// Every role that holds a privilege on an object gets USAGE on its schema, since PUBLIC's USAGE on `public`,
/// which it may have relied on, does not come along.
fn give_usage(transaction: &mut Transaction<'_>, run: &Run, header: &Header) -> Result<()> {
    const HOLDERS: &str = "
        SELECT DISTINCT n.nspname, r.rolname FROM pg_catalog.pg_namespace n
        JOIN LATERAL (
          SELECT c.relacl AS acl FROM pg_catalog.pg_class c WHERE c.relnamespace = n.oid
          UNION ALL SELECT a.attacl FROM pg_catalog.pg_attribute a
            JOIN pg_catalog.pg_class c ON c.oid = a.attrelid WHERE c.relnamespace = n.oid
          UNION ALL SELECT p.proacl FROM pg_catalog.pg_proc p WHERE p.pronamespace = n.oid
          UNION ALL SELECT t.typacl FROM pg_catalog.pg_type t WHERE t.typnamespace = n.oid) o ON true
        CROSS JOIN LATERAL pg_catalog.aclexplode(o.acl) a
        JOIN pg_catalog.pg_roles r ON r.oid = a.grantee
        WHERE n.nspname = ANY ($1) AND a.grantee <> n.nspowner";
    let rows = transaction
        .query(HOLDERS, &[&run.schemas])
        .map_err(|error| failed("the grants could not be listed", error))?;
    let mut pairs: BTreeSet<(String, String)> = rows.iter().map(|row| (row.get(0), row.get(1))).collect();
    for usage in &header.catalog.public_usage {
        pairs.extend(
            usage
                .relied_on_by
                .iter()
                .map(|role| (usage.schema.clone(), role.clone())),
        );
    }
    pairs.iter().try_for_each(|(schema, role)| {
        let (schema, role) = (quote_ident(schema), quote_ident(role));
        execute(transaction, &format!("GRANT USAGE ON SCHEMA {schema} TO {role}"))
    })
}

/// Grants to PUBLIC on what was `public` in the source: every database has it open, and here it would be open to the
/// roles of all others.
fn opens_former_public(statement: &Statement<'_>, run: &Run, header: &Header) -> bool {
    let text = statement.text.trim_end_matches(';');
    let opened = text
        .strip_suffix(" TO PUBLIC")
        .and_then(|it| it.split_once(" ON SCHEMA "));
    let Some((_, schema)) = opened.filter(|_| text.starts_with("GRANT ")) else {
        return false;
    };
    let mut usage = header.catalog.public_usage.iter();
    usage.any(|it| {
        it.built_in && run.created_schemas.contains(&it.schema) && quote_ident(&it.schema) == schema
    })
}

/// Says what the source let everybody do, and what becomes of it.
pub(crate) fn say_public(run: &Run, header: &Header, sql: &str, ui: &Ui) {
    let usage = header.catalog.public_usage.iter();
    for it in usage.filter(|it| run.created_schemas.contains(&it.schema)) {
        let schema = quote_ident(&it.schema);
        if it.built_in {
            let roles = if it.relied_on_by.is_empty() {
                "no role relied on that".to_owned()
            } else {
                format!("{} relied on that and get USAGE", it.relied_on_by.join(", "))
            };
            ui.finding(format_args!(
                "schema {schema} was open to PUBLIC in the source, as `public` is, and is not here; {roles}"
            ));
        } else {
            ui.finding(format_args!(
                "schema {schema} is open to PUBLIC, as in the source: to every role of this database"
            ));
        }
    }
    let for_public = |it: &&Statement<'_>| {
        let text = it.text.trim_end_matches(';');
        text.starts_with("GRANT ") && text.ends_with(" TO PUBLIC") && !text.contains(" ON SCHEMA ")
    };
    let number = statements(sql).iter().filter(for_public).count();
    if number > 0 {
        ui.finding(format_args!(
            "grants to PUBLIC on objects are kept, for whoever has USAGE on the schema: {}",
            count(number as u64)
        ));
    }
}

/// `REVOKE … FROM PUBLIC` as `pg_dump` writes it, on anything but a schema: those are ours.
pub(crate) fn takes_from_public(statement: &Statement<'_>) -> bool {
    let text = statement.text.trim_end_matches(';');
    text.starts_with("REVOKE ") && text.ends_with(" FROM PUBLIC") && !text.contains(" ON SCHEMA ")
}

/// Says that there were grants which are not applied; `others` are those that stand in the catalog.
pub(crate) fn mention(sql: &str, others: usize, ui: &Ui) {
    let is_left = |it: &&Statement<'_>| it.kind == StatementKind::Grant && !takes_from_public(it);
    let grants = statements(sql).iter().filter(is_left).count() + others;
    if grants > 0 {
        ui.status(format_args!(
            "grants of the source that are not applied (--privileges keep): {}",
            count(grants as u64)
        ));
    }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_taken_from_public_is_told_from_other_grants() {
        for (sql, expected) in [
            ("REVOKE ALL ON FUNCTION x.f() FROM PUBLIC;", true),
            ("REVOKE ALL ON SCHEMA x FROM PUBLIC;", false),
            ("GRANT SELECT ON TABLE x.t TO PUBLIC;", false),
            ("REVOKE ALL ON TABLE x.t FROM owner;", false),
        ] {
            assert_eq!(takes_from_public(&statements(sql)[0]), expected, "{sql}");
        }
    }
}
