//! What the report knows, as the page shows it.

use inventory::Inventory;
use jiff::{Timestamp, tz::TimeZone};

use super::{Finding, Page, Picture, Severity, TargetCard, document, is_large};
use crate::conflicts::{self, Conflict};
use crate::pictures;
use crate::report::Report;

/// The whole page.
pub(crate) fn render(report: &Report<'_>) -> String {
    // The plan's targets stand in the order in which they were named.
    let targets = report.targets.iter().enumerate();
    let targets = targets.map(|(at, it)| TargetCard::new(it, report.plan.targets.get(at), report.plan));
    let page = Page {
        sources: report.sources.iter().map(|it| &it.inventory).collect(),
        targets: targets.collect(),
        verdict: report.verdict,
        findings: report.conflicts.iter().map(|it| finding(it, report)).collect(),
        plan: Some(report.plan),
        pictures: pictures(report),
        made: now(),
    };
    document(&page)
}

fn pictures(report: &Report<'_>) -> Vec<Picture> {
    let sources: Vec<&Inventory> = report.sources.iter().map(|it| &it.inventory).collect();
    if is_large(&sources) {
        return Vec::new();
    }
    let drawn = pictures::for_page(&sources, report.plan).into_iter();
    drawn
        .map(|it| Picture {
            title: it.title,
            svg: it.svg,
        })
        .collect()
}

/// `2026-11-21 14:03 UTC`
fn now() -> String {
    Timestamp::now()
        .to_zoned(TimeZone::UTC)
        .strftime("%Y-%m-%d %H:%M UTC")
        .to_string()
}

fn finding(it: &Conflict, report: &Report<'_>) -> Finding {
    let decided = report.plan.conflicts.iter().find(|decided| decided.id == it.id);
    Finding {
        severity: match it.severity {
            conflicts::Severity::Blocks => Severity::Blocks,
            conflicts::Severity::Warns => Severity::Warns,
            conflicts::Severity::Notes => Severity::Notes,
            conflicts::Severity::Resolved => Severity::Resolved,
        },
        topic: it.topic.word().to_owned(),
        text: it.text.clone(),
        evidence: it.evidence.clone(),
        evidence_total: it.evidence_total,
        way_out: it.way_out.clone(),
        id: it.id.clone(),
        choices: it.choices,
        resolution: decided.and_then(|it| it.resolution.clone()),
    }
}
