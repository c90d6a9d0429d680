//! Rows of a SQLite file that are set aside: a CSV file for each table, whole before the archive begins.

use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

use cli::{Failure, ReplacedFile, Result, rejects_folder};
use database::sqlite::{Inspection, RejectedRow, SqliteSource, Table};
use fingerprint::{encode_header, encode_row};

/// What follows the table's own columns.
const REASONS: [&str; 4] = [
    "coalesce_row",
    "coalesce_column",
    "coalesce_message",
    "coalesce_hex",
];

/// Text that is gathered before it is written.
const BUFFER_BYTES: usize = 1 << 20;

/// The files that were written; without [`SetAside::keep`] they are removed again, so that a run that failed can be
/// repeated as it was.
#[derive(Debug, Default)]
pub(crate) struct SetAside {
    files: Vec<PathBuf>,
    /// The folder, where this run has made it.
    made: Option<PathBuf>,
}

impl SetAside {
    /// Leaves them to whoever asked for them.
    pub(crate) fn keep(mut self) -> Vec<PathBuf> {
        self.made = None;
        std::mem::take(&mut self.files)
    }
}

impl Drop for SetAside {
    fn drop(&mut self) {
        // The failure that is on its way says more than what cannot be removed.
        for file in &self.files {
            let _ = std::fs::remove_file(file);
        }
        if let Some(folder) = &self.made {
            let _ = std::fs::remove_dir(folder);
        }
    }
}

/// Writes the rejected rows of all tables into `folder`.
pub(crate) fn set_aside(
    source: &SqliteSource,
    inspection: &Inspection,
    folder: Option<&Path>,
) -> Result<SetAside> {
    let mut aside = SetAside::default();
    let Some(folder) = folder else {
        return Ok(aside);
    };
    let is_new = !folder.exists();
    rejects_folder::open_empty(folder)?;
    aside.made = is_new.then(|| folder.to_owned());
    for (number, table) in inspection.schema.tables.iter().enumerate() {
        if table.rejects_rows() {
            let name = format!("{number:04}-{}.csv", rejects_folder::label(&table.name));
            let path = folder.join(name);
            write(source, table, &path)?;
            aside.files.push(path);
        }
    }
    Ok(aside)
}

fn write(source: &SqliteSource, table: &Table, path: &Path) -> Result<()> {
    let mut file = ReplacedFile::create(path)?;
    let mut csv = Vec::new();
    let names = table.own_columns().map(|(_, it)| it.name.as_str());
    encode_header(names.chain(REASONS), &mut csv);
    let read = source.rejected_rows(table, &mut |row| {
        encode(row, &mut csv);
        if csv.len() < BUFFER_BYTES {
            return ControlFlow::Continue(());
        }
        match cli::check_interrupt().and_then(|()| file.write(&csv)) {
            Ok(()) => {
                csv.clear();
                ControlFlow::Continue(())
            }
            Err(failure) => ControlFlow::Break(failure),
        }
    });
    if let ControlFlow::Break(failure) = read.map_err(Failure::source)? {
        return Err(failure);
    }
    file.write(&csv)?;
    file.publish()
}

fn encode(row: &RejectedRow, csv: &mut Vec<u8>) {
    let reasons = [
        Some(row.label.clone()),
        Some(row.column.clone()),
        Some(row.reason.clone()),
        (!row.hex.is_empty()).then(|| row.hex.join(", ")),
    ];
    let values = row.values.iter().chain(&reasons);
    encode_row(values.map(|it| it.as_deref().map(str::as_bytes)), csv);
}
