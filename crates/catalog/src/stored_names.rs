//! Where names of objects stand in the values of a column. PostgreSQL stores the OID of a table and writes its
//! name, so such a value means another object, or none, once the object has a new name.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Where names stand in the values of one type. Domains are seen through.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum StoredNames {
    /// The value is a name.
    Object(NameKind),
    /// The elements of an array, whatever its dimensions.
    Array(Box<StoredNames>),
    /// One for each attribute that the composite type has, `None` where there are no names in it.
    Composite(Vec<Option<StoredNames>>),
    /// A range or multirange over such values: its bounds are in the order of OIDs, which no other database has.
    Range,
}

/// The types whose text is a name that a schema can qualify, or a schema's own:
/// <https://www.postgresql.org/docs/current/datatype-oid.html>. Roles belong to the whole server.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum NameKind {
    RegClass,
    RegCollation,
    RegConfig,
    RegDictionary,
    RegNamespace,
    RegOper,
    RegOperator,
    RegProc,
    RegProcedure,
    RegType,
}

impl NameKind {
    /// Every kind, in the order of the type's name.
    pub const ALL: [NameKind; 10] = [
        NameKind::RegClass,
        NameKind::RegCollation,
        NameKind::RegConfig,
        NameKind::RegDictionary,
        NameKind::RegNamespace,
        NameKind::RegOper,
        NameKind::RegOperator,
        NameKind::RegProc,
        NameKind::RegProcedure,
        NameKind::RegType,
    ];

    /// The type's name in `pg_catalog`.
    pub fn type_name(self) -> &'static str {
        match self {
            NameKind::RegClass => "regclass",
            NameKind::RegCollation => "regcollation",
            NameKind::RegConfig => "regconfig",
            NameKind::RegDictionary => "regdictionary",
            NameKind::RegNamespace => "regnamespace",
            NameKind::RegOper => "regoper",
            NameKind::RegOperator => "regoperator",
            NameKind::RegProc => "regproc",
            NameKind::RegProcedure => "regprocedure",
            NameKind::RegType => "regtype",
        }
    }

    /// The kind that a type's name means, unqualified.
    pub fn from_type_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|it| it.type_name() == name)
    }
}

impl fmt::Display for NameKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.type_name())
    }
}
