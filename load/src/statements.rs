//! One statement at a time over the wire protocol, never through psql.

use cli::{Exit, Failure, Result};
use postgres::GenericClient;

use crate::hints;

/// A statement's start, for messages.
const SHOWN_CHARS: usize = 160;

/// Runs one statement of the archive or of ours, unless the tool has been interrupted.
pub(crate) fn execute(client: &mut impl GenericClient, sql: &str) -> Result<()> {
    cli::check_interrupt()?;
    client.batch_execute(sql).map_err(|error| {
        let failure = Failure::new(Exit::Target, format!("statement failed: {}", shorten(sql)));
        hints::with_hint(failure, &error).with_source(error)
    })
}

/// A statement's beginning, on one line.
pub(crate) fn shorten(sql: &str) -> String {
    let words: Vec<&str> = sql.split_whitespace().collect();
    let line = words.join(" ");
    if line.chars().count() <= SHOWN_CHARS {
        return line;
    }
    line.chars().take(SHOWN_CHARS).chain("…".chars()).collect()
}
