//! What may be told of a refusal whose reason can be a row: the server's words can repeat values of it, and messages end
//! up in logs. `--verbose` shows all of them.

use std::error::Error;
use std::fmt;

use cli::Failure;
use postgres::error::DbError;

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
pub(crate) fn words(error: &DbError) -> Option<Reserved> {
    let state = error.code().code();
    let is_of_function = error.where_().is_some_and(|it| !it.starts_with("COPY "));
    let hidden = match state.get(..2).unwrap_or_default() {
        // Names of tables, columns and constraints, unless a function says it.
        "23" => is_of_function,
        // Values, sizes, and whatever a function says.
        "20" | "21" | "22" | "2F" | "38" | "39" | "44" | "54" | "P0" => true,
        class => is_own_word(class),
    };
    hidden.then(|| Reserved::new(error))
}

/// Classes that PostgreSQL does not know are words of functions (`RAISE … USING ERRCODE`).
fn is_own_word(class: &str) -> bool {
    const KNOWN: [&str; 31] = [
        "00", "01", "02", "03", "08", "09", "0A", "0B", "0F", "0L", "0P", "0Z", "24", "25", "26", "27", "28",
        "2B", "2D", "34", "3B", "3D", "3F", "40", "42", "53", "55", "57", "58", "F0", "XX",
    ];
    !KNOWN.contains(&class)
}

const HIDDEN: &str = "message shown with --verbose, since it can hold row data";

const DETAIL: &str = "\nDETAIL: shown with --verbose, since it can hold row data";

/// A server's error as far as it can hold no value of a row; `--verbose` shows all of it.
#[derive(Clone, Debug)]
pub(crate) struct Reserved(String);

impl Reserved {
    pub(crate) fn new(error: &DbError) -> Self {
        let sqlstate = error.code().code();
        // Words of a function can be anything; JSON says its place before COPY does.
        let is_json = error.routine().is_some_and(|it| it.starts_with("json_"));
        let is_of_function = error.where_().is_some_and(|it| !it.starts_with("COPY ")) && !is_json;
        let words = match sqlstate.get(..2) {
            _ if is_of_function => None,
            // Names of tables, columns and constraints.
            Some("23") => Some(error.message().to_owned()),
            Some("22" | "54") => Some(without_quoted(error.message())),
            _ => None,
        };
        let words = words.unwrap_or_else(|| HIDDEN.to_owned());
        let detail = error.detail().map_or("", |_| DETAIL);
        Reserved(format!(
            "{}: {words} (SQLSTATE {sqlstate}){detail}",
            error.severity()
        ))
    }
}

impl fmt::Display for Reserved {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Error for Reserved {}

/// Leaves out everything between the first quote and the last one, of whatever language, and bytes in hexadecimal.
fn without_quoted(message: &str) -> String {
    const QUOTES: [char; 11] = ['"', '\'', '»', '«', '„', '“', '”', '‘', '’', '「', '」'];
    let message = message.split(": 0x").next().unwrap_or_default();
    let (Some(first), Some(last)) = (message.find(QUOTES), message.rfind(QUOTES)) else {
        return message.to_owned();
    };
    let behind = message[last..].chars().skip(1).collect::<String>();
    format!("{}…{behind}", &message[..first])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_left_out_of_messages() {
        for (message, shown) in [
            (
                "invalid input syntax for type integer: \"se\"cret\"",
                "invalid input syntax for type integer: …",
            ),
            (
                "value \"99999999999\" is out of range for type integer",
                "value … is out of range for type integer",
            ),
            (
                "ungültige Eingabesyntax für Typ integer: »geheim«",
                "ungültige Eingabesyntax für Typ integer: …",
            ),
            (
                "invalid byte sequence for encoding \"UTF8\": 0xff",
                "invalid byte sequence for encoding …",
            ),
            ("numeric field overflow", "numeric field overflow"),
        ] {
            assert_eq!(without_quoted(message), shown);
        }
    }
}
