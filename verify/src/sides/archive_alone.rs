//! An archive by itself: every checksum, every count and every fingerprint in it.

use cli::{Failure, Result, Ui, open_archive};

use crate::report::{Identity, Report, TableResult};
use crate::sides::archive_rows::{Passing, read_through};

pub(crate) fn check(name: &str, jobs: usize, ui: &Ui) -> Result<Report> {
    let mut reader = open_archive(name)?;
    reader.schema().map_err(Failure::archive)?;
    let header = reader.header().clone();
    ui.detail(format_args!(
        "archive of {} at {}",
        header.source.database, header.source.snapshot_time
    ));
    let passing = Passing {
        jobs,
        ..Passing::default()
    };
    let end = read_through(reader, &header, &passing)?.end;
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
    Ok(Report::new(name.to_owned(), None, tables.collect()).between(Identity::of_archive(&header), None))
}
