//! The words of a statement as PostgreSQL writes it, compared without regard to space and to what a restore rewrites.

use std::collections::{HashMap, HashSet};

/// How many characters of one word are shown.
const WORD_MAX: usize = 60;

/// How many words stand around a difference.
const BEFORE: usize = 4;
const BEHIND: usize = 2;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    /// A name or a keyword, without its quotes.
    Word,
    /// With its quotes.
    Text,
    /// What stands between dollar signs, without its tags.
    Body,
    Number,
    Sign,
}

#[derive(Clone, Debug)]
struct Token {
    kind: Kind,
    text: String,
    /// As it was written.
    shown: String,
    /// Whether space stands before it.
    spaced: bool,
}

/// A statement as words.
#[derive(Clone, Debug)]
pub(crate) struct Tokens(Vec<Token>);

/// Names that both sides may have in different forms.
#[derive(Debug, Default)]
pub(crate) struct Names {
    /// Columns that get another name after everything that mentions them is made: old names and new.
    pub(crate) columns: HashMap<String, HashSet<String>>,
    /// Every schema of both sides.
    pub(crate) schemas: HashSet<String>,
}

impl Names {
    fn are_one(&self, source: &Token, target: &Token) -> bool {
        if source.kind != target.kind {
            return false;
        }
        source.text == target.text
            || source.kind == Kind::Word
                && self
                    .columns
                    .get(&source.text)
                    .is_some_and(|new| new.contains(&target.text))
    }
}

impl Tokens {
    pub(crate) fn of(sql: &str) -> Self {
        let mut tokens = Vec::new();
        let mut rest = sql.trim_end().trim_end_matches(';');
        loop {
            let trimmed = rest.trim_start();
            let Some((kind, text, length)) = next(trimmed) else {
                break;
            };
            tokens.push(Token {
                kind,
                text,
                shown: trimmed[..length].to_owned(),
                spaced: trimmed.len() < rest.len(),
            });
            rest = &trimmed[length..];
        }
        let mut tokens = Tokens(tokens);
        tokens.push_casts_into_arrays();
        tokens
    }

    /// Whether the target says the same.
    pub(crate) fn say_the_same(&self, target: &Tokens, names: &Names) -> bool {
        self.0.len() == target.0.len() && self.0.iter().zip(&target.0).all(|(a, b)| names.are_one(a, b))
    }

    /// Whether it says the same when one side alone writes a table's name before a column's, as versions before 16 do
    /// where there is one table.
    pub(crate) fn say_the_same_unqualified(&self, target: &Tokens, names: &Names) -> bool {
        let (a, b) = (&self.0, &target.0);
        let (mut here, mut there) = (0, 0);
        while here < a.len() || there < b.len() {
            let are_one = match (a.get(here), b.get(there)) {
                (Some(a), Some(b)) => names.are_one(a, b),
                _ => false,
            };
            if are_one {
                (here, there) = (here + 1, there + 1);
            } else if let Some(next) = self.behind_qualifier(
                here,
                |at| {
                    a.get(at)
                        .zip(b.get(there))
                        .is_some_and(|(a, b)| names.are_one(a, b))
                },
                names,
            ) {
                here = next;
            } else if let Some(next) = target.behind_qualifier(
                there,
                |at| {
                    a.get(here)
                        .zip(b.get(at))
                        .is_some_and(|(a, b)| names.are_one(a, b))
                },
                names,
            ) {
                there = next;
            } else if there > 0 && here > 0 && self.is_repeated(here, &b[there - 1], names) {
                here += 2;
            } else if there > 0 && here > 0 && target.is_repeated(there, &a[here - 1], names) {
                there += 2;
            } else {
                return false;
            }
        }
        true
    }

    /// The place of the column in `table.column`, where `is_wanted` wants it.
    fn behind_qualifier(&self, at: usize, is_wanted: impl Fn(usize) -> bool, names: &Names) -> Option<usize> {
        let qualifier = self.0.get(at)?;
        let dot = self.0.get(at + 1)?;
        let is_table = qualifier.kind == Kind::Word && !names.schemas.contains(&qualifier.text);
        (is_table && dot.text == "." && is_wanted(at + 2)).then_some(at + 2)
    }

    /// Whether a point and the word before it stand here, which the other side has once: `tickets.tickets`.
    fn is_repeated(&self, at: usize, other: &Token, names: &Names) -> bool {
        let word = |at: usize| self.0.get(at).filter(|it| it.kind == Kind::Word);
        self.0.get(at).is_some_and(|it| it.text == ".")
            && word(at + 1).is_some_and(|it| it.text == other.text)
            && word(at - 1).is_some_and(|it| it.text == other.text && !names.schemas.contains(&it.text))
    }

    /// Whether both have the same texts, bodies and numbers, which no version writes otherwise.
    pub(crate) fn have_the_same_values(&self, target: &Tokens) -> bool {
        let values = |tokens: &Tokens| {
            let mut values: Vec<String> = tokens
                .0
                .iter()
                .filter(|it| !matches!(it.kind, Kind::Word | Kind::Sign))
                .map(|it| it.text.clone())
                .collect();
            values.sort();
            values
        };
        values(self) == values(target)
    }

    /// A routine without the search path that it sets, and that path's entries.
    pub(crate) fn without_search_path(&self) -> (Tokens, Option<Vec<String>>) {
        let is = |at: usize, text: &str| {
            self.0
                .get(at)
                .is_some_and(|it| it.kind == Kind::Word && it.text == text)
        };
        let head = self
            .0
            .iter()
            .position(|it| it.kind == Kind::Body)
            .unwrap_or(self.0.len());
        let start = (0..head).find(|&at| is(at, "SET") && is(at + 1, "search_path") && is(at + 2, "TO"));
        let Some(start) = start else {
            return (self.clone(), None);
        };
        let mut entries = Vec::new();
        let mut end = start + 3;
        while let Some(entry) = self.0.get(end) {
            entries.push(entry.text.trim_matches('\'').replace("''", "'"));
            end += 1;
            if self.0.get(end).is_none_or(|it| it.text != ",") {
                break;
            }
            end += 1;
        }
        let mut rest = self.0.clone();
        rest.drain(start..end);
        (Tokens(rest), Some(entries))
    }

    /// `(ARRAY['a'::varchar])::text[]` becomes `ARRAY[('a'::varchar)::text]`, as the server writes it after a restore.
    fn push_casts_into_arrays(&mut self) {
        let mut from = 0;
        while let Some(start) = self.cast_array(from) {
            from = start + 1;
            let Some((end, elements, cast)) = self.cast_of(start) else {
                continue;
            };
            let mut written = vec![self.0[start + 1].clone(), self.0[start + 2].clone()];
            for (place, element) in elements.iter().enumerate() {
                if place > 0 {
                    written.push(Token::sign(","));
                }
                written.push(Token::sign("("));
                written.extend_from_slice(&self.0[element.clone()]);
                written.push(Token::sign(")"));
                written.extend_from_slice(&self.0[cast.clone()]);
            }
            written.push(Token::sign("]"));
            if let Some(first) = written.first_mut() {
                first.spaced = self.0[start].spaced;
            }
            self.0.splice(start..end, written);
        }
    }

    /// The next `( ARRAY [`.
    fn cast_array(&self, from: usize) -> Option<usize> {
        let is = |place: usize, text: &str| {
            self.0
                .get(place)
                .is_some_and(|it| it.text == text && it.kind != Kind::Text)
        };
        (from..self.0.len()).find(|&at| is(at, "(") && is(at + 1, "ARRAY") && is(at + 2, "["))
    }

    /// Where a cast array ends, its elements and the cast of each, of what begins at `start`.
    fn cast_of(&self, start: usize) -> Option<(usize, Vec<std::ops::Range<usize>>, std::ops::Range<usize>)> {
        let sign = |place: usize| match self.0.get(place) {
            Some(it) if it.kind == Kind::Sign => it.text.as_str(),
            _ => "",
        };
        let mut depth = 0usize;
        let mut elements = Vec::new();
        let mut begin = start + 3;
        let mut at = start + 3;
        loop {
            self.0.get(at)?;
            match sign(at) {
                "]" if depth == 0 => break,
                "," if depth == 0 => {
                    elements.push(begin..at);
                    begin = at + 1;
                }
                "(" | "[" => depth += 1,
                ")" | "]" => depth = depth.checked_sub(1)?,
                _ => {}
            }
            at += 1;
        }
        elements.push(begin..at);
        if sign(at + 1) != ")" || sign(at + 2) != "::" {
            return None;
        }
        // The type: words, with a modifier in parentheses, up to its brackets.
        let mut end = at + 3;
        loop {
            let token = self.0.get(end)?;
            match (token.kind, token.text.as_str()) {
                (Kind::Word | Kind::Number, _) | (Kind::Sign, "." | "(" | "," | ")") => end += 1,
                (Kind::Sign, "[") if sign(end + 1) == "]" => break,
                _ => return None,
            }
        }
        Some((end + 2, elements, at + 2..end))
    }

    /// The first place where both differ, on one line each, with a few words around it.
    pub(crate) fn excerpts(&self, target: &Tokens, names: &Names) -> (String, String) {
        let (a, b) = (&self.0, &target.0);
        let same = a.iter().zip(b).take_while(|(a, b)| names.are_one(a, b)).count();
        if let (Some(here), Some(there)) = (a.get(same), b.get(same))
            && here.kind == Kind::Body
            && there.kind == Kind::Body
        {
            return lines(&here.text, &there.text);
        }
        let room = a.len().min(b.len()) - same;
        let behind = a
            .iter()
            .rev()
            .zip(b.iter().rev())
            .take(room)
            .take_while(|(a, b)| names.are_one(a, b))
            .count();
        (self.excerpt(same, behind), target.excerpt(same, behind))
    }

    /// What stands between `before` words and `behind` words, with a few of both.
    fn excerpt(&self, before: usize, behind: usize) -> String {
        let is = |at: usize, signs: &[&str]| {
            self.0
                .get(at)
                .is_some_and(|it| it.kind == Kind::Sign && signs.contains(&it.text.as_str()))
        };
        let mut from = before.saturating_sub(BEFORE);
        while 0 < from && from < before && is(from, &[",", ".", ")", "::"]) {
            from += 1;
        }
        let end = self.0.len() - behind.min(self.0.len());
        let mut to = (end + BEHIND).min(self.0.len());
        while end < to && to < self.0.len() && is(to - 1, &[",", ".", "(", "::"]) {
            to -= 1;
        }
        let mut text = if from > 0 {
            "… ".to_owned()
        } else {
            String::new()
        };
        text.push_str(&self.shown(from, to));
        if to < self.0.len() {
            text.push_str(" …");
        }
        text
    }

    fn shown(&self, from: usize, to: usize) -> String {
        let mut text = String::new();
        for (place, token) in self.0[from..to].iter().enumerate() {
            if token.spaced && place > 0 {
                text.push(' ');
            }
            // What differs in a body is shown by its line.
            let shown = if token.kind == Kind::Body {
                "$…$"
            } else {
                &token.shown
            };
            text.push_str(&one_line(shown, WORD_MAX));
            if text.chars().count() > 4 * WORD_MAX {
                text.push_str(" …");
                break;
            }
        }
        text
    }
}

impl Token {
    fn sign(text: &str) -> Token {
        Token {
            kind: Kind::Sign,
            text: text.to_owned(),
            shown: text.to_owned(),
            spaced: text == "(",
        }
    }
}

/// The text on one line, of at most `max` characters.
pub(crate) fn one_line(text: &str, max: usize) -> String {
    let mut line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    if line.chars().count() > max {
        line = line.chars().take(max).collect::<String>() + "…";
    }
    line
}

/// The first lines that differ.
fn lines(here: &str, there: &str) -> (String, String) {
    let same = here
        .lines()
        .zip(there.lines())
        .take_while(|(a, b)| a == b)
        .count();
    let line = |text: &str| match text.lines().nth(same) {
        Some(line) => format!("line {}: {}", same + 1, one_line(line, 2 * WORD_MAX)),
        None => format!("{same} lines"),
    };
    (line(here), line(there))
}

/// The kind of the word at the beginning of `sql`, what it says, and its length.
fn next(sql: &str) -> Option<(Kind, String, usize)> {
    let first = sql.chars().next()?;
    let quoted = |start: usize, quote: char, escapes: bool| {
        let mut length = start;
        let mut rest = sql[start..].chars().peekable();
        while let Some(it) = rest.next() {
            length += it.len_utf8();
            if it == '\\' && escapes {
                length += rest.next().map_or(0, char::len_utf8);
            } else if it == quote {
                if rest.peek() != Some(&quote) {
                    break;
                }
                length += quote.len_utf8();
                rest.next();
            }
        }
        length
    };
    let text = |start: usize, escapes: bool| {
        let length = quoted(start, '\'', escapes);
        Some((Kind::Text, sql[..length].to_owned(), length))
    };
    if first == '"' {
        let length = quoted(1, '"', false);
        let name = sql[1..length].strip_suffix('"').unwrap_or(&sql[1..length]);
        return Some((Kind::Word, name.replace("\"\"", "\""), length));
    }
    if first == '\'' {
        return text(1, false);
    }
    if matches!(first, 'E' | 'B' | 'X') && sql[1..].starts_with('\'') {
        return text(2, first == 'E');
    }
    if first == '$'
        && let Some((tag, rest)) = dollar_tag(sql)
    {
        let end = rest.find(tag).unwrap_or(rest.len());
        let length = (tag.len() + end + tag.len()).min(sql.len());
        return Some((Kind::Body, rest[..end].to_owned(), length));
    }
    let run = |is_part: &dyn Fn(char) -> bool| sql.find(|it| !is_part(it)).unwrap_or(sql.len());
    let (kind, length) = if first.is_alphabetic() || first == '_' {
        (
            Kind::Word,
            run(&|it| it.is_alphanumeric() || it == '_' || it == '$'),
        )
    } else if first.is_ascii_digit() {
        (Kind::Number, run(&|it| it.is_ascii_alphanumeric() || it == '.'))
    } else if "+-*/<>=~!@#%^&|`?:".contains(first) {
        (Kind::Sign, run(&|it| "+-*/<>=~!@#%^&|`?:".contains(it)))
    } else {
        (Kind::Sign, first.len_utf8())
    };
    Some((kind, sql[..length].to_owned(), length))
}

/// The tag of a text between dollar signs, and what follows it.
fn dollar_tag(sql: &str) -> Option<(&str, &str)> {
    let end = sql[1..].find('$')? + 2;
    let tag = &sql[..end];
    tag[1..end - 1]
        .chars()
        .all(|it| it.is_alphanumeric() || it == '_')
        .then_some((tag, &sql[end..]))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(source: &str, target: &str, expected: Option<(&str, &str)>) {
        let (a, b) = (Tokens::of(source), Tokens::of(target));
        let names = Names::default();
        let found = (!a.say_the_same(&b, &names)).then(|| a.excerpts(&b, &names));
        let expected = expected.map(|(a, b)| (a.to_owned(), b.to_owned()));
        assert_eq!(found, expected);
    }

    #[test]
    fn a_difference_is_shown_with_a_few_words_around_it() {
        check(
            "CREATE VIEW s.v AS\n SELECT t.id\n   FROM s.t\n  WHERE (t.total > 5);",
            "CREATE VIEW s.v AS SELECT t.id FROM s.t WHERE (t.total > 6);",
            Some(("… t.total > 5)", "… t.total > 6)")),
        );
        check(
            "CREATE VIEW s.v AS SELECT 1",
            "CREATE VIEW s.v AS SELECT 1;",
            None,
        );
        check(
            "SELECT 'a  b'",
            "SELECT 'a b'",
            Some(("SELECT 'a b'", "SELECT 'a b'")),
        );
        check(
            "LANGUAGE sql IMMUTABLE AS $f$one\ntwo$f$",
            "LANGUAGE sql AS $f$one\ntwo$f$",
            Some(("LANGUAGE sql IMMUTABLE AS $…$", "LANGUAGE sql AS $…$")),
        );
        check(
            "AS $a$one\ntwo$a$",
            "AS $b$one\nthree$b$",
            Some(("line 2: two", "line 2: three")),
        );
        check("AS $a$one$a$", "AS $b$one$b$", None);
    }

    #[test]
    fn what_a_restore_rewrites_is_the_same() {
        check(
            "CHECK (((a)::text = ANY ((ARRAY['x'::character varying, 'y'::character varying])::text[])))",
            "CHECK (((a)::text = ANY (ARRAY[('x'::character varying)::text, ('y'::character varying)::text])))",
            None,
        );
        check("CHECK (\"a\" > 1)", "CHECK (a > 1)", None);
        check(
            "((a + b) * c)",
            "(a + (b * c))",
            Some(("((a + b) * c)", "(a + (b * c))")),
        );
    }

    #[test]
    fn a_routine_is_seen_without_its_search_path() {
        let sql = "CREATE FUNCTION s.f() RETURNS int LANGUAGE sql AS $f$SET search_path TO x$f$";
        let pinned = sql.replace(" AS", " SET search_path TO 's', 'it''s', 'pg_temp' AS");
        let (rest, path) = Tokens::of(&pinned).without_search_path();
        assert_eq!(path, Some(["s", "it's", "pg_temp"].map(str::to_owned).to_vec()));
        assert!(rest.say_the_same(&Tokens::of(sql), &Names::default()));
        assert_eq!(Tokens::of(sql).without_search_path().1, None);
    }

    #[test]
    fn another_version_may_qualify_columns() {
        let names = Names {
            schemas: HashSet::from(["s".to_owned()]),
            ..Names::default()
        };
        let same = |a: &str, b: &str| Tokens::of(a).say_the_same_unqualified(&Tokens::of(b), &names);
        assert!(same("SELECT t.id FROM s.t", "SELECT id FROM s.t"));
        assert!(!same("SELECT t.id FROM s.t", "SELECT t.id FROM x.t"));
        assert!(!same("SELECT t.id FROM s.t", "SELECT t.ie FROM s.t"));
        assert!(!same("SELECT a.id FROM s.a, s.b", "SELECT b.id FROM s.a, s.b"));
        assert!(same("SELECT t.t, t.u FROM s.t", "SELECT t, u FROM s.t"));
        assert!(same("SELECT t FROM s.t", "SELECT t.t FROM s.t"));
        assert!(!Tokens::of("SELECT 1").have_the_same_values(&Tokens::of("SELECT 2")));
    }
}
