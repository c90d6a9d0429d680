//! Target types by PostgreSQL's names for them, as a person writes them.

use std::fmt;
use std::str::FromStr;

use super::epoch::Reading;
use super::target_type::{NUMERIC_PRECISION_MAX, NumericBounds, TargetType, VARCHAR_MAX};

/// What can be asked for, as it is told to whoever asked for something else.
const KNOWN: &str = "smallint, integer, bigint, boolean, double precision, numeric, numeric(p,s), text, \
                     character varying(n), citext, bytea, date, time, timestamp, timestamp with time zone, json, jsonb, \
                     uuid; date, timestamp and timestamp with time zone also with `from seconds`, `from milliseconds` or \
                     `from julian days` behind them";

/// A type that columns of a SQLite file do not become.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnknownType(String);

impl UnknownType {
    /// Which types there are.
    pub fn hint(&self) -> &'static str {
        KNOWN
    }
}

impl fmt::Display for UnknownType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "`{}` is no type that a column of a SQLite file can become: those are {KNOWN}",
            self.0
        )
    }
}

impl std::error::Error for UnknownType {}

/// As [`TargetType::to_sql`] but for a type's schema, and with what its numbers mean: [`TargetType::from_str`] reads it.
impl fmt::Display for TargetType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            TargetType::Citext => f.write_str(self.type_name()),
            TargetType::DateFrom(reading)
            | TargetType::TimestampFrom(reading)
            | TargetType::TimestampTzFrom(reading) => write!(f, "{} from {reading}", self.to_sql()),
            other => f.write_str(&other.to_sql()),
        }
    }
}

/// PostgreSQL's names and aliases, in any case. Of types that differ only in which values they take (`numeric`, `text`,
/// `bytea`) it is the narrower.
impl FromStr for TargetType {
    type Err = UnknownType;

    fn from_str(text: &str) -> Result<TargetType, UnknownType> {
        parse(text).ok_or_else(|| UnknownType(text.to_owned()))
    }
}

fn parse(text: &str) -> Option<TargetType> {
    let lower = text.to_ascii_lowercase();
    let (base, arguments) = match lower.split_once('(') {
        None => (lower.as_str(), None),
        Some((base, rest)) => {
            let arguments = rest.trim_end().strip_suffix(')')?;
            let numbers: Result<Vec<u32>, _> = arguments.split(',').map(|it| it.trim().parse()).collect();
            (base, Some(numbers.ok()?))
        }
    };
    let words: Vec<&str> = base.split_whitespace().collect();
    let base = words.join(" ");
    match arguments.as_deref() {
        None => match base.split_once(" from ") {
            Some((base, reading)) => out_of_numbers(plain(base)?, reading),
            None => plain(&base),
        },
        Some(&[len]) if matches!(base.as_str(), "varchar" | "character varying") => (1..=VARCHAR_MAX)
            .contains(&len)
            .then_some(TargetType::Varchar(len)),
        Some(&[precision, ref rest @ ..]) if matches!(base.as_str(), "numeric" | "decimal" | "dec") => {
            let scale = match *rest {
                [] => 0,
                [scale] => scale,
                _ => return None,
            };
            let bounds = NumericBounds {
                precision: u16::try_from(precision).ok()?,
                scale: u16::try_from(scale).ok()?,
            };
            let holds =
                (1..=NUMERIC_PRECISION_MAX).contains(&bounds.precision) && bounds.scale <= bounds.precision;
            holds.then_some(TargetType::Numeric(Some(bounds)))
        }
        Some(_) => None,
    }
}

fn plain(name: &str) -> Option<TargetType> {
    Some(match name {
        "smallint" | "int2" => TargetType::SmallInt,
        "integer" | "int" | "int4" => TargetType::Integer,
        "bigint" | "int8" => TargetType::BigInt,
        "boolean" | "bool" => TargetType::Boolean,
        "double precision" | "float8" | "float" => TargetType::Double,
        "numeric" | "decimal" | "dec" => TargetType::Numeric(None),
        "text" => TargetType::Text,
        "citext" => TargetType::Citext,
        "bytea" => TargetType::Bytea,
        "date" => TargetType::Date,
        "time" | "time without time zone" => TargetType::Time,
        "timestamp" | "timestamp without time zone" => TargetType::Timestamp,
        "timestamptz" | "timestamp with time zone" => TargetType::TimestampTz,
        "json" => TargetType::Json,
        "jsonb" => TargetType::Jsonb,
        "uuid" => TargetType::Uuid,
        _ => return None,
    })
}

fn out_of_numbers(target: TargetType, reading: &str) -> Option<TargetType> {
    let reading = Reading::ALL.into_iter().find(|it| it.to_string() == reading)?;
    Some(match target {
        TargetType::Date => TargetType::DateFrom(reading),
        TargetType::Timestamp => TargetType::TimestampFrom(reading),
        TargetType::TimestampTz => TargetType::TimestampTzFrom(reading),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn types_are_known_by_their_names_and_aliases() {
        for (text, expected) in [
            ("int4", Some("integer")),
            ("BIGINT", Some("bigint")),
            (" Double   Precision ", Some("double precision")),
            ("decimal(12, 2)", Some("numeric(12,2)")),
            ("numeric(5)", Some("numeric(5,0)")),
            ("numeric", Some("numeric")),
            ("varchar(80)", Some("character varying(80)")),
            ("character  varying (80)", Some("character varying(80)")),
            ("timestamptz", Some("timestamp with time zone")),
            (
                "timestamptz from Julian  days",
                Some("timestamp with time zone from julian days"),
            ),
            (
                "timestamp from milliseconds",
                Some("timestamp without time zone from milliseconds"),
            ),
            ("date from seconds", Some("date from seconds")),
            ("citext", Some("citext")),
            ("jsonb", Some("jsonb")),
            ("time from seconds", None),
            ("timestamp from hours", None),
            ("timestamp(3)", None),
            ("real", None),
            ("varchar", None),
            ("varchar(0)", None),
            ("numeric(0)", None),
            ("numeric(2,3)", None),
            ("numeric(1001)", None),
            ("numeric(1,1,1)", None),
            ("numeric(1", None),
            ("text(5)", None),
            ("", None),
        ] {
            let parsed = text.parse::<TargetType>().map(|it| it.to_string());
            assert_eq!(parsed.as_deref().ok(), expected, "{text}");
            if let Ok(shown) = &parsed {
                assert_eq!(shown.parse::<TargetType>().map(|it| it.to_string()), parsed);
            }
        }
    }

    #[test]
    fn what_is_refused_is_told_the_list() {
        let message = "real".parse::<TargetType>().unwrap_err().to_string();
        assert!(message.contains("`real`") && message.contains("double precision"));
    }
}
