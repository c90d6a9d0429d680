//! Patterns for names, as `pg_dump` and psql's `\d` understand them.
//!
//! `*` stands for any characters, `?` for one, a dot divides schema and name; what is not in double quotes is in
//! lower case, and all else is a regular expression of PostgreSQL's ("Patterns" in the manual's page on psql). The
//! server compares: nobody else knows its regular expressions.

use std::fmt;

use crate::{Error, ErrorKind, Result};

/// A pattern for schemas or for relations, taken apart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pattern {
    text: String,
    /// Regular expressions for the parts between dots.
    parts: Vec<String>,
}

impl Pattern {
    /// Takes `text` apart.
    pub fn new(text: &str) -> Result<Self> {
        let parts = regular_expressions(text).ok_or_else(|| {
            Error::new(
                ErrorKind::Selection,
                format!("pattern `{text}` has a quote without its end"),
            )
        })?;
        let text = text.to_owned();
        if parts.iter().any(String::is_empty) {
            let message = format!("pattern `{text}` has an empty part");
            return Err(Error::new(ErrorKind::Selection, message).with_hint("`*` stands for any name"));
        }
        Ok(Pattern { text, parts })
    }

    /// The schema and name of relations; no schema where the pattern has none.
    pub(super) fn of_relation(&self) -> Result<(Option<String>, String)> {
        match self.parts.as_slice() {
            [name] => Ok((None, anchored(name))),
            [schema, name] => Ok((Some(anchored(schema)), anchored(name))),
            _ => Err(self.too_many_dots("SCHEMA.NAME")),
        }
    }

    /// The name of schemas.
    pub(super) fn of_schema(&self) -> Result<String> {
        match self.parts.as_slice() {
            [name] => Ok(anchored(name)),
            _ => Err(self.too_many_dots("SCHEMA")),
        }
    }

    fn too_many_dots(&self, shape: &str) -> Error {
        let message = format!("pattern `{self}` has too many dots for {shape}");
        Error::new(ErrorKind::Selection, message)
            .with_hint("a dot that belongs to a name stands in double quotes")
    }
}

/// As it was typed.
impl fmt::Display for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// Divides `TABLE=CONDITION` at the first equals sign outside double quotes.
pub fn split_condition(text: &str) -> Option<(&str, &str)> {
    let mut quoted = false;
    let place = text.find(|it| {
        quoted ^= it == '"';
        it == '=' && !quoted
    })?;
    let (table, condition) = (text.get(..place)?, text.get(place + 1..)?);
    (!table.is_empty() && !condition.trim().is_empty()).then_some((table, condition))
}

/// The pattern that matches `name` alone.
pub(super) fn exact(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

fn anchored(expression: &str) -> String {
    format!("^({expression})$")
}

/// `None` when a quote does not end.
fn regular_expressions(text: &str) -> Option<Vec<String>> {
    const SPECIAL: &str = "|*+?()[]{}.^$\\";
    let mut parts = vec![String::new()];
    let mut quoted = false;
    let mut letters = text.chars().peekable();
    while let Some(letter) = letters.next() {
        let part = parts.last_mut()?;
        match letter {
            '"' if quoted && letters.peek() == Some(&'"') => part.extend(letters.next()),
            '"' => quoted = !quoted,
            '*' if !quoted => part.push_str(".*"),
            '?' if !quoted => part.push('.'),
            '.' if !quoted => parts.push(String::new()),
            // Part of a name more often than the end of a line, and `[]` more often of an array than of a set.
            '$' => part.push_str("\\$"),
            '[' if letters.peek() == Some(&']') => part.push_str("\\["),
            _ if quoted && SPECIAL.contains(letter) => part.extend(['\\', letter]),
            _ if quoted => part.push(letter),
            _ => part.extend(letter.to_lowercase()),
        }
    }
    (!quoted).then_some(parts)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_become_regular_expressions() {
        for (text, parts) in [
            ("users", &["users"][..]),
            ("Users", &["users"]),
            ("\"Users\"", &["Users"]),
            ("crm*.order?", &["crm.*", "order."]),
            ("\"a.b*\".\"say \"\"hi\"\"\"", &["a\\.b\\*", "say \"hi\""]),
            ("(a|b)", &["(a|b)"]),
            ("pay$", &["pay\\$"]),
            ("x[]", &["x\\[]"]),
            ("x[0-9]", &["x[0-9]"]),
        ] {
            assert_eq!(Pattern::new(text).expect(text).parts, parts, "{text}");
        }
        for text in ["\"open", "", "a.", ".b"] {
            assert!(Pattern::new(text).is_err(), "{text}");
        }
    }

    #[test]
    fn conditions_begin_at_the_first_equals_sign_outside_quotes() {
        for (text, expected) in [
            ("orders=id > 5", Some(("orders", "id > 5"))),
            ("s.\"a=b\"=x = 1", Some(("s.\"a=b\"", "x = 1"))),
            ("orders", None),
            ("=x", None),
            ("orders= ", None),
        ] {
            assert_eq!(split_condition(text), expected, "{text}");
        }
    }

    #[test]
    fn an_exact_pattern_matches_nothing_else() {
        let pattern = Pattern::new(&exact("We.ird \"Name\"*")).expect("a pattern");
        assert_eq!(pattern.parts, ["We\\.ird \"Name\"\\*"]);
    }
}
