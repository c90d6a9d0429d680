//! The report for people.

use std::fmt::Write as _;

use catalog::Extension;
use cli::{Table, count, size};
use database::postgres::Identity;
use inventory::Engine;

use super::Report;
use crate::columns;
use crate::conflicts::{Conflict, Severity, Topic};
use crate::large_objects;
use crate::sources::Source;

/// Names that sources share are many and harmless: people see the first of them.
const NAMES_SHOWN: usize = 10;

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
    push_conflicts(&mut text, conflicts);
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

/// Characters of a conflict up to which what can be done stands in a column of its own.
const TEXT_CHARS_MAX: usize = 80;

fn push_conflicts(text: &mut String, conflicts: &[Conflict]) {
    if conflicts.is_empty() {
        text.push_str("\nNo conflicts.\n");
        return;
    }
    let is_name = |it: &&Conflict| it.topic == Topic::Name;
    let names = conflicts.iter().filter(is_name);
    let shown = conflicts
        .iter()
        .filter(|it| !is_name(it))
        .chain(names.clone().take(NAMES_SHOWN));
    let shown: Vec<&Conflict> = shown.collect();
    // A long line takes no room beside short ones.
    let widths = shown.iter().map(|it| it.text.chars().count());
    let width = widths.filter(|it| *it <= TEXT_CHARS_MAX).max().unwrap_or(0);
    let topic_width = shown.iter().map(|it| it.topic.word().len()).max().unwrap_or(0);
    text.push_str("\nCONFLICTS\n");
    for it in shown {
        let mark = match it.severity {
            Severity::Blocks => "✗",
            Severity::Warns => "!",
            Severity::Resolved => "·",
        };
        let topic = it.topic.word();
        let line = format!(
            "  {mark}        {topic:topic_width$}  {:width$}  {}",
            it.text, it.way_out
        );
        let _ = writeln!(text, "{}", line.trim_end());
    }
    let hidden = names.count().saturating_sub(NAMES_SHOWN);
    if hidden > 0 {
        let _ = writeln!(
            text,
            "  … and {} more names (--format json lists them)",
            count(hidden as u64)
        );
    }
    let number = |severity| count(conflicts.iter().filter(|it| it.severity == severity).count() as u64);
    let (blocks, warns) = (number(Severity::Blocks), number(Severity::Warns));
    let verdict = if blocks == "0" { "Ready." } else { "Not ready." };
    let resolved = number(Severity::Resolved);
    let _ = writeln!(
        text,
        "\n{blocks} block, {warns} warn, {resolved} resolved by the plan. {verdict}"
    );
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
