//! What a database contains: schemas, tables with their columns and keys, sequences, extensions with
//! their members, and every other named object.
//!
//! The catalog is data: it stands in `archive.json`, `assess` compares several of them, `remap-schema`
//! gives one its new names, `load` and `verify` work through one. Reading it from a live server or a file
//! is the job of `crates/database`; nothing here touches a network or a file.

mod changes;
mod collation;
mod definition;
mod extension;
mod foreign_key;
mod large_object;
mod merging;
mod name;
mod object;
mod order;
mod partition;
mod public_usage;
mod rename;
mod role_names;
mod search_path;
mod setting;
mod snake_case;
mod sql_words;
mod stored_names;
mod table;

pub use changes::{AddedColumn, ColumnChanges, RetypedColumn, called, own_type, redefine_changed};
pub use collation::Collation;
pub use definition::{Definition, DefinitionKind, Property, Value};
pub use extension::{Extension, Member};
pub use foreign_key::ForeignKey;
pub use large_object::{
    LargeObject, LargeObjectGrant, LargeObjectPrivilege, PIECE_BYTES, large_objects_table, oid_ranges,
};
pub use merging::{Followed, Merged, Part, PartValue};
pub use name::{IDENTIFIER_BYTES_MAX, QualifiedName, cut_identifier, quote_ident, quote_literal};
pub use object::{Object, ObjectKind};
pub use order::{Cycle, dependency_order};
pub use partition::{PartitionKey, PartitionStrategy, PartitionTrees, ThroughRoot};
pub use public_usage::PublicUsage;
pub use rename::NewNames;
pub use role_names::{RoleNames, rename_roles_in_definitions};
pub use search_path::parse_search_path;
pub use setting::Setting;
pub use snake_case::snake_case;
pub use sql_words::{SqlWord, mentions, mentions_of_table, words};
pub use stored_names::{NameKind, StoredNames};
pub use table::{
    Column, ColumnType, GeneratedKind, IdentityKind, MaterializedView, Sequence, SequenceOwner, Table,
    TableKind,
};

use std::collections::HashSet;

use serde::{Deserialize, Serialize};

/// The schema in which `load` keeps its journal; a database that was a target may be a source later.
pub const JOURNAL_SCHEMA: &str = "coalesce";

/// The comment that tells our journal from a user's schema of the same name.
pub const JOURNAL_COMMENT: &str = "journal of Coalesce: loads into this database";

/// Everything that one source holds, apart from its rows.
///
/// Objects that belong to an extension stand under [`Catalog::extensions`] only.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Catalog {
    /// Schemas that are neither the system's nor an extension's, in byte order.
    pub schemas: Vec<Schema>,
    /// Tables of every kind, numbered from 0 in this order; those that are not the source's own (see
    /// [`Table::is_own`]) come last.
    pub tables: Vec<Table>,
    pub sequences: Vec<Sequence>,
    /// Materialized views in an order in which they can be refreshed.
    pub materialized_views: Vec<MaterializedView>,
    pub extensions: Vec<Extension>,
    /// Every named object of every kind, tables, sequences and materialized views among them.
    pub objects: Vec<Object>,
    /// Roles that own something or hold a privilege on something, in byte order.
    pub roles: Vec<String>,
    /// Roles that row security policies name, in byte order: without them the policies cannot be made.
    pub policy_roles: Vec<String>,
    /// The schemas in which names without one are looked for, as plain names: the source's setting, without
    /// schemas that do not exist.
    #[serde(default = "search_path::default_path")]
    pub search_path: Vec<String>,
    /// Schemas on which PUBLIC has USAGE, in byte order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub public_usage: Vec<PublicUsage>,
    /// Settings of the database and of roles in it; those that can hold a password are left out.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub settings: Vec<Setting>,
    /// In the order of their OIDs; their bytes are rows of the table of kind [`TableKind::LargeObjects`].
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub large_objects: Vec<LargeObject>,
    /// What orders text in tables, indexes, domains and views, the database's own collation among them, in byte order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub collations: Vec<Collation>,
    /// Foreign keys that the source declares and that its definitions leave out, since PostgreSQL would not take them:
    /// their columns hold the keys of another table all the same.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub left_out_keys: Vec<ForeignKey>,
    /// What the source's own objects are defined as; empty where nobody wrote it down.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub definitions: Vec<Definition>,
}

/// A namespace.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Schema {
    pub name: String,
    /// The text of `COMMENT ON SCHEMA`; `None` also for the built-in comment on `public`.
    pub comment: Option<String>,
}

impl Default for Catalog {
    /// Nothing, and the search path of a database that sets none.
    fn default() -> Self {
        Catalog {
            schemas: Vec::new(),
            tables: Vec::new(),
            sequences: Vec::new(),
            materialized_views: Vec::new(),
            extensions: Vec::new(),
            objects: Vec::new(),
            roles: Vec::new(),
            policy_roles: Vec::new(),
            search_path: search_path::default_path(),
            public_usage: Vec::new(),
            settings: Vec::new(),
            large_objects: Vec::new(),
            collations: Vec::new(),
            left_out_keys: Vec::new(),
            definitions: Vec::new(),
        }
    }
}

impl Catalog {
    /// The table as whose rows large objects travel.
    pub fn large_objects_table(&self) -> Option<&Table> {
        self.tables.iter().find(|it| it.kind == TableKind::LargeObjects)
    }

    /// Adds a table that is not the source's own, under the next number.
    pub fn push_table(&mut self, table: Table) {
        // A number that no longer fits is refused with the archive's header.
        let number = u32::try_from(self.tables.len()).unwrap_or(u32::MAX);
        self.tables.push(Table { number, ..table });
    }

    /// Number of objects of `kind`.
    pub fn count(&self, kind: ObjectKind) -> usize {
        self.objects.iter().filter(|object| object.kind == kind).count()
    }

    /// Finds out which constraints have an index, where the catalog is from before [`Object::indexed`] and says so
    /// of none: those of whose table an index has the same name.
    pub fn find_indexed_constraints(&mut self) {
        if self.objects.iter().any(|object| object.indexed) {
            return;
        }
        let place = |it: &Object| (it.schema.clone(), it.table.clone(), it.name.clone());
        let indexes = self.objects.iter().filter(|it| it.kind == ObjectKind::Index);
        let indexes: HashSet<_> = indexes.map(place).collect();
        let constraints = self.objects.iter_mut();
        for object in constraints.filter(|it| it.kind == ObjectKind::Constraint && it.table.is_some()) {
            object.indexed = indexes.contains(&place(object));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Names;

    impl NewNames for Names {
        fn schema(&self, schema: &str) -> String {
            format!("new_{schema}")
        }

        fn object(&self, _: ObjectKind, _: &str, name: &str) -> String {
            name.to_owned()
        }

        fn column(&self, _: &str, _: &str, name: &str) -> String {
            name.to_owned()
        }

        fn extension_schema(&self, _: &str, _: &str) -> String {
            "public".to_owned()
        }
    }

    #[test]
    fn search_path_follows_its_schemas() {
        let mut catalog = Catalog {
            schemas: vec![Schema {
                name: "shop".to_owned(),
                comment: None,
            }],
            extensions: vec![Extension {
                name: "citext".to_owned(),
                version: "1.6".to_owned(),
                schema: "ext".to_owned(),
                trusted: true,
                members: Vec::new(),
            }],
            search_path: ["shop", "pg_catalog", "ext"].map(str::to_owned).to_vec(),
            ..Catalog::default()
        };
        catalog.rename(&Names);
        assert_eq!(catalog.search_path, ["new_shop", "pg_catalog", "public"]);
    }

    #[test]
    fn catalog_that_knows_no_search_path_has_the_default() {
        let json = serde_json::json!({"schemas": [], "tables": [], "sequences": [], "materialized_views": [],
            "extensions": [], "objects": [], "roles": [], "policy_roles": []});
        let catalog: Catalog = serde_json::from_value(json).expect("older catalogs are read");
        assert_eq!(catalog.search_path, ["public"]);
    }
}
