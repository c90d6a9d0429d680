//! `cargo xtask torture`: full counts and full sizes of what the suite does in small.

use crate::error::Result;
use crate::metadata::Metadata;
use crate::step::{cargo, run as run_step};
use crate::test::{count_skipped, prepare};

/// Tests of the package `coalesce-testkit` that ask [`testkit::rounds`] or [`testkit::is_torture`].
const TARGETS: [&str; 5] = ["snapshot", "large_rows", "crashes", "sqlite_values", "mutations"];

/// Runs them with optimised tools, one test after the other, and shows what each counted.
pub(crate) fn run(rounds: usize, strict: bool) -> Result<()> {
    prepare(&["--release"])?;
    let log = Metadata::read()?.target.join("torture-skipped.log");
    count_skipped(&log, strict, || {
        let mut test = cargo();
        test.args(["test", "--release", "--package", "coalesce-testkit"]);
        for target in TARGETS {
            test.args(["--test", target]);
        }
        // Sizes and counts are printed by the tests; together they would not fit into memory.
        test.args(["--", "--nocapture", "--test-threads", "1"]);
        test.env(testkit::ROUNDS, rounds.max(1).to_string());
        run_step(test.env(testkit::SKIPPED_LOG, &log))
    })
}
