//! The documents keep up: links lead somewhere, the architecture names every member, all exit codes are told.

use std::path::{Component, Path};

use super::{Finding, TextFile};
use crate::metadata::Package;

const ARCHITECTURE: &str = "ARCHITECTURE.md";
const EXIT_CODES: &str = "docs/exit-codes.md";
const CODES: [&str; 10] = ["0", "1", "2", "3", "4", "5", "6", "70", "130", "143"];

/// Findings, and documents that should be there and are not.
pub(super) fn in_documents(files: &[TextFile], packages: &[Package]) -> (Vec<Finding>, Vec<&'static str>) {
    let mut findings = Vec::new();
    for file in files.iter().filter(|it| it.has_extension("md")) {
        findings.extend(broken_links(file, files));
    }
    let named = |name: &str| files.iter().find(|it| it.path == name);
    let mut absent = Vec::new();
    match named(ARCHITECTURE) {
        Some(file) => {
            findings.extend(missing_members(file, packages));
            findings.extend(missing_paths(file, files, packages));
        }
        None => absent.push(ARCHITECTURE),
    }
    match named(EXIT_CODES) {
        Some(file) => findings.extend(missing_codes(file)),
        None => absent.push(EXIT_CODES),
    }
    (findings, absent)
}

fn missing_members(file: &TextFile, packages: &[Package]) -> Vec<Finding> {
    let missing = packages.iter().filter(|it| !file.text.contains(&it.folder));
    missing
        .map(|it| Finding::new(&file.path, 0, format!("does not name `{}`", it.folder)))
        .collect()
}

/// Paths between backticks that begin with a member's folder, or with `src/` or `tests/` in a line of a member's, and that
/// nothing has.
fn missing_paths(file: &TextFile, files: &[TextFile], packages: &[Package]) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (index, line) in file.text.lines().enumerate() {
        let words: Vec<&str> = line.split('`').skip(1).step_by(2).collect();
        let member = words.first().map(|it| it.trim_end_matches('/'));
        let member =
            member.filter(|it| line.starts_with('|') && packages.iter().any(|package| package.folder == *it));
        for word in words {
            let path = match member {
                Some(member) if word.starts_with("src/") || word.starts_with("tests/") => {
                    format!("{member}/{word}")
                }
                _ => word.to_owned(),
            };
            let is_inside = |it: &Package| path.starts_with(&format!("{}/src/", it.folder));
            let is_there = || {
                files
                    .iter()
                    .any(|it| it.path == path || it.path.starts_with(&path) && path.ends_with('/'))
            };
            if (member.is_some() && path != word || packages.iter().any(is_inside)) && !is_there() {
                findings.push(Finding::new(
                    &file.path,
                    index + 1,
                    format!("names `{path}`, which is not there"),
                ));
            }
        }
    }
    findings
}

fn missing_codes(file: &TextFile) -> Vec<Finding> {
    let words: Vec<&str> = file.text.split(|it: char| !it.is_ascii_digit()).collect();
    let missing = CODES.iter().filter(|it| !words.contains(it));
    missing
        .map(|it| Finding::new(&file.path, 0, format!("does not tell exit code {it}")))
        .collect()
}

fn broken_links(file: &TextFile, files: &[TextFile]) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut in_code_block = false;
    for (index, line) in file.text.lines().enumerate() {
        if line.trim_start().starts_with("```") {
            in_code_block = !in_code_block;
        }
        for target in links(line).into_iter().filter(|_| !in_code_block) {
            let path = target.split('#').next().unwrap_or_default();
            let is_elsewhere = path.is_empty() || path.contains("://") || path.starts_with("mailto:");
            if !is_elsewhere && !exists(&file.path, path, files) {
                findings.push(Finding::new(
                    &file.path,
                    index + 1,
                    format!("link to `{target}` leads nowhere"),
                ));
            }
        }
    }
    findings
}

/// Targets of `[text](target)` outside code spans.
fn links(line: &str) -> Vec<&str> {
    let is_code = |at: usize| line[..at].matches('`').count() % 2 == 1;
    let begins = line
        .match_indices("](")
        .filter(|(at, _)| !is_code(*at))
        .map(|(at, _)| at + 2);
    begins
        .filter_map(|at| line[at..].split(')').next()?.split_whitespace().next())
        .collect()
}

/// Whether `link` in the document `from` names a file or a folder with files.
fn exists(from: &str, link: &str, files: &[TextFile]) -> bool {
    let mut parts: Vec<&str> = from.split('/').collect();
    parts.pop();
    for part in Path::new(link).components() {
        match part {
            Component::ParentDir if parts.is_empty() => return false,
            Component::ParentDir => drop(parts.pop()),
            Component::Normal(name) => parts.extend(name.to_str()),
            _ => {}
        }
    }
    let path = parts.join("/");
    path.is_empty()
        || files
            .iter()
            .any(|it| it.path == path || it.path.starts_with(&format!("{path}/")))
}

#[cfg(test)]
mod tests {
    use super::super::packages::tests::package;
    use super::*;

    fn file(path: &str, text: &str) -> TextFile {
        TextFile {
            path: path.to_owned(),
            text: text.to_owned(),
        }
    }

    #[test]
    fn links_that_lead_nowhere_are_found() {
        for (text, count) in [
            ("[a](docs/b.md)", 0),
            ("[a](docs/b.md#part) and [c](docs/)", 0),
            ("[a](https://example.org/x) [b](#here)", 0),
            ("[a](docs/c.md)", 1),
            ("[a](../x.md)", 1),
            ("`[a](no.md)`", 0),
            ("```\n[a](no.md)\n```\n[b](no.md)", 1),
        ] {
            let files = [file("README.md", text), file("docs/b.md", "[up](../README.md)")];
            assert_eq!(in_documents(&files, &[]).0.len(), count, "{text}");
        }
    }

    #[test]
    fn the_architecture_names_every_member() {
        let files = [file(ARCHITECTURE, "`dump` and `crates/plan`")];
        let (found, absent) = in_documents(&files, &[package("dump", &[]), package("crates/cli", &[])]);
        assert_eq!(
            found,
            [Finding::new(ARCHITECTURE, 0, "does not name `crates/cli`")]
        );
        assert_eq!(absent, [EXIT_CODES]);
    }

    #[test]
    fn paths_that_the_architecture_names_are_there() {
        let text = "| `dump/` | rows | `src/a.rs`, `src/gone.rs` |\n`dump/src/parts/` and `dump/src/old.rs`, `old.rs`";
        let files = [
            file(ARCHITECTURE, text),
            file("dump/src/a.rs", ""),
            file("dump/src/parts/b.rs", ""),
        ];
        let lines: Vec<usize> = missing_paths(&files[0], &files, &[package("dump", &[])])
            .iter()
            .map(|it| it.line)
            .collect();
        assert_eq!(lines, [1, 2]);
    }

    #[test]
    fn every_exit_code_is_told() {
        let all = file(EXIT_CODES, &CODES.join("\n"));
        assert_eq!(missing_codes(&all), []);
        assert_eq!(
            missing_codes(&file(EXIT_CODES, "0 1 2 3 4 5 6 70 13 143")).len(),
            1
        );
    }
}
