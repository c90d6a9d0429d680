//! The first table of a report: a line for each source and each target.

use catalog::Extension;
use cli::{count, size};
use inventory::{Engine, Inventory};

use super::Report;
use crate::sources::Source;

pub(super) const HEADS: [&str; 8] = [
    "SOURCE",
    "KIND",
    ">TABLES",
    ">ROWS",
    ">SIZE",
    ">VIEWS",
    ">FUNCTIONS",
    "EXTENSIONS",
];

pub(super) fn rows(report: &Report<'_>) -> Vec<Vec<String>> {
    let mut rows: Vec<Vec<String>> = report.sources.iter().map(row).collect();
    for it in report.targets {
        let (name, kind) = (
            format!("→ {}", it.name),
            format!("PostgreSQL {}", it.identity.server_version),
        );
        let not_taken = std::iter::repeat_n("-".to_owned(), HEADS.len() - 3);
        let cells = [name, kind].into_iter().chain(not_taken);
        rows.push(cells.chain([versions(it.extensions())]).collect());
    }
    rows
}

fn row(source: &Source) -> Vec<String> {
    let it = &source.inventory;
    let number = |number: usize| count(number as u64);
    vec![
        it.name.clone(),
        kind(it),
        number(it.tables.len()),
        row_count(it),
        size(it.server.bytes),
        number(it.views.len()),
        number(it.routines.len()),
        versions(source.extensions()),
    ]
}

fn kind(it: &Inventory) -> String {
    let engine = match it.server.engine {
        Engine::Postgres => format!("PostgreSQL {}", it.server.version),
        Engine::Sqlite => "SQLite 3".to_owned(),
    };
    if it.server.archive {
        format!("archive of {engine}")
    } else {
        engine
    }
}

/// `~` before what was not counted.
fn row_count(it: &Inventory) -> String {
    let mark = if it.rows_are_exact() { "" } else { "~" };
    format!("{mark}{}", count(it.rows()))
}

/// `citext 1.6, pg_trgm 1.6`
fn versions<'a>(extensions: impl Iterator<Item = &'a Extension>) -> String {
    let versions: Vec<String> = extensions
        .map(|it| format!("{} {}", it.name, it.version))
        .collect();
    versions.join(", ")
}
