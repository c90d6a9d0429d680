//! `--table`: the tables whose rows are compared.

use std::collections::HashSet;

use catalog::{Catalog, QualifiedName, Table};
use cli::{Failure, Result};
use database::postgres::{Pattern, find_matching};

use crate::rows::trees::Unit;
use crate::sides::Live;

/// The numbers of the source's tables that patterns name, by their names in the source or on the target.
pub(crate) struct ChosenTables(HashSet<u32>);

impl ChosenTables {
    /// `None` without a pattern: all tables. The target's server compares, which every comparison has.
    pub(crate) fn find(
        patterns: &[String],
        catalog: &Catalog,
        renamed: &Catalog,
        target: &Live,
    ) -> Result<Option<Self>> {
        if patterns.is_empty() {
            return Ok(None);
        }
        let mut chosen = HashSet::new();
        for text in patterns {
            let pattern = Pattern::new(text).map_err(Failure::usage)?;
            let mut any = false;
            for side in [catalog, renamed] {
                let tables: Vec<&Table> = side.tables.iter().filter(|it| it.is_own()).collect();
                let names: Vec<QualifiedName> = tables.iter().map(|it| it.qualified_name()).collect();
                let places = target
                    .with_snapshot(|it| find_matching(it.client(), &pattern, &names, &side.search_path))
                    .map_err(Failure::target)?;
                any |= !places.is_empty();
                chosen.extend(
                    places
                        .iter()
                        .filter_map(|&place| tables.get(place))
                        .map(|it| it.number),
                );
            }
            if !any {
                let hint = "capital letters count only inside double quotes; a table without SCHEMA. must be in a schema \
                            of the search_path";
                return Err(Failure::usage(format!("--table {text} matches nothing")).with_hint(hint));
            }
        }
        // A partitioned table stands for its partitions.
        let is_below = |table: &Table, chosen: &HashSet<u32>| {
            let parent = table.partition_of.as_ref();
            parent.is_some_and(|parent| {
                let found = catalog.tables.iter().find(|it| it.qualified_name() == *parent);
                found.is_some_and(|it| chosen.contains(&it.number))
            })
        };
        loop {
            let below = catalog.tables.iter().filter(|it| !chosen.contains(&it.number));
            let below: Vec<u32> = below
                .filter(|it| is_below(it, &chosen))
                .map(|it| it.number)
                .collect();
            if below.is_empty() {
                return Ok(Some(ChosenTables(chosen)));
            }
            chosen.extend(below);
        }
    }

    /// Whether the table with this number is one of them.
    pub(crate) fn has_number(&self, number: u32) -> bool {
        self.0.contains(&number)
    }

    /// Whether the unit is compared: a tree also for one of its partitions.
    pub(crate) fn has(&self, unit: &Unit<'_>) -> bool {
        let parts = unit.parts.iter().map(|it| it.number);
        parts.chain([unit.table.number]).any(|it| self.0.contains(&it))
    }
}
