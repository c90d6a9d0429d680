//! Keys in common: which tables' integer keys become UUIDs.

use serde::{Deserialize, Serialize};

/// What becomes of a source's integer primary keys.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Keys {
    /// Patterns of the tables whose keys become UUIDs; see [`crate::TablePattern`].
    pub uuid: Vec<String>,
    /// What follows a key's name in the name of the column that keeps its old value; without it none is kept.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub keep_old: Option<String>,
    /// The name that stands for the source in the new keys; without it the source's name in the plan.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
}
