//! `verify queries`: statements run on both sides, their answers, times and plans compared.

mod args;
mod baseline;
mod clients;
mod judgement;
mod names;
mod plans;
mod record;
mod report;
mod side;
mod statements;
mod timing;
mod work;

use std::collections::{HashMap, HashSet};

use catalog::{ObjectKind, QualifiedName};
use cli::{Failure, Outcome, ReportFile, Result, Ui};
use database::postgres::{Identity, Selection};

pub(crate) use args::QueriesArgs;
use baseline::{Baseline, Kept, Origin};
use clients::Load;
use names::{Names, Translator};
use record::Place;
use report::Report;
use side::{Asker, Side, endpoint};
use statements::Statements;
use timing::shown;
use work::{Task, Work, object_of};

use crate::report::{Area, Finding, Weight};

/// What the servers' administrators see.
const NAME: &str = "coalesce verify queries";

/// Runs `verify queries`.
pub(crate) fn run(args: &QueriesArgs, ui: &Ui) -> cli::Result {
    let (source, target) = args.sides()?;
    let file = args.save.as_deref().map(ReportFile::create).transpose()?;
    let mut bench = match (&args.baseline, source) {
        (Some(path), _) => Bench::from_baseline(Baseline::read(path)?, args)?,
        (None, Some(source)) => Bench::live(source, args, ui)?,
        (None, None) => return Err(Failure::usage("name a SOURCE")),
    };
    let target = target
        .map(|words| bench.open_target(words, args, ui))
        .transpose()?;
    let report = bench.compare(target.as_ref(), args, ui)?;
    if let Some(file) = file {
        file.publish(&bench.into_baseline(report.loads.0.clone()).text()?)?;
    }
    ui.print(report.render(args.format))?;
    Ok(if report.is_identical() {
        Outcome::Done
    } else {
        Outcome::Findings
    })
}

/// What is known before the target is asked.
struct Bench {
    origin: Origin,
    catalog: catalog::Catalog,
    names: Names,
    /// `None` for a baseline.
    source: Option<(Side, Asker)>,
    tasks: Vec<Task>,
    /// What the server offered and is not run.
    left: Vec<Finding>,
    load: Option<Load>,
}

impl Bench {
    /// Statements of a source that can be asked: all of them are read by its server before any is run.
    fn live(words: &str, args: &QueriesArgs, ui: &Ui) -> Result<Bench> {
        let mapping = args.mapping.mapping()?;
        let mut statements = match &args.file {
            Some(path) => Statements::from_file(path)?,
            None => Statements::default(),
        };
        let endpoint = endpoint(words, Failure::source, ui)?;
        if let Some(wanted) = args.from_pg_stat_statements {
            let heaviest = Statements::heaviest(&endpoint, wanted.get())?;
            statements.all.extend(heaviest.all);
            statements.refused.extend(heaviest.refused);
        }
        let side = Side::open(endpoint, Selection::default(), Failure::source)?;
        let mut asker = side.asker()?;
        let catalog = side.live.catalog.clone();
        let names = Names::new(catalog.clone(), mapping)?;
        let mut bench = Bench {
            origin: origin(&side.live.identity),
            catalog,
            names,
            source: None,
            tasks: Vec::new(),
            left: Vec::new(),
            load: None,
        };
        for (label, reason) in statements.refused {
            bench.leave(format!("statement `{label}`"), &reason);
        }
        let mut wrong = Vec::new();
        let mut translators: HashMap<Vec<String>, Translator<'_>> = HashMap::new();
        for statement in statements.all {
            let setting = statement.search_path.as_deref().or(args.search_path.as_deref());
            let path = bench.names.path(setting);
            if !translators.contains_key(&path) {
                translators.insert(path.clone(), bench.names.under(&path)?);
            }
            let Some(translator) = translators.get(&path) else {
                continue;
            };
            match Task::prepare(statement, translator, args, &mut asker)? {
                Ok(task) => bench.tasks.push(task),
                Err((statement, trouble)) if statement.line.is_some() => {
                    wrong.push(format!("{}: {trouble}", object_of(&statement)));
                }
                Err((statement, trouble)) => bench.left.push(left(
                    object_of(&statement),
                    &format!("the source does not read it: {trouble}"),
                )),
            }
        }
        drop(translators);
        if !wrong.is_empty() {
            let failure = Failure::usage("statements that the source cannot run; nothing was run");
            let failure = wrong.iter().fold(failure, Failure::with_state);
            return Err(failure.with_hint(
                "names without a schema are looked up along --search-path, or `-- search_path: a, b` before a statement",
            ));
        }
        bench.source = Some((side, asker));
        Ok(bench)
    }

    fn from_baseline(baseline: Baseline, args: &QueriesArgs) -> Result<Bench> {
        let names = Names::new(baseline.catalog.clone(), args.mapping.mapping()?)?;
        let tasks = baseline.statements.into_iter().map(|it| Task {
            statement: it.statement,
            path: it.search_path,
            record: it.record,
            source: None,
            target: None,
        });
        Ok(Bench {
            origin: baseline.origin,
            catalog: baseline.catalog,
            names,
            source: None,
            tasks: tasks.collect(),
            left: Vec::new(),
            load: baseline.load,
        })
    }

    fn leave(&mut self, object: String, reason: &str) {
        self.left.push(left(object, reason));
    }

    fn open_target(&self, words: &str, args: &QueriesArgs, ui: &Ui) -> Result<Side> {
        let endpoint = endpoint(words, Failure::target, ui)?;
        let mapping = args.mapping.mapping()?;
        let schemas = self.catalog.schemas.iter().map(|it| mapping.schema(&it.name));
        let selection = Selection::in_schemas(&schemas.collect::<Vec<_>>());
        Side::open(endpoint, selection, Failure::target)
    }

    fn compare(&mut self, target: Option<&Side>, args: &QueriesArgs, ui: &Ui) -> Result<Report> {
        let mut there = target.map(Side::asker).transpose()?;
        let target_origin = target.map(|it| origin(&it.live.identity));
        let collations = target_origin
            .as_ref()
            .filter(|it| it.collation != self.origin.collation)
            .map(|it| (self.origin.collation.clone(), it.collation.clone()));
        let indexes = target.map(|it| indexes(&it.live.catalog)).unwrap_or_default();
        let schemas = target.map(|it| it.live.catalog.schemas.iter().map(|it| it.name.clone()).collect());
        let versions = (
            self.origin.version_number,
            target_origin.as_ref().map_or(0, |it| it.version_number),
        );
        let mut work = Work {
            args,
            names: &self.names,
            source: self.source.as_mut().map(|(_, asker)| asker),
            target: there.as_mut(),
            versions,
            collations,
            schemas: schemas.unwrap_or_default(),
            indexes,
        };
        let steps = ui.steps(&self.origin.database, "statements", self.tasks.len());
        let mut lines = Vec::new();
        let mut translator: Option<Translator<'_>> = None;
        for task in &mut self.tasks {
            let current = match translator.take().filter(|it| it.path == task.path) {
                Some(current) => current,
                None => self.names.under(&task.path)?,
            };
            lines.push(work.run(task, &current)?);
            translator = Some(current);
            steps.step();
        }
        drop(translator);
        drop(steps);
        let loads = self.loads(target, args)?;
        let mut findings = std::mem::take(&mut self.left);
        findings.extend(load_finding(&loads, target.is_some(), args));
        if let Some((side, _)) = &self.source {
            side.confirm()?;
        }
        if let Some(side) = target {
            side.confirm()?;
        }
        Ok(Report {
            source: self.origin.clone(),
            from_baseline: args.baseline.is_some(),
            target: target_origin,
            lines,
            findings,
            loads,
        })
    }

    /// Both sides under load, one after the other.
    fn loads(&self, target: Option<&Side>, args: &QueriesArgs) -> Result<(Option<Load>, Option<Load>)> {
        let Some(clients) = args.clients else {
            return Ok((None, None));
        };
        let rounds = args.runs.max(1);
        let both = |it: &&Task| it.record.answer.is_some() && (target.is_none() || it.target.is_some());
        let of = |place: fn(&Task) -> Option<&Place>| -> Vec<&Place> {
            self.tasks.iter().filter(both).filter_map(place).collect()
        };
        let here = of(|it| it.source.as_ref());
        let there = of(|it| it.target.as_ref());
        let source = match &self.source {
            Some((side, _)) if !here.is_empty() => Some(clients::load(side, &here, clients.get(), rounds)?),
            Some(_) => None,
            None => self.load.clone(),
        };
        let target = match target {
            Some(side) if !there.is_empty() => Some(clients::load(side, &there, clients.get(), rounds)?),
            _ => None,
        };
        Ok((source, target))
    }

    fn into_baseline(self, load: Option<Load>) -> Baseline {
        let statements = self.tasks.into_iter().map(|it| Kept {
            statement: it.statement,
            search_path: it.path,
            record: it.record,
        });
        Baseline::new(self.origin, self.catalog, statements.collect(), load)
    }
}

fn left(object: String, reason: &str) -> Finding {
    Finding::new(Area::Query, object, "not run")
        .weighing(Weight::NotCompared)
        .with_note(reason)
}

/// What is to be said of both sides under load.
fn load_finding(
    loads: &(Option<Load>, Option<Load>),
    has_target: bool,
    args: &QueriesArgs,
) -> Option<Finding> {
    let clients = args.clients.filter(|_| has_target)?;
    let object = format!("{clients} clients");
    let finding = |property: &str| Finding::new(Area::Query, object.clone(), property);
    let (Some(source), Some(target)) = loads else {
        let reason = "the baseline has no load, or no statement runs on both sides";
        return Some(finding("load").weighing(Weight::NotCompared).with_note(reason));
    };
    if source.clients != target.clients {
        return Some(finding("load").weighing(Weight::NotCompared).with_note(format!(
            "{} connections could be had in the source, {} on the target",
            source.clients, target.clients
        )));
    }
    if target.failed > source.failed {
        let counts = (source.failed.to_string(), target.failed.to_string());
        return Some(finding("statements that fail under load").between(Some(counts.0), Some(counts.1)));
    }
    let factor = args.max_slowdown.unwrap_or(timing::TOLD_FROM);
    let each =
        |load: &Load| load.seconds * 1000.0 / f64::from(u32::try_from(load.statements.max(1)).unwrap_or(1));
    let is_slower = source.rate() > target.rate() * factor
        && (target.seconds - source.seconds) * 1000.0 > timing::NOISE_MS;
    is_slower.then(|| {
        let weight = if args.max_slowdown.is_some() {
            Weight::Difference
        } else {
            Weight::Advice
        };
        finding("slower under load")
            .between(
                Some(format!("{} a statement", shown(each(source)))),
                Some(format!("{} a statement", shown(each(target)))),
            )
            .weighing(weight)
    })
}

fn origin(identity: &Identity) -> Origin {
    Origin {
        database: identity.database.clone(),
        server_version: identity.server_version.clone(),
        version_number: identity.version_number,
        collation: identity.collation.clone(),
        snapshot_time: identity.snapshot_time.clone(),
    }
}

fn indexes(catalog: &catalog::Catalog) -> HashSet<QualifiedName> {
    let indexes = catalog
        .objects
        .iter()
        .filter(|it| it.kind == ObjectKind::Index || it.indexed);
    indexes
        .map(|it| QualifiedName::new(&it.schema, &it.name))
        .collect()
}
