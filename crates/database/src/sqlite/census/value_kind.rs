//! The kinds of values that a report counts.

use serde::Serialize;

use super::kind::Kind;

/// What a value is, for a report. A value can be of several kinds: `"1"` is an integer text and a JSON document.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum ValueKind {
    Null,
    /// Storage class INTEGER.
    Integer,
    /// The integers 0 and 1.
    ZeroOrOne,
    /// Integers outside 16 bits, and outside 32 bits.
    IntegerBeyond16Bits,
    IntegerBeyond32Bits,
    /// Integers beyond 2^53, which `double precision` does not hold exactly.
    IntegerBeyondDouble,
    /// Storage class REAL.
    Real,
    /// Reals without digits behind the point.
    WholeReal,
    NegativeZero,
    Infinity,
    /// Numbers that would be moments of the years 1980 to 2100, counted from 1970.
    EpochSeconds,
    EpochMilliseconds,
    /// Numbers that would be Julian days of the years 1980 to 2100.
    JulianDay,
    /// Storage class TEXT.
    Text,
    EmptyText,
    /// Texts that PostgreSQL cannot hold as text.
    TextWithNul,
    MalformedText,
    /// `t`, `f`, `true` and `false` in any case.
    BooleanWord,
    Date,
    /// Dates with a time that is zero.
    DateAtMidnight,
    Time,
    /// Date and time without an offset (midnight aside), and with one.
    Timestamp,
    TimestampWithZone,
    /// Texts that are a UUID, in any spelling that PostgreSQL reads.
    UuidText,
    /// Texts that are a JSON document, a number or a word among them.
    Json,
    /// Of these, objects and arrays.
    JsonStructure,
    /// JSON documents that `jsonb` refuses: an escaped NUL, half a surrogate pair, a number out of range.
    JsonThatJsonbRefuses,
    /// JSON documents in which an object has a key twice; `jsonb` keeps the last one.
    JsonWithRepeatedKey,
    /// Texts of digits with or without a sign.
    IntegerText,
    /// Of these, those that 64 bits do not hold.
    IntegerTextBeyond64Bits,
    /// Texts that are a number with a point or an exponent.
    DecimalText,
    /// Storage class BLOB.
    Blob,
    EmptyBlob,
    /// Blobs of 16 bytes, as UUIDs are stored.
    BlobOf16Bytes,
}

impl ValueKind {
    /// All kinds, in the order of a report.
    pub const ALL: [ValueKind; 34] = [
        ValueKind::Null,
        ValueKind::Integer,
        ValueKind::ZeroOrOne,
        ValueKind::IntegerBeyond16Bits,
        ValueKind::IntegerBeyond32Bits,
        ValueKind::IntegerBeyondDouble,
        ValueKind::Real,
        ValueKind::WholeReal,
        ValueKind::NegativeZero,
        ValueKind::Infinity,
        ValueKind::EpochSeconds,
        ValueKind::EpochMilliseconds,
        ValueKind::JulianDay,
        ValueKind::Text,
        ValueKind::EmptyText,
        ValueKind::TextWithNul,
        ValueKind::MalformedText,
        ValueKind::BooleanWord,
        ValueKind::Date,
        ValueKind::DateAtMidnight,
        ValueKind::Time,
        ValueKind::Timestamp,
        ValueKind::TimestampWithZone,
        ValueKind::UuidText,
        ValueKind::Json,
        ValueKind::JsonStructure,
        ValueKind::JsonThatJsonbRefuses,
        ValueKind::JsonWithRepeatedKey,
        ValueKind::IntegerText,
        ValueKind::IntegerTextBeyond64Bits,
        ValueKind::DecimalText,
        ValueKind::Blob,
        ValueKind::EmptyBlob,
        ValueKind::BlobOf16Bytes,
    ];
}

impl Kind {
    /// Whether values of this kind count as `kind`; NULL has none.
    pub(super) fn counts_as(self, kind: ValueKind) -> bool {
        let integer_beyond = |fact| self.is(Kind::INTEGER) && !self.is(fact);
        match kind {
            ValueKind::Null => false,
            ValueKind::Integer => self.is(Kind::INTEGER),
            ValueKind::ZeroOrOne => self.is(Kind::BIT),
            ValueKind::IntegerBeyond16Bits => integer_beyond(Kind::SMALL),
            ValueKind::IntegerBeyond32Bits => integer_beyond(Kind::MEDIUM),
            ValueKind::IntegerBeyondDouble => integer_beyond(Kind::EXACT),
            ValueKind::Real => self.is(Kind::REAL),
            ValueKind::WholeReal => self.is(Kind::WHOLE),
            ValueKind::NegativeZero => self.is(Kind::NEGATIVE_ZERO),
            ValueKind::Infinity => self.is(Kind::INFINITE),
            ValueKind::EpochSeconds => self.is(Kind::SECONDS),
            ValueKind::EpochMilliseconds => self.is(Kind::MILLISECONDS),
            ValueKind::JulianDay => self.is(Kind::JULIAN_DAY),
            ValueKind::Text => self.is(Kind::TEXT),
            ValueKind::EmptyText => self.is_all(Kind::TEXT | Kind::EMPTY),
            ValueKind::TextWithNul => self.is(Kind::NUL),
            ValueKind::MalformedText => self.is(Kind::MALFORMED),
            ValueKind::BooleanWord => self.is(Kind::WORD),
            ValueKind::Date => self.is(Kind::DATE),
            ValueKind::DateAtMidnight => self.is(Kind::MIDNIGHT),
            ValueKind::Time => self.is(Kind::TIME),
            ValueKind::Timestamp => self.is(Kind::TIMESTAMP),
            ValueKind::TimestampWithZone => self.is(Kind::TIMESTAMP_TZ),
            ValueKind::UuidText => self.is(Kind::UUID),
            ValueKind::Json => self.is(Kind::JSON),
            ValueKind::JsonStructure => self.is(Kind::STRUCTURED),
            ValueKind::JsonThatJsonbRefuses => self.is(Kind::JSON) && !self.is(Kind::JSONB),
            ValueKind::JsonWithRepeatedKey => self.is(Kind::REPEATED_KEY),
            ValueKind::IntegerText => self.is(Kind::INTEGER_TEXT),
            ValueKind::IntegerTextBeyond64Bits => self.is(Kind::BEYOND_64_BITS),
            ValueKind::DecimalText => self.is(Kind::DECIMAL_TEXT),
            ValueKind::Blob => self.is(Kind::BLOB),
            ValueKind::EmptyBlob => self.is_all(Kind::BLOB | Kind::EMPTY),
            ValueKind::BlobOf16Bytes => self.is(Kind::SIXTEEN_BYTES),
        }
    }
}
