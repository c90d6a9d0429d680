//! LIKE and GLOB, whose patterns must be constants.

use std::fmt::Write;

use sqlite3_parser::ast::{Expr, LikeOperator};

use crate::expression::Untranslated;
use crate::scope::ValueType;
use crate::translator::{Result, Translator};
use crate::value::{Value, text_literal};

impl Translator<'_> {
    pub(crate) fn like(
        &mut self,
        lhs: &Expr<'_>,
        not: bool,
        operator: LikeOperator,
        pattern: &Expr<'_>,
        escape: Option<&Expr<'_>>,
        source: &str,
    ) -> Result<Value> {
        let refused = || Untranslated::Pattern(source.to_owned());
        let text = self.text(lhs)?;
        if text.constant.is_some() {
            return Err(Untranslated::Operator(source.to_owned()));
        }
        let pattern = self.value(pattern)?;
        let pattern = pattern.text().ok_or_else(refused)?.to_owned();
        let escape = match escape {
            None => None,
            Some(it) => {
                let escape = self.value(it)?;
                let mut signs = escape.text().ok_or_else(refused)?.chars();
                match (signs.next(), signs.next()) {
                    (Some(one), None) if one != '%' && one != '_' => Some(one),
                    _ => return Err(refused()),
                }
            }
        };
        let sql = match operator {
            LikeOperator::Like => {
                let pattern = like_pattern(&pattern, escape).ok_or_else(refused)?;
                let word = if not { "NOT LIKE" } else { "LIKE" };
                if pattern.bytes().any(|it| it.is_ascii_alphabetic()) {
                    // Case does not count for ASCII letters alone, whatever the database's collation is.
                    let pattern = text_literal(&pattern.to_ascii_lowercase());
                    format!("lower({} COLLATE \"C\") {word} {pattern}", text.operand())
                } else {
                    format!(
                        "({} COLLATE \"C\") {word} {}",
                        text.operand(),
                        text_literal(&pattern)
                    )
                }
            }
            LikeOperator::Glob if escape.is_none() => {
                let word = if not { "!~" } else { "~" };
                let regex = glob_regex(&pattern).ok_or_else(refused)?;
                format!(
                    "({} COLLATE \"C\") {word} {}",
                    text.operand(),
                    text_literal(&regex)
                )
            }
            _ => return Err(Untranslated::Operator(source.to_owned())),
        };
        Ok(Value::of(sql, source, ValueType::Boolean, &[&text]))
    }
}

/// The pattern with PostgreSQL's escape sign, the backslash.
fn like_pattern(pattern: &str, escape: Option<char>) -> Option<String> {
    let mut out = String::new();
    let mut signs = pattern.chars();
    while let Some(sign) = signs.next() {
        let literal = if Some(sign) == escape {
            // An escape at the end matches nothing.
            signs.next()?
        } else if sign == '%' || sign == '_' {
            out.push(sign);
            continue;
        } else {
            sign
        };
        if matches!(literal, '%' | '_' | '\\') {
            out.push('\\');
        }
        out.push(literal);
    }
    Some(out)
}

/// The regular expression of a GLOB; `None` where nothing matches, or it is broken.
fn glob_regex(pattern: &str) -> Option<String> {
    let mut regex = "^".to_owned();
    let mut signs = pattern.chars().peekable();
    while let Some(sign) = signs.next() {
        match sign {
            '*' => {
                while signs.next_if_eq(&'*').is_some() {}
                regex.push_str(".*");
            }
            '?' => regex.push('.'),
            '[' => {
                regex.push('[');
                if signs.next_if_eq(&'^').is_some() {
                    regex.push('^');
                }
                let mut members = Vec::new();
                // What a hyphen that follows makes a range of.
                let mut prior = None;
                if signs.next_if_eq(&']').is_some() {
                    members.push((']', ']'));
                }
                loop {
                    let sign = signs.next()?;
                    if sign == ']' {
                        break;
                    }
                    match (sign, prior, signs.peek()) {
                        ('-', Some(from), Some(&to)) if to != ']' => {
                            signs.next();
                            // Backwards it holds nothing but its start, which stands there already.
                            if from <= to {
                                members.pop();
                                members.push((from, to));
                            }
                            prior = None;
                        }
                        _ => {
                            members.push((sign, sign));
                            prior = Some(sign);
                        }
                    }
                }
                for (from, to) in members {
                    escaped(from, &mut regex);
                    if from != to {
                        regex.push('-');
                        escaped(to, &mut regex);
                    }
                }
                regex.push(']');
            }
            literal => escaped(literal, &mut regex),
        }
    }
    regex.push('$');
    Some(regex)
}

/// A backslash takes every meaning from a sign that is neither letter nor digit.
fn escaped(sign: char, regex: &mut String) {
    if sign.is_ascii_punctuation() {
        regex.push('\\');
    }
    // Writing to a String cannot fail.
    let _ = write!(regex, "{sign}");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn globs_become_regular_expressions() {
        for (glob, expected) in [
            ("[A-Z][0-9]*", Some("^[A-Z][0-9].*$")),
            ("a?b", Some("^a.b$")),
            ("[^0-9]", Some("^[^0-9]$")),
            ("[]x]", Some(r"^[\]x]$")),
            ("[a-]", Some(r"^[a\-]$")),
            ("a.b\\", Some(r"^a\.b\\$")),
            ("**", Some("^.*$")),
            ("[]-a]", Some(r"^[\]\-a]$")),
            ("[z-a]", Some("^[z]$")),
            ("[abc", None),
        ] {
            assert_eq!(glob_regex(glob).as_deref(), expected, "{glob}");
        }
    }

    #[test]
    fn likes_get_a_backslash() {
        assert_eq!(like_pattern("a\\b%", None).as_deref(), Some("a\\\\b%"));
        assert_eq!(like_pattern("a!%b!!", Some('!')).as_deref(), Some("a\\%b!"));
        assert_eq!(like_pattern("a!", Some('!')), None);
    }
}
