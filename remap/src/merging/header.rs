//! The header of the archive that is made of several: their catalogs as one, under numbers of its own.

use std::collections::{BTreeMap, BTreeSet};

use archive::{Header, MergedSource, SourceKind, TableForm};
use catalog::{Catalog, ObjectKind, QualifiedName, TableKind};
use cli::Failure;
use conversion::{Namespace, TableConversion};

use super::group::Groups;
use super::shape::{Found, Shape};
use super::source::Source;
use super::statements::United;

/// The new numbers of one source's tables by their old ones.
pub(crate) type Numbers = BTreeMap<u32, u32>;

/// What has its name among the relations of its schema.
const RELATIONS: [ObjectKind; 6] = [
    ObjectKind::Table,
    ObjectKind::ForeignTable,
    ObjectKind::View,
    ObjectKind::MaterializedView,
    ObjectKind::Sequence,
    ObjectKind::Index,
];

/// What everything comes from.
pub(crate) struct Whole<'a> {
    pub(crate) groups: &'a Groups,
    pub(crate) shapes: &'a [Shape],
    pub(crate) sources: &'a [Source],
    pub(crate) united: &'a United,
}

impl Whole<'_> {
    /// The header, and the new number of every table; `plan` is the plan's text.
    pub(crate) fn header(&self, plan: &str, found: &mut Found) -> (Header, Vec<Numbers>) {
        self.refuse_what_meets(found);
        let (tables, numbers) = self.tables();
        let mut catalog = self.catalog(found);
        catalog.tables = tables;
        refuse_names(&catalog, found);
        let first = self.newest();
        let names: Vec<&str> = self.sources.iter().map(|it| it.name.as_str()).collect();
        let mut header = Header {
            requires: Header::features(&catalog),
            run: run(self.sources, plan),
            filters: Vec::new(),
            row_filters: Vec::new(),
            discards: Vec::new(),
            forms: Vec::new(),
            mappings: Vec::new(),
            conversions: Vec::new(),
            merged_from: Vec::new(),
            notes: Vec::new(),
            catalog,
            ..first.header.clone()
        };
        header.source.database = names.join("+");
        let mut conversions: Vec<TableConversion> = Vec::new();
        for (source, numbers) in self.sources.iter().zip(&numbers) {
            let old = &source.header;
            let number = |table: u32| numbers.get(&table).copied().unwrap_or(u32::MAX);
            header
                .filters
                .extend(old.filters.iter().map(|it| format!("{}: {it}", source.name)));
            header
                .notes
                .extend(old.notes.iter().map(|it| format!("{}: {it}", source.name)));
            header
                .row_filters
                .extend(old.row_filters.iter().cloned().map(|mut it| {
                    it.table = number(it.table);
                    it
                }));
            header.discards.extend(old.discards.iter().cloned().map(|mut it| {
                it.table = number(it.table);
                it
            }));
            header.forms.extend(old.forms.iter().map(|it| TableForm {
                table: number(it.table),
                form: it.form,
            }));
            // What becomes of the rows of parts stands in their values.
            let own = source.conversions.iter().cloned().map(|mut it| {
                it.table = number(it.table);
                it
            });
            let is_own = |it: &TableConversion| {
                let place = usize::try_from(it.table).ok();
                place
                    .and_then(|it| header.catalog.tables.get(it))
                    .is_some_and(|it| it.kind != TableKind::Part)
            };
            conversions.extend(own.filter(is_own));
            header.merged_from.push(MergedSource {
                name: source.name.clone(),
                run: old.run.clone(),
                identity: old.source.clone(),
                mapping: source.mapping.clone(),
                tables: numbers
                    .values()
                    .copied()
                    .collect::<BTreeSet<u32>>()
                    .into_iter()
                    .collect(),
            });
        }
        header.forms.sort_by_key(|it| it.table);
        conversions.sort_by_key(|it| it.table);
        if !conversions.is_empty() {
            header.convert(conversions);
        }
        (header, numbers)
    }

    /// The source whose server is the newest, a PostgreSQL one where there is any.
    fn newest(&self) -> &Source {
        let version = |source: &&Source| {
            let identity = &source.header.source;
            let major = identity
                .server_version
                .split('.')
                .next()
                .and_then(|it| it.trim().parse::<u32>().ok());
            (identity.kind == SourceKind::PostgreSql, major)
        };
        // The first of equals.
        let newest = self.sources.iter().rev().max_by_key(version);
        newest.unwrap_or(&self.sources[0])
    }

    /// What only one archive can bring.
    fn refuse_what_meets(&self, found: &mut Found) {
        let with_objects = self
            .sources
            .iter()
            .filter(|it| !it.header.catalog.large_objects.is_empty());
        let with_objects: Vec<&str> = with_objects.map(|it| it.name.as_str()).collect();
        if with_objects.len() > 1 {
            found.refused.push(format!(
                "large objects of several sources ({}) cannot be in one archive; load all but one by themselves",
                with_objects.join(", ")
            ));
        }
        let mut taken: BTreeMap<QualifiedName, &str> = BTreeMap::new();
        for source in self.sources {
            let own = source
                .catalog
                .tables
                .iter()
                .filter(|it| it.kind == TableKind::Configuration);
            for table in own {
                if let Some(first) = taken.insert(table.qualified_name(), &source.name) {
                    found.refused.push(format!(
                        "rows of extensions: {} has some in `{first}` and in `{}`",
                        table.qualified_name(),
                        source.name
                    ));
                }
            }
        }
        for (place, source) in self.sources.iter().enumerate() {
            for object in source.catalog.objects.iter().filter(|it| it.table.is_none()) {
                let name = QualifiedName::new(&object.schema, &object.name);
                let group = self.groups.by_target.get(&name).map(|it| &self.groups.all[*it]);
                let is_relation = RELATIONS.contains(&object.kind);
                if is_relation && group.is_some_and(|it| it.part_of(place).is_none()) {
                    found.refused.push(format!(
                        "{} {name} of source `{}` has the name of a table that other sources make; give it another one under \
                         `rename` of its source",
                        object.kind, source.name
                    ));
                }
            }
        }
        let mut encodings: BTreeMap<&str, &str> = BTreeMap::new();
        for source in self.sources {
            encodings.insert(&source.header.source.encoding, &source.name);
        }
        if encodings.len() > 1 {
            let all: Vec<String> = encodings
                .iter()
                .map(|(encoding, of)| format!("{encoding} (`{of}`)"))
                .collect();
            found
                .refused
                .push(format!("the sources have several encodings: {}", all.join(", ")));
        }
        if self
            .sources
            .iter()
            .any(|it| it.header.content != self.sources[0].header.content)
        {
            found
                .refused
                .push("some archives have rows and some have none".to_owned());
        }
    }
}

/// Two relations of one name.
fn refuse_names(catalog: &Catalog, found: &mut Found) {
    let mut taken: BTreeSet<(&str, &str)> = BTreeSet::new();
    for object in catalog.objects.iter().filter(|it| RELATIONS.contains(&it.kind)) {
        if !taken.insert((&object.schema, &object.name)) {
            found.refused.push(format!(
                "two objects would be called {}; give one another name under `rename` of its source",
                QualifiedName::new(&object.schema, &object.name)
            ));
        }
    }
}

/// The same archives and the same plan give the same run, so that a load can go on where it was.
fn run(sources: &[Source], plan: &str) -> String {
    let runs: Vec<&str> = sources.iter().map(|it| it.header.run.as_str()).collect();
    Namespace::of(&runs.join(" "), &QualifiedName::new("merged", plan)).uuid_text(0)
}

/// Everything that stands in the way, as one failure.
pub(crate) fn refuse(found: &Found) -> cli::Result<()> {
    if found.refused.is_empty() {
        return Ok(());
    }
    let mut refused = found.refused.clone();
    refused.dedup();
    let failure = Failure::usage("the sources cannot be merged as the plan says");
    let failure = refused.into_iter().fold(failure, Failure::with_state);
    Err(failure.with_hint("nothing was written; change the plan's `merges`, or the source"))
}
