//! What the source granted, given in the transaction that makes the schemas live.

use std::collections::BTreeSet;

use archive::Header;
use catalog::quote_ident;
use cli::{Result, Ui, count};
use postgres::Transaction;
use rewrite::{Statement, StatementKind, statements};

use super::{OBJECTS, revoke_finally};
use crate::journal::Run;
use crate::statements::execute;
use crate::target::failed;

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
        if keep && !opens_to_public(statement, run) || takes_from_public(statement) {
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
          SELECT c.relacl AS acl, c.relowner AS owner FROM pg_catalog.pg_class c WHERE c.relnamespace = n.oid
          UNION ALL SELECT a.attacl, c.relowner FROM pg_catalog.pg_attribute a
            JOIN pg_catalog.pg_class c ON c.oid = a.attrelid WHERE c.relnamespace = n.oid
          UNION ALL SELECT p.proacl, p.proowner FROM pg_catalog.pg_proc p WHERE p.pronamespace = n.oid
          UNION ALL SELECT t.typacl, t.typowner FROM pg_catalog.pg_type t WHERE t.typnamespace = n.oid) o ON true
        CROSS JOIN LATERAL pg_catalog.aclexplode(o.acl) a
        JOIN pg_catalog.pg_roles r ON r.oid = a.grantee
        WHERE n.nspname = ANY ($1) AND a.grantee <> n.nspowner AND a.grantee <> o.owner";
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
    // What somebody opened to everybody stays open to everybody of this archive.
    let everybody: BTreeSet<String> = pairs.iter().map(|(_, role)| role.clone()).collect();
    let opened = header.catalog.public_usage.iter().filter(|it| !it.built_in);
    for usage in opened.filter(|it| run.created_schemas.contains(&it.schema)) {
        pairs.extend(everybody.iter().map(|role| (usage.schema.clone(), role.clone())));
    }
    pairs.iter().try_for_each(|(schema, role)| {
        let (schema, role) = (quote_ident(schema), quote_ident(role));
        execute(transaction, &format!("GRANT USAGE ON SCHEMA {schema} TO {role}"))
    })
}

/// Grants to PUBLIC on a schema that the load makes: what was open to the roles of one application would here be open
/// to those of all others.
fn opens_to_public(statement: &Statement<'_>, run: &Run) -> bool {
    let text = statement.text.trim_end_matches(';');
    let text = text.strip_suffix(" WITH GRANT OPTION").unwrap_or(text);
    let opened = text
        .strip_suffix(" TO PUBLIC")
        .and_then(|it| it.split_once(" ON SCHEMA "));
    let Some((_, schema)) = opened.filter(|_| text.starts_with("GRANT ")) else {
        return false;
    };
    run.created_schemas.iter().any(|it| quote_ident(it) == schema)
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
                "schema {schema} was open to PUBLIC in the source and is not here; roles to whom the archive grants \
                 anything get USAGE"
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
