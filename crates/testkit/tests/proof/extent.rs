//! What is compared of two databases that are not quite alike, and what is left of the proof where less is asked for.

use serde_json::Value;
use testkit::{Cluster, Database, Output, Tools};

/// Both sides begin as the same; the target's tables stand in schema `there`.
const BOTH: &str = "
CREATE TYPE mood AS ENUM ('calm', 'cross');
CREATE TABLE plain (id int PRIMARY KEY, mood mood, doc json, note text, at timestamptz);
INSERT INTO plain SELECT n, 'calm', '{\"a\": 1}', 'note ' || n, '2024-02-29 12:00+00' FROM generate_series(1, 20000) n;
CREATE TABLE \"Odd name\" (a int, b text);
INSERT INTO \"Odd name\" VALUES (1, 'x'), (1, 'x');
CREATE TABLE lacks (id int PRIMARY KEY, gone text, kept text);
INSERT INTO lacks VALUES (1, 'a', 'b');
CREATE TABLE lacks_more (LIKE lacks INCLUDING ALL);
INSERT INTO lacks_more SELECT * FROM lacks;
CREATE TABLE turned (a int, b text, c date);
INSERT INTO turned VALUES (1, 'b', '2024-02-29');
CREATE TABLE retyped (id int, price numeric(10, 2), code char(5), whole int, flag int);
INSERT INTO retyped VALUES (1, 5.00, 'ab', 7, 1), (2, -0.10, NULL, 8, 0);
CREATE TABLE rounded (id int, whole int);
INSERT INTO rounded VALUES (1, 6);
CREATE TABLE parts (k int, v text) PARTITION BY LIST (k);
CREATE TABLE parts_1 PARTITION OF parts FOR VALUES IN (1);
INSERT INTO parts VALUES (1, 'one');
CREATE TABLE divided (k int, v text);
INSERT INTO divided VALUES (1, 'one'), (2, 'two');
CREATE TABLE scale (id int PRIMARY KEY, n numeric);
INSERT INTO scale VALUES (1, 1.0);
CREATE FUNCTION half(int) RETURNS int LANGUAGE sql IMMUTABLE AS 'SELECT $1 / 2';
CREATE TABLE calculated (id int PRIMARY KEY, n int, twice int GENERATED ALWAYS AS (n * 2) STORED,
  more int GENERATED ALWAYS AS (n + 1) STORED);
INSERT INTO calculated SELECT n, n FROM generate_series(1, 50) n;";

/// What somebody changed by hand, and every change is one that `verify` judges by itself.
const BY_HAND: &str = "
ALTER TABLE there.lacks DROP gone;
ALTER TABLE there.lacks_more DROP gone; UPDATE there.lacks_more SET kept = 'other';
ALTER TABLE there.turned RENAME TO old;
CREATE TABLE there.turned (c date, a int, b text); INSERT INTO there.turned SELECT c, a, b FROM there.old;
DROP TABLE there.old;
ALTER TABLE there.retyped ALTER id TYPE bigint, ALTER price TYPE double precision, ALTER code TYPE text,
  ALTER whole TYPE text, ALTER flag TYPE boolean USING flag::boolean;
ALTER TABLE there.rounded ALTER whole TYPE numeric; UPDATE there.rounded SET whole = 5.7;
UPDATE there.scale SET n = 1.00;
DROP TABLE there.divided; CREATE TABLE there.divided (v text, k int) PARTITION BY LIST (k);
CREATE TABLE there.divided_1 PARTITION OF there.divided FOR VALUES IN (1);
CREATE TABLE there.divided_more PARTITION OF there.divided DEFAULT; INSERT INTO there.divided VALUES ('one', 1), ('two', 2);
ALTER TABLE there.calculated DROP twice; ALTER TABLE there.calculated
  ADD twice int GENERATED ALWAYS AS (CASE n WHEN 7 THEN 0 ELSE n * 2 END) STORED;";

struct Pair {
    source: Database<'static>,
    target: Database<'static>,
    folder: tempfile::TempDir,
}

impl Pair {
    fn new() -> Self {
        let (source, target) = (
            Cluster::shared().database("extent").unwrap(),
            Cluster::shared().target().unwrap(),
        );
        source.execute(BOTH).unwrap();
        target
            .execute(&format!("CREATE SCHEMA there; SET search_path = there; {BOTH}"))
            .unwrap();
        let owner = testkit::TARGET_OWNER;
        target.execute(BY_HAND).unwrap();
        target
            .execute(&format!(
                "GRANT USAGE ON SCHEMA there TO {owner}; GRANT SELECT ON ALL TABLES IN SCHEMA there TO {owner}"
            ))
            .unwrap();
        let folder = tempfile::tempdir().unwrap();
        Pair {
            source,
            target,
            folder,
        }
    }

    fn run(&self, line: &str) -> Output {
        let shell = Tools::locate().shell(line);
        let shell = shell
            .env("SOURCE", self.source.source())
            .env("TARGET", self.target.target());
        shell.current_dir(self.folder.path()).run()
    }

    fn report(&self, line: &str) -> Value {
        let output = self.run(&format!("{line} --format json"));
        serde_json::from_slice(output.stdout()).unwrap_or_else(|error| panic!("{error}\n{output}"))
    }
}

const LIVE: &str = "verify \"$SOURCE\" \"$TARGET\" --to there";

fn verdict<'a>(report: &'a Value, table: &str) -> &'a str {
    let tables = report["tables"].as_array().unwrap();
    let found = tables.iter().find(|it| it["table"] == table);
    found.unwrap_or_else(|| panic!("no {table} in {report:#}"))["verdict"]
        .as_str()
        .unwrap()
}

#[test]
fn a_table_is_compared_by_what_both_sides_have() {
    let pair = Pair::new();
    pair.run("dump \"$SOURCE\" --rows binary -o binary.tar && dump \"$SOURCE\" --rows csv -o text.tar")
        .assert_success();
    for line in [
        LIVE,
        "remap-schema --to there binary.tar | verify - \"$TARGET\"",
        "remap-schema --to there text.tar | verify - \"$TARGET\"",
    ] {
        let is_live = line == LIVE;
        let report = pair.report(line);
        for (table, expected) in [
            ("plain", "identical"),
            ("turned", "identical"),
            ("retyped", "identical"),
            ("parts_1", "identical"),
            ("divided", "identical"),
            ("lacks", "column gone is missing on the target"),
            (
                "lacks_more",
                "column gone is missing on the target; same count, values differ",
            ),
            ("rounded", "same count, values differ"),
            ("scale", "same count, values differ"),
            (
                "calculated",
                if is_live {
                    "values of generated columns differ: twice"
                } else {
                    "identical"
                },
            ),
        ] {
            assert_eq!(
                verdict(&report, &format!("there.{table}")),
                expected,
                "{line}: {report:#}"
            );
        }
        let tables = report["tables"].as_array().unwrap();
        let is_part = |it: &Value| it["table"].as_str().unwrap().starts_with("there.divided_");
        assert!(!tables.iter().any(is_part), "{report:#}");
        if is_live {
            let of_rounded = tables.iter().find(|it| it["table"] == "there.rounded").unwrap();
            let found = &of_rounded["differing_rows"];
            assert_eq!(
                (&found["missing"], &found["extra"]),
                (&1.into(), &1.into()),
                "{report:#}"
            );
        }
        let said = report["not_compared"].to_string();
        assert!(
            said.contains("column gone of there.lacks: the target does not have it"),
            "{report:#}"
        );
        assert_eq!(
            said.contains("generated column more of there.calculated"),
            !is_live,
            "{report:#}"
        );
    }
    let text = pair.run(LIVE);
    text.assert_code(1);
    let shown = text.stdout_text();
    assert!(
        shown.contains("rows: table there.retyped  same values, types differ (compared ")
            && shown.contains("price as numeric(10,2)"),
        "{text}"
    );
    less_is_proved_by_less(&pair);
}

/// `--table`, `--quick` and `--sample`, each told as what it is.
fn less_is_proved_by_less(pair: &Pair) {
    for (options, tables) in [
        ("--table 'public.pla*'", vec!["there.plain"]),
        (
            "--table 'there.turned' --table parts",
            vec!["there.parts_1", "there.turned"],
        ),
        ("--table '\"Odd name\"'", vec!["there.\"Odd name\""]),
    ] {
        let report = pair.report(&format!("{LIVE} {options}"));
        let names = report["tables"]
            .as_array()
            .unwrap()
            .iter()
            .map(|it| it["table"].as_str().unwrap());
        assert_eq!(names.collect::<Vec<_>>(), tables, "{report:#}");
        assert_eq!(report["identical"], true, "{report:#}");
        assert!(report["limits"].to_string().contains("--table"), "{report:#}");
    }
    pair.run(&format!("{LIVE} --table nothing"))
        .assert_code(2)
        .assert_stderr_contains("--table nothing matches nothing");

    let quick = pair.report(&format!("{LIVE} --quick"));
    for (table, expected) in [
        ("plain", "same count and server's hash"),
        // The blind spot: both numbers are equal.
        ("scale", "same count and server's hash"),
        ("turned", "same count and server's hash"),
        ("rounded", "same count, values differ"),
    ] {
        assert_eq!(verdict(&quick, &format!("there.{table}")), expected, "{quick:#}");
    }
    assert!(quick["limits"].to_string().contains("1.0 and 1.00"), "{quick:#}");

    let sample = |seed: u32| {
        let line = format!("{LIVE} --table plain --sample 10 --seed {seed}");
        pair.run(&line).assert_success();
        pair.report(&line)["tables"].clone()
    };
    let first = sample(7);
    let shown = first.to_string();
    assert!(shown.contains("of 20,000 rows compared"), "{first:#}");
    assert_eq!(first, sample(7));
    assert_ne!(first, sample(8));

    // What no key of the sample has: counts tell, and no hash overlooks it.
    pair.target
        .execute("DELETE FROM there.plain WHERE id = 5; UPDATE there.plain SET mood = 'cross' WHERE id = 9")
        .unwrap();
    pair.run(&format!("{LIVE} --table plain --sample 10"))
        .assert_code(1);
    let report = pair.report(&format!("{LIVE} --quick --table plain"));
    assert_eq!(verdict(&report, "there.plain"), "1 row fewer on the target");
    pair.target
        .execute("INSERT INTO there.plain SELECT 5, mood, doc, 'note 5', at FROM there.plain WHERE id = 4")
        .unwrap();
    let report = pair.report(&format!("{LIVE} --quick --table plain"));
    assert_eq!(verdict(&report, "there.plain"), "same count, values differ");
    for option in ["--quick", "--sample 5"] {
        pair.run(&format!("verify text.tar \"$TARGET\" --to there {option}"))
            .assert_code(2)
            .assert_stderr_contains("SOURCE is an archive");
    }
}

#[test]
fn what_dump_left_out_is_told_and_no_difference() {
    let source = Cluster::shared().database("filtered").unwrap();
    source
        .execute(
            "CREATE TABLE orders (id int PRIMARY KEY, n int); INSERT INTO orders SELECT n, n FROM generate_series(1, 20) n;
             CREATE TABLE log (t text); INSERT INTO log VALUES ('x'), ('y');
             CREATE TABLE secret (t text); INSERT INTO secret VALUES ('z')",
        )
        .unwrap();
    let target = Cluster::shared().target().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let run = |line: &str, user: &str| {
        let shell = Tools::locate().shell(line);
        let shell = shell
            .env("SOURCE", source.source())
            .env("TARGET", target.conninfo(user));
        shell.current_dir(folder.path()).run()
    };
    let owner = testkit::TARGET_OWNER;
    run(
        "dump \"$SOURCE\" --where 'public.orders=id <= 15' --exclude-table-data log --exclude-table secret -o part.tar && \
         remap-schema --to there part.tar | load \"$TARGET\"",
        owner,
    )
    .assert_success();
    for line in [LIVE, "verify part.tar \"$TARGET\" --to there"] {
        let output = run(line, owner);
        let shown = output.assert_success().stdout_text();
        for said in [
            "2 tables identical, 15 rows",
            "--exclude-table-data log",
            "id <= 15",
        ] {
            assert!(shown.contains(said), "{said}: {output}");
        }
    }
    // Another role's conditions are not run, and that is said.
    let output = run(LIVE, testkit::SOURCE_READER);
    output.assert_code(1);
    assert!(
        output.stdout_text().contains("verify as the role that loaded"),
        "{output}"
    );
    // The source moves on: rows beyond the condition change nothing, others do, and the archive is still the truth.
    source.execute("INSERT INTO orders VALUES (99, 1)").unwrap();
    run(LIVE, owner).assert_success();
    source.execute("UPDATE orders SET n = 0 WHERE id = 3").unwrap();
    let output = run(LIVE, owner);
    output.assert_code(1);
    assert!(output.stdout_text().contains("~ (3) n: 0 → 3"), "{output}");
    run("verify part.tar \"$TARGET\" --to there", owner).assert_success();
    target.execute("DELETE FROM there.orders WHERE id = 4").unwrap();
    run("verify part.tar \"$TARGET\" --to there", owner).assert_code(1);
}
