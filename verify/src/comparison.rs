//! The comparison of a source with a target, table by table.

mod tables;

use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;

use catalog::{Catalog, QualifiedName, Sequence, Table};
use cli::{Failure, Progress, Result, Ui};
use conversion::TableConversion;
use database::Endpoint;
use database::endpoint::PostgresEndpoint;
use database::postgres::{Extent, Selection};
use fingerprint::Form;
use rewrite::{Known, NameMap};

use crate::args::Args;
use crate::report::{Difference, Report, TableResult};
use crate::rows::beside;
use crate::rows::converted;
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
        jobs,
        rows: args.rows,
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
    if let Source::Postgres(live) = &source {
        live.confirm(Failure::source)?;
    }
    target.confirm(Failure::target)?;
    progress.finish();
    let sequences = comparison.sequences();
    let mut objects = comparison.objects();
    objects.extend(source.lost());
    Ok(Report::new(
        source.name().to_owned(),
        Some(target.name.clone()),
        tables,
        objects,
        sequences,
    )
    .with_large_objects(large_objects)
    .with_discards(source.discards())
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
    jobs: usize,
    /// How many rows that differ are wanted of each table.
    rows: usize,
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
            jobs: 1,
            rows: 0,
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
