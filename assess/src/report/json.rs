//! The report for programs: one JSON object with a version, of which `docs/assess.schema.json` is the contract.

use catalog::Extension;
use database::postgres::Identity;
use database::sqlite::{OrphanedKey, Orphans};
use inventory::Engine;
use serde_json::{Value, json};

use super::Report;
use crate::conflicts::Severity;
use crate::sources::{Source, SqliteFile};
use crate::target::Target;

/// The version of the report.
const VERSION: u32 = 1;

/// Of more tables than this nobody reads the report by eye, and blanks would be more than half of it.
const INDENTED_MAX: usize = 2000;

pub(super) fn render(report: &Report<'_>) -> String {
    let sources: Vec<Value> = report.sources.iter().map(inventory).collect();
    let mut json = json!({
        "version": VERSION,
        "sources": sources,
        "target": if let [it] = report.targets { Some(target_report(it)) } else { None },
        "targets": report.targets.iter().map(target_report).collect::<Vec<_>>(),
        "conflicts": report.conflicts,
        "ready": !report.conflicts.iter().any(|it| it.severity == Severity::Blocks),
    });
    if let Some(verdict) = report.verdict {
        json["ready"] = json!(verdict.ready);
        json["readiness"] = json!(verdict.checks);
    }
    let tables: usize = report.sources.iter().map(|it| it.inventory.tables.len()).sum();
    if tables > INDENTED_MAX {
        format!("{json}\n")
    } else {
        format!("{json:#}\n")
    }
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
        "inventory": of,
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
