//! The report as one HTML page.

use cli::{Failure, Result};

use crate::report::Report;

/// The whole page.
pub(crate) fn render(_report: &Report<'_>) -> Result<String> {
    Err(Failure::usage("--format html is not there yet").with_hint("take --format markdown or json"))
}
