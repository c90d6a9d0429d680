//! Dates and times out of SQLite's texts, and their text as PostgreSQL prints it under `DateStyle` ISO and
//! `TimeZone` UTC.
//!
//! Nothing is guessed: only the forms of SQLite's own date functions that mean one moment are read, and what
//! PostgreSQL could not print back exactly does not fit.

use std::io::Write;

use jiff::ToSpan;
use jiff::civil::{Date, DateTime, Time};

/// A text read as a date with an optional time of day and an optional offset.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Moment {
    date: Date,
    time: Option<Time>,
    offset_minutes: Option<i32>,
}

/// Writes `text` as `date`; a time of day is allowed when it is zero. False when it does not fit.
pub(super) fn write_date(text: &[u8], out: &mut Vec<u8>) -> bool {
    match parse_moment(text) {
        Some(Moment {
            date,
            time: None,
            offset_minutes: None,
        }) => push_date(date, out),
        Some(Moment {
            date,
            time: Some(time),
            offset_minutes: None,
        }) if time == Time::midnight() => {
            push_date(date, out);
        }
        _ => return false,
    }
    true
}

pub(super) fn write_time(text: &[u8], out: &mut Vec<u8>) -> bool {
    match parse_time(text) {
        Some((time, [])) => push_time(time, out),
        _ => return false,
    }
    true
}

/// Writes `text` as `timestamp without time zone`; a date alone is its midnight, an offset does not fit.
pub(super) fn write_timestamp(text: &[u8], out: &mut Vec<u8>) -> bool {
    let Some(Moment {
        date,
        time,
        offset_minutes: None,
    }) = parse_moment(text)
    else {
        return false;
    };
    push_date(date, out);
    out.push(b' ');
    push_time(time.unwrap_or(Time::midnight()), out);
    true
}

/// Writes `text` as `timestamp with time zone` in UTC; without an offset it does not fit.
pub(super) fn write_timestamptz(text: &[u8], out: &mut Vec<u8>) -> bool {
    let Some(utc) = parse_moment(text).and_then(in_utc) else {
        return false;
    };
    push_date(utc.date(), out);
    out.push(b' ');
    push_time(utc.time(), out);
    out.extend_from_slice(b"+00");
    true
}

/// What a text is among dates and times.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum MomentKind {
    /// A date alone.
    Date,
    /// A date with a time that is zero.
    Midnight,
    Timestamp,
    TimestampTz,
    Time,
}

/// What `text` is; the types that hold it are those whose `write_…` takes it.
pub(super) fn moment_kind(text: &[u8]) -> Option<MomentKind> {
    match text {
        [_, _, b':', ..] => parse_time(text)
            .filter(|(_, rest)| rest.is_empty())
            .map(|_| MomentKind::Time),
        [_, _, _, _, b'-', ..] => {
            let moment = parse_moment(text)?;
            Some(match moment {
                Moment { time: None, .. } => MomentKind::Date,
                Moment {
                    offset_minutes: Some(_),
                    ..
                } => {
                    in_utc(moment)?;
                    MomentKind::TimestampTz
                }
                Moment { time: Some(time), .. } if time == Time::midnight() => MomentKind::Midnight,
                Moment { .. } => MomentKind::Timestamp,
            })
        }
        _ => None,
    }
}

/// The moment in UTC; `None` without an offset, and outside the years that are read.
fn in_utc(moment: Moment) -> Option<DateTime> {
    let local = DateTime::from_parts(moment.date, moment.time?);
    let utc = local
        .checked_sub(i64::from(moment.offset_minutes?).minutes())
        .ok()?;
    (utc.year() >= 1).then_some(utc)
}

fn push_date(date: Date, out: &mut Vec<u8>) {
    let _ = write!(out, "{:04}-{:02}-{:02}", date.year(), date.month(), date.day());
}

fn push_time(time: Time, out: &mut Vec<u8>) {
    let _ = write!(
        out,
        "{:02}:{:02}:{:02}",
        time.hour(),
        time.minute(),
        time.second()
    );
    let micros = time.subsec_nanosecond() / 1000;
    if micros > 0 {
        let _ = write!(out, ".{micros:06}");
        while out.last() == Some(&b'0') {
            out.pop();
        }
    }
}

/// `YYYY-MM-DD`, alone or with `T` or a space, a time and an offset.
fn parse_moment(text: &[u8]) -> Option<Moment> {
    let (year, text) = digits(text, 4)?;
    let (month, text) = digits(text.strip_prefix(b"-")?, 2)?;
    let (day, text) = digits(text.strip_prefix(b"-")?, 2)?;
    // PostgreSQL has no year 0.
    let year = i16::try_from(year).ok().filter(|&year| year > 0)?;
    let date = Date::new(year, i8::try_from(month).ok()?, i8::try_from(day).ok()?).ok()?;
    if text.is_empty() {
        return Some(Moment {
            date,
            time: None,
            offset_minutes: None,
        });
    }
    let (time, text) = parse_time(text.strip_prefix(b"T").or_else(|| text.strip_prefix(b" "))?)?;
    let offset_minutes = if text.is_empty() {
        None
    } else {
        Some(parse_offset(text)?)
    };
    Some(Moment {
        date,
        time: Some(time),
        offset_minutes,
    })
}

/// `HH:MM[:SS[.fff]]`, with what follows. Digits below the microsecond must be zero.
fn parse_time(text: &[u8]) -> Option<(Time, &[u8])> {
    let (hour, text) = digits(text, 2)?;
    let (minute, mut text) = digits(text.strip_prefix(b":")?, 2)?;
    let (mut second, mut nanos) = (0, 0);
    if let Some(rest) = text.strip_prefix(b":") {
        (second, text) = digits(rest, 2)?;
        if let Some(rest) = text.strip_prefix(b".") {
            let len = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
            let (fraction, rest) = rest.split_at(len);
            let (micros, beyond) = fraction.split_at(len.min(6));
            if len == 0 || beyond.iter().any(|&byte| byte != b'0') {
                return None;
            }
            let scale = 10_i32.pow(9 - u32::try_from(micros.len()).ok()?);
            nanos = digits(micros, micros.len())?.0 * scale;
            text = rest;
        }
    }
    let part = |value: i32| i8::try_from(value).ok();
    Some((
        Time::new(part(hour)?, part(minute)?, part(second)?, nanos).ok()?,
        text,
    ))
}

/// `Z`, `±HH`, `±HH:MM` or `±HHMM`, in minutes. PostgreSQL reads less than 16 hours.
fn parse_offset(text: &[u8]) -> Option<i32> {
    const HOURS_MAX: i32 = 15;
    let (&sign, text) = text.split_first()?;
    let factor = match sign {
        b'Z' | b'z' if text.is_empty() => return Some(0),
        b'+' => 1,
        b'-' => -1,
        _ => return None,
    };
    let (hours, text) = digits(text, 2)?;
    let minutes = match text.strip_prefix(b":").unwrap_or(text) {
        [] if text.is_empty() => 0,
        text => match digits(text, 2)? {
            (minutes, []) if minutes < 60 => minutes,
            _ => return None,
        },
    };
    (hours <= HOURS_MAX).then_some(factor * (hours * 60 + minutes))
}

fn digits(text: &[u8], count: usize) -> Option<(i32, &[u8])> {
    let (number, rest) = text.split_at_checked(count)?;
    let mut value = 0;
    for byte in number {
        if !byte.is_ascii_digit() {
            return None;
        }
        value = value * 10 + i32::from(byte - b'0');
    }
    Some((value, rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    type Write = fn(&[u8], &mut Vec<u8>) -> bool;

    fn check(write: Write, cases: &[(&str, Option<&str>)]) {
        for (text, expected) in cases {
            let mut out = Vec::new();
            let fits = write(text.as_bytes(), &mut out);
            let written = String::from_utf8(out).unwrap();
            assert_eq!(fits.then_some(written.as_str()), *expected, "{text}");
        }
    }

    /// Each expected text is what a PostgreSQL 15 server prints for the value.
    #[test]
    fn timestamps_are_written_as_the_server_writes_them() {
        check(
            write_timestamp,
            &[
                ("2009-01-01 00:00:00", Some("2009-01-01 00:00:00")),
                ("2009-01-01T12:34", Some("2009-01-01 12:34:00")),
                ("2009-01-01", Some("2009-01-01 00:00:00")),
                ("2006-02-15 04:34:33.000", Some("2006-02-15 04:34:33")),
                ("2006-02-15 04:34:33.120", Some("2006-02-15 04:34:33.12")),
                ("2006-02-15 04:34:33.000001", Some("2006-02-15 04:34:33.000001")),
                ("2006-02-15 04:34:33.1234560", Some("2006-02-15 04:34:33.123456")),
                ("0001-01-01 00:00", Some("0001-01-01 00:00:00")),
                ("9999-12-31 23:59:59.999999", Some("9999-12-31 23:59:59.999999")),
                ("2006-02-15 04:34:33.1234567", None),
                ("2006-02-15 04:34:33.", None),
                ("2006-02-15 04:34:60", None),
                ("2006-02-15 24:00:00", None),
                ("2006-02-30 04:34", None),
                ("0000-00-00 00:00:00", None),
                ("10000-01-01 00:00:00", None),
                ("2006-02-15 4:34", None),
                ("2006-02-15 04:34:33Z", None),
                (" 2006-02-15", None),
                ("now", None),
                ("", None),
            ],
        );
    }

    #[test]
    fn offsets_become_utc() {
        check(
            write_timestamptz,
            &[
                ("2024-02-29T23:59:59Z", Some("2024-02-29 23:59:59+00")),
                ("2024-02-29T23:59:59+05:30", Some("2024-02-29 18:29:59+00")),
                ("2024-02-29 23:59:59-0100", Some("2024-03-01 00:59:59+00")),
                ("2024-02-29 23:59-01", Some("2024-03-01 00:59:00+00")),
                ("2024-02-29 23:59:59.5+00:00", Some("2024-02-29 23:59:59.5+00")),
                ("0001-01-01 00:00:00+01:00", None),
                ("9999-12-31 23:59:59-01:00", None),
                ("2024-02-29 23:59:59", None),
                ("2024-02-29 23:59:59+16:00", None),
                ("2024-02-29 23:59:59+05:", None),
                ("2024-02-29 23:59:59 UTC", None),
            ],
        );
    }

    #[test]
    fn date_carries_no_time_but_midnight() {
        check(
            write_date,
            &[
                ("2024-02-29", Some("2024-02-29")),
                ("2024-02-29 00:00:00", Some("2024-02-29")),
                ("2024-02-29T00:00:00.000", Some("2024-02-29")),
                ("2024-02-29 00:00:01", None),
                ("2024-02-29 00:00:00Z", None),
                ("2023-02-29", None),
                ("20240229", None),
            ],
        );
    }

    #[test]
    fn time_of_day_has_two_digit_parts() {
        check(
            write_time,
            &[
                ("23:59:59", Some("23:59:59")),
                ("07:05", Some("07:05:00")),
                ("07:05:00.250", Some("07:05:00.25")),
                ("7:05", None),
                ("24:00:00", None),
                ("12:00 PM", None),
                ("12:00Z", None),
            ],
        );
    }
}
