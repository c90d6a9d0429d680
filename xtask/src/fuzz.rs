//! `cargo xtask fuzz`: what must hold for every text and every row, tried with new ones until the time is over.

mod bred;

use std::time::{Duration, Instant};

use crate::error::{Error, Result};
use crate::step::{cargo, run as run_step};

/// Packages with property tests, in which a wrong answer costs data.
const PACKAGES: [&str; 4] = [
    "coalesce-rewrite",
    "coalesce-archive",
    "coalesce-fingerprint",
    "coalesce-dialect",
];

/// Cases in the first round; later ones take what fits into the time.
const CASES_FIRST: u32 = 2_000;

/// No round has more, so that the time is kept.
const CASES_MAX: u32 = 1_000_000;

/// A round should last about this long: then a failure is seen early, and compiling and starting cost nothing.
const ROUND: Duration = Duration::from_mins(2);

/// Tries everything for this many minutes: each invariant with inputs that are bred, one after the other, in half of
/// the time and for a minute at least; then all property tests with ever new cases, for as long as there is time left.
/// Ends with the first that fails.
pub(crate) fn run(minutes: u32, strict: bool) -> Result<()> {
    let begin = Instant::now();
    let time = Duration::from_mins(u64::from(minutes));
    if let Some(reason) = bred::run(time / 2)? {
        println!("all invariants skipped\n  SKIPPED: {reason}");
        if strict {
            return Err(Error::Skipped(1));
        }
    }
    generate(begin + time)
}

/// Runs all property tests once at least, and again until `end`.
fn generate(end: Instant) -> Result<()> {
    let mut build = tests();
    run_step(build.arg("--no-run"))?;
    let (mut cases, mut total) = (CASES_FIRST, 0_u64);
    loop {
        let begin = Instant::now();
        run_step(tests().env("PROPTEST_CASES", cases.to_string()))?;
        total += u64::from(cases);
        let left = end.saturating_duration_since(Instant::now());
        println!("{total} cases for each property, {} s left", left.as_secs());
        if left.is_zero() {
            return Ok(());
        }
        cases = next_cases(cases, begin.elapsed(), ROUND.min(left));
    }
}

/// Every test of the packages: what is no property test takes no time.
fn tests() -> std::process::Command {
    let mut test = cargo();
    test.args(["test", "--release", "--quiet"]);
    for package in PACKAGES {
        test.args(["--package", package]);
    }
    test
}

/// How many cases last `wanted`, when `cases` took `elapsed`.
fn next_cases(cases: u32, elapsed: Duration, wanted: Duration) -> u32 {
    let millis = elapsed.as_millis().max(1);
    let next = u128::from(cases) * wanted.as_millis() / millis;
    u32::try_from(next).unwrap_or(CASES_MAX).clamp(100, CASES_MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_round_lasts_as_long_as_there_is_time() {
        let seconds = Duration::from_secs;
        for (cases, elapsed, wanted, expected) in [
            (2_000, seconds(10), seconds(120), 24_000),
            (24_000, seconds(120), seconds(1), 200),
            (24_000, seconds(120), Duration::ZERO, 100),
            (2_000, Duration::ZERO, seconds(120), CASES_MAX),
        ] {
            assert_eq!(next_cases(cases, elapsed, wanted), expected);
        }
    }
}
