//! What objects are defined as, property by property, so that two databases can be compared without comparing dumps.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::ObjectKind;

/// One object of a database with everything that defines it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Definition {
    pub kind: DefinitionKind,
    pub schema: String,
    /// Without a schema; for operators their sign.
    pub name: String,
    /// What the object belongs to, in the same schema: the table of a column, an index, a constraint, a trigger.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub table: Option<String>,
    /// Of routines, aggregates and operators: the types of the arguments, as the server writes them under an empty search
    /// path; tells objects of one name apart.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub arguments: Option<String>,
    /// In a fixed order for each kind.
    pub properties: Vec<Property>,
}

/// What is defined.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DefinitionKind {
    Schema,
    Column,
    Extension,
    /// Its types stand in `arguments`, its name is empty.
    Cast,
    EventTrigger,
    /// What those get who have no part in making an object: `tables made by ada`.
    DefaultPrivileges,
    /// Everything that has a name of its own among [`ObjectKind`].
    #[serde(untagged)]
    Object(ObjectKind),
}

impl fmt::Display for DefinitionKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            DefinitionKind::Schema => f.write_str("schema"),
            DefinitionKind::Column => f.write_str("column"),
            DefinitionKind::Extension => f.write_str("extension"),
            DefinitionKind::Cast => f.write_str("cast"),
            DefinitionKind::EventTrigger => f.write_str("event trigger"),
            DefinitionKind::DefaultPrivileges => f.write_str("default privileges"),
            DefinitionKind::Object(kind) => kind.fmt(f),
        }
    }
}

/// One thing that can be said of an object.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Property {
    /// In words for people: `type`, `default`, `not null`, `definition`, `validated`, `comment`.
    pub name: String,
    pub value: Value,
}

/// What a property says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Value {
    /// A word, a number or a text in which nothing has a name of the source's.
    Plain(String),
    /// A whole SQL statement as the server writes it under an empty search path: names in it have their schemas, and are
    /// given new ones as in a dump.
    Statement(String),
    /// A whole SQL statement as we wrote it: the server keeps what it says, and writes it in its own words. Names are as in a
    /// [`Value::Statement`].
    Written(String),
}
