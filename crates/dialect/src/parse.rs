//! From text to SQLite's syntax tree, and names without their quotes.

use std::fmt;

use sqlite3_parser::ast::{Cmd, Stmt};
use sqlite3_parser::lexer::sql::{Error, Parser};
use sqlite3_parser::{Bump, FallibleIterator};

/// The parser does not take the text, or it is not the statement that was asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SyntaxError {
    what: &'static str,
    reason: String,
}

impl SyntaxError {
    fn new(what: &'static str, error: &Error) -> SyntaxError {
        SyntaxError {
            what,
            reason: error.to_string(),
        }
    }

    pub(crate) fn not_a(what: &'static str) -> SyntaxError {
        SyntaxError {
            what,
            reason: format!("it is no {what}"),
        }
    }
}

impl fmt::Display for SyntaxError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "cannot read the {}: {}", self.what, self.reason)
    }
}

impl std::error::Error for SyntaxError {}

/// The only statement of `sql`; `what` names it in errors.
pub(crate) fn statement<'it>(
    bump: &'it Bump,
    sql: &'it str,
    what: &'static str,
) -> Result<Stmt<'it>, SyntaxError> {
    let mut parser = Parser::new(bump, sql.as_bytes());
    let failed = |error: Error| SyntaxError::new(what, &error);
    match (parser.next().map_err(failed)?, parser.next().map_err(failed)?) {
        (Some(Cmd::Stmt(statement)), None) => Ok(statement),
        _ => Err(SyntaxError::not_a(what)),
    }
}

/// A name or a string without its quotes: `"a ""b"""`, `[a]`, `` `a` `` and `'a'`.
pub(crate) fn unquote(name: &str) -> String {
    let Some(first) = name.chars().next() else {
        return String::new();
    };
    let inner = || name.get(1..name.len().saturating_sub(1)).unwrap_or_default();
    match first {
        '[' => inner().to_owned(),
        '"' | '`' | '\'' => {
            let quote = first.to_string();
            inner().replace(&quote.repeat(2), &quote)
        }
        _ => name.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_lose_their_quotes_once() {
        for (name, expected) in [
            ("plain", "plain"),
            ("\"a \"\"b\"\"\"", "a \"b\""),
            ("[a]]", "a]"),
            ("`a``b`", "a`b"),
            ("'it''s'", "it's"),
            ("\"\"", ""),
        ] {
            assert_eq!(unquote(name), expected, "{name}");
        }
    }

    #[test]
    fn broken_sql_is_an_error() {
        for sql in [
            "",
            "CREATE TABLE",
            "CREATE TABLE t (a CHECK (a >))",
            "'",
            "[",
            "\u{0}",
            "🦀",
        ] {
            assert!(statement(&Bump::new(), sql, "table").is_err(), "{sql}");
        }
    }
}
