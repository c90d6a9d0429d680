//! Each source and each target at a glance, and what it comes to.

use inventory::{Engine, Inventory, TableKind};
use maud::{Markup, html};

use super::findings::{Severity, count};
use super::{Page, text};

/// What a database is here.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Source,
    Target,
}

/// What the findings come to, in a line.
pub(super) fn verdict(page: &Page<'_>) -> Markup {
    let number = |severity| count(&page.findings, severity);
    let (blocks, warns) = (number(Severity::Blocks), number(Severity::Warns));
    let resolved = number(Severity::Resolved);
    let (class, mark, words) = match (blocks, page.targets.is_empty()) {
        (0, false) => ("ready", "✓", "Ready"),
        (0, true) => ("ready", "✓", "No conflict"),
        _ => ("blocked", "✗", "Not ready"),
    };
    html! {
        p class={ "verdict " (class) } {
            strong { span aria-hidden="true" { (mark) } " " (words) }
            " "
            span {
                @if blocks == 0 { "nothing blocks" } @else { (text::counted(blocks, "thing blocks", "things block")) }
                ", "
            }
            span { (text::counted(warns, "warning", "warnings")) ", " }
            span { (text::grouped(resolved)) " resolved by the plan" }
        }
    }
}

pub(super) fn body(page: &Page<'_>) -> Markup {
    html! {
        (figures(page))
        div.cards {
            @for source in &page.sources { (card(source, Kind::Source)) }
            @for target in &page.targets { (card(target, Kind::Target)) }
        }
    }
}

fn figures(page: &Page<'_>) -> Markup {
    let sum = |number: fn(&Inventory) -> u64| page.sources.iter().map(|it| number(it)).sum::<u64>();
    let exact = page.sources.iter().all(|it| it.rows_are_exact());
    let figures = [
        ("Sources", text::grouped(page.sources.len())),
        ("Tables", cli::count(sum(|it| it.tables.len() as u64))),
        ("Rows", text::rows(sum(Inventory::rows), exact)),
        ("Size", cli::size(sum(whole_bytes))),
        ("Views", cli::count(sum(|it| it.views.len() as u64))),
        ("Functions", cli::count(sum(|it| it.routines.len() as u64))),
    ];
    html! {
        dl.figures {
            @for (label, value) in &figures { div { dt { (label) } dd { (value) } } }
        }
    }
}

/// Of the database or the file; of its tables where that is not known.
fn whole_bytes(it: &Inventory) -> u64 {
    if it.server.bytes > 0 {
        it.server.bytes
    } else {
        it.bytes()
    }
}

fn card(it: &Inventory, kind: Kind) -> Markup {
    let facts = facts(it, kind);
    let extensions: Vec<String> = it
        .own_extensions()
        .map(|it| format!("{} {}", it.name, it.version))
        .collect();
    html! {
        article.card {
            p.kind { (if kind == Kind::Source { "Source" } else { "Target" }) }
            h3 { (text::name(&it.name)) }
            p.server { (server(it)) }
            dl.facts {
                @for (label, value) in &facts { div { dt { (label) } dd { (text::name(value)) } } }
            }
            @if !extensions.is_empty() {
                p.label { "Extensions" }
                ul.tags { @for extension in &extensions { li { (text::name(extension)) } } }
            }
            @if !it.unread.is_empty() {
                details.unread {
                    summary { "Not looked at " span.count { (text::grouped(it.unread.len())) } }
                    ul { @for sentence in &it.unread { li { (text::name(sentence)) } } }
                }
            }
        }
    }
}

fn server(it: &Inventory) -> String {
    let engine = match it.server.engine {
        Engine::Postgres => "PostgreSQL",
        Engine::Sqlite => "SQLite",
    };
    let form = match (it.server.archive, it.server.in_recovery) {
        (true, _) => ", from an archive",
        (false, true) => ", a standby",
        (false, false) => "",
    };
    format!("{engine} {}{form}", it.server.version)
}

fn facts(it: &Inventory, kind: Kind) -> Vec<(&'static str, String)> {
    let server = &it.server;
    let partitions = it
        .tables
        .iter()
        .filter(|it| it.kind == TableKind::Partition)
        .count();
    let tables = text::grouped(it.tables.len());
    let tables = if partitions > 0 {
        format!(
            "{tables}, of them {}",
            text::counted(partitions, "partition", "partitions")
        )
    } else {
        tables
    };
    // Of a target nothing is counted that no plan depends on.
    let mut facts = if kind == Kind::Target && it.tables.is_empty() {
        Vec::new()
    } else {
        vec![
            ("Tables", tables),
            ("Rows", text::rows(it.rows(), it.rows_are_exact())),
            ("Size", cli::size(whole_bytes(it))),
            ("Schemas", text::grouped(it.schemas.len())),
            ("Views", text::grouped(it.views.len())),
            ("Functions", text::grouped(it.routines.len())),
        ]
    };
    let collation = &server.collation;
    let sorts = match (collation.provider.as_str(), &collation.version) {
        ("", _) => collation.name.clone(),
        (provider, None) => format!("{} ({provider})", collation.name),
        (provider, Some(version)) => format!("{} ({provider} {version})", collation.name),
    };
    let optional = [
        ("Encoding", server.encoding.clone()),
        ("Collation", sorts.trim().to_owned()),
        ("Character type", server.ctype.clone()),
        ("Time zone", server.time_zone.clone()),
        ("Owner", server.owner.clone()),
        ("Address", server.address.clone().unwrap_or_default()),
        (
            "Large objects",
            if it.large_objects.count > 0 {
                cli::count(it.large_objects.count)
            } else {
                String::new()
            },
        ),
        (
            "Connections",
            if kind == Kind::Source && it.is_postgres() && !server.archive {
                server.connections.to_string()
            } else {
                String::new()
            },
        ),
        ("Last used", last_used(it)),
    ];
    facts.extend(optional.into_iter().filter(|(_, value)| !value.is_empty()));
    facts
}

/// The last time that a table was read or written, or why nobody can tell.
fn last_used(it: &Inventory) -> String {
    let used = it.tables.iter().filter_map(|it| it.usage.as_ref());
    let mut used = used.peekable();
    if used.peek().is_none() {
        return String::new();
    }
    let last = used.filter_map(|it| it.last_used.as_deref()).max();
    last.map_or_else(
        || "not told before PostgreSQL 16".to_owned(),
        |it| format!("{} UTC", text::moment(it)),
    )
}
