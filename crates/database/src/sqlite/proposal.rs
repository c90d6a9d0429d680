//! Which type a column gets: what its declared type means, where every value fits that; else the next that holds every
//! value, with the reason.

use super::census::{Kind, Misfits, Profile, Suggestion, suggest};
use super::choices::OnBadValue;
use super::chosen;
use super::schema::Column;
use super::target_type::{NUMERIC_PRECISION_MAX, NumericBounds, TargetType, VARCHAR_MAX};

/// SQLite's column affinity (<https://sqlite.org/datatype3.html>, section 3.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Affinity {
    Integer,
    Text,
    Blob,
    Real,
    Numeric,
}

/// The type that a column gets, and why.
#[derive(Clone, Debug)]
pub struct Proposal {
    /// It holds every value, unless it is chosen, but for those of which the choices say what becomes of them.
    pub target: TargetType,
    /// Why, in words.
    pub reason: String,
    /// Whether somebody has chosen the type: then `refused` are the values that it does not hold.
    pub is_chosen: bool,
    /// The type that the declared one means, if it means one.
    pub declared: Option<TargetType>,
    /// Values that `declared` does not hold.
    pub refused: Misfits,
    /// Whether blobs, which make bytes of all values, are the fewer ones in a column that is declared for texts.
    pub blobs_are_few: bool,
    /// Types that somebody may choose who knows what the values mean.
    pub suggestions: Vec<Suggestion>,
}

impl Proposal {
    /// What somebody has chosen, whatever the declared type says.
    pub(super) fn chosen(target: TargetType, profile: &Profile) -> Proposal {
        let candidates = chosen::candidates(target);
        let widest = candidates.last().copied().unwrap_or(target);
        let target = if profile.values() == 0 {
            target
        } else {
            candidates
                .into_iter()
                .find(|&it| profile.fits(it))
                .unwrap_or(widest)
        };
        Proposal {
            target,
            reason: "chosen".to_owned(),
            is_chosen: true,
            declared: Some(target),
            refused: profile.misfits(target),
            blobs_are_few: false,
            suggestions: Vec::new(),
        }
    }
}

impl Affinity {
    pub(super) fn of(declared: &str) -> Affinity {
        let declared = declared.to_ascii_uppercase();
        let has = |parts: &[&str]| parts.iter().any(|part| declared.contains(part));
        if has(&["INT"]) {
            Affinity::Integer
        } else if has(&["CHAR", "CLOB", "TEXT"]) {
            Affinity::Text
        } else if has(&["BLOB"]) || declared.is_empty() {
            Affinity::Blob
        } else if has(&["REAL", "FLOA", "DOUB"]) {
            Affinity::Real
        } else {
            Affinity::Numeric
        }
    }
}

/// The type for a column with these values. `ordered` says that it is part of a key or an index; `rows_by` is what its
/// rows are named by.
///
/// Not asked are texts that no text of PostgreSQL can hold, and, where `on_bad_value` says what becomes of bad values, blobs
/// among more texts in a column that is declared for texts: one of them would make bytes of all.
pub(super) fn propose(
    column: &Column,
    profile: &Profile,
    ordered: bool,
    rows_by: &str,
    on_bad_value: OnBadValue,
) -> Proposal {
    let sound = profile.without(Kind::BAD_TEXT);
    let proposal = propose_for_all(column, &sound, ordered, rows_by);
    let is_text = matches!(proposal.declared, Some(TargetType::Text | TargetType::Varchar(_)));
    let blobs = sound.having(Kind::BLOB).count;
    let blobs_are_few = is_text && 0 < blobs && blobs < sound.values() - blobs;
    if on_bad_value == OnBadValue::Stop || !blobs_are_few {
        return Proposal {
            blobs_are_few,
            ..proposal
        };
    }
    let others = propose_for_all(column, &sound.without(Kind::BLOB), ordered, rows_by);
    let (number, are) = if blobs == 1 {
        ("1 blob".to_owned(), "is a bad value")
    } else {
        (format!("{blobs} blobs"), "are bad values")
    };
    Proposal {
        target: others.target,
        reason: format!("{}; {number} among them {are}", proposal.reason),
        blobs_are_few,
        ..proposal
    }
}

/// The type that holds every one of these values.
fn propose_for_all(column: &Column, profile: &Profile, ordered: bool, rows_by: &str) -> Proposal {
    let meant = meant(&column.declared_type, ordered);
    let declared = meant.first().copied();
    let values = profile.values();
    let (target, refused, reason) = if values == 0 {
        let reason = match declared {
            Some(_) => "no values: as declared".to_owned(),
            None => "no values, and no declared type that says more".to_owned(),
        };
        (declared.unwrap_or(TargetType::Text), Misfits::default(), reason)
    } else if let Some(declared) = declared {
        let refused = profile.misfits(declared);
        let target = holding(&meant, profile);
        let reason = if refused.count > 0 {
            let (count, rows) = (refused.count, refused.some_rows());
            format!(
                "{count} of {values} values do not fit {} ({rows_by} {rows})",
                declared.to_sql()
            )
        } else {
            format!("all {values} values fit the declared type")
        };
        (target, refused, reason)
    } else {
        let target = holding(&by_values(profile), profile);
        let reason = "the declared type says nothing: the first type that holds all values".to_owned();
        (target, Misfits::default(), reason)
    };
    Proposal {
        target,
        reason,
        is_chosen: false,
        declared,
        refused,
        blobs_are_few: false,
        suggestions: suggest(column, profile, target),
    }
}

/// The first type that holds every value, from `preferred` to the widest.
fn holding(preferred: &[TargetType], profile: &Profile) -> TargetType {
    use TargetType::{BigInt, Bytea, Double, Jsonb, MixedBytea, MixedText, Numeric, Text};
    let with_digits = match preferred.first() {
        Some(Numeric(Some(bounds))) => with_digits_of(*bounds, profile),
        _ => None,
    };
    // A text that is a number is text, unless the declared type asks for a number: its zeros may mean something.
    let no_texts = |it: &TargetType| *it != Numeric(None) || !profile.any(Kind::is_text);
    let declared = preferred.iter().take(1).copied().chain(with_digits);
    declared
        .chain(preferred.iter().skip(1).copied())
        .chain([BigInt, Double, Numeric(None)].into_iter().filter(no_texts))
        .chain([Text, Bytea, MixedText])
        .find(|&it| profile.fits(it) && !(it == Jsonb && profile.any(|kind| kind.is(Kind::REPEATED_KEY))))
        .unwrap_or(MixedBytea)
}

/// The types that a declared type means, the closest first; none where it says nothing.
fn meant(declared: &str, ordered: bool) -> Vec<TargetType> {
    use TargetType::{
        BigInt, Boolean, Bytea, Date, Double, Json, Jsonb, Numeric, SmallInt, Text, Time, Timestamp,
        TimestampTz, Uuid, Varchar,
    };
    let (base, arguments) = split(declared);
    match base.as_str() {
        "SMALLINT" | "INT2" | "TINYINT" => vec![SmallInt, BigInt],
        "BOOLEAN" | "BOOL" => vec![Boolean],
        "DATE" => vec![Date, Timestamp, TimestampTz],
        "DATETIME" | "TIMESTAMP" | "DATETIME2" | "SMALLDATETIME" | "TIMESTAMP WITHOUT TIME ZONE" => {
            vec![Timestamp, TimestampTz]
        }
        "TIMESTAMPTZ" | "TIMESTAMP WITH TIME ZONE" | "DATETIMEOFFSET" => vec![TimestampTz, Timestamp],
        "TIME" | "TIME WITHOUT TIME ZONE" => vec![Time],
        "JSON" | "JSONB" if !ordered => vec![Jsonb, Json],
        "JSON" | "JSONB" | "STRING" => vec![Text],
        "UUID" | "GUID" | "UNIQUEIDENTIFIER" => vec![Uuid],
        "NUMERIC" | "DECIMAL" | "DEC" | "NUMBER" | "MONEY" => numeric_bounds(&arguments)
            .map(|it| Numeric(Some(it)))
            .into_iter()
            .chain([Numeric(None)])
            .collect(),
        _ => match Affinity::of(declared) {
            Affinity::Integer => vec![BigInt],
            Affinity::Text => {
                let length = declared_length(declared).filter(|it| (1..=VARCHAR_MAX).contains(it));
                let is_char = base.contains("CHAR");
                length
                    .filter(|_| is_char)
                    .map(Varchar)
                    .into_iter()
                    .chain([Text])
                    .collect()
            }
            Affinity::Blob if !declared.is_empty() => vec![Bytea],
            Affinity::Real => vec![Double],
            Affinity::Blob | Affinity::Numeric => Vec::new(),
        },
    }
}

/// What values alone say before the types that hold more: texts with a UUID's hyphens mean nothing else. Sixteen bytes
/// or 32 digits could as well be a hash.
fn by_values(profile: &Profile) -> Vec<TargetType> {
    if profile.all(Kind::HYPHENATED) {
        vec![TargetType::Uuid]
    } else {
        Vec::new()
    }
}

/// `bounds` with as many digits as the values need. `None` where a value has more digits than a double keeps of a
/// decimal: it is the noise of a calculation, and would give every value as many.
fn with_digits_of(bounds: NumericBounds, profile: &Profile) -> Option<TargetType> {
    const DIGITS_MAX: usize = 15;
    let is_noise = |kind: Kind| {
        kind.is(Kind::REAL) && kind.fraction.max() > 0 && kind.whole.max() + kind.fraction.max() > DIGITS_MAX
    };
    if profile.any(is_noise) {
        return None;
    }
    let (whole, fraction) = profile.digits();
    let scale = usize::from(bounds.scale).max(fraction);
    let precision = usize::from(bounds.precision.saturating_sub(bounds.scale)).max(whole) + scale;
    let (precision, scale) = (u16::try_from(precision).ok()?, u16::try_from(scale).ok()?);
    (precision <= NUMERIC_PRECISION_MAX)
        .then_some(TargetType::Numeric(Some(NumericBounds { precision, scale })))
}

/// The length in a declared type of texts, in characters.
pub(super) fn declared_length(declared: &str) -> Option<u32> {
    let (_, arguments) = split(declared);
    arguments
        .first()
        .copied()
        .filter(|_| Affinity::of(declared) == Affinity::Text)
}

/// The type's words in upper case with single spaces, and the numbers in its parentheses.
fn split(declared: &str) -> (String, Vec<u32>) {
    let (base, arguments) = declared.split_once('(').unwrap_or((declared, ""));
    let (arguments, rest) = arguments.split_once(')').unwrap_or((arguments, ""));
    let words: Vec<String> = base
        .split_whitespace()
        .chain(rest.split_whitespace())
        .map(str::to_ascii_uppercase)
        .collect();
    let numbers: Option<Vec<u32>> = arguments.split(',').map(|it| it.trim().parse().ok()).collect();
    (words.join(" "), numbers.unwrap_or_default())
}

fn numeric_bounds(arguments: &[u32]) -> Option<NumericBounds> {
    let part = |place: usize| arguments.get(place).map_or(Some(0), |&it| u16::try_from(it).ok());
    let (precision, scale) = (part(0)?, part(1)?);
    ((1..=NUMERIC_PRECISION_MAX).contains(&precision) && scale <= precision)
        .then_some(NumericBounds { precision, scale })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn declared_type_proposes_the_closest() {
        for (declared, expected) in [
            ("INTEGER", "bigint"),
            ("int", "bigint"),
            ("UNSIGNED BIG INT", "bigint"),
            ("SMALLINT", "smallint"),
            ("VARCHAR(20)", "character varying(20)"),
            ("NATIVE CHARACTER (70)", "character varying(70)"),
            ("VARCHAR", "text"),
            ("VARCHAR(0)", "text"),
            ("TEXT(20)", "text"),
            ("CLOB", "text"),
            ("BLOB", "bytea"),
            ("BLOB SUB_TYPE TEXT", "text"),
            ("DOUBLE PRECISION", "double precision"),
            ("FLOAT", "double precision"),
            ("FLOATING POINT", "bigint"),
            ("DECIMAL(10, 2)", "numeric(10,2)"),
            ("DECIMAL(10)", "numeric(10,0)"),
            ("NUMERIC", "numeric"),
            ("DECIMAL(2,10)", "numeric"),
            ("boolean", "boolean"),
            ("date", "date"),
            ("DATETIME", "timestamp without time zone"),
            ("TIMESTAMP  WITH TIME ZONE", "timestamp with time zone"),
            ("TIME", "time without time zone"),
            ("JSON", "jsonb"),
            ("GUID", "uuid"),
            ("STRING", "text"),
            ("", "text"),
            ("whatever", "text"),
        ] {
            let meant = meant(declared, false)
                .first()
                .copied()
                .unwrap_or(TargetType::Text);
            assert_eq!(meant.to_sql(), expected, "{declared}");
        }
    }

    #[test]
    fn json_is_no_key() {
        assert_eq!(meant("JSON", true), [TargetType::Text]);
    }
}
