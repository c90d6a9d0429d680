//! Values inside values: arrays and records as PostgreSQL writes them (`array_out` in `arrayfuncs.c`,
//! `record_out` in `rowtypes.c`). Only elements with a new value are written again.

use std::ops::Range;

/// A text that is no output of the type.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Malformed;

/// Gives every element of an array that is not NULL to `map`, in order; `None` from there keeps the element.
///
/// Returns the new text, or `None` when every element is kept. Dimensions and lower bounds stay.
pub(super) fn map_array(
    text: &str,
    mut map: impl FnMut(&str) -> Option<String>,
) -> Result<Option<String>, Malformed> {
    let start = match text.as_bytes().first() {
        Some(b'[') => text.find('=').ok_or(Malformed)? + 1,
        _ => 0,
    };
    let mut edits = Edits::new(text);
    let (mut at, mut depth) = (start, 0_usize);
    loop {
        match text.as_bytes().get(at).ok_or(Malformed)? {
            b'{' => depth += 1,
            b'}' => {
                depth = depth.checked_sub(1).ok_or(Malformed)?;
                if depth == 0 {
                    break;
                }
            }
            b',' if depth > 0 => {}
            _ if depth == 0 => return Err(Malformed),
            _ => {
                let item = Item::array_element(text, at)?;
                at = item.range.end;
                if let Some(new) = item.value.and_then(|value| map(&value)) {
                    edits.replace(item.range, &array_element(&new));
                }
                continue;
            }
        }
        at += 1;
    }
    if at + 1 == text.len() {
        Ok(edits.finish())
    } else {
        Err(Malformed)
    }
}

/// Gives every field of a record that is not NULL to `map`, with its place; `None` from there keeps the field.
///
/// Returns the new text, or `None` when every field is kept. Refused when there are other than `fields` fields.
pub(super) fn map_record(
    text: &str,
    fields: usize,
    mut map: impl FnMut(usize, &str) -> Option<String>,
) -> Result<Option<String>, Malformed> {
    if text == "()" && fields == 0 {
        return Ok(None);
    }
    if !text.starts_with('(') {
        return Err(Malformed);
    }
    let mut edits = Edits::new(text);
    let (mut at, mut place) = (1, 0);
    loop {
        let item = Item::record_field(text, at)?;
        at = item.range.end;
        if let Some(new) = item.value.and_then(|value| map(place, &value)) {
            edits.replace(item.range, &record_field(&new));
        }
        place += 1;
        match text.as_bytes().get(at).ok_or(Malformed)? {
            b',' => at += 1,
            b')' if at + 1 == text.len() && place == fields => return Ok(edits.finish()),
            _ => return Err(Malformed),
        }
    }
}

/// One element or field: where it stands, and what it says.
struct Item {
    range: Range<usize>,
    /// `None` for NULL.
    value: Option<String>,
}

impl Item {
    fn array_element(text: &str, start: usize) -> Result<Item, Malformed> {
        if text[start..].starts_with('"') {
            return Item::quoted(text, start, false);
        }
        let length = text[start..].find([',', '}']).ok_or(Malformed)?;
        let word = &text[start..start + length];
        if word.contains(['"', '\\', '{']) {
            return Err(Malformed);
        }
        Ok(Item {
            range: start..start + length,
            value: (!word.eq_ignore_ascii_case("NULL")).then(|| word.to_owned()),
        })
    }

    fn record_field(text: &str, start: usize) -> Result<Item, Malformed> {
        if text[start..].starts_with('"') {
            return Item::quoted(text, start, true);
        }
        let length = text[start..].find([',', ')']).ok_or(Malformed)?;
        let word = &text[start..start + length];
        if word.contains(['"', '\\', '(']) {
            return Err(Malformed);
        }
        Ok(Item {
            range: start..start + length,
            value: (!word.is_empty()).then(|| word.to_owned()),
        })
    }

    /// From the quote at `start` to its partner. A backslash takes the next character as it is; where quotes
    /// are `doubled`, two of them are one.
    fn quoted(text: &str, start: usize, doubled: bool) -> Result<Item, Malformed> {
        let mut value = String::new();
        let mut characters = text[start + 1..].char_indices().peekable();
        while let Some((offset, character)) = characters.next() {
            match character {
                '\\' => value.push(characters.next().ok_or(Malformed)?.1),
                '"' if doubled && characters.next_if(|(_, next)| *next == '"').is_some() => value.push('"'),
                '"' => {
                    let end = start + 1 + offset + 1;
                    return Ok(Item {
                        range: start..end,
                        value: Some(value),
                    });
                }
                other => value.push(other),
            }
        }
        Err(Malformed)
    }
}

/// As `array_out` writes an element.
fn array_element(value: &str) -> String {
    let special = |byte: u8| matches!(byte, b'"' | b'\\' | b'{' | b'}' | b',') || is_space(byte);
    if !value.is_empty() && !value.eq_ignore_ascii_case("NULL") && !value.bytes().any(special) {
        return value.to_owned();
    }
    format!("\"{}\"", value.replace('\\', "\\\\").replace('"', "\\\""))
}

/// As `record_out` writes a field.
fn record_field(value: &str) -> String {
    let special = |byte: u8| matches!(byte, b'"' | b'\\' | b'(' | b')' | b',') || is_space(byte);
    if !value.is_empty() && !value.bytes().any(special) {
        return value.to_owned();
    }
    format!("\"{}\"", value.replace('\\', "\\\\").replace('"', "\"\""))
}

/// C's `isspace`, which has one character more than Rust's ASCII white space.
fn is_space(byte: u8) -> bool {
    byte.is_ascii_whitespace() || byte == 0x0b
}

/// A text in which spans get new text, from left to right.
struct Edits<'a> {
    old: &'a str,
    new: String,
    copied: usize,
}

impl<'a> Edits<'a> {
    fn new(old: &'a str) -> Self {
        Edits {
            old,
            new: String::new(),
            copied: 0,
        }
    }

    fn replace(&mut self, range: Range<usize>, new: &str) {
        self.new.push_str(&self.old[self.copied..range.start]);
        self.new.push_str(new);
        self.copied = range.end;
    }

    fn finish(mut self) -> Option<String> {
        // Whatever was replaced ends behind the text's start.
        if self.copied == 0 {
            return None;
        }
        self.new.push_str(&self.old[self.copied..]);
        Some(self.new)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[track_caller]
    fn check_array(text: &str, expected: &[&str]) {
        let mut found = Vec::new();
        let written = map_array(text, |it| {
            found.push(it.to_owned());
            Some(it.to_owned())
        });
        assert_eq!(found, expected, "{text}");
        // Every element is written again, and as the server wrote it.
        let changed = (!expected.is_empty()).then(|| text.to_owned());
        assert_eq!(written, Ok(changed), "{text}");
        assert_eq!(map_array(text, |_| None), Ok(None), "{text}");
    }

    #[track_caller]
    fn check_record(text: &str, expected: &[Option<&str>]) {
        let mut found = vec![None; expected.len()];
        let written = map_record(text, expected.len(), |place, it| {
            found[place] = Some(it.to_owned());
            Some(it.to_owned())
        });
        let expected: Vec<Option<String>> = expected.iter().map(|it| it.map(str::to_owned)).collect();
        assert_eq!(found, expected, "{text}");
        let changed = found.iter().any(Option::is_some).then(|| text.to_owned());
        assert_eq!(written, Ok(changed), "{text}");
        assert_eq!(map_record(text, found.len(), |_, _| None), Ok(None), "{text}");
    }

    // What a server of version 15 printed.
    #[test]
    fn arrays_of_a_server_are_read_and_written_alike() {
        for (text, elements) in [
            ("{}", &[][..]),
            ("{NULL}", &[]),
            ("{\"NULL\",\"null\",NULL,\"\"}", &["NULL", "null", ""]),
            ("{{a,b},{c,NULL}}", &["a", "b", "c"]),
            ("[2:3]={a,b}", &["a", "b"]),
            ("[0:0][-1:0]={{a,\"b c\"}}", &["a", "b c"]),
            (
                "{\"a,b\",\"a\\\"b\",\"a\\\\b\",\"{\",\"}\",\" \"}",
                &["a,b", "a\"b", "a\\b", "{", "}", " "],
            ),
            ("{\"(a,\\\"b \\\"\\\"c\\\")\"}", &["(a,\"b \"\"c\")"]),
            ("{\"{a,NULL}\"}", &["{a,NULL}"]),
            ("{é,\"\u{b}\"}", &["é", "\u{b}"]),
        ] {
            check_array(text, elements);
        }
    }

    #[test]
    fn records_of_a_server_are_read_and_written_alike() {
        for (text, fields) in [
            ("()", &[][..]),
            ("()", &[None]),
            ("(,)", &[None, None]),
            ("(a,,\"\")", &[Some("a"), None, Some("")]),
            (
                "(\"a,b\",\"a\"\"b\",\"a\\\\b\",\"(\",\" \")",
                &[Some("a,b"), Some("a\"b"), Some("a\\b"), Some("("), Some(" ")],
            ),
            ("(\"{a,\"\"b c\"\"}\",x)", &[Some("{a,\"b c\"}"), Some("x")]),
            ("(NULL,{})", &[Some("NULL"), Some("{}")]),
        ] {
            check_record(text, fields);
        }
    }

    #[test]
    fn what_is_no_array_or_record_is_refused() {
        for text in [
            "", "{", "{a", "{a}}", "{a}x", "x{a}", "[1:2]{a}", "{\"a}", "{a\"b}", "[", "{{}",
        ] {
            assert_eq!(map_array(text, |_| None), Err(Malformed), "{text}");
        }
        for text in [
            "", "(", "(a", "(a)x", "a)", "(a,b)", "(\"a)", "(\"a\"b)", "(a\"b)",
        ] {
            assert_eq!(map_record(text, 1, |_, _| None), Err(Malformed), "{text}");
        }
    }

    fn value() -> impl Strategy<Value = String> {
        let piece = prop::sample::select(vec![
            "a", "B", "\"", "\\", "{", "}", "(", ")", ",", " ", "\n", "\u{b}", "null", "é", "[", "=", ".",
        ]);
        prop::collection::vec(piece, 0..6).prop_map(|pieces| pieces.concat())
    }

    proptest! {
        #[test]
        fn a_record_in_an_array_in_a_record_comes_back(
            rows in prop::collection::vec(prop::collection::vec(prop::option::of(value()), 2), 1..4)
        ) {
            let record = |fields: &[Option<String>]| {
                let fields: Vec<String> =
                    fields.iter().map(|it| it.as_deref().map_or(String::new(), record_field)).collect();
                format!("({})", fields.join(","))
            };
            let elements: Vec<String> = rows.iter().map(|it| array_element(&record(it))).collect();
            let text = record(&[Some(format!("{{{}}}", elements.join(","))), None]);
            let mut found = Vec::new();
            let written = map_record(&text, 2, |_, array| {
                map_array(array, |row| {
                    let mut fields = vec![None, None];
                    let again = map_record(row, 2, |place, it| {
                        fields[place] = Some(it.to_owned());
                        Some(it.to_owned())
                    });
                    found.push(fields);
                    again.unwrap().or_else(|| Some(row.to_owned()))
                }).unwrap()
            });
            prop_assert_eq!(found, rows);
            prop_assert_eq!(written, Ok(Some(text)));
        }

        #[test]
        fn no_text_makes_it_panic(text in any::<String>(), fields in 0_usize..4) {
            let _ = map_array(&text, |it| Some(it.to_owned()));
            let _ = map_record(&text, fields, |_, it| Some(it.to_owned()));
        }

        #[test]
        fn what_is_kept_keeps_its_bytes(elements in prop::collection::vec(value(), 1..6), place in 0_usize..6) {
            let written: Vec<String> = elements.iter().map(|it| array_element(it)).collect();
            let mut at = 0;
            let found = map_array(&format!("{{{}}}", written.join(",")), |_| {
                at += 1;
                (at - 1 == place).then(|| "new name".to_owned())
            });
            let mut expected = written.clone();
            if let Some(element) = expected.get_mut(place) {
                "\"new name\"".clone_into(element);
            }
            let changed = (place < written.len()).then(|| format!("{{{}}}", expected.join(",")));
            prop_assert_eq!(found, Ok(changed));
        }
    }
}
