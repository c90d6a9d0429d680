//! Nothing in the workspace depends on, or tells of, the machine it was written on.

use super::{Finding, TextFile};

/// Folders of one machine, in pieces so that this file is none of its own findings.
const PLACES: [&str; 2] = [concat!("/wo", "rk/"), concat!("/ro", "ot/")];

pub(super) fn in_text(file: &TextFile) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (index, line) in file.text.lines().enumerate() {
        for place in PLACES.into_iter().filter(|it| names(line, it)) {
            findings.push(Finding::new(
                &file.path,
                index + 1,
                format!("names `{place}`, a folder of one machine"),
            ));
        }
    }
    findings
}

/// Whether `place` begins a path in `line`, and is not the middle of another one.
fn names(line: &str, place: &str) -> bool {
    line.match_indices(place).any(|(at, _)| {
        let before = line[..at].chars().next_back();
        !before.is_some_and(|it| it.is_alphanumeric() || "._-*}".contains(it))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_of_one_machine_is_found() {
        for (line, count) in [
            (format!("see {}main", PLACES[0]), 1),
            (format!("\"{}.cargo\"", PLACES[1]), 1),
            (format!("net{}x", PLACES[0]), 0),
            ("a workspace".to_owned(), 0),
        ] {
            let file = TextFile {
                path: "a.md".to_owned(),
                text: line.clone(),
            };
            assert_eq!(in_text(&file).len(), count, "{line}");
        }
    }
}
