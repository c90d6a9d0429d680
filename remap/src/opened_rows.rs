//! Rows of tables whose values hold names of objects: their chunks are opened, mapped and made again, one at a
//! time, and hashed as they were and as they are then.

use std::collections::BTreeMap;

use archive::{Header, Record, RowsRecord, TableEnd, Writer, compress, decompress};
use catalog::{ColumnType, NameKind, Table};
use cli::{ArchiveSink, Exit, Failure, Ui};
use fingerprint::{Fingerprint, MappedChunk, map_chunk};
use rewrite::{Doubt, NameMap, TableNames, Unresolved};

/// The tables that are opened.
pub(crate) struct OpenedTables<'a>(BTreeMap<u32, OpenedTable<'a>>);

struct OpenedTable<'a> {
    table: &'a Table,
    names: TableNames<'a>,
    before: Fingerprint,
    after: Fingerprint,
}

impl<'a> OpenedTables<'a> {
    pub(crate) fn new(source: &'a Header, names: &'a NameMap) -> Self {
        let opened = |table: &'a Table| {
            let empty = Fingerprint::empty(source.form(table.number)?);
            let opened = OpenedTable {
                table,
                names: names.table(table)?,
                before: empty,
                after: empty,
            };
            Some((table.number, opened))
        };
        OpenedTables(source.catalog.tables.iter().filter_map(opened).collect())
    }

    pub(crate) fn holds(&self, table: u32) -> bool {
        self.0.contains_key(&table)
    }

    /// Writes a chunk of one of the tables with its new values, or as it is stored when it has none. Without a
    /// writer the values are looked at alone.
    pub(crate) fn pass_chunk(
        &mut self,
        rows: RowsRecord,
        record: &Record,
        stored: &[u8],
        writer: Option<&mut Writer<ArchiveSink>>,
    ) -> cli::Result<()> {
        let damaged = || {
            Failure::new(
                Exit::Archive,
                format!("archive is damaged: rows in member {}", record.name),
            )
        };
        let opened = self.0.get_mut(&rows.table).ok_or_else(damaged)?;
        let chunk = decompress(rows.codec, stored.to_vec(), rows.raw).map_err(Failure::archive)?;
        let columns: Vec<&str> = opened.table.stored_columns().map(|it| it.name.as_str()).collect();
        let names = &mut opened.names;
        let mapped = map_chunk(columns, &chunk, |place, value| names.map(place, value))
            .map_err(|error| damaged().with_source(error))?;
        let MappedChunk {
            changed,
            before,
            after,
        } = mapped;
        if before.rows != rows.rows {
            return Err(damaged());
        }
        // All are of one form, since only tables in text are opened.
        let added = opened
            .before
            .merge(&before)
            .and_then(|()| opened.after.merge(&after));
        added.map_err(|error| damaged().with_source(error))?;
        let Some(writer) = writer else { return Ok(()) };
        let Some(changed) = changed else {
            return writer
                .pass_chunk(rows, record, &mut &*stored)
                .map_err(Failure::archive);
        };
        let rows = RowsRecord {
            raw: changed.len() as u64,
            ..rows
        };
        let stored = compress(rows.codec.with_default_level(), changed).map_err(Failure::archive)?;
        writer.changed_chunk(rows, &stored).map_err(Failure::archive)
    }

    /// Compares what was opened with the archive's end, and puts the new fingerprints there beside the source's.
    pub(crate) fn settle(&self, tables: &mut [TableEnd]) -> cli::Result<()> {
        for end in tables {
            let Some(opened) = self.0.get(&end.table) else {
                continue;
            };
            if opened.before != end.fingerprint {
                let message = format!(
                    "archive is damaged: rows of {} do not have the fingerprint that it names",
                    opened.table.qualified_name()
                );
                return Err(Failure::new(Exit::Archive, message));
            }
            end.source_fingerprint.get_or_insert(opened.before);
            end.fingerprint = opened.after;
        }
        Ok(())
    }

    /// Values that mean nothing on the target, in the catalog's order.
    pub(crate) fn unresolved(&self) -> Vec<Unresolved> {
        self.0.values().flat_map(|it| it.names.unresolved()).collect()
    }
}

/// Columns that hold names in an archive from before archives said so: such rows are not opened.
pub(crate) fn doubts(source: &Header) -> Vec<Doubt> {
    let tables = source.catalog.tables.iter().filter(|table| table.has_rows());
    let columns = tables.flat_map(|table| table.stored_columns().map(move |column| (table, column)));
    let doubt = |(table, column): (&Table, &catalog::Column)| {
        let kind = NameKind::from_type_name(&column.column_type.name)?;
        let untold = column.names.is_none() && column.column_type.schema == ColumnType::BUILT_IN_SCHEMA;
        untold.then(|| Doubt {
            object: format!("table {}", table.qualified_name()),
            line: 1,
            body_line: None,
            reason: format!(
                "column {} holds names of objects ({kind}), and they stay as they are: dump it again",
                column.name
            ),
        })
    };
    columns.filter_map(doubt).collect()
}

/// OIDs by themselves stay what they are: what they mean, nobody knows.
pub(crate) fn mention_oids(source: &Header, ui: &Ui) {
    for table in source.catalog.tables.iter().filter(|table| table.has_rows()) {
        for column in table.stored_columns() {
            if column.column_type.schema == ColumnType::BUILT_IN_SCHEMA && column.column_type.name == "oid" {
                ui.detail(format_args!(
                    "{}: column {} holds OIDs, which stay as they are",
                    table.qualified_name(),
                    column.name
                ));
            }
        }
    }
}
