//! Routines whose definitions have been written when a later statement turns out to need their path.

use super::SearchPath;
use crate::outcome::{Edit, Pin};
use crate::rewriter::{Outcome, Rewriter, path_list};

impl Rewriter {
    /// Writes the settings that the statement at `offset` needs before it.
    pub(crate) fn pin_late(&self, offset: usize, outcome: &mut Outcome<'_>) {
        if self.path_policy != Some(SearchPath::Pin) {
            return;
        }
        let Some(path) = self.pinned_path() else { return };
        for late in self.survey.late_at(offset) {
            let routine = self.renamed(&late.signature.text());
            let new = format!(
                "ALTER {routine} SET search_path TO {};\n\n",
                path_list(&path, true)
            );
            let line = outcome.line(offset);
            outcome.insert(Edit {
                object: late.object.clone(),
                line,
                body_line: None,
                offset,
                old: String::new(),
                new,
                in_body: false,
            });
            outcome.pins.push(Pin {
                object: late.object.clone(),
                line,
                path: path.clone(),
            });
        }
    }

    /// A routine with its arguments' types, under the new names.
    fn renamed(&self, routine: &str) -> String {
        const VERB: &str = "DROP ";
        let text = self.rewrite(&format!("{VERB}{routine};")).text;
        text.trim_start_matches(VERB).trim_end_matches(';').to_owned()
    }
}
