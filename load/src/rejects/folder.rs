//! The folder of rejected rows: a CSV file for each table and chunk, which is there whole before the chunk's other rows
//! are committed. The same chunk has the same file, so that work that is done again writes it again.

use std::fs::{self, DirBuilder};
use std::io;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

use catalog::Table;
use cli::{Exit, Failure, FailureContext, Result};
use fingerprint::{encode_header, encode_row};

use super::readable::Readable;
use super::refusal::Refusal;

/// What follows the table's own columns.
const REASONS: [&str; 5] = [
    "coalesce_row",
    "coalesce_sqlstate",
    "coalesce_column",
    "coalesce_message",
    "coalesce_hex",
];

/// Bytes of a table's name in the name of a file.
const LABEL_BYTES_MAX: usize = 63;

#[derive(Debug)]
pub(super) struct Folder {
    path: PathBuf,
    /// Whether files of this run may be there from before.
    resumed: bool,
}

/// One rejected row with its number in its chunk, from 1.
pub(super) struct Rejected<'a> {
    pub(super) number: usize,
    pub(super) refusal: &'a Refusal,
    pub(super) row: &'a Readable,
}

impl Folder {
    /// Makes the folder, or takes an empty one. A run that is `resumed` finds its files there.
    pub(super) fn open(path: &Path, resumed: bool) -> Result<Self> {
        let usage = |what: &str| Failure::usage(format!("folder `{}` {what}", path.display()));
        match DirBuilder::new().mode(0o700).create(path) {
            Ok(()) => {}
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                let entries = fs::read_dir(path);
                let mut entries = entries.map_err(|error| usage("cannot be used").with_source(error))?;
                if !resumed && entries.next().is_some() {
                    return Err(
                        usage("is not empty, and rejected rows of two loads would be mixed up")
                            .with_hint("name another one with --rejects, or empty it"),
                    );
                }
            }
            Err(error) => return Err(usage("cannot be made").with_source(error)),
        }
        // Rather now than at the first row.
        tempfile::tempfile_in(path).map_err(|error| usage("cannot be written").with_source(error))?;
        Ok(Folder {
            path: path.to_owned(),
            resumed,
        })
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Names identify by numbers; the words are for people, and never a path.
    pub(super) fn file_name(table: &Table, chunk: u32) -> String {
        let plain = |byte: u8| {
            if byte.is_ascii_alphanumeric() || b"_.-".contains(&byte) {
                byte as char
            } else {
                '_'
            }
        };
        let words = format!("{}.{}", table.schema, table.name);
        let words: String = words.bytes().take(LABEL_BYTES_MAX).map(plain).collect();
        format!("{:04}-{words}-{chunk:05}.csv", table.number)
    }

    /// Writes the rejected rows of a chunk.
    pub(super) fn write(&self, table: &Table, chunk: u32, rows: &[Rejected<'_>]) -> Result<()> {
        let columns: Vec<_> = table.stored_columns().collect();
        let mut csv = Vec::new();
        encode_header(columns.iter().map(|it| it.target_name()).chain(REASONS), &mut csv);
        for rejected in rows {
            let column = |name: &String| {
                let found = columns.iter().find(|it| it.name == *name);
                found.map_or(name.clone(), |it| it.target_name().to_owned())
            };
            let hex: Vec<&str> = rejected
                .row
                .hex
                .iter()
                .map(|it| columns[*it].target_name())
                .collect();
            let reasons = [
                Some(rejected.number.to_string()),
                Some(rejected.refusal.sqlstate.clone()),
                rejected.refusal.column.as_ref().map(column),
                Some(rejected.refusal.message.clone()),
                (!hex.is_empty()).then(|| hex.join(", ")),
            ];
            let reasons = reasons.iter().map(|it| it.as_deref().map(str::as_bytes));
            encode_row(
                rejected.row.values.iter().map(Option::as_deref).chain(reasons),
                &mut csv,
            );
        }
        cli::replace_file(&self.path.join(Self::file_name(table, chunk)), &csv)
    }

    /// Removes what an attempt at the chunk that was not committed has left.
    pub(super) fn forget(&self, table: &Table, chunk: u32) -> Result<()> {
        let path = self.path.join(Self::file_name(table, chunk));
        if !self.resumed {
            return Ok(());
        }
        match fs::remove_file(&path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error).or_fail(Exit::Target, || {
                format!(
                    "file `{}`, which is out of date, cannot be removed",
                    path.display()
                )
            }),
            _ => Ok(()),
        }
    }
}
