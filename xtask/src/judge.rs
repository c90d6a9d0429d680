//! `cargo xtask judge`: what the tools make of whole databases, with PostgreSQL itself as the judge.

use crate::error::Result;
use crate::metadata::Metadata;
use crate::step::{cargo, run as run_step};
use crate::test::{count_skipped, prepare};

/// Tests in which PostgreSQL judges, of the package `coalesce-testkit`.
const TARGETS: [&str; 2] = ["judge", "filter"];

/// Runs every judgement with optimised tools, one after the other, and shows what each counted.
pub(crate) fn run(strict: bool) -> Result<()> {
    prepare(&["--release"])?;
    let log = Metadata::read()?.target.join("judge-skipped.log");
    count_skipped(&log, strict, || {
        let mut test = cargo();
        test.args(["test", "--release", "--package", "coalesce-testkit"]);
        for target in TARGETS {
            test.args(["--test", target]);
        }
        // Counts are printed by the tests; one at a time, so that each stands by its test.
        test.args(["--", "--nocapture", "--test-threads", "1"]);
        run_step(test.env(testkit::SKIPPED_LOG, &log))
    })
}
