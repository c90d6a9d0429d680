//! Moments that are stored as numbers: seconds or milliseconds since 1970, and Julian days.
//!
//! Nothing tells such numbers from others, so they are read as moments only by choice.

use std::fmt;

use jiff::SignedDuration;
use jiff::civil::DateTime;
use rusqlite::types::ValueRef;

use super::numeric::Numeric;

/// What a number means as a moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reading {
    /// Seconds since 1970-01-01 00:00:00 UTC, with up to six digits behind the point.
    Seconds,
    /// Milliseconds since then, with up to three.
    Milliseconds,
    /// Days since noon of -4713-11-24 (proleptic Gregorian), as SQLite's `julianday()` gives them: to the millisecond.
    JulianDays,
}

impl Reading {
    pub(super) const ALL: [Reading; 3] = [Reading::Seconds, Reading::Milliseconds, Reading::JulianDays];

    /// The moment in UTC; `None` for what is no number, beyond microseconds, and outside the years 1 to 9999. A text
    /// must be a decimal number.
    pub(super) fn moment(self, value: ValueRef<'_>) -> Option<DateTime> {
        const UNIX: DateTime = DateTime::constant(1970, 1, 1, 0, 0, 0, 0);
        let micros = match self {
            Reading::Seconds => number(value)?.scaled(6)?,
            Reading::Milliseconds => number(value)?.scaled(3)?,
            Reading::JulianDays => julian_millis(value)?.checked_mul(1000)?,
        };
        let moment = UNIX.checked_add(SignedDuration::from_micros(micros)).ok()?;
        (moment.year() >= 1).then_some(moment)
    }
}

impl fmt::Display for Reading {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Reading::Seconds => "seconds",
            Reading::Milliseconds => "milliseconds",
            Reading::JulianDays => "julian days",
        })
    }
}

fn number(value: ValueRef<'_>) -> Option<Numeric<'_>> {
    match value {
        ValueRef::Integer(it) => Some(Numeric::of_integer(it)),
        ValueRef::Real(it) => Numeric::of_real(it),
        ValueRef::Text(it) => Numeric::parse(it),
        ValueRef::Null | ValueRef::Blob(_) => None,
    }
}

/// Milliseconds since 1970, rounded as `setRawDateNumber` of SQLite's `date.c` rounds: a double holds a Julian day of our
/// time to some 40 microseconds.
fn julian_millis(value: ValueRef<'_>) -> Option<i64> {
    const DAY: f64 = 86_400_000.0;
    /// Julian day 2440587.5.
    const UNIX: i64 = 210_866_760_000_000;
    /// Of the last moment of the year 9999 that SQLite knows.
    const DAYS_END: f64 = 5_373_484.5;
    let days = match value {
        #[expect(
            clippy::cast_precision_loss,
            reason = "one that is rounded is beyond the bound"
        )]
        ValueRef::Integer(it) => it as f64,
        ValueRef::Real(it) => it,
        ValueRef::Text(it) => {
            Numeric::parse(it)?;
            std::str::from_utf8(it).ok()?.parse().ok()?
        }
        ValueRef::Null | ValueRef::Blob(_) => return None,
    };
    if !(0.0..DAYS_END).contains(&days) {
        return None;
    }
    #[expect(clippy::cast_possible_truncation, reason = "cut as SQLite cuts it")]
    Some((days * DAY + 0.5) as i64 - UNIX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(reading: Reading, value: ValueRef<'_>, expected: Option<&str>) {
        let moment = reading.moment(value).map(|it| it.to_string());
        assert_eq!(moment.as_deref(), expected, "{reading} {value:?}");
    }

    #[test]
    fn numbers_are_moments_by_choice() {
        use Reading::{JulianDays, Milliseconds, Seconds};
        use ValueRef::{Blob, Integer, Real, Text};
        check(Seconds, Integer(1_709_251_199), Some("2024-02-29T23:59:59"));
        check(Seconds, Integer(-1), Some("1969-12-31T23:59:59"));
        check(Seconds, Real(0.25), Some("1970-01-01T00:00:00.25"));
        check(
            Seconds,
            Text(b"1709251199.000001"),
            Some("2024-02-29T23:59:59.000001"),
        );
        check(Seconds, Text(b"0.0000001"), None);
        check(Seconds, Text(b"now"), None);
        check(Seconds, Blob(b"1"), None);
        check(Seconds, Integer(-62_135_596_800), Some("0001-01-01T00:00:00"));
        check(Seconds, Integer(-62_135_596_801), None);
        check(Seconds, Integer(253_402_300_799), Some("9999-12-31T23:59:59"));
        check(Seconds, Integer(253_402_300_800), None);
        check(Seconds, Integer(i64::MAX), None);
        check(
            Milliseconds,
            Integer(1_709_251_199_123),
            Some("2024-02-29T23:59:59.123"),
        );
        check(Milliseconds, Real(0.001), Some("1970-01-01T00:00:00.000001"));
        check(JulianDays, Real(2_440_587.5), Some("1970-01-01T00:00:00"));
        check(JulianDays, Integer(2_460_370), Some("2024-02-29T12:00:00"));
        check(JulianDays, Integer(i64::MAX), None);
        check(JulianDays, Real(0.0), None);
    }

    #[test]
    fn julian_days_are_those_of_sqlite() {
        let connection = rusqlite::Connection::open_in_memory().unwrap();
        let mut random = fastrand::Rng::with_seed(7);
        for _ in 0..1000 {
            let days = 1_721_426.0 + random.f64() * 3_652_058.0;
            let sql = "SELECT strftime('%Y-%m-%d %H:%M:%f', ?1)";
            let expected: String = connection.query_row(sql, [days], |row| row.get(0)).unwrap();
            let moment = Reading::JulianDays.moment(ValueRef::Real(days)).unwrap();
            assert_eq!(
                moment.strftime("%Y-%m-%d %H:%M:%S.%3f").to_string(),
                expected,
                "{days}"
            );
        }
    }
}
