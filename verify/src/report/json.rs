//! The report for programs; `docs/verify.schema.json` describes it.

use fingerprint::Fingerprint;
use serde_json::{Value, json};

use super::{Area, Finding, Identity, LargeObjects, Report, Run, Shown, TableResult, Weight};
use crate::rows::difference::{RowDifference, RowDifferences};

/// Keys are only ever added within it.
const VERSION: u32 = 1;

pub(super) fn render(report: &Report, shown: Shown) -> Value {
    let tables: Vec<Value> = report.tables.iter().map(|it| table(it, shown)).collect();
    let findings: Vec<Value> = report.findings.iter().map(finding).collect();
    let (source, target) = &report.sides;
    json!({
        "version": VERSION,
        "source": report.source,
        "target": report.target,
        "source_identity": source.as_ref().map(Identity::json),
        "target_identity": target.as_ref().map(Identity::json),
        "run": report.run.as_ref().map(Run::json),
        "identical": report.is_identical(),
        "summary": report.closing(),
        "tables": tables,
        "objects": sentences(report, Area::Schema).collect::<Vec<_>>(),
        "sequences": sentences(report, Area::Sequence).collect::<Vec<_>>(),
        "findings": findings,
        "discards": report.discards,
        "not_compared": report.not_compared(),
        "limits": report.scope.sentences(),
        "hint": report.hint(),
        "large_objects": report.large_objects.as_ref().map(LargeObjects::json),
    })
}

/// The differences of an area, as sentences.
fn sentences(report: &Report, area: Area) -> impl Iterator<Item = String> {
    report
        .findings_of(area, Weight::Difference)
        .map(Finding::to_string)
}

fn table(it: &TableResult, shown: Shown) -> Value {
    let side = |side: Option<Fingerprint>| side.map(|it| json!({"rows": it.rows, "sum": it.sum()}));
    json!({
        "table": it.name,
        "identical": it.difference.is_none(),
        "form": it.source.or(it.target).map(|it| it.form),
        "source": side(it.source),
        "target": side(it.target),
        "proof": it.proof.word(),
        "verdict": it.verdict(),
        "differing_rows": it.rows.as_ref().map(|it| rows(it, shown)),
    })
}

/// The rows that differ, their values whole.
fn rows(it: &RowDifferences, shown: Shown) -> Value {
    let named = |places: &[usize]| {
        let names = places.iter().filter_map(|&place| it.columns.get(place));
        names.cloned().collect::<Vec<String>>()
    };
    let row = |row: &RowDifference| match row {
        RowDifference::Missing(values) => {
            json!({"kind": "missing", "source": values, "target": null, "differ": []})
        }
        RowDifference::Extra(values) => {
            json!({"kind": "extra", "source": null, "target": values, "differ": []})
        }
        RowDifference::Changed {
            source,
            target,
            columns,
        } => json!({"kind": "changed", "source": source, "target": target, "differ": named(columns)}),
    };
    json!({
        "key": it.key,
        "columns": it.columns,
        "missing": it.missing,
        "extra": it.extra,
        "changed": it.changed,
        "complete": it.is_complete,
        "rows": it.rows.iter().take(shown.rows).map(row).collect::<Vec<_>>(),
    })
}

fn finding(it: &Finding) -> Value {
    json!({
        "area": it.area.to_string(),
        "weight": it.weight.to_string(),
        "object": it.object,
        "property": it.property,
        "source": it.source,
        "target": it.target,
        "note": it.note,
    })
}
