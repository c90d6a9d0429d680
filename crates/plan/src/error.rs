//! Why a mapping cannot be used.

use std::fmt;

/// A mapping that cannot be used, with the names concerned.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum MappingError {
    /// `OLD=NEW` was expected.
    NotAPair(String),
    /// `SCHEMA.OLD=NEW` was expected.
    NotARename(String),
    /// `[SCHEMA.]TABLE` was expected.
    NotATable(String),
    /// The source has no such object.
    NoSuchObject(String),
    /// The source has no such schema, but others.
    NoSuchSchema { name: String, known: Vec<String> },
    /// A column would be called like one that every table has.
    SystemColumn { column: String, target: String },
    /// A column comes from two parents, so that PostgreSQL renames it in none.
    InheritedTwice(String),
    /// Two objects of the source would get one name, in full before it was cut.
    ObjectCollision {
        first: String,
        second: String,
        target: String,
    },
    /// A column of a table with partitions, heirs or parents would get a name of its own.
    ColumnOfHeirs(String),
    /// A new name is empty.
    EmptyName,
    /// A new name has more bytes than PostgreSQL keeps of one.
    TooLong(String),
    /// A schema would get a name that PostgreSQL or Coalesce keeps for itself.
    ReservedPrefix(String),
    /// Two names were given for this one.
    Twice(String),
    /// Two schemas of the source would get one name.
    Collision {
        first: String,
        second: String,
        target: String,
    },
}

impl fmt::Display for MappingError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            MappingError::NotAPair(pair) => write!(f, "`{pair}` is no pair OLD=NEW"),
            MappingError::NotARename(pair) => {
                write!(
                    f,
                    "`{pair}` is no pair SCHEMA.OLD=NEW (NEW without a schema, a routine as OLD() with all its overloads, a name with a dot in double quotes)"
                )
            }
            MappingError::NotATable(pattern) => {
                write!(
                    f,
                    "`{pattern}` is no [SCHEMA.]TABLE (a name with a dot in double quotes)"
                )
            }
            MappingError::NoSuchSchema { name, known } => {
                write!(
                    f,
                    "the source has no schema `{name}`; it has {}",
                    known.join(", ")
                )
            }
            MappingError::SystemColumn { column, target } => {
                write!(
                    f,
                    "{column} would become `{target}`, which every table has as a system column"
                )
            }
            MappingError::InheritedTwice(column) => write!(
                f,
                "{column} comes from two parents, and PostgreSQL cannot rename such a column"
            ),
            MappingError::ColumnOfHeirs(column) => write!(
                f,
                "{column} is in a table with partitions, heirs or parents, whose columns cannot get names one by one"
            ),
            MappingError::NoSuchObject(name) => write!(f, "the source has no object `{name}`"),
            MappingError::ObjectCollision {
                first,
                second,
                target,
            } => write!(f, "{first} and {second} would both become `{target}`"),
            MappingError::EmptyName => write!(f, "a name cannot be empty"),
            MappingError::TooLong(name) => {
                write!(
                    f,
                    "schema name `{name}` has {} bytes, PostgreSQL keeps 63",
                    name.len()
                )
            }
            MappingError::ReservedPrefix(name) => {
                write!(
                    f,
                    "schema name `{name}` is reserved (`pg_…`, `information_schema`, `coalesce`)"
                )
            }
            MappingError::Twice(name) => write!(f, "schema `{name}` is mapped twice"),
            MappingError::Collision {
                first,
                second,
                target,
            } => {
                write!(f, "schemas `{first}` and `{second}` would both become `{target}`")
            }
        }
    }
}

impl std::error::Error for MappingError {}
