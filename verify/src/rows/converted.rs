//! Integer keys that became UUIDs on their way: which they are in a source, and its rows as they are then.

use std::collections::HashMap;

use archive::Header;
use catalog::{Catalog, Table};
use cli::{Failure, Result};
use conversion::{RowConversion, TableConversion, conversion_of};
use database::postgres::read_foreign_keys;
use fingerprint::{Fingerprint, FormMismatch, each_row_of_chunk};
use plan::Keys;
use rewrite::foreign_keys;

use crate::sides::Source;

/// Chooses as `remap-schema` does, or takes what an archive says that it has done.
pub(crate) fn choose(source: &Source, keys: Option<&Keys>) -> Result<Vec<TableConversion>> {
    if let Source::Archive(it) = source
        && !it.header.conversions.is_empty()
    {
        return if keys.is_some() {
            Err(Failure::usage("the archive's keys become UUIDs already").with_hint("leave --uuid-keys out"))
        } else {
            Ok(it.header.conversions.clone())
        };
    }
    let Some(keys) = keys else { return Ok(Vec::new()) };
    let (found, name) = match source {
        Source::Postgres(live) => {
            let found = live.with_snapshot(|snapshot| read_foreign_keys(snapshot.client()));
            (found.map_err(Failure::source)?, live.identity.database.clone())
        }
        Source::Sqlite(file) => (foreign_keys(&file.inspection.post_data), file.file_name()),
        Source::Archive(it) if !it.header.mappings.is_empty() => {
            let message = "the archive has new names already, and keys are made from the source's own";
            return Err(Failure::usage(message));
        }
        Source::Archive(it) => (it.foreign_keys.clone(), it.header.source.database.clone()),
    };
    Ok(cli::choose_keys(source.catalog(), &found, keys, &name)?.tables)
}

/// The catalog as it is when its keys are UUIDs. An archive that says so has been settled before.
pub(crate) fn reshaped(source: &Source, conversions: &[TableConversion]) -> Catalog {
    let mut catalog = source.catalog().clone();
    let is_settled = matches!(source, Source::Archive(it) if !it.header.conversions.is_empty());
    if !is_settled {
        conversion::settle(&mut catalog, conversions);
    }
    conversion::reshape(&mut catalog, conversions);
    catalog
}

/// Rows of an archive's tables that are converted, and the fingerprints that they have then.
#[derive(Default)]
pub(crate) struct ConvertedRows(HashMap<u32, (RowConversion, Option<Fingerprint>)>);

impl ConvertedRows {
    pub(crate) fn new(header: &Header, conversions: &[TableConversion]) -> Self {
        let of_table = |table: &Table| {
            let rows = RowConversion::new(table, conversion_of(conversions, table.number)?);
            Some((
                table.number,
                (rows, header.form(table.number).map(Fingerprint::empty)),
            ))
        };
        ConvertedRows(header.catalog.tables.iter().filter_map(of_table).collect())
    }

    /// Takes a chunk whose rows are framed as they should be; false when a value is no integer.
    pub(crate) fn take(&mut self, table: &Table, rows: &archive::RowsRecord, bytes: &[u8]) -> bool {
        let Some((conversion, Some(total))) = self.0.get_mut(&table.number) else {
            return true;
        };
        let names: Vec<&str> = table.stored_columns().map(|it| it.name.as_str()).collect();
        let part = conversion.fingerprint(rows.form, |take| each_row_of_chunk(rows.form, names, bytes, take));
        matches!(part, Ok(Ok(part)) if total.merge(&part).is_ok())
    }

    /// Adds what another thread has taken.
    pub(crate) fn merge(&mut self, part: ConvertedRows) -> std::result::Result<(), FormMismatch> {
        for (table, (_, part)) in part.0 {
            if let (Some((_, Some(total))), Some(part)) = (self.0.get_mut(&table), part) {
                total.merge(&part)?;
            }
        }
        Ok(())
    }

    pub(crate) fn finish(self) -> impl Iterator<Item = (u32, Fingerprint)> {
        self.0
            .into_iter()
            .filter_map(|(table, (_, fingerprint))| Some((table, fingerprint?)))
    }
}
