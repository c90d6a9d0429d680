//! Casts of whole arrays, which a restore makes casts of their elements.

use std::ops::Range;

use super::{Kind, Token, Tokens};

impl Tokens {
    /// `(ARRAY['a'::varchar])::text[]` becomes `ARRAY[('a'::varchar)::text]`, as the server writes it after a restore.
    pub(super) fn push_casts_into_arrays(&mut self) {
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
    fn cast_of(&self, start: usize) -> Option<(usize, Vec<Range<usize>>, Range<usize>)> {
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
