//! The report for people.

use std::fmt::Write as _;

use cli::Table;

use super::{Report, overview, sections};
use crate::conflicts;

pub(super) fn render(report: &Report<'_>) -> String {
    let mut table = Table::new(&overview::HEADS);
    for row in overview::rows(report) {
        table.row(row);
    }
    let mut text = table.to_string();
    for section in sections::all(report) {
        text.push_str(&section.to_text());
    }
    text.push_str(&conflicts::text(report.conflicts, report.is_verbose));
    if let Some(verdict) = report.verdict {
        let _ = write!(text, "\n{}", verdict.to_text());
    }
    text
}
