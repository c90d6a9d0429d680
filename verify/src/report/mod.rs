//! What was found, for people and for programs.

mod finding;
mod rows;

use std::cmp::Ordering;
use std::fmt::Write as _;

use cli::{Format, Table, count};
use fingerprint::Fingerprint;
use serde_json::{Value, json};

use crate::rows::beside::LargeObjects;
use crate::rows::difference::RowDifferences;
use crate::rows::search::Found;
use rows::row_lines;

pub(crate) use finding::{Area, Finding, Weight};

/// The version of the JSON report.
const VERSION: u32 = 1;

pub(crate) struct Report {
    source: String,
    /// `None` for an archive alone.
    target: Option<String>,
    tables: Vec<TableResult>,
    /// Objects without rows that the target lacks, as sentences.
    objects: Vec<String>,
    /// Differences of sequences, as sentences.
    sequences: Vec<String>,
    /// `None` when the source has none.
    large_objects: Option<LargeObjects>,
    /// What was discarded on request before the comparison, as sentences.
    discards: Vec<String>,
    /// Whether it was said which keys become UUIDs.
    chose_keys: bool,
    /// What was found beside rows.
    findings: Vec<Finding>,
}

/// What came of one table.
pub(crate) struct TableResult {
    /// The name on the target.
    name: String,
    source: Option<Fingerprint>,
    target: Option<Fingerprint>,
    difference: Option<Difference>,
    /// The target's table holds others' rows too.
    of_many: bool,
    /// What of it nobody can compare, as sentences.
    not_compared: Vec<String>,
    keys: KeyKind,
    /// Which rows differ, where they were looked for.
    rows: Option<RowDifferences>,
}

/// What became of a table's integer keys.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum KeyKind {
    AsTheyAre,
    /// They are compared as UUIDs.
    Converted,
    /// The target has UUIDs where the source has integers.
    UuidOnTarget,
}

/// Why a table is not identical.
pub(crate) enum Difference {
    /// Counts or values differ.
    Rows,
    MissingTable,
    ExtraTable,
    MissingColumn(String),
    ExtraColumn(String),
    /// The target computes the column, the source stores it.
    Generated(String),
    /// The target stores the column, the source computes it.
    NotGenerated(String),
    /// The rows are the same, and one of these generated columns has other values.
    GeneratedValues(Vec<String>),
    /// So many rows are not among those of the target's table.
    Absent(u64),
}

impl Difference {
    /// Whether the target's rows cannot be read with the source's columns.
    pub(crate) fn is_unreadable(&self) -> bool {
        matches!(self, Difference::MissingColumn(_) | Difference::Generated(_))
    }
}

impl TableResult {
    pub(crate) fn new(
        name: String,
        source: Option<Fingerprint>,
        target: Option<Fingerprint>,
        difference: Option<Difference>,
    ) -> Self {
        TableResult {
            name,
            source,
            target,
            difference,
            of_many: false,
            not_compared: Vec::new(),
            keys: KeyKind::AsTheyAre,
            rows: None,
        }
    }

    /// With the rows that differ.
    pub(crate) fn with_rows(self, rows: Option<RowDifferences>) -> Self {
        TableResult { rows, ..self }
    }

    /// Adds the rows that differ, or why they are not known.
    pub(crate) fn set_rows(&mut self, found: Found) {
        match found {
            Ok(rows) => self.rows = Some(rows),
            Err(reason) => {
                let sentence = format!("which rows of {} differ: {reason}", self.name);
                self.not_compared.push(sentence);
            }
        }
    }

    pub(crate) fn not_comparing(self, not_compared: Vec<String>) -> Self {
        TableResult { not_compared, ..self }
    }

    pub(crate) fn with_keys(self, keys: KeyKind) -> Self {
        TableResult { keys, ..self }
    }

    /// Whether as many rows are there, and other ones.
    fn has_other_values(&self) -> bool {
        let rows = |side: &Option<Fingerprint>| side.map(|it| it.rows);
        matches!(self.difference, Some(Difference::Rows)) && rows(&self.source) == rows(&self.target)
    }

    /// For rows that need only be among those of the target.
    pub(crate) fn of_many(self) -> Self {
        TableResult {
            of_many: true,
            ..self
        }
    }

    fn verdict(&self) -> String {
        let of_column = match &self.difference {
            None if self.of_many => return "all on the target".to_owned(),
            None => return "identical".to_owned(),
            Some(Difference::Absent(rows)) => return format!("{} not on the target", counted(*rows, "row")),
            Some(Difference::MissingTable) => return "missing on the target".to_owned(),
            Some(Difference::ExtraTable) => return "not in the source".to_owned(),
            Some(Difference::Rows) => return self.rows_verdict(),
            Some(Difference::GeneratedValues(columns)) => {
                return format!("values of generated columns differ: {}", columns.join(", "));
            }
            Some(Difference::MissingColumn(column)) => format!("column {column} is missing on the target"),
            Some(Difference::ExtraColumn(column)) => format!("column {column} is not in the source"),
            Some(Difference::Generated(column)) => format!("column {column} is generated on the target only"),
            Some(Difference::NotGenerated(column)) => {
                format!("column {column} is generated in the source only")
            }
        };
        if self.target.is_some() && self.source != self.target {
            format!("{of_column}; {}", self.rows_verdict())
        } else {
            of_column
        }
    }

    fn rows_verdict(&self) -> String {
        let rows = |side: &Option<Fingerprint>| side.map_or(0, |it| it.rows);
        let (here, there) = (rows(&self.source), rows(&self.target));
        match here.cmp(&there) {
            Ordering::Greater => format!("{} fewer on the target", counted(here - there, "row")),
            Ordering::Less => format!("{} more on the target", counted(there - here, "row")),
            Ordering::Equal => "same count, values differ".to_owned(),
        }
    }
}

impl Report {
    pub(crate) fn new(
        source: String,
        target: Option<String>,
        tables: Vec<TableResult>,
        objects: Vec<String>,
        sequences: Vec<String>,
    ) -> Self {
        Report {
            source,
            target,
            tables,
            objects,
            sequences,
            large_objects: None,
            discards: Vec::new(),
            chose_keys: false,
            findings: Vec::new(),
        }
    }

    /// With what was found beside rows.
    pub(crate) fn with_findings(mut self, findings: Vec<Finding>) -> Self {
        self.findings.extend(findings);
        self
    }

    /// With whether it was said which keys become UUIDs.
    pub(crate) fn with_chosen_keys(self, chose_keys: bool) -> Self {
        Report { chose_keys, ..self }
    }

    /// What nobody can compare, as sentences.
    fn not_compared(&self) -> Vec<&String> {
        self.tables.iter().flat_map(|it| &it.not_compared).collect()
    }

    /// What could be wrong with the question, rather than with the target.
    fn hint(&self) -> Option<&'static str> {
        let mut tables = self.tables.iter().filter(|it| it.difference.is_some());
        if tables.clone().any(|it| it.keys == KeyKind::UuidOnTarget) {
            return Some(
                "integer keys are UUIDs on the target: give --uuid-keys, --keep-old-keys and --key-source as \
                 `remap-schema` had them",
            );
        }
        let differs = |it: &TableResult| it.keys == KeyKind::Converted && it.has_other_values();
        (self.chose_keys && tables.any(differs)).then_some(
            "a source that is called otherwise has other keys: give --key-source with the name that `remap-schema` \
             printed when the target was loaded",
        )
    }

    pub(crate) fn with_large_objects(self, large_objects: Option<LargeObjects>) -> Self {
        Report {
            large_objects,
            ..self
        }
    }

    /// With what the source's dump leaves out on request, which is said and is no difference.
    pub(crate) fn with_discards(self, discards: Vec<String>) -> Self {
        Report { discards, ..self }
    }

    pub(crate) fn is_identical(&self) -> bool {
        self.objects.is_empty()
            && self.findings.iter().all(|it| it.weight != Weight::Difference)
            && self.sequences.is_empty()
            && self.tables.iter().all(|table| table.difference.is_none())
            && self
                .large_objects
                .as_ref()
                .is_none_or(LargeObjects::are_identical)
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
            if let Some(it) = &self.large_objects {
                let number = |number: usize| count(number as u64);
                let name = "large objects".to_owned();
                table.row([name, number(it.source), number(it.target), it.verdict()]);
            }
            let differing = self.tables.iter().filter_map(|it| Some((it, it.rows.as_ref()?)));
            let lines = differing.flat_map(|(it, rows)| row_lines(&it.name, rows));
            table.to_string() + &lines.map(|it| it + "\n").collect::<String>()
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
        let named = self.large_objects.iter().flat_map(LargeObjects::sentences);
        for line in self.objects.iter().chain(&self.sequences).cloned().chain(named) {
            text.push_str(&line);
            text.push('\n');
        }
        for finding in &self.findings {
            let _ = writeln!(text, "{}: {finding}", finding.area);
        }
        self.remarks(&mut text);
        let all = self.tables.len() as u64;
        let differing = self.tables.iter().filter(|it| it.difference.is_some()).count() as u64;
        let total = self
            .tables
            .iter()
            .filter_map(|it| it.source)
            .map(|it| it.rows)
            .sum();
        if self.target.is_none() {
            let (tables, rows) = (counted(all, "table"), counted(total, "row"));
            let _ = writeln!(text, "{tables}, {rows}: the archive is whole.");
            return text;
        }
        let tables = counted(all, "table");
        let _ = if differing == 0 {
            write!(text, "{tables} identical, {}", counted(total, "row"))
        } else {
            let identical = count(all - differing);
            write!(text, "{identical} of {tables} identical, {}", differ(differing))
        };
        let lacking = self.objects.len() as u64;
        if lacking > 0 {
            let verb = if lacking == 1 { "is" } else { "are" };
            let _ = write!(text, "; {} {verb} missing", counted(lacking, "object"));
        }
        let sequences = self.sequences.len() as u64;
        if sequences > 0 {
            let verb = if sequences == 1 { "differs" } else { "differ" };
            let _ = write!(text, "; {} {verb}", counted(sequences, "sequence"));
        }
        if let Some(it) = &self.large_objects {
            let _ = if it.are_identical() {
                write!(text, "; {} identical", counted(it.source as u64, "large object"))
            } else {
                let wrong = (it.missing.len() + it.differing.len()) as u64;
                write!(
                    text,
                    "; of {} {}",
                    counted(it.source as u64, "large object"),
                    differ(wrong)
                )
            };
        }
        text.push_str(".\n");
        text
    }

    /// What is no difference.
    fn remarks(&self, text: &mut String) {
        for line in &self.discards {
            let _ = writeln!(text, "by choice: {line}");
        }
        for line in self.not_compared() {
            let _ = writeln!(text, "not compared: {line}");
        }
        if let Some(hint) = self.hint() {
            let _ = writeln!(text, "hint: {hint}");
        }
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
            "objects": self.objects,
            "sequences": self.sequences,
            "discards": self.discards,
            "not_compared": self.not_compared(),
            "hint": self.hint(),
            "large_objects": self.large_objects.as_ref().map(LargeObjects::json),
        })
    }
}

/// `1 row`, `2 rows`
fn counted(number: u64, thing: &str) -> String {
    let ending = if number == 1 { "" } else { "s" };
    format!("{} {thing}{ending}", count(number))
}

fn differ(number: u64) -> String {
    let ending = if number == 1 { "s" } else { "" };
    format!("{} differ{ending}", count(number))
}
