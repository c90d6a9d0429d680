//! Foreign keys: along them values of one table are values of another.

use serde::{Deserialize, Serialize};

use crate::QualifiedName;

/// A foreign key of a table, as far as it says which columns hold the same values.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ForeignKey {
    /// The table that refers.
    pub table: QualifiedName,
    pub columns: Vec<String>,
    /// The table that is referred to.
    pub parent: QualifiedName,
    /// In the order of `columns`; empty where the primary key is meant.
    pub parent_columns: Vec<String>,
}
