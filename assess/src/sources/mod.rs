//! The sources: where each is, what it holds, and what planning needs of it beside its inventory.

mod archived;
mod args;
mod as_catalog;
mod file;
mod from_catalog;
mod live;
mod secrets;
mod short_names;

use std::path::Path;
use std::thread;

use archive::Discard;
use catalog::{Catalog, Extension};
use cli::{Failure, Result, Ui};
use database::Endpoint;
use database::sqlite::{Blocker, Choices, OrphanedKey, TableReport};
use inventory::Inventory;
use plan::PlannedType;

use crate::args::Args;

pub(crate) use args::CensusArgs;

/// One source.
pub(crate) struct Source {
    /// What it holds and how it is used.
    pub(crate) inventory: Inventory,
    /// As far as a plan needs it; [`Catalog::tables`] are those of the inventory, in the same order.
    pub(crate) catalog: Catalog,
    /// Of a SQLite file, and of nothing else.
    pub(crate) file: Option<SqliteFile>,
    /// OIDs, ascending.
    pub(crate) large_objects: Vec<u32>,
    /// What will be different on the target, as sentences.
    pub(crate) notes: Vec<String>,
}

/// What a SQLite file has beside its inventory.
#[derive(Default)]
pub(crate) struct SqliteFile {
    /// What its values are, and what becomes of each column.
    pub(crate) census: Vec<TableReport>,
    /// The types that a plan names.
    pub(crate) types: Vec<PlannedType>,
    /// What the choices for its values leave out or change, and the same as sentences.
    pub(crate) discards: Vec<Discard>,
    pub(crate) discarded: Vec<String>,
    /// Foreign keys with rows that have no parent.
    pub(crate) orphans: Vec<OrphanedKey>,
    /// What cannot be moved as it is.
    pub(crate) blockers: Vec<Blocker>,
}

impl Source {
    pub(crate) fn name(&self) -> &str {
        &self.inventory.name
    }

    pub(crate) fn extensions(&self) -> impl Iterator<Item = &Extension> {
        without_built_in(&self.catalog.extensions)
    }
}

/// Extensions but for the one that every server has.
pub(crate) fn without_built_in(extensions: &[Extension]) -> impl Iterator<Item = &Extension> {
    extensions.iter().filter(|it| it.name != "plpgsql")
}

/// What the words for a source name.
#[expect(
    clippy::large_enum_variant,
    reason = "a process has a handful of them; a box would only be in the way"
)]
enum Place {
    Database(Endpoint),
    Archive(String),
}

impl Place {
    /// An archive is `-`, a file that begins like one, or a folder that ends like one; all else is as in every tool.
    fn of(words: &str) -> Result<Place> {
        if words == "-" || archived::is_archive(Path::new(words)) {
            return Ok(Place::Archive(words.to_owned()));
        }
        let endpoint = Endpoint::parse(words, &cli::environment()).map_err(Failure::source)?;
        Ok(Place::Database(endpoint))
    }

    fn is_file(&self) -> bool {
        matches!(self, Place::Database(Endpoint::Sqlite(_)))
    }
}

/// Looks at all sources at once; they come back in the order in which they were named.
pub(crate) fn take_all(args: &Args, choices: &Choices, ui: &Ui) -> Result<Vec<Source>> {
    let places: Vec<Place> = args
        .sources
        .iter()
        .map(|it| Place::of(&cli::expand_endpoint(it, "a source")?))
        .collect::<Result<_>>()?;
    refuse_options_without_a_file(args, &places)?;
    thread::scope(|scope| {
        let started: Vec<_> = places
            .iter()
            .map(|place| scope.spawn(move || take(place, args, choices, ui)))
            .collect();
        let taken = started.into_iter().map(|it| match it.join() {
            Ok(taken) => taken,
            Err(panic) => std::panic::resume_unwind(panic),
        });
        let mut taken: Vec<Source> = taken.collect::<Result<_>>()?;
        short_names::say_repeated(&taken, ui);
        short_names::give(&mut taken);
        Ok(taken)
    })
}

/// Looks at the sources of a plan, each by its own choices.
pub(crate) fn take_planned(wanted: &[(String, Choices)], args: &Args, ui: &Ui) -> Result<Vec<Source>> {
    let looked = wanted
        .iter()
        .map(|(words, choices)| take(&Place::of(words)?, args, choices, ui));
    let mut looked: Vec<Source> = looked.collect::<Result<_>>()?;
    short_names::give(&mut looked);
    Ok(looked)
}

fn refuse_options_without_a_file(args: &Args, places: &[Place]) -> Result<()> {
    let stdin = places
        .iter()
        .filter(|it| matches!(it, Place::Archive(name) if name == "-"));
    if stdin.count() > 1 {
        return Err(Failure::usage("`-` is named twice, and stdin holds one archive"));
    }
    let files = places.iter().filter(|it| it.is_file()).count();
    if files == 0 {
        args.sqlite.refuse_for(&args.sources.join(", "))?;
        args.sqlite_names.refuse_for(&args.sources.join(", "))?;
    }
    if files > 1 && args.sqlite.name_columns() {
        return Err(
            Failure::usage("--type names a column of one SQLite file, and several are given")
                .with_hint("assess that file apart from the others"),
        );
    }
    if files > 1 && args.sqlite_names.name_tables() {
        return Err(
            Failure::usage("--rename names what is in one SQLite file, and several are given")
                .with_hint("assess that file apart from the others"),
        );
    }
    Ok(())
}

fn take(place: &Place, args: &Args, choices: &Choices, ui: &Ui) -> Result<Source> {
    match place {
        Place::Database(Endpoint::Postgres(endpoint)) => live::take(endpoint, &args.census, ui),
        Place::Database(Endpoint::Sqlite(path)) => file::take(path, choices, ui),
        Place::Archive(name) => archived::take(name),
    }
}
