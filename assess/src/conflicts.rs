//! What stands in the way of putting several sources into one database.

use std::collections::{BTreeMap, BTreeSet};

use catalog::ObjectKind;
use plan::Plan;
use serde::Serialize;

use crate::inventory::{Engine, Inventory};

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
    Encoding,
    Collation,
    Extension,
    Schema,
    Values,
    Name,
}

impl Topic {
    pub(crate) fn word(self) -> &'static str {
        match self {
            Topic::Server => "server",
            Topic::Encoding => "encoding",
            Topic::Collation => "collation",
            Topic::Extension => "extension",
            Topic::Schema => "schema",
            Topic::Values => "values",
            Topic::Name => "name",
        }
    }
}

/// Everything found, the worst first.
pub(crate) fn find(sources: &[Inventory], target: Option<&Inventory>, plan: &Plan) -> Vec<Conflict> {
    let mut conflicts = Vec::new();
    for source in sources {
        conflicts.extend(values(source));
        if let Some(target) = target {
            against_target(source, target, &mut conflicts);
        }
    }
    if let Some(target) = target {
        schemas_that_exist(target, plan, &mut conflicts);
    }
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

fn values(source: &Inventory) -> Vec<Conflict> {
    let of = |severity, way_out: &'static str| {
        move |text: &String| {
            conflict(
                severity,
                Topic::Values,
                format!("{} {text}", source.name),
                way_out,
            )
        }
    };
    let blockers = source
        .blockers
        .iter()
        .map(of(Severity::Blocks, "correct it in the source"));
    blockers
        .chain(
            source
                .notes
                .iter()
                .map(of(Severity::Warns, "look whether that is what you want")),
        )
        .collect()
}

fn against_target(source: &Inventory, target: &Inventory, conflicts: &mut Vec<Conflict>) {
    let Engine::Postgres(there) = &target.engine else {
        let text = format!("{} is a SQLite file", target.name);
        conflicts.push(conflict(
            Severity::Blocks,
            Topic::Server,
            text,
            "name a PostgreSQL database",
        ));
        return;
    };
    if there.encoding != "UTF8" {
        let text = format!(
            "{} has encoding {}, archives are UTF8",
            target.name, there.encoding
        );
        conflicts.push(conflict(
            Severity::Blocks,
            Topic::Encoding,
            text,
            "create it with ENCODING 'UTF8'",
        ));
    }
    if let Engine::Postgres(here) = &source.engine {
        if here.version_number / 10_000 > there.version_number / 10_000 {
            let text = format!(
                "{} is PostgreSQL {}, {} is older: {}",
                source.name, here.server_version, target.name, there.server_version
            );
            conflicts.push(conflict(
                Severity::Blocks,
                Topic::Server,
                text,
                "take a newer server",
            ));
        }
        if here.collation != there.collation {
            let text = format!(
                "{} sorts by {}, {} by {}",
                source.name, here.collation, target.name, there.collation
            );
            conflicts.push(conflict(
                Severity::Warns,
                Topic::Collation,
                text,
                "text may sort in another order",
            ));
        }
    }
    for extension in source.extensions() {
        let (name, version) = (&extension.name, &extension.version);
        let found = target.catalog.extensions.iter().find(|it| it.name == *name);
        let text = match found {
            Some(found) if found.version == *version => continue,
            Some(found) => format!(
                "{name} is {version} in {}, {} on {}",
                source.name, found.version, target.name
            ),
            None => format!("{name} of {} is not installed on {}", source.name, target.name),
        };
        let (severity, way_out) = match found {
            Some(_) => (
                Severity::Warns,
                format!("ALTER EXTENSION {name} UPDATE where it is older"),
            ),
            None if extension.trusted => (Severity::Resolved, "load creates it".to_owned()),
            None => (
                Severity::Blocks,
                format!("an administrator runs CREATE EXTENSION {name}"),
            ),
        };
        conflicts.push(conflict(severity, Topic::Extension, text, way_out));
    }
}

fn schemas_that_exist(target: &Inventory, plan: &Plan, conflicts: &mut Vec<Conflict>) {
    for source in &plan.sources {
        for schema in source.schemas.iter().map(|it| source.mapping.schema(it)) {
            let objects = target
                .catalog
                .objects
                .iter()
                .filter(|it| it.schema == schema)
                .count();
            if objects > 0 {
                let text = format!(
                    "{schema}, planned for {}, exists on {} with {objects} objects",
                    source.name, target.name
                );
                conflicts.push(conflict(
                    Severity::Blocks,
                    Topic::Schema,
                    text,
                    "choose another name with --to or --map",
                ));
            }
        }
    }
}

fn extension_versions(sources: &[Inventory], conflicts: &mut Vec<Conflict>) {
    let mut versions: BTreeMap<&str, BTreeMap<&str, Vec<&str>>> = BTreeMap::new();
    for source in sources {
        for extension in source.extensions() {
            let of_name = versions.entry(&extension.name).or_default();
            of_name.entry(&extension.version).or_default().push(&source.name);
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
fn shared_names(sources: &[Inventory], conflicts: &mut Vec<Conflict>) {
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
            names.insert(&source.name);
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
