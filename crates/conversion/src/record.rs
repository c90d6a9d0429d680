//! What an archive says of its conversions.

use catalog::{Column, ColumnType, QualifiedName, Table};
use serde::{Deserialize, Serialize};

use crate::Namespace;

/// What becomes of the rows of one table.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TableConversion {
    /// The table's number in the archive.
    pub table: u32,
    /// In the order of the table's columns.
    pub columns: Vec<ColumnConversion>,
}

/// What becomes of the values of one column.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ColumnConversion {
    /// The name under which the column is made and filled ([`Column::name`]).
    pub column: String,
    pub kind: ConversionKind,
    /// The type that the rows have.
    pub from: IntegerType,
    /// The table whose key it is, under its name in the source.
    pub key_of: QualifiedName,
    pub namespace: Namespace,
    /// A further column with the old value.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kept_as: Option<KeptColumn>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ConversionKind {
    /// An integer key becomes a UUID: see [`Namespace::uuid`].
    UuidKey,
}

/// A column that keeps old values.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KeptColumn {
    /// The name under which it is made and filled.
    pub name: String,
    /// The name that it gets after the rows, when that is another one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub new_name: Option<String>,
}

/// An integer type of PostgreSQL.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum IntegerType {
    SmallInt,
    Integer,
    BigInt,
}

impl IntegerType {
    /// The column's type, if it is one of these and no array or domain of it.
    pub fn of(column: &Column) -> Option<Self> {
        let it = &column.column_type;
        let all = [Self::SmallInt, Self::Integer, Self::BigInt];
        all.into_iter()
            .find(|known| it.schema == ColumnType::BUILT_IN_SCHEMA && it.text == known.name())
    }

    /// As `format_type` writes it.
    pub fn name(self) -> &'static str {
        match self {
            IntegerType::SmallInt => "smallint",
            IntegerType::Integer => "integer",
            IntegerType::BigInt => "bigint",
        }
    }

    /// `pg_type.typname`
    pub fn internal_name(self) -> &'static str {
        match self {
            IntegerType::SmallInt => "int2",
            IntegerType::Integer => "int4",
            IntegerType::BigInt => "int8",
        }
    }
}

impl TableConversion {
    /// What becomes of the column that is made under this name.
    pub fn column(&self, name: &str) -> Option<&ColumnConversion> {
        self.columns.iter().find(|it| it.column == name)
    }

    /// Columns with old values, in the order in which they follow the table's own.
    pub fn kept(&self) -> impl Iterator<Item = (&ColumnConversion, &KeptColumn)> {
        self.columns
            .iter()
            .filter_map(|it| Some((it, it.kept_as.as_ref()?)))
    }

    /// Whether every column of it is a stored one of the table, of the type that it says.
    pub fn fits(&self, table: &Table) -> bool {
        let fits = |it: &ColumnConversion| {
            let column = table.stored_columns().find(|column| column.name == it.column);
            column.is_some_and(|column| IntegerType::of(column) == Some(it.from))
        };
        self.table == table.number && !self.columns.is_empty() && self.columns.iter().all(fits)
    }
}

/// What becomes of the rows of the table with this number.
pub fn conversion_of(conversions: &[TableConversion], table: u32) -> Option<&TableConversion> {
    conversions.iter().find(|it| it.table == table)
}
