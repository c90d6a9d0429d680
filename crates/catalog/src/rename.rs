//! A catalog under the names of the target.

use std::collections::{HashMap, HashSet};

use crate::{Catalog, ColumnType, Definition, DefinitionKind, Extension, ObjectKind, QualifiedName, Table};

/// What everything is called on the target.
pub trait NewNames {
    /// The name of a schema of the source's own.
    fn schema(&self, schema: &str) -> String;

    /// The name, without a schema, of an object of the source's own, given its names in the source.
    fn object(&self, kind: ObjectKind, schema: &str, name: &str) -> String;

    /// The name of a column of one of the source's own tables, given their names in the source.
    fn column(&self, schema: &str, table: &str, name: &str) -> String;

    /// The schema of an extension that the source has in `schema`.
    fn extension_schema(&self, extension: &str, schema: &str) -> String;
}

impl Catalog {
    /// Gives everything in the catalog the name that `names` has for it.
    ///
    /// What belongs to an extension goes to that extension's schema. Columns keep their names until the
    /// definitions that follow the rows give them others ([`crate::Column::new_name`]).
    pub fn rename(&mut self, names: &dyn NewNames) {
        let types = self.extension_types();
        self.rename_definitions(names);
        self.rename_search_path(names);
        for table in &mut self.tables {
            if table.is_own() {
                rename_table(table, names, &types);
            } else {
                rename_with_extension(table, names, &self.extensions);
            }
        }
        for sequence in &mut self.sequences {
            let new = qualified(names, ObjectKind::Sequence, &sequence.schema, &sequence.name);
            (sequence.schema, sequence.name) = (new.schema, new.name);
            if let Some(owner) = &mut sequence.owned_by {
                owner.table = qualified(names, ObjectKind::Table, &owner.table.schema, &owner.table.name);
            }
        }
        for view in &mut self.materialized_views {
            let new = qualified(names, ObjectKind::MaterializedView, &view.schema, &view.name);
            (view.schema, view.name) = (new.schema, new.name);
        }
        for object in &mut self.objects {
            let kind = if object.indexed {
                ObjectKind::Index
            } else {
                object.kind
            };
            object.name = names.object(kind, &object.schema, &object.name);
            if let Some(table) = &mut object.table {
                *table = names.object(ObjectKind::Table, &object.schema, table);
            }
            object.schema = names.schema(&object.schema);
        }
        for extension in &mut self.extensions {
            let schema = names.extension_schema(&extension.name, &extension.schema);
            for member in &mut extension.members {
                if member.schema == extension.schema {
                    member.schema.clone_from(&schema);
                }
            }
            extension.schema = schema;
        }
        for collation in &mut self.collations {
            // Those of the system, and of extensions, stay where they are.
            if self.schemas.iter().any(|it| it.name == collation.schema) {
                let new = qualified(names, ObjectKind::Collation, &collation.schema, &collation.name);
                (collation.schema, collation.name) = (new.schema, new.name);
            }
        }
        for key in &mut self.left_out_keys {
            for table in [&mut key.table, &mut key.parent] {
                *table = qualified(names, ObjectKind::Table, &table.schema, &table.name);
            }
        }
        for usage in &mut self.public_usage {
            usage.schema = names.schema(&usage.schema);
        }
        for schema in &mut self.schemas {
            schema.name = names.schema(&schema.name);
        }
    }

    /// What they are about; what they say follows elsewhere, by the same rules as SQL text.
    fn rename_definitions(&mut self, names: &dyn NewNames) {
        // A constraint with an index is called among the relations.
        let indexed: HashSet<(&str, Option<&str>, &str)> = self
            .objects
            .iter()
            .filter(|it| it.indexed)
            .map(|it| (it.schema.as_str(), it.table.as_deref(), it.name.as_str()))
            .collect();
        for definition in &mut self.definitions {
            let Definition {
                kind,
                schema,
                name,
                table,
                ..
            } = definition;
            match kind {
                DefinitionKind::Schema => *name = names.schema(name),
                DefinitionKind::Extension => {
                    *schema = names.extension_schema(name, schema);
                    continue;
                }
                DefinitionKind::Column => {
                    *name = names.column(schema, table.as_deref().unwrap_or_default(), name);
                }
                DefinitionKind::Object(ObjectKind::Constraint)
                    if indexed.contains(&(schema, table.as_deref(), name)) =>
                {
                    *name = names.object(ObjectKind::Index, schema, name);
                }
                DefinitionKind::Object(kind) => *name = names.object(*kind, schema, name),
                DefinitionKind::Cast | DefinitionKind::EventTrigger | DefinitionKind::DefaultPrivileges => {}
            }
            if let Some(table) = table {
                *table = names.object(ObjectKind::Table, schema, table);
            }
            if !schema.is_empty() {
                *schema = names.schema(schema);
            }
        }
    }

    /// An entry in which only an extension lives goes where that extension goes.
    fn rename_search_path(&mut self, names: &dyn NewNames) {
        let mut path: Vec<String> = Vec::new();
        for entry in &self.search_path {
            let is_own = self.schemas.iter().any(|it| it.name == *entry);
            let extension = self.extensions.iter().find(|it| it.schema == *entry);
            let new = match extension {
                _ if entry == ColumnType::BUILT_IN_SCHEMA => entry.clone(),
                Some(extension) if !is_own => names.extension_schema(&extension.name, entry),
                _ => names.schema(entry),
            };
            if !path.contains(&new) {
                path.push(new);
            }
        }
        self.search_path = path;
    }

    /// Types that belong to extensions: (schema, name) to the extension's name.
    fn extension_types(&self) -> HashMap<(String, String), String> {
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

fn rename_table(
    table: &mut Table,
    names: &dyn NewNames,
    extension_types: &HashMap<(String, String), String>,
) {
    let old = table.qualified_name();
    let new = qualified(names, ObjectKind::Table, &table.schema, &table.name);
    (table.schema, table.name) = (new.schema, new.name);
    for name in table.inherits.iter_mut().chain(&mut table.partition_of) {
        *name = qualified(names, ObjectKind::Table, &name.schema, &name.name);
    }
    for column in &mut table.columns {
        let own = &mut column.column_type;
        if let Some(extension) = extension_types.get(&(own.schema.clone(), own.name.clone())) {
            own.schema = names.extension_schema(extension, &own.schema);
        } else if own.schema != ColumnType::BUILT_IN_SCHEMA {
            let new = qualified(names, ObjectKind::Type, &own.schema, &own.name);
            (own.schema, own.name) = (new.schema, new.name);
        }
        let new = names.column(&old.schema, &old.name, column.target_name());
        column.new_name = (new != column.name).then_some(new);
    }
}

/// Rows of an extension's table go where the target keeps the extension; all other names stay.
fn rename_with_extension(table: &mut Table, names: &dyn NewNames, extensions: &[Extension]) {
    let owner = table.extension.as_ref();
    let extension = owner.and_then(|owner| extensions.iter().find(|it| it.name == *owner));
    if let Some(extension) = extension.filter(|it| it.schema == table.schema) {
        table.schema = names.extension_schema(&extension.name, &extension.schema);
    }
}

fn qualified(names: &dyn NewNames, kind: ObjectKind, schema: &str, name: &str) -> QualifiedName {
    QualifiedName::new(names.schema(schema), names.object(kind, schema, name))
}
