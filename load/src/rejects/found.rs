//! What is said of rejected rows at the end, and the proof that nothing else is missing.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::PoisonError;

use archive::{End, Header};
use cli::{Exit, Failure, Result, Ui, count};
use fingerprint::Fingerprint;
use postgres::Client;
use serde_json::json;

use super::Rejects;
use super::folder::Folder;
use super::journal::{self, RejectedChunk};
use crate::journal::Run;
use crate::rows::table_at;
use crate::target::Target;

/// Where files are that this process has not written.
const FORMER_FOLDER: &str = "in the folder that --rejects named before";

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
    /// Paths, or the bare names of what a former process of the run has put into another folder.
    files: Vec<String>,
    /// How many of them are in the folder.
    here: usize,
}

impl Rejects {
    /// Compares, for each table, what the journal says was rejected and what went in with the archive's end.
    pub(crate) fn finish(&self, target: &mut Target, run: &Run, header: &Header, end: &End) -> Result<()> {
        // Also where a former process of the run has rejected them and this one would not.
        let chunks = journal::read(target.client(), run)?;
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
        let mut here = 0;
        let file_of = |chunk: &RejectedChunk| {
            let file = Folder::file_name(table, chunk.chunk);
            let path = self.folder.as_ref().and_then(|it| it.find(&file));
            here += usize::from(path.is_some());
            path.map_or(file, |it| it.display().to_string())
        };
        let files = chunks.iter().map(file_of).collect();
        Ok(RejectedTable {
            name,
            rows: expected.rows,
            rejected,
            reasons,
            files,
            here,
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
            let folder = self.folder.display();
            let here = table.here;
            let files = match (table.files.as_slice(), table.files.len() - here) {
                ([path], 0) => path.clone(),
                ([file], _) => format!("{file} {FORMER_FOLDER}"),
                (_, 0) => format!("{folder} ({here} files)"),
                (files, former) if former == files.len() => format!("{former} files {FORMER_FOLDER}"),
                (_, former) => format!("{folder} ({here} files) and {former} files {FORMER_FOLDER}"),
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

    pub(crate) fn json(&self) -> serde_json::Value {
        let tables = self.tables.iter().map(|it| {
            json!({
                "table": it.name, "rows": it.rejected.rows, "form": it.rejected.form, "sum": it.rejected.sum(),
                "reasons": it.reasons,
                "files": it.files,
            })
        });
        json!({ "rows": self.rows(), "tables": tables.collect::<Vec<_>>(), "not_valid": self.not_valid })
    }
}

/// Says which rows the run with this number, which is live, went live without. Returns whether there are any.
pub(crate) fn say_rejected(client: &mut Client, run: i64, ui: &Ui) -> Result<bool> {
    let chunks = journal::read_of(client, run)?;
    let mut tables: BTreeMap<&str, (u64, BTreeMap<&str, u64>)> = BTreeMap::new();
    for chunk in &chunks {
        let (rows, reasons) = tables.entry(&chunk.into).or_default();
        *rows += chunk.fingerprint.rows;
        for (sqlstate, rows) in read_reasons(&chunk.reason) {
            *reasons.entry(sqlstate).or_default() += rows;
        }
    }
    for (name, (rows, reasons)) in tables {
        let reasons = list_reasons(reasons.into_iter());
        let rows = count(rows);
        ui.finding(format_args!(
            "{name}: {rows} rows were rejected when it was loaded (SQLSTATE {reasons})"
        ));
    }
    Ok(!chunks.is_empty())
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
