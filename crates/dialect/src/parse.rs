//! From text to SQLite's syntax tree, and names without their quotes.

use std::fmt;

use sqlite3_parser::ast::{Cmd, Stmt};
use sqlite3_parser::lexer::Scanner;
use sqlite3_parser::lexer::sql::{Error, Parser, TokenType, Tokenizer};
use sqlite3_parser::{Bump, FallibleIterator};

/// Operators and parentheses in one another, as many as SQLite takes (`SQLITE_MAX_EXPR_DEPTH`).
const DEPTH_MAX: usize = 1000;

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
    let failed = |error: Error| SyntaxError::new(what, &error);
    if is_deep(sql).map_err(failed)? {
        return Err(SyntaxError {
            what,
            reason: "it is nested too deeply".to_owned(),
        });
    }
    let mut parser = Parser::new(bump, sql.as_bytes());
    match (parser.next().map_err(failed)?, parser.next().map_err(failed)?) {
        (Some(Cmd::Stmt(statement)), None) => Ok(statement),
        _ => Err(SyntaxError::not_a(what)),
    }
}

/// Whether its tree could be so deep that who walks through it runs out of stack: no part lies deeper than there are
/// operators and open parentheses before it, since a comma or a clause begins something new.
fn is_deep(sql: &str) -> Result<bool, Error> {
    use TokenType as T;
    let mut scanner = Scanner::new(Tokenizer::new());
    // Operators since the last comma, with the parenthesis that they stand in; by open parenthesis, those before it.
    let (mut own, mut outer) = (0_usize, Vec::new());
    let mut depth = 0_usize;
    while let (_, Some((_, token)), _) = scanner.scan(sql.as_bytes())? {
        match token {
            T::TK_COMMA | T::TK_SEMI | T::TK_SELECT | T::TK_WHERE | T::TK_JOIN | T::TK_ON => {
                // The parenthesis stays open.
                let base = usize::from(!outer.is_empty());
                depth -= own - base;
                own = base;
            }
            T::TK_LP => {
                outer.push(std::mem::replace(&mut own, 1));
                depth += 1;
            }
            T::TK_RP => {
                depth -= own;
                own = outer.pop().unwrap_or_default();
            }
            T::TK_ID
            | T::TK_STRING
            | T::TK_INTEGER
            | T::TK_FLOAT
            | T::TK_BLOB
            | T::TK_DOT
            | T::TK_AS
            | T::TK_WHEN
            | T::TK_THEN
            | T::TK_ELSE
            | T::TK_END => {}
            _ => {
                own += 1;
                depth += 1;
            }
        }
        if depth > DEPTH_MAX {
            return Ok(true);
        }
    }
    Ok(false)
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
