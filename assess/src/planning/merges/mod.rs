//! Layout `merge`: tables of one name and fitting columns become one table. What `remap-schema --merge` would refuse is not
//! proposed.

mod keys;

use std::collections::BTreeMap;

use catalog::{Catalog, QualifiedName, Table, TableKind, quote_ident};
use plan::{DEFAULT_SOURCE_COLUMN, Merge, MergedKeys, MergedTable, Plan, unite_types};

use crate::conflicts::{Conflict, Severity, Topic};
use crate::sources::Source;
use keys::Reference;

/// One source's table under the name that it would have on the target.
#[derive(Clone, Copy)]
struct Candidate<'a> {
    side: usize,
    table: &'a Table,
}

/// A merge as far as it is thought of.
struct Proposed<'a> {
    into: QualifiedName,
    tables: Vec<Candidate<'a>>,
    keys: MergedKeys,
    offsets: BTreeMap<String, i64>,
    /// The greatest key that is likely, of each source.
    greatest: BTreeMap<String, Option<i64>>,
}

/// Enters a merge for each set of tables that fit, and tells which do not.
pub(super) fn enter(sources: &[Source], plan: &mut Plan) -> Vec<Conflict> {
    let mut conflicts = Vec::new();
    let mut merges = Vec::new();
    let mut apart = |into: &QualifiedName, reason: &str| {
        conflicts.push(Conflict::new(
            Severity::Resolved,
            Topic::Merge,
            &["apart", &into.to_string()],
            format!("tables that would become {into} do not fit: {reason}"),
            "the plan keeps them apart, each called after its source",
        ));
    };
    for (into, tables) in candidates(sources, plan) {
        match misfit(&tables, sources, plan) {
            Some(reason) => apart(&into, &reason),
            None => merges.push(Proposed {
                into,
                tables,
                keys: MergedKeys::AsIs,
                offsets: BTreeMap::new(),
                greatest: BTreeMap::new(),
            }),
        }
    }
    let references = keys::references(sources);
    // What leaves may have been what another one needs.
    loop {
        let chosen = match lonely(&merges, &references, plan) {
            Some(found) => Err(found),
            None => keys::choose(&mut merges, &references, sources, plan),
        };
        let Err((place, reason)) = chosen else { break };
        apart(&merges.remove(place).into, &reason);
    }
    let source_column = source_column(sources);
    for proposed in merges {
        let merge = proposed.merge(source_column, plan);
        let whose: Vec<&str> = merge.tables.iter().map(|it| it.source.as_str()).collect();
        conflicts.push(Conflict::new(
            Severity::Resolved,
            Topic::Merge,
            &["one", &merge.into],
            format!("{} is in {}", merge.into, whose.join(", ")),
            "the plan makes them one table; take the merge out of the plan to keep them apart",
        ));
        plan.merges.push(merge);
    }
    conflicts
}

/// Tables of several sources that would have one name on one target.
fn candidates<'a>(sources: &'a [Source], plan: &Plan) -> Vec<(QualifiedName, Vec<Candidate<'a>>)> {
    let mut met: BTreeMap<(Option<String>, String, String), Vec<Candidate<'_>>> = BTreeMap::new();
    for (side, source) in sources.iter().enumerate() {
        let planned = &plan.sources[side];
        for table in source.catalog.tables.iter().filter(|it| it.is_own()) {
            let schema = planned.mapping.schema(&table.schema);
            let key = (planned.target.clone(), schema, table.name.clone());
            met.entry(key).or_default().push(Candidate { side, table });
        }
    }
    let several = met.into_iter().filter(|(_, tables)| tables.len() > 1);
    several
        .map(|((_, schema, name), tables)| (QualifiedName::new(schema, name), tables))
        .collect()
}

/// A name that no column has.
fn source_column(sources: &[Source]) -> &'static str {
    const NAMES: [&str; 4] = [
        DEFAULT_SOURCE_COLUMN,
        "from_source",
        "source_database",
        "coalesce_source",
    ];
    let is_taken = |name: &str| {
        let mut tables = sources.iter().flat_map(|it| &it.catalog.tables);
        tables.any(|it| it.columns.iter().any(|it| it.name == name))
    };
    NAMES.into_iter().find(|it| !is_taken(it)).unwrap_or(NAMES[0])
}

/// Whether a table's rows can be told from those of any other.
fn is_plain(table: &Table, catalog: &Catalog) -> bool {
    let own = table.qualified_name();
    table.kind == TableKind::Ordinary
        && table.partition_of.is_none()
        && table.inherits.is_empty()
        && !catalog.tables.iter().any(|it| it.inherits.contains(&own))
}

/// A merge with a foreign key to a table in which not all of its sources have a part: the rows of the others would have no
/// parents.
fn lonely(merges: &[Proposed<'_>], references: &[Reference], plan: &Plan) -> Option<(usize, String)> {
    let place_of = |side: usize, table: &QualifiedName| merges.iter().position(|it| it.has(side, table));
    references.iter().find_map(|key| {
        let place = place_of(key.side, &key.table)?;
        let parent = place_of(key.side, &key.parent);
        let others = merges[place].tables.iter().filter(|it| it.side != key.side);
        let mut with_columns = others.filter(|it| {
            let mut columns = key.columns.iter();
            columns.all(|name| it.table.columns.iter().any(|column| column.name == *name))
        });
        let has_part =
            |side: usize| parent.is_some_and(|parent| merges[parent].tables.iter().any(|it| it.side == side));
        let other = with_columns.find(|it| !has_part(it.side))?;
        let reason = format!(
            "that of {} refers to {}, which is not merged with one of {}",
            plan.sources[key.side].name, key.parent, plan.sources[other.side].name
        );
        Some((place, reason))
    })
}

/// Why these tables cannot be one.
fn misfit(tables: &[Candidate<'_>], sources: &[Source], plan: &Plan) -> Option<String> {
    let first = tables.first()?;
    for it in tables {
        let name = &plan.sources[it.side].name;
        if tables.iter().filter(|other| other.side == it.side).count() > 1 {
            return Some(format!("{name} has several of them"));
        }
        if !is_plain(it.table, &sources[it.side].catalog) {
            return Some(format!(
                "that of {name} is partitioned, inherits, is inherited from or is foreign"
            ));
        }
        let known = sources[it.side].inventory.table(&it.table.schema, &it.table.name);
        if known.is_some_and(|it| it.policies.iter().any(|policy| !policy.permissive)) {
            return Some(format!("that of {name} has a restrictive policy"));
        }
        if it.table.stores_names() {
            return Some(format!("rows of that of {name} hold names of objects"));
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

impl Proposed<'_> {
    fn merge(self, source_column: &str, plan: &Plan) -> Merge {
        let into = format!(
            "{}.{}",
            quote_ident(&self.into.schema),
            quote_ident(&self.into.name)
        );
        let parts = self.tables.iter().map(|it| MergedTable {
            source: plan.sources[it.side].name.clone(),
            table: it.table.qualified_name().to_string(),
        });
        let mut merge = Merge::new(into, parts.collect());
        let table = self.tables[0].table;
        let note = match self.keys {
            MergedKeys::Offset => {
                "keys of each source get its offset added; rows that mean the same stay two unless `dedupe` names their natural key"
            }
            MergedKeys::AsIs if table.primary_key.is_empty() => "there is no primary key that could meet",
            MergedKeys::AsIs => "keys are UUIDs, which do not meet",
            _ if table.primary_key.len() == 1 && !self.greatest.is_empty() => {
                "the source column stands in front of the key: an offset has no room in it, or in what refers to it, or the key refers to keys without one"
            }
            _ => "the source column stands in front of the key, which is no single integer",
        };
        source_column.clone_into(&mut merge.source_column);
        merge.note = Some(note.to_owned());
        merge.keys = self.keys;
        if self.keys == MergedKeys::Offset {
            merge.offsets = self.offsets;
        }
        merge
    }
}
