//! Tables whose rows come out of several sources, as an archive says it.
//!
//! A [`crate::TableKind::Merged`] table is made by the archive's definitions and has no rows in it. Each of its parts is a
//! table of kind [`crate::TableKind::Part`]: it has one source's columns, types and rows, but no definition; who loads it
//! makes a staging table for it, and fills the merged table by one `INSERT … SELECT` from each. A merged table may have one
//! part alone: its rows refer to keys that become others. `docs/merging.md` is the contract.

use serde::{Deserialize, Serialize};

/// What becomes of the rows of one source's table: of kind [`crate::TableKind::Part`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Part {
    /// The source's name in the plan; what the merged table's source column gets.
    pub source: String,
    /// The number of the merged table.
    pub into: u32,
    /// One for each stored column of the merged table, in their order.
    pub values: Vec<PartValue>,
}

/// What one column of the merged table gets from the rows of one part.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PartValue {
    /// The merged table's column.
    pub column: String,
    /// SQL over the part's columns, which the alias `s` has: `s.id + 1000000`, `'shop'`, `NULL`.
    pub sql: String,
    /// The part's column that it comes from; `None` for a constant.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<String>,
    /// The other way, over the merged table's columns, which the alias `t` has; it has the type and the value of
    /// `from`: `t.id - 1000000`. `None` where `from` is, or where there is no way back (UUIDs).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub back: Option<String>,
}

/// How the parts of a merged table come together: of kind [`crate::TableKind::Merged`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Merged {
    /// Numbers of the parts; of rows that are the same, the first part's wins.
    pub parts: Vec<u32>,
    /// The column that says where a row comes from; `None` for a table of one part whose rows only follow others.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source_column: Option<String>,
    /// Rows with equal values here (none of them NULL) are one row; empty for none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub dedupe: Vec<String>,
    /// Foreign keys to other merged tables (or to itself) whose rows may have been joined: their values follow.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub follows: Vec<Followed>,
}

/// A foreign key of a merged table, or of any other, to a merged table in which rows are joined.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Followed {
    pub columns: Vec<String>,
    /// The number of the merged table.
    pub parent: u32,
    /// In the order of `columns`.
    pub parent_columns: Vec<String>,
}
