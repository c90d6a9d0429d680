//! What stands in the way of putting several sources into one database.

use std::collections::{BTreeMap, BTreeSet};

use catalog::{Extension, ObjectKind, quote_ident};
use database::postgres::ExtensionOffer;
use plan::{Plan, PlannedSource};
use serde::Serialize;

use crate::large_objects;
use crate::sources::Source;
use crate::target::Target;

/// One thing that two sources, or a source and the target, do not agree on.
#[derive(Debug, Serialize)]
pub(crate) struct Conflict {
    pub(crate) severity: Severity,
    pub(crate) topic: Topic,
    /// What it is, as a sentence.
    pub(crate) text: String,
    /// What resolves it.
    pub(crate) way_out: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Severity {
    Blocks,
    Warns,
    /// The plan takes care of it.
    Resolved,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Topic {
    Server,
    Role,
    Encoding,
    Collation,
    Extension,
    Schema,
    LargeObject,
    Values,
    Name,
}

impl Topic {
    pub(crate) fn word(self) -> &'static str {
        match self {
            Topic::Server => "server",
            Topic::Role => "role",
            Topic::Encoding => "encoding",
            Topic::Collation => "collation",
            Topic::Extension => "extension",
            Topic::Schema => "schema",
            Topic::LargeObject => "large object",
            Topic::Values => "values",
            Topic::Name => "name",
        }
    }
}

/// Everything found, the worst first; `placements` is what the plan has taken care of already.
pub(crate) fn find(
    sources: &[Source],
    target: Option<&Target>,
    plan: &Plan,
    placements: Vec<Conflict>,
) -> Vec<Conflict> {
    let mut conflicts = placements;
    conflicts.extend(sources.iter().flat_map(values));
    if let Some(target) = target {
        target_itself(target, &mut conflicts);
        for (source, planned) in sources.iter().zip(&plan.sources) {
            servers(source, target, &mut conflicts);
            extensions(source, planned, target, &mut conflicts);
            schemas_that_exist(planned, target, &mut conflicts);
        }
    }
    conflicts.extend(large_objects::conflicts(sources, target));
    extension_versions(sources, &mut conflicts);
    shared_names(sources, &mut conflicts);
    conflicts.sort_by(|a, b| (a.severity, a.topic, &a.text).cmp(&(b.severity, b.topic, &b.text)));
    conflicts
}

fn conflict(severity: Severity, topic: Topic, text: String, way_out: impl Into<String>) -> Conflict {
    Conflict {
        severity,
        topic,
        text,
        way_out: way_out.into(),
    }
}

fn values(source: &Source) -> Vec<Conflict> {
    let of = |severity, way_out: &'static str| {
        move |text: &String| {
            conflict(
                severity,
                Topic::Values,
                format!("{} {text}", source.name()),
                way_out,
            )
        }
    };
    let file = source.file.iter();
    let blockers = file.clone().flat_map(|it| &it.blockers).map(|it| {
        let text = format!("{} {it}", source.name());
        conflict(Severity::Blocks, Topic::Values, text, it.hint())
    });
    let discarded = file
        .flat_map(|it| &it.discarded)
        .map(of(Severity::Resolved, "--on-bad-value or --orphans says so"));
    blockers
        .chain(discarded)
        .chain(
            source
                .notes
                .iter()
                .map(of(Severity::Warns, "look whether that is what you want")),
        )
        .collect()
}

/// What no source could be loaded with.
fn target_itself(target: &Target, conflicts: &mut Vec<Conflict>) {
    let (name, offers, encoding) = (&target.name, &target.offers, &target.identity.encoding);
    let mut blocks = |topic, text, way_out: &str| {
        conflicts.push(conflict(Severity::Blocks, topic, text, way_out));
    };
    if encoding != "UTF8" {
        let text = format!("{name} has encoding {encoding}, archives are UTF8");
        blocks(Topic::Encoding, text, "create it with ENCODING 'UTF8'");
    }
    if offers.in_recovery {
        blocks(
            Topic::Server,
            format!("{name} is on a standby"),
            "name its primary",
        );
    } else if offers.read_only {
        let text = format!("sessions on {name} are read-only");
        blocks(Topic::Server, text, "turn default_transaction_read_only off");
    }
    if !offers.may_create {
        let text = format!("role {} lacks CREATE on {name}", offers.role);
        let way_out = format!(
            "its owner runs GRANT CREATE ON DATABASE {} TO {}",
            quote_ident(&target.identity.database),
            quote_ident(&offers.role)
        );
        blocks(Topic::Role, text, &way_out);
    }
}

fn servers(source: &Source, target: &Target, conflicts: &mut Vec<Conflict>) {
    if !source.inventory.is_postgres() {
        return;
    }
    let (here, there) = (&source.inventory.server, &target.identity);
    if here.version_number / 10_000 > there.version_number.unsigned_abs() / 10_000 {
        let text = format!(
            "{} is PostgreSQL {}, {} is older: {}",
            source.name(),
            here.version,
            target.name,
            there.server_version
        );
        conflicts.push(conflict(
            Severity::Blocks,
            Topic::Server,
            text,
            "take a newer server, or try load --allow-older-target",
        ));
    }
    let collation = here.collation.to_string();
    if collation != there.collation {
        let text = format!(
            "{} sorts by {collation}, {} by {}",
            source.name(),
            target.name,
            there.collation
        );
        conflicts.push(conflict(
            Severity::Warns,
            Topic::Collation,
            text,
            "text may sort in another order",
        ));
    }
}

fn extensions(source: &Source, planned: &PlannedSource, target: &Target, conflicts: &mut Vec<Conflict>) {
    for extension in source.extensions() {
        let schema = planned
            .mapping
            .extension_schema(&extension.name, &extension.schema);
        let offer = target.offers.extension(&extension.name);
        if let Some((severity, text, way_out)) = judge(extension, &schema, offer, source.name(), &target.name)
        {
            conflicts.push(conflict(severity, Topic::Extension, text, way_out));
        }
    }
}

/// What `offer` means for an extension that a load would expect in `schema`, with a way out.
fn judge(
    extension: &Extension,
    schema: &str,
    offer: Option<&ExtensionOffer>,
    source: &str,
    target: &str,
) -> Option<(Severity, String, String)> {
    let Extension { name, version, .. } = extension;
    let (ident, place) = (quote_ident(name), quote_ident(schema));
    let Some(offer) = offer else {
        let text = format!("{name} of {source} is not available on the server of {target}");
        return Some((Severity::Blocks, text, "install its files there".to_owned()));
    };
    let Some(found) = &offer.installed else {
        let text = format!("{name} of {source} is not installed on {target}");
        return Some(if offer.may_create {
            (Severity::Resolved, text, "load creates it".to_owned())
        } else {
            let way_out = format!("an administrator runs CREATE EXTENSION {ident} SCHEMA {place}");
            (Severity::Blocks, text, way_out)
        });
    };
    if found.schema != schema {
        let text = format!(
            "{name} of {source} is in schema {} of {target}, not in {schema}",
            found.schema
        );
        let way_out = format!("ALTER EXTENSION {ident} SET SCHEMA {place}");
        return Some((Severity::Blocks, text, way_out));
    }
    if found.version == *version {
        return None;
    }
    let text = format!("{name} is {version} in {source}, {} on {target}", found.version);
    Some(if found.is_older_than(version) {
        (
            Severity::Blocks,
            text,
            format!("ALTER EXTENSION {ident} UPDATE on the target"),
        )
    } else {
        (
            Severity::Warns,
            text,
            "the target's version will serve".to_owned(),
        )
    })
}

fn schemas_that_exist(planned: &PlannedSource, target: &Target, conflicts: &mut Vec<Conflict>) {
    for schema in planned.schemas.iter().map(|it| planned.mapping.schema(it)) {
        let Some(found) = target.offers.schemas.iter().find(|it| it.name == schema) else {
            continue;
        };
        let exists = format!(
            "{schema}, planned for {}, exists on {}",
            planned.name, target.name
        );
        let text = match found.objects {
            0 if found.may_create => continue,
            0 => format!("{exists}, and role {} lacks CREATE on it", target.offers.role),
            1 => format!("{exists} with 1 object"),
            objects => format!("{exists} with {objects} objects"),
        };
        conflicts.push(conflict(
            Severity::Blocks,
            Topic::Schema,
            text,
            "choose another name with --to or --map",
        ));
    }
}

fn extension_versions(sources: &[Source], conflicts: &mut Vec<Conflict>) {
    let mut versions: BTreeMap<&str, BTreeMap<&str, Vec<&str>>> = BTreeMap::new();
    for source in sources {
        for extension in source.extensions() {
            let of_name = versions.entry(&extension.name).or_default();
            of_name.entry(&extension.version).or_default().push(source.name());
        }
    }
    for (name, versions) in versions.into_iter().filter(|(_, versions)| versions.len() > 1) {
        let list: Vec<String> = versions
            .iter()
            .map(|(version, sources)| format!("{version} in {}", sources.join(", ")))
            .collect();
        let text = format!("{name} is {}", list.join(", "));
        conflicts.push(conflict(
            Severity::Warns,
            Topic::Extension,
            text,
            "one database has one version of it",
        ));
    }
}

/// Names that several sources use for objects which could not stand in one schema.
fn shared_names(sources: &[Source], conflicts: &mut Vec<Conflict>) {
    /// The kinds of the objects, and the sources that have one.
    type Users<'a> = (BTreeSet<String>, BTreeSet<&'a str>);
    let mut users: BTreeMap<(Namespace, &str), Users<'_>> = BTreeMap::new();
    for source in sources {
        for object in &source.catalog.objects {
            let Some(namespace) = Namespace::of(object.kind) else {
                continue;
            };
            let (kinds, names) = users.entry((namespace, &object.name)).or_default();
            kinds.insert(object.kind.to_string());
            names.insert(source.name());
        }
    }
    for ((_, name), (kinds, names)) in users.into_iter().filter(|(_, (_, names))| names.len() > 1) {
        let kinds: Vec<String> = kinds.into_iter().collect();
        let names: Vec<&str> = names.into_iter().collect();
        let text = format!("{} {name} in {}", kinds.join(" and "), names.join(", "));
        conflicts.push(conflict(
            Severity::Resolved,
            Topic::Name,
            text,
            "kept apart by schema",
        ));
    }
}

/// Objects of one namespace cannot have one name in one schema.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Namespace {
    /// `pg_class`, and `pg_type` with it, since every table has a row type.
    Relation,
    Routine,
    Other(ObjectKind),
}

impl Namespace {
    fn of(kind: ObjectKind) -> Option<Namespace> {
        match kind {
            ObjectKind::Table
            | ObjectKind::ForeignTable
            | ObjectKind::View
            | ObjectKind::MaterializedView
            | ObjectKind::Sequence
            | ObjectKind::Index
            | ObjectKind::Type
            | ObjectKind::Domain => Some(Namespace::Relation),
            ObjectKind::Function | ObjectKind::Procedure | ObjectKind::Aggregate => Some(Namespace::Routine),
            // They belong to a table, and only within it their names must differ.
            ObjectKind::Constraint | ObjectKind::Trigger | ObjectKind::Rule | ObjectKind::Policy => None,
            other => Some(Namespace::Other(other)),
        }
    }
}
