//! An archive by itself: every checksum, every count and every fingerprint in it.

use std::collections::HashMap;

use archive::{End, Header, RowsRecord, decompress};
use catalog::Table;
use cli::{ArchiveReader, Exit, Failure, Result, Ui, open_archive};
use conversion::TableConversion;
use fingerprint::{Fingerprint, each_row_of_chunk, map_chunk, scan_chunk};
use rewrite::{NameMap, TableNames};

use crate::report::{Identity, Report, TableResult};
use crate::rows::beside::Kept;
use crate::rows::converted::ConvertedRows;

pub(crate) fn check(name: &str, ui: &Ui) -> Result<Report> {
    let mut reader = open_archive(name)?;
    reader.schema().map_err(Failure::archive)?;
    let header = reader.header().clone();
    ui.detail(format_args!(
        "archive of {} at {}",
        header.source.database, header.source.snapshot_time
    ));
    let (end, ..) = read_through(reader, None, &[], false)?;
    let tables = header.catalog.tables.iter().filter_map(|table| {
        let fingerprint = end.table(table.number)?.fingerprint;
        let label = table.qualified_name().to_string();
        Some(TableResult::new(
            label,
            Some(fingerprint),
            Some(fingerprint),
            None,
        ))
    });
    Ok(Report::new(name.to_owned(), None, tables.collect(), Vec::new())
        .between(Identity::of_archive(&header), None))
}

/// Rows that are compared one by one, by table.
pub(crate) type KeptRows = HashMap<u32, Kept>;

/// Reads the rest of an archive, frames and hashes all its rows again and compares them with its end. With `names`
/// also returns the fingerprints that rows with names of objects in them have under their new names, with
/// `conversions` those that converted rows have; with `keeps` the
/// rows that are compared one by one.
pub(crate) fn read_through(
    mut reader: ArchiveReader,
    names: Option<&NameMap>,
    conversions: &[TableConversion],
    keeps: bool,
) -> Result<(End, HashMap<u32, Fingerprint>, KeptRows)> {
    let header = reader.header().clone();
    let mut renamed = Renamed::new(&header, names);
    let mut converted = ConvertedRows::new(&header, conversions);
    let keep = |table: &Table| {
        let kept = Kept::of_table(table, header.form(table.number)?)?;
        Some((table.number, kept))
    };
    let tables = header.catalog.tables.iter().filter(|_| keeps);
    let mut kept: KeptRows = tables.filter_map(keep).collect();
    let empty = |table: &Table| header.form(table.number).map(Fingerprint::empty);
    let mut totals: Vec<Option<Fingerprint>> = header.catalog.tables.iter().map(empty).collect();
    while let Some((rows, record)) = reader.next_chunk().map_err(Failure::archive)? {
        let stored = reader.chunk_bytes().map_err(Failure::archive)?;
        let part = hash_chunk(
            &header,
            &rows,
            stored,
            &record.name,
            (&mut renamed, &mut converted),
            &mut kept,
        )?;
        let place = usize::try_from(rows.table).unwrap_or(usize::MAX);
        if let Some(total) = totals.get_mut(place).and_then(Option::as_mut) {
            total
                .merge(&part)
                .map_err(|error| damaged(&record.name).with_source(error))?;
        }
    }
    let end = reader.finish().map_err(Failure::archive)?;
    for (table, total) in header.catalog.tables.iter().zip(totals) {
        if total != end.table(table.number).map(|it| it.fingerprint) {
            let message = format!(
                "archive is damaged: rows of {} do not have the fingerprint that it names",
                table.qualified_name()
            );
            return Err(Failure::new(Exit::Archive, message));
        }
    }
    let mut changed = renamed.finish();
    changed.extend(converted.finish());
    Ok((end, changed, kept))
}

/// The tables whose values hold names, and the fingerprints that they have under their new ones.
struct Renamed<'a>(HashMap<u32, (TableNames<'a>, Fingerprint)>);

impl<'a> Renamed<'a> {
    fn new(header: &Header, names: Option<&'a NameMap>) -> Self {
        let of_table = |table: &Table| {
            let empty = Fingerprint::empty(header.form(table.number)?);
            Some((table.number, (names?.table(table)?, empty)))
        };
        Renamed(header.catalog.tables.iter().filter_map(of_table).collect())
    }

    fn finish(self) -> HashMap<u32, Fingerprint> {
        let tables = self.0.into_iter();
        tables
            .map(|(table, (_, fingerprint))| (table, fingerprint))
            .collect()
    }
}

fn hash_chunk(
    header: &Header,
    rows: &RowsRecord,
    stored: Vec<u8>,
    member: &str,
    (renamed, converted): (&mut Renamed<'_>, &mut ConvertedRows),
    kept: &mut KeptRows,
) -> Result<Fingerprint> {
    let place = usize::try_from(rows.table).unwrap_or(usize::MAX);
    let table = header.catalog.tables.get(place).ok_or_else(|| damaged(member))?;
    let bytes = decompress(rows.codec, stored, rows.raw).map_err(Failure::archive)?;
    let names: Vec<&str> = table
        .stored_columns()
        .map(|column| column.name.as_str())
        .collect();
    let mut keep = |bytes: &[u8]| match kept.get_mut(&rows.table) {
        None => Ok(()),
        Some(kept) => each_row_of_chunk(rows.form, names.iter().copied(), bytes, |row| kept.take(row))
            .map_err(|error| damaged(member).with_source(error)),
    };
    if let Some((values, total)) = renamed.0.get_mut(&rows.table) {
        let mapped = map_chunk(names.iter().copied(), &bytes, |place, value| {
            values.map(place, value)
        })
        .map_err(|error| damaged(member).with_source(error))?;
        total
            .merge(&mapped.after)
            .map_err(|error| damaged(member).with_source(error))?;
        keep(mapped.changed.as_deref().unwrap_or(&bytes))?;
        return Ok(mapped.before);
    }
    if !converted.take(table, rows, &bytes) {
        return Err(damaged(member));
    }
    keep(&bytes)?;
    scan_chunk(rows.form, names.iter().copied(), &bytes).map_err(|error| damaged(member).with_source(error))
}

fn damaged(member: &str) -> Failure {
    Failure::new(
        Exit::Archive,
        format!("archive is damaged: rows in member {member}"),
    )
}
