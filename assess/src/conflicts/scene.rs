//! Everything that is compared: the sources as the plan places them, and the target.

use std::collections::BTreeMap;

use catalog::Catalog;
use inventory::Inventory;
use plan::{Mapping, MappingError, Plan, PlannedSource};
use rewrite::Known;

use crate::sources::{Source, SqliteFile};
use crate::target::Target;

/// What goes into one target.
pub(crate) struct Scene<'a> {
    pub(crate) sides: Vec<Side<'a>>,
    pub(crate) target: Option<&'a Target>,
    pub(crate) plan: &'a Plan,
}

/// One source and what the plan makes of it.
pub(crate) struct Side<'a> {
    /// As in messages; no two sources have the same.
    pub(crate) label: String,
    pub(crate) inventory: &'a Inventory,
    pub(crate) catalog: &'a Catalog,
    pub(crate) planned: &'a PlannedSource,
    /// The mapping with all that follows from it: indexes and sequences go with a table.
    pub(crate) settled: Mapping,
    /// Why the mapping cannot hold.
    pub(crate) unsettled: Option<MappingError>,
    /// OIDs, ascending.
    pub(crate) large_objects: &'a [u32],
    pub(crate) notes: &'a [String],
    pub(crate) file: Option<&'a SqliteFile>,
}

impl<'a> Scene<'a> {
    /// `sources` in the order of the plan's.
    pub(crate) fn new(sources: &'a [Source], target: Option<&'a Target>, plan: &'a Plan) -> Self {
        let mut uses: BTreeMap<&str, usize> = BTreeMap::new();
        for source in sources {
            *uses.entry(source.name()).or_default() += 1;
        }
        let sides = sources.iter().zip(&plan.sources).map(|(source, planned)| {
            let is_alone = uses.get(source.name()) == Some(&1);
            let label = if is_alone { source.name() } else { &planned.name };
            Side {
                large_objects: &source.large_objects,
                notes: &source.notes,
                file: source.file.as_ref(),
                ..Side::new(label, &source.inventory, &source.catalog, planned)
            }
        });
        Scene {
            sides: sides.collect(),
            target,
            plan,
        }
    }
}

impl<'a> Side<'a> {
    pub(crate) fn new(
        label: &str,
        inventory: &'a Inventory,
        catalog: &'a Catalog,
        planned: &'a PlannedSource,
    ) -> Self {
        let (settled, unsettled) = match Known::from_catalog(catalog).settle(&planned.mapping) {
            Ok(settled) => (settled, None),
            Err(error) => (planned.mapping.clone(), Some(error)),
        };
        Side {
            label: label.to_owned(),
            inventory,
            catalog,
            planned,
            settled,
            unsettled,
            large_objects: &[],
            notes: &[],
            file: None,
        }
    }

    /// The source's name in the plan: what ids have.
    pub(crate) fn key(&self) -> &str {
        &self.planned.name
    }

    /// The schemas that it gets on the target.
    pub(crate) fn target_schemas(&self) -> Vec<String> {
        let schemas = self.planned.schemas.iter();
        schemas.map(|it| self.planned.mapping.schema(it)).collect()
    }
}

/// A source of the plan that keeps its names.
#[cfg(test)]
pub(crate) fn planned(name: &str) -> PlannedSource {
    let json = format!(
        r#"{{"version":1,"sources":[{{"name":"{name}","endpoint":"{name}","schemas":["public"],"to":"{name}"}}]}}"#
    );
    Plan::parse(&json).expect("the plan is sound").sources.remove(0)
}
