//! The comparison of a source with a target, table by table.

mod one_table;

use std::collections::HashMap;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use catalog::{Catalog, Column, QualifiedName, Sequence, Table, quote_ident};
use cli::{Failure, Progress, Result, Ui};
use conversion::{IntegerType, TableConversion, conversion_of};
use database::Endpoint;
use database::endpoint::PostgresEndpoint;
use database::postgres::{Extent, Selection};
use database::sqlite::Choices;
use fingerprint::Form;
use plan::Mapping;
use rayon::prelude::*;
use rewrite::{Known, NameMap};

use crate::args::Args;
use crate::report::{Difference, Finding, KeyKind, Report, Scope, TableResult};
use crate::rows::beside::{self, LargeObjects};
use crate::rows::chosen::ChosenTables;
use crate::rows::converted;
use crate::rows::explained::{self, Explained};
use crate::rows::quick::Quick;
use crate::rows::sample::Sample;
use crate::rows::trees::{Unit, units};
use crate::schema::objects::{self, Side};
use crate::sides::{Live, Source, is_sqlite, name_map};

pub(crate) fn compare(source: &str, target: &str, args: &Args, ui: &Ui) -> Result<Report> {
    let (choices, mapping) = wishes(source, args, ui)?;
    let endpoint = target_endpoint(target, ui)?;
    let jobs = args.jobs();
    let words = source;
    let keys = args.keys.keys(&args.mapping)?;
    let mut source = Source::open(source, jobs, !args.no_extension_rows, &choices, ui)?;
    if !matches!(source, Source::Sqlite(_)) {
        args.sqlite.refuse_for(words)?;
    }
    let scope = Scope::of(args, &source)?;
    let pace = Arc::new(args.rate.pace());
    if let Source::Postgres(live) = &mut source {
        live.pace = Arc::clone(&pace);
    }
    beside::complete(&mut source, !args.no_large_objects, ui.is_verbose())?;
    let schemas = source.catalog().schemas.iter();
    let wanted: Vec<String> = schemas.map(|it| mapping.schema(&it.name)).collect();
    let mut target = Live::open(&endpoint, Selection::in_schemas(&wanted), jobs, Failure::target)?;
    target.pace = pace;
    source.leave_out_targets(&mapping, &target)?;
    let targets = |source: &Source| {
        let schemas = source.catalog().schemas.iter().map(|it| it.name.as_str());
        mapping.apply(schemas).map_err(Failure::usage)
    };
    let mut explained = Explained::read(&target, &source.database(), &targets(&source)?)?;
    let mut findings = explained.narrow(&mut source)?;
    findings.extend(explained::of_archive(&source));
    let targets = targets(&source)?;
    let conversions = converted::choose(&source, keys.as_ref())?;
    let reshaped = converted::reshaped(&source, &conversions);
    let mapping = Known::from_catalog(&reshaped)
        .settle(&mapping)
        .map_err(Failure::usage)?;
    let names = name_map(&mapping, source.catalog())?;
    let mut renamed = reshaped.clone();
    renamed.rename(&mapping);

    let chosen = ChosenTables::find(&args.extent.tables, source.catalog(), &renamed, &target)?;
    let expected = source.catalog().tables.iter().map(|table| table.bytes).sum();
    let progress = ui.progress(source.name(), Some(expected));
    let comparison = Comparison {
        conversions: &conversions,
        reshaped: &reshaped,
        jobs,
        chosen: chosen.as_ref(),
        sample: scope.sample(),
        quick: scope.quick(&source, &target)?,
        ..Comparison::new(
            &source,
            &target,
            &renamed,
            &targets,
            (names.as_ref(), &explained),
            &progress,
        )
    };
    let pool = threads(jobs)?;
    let mut tables = pool.install(|| comparison.tables())?;
    let large_objects = pool.install(|| comparison.beside(&mut tables))?;
    if let Source::Postgres(live) = &source {
        live.confirm(Failure::source)?;
    }
    target.confirm(Failure::target)?;
    progress.finish();
    findings.extend(source.lost());
    findings.extend(comparison.findings());
    if tables.iter().any(TableResult::differs) {
        findings.extend(explained.obstacle());
    }
    let (objects, sequences) = (comparison.objects(), comparison.sequences());
    let (here, there) = (source.name().to_owned(), Some(target.name.clone()));
    Ok(Report::new(here, there, tables, objects, sequences)
        .with_large_objects(large_objects)
        .with_discards(source.discards())
        .with_scope(scope)
        .with_findings(findings)
        .with_chosen_keys(keys.is_some()))
}

/// How a SQLite file is read, and the new names.
fn wishes(source: &str, args: &Args, ui: &Ui) -> Result<(Choices, Mapping)> {
    let planned = args.mapping.planned()?;
    let mut choices = args.sqlite.choices(planned.as_ref())?;
    let mapping = if is_sqlite(source) {
        cli::compare_planned_file(planned.as_ref(), Path::new(source), ui);
        args.mapping.split_for_sqlite(&mut choices)?.mapping()?
    } else {
        args.mapping.mapping()?
    };
    Ok((choices, mapping))
}

fn threads(jobs: usize) -> Result<rayon::ThreadPool> {
    rayon::ThreadPoolBuilder::new()
        .num_threads(jobs)
        .build()
        .map_err(|error| Failure::new(cli::Exit::Internal, "no threads could be started").with_source(error))
}

fn target_endpoint(target: &str, ui: &Ui) -> Result<PostgresEndpoint> {
    match Endpoint::parse(target, &cli::environment()).map_err(Failure::target)? {
        Endpoint::Postgres(endpoint) => {
            endpoint.warnings().iter().for_each(|it| ui.warning(it));
            Ok(endpoint)
        }
        Endpoint::Sqlite(path) => Err(Failure::usage(format!(
            "the target `{}` is a SQLite file",
            path.display()
        ))),
    }
}

struct Comparison<'a> {
    source: &'a Source,
    target: &'a Live,
    /// The source's catalog under the names of the target, everything in the same order.
    renamed: &'a Catalog,
    /// The target's schemas that are compared.
    schemas: &'a [String],
    /// The target's tables by name.
    there: HashMap<QualifiedName, &'a Table>,
    /// New names for the source's values.
    names: Option<&'a NameMap>,
    /// Keys of the source that are UUIDs on the target.
    conversions: &'a [TableConversion],
    /// The source's catalog with them, under its own names.
    reshaped: &'a Catalog,
    progress: &'a Progress,
    /// Threads, and sessions of each side.
    jobs: usize,
    /// What is known of rows that are not on the target.
    explained: &'a Explained,
    /// `None` for all tables.
    chosen: Option<&'a ChosenTables>,
    sample: Option<Sample>,
    quick: Option<Quick<'a>>,
    /// What is to be said beside the verdicts.
    said: Mutex<Vec<Finding>>,
}

impl<'a> Comparison<'a> {
    fn new(
        source: &'a Source,
        target: &'a Live,
        renamed: &'a Catalog,
        schemas: &'a [String],
        (names, explained): (Option<&'a NameMap>, &'a Explained),
        progress: &'a Progress,
    ) -> Self {
        let there = target
            .catalog
            .tables
            .iter()
            .map(|table| (table.qualified_name(), table))
            .collect();
        Comparison {
            source,
            target,
            renamed,
            schemas,
            there,
            names,
            conversions: &[],
            reshaped: source.catalog(),
            progress,
            jobs: 1,
            explained,
            chosen: None,
            sample: None,
            quick: None,
            said: Mutex::default(),
        }
    }

    /// All tables with rows, the largest first on their way, in the catalog's order in the report.
    fn tables(&self) -> Result<Vec<TableResult>> {
        let same_encoding = self.source.encoding() == self.target.identity.encoding;
        let tables = &self.source.catalog().tables;
        let mut units = units(tables, &self.renamed.tables, &self.there, same_encoding);
        units.retain(|it| self.chosen.is_none_or(|chosen| chosen.has(it)));
        units.sort_by_key(|unit| std::cmp::Reverse(unit.bytes()));
        let ahead = self.read_beside_archive(&units)?;
        let compared: Result<Vec<(u32, TableResult)>> = units
            .par_iter()
            .map(|unit| {
                let ahead = ahead.get(&unit.table.number).copied();
                Ok((unit.table.number, self.table(unit, ahead)?))
            })
            .collect();
        let mut results = compared?;
        results.sort_by_key(|(number, _)| *number);
        let mut results: Vec<TableResult> = results.into_iter().map(|(_, result)| result).collect();
        if self.chosen.is_none() {
            results.extend(self.extra_tables()?);
        }
        Ok(results)
    }

    fn say(&self, finding: Finding) {
        let mut said = self.said.lock().unwrap_or_else(PoisonError::into_inner);
        said.push(finding);
    }

    /// What was said of tables, in an order that does not depend on who came first.
    fn findings(&self) -> Vec<Finding> {
        let mut said = std::mem::take(&mut *self.said.lock().unwrap_or_else(PoisonError::into_inner));
        said.sort_by(|one, next| one.object.cmp(&next.object));
        said
    }

    /// What is to be said of a table's keys when its rows differ.
    fn keys(&self, unit: &Unit<'_>, other: &Table) -> KeyKind {
        if conversion_of(self.conversions, unit.table.number).is_some() {
            return KeyKind::Converted;
        }
        let is_uuid = |column: &Column| {
            let there = other.columns.iter().find(|it| it.name == column.target_name());
            there.is_some_and(|it| it.column_type.text == "uuid") && IntegerType::of(column).is_some()
        };
        if unit.renamed.columns.iter().any(is_uuid) {
            KeyKind::UuidOnTarget
        } else {
            KeyKind::AsTheyAre
        }
    }

    /// Tables of the target's schemas that the source does not have.
    fn extra_tables(&self) -> Result<Vec<TableResult>> {
        let expected: Vec<QualifiedName> = self.renamed.tables.iter().map(Table::qualified_name).collect();
        let extra = self.target.catalog.tables.iter().filter(|table| table.has_rows());
        extra
            .filter(|table| {
                self.schemas.contains(&table.schema) && !expected.contains(&table.qualified_name())
            })
            .map(|table| {
                let found = self
                    .target
                    .fingerprint_of_rows(table, Form::Text, &Extent::default())?;
                let label = table.qualified_name().to_string();
                Ok(TableResult::new(
                    label,
                    None,
                    Some(found),
                    Some(Difference::ExtraTable),
                ))
            })
            .collect()
    }

    /// Compares what stands beside the source's own tables, unless single tables were asked for.
    fn beside(&self, tables: &mut Vec<TableResult>) -> Result<Option<LargeObjects>> {
        if self.chosen.is_some() {
            return Ok(None);
        }
        let (source, target) = (self.source, self.target);
        let rows = beside::extension_rows(source, target, self.renamed, self.names, self.progress)?;
        tables.extend(rows);
        beside::large_objects(source, target, self.progress)
    }

    /// Sequences of the target that stand before the source's, or are not there.
    fn sequences(&self) -> Vec<String> {
        if self.chosen.is_some() {
            return Vec::new();
        }
        let there: HashMap<QualifiedName, &Sequence> = sequences_of(&self.target.catalog);
        let compare = |sequence: &Sequence| {
            let name = QualifiedName::new(&sequence.schema, &sequence.name);
            match there.get(&name) {
                None => Some(format!("sequence {name} is missing on the target")),
                Some(found) if is_behind(found, sequence) => Some(format!(
                    "sequence {name} stands at {} on the target, at {} in the source",
                    position(found),
                    position(sequence)
                )),
                Some(_) => None,
            }
        };
        self.renamed.sequences.iter().filter_map(compare).collect()
    }

    /// Everything else that the source has and the target lacks.
    fn objects(&self) -> Vec<String> {
        if self.chosen.is_some() {
            return Vec::new();
        }
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

/// The first column that only one side has, or that only one side generates.
fn column_difference(here: &Table, there: &Table) -> Option<Difference> {
    let find = |table: &Table, name: &str| table.columns.iter().find(|it| it.target_name() == name).cloned();
    for column in &here.columns {
        let name = quote_ident(column.target_name());
        match find(there, column.target_name()) {
            None => return Some(Difference::MissingColumn(name)),
            Some(found) if column.generated.is_some() && found.generated.is_none() => {
                return Some(Difference::NotGenerated(name));
            }
            Some(found) if column.generated.is_none() && found.generated.is_some() => {
                return Some(Difference::Generated(name));
            }
            Some(_) => {}
        }
    }
    let extra = there.stored_columns().find(|it| find(here, &it.name).is_none())?;
    Some(Difference::ExtraColumn(quote_ident(&extra.name)))
}

fn sequences_of(catalog: &Catalog) -> HashMap<QualifiedName, &Sequence> {
    catalog
        .sequences
        .iter()
        .map(|it| (QualifiedName::new(&it.schema, &it.name), it))
        .collect()
}

/// Whether `found` would give numbers that `expected` has given already. A sequence may have moved on.
fn is_behind(found: &Sequence, expected: &Sequence) -> bool {
    let key = |it: &Sequence| {
        let value = if expected.increment < 0 {
            -i128::from(it.last_value)
        } else {
            i128::from(it.last_value)
        };
        (value, it.is_called)
    };
    key(found) < key(expected)
}

fn position(sequence: &Sequence) -> String {
    let called = if sequence.is_called { "" } else { " (not called)" };
    format!("{}{called}", sequence.last_value)
}
