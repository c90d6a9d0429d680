//! What a source's own census says that a person has to know: values of SQLite files, rows that COPY cannot pass.

use super::conflict::choices;
use super::{Conflict, Scene, Severity, Topic};

pub(super) fn find(scene: &Scene<'_>, conflicts: &mut Vec<Conflict>) {
    for side in &scene.sides {
        let of = |severity, text: &str, way_out: &str| {
            let text = format!("{} {text}", side.label);
            // What is said is what tells it from others; counts in it may change from run to run.
            let words = without_numbers(&text);
            Conflict::new(severity, Topic::Values, &[side.key(), &words], text, way_out)
        };
        let file = side.file.iter();
        for it in file.clone().flat_map(|it| &it.blockers) {
            conflicts.push(
                of(Severity::Blocks, &it.to_string(), it.hint()).with_choices(choices::LEAVE_OUT_OR_FIX),
            );
        }
        for it in file.flat_map(|it| &it.discarded) {
            conflicts.push(of(Severity::Resolved, it, "--on-bad-value or --orphans says so"));
        }
        for it in side.notes {
            conflicts.push(
                of(Severity::Warns, it, "look whether that is what you want")
                    .with_choices(choices::ACCEPT_OR_FIX),
            );
        }
    }
}

/// The text up to its first number that stands alone: `12 of 2,113 values` would be another id tomorrow.
fn without_numbers(text: &str) -> String {
    let is_number = |word: &&str| !word.starts_with(|first: char| first.is_ascii_digit());
    let words: Vec<&str> = text.split_whitespace().filter(is_number).take(12).collect();
    words.join(" ")
}
