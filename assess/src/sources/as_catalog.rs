//! A census as a catalog: what plans, conflicts and the search for long rows ask of a source. To read a catalog from the
//! server itself would lock its tables.

use std::collections::HashMap;

use catalog::{
    Catalog, Column, ColumnType, GeneratedKind, IdentityKind, MaterializedView, QualifiedName, Schema,
    Sequence, SequenceOwner, Table, TableKind,
};
use database::postgres::Census;
use inventory::{Engine, Inventory, Scope};

/// What the census knows; definitions, and what only a dump needs, stay empty.
pub(super) fn catalog(census: &Census) -> Catalog {
    let it = &census.inventory;
    debug_assert_eq!(it.server.engine, Engine::Postgres);
    let mut keys: HashMap<_, _> = census
        .partition_keys
        .iter()
        .map(|(name, key)| ((name.0.as_str(), name.1.as_str()), key))
        .collect();
    let names: HashMap<String, QualifiedName> = it
        .tables
        .iter()
        .map(|it| (it.label(), QualifiedName::new(&it.schema, &it.name)))
        .collect();
    let tables = it.tables.iter().zip(0..).map(|(table, number)| Table {
        partition_key: keys
            .remove(&(table.schema.as_str(), table.name.as_str()))
            .cloned(),
        ..self::table(table, number, &names)
    });
    let mut catalog = Catalog {
        schemas: it
            .schemas
            .iter()
            .map(|it| Schema {
                name: it.name.clone(),
                comment: it.comment.clone(),
            })
            .collect(),
        tables: tables.collect(),
        sequences: it.sequences.iter().map(sequence).collect(),
        materialized_views: it
            .views
            .iter()
            .filter(|it| it.materialized)
            .map(|it| MaterializedView {
                schema: it.schema.clone(),
                name: it.name.clone(),
                populated: true,
                bytes: Some(it.bytes),
            })
            .collect(),
        extensions: census.extensions.clone(),
        objects: census.objects.clone(),
        roles: it.roles.iter().map(|it| it.name.clone()).collect(),
        policy_roles: policy_roles(it),
        settings: settings(it),
        collations: census.collations.clone(),
        ..Catalog::default()
    };
    catalog.read_through_roots();
    catalog
}

fn table(it: &inventory::Table, number: u32, names: &HashMap<String, QualifiedName>) -> Table {
    let parents: Vec<QualifiedName> = it
        .parents
        .iter()
        .filter_map(|it| names.get(it).cloned())
        .collect();
    let is_partition =
        it.kind == inventory::TableKind::Partition || it.kind == inventory::TableKind::Partitioned;
    let (partition_of, inherits) = match parents.as_slice() {
        [parent] if is_partition => (Some(parent.clone()), Vec::new()),
        _ => (None, parents),
    };
    Table {
        number,
        schema: it.schema.clone(),
        name: it.name.clone(),
        kind: match it.kind {
            inventory::TableKind::Partitioned => TableKind::Partitioned,
            inventory::TableKind::Foreign => TableKind::Foreign,
            _ => TableKind::Ordinary,
        },
        unlogged: it.unlogged,
        columns: it.columns.iter().map(column).collect(),
        primary_key: it.primary_key().map(|it| it.columns.clone()).unwrap_or_default(),
        partition_of,
        partition_key: None,
        through_root: None,
        inherits,
        rows_estimate: it.rows_estimate,
        bytes: it.heap_bytes + it.toast_bytes,
        index_bytes: Some(it.index_bytes),
        origin: None,
        extension: None,
        condition: None,
        merged: None,
        part: None,
        changes: None,
    }
}

fn column(it: &inventory::Column) -> Column {
    Column {
        name: it.name.clone(),
        new_name: None,
        column_type: column_type(&it.type_name),
        not_null: it.not_null,
        identity: it.identity.then_some(IdentityKind::ByDefault),
        generated: it.generated.then_some(GeneratedKind::Stored),
        binary_safe: false,
        names: None,
    }
}

/// Of what `format_type` writes under an empty search path: a type outside `pg_catalog` has its schema before it.
fn column_type(text: &str) -> ColumnType {
    let (first, rest) = cut_name(text);
    if let Some(rest) = rest.strip_prefix('.') {
        let (name, rest) = cut_name(rest);
        return ColumnType {
            schema: first,
            name,
            text: rest.to_owned(),
            base: None,
        };
    }
    ColumnType {
        schema: ColumnType::BUILT_IN_SCHEMA.to_owned(),
        name: built_in_name(text.split(['(', '[']).next().unwrap_or(text).trim_end()),
        text: text.to_owned(),
        base: None,
    }
}

/// The name at the beginning without its quotes, and what follows it.
fn cut_name(text: &str) -> (String, &str) {
    let Some(quoted) = text.strip_prefix('"') else {
        let end = text.find(['.', '[', '(']).unwrap_or(text.len());
        return (text[..end].to_owned(), &text[end..]);
    };
    let mut from = 0;
    while let Some(found) = quoted[from..].find('"') {
        let at = from + found;
        if quoted[at + 1..].starts_with('"') {
            from = at + 2;
        } else {
            return (quoted[..at].replace("\"\"", "\""), &quoted[at + 1..]);
        }
    }
    (text.to_owned(), "")
}

/// `pg_type.typname` of what SQL has words of its own for.
fn built_in_name(words: &str) -> String {
    let name = match words {
        "integer" => "int4",
        "bigint" => "int8",
        "smallint" => "int2",
        "boolean" => "bool",
        "real" => "float4",
        "double precision" => "float8",
        "character varying" => "varchar",
        "character" => "bpchar",
        "bit varying" => "varbit",
        "\"char\"" => "char",
        "timestamp without time zone" => "timestamp",
        "timestamp with time zone" => "timestamptz",
        "time without time zone" => "time",
        "time with time zone" => "timetz",
        words if words.starts_with("interval") => "interval",
        words => words,
    };
    name.to_owned()
}

fn sequence(it: &inventory::Sequence) -> Sequence {
    let owner = it.owned_by.as_ref().and_then(|it| {
        let (table, column) = it.rsplit_once('.')?;
        let (schema, name) = table.split_once('.')?;
        Some(SequenceOwner {
            table: QualifiedName::new(schema, name),
            column: column.to_owned(),
        })
    });
    Sequence {
        schema: it.schema.clone(),
        name: it.name.clone(),
        owned_by: owner,
        last_value: it.last_value.unwrap_or(1),
        is_called: it.last_value.is_some(),
        increment: it.increment,
        start: 1,
    }
}

fn policy_roles(it: &Inventory) -> Vec<String> {
    let policies = it.tables.iter().flat_map(|it| &it.policies);
    let mut roles: Vec<String> = policies
        .flat_map(|it| it.roles.iter().filter(|it| *it != "PUBLIC").cloned())
        .collect();
    roles.sort();
    roles.dedup();
    roles
}

fn settings(it: &Inventory) -> Vec<catalog::Setting> {
    let here = it
        .settings
        .iter()
        .filter(|it| matches!(it.scope, Scope::Database | Scope::RoleInDatabase));
    here.map(|it| catalog::Setting {
        role: it.role.clone(),
        name: it.name.clone(),
        value: it.value.clone(),
    })
    .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn types_are_taken_apart_as_the_catalog_has_them() {
        for (text, schema, name, rest) in [
            ("integer", "pg_catalog", "int4", "integer"),
            (
                "character varying(20)[]",
                "pg_catalog",
                "varchar",
                "character varying(20)[]",
            ),
            (
                "timestamp(3) with time zone",
                "pg_catalog",
                "timestamp",
                "timestamp(3) with time zone",
            ),
            ("public.mood[]", "public", "mood", "[]"),
            ("\"My schema\".\"a.\"\"b\"(3,2)", "My schema", "a.\"b", "(3,2)"),
            ("bit varying", "pg_catalog", "varbit", "bit varying"),
        ] {
            let found = column_type(text);
            assert_eq!(
                (found.schema.as_str(), found.name.as_str(), found.text.as_str()),
                (schema, name, rest)
            );
        }
    }
}
