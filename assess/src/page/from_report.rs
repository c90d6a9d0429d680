//! What the report knows, as the page shows it.

use inventory::{Collation, Inventory, Server};
use jiff::{Timestamp, tz::TimeZone};

use super::{Finding, Page, Picture, Severity, document, is_large};
use crate::conflicts::{self, Conflict};
use crate::pictures;
use crate::report::Report;
use crate::target::Target;

/// The whole page.
pub(crate) fn render(report: &Report<'_>) -> String {
    let targets: Vec<Inventory> = report.targets.iter().map(as_inventory).collect();
    let page = Page {
        sources: report.sources.iter().map(|it| &it.inventory).collect(),
        targets: targets.iter().collect(),
        findings: report.conflicts.iter().map(finding).collect(),
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

fn finding(it: &Conflict) -> Finding {
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
    }
}

fn as_inventory(it: &Target) -> Inventory {
    let server = Server {
        version: it.identity.server_version.clone(),
        database: it.identity.database.clone(),
        encoding: it.identity.encoding.clone(),
        collation: Collation {
            name: it.identity.collation.clone(),
            ..Collation::default()
        },
        in_recovery: it.identity.in_recovery,
        ..Server::default()
    };
    Inventory {
        name: it.name.clone(),
        endpoint: it.endpoint.clone(),
        server,
        ..Inventory::default()
    }
}
