//! Rows of the user's in configuration tables of a PostgreSQL source's extensions.

use archive::Content;
use catalog::Catalog;
use cli::Failure;
use database::postgres::{Snapshot, add_extension_rows, extension_tables_left_out};

use crate::selection::Wanted;

/// Adds the tables that are wanted and have such rows to the catalog; says which were not looked into.
pub(crate) fn add(
    snapshot: &mut Snapshot,
    catalog: &mut Catalog,
    wanted: &Wanted,
) -> cli::Result<Option<String>> {
    let (client, chosen) = snapshot.parts();
    add_extension_rows(client, chosen, catalog).map_err(Failure::source)?;
    let left_out = extension_tables_left_out(client, chosen).map_err(Failure::source)?;
    if left_out.is_empty() || wanted.content == Content::SchemaOnly {
        return Ok(None);
    }
    let names: Vec<String> = left_out.iter().map(ToString::to_string).collect();
    let names = names.join(", ");
    Ok(Some(format!(
        "rows of the user's in extensions' tables are left out, if there are any: {names}"
    )))
}
