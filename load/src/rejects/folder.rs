//! The folder of rejected rows: a CSV file for each table and chunk, which is there whole before the chunk's other rows
//! are committed. The same chunk has the same file, so that work that is done again writes it again.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use archive::Header;
use catalog::{Column, Table};
use cli::{Exit, FailureContext, ReplacedFile, Result, rejects_folder};
use fingerprint::{encode_header, encode_row};

use super::journal::RejectedChunk;
use super::readable::Readable;
use super::refusal::Refusal;
use crate::rows::table_at;

/// What follows the table's own columns.
const REASONS: [&str; 5] = [
    "coalesce_row",
    "coalesce_sqlstate",
    "coalesce_column",
    "coalesce_message",
    "coalesce_hex",
];

#[derive(Debug)]
pub(super) struct Folder {
    path: PathBuf,
    /// What was in it, by name.
    found: Vec<String>,
}

/// One rejected row with its number in its chunk, from 1.
pub(super) struct Rejected<'a> {
    pub(super) number: usize,
    pub(super) refusal: &'a Refusal,
    pub(super) row: &'a Readable,
}

impl Folder {
    /// Makes the folder, or takes an empty one. One that is `resumed` is taken with what is in it, until it is known
    /// whose that is.
    pub(super) fn open(path: &Path, resumed: bool) -> Result<Self> {
        let found = if resumed {
            rejects_folder::open(path)?
        } else {
            rejects_folder::open_empty(path)?
        };
        Ok(Folder {
            path: path.to_owned(),
            found,
        })
    }

    /// For a load that goes on with nothing: no file can be its own.
    pub(super) fn refuse_files(&self) -> Result<()> {
        rejects_folder::refuse_any(&self.path, &self.found)
    }

    /// For a run that goes on and has rejected what is `known`: a file of another load would be replaced or removed.
    pub(super) fn refuse_files_of_others(&self, header: &Header, known: &[RejectedChunk]) -> Result<()> {
        let name_of = |(table, chunk)| Some(Self::file_name(table_at(header, table).ok()?, chunk));
        let could_be_own = |name: &String| {
            name.starts_with(cli::UNFINISHED_PREFIX) || numbers(name).and_then(name_of).as_ref() == Some(name)
        };
        let is_known = |name: &String| {
            let place = numbers(name);
            known.iter().any(|it| place == Some((it.table, it.chunk)))
        };
        // A file may be there whose chunk was not committed; one that says what the journal says must be, too.
        let is_own = self.found.iter().all(could_be_own)
            && (known.is_empty() || self.found.is_empty() || self.found.iter().any(is_known));
        if is_own {
            return Ok(());
        }
        rejects_folder::refuse_any(&self.path, &self.found)
    }

    /// Where the file is, if it is here.
    pub(super) fn find(&self, file: &str) -> Option<PathBuf> {
        Some(self.path.join(file)).filter(|it| it.is_file())
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Names identify by numbers; the words are for people, and never a path.
    pub(super) fn file_name(table: &Table, chunk: u32) -> String {
        let words = rejects_folder::label(&format!("{}.{}", table.schema, table.name));
        format!("{:04}-{words}-{chunk:05}.csv", table.number)
    }

    /// Begins the file of a chunk.
    pub(super) fn begin<'a>(&self, table: &'a Table, chunk: u32) -> Result<ChunkFile<'a>> {
        let columns: Vec<_> = table.stored_columns().collect();
        let mut csv = Vec::new();
        encode_header(columns.iter().map(|it| it.target_name()).chain(REASONS), &mut csv);
        let mut file = ReplacedFile::create(&self.path.join(Self::file_name(table, chunk)))?;
        file.write(&csv)?;
        Ok(ChunkFile { file, columns })
    }

    /// Removes what an attempt at the chunk that was not committed has left.
    pub(super) fn forget(&self, table: &Table, chunk: u32) -> Result<()> {
        let path = self.path.join(Self::file_name(table, chunk));
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

/// The rejected rows of a chunk on their way into its file.
pub(super) struct ChunkFile<'a> {
    file: ReplacedFile,
    columns: Vec<&'a Column>,
}

impl ChunkFile<'_> {
    /// Adds rows.
    pub(super) fn write(&mut self, rows: &[Rejected<'_>]) -> Result<()> {
        let mut csv = Vec::new();
        for rejected in rows {
            let column = |name: &String| {
                let found = self.columns.iter().find(|it| it.name == *name);
                found.map_or(name.clone(), |it| it.target_name().to_owned())
            };
            let hex = rejected.row.hex.iter().map(|it| self.columns[*it].target_name());
            let hex: Vec<&str> = hex.collect();
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
        self.file.write(&csv)
    }

    /// Gives the file its name.
    pub(super) fn finish(self) -> Result<()> {
        self.file.publish()
    }
}

/// The numbers of table and chunk in the name of a file.
fn numbers(name: &str) -> Option<(u32, u32)> {
    let (table, rest) = name.split_once('-')?;
    let (_, chunk) = rest.strip_suffix(".csv")?.rsplit_once('-')?;
    Some((table.parse().ok()?, chunk.parse().ok()?))
}
