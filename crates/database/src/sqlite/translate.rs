//! The catalog of the target that a SQLite schema becomes.

use catalog::{
    Catalog, GeneratedKind, IdentityKind, Object, ObjectKind, QualifiedName, Sequence, SequenceOwner,
    TableKind,
};

use super::ddl::is_not_null;
use super::expressions::Expressions;
use super::keys::Keys;
use super::naming::Names;
use super::nocase;
use super::programs::Programs;
use super::references;
use super::schema::{Schema, Table};
use super::target_type::TargetType;
use super::text_search::TextSearch;

/// The schema of everything in a SQLite file.
pub(super) const SCHEMA: &str = "public";

/// An `INTEGER PRIMARY KEY`, which fills itself, as an identity column.
#[derive(Debug)]
pub(super) struct Identity {
    /// Place of the column.
    pub(super) column: usize,
    pub(super) sequence: String,
    last_value: i64,
    is_called: bool,
}

/// The identity of each table that has one.
pub(super) fn identities(schema: &Schema, names: &mut Names) -> Vec<Option<Identity>> {
    schema.tables.iter().map(|table| identity(table, names)).collect()
}

fn identity(table: &Table, names: &mut Names) -> Option<Identity> {
    let column = table.rowid_alias.filter(|&it| counts(table, it))?;
    let sequence = names.choose(
        &table.new_name,
        std::slice::from_ref(&table.columns[column].new_name),
        "seq",
    );
    // A sequence counts from 1: negative keys leave it where it starts.
    let last = table.columns[column]
        .rowid_max
        .max(table.sequence)
        .filter(|&last| last > 0);
    Some(Identity {
        column,
        sequence,
        last_value: last.unwrap_or(1),
        is_called: last.is_some(),
    })
}

/// Whether the column can be filled by a sequence: a chosen type may not, or may have made values NULL.
fn counts(table: &Table, place: usize) -> bool {
    let column = &table.columns[place];
    let last = column.rowid_max.max(table.sequence).unwrap_or(0);
    column.nulls == 0
        && match column.target {
            TargetType::SmallInt => i16::try_from(last).is_ok(),
            TargetType::Integer => i32::try_from(last).is_ok(),
            target => target == TargetType::BigInt,
        }
}

pub(super) fn catalog(
    schema: &Schema,
    keys: &Keys,
    expressions: &Expressions,
    identities: &[Option<Identity>],
    programs: &Programs,
) -> Catalog {
    let mut catalog = Catalog {
        schemas: vec![catalog::Schema {
            name: SCHEMA.to_owned(),
            comment: None,
        }],
        ..Catalog::default()
    };
    for (at, table) in schema.tables.iter().enumerate() {
        let identity = identities[at].as_ref();
        catalog.tables.push(translated(table, at, keys, identity));
        catalog
            .objects
            .push(object(ObjectKind::Table, &table.new_name, None));
        if let Some(identity) = identity {
            catalog
                .objects
                .push(object(ObjectKind::Sequence, &identity.sequence, None));
            catalog.sequences.push(Sequence {
                schema: SCHEMA.to_owned(),
                name: identity.sequence.clone(),
                owned_by: Some(SequenceOwner {
                    table: QualifiedName::new(SCHEMA, &table.new_name),
                    column: table.columns[identity.column].new_name.clone(),
                }),
                last_value: identity.last_value,
                is_called: identity.is_called,
                increment: 1,
                start: 1,
            });
        }
    }
    let table_of = |at: usize| Some(schema.tables[at].new_name.as_str());
    for key in &keys.uniques {
        catalog.objects.push(Object {
            indexed: true,
            ..object(ObjectKind::Constraint, &key.name, table_of(key.table))
        });
        catalog
            .objects
            .push(object(ObjectKind::Index, &key.name, table_of(key.table)));
    }
    for index in &keys.indexes {
        catalog
            .objects
            .push(object(ObjectKind::Index, &index.name, table_of(index.table)));
    }
    for table in &schema.tables {
        for search in &table.searches {
            let index = object(ObjectKind::Index, &search.index, Some(&table.new_name));
            catalog.objects.push(index);
        }
    }
    for index in &expressions.indexes {
        catalog
            .objects
            .push(object(ObjectKind::Index, &index.name, table_of(index.table)));
    }
    for check in &expressions.checks {
        catalog
            .objects
            .push(object(ObjectKind::Constraint, &check.name, table_of(check.table)));
    }
    for key in &keys.references {
        catalog
            .objects
            .push(object(ObjectKind::Constraint, &key.name, table_of(key.table)));
    }
    catalog.left_out_keys = references::left_out(schema, keys);
    enter_programs(&mut catalog, programs);
    nocase::enter(&mut catalog, schema, keys);
    catalog.objects.sort();
    catalog
}

fn enter_programs(catalog: &mut Catalog, programs: &Programs) {
    for view in &programs.views {
        catalog.objects.push(object(ObjectKind::View, &view.name, None));
    }
    for trigger in &programs.triggers {
        catalog
            .objects
            .push(object(ObjectKind::Function, &trigger.name, None));
        let relation = Some(trigger.relation.as_str());
        catalog
            .objects
            .push(object(ObjectKind::Trigger, &trigger.name, relation));
    }
}

fn translated(table: &Table, at: usize, keys: &Keys, identity: Option<&Identity>) -> catalog::Table {
    let column = |place: usize| {
        let column = &table.columns[place];
        catalog::Column {
            name: column.new_name.clone(),
            new_name: None,
            column_type: column.column_type(),
            not_null: is_not_null(table, at, place, keys),
            identity: identity
                .filter(|it| it.column == place)
                .map(|_| IdentityKind::ByDefault),
            generated: column.expression.as_ref().map(|_| GeneratedKind::Stored),
            binary_safe: column.target.is_binary_safe() && column.comparison != nocase::Comparison::Citext,
            names: None,
        }
    };
    let primary = keys.uniques.iter().find(|it| it.primary && it.table == at);
    let primary_key = primary.map_or(&[][..], |key| key.columns.as_slice());
    catalog::Table {
        // SQLite cannot hold as many tables as would overflow the number.
        number: u32::try_from(at).unwrap_or(u32::MAX),
        schema: SCHEMA.to_owned(),
        name: table.new_name.clone(),
        kind: TableKind::Ordinary,
        unlogged: false,
        columns: (0..table.columns.len())
            .map(column)
            .chain(table.searches.iter().filter_map(TextSearch::catalog_column))
            .collect(),
        primary_key: primary_key
            .iter()
            .map(|&place| table.columns[place].new_name.clone())
            .collect(),
        partition_of: None,
        partition_key: None,
        through_root: None,
        inherits: Vec::new(),
        rows_estimate: Some(table.row_count),
        bytes: table.bytes,
        extension: None,
        index_bytes: None,
        origin: (table.new_name != table.name).then(|| table.name.clone()),
        condition: None,
        merged: None,
        part: None,
        changes: None,
    }
}

fn object(kind: ObjectKind, name: &str, table: Option<&str>) -> Object {
    Object {
        kind,
        schema: SCHEMA.to_owned(),
        name: name.to_owned(),
        table: table.map(str::to_owned),
        indexed: false,
    }
}
