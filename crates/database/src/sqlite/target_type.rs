//! The PostgreSQL types that a SQLite column may get, and the functions that write a value as such a type's own text or
//! binary form. Both, and the census, which asks whether a value fits, read the value in one place (`exact.rs`): what the
//! census accepted cannot fail later.

use catalog::ColumnType;
use rusqlite::types::ValueRef;

use super::epoch::Reading;
use super::exact;
use super::translate::SCHEMA;
use crate::{Error, ErrorKind};

pub(super) use exact::{boolean_word, uuid_of};

/// PostgreSQL's bound for `character varying(n)` (`MaxAttrSize`).
pub(super) const VARCHAR_MAX: u32 = 10_485_760;
/// Longest value that fits the server's 1 GB message with room for the rest of its row.
pub(super) const VALUE_BYTES_MAX: usize = 1_000_000_000;
/// PostgreSQL's bound for the precision of `numeric(p,s)`.
pub(super) const NUMERIC_PRECISION_MAX: u16 = 1000;

/// `numeric(precision, scale)`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NumericBounds {
    pub precision: u16,
    pub scale: u16,
}

/// A type on the target.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum TargetType {
    SmallInt,
    Integer,
    BigInt,
    Boolean,
    Double,
    /// `numeric` for values that are numbers.
    Numeric(Option<NumericBounds>),
    /// `numeric` also for TEXT that is a decimal number, of which zeros in front are lost.
    MixedNumeric(Option<NumericBounds>),
    /// `text` for values that are all TEXT.
    Text,
    /// `text` for values of several storage classes, each as SQLite's `CAST(x AS TEXT)`.
    MixedText,
    Varchar(u32),
    /// Of the extension of that name: it compares without regard to case.
    Citext,
    /// `bytea` for values that are all BLOB.
    Bytea,
    /// `bytea` for values of several storage classes: a number's or text's bytes are those of its text.
    MixedBytea,
    Date,
    Time,
    Timestamp,
    TimestampTz,
    /// `date` out of numbers, whose time of day is zero.
    DateFrom(Reading),
    /// `timestamp without time zone` out of numbers, in UTC.
    TimestampFrom(Reading),
    TimestampTzFrom(Reading),
    /// Keeps the text.
    Json,
    Jsonb,
    /// TEXT, or a BLOB of 16 bytes.
    Uuid,
}

/// The value cannot be held exactly by the type.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Misfit;

/// For a value of a column of which every value was proved to fit.
pub(super) fn unproved(table: &str, column: &str, target: TargetType) -> Error {
    let message = format!(
        "a value of {table}.{column} does not fit {}, although every value was checked",
        target.to_sql()
    );
    Error::new(ErrorKind::Unsupported, message)
}

impl TargetType {
    /// `pg_type.typname`.
    pub fn type_name(self) -> &'static str {
        match self {
            TargetType::SmallInt => "int2",
            TargetType::Integer => "int4",
            TargetType::BigInt => "int8",
            TargetType::Boolean => "bool",
            TargetType::Double => "float8",
            TargetType::Numeric(_) | TargetType::MixedNumeric(_) => "numeric",
            TargetType::Text | TargetType::MixedText => "text",
            TargetType::Varchar(_) => "varchar",
            TargetType::Citext => "citext",
            TargetType::Bytea | TargetType::MixedBytea => "bytea",
            TargetType::Date | TargetType::DateFrom(_) => "date",
            TargetType::Time => "time",
            TargetType::Timestamp | TargetType::TimestampFrom(_) => "timestamp",
            TargetType::TimestampTz | TargetType::TimestampTzFrom(_) => "timestamptz",
            TargetType::Json => "json",
            TargetType::Jsonb => "jsonb",
            TargetType::Uuid => "uuid",
        }
    }

    /// As `format_type` writes it, with an extension's type in the schema [`SCHEMA`].
    pub fn to_sql(self) -> String {
        match self {
            TargetType::SmallInt => "smallint".to_owned(),
            TargetType::Integer => "integer".to_owned(),
            TargetType::BigInt => "bigint".to_owned(),
            TargetType::Boolean => "boolean".to_owned(),
            TargetType::Double => "double precision".to_owned(),
            TargetType::Numeric(Some(NumericBounds { precision, scale }))
            | TargetType::MixedNumeric(Some(NumericBounds { precision, scale })) => {
                format!("numeric({precision},{scale})")
            }
            TargetType::Varchar(len) => format!("character varying({len})"),
            TargetType::Citext => format!("{SCHEMA}.citext"),
            TargetType::Time => "time without time zone".to_owned(),
            TargetType::Timestamp | TargetType::TimestampFrom(_) => "timestamp without time zone".to_owned(),
            TargetType::TimestampTz | TargetType::TimestampTzFrom(_) => "timestamp with time zone".to_owned(),
            other => other.type_name().to_owned(),
        }
    }

    pub(super) fn column_type(self) -> ColumnType {
        let schema = if self == TargetType::Citext {
            SCHEMA
        } else {
            ColumnType::BUILT_IN_SCHEMA
        };
        ColumnType {
            schema: schema.to_owned(),
            name: self.type_name().to_owned(),
            text: self.to_sql(),
            base: None,
        }
    }

    /// Whether a foreign key between two such columns compares equal what SQLite compares equal.
    pub(super) fn compares_with(self, other: TargetType) -> bool {
        let family = |it: TargetType| match it {
            TargetType::SmallInt | TargetType::Integer => "int8",
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
                | TargetType::MixedNumeric(_)
                | TargetType::MixedText
                | TargetType::Citext
                | TargetType::MixedBytea
                | TargetType::Date
                | TargetType::Time
                | TargetType::Timestamp
                | TargetType::TimestampTz
                | TargetType::DateFrom(_)
                | TargetType::TimestampFrom(_)
                | TargetType::TimestampTzFrom(_)
                | TargetType::Jsonb
                | TargetType::Uuid
        )
    }

    /// Whether it can be part of a key or an index, so that values with different texts are different. `json` does not
    /// compare, and `jsonb` takes `1` and `1.0` for the same.
    pub(super) fn is_ordered(self) -> bool {
        !matches!(self, TargetType::Json | TargetType::Jsonb)
    }

    /// Whether its binary form means the same in every database; of extensions' types nothing is known.
    pub(super) fn is_binary_safe(self) -> bool {
        self != TargetType::Citext
    }

    /// Whether its texts have neither commas, quotes nor line breaks.
    pub(super) fn is_plain(self) -> bool {
        !matches!(
            self,
            TargetType::Text
                | TargetType::MixedText
                | TargetType::Varchar(_)
                | TargetType::Citext
                | TargetType::Json
                | TargetType::Jsonb
        )
    }

    /// Whether the type holds `value`, which is not NULL, exactly.
    pub fn holds(self, value: ValueRef<'_>) -> bool {
        match exact::read(self, value) {
            // Whether a document fits is known when it has been written.
            Some(document @ exact::Exact::Jsonb(_)) => document.write(&mut Vec::new()),
            read => read.is_some(),
        }
    }

    /// Appends `value`, which is not NULL, as the type's canonical text. After a misfit, what `out` holds
    /// beyond its former length means nothing.
    pub(super) fn write(self, value: ValueRef<'_>, out: &mut Vec<u8>) -> Result<(), Misfit> {
        let written = exact::read(self, value).is_some_and(|it| it.write(out));
        if written { Ok(()) } else { Err(Misfit) }
    }

    /// Appends `value`, which is not NULL, as the type's send function gives it. It fits wherever
    /// [`TargetType::write`] says so.
    pub(super) fn send(self, value: ValueRef<'_>, out: &mut Vec<u8>) -> Result<(), Misfit> {
        let sent = exact::read(self, value).is_some_and(|it| it.send(out));
        if sent { Ok(()) } else { Err(Misfit) }
    }
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
        check(TargetType::Integer, -2_147_483_648_i64, Some("-2147483648"));
        check(TargetType::Integer, 2_147_483_648_i64, None);
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
    fn jsonb_is_as_the_server_shows_it() {
        check(
            TargetType::Jsonb,
            text(r#"{"bb": 1,  "a":2, "a":3.10}"#),
            Some(r#"{"a": 3.10, "bb": 1}"#),
        );
        check(TargetType::Jsonb, text(r#""\u0000""#), None);
        check(TargetType::Jsonb, text("[1e999999]"), None);
        check(TargetType::Jsonb, 1.0, Some("1.0"));
        check(TargetType::Jsonb, -0.0, Some("0.0"));
        check(TargetType::Jsonb, 1.5e-5, Some("0.000015"));
        check(TargetType::Jsonb, 1e-5, Some("0.000010"));
        check(TargetType::Jsonb, 1e20, Some("100000000000000000000"));
        check(TargetType::Jsonb, f64::INFINITY, None);
    }

    #[test]
    fn decimal_texts_are_numeric_by_choice() {
        let bounds = Some(NumericBounds {
            precision: 6,
            scale: 2,
        });
        check(TargetType::Numeric(None), text("12"), None);
        check(TargetType::MixedNumeric(None), text("0012.30"), Some("12.30"));
        check(TargetType::MixedNumeric(bounds), text("0012.3"), Some("12.30"));
        check(TargetType::MixedNumeric(bounds), 7_i64, Some("7.00"));
        check(TargetType::MixedNumeric(bounds), text("12.345"), None);
        check(TargetType::MixedNumeric(None), text("12 apples"), None);
    }

    #[test]
    fn numbers_are_moments_by_choice() {
        let noon = 1_709_208_000_i64;
        check(TargetType::Timestamp, noon, None);
        check(
            TargetType::TimestampFrom(Reading::Seconds),
            noon,
            Some("2024-02-29 12:00:00"),
        );
        check(
            TargetType::TimestampTzFrom(Reading::Milliseconds),
            1_709_208_000_250_i64,
            Some("2024-02-29 12:00:00.25+00"),
        );
        check(TargetType::DateFrom(Reading::Seconds), noon, None);
        check(
            TargetType::DateFrom(Reading::JulianDays),
            2_460_369.5,
            Some("2024-02-29"),
        );
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
        check(
            TargetType::Uuid,
            vec![
                0x3f, 0x33, 0x3d, 0xf6, 0x90, 0xa4, 0x4f, 0xda, 0x8d, 0xd3, 0x94, 0x85, 0xd2, 0x7c, 0xee,
                0x36,
            ],
            expected,
        );
        check(TargetType::Uuid, vec![0_u8; 15], None);
    }
}
