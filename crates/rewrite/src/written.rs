//! Statements of a file that a person wrote, and what in them is for psql or for a session of one's own.

use std::fmt;
use std::ops::Range;

use squawk_lexer::{TokenKind, tokenize};

use crate::split::split;

/// A statement, or a command of psql in the place of one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WrittenStatement<'a> {
    /// From the first word to the semicolon.
    pub text: &'a str,
    /// Where it begins in the file, from 1.
    pub line: usize,
    /// Why it cannot be sent to a server as one statement of somebody else's session.
    pub misfit: Option<Misfit>,
}

/// What a statement wants of a session.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Misfit {
    /// `\i`, `\gexec` and the like.
    PsqlCommand(String),
    /// It begins, ends or shapes a transaction.
    Transaction(String),
    /// Rows would have to follow, or would come back.
    CopyStream,
    /// A string, a comment or a body is left open at the end of the file.
    Open,
}

impl fmt::Display for Misfit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Misfit::PsqlCommand(command) => write!(f, "{command} is a command of psql, not of the server"),
            Misfit::Transaction(words) => {
                write!(
                    f,
                    "{words}: each statement runs by itself, outside of transactions"
                )
            }
            Misfit::CopyStream => f.write_str("COPY through the connection has no rows here"),
            Misfit::Open => f.write_str("the file ends in the middle of it"),
        }
    }
}

/// The statements of a file in their order, with the commands of psql among them.
pub fn written_statements(sql: &str) -> Vec<WrittenStatement<'_>> {
    let mut found = Vec::new();
    let (mut end, pieces) = (0, split(sql));
    for piece in &pieces {
        found.extend(command_between(sql, end..piece.range.start));
        found.push(statement(sql, piece.range.clone()));
        end = piece.range.end;
    }
    found.extend(command_between(sql, end..sql.len()));
    let last_is_open = !crate::split::is_complete(&format!("{sql}\n;"));
    if let Some(last) = found.last_mut().filter(|_| last_is_open) {
        last.misfit.get_or_insert(Misfit::Open);
    }
    found
}

/// The first command of psql in what stands between two statements.
fn command_between(sql: &str, range: Range<usize>) -> Option<WrittenStatement<'_>> {
    let (start, command) = psql_command(&sql[range.clone()])?;
    let start = range.start + start;
    Some(WrittenStatement {
        text: &sql[start..start + command.len()],
        line: line_of(sql, start),
        misfit: Some(Misfit::PsqlCommand(command.to_owned())),
    })
}

fn statement(sql: &str, range: Range<usize>) -> WrittenStatement<'_> {
    let (text, line) = (&sql[range.clone()], line_of(sql, range.start));
    let command = psql_command(text).map(|(_, command)| Misfit::PsqlCommand(command.to_owned()));
    let misfit = command.or_else(|| misfit_of(&words(text)));
    WrittenStatement { text, line, misfit }
}

/// A backslash outside of strings and comments, and the word behind it.
fn psql_command(text: &str) -> Option<(usize, &str)> {
    let mut at = 0;
    for token in tokenize(text) {
        let start = at;
        at += token.len as usize;
        if text[start..at].starts_with('\\') {
            let behind = &text[start..];
            let end = behind.find(char::is_whitespace).unwrap_or(behind.len());
            return Some((start, behind[..end].trim_end_matches(';')));
        }
    }
    None
}

/// The words of a statement outside of all parentheses, in upper case.
fn words(text: &str) -> Vec<String> {
    let (mut words, mut at, mut depth) = (Vec::new(), 0, 0_u32);
    for token in tokenize(text) {
        let start = at;
        at += token.len as usize;
        match token.kind {
            TokenKind::OpenParen => depth += 1,
            TokenKind::CloseParen => depth = depth.saturating_sub(1),
            TokenKind::Ident if depth == 0 => words.push(text[start..at].to_ascii_uppercase()),
            _ => {}
        }
    }
    words
}

fn misfit_of(words: &[String]) -> Option<Misfit> {
    let mut all = words.iter().map(String::as_str);
    let (first, second) = (all.next()?, all.next().unwrap_or_default());
    let pair = |wanted: [&str; 2]| {
        words
            .windows(2)
            .any(|it| it[0] == wanted[0] && it[1] == wanted[1])
    };
    match (first, second) {
        ("BEGIN" | "START" | "COMMIT" | "END" | "ROLLBACK" | "ABORT" | "SAVEPOINT" | "RELEASE", _) => {
            Some(Misfit::Transaction(first.to_owned()))
        }
        ("PREPARE" | "SET", "TRANSACTION") | ("SET", "LOCAL" | "CONSTRAINTS") => {
            Some(Misfit::Transaction(format!("{first} {second}")))
        }
        ("COPY", _) if pair(["FROM", "STDIN"]) || pair(["TO", "STDOUT"]) => Some(Misfit::CopyStream),
        _ => None,
    }
}

fn line_of(sql: &str, at: usize) -> usize {
    1 + sql[..at].bytes().filter(|it| *it == b'\n').count()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(sql: &str, expected: &[(usize, &str, Option<Misfit>)]) {
        let found = written_statements(sql);
        let found: Vec<_> = found
            .into_iter()
            .map(|it| (it.line, it.text, it.misfit))
            .collect();
        assert_eq!(found, expected, "{sql}");
    }

    #[test]
    fn statements_have_their_lines() {
        check(
            "-- first\nCREATE INDEX CONCURRENTLY i\n  ON t (a);\n\nDO $$\nBEGIN; COMMIT;\n$$; VACUUM t",
            &[
                (2, "CREATE INDEX CONCURRENTLY i\n  ON t (a);", None),
                (5, "DO $$\nBEGIN; COMMIT;\n$$;", None),
                (7, "VACUUM t", None),
            ],
        );
        check("-- nothing; \n/* \\i x */", &[]);
    }

    #[test]
    fn commands_of_psql_are_named_wherever_they_stand() {
        let psql = |command: &str| Some(Misfit::PsqlCommand(command.to_owned()));
        check(
            "SELECT 1;\n\\i x.sql;\nSELECT '\\i';",
            &[
                (1, "SELECT 1;", None),
                (2, "\\i", psql("\\i")),
                (3, "SELECT '\\i';", None),
            ],
        );
        check(
            "SELECT 'a'\n\\gexec\n",
            &[(1, "SELECT 'a'\n\\gexec", psql("\\gexec"))],
        );
        check("\\timing", &[(1, "\\timing", psql("\\timing"))]);
    }

    #[test]
    fn what_needs_a_session_of_its_own_is_found() {
        let transaction = |words: &str| Some(Misfit::Transaction(words.to_owned()));
        for (sql, misfit) in [
            ("begin;", transaction("BEGIN")),
            ("/* x */ Commit", transaction("COMMIT")),
            ("START TRANSACTION", transaction("START")),
            ("END", transaction("END")),
            ("PREPARE TRANSACTION 'x'", transaction("PREPARE TRANSACTION")),
            ("SET LOCAL work_mem = 1", transaction("SET LOCAL")),
            ("PREPARE q AS SELECT 1", None),
            ("SET work_mem = 1", None),
            (
                "COPY t (a) FROM STDIN WITH (FORMAT csv)",
                Some(Misfit::CopyStream),
            ),
            ("copy (SELECT 1) to stdout", Some(Misfit::CopyStream)),
            ("COPY t FROM '/tmp/stdin'", None),
            ("SELECT 'open", Some(Misfit::Open)),
            ("DO $x$ open", Some(Misfit::Open)),
            ("SELECT 1 /* open", Some(Misfit::Open)),
        ] {
            assert_eq!(written_statements(sql)[0].misfit, misfit, "{sql}");
        }
    }
}
