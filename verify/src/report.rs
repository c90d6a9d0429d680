//! What was found, for people and for programs.

use cli::{Format, Table, count};
use fingerprint::Fingerprint;
use serde_json::{Value, json};

/// The version of the JSON report.
const VERSION: u32 = 1;

pub(crate) struct Report {
    source: String,
    /// `None` for an archive alone.
    target: Option<String>,
    tables: Vec<TableResult>,
    /// Differences of sequences, as sentences.
    sequences: Vec<String>,
}

/// What came of one table.
pub(crate) struct TableResult {
    /// The name on the target.
    name: String,
    source: Option<Fingerprint>,
    target: Option<Fingerprint>,
    difference: Option<Difference>,
}

/// Why a table is not identical.
pub(crate) enum Difference {
    /// Counts or values differ.
    Rows,
    MissingTable,
    ExtraTable,
    MissingColumn(String),
}

impl TableResult {
    pub(crate) fn identical(name: String, fingerprint: Fingerprint) -> Self {
        TableResult {
            name,
            source: Some(fingerprint),
            target: Some(fingerprint),
            difference: None,
        }
    }

    pub(crate) fn different(
        name: String,
        source: Option<Fingerprint>,
        target: Option<Fingerprint>,
        difference: Difference,
    ) -> Self {
        TableResult {
            name,
            source,
            target,
            difference: Some(difference),
        }
    }

    fn verdict(&self) -> String {
        match &self.difference {
            None => "identical".to_owned(),
            Some(Difference::MissingTable) => "missing on the target".to_owned(),
            Some(Difference::ExtraTable) => "not in the source".to_owned(),
            Some(Difference::MissingColumn(column)) => format!("column {column} is missing on the target"),
            Some(Difference::Rows) => {
                let rows = |side: &Option<Fingerprint>| side.map_or(0, |it| it.rows);
                match (rows(&self.source), rows(&self.target)) {
                    (here, there) if here > there => {
                        format!("{} rows fewer on the target", count(here - there))
                    }
                    (here, there) if here < there => {
                        format!("{} rows more on the target", count(there - here))
                    }
                    _ => "same count, values differ".to_owned(),
                }
            }
        }
    }
}

impl Report {
    pub(crate) fn new(
        source: String,
        target: Option<String>,
        tables: Vec<TableResult>,
        sequences: Vec<String>,
    ) -> Self {
        Report {
            source,
            target,
            tables,
            sequences,
        }
    }

    pub(crate) fn is_identical(&self) -> bool {
        self.sequences.is_empty() && self.tables.iter().all(|table| table.difference.is_none())
    }

    pub(crate) fn render(&self, format: Format) -> String {
        match format {
            Format::Text => self.text(),
            Format::Json => format!("{:#}\n", self.json()),
        }
    }

    fn text(&self) -> String {
        let rows = |side: &Option<Fingerprint>| side.map_or("-".to_owned(), |it| count(it.rows));
        let mut text = if self.target.is_some() {
            let mut table = Table::new(&["TABLE", ">SOURCE", ">TARGET", "ROWS"]);
            for it in &self.tables {
                table.row([it.name.clone(), rows(&it.source), rows(&it.target), it.verdict()]);
            }
            table.to_string()
        } else {
            let mut table = Table::new(&["TABLE", ">ROWS", "FORM", "FINGERPRINT"]);
            for it in &self.tables {
                let (form, sum) = it
                    .source
                    .map_or_else(Default::default, |it| (it.form.to_string(), it.sum()));
                table.row([it.name.clone(), rows(&it.source), form, sum]);
            }
            table.to_string()
        };
        for line in &self.sequences {
            text.push_str(line);
            text.push('\n');
        }
        let all = self.tables.len() as u64;
        let differing = self.tables.iter().filter(|it| it.difference.is_some()).count() as u64;
        let total = self
            .tables
            .iter()
            .filter_map(|it| it.source)
            .map(|it| it.rows)
            .sum();
        let verdict = match (&self.target, differing) {
            (None, _) => format!(
                "{} tables, {} rows: the archive is whole.\n",
                count(all),
                count(total)
            ),
            (Some(_), 0) => format!("{} tables identical, {} rows", count(all), count(total)),
            (Some(_), differing) => {
                format!(
                    "{} of {} tables identical, {} differ",
                    count(all - differing),
                    count(all),
                    count(differing)
                )
            }
        };
        text.push_str(&verdict);
        match self.sequences.len() as u64 {
            _ if self.target.is_none() => {}
            0 => text.push_str(".\n"),
            differing => text.extend(["; ", &count(differing), " sequences differ.\n"]),
        }
        text
    }

    fn json(&self) -> Value {
        let side = |side: &Option<Fingerprint>| side.map(|it| json!({"rows": it.rows, "sum": it.sum()}));
        let tables: Vec<Value> = self
            .tables
            .iter()
            .map(|it| {
                json!({
                    "table": it.name,
                    "identical": it.difference.is_none(),
                    "form": it.source.or(it.target).map(|it| it.form),
                    "source": side(&it.source),
                    "target": side(&it.target),
                    "verdict": it.verdict(),
                })
            })
            .collect();
        json!({
            "version": VERSION,
            "source": self.source,
            "target": self.target,
            "identical": self.is_identical(),
            "tables": tables,
            "sequences": self.sequences,
        })
    }
}
