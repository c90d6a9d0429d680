//! Large objects of a PostgreSQL source: all of them, or none when asked so.

use catalog::{Catalog, Table};
use cli::{Failure, Ui, count};
use database::postgres::{
    Snapshot, add_large_objects, check_large_objects_readable, large_object_oids, large_object_parts,
};

/// As it stands among an archive's filters.
const FILTER: &str = "without large objects";

/// Adds the large objects to the catalog, or returns the filter that keeps them out.
///
/// A role that may not read all of them is refused before any work.
pub(crate) fn add(
    snapshot: &mut Snapshot,
    catalog: &mut Catalog,
    wanted: bool,
    ui: &Ui,
) -> cli::Result<Option<String>> {
    let name = snapshot.endpoint().display_name();
    if !wanted {
        let oids = large_object_oids(snapshot.client()).map_err(Failure::source)?;
        let left_out = (!oids.is_empty()).then(|| FILTER.to_owned());
        if left_out.is_some() {
            ui.status(format_args!(
                "{name}: large objects that are left out: {}",
                count(oids.len() as u64)
            ));
        }
        return Ok(left_out);
    }
    check_large_objects_readable(snapshot.client(), None, ui.is_verbose()).map_err(Failure::source)?;
    add_large_objects(snapshot.client(), catalog).map_err(Failure::source)?;
    Ok(None)
}

/// The table that stands for them, in parts for several sessions.
pub(crate) fn parts(catalog: &Catalog) -> Vec<Table> {
    let table = catalog.large_objects_table();
    table.map_or_else(Vec::new, |it| large_object_parts(it, &catalog.large_objects))
}
