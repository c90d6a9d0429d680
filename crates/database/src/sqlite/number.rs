//! Numbers as text: as PostgreSQL prints integers and `double precision`, and as SQLite prints REAL.

use std::io::Write;

/// Longest significand that tells any two doubles apart.
const DIGITS_MAX: usize = 17;

/// A finite, non-negative double as its shortest decimal: `0.d₁d₂d₃… × 10^point`.
pub(super) struct Decimal {
    digits: [u8; DIGITS_MAX],
    len: usize,
    point: i32,
}

impl Decimal {
    /// The fewest digits that read back as `value`.
    pub(super) fn shortest(value: f64) -> Decimal {
        Decimal::of_few_digits(value).unwrap_or_else(|| Decimal::from_scientific(format_args!("{value:e}")))
    }

    /// What most reals are that people write: at most 15 digits, four of them behind the point.
    fn of_few_digits(value: f64) -> Option<Decimal> {
        /// No two decimals of 15 digits are the same double, so one that reads back is the shortest.
        const END: f64 = 1e15;
        const SCALES: [f64; 5] = [1.0, 1e1, 1e2, 1e3, 1e4];
        if value <= 0.0 {
            return None;
        }
        #[expect(clippy::float_cmp, reason = "only a decimal that is the same double counts")]
        let is_whole = |scale: &f64| {
            let scaled = value * scale;
            scaled < END && scaled == scaled.trunc() && scaled / scale == value
        };
        let places = SCALES.iter().position(is_whole)?;
        let mut buffer = itoa::Buffer::new();
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "a whole number from 1 to 10^15"
        )]
        let text = buffer.format((value * SCALES[places]) as u64).as_bytes();
        let mut decimal = Decimal {
            digits: [b'0'; DIGITS_MAX],
            len: text.len(),
            point: i32::try_from(text.len()).ok()? - i32::try_from(places).ok()?,
        };
        decimal.digits[..text.len()].copy_from_slice(text);
        decimal.trim();
        Some(decimal)
    }

    /// PostgreSQL's choice among the shortest digits (`src/common/d2s.c`), which differs from the usual one
    /// where a decimal is exactly half-way. Between two decimals equally near, it takes the even one
    /// (`562949953421312.25` prints as `562949953421312.2`). Between two doubles, it takes more digits
    /// (`1e23` prints as `9.999999999999999e+22`), since not every reader rounds ties to even.
    fn shortest_for_server(value: f64) -> Decimal {
        /// A decimal with fewer digits is never half-way between two decimals that read back.
        const EVEN_DIGITS_MIN: usize = 15;
        /// Only integers and tenths of this size can be half-way between two doubles with at most 17 digits:
        /// the half-way point has 54 significant bits, and only a power of five can follow.
        const TIES: std::ops::Range<f64> = 4e14..1e41;
        let mut shortest = Decimal::shortest(value);
        if shortest.len >= EVEN_DIGITS_MIN {
            let even = Decimal::rounded(value, shortest.len);
            if even.reads_as(value, "") {
                shortest = even;
            }
        }
        if !TIES.contains(&value) || value.to_bits() & 1 == 1 || !shortest.is_tie(value) {
            return shortest;
        }
        (shortest.len + 1..=DIGITS_MAX)
            .map(|len| Decimal::rounded(value, len))
            .find(|it| it.reads_as(value, "") && !it.is_tie(value))
            .unwrap_or(shortest)
    }

    /// The nearest decimal of `len` digits, the even one of two.
    fn rounded(value: f64, len: usize) -> Decimal {
        Decimal::from_scientific(format_args!("{value:.0$e}", len - 1))
    }

    fn from_scientific(text: std::fmt::Arguments<'_>) -> Decimal {
        let mut buffer = [0_u8; 32];
        let mut rest = &mut buffer[..];
        // A double has at most 17 digits and a three-digit exponent: the buffer always suffices.
        let _ = rest.write_fmt(text);
        let mut decimal = Decimal {
            digits: [b'0'; DIGITS_MAX],
            len: 0,
            point: 1,
        };
        let mut bytes = buffer.iter().take_while(|&&byte| byte != 0);
        for &byte in bytes.by_ref().take_while(|&&byte| byte != b'e') {
            if byte.is_ascii_digit() {
                decimal.digits[decimal.len] = byte;
                decimal.len += 1;
            }
        }
        let (mut exponent, mut negative) = (0, false);
        for &byte in bytes {
            match byte {
                b'-' => negative = true,
                _ => exponent = exponent * 10 + i32::from(byte - b'0'),
            }
        }
        decimal.point += if negative { -exponent } else { exponent };
        decimal.trim();
        decimal
    }

    /// Takes zeros at the end away.
    fn trim(&mut self) {
        while self.len > 1 && self.digits[self.len - 1] == b'0' {
            self.len -= 1;
        }
    }

    pub(super) fn digits(&self) -> &[u8] {
        &self.digits[..self.len]
    }

    /// How many of the digits stand before the decimal point; negative where zeros follow it first.
    pub(super) fn point(&self) -> i32 {
        self.point
    }

    /// Whether a step away from `value` would leave the interval that reads back as `value`.
    fn is_tie(&self, value: f64) -> bool {
        let above = !self.reads_as(value, "00000000000000000000000000000000000000000001");
        let mut below = Decimal {
            digits: self.digits,
            ..*self
        };
        for digit in below.digits[..below.len].iter_mut().rev() {
            if *digit > b'0' {
                *digit -= 1;
                break;
            }
            *digit = b'9';
        }
        above || !below.reads_as(value, "99999999999999999999999999999999999999999999")
    }

    fn reads_as(&self, value: f64, more_digits: &str) -> bool {
        let digits = std::str::from_utf8(self.digits()).unwrap_or_default();
        format!("0.{digits}{more_digits}e{}", self.point).parse() == Ok(value)
    }

    /// Digits with as many zeros as the place of the point needs, at least `scale` of them behind it.
    fn write_positional(&self, scale: usize, out: &mut Vec<u8>) {
        let digits = self.digits();
        let whole = usize::try_from(self.point).unwrap_or(0);
        if whole == 0 {
            out.push(b'0');
        } else {
            out.extend_from_slice(&digits[..whole.min(digits.len())]);
            out.resize(out.len() + whole.saturating_sub(digits.len()), b'0');
        }
        let fraction = self.fraction_digits().max(scale);
        if fraction == 0 {
            return;
        }
        out.push(b'.');
        let end = out.len() + fraction;
        if self.point < 0 {
            out.resize(out.len() + self.point.unsigned_abs() as usize, b'0');
        }
        out.extend_from_slice(digits.get(whole..).unwrap_or_default());
        out.resize(end, b'0');
    }

    fn write_scientific(&self, out: &mut Vec<u8>) {
        let exponent = self.point - 1;
        let sign = if exponent < 0 { '-' } else { '+' };
        // Writing to a Vec cannot fail.
        let _ = write!(out, "e{sign}{:02}", exponent.unsigned_abs());
    }

    /// Digits behind the decimal point in positional notation.
    fn fraction_digits(&self) -> usize {
        usize::try_from(i32::try_from(self.len).unwrap_or(i32::MAX) - self.point).unwrap_or(0)
    }
}

pub(super) fn write_integer(value: i64, out: &mut Vec<u8>) {
    out.extend_from_slice(itoa::Buffer::new().format(value).as_bytes());
}

/// As `float8out` with `extra_float_digits` 1: the shortest digits that read back, an exponent outside
/// 1e-4 … 1e15.
pub(super) fn write_double(value: f64, out: &mut Vec<u8>) {
    if value.is_nan() {
        return out.extend_from_slice(b"NaN");
    }
    if value.is_sign_negative() {
        out.push(b'-');
    }
    if value.is_infinite() {
        return out.extend_from_slice(b"Infinity");
    }
    let decimal = Decimal::shortest_for_server(value.abs());
    if (-3..=15).contains(&decimal.point) {
        return decimal.write_positional(0, out);
    }
    write_significand(&decimal, out);
    decimal.write_scientific(out);
}

/// In the notation of SQLite's own `CAST(x AS TEXT)`: always with a point, an exponent outside 1e-4 … 1e17.
/// The digits are the fewest that read back; SQLite itself writes some that it does not need for subnormals.
pub(super) fn write_sqlite_real(value: f64, out: &mut Vec<u8>) {
    if value.is_sign_negative() && !value.is_nan() {
        out.push(b'-');
    }
    if !value.is_finite() {
        return out.extend_from_slice(b"Inf");
    }
    let decimal = Decimal::shortest(value.abs());
    if (-3..=17).contains(&decimal.point) {
        return decimal.write_positional(1, out);
    }
    write_significand(&decimal, out);
    if decimal.len == 1 {
        out.extend_from_slice(b".0");
    }
    decimal.write_scientific(out);
}

fn write_significand(decimal: &Decimal, out: &mut Vec<u8>) {
    let (first, rest) = decimal.digits().split_at(1);
    out.extend_from_slice(first);
    if !rest.is_empty() {
        out.push(b'.');
        out.extend_from_slice(rest);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn text_of(write: impl FnOnce(&mut Vec<u8>)) -> String {
        let mut out = Vec::new();
        write(&mut out);
        String::from_utf8(out).unwrap()
    }

    /// Each expected text is `SELECT x::float8` of a PostgreSQL 15 server.
    #[test]
    fn doubles_are_written_as_the_server_writes_them() {
        for (value, expected) in [
            (0.0, "0"),
            (-0.0, "-0"),
            (1.0, "1"),
            (-1.5, "-1.5"),
            (0.1, "0.1"),
            (0.0001, "0.0001"),
            (0.00001, "1e-05"),
            (0.000_012_5, "1.25e-05"),
            (123_456_789.125, "123456789.125"),
            (1e14, "100000000000000"),
            (1e15, "1e+15"),
            (1e20, "1e+20"),
            (2_f64.powi(49) + 0.25, "562949953421312.2"),
            (2_f64.powi(-25), "2.9802322387695312e-08"),
            (1e23, "9.999999999999999e+22"),
            (9_007_199_254_740_992.0, "9.007199254740992e+15"),
            (36_028_797_018_963_968.0, "3.602879701896397e+16"),
            (1.797_693_134_862_315_7e308, "1.7976931348623157e+308"),
            (2.225_073_858_507_201_4e-308, "2.2250738585072014e-308"),
            (5e-324, "5e-324"),
            (f64::INFINITY, "Infinity"),
            (f64::NEG_INFINITY, "-Infinity"),
            (f64::NAN, "NaN"),
        ] {
            assert_eq!(text_of(|out| write_double(value, out)), expected);
        }
    }

    #[test]
    fn reals_among_texts_are_written_as_sqlite_writes_them() {
        let connection = rusqlite::Connection::open_in_memory().unwrap();
        for value in [
            0.0,
            1.0,
            -2.5,
            0.99,
            1e14,
            1e15,
            1e16,
            1e17,
            1e20,
            1.25e-5,
            0.0001,
            1e300,
            f64::INFINITY,
        ] {
            let expected: String = connection
                .query_row("SELECT CAST(?1 AS TEXT)", [value], |row| row.get(0))
                .unwrap();
            assert_eq!(text_of(|out| write_sqlite_real(value, out)), expected);
        }
    }

    proptest! {
        #[test]
        fn few_digits_are_the_fewest(whole in 0_u64..1 << 52, scale in 0_i32..6, near in -1_i64..2) {
            #[expect(clippy::cast_precision_loss, reason = "any double will do")]
            let value = whole as f64 / 10_f64.powi(scale);
            let value = f64::from_bits(value.to_bits().saturating_add_signed(near));
            prop_assume!(value > 0.0);
            let expected = Decimal::from_scientific(format_args!("{value:e}"));
            let found = Decimal::shortest(value);
            prop_assert_eq!((found.digits(), found.point()), (expected.digits(), expected.point()));
        }

        #[test]
        fn every_double_reads_back(bits in any::<u64>()) {
            let value = f64::from_bits(bits);
            prop_assume!(value.is_finite());
            let read = |text: String| text.parse::<f64>().unwrap().to_bits();
            prop_assert_eq!(read(text_of(|out| write_double(value, out))), bits);
            prop_assert_eq!(read(text_of(|out| write_sqlite_real(value, out))), bits);
        }
    }
}
