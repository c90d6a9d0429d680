//! Values and names of others on one line: nothing in them moves a cursor, ends a line or hides what follows.

/// Letters of a value that are shown unless all of it is asked for.
const LETTERS_MAX: usize = 60;

/// Letters that stand before the first difference of two long values.
const LETTERS_BEFORE: usize = 12;

/// How much of a value is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Length {
    Whole,
    Shortened,
}

/// A name, or words of our own with names in them: what cannot be seen is escaped.
pub(super) fn line(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '\n' => shown.push_str("\\n"),
            '\r' => shown.push_str("\\r"),
            '\t' => shown.push_str("\\t"),
            _ if is_unseen(letter) => shown.extend(letter.escape_unicode()),
            _ => shown.push(letter),
        }
    }
    shown
}

/// A value as the server writes it, apart from NULL and from every other value: in quotes where it would not be seen
/// as it is, as an escape string of SQL where it holds what cannot be seen at all.
pub(super) fn value(value: Option<&str>, length: Length) -> String {
    let Some(text) = value else {
        return "NULL".to_owned();
    };
    if length == Length::Whole || text.chars().nth(LETTERS_MAX).is_none() {
        return quoted(text);
    }
    let start: String = text.chars().take(LETTERS_MAX).collect();
    quoted(&start) + "…"
}

/// Two values that differ; of long ones the part around their first difference.
pub(super) fn pair(source: Option<&str>, target: Option<&str>, length: Length) -> (String, String) {
    let (Some(here), Some(there), Length::Shortened) = (source, target, length) else {
        return (value(source, length), value(target, length));
    };
    let same = here
        .chars()
        .zip(there.chars())
        .take_while(|(a, b)| a == b)
        .count();
    let is_long = |text: &str| text.chars().nth(LETTERS_MAX).is_some();
    if !is_long(here) && !is_long(there) {
        return (quoted(here), quoted(there));
    }
    let first = same.saturating_sub(LETTERS_BEFORE);
    let part = |text: &str| {
        let shown: String = text.chars().skip(first).take(LETTERS_MAX).collect();
        let before = if first > 0 { "…" } else { "" };
        let is_more = text.chars().nth(first + LETTERS_MAX).is_some();
        format!("{before}{}{}", quoted(&shown), if is_more { "…" } else { "" })
    };
    (part(here), part(there))
}

fn quoted(text: &str) -> String {
    if text.chars().any(is_unseen) || text.starts_with("E'") {
        let escaped = line(&text.replace('\\', "\\\\").replace('\'', "\\'"));
        return format!("E'{escaped}'");
    }
    let is_plain =
        !text.is_empty() && text != "NULL" && text.trim() == text && !text.starts_with(['\'', '…']);
    if is_plain {
        text.to_owned()
    } else {
        format!("'{}'", text.replace('\'', "''"))
    }
}

/// Controls, marks that turn the direction of what follows, and what has no width.
fn is_unseen(letter: char) -> bool {
    letter.is_control()
        || matches!(letter, '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{fffe}' | '\u{ffff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_be_seen_is_escaped_and_told_from_its_escape() {
        for (text, shown) in [
            ("plain", "plain"),
            ("", "''"),
            ("NULL", "'NULL'"),
            ("5.0 ", "'5.0 '"),
            ("\\x6162", "\\x6162"),
            ("a\nb", "E'a\\nb'"),
            ("a\\nb", "a\\nb"),
            ("E'a\\nb'", "E'E\\'a\\\\nb\\''"),
            ("\u{1b}[31mred", "E'\\u{1b}[31mred'"),
            ("\u{202e}cba", "E'\\u{202e}cba'"),
            ("it's", "it's"),
            ("'it", "'''it'"),
        ] {
            assert_eq!(value(Some(text), Length::Shortened), shown);
        }
        assert_eq!(value(None, Length::Whole), "NULL");
        assert_eq!(line("a\nb\u{9b}"), "a\\nb\\u{9b}");
    }

    #[test]
    fn long_values_are_cut_around_their_first_difference() {
        let here = format!("{}x{}", "ä".repeat(1000), "z".repeat(1000));
        let there = here.replace('x', "y");
        let (a, b) = pair(Some(&here), Some(&there), Length::Shortened);
        assert_eq!(a, format!("…{}x{}…", "ä".repeat(12), "z".repeat(47)));
        assert_eq!(b, a.replace('x', "y"));
        let (a, b) = pair(Some(&here), Some(&here[..here.len() - 1]), Length::Shortened);
        assert_ne!(a, b);
        assert_eq!(
            pair(Some(&here), Some(&there), Length::Whole),
            (here.clone(), there)
        );
        assert_eq!(value(Some(&here), Length::Shortened), "ä".repeat(60) + "…");
        assert_eq!(pair(Some(&here), None, Length::Shortened).1, "NULL");
    }
}
