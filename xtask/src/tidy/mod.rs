//! `cargo xtask tidy`: the invariants that ARCHITECTURE.md states about what is absent, and the habits that no
//! lint knows.
//!
//! Each check is a function from files to findings, with a tiny bad example as its test.

mod docs;
mod layout;
mod packages;
mod places;
mod printing;
mod purity;
mod reasons;
mod source;
mod sql;

use std::fmt;
use std::process::Command;

use crate::error::{Error, Result};
use crate::metadata::Metadata;
use crate::step::{capture, workspace};
use source::RustFile;

/// A place that breaks an invariant.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Finding {
    path: String,
    /// From 1; 0 where the whole file is meant.
    line: usize,
    what: String,
}

/// A text file of the workspace, named from the workspace's folder.
#[derive(Debug)]
struct TextFile {
    path: String,
    text: String,
}

/// Prints every finding; they are an error together.
pub(crate) fn run() -> Result<()> {
    let files = text_files()?;
    let metadata = Metadata::read()?;
    let rust: Vec<RustFile> = files
        .iter()
        .filter(|it| it.has_extension("rs"))
        .map(|it| RustFile::parse(&it.path, &it.text))
        .collect();
    let mut findings = Vec::new();
    for file in &rust {
        findings.extend(purity::in_code(file));
        findings.extend(sql::in_strings(file));
        findings.extend(printing::in_code(file));
        findings.extend(layout::in_file(file));
        findings.extend(reasons::in_attributes(file));
    }
    for file in &files {
        findings.extend(places::in_text(file));
    }
    findings.extend(purity::in_dependencies(&metadata.packages));
    findings.extend(packages::between_tools(&metadata.packages));
    let (in_docs, absent) = docs::in_documents(&files, &metadata.packages);
    findings.extend(in_docs);
    for name in absent {
        println!("{name} does not exist yet and is not checked");
    }
    findings.sort();
    for finding in &findings {
        println!("{finding}");
    }
    println!("tidy: {} files, {} findings", files.len(), findings.len());
    if findings.is_empty() {
        Ok(())
    } else {
        Err(Error::Findings(findings.len()))
    }
}

/// Files that git tracks or would track. What is not UTF-8 has no words to check.
fn text_files() -> Result<Vec<TextFile>> {
    let root = workspace();
    let mut list = Command::new("git");
    list.current_dir(&root)
        .args(["ls-files", "-z", "--cached", "--others", "--exclude-standard"]);
    let names = capture(&mut list)?;
    let mut files = Vec::new();
    for name in String::from_utf8_lossy(&names).split_terminator('\0') {
        let path = root.join(name);
        // A tracked file may have been removed and not yet committed.
        if path.is_file() {
            let bytes = std::fs::read(&path).map_err(Error::file(&path))?;
            if let Ok(text) = String::from_utf8(bytes) {
                files.push(TextFile {
                    path: name.to_owned(),
                    text,
                });
            }
        }
    }
    Ok(files)
}

impl TextFile {
    fn has_extension(&self, extension: &str) -> bool {
        std::path::Path::new(&self.path)
            .extension()
            .is_some_and(|it| it == extension)
    }
}

impl Finding {
    fn new(path: &str, line: usize, what: impl Into<String>) -> Self {
        Finding {
            path: path.to_owned(),
            line,
            what: what.into(),
        }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.line {
            0 => write!(f, "{}: {}", self.path, self.what),
            line => write!(f, "{}:{line}: {}", self.path, self.what),
        }
    }
}

/// Lines of `text` that contain one of `words`, each with that word.
fn lines_with<'w>(text: &str, words: &[&'w str]) -> Vec<(usize, &'w str)> {
    let hits = text.lines().enumerate().flat_map(|(index, line)| {
        words
            .iter()
            .filter(move |it| contains_word(line, it))
            .map(move |it| (index + 1, *it))
    });
    hits.collect()
}

/// Whether `word` stands in `line` and is not the end of a longer name.
fn contains_word(line: &str, word: &str) -> bool {
    line.match_indices(word).any(|(at, _)| {
        let before = line[..at].chars().next_back();
        !before.is_some_and(|it| it.is_alphanumeric() || it == '_')
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_finding_is_printed_as_a_compiler_would() {
        assert_eq!(Finding::new("a/b.rs", 3, "odd").to_string(), "a/b.rs:3: odd");
        assert_eq!(Finding::new("a/b.rs", 0, "odd").to_string(), "a/b.rs: odd");
    }

    #[test]
    fn a_word_at_the_end_of_a_name_is_another_word() {
        assert!(contains_word("x = File::open()", "File::"));
        assert!(!contains_word("x = RustFile::parse()", "File::"));
        assert!(contains_word("a eprintln!(); println!()", "println!"));
        assert!(!contains_word("eprintln!()", "println!"));
    }
}
