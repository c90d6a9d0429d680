//! What lives beside tables.

use serde::{Deserialize, Serialize};

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Extension {
    pub name: String,
    pub version: String,
    pub schema: String,
    /// Whether who may CREATE on the database may create it.
    pub trusted: bool,
    pub relocatable: bool,
    /// Functions, types, operators and tables that belong to it: how many.
    pub members: u64,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct View {
    pub schema: String,
    pub name: String,
    pub materialized: bool,
    pub owner: String,
    /// As `pg_get_viewdef` writes it under an empty `search_path`; of SQLite the statement.
    pub definition: String,
    pub bytes: u64,
    pub comment: Option<String>,
    pub grants: Vec<String>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Routine {
    pub schema: String,
    pub name: String,
    /// `function`, `procedure`, `aggregate` or `window function`.
    pub kind: String,
    /// As `pg_get_function_identity_arguments` writes them, without names: `integer, text`.
    pub arguments: String,
    pub language: String,
    pub owner: String,
    pub security_definer: bool,
    /// `proconfig`: `search_path=app, public`.
    pub settings: Vec<String>,
    /// `prosrc`; empty for C and for bodies that are parsed trees.
    pub body: String,
    pub grants: Vec<String>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Trigger {
    /// Of its table.
    pub schema: String,
    pub table: String,
    pub name: String,
    pub definition: String,
    /// `tgenabled`: `O`, `D`, `R` or `A`.
    pub enabled: String,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Type {
    pub schema: String,
    pub name: String,
    /// `enum`, `domain`, `composite`, `range` or `base`.
    pub kind: String,
    /// Of an enum, in their order.
    pub labels: Vec<String>,
    /// Of a domain its base type, of a range its subtype.
    pub base: Option<String>,
    pub owner: String,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct LargeObjects {
    pub count: u64,
    /// Ascending runs of OIDs, both ends in them: `[16400, 16410]`.
    pub ranges: Vec<(u32, u32)>,
    /// Why not all of them can be read.
    pub unreadable: Option<String>,
    /// What helps where they cannot.
    pub way_out: Option<String>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Role {
    pub name: String,
    pub superuser: bool,
    pub login: bool,
    pub bypass_row_security: bool,
    pub connection_limit: Option<u32>,
    /// Roles that it is a member of.
    pub member_of: Vec<String>,
    /// Objects here that it owns, and grants here that it has been given.
    pub owned: u64,
    pub granted: u64,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Publication {
    pub name: String,
    pub all_tables: bool,
    /// `schema.table`.
    pub tables: Vec<String>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Subscription {
    pub name: String,
    pub enabled: bool,
    pub publications: Vec<String>,
}

/// A replication slot of this database.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Slot {
    pub name: String,
    pub plugin: Option<String>,
    pub active: bool,
}

/// A server of a foreign data wrapper, or a connection that a body opens by `dblink`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct ForeignServer {
    pub name: String,
    /// `postgres_fdw`, `dblink_fdw`, `file_fdw`, …
    pub wrapper: String,
    pub host: Option<String>,
    pub port: Option<String>,
    pub database: Option<String>,
    pub tables: u64,
}

impl LargeObjects {
    /// Those with these OIDs, ascending.
    pub fn of(oids: &[u32]) -> LargeObjects {
        let mut ranges: Vec<(u32, u32)> = Vec::new();
        for &oid in oids {
            match ranges.last_mut() {
                Some((_, last)) if last.checked_add(1) == Some(oid) => *last = oid,
                _ => ranges.push((oid, oid)),
            }
        }
        LargeObjects {
            count: oids.len() as u64,
            ranges,
            ..LargeObjects::default()
        }
    }
}
