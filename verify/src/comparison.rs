//! The comparison of a source with a target, table by table.

use std::collections::HashMap;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use catalog::{Catalog, Column, QualifiedName, Sequence, Table, quote_ident};
use cli::{Failure, Progress, Result, Ui, Work};
use conversion::{IntegerType, TableConversion, conversion_of};
use database::Endpoint;
use database::endpoint::PostgresEndpoint;
use database::postgres::{Extent, Selection};
use fingerprint::{Fingerprint, Form};
use rayon::prelude::*;
use rewrite::{Known, NameMap};

use crate::args::Args;
use crate::report::{Area, Difference, Finding, KeyKind, Proof, Report, Scope, TableResult, Weight};
use crate::rows::beside;
use crate::rows::calculated::Calculated;
use crate::rows::chosen::ChosenTables;
use crate::rows::converted;
use crate::rows::explained::{self, Explained, Rejected};
use crate::rows::generated::Generated;
use crate::rows::quick::Quick;
use crate::rows::sample::{Reach, Sample, count_sql};
use crate::rows::shared::Shared;
use crate::rows::trees::{Unit, units};
use crate::schema::objects::{self, Side};
use crate::sides::archive_rows::Passing;
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
    let schemas = source.catalog().schemas.iter().map(|it| it.name.as_str());
    let targets = mapping.apply(schemas).map_err(Failure::usage)?;
    let mut explained = Explained::read(&target, &source.database(), &targets)?;
    let mut findings = explained.narrow(&mut source)?;
    findings.extend(explained::of_archive(&source));
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
        ..Comparison::new(&source, &target, &renamed, &targets, (names.as_ref(), &explained), &progress)
    };
    let pool = rayon::ThreadPoolBuilder::new()
        .num_threads(jobs)
        .build()
        .map_err(|error| {
            Failure::new(cli::Exit::Internal, "no threads could be started").with_source(error)
        })?;
    let mut tables = pool.install(|| comparison.tables())?;
    let mut large_objects = None;
    if chosen.is_none() {
        let rows = beside::extension_rows(&source, &target, &renamed, names.as_ref(), &progress)?;
        tables.extend(rows);
        large_objects = pool.install(|| beside::large_objects(&source, &target, &progress))?;
    }
    if let Source::Postgres(live) = &source {
        live.confirm(Failure::source)?;
    }
    target.confirm(Failure::target)?;
    progress.finish();
    let (mut objects, mut sequences) = (Vec::new(), Vec::new());
    if chosen.is_none() {
        (objects, sequences) = (comparison.objects(), comparison.sequences());
        findings.extend(source.lost());
    }
    findings.extend(comparison.findings());
    let differ = tables.iter().any(TableResult::differs);
    findings.extend(explained.obstacle.iter().filter(|_| differ).map(|reason| {
        Finding::new(Area::Rows, "journal", "not asked")
            .weighing(Weight::NotCompared)
            .with_note(reason)
    }));
    Ok(Report::new(
        source.name().to_owned(),
        Some(target.name.clone()),
        tables,
        objects,
        sequences,
    )
    .with_large_objects(large_objects)
    .with_discards(source.discards())
    .with_scope(scope)
    .with_findings(findings)
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

/// One table on both sides.
struct Pair<'a> {
    /// As far as both sides have it.
    unit: Unit<'a>,
    shared: &'a Shared,
    other: &'a Table,
    reach: Reach,
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

    /// Reads the target's tables while an archive passes, as far as their rows need no second look.
    fn read_beside_archive(&self, units: &[Unit<'_>]) -> Result<HashMap<u32, Fingerprint>> {
        let Source::Archive(archived) = self.source else {
            return Ok(HashMap::new());
        };
        let shared: Vec<(&Unit<'_>, Option<(Shared, &Table)>)> =
            units.iter().map(|unit| (unit, self.shared(unit))).collect();
        let pairs = shared
            .iter()
            .filter_map(|(unit, it)| it.as_ref().map(|(shared, other)| (*unit, shared, *other)));
        let passing = Passing {
            names: self.names,
            conversions: self.conversions,
            projections: pairs
                .clone()
                .flat_map(|(unit, shared, _)| projections(unit, shared))
                .collect(),
            keeps: true,
            jobs: self.jobs,
        };
        let failed = AtomicBool::new(false);
        let pairs: Vec<_> = pairs.collect();
        let (passed, found) = std::thread::scope(|scope| {
            let passes = scope.spawn(|| {
                let passed = archived.pass(&passing);
                failed.fetch_or(passed.is_err(), Ordering::Relaxed);
                passed
            });
            let found: Result<Vec<Option<(u32, Fingerprint)>>> = pairs
                .par_iter()
                .map(|(unit, shared, other)| {
                    let form = self.source.form(unit);
                    if failed.load(Ordering::Relaxed) || shared.has_other_bytes(form) {
                        return Ok(None);
                    }
                    let found = self
                        .target
                        .fingerprint_of_rows(&shared.view(other), form, &Extent::default())?;
                    self.progress.advance(Work {
                        rows: found.rows,
                        bytes: unit.bytes(),
                    });
                    Ok(Some((unit.table.number, found)))
                })
                .collect();
            let passed = passes.join();
            (
                passed.unwrap_or_else(|panic| std::panic::resume_unwind(panic)),
                found,
            )
        });
        passed?;
        Ok(found?.into_iter().flatten().collect())
    }

    /// What both sides have of a unit; `None` when the target lacks it, or its rows cannot be read as the source's.
    fn shared(&self, unit: &Unit<'_>) -> Option<(Shared, &'a Table)> {
        let other = *self.there.get(&unit.renamed.qualified_name())?;
        let converted = conversion_of(self.conversions, unit.table.number).is_some();
        let columns = column_difference(unit.renamed, other);
        let is_readable = !converted || !columns.is_some_and(|it| it.is_unreadable());
        is_readable.then(|| (Shared::of(unit, other, converted), other))
    }

    fn table(&self, unit: &Unit<'_>, ahead: Option<Fingerprint>) -> Result<TableResult> {
        let name = unit.renamed.qualified_name();
        let label = name.to_string();
        let other = self.there.get(&name);
        let columns = other.and_then(|it| column_difference(unit.renamed, it));
        let Some((shared, other)) = self.shared(unit) else {
            let expected = self.source.fingerprint(unit, self.names, self.conversions)?;
            self.advance(unit, expected.rows);
            let difference = columns.unwrap_or(Difference::MissingTable);
            return Ok(TableResult::new(label, Some(expected), None, Some(difference)));
        };
        let mut pair = Pair {
            unit: shared.unit(unit),
            shared: &shared,
            other,
            reach: Reach::default(),
        };
        pair.reach.source = self.explained.extent(&unit.table).unwrap_or_default();
        let result = if let Some(result) = self.quickly(&pair, &label, columns.as_ref())? {
            result
        } else {
            self.in_full(&mut pair, &label, columns, ahead)?
        };
        if ahead.is_none() {
            self.advance(unit, result.rows());
        }
        Ok(result.also_not_comparing(shared.left_out))
    }

    fn advance(&self, unit: &Unit<'_>, rows: u64) {
        let bytes = unit.bytes();
        self.progress.advance(Work { rows, bytes });
    }

    /// By the servers' own hashes; `None` where they differ, or can say nothing.
    fn quickly(
        &self,
        pair: &Pair<'_>,
        label: &str,
        columns: Option<&Difference>,
    ) -> Result<Option<TableResult>> {
        let table = &pair.unit.table;
        let converted = conversion_of(self.conversions, table.number).is_some();
        let maps = table.stores_names() && self.names.is_some();
        let Some(quick) = self.quick.as_ref().filter(|_| columns.is_none() && !converted && !maps) else {
            return Ok(None);
        };
        let same = quick.same(pair.shared, pair.other, &pair.reach)?;
        let result = same.map(|rows| {
            let mut generated = Generated::of(self.source, table, &pair.shared.renamed);
            generated.leave_all_out(&pair.shared.renamed, "--quick does not look at it");
            TableResult::new(label.to_owned(), Some(rows), Some(rows), None)
                .proved_by(Proof::ServerHash)
                .not_comparing(generated.sentences(label).collect())
        });
        Ok(result)
    }

    /// By fingerprints of all rows, or of a sample.
    fn in_full(
        &self,
        pair: &mut Pair<'_>,
        label: &str,
        columns: Option<Difference>,
        ahead: Option<Fingerprint>,
    ) -> Result<TableResult> {
        let (proof, counts) = self.limit(pair)?;
        let expected = self.expected(pair)?;
        let (found, as_source) = self.found(pair, &expected, ahead)?;
        let mut proof = proof;
        let mut rows = (found != expected).then_some(Difference::Rows);
        if rows.is_some()
            && let Some(rejected) = self.explained.rejected(&pair.unit.renamed.qualified_name())
        {
            let explains = self.rejected_explain(pair, &rejected, (&expected, &found))?;
            self.say(rejected.finding(label, explains));
            if explains {
                rows = None;
                proof = Proof::ButFor(rejected.fingerprint.rows);
            }
        } else if as_source {
            let finding = Finding::new(Area::Rows, format!("table {label}"), "same values, types differ");
            let note = format!("compared {}", pair.shared.read_as());
            self.say(finding.weighing(Weight::Advice).with_note(note));
        }
        let is_same = rows.is_none() && columns.is_none() && counts.is_none();
        let mut generated = Generated::of(self.source, &pair.unit.table, &pair.shared.renamed);
        let mut difference = columns.or(rows).or(counts);
        if is_same && expected.rows > 0 {
            difference = self.generated(pair, &mut generated)?;
        }
        let keys = self.keys(&pair.unit, pair.other);
        let result = TableResult::new(label.to_owned(), Some(expected), Some(found), difference);
        Ok(result
            .not_comparing(generated.sentences(label).collect())
            .proved_by(proof)
            .with_keys(keys))
    }

    /// Narrows a pair to the sample, where one was asked for; a difference when the sides have not as many rows.
    fn limit(&self, pair: &mut Pair<'_>) -> Result<(Proof, Option<Difference>)> {
        let (Some(sample), Source::Postgres(source)) = (self.sample, self.source) else {
            return Ok((Proof::Fingerprint, None));
        };
        let is_filtered = pair.reach.source != Extent::default();
        let converted = conversion_of(self.conversions, pair.unit.table.number).is_some();
        let reach = if is_filtered || converted {
            None
        } else {
            sample.reach(source, pair.shared)?
        };
        let Some(reach) = reach else {
            return Ok((Proof::Fingerprint, None));
        };
        pair.reach = reach;
        let view = pair.shared.view(pair.other);
        let (here, there) = rayon::join(
            || source.number(&pair.unit.table, &count_sql(&pair.unit.table), Failure::source),
            || self.target.number(&view, &count_sql(&view), Failure::target),
        );
        let (here, there) = (here?, there?);
        let counts = (here != there).then_some(Difference::Counts(here, there));
        Ok((Proof::Sample { of: here }, counts))
    }

    fn expected(&self, pair: &Pair<'_>) -> Result<Fingerprint> {
        let unit = Unit {
            table: pair.unit.table.clone(),
            renamed: pair.unit.renamed,
            parts: pair.unit.parts.clone(),
            extent: pair.reach.source.clone(),
        };
        self.source.fingerprint(&unit, self.names, self.conversions)
    }

    /// The target's rows, read with the source's columns in the source's order; and whether they had to be read as the
    /// source's types.
    fn found(
        &self,
        pair: &Pair<'_>,
        expected: &Fingerprint,
        ahead: Option<Fingerprint>,
    ) -> Result<(Fingerprint, bool)> {
        let (shared, extent) = (pair.shared, &pair.reach.target);
        let read = |form| {
            self.target
                .fingerprint_of_rows(&shared.view(pair.other), form, extent)
        };
        let mut plain = ahead;
        if plain.is_none() && !shared.has_other_bytes(expected.form) {
            plain = Some(read(expected.form)?);
        }
        if plain == Some(*expected) || !shared.is_retyped() {
            return Ok((plain.map_or_else(|| read(expected.form), Ok)?, false));
        }
        let as_source = shared.found_as_source(self.target, pair.other, expected.form, extent)?;
        match (as_source, plain) {
            (Some(it), _) => Ok((it, it == *expected)),
            (None, Some(plain)) => Ok((plain, false)),
            // Nothing but its count says something about the source's.
            (None, None) => Ok((read(Form::Text)?, false)),
        }
    }

    /// Whether the rows that `load` rejected are all that the target lacks.
    fn rejected_explain(
        &self,
        pair: &Pair<'_>,
        rejected: &Rejected,
        (expected, found): (&Fingerprint, &Fingerprint),
    ) -> Result<bool> {
        let form = rejected.fingerprint.form;
        if form == expected.form || form == Form::Binary || matches!(self.source, Source::Archive(_)) {
            return Ok(rejected.explains(expected, found));
        }
        // The archive had them as text.
        let mut table = pair.unit.table.clone();
        table.columns.iter_mut().for_each(|it| it.binary_safe = false);
        let unit = Unit {
            table,
            renamed: pair.unit.renamed,
            parts: pair.unit.parts.clone(),
            extent: pair.reach.source.clone(),
        };
        let expected = self.source.fingerprint(&unit, self.names, self.conversions)?;
        let view = pair.shared.view(pair.other);
        let found = self.target.fingerprint_of_rows(&view, form, &pair.reach.target)?;
        Ok(rejected.explains(&expected, &found))
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

    /// Whether what both sides calculate is the same, in rows that are the same.
    fn generated(&self, pair: &Pair<'_>, generated: &mut Generated) -> Result<Option<Difference>> {
        if !generated.can_be_compared() {
            return Ok(None);
        }
        if let Source::Postgres(source) = self.source {
            if conversion_of(self.conversions, pair.unit.table.number).is_some() {
                generated.leave_all_out(&pair.shared.renamed, "keys of its table become UUIDs");
                return Ok(None);
            }
            let calculated = Calculated {
                source: source.as_ref(),
                target: self.target,
                shared: pair.shared,
                other: pair.other,
                extents: (&pair.reach.source, &pair.reach.target),
            };
            let differing = calculated.differing(generated)?;
            return Ok((!differing.is_empty()).then_some(Difference::GeneratedValues(differing)));
        }
        let renamed = generated.shown(&pair.shared.renamed);
        let shown = Unit {
            table: generated.shown(&pair.unit.table),
            renamed: &renamed,
            parts: pair.unit.parts.clone(),
            extent: Extent::by_query(),
        };
        let expected = self.source.fingerprint(&shown, self.names, self.conversions)?;
        let view = Table {
            columns: called_as_there(renamed.stored_columns()),
            through_root: pair.unit.table.through_root,
            ..pair.other.clone()
        };
        let found = self
            .target
            .fingerprint_of_rows(&view, expected.form, &Extent::by_query())?;
        let differ = || Difference::GeneratedValues(generated.names(&pair.shared.renamed));
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

/// Columns under the names that they have on the target.
fn called_as_there<'a>(columns: impl Iterator<Item = &'a Column>) -> Vec<Column> {
    let called = |column: &Column| Column {
        name: column.target_name().to_owned(),
        ..column.clone()
    };
    columns.map(called).collect()
}

/// Places of the columns that are compared, for those tables of an archive whose rows do not have just these in this
/// order.
fn projections(unit: &Unit<'_>, shared: &Shared) -> Vec<(u32, Vec<usize>)> {
    let whole = [&unit.table];
    let tables = if unit.parts.is_empty() {
        whole.as_slice()
    } else {
        unit.parts.as_slice()
    };
    let places = |table: &Table| -> Vec<usize> {
        let place = |column: &Column| table.stored_columns().position(|it| it.name == column.name);
        shared.table.stored_columns().filter_map(place).collect()
    };
    let differs = |table: &&Table| !places(table).iter().copied().eq(0..table.stored_columns().count());
    let differing = tables.iter().filter(|it| differs(it));
    differing.map(|it| (it.number, places(it))).collect()
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
