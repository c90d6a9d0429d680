//! The report, for people and for programs.

use std::fmt::Write as _;

use catalog::Extension;
use cli::{Format, Table, count, size};
use database::postgres::Identity;
use database::sqlite::{OrphanedKey, Orphans};
use inventory::Engine;
use serde_json::{Value, json};

use crate::columns;
use crate::conflicts::{Conflict, Severity, Topic};
use crate::large_objects;
use crate::sources::{Source, SqliteFile};
use crate::target::Target;

/// The version of the JSON report.
const VERSION: u32 = 1;

/// Names that sources share are many and harmless: people see the first of them.
const NAMES_SHOWN: usize = 10;

pub(crate) fn render(
    format: Format,
    sources: &[Source],
    target: Option<&Target>,
    conflicts: &[Conflict],
    is_verbose: bool,
) -> String {
    match format {
        Format::Text => text(sources, target, conflicts, is_verbose),
        Format::Json => format!("{:#}\n", json_report(sources, target, conflicts)),
    }
}

fn text(sources: &[Source], target: Option<&Target>, conflicts: &[Conflict], is_verbose: bool) -> String {
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
    for it in sources {
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
    for it in sources {
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

fn json_report(sources: &[Source], target: Option<&Target>, conflicts: &[Conflict]) -> Value {
    let sources: Vec<Value> = sources.iter().map(inventory).collect();
    json!({
        "version": VERSION,
        "sources": sources,
        "target": target.map(target_report),
        "conflicts": conflicts,
        "ready": !conflicts.iter().any(|it| it.severity == Severity::Blocks),
    })
}

fn inventory(it: &Source) -> Value {
    let of = &it.inventory;
    let server = match of.server.engine {
        Engine::Postgres => json!({
            "kind": "postgresql", "version": of.server.version, "encoding": of.server.encoding,
            "collation": of.server.collation.to_string(), "in_recovery": of.server.in_recovery,
        }),
        Engine::Sqlite => json!({ "kind": "sqlite", "version": of.server.version }),
    };
    let tables: Vec<Value> = of
        .tables
        .iter()
        .map(|table| {
            json!({
                "schema": table.schema, "name": table.name, "kind": table.kind, "columns": table.columns.len(),
                "rows": table.rows(), "rows_exact": table.rows_exact, "bytes": table.bytes(),
            })
        })
        .collect();
    let schemas: Vec<&str> = of.schemas.iter().map(|it| it.name.as_str()).collect();
    let none = SqliteFile::default();
    let file = it.file.as_ref().unwrap_or(&none);
    json!({
        "name": of.name,
        "endpoint": of.endpoint,
        "server": server,
        "schemas": schemas,
        "tables": tables,
        "rows": of.rows(),
        "bytes": of.server.bytes,
        "views": of.views.len(),
        "functions": of.routines.len(),
        "sequences": it.catalog.sequences,
        "large_objects": it.large_objects.len(),
        "extensions": extensions(it.extensions()),
        "census": file.census,
        "discards": file.discards,
        "notes": it.notes,
        "orphans": file.orphans.iter().map(orphans).collect::<Vec<_>>(),
        "blockers": file.blockers.iter().map(ToString::to_string).collect::<Vec<_>>(),
    })
}

fn orphans(key: &OrphanedKey) -> Value {
    json!({
        "table": key.table, "columns": key.columns, "parent": key.parent, "parent_columns": key.parent_columns,
        "count": key.count, "followers": key.followers, "rows": key.rows,
        "fate": match key.fate {
            Orphans::Stop => "stop",
            Orphans::Keep => "keep",
            Orphans::Delete => "delete",
            Orphans::Null => "null",
        },
    })
}

/// Without the counts of a source: of the target they are not taken.
fn target_report(it: &Target) -> Value {
    json!({
        "name": it.name,
        "endpoint": it.endpoint,
        "server": server(&it.identity),
        "extensions": extensions(it.extensions()),
    })
}

fn server(identity: &Identity) -> Value {
    json!({
        "kind": "postgresql",
        "version": identity.server_version,
        "encoding": identity.encoding,
        "collation": identity.collation,
        "in_recovery": identity.in_recovery,
    })
}

fn extensions<'a>(extensions: impl Iterator<Item = &'a Extension>) -> Vec<Value> {
    extensions
        .map(|it| json!({"name": it.name, "version": it.version, "schema": it.schema, "trusted": it.trusted}))
        .collect()
}
