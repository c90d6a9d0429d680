//! What came of merging: told on stderr, and written as JSON for programs.

use archive::Header;
use catalog::TableKind;
use cli::{Ui, count};
use serde_json::{Value, json};

use super::shape::Found;
use super::source::Source;
use crate::report::Report;

/// The version of the JSON report.
const VERSION: u32 = 1;

/// Tells what became one table, and everything that a person should look at.
pub(crate) fn say(header: &Header, sources: &[Source], found: &Found, ui: &Ui) {
    for source in sources {
        ui.status(format_args!("source {}:", source.name));
        source.account.say(&source.mapping, ui);
    }
    let tables = &header.catalog.tables;
    for table in tables {
        let Some(merged) = &table.merged else { continue };
        let parts = merged.parts.iter().filter_map(|it| {
            let part = tables.iter().find(|table| table.number == *it)?;
            Some(format!(
                "{} of {}",
                part.qualified_name(),
                part.part.as_ref()?.source
            ))
        });
        let parts: Vec<String> = parts.collect();
        if merged.source_column.is_none() {
            ui.status(format_args!(
                "{} follows the keys of merged tables",
                table.qualified_name()
            ));
            continue;
        }
        let joined = if merged.dedupe.is_empty() {
            String::new()
        } else {
            format!(", rows of the same {} joined", merged.dedupe.join(", "))
        };
        ui.status(format_args!(
            "{} is made of {}{joined}",
            table.qualified_name(),
            parts.join(", ")
        ));
    }
    found.notes.iter().for_each(|it| ui.status(it));
    if !found.doubts.is_empty() {
        ui.status(format_args!("{} doubts:", count(found.doubts.len() as u64)));
    }
    found.doubts.iter().for_each(|it| ui.finding(it));
}

/// Writes what came of it.
pub(crate) fn publish(report: Report, header: &Header, sources: &[Source], found: &Found) -> cli::Result<()> {
    let of_sources: Vec<Value> = sources
        .iter()
        .map(|it| {
            let mut value = it.account.to_json(&it.mapping, "archive");
            value["name"] = json!(it.name);
            value
        })
        .collect();
    let merged = header
        .catalog
        .tables
        .iter()
        .filter(|it| it.kind == TableKind::Merged);
    let merged: Vec<Value> = merged
        .map(|it| {
            let values = header.catalog.tables.iter().filter_map(|part| {
                let own = part.part.as_ref().filter(|own| own.into == it.number)?;
                Some(json!({"source": own.source, "table": part.qualified_name().to_string()}))
            });
            json!({
                "table": it.qualified_name().to_string(), "parts": values.collect::<Vec<_>>(),
                "source_column": it.merged.as_ref().and_then(|it| it.source_column.clone()),
                "dedupe": it.merged.as_ref().map(|it| it.dedupe.clone()),
            })
        })
        .collect();
    report.write(&json!({
        "version": VERSION, "input": "archives", "sources": of_sources, "merged": merged,
        "doubts": found.doubts, "notes": found.notes,
    }))
}
