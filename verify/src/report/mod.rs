//! What was found, for people and for programs.

mod closing;
mod finding;
mod form;
mod grouped;
mod identity;
mod json;
mod junit;
mod markdown;
mod repair;
mod rows;
mod run;
mod scope;
mod seal;
mod text;
mod value;

#[cfg(test)]
mod tests;

use std::cmp::Ordering;

use cli::count;
use fingerprint::Fingerprint;

use crate::rows::beside::LargeObjects;
use crate::rows::difference::RowDifferences;
use crate::rows::search::Found;
use seal::{seal_json, seal_text};

pub(crate) use finding::{Area, Finding, Weight};
pub(crate) use form::{Form, Shown};
pub(crate) use identity::Identity;
pub(crate) use repair::{Ground, ROWS_MAX as ROWS_REPAIRED};
pub(crate) use run::Run;
pub(crate) use scope::{Proof, Scope};
pub(crate) use seal::Sealed;

pub(crate) struct Report {
    source: String,
    /// `None` for an archive alone.
    target: Option<String>,
    tables: Vec<TableResult>,
    /// `None` when the source has none.
    large_objects: Option<LargeObjects>,
    /// What was discarded on request before the comparison, as sentences.
    discards: Vec<String>,
    /// Whether it was said which keys become UUIDs.
    chose_keys: bool,
    /// What was found beside rows.
    findings: Vec<Finding>,
    /// Both sides as they were; `None` where there is no such side.
    sides: (Option<Identity>, Option<Identity>),
    /// `None` until everything is done.
    run: Option<Run>,
    /// What a repair needs to know; `None` where nobody asked for one.
    ground: Option<Box<Ground>>,
    /// How much was compared.
    scope: Scope,
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
    proof: Proof,
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
    /// The rows are the same, and one of these columns that were added or got another type has other values.
    ChangedValues(Vec<String>),
    /// So many rows are not among those of the target's table.
    Absent(u64),
    /// The sides have so many rows, of which some were compared.
    Counts(u64, u64),
}

impl Difference {
    /// Whether the target's rows cannot be read with the source's columns.
    pub(crate) fn is_unreadable(&self) -> bool {
        matches!(self, Difference::MissingColumn(_) | Difference::Generated(_))
    }
}

impl TableResult {
    /// Without a difference both sides must have been read: what was not is never called identical.
    pub(crate) fn new(
        name: String,
        source: Option<Fingerprint>,
        target: Option<Fingerprint>,
        difference: Option<Difference>,
    ) -> Self {
        let was_read = source.is_some() && target.is_some();
        let difference = difference.or((!was_read).then_some(Difference::Rows));
        TableResult {
            name,
            source,
            target,
            difference,
            of_many: false,
            not_compared: Vec::new(),
            keys: KeyKind::AsTheyAre,
            proof: Proof::default(),
            rows: None,
        }
    }

    /// With the rows that differ.
    #[cfg(test)]
    pub(crate) fn with_rows(self, rows: Option<RowDifferences>) -> Self {
        TableResult { rows, ..self }
    }

    /// The table's name on the target.
    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    pub(crate) fn is_identical(&self) -> bool {
        self.difference.is_none()
    }

    /// Whether all that the target lacks are rows that `load` rejected.
    pub(crate) fn lacks_rejected_rows(&self) -> bool {
        matches!(self.proof, Proof::ButFor(_))
    }

    /// Whether both sides were read and do not have the same rows.
    pub(crate) fn has_other_rows(&self) -> bool {
        let has_both = self.source.is_some() && self.target.is_some();
        has_both && self.difference.is_some() && self.source != self.target
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

    /// The rows that differ say the same in the types that they have on the target.
    pub(crate) fn set_same_as_cast(&mut self, said: String) {
        if matches!(self.difference, Some(Difference::Rows)) {
            self.difference = None;
            self.not_compared.push(said);
        }
    }

    pub(crate) fn not_comparing(self, not_compared: Vec<String>) -> Self {
        TableResult { not_compared, ..self }
    }

    pub(crate) fn with_keys(self, keys: KeyKind) -> Self {
        TableResult { keys, ..self }
    }

    /// With more that was not compared.
    pub(crate) fn also_not_comparing(mut self, more: Vec<String>) -> Self {
        self.not_compared.extend(more);
        self
    }

    pub(crate) fn proved_by(self, proof: Proof) -> Self {
        TableResult { proof, ..self }
    }

    pub(crate) fn differs(&self) -> bool {
        self.difference.is_some()
    }

    /// Rows of the source that were compared.
    pub(crate) fn rows(&self) -> u64 {
        self.source.map_or(0, |it| it.rows)
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
            None => return self.proof.verdict(self.rows()),
            Some(Difference::Counts(here, there)) => {
                return format!(
                    "{} in the source, {} on the target",
                    counted(*here, "row"),
                    count(*there)
                );
            }
            Some(Difference::Absent(rows)) => return format!("{} not on the target", counted(*rows, "row")),
            Some(Difference::MissingTable) => return "missing on the target".to_owned(),
            Some(Difference::ExtraTable) => return "not in the source".to_owned(),
            Some(Difference::Rows) => return self.rows_verdict(),
            Some(Difference::GeneratedValues(columns)) => {
                return format!("values of generated columns differ: {}", columns.join(", "));
            }
            Some(Difference::ChangedValues(columns)) => {
                return format!("values of changed columns differ: {}", columns.join(", "));
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
        let joined = match self.proof {
            Proof::ButJoined(joined) => joined,
            _ => 0,
        };
        let (here, there) = (rows(&self.source), rows(&self.target) + joined);
        match here.cmp(&there) {
            Ordering::Greater => format!("{} fewer on the target", counted(here - there, "row")),
            Ordering::Less => format!("{} more on the target", counted(there - here, "row")),
            Ordering::Equal => "same count, values differ".to_owned(),
        }
    }
}

impl Report {
    pub(crate) fn new(source: String, target: Option<String>, tables: Vec<TableResult>) -> Self {
        Report {
            source,
            target,
            tables,
            large_objects: None,
            discards: Vec::new(),
            chose_keys: false,
            findings: Vec::new(),
            sides: (None, None),
            run: None,
            ground: None,
            scope: Scope::default(),
        }
    }

    /// With what both sides were.
    pub(crate) fn between(self, source: Identity, target: Option<Identity>) -> Self {
        Report {
            sides: (Some(source), target),
            ..self
        }
    }

    /// With how and when it was made.
    pub(crate) fn made_by(self, run: Run) -> Self {
        Report {
            run: Some(run),
            ..self
        }
    }

    /// With what a repair needs to know.
    pub(crate) fn on_ground(self, ground: Option<Ground>) -> Self {
        let ground = ground.map(Box::new);
        Report { ground, ..self }
    }

    /// Statements that would make the target equal, for a file: never run here. `sha256` is that of the report.
    pub(crate) fn repair(&self, sha256: &str) -> Option<String> {
        Some(repair::script(self, self.ground.as_deref()?, sha256))
    }

    /// With what was found beside rows.
    pub(crate) fn with_findings(mut self, findings: Vec<Finding>) -> Self {
        self.findings.extend(findings);
        self
    }

    /// With how much was compared.
    pub(crate) fn with_scope(self, scope: Scope) -> Self {
        Report { scope, ..self }
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
        // Rows with one key on both sides show that it is made alike.
        let has_same_keys = |it: &TableResult| it.rows.as_ref().is_some_and(|it| it.changed > 0);
        let differs =
            |it: &TableResult| it.keys == KeyKind::Converted && it.has_other_values() && !has_same_keys(it);
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
        self.findings.iter().all(|it| it.weight != Weight::Difference)
            && self.tables.iter().all(|table| table.difference.is_none())
            && self
                .large_objects
                .as_ref()
                .is_none_or(LargeObjects::are_identical)
    }

    /// The whole report in a form, with its SHA-256.
    pub(crate) fn render(&self, form: Form, shown: Shown) -> Sealed {
        match form {
            Form::Text => seal_text(&text::render(self, shown), "", ""),
            Form::Json => seal_json(json::render(self, shown)),
            Form::Markdown => seal_text(&markdown::render(self, shown), "`", "`"),
            Form::Junit => seal_text(&junit::render(self, shown), "<!-- ", " -->"),
        }
    }

    /// The sentence that a report ends with.
    pub(crate) fn closing(&self) -> String {
        closing::sentence(self)
    }

    /// The findings of `area` that weigh as much, in their order.
    fn findings_of(&self, area: Area, weight: Weight) -> impl Iterator<Item = &Finding> {
        let findings = self.findings.iter();
        findings.filter(move |it| it.area == area && it.weight == weight)
    }
}

/// `1 row`, `2 rows`
pub(crate) fn counted(number: u64, thing: &str) -> String {
    let ending = if number == 1 { "" } else { "s" };
    format!("{} {thing}{ending}", count(number))
}

fn differ(number: u64) -> String {
    let ending = if number == 1 { "s" } else { "" };
    format!("{} differ{ending}", count(number))
}
