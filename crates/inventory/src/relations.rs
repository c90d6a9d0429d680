//! Tables with what hangs on them, and sequences.

use serde::{Deserialize, Serialize};

use crate::TableUsage;

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TableKind {
    #[default]
    Ordinary,
    Partitioned,
    Partition,
    Foreign,
    /// SQLite's full-text and other virtual tables.
    Virtual,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "what pg_class says of a table is independent of each other"
)]
pub struct Table {
    pub schema: String,
    pub name: String,
    pub kind: TableKind,
    /// Of a partition or an heir: `schema.table`.
    pub parents: Vec<String>,
    pub owner: String,
    pub comment: Option<String>,
    /// `None` when it was never analysed.
    pub rows_estimate: Option<u64>,
    /// Counted rows, or those of the estimate.
    pub rows_counted: Option<u64>,
    pub rows_exact: bool,
    /// Bytes of the heap.
    pub heap_bytes: u64,
    pub index_bytes: u64,
    pub toast_bytes: u64,
    /// Bytes that a rewrite would give back, estimated from statistics; `None` where nothing tells.
    pub bloat_bytes: Option<u64>,
    /// Dead rows, of `pg_stat_user_tables`.
    pub dead_rows: Option<u64>,
    /// ISO 8601, UTC.
    pub last_analyzed: Option<String>,
    pub unlogged: bool,
    pub columns: Vec<Column>,
    /// Primary key, unique, check and exclusion constraints.
    pub keys: Vec<Key>,
    pub foreign_keys: Vec<ForeignKey>,
    pub indexes: Vec<Index>,
    /// Row level security: enabled, and forced on the owner.
    pub row_security: bool,
    pub row_security_forced: bool,
    pub policies: Vec<Policy>,
    /// As `aclitem` writes it.
    pub grants: Vec<String>,
    /// `None` for files and archives.
    pub usage: Option<TableUsage>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Column {
    pub name: String,
    /// As `format_type` writes it; of SQLite the proposed type of PostgreSQL.
    pub type_name: String,
    /// Of SQLite: the declared type.
    pub declared: Option<String>,
    pub not_null: bool,
    pub default: Option<String>,
    pub identity: bool,
    pub generated: bool,
    /// A collation that is not the type's own.
    pub collation: Option<String>,
    pub comment: Option<String>,
    /// On this column alone, as `aclitem` writes it.
    pub grants: Vec<String>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum KeyKind {
    #[default]
    Primary,
    Unique,
    Check,
    Exclusion,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Key {
    pub name: String,
    pub kind: KeyKind,
    /// In the key's order.
    pub columns: Vec<String>,
    /// As `pg_get_constraintdef` writes it.
    pub definition: String,
    pub validated: bool,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct ForeignKey {
    pub name: String,
    pub columns: Vec<String>,
    pub parent_schema: String,
    pub parent: String,
    pub parent_columns: Vec<String>,
    pub definition: String,
    pub validated: bool,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Index {
    pub name: String,
    pub columns: Vec<String>,
    pub definition: String,
    /// Of access method `btree`, `gin`, …
    pub method: String,
    pub flags: IndexFlags,
    pub bytes: u64,
    /// Since the statistics were reset; `None` where nothing tells.
    pub scans: Option<u64>,
    /// Another index of this table that serves the same: its name.
    pub duplicate_of: Option<String>,
}

/// What an index is besides.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "the flags of pg_index are independent of each other"
)]
pub struct IndexFlags {
    pub unique: bool,
    /// It belongs to a constraint.
    pub constraint: bool,
    pub partial: bool,
    pub valid: bool,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Policy {
    pub name: String,
    pub roles: Vec<String>,
    pub command: String,
    pub permissive: bool,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Sequence {
    pub schema: String,
    pub name: String,
    pub type_name: String,
    /// `schema.table.column`.
    pub owned_by: Option<String>,
    /// `None` where it may not be read, or was never used.
    pub last_value: Option<i64>,
    pub max_value: i64,
    pub increment: i64,
}

impl Table {
    /// With indexes and TOAST.
    pub fn bytes(&self) -> u64 {
        self.heap_bytes + self.index_bytes + self.toast_bytes
    }

    /// Counted, estimated, or 0 where nothing is known.
    pub fn rows(&self) -> u64 {
        self.rows_counted.or(self.rows_estimate).unwrap_or(0)
    }

    pub fn primary_key(&self) -> Option<&Key> {
        self.keys.iter().find(|it| it.kind == KeyKind::Primary)
    }

    /// `schema.name`, unquoted, for people.
    pub fn label(&self) -> String {
        format!("{}.{}", self.schema, self.name)
    }
}
