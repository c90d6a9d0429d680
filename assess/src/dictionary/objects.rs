//! What a schema holds beside tables: views, types, sequences and functions.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use cli::count;
use inventory::{Routine, Sequence, Type};

use super::Chapter;
use super::markdown::{block, comment, table, text};

impl Chapter<'_> {
    pub(super) fn write_objects(&self, out: &mut String, schema: &str) {
        for view in self.source.views.iter().filter(|it| it.schema == schema) {
            let kind = if view.materialized {
                "Materialized view"
            } else {
                "View"
            };
            let _ = write!(out, "\n#### {kind} {}\n", text(&view.name));
            if let Some(words) = &view.comment {
                let _ = write!(out, "\n{}\n", comment(words));
            }
            if !view.definition.trim().is_empty() {
                out.push_str(&block(&view.definition));
            }
        }
        let types: Vec<&Type> = self
            .source
            .types
            .iter()
            .filter(|it| it.schema == schema)
            .collect();
        if !types.is_empty() {
            let row = |it: &&Type| {
                let labels: Vec<String> = it.labels.iter().map(|it| text(it)).collect();
                vec![
                    text(&it.name),
                    text(&it.kind),
                    it.base.as_deref().map(text).unwrap_or_default(),
                    labels.join(", "),
                ]
            };
            let rows: Vec<Vec<String>> = types.iter().map(row).collect();
            out.push_str("\n#### Types\n");
            table(out, &["Type", "Kind", "Of", "Labels"], &rows);
        }
        let sequences: Vec<&Sequence> = self
            .source
            .sequences
            .iter()
            .filter(|it| it.schema == schema)
            .collect();
        if !sequences.is_empty() {
            let row = |it: &&Sequence| {
                vec![
                    text(&it.name),
                    text(&it.type_name),
                    it.last_value.map(|it| it.to_string()).unwrap_or_default(),
                    it.owned_by.as_deref().map(text).unwrap_or_default(),
                ]
            };
            let rows: Vec<Vec<String>> = sequences.iter().map(row).collect();
            out.push_str("\n#### Sequences\n");
            table(out, &["Sequence", "Type", "Last value", "Owned by"], &rows);
        }
        self.write_routines(out, schema);
    }

    /// By language.
    fn write_routines(&self, out: &mut String, schema: &str) {
        let mut by_language: BTreeMap<&str, Vec<&Routine>> = BTreeMap::new();
        for it in self.source.routines.iter().filter(|it| it.schema == schema) {
            by_language.entry(&it.language).or_default().push(it);
        }
        for (language, routines) in by_language {
            let language = if language.is_empty() {
                "no language"
            } else {
                language
            };
            let _ = write!(
                out,
                "\n#### Functions in {}: {}\n",
                text(language),
                count(routines.len() as u64)
            );
            let row = |it: &&Routine| {
                let security = if it.security_definer { "its owner's" } else { "" };
                let settings: Vec<String> = it.settings.iter().map(|it| text(it)).collect();
                vec![
                    format!("{}({})", text(&it.name), arguments(&it.arguments)),
                    text(&it.kind),
                    security.to_owned(),
                    settings.join(", "),
                    text(&it.owner),
                ]
            };
            let rows: Vec<Vec<String>> = routines.iter().map(row).collect();
            table(out, &["Function", "Kind", "Rights", "Settings", "Owner"], &rows);
        }
    }
}

fn arguments(words: &str) -> String {
    if words.is_empty() {
        String::new()
    } else {
        text(words)
    }
}
