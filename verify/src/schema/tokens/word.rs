//! One word after another, as PostgreSQL's own grammar cuts its text.

use super::Kind;

/// The kind of the word at the beginning of `sql`, what it says, and its length.
pub(super) fn next(sql: &str) -> Option<(Kind, String, usize)> {
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
