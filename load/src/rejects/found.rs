//! What is said of rejected rows at the end, and the proof that nothing else is missing.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::PoisonError;

use archive::{End, Header};
use cli::{Exit, Failure, Result, Ui, count};
use fingerprint::Fingerprint;
use serde_json::json;

use super::Rejects;
use super::folder::Folder;
use super::journal::{self, RejectedChunk};
use crate::journal::Run;
use crate::rows::table_at;
use crate::target::Target;

/// What a load goes live without.
#[derive(Clone, Debug, Default)]
pub(crate) struct Found {
    folder: PathBuf,
    tables: Vec<RejectedTable>,
    /// Foreign keys that are NOT VALID now, as sentences' subjects: `foreign key f of shop.lines`.
    not_valid: Vec<String>,
}

#[derive(Clone, Debug)]
struct RejectedTable {
    name: String,
    /// All rows of the table in the archive.
    rows: u64,
    rejected: Fingerprint,
    reasons: BTreeMap<String, u64>,
    files: Vec<String>,
}

impl Rejects {
    /// Compares, for each table, what the journal says was rejected and what went in with the archive's end.
    pub(crate) fn finish(&self, target: &mut Target, run: &Run, header: &Header, end: &End) -> Result<()> {
        let chunks = if self.are_wanted() {
            journal::read(target.client(), run)?
        } else {
            Vec::new()
        };
        let mut by_table: BTreeMap<u32, Vec<RejectedChunk>> = BTreeMap::new();
        for chunk in chunks {
            by_table.entry(chunk.table).or_default().push(chunk);
        }
        let mut tables = Vec::new();
        for (number, chunks) in &by_table {
            tables.push(self.table(header, end, *number, chunks)?);
        }
        let not_valid = self.not_valid.lock().unwrap_or_else(PoisonError::into_inner);
        let found = Found {
            folder: self
                .folder
                .as_ref()
                .map_or_else(PathBuf::new, |it| it.path().to_owned()),
            tables,
            not_valid: not_valid.clone(),
        };
        self.found
            .set(found)
            .map_err(|_| Failure::new(Exit::Internal, "a load has ended twice"))
    }

    fn table(
        &self,
        header: &Header,
        end: &End,
        number: u32,
        chunks: &[RejectedChunk],
    ) -> Result<RejectedTable> {
        let table = table_at(header, number)?;
        let name = table.qualified_name().to_string();
        let lost = || {
            let message = format!(
                "{name}: what was loaded and what was rejected are together another fingerprint than the archive's"
            );
            Failure::new(Exit::Internal, message)
        };
        let expected = end.table(number).ok_or_else(lost)?.fingerprint;
        let mut rejected = Fingerprint::empty(expected.form);
        let mut reasons = BTreeMap::new();
        for chunk in chunks {
            rejected.merge(&chunk.fingerprint).map_err(|_| lost())?;
            for (sqlstate, rows) in read_reasons(&chunk.reason) {
                *reasons.entry(sqlstate.to_owned()).or_default() += rows;
            }
        }
        let accounts = self.accounts.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(account) = accounts.get(&number) {
            let mut whole = account.loaded;
            whole.merge(&rejected).map_err(|_| lost())?;
            // Of a table that a former process has begun, each chunk was proved by itself.
            let is_whole = account.loaded.rows + account.rejected.rows == expected.rows;
            if is_whole && whole != expected {
                return Err(lost());
            }
        }
        Ok(RejectedTable {
            name,
            rows: expected.rows,
            rejected,
            reasons,
            files: chunks
                .iter()
                .map(|it| Folder::file_name(table, it.chunk))
                .collect(),
        })
    }

    /// What was rejected; nothing before [`Rejects::finish`].
    pub(crate) fn found(&self) -> Found {
        self.found.get().cloned().unwrap_or_default()
    }
}

impl Found {
    /// Whether everything went in and is as in the source.
    pub(crate) fn is_nothing(&self) -> bool {
        self.tables.is_empty() && self.not_valid.is_empty()
    }

    pub(crate) fn rows(&self) -> u64 {
        self.tables.iter().map(|it| it.rejected.rows).sum()
    }

    pub(crate) fn say(&self, ui: &Ui) {
        for table in &self.tables {
            let reasons = list_reasons(
                table
                    .reasons
                    .iter()
                    .map(|(sqlstate, rows)| (sqlstate.as_str(), *rows)),
            );
            let files = match table.files.as_slice() {
                [file] => self.shown(file),
                files => format!("{} ({} files)", self.folder.display(), files.len()),
            };
            ui.finding(format_args!(
                "{}: {} of {} rows rejected (SQLSTATE {reasons}), see {files}",
                table.name,
                count(table.rejected.rows),
                count(table.rows),
            ));
        }
        for key in &self.not_valid {
            ui.finding(format_args!(
                "{key} is NOT VALID, since rows name rejected ones: mend those, then VALIDATE CONSTRAINT"
            ));
        }
    }

    fn shown(&self, file: &str) -> String {
        self.folder.join(file).display().to_string()
    }

    pub(crate) fn json(&self) -> serde_json::Value {
        let tables = self.tables.iter().map(|it| {
            json!({
                "table": it.name, "rows": it.rejected.rows, "form": it.rejected.form, "sum": it.rejected.sum(),
                "reasons": it.reasons,
                "files": it.files.iter().map(|file| self.shown(file)).collect::<Vec<_>>(),
            })
        });
        json!({ "rows": self.rows(), "tables": tables.collect::<Vec<_>>(), "not_valid": self.not_valid })
    }
}

/// `23514: 3, 22P02: 1`
pub(super) fn list_reasons<'a>(reasons: impl Iterator<Item = (&'a str, u64)>) -> String {
    let all: Vec<String> = reasons
        .map(|(sqlstate, rows)| format!("{sqlstate}: {rows}"))
        .collect();
    all.join(", ")
}

fn read_reasons(list: &str) -> impl Iterator<Item = (&str, u64)> {
    list.split(", ").filter_map(|it| {
        let (sqlstate, rows) = it.split_once(": ")?;
        Some((sqlstate, rows.parse().ok()?))
    })
}
