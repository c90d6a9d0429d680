//! Dates and times out of SQLite's texts, their text as PostgreSQL prints it under `DateStyle` ISO and `TimeZone` UTC,
//! and their binary form.
//!
//! Nothing is guessed: only the forms of SQLite's own date functions that mean one moment are read, and what
//! PostgreSQL could not print back exactly does not fit.

use std::io::Write;

use jiff::civil::{Date, DateTime, Time};
use jiff::{SignedDuration, ToSpan};

/// A text read as a date with an optional time of day and an optional offset.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Moment {
    date: Date,
    time: Option<Time>,
    offset_minutes: Option<i32>,
}

/// What `text` is as a `date`; a time of day is allowed when it is zero.
pub(super) fn date_of(text: &[u8]) -> Option<Date> {
    let moment = parse_moment(text)?;
    let is_alone = moment.offset_minutes.is_none() && moment.time.is_none_or(|it| it == Time::midnight());
    is_alone.then_some(moment.date)
}

pub(super) fn time_of(text: &[u8]) -> Option<Time> {
    let (time, rest) = parse_time(text)?;
    rest.is_empty().then_some(time)
}

/// What `text` is as a `timestamp without time zone`; a date alone is its midnight, an offset does not fit.
pub(super) fn timestamp_of(text: &[u8]) -> Option<DateTime> {
    let moment = parse_moment(text)?;
    let time = moment.time.unwrap_or(Time::midnight());
    (moment.offset_minutes.is_none()).then_some(DateTime::from_parts(moment.date, time))
}

/// What `text` is as a `timestamp with time zone`, in UTC; without an offset it does not fit.
pub(super) fn timestamptz_of(text: &[u8]) -> Option<DateTime> {
    parse_moment(text).and_then(in_utc)
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

/// What `text` is; the types that hold it are those whose `…_of` takes it.
pub(super) fn moment_kind(text: &[u8]) -> Option<MomentKind> {
    match text {
        [_, _, b':', ..] => time_of(text).map(|_| MomentKind::Time),
        [_, _, _, _, b'-', ..] => {
            let moment = parse_moment(text)?;
            Some(match (moment.time, moment.offset_minutes) {
                (None, _) => MomentKind::Date,
                (_, Some(_)) => in_utc(moment).map(|_| MomentKind::TimestampTz)?,
                (Some(time), None) if time == Time::midnight() => MomentKind::Midnight,
                (Some(_), None) => MomentKind::Timestamp,
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

pub(super) fn write_date(date: Date, out: &mut Vec<u8>) {
    let year = date.year().unsigned_abs();
    push_two(year / 100, out);
    push_two(year % 100, out);
    out.push(b'-');
    push_two(date.month().unsigned_abs().into(), out);
    out.push(b'-');
    push_two(date.day().unsigned_abs().into(), out);
}

pub(super) fn write_time(time: Time, out: &mut Vec<u8>) {
    push_two(time.hour().unsigned_abs().into(), out);
    out.push(b':');
    push_two(time.minute().unsigned_abs().into(), out);
    out.push(b':');
    push_two(time.second().unsigned_abs().into(), out);
    let micros = time.subsec_nanosecond() / 1000;
    if micros > 0 {
        // Writing to a Vec cannot fail.
        let _ = write!(out, ".{micros:06}");
        while out.last() == Some(&b'0') {
            out.pop();
        }
    }
}

pub(super) fn write_timestamp(timestamp: DateTime, out: &mut Vec<u8>) {
    write_date(timestamp.date(), out);
    out.push(b' ');
    write_time(timestamp.time(), out);
}

/// As `date_send`: days since 2000-01-01.
pub(super) fn send_date(date: Date, out: &mut Vec<u8>) {
    const HOURS: i64 = 24;
    let days = date.duration_since(EPOCH.date()).as_hours() / HOURS;
    // The years that are read have some million days.
    out.extend_from_slice(&i32::try_from(days).unwrap_or_default().to_be_bytes());
}

/// As `time_send`: microseconds since midnight.
pub(super) fn send_time(time: Time, out: &mut Vec<u8>) {
    send_micros(time.duration_since(Time::midnight()), out);
}

/// As `timestamp_send` and `timestamptz_send`: microseconds since 2000-01-01.
pub(super) fn send_timestamp(timestamp: DateTime, out: &mut Vec<u8>) {
    send_micros(timestamp.duration_since(EPOCH), out);
}

/// PostgreSQL counts from here.
const EPOCH: DateTime = DateTime::constant(2000, 1, 1, 0, 0, 0, 0);

fn send_micros(duration: SignedDuration, out: &mut Vec<u8>) {
    // 64 bits hold them for 290,000 years.
    let micros = i64::try_from(duration.as_micros()).unwrap_or_default();
    out.extend_from_slice(&micros.to_be_bytes());
}

fn push_two(number: u16, out: &mut Vec<u8>) {
    let digit = |it: u16| b'0' + u8::try_from(it % 10).unwrap_or_default();
    out.extend_from_slice(&[digit(number / 10), digit(number)]);
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

    fn check<T>(read: fn(&[u8]) -> Option<T>, write: fn(T, &mut Vec<u8>), cases: &[(&str, Option<&str>)]) {
        for (text, expected) in cases {
            let written = read(text.as_bytes()).map(|it| {
                let mut out = Vec::new();
                write(it, &mut out);
                String::from_utf8(out).unwrap()
            });
            assert_eq!(written.as_deref(), *expected, "{text}");
        }
    }

    /// Each expected text is what a PostgreSQL 15 server prints for the value.
    #[test]
    fn timestamps_are_written_as_the_server_writes_them() {
        check(
            timestamp_of,
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
            timestamptz_of,
            write_timestamp,
            &[
                ("2024-02-29T23:59:59Z", Some("2024-02-29 23:59:59")),
                ("2024-02-29T23:59:59+05:30", Some("2024-02-29 18:29:59")),
                ("2024-02-29 23:59:59-0100", Some("2024-03-01 00:59:59")),
                ("2024-02-29 23:59-01", Some("2024-03-01 00:59:00")),
                ("2024-02-29 23:59:59.5+00:00", Some("2024-02-29 23:59:59.5")),
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
            date_of,
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
            time_of,
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
