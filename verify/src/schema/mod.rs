//! What both sides define: catalog against catalog under the target's names.
//!
//! Where the source's definitions are known they are compared property by property (`definitions.rs`); a source that has
//! none is compared by the names of its objects (`objects.rs`), and the report says so.

mod columns;
mod definitions;
mod label;
mod merged;
mod objects;
mod renamed;
mod sequences;
mod tokens;
mod written;

use std::collections::HashSet;

use catalog::{Catalog, Definition, DefinitionKind, ObjectKind, RoleNames, TableKind};
use cli::{Failure, Result};
use conversion::{TableConversion, redefine};
use database::postgres::{DefinitionWishes, read_definitions};
use plan::Mapping;
use rewrite::{cut_passwords, rename_roles_of_definitions};

use crate::merging::MergedTable;
use crate::report::{Area, Finding, Weight};
use crate::sides::{Live, Source};
use definitions::Comparison;
use objects::Side;
use renamed::Renamed;

/// What came of the comparison, with the definitions of both sides under the target's names where they are known.
#[derive(Default)]
pub(crate) struct Compared {
    pub(crate) findings: Vec<Finding>,
    pub(crate) source: Vec<Definition>,
    pub(crate) target: Vec<Definition>,
}

/// Both sides, as far as their definitions are concerned.
pub(crate) struct Schemas<'a> {
    source: &'a Source,
    target: &'a Live,
    /// The source's catalog under its own names, with the types that its keys have on the target.
    reshaped: &'a Catalog,
    /// The same under the names of the target.
    renamed: &'a Catalog,
    mapping: &'a Mapping,
    conversions: &'a [TableConversion],
    /// The target's schemas that are compared.
    targets: &'a [String],
    wishes: DefinitionWishes,
    merged: Vec<MergedTable>,
    roles: &'a RoleNames,
}

impl<'a> Schemas<'a> {
    /// `catalogs` are the source's, under its own names and under those of the target.
    pub(crate) fn new(
        (source, target): (&'a Source, &'a Live),
        (reshaped, renamed): (&'a Catalog, &'a Catalog),
        mapping: &'a Mapping,
        conversions: &'a [TableConversion],
        targets: &'a [String],
        (wishes, roles): (DefinitionWishes, &'a RoleNames),
    ) -> Self {
        Schemas {
            source,
            target,
            reshaped,
            renamed,
            mapping,
            conversions,
            targets,
            wishes,
            merged: Vec::new(),
            roles,
        }
    }

    /// With tables that are merged on the target: what mentions them has the merged ones' names there.
    pub(crate) fn with_merged(mut self, merged: Vec<MergedTable>) -> Self {
        self.merged = merged;
        self
    }

    /// Everything that is defined otherwise, or that one side lacks, and sequences that stand behind the source's.
    /// Tables with rows are compared elsewhere, with what they hold: that one is missing is told there.
    pub(crate) fn compare(&self) -> Result<Compared> {
        let defined = self.source_catalog()?;
        let mut findings = Vec::new();
        if let Some(reason) = Self::only_names(&defined) {
            findings.extend(self.by_names());
            findings.push(
                Finding::new(
                    Area::Schema,
                    "definitions",
                    "compared by the names of objects alone",
                )
                .weighing(Weight::NotCompared)
                .with_note(reason),
            );
            findings.extend(sequences::findings(self.renamed, &self.target.catalog, true));
            return Ok(Compared {
                findings,
                ..Compared::default()
            });
        }
        let is_live = matches!(self.source, Source::Postgres(_));
        let asked = self.wishes.owners || self.wishes.grants;
        let wishes = if is_live {
            self.wishes
        } else {
            DefinitionWishes::default()
        };
        let mut there = read(self.target, self.targets, wishes, Failure::target)?;
        cut_passwords(&mut there);
        let mapping = self.mapping_to_homes();
        let earlier = self.source.earlier_mappings();
        let mut renamed = Renamed::new(defined, &mapping, earlier, &self.merged)?;
        let unjudged = written::settle(&mut renamed.definitions, &there);
        let comparison = Comparison::new(self, &renamed, &there);
        let mut found = comparison.findings();
        if !self.conversions.is_empty() {
            written::explain_converted_keys(&mut found);
        }
        merged::explain(&mut found, &renamed.definitions, &self.merged);
        for it in found
            .iter_mut()
            .filter(|it| it.object == "schema public" && it.property == "comment")
        {
            // It is there before every load, and often another role's.
            it.weight = Weight::Expected;
            it.note = Some("load does not change what is said of schema public".to_owned());
        }
        if self.roles.iter().any(|(_, new)| new.is_none()) {
            let was_dropped = |it: &&mut Finding| it.property == "owner" && it.source.is_none();
            for it in found.iter_mut().filter(was_dropped) {
                it.weight = Weight::Expected;
                it.note = Some("the role that owns it in the source becomes none by the plan".to_owned());
            }
        }
        if self.renames_columns() {
            written::explain_renamed_columns(&mut found);
        }
        written::explain_retyped_columns(&mut found, self.renamed);
        findings.extend(found);
        findings.extend(unjudged);
        if asked && !is_live {
            findings.push(
                Finding::new(Area::Schema, "owners and grants", "not compared")
                    .weighing(Weight::NotCompared)
                    .with_note("only a source that is a database tells them"),
            );
        }
        findings.extend(sequences::findings(self.renamed, &self.target.catalog, false));
        Ok(Compared {
            findings,
            source: renamed.definitions,
            target: there,
        })
    }

    /// The source's catalog with its definitions, as far as anybody knows them.
    fn source_catalog(&self) -> Result<Catalog> {
        let mut catalog = self.reshaped.clone();
        if let Source::Postgres(live) = self.source {
            let schemas: Vec<String> = catalog.schemas.iter().map(|it| it.name.clone()).collect();
            let known = self.source.catalog();
            catalog.definitions = read(live, &schemas, self.wishes, Failure::source)?;
            catalog.definitions.retain(|it| is_compared(it, known));
        }
        if !matches!(self.source, Source::Archive(it) if it.header.changes_columns()) {
            catalog::redefine_changed(&mut catalog.definitions, &catalog.tables);
        }
        if !self.source.is_converted() {
            redefine(&mut catalog.definitions, self.source.catalog(), self.conversions);
        }
        rename_roles_of_definitions(&mut catalog.definitions, self.roles);
        Ok(catalog)
    }

    /// What belongs to an extension is where the target keeps that extension.
    fn mapping_to_homes(&self) -> Mapping {
        let mut mapping = self.mapping.clone();
        for extension in &self.target.catalog.extensions {
            let home = (extension.name.clone(), extension.schema.clone());
            mapping.extension_schemas.extend([home]);
        }
        mapping
    }

    fn renames_columns(&self) -> bool {
        let mut tables = self.renamed.tables.iter();
        tables.any(|it| it.columns.iter().any(|it| it.new_name.is_some()))
    }

    /// Why the names of objects are all that is compared.
    fn only_names(defined: &Catalog) -> Option<&'static str> {
        if !defined.definitions.is_empty() || defined.objects.is_empty() {
            None
        } else {
            Some(
                "the archive does not hold definitions: make it again, or give the database itself as SOURCE",
            )
        }
    }

    fn by_names(&self) -> Vec<Finding> {
        let here = Side {
            catalog: self.reshaped,
            major: self.source.major(),
        };
        let there = Side {
            catalog: &self.target.catalog,
            major: self.target.major(),
        };
        objects::missing(here, there, self.renamed)
    }
}

fn read(
    live: &Live,
    schemas: &[String],
    wishes: DefinitionWishes,
    failure: fn(database::Error) -> Failure,
) -> Result<Vec<catalog::Definition>> {
    live.with_snapshot(|snapshot| read_definitions(snapshot.client(), Some(schemas), wishes))
        .map_err(failure)
}

/// The foreign keys among `definitions`, as findings call them.
pub(crate) fn foreign_keys(definitions: &[Definition]) -> HashSet<String> {
    let is_key = |it: &&Definition| {
        it.kind == DefinitionKind::Object(ObjectKind::Constraint)
            && it
                .properties
                .iter()
                .any(|it| label::said(it).contains(" FOREIGN KEY "))
    };
    definitions.iter().filter(is_key).map(label::label).collect()
}

/// Whether a definition belongs to what is compared: tables can have been left out of it.
fn is_compared(definition: &Definition, known: &Catalog) -> bool {
    let owner = definition.table.as_ref().unwrap_or(&definition.name);
    match definition.kind {
        DefinitionKind::Column | DefinitionKind::Object(_) => {
            let mut objects = known.objects.iter();
            let mut tables = known.tables.iter();
            objects.any(|it| it.schema == definition.schema && it.name == *owner)
                || tables.any(|it| {
                    it.kind != TableKind::Part && it.schema == definition.schema && it.name == *owner
                })
        }
        _ => true,
    }
}
