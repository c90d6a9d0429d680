//! Which types a query can compare, sort and bring together as SQLite would.

use crate::{Collation, Expression, ValueType};

/// Whether equality of the type, and so GROUP BY, DISTINCT and UNION, is SQLite's.
pub(crate) fn is_comparable(value_type: ValueType) -> bool {
    // To SQLite, a moment with another offset is another text.
    !matches!(
        value_type,
        ValueType::Json | ValueType::Jsonb | ValueType::TimestampTz | ValueType::Other
    )
}

/// The expression as a key of ORDER BY or GROUP BY, where PostgreSQL takes a bare number for a place, and refuses other
/// bare constants.
pub(crate) fn as_key(sql: &str, value_type: ValueType) -> String {
    let bare = sql.trim_matches(['(', ')']);
    let is_constant = bare.bytes().all(|it| it.is_ascii_digit()) || ["NULL", "true", "false"].contains(&bare);
    match cast_name(value_type) {
        Some(name) if is_constant => format!("({sql})::{name}"),
        _ => sql.to_owned(),
    }
}

/// What is equal for PostgreSQL where SQLite takes the values for equal; `None` where nothing is.
pub(crate) fn equality_key(sql: &str, value_type: ValueType, collation: Collation) -> Option<String> {
    match (value_type, collation) {
        // As the translator writes it, so that a grouped query may show it.
        (ValueType::Text, Collation::NoCase) => Some(format!("lower({sql} COLLATE \"C\")")),
        (ValueType::Text, Collation::RTrim) => Some(format!("rtrim({sql})")),
        (ValueType::Text, Collation::Other) => None,
        (other, _) => is_comparable(other).then(|| sql.to_owned()),
    }
}

/// Whether values that SQLite takes for equal are the same, so that it does not matter which of them a result has.
pub(crate) fn is_one_value(value_type: ValueType, collation: Collation) -> bool {
    is_comparable(value_type) && (value_type != ValueType::Text || collation == Collation::Binary)
}

/// What ORDER BY asks so that PostgreSQL sorts as SQLite does; `None` where no order of PostgreSQL is SQLite's.
pub(crate) fn sort_key(sql: &str, value_type: ValueType, collation: Collation) -> Option<String> {
    match (value_type, collation) {
        (ValueType::Text, Collation::Binary) => Some(format!("{sql} COLLATE pg_catalog.\"C\"")),
        // SQLite folds ASCII alone, as `lower` does under this collation.
        (ValueType::Text, Collation::NoCase) => Some(format!(
            "lower({sql} COLLATE pg_catalog.\"C\") COLLATE pg_catalog.\"C\""
        )),
        (ValueType::Text, _) => None,
        (other, _) => is_comparable(other).then(|| sql.to_owned()),
    }
}

/// The type that holds the values of both in the parts of a compound query.
pub(crate) fn unified(one: ValueType, other: ValueType) -> Option<ValueType> {
    match (one, other) {
        _ if one == other => Some(one),
        (ValueType::Null, it) | (it, ValueType::Null) => Some(it),
        (ValueType::SmallInt, ValueType::Integer) | (ValueType::Integer, ValueType::SmallInt) => {
            Some(ValueType::Integer)
        }
        _ => None,
    }
}

/// The type's name in a cast; `None` for values of no one type.
pub(crate) fn cast_name(value_type: ValueType) -> Option<&'static str> {
    Some(match value_type {
        ValueType::Null | ValueType::Text => "text",
        ValueType::SmallInt => "smallint",
        ValueType::Integer => "bigint",
        ValueType::Boolean => "boolean",
        ValueType::Real => "double precision",
        ValueType::Numeric => "numeric",
        ValueType::Blob => "bytea",
        ValueType::Date => "date",
        ValueType::Time => "time without time zone",
        ValueType::Timestamp => "timestamp without time zone",
        ValueType::TimestampTz => "timestamp with time zone",
        ValueType::Json => "json",
        ValueType::Jsonb => "jsonb",
        ValueType::Uuid => "uuid",
        ValueType::Other => return None,
    })
}

/// The expression as exactly that type: a literal alone would get what PostgreSQL makes of it.
pub(crate) fn cast(expression: &Expression, value_type: ValueType) -> String {
    match cast_name(value_type) {
        Some(name) => format!("({})::{name}", expression.sql),
        None => expression.sql.clone(),
    }
}
