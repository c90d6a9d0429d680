//! The words of a statement as PostgreSQL writes it, compared without regard to space and to what a restore rewrites.

mod arrays;
mod excerpt;
mod word;

use std::collections::{HashMap, HashSet};

pub(super) use excerpt::one_line;
use word::next;

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

    /// Whether there is a text between dollar signs in it.
    pub(crate) fn has_body(&self) -> bool {
        self.0.iter().any(|it| it.kind == Kind::Body)
    }

    /// Whether both have the same texts, bodies, numbers and operators, which no version writes otherwise.
    pub(crate) fn have_the_same_values(&self, target: &Tokens) -> bool {
        let is_value = |it: &&Token| match it.kind {
            Kind::Word => false,
            Kind::Sign => !matches!(it.text.as_str(), "(" | ")" | "." | "," | "::"),
            Kind::Text | Kind::Body | Kind::Number => true,
        };
        let values = |tokens: &Tokens| {
            let mut values: Vec<String> = tokens
                .0
                .iter()
                .filter(is_value)
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
        let values = |a: &str, b: &str| Tokens::of(a).have_the_same_values(&Tokens::of(b));
        assert!(!values("SELECT 1", "SELECT 2"));
        assert!(!values("SELECT a < 1", "SELECT a > 1"));
        assert!(values("SELECT (a < 1)", "SELECT t.a < 1"));
    }
}
