//! `cargo xtask test`: every test of the workspace, against a real server.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use crate::error::{Error, Result};
use crate::metadata::Metadata;
use crate::step::{cargo, run as run_step, run_within};

/// Three times what they take on two cores, compiling included; whatever is left then would never end.
const ALL_TESTS_WITHIN: Duration = Duration::from_mins(45);

/// Makes sure of PostgreSQL, builds the tools that tests run, runs all tests, and counts those skipped.
pub(crate) fn run(strict: bool, arguments: &[String]) -> Result<()> {
    prepare(&[])?;
    let log = Metadata::read()?.target.join("skipped.log");
    count_skipped(&log, strict, || {
        let mut test = cargo();
        test.arg("test").args(scope(arguments)).args(arguments);
        run_within(test.env(testkit::SKIPPED_LOG, &log), ALL_TESTS_WITHIN)
    })
}

/// Makes sure of PostgreSQL and of what tests use beside it, and builds the tools with `flags` of cargo.
pub(crate) fn prepare(flags: &[&str]) -> Result<()> {
    let postgres = testkit::find_or_install()?;
    println!(
        "PostgreSQL {} in {}",
        postgres.major(),
        postgres.folder().display()
    );
    if let Some(command) = testkit::find_or_install_checker(&postgres) {
        println!("plpgsql_check is missing, PL/pgSQL bodies are not checked; run: {command}");
    }
    run_step(cargo().args(["build", "--workspace", "--bins"]).args(flags))
}

/// Runs `tests`, and counts what they write to `log` of tests that were skipped.
pub(crate) fn count_skipped(log: &Path, strict: bool, tests: impl FnOnce() -> Result<()>) -> Result<()> {
    std::fs::write(log, "").map_err(Error::file(log))?;
    let tested = tests();
    let skipped = std::fs::read_to_string(log).map_err(Error::file(log))?;
    print!("{}", report(&skipped));
    tested?;
    match skipped.lines().count() {
        count if strict && count > 0 => Err(Error::Skipped(count)),
        _ => Ok(()),
    }
}

/// The whole workspace, unless `arguments` choose: cargo would silently ignore a package beside `--workspace`.
fn scope(arguments: &[String]) -> Option<&'static str> {
    let own = arguments.split(|it| it == "--").next().unwrap_or_default();
    let chooses = own
        .iter()
        .any(|it| it.starts_with("-p") || it.starts_with("--package"));
    (!chooses).then_some("--workspace")
}

/// The number of skips in `log`, and each reason with its own number.
fn report(log: &str) -> String {
    let mut reasons: BTreeMap<&str, usize> = BTreeMap::new();
    for reason in log.lines() {
        *reasons.entry(reason).or_default() += 1;
    }
    let count = format!(
        "{} tests skipped
",
        log.lines().count()
    );
    let lines = reasons.into_iter().map(|(reason, count)| {
        format!(
            "  SKIPPED: {reason} ({count} times)
"
        )
    });
    std::iter::once(count).chain(lines).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_chosen_package_is_not_drowned_in_the_workspace() {
        for (arguments, expected) in [
            (&[][..], Some("--workspace")),
            (&["--release", "--", "-p"], Some("--workspace")),
            (&["-p", "coalesce-plan"], None),
            (&["--package=coalesce-plan"], None),
        ] {
            let arguments: Vec<String> = arguments.iter().map(|it| (*it).to_owned()).collect();
            assert_eq!(scope(&arguments), expected, "{arguments:?}");
        }
    }

    #[test]
    fn skips_are_counted_by_reason() {
        assert_eq!(report(""), "0 tests skipped\n");
        let expected = "3 tests skipped\n  SKIPPED: no data (2 times)\n  SKIPPED: no net (1 times)\n";
        assert_eq!(report("no data\nno net\nno data\n"), expected);
    }
}
