//! Loads beside other work on the same target: two into one schema, and the removal of one among what is live.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking, its helpers too")]

use std::sync::OnceLock;

use testkit::fixtures::{MANDIBLE, Scale};
use testkit::{Cluster, Database, Output, Tools};

mod remains;

#[test]
fn of_two_loads_into_one_schema_the_second_is_refused_at_once() {
    // Fault 31.
    let lab = Lab::new();
    let source = Cluster::shared().database("big").unwrap();
    source
        .execute("CREATE TABLE big AS SELECT repeat('x', 100) AS x FROM generate_series(1, 200000)")
        .unwrap();
    lab.run(&format!(
        "dump --compress none \"{}\" | remap-schema --to big -o big.tar",
        source.source()
    ))
    .assert_success();
    let line = "{ head -c 6000000 big.tar; load \"$TARGET\" big.tar 2>second; echo $? >code; \
                load --abandon big \"$TARGET\" 2>abandon; tail -c +6000001 big.tar; } | load \"$TARGET\"; \
                cat second code abandon";
    let output = lab.run(line);
    let said = output.assert_success().stdout_text();
    assert_eq!(
        said.matches("another load is writing schema big (run 1, session ")
            .count(),
        2,
        "{output}"
    );
    assert!(said.contains("\n5\n"), "{output}");
    assert_eq!(remains::states(&lab.target), ["live"]);
}

#[test]
fn a_schema_that_another_load_has_made_live_is_never_abandoned() {
    let lab = Lab::new();
    lab.run("load \"$TARGET\" few.tar").assert_success();
    lab.run("load \"$TARGET\" few.tar")
        .assert_code(5)
        .assert_stderr_contains("exists and holds");
    lab.run("load --abandon few \"$TARGET\"")
        .assert_code(5)
        .assert_stderr_contains("no unfinished load wrote");
    assert_eq!(lab.target.query("SELECT count(*) FROM few.few").unwrap(), ["10"]);
}

#[test]
fn what_others_have_built_on_an_unfinished_load_stops_its_removal() {
    let lab = Lab::new();
    let failed = lab.run("head -c -1500 few.tar | load \"$TARGET\"");
    failed.assert_code(6);
    remains::assert_nothing_live(&lab.target, "few", &failed);
    lab.target.execute("CREATE SCHEMA live").unwrap();
    lab.target
        .execute("CREATE VIEW live.peek AS SELECT id FROM few.few")
        .unwrap();
    let refused = lab.run("load --abandon few \"$TARGET\"");
    refused
        .assert_code(5)
        .assert_stderr_contains("view live.peek")
        .assert_stderr_contains("nothing was removed");
    assert_eq!(
        lab.target.query("SELECT count(*) FROM live.peek").unwrap(),
        ["10"]
    );
    lab.target.execute("DROP VIEW live.peek").unwrap();
    remains::abandon(&lab.tools, &lab.target, "few");
}

#[test]
fn abandoning_a_load_takes_nothing_along_that_others_live_by() {
    let lab = Lab::new();
    lab.target
        .execute(
            "CREATE EXTENSION citext SCHEMA public; CREATE SCHEMA live CREATE TABLE people (email public.citext);
             INSERT INTO live.people VALUES ('Someone@Example.com')",
        )
        .unwrap();
    let of_public = "SELECT nspacl, nspowner FROM pg_namespace WHERE nspname = 'public'";
    let before = lab.target.query(of_public).unwrap();
    let mandible = MANDIBLE.database(Cluster::shared(), Scale::Small).unwrap();
    let line = format!(
        "dump \"{}\" | head -c -1500 | load \"$TARGET\"",
        mandible.source()
    );
    lab.run(&line).assert_code(6);
    lab.run("load --abandon public \"$TARGET\"").assert_success();
    assert_eq!(
        lab.target.query("SELECT email FROM live.people").unwrap(),
        ["Someone@Example.com"]
    );
    assert_eq!(lab.target.query(of_public).unwrap(), before);
    lab.run(&line.replace(" | head -c -1500", "")).assert_success();
}

/// A target and a folder of its own for each test, with a small archive `few.tar`.
struct Lab {
    tools: Tools,
    target: Database<'static>,
    folder: tempfile::TempDir,
}

impl Lab {
    fn new() -> Self {
        let lab = Lab {
            tools: Tools::locate(),
            target: Cluster::shared().target().unwrap(),
            folder: tempfile::tempdir().unwrap(),
        };
        std::fs::write(lab.folder.path().join("few.tar"), few()).unwrap();
        lab
    }

    fn run(&self, line: &str) -> Output {
        self.tools
            .shell(line)
            .env("TARGET", self.target.target())
            .current_dir(self.folder.path())
            .run()
    }
}

/// An archive of ten rows, which becomes schema `few`.
fn few() -> &'static [u8] {
    static ARCHIVE: OnceLock<Vec<u8>> = OnceLock::new();
    ARCHIVE.get_or_init(|| {
        let database = Cluster::shared().database("few").unwrap();
        database
            .execute("CREATE TABLE few AS SELECT n AS id FROM generate_series(1, 10) AS n")
            .unwrap();
        let output = Tools::locate()
            .shell("dump \"$SOURCE\" | remap-schema --to few")
            .env("SOURCE", database.source())
            .run();
        output.assert_success().stdout().to_vec()
    })
}
