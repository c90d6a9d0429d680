//! The report in its forms.

pub(crate) mod beside;
mod json;
mod markdown;
mod overview;
mod section;
mod sections;
mod text;

use clap::ValueEnum;
use plan::Plan;

use crate::conflicts::Conflict;
use crate::page;
use crate::readiness::Verdict;
use crate::sources::Source;
use crate::target::Target;

/// The form of the report on stdout.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// For people
    #[value(alias = "table")]
    Text,
    /// For programs: one JSON object with a version
    Json,
    /// The same as text, for a wiki
    Markdown,
    /// One page that needs nothing beside it
    Html,
}

/// Everything that a report tells.
pub(crate) struct Report<'a> {
    pub(crate) sources: &'a [Source],
    /// In the order of the plan's.
    pub(crate) targets: &'a [Target],
    pub(crate) conflicts: &'a [Conflict],
    /// The plan that is proposed; its sources are in the order of `sources`.
    pub(crate) plan: &'a Plan,
    pub(crate) is_verbose: bool,
    /// What `--ready` says.
    pub(crate) verdict: Option<&'a Verdict>,
}

pub(crate) fn render(format: Format, report: &Report<'_>) -> String {
    match format {
        Format::Text => text::render(report),
        Format::Json => json::render(report),
        Format::Markdown => markdown::render(report),
        Format::Html => page::render(report),
    }
}
