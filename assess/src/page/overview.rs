//! Each source at a glance, and what it comes to.

use inventory::{Engine, Inventory, TableKind};
use maud::{Markup, html};

use super::findings::{Severity, count};
use super::{Page, readiness, text};
use crate::readiness::Mark;

/// What it comes to, in a line. Without `--ready` only conflicts are known, and nobody says that it is ready.
pub(super) fn verdict(page: &Page<'_>) -> Markup {
    let number = |severity| count(&page.findings, severity);
    let (blocks, warns) = (number(Severity::Blocks), number(Severity::Warns));
    let resolved = number(Severity::Resolved);
    let (class, mark, words) = match (page.verdict, blocks) {
        (Some(verdict), _) if verdict.ready => ("ready", "✓", "Ready"),
        (None, 0) => ("open", "✓", "No conflict blocks"),
        _ => ("blocked", "✗", "Not ready"),
    };
    html! {
        p class={ "verdict " (class) } {
            strong { span aria-hidden="true" { (mark) } " " (words) }
            " "
            @if let Some(verdict) = page.verdict {
                span { (text::grouped(readiness::count(verdict, Mark::Fails))) " in the way, " }
                span { (text::grouped(readiness::count(verdict, Mark::Warns))) " to look at; " }
            }
            span { (text::counted(blocks, "conflict blocks", "conflicts block")) ", " }
            span { (text::counted(warns, "warns", "warn")) ", " }
            span { (text::grouped(resolved)) " resolved by the plan" }
        }
        @if page.verdict.is_none() {
            p.quiet.note { "Privileges, backups and integrity were not judged: " code { "assess --ready" } " does." }
        }
    }
}

pub(super) fn body(page: &Page<'_>) -> Markup {
    html! {
        (figures(page))
        div.cards {
            @for source in &page.sources { (card(source)) }
            @for target in &page.targets { (target.render()) }
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
pub(super) fn whole_bytes(it: &Inventory) -> u64 {
    if it.server.bytes > 0 {
        it.server.bytes
    } else {
        it.bytes()
    }
}

fn card(it: &Inventory) -> Markup {
    let facts = facts(it);
    let extensions: Vec<String> = it
        .own_extensions()
        .map(|it| format!("{} {}", it.name, it.version))
        .collect();
    html! {
        article.card {
            p.kind { "Source" }
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

fn facts(it: &Inventory) -> Vec<(&'static str, String)> {
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
    let mut facts = vec![
        ("Tables", tables),
        ("Rows", text::rows(it.rows(), it.rows_are_exact())),
        ("Size", cli::size(whole_bytes(it))),
    ];
    // The server counts its catalogs, too; a file its free pages.
    if (1..whole_bytes(it)).contains(&it.bytes()) {
        facts.push(("Of it tables", cli::size(it.bytes())));
    }
    facts.extend([
        ("Schemas", text::grouped(it.schemas.len())),
        ("Views", text::grouped(it.views.len())),
        ("Functions", text::grouped(it.routines.len())),
    ]);
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
            if it.is_postgres() && !server.archive {
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
