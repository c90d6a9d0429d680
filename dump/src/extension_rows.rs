//! Rows of the user's in configuration tables of a PostgreSQL source's extensions.

use catalog::{Catalog, QualifiedName, Table, TableKind};
use cli::{Failure, Ui};
use database::postgres::{Snapshot, add_extension_rows};

/// Adds the tables that have such rows to the catalog, or returns the filter that keeps them out.
pub(crate) fn add(
    snapshot: &mut Snapshot,
    catalog: &mut Catalog,
    wanted: bool,
    ui: &Ui,
) -> cli::Result<Option<String>> {
    add_extension_rows(snapshot.client(), catalog).map_err(Failure::source)?;
    let is_found = |it: &&Table| it.kind == TableKind::Configuration;
    let found: Vec<QualifiedName> = catalog
        .tables
        .iter()
        .filter(is_found)
        .map(Table::qualified_name)
        .collect();
    if wanted || found.is_empty() {
        return Ok(None);
    }
    catalog.tables.retain(|it| it.kind != TableKind::Configuration);
    let names: Vec<String> = found.iter().map(ToString::to_string).collect();
    let filter = format!("without rows of extensions' tables: {}", names.join(", "));
    ui.status(format_args!("{}: {filter}", snapshot.endpoint().display_name()));
    Ok(Some(filter))
}
