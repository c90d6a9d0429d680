//! What a declared type asks for: the PostgreSQL types that a column may get, the closest first. The census
//! takes the first that holds every value.

use super::chosen;
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

#[derive(Debug, PartialEq, Eq)]
pub(super) struct Proposal {
    /// Never empty; the last one holds everything.
    pub(super) candidates: Vec<TargetType>,
    /// For a column without values.
    pub(super) empty: TargetType,
    /// Whether the declared type means the first candidate, so that another one is worth a note.
    pub(super) declared: bool,
}

impl Proposal {
    /// What somebody has chosen, whatever the declared type says.
    pub(super) fn chosen(target: TargetType) -> Proposal {
        Proposal {
            candidates: chosen::candidates(target),
            empty: target,
            declared: true,
        }
    }

    pub(super) fn widest(&self) -> TargetType {
        self.candidates.last().copied().unwrap_or(self.empty)
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

/// `ordered` says that the column is part of a key or an index, which `json` cannot be.
pub(super) fn propose(declared: &str, ordered: bool) -> Proposal {
    use TargetType::{
        BigInt, Boolean, Bytea, Date, Double, Json, MixedBytea, MixedText, Numeric, SmallInt, Text, Time,
        Timestamp, TimestampTz, Uuid, Varchar,
    };
    let (base, arguments) = split(declared);
    let bounds = numeric_bounds(&arguments);
    let mut candidates = match base.as_str() {
        "SMALLINT" | "INT2" | "TINYINT" => vec![SmallInt, BigInt],
        "BOOLEAN" | "BOOL" => vec![Boolean],
        "DATE" => vec![Date, Timestamp, TimestampTz],
        "DATETIME" | "TIMESTAMP" | "DATETIME2" | "SMALLDATETIME" | "TIMESTAMP WITHOUT TIME ZONE" => {
            vec![Timestamp, TimestampTz]
        }
        "TIMESTAMPTZ" | "TIMESTAMP WITH TIME ZONE" | "DATETIMEOFFSET" => vec![TimestampTz, Timestamp],
        "TIME" | "TIME WITHOUT TIME ZONE" => vec![Time],
        "JSON" | "JSONB" if !ordered => vec![Json],
        "JSON" | "JSONB" | "STRING" => vec![Text],
        "UUID" | "GUID" | "UNIQUEIDENTIFIER" => vec![Uuid],
        "NUMERIC" | "DECIMAL" | "DEC" | "NUMBER" | "MONEY" => bounds
            .map(|it| Numeric(Some(it)))
            .into_iter()
            .chain([Numeric(None)])
            .collect(),
        _ => match Affinity::of(declared) {
            Affinity::Integer => vec![BigInt],
            Affinity::Text => {
                let len = arguments
                    .first()
                    .copied()
                    .filter(|len| (1..=VARCHAR_MAX).contains(len));
                let is_char = base.contains("CHAR");
                len.filter(|_| is_char)
                    .map(Varchar)
                    .into_iter()
                    .chain([Text])
                    .collect()
            }
            Affinity::Blob if !declared.is_empty() => vec![Bytea],
            Affinity::Real => vec![Double],
            Affinity::Blob | Affinity::Numeric => Vec::new(),
        },
    };
    let declared = !candidates.is_empty();
    let empty = candidates.first().copied().unwrap_or(Text);
    for wider in [BigInt, Double, Numeric(None), Text, Bytea, MixedText, MixedBytea] {
        if !candidates.contains(&wider) {
            candidates.push(wider);
        }
    }
    Proposal {
        candidates,
        empty,
        declared,
    }
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
            ("JSON", "json"),
            ("GUID", "uuid"),
            ("STRING", "text"),
            ("", "text"),
            ("whatever", "text"),
        ] {
            assert_eq!(propose(declared, false).empty.to_sql(), expected, "{declared}");
        }
    }

    #[test]
    fn json_is_no_key() {
        assert_eq!(propose("JSON", true).empty, TargetType::Text);
    }
}
