//! The types that `--type` takes, by PostgreSQL's names for them.

use std::fmt;
use std::str::FromStr;

use super::target_type::{NUMERIC_PRECISION_MAX, NumericBounds, TargetType, VARCHAR_MAX};

/// No type that a column of a SQLite file can become.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnknownType(String);

impl fmt::Display for UnknownType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "`{}` is no type that a column of a SQLite file can become",
            self.0
        )
    }
}

impl std::error::Error for UnknownType {}

impl FromStr for TargetType {
    type Err = UnknownType;

    fn from_str(text: &str) -> Result<Self, UnknownType> {
        let unknown = || UnknownType(text.to_owned());
        let lower = text.to_ascii_lowercase();
        let (base, arguments) = match lower.split_once('(') {
            Some((base, rest)) => (base, Some(rest.trim_end().strip_suffix(')').ok_or_else(unknown)?)),
            None => (lower.as_str(), None),
        };
        let base = base.split_whitespace().collect::<Vec<_>>().join(" ");
        let numbers: Vec<u32> = arguments
            .map(|it| it.split(',').map(|it| it.trim().parse()).collect())
            .transpose()
            .map_err(|_| unknown())?
            .unwrap_or_default();
        match (base.as_str(), numbers.as_slice()) {
            ("numeric" | "decimal", [precision, rest @ ..]) if rest.len() < 2 => {
                let narrow = |it: u32| u16::try_from(it).map_err(|_| unknown());
                let bounds = NumericBounds {
                    precision: narrow(*precision)?,
                    scale: narrow(rest.first().copied().unwrap_or(0))?,
                };
                let holds = (1..=NUMERIC_PRECISION_MAX).contains(&bounds.precision)
                    && bounds.scale <= bounds.precision;
                holds
                    .then_some(TargetType::Numeric(Some(bounds)))
                    .ok_or_else(unknown)
            }
            ("varchar" | "character varying", [len]) if (1..=VARCHAR_MAX).contains(len) => {
                Ok(TargetType::Varchar(*len))
            }
            (_, []) if arguments.is_none() => plain(&base).ok_or_else(unknown),
            _ => Err(unknown()),
        }
    }
}

fn plain(name: &str) -> Option<TargetType> {
    Some(match name {
        "smallint" | "int2" => TargetType::SmallInt,
        "bigint" | "int8" => TargetType::BigInt,
        "boolean" | "bool" => TargetType::Boolean,
        "double precision" | "float8" => TargetType::Double,
        "numeric" | "decimal" => TargetType::Numeric(None),
        "text" | "varchar" | "character varying" => TargetType::Text,
        "bytea" => TargetType::Bytea,
        "date" => TargetType::Date,
        "time" | "time without time zone" => TargetType::Time,
        "timestamp" | "timestamp without time zone" => TargetType::Timestamp,
        "timestamptz" | "timestamp with time zone" => TargetType::TimestampTz,
        "json" => TargetType::Json,
        "uuid" => TargetType::Uuid,
        _ => return None,
    })
}
