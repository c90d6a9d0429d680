//! What a plan holds of a SQLite file beside its mapping: the choices by which every tool must read it alike.

use serde::{Deserialize, Serialize};

/// The type of one column of a SQLite file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PlannedType {
    pub table: String,
    pub column: String,
    /// As `--type` takes it.
    #[serde(rename = "type")]
    pub target: String,
    /// Why, for people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
}

/// What becomes of values that their column's chosen type cannot hold: the words of `--on-bad-value`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum BadValues {
    Stop,
    Null,
    TextColumn,
    Reject,
}

/// What becomes of rows without a parent: the words of `--orphans`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum OrphanRows {
    Stop,
    Keep,
    Delete,
    Null,
}

/// What becomes of COLLATE NOCASE: the words of `--nocase`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum NocaseText {
    Ignore,
    Citext,
    Icu,
}

/// What becomes of full-text tables: the words of `--full-text`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum FullTextTables {
    LeaveOut,
    Tsvector,
}

/// New names that a SQLite file's tables, indexes and columns have before any mapping.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FileNames {
    /// As `--snake-case` of the tools that read the file.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub snake_case: bool,
    /// As their `--rename`; goes before `snake_case`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub rename: Vec<PlannedName>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
}

/// The new name of one table, index, view or column, which is called as the file has it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PlannedName {
    pub table: String,
    /// Without it the table, index or view itself gets the name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub column: Option<String>,
    pub name: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
}
