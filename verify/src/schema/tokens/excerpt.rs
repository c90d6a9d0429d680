//! The place where two definitions differ, on one line each.

use super::{Kind, Names, Tokens};

/// How many characters of one word are shown.
const WORD_MAX: usize = 60;

/// How many words stand around a difference.
const BEFORE: usize = 4;
const BEHIND: usize = 2;

impl Tokens {
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
