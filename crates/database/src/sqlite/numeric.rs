//! Decimal numbers exactly as `numeric` holds them: their text (`numeric_out`) and their binary form (`numeric_send`).

use super::number::Decimal;
use super::target_type::NumericBounds;

/// Digits before the decimal point that `numeric` holds (its largest weight, 0x7FFF, in groups of four).
const WHOLE_DIGITS_MAX: i64 = 131_072;
/// Digits behind the decimal point that it holds (`NUMERIC_DSCALE_MAX`).
const SCALE_MAX: i64 = 0x3FFF;
/// The server refuses larger exponents, also of zero.
const EXPONENT_MAX: i64 = i32::MAX as i64 / 2;
/// A 64-bit integer has 19 digits, a double's shortest decimal 17.
const SHORT_MAX: usize = 20;

/// A decimal number with a display scale.
#[derive(Clone, Copy, Debug)]
pub(super) struct Numeric<'a> {
    negative: bool,
    /// Neither the first nor the last is 0; none for zero.
    digits: Digits<'a>,
    /// How many of the digits stand before the decimal point; negative where zeros follow it first.
    point: i64,
    /// Digits that are shown behind the decimal point.
    scale: i64,
}

#[derive(Clone, Copy, Debug)]
enum Digits<'a> {
    Short { text: [u8; SHORT_MAX], len: u8 },
    Parts(&'a [u8], &'a [u8]),
}

impl<'a> Numeric<'a> {
    pub(super) fn of_integer(value: i64) -> Numeric<'static> {
        let mut buffer = itoa::Buffer::new();
        let digits = buffer.format(value.unsigned_abs()).as_bytes();
        let significant = trim_end(digits);
        Numeric {
            negative: value < 0,
            digits: Digits::short(if value == 0 { &[] } else { significant }),
            point: if value == 0 { 0 } else { length(digits) },
            scale: 0,
        }
    }

    /// The shortest decimal that reads back as `value`. `None` for infinities, and for zero with a sign.
    pub(super) fn of_real(value: f64) -> Option<Numeric<'static>> {
        if !value.is_finite() || (value == 0.0 && value.is_sign_negative()) {
            return None;
        }
        if value == 0.0 {
            return Some(Numeric::of_integer(0));
        }
        let decimal = Decimal::shortest(value.abs());
        let (digits, point) = (decimal.digits(), i64::from(decimal.point()));
        Some(Numeric {
            negative: value < 0.0,
            digits: Digits::short(digits),
            point,
            scale: (length(digits) - point).max(0),
        })
    }

    /// What the number is in JSON, where a double is written as SQLite writes it: with a digit behind the point.
    /// `None` for infinities.
    pub(super) fn of_json_real(value: f64) -> Option<Numeric<'static>> {
        /// Larger ones are written with an exponent, and smaller ones than 1e-4.
        const POSITIONAL: std::ops::RangeInclusive<i64> = -3..=17;
        let number = Numeric::of_real(value + 0.0)?;
        let behind_first = (number.len() - 1).max(1);
        let scale = if number.len() == 0 || POSITIONAL.contains(&number.point) {
            number.scale.max(1)
        } else {
            (behind_first - (number.point - 1)).max(0)
        };
        Some(Numeric { scale, ..number })
    }

    /// Reads `[+-]digits[.digits][e[+-]digits]` as `numeric_in` does, where it is no more than that: no blanks, no
    /// `NaN`, no `Infinity`. `None` also beyond the type's range.
    pub(super) fn parse(text: &'a [u8]) -> Option<Numeric<'a>> {
        let (negative, text) = match text.split_first()? {
            (b'-', rest) => (true, rest),
            (b'+', rest) => (false, rest),
            _ => (false, text),
        };
        let (whole, text) = leading_digits(text);
        let (fraction, text) = match text.strip_prefix(b".") {
            Some(rest) => leading_digits(rest),
            None => (&text[..0], text),
        };
        if whole.is_empty() && fraction.is_empty() {
            return None;
        }
        let exponent = match text.split_first() {
            None => 0,
            Some((b'e' | b'E', rest)) => exponent(rest)?,
            Some(_) => return None,
        };
        let scale = (length(fraction) - exponent).max(0);
        let (mut first, mut second) = (trim_start(whole), fraction);
        let mut point = length(first) + exponent;
        if first.is_empty() {
            second = trim_start(fraction);
            point -= length(fraction) - length(second);
        }
        second = trim_end(second);
        if second.is_empty() {
            first = trim_end(first);
        }
        let is_zero = first.is_empty() && second.is_empty();
        if scale > SCALE_MAX || (!is_zero && point > WHOLE_DIGITS_MAX) {
            return None;
        }
        Some(Numeric {
            negative: negative && !is_zero,
            digits: Digits::Parts(first, second),
            point: if is_zero { 0 } else { point },
            scale,
        })
    }

    /// As it stands in a column with these bounds; `None` where they would round it or refuse it.
    pub(super) fn within(self, bounds: Option<NumericBounds>) -> Option<Numeric<'a>> {
        let Some(NumericBounds { precision, scale }) = bounds else {
            return Some(self);
        };
        let (precision, scale) = (i64::from(precision), i64::from(scale));
        let fits = self.len() == 0 || (self.point <= precision - scale && self.fraction_digits() <= scale);
        fits.then_some(Numeric { scale, ..self })
    }

    /// The number times 10^`places`, where that is an integer of 64 bits.
    pub(super) fn scaled(&self, places: i64) -> Option<i64> {
        if self.fraction_digits() > places {
            return None;
        }
        let end = self.point + places;
        if end > 18 {
            return None;
        }
        let digits = (0..end).map(|place| i64::from(self.digit(place)));
        let value = digits.fold(0, |value, digit| value * 10 + digit);
        Some(if self.negative { -value } else { value })
    }

    /// Bytes of its text at most.
    pub(super) fn text_len(&self) -> usize {
        usize::try_from(self.point.max(1) + self.scale + 2).unwrap_or(usize::MAX)
    }

    /// Appends what `numeric_out` gives.
    pub(super) fn write(&self, out: &mut Vec<u8>) {
        if self.negative {
            out.push(b'-');
        }
        if self.point <= 0 {
            out.push(b'0');
        } else {
            self.copy(0, self.point, out);
        }
        if self.scale > 0 {
            out.push(b'.');
            self.copy(self.point, self.point + self.scale, out);
        }
    }

    /// Appends what `numeric_send` gives.
    pub(super) fn send(&self, out: &mut Vec<u8>) {
        const NEGATIVE: u16 = 0x4000;
        let (weight, groups) = if self.len() == 0 {
            (0, 0)
        } else {
            let first = (self.point + 3).div_euclid(4) - 1;
            let last = (self.point - self.len()).div_euclid(4);
            (first, first - last + 1)
        };
        // All of them fit: the range was looked at when the number was read.
        let half = |value: i64| u16::try_from(value & 0xFFFF).unwrap_or_default().to_be_bytes();
        let sign = if self.negative { NEGATIVE } else { 0 };
        out.extend_from_slice(&half(groups));
        out.extend_from_slice(&half(weight));
        out.extend_from_slice(&sign.to_be_bytes());
        out.extend_from_slice(&half(self.scale));
        let start = self.point - 4 * (weight + 1);
        for group in 0..groups {
            let at = start + 4 * group;
            let value = (at..at + 4).fold(0, |value, place| value * 10 + u16::from(self.digit(place)));
            out.extend_from_slice(&value.to_be_bytes());
        }
    }

    /// Digits before the decimal point and behind it, without zeros around them.
    pub(super) fn digit_counts(&self) -> (i64, i64) {
        if self.len() == 0 {
            (0, 0)
        } else {
            (self.point.max(0), self.fraction_digits())
        }
    }

    /// Digits behind the decimal point that are needed.
    fn fraction_digits(&self) -> i64 {
        (self.len() - self.point).max(0)
    }

    fn parts(&self) -> (&[u8], &[u8]) {
        match &self.digits {
            Digits::Short { text, len } => (&text[..usize::from(*len)], &[]),
            Digits::Parts(first, second) => (first, second),
        }
    }

    fn len(&self) -> i64 {
        let (first, second) = self.parts();
        length(first) + length(second)
    }

    /// The value of the digit at `place`, counted from the first one that is not 0; 0 beyond them.
    fn digit(&self, place: i64) -> u8 {
        let (first, second) = self.parts();
        let Ok(place) = usize::try_from(place) else {
            return 0;
        };
        let beyond = place.checked_sub(first.len());
        let digit = match beyond {
            None => first.get(place),
            Some(place) => second.get(place),
        };
        digit.map_or(0, |it| it - b'0')
    }

    /// Appends the digits from one place to another.
    fn copy(&self, from: i64, to: i64, out: &mut Vec<u8>) {
        let (first, second) = self.parts();
        let end = out.len() + usize::try_from(to - from).unwrap_or(0);
        let zeros = usize::try_from(-from).unwrap_or(0);
        out.resize((out.len() + zeros).min(end), b'0');
        let mut from = usize::try_from(from.max(0)).unwrap_or(0);
        for part in [first, second] {
            let wanted = part.get(from..).unwrap_or_default();
            out.extend_from_slice(&wanted[..wanted.len().min(end - out.len())]);
            from = from.saturating_sub(part.len());
        }
        out.resize(end, b'0');
    }
}

impl Digits<'static> {
    fn short(digits: &[u8]) -> Digits<'static> {
        let mut text = [b'0'; SHORT_MAX];
        text[..digits.len()].copy_from_slice(digits);
        let len = u8::try_from(digits.len()).unwrap_or_default();
        Digits::Short { text, len }
    }
}

fn exponent(text: &[u8]) -> Option<i64> {
    let (negative, digits) = match text.split_first()? {
        (b'-', rest) => (true, rest),
        (b'+', rest) => (false, rest),
        _ => (false, text),
    };
    if digits.is_empty() || !digits.iter().all(u8::is_ascii_digit) {
        return None;
    }
    let value = digits.iter().fold(0_i64, |value, digit| {
        value.saturating_mul(10).saturating_add(i64::from(digit - b'0'))
    });
    (value < EXPONENT_MAX).then_some(if negative { -value } else { value })
}

fn leading_digits(text: &[u8]) -> (&[u8], &[u8]) {
    let end = text.iter().position(|it| !it.is_ascii_digit());
    text.split_at(end.unwrap_or(text.len()))
}

fn trim_start(digits: &[u8]) -> &[u8] {
    let start = digits.iter().position(|&it| it != b'0');
    &digits[start.unwrap_or(digits.len())..]
}

fn trim_end(digits: &[u8]) -> &[u8] {
    let end = digits.iter().rposition(|&it| it != b'0');
    &digits[..end.map_or(0, |last| last + 1)]
}

fn length(digits: &[u8]) -> i64 {
    i64::try_from(digits.len()).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn bounds(precision: u16, scale: u16) -> NumericBounds {
        NumericBounds { precision, scale }
    }

    #[track_caller]
    fn check(number: Option<Numeric<'_>>, limits: Option<NumericBounds>, expected: Option<&str>) {
        let written = number.and_then(|it| it.within(limits)).map(|it| {
            let mut out = Vec::new();
            it.write(&mut out);
            assert!(out.len() <= it.text_len());
            String::from_utf8(out).unwrap()
        });
        assert_eq!(written.as_deref(), expected);
    }

    #[test]
    fn reals_are_their_shortest_decimals() {
        for (value, limits, expected) in [
            (0.99, Some(bounds(10, 2)), Some("0.99")),
            (0.0, Some(bounds(10, 2)), Some("0.00")),
            (-12.5, Some(bounds(4, 2)), Some("-12.50")),
            (0.005, Some(bounds(10, 2)), None),
            (123.0, Some(bounds(4, 2)), None),
            (99.0, Some(bounds(4, 2)), Some("99.00")),
            (0.05, Some(bounds(2, 2)), Some("0.05")),
            (1e21, None, Some("1000000000000000000000")),
            (1.5e-7, None, Some("0.00000015")),
            (-0.0, None, None),
            (f64::INFINITY, None, None),
        ] {
            check(Numeric::of_real(value), limits, expected);
        }
    }

    #[test]
    fn integers_beyond_the_precision_do_not_fit() {
        check(Some(Numeric::of_integer(1000)), Some(bounds(5, 2)), None);
        check(
            Some(Numeric::of_integer(-999)),
            Some(bounds(5, 2)),
            Some("-999.00"),
        );
        check(Some(Numeric::of_integer(0)), Some(bounds(5, 2)), Some("0.00"));
        check(
            Some(Numeric::of_integer(i64::MIN)),
            None,
            Some("-9223372036854775808"),
        );
    }

    /// Each expected text is `SELECT x::numeric` of a PostgreSQL 15 server.
    #[test]
    fn texts_are_read_as_the_server_reads_them() {
        for (text, limits, expected) in [
            ("18446744073709551616", None, Some("18446744073709551616")),
            ("0012.30", None, Some("12.30")),
            ("-0", None, Some("0")),
            ("-0.00", None, Some("0.00")),
            ("+5", None, Some("5")),
            (".5", None, Some("0.5")),
            ("5.", None, Some("5")),
            ("1.50e1", None, Some("15.0")),
            ("15e-3", None, Some("0.015")),
            ("1.5E+3", None, Some("1500")),
            ("00100.0010", Some(bounds(6, 3)), Some("100.001")),
            ("0.0001", Some(bounds(6, 3)), None),
            ("1000", Some(bounds(6, 3)), None),
            ("0e16384", None, Some("0")),
            ("0e-16384", None, None),
            ("1e131072", None, None),
            ("0e1073741823", None, None),
            ("", None, None),
            (".", None, None),
            ("1e", None, None),
            ("1_0", None, None),
            (" 1", None, None),
            ("0x10", None, None),
            ("NaN", None, None),
        ] {
            check(Numeric::parse(text.as_bytes()), limits, expected);
        }
    }

    #[test]
    fn scaled_numbers_are_whole() {
        for (text, places, expected) in [
            ("1.5", 1, Some(15)),
            ("-1.5", 3, Some(-1500)),
            ("1.55", 1, None),
            ("0", 6, Some(0)),
            ("0.000001", 6, Some(1)),
            ("1e12", 6, None),
            ("999999999999", 6, Some(999_999_999_999_000_000)),
        ] {
            let number = Numeric::parse(text.as_bytes()).unwrap();
            assert_eq!(number.scaled(places), expected, "{text}");
        }
    }
}
