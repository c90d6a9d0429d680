//! Rows of the user's in configuration tables of a PostgreSQL source's extensions.

use catalog::{Catalog, TableKind};
use cli::Failure;
use database::postgres::{Snapshot, add_extension_rows};

use crate::selection::Wanted;

/// Adds the tables that have such rows to the catalog, or says that they are left out.
pub(crate) fn add(
    snapshot: &mut Snapshot,
    catalog: &mut Catalog,
    wanted: &Wanted,
) -> cli::Result<Option<String>> {
    add_extension_rows(snapshot.client(), catalog).map_err(Failure::source)?;
    let tables = catalog.tables.iter();
    let found = tables.filter(|it| it.kind == TableKind::Configuration);
    let names: Vec<String> = found.map(|it| it.qualified_name().to_string()).collect();
    if names.is_empty() || wanted.extension_rows && wanted.has_what_stands_beside() {
        return Ok(None);
    }
    catalog.tables.retain(|it| it.kind != TableKind::Configuration);
    let names = names.join(", ");
    Ok(Some(format!(
        "rows of extensions' tables that are left out: {names}"
    )))
}
