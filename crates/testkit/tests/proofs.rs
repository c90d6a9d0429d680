//! Proofs beyond those of every load: the target read back before it goes live, restores that are thrown away again,
//! rows that pass no faster than was asked for, and what progress shows.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking, its helpers too")]

use std::sync::OnceLock;
use std::time::Duration;

use serde_json::Value;
use testkit::{Cluster, Database, Output, Tools};

mod remains;

/// Every kind of table that is read in a way of its own, and a policy for a role that only this server has.
const SOURCE: &str = "
CREATE ROLE proofs_reader;
CREATE TABLE \"Orders\" (\"Id\" integer PRIMARY KEY, \"Total\" numeric, twice numeric GENERATED ALWAYS AS (\"Total\" * 2) STORED);
INSERT INTO \"Orders\" SELECT n, n / 7.0 FROM generate_series(1, 3000) AS n;
CREATE TABLE lines (id integer REFERENCES \"Orders\" (\"Id\"), note text);
INSERT INTO lines SELECT n, NULLIF(repeat('x', n % 50), '') FROM generate_series(1, 3000) AS n;
CREATE INDEX lines_by_id ON lines (id);
CREATE TABLE nothing ();
INSERT INTO nothing SELECT FROM generate_series(1, 5);
CREATE TABLE only_computed (one integer GENERATED ALWAYS AS (1) STORED);
INSERT INTO only_computed DEFAULT VALUES;
CREATE TABLE names (what regclass);
INSERT INTO names VALUES ('lines'), ('lines_by_id'), (NULL);
CREATE TYPE colour AS ENUM ('red', 'green', 'blue');
CREATE TABLE painted (c colour, n integer) PARTITION BY HASH (c);
CREATE TABLE painted_0 PARTITION OF painted FOR VALUES WITH (MODULUS 2, REMAINDER 0);
CREATE TABLE painted_1 PARTITION OF painted FOR VALUES WITH (MODULUS 2, REMAINDER 1);
INSERT INTO painted SELECT ('{red,green,blue}'::colour[])[1 + n % 3], n FROM generate_series(1, 100) AS n;
CREATE TABLE guarded (id integer);
INSERT INTO guarded SELECT generate_series(1, 10);
ALTER TABLE guarded ENABLE ROW LEVEL SECURITY;
ALTER TABLE guarded FORCE ROW LEVEL SECURITY;
CREATE POLICY few ON guarded TO proofs_reader USING (id < 3);
COMMENT ON POLICY few ON guarded IS 'not for everybody';
CREATE MATERIALIZED VIEW counted AS SELECT count(*) FROM lines;
SELECT lo_from_bytea(77001, decode(repeat('ab', 5000), 'hex')), lo_from_bytea(77002, '');";

/// Its view writes into tables whenever it is filled.
const MEDDLING: &str = "
CREATE TABLE visits (at integer);
CREATE TABLE counter (n integer);
INSERT INTO counter VALUES (0);
CREATE TABLE calm (n integer);
CREATE FUNCTION visit() RETURNS integer LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO public.visits VALUES (1);
  UPDATE public.counter SET n = n + 1;
  RETURN 1;
END $$;
CREATE MATERIALIZED VIEW visited AS SELECT public.visit() AS n;";

const POLICIES: &str = "
CREATE ROLE proofs_gone;
CREATE TABLE t (id integer);
INSERT INTO t VALUES (1);
ALTER TABLE t ENABLE ROW LEVEL SECURITY;
CREATE POLICY few ON t TO proofs_gone USING (id < 3);
COMMENT ON POLICY few ON t IS 'goes with it';
CREATE POLICY many ON t USING (id < 100);";

#[test]
fn what_changes_after_it_was_sent_is_found_before_it_is_live() {
    let lab = Lab::new();
    let meddling = Cluster::shared().database("meddling").unwrap();
    meddling.execute(MEDDLING).unwrap();
    let line = |flags: &str| {
        format!(
            "dump \"{}\" 2>/dev/null | remap-schema -q --to m | load {flags} \"$TARGET\"",
            meddling.source()
        )
    };
    let output = lab.run(&line("--read-back --jobs 2"));
    assert_eq!(output.stages(), [0, 0, 5], "{output}");
    for words in [
        "does not hold what the archive has",
        "m.visits: 1 rows in the archive, 2 on the target",
        "m.counter: 1 rows in the archive and on the target, but with other values",
        "nothing is live",
        "load --abandon m",
    ] {
        output.assert_stderr_contains(words);
    }
    assert!(!output.stderr().contains("m.calm"), "{output}");
    remains::assert_nothing_live(&lab.target, "m", &output);
    remains::abandon(&lab.tools, &lab.target, "m");
    // Without it nobody would have known.
    lab.run(&line("")).assert_success();
}

#[test]
fn what_is_as_it_was_sent_is_said_to_be_read_back() {
    let lab = Lab::new();
    let output = lab.run(
        "dump \"$SOURCE\" 2>/dev/null | remap-schema -q --to shop --snake-case \
         | load --read-back --progress json --format json \"$TARGET\" >report.json",
    );
    output
        .assert_success()
        .assert_stderr_contains("all fingerprints hold, also read back in");
    let report = std::fs::read_to_string(lab.folder.path().join("report.json")).unwrap();
    let report: Value = serde_json::from_str(&report).unwrap();
    let read_back = &report["read_back"];
    // Pieces of large objects are rows here, of tables they are not.
    assert!(read_back["rows"].as_u64() > report["rows"].as_u64(), "{report}");
    assert!(read_back["seconds"].is_number() && report["restore_test"] == false);
    let lines = json_lines(&output);
    let phase = |name: &str| {
        let line = lines.iter().rfind(|it| it["phase"] == name);
        line.unwrap_or_else(|| panic!("no phase {name}\n{output}"))
            .clone()
    };
    assert_eq!(phase("rows")["rows"], phase("read back")["rows"]);
    for name in [
        "keys and indexes",
        "foreign keys",
        "materialized views",
        "tables analyzed",
    ] {
        let phase = phase(name);
        assert!(phase["steps"].as_u64() > Some(0), "{phase}");
        assert_eq!(phase["steps"], phase["steps_expected"]);
    }
    assert!(phase("rows")["bytes_per_second"].is_number());
}

#[test]
fn a_restore_is_tested_and_leaves_no_database() {
    let lab = Lab::new();
    let check = |line: &str, stages: &[i32], words: &[&str]| {
        let output = lab.run(line);
        assert_eq!(output.stages(), stages, "{output}");
        for word in words {
            output.assert_stderr_contains(word);
        }
        let left = "SELECT datname FROM pg_database WHERE datname LIKE 'coalesce_restore%'";
        assert_eq!(lab.target.query(left).unwrap(), Vec::<String>::new(), "{output}");
        let here = "SELECT nspname FROM pg_namespace WHERE nspname IN ('shop', 'coalesce')";
        assert_eq!(lab.target.query(here).unwrap(), Vec::<String>::new(), "{output}");
        output
    };
    lab.run("dump -q \"$SOURCE\" | remap-schema -q --to shop -o shop.tar")
        .assert_success();
    let lacks = check(
        "load --restore-test \"$TARGET\" shop.tar",
        &[5],
        &["lacks CREATEDB", "hint: "],
    );
    assert!(!lacks.stderr().contains("--abandon"), "{lacks}");
    let proved = ["can be restored", "also read back", "scratch database is dropped"];
    let output = check(
        "cat shop.tar | load --restore-test --format json \"$MAKER\"",
        &[0, 0],
        &proved,
    );
    let report: Value = serde_json::from_slice(output.stdout()).unwrap();
    assert_eq!(
        (&report["restore_test"], &report["untested"]),
        (&true.into(), &Value::Array(vec![]))
    );
    let damaged = ["archive is truncated", "scratch database is dropped"];
    check(
        "head -c -1500 shop.tar | load --restore-test \"$MAKER\"",
        &[0, 6],
        &damaged,
    );
    let interrupted = check(
        "(until psql -XAtq \"$ADMIN\" -c \"SELECT datname FROM pg_database WHERE datname LIKE 'coalesce_restore%'\" \
          | grep -q .; do sleep 0.1; done; kill -INT $(cat load.pid)) 2>/dev/null & \
         { head -c 60000 shop.tar; while ! [ -e load.pid ] || kill -0 $(cat load.pid); do sleep 0.1; done; } 2>/dev/null \
         | sh -c 'echo $$ >load.pid; exec load --restore-test \"$MAKER\"'",
        &[0, 130],
        &["interrupted"],
    );
    assert!(!interrupted.stderr().contains("--abandon"), "{interrupted}");
    // A role that the server lacks makes a finding of the policies that name it; the rest is tested.
    let policies = Cluster::shared().database("policies").unwrap();
    policies.execute(POLICIES).unwrap();
    let dumped = lab
        .shell("dump -q \"$POLICIES\" -o policies.tar")
        .env("POLICIES", policies.conninfo(testkit::POSTGRES))
        .run();
    dumped.assert_success();
    policies
        .execute("DROP POLICY few ON t; DROP ROLE proofs_gone")
        .unwrap();
    check(
        "load --restore-test \"$MAKER\" policies.tar",
        &[1],
        &[
            "policy few ON public.t is not tested",
            "proofs_gone",
            "can be restored",
            "is dropped",
        ],
    );
}

#[test]
fn rows_pass_no_faster_than_was_asked_for() {
    let lab = Lab::new();
    let big = Cluster::shared().database("paced").unwrap();
    big.execute(
        "CREATE TABLE big AS SELECT n, repeat('x', 1000) AS filler FROM generate_series(1, 3000) AS n",
    )
    .unwrap();
    // About 2.9 MiB, of which a tenth of a second is saved up.
    let least = Duration::from_millis(550);
    for line in [
        "dump --rate-limit 4 \"$BIG\" -o big.tar",
        "load --rate-limit 4 --jobs 4 \"$TARGET\" big.tar",
    ] {
        let output = lab.shell(line).env("BIG", big.source()).run();
        output.assert_success();
        assert!(output.elapsed() >= least, "{output}");
    }
    lab.run("dump --rate-limit 0 \"$SOURCE\" -o x.tar").assert_code(2);
}

#[test]
fn a_terminal_gets_a_bar_and_a_pipe_a_closing_line() {
    let lab = Lab::new();
    let on_terminal = |line: &str| {
        let quoted = format!("stty cols 100 rows 30; {line}");
        let output = lab
            .shell("script -qefc \"$LINE\" /dev/null")
            .env("LINE", quoted)
            .env("TERM", "xterm")
            .env("NO_COLOR", "1")
            .run();
        output.assert_success();
        output.stdout_text()
    };
    // The last tool draws, the first says its closing line alone. Slow enough to be seen.
    let shown = on_terminal(
        "dump \"$SOURCE\" | remap-schema --to seen | load --rate-limit 0.3 --read-back \"$TARGET\"",
    );
    for words in [" rows ", "/s", " left", "read back", "dump   ", "seen is live"] {
        assert!(shown.contains(words), "no `{words}` in {shown:?}");
    }
    let of_dump = shown.lines().filter(|it| it.contains("dump ")).count();
    assert_eq!(of_dump, 1, "{shown:?}");
    for line in shown.split(['\n', '\r']) {
        let mut sequences = line.split("\u{1b}[").skip(1);
        let is_colour = |it: &str| {
            it.trim_start_matches(|it: char| it.is_ascii_digit() || it == ';')
                .starts_with('m')
        };
        assert!(!sequences.any(is_colour), "a colour in {line:?}");
        let signs = line.chars().filter(|it| !it.is_control()).count();
        assert!(!line.contains('█') || signs <= 110, "{signs} signs in {line:?}");
    }
}

fn json_lines(output: &Output) -> Vec<Value> {
    let said = output.stderr();
    let lines = said.lines().filter(|it| it.starts_with('{'));
    lines.map(|it| serde_json::from_str(it).unwrap()).collect()
}

/// A target and a folder for each test; the source is one for all.
struct Lab {
    tools: Tools,
    target: Database<'static>,
    folder: tempfile::TempDir,
}

impl Lab {
    fn new() -> Self {
        Lab {
            tools: Tools::locate(),
            target: Cluster::shared().target().unwrap(),
            folder: tempfile::tempdir().unwrap(),
        }
    }

    fn shell(&self, line: &str) -> testkit::Shell {
        self.tools
            .shell(line)
            .env("SOURCE", source().conninfo(testkit::POSTGRES))
            .env("TARGET", self.target.target())
            .env("ADMIN", self.target.conninfo(testkit::POSTGRES))
            .env("MAKER", self.target.conninfo("proofs_maker"))
            .current_dir(self.folder.path())
    }

    fn run(&self, line: &str) -> Output {
        self.shell(line).run()
    }
}

fn source() -> &'static Database<'static> {
    static DATABASE: OnceLock<Database<'static>> = OnceLock::new();
    DATABASE.get_or_init(|| {
        let database = Cluster::shared().database("proofs").unwrap();
        database.execute(SOURCE).unwrap();
        database
            .execute("CREATE ROLE proofs_maker LOGIN CREATEDB")
            .unwrap();
        database
    })
}
