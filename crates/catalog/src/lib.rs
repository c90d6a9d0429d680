//! What a database contains: schemas, tables with their columns and keys, sequences, extensions with
//! their members, and every other named object.
//!
//! The catalog is data: it stands in `archive.json`, `assess` compares several of them, `remap-schema`
//! gives one its new names, `load` and `verify` work through one. Reading it from a live server or a file
//! is the job of `crates/database`; nothing here touches a network or a file.

mod extension;
mod name;
mod object;
mod order;
mod search_path;
mod table;

pub use extension::{Extension, Member};
pub use name::{IDENTIFIER_BYTES_MAX, QualifiedName, quote_ident, quote_literal};
pub use object::{Object, ObjectKind};
pub use order::{Cycle, dependency_order};
pub use search_path::parse_search_path;
pub use table::{
    Column, ColumnType, GeneratedKind, IdentityKind, MaterializedView, Sequence, SequenceOwner, Table,
    TableKind,
};

use serde::{Deserialize, Serialize};

/// The schema in which `load` keeps its journal; a database that was a target may be a source later.
pub const JOURNAL_SCHEMA: &str = "coalesce";

/// The comment that tells our journal from a user's schema of the same name.
pub const JOURNAL_COMMENT: &str = "journal of Coalesce: loads into this database";

/// Everything that one source holds, apart from its rows.
///
/// Objects that belong to an extension stand under [`Catalog::extensions`] only.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Catalog {
    /// Schemas that are neither the system's nor an extension's, in byte order.
    pub schemas: Vec<Schema>,
    /// Tables of every kind, numbered from 0 in this order.
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
}

/// A namespace.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Schema {
    pub name: String,
    /// The text of `COMMENT ON SCHEMA`; `None` also for the built-in comment on `public`.
    pub comment: Option<String>,
}

impl Catalog {
    /// Number of objects of `kind`.
    pub fn count(&self, kind: ObjectKind) -> usize {
        self.objects.iter().filter(|object| object.kind == kind).count()
    }

    /// Gives every schema in the catalog the name that `target_of` returns for it.
    ///
    /// What belongs to an extension goes to that extension's schema instead, for which `extension_schema`
    /// is asked with the extension's name and present schema. Built-in schemas are not passed.
    pub fn rename_schemas(
        &mut self,
        target_of: &dyn Fn(&str) -> String,
        extension_schema: &dyn Fn(&str, &str) -> String,
    ) {
        let types = self.extension_types();
        self.rename_search_path(target_of, extension_schema);
        for schema in &mut self.schemas {
            schema.name = target_of(&schema.name);
        }
        for table in &mut self.tables {
            table.schema = target_of(&table.schema);
            for name in table.inherits.iter_mut().chain(&mut table.partition_of) {
                name.schema = target_of(&name.schema);
            }
            for column in &mut table.columns {
                let key = (column.column_type.schema.clone(), column.column_type.name.clone());
                if let Some(extension) = types.get(&key) {
                    column.column_type.schema = extension_schema(extension, &key.0);
                } else if column.column_type.schema != ColumnType::BUILT_IN_SCHEMA {
                    column.column_type.schema = target_of(&key.0);
                }
            }
        }
        for sequence in &mut self.sequences {
            sequence.schema = target_of(&sequence.schema);
            if let Some(owner) = &mut sequence.owned_by {
                owner.table.schema = target_of(&owner.table.schema);
            }
        }
        for view in &mut self.materialized_views {
            view.schema = target_of(&view.schema);
        }
        for object in &mut self.objects {
            object.schema = target_of(&object.schema);
        }
        for extension in &mut self.extensions {
            let schema = extension_schema(&extension.name, &extension.schema);
            for member in &mut extension.members {
                if member.schema == extension.schema {
                    member.schema.clone_from(&schema);
                }
            }
            extension.schema = schema;
        }
    }

    /// An entry in which only an extension lives goes where that extension goes.
    fn rename_search_path(
        &mut self,
        target_of: &dyn Fn(&str) -> String,
        extension_schema: &dyn Fn(&str, &str) -> String,
    ) {
        let mut path: Vec<String> = Vec::new();
        for entry in &self.search_path {
            let is_own = self.schemas.iter().any(|it| it.name == *entry);
            let extension = self.extensions.iter().find(|it| it.schema == *entry);
            let new = match extension {
                _ if entry == ColumnType::BUILT_IN_SCHEMA => entry.clone(),
                Some(extension) if !is_own => extension_schema(&extension.name, entry),
                _ => target_of(entry),
            };
            if !path.contains(&new) {
                path.push(new);
            }
        }
        self.search_path = path;
    }

    /// Types that belong to extensions: (schema, name) to the extension's name.
    fn extension_types(&self) -> std::collections::HashMap<(String, String), String> {
        let members = self
            .extensions
            .iter()
            .flat_map(|it| it.members.iter().map(move |member| (it, member)));
        members
            .filter(|(_, member)| member.kind == ObjectKind::Type)
            .map(|(it, member)| ((member.schema.clone(), member.name.clone()), it.name.clone()))
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
        catalog.rename_schemas(&|schema| format!("new_{schema}"), &|_, _| "public".to_owned());
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
