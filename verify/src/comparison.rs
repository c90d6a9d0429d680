//! The comparison of a source with a target, table by table.

mod one_table;
mod tables;

use std::collections::{HashMap, HashSet};
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use catalog::{Catalog, QualifiedName, RoleNames, Table, TableKind};
use cli::{Failure, Progress, Result, Ui};
use conversion::TableConversion;
use database::Endpoint;
use database::endpoint::PostgresEndpoint;
use database::postgres::{Extent, Selection};
use database::sqlite::Choices;
use fingerprint::Form;
use plan::{Keys, Mapping};
use rewrite::{Known, NameMap};

use self::tables::Entry;
use crate::afterwards;
use crate::args::Args;
use crate::health::{self, Scene};
use crate::isolation;
use crate::merging::Merging;
use crate::report::{Difference, Finding, Ground, Identity, Report, Scope, TableResult};
use crate::rows::beside::{self, LargeObjects};
use crate::rows::changed;
use crate::rows::chosen::ChosenTables;
use crate::rows::converted;
use crate::rows::explained::{self, Explained};
use crate::rows::quick::Quick;
use crate::rows::sample::Sample;
use crate::schema::{Compared, Schemas, foreign_keys};
use crate::sides::{Live, Source, is_sqlite, name_map};

/// Keys that are shown of those that something is wrong with.
const EXAMPLES_MAX: usize = 3;

pub(crate) fn compare(source: &str, target: &str, args: &Args, ui: &Ui) -> Result<Report> {
    let (jobs, keys) = (args.jobs(), args.keys.keys(&args.mapping)?);
    let Opened {
        mut source,
        target,
        mapping,
        scope,
        roles,
    } = open(source, target, args, ui)?;
    let schemas = schemas_on_target(&source, &mapping)?;
    let mut explained = Explained::read(&target, &source.database(), &schemas)?;
    let mut findings = explained.narrow(&mut source)?;
    findings.extend(explained::of_archive(&source));
    let targets = schemas_on_target(&source, &mapping)?;
    let (conversions, merging) = changes((&mut source, &target), &targets, keys.as_ref(), args)?;
    let reshaped = converted::reshaped(&source, &conversions);
    let mapping = Known::from_catalog(&reshaped)
        .settle(&mapping)
        .map_err(Failure::usage)?;
    let names = name_map(&mapping, source.catalog())?;
    let renamed = changed::renamed(&reshaped, &mapping)?;

    let chosen = ChosenTables::find(&args.extent.tables, source.catalog(), &renamed, &target)?;
    let progress = progress(&source, ui);
    let all_conversions = merging.conversions(&conversions);
    let comparison = Comparison {
        conversions: &all_conversions,
        jobs,
        rows: args.rows(),
        chosen: chosen.as_ref(),
        believes: args.extent.fingerprints,
        sample: scope.sample(),
        quick: scope.quick(&source, &target)?,
        ..Comparison::new(
            &source,
            &target,
            &renamed,
            &targets,
            (names.as_ref(), &explained, &merging),
            &progress,
        )
    };
    let pool = threads(jobs)?;
    let mut tables = pool.install(|| comparison.tables())?;
    let large_objects = pool.install(|| comparison.beside(&mut tables))?;
    findings.extend(source.lost());
    findings.extend(comparison.findings()?);
    if tables.iter().any(TableResult::differs) {
        findings.extend(explained.obstacle());
    }
    let mut compared = Compared::default();
    if let Some(wishes) = args.definition_wishes().filter(|_| chosen.is_none()) {
        let (sides, catalogs) = ((&source, &target), (&reshaped, &renamed));
        let wishes = (wishes, &roles);
        let schemas = Schemas::new(sides, catalogs, &mapping, &conversions, &targets, wishes);
        compared = schemas.with_merged(merging.tables()).compare()?;
    }
    args.after.expect(&mut compared.findings)?;
    findings.append(&mut compared.findings);
    let has_definitions = !compared.source.is_empty();
    let looked =
        pool.install(|| comparison.health(&tables, (&findings, has_definitions), args, ui.is_verbose()))?;
    findings.extend(looked);
    excuse(&tables, &compared, &merging, &mut findings);
    confirm(&source, &target)?;
    progress.finish();
    let ground = args
        .repairs()
        .then(|| Ground::read(&renamed, &target, (compared.source, compared.target)));
    Ok(
        Report::new(source.name().to_owned(), Some(target.name.clone()), tables)
            .with_findings(findings)
            .with_large_objects(large_objects)
            .with_discards(source.discards())
            .with_scope(scope)
            .between(
                Identity::of_source(&source),
                Some(Identity::of_server(&target.identity)),
            )
            .on_ground(ground.transpose()?)
            .with_chosen_keys(keys.is_some()),
    )
}

/// Makes sure that what was read is of one moment on each side.
fn confirm(source: &Source, target: &Live) -> Result<()> {
    if let Source::Postgres(live) = source {
        live.confirm(Failure::source)?;
    }
    target.confirm(Failure::target)
}

/// What the source's schemas are called on the target.
fn schemas_on_target(source: &Source, mapping: &Mapping) -> Result<Vec<String>> {
    let schemas = source.catalog().schemas.iter().map(|it| it.name.as_str());
    mapping.apply(schemas).map_err(Failure::usage)
}

fn progress(source: &Source, ui: &Ui) -> Progress {
    let expected = source.catalog().tables.iter().map(|table| table.bytes).sum();
    ui.progress(source.name(), Some(expected))
}

/// Which keys are UUIDs on the target, and which tables are merged there.
fn changes(
    (source, target): (&mut Source, &Live),
    schemas: &[String],
    keys: Option<&Keys>,
    args: &Args,
) -> Result<(Vec<TableConversion>, Merging)> {
    // Chosen while all tables are there, as it was when they were merged.
    let conversions = converted::choose(source, keys)?;
    let mut merging = Merging::find(source, target, args.mapping.source.as_deref())?;
    if args.mapping.planned()?.is_some_and(|it| it.shares_schemas()) {
        merging.shared_schemas.extend_from_slice(schemas);
    }
    merging.refuse_repairs(args.repairs())?;
    Ok((merging.not_of_parts(&conversions), merging))
}

fn excuse(tables: &[TableResult], compared: &Compared, merging: &Merging, findings: &mut [Finding]) {
    afterwards::excuse_others(&merging.shared_schemas, findings);
    if tables.iter().any(TableResult::lacks_rejected_rows) {
        explained::excuse_keys(findings, &foreign_keys(&compared.source));
    }
}

/// Both sides under their snapshots, and what was asked for.
struct Opened {
    source: Source,
    target: Live,
    mapping: Mapping,
    scope: Scope,
    /// What the source's roles are called on the target.
    roles: RoleNames,
}

fn open(source: &str, target: &str, args: &Args, ui: &Ui) -> Result<Opened> {
    let (choices, mapping) = wishes(source, args, ui)?;
    let endpoint = target_endpoint(target, ui)?;
    let words = source;
    let mut source = Source::open(source, args.jobs(), !args.no_extension_rows, &choices, ui)?;
    if !matches!(source, Source::Sqlite(_)) {
        args.sqlite.refuse_for(words)?;
    }
    let scope = Scope::of(args, &source)?;
    let pace = Arc::new(args.rate.pace());
    if let Source::Postgres(live) = &mut source {
        live.pace = Arc::clone(&pace);
    }
    changed::plan_changes(&mut source, args)?;
    beside::complete(&mut source, !args.no_large_objects, ui.is_verbose())?;
    let schemas = source.catalog().schemas.iter();
    let wanted: Vec<String> = schemas.map(|it| mapping.schema(&it.name)).collect();
    let mut target = Live::open(
        &endpoint,
        Selection::in_schemas(&wanted),
        args.jobs(),
        Failure::target,
    )?;
    target.pace = pace;
    source.leave_out_targets(&mapping, &target)?;
    let roles = RoleNames::new(args.mapping.planned()?.map(|it| it.roles).unwrap_or_default());
    let known = &mut source.catalog_mut().roles;
    *known = roles.all(known);
    Ok(Opened {
        source,
        target,
        mapping,
        scope,
        roles,
    })
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
    /// Tables of the source whose rows are in tables that others' are in too.
    merging: &'a Merging,
    progress: &'a Progress,
    /// Threads, and sessions of each side.
    jobs: usize,
    /// How many rows that differ are wanted of each table.
    rows: usize,
    /// What is known of rows that are not on the target.
    explained: &'a Explained,
    /// `None` for all tables.
    chosen: Option<&'a ChosenTables>,
    /// Whether an archive's fingerprints are taken as its end names them.
    believes: bool,
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
        (names, explained, merging): (Option<&'a NameMap>, &'a Explained, &'a Merging),
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
            merging,
            progress,
            jobs: 1,
            rows: 0,
            explained,
            chosen: None,
            believes: false,
            sample: None,
            quick: None,
            said: Mutex::default(),
        }
    }

    fn say(&self, finding: Finding) {
        let mut said = self.said.lock().unwrap_or_else(PoisonError::into_inner);
        said.push(finding);
    }

    /// What was said of tables, in an order that does not depend on who came first.
    fn findings(&self) -> Result<Vec<Finding>> {
        let mut said = std::mem::take(&mut *self.said.lock().unwrap_or_else(PoisonError::into_inner));
        said.sort_by(|one, next| one.object.cmp(&next.object));
        if self.chosen.is_none() {
            said.extend(self.merging.findings(self.target)?);
        }
        Ok(said)
    }

    /// The table of that name on the target; what lives elsewhere is not there.
    fn counterpart(&self, name: &QualifiedName) -> Option<&'a Table> {
        let found = self.there.get(name).copied();
        found.filter(|it| it.kind != TableKind::Foreign)
    }

    /// Tables of the target's schemas that the source does not have.
    fn extra_tables(&self, entries: &[Entry<'_>]) -> Result<Vec<TableResult>> {
        let shared = entries.iter().filter_map(|it| it.shared.as_ref());
        let whole: HashSet<QualifiedName> = shared
            .filter(|(shared, other)| shared.is_read_through_root(other))
            .map(|(_, other)| other.qualified_name())
            .collect();
        // The rows of a partition are those of the root, where that is compared.
        let is_counted = |table: &Table| {
            let parent = |it: &Table| {
                it.partition_of
                    .as_ref()
                    .and_then(|it| self.there.get(it))
                    .copied()
            };
            let above = std::iter::successors(parent(table), |it| parent(it));
            above.into_iter().any(|it| whole.contains(&it.qualified_name()))
        };
        let named = self.renamed.tables.iter().filter(|it| it.kind != TableKind::Part);
        let expected: Vec<QualifiedName> = named.map(Table::qualified_name).collect();
        let extra = self.target.catalog.tables.iter().filter(|table| table.has_rows());
        let is_others = |table: &&Table| {
            let may_be = self.merging.shares(&table.schema);
            if may_be && !expected.contains(&table.qualified_name()) {
                self.merging.say_of_others(table, &|it| self.say(it));
            }
            !may_be
        };
        extra
            .filter(is_others)
            .filter(|table| {
                let name = table.qualified_name();
                self.schemas.contains(&table.schema)
                    && !expected.contains(&name)
                    && !self.merging.is_merged(&name)
                    && !is_counted(table)
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

    /// What is wrong with the target by itself, and what crosses the border of its schemas.
    fn health(
        &self,
        tables: &[TableResult],
        (findings, has_definitions): (&[Finding], bool),
        args: &Args,
        is_verbose: bool,
    ) -> Result<Vec<Finding>> {
        let scene = Scene {
            source: self.source,
            target: self.target,
            renamed: self.renamed,
            schemas: self.schemas,
            merging: self.merging,
            tables,
            findings,
            has_definitions,
            examples: self.rows.min(EXAMPLES_MAX),
            is_verbose,
        };
        let mut found = Vec::new();
        if self.chosen.is_none() && !args.no_health {
            found = health::look(&scene)?;
        }
        if args.isolation {
            found.extend(isolation::look(&scene, &args.role)?);
        }
        Ok(found)
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
}
