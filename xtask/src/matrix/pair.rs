//! One pair of versions: every fixture of the source folded into one database of the target, and judged.

use std::time::Duration;

use testkit::fixtures::{POSTGRES, PostgresFixture, Scale, answers, build_values, value_probes};
use testkit::{Cluster, Database, Output, POSTGRES as SUPERUSER, SOURCE_READER, Tools, judge_rows};

use super::Outcome;
use super::servers::Dumper;

/// A line that takes longer has failed.
const TIME_LIMIT: Duration = Duration::from_mins(5);

/// The database with every value, and with what came with each version.
const VALUES: &str = "values";

/// What the demonstration's databases need, and what the values need.
const DEMO_EXTENSIONS: [&str; 3] = ["citext", "pg_trgm", "pgcrypto"];
const VALUE_EXTENSIONS: [&str; 3] = ["citext", "hstore", "ltree"];

/// The demonstration's databases have functions with `BEGIN ATOMIC`.
const DEMO_MAJOR_MIN: u32 = 14;

/// A server with all fixtures that it can hold.
pub(super) struct Source<'c> {
    cluster: &'c Cluster,
    demo: Vec<&'static PostgresFixture>,
    has_values: bool,
}

impl<'c> Source<'c> {
    pub(super) fn build(cluster: &'c Cluster) -> testkit::Result<Self> {
        let mut source = Source {
            cluster,
            demo: Vec::new(),
            has_values: false,
        };
        if cluster.programs().major() >= DEMO_MAJOR_MIN && offers(cluster, &DEMO_EXTENSIONS)? {
            for fixture in POSTGRES {
                fixture.create(cluster, Scale::Small)?;
                source.demo.push(fixture);
            }
        }
        if offers(cluster, &VALUE_EXTENSIONS)? {
            cluster.create_database(VALUES, SUPERUSER)?;
            build_values(&mut cluster.client(VALUES, SUPERUSER)?)?;
            source.has_values = true;
        }
        Ok(source)
    }
}

/// Whether contrib's `extensions` are there.
fn offers(cluster: &Cluster, extensions: &[&str]) -> testkit::Result<bool> {
    Ok(cluster.missing_extensions(extensions)?.is_empty())
}

/// Moves everything, verifies it, and has the servers compare rows and answers.
pub(super) fn run_pair(source: &Source<'_>, target: &Cluster, tools: &Tools, dumper: &Dumper) -> Outcome {
    match try_pair(source, target, tools, dumper) {
        Ok(outcome) => outcome,
        Err(error) => Outcome::Failed("a server could not be asked".to_owned(), error.chain()),
    }
}

fn try_pair(
    source: &Source<'_>,
    target: &Cluster,
    tools: &Tools,
    dumper: &Dumper,
) -> testkit::Result<Outcome> {
    let database = target.target()?;
    let pair = Pair {
        source: source.cluster,
        target: &database,
        tools,
        dumper,
    };
    let (mut moved, mut left_out) = (Vec::new(), Vec::new());
    if source.demo.is_empty() || !offers(target, &DEMO_EXTENSIONS)? {
        left_out.push(if source.cluster.programs().major() < DEMO_MAJOR_MIN {
            "demo (BEGIN ATOMIC came with 14)"
        } else {
            "demo (no contrib)"
        });
    } else {
        for fixture in &source.demo {
            let probes: Vec<&str> = fixture
                .probes()
                .into_iter()
                .chain(fixture.trigger_probes())
                .collect();
            let paths = (fixture.source_path(), fixture.target_path(fixture.name()));
            if let Some(failure) = pair.run(fixture.name(), &probes, &paths)? {
                return Ok(failure);
            }
            moved.push(fixture.name());
        }
    }
    if !source.has_values || !offers(target, &VALUE_EXTENSIONS)? {
        left_out.push("values (no contrib)");
    } else {
        let paths = ("public".to_owned(), format!("{VALUES}, public"));
        let probes = value_probes(source.cluster.programs().major());
        if let Some(failure) = pair.run(VALUES, &probes, &paths)? {
            return Ok(failure);
        }
        moved.push(VALUES);
    }
    let note = moved.join(", ");
    Ok(match (moved.is_empty(), left_out.is_empty()) {
        (true, _) => Outcome::Skipped("a server without contrib extensions holds no fixture".to_owned()),
        (false, true) => Outcome::Passed(note),
        (false, false) => Outcome::Passed(format!("{note}; without {} (no contrib)", left_out.join(", "))),
    })
}

struct Pair<'a> {
    source: &'a Cluster,
    target: &'a Database<'a>,
    tools: &'a Tools,
    dumper: &'a Dumper,
}

impl Pair<'_> {
    /// Moves database `name` into a schema of that name; what failed, if anything did.
    fn run(&self, name: &str, probes: &[&str], paths: &(String, String)) -> testkit::Result<Option<Outcome>> {
        let from = format!("'{}'", self.source.conninfo(name, SOURCE_READER));
        let to = format!("'{}'", self.target.target());
        let mut lines = vec![
            format!("dump {from} | remap-schema --to {name} | load {to}"),
            format!("verify {from} {to} --to {name}"),
        ];
        // The filter alone; pg_dump's own settings are those of its version, which older servers refuse.
        let plain = self.target.cluster().target()?;
        let has_plain =
            self.dumper.has_psql() && self.target.cluster().programs().major() >= self.dumper.major();
        if has_plain {
            let (from, to) = (self.source.conninfo(name, SUPERUSER), plain.conninfo(SUPERUSER));
            lines.push(format!(
                "\"$PG_BIN/pg_dump\" '{from}' | remap-schema --to {name} | \
                 \"$PG_BIN/psql\" -X1q -v ON_ERROR_STOP=1 -o /dev/null '{to}'"
            ));
        }
        for line in lines {
            let mut shell = self.tools.shell(&line).time_limit(TIME_LIMIT);
            if let Some(folder) = self.dumper.folder() {
                shell = shell.env("PG_BIN", folder);
            }
            let output = shell.run();
            if !output.success() {
                return Ok(Some(Outcome::Failed(reason(name, &output), output.to_string())));
            }
        }
        let mut source = self.source.client(name, SUPERUSER)?;
        let mut target = self.target.admin()?;
        let renamed = |schema: &str| match schema {
            "public" => name.to_owned(),
            other => format!("{name}_{other}"),
        };
        let mut differing = judge_rows(&mut source, &mut target, renamed)?.differing;
        if has_plain {
            differing.extend(judge_rows(&mut source, &mut plain.admin()?, renamed)?.differing);
        }
        if let [first, ..] = differing.as_slice() {
            let reason = format!("{name}: rows differ in {first}");
            return Ok(Some(Outcome::Failed(reason, differing.join("\n"))));
        }
        for probe in probes {
            let expected = answers(&mut source, &paths.0, probe)?;
            let found = answers(&mut target, &paths.1, probe)?;
            if expected != found {
                let said = format!(
                    "{probe}\n  {}\nbut\n  {}",
                    expected.join("\n  "),
                    found.join("\n  ")
                );
                return Ok(Some(Outcome::Failed(format!("{name} answers otherwise"), said)));
            }
        }
        Ok(None)
    }
}

/// The first error of a pipeline, for a table.
fn reason(name: &str, output: &Output) -> String {
    let said = output.stderr();
    let first = said
        .lines()
        .find(|it| it.starts_with("error:"))
        .unwrap_or("it failed");
    let shown: String = first.chars().take(100).collect();
    format!("{name}: {shown}")
}
