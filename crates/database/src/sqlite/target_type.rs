//! The PostgreSQL types that a SQLite column may get, and the one function that writes a value as such a
//! type's own text. The census asks it whether a value fits, the row stream takes its text: what the census
//! accepted cannot fail later.

use catalog::ColumnType;
use rusqlite::types::ValueRef;
use uuid::Uuid;

use super::{datetime, number};

pub use number::NumericBounds;

/// PostgreSQL's bound for `character varying(n)` (`MaxAttrSize`).
pub(super) const VARCHAR_MAX: u32 = 10_485_760;
/// Longest value that fits the server's 1 GB message with room for the rest of its row.
pub(super) const VALUE_BYTES_MAX: usize = 1_000_000_000;
/// PostgreSQL's bound for the precision of `numeric(p,s)`.
pub(super) const NUMERIC_PRECISION_MAX: u16 = 1000;

/// A type on the target.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum TargetType {
    SmallInt,
    BigInt,
    Boolean,
    Double,
    Numeric(Option<NumericBounds>),
    /// `text` for values that are all TEXT.
    Text,
    /// `text` for values of several storage classes, each as SQLite's `CAST(x AS TEXT)`.
    MixedText,
    Varchar(u32),
    /// `bytea` for values that are all BLOB.
    Bytea,
    /// `bytea` for values of several storage classes: a number's or text's bytes are those of its text.
    MixedBytea,
    Date,
    Time,
    Timestamp,
    TimestampTz,
    Json,
    Uuid,
}

/// The value cannot be held exactly by the type.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Misfit;

impl TargetType {
    /// `pg_type.typname`.
    pub fn type_name(self) -> &'static str {
        match self {
            TargetType::SmallInt => "int2",
            TargetType::BigInt => "int8",
            TargetType::Boolean => "bool",
            TargetType::Double => "float8",
            TargetType::Numeric(_) => "numeric",
            TargetType::Text | TargetType::MixedText => "text",
            TargetType::Varchar(_) => "varchar",
            TargetType::Bytea | TargetType::MixedBytea => "bytea",
            TargetType::Date => "date",
            TargetType::Time => "time",
            TargetType::Timestamp => "timestamp",
            TargetType::TimestampTz => "timestamptz",
            TargetType::Json => "json",
            TargetType::Uuid => "uuid",
        }
    }

    /// As `format_type` writes it.
    pub fn to_sql(self) -> String {
        match self {
            TargetType::SmallInt => "smallint".to_owned(),
            TargetType::BigInt => "bigint".to_owned(),
            TargetType::Boolean => "boolean".to_owned(),
            TargetType::Double => "double precision".to_owned(),
            TargetType::Numeric(Some(NumericBounds { precision, scale })) => {
                format!("numeric({precision},{scale})")
            }
            TargetType::Varchar(len) => format!("character varying({len})"),
            TargetType::Time => "time without time zone".to_owned(),
            TargetType::Timestamp => "timestamp without time zone".to_owned(),
            TargetType::TimestampTz => "timestamp with time zone".to_owned(),
            other => other.type_name().to_owned(),
        }
    }

    pub(super) fn column_type(self) -> ColumnType {
        ColumnType {
            schema: ColumnType::BUILT_IN_SCHEMA.to_owned(),
            name: self.type_name().to_owned(),
            text: self.to_sql(),
            base: None,
        }
    }

    /// Whether a foreign key between two such columns compares equal what SQLite compares equal.
    pub(super) fn compares_with(self, other: TargetType) -> bool {
        let family = |it: TargetType| match it {
            TargetType::SmallInt => "int8",
            TargetType::Varchar(_) => "text",
            other => other.type_name(),
        };
        family(self) == family(other)
    }

    /// Whether two different values of one storage class always get different texts.
    pub(super) fn keeps_apart(self) -> bool {
        !matches!(
            self,
            TargetType::Boolean
                | TargetType::MixedText
                | TargetType::MixedBytea
                | TargetType::Date
                | TargetType::Time
                | TargetType::Timestamp
                | TargetType::TimestampTz
                | TargetType::Uuid
        )
    }

    /// Whether the type has a btree operator class, so that it can be part of a key or an index.
    pub(super) fn is_ordered(self) -> bool {
        self != TargetType::Json
    }

    /// Appends `value`, which is not NULL, as the type's canonical text. After a misfit, what `out` holds
    /// beyond its former length means nothing.
    pub(super) fn write(self, value: ValueRef<'_>, out: &mut Vec<u8>) -> Result<(), Misfit> {
        let fits = match (self, value) {
            (TargetType::SmallInt, ValueRef::Integer(it)) => {
                number::write_integer(it, out);
                i16::try_from(it).is_ok()
            }
            (TargetType::BigInt, ValueRef::Integer(it)) => {
                number::write_integer(it, out);
                true
            }
            (TargetType::Boolean, value) => write_boolean(value, out),
            (TargetType::Double, value) => write_double(value, out),
            (TargetType::Numeric(bounds), ValueRef::Integer(it)) => {
                number::write_integer_numeric(it, bounds, out)
            }
            (TargetType::Numeric(bounds), ValueRef::Real(it)) => number::write_real_numeric(it, bounds, out),
            (TargetType::Text, ValueRef::Text(it)) => write_text(it, out),
            (TargetType::Varchar(len), ValueRef::Text(it)) => {
                write_text(it, out) && characters(it) <= len as usize
            }
            (TargetType::MixedText, value) => write_mixed_text(value, out),
            (TargetType::Bytea, ValueRef::Blob(it)) => {
                write_hex(it, out);
                true
            }
            (TargetType::MixedBytea, value) => write_mixed_bytea(value, out),
            (TargetType::Date, ValueRef::Text(it)) => datetime::write_date(it, out),
            (TargetType::Time, ValueRef::Text(it)) => datetime::write_time(it, out),
            (TargetType::Timestamp, ValueRef::Text(it)) => datetime::write_timestamp(it, out),
            (TargetType::TimestampTz, ValueRef::Text(it)) => datetime::write_timestamptz(it, out),
            (TargetType::Json, value) => write_json(value, out),
            (TargetType::Uuid, ValueRef::Text(it)) => write_uuid(it, out),
            _ => false,
        };
        if fits { Ok(()) } else { Err(Misfit) }
    }
}

/// Whether PostgreSQL's `text` can hold these bytes.
pub(super) fn is_text(bytes: &[u8]) -> bool {
    std::str::from_utf8(bytes).is_ok() && !bytes.contains(&0)
}

fn write_text(text: &[u8], out: &mut Vec<u8>) -> bool {
    out.extend_from_slice(text);
    is_text(text)
}

fn characters(text: &[u8]) -> usize {
    std::str::from_utf8(text).map_or(usize::MAX, |text| text.chars().count())
}

fn write_boolean(value: ValueRef<'_>, out: &mut Vec<u8>) -> bool {
    let truth = match value {
        ValueRef::Integer(0) => Some(false),
        ValueRef::Integer(1) => Some(true),
        ValueRef::Text(it) => boolean_word(it),
        _ => None,
    };
    out.extend(truth.map(|it| if it { b't' } else { b'f' }));
    truth.is_some()
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

fn write_double(value: ValueRef<'_>, out: &mut Vec<u8>) -> bool {
    /// Every integer up to 2^53 is a double.
    const EXACT: std::ops::RangeInclusive<i64> = -(1 << 53)..=1 << 53;
    match value {
        ValueRef::Real(it) => number::write_double(it, out),
        #[expect(
            clippy::cast_precision_loss,
            reason = "the guard leaves only integers that are doubles"
        )]
        ValueRef::Integer(it) if EXACT.contains(&it) => number::write_double(it as f64, out),
        _ => return false,
    }
    true
}

fn write_mixed_text(value: ValueRef<'_>, out: &mut Vec<u8>) -> bool {
    match value {
        ValueRef::Integer(it) => number::write_integer(it, out),
        ValueRef::Real(it) => number::write_sqlite_real(it, out),
        ValueRef::Text(it) => return write_text(it, out),
        _ => return false,
    }
    true
}

fn write_mixed_bytea(value: ValueRef<'_>, out: &mut Vec<u8>) -> bool {
    match value {
        ValueRef::Text(it) | ValueRef::Blob(it) => write_hex(it, out),
        ValueRef::Null => return false,
        number => {
            let mut text = Vec::new();
            write_mixed_text(number, &mut text);
            write_hex(&text, out);
        }
    }
    true
}

fn write_hex(bytes: &[u8], out: &mut Vec<u8>) {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    out.reserve(2 + bytes.len() * 2);
    out.extend_from_slice(b"\\x");
    for byte in bytes {
        out.extend_from_slice(&[DIGITS[usize::from(byte >> 4)], DIGITS[usize::from(byte & 15)]]);
    }
}

/// A declared type JSON has numeric affinity, so that a document which is a number was stored as one.
fn write_json(value: ValueRef<'_>, out: &mut Vec<u8>) -> bool {
    match value {
        ValueRef::Integer(it) => number::write_integer(it, out),
        ValueRef::Real(it) if it.is_finite() => number::write_sqlite_real(it, out),
        ValueRef::Text(it) => {
            return write_text(it, out) && serde_json::from_slice::<serde::de::IgnoredAny>(it).is_ok();
        }
        _ => return false,
    }
    true
}

/// What a text is as a UUID.
pub(super) fn uuid_of(text: &[u8]) -> Option<Uuid> {
    // The crate also reads `urn:uuid:…`, which PostgreSQL does not.
    if text.first() == Some(&b'u') {
        return None;
    }
    Uuid::try_parse_ascii(text).ok()
}

fn write_uuid(text: &[u8], out: &mut Vec<u8>) -> bool {
    let Some(uuid) = uuid_of(text) else {
        return false;
    };
    out.extend_from_slice(
        uuid.hyphenated()
            .encode_lower(&mut Uuid::encode_buffer())
            .as_bytes(),
    );
    true
}

#[cfg(test)]
mod tests {
    use super::*;
    use rusqlite::types::Value;

    fn check(target: TargetType, value: impl Into<Value>, expected: Option<&str>) {
        let value = value.into();
        let mut out = Vec::new();
        let written = target.write(ValueRef::from(&value), &mut out);
        assert_eq!(
            written.ok().map(|()| String::from_utf8(out).unwrap()).as_deref(),
            expected,
            "{target:?} of {value:?}"
        );
    }

    fn text(text: &str) -> Value {
        Value::Text(text.to_owned())
    }

    #[test]
    fn numbers_keep_their_range() {
        check(TargetType::SmallInt, 32767_i64, Some("32767"));
        check(TargetType::SmallInt, 32768_i64, None);
        check(TargetType::BigInt, i64::MIN, Some("-9223372036854775808"));
        check(TargetType::BigInt, 1.0, None);
        check(TargetType::BigInt, text("1"), None);
        check(TargetType::Double, 1_i64 << 53, Some("9.007199254740992e+15"));
        check(TargetType::Double, (1_i64 << 53) + 1, None);
    }

    #[test]
    fn booleans_are_zero_one_or_words() {
        check(TargetType::Boolean, 1_i64, Some("t"));
        check(TargetType::Boolean, 0_i64, Some("f"));
        check(TargetType::Boolean, text("TRUE"), Some("t"));
        check(TargetType::Boolean, text("f"), Some("f"));
        check(TargetType::Boolean, text("yes"), None);
        check(TargetType::Boolean, 2_i64, None);
        check(TargetType::Boolean, 1.0, None);
    }

    #[test]
    fn text_is_counted_in_characters() {
        check(TargetType::Varchar(2), text("日本"), Some("日本"));
        check(TargetType::Varchar(2), text("日本語"), None);
        check(TargetType::Text, text("a\0b"), None);
        check(TargetType::Text, 1_i64, None);
        check(TargetType::MixedText, 1.0, Some("1.0"));
        check(TargetType::MixedText, -7_i64, Some("-7"));
        check(TargetType::MixedText, vec![1_u8], None);
    }

    #[test]
    fn bytes_are_lower_case_hex() {
        check(TargetType::Bytea, vec![0_u8, 255, 16], Some("\\x00ff10"));
        check(TargetType::Bytea, Vec::<u8>::new(), Some("\\x"));
        check(TargetType::Bytea, text("a"), None);
        check(TargetType::MixedBytea, text("a\0"), Some("\\x6100"));
        check(TargetType::MixedBytea, 12_i64, Some("\\x3132"));
    }

    #[test]
    fn json_keeps_its_text() {
        check(
            TargetType::Json,
            text(r#"{"b": 1,  "a":2, "a":3}"#),
            Some(r#"{"b": 1,  "a":2, "a":3}"#),
        );
        check(TargetType::Json, text(r#""\u0000""#), Some(r#""\u0000""#));
        check(TargetType::Json, text("[1e999]"), Some("[1e999]"));
        check(TargetType::Json, 1_i64, Some("1"));
        check(TargetType::Json, 1e300, Some("1.0e+300"));
        check(TargetType::Json, text("{broken"), None);
        check(TargetType::Json, text("[1] x"), None);
        check(TargetType::Json, text(""), None);
    }

    #[test]
    fn uuids_become_lower_case_with_hyphens() {
        let expected = Some("3f333df6-90a4-4fda-8dd3-9485d27cee36");
        check(
            TargetType::Uuid,
            text("3f333df6-90a4-4fda-8dd3-9485d27cee36"),
            expected,
        );
        check(
            TargetType::Uuid,
            text("3F333DF690A44FDA8DD39485D27CEE36"),
            expected,
        );
        check(
            TargetType::Uuid,
            text("{3F333DF6-90A4-4FDA-8DD3-9485D27CEE36}"),
            expected,
        );
        check(
            TargetType::Uuid,
            text("urn:uuid:3f333df6-90a4-4fda-8dd3-9485d27cee36"),
            None,
        );
        check(TargetType::Uuid, text("3f333df6"), None);
    }
}
