//! The report for a wiki: what the text says, as Markdown.

use super::{Report, text};

pub(super) fn render(report: &Report<'_>) -> String {
    format!("```text\n{}```\n", text::render(report))
}
