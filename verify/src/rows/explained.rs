//! What explains that a target has fewer rows than its source: filters of the dump, and rows that `load` rejected. The
//! target's journal knows both.

use std::collections::{BTreeMap, HashMap, HashSet};

use catalog::{Catalog, JOURNAL_COMMENT, ObjectKind, QualifiedName, Table, TableKind};
use cli::{Failure, Result, count};
use database::postgres::{Chosen, Extent, Pattern, RowFilter, Selection, split_condition};
use fingerprint::Fingerprint;
use serde_json::Value;

use crate::report::{Area, Finding, Weight};
use crate::sides::{Live, Source};

/// The loads that made what is compared.
#[derive(Default)]
pub(crate) struct Explained {
    runs: Vec<Run>,
    /// Why the journal could not be asked, where there is one.
    obstacle: Option<String>,
    /// Whether conditions in the journal may be run on the source.
    is_trusted: bool,
}

struct Run {
    /// As they were typed.
    filters: Vec<String>,
    /// What they come to in the source.
    chosen: Option<Chosen>,
    /// By the target's table: the sums of rejected rows, and why.
    rejected: HashMap<String, Vec<(Fingerprint, String)>>,
}

/// Rows of one table that `load` rejected.
pub(crate) struct Rejected {
    pub(crate) fingerprint: Fingerprint,
    /// SQLSTATEs with the numbers of their rows.
    reasons: BTreeMap<String, u64>,
}

const JOURNAL: &str = "
SELECT pg_catalog.pg_has_role(n.nspowner, 'MEMBER') AS trusted,
  pg_catalog.has_schema_privilege(n.oid, 'USAGE') AND pg_catalog.has_table_privilege(c.oid, 'SELECT') AS readable,
  COALESCE(pg_catalog.has_table_privilege(r.oid, 'SELECT'), false) AS has_rejected
FROM pg_catalog.pg_namespace n
JOIN pg_catalog.pg_class c ON c.relnamespace = n.oid AND c.relname = 'run' AND c.relkind = 'r' AND NOT c.relrowsecurity
LEFT JOIN pg_catalog.pg_class r ON r.relnamespace = n.oid AND r.relname = 'rejected' AND r.relkind = 'r'
  AND NOT r.relrowsecurity
WHERE n.nspname = 'coalesce' AND pg_catalog.obj_description(n.oid, 'pg_namespace') = $1";

/// `$1`: the target's schemas, `$2`: the source's name.
const RUNS: &str = "
SELECT r.id, r.filters FROM coalesce.run r
WHERE r.state OPERATOR(pg_catalog.=) 'live' AND r.source OPERATOR(pg_catalog.=) $2
  AND EXISTS (SELECT FROM pg_catalog.pg_namespace n
              WHERE n.oid = ANY (r.schema_oids) AND n.nspname::pg_catalog.text OPERATOR(pg_catalog.=) ANY ($1))
ORDER BY r.id";

const REJECTED: &str = "
SELECT run, table_name, form, rows, pg_catalog.encode(sum, 'hex'), reason FROM coalesce.rejected
WHERE run OPERATOR(pg_catalog.=) ANY ($1)";

impl Explained {
    /// Asks the target's journal about loads of the source called `name` into `schemas`.
    pub(crate) fn read(target: &Live, name: &str, schemas: &[String]) -> Result<Self> {
        let failed = || database::Error::query("the journal could not be read");
        target.with_snapshot(|snapshot| {
            let client = snapshot.client();
            let journal = client
                .query_opt(JOURNAL, &[&JOURNAL_COMMENT])
                .map_err(|error| Failure::target(failed()(error)))?;
            let mut explained = Explained::default();
            let Some(journal) = journal else {
                return Ok(explained);
            };
            explained.is_trusted = journal.get("trusted");
            if !journal.get::<_, bool>("readable") {
                explained.obstacle = Some(
                    "this role may not read the target's journal (schema coalesce), which knows what dump left out and \
                     which rows load rejected: verify as the role that loaded"
                        .to_owned(),
                );
                return Ok(explained);
            }
            let runs = client
                .query(RUNS, &[&schemas, &name])
                .map_err(|error| Failure::target(failed()(error)))?;
            let ids: Vec<i64> = runs.iter().map(|row| row.get(0)).collect();
            let mut rejected: HashMap<i64, HashMap<String, Vec<(Fingerprint, String)>>> = HashMap::new();
            if journal.get("has_rejected") {
                let rows = client
                    .query(REJECTED, &[&ids])
                    .map_err(|error| Failure::target(failed()(error)))?;
                for row in rows {
                    let Some(part) = fingerprint(row.get(2), row.get(3), row.get(4)) else { continue };
                    let tables = rejected.entry(row.get(0)).or_default();
                    tables.entry(row.get(1)).or_default().push((part, row.get(5)));
                }
            }
            let run = |row: &postgres::Row| Run {
                filters: filters(row.get(1)),
                chosen: None,
                rejected: rejected.remove(&row.get(0)).unwrap_or_default(),
            };
            explained.runs = runs.iter().map(run).collect();
            Ok(explained)
        })
    }

    /// Takes from a live source what its dumps left out, and says so.
    pub(crate) fn narrow(&mut self, source: &mut Source) -> Result<Vec<Finding>> {
        let Source::Postgres(live) = source else {
            return Ok(Vec::new());
        };
        if self.runs.is_empty() || self.runs.iter().any(|it| it.filters.is_empty()) {
            return Ok(Vec::new());
        }
        if !self.is_trusted
            && self
                .runs
                .iter()
                .flat_map(|it| &it.filters)
                .any(|it| it.starts_with("--where "))
        {
            let reason = "dump left out rows by --where, and conditions in a journal that is another role's are not run: \
                          verify as the role that loaded";
            self.obstacle = Some(reason.to_owned());
        }
        for run in &mut self.runs {
            let Some(selection) = selection(&run.filters, self.is_trusted) else {
                continue;
            };
            let chosen = live.with_snapshot(|it| {
                let failed =
                    |error| Failure::source(database::Error::query("no savepoint could be set")(error));
                it.client().batch_execute("SAVEPOINT filters").map_err(failed)?;
                let chosen = selection.resolve(it.client());
                it.client()
                    .batch_execute("ROLLBACK TO SAVEPOINT filters; RELEASE SAVEPOINT filters")
                    .map_err(failed)?;
                Ok::<_, Failure>(chosen)
            })?;
            match chosen {
                Ok(chosen) => run.chosen = Some(chosen),
                Err(error) => {
                    let reason = format!(
                        "filters of the dump ({}) cannot be applied: {error}",
                        run.filters.join(", ")
                    );
                    self.obstacle = Some(reason);
                    return Ok(Vec::new());
                }
            }
        }
        let findings = left_out(&live.catalog, &self.runs);
        narrow(&mut live.catalog, &self.runs);
        Ok(findings)
    }

    /// Why the journal says nothing of what differs.
    pub(crate) fn obstacle(&self) -> Option<Finding> {
        let reason = self.obstacle.as_ref()?;
        let finding = Finding::new(Area::Rows, "journal", "not asked");
        Some(finding.weighing(Weight::NotCompared).with_note(reason))
    }

    /// Which rows of a live source's table its dump has read, as its last load says; `None` for all.
    pub(crate) fn extent(&self, table: &Table) -> Option<Extent> {
        let name = table.qualified_name();
        let has = |run: &&Run| {
            let chosen = run.chosen.as_ref();
            chosen.is_none_or(|it| it.has_schema(&name.schema) && it.has_relation(&name.schema, &name.name))
        };
        let run = self.runs.iter().rev().find(has)?;
        let condition = match run.chosen.as_ref()?.row_filter(&name)? {
            RowFilter::None => "false".to_owned(),
            RowFilter::Where(condition) => condition.clone(),
        };
        Some(Extent {
            blocks: None,
            condition: Some(condition),
        })
    }

    /// What was rejected of the target's table.
    pub(crate) fn rejected(&self, table: &QualifiedName) -> Option<Rejected> {
        let name = table.to_string();
        let parts = self.runs.iter().filter_map(|it| it.rejected.get(&name)).flatten();
        let mut all: Option<Rejected> = None;
        for (part, reason) in parts {
            let all = all.get_or_insert_with(|| Rejected {
                fingerprint: Fingerprint::empty(part.form),
                reasons: BTreeMap::new(),
            });
            // Rows of one table have one form.
            let _ = all.fingerprint.merge(part);
            for (state, rows) in reason.split(", ").filter_map(|it| it.split_once(": ")) {
                *all.reasons.entry(state.to_owned()).or_default() += rows.parse().unwrap_or(0);
            }
        }
        all
    }
}

impl Rejected {
    /// Whether the source's rows are those of the target and these.
    pub(crate) fn explains(&self, expected: &Fingerprint, found: &Fingerprint) -> bool {
        let mut sum = *found;
        sum.merge(&self.fingerprint).is_ok() && sum == *expected
    }

    pub(crate) fn finding(&self, label: &str, explains: bool) -> Finding {
        let rows = self.fingerprint.rows;
        let word = if rows == 1 { "row" } else { "rows" };
        let reasons = self
            .reasons
            .iter()
            .map(|(state, rows)| format!("{state}: {rows}"));
        let (weight, rest) = if explains {
            (Weight::Expected, "all other rows are there".to_owned())
        } else {
            let rest = "they do not explain the difference, or were put back in part";
            (Weight::Advice, rest.to_owned())
        };
        Finding::new(Area::Rows, format!("table {label}"), "rejected by load")
            .between(Some(format!("{} {word}", count(rows))), None)
            .weighing(weight)
            .with_note(format!(
                "SQLSTATE {}; {rest}",
                reasons.collect::<Vec<_>>().join(", ")
            ))
    }
}

/// What the dump of an archive left out, as it was typed.
pub(crate) fn of_archive(source: &Source) -> Vec<Finding> {
    let Source::Archive(it) = source else {
        return Vec::new();
    };
    let note = "by choice: what it leaves out is not in the archive, and nothing is known of it";
    let mut findings: Vec<Finding> = it.header.filters.iter().map(|text| filter(text, note)).collect();
    for filter in &it.header.row_filters {
        let table = it
            .header
            .catalog
            .tables
            .iter()
            .find(|it| it.number == filter.table);
        let Some(table) = table else { continue };
        let words = filter.condition.as_ref().map_or_else(
            || "rows were not dumped".to_owned(),
            |condition| format!("only rows were dumped for which {}", one_line(condition)),
        );
        let object = format!("table {}", table.qualified_name());
        findings.push(
            Finding::new(Area::Rows, object, words)
                .weighing(Weight::Expected)
                .with_note("by choice"),
        );
    }
    findings
}

fn filter(text: &str, note: &str) -> Finding {
    Finding::new(Area::Rows, format!("dump {}", one_line(text)), "left out")
        .weighing(Weight::Expected)
        .with_note(note)
}

fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn fingerprint(form: &str, rows: i64, sum: &str) -> Option<Fingerprint> {
    let form = match form {
        "text" => fingerprint::Form::Text,
        "binary" => fingerprint::Form::Binary,
        _ => return None,
    };
    Fingerprint::from_parts(form, rows.unsigned_abs(), sum)
}

/// The options of `dump` in what the journal says of a run's filters.
fn filters(json: &str) -> Vec<String> {
    let json: Value = serde_json::from_str(json).unwrap_or_default();
    let texts = json["filters"].as_array().cloned().unwrap_or_default();
    texts
        .iter()
        .filter_map(|it| it.as_str().map(str::to_owned))
        .collect()
}

/// What the options choose; `None` where one of them is not known. Conditions are SQL, and run only where whoever wrote
/// them is trusted.
fn selection(filters: &[String], is_trusted: bool) -> Option<Selection> {
    let mut selection = Selection::default();
    for filter in filters {
        let (option, value) = filter.split_once(' ').unwrap_or((filter, ""));
        let pattern = |text: &str| Pattern::new(text).ok();
        match option {
            "--schema" => selection.schemas.push(pattern(value)?),
            "--exclude-schema" => selection.excluded_schemas.push(pattern(value)?),
            "--table" => selection.tables.push(pattern(value)?),
            "--exclude-table" => selection.excluded_tables.push(pattern(value)?),
            "--exclude-table-data" => selection.without_rows.push(pattern(value)?),
            "--where" if is_trusted => {
                let (table, condition) = split_condition(value)?;
                selection.conditions.push((pattern(table)?, condition.to_owned()));
            }
            "--schema-only" => selection.definitions_only = true,
            "--where" | "--no-large-objects" | "--no-extension-rows" => {}
            _ => return None,
        }
    }
    Some(selection)
}

fn has(runs: &[Run], schema: &str, relation: &str) -> bool {
    runs.iter().any(|run| {
        let chosen = run.chosen.as_ref();
        chosen.is_none_or(|it| it.has_schema(schema) && it.has_relation(schema, relation))
    })
}

fn has_schema(runs: &[Run], schema: &str) -> bool {
    runs.iter()
        .any(|run| run.chosen.as_ref().is_none_or(|it| it.has_schema(schema)))
}

/// One finding for each option, with how many tables it leaves out.
fn left_out(catalog: &Catalog, runs: &[Run]) -> Vec<Finding> {
    let own = catalog.tables.iter().filter(|it| it.is_own());
    let missing: Vec<String> = own
        .filter(|it| !has(runs, &it.schema, &it.name))
        .map(|it| it.qualified_name().to_string())
        .collect();
    let note = if missing.is_empty() {
        "the target's journal says so".to_owned()
    } else {
        let names = missing.iter().take(10).cloned().collect::<Vec<_>>().join(", ");
        let more = if missing.len() > 10 { ", …" } else { "" };
        format!("the target's journal says so; not compared: {names}{more}")
    };
    let mut texts: Vec<&String> = runs.iter().flat_map(|it| &it.filters).collect();
    texts.dedup();
    texts.into_iter().map(|text| filter(text, &note)).collect()
}

/// Takes away what no run has chosen, and numbers the tables again.
fn narrow(catalog: &mut Catalog, runs: &[Run]) {
    let says = |option: &str| runs.iter().all(|run| run.filters.iter().any(|it| it == option));
    let is_partial = runs.iter().all(|run| {
        run.filters
            .iter()
            .any(|it| it.starts_with("--schema") || it.starts_with("--table "))
    });
    let (no_objects, no_rows) = (
        is_partial || says("--no-large-objects"),
        is_partial || says("--no-extension-rows"),
    );
    if no_objects {
        catalog.large_objects.clear();
    }
    catalog.tables.retain(|it| match it.kind {
        TableKind::LargeObjects => !no_objects,
        TableKind::Configuration => !no_rows,
        _ => has(runs, &it.schema, &it.name),
    });
    for (table, number) in catalog.tables.iter_mut().zip(0..) {
        table.number = number;
    }
    catalog.schemas.retain(|it| has_schema(runs, &it.name));
    catalog.sequences.retain(|it| has(runs, &it.schema, &it.name));
    catalog
        .materialized_views
        .retain(|it| has(runs, &it.schema, &it.name));
    let only_relations = runs
        .iter()
        .all(|run| run.chosen.as_ref().is_some_and(Chosen::only_relations));
    catalog.objects.retain(|it| match (&it.table, it.kind) {
        (Some(table), _) => has(runs, &it.schema, table),
        (
            None,
            ObjectKind::Table
            | ObjectKind::ForeignTable
            | ObjectKind::View
            | ObjectKind::MaterializedView
            | ObjectKind::Sequence,
        ) => has(runs, &it.schema, &it.name),
        _ => !only_relations && has_schema(runs, &it.schema),
    });
}

/// `load` does not validate foreign keys into rows that it rejected; `keys` are those of the source, as findings call them.
pub(crate) fn excuse_keys(findings: &mut [Finding], keys: &HashSet<String>) {
    for finding in findings.iter_mut().filter(|it| it.property == "validated") {
        if keys.contains(&finding.object) {
            finding.weight = Weight::Expected;
            finding.note =
                Some("load rejected rows, and leaves keys into them for a person to validate".to_owned());
        }
    }
}
