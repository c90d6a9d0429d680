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
mod constraints;
mod counting;
mod definitions;
mod duplicates;
mod index_text;
mod indexes;
mod links;
mod outside;
mod positions;
mod roles;
mod server;
mod session;
mod sizes;
mod tables;
mod usage;

use std::thread;
use std::time::Duration;

use ::inventory::Inventory;
use catalog::{Collation, Extension, Object, PartitionKey};

pub use counting::Counting;

use super::objects;
use crate::endpoint::PostgresEndpoint;
use crate::{Error, Result};
use session::Session;
use tables::Relations;

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
    let timeout = request.timeout;
    let mut session = Session::begin(&mut client, timeout)?;
    let snapshot = session.export_snapshot();
    // A role may be allowed a single connection: then one session asks for all.
    let second = snapshot.as_deref().and_then(|it| {
        let client = endpoint.connect(application_name).ok()?;
        on_interrupt(Box::new(endpoint.canceller(&client)));
        Some((client, it))
    });
    let (mut tables, mut census) = (Inventory::default(), Census::default());
    census.inventory.name = endpoint.display_name();
    census.inventory.endpoint = endpoint.brief();
    let mut unasked = None;
    let (relations, beside) = thread::scope(|scope| {
        let census = &mut census;
        let beside = second.map(|(mut client, snapshot)| {
            scope.spawn(move || {
                let mut session = Session::begin_at(&mut client, timeout, Some(snapshot))?;
                let sequences = read_beside_tables(&mut session, census)?;
                let mut said = session.finish();
                positions::read(&mut client, timeout, &sequences, &mut census.inventory, &mut said)?;
                Ok(said)
            })
        });
        let relations = read_tables(&mut session, &mut tables);
        let beside = beside.map(|it| it.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)));
        Ok((relations?, beside.transpose()?))
    })?;
    if beside.is_none() {
        unasked = Some(read_beside_tables(&mut session, &mut census)?);
    }
    census.inventory.tables = tables.tables;
    roles::read(&mut session, &mut census.inventory, &relations)?;
    if let Some(counting) = request.counting {
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
    let mut said = session.finish();
    if let Some(sequences) = unasked {
        positions::read(&mut client, timeout, &sequences, &mut census.inventory, &mut said)?;
    }
    if let Some(beside) = beside {
        said.add(beside);
    }
    let unread = said.sentences(&census.inventory, &relations);
    census.inventory.unread.extend(unread);
    Ok(census)
}

/// Tables with what hangs on them.
fn read_tables(session: &mut Session<'_>, inventory: &mut Inventory) -> Result<Relations> {
    let mut relations = tables::read(session, inventory)?;
    columns::read(session, inventory, &mut relations)?;
    constraints::read(session, inventory, &relations)?;
    indexes::read(session, inventory, &mut relations)?;
    sizes::read(session, inventory, &relations)?;
    bloat::read(session, inventory, &relations)?;
    usage::read_tables(session, inventory)?;
    Ok(relations)
}

/// All else but roles, which tables and connections name, and positions of sequences, whose OIDs are given back.
fn read_beside_tables(session: &mut Session<'_>, census: &mut Census) -> Result<Vec<u32>> {
    let it = &mut census.inventory;
    server::read(session, it)?;
    definitions::read_schemas(session, it)?;
    let sequences = definitions::read(session, it)?;
    links::find(it);
    outside::read(session, it)?;
    usage::read(session, it)?;
    what_plans_need(session, census)?;
    Ok(sequences)
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
