//! A catalog as an inventory: what an archive, or whatever else wrote one, knows of a source.

use std::collections::HashMap;

use catalog::{Catalog, Definition, DefinitionKind, ObjectKind, Value, quote_ident};
use inventory::{
    Column, Extension, ForeignKey, Index, IndexFlags, Inventory, Key, KeyKind, LargeObjects, Role, Routine,
    Schema, Scope, Sequence, Setting, Table, TableKind, Trigger, Type, View,
};

/// Everything that `catalog` says; rows are counted by those who know them.
pub(super) fn fill(catalog: &Catalog, inventory: &mut Inventory) {
    inventory.settings = catalog.settings.iter().map(setting).collect();
    inventory.extensions = catalog.extensions.iter().map(extension).collect();
    inventory.schemas = catalog
        .schemas
        .iter()
        .map(|it| Schema {
            name: it.name.clone(),
            comment: it.comment.clone(),
            ..Schema::default()
        })
        .collect();
    inventory.tables = catalog
        .tables
        .iter()
        .filter(|it| it.is_own())
        .map(table)
        .collect();
    inventory.sequences = catalog.sequences.iter().map(sequence).collect();
    inventory.roles = catalog
        .roles
        .iter()
        .map(|it| Role {
            name: it.clone(),
            ..Role::default()
        })
        .collect();
    let oids: Vec<u32> = catalog.large_objects.iter().map(|it| it.oid).collect();
    inventory.large_objects = LargeObjects::of(&oids);
    objects(catalog, inventory);
    definitions(catalog, inventory);
}

pub(super) fn sequence(it: &catalog::Sequence) -> Sequence {
    let owner = it.owned_by.as_ref();
    Sequence {
        schema: it.schema.clone(),
        name: it.name.clone(),
        owned_by: owner.map(|it| format!("{}.{}.{}", it.table.schema, it.table.name, it.column)),
        last_value: it.is_called.then_some(it.last_value),
        max_value: i64::MAX,
        increment: it.increment,
        ..Sequence::default()
    }
}

fn setting(it: &catalog::Setting) -> Setting {
    Setting {
        scope: match it.role {
            Some(_) => Scope::RoleInDatabase,
            None => Scope::Database,
        },
        role: it.role.clone(),
        name: it.name.clone(),
        value: it.value.clone(),
    }
}

fn extension(it: &catalog::Extension) -> Extension {
    Extension {
        name: it.name.clone(),
        version: it.version.clone(),
        schema: it.schema.clone(),
        trusted: it.trusted,
        relocatable: false,
        members: it.members.len() as u64,
    }
}

fn table(it: &catalog::Table) -> Table {
    let parents = it.partition_of.iter().chain(&it.inherits);
    let primary = (!it.primary_key.is_empty()).then(|| Key {
        kind: KeyKind::Primary,
        columns: it.primary_key.clone(),
        definition: format!("PRIMARY KEY ({})", it.primary_key.join(", ")),
        validated: true,
        ..Key::default()
    });
    Table {
        schema: it.schema.clone(),
        name: it.name.clone(),
        kind: match it.kind {
            catalog::TableKind::Partitioned => TableKind::Partitioned,
            catalog::TableKind::Foreign => TableKind::Foreign,
            _ if it.partition_of.is_some() => TableKind::Partition,
            _ => TableKind::Ordinary,
        },
        parents: parents.map(|it| format!("{}.{}", it.schema, it.name)).collect(),
        rows_estimate: it.rows_estimate,
        heap_bytes: it.bytes,
        index_bytes: it.index_bytes.unwrap_or_default(),
        unlogged: it.unlogged,
        columns: it.columns.iter().map(column).collect(),
        keys: primary.into_iter().collect(),
        ..Table::default()
    }
}

fn column(it: &catalog::Column) -> Column {
    let of = &it.column_type;
    Column {
        name: it.name.clone(),
        type_name: if of.schema == catalog::ColumnType::BUILT_IN_SCHEMA {
            of.text.clone()
        } else {
            format!("{}.{}{}", quote_ident(&of.schema), quote_ident(&of.name), of.text)
        },
        not_null: it.not_null,
        identity: it.identity.is_some(),
        generated: it.generated.is_some(),
        ..Column::default()
    }
}

/// What has a name and nothing else that a catalog would say.
fn objects(catalog: &Catalog, inventory: &mut Inventory) {
    for object in &catalog.objects {
        let (schema, name) = (object.schema.clone(), object.name.clone());
        match object.kind {
            ObjectKind::View | ObjectKind::MaterializedView => inventory.views.push(View {
                schema,
                name,
                materialized: object.kind == ObjectKind::MaterializedView,
                ..View::default()
            }),
            ObjectKind::Function | ObjectKind::Procedure | ObjectKind::Aggregate => {
                inventory.routines.push(Routine {
                    schema,
                    name,
                    kind: object.kind.to_string(),
                    ..Routine::default()
                });
            }
            ObjectKind::Trigger => inventory.triggers.push(Trigger {
                schema,
                name,
                table: object.table.clone().unwrap_or_default(),
                enabled: "O".to_owned(),
                ..Trigger::default()
            }),
            ObjectKind::Type | ObjectKind::Domain => inventory.types.push(Type {
                schema,
                name,
                kind: object.kind.to_string(),
                ..Type::default()
            }),
            _ => {}
        }
    }
}

/// Adds what the definitions say to what is there already.
fn definitions(catalog: &Catalog, inventory: &mut Inventory) {
    let places: HashMap<(String, String), usize> = inventory
        .tables
        .iter()
        .enumerate()
        .map(|(place, it)| ((it.schema.clone(), it.name.clone()), place))
        .collect();
    let routines: Vec<&Definition> = catalog
        .definitions
        .iter()
        .filter(|it| is_routine(it.kind))
        .collect();
    if !routines.is_empty() {
        inventory.routines = routines.into_iter().map(routine).collect();
    }
    for it in &catalog.definitions {
        let owner = it.table.clone().unwrap_or_else(|| it.name.clone());
        let place = places.get(&(it.schema.clone(), owner));
        let table = place.map(|place| &mut inventory.tables[*place]);
        match (it.kind, table) {
            (DefinitionKind::Column, Some(table)) => {
                if let Some(column) = table.columns.iter_mut().find(|column| column.name == it.name) {
                    column.default = said(it, "default").or_else(|| said(it, "expression"));
                    column.comment = said(it, "comment");
                }
            }
            (DefinitionKind::Object(ObjectKind::Constraint), Some(table)) => constraint(it, table),
            (DefinitionKind::Object(ObjectKind::Index), Some(table)) => table.indexes.push(index(it)),
            (DefinitionKind::Object(ObjectKind::Table | ObjectKind::ForeignTable), Some(table)) => {
                table.comment = said(it, "comment");
                table.owner = said(it, "owner").unwrap_or_default();
                table.row_security = said(it, "row security").is_some();
                table.row_security_forced = said(it, "row security forced").is_some();
            }
            (DefinitionKind::Object(ObjectKind::Trigger), _) => {
                let named = |known: &&mut Trigger| {
                    known.schema == it.schema
                        && known.name == it.name
                        && Some(&known.table) == it.table.as_ref()
                };
                if let Some(known) = inventory.triggers.iter_mut().find(named) {
                    known.definition = said(it, "definition").unwrap_or_default();
                }
            }
            (DefinitionKind::Object(ObjectKind::View | ObjectKind::MaterializedView), _) => {
                let named = |known: &&mut View| known.schema == it.schema && known.name == it.name;
                if let Some(known) = inventory.views.iter_mut().find(named) {
                    known.definition = said(it, "definition").unwrap_or_default();
                    known.comment = said(it, "comment");
                    known.owner = said(it, "owner").unwrap_or_default();
                }
            }
            _ => {}
        }
    }
}

fn is_routine(kind: DefinitionKind) -> bool {
    use ObjectKind::{Aggregate, Function, Procedure};
    matches!(kind, DefinitionKind::Object(Function | Procedure | Aggregate))
}

fn routine(it: &Definition) -> Routine {
    let body = said(it, "definition").unwrap_or_default();
    Routine {
        schema: it.schema.clone(),
        name: it.name.clone(),
        kind: it.kind.to_string(),
        arguments: it.arguments.clone().unwrap_or_default(),
        language: language(&body),
        owner: said(it, "owner").unwrap_or_default(),
        body,
        ..Routine::default()
    }
}

/// Of a statement as the server writes it: ` LANGUAGE plpgsql` begins a line of its own.
fn language(statement: &str) -> String {
    let line = statement
        .lines()
        .find_map(|it| it.trim_start().strip_prefix("LANGUAGE "));
    let word = line.and_then(|it| it.split_whitespace().next());
    word.unwrap_or_default().trim_matches('"').to_owned()
}

fn constraint(it: &Definition, table: &mut Table) {
    let Some(statement) = said(it, "definition") else {
        return;
    };
    let validated = said(it, "validated").is_none();
    let marker = format!(" ADD CONSTRAINT {} ", quote_ident(&it.name));
    let definition = statement
        .split_once(&marker)
        .map_or(statement.as_str(), |it| it.1);
    let definition = definition.trim_end_matches(';').to_owned();
    if let Some(key) = rewrite::foreign_keys(&statement).into_iter().next() {
        table.foreign_keys.push(ForeignKey {
            name: it.name.clone(),
            columns: key.columns,
            parent_schema: key.parent.schema,
            parent: key.parent.name,
            parent_columns: key.parent_columns,
            definition,
            validated,
        });
        return;
    }
    let kind = match definition.split_whitespace().next() {
        Some("PRIMARY") => KeyKind::Primary,
        Some("UNIQUE") => KeyKind::Unique,
        Some("EXCLUDE") => KeyKind::Exclusion,
        _ => KeyKind::Check,
    };
    if kind == KeyKind::Primary
        && let Some(known) = table.keys.iter_mut().find(|it| it.kind == kind)
    {
        known.name.clone_from(&it.name);
        known.definition = definition;
        return;
    }
    let is_key = kind == KeyKind::Unique;
    table.keys.push(Key {
        name: it.name.clone(),
        kind,
        columns: if is_key {
            columns_of(&definition)
        } else {
            Vec::new()
        },
        definition,
        validated,
    });
}

/// The names in the first parentheses, as far as they are names.
fn columns_of(definition: &str) -> Vec<String> {
    let inner = definition.split_once('(').and_then(|(_, it)| it.split_once(')'));
    let names = inner.map_or("", |(inner, _)| inner).split(',').map(str::trim);
    names
        .filter(|it| !it.is_empty())
        .map(|it| it.trim_matches('"').replace("\"\"", "\""))
        .collect()
}

fn index(it: &Definition) -> Index {
    let definition = said(it, "definition").unwrap_or_default();
    let definition = definition.trim_end_matches(';').to_owned();
    let method = definition
        .split_once(" USING ")
        .and_then(|(_, it)| it.split_whitespace().next());
    Index {
        name: it.name.clone(),
        method: method.unwrap_or("btree").to_owned(),
        flags: IndexFlags {
            unique: definition.split_whitespace().nth(1) == Some("UNIQUE"),
            constraint: false,
            partial: definition.contains(" WHERE "),
            valid: said(it, "valid").is_none(),
        },
        definition,
        ..Index::default()
    }
}

/// A property's text, of a column's default without the statement that sets it.
fn said(it: &Definition, name: &str) -> Option<String> {
    let property = it.properties.iter().find(|it| it.name == name)?;
    let (Value::Plain(text) | Value::Statement(text) | Value::Written(text)) = &property.value;
    Some(match text.split_once(" SET DEFAULT ") {
        Some((_, value)) if it.kind == DefinitionKind::Column => value.trim_end_matches(';').to_owned(),
        _ => text.clone(),
    })
}
