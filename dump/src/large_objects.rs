//! Large objects of a PostgreSQL source: all of them, or none when asked so.

use catalog::{Catalog, Table, oid_ranges};
use cli::{Exit, Failure, Ui, count};
use database::postgres::{
    Snapshot, add_large_objects, large_object_oids, large_object_parts, unreadable_large_objects,
};

/// As it stands among an archive's filters.
const FILTER: &str = "without large objects";

/// What a message names of many when it is not asked for all.
const NAMED_MAX: usize = 8;

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
    refuse_unreadable(snapshot, &name, ui)?;
    add_large_objects(snapshot.client(), catalog).map_err(Failure::source)?;
    Ok(None)
}

/// The table that stands for them, in parts for several sessions.
pub(crate) fn parts(catalog: &Catalog) -> Vec<Table> {
    let table = catalog.large_objects_table();
    table.map_or_else(Vec::new, |it| large_object_parts(it, &catalog.large_objects))
}

fn refuse_unreadable(snapshot: &mut Snapshot, name: &str, ui: &Ui) -> cli::Result<()> {
    let oids = unreadable_large_objects(snapshot.client()).map_err(Failure::source)?;
    let Some(first) = oids.first() else {
        return Ok(());
    };
    let ranges = oid_ranges(&oids);
    let named = if ui.is_verbose() { ranges.len() } else { NAMED_MAX };
    let list = ranges[..named.min(ranges.len())].join(", ");
    let more = if named < ranges.len() {
        " and more (--verbose names all)"
    } else {
        ""
    };
    let message = format!(
        "the role may not read large objects of {name}: {}",
        count(oids.len() as u64)
    );
    Err(Failure::new(Exit::Source, message)
        .with_state(format!("their OIDs: {list}{more}"))
        .with_hint(format!(
            "before PostgreSQL 19 pg_read_all_data does not cover them: GRANT SELECT ON LARGE OBJECT {first} … TO the role \
             (or a superuser runs ALTER ROLE … SET lo_compat_privileges = on), or leave them out with --no-large-objects"
        )))
}
