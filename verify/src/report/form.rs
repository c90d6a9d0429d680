//! The forms of a report, and how much of it is shown.

use clap::ValueEnum;

/// The form of a report.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Form {
    /// For people
    Text,
    /// For programs: one JSON object with a version
    Json,
    /// For a ticket or a pull request
    Markdown,
    /// For CI: `JUnit`'s XML, a test case for each table and each other part of the proof
    Junit,
}

/// How much is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Shown {
    /// Values are shown whole, and what is grouped by the piece.
    pub(crate) verbose: bool,
    /// Differing rows of each table.
    pub(crate) rows: usize,
}
