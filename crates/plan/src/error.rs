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
    /// The source has no such object.
    NoSuchObject(String),
    /// Two objects of the source would get one name, in full before it was cut.
    ObjectCollision {
        first: String,
        second: String,
        target: String,
    },
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
                    "`{pair}` is no pair SCHEMA.OLD=NEW (a part with a dot stands in double quotes)"
                )
            }
            MappingError::NoSuchObject(name) => write!(f, "the source has no object `{name}`"),
            MappingError::ObjectCollision {
                first,
                second,
                target,
            } => write!(f, "{first} and {second} would both become `{target}`"),
            MappingError::EmptyName => write!(f, "a schema's name cannot be empty"),
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
