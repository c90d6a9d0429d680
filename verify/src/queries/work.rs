//! One statement after the other: prepared on both sides, run, measured, explained.

use std::collections::HashSet;

use catalog::{QualifiedName, quote_literal};
use cli::Result;
use database::postgres::{Description, Surroundings, Trouble};
use rewrite::Query;

use super::args::QueriesArgs;
use super::judgement::{Judgement, Outcome, Surface, There, failed, judge};
use super::names::{Names, Translator};
use super::plans::{self, Step};
use super::record::{Place, Record, Witness};
use super::report::Line;
use super::side::Asker;
use super::statements::Statement;
use super::timing::{RUNS_MIN, Spread};

/// The first PostgreSQL that explains statements whose parameters have no values.
const GENERIC_PLANS: i32 = 160_000;

/// A statement on its way.
pub(crate) struct Task {
    pub(crate) statement: Statement,
    /// By the source's names.
    pub(crate) path: Vec<String>,
    pub(crate) record: Record,
    /// How it is run in the source; `None` where it has parameters without values, and for a baseline.
    pub(crate) source: Option<Place>,
    /// How it is run on the target, where both sides answer.
    pub(crate) target: Option<Place>,
}

/// Both sides at work.
pub(crate) struct Work<'a> {
    pub(crate) args: &'a QueriesArgs,
    pub(crate) names: &'a Names,
    pub(crate) source: Option<&'a mut Asker>,
    pub(crate) target: Option<&'a mut Asker>,
    /// As in `server_version_num`; of a target that there is not 0.
    pub(crate) versions: (i32, i32),
    pub(crate) collations: Option<(String, String)>,
    /// Schemas of the target whose indexes are known, and those.
    pub(crate) schemas: Vec<String>,
    pub(crate) indexes: HashSet<QualifiedName>,
}

/// What a statement is called in findings.
pub(crate) fn object_of(statement: &Statement) -> String {
    match statement.line {
        Some(line) => format!("statement `{}` (line {line})", statement.label),
        None => format!("statement `{}`", statement.label),
    }
}

/// A statement's text with values in the place of its parameters; `None` where it has parameters and no values.
fn with_values(query: &Query, statement: &Statement, description: Option<&Description>) -> Option<Query> {
    if query.parameters() == 0 {
        return Some(query.clone());
    }
    let (values, types) = (statement.values.as_ref()?, &description?.parameters);
    let literals: Vec<String> = values
        .iter()
        .zip(types)
        .map(|(value, kind)| match value {
            Some(value) => format!("{}::{kind}", quote_literal(value).trim_start()),
            None => format!("NULL::{kind}"),
        })
        .collect();
    Query::read(&query.with_values(&literals)).ok()
}

impl Task {
    /// Has the source's server read the statement. The inner error is what it says against it.
    pub(crate) fn prepare(
        statement: Statement,
        translator: &Translator<'_>,
        args: &QueriesArgs,
        source: &mut Asker,
    ) -> Result<std::result::Result<Task, (Statement, Trouble)>> {
        let around = Surroundings {
            search_path: translator.source_path(),
            timeout: args.timeout(),
            is_planned_otherwise: false,
        };
        let description = match source.describe(&around, &statement.text)? {
            Ok(description) => description,
            Err(trouble) => return Ok(Err((statement, trouble))),
        };
        let query = Query::read(&statement.text).ok();
        let query = query.and_then(|it| with_values(&it, &statement, Some(&description)));
        Ok(Ok(Task {
            statement,
            path: translator.path.clone(),
            record: Record {
                columns: description.columns,
                ..Record::default()
            },
            source: query.map(|query| Place { query, around }),
            target: None,
        }))
    }
}

impl Work<'_> {
    /// Runs the statement on the sides that there are.
    pub(crate) fn run(&mut self, task: &mut Task, translator: &Translator<'_>) -> Result<Line> {
        let object = object_of(&task.statement);
        let runs = task.source.is_some() || task.record.answer.is_some() || task.record.trouble.is_some();
        let mut witness = Witness {
            record: std::mem::take(&mut task.record),
            live: self.source.as_deref_mut().zip(task.source.as_ref()),
        };
        if runs {
            witness.answer(self.args.save.is_some())?;
        }
        let mut line = Line {
            label: task.statement.label.clone(),
            begins_at: task.statement.line,
            source: None,
            target: None,
            judgement: Judgement::default(),
        };
        let mut there = None;
        if let Some(target) = self.target.as_deref_mut() {
            let prepared = prepare_target(&task.statement, translator, self.args, target)?;
            if let (true, Some(place)) = (runs, &prepared.place) {
                let mut there = There {
                    asker: target,
                    place,
                    description: &prepared.description,
                    doubts: &prepared.doubts,
                };
                let surface = Surface {
                    translator,
                    collations: self.collations.clone(),
                };
                line.judgement = judge(&object, &mut witness, &mut there, &surface)?;
            } else if runs {
                let reason = "with the names of the target, or with its values, it cannot be read any more";
                line.judgement = Judgement::not_compared(&object, "answer", reason);
            }
            there = Some(prepared);
        }
        line.judgement.rows = witness.record.answer.as_ref().map(|it| it.fingerprint.rows);
        task.record = witness.record;
        let target = there.as_ref().and_then(|it| it.place.clone());
        let answered = task.record.answer.is_some();
        task.target = target.filter(|_| answered && there.as_ref().is_some_and(|it| it.description.is_ok()));
        let times = self.measure(task)?;
        line.source = Spread::of(&task.record.times);
        line.target = Spread::of(&times);
        self.explain(task, there.as_ref(), &object, &mut line.judgement)?;
        if !runs && line.judgement.findings.is_empty() {
            let reason = "it has parameters and no values: give them in a file, by `-- params: 1, 'abc'`";
            line.judgement = Judgement::not_compared(&object, "answer", reason);
        }
        let slower = line.slowdown(&object, self.args.max_slowdown);
        line.judgement.findings.extend(slower);
        Ok(line)
    }

    /// Source and target in turn, so that what disturbs one of them disturbs both. The answers have warmed both up. What
    /// takes long is run as often as it must be, since others work on these servers too.
    fn measure(&mut self, task: &mut Task) -> Result<Vec<f64>> {
        let (mut here, mut there) = (Vec::new(), Vec::new());
        let is_measured = task.record.answer.is_some();
        let limit_ms = self.args.timeout().as_secs_f64() * 1000.0;
        for run in 0..if is_measured { self.args.runs } else { 0 } {
            let spent_ms = here.iter().sum::<f64>().max(there.iter().sum());
            if run >= RUNS_MIN && limit_ms > 0.0 && spent_ms >= limit_ms {
                break;
            }
            if let (Some(asker), Some(place)) = (self.source.as_deref_mut(), &task.source) {
                here.extend(place.time(asker)?.ok().map(|it| it.as_secs_f64() * 1000.0));
            }
            if let (Some(asker), Some(place)) = (self.target.as_deref_mut(), &task.target) {
                match place.time(asker)? {
                    Ok(time) => there.push(time.as_secs_f64() * 1000.0),
                    Err(_) => break,
                }
            }
        }
        if self.source.is_some() {
            task.record.times = here;
        }
        Ok(there)
    }

    /// Compares plans: on request, and of statements that cannot be run.
    fn explain(
        &mut self,
        task: &mut Task,
        there: Option<&Prepared>,
        object: &str,
        judgement: &mut Judgement,
    ) -> Result<()> {
        let runs = task.record.answer.is_some() || task.record.trouble.is_some();
        if runs && !self.args.plans && self.args.save.is_none() {
            return Ok(());
        }
        if let Some(asker) = self.source.as_deref_mut()
            && (runs || self.versions.0 >= GENERIC_PLANS)
        {
            let around = Surroundings {
                search_path: super::names::as_sql(&task.path),
                timeout: self.args.timeout(),
                is_planned_otherwise: false,
            };
            let text = task
                .source
                .as_ref()
                .map_or(task.statement.text.as_str(), |it| it.query.text());
            task.record.plan = plan(asker, &around, text, !runs)?;
        }
        let (Some(target), Some(there)) = (self.target.as_deref_mut(), there) else {
            return Ok(());
        };
        // What the target does not even read needs no values to fail.
        if !runs && let Err(trouble) = &there.description {
            *judgement = failed(object, trouble, &there.doubts, there.around.timeout);
            return Ok(());
        }
        if !runs && (self.versions.0 < GENERIC_PLANS || self.versions.1 < GENERIC_PLANS) {
            let reason =
                "it has parameters and no values, and plans without values need PostgreSQL 16 on both sides";
            *judgement = Judgement::not_compared(object, "answer", reason);
            return Ok(());
        }
        if !runs {
            let reason = "it has parameters and no values; plans alone are compared";
            *judgement = Judgement::not_compared(object, "answer", reason);
        }
        let place = there.place.as_ref().map(|it| it.query.text());
        let text = if runs {
            place.unwrap_or(&there.text)
        } else {
            &there.text
        };
        let found = plan(target, &there.around, text, !runs)?;
        let (Some(expected), Some(found)) = (&task.record.plan, &found) else {
            if judgement.outcome != Outcome::Different {
                let more = Judgement::not_compared(object, "plan", "a side does not explain it");
                judgement.findings.extend(more.findings);
            }
            return Ok(());
        };
        let has_index = |schema: &str, name: &str| {
            !self.schemas.iter().any(|it| it == schema)
                || self.indexes.contains(&QualifiedName::new(schema, name))
        };
        let parted = plans::compare(object, expected, found, self.names, has_index);
        judgement.findings.extend(parted);
        Ok(())
    }
}

/// The statement on the target.
struct Prepared {
    text: String,
    around: Surroundings,
    place: Option<Place>,
    description: std::result::Result<Description, Trouble>,
    doubts: Vec<String>,
}

fn prepare_target(
    statement: &Statement,
    translator: &Translator<'_>,
    args: &QueriesArgs,
    target: &mut Asker,
) -> Result<Prepared> {
    let translated = translator.statement(&statement.text);
    let around = Surroundings {
        search_path: translator.target_path(),
        timeout: args.timeout(),
        is_planned_otherwise: false,
    };
    let description = target.describe(&around, &translated.text)?;
    let query = Query::read(&translated.text).ok();
    let place = query.and_then(|query| {
        // What the server does not take is told as that, with or without its values.
        let valued = with_values(&query, statement, description.as_ref().ok());
        let has_values = statement.values.is_some() || query.parameters() == 0;
        let shown = valued.or_else(|| (description.is_err() && has_values).then_some(query))?;
        Some(Place {
            query: shown,
            around: around.clone(),
        })
    });
    Ok(Prepared {
        text: translated.text,
        around,
        place,
        description,
        doubts: translated.doubts,
    })
}

fn plan(asker: &mut Asker, around: &Surroundings, text: &str, generic: bool) -> Result<Option<Vec<Step>>> {
    let explained = asker.explain(around, text, generic)?;
    Ok(explained.ok().and_then(|json| plans::steps(&json)))
}
