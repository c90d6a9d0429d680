//! The header of the archive that is made of several: their catalogs as one, under numbers of its own.

use std::collections::{BTreeMap, BTreeSet};

use archive::{Header, MergedSource, SourceKind, TableForm};
use catalog::{
    Catalog, Column, Followed, Merged, Object, ObjectKind, Part, QualifiedName, Schema, Sequence, Table,
    TableKind,
};
use cli::Failure;
use conversion::{IntegerType, Namespace, TableConversion, conversion_of};

use super::group::{Group, Groups, PartPlace, table_at};
use super::shape::{Found, Shape};
use super::source::Source;
use super::statements::United;

/// The new numbers of one source's tables by their old ones.
pub(crate) type Numbers = BTreeMap<u32, u32>;

/// What everything comes from.
pub(crate) struct Whole<'a> {
    pub(crate) groups: &'a Groups,
    pub(crate) shapes: &'a [Shape],
    pub(crate) sources: &'a [Source],
    pub(crate) united: &'a United,
}

impl Whole<'_> {
    /// The header, and the new number of every table; `plan` is the plan's text.
    pub(crate) fn header(&self, plan: &str, found: &mut Found) -> cli::Result<(Header, Vec<Numbers>)> {
        self.refuse_what_meets(found);
        let (tables, numbers) = self.tables();
        let mut catalog = self.catalog(found);
        catalog.tables = tables;
        self.refuse_names(&catalog, found);
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
        Ok((header, numbers))
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

    /// All tables: those of single sources, the merged ones, and at last what is no table of the target.
    fn tables(&self) -> (Vec<Table>, Vec<Numbers>) {
        let mut tables: Vec<Table> = Vec::new();
        let mut numbers: Vec<Numbers> = vec![Numbers::new(); self.sources.len()];
        let group_of = |place: PartPlace| self.groups.all.iter().position(|it| it.parts.contains(&place));
        let mut push = |tables: &mut Vec<Table>, table: Table| {
            let number = u32::try_from(tables.len()).unwrap_or(u32::MAX);
            tables.push(Table { number, ..table });
            number
        };
        for is_own in [true, false] {
            for (source, it) in self.sources.iter().enumerate() {
                for (table, own) in it.catalog.tables.iter().enumerate() {
                    if own.is_own() == is_own && group_of(PartPlace { source, table }).is_none() {
                        let columns = row_columns(it, own);
                        let number = push(
                            &mut tables,
                            Table {
                                columns,
                                ..own.clone()
                            },
                        );
                        numbers[source].insert(own.number, number);
                    }
                }
            }
            if is_own {
                self.push_groups(&mut tables, &mut push);
            }
        }
        let first = tables
            .iter()
            .position(|it| it.kind == TableKind::Merged)
            .unwrap_or(0);
        let group_number = |group: usize| u32::try_from(first + group).unwrap_or(u32::MAX);
        for (place, group) in self.groups.all.iter().enumerate() {
            let mut parts: Vec<(String, u32)> = Vec::new();
            for (at, part) in group.parts.iter().enumerate() {
                let source = &self.sources[part.source];
                let part = self.part(group, *part, group_number(place), &self.shapes[place].values[at]);
                let old = part.number;
                let number = push(&mut tables, part);
                numbers[group.parts[at].source].insert(old, number);
                parts.push((source.name.clone(), number));
            }
            if let Some(merge) = &group.merge {
                let order = merge.order();
                parts.sort_by_key(|(name, _)| order.iter().position(|it| it == name));
            }
            let follows = group
                .follows
                .iter()
                .map(|(columns, parent, parent_columns)| Followed {
                    columns: columns.clone(),
                    parent: group_number(*parent),
                    parent_columns: parent_columns.clone(),
                });
            tables[first + place].merged = Some(Merged {
                parts: parts.into_iter().map(|it| it.1).collect(),
                source_column: group.source_column.clone(),
                dedupe: group.dedupe().to_vec(),
                follows: follows.collect(),
            });
        }
        (tables, numbers)
    }

    fn push_groups(&self, tables: &mut Vec<Table>, push: &mut dyn FnMut(&mut Vec<Table>, Table) -> u32) {
        for (place, group) in self.groups.all.iter().enumerate() {
            let own = group.parts.iter().map(|it| table_at(self.sources, *it));
            let first = table_at(self.sources, group.parts[0]);
            let keyed = own.clone().find(|it| !it.primary_key.is_empty());
            let mut primary_key = keyed.map(|it| it.primary_key.clone()).unwrap_or_default();
            if self.groups.is_fronted(place, &primary_key) {
                primary_key.splice(0..0, group.source_column.clone());
            }
            push(
                tables,
                Table {
                    schema: group.target.schema.clone(),
                    name: group.target.name.clone(),
                    kind: TableKind::Merged,
                    columns: self.shapes[place].columns.clone(),
                    primary_key,
                    rows_estimate: own.clone().map(|it| it.rows_estimate).sum(),
                    bytes: own.clone().map(|it| it.bytes).sum(),
                    index_bytes: own.map(|it| it.index_bytes).sum(),
                    origin: None,
                    ..first.clone()
                },
            );
        }
    }

    /// One source's rows of a merged table, under their name in the source.
    fn part(&self, group: &Group, place: PartPlace, into: u32, values: &[catalog::PartValue]) -> Table {
        let source = &self.sources[place.source];
        let renamed = table_at(self.sources, place);
        let old = source
            .header
            .catalog
            .tables
            .iter()
            .find(|it| it.number == renamed.number);
        let old = old.unwrap_or(renamed);
        let _ = group;
        Table {
            schema: old.schema.clone(),
            name: old.name.clone(),
            kind: TableKind::Part,
            columns: row_columns(source, renamed),
            part: Some(Part {
                source: source.name.clone(),
                into,
                values: values.to_vec(),
            }),
            ..old.clone()
        }
    }

    fn catalog(&self, found: &mut Found) -> Catalog {
        let mut all = Catalog {
            search_path: Vec::new(),
            ..Catalog::default()
        };
        let targets: BTreeSet<&QualifiedName> = self
            .groups
            .all
            .iter()
            .filter(|it| !it.keeps_definition())
            .map(|it| &it.target)
            .collect();
        let is_new = |schema: &str, name: &str| targets.contains(&QualifiedName::new(schema, name));
        for (place, source) in self.sources.iter().enumerate() {
            let own = &source.catalog;
            let mut gone: BTreeSet<QualifiedName> = BTreeSet::new();
            for sequence in &own.sequences {
                let name = QualifiedName::new(&sequence.schema, &sequence.name);
                let owner = sequence.owned_by.as_ref();
                let is_of_new = owner.is_some_and(|it| is_new(&it.table.schema, &it.table.name));
                if is_of_new
                    && !self.united.sequences.contains(&(place, name.clone()))
                    && !self.is_identity(place, sequence)
                {
                    gone.insert(name);
                } else {
                    all.sequences.push(self.advanced(place, sequence));
                }
            }
            all.objects.extend(
                own.objects
                    .iter()
                    .filter(|it| match &it.table {
                        Some(table) => !is_new(&it.schema, table),
                        None => {
                            let name = QualifiedName::new(&it.schema, &it.name);
                            !(it.kind == ObjectKind::Sequence && gone.contains(&name))
                                && !(it.kind == ObjectKind::Table && is_new(&it.schema, &it.name))
                        }
                    })
                    .cloned(),
            );
            all.schemas.extend(own.schemas.iter().cloned());
            all.materialized_views
                .extend(own.materialized_views.iter().cloned());
            all.large_objects.extend(own.large_objects.iter().cloned());
            all.left_out_keys.extend(own.left_out_keys.iter().cloned());
            all.public_usage.extend(own.public_usage.iter().cloned());
            all.roles.extend(own.roles.iter().cloned());
            all.policy_roles.extend(own.policy_roles.iter().cloned());
            all.search_path.extend(own.search_path.iter().cloned());
            all.collations.extend(own.collations.iter().cloned());
            self.add_extensions(place, &mut all, found);
            self.add_settings(place, &mut all, found);
        }
        for target in &targets {
            all.objects.push(Object {
                kind: ObjectKind::Table,
                schema: target.schema.clone(),
                name: target.name.clone(),
                table: None,
                indexed: false,
            });
        }
        all.objects.extend(self.united.objects.iter().cloned());
        all.schemas.extend(self.groups.all.iter().map(|it| Schema {
            name: it.target.schema.clone(),
            comment: None,
        }));
        all.schemas.sort_by(|one, other| one.name.cmp(&other.name));
        // Of two of one name the one with a comment.
        all.schemas.dedup_by(|later, first| {
            let is_same = later.name == first.name;
            if is_same && first.comment.is_none() {
                first.comment = later.comment.take();
            }
            is_same
        });
        for names in [&mut all.roles, &mut all.policy_roles] {
            names.sort();
            names.dedup();
        }
        all.search_path.extend(targets.iter().map(|it| it.schema.clone()));
        let mut seen = BTreeSet::new();
        all.search_path.retain(|it| seen.insert(it.clone()));
        let mut seen = BTreeSet::new();
        all.public_usage.retain(|it| seen.insert(it.schema.clone()));
        all.public_usage
            .sort_by(|one, other| one.schema.cmp(&other.schema));
        all.collations
            .sort_by(|one, other| (&one.schema, &one.name).cmp(&(&other.schema, &other.name)));
        all.collations
            .dedup_by(|later, first| (&later.schema, &later.name) == (&first.schema, &first.name));
        all
    }

    /// Whether the sequence is an identity's, and so made with its column, by the part whose values it makes.
    fn is_identity(&self, source: usize, sequence: &Sequence) -> bool {
        let Some(owner) = &sequence.owned_by else {
            return false;
        };
        let Some(group) = self.groups.by_target.get(&owner.table) else {
            return false;
        };
        let group = &self.groups.all[*group];
        let makes = |part: &PartPlace| {
            let column = table_at(self.sources, *part)
                .columns
                .iter()
                .find(|it| it.name == owner.column);
            column.is_some_and(|it| it.identity.is_some()) || self.has_sequence(*part, &owner.column)
        };
        let first = group.parts.iter().find(|it| makes(it));
        let is_first = first.is_some_and(|it| it.source == source);
        is_first
            && first.is_some_and(|part| {
                let column = table_at(self.sources, *part)
                    .columns
                    .iter()
                    .find(|it| it.name == owner.column);
                column.is_some_and(|it| it.identity.is_some())
            })
    }

    fn has_sequence(&self, part: PartPlace, column: &str) -> bool {
        let name = table_at(self.sources, part).qualified_name();
        let mut sequences = self.sources[part.source].catalog.sequences.iter();
        sequences.any(|it| {
            it.owned_by
                .as_ref()
                .is_some_and(|it| it.table == name && it.column == column)
        })
    }

    /// The sequence beyond what the sequences of all parts have given.
    fn advanced(&self, source: usize, sequence: &Sequence) -> Sequence {
        let mut advanced = sequence.clone();
        let Some(owner) = &sequence.owned_by else {
            return advanced;
        };
        let Some(group) = self.groups.by_target.get(&owner.table) else {
            return advanced;
        };
        let group = &self.groups.all[*group];
        if group.part_of(source).is_none() || sequence.increment < 0 {
            return advanced;
        }
        for part in &group.parts {
            let shift = self.groups.shift(*part, &owner.column);
            let own = &self.sources[part.source].catalog.sequences;
            let own = own
                .iter()
                .filter(|it| it.owned_by.as_ref() == Some(owner) && it.is_called);
            for last in own.map(|it| it.last_value.saturating_add(shift)) {
                if !advanced.is_called || last > advanced.last_value {
                    (advanced.last_value, advanced.is_called) = (last, true);
                }
            }
        }
        advanced
    }

    fn add_extensions(&self, place: usize, all: &mut Catalog, found: &mut Found) {
        for extension in &self.sources[place].catalog.extensions {
            let Some(known) = all.extensions.iter_mut().find(|it| it.name == extension.name) else {
                all.extensions.push(extension.clone());
                continue;
            };
            if known.schema != extension.schema {
                found.refused.push(format!(
                    "extension {} would be in schema {} for one source and in {} for `{}`; name one under \
                     `extensions_schema` of both",
                    extension.name, known.schema, extension.schema, self.sources[place].name
                ));
            }
            if known.version != extension.version {
                found.notes.push(format!(
                    "extension {} has version {} in one source and {} in `{}`",
                    extension.name, known.version, extension.version, self.sources[place].name
                ));
            }
            let further = extension.members.iter().filter(|it| !known.members.contains(it));
            let further: Vec<_> = further.cloned().collect();
            known.members.extend(further);
        }
    }

    fn add_settings(&self, place: usize, all: &mut Catalog, found: &mut Found) {
        for setting in &self.sources[place].catalog.settings {
            let is_same = |it: &&catalog::Setting| (&it.role, &it.name) == (&setting.role, &setting.name);
            match all.settings.iter().find(is_same) {
                None => all.settings.push(setting.clone()),
                Some(known) if known.value == setting.value => {}
                Some(_) => found.doubts.push(format!(
                    "setting {setting} of source `{}` is another one in a source before it, which stands",
                    self.sources[place].name
                )),
            }
        }
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

    /// Two relations of one name.
    fn refuse_names(&self, catalog: &Catalog, found: &mut Found) {
        use ObjectKind::{ForeignTable, Index, MaterializedView, Sequence, Table, View};
        let mut taken: BTreeSet<(&str, &str)> = BTreeSet::new();
        let relations = [ForeignTable, Index, MaterializedView, Sequence, Table, View];
        for object in catalog.objects.iter().filter(|it| relations.contains(&it.kind)) {
            if !taken.insert((&object.schema, &object.name)) {
                found.refused.push(format!(
                    "two objects would be called {}; give one another name under `rename` of its source",
                    QualifiedName::new(&object.schema, &object.name)
                ));
            }
        }
    }
}

/// The columns that the rows have: without those that keep old keys, with integers where they become UUIDs.
fn row_columns(source: &Source, table: &Table) -> Vec<Column> {
    let Some(conversion) = conversion_of(&source.conversions, table.number) else {
        return table.columns.clone();
    };
    let is_kept = |name: &str| conversion.kept().any(|(_, kept)| kept.name == name);
    let own = table.columns.iter().filter(|it| !is_kept(&it.name)).cloned();
    let integer = |mut column: Column| {
        if let Some(it) = conversion.column(&column.name) {
            let of: IntegerType = it.from;
            of.internal_name().clone_into(&mut column.column_type.name);
            of.name().clone_into(&mut column.column_type.text);
        }
        column
    };
    own.map(integer).collect()
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
