//! What came of the statements, for people and for programs.

use std::fmt::Write as _;

use cli::{Format, Table, count};
use serde_json::{Value, json};

use super::baseline::Origin;
use super::clients::Load;
use super::judgement::{Judgement, Outcome};
use super::timing::{Spread, shown};
use crate::report::{Finding, Weight};

/// The version of the JSON report.
const VERSION: u32 = 1;

pub(crate) struct Report {
    pub(crate) source: Origin,
    /// Whether the source is a baseline.
    pub(crate) from_baseline: bool,
    /// `None` where the source's side alone was kept.
    pub(crate) target: Option<Origin>,
    pub(crate) lines: Vec<Line>,
    /// What concerns no single statement.
    pub(crate) findings: Vec<Finding>,
    pub(crate) loads: (Option<Load>, Option<Load>),
}

/// One statement.
pub(crate) struct Line {
    pub(crate) label: String,
    /// In the file.
    pub(crate) begins_at: Option<usize>,
    pub(crate) source: Option<Spread>,
    pub(crate) target: Option<Spread>,
    pub(crate) judgement: Judgement,
}

impl Report {
    fn findings(&self) -> impl Iterator<Item = &Finding> {
        let of_lines = self.lines.iter().flat_map(|it| &it.judgement.findings);
        of_lines.chain(&self.findings)
    }

    pub(crate) fn is_identical(&self) -> bool {
        self.findings().all(|it| it.weight != Weight::Difference)
    }

    pub(crate) fn render(&self, format: Format) -> String {
        if format == Format::Json {
            format!("{:#}\n", self.json())
        } else {
            self.text()
        }
    }

    fn text(&self) -> String {
        let mut text = self.table().to_string();
        for finding in self.findings() {
            let prefix = match finding.weight {
                Weight::Difference => "query",
                Weight::Expected => "expected",
                Weight::NotCompared => "not compared",
                Weight::Advice => "to look at",
            };
            let _ = writeln!(text, "{prefix}: {finding}");
        }
        for (side, load) in [("source", &self.loads.0), ("target", &self.loads.1)] {
            let Some(load) = load else { continue };
            let _ = write!(
                text,
                "{side} with {} clients: {:.1} statements a second",
                load.clients,
                load.rate()
            );
            let _ = match Spread::of(&load.times) {
                Some(times) => writeln!(text, ", each in {times}"),
                None => writeln!(text),
            };
        }
        text.push_str(&self.closing());
        text
    }

    fn table(&self) -> Table {
        let cell = |it: Option<Spread>| it.map_or_else(|| "-".to_owned(), |it| it.to_string());
        if self.target.is_none() {
            let mut table = Table::new(&["STATEMENT", ">SOURCE", ">ROWS"]);
            for it in &self.lines {
                let rows = it.judgement.rows.map_or_else(|| "-".to_owned(), count);
                table.row([it.label.clone(), cell(it.source), rows]);
            }
            return table;
        }
        let mut table = Table::new(&["STATEMENT", ">SOURCE", ">TARGET", ">RATIO", "RESULT"]);
        for it in &self.lines {
            let ratio = it.source.zip(it.target).map(|(here, there)| there.ratio(&here));
            table.row([
                it.label.clone(),
                cell(it.source),
                cell(it.target),
                ratio.map_or_else(|| "-".to_owned(), |it| format!("{it:.2}")),
                it.verdict(),
            ]);
        }
        table
    }

    fn closing(&self) -> String {
        let all = self.lines.len();
        let counted = |outcome: Outcome| self.lines.iter().filter(|it| it.outcome() == outcome).count();
        let ending = if all == 1 { "" } else { "s" };
        if self.target.is_none() {
            return format!("{all} statement{ending} kept.\n");
        }
        let mut parts = vec![format!("{} identical", counted(Outcome::Identical))];
        let differing = counted(Outcome::Different);
        if differing > 0 {
            let verb = if differing == 1 { "differs" } else { "differ" };
            parts.push(format!("{differing} {verb}"));
        }
        let left = counted(Outcome::NotCompared);
        if left > 0 {
            parts.push(format!("{left} not compared"));
        }
        format!("{all} statement{ending}: {}.\n", parts.join(", "))
    }

    fn json(&self) -> Value {
        let side = |it: &Origin| {
            json!({
                "database": it.database,
                "server_version": it.server_version,
                "collation": it.collation,
                "snapshot_time": it.snapshot_time,
            })
        };
        let statements: Vec<Value> = self.lines.iter().map(Line::json).collect();
        let others: Vec<Value> = self.findings.iter().map(finding_json).collect();
        json!({
            "version": VERSION,
            "source": side(&self.source),
            "from_baseline": self.from_baseline,
            "target": self.target.as_ref().map(side),
            "identical": self.is_identical(),
            "statements": statements,
            "findings": others,
            "load": {
                "source": self.loads.0.as_ref().map(Load::json),
                "target": self.loads.1.as_ref().map(Load::json),
            },
        })
    }
}

impl Line {
    /// Whether anything of it differs, not only what it answers.
    fn outcome(&self) -> Outcome {
        let is_different = |it: &Finding| it.weight == Weight::Difference;
        if self.judgement.findings.iter().any(is_different) {
            Outcome::Different
        } else {
            self.judgement.outcome
        }
    }

    fn verdict(&self) -> String {
        let weighs = |weight: Weight| {
            let these = self
                .judgement
                .findings
                .iter()
                .filter(move |it| it.weight == weight);
            these.map(|it| it.property.clone()).collect::<Vec<_>>()
        };
        let word = match self.judgement.outcome {
            Outcome::Identical => "identical",
            Outcome::Different => "different",
            Outcome::NotCompared => "not compared",
        };
        let mut properties = weighs(Weight::Difference);
        properties.dedup();
        match (properties.is_empty(), self.judgement.outcome) {
            (true, _) => word.to_owned(),
            (false, Outcome::Identical) => format!("same answer, {}", properties.join(", ")),
            (false, _) => format!("{word}: {}", properties.join(", ")),
        }
    }

    fn json(&self) -> Value {
        let findings: Vec<Value> = self.judgement.findings.iter().map(finding_json).collect();
        json!({
            "statement": self.label,
            "line": self.begins_at,
            "result": match self.judgement.outcome {
                Outcome::Identical => "identical",
                Outcome::Different => "different",
                Outcome::NotCompared => "not_compared",
            },
            "rows": self.judgement.rows,
            "source": self.source.map(|it| it.json()),
            "target": self.target.map(|it| it.json()),
            "findings": findings,
        })
    }

    /// The finding that the target is slower than `factor` allows, where it is.
    pub(crate) fn slowdown(&self, object: &str, max: Option<f64>) -> Option<Finding> {
        let (before, now) = self.source.zip(self.target)?;
        let factor = max.unwrap_or(super::timing::TOLD_FROM);
        now.is_slower(&before, factor).then(|| {
            let weight = if max.is_some() {
                Weight::Difference
            } else {
                Weight::Advice
            };
            Finding::new(crate::report::Area::Query, object, "slower")
                .between(Some(shown(before.median)), Some(shown(now.median)))
                .weighing(weight)
                .with_note(format!("{:.1} times as long", now.ratio(&before)))
        })
    }
}

fn finding_json(finding: &Finding) -> Value {
    json!({
        "area": finding.area.to_string(),
        "weight": match finding.weight {
            Weight::Difference => "difference",
            Weight::Expected => "expected",
            Weight::NotCompared => "not_compared",
            Weight::Advice => "advice",
        },
        "object": finding.object,
        "property": finding.property,
        "source": finding.source,
        "target": finding.target,
        "note": finding.note,
    })
}
