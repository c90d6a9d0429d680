//! What a plan says of single tables of a source, and what the source had when the plan was made.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// What becomes of one table's rows and columns.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PlannedTable {
    /// Only rows for which this SQL condition is true are moved.
    #[serde(default, rename = "where", skip_serializing_if = "Option::is_none")]
    pub condition: Option<String>,
    /// The table stays behind, with its rows and its definition.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub leave_out: bool,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub columns: BTreeMap<String, PlannedColumn>,
    /// Columns that the source does not have.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub add: BTreeMap<String, AddedColumn>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
}

/// What becomes of one column.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PlannedColumn {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rename: Option<String>,
    #[serde(default, rename = "type", skip_serializing_if = "Option::is_none")]
    pub target: Option<String>,
    /// An SQL expression over the source's columns, for `type`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub using: Option<String>,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub drop: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
}

/// A column that the target has and the source has not.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AddedColumn {
    #[serde(rename = "type")]
    pub target: String,
    /// An SQL expression that needs no row: what every row that was moved gets.
    pub value: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
}

/// What a source had when its plan was made, so that a later look can say what changed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MadeOf {
    /// How many of each kind: `views`, `functions`, `triggers`, `types`, `sequences`.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub counts: BTreeMap<String, u64>,
    /// With their versions.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub extensions: BTreeMap<String, String>,
    /// Those that own something or were granted something.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub roles: Vec<String>,
    /// By `schema.table`.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub tables: BTreeMap<String, TableMadeOf>,
}

/// A table's definition, as far as a change of it is told.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TableMadeOf {
    /// `name type`, in the table's order.
    pub columns: Vec<String>,
    /// Of everything that defines it: the first 12 digits of a SHA-256.
    pub definition: String,
}

impl PlannedTable {
    /// Whether nothing is said but, at most, why.
    pub fn is_empty(&self) -> bool {
        self.condition.is_none() && !self.leave_out && self.columns.is_empty() && self.add.is_empty()
    }

    /// Whether its columns are others on the target.
    pub fn changes_columns(&self) -> bool {
        !self.columns.is_empty() || !self.add.is_empty()
    }
}
