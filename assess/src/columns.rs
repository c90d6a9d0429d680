//! What becomes of each column of a SQLite file, and why: the census as a plan and a table have it.

use std::fmt::Write as _;

use cli::count;
use database::sqlite::{ColumnCensus, ColumnReport, Inspection, TableReport};
use plan::PlannedType;

/// What the census found, table by table.
pub(crate) fn reports(survey: &Inspection) -> Vec<TableReport> {
    let tables = survey.schema.tables.iter().zip(&survey.census);
    tables.map(|(table, census)| census.report(table)).collect()
}

/// Types that a plan names: those that were chosen, and those that the declared type alone does not tell.
pub(crate) fn planned_types(survey: &Inspection) -> Vec<PlannedType> {
    let is_told = |it: &ColumnCensus| {
        let proposal = &it.proposal;
        proposal.is_chosen || it.profile.values() > 0 && proposal.declared != Some(proposal.target)
    };
    let tables = survey.schema.tables.iter().zip(&survey.census);
    tables
        .flat_map(|(table, census)| {
            let columns = table.columns.iter().zip(&census.columns);
            columns
                .filter(|(_, it)| is_told(it))
                .map(|(column, it)| PlannedType {
                    table: table.name.clone(),
                    column: column.name.clone(),
                    target: column.target.to_string(),
                    note: Some(it.proposal.reason.clone()),
                })
        })
        .collect()
}

/// Of [`rows`], as tables for people have them.
pub(crate) const HEADS: [&str; 5] = ["COLUMN", "DECLARED", ">VALUES", "BECOMES", "WHY"];

/// All columns of a file, for people.
pub(crate) fn rows(reports: &[TableReport]) -> Vec<Vec<String>> {
    let row = |(report, column): (&TableReport, &ColumnReport)| {
        vec![
            format!("{}.{}", report.table, column.column),
            column.declared.clone(),
            count(column.values),
            column.becomes.clone(),
            why(column),
        ]
    };
    all_columns(reports).map(row).collect()
}

/// How many columns there are.
pub(crate) fn count_of(reports: &[TableReport]) -> u64 {
    all_columns(reports).count() as u64
}

fn all_columns(reports: &[TableReport]) -> impl Iterator<Item = (&TableReport, &ColumnReport)> {
    reports
        .iter()
        .flat_map(|report| report.columns.iter().map(move |column| (report, column)))
}

fn why(column: &ColumnReport) -> String {
    let mut why = column.reason.clone();
    for it in &column.suggestions {
        // Writing to a String cannot fail.
        let _ = write!(why, "; `{}` if you say so: {}", it.target, it.reason);
    }
    why
}
