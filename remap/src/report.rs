//! What came of a rewriting: collected, told on stderr, and written as JSON for programs.

use std::path::Path;

use cli::{ReportFile, Ui, count};
use plan::Mapping;
use rewrite::{
    ColumnRename, Counts, Doubt, Edit, Leaning, Note, Pin, Rewriter, Rewritten, Secret, Unresolved,
};
use serde_json::{Value, json};

use crate::path_report;

/// The version of the JSON report.
const VERSION: u32 = 1;

/// What came of all texts so far.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Account {
    /// The source's schemas under their old names.
    pub(crate) schemas: Vec<String>,
    /// Schemas under their new names that were created because the dump itself does not create them.
    pub(crate) created_schemas: Vec<String>,
    /// Rows that passed, those of INSERT statements left out.
    pub(crate) rows: u64,
    /// Columns that get their new names after everything else.
    pub(crate) columns: Vec<ColumnRename>,
    /// Columns whose integers become UUIDs, each with the table whose key it holds, by their old names.
    pub(crate) converted: Vec<(String, String)>,
    /// The same as a sentence; empty without any.
    pub(crate) converted_keys: String,
    /// Keys that stay integers, as sentences.
    pub(crate) left_keys: Vec<String>,
    counts: Counts,
    edits: Vec<Placed<Edit>>,
    doubts: Vec<Placed<Doubt>>,
    notes: Vec<Placed<Note>>,
    secrets: Vec<Placed<Secret>>,
    /// Values in rows that mean nothing on the target.
    unresolved: Vec<Unresolved>,
    pins: Vec<Placed<Pin>>,
    leaning: Vec<Placed<Leaning>>,
}

/// Something in the archive's member of this name, or in the one text of plain SQL.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Placed<T> {
    member: Option<&'static str>,
    found: T,
}

impl Account {
    /// Nothing yet, for a source with these schemas.
    pub(crate) fn of(schemas: Vec<String>) -> Self {
        Account {
            schemas,
            ..Account::default()
        }
    }

    /// Adds what came of one text, and gives back the new one.
    pub(crate) fn take(&mut self, member: Option<&'static str>, rewritten: Rewritten) -> String {
        self.counts += rewritten.counts;
        place(&mut self.edits, member, rewritten.edits);
        place(&mut self.doubts, member, rewritten.doubts);
        place(&mut self.notes, member, rewritten.notes);
        place(&mut self.secrets, member, rewritten.secrets);
        place(&mut self.pins, member, rewritten.pins);
        place(&mut self.leaning, member, rewritten.leaning);
        rewritten.text
    }

    pub(crate) fn note(&mut self, note: Note) {
        place(&mut self.notes, None, vec![note]);
    }

    /// Adds places that stand in no text.
    pub(crate) fn doubt(&mut self, doubts: Vec<Doubt>) {
        place(&mut self.doubts, None, doubts);
    }

    /// Adds values in rows that mean nothing on the target, and tells them.
    pub(crate) fn take_unresolved(&mut self, unresolved: Vec<Unresolved>, ui: &Ui) {
        for finding in &unresolved {
            ui.finding(finding);
        }
        self.unresolved.extend(unresolved);
    }

    /// What seemed to be left may have been pinned by a later statement.
    pub(crate) fn forget_pinned(&mut self, rewriter: &Rewriter) {
        self.leaning.retain(|it| rewriter.leans(&it.found.object));
    }

    pub(crate) fn has_doubts(&self) -> bool {
        !self.doubts.is_empty() || !self.unresolved.is_empty()
    }

    /// Lines of all doubts.
    #[cfg(test)]
    pub(crate) fn doubt_lines(&self) -> Vec<usize> {
        self.doubts.iter().map(|it| it.found.line).collect()
    }

    pub(crate) fn doubt_count(&self) -> usize {
        self.doubts.len()
    }

    /// Tells what was renamed, every doubt and every password that was cut.
    pub(crate) fn say(&self, mapping: &Mapping, ui: &Ui) {
        let renamed: Vec<String> = self
            .renamed(mapping)
            .map(|(old, new)| format!("{old} → {new}"))
            .collect();
        let renamed = if renamed.is_empty() {
            "no schema renamed".to_owned()
        } else {
            renamed.join(", ")
        };
        let number = |number: usize| count(number as u64);
        let end = match self.doubts.len() {
            0 => "no doubts".to_owned(),
            1 => "1 doubt:".to_owned(),
            more => format!("{} doubts:", number(more)),
        };
        let Counts {
            names,
            statements,
            body_names,
            bodies,
        } = self.counts;
        let columns = match self.columns.len() {
            0 => String::new(),
            columns => format!(", {} columns", number(columns)),
        };
        ui.status(format_args!(
            "{renamed}  {} names in {} statements, {} in {} bodies{columns}; {end}",
            number(names),
            number(statements),
            number(body_names),
            number(bodies),
        ));
        if !self.converted_keys.is_empty() {
            ui.status(&self.converted_keys);
        }
        self.left_keys.iter().for_each(|it| ui.status(it));
        for Doubt {
            object,
            line,
            body_line,
            reason,
        } in self.doubts.iter().map(|it| &it.found)
        {
            ui.finding(format_args!(
                "{object} line {}: {reason}",
                body_line.unwrap_or(*line)
            ));
        }
        for Secret { object, line } in self.secrets.iter().map(|it| &it.found) {
            ui.finding(format_args!("{object} line {line}: the password was cut"));
        }
        let pins: Vec<&Pin> = self.pins.iter().map(|it| &it.found).collect();
        let leaning: Vec<&Leaning> = self.leaning.iter().map(|it| &it.found).collect();
        path_report::say(&pins, &leaning, ui);
        for Note {
            object,
            line,
            body_line,
            text,
        } in self.notes.iter().map(|it| &it.found)
        {
            ui.status(format_args!(
                "{object} line {}: {text}",
                body_line.unwrap_or(*line)
            ));
        }
    }

    fn renamed(&self, mapping: &Mapping) -> impl Iterator<Item = (&str, String)> {
        self.schemas
            .iter()
            .map(|schema| (schema.as_str(), mapping.schema(schema)))
            .filter(|(old, new)| old != new)
    }

    /// The report for programs; `docs/remap.schema.json` describes it.
    pub(crate) fn to_json(&self, mapping: &Mapping, input: &str) -> Value {
        let schemas: Vec<Value> = self
            .renamed(mapping)
            .map(|(old, new)| json!({"old": old, "new": new}))
            .collect();
        let edits = entries(&self.edits, |it| {
            json!({
                "object": it.object, "line": it.line, "body_line": it.body_line, "in_body": it.in_body,
                "old": it.old, "new": it.new,
            })
        });
        let doubts = entries(
            &self.doubts,
            |it| json!({"object": it.object, "line": it.line, "body_line": it.body_line, "reason": it.reason}),
        );
        let notes = entries(
            &self.notes,
            |it| json!({"object": it.object, "line": it.line, "body_line": it.body_line, "text": it.text}),
        );
        let column =
            |it: &ColumnRename| json!({"relation": it.relation.to_string(), "old": it.old, "new": it.new});
        let columns: Vec<Value> = self.columns.iter().map(column).collect();
        let converted = self.converted.iter();
        let converted: Vec<Value> = converted
            .map(|(column, key_of)| json!({"column": column, "key_of": key_of}))
            .collect();
        let unresolved: Vec<Value> = self
            .unresolved
            .iter()
            .map(|it| {
                json!({
                    "table": it.table.to_string(), "column": it.column, "values": it.values,
                    "example": it.example, "reason": it.reason,
                })
            })
            .collect();
        let passwords = entries(&self.secrets, |it| json!({"object": it.object, "line": it.line}));
        let pins = entries(
            &self.pins,
            |it| json!({"object": it.object, "line": it.line, "path": it.path}),
        );
        let leaning = entries(&self.leaning, |it| json!({"object": it.object, "line": it.line}));
        json!({
            "version": VERSION, "input": input, "schemas": schemas, "created_schemas": self.created_schemas,
            "counts": self.counts, "columns": columns, "converted": converted, "edits": edits, "doubts": doubts, "notes": notes,
            "passwords": passwords, "unresolved_values": unresolved, "pins": pins, "leaning": leaning,
        })
    }
}

fn place<T>(all: &mut Vec<Placed<T>>, member: Option<&'static str>, found: Vec<T>) {
    all.extend(found.into_iter().map(|found| Placed { member, found }));
}

fn entries<T>(all: &[Placed<T>], to_json: impl Fn(&T) -> Value) -> Vec<Value> {
    let entry = |it: &Placed<T>| {
        let mut entry = to_json(&it.found);
        entry["member"] = json!(it.member);
        entry
    };
    all.iter().map(entry).collect()
}

/// The file that `--report` names, from before the work until its end.
#[derive(Debug)]
pub(crate) struct Report(Option<ReportFile>);

impl Report {
    pub(crate) fn create(path: Option<&Path>) -> cli::Result<Self> {
        path.map(ReportFile::create).transpose().map(Report)
    }

    /// Whether anyone asks for every edit.
    pub(crate) fn is_wanted(&self) -> bool {
        self.0.is_some()
    }

    /// Writes what came of it; `input` is `archive` or `sql`.
    pub(crate) fn publish(self, account: &Account, mapping: &Mapping, input: &str) -> cli::Result<()> {
        let Some(file) = self.0 else { return Ok(()) };
        file.publish(&format!("{:#}\n", account.to_json(mapping, input)))
    }

    /// Writes what else there is to say.
    pub(crate) fn write(self, report: &Value) -> cli::Result<()> {
        let Some(file) = self.0 else { return Ok(()) };
        file.publish(&format!("{report:#}\n"))
    }
}

#[cfg(test)]
mod tests;
