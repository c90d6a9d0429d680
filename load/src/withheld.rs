//! What may be told of a refusal whose reason can be a row: the server's words can repeat values of it, and messages end
//! up in logs. `--verbose` shows all of them.

use cli::Failure;
use postgres::error::DbError;

const HIDDEN: &str = "message shown with --verbose, since it can hold row data";

/// A failure to write rows, without the server's words where these can hold a value. What has nothing to do with a row (a
/// lock, a lost session, a privilege, a missing name) stays whole.
pub(crate) fn of_rows(failure: Failure, is_verbose: bool) -> Failure {
    let Some(error) = failure.server_error().filter(|_| !is_verbose) else {
        return failure;
    };
    match words(error) {
        Some(words) => failure.with_source(words),
        None => failure,
    }
}

/// The words to say in place of the server's own; none where these hold no value.
pub(crate) fn words(error: &DbError) -> Option<String> {
    let state = error.code().code();
    let is_of_function = error.where_().is_some_and(|it| !it.starts_with("COPY "));
    let hidden = match state.get(..2).unwrap_or_default() {
        // Names of tables, columns and constraints, unless a function says it.
        "23" => is_of_function,
        // Values, sizes, and whatever a function says.
        "20" | "21" | "22" | "2F" | "38" | "39" | "44" | "54" | "P0" => true,
        class => is_own_word(class),
    };
    hidden.then(|| format!("{}: {HIDDEN} (SQLSTATE {state})", error.severity()))
}

/// Classes that PostgreSQL does not know are words of functions (`RAISE … USING ERRCODE`).
fn is_own_word(class: &str) -> bool {
    const KNOWN: [&str; 31] = [
        "00", "01", "02", "03", "08", "09", "0A", "0B", "0F", "0L", "0P", "0Z", "24", "25", "26", "27", "28",
        "2B", "2D", "34", "3B", "3D", "3F", "40", "42", "53", "55", "57", "58", "F0", "XX",
    ];
    !KNOWN.contains(&class)
}
