//! Names, numbers and sizes as the page shows them.

use std::borrow::Cow;

use maud::{Markup, html};

/// A name of somebody else's: a direction of its own, and nothing in it that cannot be seen.
pub(super) fn name(text: &str) -> Markup {
    html! { bdi { (visible(text)) } }
}

/// `text` with control characters as the pictures that Unicode has of them: HTML forbids most, and none shows.
pub(super) fn visible(text: &str) -> Cow<'_, str> {
    let hidden = |letter: char| letter.is_control() && letter != '\n' && letter != '\t';
    if !text.contains(hidden) {
        return Cow::Borrowed(text);
    }
    let picture = |letter: char| match letter {
        it if !hidden(it) => it,
        '\u{7f}' => '\u{2421}',
        it => char::from_u32(0x2400 + u32::from(it))
            .filter(|_| it < ' ')
            .unwrap_or('\u{fffd}'),
    };
    Cow::Owned(text.chars().map(picture).collect())
}

pub(super) fn grouped(number: usize) -> String {
    cli::count(number as u64)
}

/// `1 table`, `14 tables`
pub(super) fn counted(number: usize, one: &str, many: &str) -> String {
    let word = if number == 1 { one } else { many };
    format!("{} {word}", grouped(number))
}

/// `~` before what was estimated.
pub(super) fn rows(number: u64, exact: bool) -> String {
    format!("{}{}", if exact { "" } else { "~" }, cli::count(number))
}

/// The day and the minute of an ISO 8601 time; anything else as it is.
pub(super) fn moment(iso: &str) -> String {
    let is_iso = iso.len() >= 16 && iso.is_char_boundary(16) && iso.as_bytes()[10] == b'T';
    if is_iso {
        iso[..16].replace('T', " ")
    } else {
        iso.to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_be_seen_gets_a_picture() {
        assert_eq!(visible("a\u{1}b\u{7f}\u{85}"), "a\u{2401}b\u{2421}\u{fffd}");
        assert_eq!(visible("plain ß"), "plain ß");
    }

    #[test]
    fn times_are_told_to_the_minute() {
        assert_eq!(moment("2026-03-01T12:30:59Z"), "2026-03-01 12:30");
        assert_eq!(moment("yesterday"), "yesterday");
    }
}
