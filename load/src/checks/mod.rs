//! What must be true of the target before anything is written. All findings are told at once.

mod collations;
mod features;
mod labels;
pub(crate) mod locks;
mod outside;
mod privileges;
pub(crate) mod space;

use archive::{Header, SchemaMember, SourceKind};
use catalog::{Extension, quote_ident};
use cli::{Exit, Failure, Result, Ui};
use database::postgres::{ExtensionOffer, Offers};
use fingerprint::Form;

use crate::after::After;
use crate::apart::Apart;
use crate::args::{Args, Privileges};
use crate::extension_rows::When;
use crate::journal::Run;
use crate::target::{Target, failed};
use crate::{Texts, extension_rows, grants, journal, large_objects, roles};

/// The extension that every server has.
const BUILT_IN_EXTENSION: &str = "plpgsql";

/// Refuses what does not fit, and says what fits but is not the same. Returns those of the archive's schemas that exist already and are empty.
pub(crate) fn check(
    target: &mut Target,
    header: &Header,
    texts: &Texts,
    (apart, after): (&Apart, &After),
    args: &Args,
    ui: &Ui,
) -> Result<Vec<String>> {
    let schemas: Vec<String> = header.catalog.schemas.iter().map(|it| it.name.clone()).collect();
    let offers = Offers::read(target.client(), &schemas).map_err(Failure::target)?;
    let mut findings = Vec::new();
    check_session(&offers, &mut findings);
    check_server(target, header, texts, args, &mut findings)?;
    findings.extend(journal::trouble(target.client())?);
    check_schemas(target, &offers, &mut findings)?;
    let extensions = header
        .catalog
        .extensions
        .iter()
        .filter(|it| it.name != BUILT_IN_EXTENSION);
    findings.extend(extensions.filter_map(|it| judge(it, offers.extension(&it.name))));
    check_roles(
        target,
        header,
        texts.get(SchemaMember::Privileges),
        args,
        &mut findings,
    )?;
    let existing: Vec<String> = offers.schemas.iter().map(|it| it.name.clone()).collect();
    findings.extend(roles::findings(target, header, &existing, args)?);
    findings.extend(args.toast.apply(target)?);
    findings.extend(privileges::findings(target, header, texts, &offers)?);
    findings.extend(apart.findings(target)?);
    findings.extend(after.findings(target)?);
    findings.extend(outside::findings(target, texts.get(SchemaMember::PreData))?);
    let executed = [SchemaMember::PreData, SchemaMember::PostData];
    findings.extend(executed.iter().flat_map(|it| outside::misplaced(texts.get(*it))));
    let defined =
        [SchemaMember::PreData, SchemaMember::PostData, SchemaMember::Apart].map(|it| texts.get(it));
    findings.extend(labels::missing_providers(target, &defined)?);
    findings.extend(large_objects::taken(target, header)?);
    findings.extend(extension_rows::trouble(target, header, When::Before)?);
    let collations = collations::examine(target, header, texts)?;
    findings.extend(collations.findings);
    findings.extend(locks::findings(target, header, &schemas)?);
    let space = space::Estimate::new(target, header)?;
    findings.extend(space.finding(args.space.space, 0));
    if space.total() > 0 {
        ui.status(space);
    }
    collations.said.iter().for_each(|it| ui.finding(it));
    refuse(target, findings, "nothing was written")?;
    Ok(existing)
}

/// Looks again, when a load goes on, at what this time was asked for: it can be something else than before.
pub(crate) fn check_wishes(
    target: &mut Target,
    header: &Header,
    run: &Run,
    after: &After,
    args: &Args,
) -> Result<()> {
    let mut existing = run.schemas.clone();
    existing.retain(|it| !run.created_schemas.contains(it));
    let mut findings = roles::findings(target, header, &existing, args)?;
    findings.extend(after.findings(target)?);
    findings.extend(args.toast.apply(target)?);
    if args.space.space.is_some() {
        let estimate = space::Estimate::new(target, header)?;
        let there = space::taken(target, &run.schemas)?;
        findings.extend(estimate.finding(args.space.space, there));
    }
    refuse(
        target,
        findings,
        "nothing was changed; `load --resume` goes on when it fits",
    )
}

fn refuse(target: &Target, findings: Vec<String>, hint: &str) -> Result<()> {
    if findings.is_empty() {
        return Ok(());
    }
    let failure = Failure::new(
        Exit::Target,
        format!("the archive does not fit on {}", target.name()),
    );
    let failure = findings.into_iter().fold(failure, Failure::with_state);
    Err(failure.with_hint(hint))
}

fn check_session(offers: &Offers, findings: &mut Vec<String>) {
    if offers.in_recovery {
        findings.push("the server is a standby: name its primary".to_owned());
    } else if offers.read_only {
        findings.push("sessions are read-only (default_transaction_read_only)".to_owned());
    }
    if !offers.may_create {
        findings.push(format!("role {} lacks CREATE on the database", offers.role));
    }
}

pub(crate) fn check_server(
    target: &mut Target,
    header: &Header,
    texts: &Texts,
    args: &Args,
    findings: &mut Vec<String>,
) -> Result<()> {
    const SERVER: &str = "SELECT pg_catalog.current_setting('server_encoding'),
        pg_catalog.current_setting('server_version_num')::pg_catalog.int4";
    let row = target
        .client()
        .query_one(SERVER, &[])
        .map_err(|error| failed("the target could not be examined", error))?;
    let (encoding, version): (String, i32) = (row.get(0), row.get(1));
    if encoding != "UTF8" && encoding != header.source.encoding {
        findings.push(format!(
            "encoding is {encoding}, the archive's text is UTF8: create the database with UTF8"
        ));
    }
    let source_major = header
        .source
        .server_version
        .split('.')
        .next()
        .and_then(|it| it.parse::<i32>().ok());
    let older = header.source.kind == SourceKind::PostgreSql
        && source_major.is_some_and(|source_major| version / 10_000 < source_major);
    if older && !args.allow_older_target {
        findings.push(format!(
            "the server is PostgreSQL {}, the source was {}: --allow-older-target tries it all the same",
            version / 10_000,
            header.source.server_version
        ));
    }
    if older && args.allow_older_target {
        let executed = [SchemaMember::PreData, SchemaMember::PostData].map(|it| texts.get(it));
        findings.extend(features::missing(header, &executed, version / 10_000));
    }
    if older && args.allow_older_target && header.forms.iter().any(|it| it.form == Form::Binary) {
        findings
            .push("an older server may read binary rows as other values: dump with --rows csv".to_owned());
    }
    Ok(())
}

fn check_schemas(target: &mut Target, offers: &Offers, findings: &mut Vec<String>) -> Result<()> {
    for offer in &offers.schemas {
        let schema = &offer.name;
        if let Some(run) = journal::unfinished_run(target.client(), schema)? {
            findings.push(format!(
                "schema {schema} holds what run {} left unfinished: `load --abandon {schema} …` removes it",
                run.id()
            ));
        } else if offer.objects > 0 {
            findings.push(format!(
                "schema {schema} exists and holds {} objects: give the source another name with remap-schema",
                offer.objects
            ));
        } else if !offer.may_create {
            findings.push(format!("schema {schema} exists, and the role lacks CREATE on it"));
        }
    }
    Ok(())
}

/// What keeps an extension of the source from being used, if anything does.
fn judge(extension: &Extension, offer: Option<&ExtensionOffer>) -> Option<String> {
    let Extension {
        name,
        version,
        schema,
        ..
    } = extension;
    let Some(offer) = offer else {
        return Some(format!(
            "extension {name} {version} is not available on the server"
        ));
    };
    match &offer.installed {
        Some(found) if found.schema != *schema => Some(format!(
            "extension {name} is in schema {0}, the archive expects it in {schema}: \
             give remap-schema --extensions-schema {name}={0}",
            found.schema
        )),
        Some(found) if found.is_older_than(version) => Some(format!(
            "extension {name} is {}, the source had {version}: ALTER EXTENSION {name} UPDATE",
            found.version
        )),
        None if !offer.may_create => Some(format!(
            "extension {name} is not trusted: an administrator must run CREATE EXTENSION {name} SCHEMA {schema}"
        )),
        _ => None,
    }
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
        let is_named = |role: &&String| privileges.contains(&quote_ident(role));
        let mut named: Vec<String> = header.catalog.roles.iter().filter(is_named).cloned().collect();
        named.extend(large_objects::roles(header));
        // They get USAGE, also where nothing that came along grants them anything.
        let relying = header.catalog.public_usage.iter();
        named.extend(relying.flat_map(|it| it.relied_on_by.iter().cloned()));
        named.retain(|it| Some(it) != args.roles.create_role.as_ref());
        for role in grants::missing_roles(target, &named)? {
            findings.push(format!(
                "role {role} does not exist: create it, or load with --privileges drop"
            ));
        }
    }
    Ok(())
}
