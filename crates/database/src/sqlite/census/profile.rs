//! What is known about one column after its rows were read once: enough to say for any type on the target how many
//! values it would refuse, and which.

use std::borrow::Cow;
use std::collections::HashMap;

use rusqlite::types::ValueRef;
use serde::Serialize;

use super::kind::{Kind, Traits};
use super::magnitude::Magnitude;
use super::reading;
use super::sample::{RowLabel, Sample};
use super::value_kind::ValueKind;
use crate::sqlite::target_type::{NumericBounds, TargetType};

/// The values of one column, counted by kind. Profiles of parts of a table can be merged, in any order.
#[derive(Clone, Debug, Default)]
pub struct Profile {
    nulls: Sample,
    kinds: Vec<(Kind, Sample)>,
    /// Places in `kinds`.
    places: HashMap<Kind, usize>,
    /// The place of the last value's kind: the next one is often like it.
    last: usize,
    /// Bytes of all values; a number counts eight.
    bytes: u64,
    integers: Option<(i64, i64)>,
    text_chars_max: usize,
    text_bytes_max: usize,
    blob_bytes_max: usize,
    whole_max: usize,
    fraction_max: usize,
}

/// Values that are counted for one reason, such as those that a type would refuse.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Misfits {
    /// Exact, but for `character varying(n)` of more than 1024 characters and digits beyond as many, where it may be
    /// more by values that are shorter than `n` by less than a sixteenth. It is 0 exactly when every value fits.
    pub count: u64,
    /// The first rows of them: a rowid, the key of a table WITHOUT ROWID (`(2, north)`), or else the number of the row
    /// in the order in which SQLite gives the rows, from 1.
    pub rows: Vec<String>,
}

impl Profile {
    /// Kinds up to here are compared one after the other, which is quicker than to look them up.
    const COMPARED_MAX: usize = 8;

    /// Counts the value of the row that stands at `place` in the table.
    pub(super) fn add(&mut self, value: ValueRef<'_>, place: u64, label: impl FnOnce() -> RowLabel) {
        let Some(traits) = Traits::of(value) else {
            self.nulls.add(place, label);
            return;
        };
        self.measure(value, traits);
        self.sample_of(traits.kind()).add(place, label);
    }

    /// Adds what another part of the table holds.
    pub(super) fn merge(&mut self, other: Profile) {
        self.nulls.merge(other.nulls);
        for (kind, sample) in other.kinds {
            self.sample_of(kind).merge(sample);
        }
        self.bytes += other.bytes;
        if let Some((min, max)) = other.integers {
            self.integers = Some(
                self.integers
                    .map_or((min, max), |it| (it.0.min(min), it.1.max(max))),
            );
        }
        self.text_chars_max = self.text_chars_max.max(other.text_chars_max);
        self.text_bytes_max = self.text_bytes_max.max(other.text_bytes_max);
        self.blob_bytes_max = self.blob_bytes_max.max(other.blob_bytes_max);
        self.whole_max = self.whole_max.max(other.whole_max);
        self.fraction_max = self.fraction_max.max(other.fraction_max);
    }

    fn sample_of(&mut self, kind: Kind) -> &mut Sample {
        let is_last = self.kinds.get(self.last).is_some_and(|it| it.0 == kind);
        if !is_last {
            self.last = self.place_of(kind);
        }
        &mut self.kinds[self.last].1
    }

    fn place_of(&mut self, kind: Kind) -> usize {
        let near = &self.kinds[..self.kinds.len().min(Profile::COMPARED_MAX)];
        if let Some(place) = near.iter().position(|it| it.0 == kind) {
            return place;
        }
        let next = self.kinds.len();
        let place = *self.places.entry(kind).or_insert(next);
        if place == next {
            self.kinds.push((kind, Sample::default()));
        }
        place
    }

    fn measure(&mut self, value: ValueRef<'_>, traits: Traits) {
        match value {
            ValueRef::Null => {}
            ValueRef::Integer(it) => {
                self.bytes += 8;
                self.integers = Some(
                    self.integers
                        .map_or((it, it), |(min, max)| (min.min(it), max.max(it))),
                );
            }
            ValueRef::Real(_) => self.bytes += 8,
            ValueRef::Text(it) => {
                self.bytes += it.len() as u64;
                self.text_bytes_max = self.text_bytes_max.max(it.len());
            }
            ValueRef::Blob(it) => {
                self.bytes += it.len() as u64;
                self.blob_bytes_max = self.blob_bytes_max.max(it.len());
            }
        }
        self.text_chars_max = self.text_chars_max.max(traits.length);
        self.whole_max = self.whole_max.max(traits.whole);
        self.fraction_max = self.fraction_max.max(traits.fraction);
    }
}

/// What a type asks about a column.
impl Profile {
    /// Values that are not NULL.
    pub fn values(&self) -> u64 {
        self.kinds.iter().map(|(_, sample)| sample.count).sum()
    }

    pub fn nulls(&self) -> u64 {
        self.nulls.count
    }

    /// Which values `target` does not hold, NULL aside.
    pub fn misfits(&self, target: TargetType) -> Misfits {
        Misfits::of(&self.sample_where(|kind| !self.is_held(kind, target)))
    }

    /// Whether `target` holds every value.
    pub fn fits(&self, target: TargetType) -> bool {
        self.kinds.iter().all(|&(kind, _)| self.is_held(kind, target))
    }

    /// Values of a kind, with the first rows of them; a value may be of several kinds.
    pub fn values_of(&self, kind: ValueKind) -> Misfits {
        match kind {
            ValueKind::Null => Misfits::of(&self.nulls),
            _ => Misfits::of(&self.sample_where(|it| it.counts_as(kind))),
        }
    }

    /// Texts of more than `length` characters.
    pub fn texts_beyond(&self, length: u32) -> Misfits {
        let length = usize::try_from(length).unwrap_or(usize::MAX);
        Misfits::of(&self.sample_where(|kind| kind.length.max().min(self.text_chars_max) > length))
    }

    /// The smallest and the largest integer.
    pub fn integers(&self) -> Option<(i64, i64)> {
        self.integers
    }

    /// Characters of the longest text, and bytes of it.
    pub fn longest_text(&self) -> (usize, usize) {
        (self.text_chars_max, self.text_bytes_max)
    }

    /// Bytes of the longest blob.
    pub fn longest_blob(&self) -> usize {
        self.blob_bytes_max
    }

    /// Most digits of a number before its point and behind it.
    pub fn digits(&self) -> (usize, usize) {
        (self.whole_max, self.fraction_max)
    }

    /// Bytes of all values; a number counts eight.
    pub(super) fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Whether any of `facts` holds for every value.
    pub(in crate::sqlite) fn all(&self, facts: u64) -> bool {
        self.kinds.iter().all(|(kind, _)| kind.is(facts))
    }

    pub(in crate::sqlite) fn any(&self, holds: impl Fn(Kind) -> bool) -> bool {
        self.kinds.iter().any(|&(kind, _)| holds(kind))
    }

    /// Bytes of the longest text as `target`, which holds every value, writes it; at most.
    pub(super) fn bytes_max(&self, target: TargetType) -> usize {
        /// As the longest double: `-2.2250738585072014e-308`.
        const NUMBER_BYTES_MAX: usize = 24;
        /// As of a timestamp with time zone, and less than any that matters.
        const OTHER_BYTES_MAX: usize = 36;
        let raw = self.text_bytes_max.max(self.blob_bytes_max);
        let numbers = if self.any(|it| it.is(Kind::INTEGER | Kind::REAL)) {
            NUMBER_BYTES_MAX
        } else {
            0
        };
        match target {
            TargetType::Bytea | TargetType::MixedBytea => 2 + 2 * raw.max(numbers),
            TargetType::Numeric(bounds) | TargetType::MixedNumeric(bounds) => {
                let scale = bounds.map_or(0, |it| usize::from(it.scale));
                // A sign, a zero before the point, and the point.
                3 + self.whole_max + self.fraction_max.max(scale)
            }
            TargetType::Text
            | TargetType::MixedText
            | TargetType::Varchar(_)
            | TargetType::Citext
            | TargetType::Json => raw.max(numbers),
            _ => OTHER_BYTES_MAX,
        }
    }

    /// Values whose text as `target` writes it is too long for a message to the server.
    pub(super) fn too_long(&self, target: TargetType) -> Misfits {
        match target {
            TargetType::Bytea | TargetType::MixedBytea => self.having(Kind::HUGE),
            _ => Misfits::default(),
        }
    }

    /// Values of which any of `facts` holds.
    pub(in crate::sqlite) fn having(&self, facts: u64) -> Misfits {
        Misfits::of(&self.sample_where(|kind| kind.is(facts)))
    }

    /// The same without values of which any of `facts` holds, and of which the choices say what they become.
    pub(in crate::sqlite) fn without(&self, facts: u64) -> Cow<'_, Profile> {
        if self.kinds.iter().all(|(kind, _)| !kind.is(facts)) {
            return Cow::Borrowed(self);
        }
        let mut sound = Profile {
            kinds: Vec::new(),
            places: HashMap::new(),
            last: 0,
            ..self.clone()
        };
        for (kind, sample) in self.kinds.iter().filter(|(kind, _)| !kind.is(facts)) {
            *sound.sample_of(*kind) = sample.clone();
        }
        Cow::Owned(sound)
    }

    fn sample_where(&self, holds: impl Fn(Kind) -> bool) -> Sample {
        let mut all = Sample::default();
        for (kind, sample) in &self.kinds {
            if holds(*kind) {
                all.include(sample);
            }
        }
        all
    }

    /// Whether every value of the kind is held. A class of large numbers is taken at its largest one that occurs.
    fn is_held(&self, kind: Kind, target: TargetType) -> bool {
        let within = |number: Magnitude, max: usize, most: usize| number.max().min(most) <= max;
        let has_digits = |bounds: Option<NumericBounds>| {
            bounds.is_none_or(|bounds| {
                let whole_max = usize::from(bounds.precision.saturating_sub(bounds.scale));
                within(kind.whole, whole_max, self.whole_max)
                    && within(kind.fraction, usize::from(bounds.scale), self.fraction_max)
            })
        };
        let is_finite = kind.is(Kind::INTEGER | Kind::REAL) && !kind.is(Kind::INFINITE);
        match target {
            TargetType::SmallInt => kind.is(Kind::SMALL),
            TargetType::Integer => kind.is(Kind::MEDIUM),
            TargetType::BigInt => kind.is(Kind::INTEGER),
            TargetType::Boolean => kind.is(Kind::BIT | Kind::WORD),
            TargetType::Double => kind.is(Kind::REAL | Kind::EXACT),
            TargetType::Numeric(bounds) => kind.is(Kind::NUMERIC) && has_digits(bounds),
            TargetType::MixedNumeric(bounds) => {
                kind.is(Kind::NUMERIC | Kind::NUMBER_TEXT) && has_digits(bounds)
            }
            TargetType::Text | TargetType::Citext => kind.is_text(),
            TargetType::Varchar(length) => {
                kind.is_text() && within(kind.length, length as usize, self.text_chars_max)
            }
            TargetType::MixedText => kind.is(Kind::INTEGER | Kind::REAL) || kind.is_text(),
            TargetType::Bytea => kind.is(Kind::BLOB),
            TargetType::MixedBytea => true,
            TargetType::Date => kind.is(Kind::DATE | Kind::MIDNIGHT),
            TargetType::Time => kind.is(Kind::TIME),
            TargetType::Timestamp => kind.is(Kind::DATE | Kind::MIDNIGHT | Kind::TIMESTAMP),
            TargetType::TimestampTz => kind.is(Kind::TIMESTAMP_TZ),
            TargetType::DateFrom(it) => kind.is(reading::fact(it, true)),
            TargetType::TimestampFrom(it) | TargetType::TimestampTzFrom(it) => {
                kind.is(reading::fact(it, false))
            }
            TargetType::Json => kind.is(Kind::JSON) || is_finite,
            TargetType::Jsonb => kind.is(Kind::JSONB) || is_finite,
            TargetType::Uuid => kind.is(Kind::UUID | Kind::SIXTEEN_BYTES),
        }
    }
}

impl Misfits {
    fn of(sample: &Sample) -> Misfits {
        Misfits {
            count: sample.count,
            rows: sample.labels(),
        }
    }

    /// Some of the rows, `17, 44, 102, …`.
    pub(in crate::sqlite) fn some_rows(&self) -> String {
        /// As many as a sentence takes.
        const NAMED_MAX: usize = 3;
        let named = &self.rows[..self.rows.len().min(NAMED_MAX)];
        let more = if self.count > named.len() as u64 {
            ", …"
        } else {
            ""
        };
        format!("{}{more}", named.join(", "))
    }
}

#[cfg(test)]
impl Profile {
    /// Everything that is known, in an order of its own.
    pub(super) fn sorted(&self) -> impl PartialEq + std::fmt::Debug + use<> {
        let mut kinds = self.kinds.clone();
        kinds.sort_unstable_by_key(|it| it.0);
        let most = [
            self.text_chars_max,
            self.text_bytes_max,
            self.blob_bytes_max,
            self.whole_max,
            self.fraction_max,
        ];
        (kinds, self.nulls.clone(), self.bytes, self.integers, most)
    }
}
