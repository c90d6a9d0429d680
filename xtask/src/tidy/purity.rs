//! Some crates do no network and no file I/O: whoever holds an archive or a plan decides where it comes from.

use super::source::RustFile;
use super::{Finding, lines_with};
use crate::metadata::Package;

/// Folders of the crates that only compute.
const PURE: [&str; 8] = [
    "crates/archive",
    "crates/catalog",
    "crates/conversion",
    "crates/diagram",
    "crates/dialect",
    "crates/fingerprint",
    "crates/plan",
    "crates/rewrite",
];

const FORBIDDEN_WORDS: [&str; 9] = [
    "std::fs",
    "std::net",
    "std::os::unix::net",
    "std::process",
    "File::",
    "TcpStream",
    "UnixStream",
    "UdpSocket",
    "Command::new",
];

/// Packages that reach a network, a server or a database file.
const FORBIDDEN_PACKAGES: [&str; 18] = [
    "async-std",
    "coalesce-cli",
    "coalesce-database",
    "coalesce-testkit",
    "hyper",
    "mio",
    "native-tls",
    "openssl",
    "postgres",
    "reqwest",
    "rusqlite",
    "rustls",
    "socket2",
    "tempfile",
    "tokio",
    "tokio-postgres",
    "tokio-postgres-rustls",
    "ureq",
];

pub(super) fn in_code(file: &RustFile) -> Vec<Finding> {
    if !PURE.iter().any(|it| file.is_in(it)) {
        return Vec::new();
    }
    let hits = lines_with(&file.code, &FORBIDDEN_WORDS)
        .into_iter()
        .filter(|(line, _)| !file.is_test(*line));
    hits.map(|(line, word)| Finding::new(&file.path, line, format!("`{word}` in a crate that does no I/O")))
        .collect()
}

pub(super) fn in_dependencies(packages: &[Package]) -> Vec<Finding> {
    let mut findings = Vec::new();
    for package in packages.iter().filter(|it| PURE.contains(&it.folder.as_str())) {
        for name in package
            .dependencies
            .iter()
            .filter(|it| FORBIDDEN_PACKAGES.contains(&it.as_str()))
        {
            let what = format!("depends on {name}, in a crate that does no I/O");
            findings.push(Finding::new(&format!("{}/Cargo.toml", package.folder), 0, what));
        }
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::super::packages::tests::package;
    use super::*;

    #[track_caller]
    fn check(path: &str, text: &str, lines: &[usize]) {
        let found = in_code(&RustFile::parse(path, text));
        assert_eq!(
            found.iter().map(|it| it.line).collect::<Vec<_>>(),
            lines,
            "{text}"
        );
    }

    #[test]
    fn pure_crates_open_no_files() {
        check("crates/plan/src/lib.rs", "//! P\nuse std::fs::read;\n", &[2]);
        check("crates/archive/src/x.rs", "fn a() { File::open(b) }\n", &[1]);
        check("crates/archive/src/x.rs", "// std::fs would be wrong here\n", &[]);
        check(
            "crates/plan/src/x.rs",
            "#[cfg(test)]\nmod tests {\nuse std::fs;\n}\n",
            &[],
        );
        check("crates/database/src/x.rs", "use std::fs;\n", &[]);
    }

    #[test]
    fn pure_crates_depend_on_no_network() {
        let packages = [
            package("crates/plan", &["serde", "tokio"]),
            package("crates/cli", &["tokio"]),
        ];
        let found = in_dependencies(&packages);
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].path, "crates/plan/Cargo.toml");
    }
}
