//! Large objects of a PostgreSQL source: all of them, or none when asked so.

use catalog::Catalog;
use cli::{Failure, Ui, count};
use database::postgres::{Snapshot, add_large_objects, check_large_objects_readable, large_object_oids};

use crate::selection::Wanted;

/// Adds the large objects to the catalog, or says that they are left out.
///
/// A role that may not read all of them is refused before any work.
pub(crate) fn add(
    snapshot: &mut Snapshot,
    catalog: &mut Catalog,
    wanted: &Wanted,
    ui: &Ui,
) -> cli::Result<Option<String>> {
    if wanted.large_objects && wanted.has_what_stands_beside() {
        check_large_objects_readable(snapshot.client(), None, ui.is_verbose()).map_err(Failure::source)?;
        add_large_objects(snapshot.client(), catalog).map_err(Failure::source)?;
        return Ok(None);
    }
    let oids = large_object_oids(snapshot.client()).map_err(Failure::source)?;
    Ok((!oids.is_empty()).then(|| format!("large objects that are left out: {}", count(oids.len() as u64))))
}
