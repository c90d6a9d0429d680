//! What is said when the schemas are live.

use std::time::Duration;

use archive::{End, Header};
use catalog::ObjectKind;
use cli::{Outcome, Ui, count, duration};
use serde_json::json;

use crate::apart::Apart;
use crate::args::ReportFormat;
use crate::merging::MergedRows;
use crate::proofs::ReadBack;
use crate::rejects::Found;

/// The version of the JSON report.
const VERSION: u32 = 1;

/// A load that has reached its end.
pub(crate) struct Live<'a> {
    pub(crate) target: &'a str,
    pub(crate) schemas: &'a [String],
    pub(crate) header: &'a Header,
    pub(crate) end: &'a End,
    pub(crate) apart: &'a Apart,
    pub(crate) rejected: &'a Found,
    pub(crate) read_back: Option<&'a ReadBack>,
    pub(crate) merged: &'a MergedRows,
    /// The target is a scratch database.
    pub(crate) is_restore_test: bool,
    /// What a restore test had to leave out, as sentences.
    pub(crate) untested: &'a [String],
    pub(crate) elapsed: Duration,
}

impl Live<'_> {
    pub(crate) fn say(&self, format: Option<ReportFormat>, ui: &Ui) -> cli::Result<()> {
        self.untested.iter().for_each(|it| ui.finding(it));
        ui.status(self.closing_line());
        self.merged.say(ui);
        self.rejected.say(ui);
        if format == Some(ReportFormat::Json) {
            ui.print(format_args!("{:#}\n", self.json()))?;
        }
        Ok(())
    }

    /// Rows that are not in and what is not tested are findings.
    pub(crate) fn outcome(&self) -> Outcome {
        if self.rejected.is_nothing() && self.untested.is_empty() {
            Outcome::Done
        } else {
            Outcome::Findings
        }
    }

    fn closing_line(&self) -> String {
        let tally = self.end.tally(&self.header.catalog);
        if self.schemas.is_empty() && tally.large_objects == 0 {
            return "the source was empty: there is nothing to load".to_owned();
        }
        let verb = if self.schemas.len() == 1 { "is" } else { "are" };
        let places = if self.schemas.is_empty() {
            "large objects".to_owned()
        } else {
            self.schemas.join(", ")
        };
        let large_objects = match tally.large_objects {
            0 => String::new(),
            number => format!(" {} large objects,", count(number)),
        };
        let rejected = match self.rejected.rows() {
            0 => String::new(),
            rows => format!(" ({} more rejected)", count(rows)),
        };
        let joined = match self.merged.joined() {
            0 => String::new(),
            rows => format!(" ({} more joined)", count(rows)),
        };
        let (parts, merged) = self.merged.tables();
        let place = if self.is_restore_test {
            format!("the archive of {} can be restored", self.header.source.database)
        } else {
            format!("{places} {verb} live on {}", self.target)
        };
        let read_back = self.read_back.map_or(String::new(), |it| {
            format!(", also read back in {}", duration(it.elapsed))
        });
        format!(
            "{place}: {} tables, {} rows{rejected}{joined},{large_objects} {} indexes in {}; all fingerprints hold{read_back}: {}",
            count(tally.tables - parts + merged),
            count(tally.rows - self.rejected.rows() - self.merged.joined()),
            count(self.header.catalog.count(ObjectKind::Index) as u64),
            duration(self.elapsed),
            self.end.digest(),
        )
    }

    fn json(&self) -> serde_json::Value {
        let known = |number: u32| {
            let place = usize::try_from(number).unwrap_or(usize::MAX);
            self.header.catalog.tables.get(place)
        };
        let part = |number: u32| known(number).and_then(|it| it.part.as_ref());
        let name = |number: u32| {
            let table = known(part(number).map_or(number, |it| it.into));
            table.map(|it| it.qualified_name().to_string())
        };
        let tally = self.end.tally(&self.header.catalog);
        let pieces = self.header.catalog.large_objects_table().map(|it| it.number);
        let tables: Vec<_> = self
            .end
            .tables
            .iter()
            .filter(|it| Some(it.table) != pieces)
            .map(|it| {
                let fingerprint = &it.fingerprint;
                let mut table = json!({
                    "table": name(it.table), "rows": fingerprint.rows, "form": fingerprint.form,
                    "sum": fingerprint.sum(),
                });
                if let Some(part) = part(it.table) {
                    table["source"] = json!(part.source);
                }
                table
            })
            .collect();
        json!({
            "version": VERSION,
            "target": self.target,
            "source": self.header.source.database,
            "run": self.end.run,
            "schemas": self.schemas,
            "rows": tally.rows,
            "large_objects": tally.large_objects,
            "tables": tables,
            "apart": self.apart.json(),
            "rejected": self.rejected.json(),
            "merged": self.merged.json(),
            "read_back": self.read_back.map(ReadBack::json),
            "restore_test": self.is_restore_test,
            "untested": self.untested,
            "seconds": self.elapsed.as_secs_f64(),
        })
    }
}
