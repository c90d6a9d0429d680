//! Only the frame of the tools prints and picks exit codes.

use super::source::RustFile;
use super::{Finding, lines_with};

const ALLOWED: [&str; 3] = ["crates/cli", "crates/testkit", "xtask"];

const WORDS: [&str; 6] = [
    "println!",
    "print!",
    "eprintln!",
    "eprint!",
    "process::exit",
    "ExitCode",
];

pub(super) fn in_code(file: &RustFile) -> Vec<Finding> {
    if ALLOWED.iter().any(|it| file.is_in(it)) {
        return Vec::new();
    }
    // A tool's main hands on what the frame decided, and its type has this name.
    let is_main = file.path.ends_with("/main.rs") || file.path.contains("/src/bin/");
    let hits = lines_with(&file.code, &WORDS)
        .into_iter()
        .filter(|(line, word)| !file.is_test(*line) && (!is_main || *word != "ExitCode"));
    hits.map(|(line, word)| Finding::new(&file.path, line, format!("`{word}` outside crates/cli")))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(path: &str, text: &str, count: usize) {
        assert_eq!(
            in_code(&RustFile::parse(path, text)).len(),
            count,
            "{path}: {text}"
        );
    }

    #[test]
    fn printing_stands_in_the_frame_alone() {
        check("dump/src/lib.rs", "fn a() { eprintln!(\"x\"); }", 1);
        check("dump/src/lib.rs", "fn a() { std::process::exit(1); }", 1);
        check("dump/src/lib.rs", "use std::process::ExitCode;", 1);
        check(
            "dump/src/main.rs",
            "fn main() -> std::process::ExitCode { cli::main(dump::tool()) }",
            0,
        );
        check("dump/src/main.rs", "fn main() { println!() }", 1);
        check("crates/cli/src/lib.rs", "fn a() { eprintln!(\"x\"); }", 0);
        check(
            "load/src/lib.rs",
            "// println! is not for us\nfn a() { writeln!(out) }",
            0,
        );
    }
}
