//! Tests that cannot run here say so, and are counted.

use std::fmt;
use std::io::Write;

/// Names the file to which every skip adds a line; `cargo xtask test` sets and reads it.
pub const SKIPPED_LOG: &str = "COALESCE_SKIPPED_LOG";

/// Why a test did not run. Making one prints it.
#[derive(Debug)]
#[must_use = "a skip without a return lets the test go on without its data"]
pub struct Skipped {
    reason: String,
}

impl Skipped {
    #[expect(clippy::print_stderr, reason = "a test's own output is where a skip belongs")]
    pub fn because(reason: impl Into<String>) -> Self {
        let reason = reason.into();
        eprintln!("SKIPPED: {reason}");
        if let Some(path) = std::env::var_os(SKIPPED_LOG) {
            let log = std::fs::OpenOptions::new().create(true).append(true).open(path);
            if let Err(error) = log.and_then(|mut it| it.write_all(format!("{reason}\n").as_bytes())) {
                eprintln!("cannot count this skip: {error}");
            }
        }
        Skipped { reason }
    }

    pub fn reason(&self) -> &str {
        &self.reason
    }
}

impl fmt::Display for Skipped {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SKIPPED: {}", self.reason)
    }
}
