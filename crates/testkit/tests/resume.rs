//! `load --resume`: what is in stays in, what is not the same is refused, and nobody writes for a run that is another's.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking, its helpers too")]

use testkit::{Cluster, Database, Desk, Output, target_word};

/// Tables in several chunks each, one of them unlogged, with what comes behind the rows.
const SOURCE: &str = "
CREATE TABLE big (id integer PRIMARY KEY, note text);
INSERT INTO big SELECT n, repeat(md5(n::text), 8) FROM generate_series(1, 12000) AS n;
CREATE TABLE other (id integer PRIMARY KEY, big_id integer REFERENCES big, note text);
INSERT INTO other SELECT n, n, repeat('x', 200) FROM generate_series(1, 6000) AS n;
CREATE UNLOGGED TABLE scratch AS SELECT n AS id, repeat('y', 300) AS note FROM generate_series(1, 5000) AS n;
CREATE TABLE small (id serial PRIMARY KEY, at timestamptz DEFAULT now());
INSERT INTO small (at) SELECT now() FROM generate_series(1, 5);
CREATE MATERIALIZED VIEW sums AS SELECT count(*) AS n FROM big;
DO $$ BEGIN
  EXECUTE format('GRANT SELECT ON LARGE OBJECT %s TO source_reader', lo_from_bytea(0, decode(repeat('ab', 9000), 'hex')));
END $$;";

struct Lab {
    desk: Desk,
    source: Database<'static>,
    target: Database<'static>,
}

impl Lab {
    fn new() -> Self {
        let cluster = Cluster::shared();
        let source = cluster.database("resumed").unwrap();
        source.execute(SOURCE).unwrap();
        let lab = Lab {
            desk: Desk::shared(),
            source,
            target: cluster.target().unwrap(),
        };
        lab.run("dump $SOURCE --rows binary --chunk-size 1 --jobs 1 --compress none | remap-schema --to shop -o first.tar")
            .assert_success();
        lab
    }

    /// Runs a line in which `$SOURCE` and `$TARGET` stand for the two databases.
    fn run(&self, line: &str) -> Output {
        let line = line
            .replace("$SOURCE", self.source.name())
            .replace("$TARGET", &target_word(&self.target));
        self.desk.run(&line)
    }

    /// A load of the first archive that ends in the middle of its rows.
    fn leave_unfinished(&self) {
        let size = std::fs::metadata(self.desk.path("first.tar")).unwrap().len();
        self.run(&format!(
            "head -c {} first.tar | load $TARGET --whole-max 0",
            size / 4 * 3
        ))
        .assert_code(6)
        .assert_stderr_contains("nothing is live")
        .assert_stderr_contains("load --resume");
    }

    fn answers(&self, sql: &str) -> Vec<String> {
        self.target.query(sql).unwrap()
    }

    fn chunks(&self) -> u32 {
        self.answers("SELECT count(*) FROM coalesce.chunk")[0]
            .parse()
            .unwrap()
    }

    fn verify(&self) {
        self.run("verify $SOURCE $TARGET --to shop").assert_success();
    }
}

#[test]
fn a_load_goes_on_with_its_archive_and_with_nothing_else() {
    // Faults 10 and 32.
    let lab = Lab::new();
    lab.leave_unfinished();
    let chunks = lab.chunks();
    assert!(chunks > 1, "{chunks} chunks are in");
    lab.run("load $TARGET first.tar")
        .assert_code(5)
        .assert_stderr_contains("what run 1 left unfinished");
    lab.run("dump $SOURCE --no-large-objects | remap-schema --to shop -o filtered.tar")
        .assert_success();
    lab.run("dump $SOURCE | remap-schema --to shop --rename public.small=tiny -o renamed.tar")
        .assert_success();
    lab.source.execute("ALTER TABLE small ADD note text").unwrap();
    lab.run("dump $SOURCE | remap-schema --to shop -o altered.tar")
        .assert_success();
    lab.source.execute("ALTER TABLE small DROP note").unwrap();
    for (archive, words) in [
        ("filtered.tar", "other filters"),
        ("renamed.tar", "other definitions or other new names"),
        ("altered.tar", "other definitions"),
    ] {
        lab.run(&format!("load $TARGET {archive} --resume"))
            .assert_code(5)
            .assert_stderr_contains("run 1 cannot go on with this")
            .assert_stderr_contains(words)
            .assert_stderr_contains("load --abandon shop");
        assert_eq!(lab.chunks(), chunks, "{archive} changed what is in");
    }
    lab.target
        .execute("UPDATE coalesce.run SET tool = '0.0.9'")
        .unwrap();
    lab.run("load $TARGET first.tar --resume")
        .assert_code(5)
        .assert_stderr_contains("begun by version 0.0.9");
    lab.target
        .execute(&format!(
            "UPDATE coalesce.run SET tool = '{}'",
            env!("CARGO_PKG_VERSION")
        ))
        .unwrap();
    // A server that has crashed would have emptied it.
    lab.target.execute("TRUNCATE shop.scratch").unwrap();
    let resumed = lab.run("load $TARGET first.tar --resume");
    resumed
        .assert_success()
        .assert_stderr_contains("run 1 goes on")
        .assert_stderr_contains("all fingerprints hold");
    lab.verify();
    assert_eq!(lab.answers("SELECT id, state FROM coalesce.run"), ["1 | live"]);
    assert_eq!(lab.answers("SELECT count(*) FROM coalesce.step"), ["0"]);
    lab.run("load $TARGET first.tar --resume")
        .assert_success()
        .assert_stderr_contains("is live on")
        .assert_stderr_contains("already");
    lab.run("load $TARGET first.tar")
        .assert_code(5)
        .assert_stderr_contains("schema shop exists");
}

#[test]
fn another_dump_takes_the_place_of_the_first() {
    let lab = Lab::new();
    lab.leave_unfinished();
    lab.source
        .execute("UPDATE other SET note = '' WHERE id = 7; INSERT INTO small (at) VALUES (NULL)")
        .unwrap();
    lab.run(
        "dump $SOURCE --rows binary --chunk-size 1 -o second/ && remap-schema --to shop second -o third.tar",
    )
    .assert_success();
    // In a file: what has the same fingerprint stays. `big`, the largest, was whole.
    lab.run("load $TARGET third.tar --resume")
        .assert_success()
        .assert_stderr_contains("have the same rows")
        .assert_stderr_contains("run 1 goes on");
    lab.verify();
    // Through a pipe: everything comes again.
    lab.target.execute("DROP SCHEMA shop CASCADE").unwrap();
    lab.target
        .execute("SELECT lo_unlink(oid) FROM pg_largeobject_metadata")
        .unwrap();
    lab.leave_unfinished();
    lab.run("dump $SOURCE | remap-schema --to shop | load $TARGET --resume")
        .assert_success()
        .assert_stderr_contains("everything is loaded again");
    lab.verify();
    assert_eq!(
        lab.answers("SELECT state FROM coalesce.run ORDER BY id"),
        ["live", "abandoned", "live"]
    );
}

#[test]
fn nothing_to_resume_is_a_load_and_a_lost_run_writes_nothing_more() {
    // Fault 31.
    let lab = Lab::new();
    // The first loader waits in a pipe; its sessions are ended as by a failover, and another takes its run.
    let size = std::fs::metadata(lab.desk.path("first.tar")).unwrap().len();
    let admin = Cluster::shared().conninfo("postgres", testkit::POSTGRES);
    let end = format!(
        "psql -AtXq \"{admin}\" -c \"SELECT pg_terminate_backend(pid) FROM pg_stat_activity \
         WHERE datname = '{}' AND application_name LIKE 'coalesce load%'\" >/dev/null",
        lab.target.name()
    );
    let output = lab.run(&format!(
        "{{ head -c {} ; sleep 0.5; {end}; load --resume $TARGET first.tar 2>second.log; cat; }} <first.tar \
         | load $TARGET --resume 2>first.log; cat first.log second.log",
        size / 2
    ));
    let said = output.stdout_text();
    assert!(said.contains("nothing to resume"), "{said}");
    assert!(said.contains("has ended or was taken over"), "{said}");
    assert!(said.contains("shop is live on"), "{said}");
    lab.verify();
}
