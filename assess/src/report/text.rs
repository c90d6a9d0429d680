//! The report for people.

use std::fmt::Write as _;

use catalog::Extension;
use cli::{Table, count, size};
use database::postgres::Identity;
use inventory::Engine;

use super::Report;
use crate::columns;
use crate::conflicts;
use crate::large_objects;
use crate::sources::Source;

pub(super) fn render(report: &Report<'_>) -> String {
    let Report {
        sources,
        target,
        conflicts,
        ..
    } = report;
    let is_verbose = report.is_verbose;
    let heads = [
        "SOURCE",
        "KIND",
        ">SCHEMAS",
        ">TABLES",
        ">ROWS",
        ">SIZE",
        ">VIEWS",
        ">FUNCTIONS",
        ">SEQUENCES",
        "EXTENSIONS",
    ];
    let mut table = Table::new(&heads);
    for it in *sources {
        let number = |number: usize| count(number as u64);
        table.row([
            it.name().to_owned(),
            kind(it),
            number(it.inventory.schemas.len()),
            number(it.inventory.tables.len()),
            rows(it),
            size(it.inventory.server.bytes),
            number(it.inventory.views.len()),
            number(it.inventory.routines.len()),
            number(it.inventory.sequences.len()),
            versions(it.extensions()),
        ]);
    }
    if let Some(it) = target {
        let (name, kind) = (format!("→ {}", it.name), postgres(&it.identity));
        let not_taken = std::iter::repeat_n("-".to_owned(), heads.len() - 3);
        let cells = [name, kind].into_iter().chain(not_taken);
        table.row(cells.chain([versions(it.extensions())]));
    }
    let mut text = table.to_string();
    let _ = writeln!(text, "\nSERVERS");
    let described =
        |identity: &Identity| format!("encoding {}, collation {}", identity.encoding, identity.collation);
    for it in *sources {
        let of = &it.inventory.server;
        let server = match of.engine {
            Engine::Postgres => format!("encoding {}, collation {}", of.encoding, of.collation),
            Engine::Sqlite => "a file".to_owned(),
        };
        let _ = writeln!(text, "  {}: {server}", it.name());
    }
    if let Some(it) = target {
        let _ = writeln!(text, "  {}: {}", it.name, described(&it.identity));
    }
    let large_objects = large_objects::lines(sources);
    if !large_objects.is_empty() {
        let _ = writeln!(text, "\nLARGE OBJECTS\n  {}", large_objects.join("\n  "));
    }
    push_columns(&mut text, sources, is_verbose);
    text.push_str(&conflicts::text(conflicts, is_verbose));
    if let Some(verdict) = report.verdict {
        let _ = write!(text, "\n{}", verdict.to_text());
    }
    text
}

/// What becomes of the columns of SQLite files.
fn push_columns(text: &mut String, sources: &[Source], is_verbose: bool) {
    let with_columns = sources.iter().filter_map(|it| Some((it, it.file.as_ref()?)));
    for (source, file) in with_columns.filter(|(_, it)| !it.census.is_empty()) {
        if is_verbose {
            let _ = write!(
                text,
                "\nTYPES of {}\n{}",
                source.name(),
                columns::table(&file.census)
            );
            continue;
        }
        let (all, others) = (columns::count_of(&file.census), file.types.len() as u64);
        let _ = writeln!(
            text,
            "\nTYPES\n  {}: {} columns, {} of a type that their declaration does not tell (--verbose shows all)",
            source.name(),
            count(all),
            count(others)
        );
    }
}

fn kind(it: &Source) -> String {
    let server = &it.inventory.server;
    match server.engine {
        Engine::Postgres => format!("PostgreSQL {}", server.version),
        Engine::Sqlite => "SQLite 3".to_owned(),
    }
}

fn postgres(identity: &Identity) -> String {
    format!("PostgreSQL {}", identity.server_version)
}

/// `citext 1.6, pg_trgm 1.6`
fn versions<'a>(extensions: impl Iterator<Item = &'a Extension>) -> String {
    let versions: Vec<String> = extensions
        .map(|it| format!("{} {}", it.name, it.version))
        .collect();
    versions.join(", ")
}

fn rows(it: &Source) -> String {
    let mark = if it.inventory.rows_are_exact() { "" } else { "~" };
    format!("{mark}{}", count(it.inventory.rows()))
}
