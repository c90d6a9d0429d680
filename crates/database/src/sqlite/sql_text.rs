//! Words of SQL text as SQLite stores it: just enough of its lexer to tell keywords from names in quotes,
//! strings and comments.

/// The bare words and single signs of `sql` with their byte offsets; strings, quoted names and comments are
/// passed over, but for a string or quoted name a sign `'` stands in.
pub(super) fn words(sql: &str) -> impl Iterator<Item = (usize, &str)> {
    let mut place = 0;
    std::iter::from_fn(move || {
        loop {
            let rest = &sql[place..];
            let first = rest.chars().next()?;
            let start = place;
            let len = match first {
                '\'' | '"' | '`' => quoted_len(rest, first),
                '[' => rest.find(']').map_or(rest.len(), |end| end + 1),
                '-' if rest.starts_with("--") => rest.find('\n').map_or(rest.len(), |end| end + 1),
                '/' if rest.starts_with("/*") => rest[2..].find("*/").map_or(rest.len(), |end| end + 4),
                _ if is_word(first) => rest.find(|next| !is_word(next)).unwrap_or(rest.len()),
                _ => first.len_utf8(),
            };
            place += len;
            match first {
                _ if first.is_whitespace() || (len > 1 && matches!(first, '-' | '/')) => {}
                '\'' | '"' | '`' | '[' => return Some((start, "'")),
                _ => return Some((start, &rest[..len])),
            }
        }
    })
}

/// Whether `word`, a keyword, stands in `sql` outside quotes and comments.
pub(super) fn has_word(sql: &str, word: &str) -> bool {
    words(sql).any(|(_, it)| it.eq_ignore_ascii_case(word))
}

/// What follows the first bare `word`.
pub(super) fn after_word<'a>(sql: &'a str, word: &str) -> Option<&'a str> {
    words(sql)
        .find(|(_, it)| it.eq_ignore_ascii_case(word))
        .map(|(start, it)| &sql[start + it.len()..])
}

/// A name in any of SQLite's four quotings, or bare.
pub(super) fn unquote(name: &str) -> Option<String> {
    let first = name.chars().next()?;
    let close = if first == '[' { ']' } else { first };
    if is_word(first) {
        return name.chars().all(is_word).then(|| name.to_owned());
    }
    let inner = name.strip_prefix(first)?.strip_suffix(close)?;
    match first {
        '[' => (!inner.contains(']')).then(|| inner.to_owned()),
        '"' | '`' | '\'' => {
            let single: String = [first].iter().collect();
            let pieces = inner.replace(&single.repeat(2), "");
            (!pieces.contains(first)).then(|| inner.replace(&single.repeat(2), &single))
        }
        _ => None,
    }
}

fn is_word(sign: char) -> bool {
    sign.is_ascii_alphanumeric() || sign == '_' || sign == '$' || !sign.is_ascii()
}

fn quoted_len(text: &str, quote: char) -> usize {
    let mut place = 1;
    while let Some(end) = text[place..].find(quote) {
        place += end + 1;
        if !text[place..].starts_with(quote) {
            return place;
        }
        place += 1;
    }
    text.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quotes_and_comments_hide_words() {
        let sql = "CREATE TABLE \"check\" (a TEXT DEFAULT 'it''s check', [check] INT -- check\n, `c``k` /* check */ x)";
        assert!(!has_word(sql, "check"));
        assert!(has_word(sql, "default"));
        assert_eq!(
            words("a(b,'c d')--x").map(|(_, it)| it).collect::<Vec<_>>(),
            ["a", "(", "b", ",", "'", ")"]
        );
    }

    #[test]
    fn unclosed_text_ends_the_words() {
        for sql in ["'abc", "\"abc", "[abc", "/* abc", "-- abc", "'abc''", "/*"] {
            assert!(words(sql).all(|(_, it)| it == "'"), "{sql}");
        }
    }

    #[test]
    fn names_lose_their_quotes() {
        for (name, expected) in [
            ("a", Some("a")),
            ("\"a\"\"b\"", Some("a\"b")),
            ("[a b]", Some("a b")),
            ("`a`", Some("a")),
            ("a b", None),
            ("\"a\" || \"b\"", None),
            ("", None),
        ] {
            assert_eq!(unquote(name).as_deref(), expected, "{name}");
        }
    }
}
