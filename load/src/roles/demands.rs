//! What must be true of the target's roles before anything is written.

use archive::Header;
use catalog::{Object, ObjectKind, quote_ident};
use cli::Result;
use postgres::Row;

use super::args::RoleArgs;
use super::{created, public};
use crate::args::{Apply, Args};
use crate::target::{Target, failed};

/// PostgreSQL 16 tells the right to SET ROLE from membership.
const SET_OPTION_SINCE: i32 = 160_000;

/// The role that connects.
struct Connected {
    name: String,
    version: i32,
    is_superuser: bool,
    may_create_roles: bool,
    /// What one transaction may lock, as the manual counts (`max_locks_per_transaction`).
    locks: i64,
}

/// Why what was asked for cannot be done, as sentences. `existing` are those of the archive's schemas that are there.
pub(crate) fn findings(
    target: &mut Target,
    header: &Header,
    existing: &[String],
    args: &Args,
) -> Result<Vec<String>> {
    let mut findings = Vec::new();
    let with_publications = args.apply.contains(&Apply::Publications);
    let args = &args.roles;
    let connected = connected(target)?;
    if let Some(role) = &args.owner {
        check_owner(target, &connected, role, &mut findings)?;
        if with_publications && !connected.is_superuser {
            findings.extend(lacking_privileges(target, role)?);
        }
    }
    if let Some(role) = &args.create_role {
        check_new_role(target, &connected, role, &mut findings)?;
        check_closed(target, header, &mut findings)?;
    }
    if args.create_role.is_some() || args.owner.is_some() {
        check_existing(target, &connected, existing, args, &mut findings)?;
    }
    if args.owner().is_some_and(|role| role != connected.name) {
        findings.extend(too_many_locks(header, &connected));
    }
    if args.revoke_public_create {
        let openness = public::openness(target.client())?;
        if openness.is_some_and(|it| it.is_open && !it.may_close) {
            findings.push(format!(
                "role {} does not own schema public, so it cannot take CREATE on it from PUBLIC: load without \
                 --revoke-public-create",
                connected.name
            ));
        }
    }
    Ok(findings)
}

fn connected(target: &mut Target) -> Result<Connected> {
    const CONNECTED: &str = "
        SELECT r.rolname::pg_catalog.text, r.rolsuper, r.rolcreaterole,
          pg_catalog.current_setting('server_version_num')::pg_catalog.int4,
          pg_catalog.current_setting('max_locks_per_transaction')::pg_catalog.int8
          * (pg_catalog.current_setting('max_connections')::pg_catalog.int8
             + pg_catalog.current_setting('max_prepared_transactions')::pg_catalog.int8)
        FROM pg_catalog.pg_roles r WHERE r.rolname = current_user";
    let row = ask(target, CONNECTED, &[])?;
    let read = |row: &Row| Connected {
        name: row.get(0),
        is_superuser: row.get(1),
        may_create_roles: row.get(2),
        version: row.get(3),
        locks: row.get(4),
    };
    Ok(read(&row))
}

fn ask(target: &mut Target, sql: &str, values: &[&(dyn postgres::types::ToSql + Sync)]) -> Result<Row> {
    let answer = target.client().query_one(sql, values);
    answer.map_err(|error| failed("the roles could not be examined", error))
}

fn exists(target: &mut Target, role: &str) -> Result<bool> {
    const EXISTS: &str = "SELECT EXISTS (SELECT FROM pg_catalog.pg_roles r WHERE r.rolname = $1)";
    Ok(ask(target, EXISTS, &[&role])?.get(0))
}

fn check_owner(
    target: &mut Target,
    connected: &Connected,
    role: &str,
    findings: &mut Vec<String>,
) -> Result<()> {
    const MAY_SET: &str = "SELECT pg_catalog.pg_has_role($1::pg_catalog.name, $2::pg_catalog.text)";
    if !exists(target, role)? {
        findings.push(format!(
            "role {role} does not exist: create it, or let the load do it with --create-role {role} \
             --create-role-as owner"
        ));
        return Ok(());
    }
    let knows_set = connected.version >= SET_OPTION_SINCE;
    let privilege = if knows_set { "SET" } else { "MEMBER" };
    if !ask(target, MAY_SET, &[&role, &privilege])?.get::<_, bool>(0) {
        let (role, loader) = (quote_ident(role), quote_ident(&connected.name));
        let option = if knows_set { " WITH SET TRUE" } else { "" };
        findings.push(format!(
            "role {loader} cannot SET ROLE to {role}, so it can give it nothing: GRANT {role} TO {loader}{option}"
        ));
    }
    Ok(())
}

/// A publication takes only tables whose owner's privileges its maker has, and they are given away by then.
fn lacking_privileges(target: &mut Target, role: &str) -> Result<Option<String>> {
    const INHERITS: &str = "
        SELECT pg_catalog.pg_has_role(r.oid, 'USAGE') FROM pg_catalog.pg_roles r WHERE r.rolname = $1
        UNION ALL SELECT true ORDER BY 1 LIMIT 1";
    let inherits: bool = ask(target, INHERITS, &[&role])?.get(0);
    Ok((!inherits).then(|| {
        format!(
            "publications of what belongs to {role} need its privileges, which the role that connects does not \
             inherit: load without --apply publications"
        )
    }))
}

fn check_new_role(
    target: &mut Target,
    connected: &Connected,
    role: &str,
    findings: &mut Vec<String>,
) -> Result<()> {
    if exists(target, role)? {
        findings.push(format!(
            "role {role} exists: name another one, or load without --create-role (--owner {role} gives it everything)"
        ));
    }
    if !connected.is_superuser && !connected.may_create_roles {
        let loader = quote_ident(&connected.name);
        findings.push(format!(
            "role {loader} lacks CREATEROLE, which --create-role needs: ALTER ROLE {loader} CREATEROLE, or have the \
             role created before"
        ));
    }
    Ok(())
}

/// What is closed to PUBLIC must be opened to a new role, where the role that connects may.
fn check_closed(target: &mut Target, header: &Header, findings: &mut Vec<String>) -> Result<()> {
    const DATABASE: &str = "
        SELECT pg_catalog.has_database_privilege('public', pg_catalog.current_database(), 'CONNECT')
            OR pg_catalog.has_database_privilege(pg_catalog.current_database(), 'CONNECT WITH GRANT OPTION')";
    const SCHEMAS: &str = "
        SELECT COALESCE(pg_catalog.array_agg(n.nspname::pg_catalog.text ORDER BY n.nspname),
                        ARRAY[]::pg_catalog.text[])
        FROM pg_catalog.pg_namespace n
        WHERE n.nspname = ANY ($1) AND NOT pg_catalog.has_schema_privilege('public', n.oid, 'USAGE')
          AND NOT pg_catalog.has_schema_privilege(n.oid, 'USAGE WITH GRANT OPTION')";
    if !ask(target, DATABASE, &[])?.get::<_, bool>(0) {
        findings.push(
            "PUBLIC has no CONNECT on the database, and the role may not grant it to the new one: load as its owner"
                .to_owned(),
        );
    }
    let schemas = created::extension_schemas(header);
    let closed: Vec<String> = ask(target, SCHEMAS, &[&schemas])?.get(0);
    findings.extend(closed.iter().map(|schema| {
        let schema = quote_ident(schema);
        format!(
            "schema {schema}, where extensions are, is closed to PUBLIC, and the role may not open it to the new one: \
             GRANT USAGE ON SCHEMA {schema} TO it WITH GRANT OPTION"
        )
    }));
    Ok(())
}

/// In schemas that are there already, rights must be granted to whoever is to own or to use what comes in.
fn check_existing(
    target: &mut Target,
    connected: &Connected,
    existing: &[String],
    args: &RoleArgs,
    findings: &mut Vec<String>,
) -> Result<()> {
    const HAS: &str = "SELECT pg_catalog.has_schema_privilege($1::pg_catalog.name, $2::pg_catalog.text, $3)";
    const MAY_GRANT: &str =
        "SELECT pg_catalog.has_schema_privilege($1::pg_catalog.text, $2::pg_catalog.text)";
    let owner = args
        .owner()
        .map(|role| (role, args.owner.is_none(), &["USAGE", "CREATE"][..]));
    let member = args.member().map(|role| (role, true, &["USAGE"][..]));
    for (role, is_new, privileges) in owner.into_iter().chain(member) {
        if role == connected.name || !is_new && !exists(target, role)? {
            continue;
        }
        for schema in existing {
            for privilege in privileges {
                // A new role has what PUBLIC has.
                let holder = if is_new { "public" } else { role };
                let has = ask(target, HAS, &[&holder, schema, privilege])?.get::<_, bool>(0);
                let option = format!("{privilege} WITH GRANT OPTION");
                let may_grant = ask(target, MAY_GRANT, &[schema, &option])?.get::<_, bool>(0);
                if !has && !may_grant {
                    findings.push(format!(
                        "schema {schema} exists, role {role} lacks {privilege} on it, and {} may not grant it: load \
                         as the schema's owner",
                        connected.name
                    ));
                }
            }
        }
    }
    Ok(())
}

/// Every object that is given away is locked until everything is live.
fn too_many_locks(header: &Header, connected: &Connected) -> Option<String> {
    use ObjectKind::{Constraint, Policy, Rule, Trigger};
    let catalog = &header.catalog;
    // Parts of a table go with it, but a key's index is one by itself.
    let is_locked = |it: &&Object| it.indexed || ![Constraint, Policy, Rule, Trigger].contains(&it.kind);
    let objects = catalog.objects.iter().filter(is_locked).count();
    // Beside a table stand its TOAST table and that one's index.
    let tables = catalog.tables.iter().filter(|it| it.is_own()).count();
    let wanted = 2 * tables + objects + catalog.large_objects.len();
    let wanted = i64::try_from(wanted).unwrap_or(i64::MAX);
    (wanted > connected.locks).then(|| {
        format!(
            "giving {wanted} objects to another role in one transaction needs as many locks, and the server has \
             {}: raise max_locks_per_transaction, or connect as the role that is to own them",
            connected.locks
        )
    })
}
