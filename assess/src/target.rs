//! The target, of which only that is read which decides whether the sources fit: no table of it is locked or
//! counted, so that a role with nothing but CREATE on the database can ask.

use catalog::{Extension, quote_ident};
use cli::{Failure, Result, Ui};
use database::Endpoint;
use database::postgres::{
    Identity, Offers, SchemaLoad, SchemaOffer, Selection, SnapshotRequest, TargetFacts, large_object_oids,
    read_catalog, read_schema_loads,
};

use inventory::Inventory;
use plan::PlannedSource;

use crate::conflicts::number_of;
use crate::sources::{Source, without_built_in};

pub(crate) struct Target {
    /// As in messages.
    pub(crate) name: String,
    /// How it was reached, without a password.
    pub(crate) endpoint: String,
    pub(crate) identity: Identity,
    pub(crate) offers: Offers,
    pub(crate) facts: TargetFacts,
    /// OIDs, ascending.
    pub(crate) large_objects: Vec<u32>,
    /// Into the schemas that are wanted, as far as the journal can be believed.
    loads: Vec<SchemaLoad>,
    extensions: Vec<Extension>,
}

impl Target {
    pub(crate) fn extensions(&self) -> impl Iterator<Item = &Extension> {
        without_built_in(&self.extensions)
    }

    /// Why `source` cannot be loaded into a schema that exists; `None` where it can.
    pub(crate) fn obstacle(
        &self,
        found: &SchemaOffer,
        source: &Inventory,
        planned: &PlannedSource,
    ) -> Option<Obstacle> {
        let (schema, name, target) = (&found.name, &planned.name, &self.name);
        let exists = format!("{schema}, planned for {name}, exists on {target}");
        if found.objects == 0 {
            return (!found.may_create).then(|| Obstacle {
                kind: ObstacleKind::Exists,
                text: format!("{exists}, and role {} lacks CREATE on it", self.offers.role),
                way_out: "grant it, or choose another name with --to or --map".to_owned(),
            });
        }
        let objects = usize::try_from(found.objects).unwrap_or(usize::MAX);
        let is_of_source = |it: &&SchemaLoad| {
            it.schema == *schema
                && (it.source == source.server.database || it.source.split('+').any(|it| it == name))
        };
        let (kind, text, way_out) = match self.loads.iter().find(is_of_source) {
            Some(load) if load.is_live => (
                ObstacleKind::Loaded,
                format!("{name} is live on {target} already, in schema {schema}"),
                "verify proves it; to load it once more choose another name in the plan".to_owned(),
            ),
            Some(_) => (
                ObstacleKind::Unfinished,
                format!("a load of {name} into schema {schema} of {target} did not come to its end"),
                format!(
                    "load --resume goes on, load --abandon {} removes it",
                    quote_ident(schema)
                ),
            ),
            None => (
                ObstacleKind::Exists,
                format!("{exists} and holds {}", number_of(objects, "object", "objects")),
                "choose another name with --to or --map".to_owned(),
            ),
        };
        Some(Obstacle { kind, text, way_out })
    }
}

/// A schema that is in the way of a load.
pub(crate) struct Obstacle {
    pub(crate) kind: ObstacleKind,
    pub(crate) text: String,
    pub(crate) way_out: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ObstacleKind {
    /// It is somebody else's.
    Exists,
    /// A load of this source has made it.
    Loaded,
    Unfinished,
}

impl ObstacleKind {
    /// As ids of conflicts end.
    pub(crate) fn word(self) -> &'static str {
        match self {
            ObstacleKind::Exists => "exists",
            ObstacleKind::Loaded => "loaded",
            ObstacleKind::Unfinished => "unfinished",
        }
    }
}

/// Calls targets by their databases alone where nothing else is called so.
pub(crate) fn shorten_names(targets: &mut [Target], sources: &[Source]) {
    let databases: Vec<String> = targets.iter().map(|it| it.identity.database.clone()).collect();
    for target in targets {
        let short = &target.identity.database;
        let is_source_s = sources.iter().any(|it| it.inventory.server.database == *short);
        if !is_source_s && databases.iter().filter(|it| *it == short).count() == 1 {
            target.name.clone_from(short);
        }
    }
}

/// Looks at what a load into `schemas` would find.
pub(crate) fn take(words: &str, schemas: &[String], ui: &Ui) -> Result<Target> {
    let endpoint = match Endpoint::parse(words, &cli::environment()).map_err(Failure::target)? {
        Endpoint::Postgres(endpoint) => endpoint,
        Endpoint::Sqlite(path) => {
            let message = format!("the target `{}` is a SQLite file", path.display());
            return Err(Failure::usage(message).with_hint("name a PostgreSQL database"));
        }
    };
    for warning in endpoint.warnings() {
        ui.warning(warning);
    }
    // A schema that is planned may be another team's already: its tables need not be ours to lock.
    let mut snapshot = SnapshotRequest::new(&endpoint, "coalesce assess")
        .selecting(Selection::in_schemas(&[]))
        .on_interrupt(&|cancel| cli::on_interrupt(cancel).keep())
        .take()
        .map_err(Failure::target)?;
    let (client, chosen) = snapshot.parts();
    let catalog = read_catalog(client, chosen).map_err(Failure::target)?;
    let offers = Offers::read(snapshot.client(), schemas).map_err(Failure::target)?;
    let facts = TargetFacts::read(snapshot.client(), schemas).map_err(Failure::target)?;
    let loads = read_schema_loads(snapshot.client(), schemas).map_err(Failure::target)?;
    Ok(Target {
        name: endpoint.display_name(),
        endpoint: endpoint.brief(),
        identity: snapshot.identity().clone(),
        offers,
        facts,
        large_objects: large_object_oids(snapshot.client()).map_err(Failure::target)?,
        loads,
        extensions: catalog.extensions,
    })
}
