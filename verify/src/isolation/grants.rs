//! Privileges across the border, by name and through PUBLIC: on what is there, on what will be, on large objects.

use std::collections::BTreeMap;

use catalog::quote_ident;
use database::postgres::isolation::Grant;

use super::parties::{Parties, Side};
use super::{closing, leak};
use crate::report::{Area, Finding, Weight, counted};

/// Privileges on the database, schemas and what is in them.
pub(super) fn look(parties: &Parties<'_>, is_verbose: bool) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut callable: BTreeMap<&str, u64> = BTreeMap::new();
    for grant in &parties.access.grants {
        let Some(schema) = grant.schema.as_deref() else {
            findings.extend(on_database(parties, grant, is_verbose));
            continue;
        };
        if !concerns(parties, grant, schema) {
            continue;
        }
        if grant.kind == "SCHEMA" {
            findings.extend(on_schema(parties, grant, schema));
            continue;
        }
        let can_be_reached = is_reached(parties, grant, schema);
        if grant.is_built_in && !grant.runs_as_owner {
            // Where USAGE is a leak, that line says it all.
            if can_be_reached && parties.is_common(schema) {
                *callable.entry(schema).or_default() += 1;
            }
        } else if can_be_reached {
            findings.push(on_object(grant));
        } else if grant.grantee.is_some() {
            let finding = on_object(grant).weighing(Weight::Advice);
            findings.push(Finding {
                property: format!("{}, once it has USAGE on the schema", finding.property),
                ..finding
            });
        }
    }
    findings.extend(callable.into_iter().map(|(schema, count)| {
        let what = format!(
            "can call {} of schema {}",
            counted(count, "function"),
            quote_ident(schema)
        );
        Finding::new(Area::Isolation, "every role", what)
            .weighing(Weight::Advice)
            .with_note("as PostgreSQL has it for functions unless somebody takes EXECUTE from PUBLIC")
    }));
    findings
}

/// Whether the grant crosses the border: everybody does.
fn concerns(parties: &Parties<'_>, grant: &Grant, schema: &str) -> bool {
    let is_ours = parties.is_ours(schema);
    match grant.grantee.as_deref() {
        Some(role) if is_ours => parties.side(role) == Side::Theirs,
        Some(role) => parties.side(role) == Side::Ours,
        None => is_ours || grant.privileges.iter().any(|it| it == "CREATE") || !parties.ours().is_empty(),
    }
}

fn on_database(parties: &Parties<'_>, grant: &Grant, is_verbose: bool) -> Option<Finding> {
    let is_ours = |role: &str| parties.side(role) == Side::Ours;
    if !grant.grantee.as_deref().is_none_or(is_ours) {
        return None;
    }
    let who = grant.grantee.as_deref();
    let has = |privilege: &str| grant.privileges.iter().any(|it| it == privilege);
    if has("CREATE") {
        let closing = closing::revoke(grant, &["CREATE".to_owned()]);
        return Some(leak(who, "can make schemas in the database", &closing));
    }
    (has("TEMPORARY") && is_verbose).then(|| {
        let closing = closing::revoke(grant, &["TEMPORARY".to_owned()]);
        leak(who, "can make temporary tables", &closing).weighing(Weight::Advice)
    })
}

fn on_schema(parties: &Parties<'_>, grant: &Grant, schema: &str) -> Option<Finding> {
    let mut privileges = grant.privileges.clone();
    privileges.retain(|it| !(it == "USAGE" && parties.is_common(schema)));
    if privileges.is_empty() {
        return None;
    }
    let what = format!("has {} on schema {}", privileges.join(", "), grant.object);
    Some(leak(
        grant.grantee.as_deref(),
        what,
        &closing::revoke(grant, &privileges),
    ))
}

fn on_object(grant: &Grant) -> Finding {
    let kind = grant.kind.to_lowercase();
    let privileges = grant.privileges.join(", ");
    let what = match &grant.column {
        Some(column) => format!("has {privileges} on column {column} of {}", grant.object),
        None if grant.runs_as_owner => format!(
            "has {privileges} on {kind} {}, which runs as its owner",
            grant.object
        ),
        None => format!("has {privileges} on {kind} {}", grant.object),
    };
    leak(
        grant.grantee.as_deref(),
        what,
        &closing::revoke(grant, &grant.privileges),
    )
}

/// Whether anybody whom the grant concerns gets into the schema at all.
fn is_reached(parties: &Parties<'_>, grant: &Grant, schema: &str) -> bool {
    if let Some(role) = &grant.grantee {
        return parties.can_enter(Some(role), schema);
    }
    let side = if parties.is_ours(schema) {
        Side::Theirs
    } else {
        Side::Ours
    };
    parties.can_enter(None, schema)
        || parties
            .roles_of(side)
            .any(|it| parties.can_enter(Some(&it.name), schema))
}

/// What roles will have on objects that are not there yet.
pub(super) fn defaults(parties: &Parties<'_>) -> Vec<Finding> {
    let leaks = parties.access.defaults.iter().filter(|it| {
        let is_built_in = it.grantee.is_none() && matches!(it.kind.as_str(), "FUNCTIONS" | "TYPES");
        let grantee = it.grantee.as_deref().map(|role| parties.side(role));
        let makes_ours = match &it.schema {
            Some(schema) => parties.is_ours(schema),
            None => matches!(parties.side(&it.maker), Side::Ours | Side::Administrator),
        };
        let makes_theirs = match &it.schema {
            Some(schema) => !parties.is_ours(schema),
            None => matches!(parties.side(&it.maker), Side::Theirs | Side::Administrator),
        };
        !is_built_in
            && match grantee {
                None | Some(Side::Theirs) => makes_ours,
                Some(Side::Ours) => makes_theirs,
                Some(_) => false,
            }
    });
    leaks
        .map(|it| {
            let place = it
                .schema
                .as_ref()
                .map_or(String::new(), |it| format!(" in schema {}", quote_ident(it)));
            let what = format!(
                "will have {} on {} that {} makes{place}",
                it.privileges.join(", "),
                it.kind.to_lowercase(),
                quote_ident(&it.maker)
            );
            leak(it.grantee.as_deref(), what, &closing::revoke_default(it))
        })
        .collect()
}

/// Large objects belong to no schema: they are whose roles they are open to.
pub(super) fn large_objects(parties: &Parties<'_>) -> Vec<Finding> {
    let objects = &parties.access.large_objects;
    let said = |count: u64, oid: u32| format!("{} (the first: {oid})", counted(count, "large object"));
    let mut findings = Vec::new();
    if parties.access.large_objects_are_open
        && let Some(first) = objects.first()
    {
        let count = objects.iter().map(|it| it.count).sum();
        let what = format!("can read and write {}", said(count, first.oid));
        findings.push(leak(None, what, "setting lo_compat_privileges to off"));
    }
    for it in objects {
        let side = |role: &Option<String>| role.as_deref().map_or(Side::Nobody, |it| parties.side(it));
        let owner = parties.side(&it.owner);
        let grantees = || it.grantees.iter();
        let has = |wanted: Side| owner == wanted || grantees().any(|role| side(role) == wanted);
        let crosses = |role: &&Option<String>| match role {
            None => true,
            Some(_) => match side(role) {
                Side::Ours => owner == Side::Theirs,
                Side::Theirs => has(Side::Ours),
                _ => false,
            },
        };
        findings.extend(grantees().filter(crosses).map(|role| {
            let what = format!("has privileges on {}", said(it.count, it.oid));
            leak(
                role.as_deref(),
                what,
                &closing::revoke_large_object(it.oid, role.as_deref()),
            )
        }));
    }
    findings
}
