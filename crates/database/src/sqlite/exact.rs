//! What a value of SQLite is as a value of a target type. What is read here can be written in both forms, so the census,
//! which only asks whether a value fits, and both forms of rows agree.

use jiff::civil::{Date, DateTime, Time};
use rusqlite::types::ValueRef;
use uuid::Uuid;

use super::numeric::Numeric;
use super::target_type::TargetType;
use super::{datetime, jsonb, number};

/// A value as its target type holds it.
#[derive(Clone, Copy, Debug)]
pub(super) enum Exact<'a> {
    SmallInt(i16),
    Integer(i32),
    BigInt(i64),
    Boolean(bool),
    Double(f64),
    Numeric(Numeric<'a>),
    Text(&'a [u8]),
    Bytes(&'a [u8]),
    /// The text of a number as SQLite writes it.
    NumberText(SqliteNumber),
    /// The bytes of such a text.
    NumberBytes(SqliteNumber),
    Date(Date),
    Time(Time),
    Timestamp(DateTime),
    /// In UTC.
    TimestampTz(DateTime),
    /// A document that is still to be written as `jsonb` shows it, which tells whether it fits.
    Jsonb(&'a [u8]),
    JsonbNumber(Numeric<'a>),
    Uuid(Uuid),
}

#[derive(Clone, Copy, Debug)]
pub(super) enum SqliteNumber {
    Integer(i64),
    Real(f64),
}

/// `value`, which is not NULL, as one of `target`; `None` where that cannot hold it exactly.
pub(super) fn read(target: TargetType, value: ValueRef<'_>) -> Option<Exact<'_>> {
    Some(match (target, value) {
        (TargetType::SmallInt, ValueRef::Integer(it)) => Exact::SmallInt(i16::try_from(it).ok()?),
        (TargetType::Integer, ValueRef::Integer(it)) => Exact::Integer(i32::try_from(it).ok()?),
        (TargetType::BigInt, ValueRef::Integer(it)) => Exact::BigInt(it),
        (TargetType::Boolean, value) => Exact::Boolean(boolean_of(value)?),
        (TargetType::Double, value) => Exact::Double(double_of(value)?),
        (TargetType::Numeric(bounds) | TargetType::MixedNumeric(bounds), ValueRef::Integer(it)) => {
            Exact::Numeric(Numeric::of_integer(it).within(bounds)?)
        }
        (TargetType::Numeric(bounds) | TargetType::MixedNumeric(bounds), ValueRef::Real(it)) => {
            Exact::Numeric(Numeric::of_real(it)?.within(bounds)?)
        }
        (TargetType::MixedNumeric(bounds), ValueRef::Text(it)) => {
            Exact::Numeric(Numeric::parse(it)?.within(bounds)?)
        }
        (TargetType::Text | TargetType::MixedText | TargetType::Citext, ValueRef::Text(it)) => {
            Exact::Text(text_of(it)?)
        }
        (TargetType::Varchar(len), ValueRef::Text(it)) => {
            let fits = std::str::from_utf8(it).is_ok_and(|it| has_at_most(it, len as usize));
            Exact::Text(text_of(it).filter(|_| fits)?)
        }
        (TargetType::MixedText, value) => Exact::NumberText(SqliteNumber::of(value)?),
        (TargetType::Bytea | TargetType::MixedBytea, ValueRef::Blob(it))
        | (TargetType::MixedBytea, ValueRef::Text(it)) => Exact::Bytes(it),
        (TargetType::MixedBytea, value) => Exact::NumberBytes(SqliteNumber::of(value)?),
        (TargetType::Date, ValueRef::Text(it)) => Exact::Date(datetime::date_of(it)?),
        (TargetType::Time, ValueRef::Text(it)) => Exact::Time(datetime::time_of(it)?),
        (TargetType::Timestamp, ValueRef::Text(it)) => Exact::Timestamp(datetime::timestamp_of(it)?),
        (TargetType::TimestampTz, ValueRef::Text(it)) => Exact::TimestampTz(datetime::timestamptz_of(it)?),
        (TargetType::DateFrom(reading), value) => {
            let moment = reading.moment(value)?;
            Exact::Date((moment.time() == Time::midnight()).then_some(moment.date())?)
        }
        (TargetType::TimestampFrom(reading), value) => Exact::Timestamp(reading.moment(value)?),
        (TargetType::TimestampTzFrom(reading), value) => Exact::TimestampTz(reading.moment(value)?),
        (TargetType::Json, ValueRef::Text(it)) => Exact::Text(json_of(it)?),
        // A declared type JSON has numeric affinity, so that a document which is a number was stored as one.
        (TargetType::Json, ValueRef::Integer(it)) => Exact::NumberText(SqliteNumber::Integer(it)),
        (TargetType::Json, ValueRef::Real(it)) if it.is_finite() => Exact::NumberText(SqliteNumber::Real(it)),
        (TargetType::Jsonb, ValueRef::Text(it)) => Exact::Jsonb(text_of(it)?),
        (TargetType::Jsonb, ValueRef::Integer(it)) => Exact::JsonbNumber(Numeric::of_integer(it)),
        (TargetType::Jsonb, ValueRef::Real(it)) => Exact::JsonbNumber(Numeric::of_json_real(it)?),
        (TargetType::Uuid, ValueRef::Text(it)) => Exact::Uuid(uuid_of(it)?),
        (TargetType::Uuid, ValueRef::Blob(it)) => Exact::Uuid(Uuid::from_slice(it).ok()?),
        _ => return None,
    })
}

impl Exact<'_> {
    /// Appends what the type's output function gives; false, with anything appended, for JSON that does not fit.
    pub(super) fn write(&self, out: &mut Vec<u8>) -> bool {
        match self {
            Exact::SmallInt(it) => number::write_integer(i64::from(*it), out),
            Exact::Integer(it) => number::write_integer(i64::from(*it), out),
            Exact::BigInt(it) => number::write_integer(*it, out),
            Exact::Boolean(it) => out.push(if *it { b't' } else { b'f' }),
            Exact::Double(it) => number::write_double(*it, out),
            Exact::Numeric(it) | Exact::JsonbNumber(it) => it.write(out),
            Exact::Text(it) => out.extend_from_slice(it),
            Exact::Bytes(it) => write_hex(it, out),
            Exact::NumberText(it) => it.write(out),
            Exact::NumberBytes(it) => {
                // Kept apart only as long as it takes: the longest number has 26 bytes.
                let start = out.len();
                it.write(out);
                let mut text = [0; 32];
                let len = (out.len() - start).min(text.len());
                text[..len].copy_from_slice(&out[start..start + len]);
                out.truncate(start);
                write_hex(&text[..len], out);
            }
            Exact::Date(it) => datetime::write_date(*it, out),
            Exact::Time(it) => datetime::write_time(*it, out),
            Exact::Timestamp(it) => datetime::write_timestamp(*it, out),
            Exact::TimestampTz(it) => {
                datetime::write_timestamp(*it, out);
                out.extend_from_slice(b"+00");
            }
            Exact::Jsonb(it) => return jsonb::write(it, out),
            Exact::Uuid(it) => out.extend_from_slice(
                it.hyphenated()
                    .encode_lower(&mut Uuid::encode_buffer())
                    .as_bytes(),
            ),
        }
        true
    }

    /// Appends what the type's send function gives; false, with anything appended, for JSON that does not fit.
    pub(super) fn send(&self, out: &mut Vec<u8>) -> bool {
        /// `jsonb_send` and `jsonb_recv` know one form: this byte, and the document's text.
        const JSONB_VERSION: u8 = 1;
        match self {
            Exact::SmallInt(it) => out.extend_from_slice(&it.to_be_bytes()),
            Exact::Integer(it) => out.extend_from_slice(&it.to_be_bytes()),
            Exact::BigInt(it) => out.extend_from_slice(&it.to_be_bytes()),
            Exact::Boolean(it) => out.push(u8::from(*it)),
            Exact::Double(it) => out.extend_from_slice(&it.to_be_bytes()),
            Exact::Numeric(it) => it.send(out),
            Exact::Text(it) | Exact::Bytes(it) => out.extend_from_slice(it),
            Exact::NumberText(it) | Exact::NumberBytes(it) => it.write(out),
            Exact::Date(it) => datetime::send_date(*it, out),
            Exact::Time(it) => datetime::send_time(*it, out),
            Exact::Timestamp(it) | Exact::TimestampTz(it) => datetime::send_timestamp(*it, out),
            Exact::Jsonb(_) | Exact::JsonbNumber(_) => {
                out.push(JSONB_VERSION);
                return self.write(out);
            }
            Exact::Uuid(it) => out.extend_from_slice(it.as_bytes()),
        }
        true
    }
}

impl SqliteNumber {
    fn of(value: ValueRef<'_>) -> Option<SqliteNumber> {
        match value {
            ValueRef::Integer(it) => Some(SqliteNumber::Integer(it)),
            ValueRef::Real(it) => Some(SqliteNumber::Real(it)),
            _ => None,
        }
    }

    fn write(self, out: &mut Vec<u8>) {
        match self {
            SqliteNumber::Integer(it) => number::write_integer(it, out),
            SqliteNumber::Real(it) => number::write_sqlite_real(it, out),
        }
    }
}

/// Whether PostgreSQL's `text` can hold these bytes.
pub(super) fn is_text(bytes: &[u8]) -> bool {
    std::str::from_utf8(bytes).is_ok() && !bytes.contains(&0)
}

fn text_of(text: &[u8]) -> Option<&[u8]> {
    is_text(text).then_some(text)
}

fn has_at_most(text: &str, characters: usize) -> bool {
    text.len() <= characters || text.chars().count() <= characters
}

fn boolean_of(value: ValueRef<'_>) -> Option<bool> {
    match value {
        ValueRef::Integer(0) => Some(false),
        ValueRef::Integer(1) => Some(true),
        ValueRef::Text(it) => boolean_word(it),
        _ => None,
    }
}

/// What a word means as a boolean.
pub(super) fn boolean_word(text: &[u8]) -> Option<bool> {
    let is = |word: &[u8]| text.eq_ignore_ascii_case(word);
    if is(b"f") || is(b"false") {
        Some(false)
    } else {
        (is(b"t") || is(b"true")).then_some(true)
    }
}

fn double_of(value: ValueRef<'_>) -> Option<f64> {
    /// Every integer up to 2^53 is a double.
    const EXACT: std::ops::RangeInclusive<i64> = -(1 << 53)..=1 << 53;
    match value {
        ValueRef::Real(it) => Some(it),
        #[expect(
            clippy::cast_precision_loss,
            reason = "the guard leaves only integers that are doubles"
        )]
        ValueRef::Integer(it) if EXACT.contains(&it) => Some(it as f64),
        _ => None,
    }
}

fn json_of(text: &[u8]) -> Option<&[u8]> {
    let is_json = serde_json::from_slice::<serde::de::IgnoredAny>(text).is_ok();
    text_of(text).filter(|_| is_json && !jsonb::is_too_deep(text))
}

/// What a text is as a UUID.
pub(super) fn uuid_of(text: &[u8]) -> Option<Uuid> {
    // The crate also reads `urn:uuid:…`, which PostgreSQL does not.
    if text.first() == Some(&b'u') {
        return None;
    }
    Uuid::try_parse_ascii(text).ok()
}

fn write_hex(bytes: &[u8], out: &mut Vec<u8>) {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    out.reserve(2 + bytes.len() * 2);
    out.extend_from_slice(b"\\x");
    out.extend(
        bytes
            .iter()
            .flat_map(|byte| [DIGITS[usize::from(byte >> 4)], DIGITS[usize::from(byte & 15)]]),
    );
}
