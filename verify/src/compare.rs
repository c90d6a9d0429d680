//! The comparison of a source with a target, table by table.

use std::collections::HashMap;

use catalog::{Catalog, QualifiedName, Sequence, Table, quote_ident};
use cli::{Failure, Progress, Result, Ui, Work};
use database::Endpoint;
use database::endpoint::Environment;
use plan::Mapping;
use rayon::prelude::*;

use crate::args::Args;
use crate::report::{Difference, Report, TableResult};
use crate::sides::{Live, Source};

pub(crate) fn compare(source: &str, target: &str, args: &Args, ui: &Ui) -> Result<Report> {
    let mapping = args.mapping.mapping()?;
    let endpoint = match Endpoint::parse(target, &Environment::from_process()).map_err(Failure::target)? {
        Endpoint::Postgres(endpoint) => endpoint,
        Endpoint::Sqlite(path) => {
            return Err(Failure::usage(format!(
                "the target `{}` is a SQLite file",
                path.display()
            )));
        }
    };
    let jobs = args.jobs();
    let source = Source::open(source, jobs)?;
    let schemas = source.catalog().schemas.iter().map(|it| it.name.as_str());
    let targets = mapping.apply(schemas).map_err(Failure::usage)?;
    let target = Live::open(&endpoint, Some(&targets), jobs, Failure::target)?;

    let expected = source.catalog().tables.iter().map(|table| table.bytes).sum();
    let progress = ui.progress(source.name(), Some(expected));
    let comparison = Comparison::new(&source, &target, &mapping, &progress);
    let pool = rayon::ThreadPoolBuilder::new()
        .num_threads(jobs)
        .build()
        .map_err(|error| {
            Failure::new(cli::Exit::Internal, "no threads could be started").with_source(error)
        })?;
    let tables = pool.install(|| comparison.tables())?;
    progress.finish();
    let sequences = comparison.sequences();
    Ok(Report::new(
        source.name().to_owned(),
        Some(target.name.clone()),
        tables,
        sequences,
    ))
}

struct Comparison<'a> {
    source: &'a Source,
    target: &'a Live,
    mapping: &'a Mapping,
    /// The target's tables by name.
    there: HashMap<QualifiedName, &'a Table>,
    progress: &'a Progress,
}

impl<'a> Comparison<'a> {
    fn new(source: &'a Source, target: &'a Live, mapping: &'a Mapping, progress: &'a Progress) -> Self {
        let there = target
            .catalog
            .tables
            .iter()
            .map(|table| (table.qualified_name(), table))
            .collect();
        Comparison {
            source,
            target,
            mapping,
            there,
            progress,
        }
    }

    /// All tables with rows, the largest first on their way, in the catalog's order in the report.
    fn tables(&self) -> Result<Vec<TableResult>> {
        let mut tables: Vec<&Table> = self
            .source
            .catalog()
            .tables
            .iter()
            .filter(|table| table.has_rows())
            .collect();
        tables.sort_by_key(|table| std::cmp::Reverse(table.bytes));
        let compared: Result<Vec<(u32, TableResult)>> = tables
            .par_iter()
            .map(|table| Ok((table.number, self.table(table)?)))
            .collect();
        let mut results = compared?;
        results.sort_by_key(|(number, _)| *number);
        let mut results: Vec<TableResult> = results.into_iter().map(|(_, result)| result).collect();
        results.extend(self.extra_tables()?);
        Ok(results)
    }

    fn table(&self, table: &Table) -> Result<TableResult> {
        let name = self.target_name(&table.schema, &table.name);
        let expected = self.source.fingerprint(table)?;
        let label = name.to_string();
        self.progress.advance(Work {
            rows: expected.rows,
            bytes: table.bytes,
        });
        let Some(other) = self.there.get(&name) else {
            return Ok(TableResult::different(
                label,
                Some(expected),
                None,
                Difference::MissingTable,
            ));
        };
        let missing = table
            .stored_columns()
            .find(|column| !other.columns.iter().any(|it| it.name == column.name));
        if let Some(column) = missing {
            let difference = Difference::MissingColumn(quote_ident(&column.name));
            return Ok(TableResult::different(label, Some(expected), None, difference));
        }
        // The target is read with the source's columns in the source's order.
        let mut view = (*other).clone();
        view.columns = table.stored_columns().cloned().collect();
        let found = self.target.fingerprint(&view, expected.form, Failure::target)?;
        Ok(if found == expected {
            TableResult::identical(label, expected)
        } else {
            TableResult::different(label, Some(expected), Some(found), Difference::Rows)
        })
    }

    /// Tables of the target's schemas that the source does not have.
    fn extra_tables(&self) -> Result<Vec<TableResult>> {
        let expected: Vec<QualifiedName> = self
            .source
            .catalog()
            .tables
            .iter()
            .map(|table| self.target_name(&table.schema, &table.name))
            .collect();
        let extra = self.target.catalog.tables.iter().filter(|table| table.has_rows());
        extra
            .filter(|table| !expected.contains(&table.qualified_name()))
            .map(|table| {
                let found = self
                    .target
                    .fingerprint(table, fingerprint::Form::Text, Failure::target)?;
                let label = table.qualified_name().to_string();
                Ok(TableResult::different(
                    label,
                    None,
                    Some(found),
                    Difference::ExtraTable,
                ))
            })
            .collect()
    }

    /// Sequences of the target that stand before the source's, or are not there.
    fn sequences(&self) -> Vec<String> {
        let there: HashMap<QualifiedName, &Sequence> = sequences_of(&self.target.catalog);
        let compare = |sequence: &Sequence| {
            let name = self.target_name(&sequence.schema, &sequence.name);
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
        self.source
            .catalog()
            .sequences
            .iter()
            .filter_map(compare)
            .collect()
    }

    fn target_name(&self, schema: &str, name: &str) -> QualifiedName {
        QualifiedName::new(self.mapping.schema(schema), name)
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
