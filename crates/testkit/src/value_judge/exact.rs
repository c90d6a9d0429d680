//! Numbers and documents in one notation that loses nothing: no digit, no zero that tells a scale, no bit of a large number.

use std::collections::BTreeMap;

/// A decimal number without an exponent, with as many digits behind the point as it was written with, or `scale` of them
/// where the column has so many. Digits beyond that stay, so that what was rounded is found. `None` for what is no number.
pub(super) fn number(text: &str, scale: Option<usize>) -> Option<String> {
    let text = text.strip_prefix('+').unwrap_or(text);
    let (sign, text) = text.strip_prefix('-').map_or(("", text), |it| ("-", it));
    let (mantissa, exponent) = text.split_once(['e', 'E']).unwrap_or((text, "0"));
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let exponent: isize = exponent.parse().ok()?;
    let digits = format!("{whole}{fraction}");
    if digits.is_empty() || !digits.bytes().all(|it| it.is_ascii_digit()) {
        return None;
    }
    // Where the point stands among the digits.
    let point = isize::try_from(whole.len()).ok()? + exponent;
    let length = isize::try_from(digits.len()).ok()?;
    let zeros = |count: isize| "0".repeat(usize::try_from(count).unwrap_or(0));
    let padded = format!("{}{digits}{}", zeros(-point), zeros(point - length));
    let (whole, fraction) = padded.split_at(usize::try_from(point.max(0)).ok()?);
    let whole = whole.trim_start_matches('0');
    let whole = if whole.is_empty() { "0" } else { whole };
    let mut fraction = fraction.to_owned();
    if let Some(scale) = scale {
        while fraction.len() > scale && fraction.ends_with('0') {
            fraction.pop();
        }
        fraction.push_str(&"0".repeat(scale.saturating_sub(fraction.len())));
    }
    let sign = if whole == "0" && fraction.bytes().all(|it| it == b'0') {
        ""
    } else {
        sign
    };
    let point = if fraction.is_empty() { "" } else { "." };
    Some(format!("{sign}{whole}{point}{fraction}"))
}

/// A real as text in the notation that SQLite has for it, with the fewest digits that read back; SQLite's are more now and
/// then, and were too few in versions before.
pub(super) fn real(value: f64, as_sqlite_has_it: &str) -> String {
    if !value.is_finite() {
        return as_sqlite_has_it.to_owned();
    }
    let with_point = |digits: &str| {
        let point = if digits.contains('.') { "" } else { ".0" };
        format!("{digits}{point}")
    };
    let scientific = format!("{value:e}");
    match scientific.split_once('e') {
        Some((digits, exponent)) if as_sqlite_has_it.contains('e') => {
            let (sign, exponent) = exponent.strip_prefix('-').map_or(('+', exponent), |it| ('-', it));
            format!("{}e{sign}{exponent:0>2}", with_point(digits))
        }
        _ => with_point(&value.to_string()),
    }
}

/// A document with its names in order, the last of several with one name, and numbers as [`number`] has them. `None` for
/// what is no document.
pub(super) fn document(text: &str) -> Option<String> {
    let mut rest = text.trim_start();
    let found = value(&mut rest)?;
    rest.is_empty().then_some(found)
}

/// Takes a value and the blanks behind it off `rest`.
fn value(rest: &mut &str) -> Option<String> {
    let found = match rest.chars().next()? {
        '{' => {
            let mut members = BTreeMap::new();
            list(rest, '}', &mut |rest| {
                let name = string(rest)?;
                take(rest, ":")?;
                members.insert(name, value(rest)?);
                Some(())
            })?;
            let members: Vec<String> = members
                .iter()
                .map(|(name, value)| format!("{name:?}:{value}"))
                .collect();
            format!("{{{}}}", members.join(","))
        }
        '[' => {
            let mut members = Vec::new();
            list(rest, ']', &mut |rest| {
                members.push(value(rest)?);
                Some(())
            })?;
            format!("[{}]", members.join(","))
        }
        '"' => format!("{:?}", string(rest)?),
        _ => {
            let end = rest.find([',', ']', '}', ' ', '\t', '\n', '\r']);
            let word = &rest[..end.unwrap_or(rest.len())];
            take(rest, word)?;
            match word {
                "true" | "false" | "null" => word.to_owned(),
                _ => number(word, None)?,
            }
        }
    };
    Some(found)
}

fn list(rest: &mut &str, end: char, member: &mut dyn FnMut(&mut &str) -> Option<()>) -> Option<()> {
    let end = end.to_string();
    // The bracket that opens it.
    *rest = rest[1..].trim_start();
    if take(rest, &end).is_some() {
        return Some(());
    }
    loop {
        member(rest)?;
        if take(rest, &end).is_some() {
            return Some(());
        }
        take(rest, ",")?;
    }
}

fn string(rest: &mut &str) -> Option<String> {
    let mut words = serde_json::Deserializer::from_str(rest).into_iter::<String>();
    let found = words.next()?.ok()?;
    *rest = rest[words.byte_offset()..].trim_start();
    Some(found)
}

fn take(rest: &mut &str, word: &str) -> Option<()> {
    *rest = rest.strip_prefix(word)?.trim_start();
    Some(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_keep_their_digits_and_their_scale() {
        for (text, scale, expected) in [
            ("0012.30", None, "12.30"),
            ("12.3", Some(2), "12.30"),
            ("12.345", Some(2), "12.345"),
            ("12.3400", Some(2), "12.34"),
            ("1.5e3", None, "1500"),
            ("1.50e1", None, "15.0"),
            ("2e-3", None, "0.002"),
            ("-0.0", None, "0.0"),
            ("+5", Some(0), "5"),
            ("9007199254740993", None, "9007199254740993"),
        ] {
            assert_eq!(number(text, scale).as_deref(), Some(expected), "{text}");
        }
        for wrong in ["", "NaN", "1,5", "e5", "0x10"] {
            assert_eq!(number(wrong, None), None, "{wrong}");
        }
    }

    #[test]
    fn reals_are_written_with_the_fewest_digits() {
        for (value, as_sqlite_has_it, expected) in [
            (
                9_223_372_036_854_775_808.0,
                "9.2233720368547758e+18",
                "9.223372036854776e+18",
            ),
            (1e300, "1.0e+300", "1.0e+300"),
            (0.1 + 0.2, "0.30000000000000004", "0.30000000000000004"),
            (100_000.0, "100000.0", "100000.0"),
            (f64::INFINITY, "Inf", "Inf"),
        ] {
            assert_eq!(real(value, as_sqlite_has_it), expected);
        }
    }

    #[test]
    fn documents_differ_in_the_last_digit() {
        let is_same = |one: &str, other: &str| {
            let (one, other) = (document(one), document(other));
            assert!(one.is_some() && other.is_some());
            one == other
        };
        assert!(is_same(
            r#" {"b":1, "a":[1.50,2e2,"\u00e4"], "b":null}"#,
            r#"{"a": [1.50, 200, "ä"], "b": null}"#
        ));
        assert!(!is_same("9007199254740993", "9007199254740992"));
        assert!(!is_same("[1.5]", "[1.50]"));
        assert!(!is_same("[1, 2]", "[2, 1]"));
        assert!(!is_same(r#"{"a": "1"}"#, r#"{"a": 1}"#));
        assert_eq!(document("{broken"), None);
    }
}
