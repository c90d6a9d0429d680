//! How a file looks: it says its purpose, ends before it is two files, and promises nothing for later.

use super::source::RustFile;
use super::{Finding, lines_with};

/// Files are meant to stay under 400 lines; past this they are reported.
const LINES_MAX: usize = 450;

const PROMISES: [&str; 3] = ["TODO", "FIXME", "XXX"];

const UNWRITTEN: [&str; 2] = ["todo!", "unimplemented!"];

pub(super) fn in_file(file: &RustFile) -> Vec<Finding> {
    let mut findings = Vec::new();
    if !file.text.starts_with("//! ") {
        findings.push(Finding::new(
            &file.path,
            1,
            "does not open with `//!` and its purpose",
        ));
    }
    let lines = file.text.lines().count();
    if lines > LINES_MAX {
        findings.push(Finding::new(
            &file.path,
            0,
            format!("has {lines} lines, more than {LINES_MAX}: two files"),
        ));
    }
    for (layer, words) in [(&file.comments, &PROMISES[..]), (&file.code, &UNWRITTEN[..])] {
        for (line, word) in lines_with(layer, words) {
            findings.push(Finding::new(
                &file.path,
                line,
                format!("`{word}`: done, or not there"),
            ));
        }
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expected: &[&str]) {
        let found = in_file(&RustFile::parse("x.rs", text));
        assert_eq!(found.len(), expected.len(), "{found:?}");
        for (finding, part) in found.iter().zip(expected) {
            assert!(finding.what.contains(part), "{finding}");
        }
    }

    #[test]
    fn files_state_their_purpose_and_keep_no_promises_open() {
        check("//! Good.\nfn a() {}\n", &[]);
        check("fn a() {}\n", &["//!"]);
        check("//! A.\n// TODO: more\n", &["TODO"]);
        check("//! A.\nfn a() { todo!() }\n", &["todo!"]);
        check("//! A.\nconst A: &str = \"TODO todo!\";\n", &[]);
        check(&format!("//! A.\n{}", "\n".repeat(449)), &[]);
        check(&format!("//! A.\n{}", "\n".repeat(450)), &["lines"]);
    }
}
