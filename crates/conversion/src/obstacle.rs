//! What stands in the way of a conversion.

use std::fmt;

use plan::MappingError;

/// Why keys cannot become UUIDs.
#[derive(Debug)]
#[non_exhaustive]
pub enum Unfit {
    Pattern(MappingError),
    /// Everything that stands in the way.
    Obstacles(Vec<Obstacle>),
}

/// What stands in the way of one conversion. Columns are `schema.table.column`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Obstacle {
    /// No table of the source has this pattern.
    NoTable(String),
    /// None of the tables that are meant has a key that can become a UUID.
    NoKey(String),
    /// The table's primary key is no single integer column.
    NoIntegerKey(String),
    /// The key holds the values of a column that stays an integer.
    FollowsInteger {
        column: String,
        other: String,
    },
    /// The column refers to two keys at once, so that it has no one namespace.
    TwoKeys {
        column: String,
        first: String,
        second: String,
    },
    /// The column refers to a table that the source does not have, or that is left out.
    Outside {
        column: String,
        parent: String,
    },
    /// The column refers to a key and is no integer.
    NotAnInteger {
        column: String,
        type_name: String,
        key: String,
    },
    Generated(String),
    /// Rows of the table are another server's.
    ForeignTable(String),
    /// Values of the table hold names of objects.
    HoldsNames(String),
    /// The name for the column that keeps the old value is taken, or too long.
    KeptName {
        table: String,
        name: String,
    },
}

impl fmt::Display for Obstacle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Obstacle::NoTable(pattern) => write!(f, "the source has no table `{pattern}`"),
            Obstacle::NoKey(patterns) => {
                write!(
                    f,
                    "no table of `{patterns}` has a single integer column as its primary key"
                )
            }
            Obstacle::NoIntegerKey(table) => {
                write!(f, "the primary key of {table} is no single integer column")
            }
            Obstacle::FollowsInteger { column, other } => write!(
                f,
                "{column} holds values of {other}, which stays an integer: name that table, too"
            ),
            Obstacle::TwoKeys {
                column,
                first,
                second,
            } => write!(
                f,
                "{column} refers to {first} and to {second}: one value cannot become two keys"
            ),
            Obstacle::Outside { column, parent } => {
                write!(
                    f,
                    "{column} refers to {parent}, which is not here: its keys stay integers"
                )
            }
            Obstacle::NotAnInteger {
                column,
                type_name,
                key,
            } => {
                write!(f, "{column} refers to {key} and is {type_name}, no integer")
            }
            Obstacle::Generated(column) => write!(f, "{column} is generated from other columns"),
            Obstacle::ForeignTable(table) => {
                write!(f, "rows of the foreign table {table} are another server's")
            }
            Obstacle::HoldsNames(table) => {
                write!(
                    f,
                    "{table} has a column of a type such as regclass, whose rows go in late"
                )
            }
            Obstacle::KeptName { table, name } => write!(
                f,
                "{table} cannot keep the old key as `{name}`: the name is taken, too long or the key's own"
            ),
        }
    }
}

impl fmt::Display for Unfit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Unfit::Pattern(_) => f.write_str("a pattern of tables cannot be read"),
            Unfit::Obstacles(_) => f.write_str("integer keys cannot become UUIDs as asked"),
        }
    }
}

impl std::error::Error for Unfit {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Unfit::Pattern(error) => Some(error),
            Unfit::Obstacles(_) => None,
        }
    }
}
