//! The report for a wiki: what the text says, as Markdown.

use std::fmt::Write as _;

use super::{Report, overview, section, sections};
use crate::conflicts;

pub(super) fn render(report: &Report<'_>) -> String {
    let mut text = "# Sources\n\n".to_owned();
    text.push_str(&section::markdown_table(
        &overview::HEADS,
        &overview::rows(report),
    ));
    for section in sections::all(report) {
        text.push_str(&section.to_markdown());
    }
    text.push_str(&conflicts::markdown(report.conflicts, report.is_verbose));
    if let Some(verdict) = report.verdict {
        // Writing to a String cannot fail.
        let _ = write!(text, "\n```text\n{}```\n", verdict.to_text());
    }
    text
}
