//! Rows into tables that exist, as frameworks make them: what goes in, and what is refused before any row.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking, its helpers too")]

mod frameworks;
mod refusals;

use testkit::{Cluster, Database, Desk, Output, TARGET_OWNER, target_word};

/// A source with rows, and a target with tables.
struct Pair {
    desk: Desk,
    source: Database<'static>,
    target: Database<'static>,
}

impl Pair {
    /// `target` is run by the role that loads.
    fn new(source: &str, target: &str) -> Self {
        let cluster = Cluster::shared();
        let pair = Pair {
            desk: Desk::shared(),
            source: cluster.database("rows").unwrap(),
            target: cluster.target().unwrap(),
        };
        pair.source.execute(source).unwrap();
        pair.own(target);
        pair
    }

    fn own(&self, sql: &str) {
        self.target
            .client(TARGET_OWNER)
            .unwrap()
            .batch_execute(sql)
            .unwrap();
    }

    /// Runs a line in which `$SOURCE` and `$TARGET` stand for the two databases.
    fn run(&self, line: &str) -> Output {
        let line = line
            .replace("$SOURCE", self.source.name())
            .replace("$TARGET", &target_word(&self.target));
        self.desk.run(&line)
    }

    #[track_caller]
    fn check(&self, sql: &str, expected: &[&str]) {
        assert_eq!(self.target.query(sql).unwrap(), expected, "{sql}");
    }
}

/// Fails with `code`, saying all of `said`.
#[track_caller]
fn refused(output: &Output, code: i32, said: &[&str]) {
    output.assert_code(code);
    for text in said {
        output.assert_stderr_contains(text);
    }
}

const PIPE: &str = "dump $SOURCE | load $TARGET --data-only";
