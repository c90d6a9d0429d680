//! What must be true of the target before anything is written. All findings are told at once.

use std::collections::HashMap;

use archive::Header;
use catalog::Extension;
use cli::{Exit, Failure, Result};

use crate::args::{Args, Privileges};
use crate::target::{Target, failed};
use crate::{grants, journal};

/// Extensions that every server has.
const BUILT_IN_EXTENSION: &str = "plpgsql";

/// Refuses what does not fit. Returns those of the archive's schemas that exist already and are empty.
pub(crate) fn check(
    target: &mut Target,
    header: &Header,
    privileges: &str,
    args: &Args,
) -> Result<Vec<String>> {
    let mut findings = Vec::new();
    check_server(target, header, args, &mut findings)?;
    let existing = check_schemas(target, header, &mut findings)?;
    check_extensions(target, header, &mut findings)?;
    if let Some(trouble) = journal::trouble(target.client())? {
        findings.push(trouble);
    }
    check_roles(target, header, privileges, args, &mut findings)?;
    if findings.is_empty() {
        return Ok(existing);
    }
    let failure = Failure::new(
        Exit::Target,
        format!("the archive does not fit on {}", target.name()),
    );
    let failure = findings.into_iter().fold(failure, Failure::with_state);
    Err(failure.with_hint("nothing was written"))
}

/// Roles that statements of the archive name.
fn check_roles(
    target: &mut Target,
    header: &Header,
    privileges: &str,
    args: &Args,
    findings: &mut Vec<String>,
) -> Result<()> {
    for role in grants::missing_roles(target, &header.catalog.policy_roles)? {
        findings.push(format!(
            "role {role}, which a policy names, does not exist: create it"
        ));
    }
    if args.privileges == Privileges::Keep {
        let is_named = |role: &&String| privileges.contains(&catalog::quote_ident(role));
        let named: Vec<String> = header.catalog.roles.iter().filter(is_named).cloned().collect();
        for role in grants::missing_roles(target, &named)? {
            findings.push(format!(
                "role {role} does not exist: create it, or load with --privileges drop"
            ));
        }
    }
    Ok(())
}

fn check_server(target: &mut Target, header: &Header, args: &Args, findings: &mut Vec<String>) -> Result<()> {
    let row = target
        .client()
        .query_one(
            "SELECT pg_catalog.pg_is_in_recovery(),
                    pg_catalog.current_setting('transaction_read_only') = 'on',
                    pg_catalog.current_setting('server_encoding'),
                    pg_catalog.current_setting('server_version_num')::pg_catalog.int4,
                    pg_catalog.has_database_privilege(pg_catalog.current_database(), 'CREATE'),
                    current_user::pg_catalog.text",
            &[],
        )
        .map_err(|error| failed("the target could not be examined", error))?;
    if row.get(0) {
        findings.push("the server is a standby: name its primary".to_owned());
    } else if row.get(1) {
        findings.push("sessions are read-only (default_transaction_read_only)".to_owned());
    }
    let (encoding, version): (String, i32) = (row.get(2), row.get(3));
    if encoding != "UTF8" && encoding != header.source.encoding {
        findings.push(format!(
            "encoding is {encoding}, the archive's text is UTF8: create the database with UTF8"
        ));
    }
    let source_major: i32 = header
        .source
        .server_version
        .split('.')
        .next()
        .and_then(|it| it.parse().ok())
        .unwrap_or_default();
    let is_binary = |it: &archive::TableForm| it.form == fingerprint::Form::Binary;
    let older = header.source.kind == archive::SourceKind::PostgreSql && version / 10_000 < source_major;
    if older && !args.allow_older_target {
        findings.push(format!(
            "the server is PostgreSQL {}, the source was {}: --allow-older-target tries it all the same",
            version / 10_000,
            header.source.server_version
        ));
    } else if older && header.forms.iter().any(is_binary) {
        findings
            .push("an older server may read binary rows as other values: dump with --rows csv".to_owned());
    }
    if !row.get::<_, bool>(4) {
        findings.push(format!(
            "role {} lacks CREATE on the database",
            row.get::<_, &str>(5)
        ));
    }
    Ok(())
}

fn check_schemas(target: &mut Target, header: &Header, findings: &mut Vec<String>) -> Result<Vec<String>> {
    const CONTENTS: &str = "
        SELECT n.nspname, pg_catalog.has_schema_privilege(n.oid, 'CREATE'),
          (SELECT pg_catalog.count(*) FROM pg_catalog.pg_depend d
           WHERE d.refclassid = 'pg_catalog.pg_namespace'::pg_catalog.regclass AND d.refobjid = n.oid
             AND d.deptype = 'n' AND d.classid <> 'pg_catalog.pg_default_acl'::pg_catalog.regclass
             AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend e
                             WHERE e.classid = d.classid AND e.objid = d.objid AND e.deptype = 'e')
             AND d.classid <> 'pg_catalog.pg_extension'::pg_catalog.regclass)
        FROM pg_catalog.pg_namespace n WHERE n.nspname = ANY ($1)";
    let schemas: Vec<&str> = header.catalog.schemas.iter().map(|it| it.name.as_str()).collect();
    let rows = target
        .client()
        .query(CONTENTS, &[&schemas])
        .map_err(|error| failed("the target's schemas could not be examined", error))?;
    let mut existing = Vec::new();
    for row in rows {
        let (schema, may_create, objects): (String, bool, i64) = (row.get(0), row.get(1), row.get(2));
        let unfinished = journal::unfinished_run(target.client(), &schema)?;
        if let Some(run) = unfinished {
            let way_out = format!("`load --abandon {schema} …` removes it");
            findings.push(format!(
                "schema {schema} holds what run {} left unfinished: {way_out}",
                run.id()
            ));
        } else if objects > 0 {
            findings.push(format!(
                "schema {schema} exists and holds {objects} objects: give the source another name with remap-schema"
            ));
        } else if !may_create {
            findings.push(format!("schema {schema} exists, and the role lacks CREATE on it"));
        }
        existing.push(schema);
    }
    Ok(existing)
}

/// An extension as the target has it or could have it.
struct Offer {
    installed_in: Option<String>,
    installed_version: Option<String>,
    available: bool,
    may_create: bool,
}

fn check_extensions(target: &mut Target, header: &Header, findings: &mut Vec<String>) -> Result<()> {
    const OFFERS: &str = "
        SELECT a.name, n.nspname, e.extversion,
          COALESCE((SELECT r.rolsuper FROM pg_catalog.pg_roles r WHERE r.rolname = current_user), false)
          OR EXISTS (SELECT FROM pg_catalog.pg_available_extension_versions v WHERE v.name = a.name AND v.trusted)
        FROM pg_catalog.pg_available_extensions a
        LEFT JOIN pg_catalog.pg_extension e ON e.extname = a.name
        LEFT JOIN pg_catalog.pg_namespace n ON n.oid = e.extnamespace";
    let rows = target
        .client()
        .query(OFFERS, &[])
        .map_err(|error| failed("the target's extensions could not be listed", error))?;
    let offers: HashMap<String, Offer> = rows
        .iter()
        .map(|row| {
            let offer = Offer {
                installed_in: row.get(1),
                installed_version: row.get(2),
                available: true,
                may_create: row.get(3),
            };
            (row.get(0), offer)
        })
        .collect();
    for extension in header
        .catalog
        .extensions
        .iter()
        .filter(|it| it.name != BUILT_IN_EXTENSION)
    {
        let missing = Offer {
            installed_in: None,
            installed_version: None,
            available: false,
            may_create: false,
        };
        findings.extend(judge(extension, offers.get(&extension.name).unwrap_or(&missing)));
    }
    Ok(())
}

fn judge(extension: &Extension, offer: &Offer) -> Option<String> {
    let Extension {
        name,
        version,
        schema,
        ..
    } = extension;
    match (&offer.installed_in, &offer.installed_version) {
        (Some(found), _) if found != schema => Some(format!(
            "extension {name} is in schema {found}, the archive expects it in {schema}: ALTER EXTENSION {name} SET SCHEMA {schema}"
        )),
        (Some(_), Some(found)) if is_older(found, version) => Some(format!(
            "extension {name} is {found}, the source had {version}: ALTER EXTENSION {name} UPDATE"
        )),
        (None, _) if !offer.available => Some(format!(
            "extension {name} {version} is not available on the server"
        )),
        (None, _) if !offer.may_create => Some(format!(
            "extension {name} is not trusted: an administrator must run CREATE EXTENSION {name} SCHEMA {schema}"
        )),
        _ => None,
    }
}

/// Compares versions such as `1.10` by their numbers; versions of another shape count as equal.
fn is_older(found: &str, wanted: &str) -> bool {
    let numbers = |version: &str| {
        version
            .split('.')
            .map(|it| it.parse::<u64>().ok())
            .collect::<Option<Vec<_>>>()
    };
    matches!((numbers(found), numbers(wanted)), (Some(found), Some(wanted)) if found < wanted)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_compared_by_number() {
        for (found, wanted, older) in [
            ("1.9", "1.10", true),
            ("1.10", "1.9", false),
            ("1.6", "1.6", false),
            ("3.4.0dev", "3.5", false),
        ] {
            assert_eq!(is_older(found, wanted), older, "{found} {wanted}");
        }
    }
}
