//! `verify queries`: the same statements on both sides. What nothing in a statement decides is no difference, whatever
//! the order in which rows stand; what the target answers otherwise, later or not at all is one.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking, its helpers too")]

#[path = "queries/schema.rs"]
mod schema;

use serde_json::Value;
use testkit::{Cluster, Database, Desk, Output, SOURCE_READER, Skipped, TARGET_OWNER, target_word};

/// `ROWS` is how the rows of a side are sorted when they are written.
const TABLES: &str = "
CREATE TYPE mood AS ENUM (MOODS);
CREATE TABLE orders (id integer PRIMARY KEY, customer integer, total numeric, mood mood, weight float8, note text);
INSERT INTO orders SELECT n, n % 500, n % 7 + 0.50, CASE n % 2 WHEN 0 THEN 'calm' ELSE 'cross' END::mood, CASE n WHEN 1 THEN 1e20 WHEN 2 THEN -1e20 ELSE 1 END,
    nullif('note ' || n % 3, 'note 0') FROM generate_series(1, 10000) AS n ORDER BY n ROWS;
CREATE INDEX orders_customer ON orders (customer);
CREATE TABLE marks (mark text, place integer);
INSERT INTO marks SELECT 'm' || n % 3, n FROM generate_series(1, 12) AS n ORDER BY n ROWS;
CREATE VIEW dear AS SELECT * FROM orders WHERE total > 5;
CREATE VIEW any_one AS SELECT place FROM marks LIMIT 1;
CREATE FUNCTION writes() RETURNS integer LANGUAGE plpgsql AS $$ BEGIN INSERT INTO marks VALUES ('x', 1); RETURN 1; END $$;
ANALYZE orders;";

const FILE: &str = "\
-- name: totals
SELECT mood, count(*), sum(total) FROM orders GROUP BY mood;
-- name: by its schema
SELECT o.id, public.orders.note FROM public.dear o JOIN public.orders USING (id) WHERE public.orders.note IS NULL;
-- name: ties
SELECT mark, place FROM marks ORDER BY mark;
-- name: ties that are cut
SELECT mark, place FROM marks ORDER BY mark LIMIT 5 OFFSET 1;
-- name: a page
SELECT id, mood FROM orders WHERE id <= 40 ORDER BY mood LIMIT 20 OFFSET 20;
-- name: by an expression
SELECT id FROM orders WHERE id < 50 ORDER BY total * 2 DESC, customer % 5;
-- name: moods in order
SELECT id, mood FROM orders WHERE id <= 40 ORDER BY mood, id;
-- name: any rows
SELECT id FROM orders LIMIT 3;
-- name: in any order
SELECT array_agg(place) FROM marks;
-- name: through a view
SELECT * FROM any_one;
-- name: of this moment
SELECT clock_timestamp();
-- name: floats
SELECT sum(weight) FROM orders;
-- name: values
-- params: 7, 'note 1', calm
-- params: 8, NULL, 'cross'
SELECT count(*), min(id) FROM orders WHERE customer = $1 AND (note = $2 OR $2 IS NULL) AND mood = $3;
-- name: no values
SELECT * FROM orders WHERE customer = $1;
-- name: no values for a view
SELECT * FROM dear WHERE customer = $1;
-- name: it writes
SELECT writes();
-- name: one customer
SELECT count(*) FROM orders WHERE customer = 77;
-- name: along a path
-- search_path: other, public
SELECT note FROM marks;";

struct Bench {
    desk: Desk,
    source: Database<'static>,
    target: Database<'static>,
}

impl Bench {
    /// The target has the same rows in the opposite order, in schema `shop`.
    fn new() -> Bench {
        let source = Cluster::shared().database("queries").unwrap();
        let tables = |moods: &str, rows: &str| TABLES.replace("MOODS", moods).replace("ROWS", rows);
        let other = "CREATE SCHEMA OTHER; CREATE TABLE OTHER.marks (note text); INSERT INTO OTHER.marks VALUES ('o');";
        source.execute(&tables("'calm', 'cross'", "ASC")).unwrap();
        source.execute(&other.replace("OTHER", "other")).unwrap();
        let target = Cluster::shared().target().unwrap();
        let mut owner = target.client(TARGET_OWNER).unwrap();
        owner
            .batch_execute("CREATE SCHEMA shop; SET search_path TO shop")
            .unwrap();
        owner.batch_execute(&tables("'calm', 'cross'", "DESC")).unwrap();
        owner
            .batch_execute(&other.replace("OTHER", "shop_other"))
            .unwrap();
        let desk = Desk::shared();
        std::fs::write(desk.path("file.sql"), FILE).unwrap();
        Bench { desk, source, target }
    }

    fn change(&self, sql: &str) {
        let mut owner = self.target.client(TARGET_OWNER).unwrap();
        owner
            .batch_execute(&format!("SET search_path TO shop; {sql}"))
            .unwrap();
    }

    /// `arguments` stand behind SOURCE and TARGET.
    fn run(&self, arguments: &str) -> Output {
        let (source, target) = (self.source.name(), target_word(&self.target));
        let line = arguments.replace("SOURCE", source).replace("TARGET", &target);
        self.desk.run(&format!("verify queries {line}"))
    }

    #[track_caller]
    fn report(&self, arguments: &str, code: i32) -> Value {
        let output = self.run(&format!("{arguments} --format json"));
        output.assert_code(code);
        let report: Value = serde_json::from_slice(output.stdout()).unwrap_or_else(|_| panic!("{output}"));
        schema::assert_described(&report);
        assert_eq!(report["identical"], code == 0, "{report:#}");
        report
    }
}

/// `name: result (property, property)` of each statement.
fn results(report: &Value) -> Vec<String> {
    let statements = report["statements"].as_array().unwrap().iter();
    let line = |it: &Value| {
        let findings = it["findings"].as_array().unwrap().iter();
        let properties: Vec<&str> = findings.map(|it| it["property"].as_str().unwrap()).collect();
        let (name, result) = (it["statement"].as_str().unwrap(), it["result"].as_str().unwrap());
        format!("{name}: {result} ({})", properties.join(", "))
    };
    statements.map(line).collect()
}

fn finding(report: &Value, name: &str) -> Value {
    let statements = report["statements"].as_array().unwrap();
    let found = statements.iter().find(|it| it["statement"] == name);
    found.unwrap()["findings"][0].clone()
}

const BOTH: &str = "SOURCE TARGET --map public=shop --map other=shop_other --file file.sql";

#[test]
fn statements_are_compared_by_what_they_decide() {
    let bench = Bench::new();
    let report = bench.report(&format!("{BOTH} --runs 2"), 0);
    let expected = [
        "totals: identical ()",
        "by its schema: identical ()",
        "ties: identical ()",
        "ties that are cut: identical ()",
        "a page: identical ()",
        "by an expression: identical ()",
        "moods in order: identical ()",
        "any rows: not_compared (rows)",
        "in any order: not_compared (rows)",
        "through a view: not_compared (rows)",
        "of this moment: not_compared (answer)",
        "floats: not_compared (rows)",
        "values (1): identical ()",
        "values (2): identical ()",
        "no values: not_compared (answer)",
        "no values for a view: not_compared (answer)",
        "it writes: not_compared (answer)",
        "one customer: identical ()",
        "along a path: identical ()",
    ];
    assert_eq!(results(&report), expected, "{report:#}");
    let writes = finding(&report, "it writes")["note"].to_string();
    assert!(writes.contains("read-only transaction"), "{writes}");

    let kept = bench.run("SOURCE --file file.sql --save before.json --runs 2 --clients 2");
    kept.assert_success();
    assert!(kept.stdout_text().contains("19 statements kept"), "{kept}");
    bench
        .run("SOURCE --file file.sql --save before.json --runs 0")
        .assert_code(2)
        .assert_stderr_contains("before.json");
    let later = "TARGET --map public=shop --map other=shop_other --baseline before.json --runs 2";
    let report = bench.report(&format!("{later} --clients 2"), 0);
    assert_eq!(report["from_baseline"], true);
    assert_eq!(
        report["load"]["source"]["statements"],
        report["load"]["target"]["statements"]
    );
    let later_results = results(&report);
    for line in expected.iter().filter(|it| !it.starts_with("no values")) {
        let name = line.split(" (").next().unwrap();
        assert!(
            later_results.iter().any(|it| it.starts_with(name)),
            "{line}: {report:#}"
        );
    }

    plant(&bench);
    let faults = [
        "totals: different (rows differ)",
        "ties: different (rows)",
        "ties that are cut: different (rows differ)",
        "a page: different (rows differ)",
        "moods in order: different (order differs)",
        "along a path: different (columns)",
    ];
    let lines = |report: &Value| {
        results(report)
            .into_iter()
            .filter(|it| it.contains(": different"))
    };
    let report = bench.report(&format!("{BOTH} --runs 0"), 1);
    assert_eq!(
        lines(&report).collect::<Vec<_>>(),
        [
            faults[0],
            "by its schema: different (fails on the target)",
            faults[1],
            faults[2],
            faults[3],
            faults[4],
            "no values for a view: different (fails on the target)",
            faults[5],
        ],
        "{report:#}"
    );
    let report = bench.report(later, 1);
    assert_eq!(lines(&report).count(), 8, "{report:#}");
}

#[test]
fn a_column_with_its_new_name_is_no_difference() {
    let source = Cluster::shared().database("odd").unwrap();
    source
        .execute("CREATE TABLE \"Odd\" (\"OneColumn\" integer); INSERT INTO \"Odd\" VALUES (1)")
        .unwrap();
    let target = Cluster::shared().target().unwrap();
    let mut owner = target.client(TARGET_OWNER).unwrap();
    owner
        .batch_execute("CREATE SCHEMA shop; CREATE TABLE shop.odd AS SELECT 1 AS one_column")
        .unwrap();
    let desk = Desk::shared();
    let path = desk.path("odd.sql");
    std::fs::write(
        path,
        "SELECT * FROM public.\"Odd\"; -- name: not of the next\nSELECT count(*) FROM \"Odd\";",
    )
    .unwrap();
    let line = format!(
        "{} {} --to shop --snake-case",
        source.name(),
        target_word(&target)
    );
    let output = desk.run(&format!("verify queries {line} --file odd.sql --runs 0"));
    output.assert_success();
    assert!(
        output.stdout_text().contains("1 identical, 1 not compared"),
        "{output}"
    );
    assert!(!output.stdout_text().contains("not of the next"), "{output}");
}

/// A fault for each way in which an answer can differ.
fn plant(bench: &Bench) {
    bench.change(
        "UPDATE orders SET total = total + 1 WHERE id = 10000;
         DROP VIEW dear;
         DELETE FROM marks WHERE place = 12;
         ALTER TABLE orders ALTER mood TYPE text; ALTER TYPE mood RENAME TO former;
         CREATE TYPE mood AS ENUM ('cross', 'calm'); ALTER TABLE orders ALTER mood TYPE mood USING mood::mood;
         ALTER TABLE shop_other.marks ALTER note TYPE varchar;",
    );
}

#[test]
fn what_is_slower_and_why_is_told() {
    let bench = Bench::new();
    bench.change(
        "DROP INDEX orders_customer;
         CREATE OR REPLACE VIEW any_one AS SELECT place FROM marks, pg_sleep(0.03) LIMIT 1;",
    );
    std::fs::write(
        bench.desk.path("slow.sql"),
        "-- name: sleepy\nSELECT count(*) FROM any_one;\n-- name: one\nSELECT * FROM orders WHERE customer = 7;",
    )
    .unwrap();
    let line = "SOURCE TARGET --to shop --file slow.sql --runs 3";
    let report = bench.report(line, 0);
    assert_eq!(finding(&report, "sleepy")["weight"], "advice", "{report:#}");
    let report = bench.report(&format!("{line} --max-slowdown 2 --plans --clients 2"), 1);
    assert_eq!(finding(&report, "sleepy")["property"], "plan", "{report:#}");
    assert_eq!(
        finding(&report, "one")["property"],
        "sequential scan",
        "{report:#}"
    );
    assert_eq!(finding(&report, "one")["weight"], "difference", "{report:#}");
    assert_eq!(
        report["findings"][0]["property"], "slower under load",
        "{report:#}"
    );
    let text = bench.run(&format!("{line} --max-slowdown 2"));
    text.assert_code(1);
    assert!(text.stdout_text().contains("same answer, slower"), "{text}");
}

#[test]
fn what_is_no_query_is_refused_before_anything_runs() {
    let bench = Bench::new();
    let all = "SELECT 1;\nDELETE FROM marks;\nSELECT * FROM marks FOR UPDATE;\nSELECT nextval('s');\nEXPLAIN SELECT 1;\n\
               -- params: 1, 2\nSELECT $1::int;";
    std::fs::write(bench.desk.path("wrong.sql"), all).unwrap();
    let refused = bench.run("SOURCE TARGET --file wrong.sql");
    refused.assert_code(2);
    for line in [
        "line 2: DELETE is no query",
        "line 3: it locks rows",
        "line 4: it calls nextval()",
        "line 5: EXPLAIN is no query",
        "line 7: it has 1 parameters and 2 values",
    ] {
        refused.assert_stderr_contains(line);
    }
    std::fs::write(
        bench.desk.path("missing.sql"),
        "SELECT 1;\nSELECT * FROM nowhere;",
    )
    .unwrap();
    bench
        .run("SOURCE TARGET --file missing.sql")
        .assert_code(2)
        .assert_stderr_contains("(line 2): relation \"nowhere\" does not exist");
    for (line, words) in [
        ("SOURCE TARGET", "--file"),
        ("SOURCE --file file.sql", "--save"),
        ("SOURCE TARGET --baseline file.sql", "TARGET alone"),
        ("TARGET --baseline file.sql", "file.sql"),
        ("SOURCE TARGET --file file.sql --max-slowdown 0.5", "1 or more"),
        (
            "SOURCE TARGET --from-pg-stat-statements 3",
            "pg_stat_statements is not installed",
        ),
    ] {
        let output = bench.run(line);
        assert!(matches!(output.code(), Some(2 | 4)), "{output}");
        output.assert_stderr_contains(words);
    }
}

#[test]
fn the_heaviest_statements_of_a_source_are_asked() {
    let cluster = Cluster::shared();
    if let Ok(missing) = cluster.missing_extensions(&["pg_stat_statements"])
        && !missing.is_empty()
    {
        let _ = Skipped::because("the server has no pg_stat_statements");
        return;
    }
    let cluster = Cluster::start_with(&[("shared_preload_libraries", "pg_stat_statements")]).unwrap();
    let source = cluster.database("heavy").unwrap();
    source
        .execute(
            "CREATE SCHEMA tools; CREATE EXTENSION pg_stat_statements SCHEMA tools;
             CREATE TABLE t AS SELECT n FROM generate_series(1, 500) AS n; SELECT tools.pg_stat_statements_reset();",
        )
        .unwrap();
    for statement in [
        "SELECT count(*) FROM t a, t b",
        "SELECT n FROM t WHERE n = 5",
        "CREATE TABLE u AS TABLE t",
    ] {
        source.execute(statement).unwrap();
    }
    let desk = Desk::shared();
    let run = || {
        let words = source.conninfo(SOURCE_READER);
        let line = "verify queries \"$BOTH\" \"$BOTH\" --from-pg-stat-statements 2 --runs 1 --format json";
        desk.shell(line).env("BOTH", words).run()
    };
    run()
        .assert_code(4)
        .assert_stderr_contains("GRANT pg_read_all_stats TO");
    source
        .execute(&format!("GRANT pg_read_all_stats TO {SOURCE_READER}"))
        .unwrap();
    let output = run();
    output.assert_success();
    let report: Value = serde_json::from_slice(output.stdout()).unwrap();
    schema::assert_described(&report);
    assert_eq!(
        results(&report)[..1],
        ["SELECT count(*) FROM t a, t b: identical ()"],
        "{report:#}"
    );
    let generic = &report["statements"][1];
    assert_eq!(generic["result"], "not_compared", "{report:#}");
    assert!(
        generic["statement"].as_str().unwrap().contains("$1"),
        "{report:#}"
    );
}
