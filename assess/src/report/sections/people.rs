//! Roles, who is connected, and what takes a server's time.

use std::time::Duration;

use cli::{count, duration};
use inventory::Role;

use crate::report::section::Section;
use crate::sources::Source;

/// Statements of each source, without `--verbose` and with it.
const STATEMENTS_SHOWN: (usize, usize) = (3, 20);

/// Characters of a statement that are shown.
const STATEMENT_CHARS: usize = 90;

pub(super) fn roles(sources: &[Source], shown: usize) -> Option<Section> {
    let mut rows = Vec::new();
    for source in sources {
        let mut roles: Vec<&Role> = source.inventory.roles.iter().collect();
        roles.sort_by_key(|it| std::cmp::Reverse(it.owned));
        for it in roles {
            rows.push(vec![
                source.name().to_owned(),
                it.name.clone(),
                count(it.owned),
                count(it.granted),
                flags(it),
            ]);
        }
    }
    Section::rows(
        "Roles",
        &["SOURCE", "ROLE", ">OWNS", ">GRANTED", "IS"],
        rows,
        shown,
    )
}

fn flags(it: &Role) -> String {
    let mut words = Vec::new();
    if it.superuser {
        words.push("superuser".to_owned());
    }
    if it.bypass_row_security {
        words.push("bypasses row security".to_owned());
    }
    if it.login {
        words.push("logs in".to_owned());
    }
    if let Some(limit) = it.connection_limit {
        words.push(format!("{limit} connections at most"));
    }
    if !it.member_of.is_empty() {
        words.push(format!("member of {}", it.member_of.join(", ")));
    }
    words.join(", ")
}

pub(super) fn connections(sources: &[Source], shown: usize) -> Option<Section> {
    let mut rows = Vec::new();
    for source in sources {
        for it in &source.inventory.connections {
            rows.push(vec![
                source.name().to_owned(),
                it.application.clone(),
                it.role.clone(),
                it.client.clone().unwrap_or_default(),
                count(it.count),
                count(it.active),
            ]);
        }
    }
    let heads = ["SOURCE", "APPLICATION", "ROLE", "FROM", ">CONNECTIONS", ">ACTIVE"];
    Section::rows("Who connects", &heads, rows, shown)
}

pub(super) fn statements(sources: &[Source], is_verbose: bool) -> Option<Section> {
    let shown = if is_verbose {
        STATEMENTS_SHOWN.1
    } else {
        STATEMENTS_SHOWN.0
    };
    let mut rows = Vec::new();
    for source in sources {
        let statements = source.inventory.statements.iter().flatten();
        for it in statements.take(shown) {
            let words: Vec<&str> = it.text.split_whitespace().collect();
            let mut text: String = words.join(" ");
            if let Some((end, _)) = text.char_indices().nth(STATEMENT_CHARS) {
                text.truncate(end);
                text.push('…');
            }
            rows.push(vec![
                source.name().to_owned(),
                duration(Duration::from_millis(it.total_milliseconds)),
                count(it.calls),
                count(it.rows),
                text,
            ]);
        }
    }
    let heads = ["SOURCE", ">TIME", ">CALLS", ">ROWS", "STATEMENT"];
    Section::rows("Heaviest statements", &heads, rows, usize::MAX)
}
