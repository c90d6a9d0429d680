//! Types that would hold all values of a column, but mean more than the values say. They are told and never taken.

use serde::Serialize;

use super::kind::Kind;
use super::moment::{self, Unit};
use super::profile::Profile;
use crate::sqlite::schema::Column;
use crate::sqlite::target_type::TargetType;

/// A type that somebody may choose, who knows what the values mean.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Suggestion {
    /// As `--type` takes it.
    #[serde(rename = "type")]
    pub target: String,
    /// What speaks for it, as a sentence without its end.
    pub reason: String,
    /// Whether the declared type is at odds with the values as long as it is not chosen.
    #[serde(skip)]
    pub(crate) urgent: bool,
}

/// What could be chosen instead of `target`, which the column gets.
pub(in crate::sqlite) fn suggest(column: &Column, profile: &Profile, target: TargetType) -> Vec<Suggestion> {
    if profile.values() == 0 {
        return Vec::new();
    }
    match target {
        TargetType::SmallInt | TargetType::BigInt | TargetType::Double | TargetType::Numeric(_) => {
            number(column, profile)
        }
        TargetType::Text | TargetType::Varchar(_) => text(profile),
        TargetType::Bytea if profile.all(Kind::SIXTEEN_BYTES) => {
            vec![plain("uuid", "all values are blobs of 16 bytes")]
        }
        _ => Vec::new(),
    }
}

fn number(column: &Column, profile: &Profile) -> Vec<Suggestion> {
    if profile.all(Kind::BIT) && has_truth_in_name(&column.name) {
        return vec![plain("boolean", "all values are 0 or 1")];
    }
    let unit = [
        (Kind::SECONDS, Unit::Seconds),
        (Kind::MILLISECONDS, Unit::Milliseconds),
        (Kind::JULIAN_DAY, Unit::JulianDays),
    ];
    let unit = unit
        .into_iter()
        .find(|&(fact, _)| profile.all(fact) && moment::is_meant(&column.declared_type, &column.name));
    unit.map(|(_, unit)| Suggestion {
        target: unit.type_text().to_owned(),
        reason: format!("all values look like {}", unit.words()),
        urgent: true,
    })
    .into_iter()
    .collect()
}

fn text(profile: &Profile) -> Vec<Suggestion> {
    let only = |kind: Kind| kind.is(Kind::JSONB) && kind.is(Kind::STRUCTURED) && !kind.is(Kind::REPEATED_KEY);
    if !profile.any(|kind| !only(kind)) {
        return vec![plain("jsonb", "all values are JSON objects or arrays")];
    }
    if profile.all(Kind::NUMBER_TEXT) && profile.any(|kind| kind.is(Kind::BEYOND_64_BITS)) {
        return vec![plain(
            "numeric",
            "all values are numbers, some of them beyond 64 bits",
        )];
    }
    let dates = Kind::DATE | Kind::MIDNIGHT;
    let found = [
        (Kind::UUID, "uuid", "all values are UUIDs"),
        (dates, "date", "all values are dates"),
        (
            dates | Kind::TIMESTAMP,
            "timestamp",
            "all values are dates and times without an offset",
        ),
        (
            Kind::TIMESTAMP_TZ,
            "timestamptz",
            "all values are dates and times with an offset",
        ),
        (Kind::TIME, "time", "all values are times of day"),
    ];
    let found = found.into_iter().find(|(facts, ..)| profile.all(*facts));
    found
        .map(|(_, target, reason)| plain(target, reason))
        .into_iter()
        .collect()
}

fn plain(target: &str, reason: &str) -> Suggestion {
    Suggestion {
        target: target.to_owned(),
        reason: reason.to_owned(),
        urgent: false,
    }
}

/// Names that ask a question.
fn has_truth_in_name(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    ["is_", "has_", "was_", "can_"]
        .iter()
        .any(|it| name.starts_with(it))
}
