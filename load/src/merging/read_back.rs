//! `--read-back` of merged tables: each as it stands now against what the staged rows came to when they were merged.

use archive::Header;
use catalog::quote_ident;
use cli::{Exit, Failure, Result, Ui};
use fingerprint::{Fingerprint, Form};

use super::Merging;
use super::journal::{self, fingerprint};
use super::work::fingerprint as fingerprint_of;
use crate::journal::{Run, hold, note_difference};
use crate::target::{Target, failed};

/// Reads every merged table; returns how many rows they have.
pub(crate) fn read_back(target: &mut Target, run: &Run, header: &Header, ui: &Ui) -> Result<u64> {
    let merging = Merging::new(header);
    if merging.is_empty() {
        return Ok(0);
    }
    let step = "the merged tables could not be read back";
    let parts = journal::read(target.client(), run.id())?;
    let (mut rows, mut differences) = (0, Vec::new());
    for table in &merging.tables {
        let name = table.table.qualified_name().to_string();
        let columns: Vec<String> = table
            .table
            .stored_columns()
            .map(|it| quote_ident(it.target_name()))
            .collect();
        let mut transaction = target
            .client()
            .transaction()
            .map_err(|error| failed(step, error))?;
        hold(&mut transaction, run)?;
        let sql = format!("SELECT {} FROM ONLY {name}", columns.join(", "));
        let found = fingerprint_of(&mut transaction, &sql, Form::Text, columns.len())?;
        transaction.commit().map_err(|error| failed(step, error))?;
        rows += found.rows;
        let of_table = || parts.iter().filter(|it| it.table_name == name);
        let inserted: u64 = of_table().map(|it| it.inserted).sum();
        let mut expected = Some(Fingerprint::empty(Form::Text));
        for part in of_table() {
            let sum = part.merged_text.as_deref();
            let part = sum.and_then(|it| fingerprint(part.inserted, it));
            expected = expected
                .zip(part)
                .and_then(|(mut all, part)| all.merge(&part).is_ok().then_some(all));
        }
        if expected.is_none() {
            ui.status(format_args!(
                "{name}: its rows were counted alone, since they had been merged before --read-back was asked for"
            ));
        }
        let is_same = expected.map_or(found.rows == inserted, |it| it == found);
        if !is_same {
            differences.push(format!(
                "{name}: {} rows were merged, {} are there{}",
                cli::count(inserted),
                cli::count(found.rows),
                if inserted == found.rows {
                    " with other values"
                } else {
                    ""
                }
            ));
        }
    }
    if differences.is_empty() {
        return Ok(rows);
    }
    note_difference(target.client(), run)?;
    let message = format!("read back, {} does not hold what was merged", target.name());
    let failure = Failure::new(Exit::Target, message);
    let failure = differences.into_iter().fold(failure, Failure::with_state);
    Err(failure.with_hint(
        "rows were changed after they had been merged: by a function that a materialized view or an index calls, or by \
         another session",
    ))
}
