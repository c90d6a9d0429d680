//! Tables of the target whose rows come out of several sources. Each source's rows are compared like a table by itself: the
//! merged table's rows that say that they are from there, with the values that they had.
//!
//! How they were merged says the archive, or the target's journal where the source is a database or a file. What is joined
//! to another source's row stands in the journal with its hashes, so that the source's rows are those of the target and
//! these.

mod casts;
mod findings;
mod journal;
mod standing;
mod views;

use std::collections::{BTreeMap, HashSet};

use catalog::{DefinitionKind, ObjectKind, QualifiedName, Table, TableKind};
use cli::{Failure, Result};
use conversion::{PartRecord, TableConversion};
use fingerprint::Fingerprint;

use crate::report::{Area, Finding, Weight};
use crate::rows::chosen::ChosenTables;
use crate::rows::difference::{RowDifference, RowDifferences};
use crate::rows::shared::Shared;
use crate::rows::trees::Unit;
use crate::sides::{Live, Source};
use journal::{Journal, NotedPart};
use standing::Standing;

/// So many joined rows are looked for among those that differ, at most.
const JOINED_MAX: u64 = 5000;

/// The parts that a source has in merged tables.
#[derive(Default)]
pub(crate) struct Merging {
    parts: Vec<Part>,
    /// The merged tables, as SQL, with the names of all their sources.
    sources: BTreeMap<String, Vec<String>>,
    /// What of them is there; by their names.
    standing: BTreeMap<String, Standing>,
    /// Why the journal was not asked.
    obstacle: Option<&'static str>,
    is_archive: bool,
    /// Schemas into which the plan puts several sources.
    pub(crate) shared_schemas: Vec<String>,
}

/// A table of a source, and the merged one that it went into.
pub(crate) struct MergedTable {
    /// Under its name in the source.
    pub(crate) own: QualifiedName,
    pub(crate) into: QualifiedName,
    /// Whether a column has another type in the merged table.
    pub(crate) is_retyped: bool,
}

/// One part.
struct Part {
    record: PartRecord,
    /// Of the source.
    own: Table,
    /// The same as it is on the target.
    renamed: Table,
    /// What it is compared with there.
    view: Table,
    noted: Option<NotedPart>,
}

impl Part {
    fn new(own: &Table, record: PartRecord, noted: Option<NotedPart>) -> Self {
        let (own, renamed) = views::sides(own, &record);
        Part {
            own,
            renamed,
            view: views::view(&record, noted.as_ref()),
            record,
            noted,
        }
    }
}

impl Merging {
    /// Looks for the source's parts: in the archive, or by `name`, the source's in the plan, in the target's journal. Tables
    /// of a live source that went into merged ones are parts from here on.
    pub(crate) fn find(source: &mut Source, target: &Live, name: Option<&str>) -> Result<Self> {
        let (noted, obstacle) = match journal::read(target)? {
            Journal::Nothing => (Vec::new(), None),
            Journal::Closed(reason) => (Vec::new(), Some(reason)),
            Journal::Noted(parts) => (parts, None),
        };
        let mut merging = Merging {
            obstacle,
            is_archive: matches!(source, Source::Archive(_)),
            ..Merging::default()
        };
        if let Source::Archive(it) = source {
            let header = &it.header;
            for table in &header.catalog.tables {
                let Some(record) = PartRecord::of(&header.catalog, &header.conversions, table) else {
                    continue;
                };
                let into = record.into.qualified_name().to_string();
                let is_same = |it: &&NotedPart| it.table == into && it.record.source() == record.source();
                let noted = noted.iter().find(is_same).cloned();
                merging.know(&record);
                merging.parts.push(Part::new(table, record, noted));
            }
            merging.look(target)?;
            return Ok(merging);
        }
        let database = source.database();
        let is_ours = |it: &&NotedPart| match name {
            Some(name) => it.record.source() == name,
            None => it.record.database == database,
        };
        for part in noted.iter().filter(is_ours) {
            let catalog = source.catalog_mut();
            let wanted = part.record.table.first_name();
            let found = catalog
                .tables
                .iter_mut()
                .find(|it| it.kind == TableKind::Ordinary && it.first_name() == wanted);
            let Some(table) = found else { continue };
            table.kind = TableKind::Part;
            let (own, mut record) = (table.clone(), part.record.clone());
            if let Some(conversion) = &mut record.conversion {
                conversion.table = own.number;
            }
            leave_objects_out(catalog, &own.qualified_name());
            merging.parts.push(Part::new(&own, record, Some(part.clone())));
        }
        let ours: HashSet<&str> = noted.iter().filter(is_ours).map(|it| it.table.as_str()).collect();
        for part in noted.iter().filter(|it| ours.contains(it.table.as_str())) {
            merging.know(&part.record);
        }
        merging.look(target)?;
        Ok(merging)
    }

    /// Looks whether the merged tables are there, and with which columns.
    fn look(&mut self, target: &Live) -> Result<()> {
        for part in &self.parts {
            let name = part.record.into.qualified_name();
            let text = name.to_string();
            if let (false, Some(found)) = (self.standing.contains_key(&text), Standing::ask(target, &name)?) {
                self.standing.insert(text, found);
            }
        }
        Ok(())
    }

    /// What differs in a merged table is one source's row in a table of several, which no statement of a repair knows.
    pub(crate) fn refuse_repairs(&self, wants_them: bool) -> Result<()> {
        let Some(part) = self.parts.first().filter(|_| wants_them) else {
            return Ok(());
        };
        let message = format!(
            "--repair-sql knows nothing of merged tables, such as {}",
            part.record.into.qualified_name()
        );
        Err(Failure::usage(message).with_hint("leave it out: the report names the rows that differ"))
    }

    /// Whether the rows of a part can be read on the target.
    fn is_readable(&self, part: &Part) -> bool {
        let name = part.record.into.qualified_name().to_string();
        let standing = self.standing.get(&name);
        standing.is_some_and(|it| it.has_all(&part.record.into))
    }

    fn know(&mut self, record: &PartRecord) {
        let table = record.into.qualified_name().to_string();
        let sources = self.sources.entry(table).or_default();
        if !sources.iter().any(|it| it == record.source()) {
            sources.push(record.source().to_owned());
        }
    }

    /// The units that stand for the parts, each with what it is compared with; with nothing where that cannot be read.
    pub(crate) fn units(&self) -> impl Iterator<Item = (Unit<'_>, Option<(Shared, &Table)>)> {
        self.parts.iter().map(|it| {
            let unit = Unit {
                table: it.own.clone(),
                renamed: &it.renamed,
                parts: Vec::new(),
                extent: database::postgres::Extent::default(),
            };
            let converted = it.record.conversion.is_some() && findings::has_all_columns(&it.record);
            let mut shared = Shared::of(&unit, &it.view, converted, false);
            // It is said otherwise which columns are not compared.
            shared.left_out.clear();
            let is_readable = self.is_readable(it);
            (unit, is_readable.then_some((shared, &it.view)))
        })
    }

    /// Whether a part belongs to a merged table that was chosen; only an archive has those.
    pub(crate) fn is_chosen(&self, number: u32, chosen: &ChosenTables) -> bool {
        let part = self.part(number).filter(|_| self.is_archive);
        part.is_some_and(|it| chosen.has_number(it.record.into.number))
    }

    /// The conversions of all tables, with those of a live source's parts.
    pub(crate) fn conversions(&self, others: &[TableConversion]) -> Vec<TableConversion> {
        let mut all = self.not_of_parts(others);
        all.extend(self.parts.iter().filter_map(|it| it.record.conversion.clone()));
        all
    }

    /// The conversions of tables that are no parts.
    pub(crate) fn not_of_parts(&self, all: &[TableConversion]) -> Vec<TableConversion> {
        all.iter().filter(|it| !self.has(it.table)).cloned().collect()
    }

    pub(crate) fn has(&self, number: u32) -> bool {
        self.part(number).is_some()
    }

    /// Whether the target's table is a merged one.
    pub(crate) fn is_merged(&self, name: &QualifiedName) -> bool {
        self.sources.contains_key(&name.to_string())
    }

    /// Whether other sources may have tables of their own in the target's schema: one load has filled it from several, and
    /// a source alone does not know the others.
    pub(crate) fn shares(&self, schema: &str) -> bool {
        let mut parts = self.parts.iter();
        self.shared_schemas.iter().any(|it| it == schema)
            || !self.is_archive && parts.any(|it| it.record.into.schema == schema)
    }

    /// The tables of a live source that went into merged ones.
    pub(crate) fn tables(&self) -> Vec<MergedTable> {
        let parts = self.parts.iter().filter(|_| !self.is_archive);
        let table = |it: &Part| MergedTable {
            own: it.own.qualified_name(),
            into: it.record.into.qualified_name(),
            is_retyped: it.own.columns.iter().any(|own| {
                let mut columns = it.record.into.columns.iter();
                columns.any(|new| new.name == own.name && new.column_type != own.column_type)
            }),
        };
        parts.map(table).collect()
    }

    /// Whether what is needed, as in `table app.users`, is a merged table, of which a part is ours.
    pub(crate) fn is_merged_object(&self, needed: &str) -> bool {
        let name = needed.strip_prefix("table ").unwrap_or(needed);
        self.sources.contains_key(name)
    }

    /// Says that a table beside the merged ones is not this source's.
    pub(crate) fn say_of_others(&self, table: &Table, say: &dyn Fn(Finding)) {
        let name = table.qualified_name();
        if !self.is_merged(&name) {
            let finding = Finding::new(Area::Rows, format!("table {name}"), "not in this source");
            let note = "its schema was filled from several sources at once: verify the merged archive";
            say(finding.weighing(Weight::NotCompared).with_note(note));
        }
    }

    /// What a part is called in the report.
    pub(crate) fn label(&self, number: u32) -> Option<String> {
        let record = &self.part(number)?.record;
        Some(format!("{} of {}", record.into.qualified_name(), record.source()))
    }

    /// How many rows of a part are joined to others, and those of the target with these; none for a table that is no part.
    pub(crate) fn with_joined(&self, number: u32, found: &Fingerprint) -> Option<(u64, Option<Fingerprint>)> {
        let noted = self.part(number)?.noted.as_ref()?;
        let sum = || {
            let mut sum = *found;
            sum.merge(&noted.joined_rows(found.form)?).ok()?;
            Some(sum)
        };
        Some((noted.joined, sum()))
    }

    /// How many rows more are to be looked for, so that joined ones and those of other types leave room for those that differ.
    pub(crate) fn joined_most(&self) -> usize {
        let joined = self.parts.iter().filter_map(|it| it.noted.as_ref());
        let most = joined.map(|it| it.joined).max().unwrap_or_default();
        usize::try_from(most.min(JOINED_MAX)).unwrap_or_default() + self.cast_most()
    }

    /// Takes joined rows out of those that the target lacks, and leaves at most `most`. With it what is to be said where
    /// the rows say the same in the types that the plan gives them.
    pub(crate) fn without_joined(
        &self,
        target: &Live,
        number: u32,
        mut found: RowDifferences,
        most: usize,
    ) -> Result<(RowDifferences, Option<String>)> {
        let part = self.part(number);
        if let Some((part, noted)) = part.and_then(|it| Some((it, it.noted.as_ref()?)))
            && noted.joined > 0
        {
            let keys: HashSet<Vec<Option<String>>> = journal::joined_keys(target, noted)?
                .into_iter()
                .map(|key| part.as_compared(key))
                .collect();
            let places: Vec<usize> = part
                .own
                .primary_key
                .iter()
                .filter_map(|key| found.columns.iter().position(|it| it == key))
                .collect();
            let before = found.rows.len();
            found.rows.retain(|row| match row {
                RowDifference::Missing(values) => {
                    let key: Vec<Option<String>> = places
                        .iter()
                        .map(|it| values.get(*it).cloned().flatten())
                        .collect();
                    !keys.contains(&key)
                }
                _ => true,
            });
            found.missing -= (before - found.rows.len()) as u64;
        }
        let said = part.map(|it| Self::cast_alone(it, target, &found)).transpose()?;
        found.rows.truncate(most);
        Ok((found, said.flatten()))
    }

    fn part(&self, number: u32) -> Option<&Part> {
        self.parts.iter().find(|it| it.own.number == number)
    }
}

impl Part {
    /// A key of the source with the values that are compared.
    fn as_compared(&self, key: Vec<Option<String>>) -> Vec<Option<String>> {
        let columns = self.own.primary_key.iter();
        let value = |(column, value): (&String, Option<String>)| {
            let value = value?;
            Some(views::uuid_of(&self.record, column, &value).unwrap_or(value))
        };
        columns.zip(key).map(value).collect()
    }
}

/// What belongs to a table that went into a merged one is not on the target by itself.
fn leave_objects_out(catalog: &mut catalog::Catalog, table: &QualifiedName) {
    let is_its = |it: &catalog::Sequence| it.owned_by.as_ref().is_some_and(|it| it.table == *table);
    let gone: HashSet<(String, String)> = catalog
        .sequences
        .iter()
        .filter(|it| is_its(it))
        .map(|it| (it.schema.clone(), it.name.clone()))
        .collect();
    catalog.sequences.retain(|it| !is_its(it));
    catalog.definitions.retain(|it| {
        let owner = it.table.as_ref().unwrap_or(&it.name);
        let of_table = matches!(it.kind, DefinitionKind::Column | DefinitionKind::Object(_));
        let is_sequence = gone.contains(&(it.schema.clone(), it.name.clone()));
        !of_table || it.schema != table.schema || *owner != table.name && !is_sequence
    });
    catalog.objects.retain(|it| {
        let of_it = it.schema == table.schema && it.table.as_deref() == Some(&table.name);
        let is_it = it.kind == ObjectKind::Table && it.schema == table.schema && it.name == table.name;
        !of_it && !is_it && !gone.contains(&(it.schema.clone(), it.name.clone()))
    });
}
