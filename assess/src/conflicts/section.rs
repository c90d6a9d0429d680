//! The conflicts in reports for people: as a section of text, and as one of Markdown.

use std::fmt::Write as _;

use cli::count;

use super::{Conflict, Severity, Topic};
use crate::report::beside;

/// Names that sources share are many and harmless: people see the first of them.
const NAMES_SHOWN: usize = 10;

impl Severity {
    pub(crate) fn mark(self) -> &'static str {
        match self {
            Severity::Blocks => "✗",
            Severity::Warns => "!",
            Severity::Notes => "i",
            Severity::Resolved => "·",
        }
    }
}

/// The section of a report as text, with its verdict.
pub(crate) fn text(conflicts: &[Conflict], is_verbose: bool) -> String {
    if conflicts.is_empty() {
        return "\nNo conflicts.\n".to_owned();
    }
    let (shown, hidden) = choose(conflicts, is_verbose);
    let width = beside::width(shown.iter().map(|it| it.text.as_str()));
    let topic_width = shown.iter().map(|it| it.topic.word().len()).max().unwrap_or(0);
    let mut text = "\nCONFLICTS\n".to_owned();
    for it in shown {
        let (mark, topic) = (it.severity.mark(), it.topic.word());
        let lead = format!("  {mark} {topic:topic_width$}  ");
        text.push_str(&beside::lines(&lead, &it.text, width, &it.way_out));
        if is_verbose {
            for object in &it.evidence {
                // Writing to a String cannot fail.
                let _ = writeln!(text, "    {:topic_width$}    {object}", "");
            }
            let left_out = it.evidence_total - it.evidence.len();
            if left_out > 0 {
                let _ = writeln!(
                    text,
                    "    {:topic_width$}    … and {} more",
                    "",
                    count(left_out as u64)
                );
            }
        }
    }
    if hidden > 0 {
        let _ = writeln!(
            text,
            "  … and {} more names (--verbose or --format json lists them)",
            count(hidden as u64)
        );
    }
    let _ = writeln!(text, "\n{}", verdict(conflicts));
    text
}

/// The same for a wiki.
pub(crate) fn markdown(conflicts: &[Conflict], is_verbose: bool) -> String {
    if conflicts.is_empty() {
        return "\n## Conflicts\n\nNone.\n".to_owned();
    }
    let (shown, hidden) = choose(conflicts, is_verbose);
    let mut text = "\n## Conflicts\n\n| | topic | what | way out |\n| --- | --- | --- | --- |\n".to_owned();
    for it in shown {
        let (mark, topic) = (it.severity.mark(), it.topic.word());
        let _ = writeln!(
            text,
            "| {mark} | {topic} | {} | {} |",
            cell(&it.text),
            cell(&it.way_out)
        );
    }
    if hidden > 0 {
        let _ = writeln!(text, "\n… and {} more names.", count(hidden as u64));
    }
    let _ = writeln!(text, "\n{}", verdict(conflicts));
    text
}

/// `1 block, 2 warn, 14 resolved by the plan. Not ready.`
pub(crate) fn verdict(conflicts: &[Conflict]) -> String {
    let number = |severity| count(conflicts.iter().filter(|it| it.severity == severity).count() as u64);
    let (blocks, warns) = (number(Severity::Blocks), number(Severity::Warns));
    let word = if blocks == "0" { "Ready." } else { "Not ready." };
    let resolved = number(Severity::Resolved);
    format!("{blocks} block, {warns} warn, {resolved} resolved by the plan. {word}")
}

/// What is shown, and how many names are not.
fn choose(conflicts: &[Conflict], is_verbose: bool) -> (Vec<&Conflict>, usize) {
    let is_harmless = |it: &&Conflict| it.topic == Topic::Name && it.severity == Severity::Resolved;
    let names: Vec<&Conflict> = conflicts.iter().filter(is_harmless).collect();
    let most = if is_verbose { names.len() } else { NAMES_SHOWN };
    let others = conflicts.iter().filter(|it| !is_harmless(it));
    let shown: Vec<&Conflict> = others.chain(names.iter().copied().take(most)).collect();
    (shown, names.len().saturating_sub(most))
}

/// Text that stands in a table of Markdown.
fn cell(text: &str) -> String {
    text.replace('\\', "\\\\").replace('|', "\\|").replace('\n', " ")
}
