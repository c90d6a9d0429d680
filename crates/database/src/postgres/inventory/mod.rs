//! The census of a live server: everything that an inventory holds, in a few questions to the system catalogs and to
//! `pg_stat_*`, however many objects there are.
//!
//! One READ ONLY transaction at REPEATABLE READ asks them, on a standby too. No rows of the user's are read and no table is
//! locked, unless rows are to be counted. What PostgreSQL can tell only after opening a relation (definitions with
//! expressions, positions of sequences) is asked of those that nobody holds, and its locks are given back with each
//! answer: see [`session`]. What the role may not read is a sentence in [`Inventory::unread`]. `docs/inventory.md` is the
//! contract.

mod bloat;
mod columns;
mod counting;
mod definitions;
mod duplicates;
mod indexes;
mod links;
mod outside;
mod roles;
mod server;
mod session;
mod sizes;
mod tables;
mod usage;

use std::time::Duration;

use ::inventory::Inventory;
use catalog::{Collation, Extension, Object, PartitionKey};

pub use counting::Counting;

use super::objects;
use crate::endpoint::PostgresEndpoint;
use crate::{Error, Result};
use session::Session;

/// Which relations are the user's: the schema `n` is none of the system's, and the object `c` of the catalog `{class}`
/// belongs to no extension.
const OWN: &str = "n.nspname !~ '^pg_' AND n.nspname NOT IN ('information_schema', 'coalesce')
  AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend e WHERE e.deptype = 'e' AND e.objid = c.oid
                  AND e.classid = 'pg_catalog.{class}'::pg_catalog.regclass)";

/// What is asked for.
#[derive(Clone, Debug, Default)]
pub struct CensusRequest {
    /// How long each question may take; `None` for any time.
    pub timeout: Option<Duration>,
    /// Whether, and by how many sessions, rows are counted.
    pub counting: Option<Counting>,
}

/// An inventory with what plans need beside it.
#[derive(Clone, Debug, Default)]
pub struct Census {
    pub inventory: Inventory,
    /// As in [`catalog::Catalog::objects`].
    pub objects: Vec<Object>,
    /// With their members.
    pub extensions: Vec<Extension>,
    pub collations: Vec<Collation>,
    /// Of partitioned tables, each with its schema and name.
    pub partition_keys: Vec<((String, String), PartitionKey)>,
    /// Large objects, ascending.
    pub large_objects: Vec<u32>,
}

/// Takes the census of a database.
///
/// `on_interrupt` gets what cancels a running question.
///
/// # Errors
///
/// When the server cannot be reached, or not even be asked what it is.
pub fn take_census(
    endpoint: &PostgresEndpoint,
    application_name: &str,
    request: &CensusRequest,
    on_interrupt: super::OnInterrupt<'_>,
) -> Result<Census> {
    let mut client = endpoint.connect(application_name)?;
    on_interrupt(Box::new(endpoint.canceller(&client)));
    super::introspect::refuse_other_journal(&mut client)?;
    let mut session = Session::begin(&mut client, request.timeout)?;
    let mut census = Census::default();
    let it = &mut census.inventory;
    it.name = endpoint.display_name();
    it.endpoint = endpoint.brief();
    server::read(&mut session, it)?;
    definitions::read_schemas(&mut session, it)?;
    let mut relations = tables::read(&mut session, it)?;
    columns::read(&mut session, it, &mut relations)?;
    tables::read_constraints(&mut session, it, &relations)?;
    indexes::read(&mut session, it, &mut relations)?;
    sizes::read(&mut session, it, &relations)?;
    bloat::read(&mut session, it, &relations)?;
    definitions::read(&mut session, it)?;
    links::find(it);
    outside::read(&mut session, it)?;
    usage::read(&mut session, it)?;
    roles::read(&mut session, it, &relations)?;
    what_plans_need(&mut session, &mut census)?;
    if let Some(counting) = request.counting {
        let snapshot = session.export_snapshot();
        counting::count(
            endpoint,
            application_name,
            counting,
            request.timeout,
            on_interrupt,
            snapshot.as_deref(),
            &mut census.inventory,
        )?;
    }
    session.say_what_was_held(&census.inventory, &relations);
    census.inventory.unread.extend(session.finish());
    Ok(census)
}

/// Names of all objects, members of extensions, orders of text, keys of partitions, large objects.
fn what_plans_need(session: &mut Session<'_>, census: &mut Census) -> Result<()> {
    let said = session.guarded("the objects", |client| objects::read_objects(client, None))?;
    census.objects = said.unwrap_or_default();
    // Every database has it from the start, so that it is there and empty means nothing.
    let has_public = census.objects.iter().any(|it| it.schema == "public");
    census
        .inventory
        .schemas
        .retain(|it| it.name != "public" || has_public);
    let said = session.guarded("the extensions", super::introspect::read_extensions)?;
    census.extensions = said.unwrap_or_default();
    for (known, found) in census.inventory.extensions.iter_mut().zip(&census.extensions) {
        known.members = found.members.len() as u64;
    }
    let said = session.guarded("the collations", |client| {
        super::collations::read_collations(client, None)
    })?;
    census.collations = said.unwrap_or_default();
    outside::read_large_objects(session, census)?;
    tables::read_partition_keys(session, census)
}

fn own(class: &str) -> String {
    OWN.replace("{class}", class)
}

fn failed<E>(what: &str) -> impl FnOnce(E) -> Error
where
    E: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    Error::query(format!("{what} could not be read"))
}

/// A count of the server's, which is never below 0 but for "unknown".
fn unsigned(number: i64) -> u64 {
    u64::try_from(number).unwrap_or(0)
}
