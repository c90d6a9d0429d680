//! Tables that go into another schema than the rest of theirs.
//!
//! The rewriter knows of one kind of object that leaves its schema alone: what belongs to an extension goes where the
//! target keeps that extension. So it takes the tables that move for members of extensions that are none, and every
//! reference, search path and doubt follows by the rules that it has.

use std::collections::{BTreeMap, BTreeSet};

use catalog::{Catalog, Extension, Member, ObjectKind, QualifiedName};
use plan::Mapping;

use crate::Known;

/// Tables with the schema that they go to.
pub type Moves = BTreeMap<QualifiedName, String>;

/// What is known of a source whose tables move, and where they go.
pub fn rewriting(catalog: &Catalog, moves: &Moves) -> (Known, Mapping) {
    let mut rest = catalog.clone();
    let mut mapping = Mapping::default();
    for extension in &rest.extensions {
        let (name, schema) = (extension.name.clone(), extension.schema.clone());
        mapping.extension_schemas.insert(name, schema);
    }
    let ways: BTreeSet<(&str, &str)> = moves
        .iter()
        .map(|(table, to)| (table.schema.as_str(), to.as_str()))
        .collect();
    for (from, to) in ways {
        let goes =
            |table: &QualifiedName| table.schema == from && moves.get(table).is_some_and(|it| it == to);
        let name = format!("tables from {from} to {to}");
        mapping.extension_schemas.insert(name.clone(), to.to_owned());
        rest.extensions.push(Extension {
            name,
            version: String::new(),
            schema: from.to_owned(),
            trusted: true,
            members: members(catalog, &goes),
        });
    }
    let goes = |schema: &str, name: &str| moves.contains_key(&QualifiedName::new(schema, name));
    let owned: BTreeSet<QualifiedName> = owned_sequences(catalog, moves).collect();
    let is_owned = |schema: &str, name: &str| owned.contains(&QualifiedName::new(schema, name));
    rest.tables.retain(|it| !goes(&it.schema, &it.name));
    rest.sequences.retain(|it| !is_owned(&it.schema, &it.name));
    rest.objects.retain(|it| match (&it.table, it.kind) {
        (Some(table), _) => !goes(&it.schema, table),
        (None, ObjectKind::Table) => !goes(&it.schema, &it.name),
        (None, ObjectKind::Sequence) => !is_owned(&it.schema, &it.name),
        _ => true,
    });
    (Known::from_catalog(&rest), mapping)
}

fn members(catalog: &Catalog, goes: &dyn Fn(&QualifiedName) -> bool) -> Vec<Member> {
    let member = |kind, schema: &str, name: &str| Member {
        kind,
        schema: schema.to_owned(),
        name: name.to_owned(),
    };
    let tables = catalog.tables.iter().filter(|it| goes(&it.qualified_name()));
    let tables = tables.map(|it| member(ObjectKind::Table, &it.schema, &it.name));
    let indexes = catalog.objects.iter().filter(|it| {
        let table = it.table.as_ref();
        it.kind == ObjectKind::Index
            && table.is_some_and(|table| goes(&QualifiedName::new(&it.schema, table)))
    });
    let indexes = indexes.map(|it| member(ObjectKind::Index, &it.schema, &it.name));
    let sequences = catalog.sequences.iter();
    let sequences = sequences.filter(|it| it.owned_by.as_ref().is_some_and(|owner| goes(&owner.table)));
    let sequences = sequences.map(|it| member(ObjectKind::Sequence, &it.schema, &it.name));
    tables.chain(indexes).chain(sequences).collect()
}

fn owned_sequences<'a>(catalog: &'a Catalog, moves: &'a Moves) -> impl Iterator<Item = QualifiedName> + 'a {
    let owned = catalog.sequences.iter().filter(|it| {
        let owner = it.owned_by.as_ref();
        owner.is_some_and(|it| moves.contains_key(&it.table))
    });
    owned.map(|it| QualifiedName::new(&it.schema, &it.name))
}

/// Has the tables, and what belongs to them, stand in their new schemas; gives their old names with the new ones.
pub fn apply(catalog: &mut Catalog, moves: &Moves) -> BTreeMap<QualifiedName, QualifiedName> {
    let owned: BTreeMap<QualifiedName, String> = catalog
        .sequences
        .iter()
        .filter_map(|it| {
            let to = moves.get(&it.owned_by.as_ref()?.table)?;
            Some((QualifiedName::new(&it.schema, &it.name), to.clone()))
        })
        .collect();
    for object in &mut catalog.objects {
        let own = QualifiedName::new(&object.schema, &object.name);
        let to = match (&object.table, object.kind) {
            (Some(table), _) => moves.get(&QualifiedName::new(&object.schema, table)),
            (None, ObjectKind::Table) => moves.get(&own),
            (None, ObjectKind::Sequence) => owned.get(&own),
            _ => None,
        };
        if let Some(to) = to {
            object.schema.clone_from(to);
        }
    }
    for sequence in &mut catalog.sequences {
        if let Some(owner) = &mut sequence.owned_by
            && let Some(to) = moves.get(&owner.table)
        {
            sequence.schema.clone_from(to);
            owner.table.schema.clone_from(to);
        }
    }
    for table in &mut catalog.tables {
        if let Some(to) = moves.get(&table.qualified_name()) {
            table.schema.clone_from(to);
        }
    }
    for name in catalog
        .left_out_keys
        .iter_mut()
        .flat_map(|it| [&mut it.table, &mut it.parent])
    {
        if let Some(to) = moves.get(name) {
            name.schema.clone_from(to);
        }
    }
    let all = moves.iter().chain(&owned);
    all.map(|(old, to)| (old.clone(), QualifiedName::new(to, &old.name)))
        .collect()
}
