//! The target, of which only that is read which decides whether the sources fit: no table of it is locked or
//! counted, so that a role with nothing but CREATE on the database can ask.

use catalog::Extension;
use cli::{Failure, Result, Ui};
use database::Endpoint;
use database::postgres::{
    Identity, Offers, Selection, SnapshotRequest, TargetFacts, large_object_oids, read_catalog,
};

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
    extensions: Vec<Extension>,
}

impl Target {
    pub(crate) fn extensions(&self) -> impl Iterator<Item = &Extension> {
        without_built_in(&self.extensions)
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
    Ok(Target {
        name: endpoint.display_name(),
        endpoint: endpoint.brief(),
        identity: snapshot.identity().clone(),
        offers,
        facts,
        large_objects: large_object_oids(snapshot.client()).map_err(Failure::target)?,
        extensions: catalog.extensions,
    })
}
