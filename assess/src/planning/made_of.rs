//! What a source has, in short: enough to say later what changed.

use std::collections::BTreeMap;

use catalog::quote_ident;
use inventory::{Inventory, Table};
use plan::{MadeOf, TableMadeOf};
use serde_json::json;
use sha2::{Digest, Sha256};

/// Digits of a definition's SHA-256 that are kept: two definitions of one table do not meet by chance.
const DIGITS: usize = 12;

pub(crate) fn made_of(inventory: &Inventory) -> MadeOf {
    let count = |number: usize| number as u64;
    let counts = [
        ("views", count(inventory.views.len())),
        ("functions", count(inventory.routines.len())),
        ("triggers", count(inventory.triggers.len())),
        ("types", count(inventory.types.len())),
        ("sequences", count(inventory.sequences.len())),
    ];
    // A role that is merely connected comes and goes.
    let bound = |it: &&inventory::Role| it.owned > 0 || it.granted > 0;
    let mut roles: Vec<String> = inventory
        .roles
        .iter()
        .filter(bound)
        .map(|it| it.name.clone())
        .collect();
    roles.sort();
    MadeOf {
        counts: counts
            .into_iter()
            .map(|(kind, number)| (kind.to_owned(), number))
            .collect(),
        extensions: inventory
            .own_extensions()
            .map(|it| (it.name.clone(), it.version.clone()))
            .collect(),
        roles,
        tables: inventory.tables.iter().map(table).collect::<BTreeMap<_, _>>(),
    }
}

fn table(table: &Table) -> (String, TableMadeOf) {
    let name = format!("{}.{}", quote_ident(&table.schema), quote_ident(&table.name));
    let columns = table
        .columns
        .iter()
        .map(|it| format!("{} {}", quote_ident(&it.name), it.type_name));
    (
        name,
        TableMadeOf {
            columns: columns.collect(),
            definition: digest(table),
        },
    )
}

/// Of all that says what the table is; not of sizes, statistics, comments or grants.
fn digest(table: &Table) -> String {
    let columns: Vec<_> = table
        .columns
        .iter()
        .map(|it| {
            json!([
                it.name,
                it.type_name,
                it.not_null,
                it.default,
                it.identity,
                it.generated,
                it.collation
            ])
        })
        .collect();
    let mut keys: Vec<(&str, &str)> = table
        .keys
        .iter()
        .map(|it| (it.name.as_str(), it.definition.as_str()))
        .chain(
            table
                .foreign_keys
                .iter()
                .map(|it| (it.name.as_str(), it.definition.as_str())),
        )
        .chain(
            table
                .indexes
                .iter()
                .map(|it| (it.name.as_str(), it.definition.as_str())),
        )
        .collect();
    keys.sort_unstable();
    keys.dedup();
    let policies: Vec<_> = table
        .policies
        .iter()
        .map(|it| json!([it.name, it.command, it.permissive, it.roles]))
        .collect();
    let text = json!([
        table.kind,
        table.parents,
        columns,
        keys,
        table.row_security,
        policies
    ])
    .to_string();
    let hash = Sha256::digest(text.as_bytes());
    let digits = hash.iter().flat_map(|it| [it >> 4, it & 15]);
    digits
        .take(DIGITS)
        .filter_map(|it| char::from_digit(u32::from(it), 16))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_definition_changes_the_digest_and_rows_do_not() {
        let was = Table {
            schema: "public".to_owned(),
            name: "t".to_owned(),
            columns: vec![inventory::Column {
                name: "id".to_owned(),
                type_name: "integer".to_owned(),
                ..inventory::Column::default()
            }],
            ..Table::default()
        };
        let mut grown = was.clone();
        (grown.rows_counted, grown.heap_bytes) = (Some(12), 8192);
        assert_eq!(digest(&was), digest(&grown));
        let mut changed = was.clone();
        changed.columns[0].not_null = true;
        assert_ne!(digest(&was), digest(&changed));
    }
}
