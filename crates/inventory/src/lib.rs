//! What a source or a target holds and how it is used: the shapes that the census fills and that conflicts, pictures,
//! the dictionary and every report read. Only data, in the terms of PostgreSQL's catalogs.
//!
//! All of it is `Deserialize` too: an inventory that was written as JSON can be looked at later, without its source.

mod definitions;
mod relations;
mod server;
mod usage;

pub use definitions::{
    Extension, ForeignServer, LargeObjects, Publication, Role, Routine, Slot, Subscription, Trigger, Type,
    View,
};
pub use relations::{
    Column, ForeignKey, Index, IndexFlags, Key, KeyKind, Policy, Sequence, Table, TableKind,
};
pub use server::{Collation, Engine, Scope, Server, Setting};
pub use usage::{Connections, Statement, TableUsage};

use serde::{Deserialize, Serialize};

/// One source, or the target.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Inventory {
    /// As in messages: a database's or a file's name.
    pub name: String,
    /// How it was reached, without a password.
    pub endpoint: String,
    pub server: Server,
    /// Settings that change what text or SQL means.
    pub settings: Vec<Setting>,
    pub extensions: Vec<Extension>,
    /// The source's own schemas, in order of names; `main` is never one: a SQLite file's tables are in `public`.
    pub schemas: Vec<Schema>,
    /// In order of schema and name.
    pub tables: Vec<Table>,
    pub views: Vec<View>,
    pub routines: Vec<Routine>,
    pub triggers: Vec<Trigger>,
    pub sequences: Vec<Sequence>,
    pub types: Vec<Type>,
    pub large_objects: LargeObjects,
    /// Roles that own something, have been granted something or are connected.
    pub roles: Vec<Role>,
    pub publications: Vec<Publication>,
    pub subscriptions: Vec<Subscription>,
    pub slots: Vec<Slot>,
    pub foreign_servers: Vec<ForeignServer>,
    pub connections: Vec<Connections>,
    /// Heaviest first; `None` where `pg_stat_statements` is not there or may not be read.
    pub statements: Option<Vec<Statement>>,
    /// What could not be looked at, and why, as sentences.
    pub unread: Vec<String>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Schema {
    pub name: String,
    pub owner: String,
    pub comment: Option<String>,
    /// As `aclitem` writes it: `alice=UC/owner`.
    pub grants: Vec<String>,
}

impl Inventory {
    /// Bytes of all tables with indexes and TOAST; a partitioned table's are those of its partitions.
    pub fn bytes(&self) -> u64 {
        self.tables.iter().map(Table::bytes).sum()
    }

    /// Rows of all tables; partitioned tables count none, their partitions do.
    pub fn rows(&self) -> u64 {
        self.tables.iter().map(Table::rows).sum()
    }

    /// Whether every table's rows were counted.
    pub fn rows_are_exact(&self) -> bool {
        self.tables.iter().all(|it| it.rows_exact)
    }

    pub fn is_postgres(&self) -> bool {
        self.server.engine == Engine::Postgres
    }

    pub fn table(&self, schema: &str, name: &str) -> Option<&Table> {
        self.tables
            .iter()
            .find(|it| it.schema == schema && it.name == name)
    }

    pub fn tables_in<'a>(&'a self, schema: &'a str) -> impl Iterator<Item = &'a Table> {
        self.tables.iter().filter(move |it| it.schema == schema)
    }

    /// Extensions but for the one that every database has.
    pub fn own_extensions(&self) -> impl Iterator<Item = &Extension> {
        self.extensions.iter().filter(|it| it.name != "plpgsql")
    }
}
