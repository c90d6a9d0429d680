//! `cargo xtask ci`: what must hold before a change goes in.

use std::process::{Command, Stdio};
use std::time::Instant;

use crate::error::Result;
use crate::step::{cargo, run as run_step};
use crate::{test, tidy};

/// Runs every check in the order of its cost, and stops at the first that fails.
pub(crate) fn run(strict: bool) -> Result<()> {
    timed("format", || {
        component("fmt", "rustfmt", cargo().args(["fmt", "--all", "--check"]))
    })?;
    timed("tidy", tidy::run)?;
    timed("lints", || {
        let mut clippy = cargo();
        clippy.args(["clippy", "--workspace", "--all-targets", "--", "-D", "warnings"]);
        component("clippy", "clippy", &mut clippy)
    })?;
    timed("tests", || test::run(strict, &[]))
}

fn timed(name: &str, step: impl FnOnce() -> Result<()>) -> Result<()> {
    println!("== {name}");
    let begin = Instant::now();
    let done = step();
    let outcome = if done.is_ok() { "ok" } else { "FAILED" };
    println!("== {name}: {outcome} in {:.1} s", begin.elapsed().as_secs_f64());
    done
}

/// Runs a step that needs a component of rustup's, and names that component where it is missing.
fn component(subcommand: &str, component: &str, command: &mut Command) -> Result<()> {
    let mut probe = cargo();
    let probe = probe
        .args([subcommand, "--version"])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status();
    if !probe.is_ok_and(|it| it.success()) {
        println!("cargo {subcommand} is missing; run: rustup component add {component}");
    }
    run_step(command)
}
