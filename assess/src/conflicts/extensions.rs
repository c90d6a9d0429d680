//! Extensions: what the target has of them or could have, and what sources have otherwise than each other.

use std::collections::BTreeMap;

use catalog::{Extension, quote_ident};
use database::postgres::{ExtensionOffer, InstalledExtension};

use super::conflict::list;
use super::{Conflict, Scene, Severity, Side, Topic};
use crate::sources::without_built_in;
use crate::target::Target;

pub(super) fn find(scene: &Scene<'_>, conflicts: &mut Vec<Conflict>) {
    if let Some(target) = scene.target {
        for side in &scene.sides {
            of_target(side, target, conflicts);
        }
    }
    of_sources(scene, conflicts);
}

fn of_target(side: &Side<'_>, target: &Target, conflicts: &mut Vec<Conflict>) {
    for extension in without_built_in(&side.catalog.extensions) {
        let schema = side
            .planned
            .mapping
            .extension_schema(&extension.name, &extension.schema);
        let wanted = Wanted {
            extension,
            schema: &schema,
            source: &side.label,
            target: &target.name,
            role: &target.offers.role,
            default_version: target.facts.available.get(&extension.name).map(String::as_str),
        };
        if let Some((severity, text, way_out)) = wanted.judge(target.offers.extension(&extension.name)) {
            conflicts.push(Conflict::new(
                severity,
                Topic::Extension,
                &[&extension.name, side.key()],
                text,
                way_out,
            ));
        }
    }
}

/// An extension that a load would expect in a schema of the target.
struct Wanted<'a> {
    extension: &'a Extension,
    schema: &'a str,
    source: &'a str,
    target: &'a str,
    role: &'a str,
    /// What CREATE EXTENSION would take there.
    default_version: Option<&'a str>,
}

impl Wanted<'_> {
    /// What `offer` means for it, with a way out.
    fn judge(&self, offer: Option<&ExtensionOffer>) -> Option<(Severity, String, String)> {
        let Extension { name, version, .. } = self.extension;
        let Wanted { source, target, .. } = self;
        let (ident, place) = (quote_ident(name), quote_ident(self.schema));
        let Some(offer) = offer else {
            let text = format!("{name} of {source} is not available on the server of {target}");
            return Some((Severity::Blocks, text, "install its files there".to_owned()));
        };
        let Some(found) = &offer.installed else {
            return Some(self.judge_missing(offer.may_create));
        };
        if found.schema != self.schema {
            let text = format!(
                "{name} of {source} is in schema {} of {target}, not in {}",
                found.schema, self.schema
            );
            let way_out = format!("ALTER EXTENSION {ident} SET SCHEMA {place}");
            return Some((Severity::Blocks, text, way_out));
        }
        if found.version == *version {
            return None;
        }
        let text = format!("{name} is {version} in {source}, {} on {target}", found.version);
        Some(if found.is_older_than(version) {
            let way_out = format!("ALTER EXTENSION {ident} UPDATE on the target");
            (Severity::Blocks, text, way_out)
        } else {
            (
                Severity::Warns,
                text,
                "the target's version will serve".to_owned(),
            )
        })
    }

    fn judge_missing(&self, may_create: bool) -> (Severity, String, String) {
        let Extension { name, version, .. } = self.extension;
        let (ident, place) = (quote_ident(name), quote_ident(self.schema));
        let text = format!("{name} of {} is not installed on {}", self.source, self.target);
        if !may_create {
            let text = format!(
                "{text}, and role {} may not create it: it is not trusted",
                self.role
            );
            let way_out = format!("an administrator runs CREATE EXTENSION {ident} SCHEMA {place}");
            return (Severity::Blocks, text, way_out);
        }
        let offered = self.default_version.map(|it| InstalledExtension {
            schema: String::new(),
            version: it.to_owned(),
        });
        match offered.filter(|it| it.is_older_than(version)) {
            Some(older) => (
                Severity::Warns,
                format!(
                    "{text}, where {} would be created; {} has {version}",
                    older.version, self.source
                ),
                "install newer files of it on the target's server".to_owned(),
            ),
            None => (Severity::Resolved, text, "load creates it".to_owned()),
        }
    }
}

/// Versions and schemas that sources do not share.
fn of_sources(scene: &Scene<'_>, conflicts: &mut Vec<Conflict>) {
    /// Each version, or schema, with the sources that have it.
    type Users<'a> = BTreeMap<&'a str, Vec<&'a str>>;
    let mut found: BTreeMap<&str, (Users<'_>, Users<'_>)> = BTreeMap::new();
    for side in &scene.sides {
        for extension in without_built_in(&side.catalog.extensions) {
            let (versions, schemas) = found.entry(&extension.name).or_default();
            versions.entry(&extension.version).or_default().push(&side.label);
            schemas.entry(&extension.schema).or_default().push(&side.label);
        }
    }
    let told = |users: &Users<'_>| -> Vec<String> {
        let each = users.iter();
        each.map(|(it, sources)| format!("{it} in {}", sources.join(", ")))
            .collect()
    };
    for (name, (versions, schemas)) in found {
        if versions.len() > 1 {
            let all = told(&versions);
            conflicts.push(
                Conflict::new(
                    Severity::Warns,
                    Topic::Extension,
                    &[name, "versions"],
                    format!("{name} is {}", list(&all, 5)),
                    "one database has one version of it",
                )
                .with_evidence(all),
            );
        }
        if schemas.len() > 1 {
            let all = told(&schemas);
            let homes: Vec<String> = scene
                .sides
                .iter()
                .filter_map(|side| {
                    let mut own = side.catalog.extensions.iter();
                    let it = own.find(|it| it.name == name)?;
                    Some(side.planned.mapping.extension_schema(name, &it.schema))
                })
                .collect();
            let is_one = homes.windows(2).all(|it| it[0] == it[1]);
            let (severity, way_out) = if is_one {
                (
                    Severity::Resolved,
                    format!("the plan has it in {} for all", homes[0]),
                )
            } else {
                let way_out = format!(
                    "one database has it in one schema: name it in the plan (extension_schemas: {name})"
                );
                (Severity::Blocks, way_out)
            };
            conflicts.push(
                Conflict::new(
                    severity,
                    Topic::Extension,
                    &[name, "schemas"],
                    format!("{name} is in schema {}", list(&all, 5)),
                    way_out,
                )
                .with_evidence(all),
            );
        }
    }
}
