//! What was found, each with its place in the plan's file.

use std::fmt::Write as _;
use std::path::Path;

use plan::{Lines, PlanError};
use serde::Serialize;
use serde_json::json;

use crate::readiness::Verdict;

/// What kind of finding it is.
#[derive(Clone, Copy, Debug, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Kind {
    /// The file contradicts itself or the format.
    Fault,
    /// A name that the source does not have.
    Name,
    /// The source is another than it was.
    Change,
    Conflict,
}

#[derive(Debug, Serialize)]
struct Finding {
    line: Option<usize>,
    path: String,
    kind: Kind,
    text: String,
}

#[derive(Default)]
pub(super) struct Findings {
    found: Vec<Finding>,
    /// Worth knowing, and no reason for another plan.
    pub(super) notes: Vec<String>,
    pub(super) lines: Lines,
}

impl Findings {
    pub(super) fn add(&mut self, path: impl Into<String>, kind: Kind, text: impl Into<String>) {
        let path = path.into();
        self.found.push(Finding {
            line: self.lines.line(&path),
            path,
            kind,
            text: text.into(),
        });
    }

    pub(super) fn take_faults(&mut self, error: &PlanError) {
        self.found.extend(error.faults().iter().map(|it| Finding {
            line: it.line,
            path: it.path.clone(),
            kind: Kind::Fault,
            text: it.message.clone(),
        }));
    }

    pub(super) fn len(&self) -> usize {
        self.found.len()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.found.is_empty()
    }

    /// A line for each finding, as compilers write it, in the order of the file.
    pub(super) fn render_text(&mut self, path: &Path, verdict: Option<&Verdict>) -> String {
        self.found.sort_by_key(|it| it.line);
        let path = path.display();
        let mut text = String::new();
        for it in &self.found {
            let line = it.line.map_or_else(String::new, |line| format!("{line}:"));
            let place = if it.path.is_empty() {
                String::new()
            } else {
                format!("{}: ", it.path)
            };
            let _ = writeln!(text, "{path}:{line} {place}{}", it.text);
        }
        for note in &self.notes {
            let _ = writeln!(text, "note: {note}");
        }
        let _ = match self.found.len() {
            0 => writeln!(text, "{path} holds"),
            1 => writeln!(text, "{path} does not hold: 1 finding"),
            many => writeln!(text, "{path} does not hold: {many} findings"),
        };
        if let Some(verdict) = verdict {
            let _ = write!(text, "\n{}", verdict.to_text());
        }
        text
    }

    pub(super) fn render_json(&mut self, path: &Path, offline: bool, verdict: Option<&Verdict>) -> String {
        self.found.sort_by_key(|it| it.line);
        let mut json = json!({
            "version": 1,
            "plan": path.display().to_string(),
            "offline": offline,
            "holds": self.found.is_empty(),
            "findings": self.found,
            "notes": self.notes,
        });
        if let Some(verdict) = verdict {
            json["ready"] = json!(verdict.ready);
            json["readiness"] = json!(verdict.checks);
        }
        format!("{json:#}\n")
    }
}
