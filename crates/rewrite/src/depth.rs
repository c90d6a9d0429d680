//! How deeply a text is nested, by its tokens alone. The parser, the walks over its trees and the release of a tree
//! call themselves, and a stack that is used up ends the program.

use squawk_lexer::{Token, TokenKind, tokenize};

/// Deeper levels than this, of brackets, `CASE` and blocks, are not handed to the parser. The costliest level, a
/// query in brackets, takes 1.1 KiB of stack in a build that is not optimised.
const LEVELS_MAX: usize = 256;

/// Nor are longer runs of tokens that nothing separates: each may be an operator, and then its operands nest
/// (`NOT NOT a`, `a || b || c`). The costliest token takes 0.5 KiB of stack, so that both limits together leave half a
/// mebibyte of the two that a thread has.
const CHAIN_MAX: usize = 2048;

/// Counts while the tokens of a text go by.
#[derive(Debug, Default)]
pub(crate) struct Depth {
    /// PL/pgSQL: there are blocks.
    of_blocks: bool,
    /// Those around the innermost one.
    outer: Vec<Level>,
    /// Tokens in all of `outer`.
    outer_length: usize,
    level: Level,
    before: Before,
    is_too_deep: bool,
}

/// What is between two brackets, or between `CASE` and `END`.
#[derive(Clone, Copy, Debug, Default)]
struct Level {
    is_bracketed: bool,
    /// Tokens since the last comma or whatever else begins something new.
    item: usize,
    /// Set operations: the commas of their operands do not end a chain of them.
    set_operations: usize,
}

/// The token before.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Before {
    /// A statement of a block may begin.
    #[default]
    Start,
    /// `.` or `AS`: what follows is a name.
    Name,
    End,
    Other,
}

impl Depth {
    pub(crate) fn is_too_deep(&self) -> bool {
        self.is_too_deep
    }

    /// Whitespace and comments are not for here.
    pub(crate) fn take(&mut self, kind: TokenKind, text: &str) {
        if self.is_too_deep {
            return;
        }
        self.level.item += 1;
        let mut now = Before::Other;
        match kind {
            TokenKind::OpenParen | TokenKind::OpenBracket => self.open(true),
            TokenKind::CloseParen | TokenKind::CloseBracket => self.close_bracket(),
            TokenKind::Comma => self.level.item = 0,
            TokenKind::Semi => {
                (self.level.item, self.level.set_operations) = (0, 0);
                now = Before::Start;
            }
            TokenKind::Dot => now = Before::Name,
            TokenKind::Gt if self.of_blocks => now = Before::Start,
            TokenKind::Ident if self.before != Before::Name => now = self.take_word(text),
            _ => {}
        }
        self.before = now;
        let length = self.outer_length + self.level.item + self.level.set_operations;
        self.is_too_deep |= self.outer.len() > LEVELS_MAX || length > CHAIN_MAX;
    }

    fn take_word(&mut self, text: &str) -> Before {
        let is = |words: &[&str]| words.iter().any(|word| text.eq_ignore_ascii_case(word));
        let in_words = !self.outer.is_empty() && !self.level.is_bracketed;
        if is(&["as"]) {
            return Before::Name;
        }
        if is(&["end"]) {
            if in_words {
                self.close();
            }
            return Before::End;
        }
        let opens = match self.before {
            Before::End => false,
            Before::Start if self.of_blocks => is(&["case", "loop", "if", "begin"]),
            _ => is(&["case"]) || self.of_blocks && is(&["loop"]),
        };
        if opens {
            self.open(false);
        } else if in_words && is(&["when", "then", "else", "elsif", "elseif", "exception"]) {
            self.level.item = 0;
        } else if is(&["union", "intersect", "except"]) {
            self.level.item = 0;
            self.level.set_operations += 2;
        }
        if self.of_blocks && is(&["begin", "then", "else", "loop"]) {
            Before::Start
        } else {
            Before::Other
        }
    }

    fn open(&mut self, is_bracketed: bool) {
        self.outer_length += self.level.item + self.level.set_operations;
        let level = Level {
            is_bracketed,
            ..Level::default()
        };
        self.outer.push(std::mem::replace(&mut self.level, level));
    }

    fn close(&mut self) {
        if let Some(level) = self.outer.pop() {
            self.outer_length -= level.item + level.set_operations;
            self.level = level;
        }
    }

    /// What was not closed inside the bracket ends with it.
    fn close_bracket(&mut self) {
        let is_open = self.level.is_bracketed || self.outer.iter().any(|level| level.is_bracketed);
        while is_open && !std::mem::replace(&mut self.level.is_bracketed, false) {
            self.close();
        }
        if is_open {
            self.close();
        }
    }
}

/// Whether `text`, statements of SQL, is too deep for the parser.
pub(crate) fn is_too_deep(text: &str) -> bool {
    is_deep(text, false)
}

/// Whether `text`, a block of PL/pgSQL, is too deep for the parser.
pub(crate) fn is_block_too_deep(text: &str) -> bool {
    is_deep(text, true)
}

fn is_deep(text: &str, of_blocks: bool) -> bool {
    let mut depth = Depth {
        of_blocks,
        ..Depth::default()
    };
    let mut at = 0;
    tokenize(text).any(|Token { kind, len }| {
        let token = &text[at..at + len as usize];
        at += len as usize;
        let is_space = matches!(
            kind,
            TokenKind::Whitespace | TokenKind::LineComment | TokenKind::BlockComment { .. }
        );
        if !is_space {
            depth.take(kind, token);
        }
        depth.is_too_deep()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(of_blocks: bool, text: &str, expected: bool) {
        assert_eq!(is_deep(text, of_blocks), expected, "{text:.40}");
    }

    #[test]
    fn what_nests_without_end_is_too_deep() {
        let tails = ["", " 1"];
        for unit in [
            "(",
            "[",
            "NOT ",
            "- ",
            "CASE WHEN ",
            "CASE a WHEN 1, ",
            "a || ",
            "a.",
            "a::b",
            "a = NOT ",
            "UNION SELECT a, b ",
            "JOIN a ",
            "EXPLAIN ",
            "a BETWEEN ",
        ] {
            for tail in tails {
                check(false, &format!("SELECT {}{tail}", unit.repeat(3_000)), true);
            }
        }
        for unit in [
            "BEGIN ",
            "<<a>> BEGIN a; ",
            "IF a THEN b; ",
            "LOOP a; ",
            "CASE WHEN a THEN b; ",
            "ELSE IF a THEN ",
        ] {
            check(true, &format!("BEGIN {}", unit.repeat(3_000)), true);
        }
    }

    #[test]
    fn what_only_goes_on_is_not_too_deep() {
        for unit in [
            "a, ",
            "(a), ",
            "CASE WHEN a THEN b END, ",
            "a AS case, b.case, ",
            "SELECT NOT a; ",
            "f(-1, b || c),",
        ] {
            check(false, &format!("SELECT {}1", unit.repeat(30_000)), false);
        }
        check(
            false,
            &format!("SELECT CASE {} END", "WHEN (a = 'b') THEN c ".repeat(30_000)),
            false,
        );
        for unit in [
            "BEGIN a; EXCEPTION WHEN b THEN c; END; ",
            "IF a THEN b; ELSIF c THEN d; ELSE e; END IF; ",
            "WHILE a LOOP b; END LOOP; ",
            "CASE a WHEN b THEN c; ELSE d; END CASE; ",
            "DROP TABLE IF EXISTS a; ",
            "<<a>> LOOP b; END LOOP a; ",
        ] {
            check(true, &format!("BEGIN {}END", unit.repeat(30_000)), false);
        }
    }
}
