//! The comparison of a source with a target, table by table.

use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;

use catalog::{Catalog, Column, QualifiedName, Sequence, Table, TableKind, ThroughRoot, quote_ident};
use cli::{Failure, Progress, Result, Ui, Work};
use conversion::{IntegerType, TableConversion, conversion_of};
use database::Endpoint;
use database::endpoint::PostgresEndpoint;
use database::postgres::{Extent, Selection};
use fingerprint::{Fingerprint, Form};
use rayon::prelude::*;
use rewrite::{Known, NameMap};

use crate::args::Args;
use crate::health::{self, Scene};
use crate::isolation;
use crate::report::{Difference, Ground, Identity, KeyKind, Report, TableResult};
use crate::rows::beside;
use crate::rows::converted;
use crate::rows::generated::Generated;
use crate::rows::trees::{Unit, units};
use crate::schema::objects::{self, Side};
use crate::sides::{Live, Source, is_sqlite, name_map};

pub(crate) fn compare(source: &str, target: &str, args: &Args, ui: &Ui) -> Result<Report> {
    let planned = args.mapping.planned()?;
    let mut choices = args.sqlite.choices(planned.as_ref())?;
    let mapping = if is_sqlite(source) {
        cli::compare_planned_file(planned.as_ref(), Path::new(source), ui);
        args.mapping.split_for_sqlite(&mut choices)?.mapping()?
    } else {
        args.mapping.mapping()?
    };
    let endpoint = target_endpoint(target, ui)?;
    let jobs = args.jobs();
    let words = source;
    let keys = args.keys.keys(&args.mapping)?;
    let wishes = (&choices, keys.as_ref());
    let mut source = Source::open(source, jobs, !args.no_extension_rows, &mapping, wishes, ui)?;
    if !matches!(source, Source::Sqlite(_)) {
        args.sqlite.refuse_for(words)?;
    }
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
    let schemas = source.catalog().schemas.iter().map(|it| it.name.as_str());
    let targets = mapping.apply(schemas).map_err(Failure::usage)?;
    let conversions = converted::choose(&source, keys.as_ref())?;
    let reshaped = converted::reshaped(&source, &conversions);
    let mapping = Known::from_catalog(&reshaped)
        .settle(&mapping)
        .map_err(Failure::usage)?;
    let names = name_map(&mapping, source.catalog())?;
    let mut renamed = reshaped.clone();
    renamed.rename(&mapping);

    let expected = source.catalog().tables.iter().map(|table| table.bytes).sum();
    let progress = ui.progress(source.name(), Some(expected));
    let comparison = Comparison {
        conversions: &conversions,
        reshaped: &reshaped,
        ..Comparison::new(&source, &target, &renamed, &targets, names.as_ref(), &progress)
    };
    let pool = rayon::ThreadPoolBuilder::new()
        .num_threads(jobs)
        .build()
        .map_err(|error| {
            Failure::new(cli::Exit::Internal, "no threads could be started").with_source(error)
        })?;
    let mut tables = pool.install(|| comparison.tables())?;
    tables.extend(beside::extension_rows(
        &source,
        &target,
        &renamed,
        names.as_ref(),
        &progress,
    )?);
    let large_objects = pool.install(|| beside::large_objects(&source, &target, &progress))?;
    let sequences = comparison.sequences();
    let scene = Scene {
        source: &source,
        target: &target,
        renamed: &renamed,
        schemas: &targets,
        tables: &tables,
        sequences: &sequences,
        examples: 0,
        is_verbose: ui.is_verbose(),
    };
    let mut findings = if args.no_health {
        Vec::new()
    } else {
        pool.install(|| health::look(&scene))?
    };
    if args.isolation {
        let leaks = isolation::look(&source, &target, &targets, &args.role, ui.is_verbose())?;
        findings.extend(leaks);
    }
    if let Source::Postgres(live) = &source {
        live.confirm(Failure::source)?;
    }
    target.confirm(Failure::target)?;
    progress.finish();
    let ground = args
        .repairs()
        .then(|| Ground::read(&renamed, &target))
        .transpose()?;
    let mut objects = comparison.objects();
    objects.extend(source.lost());
    Ok(Report::new(
        source.name().to_owned(),
        Some(target.name.clone()),
        tables,
        objects,
        sequences,
    )
    .with_findings(findings)
    .with_large_objects(large_objects)
    .with_discards(source.discards())
    .between(
        Identity::of_source(&source),
        Some(Identity::of_server(&target.identity)),
    )
    .on_ground(ground)
    .with_chosen_keys(keys.is_some()))
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
}

impl<'a> Comparison<'a> {
    fn new(
        source: &'a Source,
        target: &'a Live,
        renamed: &'a Catalog,
        schemas: &'a [String],
        names: Option<&'a NameMap>,
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
        }
    }

    /// All tables with rows, the largest first on their way, in the catalog's order in the report.
    fn tables(&self) -> Result<Vec<TableResult>> {
        let same_encoding = self.source.encoding() == self.target.identity.encoding;
        let tables = &self.source.catalog().tables;
        let mut units = units(
            tables,
            &self.renamed.tables,
            &self.there,
            same_encoding,
            self.source.reads_through_roots(),
        );
        units.sort_by_key(|unit| std::cmp::Reverse(unit.bytes()));
        let compared: Result<Vec<(u32, TableResult)>> = units
            .par_iter()
            .map(|unit| Ok((unit.table.number, self.table(unit)?)))
            .collect();
        let mut results = compared?;
        results.sort_by_key(|(number, _)| *number);
        let mut results: Vec<TableResult> = results.into_iter().map(|(_, result)| result).collect();
        results.extend(self.extra_tables()?);
        Ok(results)
    }

    fn table(&self, unit: &Unit<'_>) -> Result<TableResult> {
        let renamed = unit.renamed;
        let name = renamed.qualified_name();
        let expected = self.source.fingerprint(unit, self.names, self.conversions)?;
        let label = name.to_string();
        self.progress.advance(Work {
            rows: expected.rows,
            bytes: unit.bytes(),
        });
        // What lives elsewhere is not on the target.
        let there = self.there.get(&name).filter(|it| it.kind != TableKind::Foreign);
        let Some(other) = there else {
            return Ok(TableResult::new(
                label,
                Some(expected),
                None,
                Some(Difference::MissingTable),
            ));
        };
        let columns = column_difference(renamed, other);
        if columns.as_ref().is_some_and(Difference::is_unreadable) {
            return Ok(TableResult::new(label, Some(expected), None, columns));
        }
        let found = self.found(unit, other, expected.form)?;
        let rows = (found != expected).then_some(Difference::Rows);
        let generated = Generated::of(self.source, &unit.table, renamed);
        let difference = match columns.or(rows) {
            None if expected.rows > 0 => self.generated(unit, other, &generated)?,
            difference => difference,
        };
        let not_compared = generated.sentences(&label).collect();
        let keys = self.keys(unit, other);
        Ok(TableResult::new(label, Some(expected), Some(found), difference)
            .not_comparing(not_compared)
            .with_keys(keys))
    }

    /// The target's rows, read with the source's columns in the source's order.
    fn found(&self, unit: &Unit<'_>, other: &Table, form: Form) -> Result<Fingerprint> {
        let mut view = other.clone();
        let called = |column: &Column| Column {
            name: column.target_name().to_owned(),
            ..column.clone()
        };
        view.columns = unit.renamed.stored_columns().map(called).collect();
        // A table can have been divided on the target, where it then has no rows of its own.
        let is_divided = other.kind == TableKind::Partitioned;
        view.through_root = unit
            .table
            .through_root
            .or(is_divided.then_some(ThroughRoot::Root));
        self.target.fingerprint_of_rows(&view, form, &unit.extent)
    }

    /// Whether what both sides calculate is the same, in rows that are the same.
    fn generated(&self, unit: &Unit<'_>, other: &Table, generated: &Generated) -> Result<Option<Difference>> {
        if !generated.can_be_compared() {
            return Ok(None);
        }
        let renamed = generated.shown(unit.renamed);
        let shown = Unit {
            table: generated.shown(&unit.table),
            renamed: &renamed,
            parts: unit.parts.clone(),
            extent: Extent::by_query(),
        };
        let expected = self.source.fingerprint(&shown, self.names, self.conversions)?;
        let found = self.found(&shown, other, expected.form)?;
        let differ = || Difference::GeneratedValues(generated.names(unit.renamed));
        Ok((found != expected).then(differ))
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

    /// Sequences of the target that stand before the source's, or are not there.
    fn sequences(&self) -> Vec<String> {
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
pub(crate) fn is_behind(found: &Sequence, expected: &Sequence) -> bool {
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
