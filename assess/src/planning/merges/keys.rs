//! How the keys of proposed merges are kept apart: so that `remap-schema --merge` takes them, and every reference follows.

use std::collections::{BTreeMap, BTreeSet};

use catalog::{Catalog, QualifiedName, Table};
use plan::{MergedKeys, Plan, propose_offsets};

use super::{Candidate, Proposed};
use crate::sources::Source;

/// A foreign key of one source.
pub(super) struct Reference {
    pub(super) side: usize,
    pub(super) table: QualifiedName,
    pub(super) columns: Vec<String>,
    pub(super) parent: QualifiedName,
    parent_columns: Vec<String>,
    /// SET NULL, SET DEFAULT or MATCH FULL, which a source column in the key does not allow.
    is_partial: bool,
}

/// The foreign keys of all sources, those of SQLite files that PostgreSQL would not take among them.
pub(super) fn references(sources: &[Source]) -> Vec<Reference> {
    let mut all = Vec::new();
    for (side, source) in sources.iter().enumerate() {
        let primary = |name: &QualifiedName| {
            let mut tables = source.catalog.tables.iter();
            let table = tables.find(|it| it.qualified_name() == *name);
            table.map(|it| it.primary_key.clone()).unwrap_or_default()
        };
        for table in &source.inventory.tables {
            all.extend(table.foreign_keys.iter().map(|key| {
                Reference {
                    side,
                    table: QualifiedName::new(&table.schema, &table.name),
                    columns: key.columns.clone(),
                    parent: QualifiedName::new(&key.parent_schema, &key.parent),
                    parent_columns: key.parent_columns.clone(),
                    is_partial: ["SET NULL", "SET DEFAULT", "MATCH FULL"]
                        .iter()
                        .any(|it| key.definition.to_uppercase().contains(it)),
                }
            }));
        }
        all.extend(source.catalog.left_out_keys.iter().map(|key| Reference {
            side,
            table: key.table.clone(),
            columns: key.columns.clone(),
            parent: key.parent.clone(),
            parent_columns: key.parent_columns.clone(),
            is_partial: false,
        }));
        for key in all
            .iter_mut()
            .filter(|it| it.side == side && it.parent_columns.is_empty())
        {
            key.parent_columns = primary(&key.parent);
        }
    }
    all
}

/// Chooses for every merge. `Err` is the place of one that cannot be, and why.
pub(super) fn choose(
    merges: &mut [Proposed<'_>],
    references: &[Reference],
    sources: &[Source],
    plan: &Plan,
) -> Result<(), (usize, String)> {
    for merge in merges.iter_mut() {
        merge.keys = first_choice(merge.tables[0].table);
    }
    // A choice takes one of a few ways at most, and always in this direction.
    loop {
        give_offsets(merges, references, sources, plan);
        let Some(place) = without_room(merges, references, sources) else {
            break;
        };
        merges[place].keys = MergedKeys::Composite;
    }
    for (place, merge) in merges.iter().enumerate() {
        if merge.keys == MergedKeys::AsIs {
            continue;
        }
        for key in references.iter().filter(|it| merge.has(it.side, &it.parent)) {
            let of = &plan.sources[key.side].name;
            if key.is_partial && merge.keys == MergedKeys::Composite {
                let reason = format!(
                    "the source column would stand in its key, and a foreign key of {} of {of} sets columns to NULL or to defaults, or matches in full",
                    key.table
                );
                return Err((place, reason));
            }
            let child = sources[key.side].catalog.tables.iter();
            let mut child = child.filter(|it| it.qualified_name() == key.table);
            let is_merged = merges.iter().any(|it| it.has(key.side, &key.table));
            if !is_merged && child.any(|it| !super::is_plain(it, &sources[key.side].catalog)) {
                let reason = format!(
                    "{} of {of} refers to it, and is partitioned or inherits",
                    key.table
                );
                return Err((place, reason));
            }
        }
    }
    Ok(())
}

fn first_choice(table: &Table) -> MergedKeys {
    match table.primary_key.as_slice() {
        [] => MergedKeys::AsIs,
        [only] => match type_of(table, only) {
            Some("smallint" | "integer" | "bigint") => MergedKeys::Offset,
            Some("uuid") => MergedKeys::AsIs,
            _ => MergedKeys::Composite,
        },
        _ => MergedKeys::Composite,
    }
}

fn type_of<'a>(table: &'a Table, column: &str) -> Option<&'a str> {
    let column = table.columns.iter().find(|it| it.name == column)?;
    Some(&column.column_type.text)
}

/// Gives each merge offsets; those whose keys one column refers to get the same.
fn give_offsets(merges: &mut [Proposed<'_>], references: &[Reference], sources: &[Source], plan: &Plan) {
    let mut groups: Vec<usize> = (0..merges.len()).collect();
    let parents = |merges: &[Proposed<'_>], key: &Reference| {
        merges
            .iter()
            .position(|it| it.keys == MergedKeys::Offset && it.has(key.side, &key.parent))
    };
    let mut by_column: BTreeMap<(usize, &QualifiedName, &str), BTreeSet<usize>> = BTreeMap::new();
    for key in references {
        let Some(parent) = parents(merges, key) else {
            continue;
        };
        for column in &key.columns {
            let met = by_column
                .entry((key.side, &key.table, column.as_str()))
                .or_default();
            met.insert(parent);
        }
    }
    for met in by_column.values() {
        let of: BTreeSet<usize> = met.iter().map(|it| groups[*it]).collect();
        let Some(first) = of.first().copied() else {
            continue;
        };
        groups
            .iter_mut()
            .filter(|it| of.contains(it))
            .for_each(|it| *it = first);
    }
    for group in 0..merges.len() {
        let mut greatest: Vec<(String, Option<i64>)> = Vec::new();
        for (side, planned) in plan.sources.iter().enumerate() {
            let of_group = merges.iter().zip(&groups).filter(|it| *it.1 == group);
            let tables = of_group.flat_map(|it| &it.0.tables).filter(|it| it.side == side);
            let keys: Vec<Option<i64>> = tables
                .map(|it| greatest_key(it.table, &sources[side].catalog, &sources[side]))
                .collect();
            if !keys.is_empty() {
                greatest.push((planned.name.clone(), keys.into_iter().flatten().max()));
            }
        }
        let offsets = propose_offsets(&greatest);
        for (merge, _) in merges.iter_mut().zip(&groups).filter(|it| *it.1 == group) {
            if merge.keys == MergedKeys::Offset {
                merge.greatest = greatest.iter().cloned().collect();
                merge.offsets.clear();
                let names: Vec<&String> = merge
                    .tables
                    .iter()
                    .map(|it| &plan.sources[it.side].name)
                    .collect();
                match &offsets {
                    Some(all) => {
                        let own = all.iter().filter(|it| names.contains(&it.0));
                        merge.offsets = own.map(|(name, number)| (name.clone(), *number)).collect();
                    }
                    None => merge.keys = MergedKeys::Composite,
                }
            }
        }
    }
}

/// A merge whose keys get a number that they, or what refers to them, have no room for; or whose key refers to keys that
/// stay what they are.
fn without_room(merges: &[Proposed<'_>], references: &[Reference], sources: &[Source]) -> Option<usize> {
    merges.iter().position(|merge| {
        merge.keys == MergedKeys::Offset
            && merge.tables.iter().any(|it| {
                let key = &it.table.primary_key;
                let refers_elsewhere = references.iter().any(|reference| {
                    let is_moved = |it: &Proposed<'_>| {
                        it.keys == MergedKeys::Offset && it.has(reference.side, &reference.parent)
                    };
                    reference.side == it.side
                        && reference.table == it.table.qualified_name()
                        && reference.columns == *key
                        && !merges.iter().any(is_moved)
                });
                refers_elsewhere || merge.is_full(it, references, sources)
            })
    })
}

impl Proposed<'_> {
    /// Whether this table is one of those that it is made of.
    pub(super) fn has(&self, side: usize, table: &QualifiedName) -> bool {
        let mut tables = self.tables.iter();
        tables.any(|it| it.side == side && it.table.qualified_name() == *table)
    }

    /// Whether the offset is too much for the key, or for a column that refers to it, however far.
    fn is_full(&self, it: &Candidate<'_>, references: &[Reference], sources: &[Source]) -> bool {
        let source = &sources[it.side];
        let of = self.offsets.values().max().copied().unwrap_or_default();
        let greatest = self
            .greatest
            .values()
            .copied()
            .flatten()
            .max()
            .unwrap_or_default();
        let Some(most) = of.checked_add(greatest) else {
            return true;
        };
        let mut columns: BTreeSet<(QualifiedName, String)> = BTreeSet::new();
        columns.extend(
            it.table
                .primary_key
                .iter()
                .map(|key| (it.table.qualified_name(), key.clone())),
        );
        loop {
            let before = columns.len();
            for key in references.iter().filter(|key| key.side == it.side) {
                for (column, parent) in key.columns.iter().zip(&key.parent_columns) {
                    if columns.contains(&(key.parent.clone(), parent.clone())) {
                        columns.insert((key.table.clone(), column.clone()));
                    }
                }
            }
            if columns.len() == before {
                break;
            }
        }
        columns.iter().any(|(name, column)| {
            let table = source
                .catalog
                .tables
                .iter()
                .find(|it| it.qualified_name() == *name);
            match table.and_then(|it| type_of(it, column)) {
                Some("smallint") => most > i64::from(i16::MAX),
                Some("integer") => most > i64::from(i32::MAX),
                Some("bigint" | "numeric") => false,
                _ => true,
            }
        })
    }
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
