//! Statements that would make a target equal to its source: text for a person, who reads and runs it. Nothing here
//! reaches a server.
//!
//! Names are quoted by one function, values are literals that the server reads by the type of their column: a cast to a
//! type with a length would cut them in silence. Names in comments stand on one line, so that none ends its comment.

mod aside;
mod definitions;
mod order;
mod rows;

use std::collections::HashMap;
use std::fmt::Write as _;

use catalog::{Catalog, Column, Definition, ForeignKey, QualifiedName, Table};
use cli::{Failure, Result};
use database::postgres::{Obstacles, read_foreign_keys, read_obstacles};

use super::value::line;
use super::{Report, Run, TableResult};
use crate::rows::difference::{RowDifference, RowDifferences};
use crate::sides::Live;

/// Rows of each table that are looked for, where a repair is asked for and no other number is.
pub(crate) const ROWS_MAX: usize = 100_000;

/// What a repair must know beside the report.
#[derive(Debug)]
pub(crate) struct Ground {
    /// The source's catalog under the names of the target.
    pub(crate) source: Catalog,
    pub(crate) target: Catalog,
    /// Of the target.
    pub(crate) foreign_keys: Vec<ForeignKey>,
    /// What stands in the way in the target's tables.
    pub(crate) obstacles: HashMap<QualifiedName, Obstacles>,
}

impl Ground {
    /// What is known of `target`, and of the source under the target's names.
    pub(crate) fn read(
        renamed: &Catalog,
        target: &Live,
        (here, there): (Vec<Definition>, Vec<Definition>),
    ) -> Result<Self> {
        let mut schemas: Vec<&str> = target
            .catalog
            .tables
            .iter()
            .map(|it| it.schema.as_str())
            .collect();
        schemas.sort_unstable();
        schemas.dedup();
        let keys = target.with_snapshot(|it| read_foreign_keys(it.client()));
        let obstacles = target.with_snapshot(|it| read_obstacles(it.client(), &schemas));
        Ok(Ground {
            source: Catalog {
                definitions: here,
                ..renamed.clone()
            },
            target: Catalog {
                definitions: there,
                ..target.catalog.clone()
            },
            foreign_keys: keys.map_err(Failure::target)?,
            obstacles: obstacles.map_err(Failure::target)?.into_iter().collect(),
        })
    }

    fn obstacles(&self, table: &QualifiedName) -> Obstacles {
        self.obstacles.get(table).cloned().unwrap_or_default()
    }
}

/// A table of the target whose rows are repaired.
struct Damaged<'a> {
    table: &'a Table,
    rows: &'a RowDifferences,
    /// Columns whose values no two rows may share, or that decide about it.
    unique_columns: Vec<String>,
}

impl Damaged<'_> {
    fn has_extra(&self) -> bool {
        let mut rows = self.rows.rows.iter();
        rows.any(|it| matches!(it, RowDifference::Extra(_)))
    }

    /// Whether a row is replaced where others are set: a unique value that changes may be that of another row until that
    /// one is changed. A row of which not all columns were compared cannot be made again.
    fn replaces(&self, row: &RowDifference) -> bool {
        let RowDifference::Changed { columns, .. } = row else {
            return false;
        };
        let mut names = columns.iter().filter_map(|&it| self.rows.columns.get(it));
        names.any(|it| self.unique_columns.contains(it)) && self.is_whole()
    }

    fn replaces_any(&self) -> bool {
        self.rows.rows.iter().any(|it| self.replaces(it))
    }

    /// Whether all columns that hold values of their own were compared.
    fn is_whole(&self) -> bool {
        let stored = self.table.columns.iter().filter(|it| it.generated.is_none());
        stored
            .map(Column::target_name)
            .all(|name| self.rows.columns.iter().any(|it| it == name))
    }
}

/// The settings under which the report's values are text, so that they are read as they were written.
const SETTINGS: &str = "SET LOCAL client_encoding = 'UTF8';
SET LOCAL standard_conforming_strings = on;
SET LOCAL search_path = '';
SET LOCAL row_security = off;
SET LOCAL datestyle = 'ISO, YMD';
SET LOCAL timezone = 'UTC';
SET LOCAL intervalstyle = 'postgres';
SET LOCAL bytea_output = 'hex';
SET LOCAL extra_float_digits = 3;
SET LOCAL lc_monetary = 'C';
SET LOCAL xmloption = 'content';
";

pub(super) fn script(report: &Report, ground: &Ground, sha256: &str) -> String {
    let mut text = String::new();
    let damaged = damaged(report, ground);
    head(report, &damaged, sha256, &mut text);
    if !damaged.is_empty() {
        text.push_str("\nBEGIN;\n");
        text.push_str(SETTINGS);
        text.push_str("-- Keys that may wait are looked at when everything is in its place.\nSET CONSTRAINTS ALL DEFERRED;\n");
        let order = order::order(&damaged, ground);
        let around = aside::around(&damaged, &order.keys_aside, ground);
        text.push_str(&around.before);
        rows::statements(&damaged, &order.parents_first, ground, &mut text);
        text.push_str(
            "\n-- Fails here where a key that waited does not hold.\nSET CONSTRAINTS ALL IMMEDIATE;\n",
        );
        text.push_str(&rows::identities_back(&damaged));
        text.push_str(&around.after);
        text.push_str("COMMIT;\n");
    }
    definitions::statements(report, ground, &mut text);
    text
}

/// Tables with rows that were found to differ.
fn damaged<'a>(report: &'a Report, ground: &'a Ground) -> Vec<Damaged<'a>> {
    let with_rows = report
        .tables
        .iter()
        .filter_map(|it| Some((it, it.rows.as_ref()?)));
    let found = with_rows.filter(|(_, rows)| !rows.rows.is_empty());
    found
        .filter_map(|(it, rows)| {
            let table = table_of(it, &ground.target)?;
            let unique_columns = ground.obstacles(&table.qualified_name()).unique_columns;
            Some(Damaged {
                table,
                rows,
                unique_columns,
            })
        })
        .collect()
}

/// The target's table that a result is about.
fn table_of<'a>(result: &TableResult, target: &'a Catalog) -> Option<&'a Table> {
    target
        .tables
        .iter()
        .find(|it| it.qualified_name().to_string() == result.name)
}

fn head(report: &Report, damaged: &[Damaged<'_>], sha256: &str, text: &mut String) {
    let when = report
        .run
        .as_ref()
        .map_or_else(String::new, |it| format!(" at {}", it.finished()));
    let target = report.target.as_deref().unwrap_or_default();
    let _ = writeln!(
        text,
        "-- What would make {} equal to {}.",
        line(target),
        line(&report.source)
    );
    let _ = writeln!(
        text,
        "-- Written by verify {}{when}; none of it has been run.",
        Run::version()
    );
    let _ = writeln!(text, "-- It belongs to the report with SHA-256 {sha256}.");
    text.push_str(
        "-- Read it first. Then run it as the owner of the tables, with nobody else writing to them:\n\
         --   psql -X -v ON_ERROR_STOP=1 -f THIS_FILE TARGET\n\
         -- and run verify again. Each BEGIN … COMMIT happens as a whole or not at all.\n",
    );
    for it in damaged {
        let found = it.rows.missing + it.rows.extra + it.rows.changed;
        if !it.rows.is_complete || found > it.rows.rows.len() as u64 {
            let _ = writeln!(
                text,
                "-- NOT ALL: {} has more rows that differ than the {} that are repaired here; run verify again afterwards, \
                 or give it a larger --rows.",
                line(&it.table.qualified_name().to_string()),
                cli::count(it.rows.rows.len() as u64),
            );
        }
    }
}

/// A literal of SQL under `standard_conforming_strings`: nothing but quotes is doubled.
fn literal(value: Option<&str>) -> String {
    match value {
        None => "NULL".to_owned(),
        Some(text) => format!("'{}'", text.replace('\'', "''")),
    }
}
