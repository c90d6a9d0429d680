//! What the role needs beside CREATE on the database, found in the definitions before one of them runs.

use std::collections::{BTreeMap, BTreeSet};

use archive::{Header, SchemaMember};
use catalog::{ColumnType, QualifiedName};
use cli::Result;
use database::postgres::Offers;
use rewrite::{DemandKind, demands};

use crate::Texts;
use crate::target::{Target, failed};

/// What the role or the server lacks, as sentences.
pub(super) fn findings(
    target: &mut Target,
    header: &Header,
    texts: &Texts,
    offers: &Offers,
) -> Result<Vec<String>> {
    let mut findings = check_definitions(target, header, texts)?;
    findings.extend(check_extension_schemas(target, header, offers)?);
    findings.extend(check_types(target, header, offers)?);
    Ok(findings)
}

/// Languages, and what needs a superuser.
fn check_definitions(target: &mut Target, header: &Header, texts: &Texts) -> Result<Vec<String>> {
    const LANGUAGES: &str = "
        SELECT l.lanname::pg_catalog.text AS name, l.lanpltrusted AS trusted,
          pg_catalog.has_language_privilege(l.oid, 'USAGE') AS usable
        FROM pg_catalog.pg_language l";
    const SUPERUSER: &str = "SELECT r.rolsuper FROM pg_catalog.pg_roles r WHERE r.rolname = current_user";
    let step = "the languages could not be examined";
    let executed = [SchemaMember::PreData, SchemaMember::PostData].map(|it| texts.get(it));
    let demands: Vec<_> = executed.iter().flat_map(|sql| demands(sql)).collect();
    if demands.is_empty() {
        return Ok(Vec::new());
    }
    let is_superuser: bool = target
        .client()
        .query_one(SUPERUSER, &[])
        .map_err(|error| failed(step, error))?
        .get(0);
    let rows = target
        .client()
        .query(LANGUAGES, &[])
        .map_err(|error| failed(step, error))?;
    let languages: BTreeMap<String, (bool, bool)> = rows
        .iter()
        .map(|row| (row.get("name"), (row.get("trusted"), row.get("usable"))))
        .collect();
    let comes_along = |name: &str| {
        let of_extension = header.catalog.extensions.iter().any(|it| it.name == name);
        of_extension
            || executed
                .iter()
                .any(|sql| sql.contains(&format!("LANGUAGE {name};")))
    };
    let mut findings = Vec::new();
    for demand in &demands {
        let object = &demand.object;
        match &demand.kind {
            DemandKind::Superuser(reason) if !is_superuser => findings.push(format!(
                "{object} needs a superuser, as all {reason} do: load as one, or leave it out"
            )),
            DemandKind::Language(name) => match languages.get(name) {
                None if !comes_along(name) => findings.push(format!(
                    "language {name}, which {object} is written in, does not exist: CREATE EXTENSION it"
                )),
                Some((false, _)) if !is_superuser => findings.push(format!(
                    "{object} is written in {name}, a language that is not trusted: load as a superuser, or leave it out"
                )),
                Some((true, false)) => findings.push(format!(
                    "the role lacks USAGE on language {name}, which {object} is written in: GRANT it"
                )),
                _ => {}
            },
            _ => {}
        }
    }
    Ok(findings)
}

/// What belongs to an extension is found by its schema, and a new extension is made in it.
fn check_extension_schemas(target: &mut Target, header: &Header, offers: &Offers) -> Result<Vec<String>> {
    const SCHEMAS: &str = "
        SELECT n.nspname::pg_catalog.text AS name, pg_catalog.has_schema_privilege(n.oid, 'USAGE') AS may_use,
          pg_catalog.has_schema_privilege(n.oid, 'CREATE') AS may_create
        FROM pg_catalog.pg_namespace n WHERE n.nspname = ANY ($1)";
    // The script of a trusted extension runs as the server's first superuser; of one that asks for no superuser it runs
    // as the role itself, which then makes everything in the schema (CREATE EXTENSION in the manual).
    const AS_ROLE: &str = "
        SELECT a.name::pg_catalog.text FROM pg_catalog.pg_available_extensions a
        JOIN pg_catalog.pg_available_extension_versions v ON v.name = a.name AND v.version = a.default_version
        WHERE NOT v.superuser";
    let extensions = &header.catalog.extensions;
    let schemas: BTreeSet<&str> = extensions.iter().map(|it| it.schema.as_str()).collect();
    let schemas: Vec<&str> = schemas.into_iter().collect();
    if schemas.is_empty() {
        return Ok(Vec::new());
    }
    let rows = target
        .client()
        .query(SCHEMAS, &[&schemas])
        .map_err(|error| failed("the extensions' schemas could not be examined", error))?;
    let as_role: BTreeSet<String> = target
        .client()
        .query(AS_ROLE, &[])
        .map_err(|error| failed("the extensions could not be listed", error))?
        .iter()
        .map(|row| row.get(0))
        .collect();
    let mut findings = Vec::new();
    for row in rows {
        let (schema, may_use, may_create): (String, bool, bool) =
            (row.get("name"), row.get("may_use"), row.get("may_create"));
        let here: Vec<_> = extensions.iter().filter(|it| it.schema == schema).collect();
        if !may_use {
            let names: Vec<&str> = here.iter().map(|it| it.name.as_str()).collect();
            findings.push(format!(
                "the role lacks USAGE on schema {schema}, where extension {} is: GRANT it",
                names.join(", ")
            ));
        }
        for extension in here.iter().filter(|it| !may_create && as_role.contains(&it.name)) {
            let offer = offers.extension(&extension.name);
            if offer.is_some_and(|it| it.installed.is_none() && it.may_create) {
                findings.push(format!(
                    "the role lacks CREATE on schema {schema}, where extension {0} is to be: GRANT it, or have an \
                     administrator run CREATE EXTENSION {0} SCHEMA {schema}",
                    extension.name
                ));
            }
        }
    }
    Ok(findings)
}

/// Types of columns that the archive does not bring along.
fn check_types(target: &mut Target, header: &Header, offers: &Offers) -> Result<Vec<String>> {
    const TYPES: &str = "
        SELECT x.schema, x.name, t.oid IS NOT NULL AS is_there,
          COALESCE(pg_catalog.has_type_privilege(t.oid, 'USAGE'), true) AS may_use
        FROM ROWS FROM (pg_catalog.unnest($1::pg_catalog.text[]), pg_catalog.unnest($2::pg_catalog.text[]))
          AS x (schema, name)
        LEFT JOIN pg_catalog.pg_namespace n ON n.nspname = x.schema
        LEFT JOIN pg_catalog.pg_type t ON t.typnamespace = n.oid AND t.typname = x.name
        ORDER BY 1, 2";
    let catalog = &header.catalog;
    let is_own = |schema: &str| catalog.schemas.iter().any(|it| it.name == schema);
    // An extension that is not installed yet brings its types when it is made.
    let comes_with_extension = |of: &ColumnType| {
        catalog.extensions.iter().any(|it| {
            let is_installed = offers
                .extension(&it.name)
                .is_some_and(|it| it.installed.is_some());
            !is_installed
                && it
                    .members
                    .iter()
                    .any(|member| member.schema == of.schema && member.name == of.name)
        })
    };
    let mut users: BTreeMap<(&str, &str), QualifiedName> = BTreeMap::new();
    for table in catalog.tables.iter().filter(|it| it.is_own()) {
        for of in table.columns.iter().map(|it| &it.column_type) {
            let is_elsewhere = of.schema != ColumnType::BUILT_IN_SCHEMA && !is_own(&of.schema);
            if is_elsewhere
                && !users.contains_key(&(of.schema.as_str(), of.name.as_str()))
                && !comes_with_extension(of)
            {
                users.insert((&of.schema, &of.name), table.qualified_name());
            }
        }
    }
    if users.is_empty() {
        return Ok(Vec::new());
    }
    let (schemas, names): (Vec<&str>, Vec<&str>) = users.keys().copied().unzip();
    let rows = target
        .client()
        .query(TYPES, &[&schemas, &names])
        .map_err(|error| failed("the types could not be examined", error))?;
    let mut findings = Vec::new();
    for row in rows {
        let (schema, name): (&str, &str) = (row.get("schema"), row.get("name"));
        let (of, user) = (QualifiedName::new(schema, name), users.get(&(schema, name)));
        let user = user.map(ToString::to_string).unwrap_or_default();
        if !row.get::<_, bool>("is_there") {
            findings.push(format!(
                "type {of}, which table {user} has, does not exist: make it first"
            ));
        } else if !row.get::<_, bool>("may_use") {
            findings.push(format!(
                "the role lacks USAGE on type {of}, which table {user} has: GRANT it"
            ));
        }
    }
    Ok(findings)
}
