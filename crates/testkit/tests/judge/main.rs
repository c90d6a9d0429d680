//! What the tools make of a source is what PostgreSQL's own `ALTER … RENAME` makes of it, definition by
//! definition; and what can be used in the source can be used in the result.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking, its helpers too")]

mod everything;
mod finds;
mod prefix;
mod regression;
mod schemas;
mod there_and_back;
mod zoo;

use testkit::data::PostgresData;
use testkit::fixtures::{PostgresFixture, Scale};
use testkit::judge::{Definitions, Naming, count, judge_uses, renamed};
use testkit::{Cluster, Database, Desk, Output, SOURCE_READER, TARGET_OWNER};

/// Every kind of object that holds a name of another.
const CORNERS: &str = include_str!("../../fixtures/corners.sql");

/// A way from a source to a target.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Way {
    /// `dump | remap-schema | load`
    Archive,
    /// `pg_dump | remap-schema | psql`
    PlainSql,
}

/// What is judged: a source, its names on the target, and who moves it.
#[derive(Debug)]
struct Case<'c> {
    source: Database<'c>,
    /// What the source's application has as its `search_path`.
    path: Vec<&'static str>,
    naming: Naming,
    /// The arguments of `remap-schema`.
    arguments: String,
    reader: &'static str,
    loader: &'static str,
    /// Differences that are known: part of an object's heading, and the reason.
    explained: Vec<(&'static str, &'static str)>,
    /// Objects that `remap-schema` doubts, and why it must: they need not work in the result.
    doubted: Vec<(&'static str, &'static str)>,
}

impl<'c> Case<'c> {
    fn new(source: Database<'c>, path: &[&'static str], naming: Naming, arguments: &str) -> Self {
        Case {
            source,
            path: path.to_vec(),
            naming,
            arguments: arguments.to_owned(),
            reader: SOURCE_READER,
            loader: TARGET_OWNER,
            explained: Vec::new(),
            doubted: Vec::new(),
        }
    }

    /// Moves the source `way` into a new target.
    #[track_caller]
    fn moved(&self, way: Way) -> (Database<'static>, Output) {
        let target = Cluster::shared().database_owned_by(self.loader).unwrap();
        let (from, reader, filter) = (self.source.name(), self.reader, &self.arguments);
        let (to, loader) = (target.name(), self.loader);
        let line = match way {
            Way::Archive => {
                format!(
                    "dump 'dbname={from} user={reader}' | remap-schema {filter} | load 'dbname={to} user={loader}'"
                )
            }
            Way::PlainSql => format!(
                "pg_dump --no-owner -U {reader} {from} | remap-schema {filter} \
                 | psql -q -X1 -v ON_ERROR_STOP=1 -o /dev/null 'dbname={to} user={loader}'"
            ),
        };
        let output = Desk::shared().run(&line);
        output.assert_success();
        (target, output)
    }

    /// Moves the source and compares the target with what PostgreSQL says that it must be.
    #[track_caller]
    fn check(&self, way: Way) -> (Database<'static>, Output) {
        let (target, output) = self.moved(way);
        let expected = Definitions::of(&renamed(&self.source, &self.naming).unwrap()).unwrap();
        let found = Definitions::of(&target).unwrap();
        assert!(
            expected.len() > 20,
            "{} has too little to judge",
            self.source.name()
        );
        let differences = self.unexplained(expected.differences(&found));
        assert!(
            differences.is_empty(),
            "{} differences\n{output}\n{}",
            differences.len(),
            differences.join("\n")
        );
        self.check_bodies(&expected, found, &output);
        let mut judged = judge_uses(&self.source, &self.path, &target, &self.naming).unwrap();
        count(&format!(
            "{way:?} of {} by {}: {} definitions equal, {} explained; {judged}",
            self.source.name(),
            self.arguments,
            expected.len() - self.explained.len(),
            self.explained.len()
        ));
        for (object, reason) in &self.doubted {
            assert!(
                output.stderr().contains(&format!(" {object}")),
                "{object} is not doubted any more; it was because {reason}"
            );
            judged.new_findings.retain(|it| {
                !it.lines()
                    .next()
                    .is_some_and(|it| it.ends_with(&format!(" {object}")))
            });
        }
        assert!(
            judged.new_findings.is_empty(),
            "{judged}\n{output}\n{}",
            judged.new_findings.join("\n")
        );
        (target, output)
    }

    /// Differences without those that are known; one that is known must be there.
    #[track_caller]
    fn unexplained(&self, mut differences: Vec<String>) -> Vec<String> {
        for (heading, reason) in &self.explained {
            let before = differences.len();
            differences.retain(|it| !is_of(it, heading));
            assert!(
                differences.len() < before,
                "{heading} does not differ any more; it did because {reason}"
            );
        }
        differences
    }

    /// Where schemas alone get new names, bodies are equal but for these.
    #[track_caller]
    fn check_bodies(&self, expected: &Definitions, found: Definitions, output: &Output) {
        if !self.naming.prefix().is_empty() {
            return;
        }
        let quoted = |name: &str| {
            self.source
                .query(&format!("SELECT quote_ident($n${name}$n$)"))
                .unwrap()
                .concat()
        };
        // Longest first, since one name may end as another does; by way of a third, since names may swap.
        let mut names: Vec<_> = self.naming.schemas().iter().enumerate().collect();
        names.sort_by_key(|(_, (_, new))| std::cmp::Reverse(new.len()));
        let between = |at: usize| format!("coalesce_between_{at}");
        let found = names.iter().fold(found, |found, (at, (_, new))| {
            found
                .with_bodies_replaced(&format!("{}.", quoted(new)), &format!("{}.", between(*at)))
                .with_bodies_replaced(&format!("'{new}'"), &format!("'{}'", between(*at)))
        });
        let found = names.iter().fold(found, |found, (at, (old, _))| {
            found
                .with_bodies_replaced(&format!("{}.", between(*at)), &format!("{}.", quoted(old)))
                .with_bodies_replaced(&format!("'{}'", between(*at)), &format!("'{old}'"))
        });
        let mut differences = expected.body_differences(&found);
        differences.retain(|it| !self.explained.iter().any(|(heading, _)| is_of(it, heading)));
        assert!(differences.is_empty(), "{output}\n{}", differences.join("\n"));
    }
}

/// Whether a difference is one of the object with `heading`.
fn is_of(difference: &str, heading: &str) -> bool {
    difference.lines().next().is_some_and(|it| it.contains(heading))
}

fn fixture(fixture: &PostgresFixture) -> Database<'static> {
    fixture.database(Cluster::shared(), Scale::Small).unwrap()
}

fn corners() -> Database<'static> {
    let source = Cluster::shared().database("corners").unwrap();
    source.execute(CORNERS).unwrap();
    source
}

/// The databases of the wild that are there.
fn wild() -> impl Iterator<Item = (PostgresData, Database<'static>)> {
    let found = |data: PostgresData| Some((data, data.database(Cluster::shared()).ok()?));
    PostgresData::ALL.into_iter().filter_map(found)
}
