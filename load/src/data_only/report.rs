//! What is said when all rows are in.

use std::time::Duration;

use archive::{End, Header};
use catalog::QualifiedName;
use cli::{Result, Ui, count, duration};
use serde_json::json;

use super::matching::Unit;
use crate::args::ReportFormat;

/// The version of the JSON report.
const VERSION: u32 = 1;

/// A load of rows alone that has reached its end.
pub(crate) struct Done<'a> {
    pub(crate) target: &'a str,
    pub(crate) header: &'a Header,
    pub(crate) end: &'a End,
    pub(crate) units: &'a [Unit],
    pub(crate) left_alone: &'a [QualifiedName],
    /// Sequences, as `name to number`.
    pub(crate) moved: &'a [String],
    /// Tables whose rows triggers have changed, as they were let.
    pub(crate) unproved: &'a [QualifiedName],
    pub(crate) elapsed: Duration,
}

impl Done<'_> {
    pub(crate) fn say(&self, format: Option<ReportFormat>, ui: &Ui) -> Result<()> {
        if !self.moved.is_empty() {
            ui.status(format_args!("sequences moved on: {}", self.moved.join(", ")));
        }
        let rows = self.fingerprints().map(|it| it.1.rows).sum();
        let (rows_word, proved) = if self.unproved.is_empty() {
            ("rows", "all of them proved".to_owned())
        } else {
            let names = super::listed(self.unproved);
            (
                "rows of the archive",
                format!("proved but for what triggers may have changed: {names}"),
            )
        };
        ui.status(format_args!(
            "rows are in on {}: {} tables, {} {rows_word} in {}; {proved}",
            self.target,
            count(self.units.len() as u64),
            count(rows),
            duration(self.elapsed)
        ));
        match format {
            Some(ReportFormat::Json) => ui.print(format_args!("{:#}\n", self.json(rows))),
            None => Ok(()),
        }
    }

    /// The tables of the archive that went in.
    fn fingerprints(&self) -> impl Iterator<Item = (&Unit, fingerprint::Fingerprint)> {
        let parts = self
            .units
            .iter()
            .flat_map(|unit| unit.parts.iter().map(move |it| (unit, it)));
        parts.filter_map(|(unit, part)| Some((unit, self.end.table(part.number)?.fingerprint)))
    }

    fn json(&self, rows: u64) -> serde_json::Value {
        let tables: Vec<_> = self
            .fingerprints()
            .map(|(unit, it)| {
                json!({
                    "table": unit.target.name.to_string(), "rows": it.rows, "form": it.form, "sum": it.sum(),
                    "proved": !self.unproved.contains(&unit.target.name),
                })
            })
            .collect();
        let schemas: Vec<&str> = self
            .header
            .catalog
            .schemas
            .iter()
            .map(|it| it.name.as_str())
            .collect();
        let left_alone: Vec<String> = self.left_alone.iter().map(ToString::to_string).collect();
        json!({
            "version": VERSION,
            "target": self.target,
            "source": self.header.source.database,
            "run": self.end.run,
            "schemas": schemas,
            "rows": rows,
            "large_objects": 0,
            "tables": tables,
            "apart": [],
            "left_alone": left_alone,
            "seconds": self.elapsed.as_secs_f64(),
        })
    }
}
