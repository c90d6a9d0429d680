//! A SQLite file: its survey as an inventory.

use std::collections::HashMap;
use std::path::Path;

use cli::{Failure, Result, Ui};
use database::sqlite::{self, Blocker, Choices, IndexOrigin, Inspection};
use inventory::{
    Column, Engine, ForeignKey, Index, IndexFlags, Inventory, Key, KeyKind, Schema, Sequence, Server, Table,
    TableKind, Trigger, View,
};

use super::{Source, SqliteFile};
use crate::columns;

/// The schema that a file's tables are in, wherever they go in the end.
const SCHEMA: &str = "public";

pub(super) fn take(path: &Path, choices: &Choices, ui: &Ui) -> Result<Source> {
    let source = cli::open_sqlite(path, choices, ui)?;
    let survey = source.survey(choices).map_err(Failure::source)?;
    for value in survey.blockers.iter().flat_map(Blocker::values) {
        ui.detail(value);
    }
    let discards = cli::discards(&survey);
    let inventory = inventory(path, &survey);
    Ok(Source {
        inventory,
        large_objects: Vec::new(),
        notes: survey.notes.iter().map(ToString::to_string).collect(),
        file: Some(SqliteFile {
            census: columns::reports(&survey),
            types: columns::planned_types(&survey),
            discarded: cli::discard_sentences(&discards, &survey.catalog),
            discards,
            orphans: survey.orphans,
            blockers: survey.blockers,
        }),
        catalog: survey.catalog,
    })
}

fn inventory(path: &Path, survey: &Inspection) -> Inventory {
    let name = path.file_name().unwrap_or(path.as_os_str());
    let name = name.to_string_lossy().into_owned();
    Inventory {
        endpoint: path.display().to_string(),
        server: Server {
            engine: Engine::Sqlite,
            version: database::sqlite_version().to_owned(),
            database: name.clone(),
            bytes: std::fs::metadata(path).map_or(0, |it| it.len()),
            ..Server::default()
        },
        name,
        schemas: vec![Schema {
            name: SCHEMA.to_owned(),
            ..Schema::default()
        }],
        tables: tables(survey),
        views: views(survey),
        triggers: triggers(survey),
        sequences: sequences(survey),
        ..Inventory::default()
    }
}

fn tables(survey: &Inspection) -> Vec<Table> {
    let schema = &survey.schema;
    let by_name: HashMap<String, &sqlite::Table> = schema
        .tables
        .iter()
        .map(|it| (it.name.to_ascii_lowercase(), it))
        .collect();
    let ordinary = schema.tables.iter().map(|table| {
        let columns = table.columns.iter();
        Table {
            schema: SCHEMA.to_owned(),
            name: table.new_name.clone(),
            rows_counted: Some(table.row_count),
            rows_exact: true,
            heap_bytes: table.bytes,
            columns: columns.map(|it| column(table, it)).collect(),
            keys: keys(table),
            foreign_keys: foreign_keys(table, &by_name),
            indexes: indexes(table),
            ..Table::default()
        }
    });
    let mut tables: Vec<Table> = ordinary.collect();
    // What stands in shadow tables is what the virtual table itself shows.
    let virtual_tables = schema.virtual_tables.iter().filter(|it| !it.shadow);
    tables.extend(virtual_tables.map(|it| Table {
        schema: SCHEMA.to_owned(),
        name: it.name.clone(),
        kind: TableKind::Virtual,
        rows_exact: true,
        ..Table::default()
    }));
    tables
}

fn column(table: &sqlite::Table, column: &sqlite::Column) -> Column {
    let is_alias = table
        .rowid_alias
        .is_some_and(|place| table.columns[place].name == column.name);
    Column {
        name: column.new_name.clone(),
        type_name: column.target.to_string(),
        declared: Some(column.declared_type.clone()),
        not_null: column.not_null || table.primary_key.contains(&column.name),
        default: column.default.clone(),
        identity: is_alias,
        generated: column.generated.is_some(),
        // SQLite's own way of comparing is that of bytes.
        collation: (!column.collation.eq_ignore_ascii_case("BINARY") && !column.collation.is_empty())
            .then(|| column.collation.clone()),
        ..Column::default()
    }
}

fn new_names<'a>(table: &sqlite::Table, names: impl IntoIterator<Item = &'a String>) -> Vec<String> {
    let of = |name: &String| table.column(name).map_or(name, |it| &it.new_name).clone();
    names.into_iter().map(of).collect()
}

fn keys(table: &sqlite::Table) -> Vec<Key> {
    let key = |kind, word: &str, columns: Vec<String>| Key {
        name: String::new(),
        kind,
        definition: format!("{word} ({})", columns.join(", ")),
        columns,
        validated: true,
    };
    let primary = (!table.primary_key.is_empty()).then(|| {
        let columns = new_names(table, &table.primary_key);
        key(KeyKind::Primary, "PRIMARY KEY", columns)
    });
    let unique = table
        .indexes
        .iter()
        .filter(|it| it.origin == IndexOrigin::UniqueConstraint);
    let unique = unique.map(|it| {
        let columns = new_names(table, it.columns.iter().filter_map(|it| it.name.as_ref()));
        key(KeyKind::Unique, "UNIQUE", columns)
    });
    primary.into_iter().chain(unique).collect()
}

fn foreign_keys(table: &sqlite::Table, by_name: &HashMap<String, &sqlite::Table>) -> Vec<ForeignKey> {
    let of = |key: &sqlite::ForeignKey| {
        let parent = by_name.get(&key.parent.to_ascii_lowercase());
        let named: Vec<String> = key.parent_columns.iter().flatten().cloned().collect();
        // Without names the parent's primary key is meant.
        let parent_columns = match parent {
            Some(parent) if named.is_empty() => new_names(parent, &parent.primary_key),
            Some(parent) => new_names(parent, &named),
            None => named,
        };
        let columns = new_names(table, &key.columns);
        let parent = parent.map_or(&key.parent, |it| &it.new_name).clone();
        ForeignKey {
            name: key.name.clone().unwrap_or_default(),
            definition: format!(
                "FOREIGN KEY ({}) REFERENCES {parent} ({})",
                columns.join(", "),
                parent_columns.join(", ")
            ),
            columns,
            parent_schema: SCHEMA.to_owned(),
            parent,
            parent_columns,
            validated: true,
        }
    };
    table.foreign_keys.iter().map(of).collect()
}

fn indexes(table: &sqlite::Table) -> Vec<Index> {
    let of = |index: &sqlite::Index| Index {
        name: index.new_name.clone(),
        columns: new_names(table, index.columns.iter().filter_map(|it| it.name.as_ref())),
        definition: index.sql.clone(),
        method: "btree".to_owned(),
        flags: IndexFlags {
            unique: index.unique,
            constraint: index.origin != IndexOrigin::CreateIndex,
            partial: index.predicate.is_some(),
            valid: true,
        },
        ..Index::default()
    };
    table.indexes.iter().map(of).collect()
}

fn views(survey: &Inspection) -> Vec<View> {
    let of = |view: &sqlite::View| View {
        schema: SCHEMA.to_owned(),
        name: view.new_name.clone(),
        definition: view.sql.clone(),
        ..View::default()
    };
    survey.schema.views.iter().map(of).collect()
}

fn triggers(survey: &Inspection) -> Vec<Trigger> {
    let of = |trigger: &sqlite::Trigger| Trigger {
        schema: SCHEMA.to_owned(),
        table: trigger.table.clone(),
        name: trigger.new_name.clone(),
        definition: trigger.sql.clone(),
        enabled: "O".to_owned(),
    };
    survey.schema.triggers.iter().map(of).collect()
}

/// Those that the target will have.
fn sequences(survey: &Inspection) -> Vec<Sequence> {
    let of = |sequence: &catalog::Sequence| super::from_catalog::sequence(sequence);
    survey.catalog.sequences.iter().map(of).collect()
}
