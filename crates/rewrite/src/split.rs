//! Cuts SQL text into statements by its tokens alone, so that a statement which the parser cannot read
//! spoils none of its neighbours.

use std::ops::Range;

use squawk_lexer::{LiteralKind, Token, TokenKind, tokenize};

use crate::depth::Depth;

/// One statement's place: from its first word to its semicolon, comments before it left out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Piece {
    pub(crate) range: Range<usize>,
    pub(crate) too_deep: bool,
    /// Ended by its semicolon.
    pub(crate) complete: bool,
}

/// Semicolons inside parentheses (rules) and inside `BEGIN ATOMIC … END` separate nothing, as in psql. Lines
/// that begin with a backslash where a statement would begin are psql's own and are passed over.
pub(crate) fn split(sql: &str) -> Vec<Piece> {
    let mut pieces = Vec::new();
    let mut at = 0;
    while let Some(end) = split_until_command(sql, at, &mut pieces) {
        at = sql[end..]
            .find('\n')
            .map_or(sql.len(), |newline| end + newline + 1);
    }
    pieces
}

/// Where each statement of `sql` stands, from its first word to its semicolon; nothing is parsed.
pub fn statement_ranges(sql: &str) -> Vec<Range<usize>> {
    split(sql).into_iter().map(|piece| piece.range).collect()
}

/// Whether `sql` ends between two statements: nothing is left open, no statement, string or comment.
pub fn is_complete(sql: &str) -> bool {
    ending(sql).is_complete
}

/// How a text ends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ending {
    /// It ends between two statements: nothing is left open, no statement, string or comment.
    pub is_complete: bool,
    /// The last statement that has its semicolon.
    pub last: Option<Range<usize>>,
    /// Where a dollar-quoted string is left open: what must follow before it is closed.
    pub waits_for: Option<String>,
}

/// Says how `sql` ends.
pub fn ending(sql: &str) -> Ending {
    let pieces = split(sql);
    let last = pieces.iter().rev().find(|piece| piece.complete);
    let tail = &sql[last.map_or(0, |piece| piece.range.end)..];
    let (mut open_comment, mut waits_for) = (false, None);
    let mut at = 0;
    for Token { kind, len } in tokenize(tail) {
        let token = &tail[at..at + len as usize];
        at += len as usize;
        open_comment |= kind == TokenKind::BlockComment { terminated: false };
        if matches!(
            kind,
            TokenKind::Literal {
                kind: LiteralKind::DollarQuotedString { terminated: false }
            }
        ) {
            waits_for = token[1..].find('$').map(|end| token[..end + 2].to_owned());
        }
    }
    Ending {
        is_complete: pieces.last().is_none_or(|piece| piece.complete) && !open_comment,
        last: last.map(|piece| piece.range.clone()),
        waits_for,
    }
}

/// Splits from `start` on; `Some` is the offset of a psql command that must be passed over.
fn split_until_command(sql: &str, start: usize, pieces: &mut Vec<Piece>) -> Option<usize> {
    let mut current = Current::default();
    let mut at = start;
    for Token { kind, len } in tokenize(&sql[start..]) {
        let range = at..at + len as usize;
        at = range.end;
        let text = &sql[range.clone()];
        if matches!(
            kind,
            TokenKind::Whitespace | TokenKind::LineComment | TokenKind::BlockComment { .. }
        ) {
            continue;
        }
        if current.start.is_none() && text.starts_with('\\') {
            return Some(range.start);
        }
        if kind == TokenKind::Semi && current.depth == 0 && current.begins == 0 {
            if let Some(piece) = std::mem::take(&mut current).finish(range.end, true) {
                pieces.push(piece);
            }
            continue;
        }
        current.start.get_or_insert(range.start);
        current.end = range.end;
        current.take(kind, text);
    }
    pieces.extend(std::mem::take(&mut current).finish_open());
    None
}

/// The statement being read.
#[derive(Default)]
struct Current {
    start: Option<usize>,
    end: usize,
    depth: u32,
    nesting: Depth,
    /// `BEGIN ATOMIC`s and `CASE`s of a routine's body that are still open.
    begins: u32,
    /// The first letters of the words `CREATE`, `OR`, `REPLACE`, `FUNCTION`, `PROCEDURE` at the beginning.
    head: String,
    words: usize,
    before: Before,
}

/// The token before, as far as it matters.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Before {
    #[default]
    Other,
    /// What follows is a name, such as that of `public.begin`.
    Dot,
    Begin,
}

impl Current {
    fn take(&mut self, kind: TokenKind, text: &str) {
        self.nesting.take(kind, text);
        let before = std::mem::take(&mut self.before);
        match kind {
            TokenKind::OpenParen | TokenKind::OpenBracket => self.depth += 1,
            TokenKind::CloseParen | TokenKind::CloseBracket => self.depth = self.depth.saturating_sub(1),
            TokenKind::Dot => self.before = Before::Dot,
            TokenKind::Ident => self.take_word(text, before),
            _ => {}
        }
    }

    fn take_word(&mut self, text: &str, before: Before) {
        let is = |word: &str| text.eq_ignore_ascii_case(word);
        if self.words < 4 {
            let known = ["create", "or", "replace", "function", "procedure"];
            self.head.extend(
                known
                    .iter()
                    .find(|word| is(word))
                    .and_then(|word| word.chars().next()),
            );
        }
        self.words += 1;
        let routine = ["cf", "cp", "corf", "corp"]
            .iter()
            .any(|head| self.head.starts_with(head));
        if !routine || self.depth > 0 || before == Before::Dot {
            return;
        }
        if is("begin") {
            self.before = Before::Begin;
        } else if (is("atomic") && before == Before::Begin) || (is("case") && self.begins > 0) {
            self.begins += 1;
        } else if is("end") {
            self.begins = self.begins.saturating_sub(1);
        }
    }

    fn finish(self, end: usize, complete: bool) -> Option<Piece> {
        self.start.map(|start| Piece {
            range: start..end,
            too_deep: self.nesting.is_too_deep(),
            complete,
        })
    }

    fn finish_open(self) -> Option<Piece> {
        let end = self.end;
        self.finish(end, false)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(sql: &str, expected: &[&str]) {
        let found: Vec<&str> = split(sql).into_iter().map(|piece| &sql[piece.range]).collect();
        assert_eq!(found, expected);
    }

    #[test]
    fn semicolons_in_strings_comments_and_bodies_separate_nothing() {
        check(
            "-- a;\nSELECT 'x;', \";\" /* ; */;; b",
            &["SELECT 'x;', \";\" /* ; */;", "b"],
        );
        check("DO $a$ x; $a$; SELECT 1;", &["DO $a$ x; $a$;", "SELECT 1;"]);
        check(
            "CREATE RULE r AS ON UPDATE TO t DO (a; b);c",
            &["CREATE RULE r AS ON UPDATE TO t DO (a; b);", "c"],
        );
    }

    #[test]
    fn atomic_body_is_one_statement() {
        let function = "CREATE OR REPLACE FUNCTION f() RETURNS int BEGIN ATOMIC SELECT CASE WHEN a THEN 1 END; SELECT 2; END;";
        check(
            &format!("{function} BEGIN; SELECT 1;"),
            &[function, "BEGIN;", "SELECT 1;"],
        );
    }

    #[test]
    fn names_that_are_words_of_bodies_open_nothing() {
        for name in ["begin", "public.begin", "public.case", "public.end"] {
            let function = format!("CREATE FUNCTION {name}(begin int) RETURNS s.begin LANGUAGE sql AS 'x';");
            check(&format!("{function} SELECT 1;"), &[&function, "SELECT 1;"]);
        }
        let function =
            "CREATE FUNCTION s.begin() RETURNS int BEGIN ATOMIC SELECT t.end, t.case FROM t; SELECT 2; END;";
        check(&format!("{function} SELECT 1;"), &[function, "SELECT 1;"]);
    }

    #[test]
    fn commands_of_psql_are_passed_over() {
        check("\\restrict a'b\n\nSELECT 1;\n\\unrestrict a'b\n", &["SELECT 1;"]);
        check("\\connect x", &[]);
    }

    #[test]
    fn text_is_complete_only_between_statements() {
        for (sql, expected) in [
            ("", true),
            ("SELECT 1; -- x", true),
            ("SELECT 1", false),
            ("DO $$ a;\n", false),
            ("SELECT 1; /* a", false),
            ("SELECT 'a;", false),
        ] {
            assert_eq!(is_complete(sql), expected, "{sql}");
        }
    }

    #[test]
    fn the_end_says_what_is_left_open() {
        let found = ending("SELECT 1;\nDO $a$ x; $b$ ");
        assert_eq!(
            (found.last, found.waits_for.as_deref()),
            (Some(0..9), Some("$a$"))
        );
        assert!(!found.is_complete);
        assert_eq!(ending("SELECT $$a$$").waits_for, None);
    }

    #[test]
    fn deep_nesting_is_marked() {
        let pieces = split(&format!(
            "SELECT {};SELECT 1;",
            "(".repeat(300) + &")".repeat(300)
        ));
        assert_eq!(
            pieces.iter().map(|it| it.too_deep).collect::<Vec<_>>(),
            [true, false]
        );
    }
}
