//! How a source is used, of `pg_stat_*`: all of it since the statistics were reset.

use serde::{Deserialize, Serialize};

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct TableUsage {
    pub sequential_scans: u64,
    pub index_scans: u64,
    /// Rows that scans returned.
    pub rows_read: u64,
    /// Inserted, updated and deleted together.
    pub rows_written: u64,
    /// ISO 8601, UTC; PostgreSQL 16 and later tell it.
    pub last_used: Option<String>,
}

/// Connections by application and role, ours left out.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Connections {
    pub application: String,
    pub role: String,
    pub client: Option<String>,
    pub count: u64,
    pub active: u64,
}

/// Of `pg_stat_statements`, its constants left out by the server.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Statement {
    pub text: String,
    pub calls: u64,
    pub total_milliseconds: u64,
    pub rows: u64,
}
