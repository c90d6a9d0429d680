//! Numbers that look like moments. They are never taken for moments by themselves: whoever moves the file is told, and
//! chooses.

use std::ops::RangeInclusive;

/// What a number could count. In the words of `--type`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Unit {
    /// Since 1970.
    Seconds,
    Milliseconds,
    JulianDays,
}

/// 1980-01-01 to 2100-01-01, in seconds since 1970.
const SECONDS: RangeInclusive<f64> = 315_532_800.0..=4_102_444_800.0;
const MILLISECONDS: RangeInclusive<f64> = 315_532_800_000.0..=4_102_444_800_000.0;
const JULIAN_DAYS: RangeInclusive<f64> = 2_444_239.5..=2_488_069.5;

/// What the number would count if it were a moment of the years 1980 to 2100; the ranges are apart.
pub(super) fn plausible(number: f64) -> Option<Unit> {
    if SECONDS.contains(&number) {
        Some(Unit::Seconds)
    } else if MILLISECONDS.contains(&number) {
        Some(Unit::Milliseconds)
    } else if JULIAN_DAYS.contains(&number) {
        Some(Unit::JulianDays)
    } else {
        None
    }
}

impl Unit {
    /// As in a sentence, `all values look like …`.
    pub(super) fn words(self) -> &'static str {
        match self {
            Unit::Seconds => "seconds since 1970",
            Unit::Milliseconds => "milliseconds since 1970",
            Unit::JulianDays => "Julian days",
        }
    }

    /// The type that reads such numbers.
    pub(super) fn type_text(self) -> &'static str {
        match self {
            Unit::Seconds => "timestamptz from seconds",
            Unit::Milliseconds => "timestamptz from milliseconds",
            Unit::JulianDays => "timestamptz from julian days",
        }
    }
}

/// Whether a column is meant to hold moments, by its declared type or its name: else a column of sizes or telephone
/// numbers would be taken for one.
pub(super) fn is_meant(declared: &str, name: &str) -> bool {
    const TYPES: [&str; 2] = ["DATE", "TIME"];
    const WORDS: [&str; 10] = [
        "at",
        "on",
        "date",
        "time",
        "datetime",
        "timestamp",
        "ts",
        "when",
        "created",
        "updated",
    ];
    let declared = declared.to_ascii_uppercase();
    let last_word = || {
        let start = name
            .char_indices()
            .rev()
            .find(|&(at, it)| !it.is_ascii_alphanumeric() || (it.is_ascii_uppercase() && at > 0));
        let word = start.map_or(
            name,
            |(at, it)| if it == '_' { &name[at + 1..] } else { &name[at..] },
        );
        let word = if name.chars().any(|it| it.is_ascii_lowercase()) {
            word
        } else {
            name
        };
        word.to_ascii_lowercase()
    };
    TYPES.iter().any(|it| declared.contains(it)) || WORDS.contains(&last_word().as_str())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_types_tell_moments() {
        for (declared, name, expected) in [
            ("DATETIME", "x", true),
            ("INTEGER", "created_at", true),
            ("INTEGER", "createdAt", true),
            ("INTEGER", "CREATED_AT", false),
            ("INTEGER", "Date", true),
            ("", "ts", true),
            ("INTEGER", "format", false),
            ("INTEGER", "size", false),
            ("INTEGER", "größe_at", true),
            ("INTEGER", "ß", false),
            ("INTEGER", "", false),
        ] {
            assert_eq!(is_meant(declared, name), expected, "{declared} {name}");
        }
    }

    #[test]
    fn only_plausible_years_count() {
        assert_eq!(plausible(1_709_251_199.0), Some(Unit::Seconds));
        assert_eq!(plausible(1_709_251_199_000.0), Some(Unit::Milliseconds));
        assert_eq!(plausible(2_460_370.5), Some(Unit::JulianDays));
        assert_eq!(plausible(20_240_229.0), None);
        assert_eq!(plausible(0.0), None);
    }
}
