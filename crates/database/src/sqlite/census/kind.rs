//! What one value is, as finely as any type on the target could ask: two values of one kind are held by the same
//! types. So a count for each kind answers for every type, whichever is chosen later, without reading the rows again.

use rusqlite::types::ValueRef;

use super::digits::Digits;
use super::document::{self, Document};
use super::magnitude::Magnitude;
use super::moment::{self, Unit};
use super::reading;
use crate::sqlite::datetime::{MomentKind, moment_kind};
use crate::sqlite::target_type::{VALUE_BYTES_MAX, boolean_word, uuid_of};

/// Facts about a value.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Traits {
    facts: u64,
    /// Characters of a text.
    pub(super) length: usize,
    /// Digits of a number, or of a text that is one, before the point and behind it.
    pub(super) whole: usize,
    pub(super) fraction: usize,
}

/// What values have in common that are counted together.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(in crate::sqlite) struct Kind {
    facts: u64,
    /// As in [`Traits`].
    pub(in crate::sqlite) length: Magnitude,
    pub(in crate::sqlite) whole: Magnitude,
    pub(in crate::sqlite) fraction: Magnitude,
}

/// The facts, one bit each.
impl Kind {
    pub(in crate::sqlite) const INTEGER: u64 = 1 << 0;
    pub(in crate::sqlite) const REAL: u64 = 1 << 1;
    pub(in crate::sqlite) const TEXT: u64 = 1 << 2;
    pub(in crate::sqlite) const BLOB: u64 = 1 << 3;

    /// 0 or 1.
    pub(in crate::sqlite) const BIT: u64 = 1 << 4;
    /// An integer of 16 bits.
    pub(in crate::sqlite) const SMALL: u64 = 1 << 5;
    /// An integer of 32 bits.
    pub(in crate::sqlite) const MEDIUM: u64 = 1 << 6;
    /// An integer up to 2^53, which is a double.
    pub(in crate::sqlite) const EXACT: u64 = 1 << 7;

    /// A real without digits behind the point.
    pub(in crate::sqlite) const WHOLE: u64 = 1 << 8;
    /// A real that is negative zero.
    pub(in crate::sqlite) const NEGATIVE_ZERO: u64 = 1 << 9;
    /// A real that is an infinity.
    pub(in crate::sqlite) const INFINITE: u64 = 1 << 10;
    /// A number that `numeric` holds.
    pub(in crate::sqlite) const NUMERIC: u64 = 1 << 11;

    /// A number that would be a moment of the years 1980 to 2100.
    pub(in crate::sqlite) const SECONDS: u64 = 1 << 12;
    pub(in crate::sqlite) const MILLISECONDS: u64 = 1 << 13;
    pub(in crate::sqlite) const JULIAN_DAY: u64 = 1 << 14;

    /// A text or blob of no bytes.
    pub(in crate::sqlite) const EMPTY: u64 = 1 << 15;
    /// A text with a NUL.
    pub(in crate::sqlite) const NUL: u64 = 1 << 16;
    /// A text that is not UTF-8.
    pub(in crate::sqlite) const MALFORMED: u64 = 1 << 17;
    /// A boolean word.
    pub(in crate::sqlite) const WORD: u64 = 1 << 18;

    pub(in crate::sqlite) const DATE: u64 = 1 << 19;
    pub(in crate::sqlite) const MIDNIGHT: u64 = 1 << 20;
    pub(in crate::sqlite) const TIMESTAMP: u64 = 1 << 21;
    pub(in crate::sqlite) const TIMESTAMP_TZ: u64 = 1 << 22;
    pub(in crate::sqlite) const TIME: u64 = 1 << 23;

    /// A text that is a UUID.
    pub(in crate::sqlite) const UUID: u64 = 1 << 24;
    /// One with its hyphens and nothing else around it.
    pub(in crate::sqlite) const HYPHENATED: u64 = 1 << 25;

    /// A text that is a JSON document.
    pub(in crate::sqlite) const JSON: u64 = 1 << 26;
    /// One that begins with a brace or a bracket.
    pub(in crate::sqlite) const STRUCTURED: u64 = 1 << 27;
    /// One that `jsonb` takes.
    pub(in crate::sqlite) const JSONB: u64 = 1 << 28;
    /// One in which an object has a key twice.
    pub(in crate::sqlite) const REPEATED_KEY: u64 = 1 << 29;

    /// A text that is an integer.
    pub(in crate::sqlite) const INTEGER_TEXT: u64 = 1 << 30;
    /// One that no 64 bits hold.
    pub(in crate::sqlite) const BEYOND_64_BITS: u64 = 1 << 31;
    /// A text that is a number with a point or an exponent.
    pub(in crate::sqlite) const DECIMAL_TEXT: u64 = 1 << 32;

    /// A blob of 16 bytes.
    pub(in crate::sqlite) const SIXTEEN_BYTES: u64 = 1 << 33;
    /// A text or blob that is too long for a message to the server when each byte becomes two digits.
    pub(in crate::sqlite) const HUGE: u64 = 1 << 34;

    /// A number, or a text that is one, that can be read as a moment in this unit; and one that is a midnight.
    pub(in crate::sqlite) const READ_SECONDS: u64 = 1 << 35;
    pub(in crate::sqlite) const READ_MILLISECONDS: u64 = 1 << 36;
    pub(in crate::sqlite) const READ_JULIAN: u64 = 1 << 37;
    pub(in crate::sqlite) const MIDNIGHT_SECONDS: u64 = 1 << 38;
    pub(in crate::sqlite) const MIDNIGHT_MILLISECONDS: u64 = 1 << 39;
    pub(in crate::sqlite) const MIDNIGHT_JULIAN: u64 = 1 << 40;
    /// A text that `numeric` takes for a number.
    pub(in crate::sqlite) const NUMBER_TEXT: u64 = 1 << 41;
}

impl Kind {
    /// Text that PostgreSQL's text cannot hold.
    pub(in crate::sqlite) const BAD_TEXT: u64 = Kind::NUL | Kind::MALFORMED;

    /// Whether any of `facts` holds.
    pub(in crate::sqlite) fn is(self, facts: u64) -> bool {
        self.facts & facts != 0
    }

    /// Whether it is a text that PostgreSQL can hold.
    pub(in crate::sqlite) fn is_text(self) -> bool {
        self.is(Kind::TEXT) && !self.is(Kind::BAD_TEXT)
    }

    /// Whether all of `facts` hold.
    pub(in crate::sqlite) fn is_all(self, facts: u64) -> bool {
        self.facts & facts == facts
    }
}

impl Traits {
    /// `None` for NULL.
    pub(super) fn of(value: ValueRef<'_>) -> Option<Traits> {
        Some(match value {
            ValueRef::Null => return None,
            ValueRef::Integer(it) => Traits::of_integer(it),
            ValueRef::Real(it) => Traits::of_real(it),
            ValueRef::Text(it) => Traits::of_text(it),
            ValueRef::Blob(it) => Traits::of_blob(it),
        })
    }

    pub(super) fn kind(self) -> Kind {
        Kind {
            facts: self.facts,
            length: Magnitude::of(self.length),
            whole: Magnitude::of(self.whole),
            fraction: Magnitude::of(self.fraction),
        }
    }

    fn is(self, facts: u64) -> bool {
        self.facts & facts != 0
    }

    fn add(&mut self, fact: u64, holds: bool) {
        if holds {
            self.facts |= fact;
        }
    }

    fn of_integer(value: i64) -> Traits {
        let mut traits = Traits {
            facts: Kind::INTEGER | Kind::NUMERIC | reading::of_integer(value),
            ..Traits::default()
        };
        traits.set_digits(Digits::of_integer(value));
        traits.add(Kind::BIT, value == 0 || value == 1);
        traits.add(Kind::SMALL, i16::try_from(value).is_ok());
        traits.add(Kind::MEDIUM, i32::try_from(value).is_ok());
        traits.add(Kind::EXACT, value.unsigned_abs() <= 1 << 53);
        #[expect(
            clippy::cast_precision_loss,
            reason = "what looks like a moment is far below 2^53"
        )]
        traits.add_unit(moment::plausible(value as f64));
        traits
    }

    fn of_real(value: f64) -> Traits {
        let mut traits = Traits {
            facts: Kind::REAL,
            ..Traits::default()
        };
        if let Some(digits) = Digits::of_real(value) {
            traits.facts |= Kind::NUMERIC | reading::of_real(value, digits.fraction);
            traits.set_digits(digits);
            traits.add(Kind::WHOLE, digits.fraction == 0);
            traits.add_unit(moment::plausible(value));
        } else {
            traits.add(Kind::INFINITE, value.is_infinite());
            traits.add(Kind::NEGATIVE_ZERO, value == 0.0);
        }
        traits
    }

    fn set_digits(&mut self, digits: Digits) {
        (self.whole, self.fraction) = (digits.whole, digits.fraction);
    }

    fn add_unit(&mut self, unit: Option<Unit>) {
        self.facts |= match unit {
            None => 0,
            Some(Unit::Seconds) => Kind::SECONDS,
            Some(Unit::Milliseconds) => Kind::MILLISECONDS,
            Some(Unit::JulianDays) => Kind::JULIAN_DAY,
        };
    }

    fn of_blob(value: &[u8]) -> Traits {
        let mut traits = Traits {
            facts: Kind::BLOB,
            ..Traits::default()
        };
        traits.add(Kind::EMPTY, value.is_empty());
        traits.add(Kind::SIXTEEN_BYTES, value.len() == 16);
        traits.add(Kind::HUGE, is_huge(value));
        traits
    }

    fn of_text(value: &[u8]) -> Traits {
        let mut traits = Traits {
            facts: Kind::TEXT,
            ..Traits::default()
        };
        let Some(&first) = value.first() else {
            traits.facts |= Kind::EMPTY;
            return traits;
        };
        traits.add(Kind::HUGE, is_huge(value));
        traits.add(Kind::NUL, memchr::memchr(0, value).is_some());
        let text = std::str::from_utf8(value);
        traits.add(Kind::MALFORMED, text.is_err());
        let (Ok(text), false) = (text, traits.is(Kind::NUL)) else {
            return traits;
        };
        traits.length = text.chars().count();
        match first {
            b'0'..=b'9' | b'+' | b'-' | b'.' => traits.look_at_number(value),
            b'{' | b'[' | b'"' | b' ' | b'\t' | b'\n' | b'\r' => traits.look_at_document(value),
            _ => {}
        }
        // The shortest and the longest spelling: `f`, and 32 digits with hyphens and braces.
        if value.len() <= 38 {
            if value.len() >= 32 {
                let uuid = uuid_of(value).is_some();
                traits.add(Kind::UUID, uuid);
                traits.add(Kind::HYPHENATED, uuid && value.len() == 36);
            } else if value.len() <= 5 {
                traits.add(Kind::WORD, boolean_word(value).is_some());
                traits.add(
                    Kind::JSON | Kind::JSONB,
                    matches!(value, b"true" | b"false" | b"null"),
                );
            }
        }
        traits
    }

    /// Texts that begin like a number may be one, or a moment.
    fn look_at_number(&mut self, value: &[u8]) {
        self.facts |= match moment_kind(value) {
            None => 0,
            Some(MomentKind::Date) => Kind::DATE,
            Some(MomentKind::Midnight) => Kind::MIDNIGHT,
            Some(MomentKind::Timestamp) => Kind::TIMESTAMP,
            Some(MomentKind::TimestampTz) => Kind::TIMESTAMP_TZ,
            Some(MomentKind::Time) => Kind::TIME,
        };
        if self.is(Kind::DATE | Kind::MIDNIGHT | Kind::TIMESTAMP | Kind::TIMESTAMP_TZ | Kind::TIME) {
            return;
        }
        if let Some(digits) = Digits::of_text(value) {
            self.facts |= Kind::NUMBER_TEXT | reading::of_text(value);
            self.set_digits(digits);
            let is_integer = value[1..].iter().all(u8::is_ascii_digit);
            let is_long = is_integer && std::str::from_utf8(value).is_ok_and(|it| it.parse::<i64>().is_err());
            self.add(Kind::INTEGER_TEXT, is_integer);
            self.add(Kind::BEYOND_64_BITS, is_long);
            self.add(Kind::DECIMAL_TEXT, !is_integer);
        }
        self.look_at_document(value);
    }

    fn look_at_document(&mut self, value: &[u8]) {
        if let Some(Document { jsonb, repeated_key }) = document::read(value) {
            self.facts |= Kind::JSON;
            self.add(
                Kind::STRUCTURED,
                matches!(value.trim_ascii_start(), [b'{' | b'[', ..]),
            );
            self.add(Kind::JSONB, jsonb);
            self.add(Kind::REPEATED_KEY, repeated_key);
        }
    }
}

fn is_huge(value: &[u8]) -> bool {
    value.len() > (VALUE_BYTES_MAX - 2) / 2
}
