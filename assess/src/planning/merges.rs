//! Layout `merge`: tables of one name and fitting columns become one table.

use std::collections::BTreeMap;

use catalog::{Catalog, Table, TableKind, quote_ident};
use plan::{Merge, MergedKeys, MergedTable, Plan, propose_offsets, unite_types};

use crate::conflicts::{Conflict, Severity, Topic};
use crate::sources::Source;

const INTEGERS: [&str; 3] = ["smallint", "integer", "bigint"];

/// One source's table under the name that it would have on the target.
#[derive(Clone, Copy)]
struct Candidate<'a> {
    side: usize,
    table: &'a Table,
}

/// Enters a merge for each set of tables that fit, and tells which do not.
pub(super) fn enter(sources: &[Source], plan: &mut Plan) -> Vec<Conflict> {
    let mut met: BTreeMap<(Option<String>, String, String), Vec<Candidate<'_>>> = BTreeMap::new();
    for (side, source) in sources.iter().enumerate() {
        let planned = &plan.sources[side];
        for table in source.catalog.tables.iter().filter(|it| it.is_own()) {
            let key = (
                planned.target.clone(),
                planned.mapping.schema(&table.schema),
                table.name.clone(),
            );
            met.entry(key).or_default().push(Candidate { side, table });
        }
    }
    let mut conflicts = Vec::new();
    for ((_, schema, name), tables) in met {
        if tables.len() < 2 {
            continue;
        }
        let into = format!("{}.{}", quote_ident(&schema), quote_ident(&name));
        if let Some(reason) = misfit(&tables, plan) {
            conflicts.push(Conflict::new(
                Severity::Resolved,
                Topic::Merge,
                &["apart", &into],
                format!("tables that would become {into} do not fit: {reason}"),
                "the plan keeps them apart, each called after its source",
            ));
            continue;
        }
        let merge = merge(&into, &tables, sources, plan);
        let whose: Vec<&str> = merge.tables.iter().map(|it| it.source.as_str()).collect();
        conflicts.push(Conflict::new(
            Severity::Resolved,
            Topic::Merge,
            &["one", &into],
            format!("{into} is in {}", whose.join(", ")),
            "the plan makes them one table; take the merge out of the plan to keep them apart",
        ));
        plan.merges.push(merge);
    }
    conflicts
}

/// Why these tables cannot be one.
fn misfit(tables: &[Candidate<'_>], plan: &Plan) -> Option<String> {
    let first = tables.first()?;
    for it in tables {
        let name = &plan.sources[it.side].name;
        if it.table.kind != TableKind::Ordinary || it.table.partition_of.is_some() {
            return Some(format!("that of {name} is no ordinary table"));
        }
        if !it.table.inherits.is_empty() {
            return Some(format!("that of {name} inherits from another"));
        }
        if it.table.primary_key != first.table.primary_key {
            return Some(format!("that of {name} has another primary key"));
        }
        for column in &it.table.columns {
            let other = first.table.columns.iter().find(|one| one.name == column.name);
            if let Some(other) = other
                && unite_types(&other.column_type, &column.column_type).is_none()
            {
                return Some(format!(
                    "column {} is {} in {}, {} in {name}",
                    column.name,
                    other.column_type.text,
                    plan.sources[first.side].name,
                    column.column_type.text
                ));
            }
            if column.generated.is_some() {
                return Some(format!("column {} of {name} is generated", column.name));
            }
        }
    }
    None
}

fn merge(into: &str, tables: &[Candidate<'_>], sources: &[Source], plan: &Plan) -> Merge {
    let parts = tables.iter().map(|it| MergedTable {
        source: plan.sources[it.side].name.clone(),
        table: it.table.qualified_name().to_string(),
    });
    let mut merge = Merge::new(into, parts.collect());
    let table = tables[0].table;
    let key = match table.primary_key.as_slice() {
        [only] => table.columns.iter().find(|it| it.name == *only),
        _ => None,
    };
    let key_type = key.map(|it| it.column_type.text.as_str());
    if key_type.is_some_and(|it| INTEGERS.contains(&it)) {
        let greatest: Vec<(String, Option<i64>)> = tables
            .iter()
            .map(|it| {
                let name = plan.sources[it.side].name.clone();
                (
                    name,
                    greatest_key(it.table, &sources[it.side].catalog, &sources[it.side]),
                )
            })
            .collect();
        if let Some(offsets) = propose_offsets(&greatest) {
            merge.offsets = offsets;
            merge.note = Some(
                "keys of each source get its offset added; rows that mean the same stay two unless `dedupe` names their natural key"
                    .to_owned(),
            );
            return merge;
        }
    }
    merge.keys = if key_type == Some("uuid") || table.primary_key.is_empty() {
        MergedKeys::AsIs
    } else {
        MergedKeys::Composite
    };
    let why = match merge.keys {
        MergedKeys::AsIs if table.primary_key.is_empty() => "there is no primary key that could meet",
        MergedKeys::AsIs => "keys are UUIDs, which do not meet",
        _ => "the source column stands in front of the key, which is no single integer",
    };
    merge.note = Some(why.to_owned());
    merge
}

/// The greatest key that is likely: where the key's sequence stands, else the number of rows.
fn greatest_key(table: &Table, catalog: &Catalog, source: &Source) -> Option<i64> {
    let owned = catalog.sequences.iter().filter(|it| {
        it.owned_by
            .as_ref()
            .is_some_and(|owner| owner.table == table.qualified_name())
    });
    let rows = source
        .inventory
        .table(&table.schema, &table.name)
        .map(inventory::Table::rows);
    let rows = rows.and_then(|it| i64::try_from(it).ok());
    owned.map(|it| it.last_value).chain(rows).max()
}
