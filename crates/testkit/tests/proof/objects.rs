//! `verify` names every object of a source that its target lacks: beside tables with rows, whatever has a name.

use serde_json::Value;
use testkit::{Cluster, Database, Output, POSTGRES, Tools};

const SOURCE: &str = "
CREATE TYPE mood AS ENUM ('calm');
CREATE DOMAIN small AS integer CONSTRAINT is_small CHECK (VALUE < 10);
CREATE TABLE users (id integer PRIMARY KEY, email text CONSTRAINT has_email CHECK (email <> ''), doubled integer
  GENERATED ALWAYS AS (2 * id) STORED);
CREATE INDEX idx_users_email ON users (email);
CREATE VIEW names AS SELECT email FROM users;
CREATE MATERIALIZED VIEW counts AS SELECT count(*) FROM users;
CREATE FUNCTION half(integer) RETURNS integer LANGUAGE sql AS 'SELECT $1 / 2';
CREATE FUNCTION half(bigint) RETURNS bigint LANGUAGE sql AS 'SELECT $1 / 2';
CREATE FUNCTION touch() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
CREATE TRIGGER touched BEFORE UPDATE ON users FOR EACH ROW EXECUTE FUNCTION touch();
CREATE POLICY mine ON users USING (true);
CREATE SEQUENCE tickets;
CREATE TABLE events (id integer REFERENCES users, at date) PARTITION BY RANGE (at);
CREATE TABLE events_1 PARTITION OF events FOR VALUES FROM ('2024-01-01') TO ('2025-01-01');
CREATE TABLE bare (id integer) PARTITION BY RANGE (id);
-- PostgreSQL names what the foreign key makes for each partition, and leaves a gap in the names.
CREATE TABLE spans (id integer PRIMARY KEY) PARTITION BY RANGE (id);
CREATE TABLE spans_0 PARTITION OF spans FOR VALUES FROM (0) TO (10);
CREATE TABLE spans_1 PARTITION OF spans FOR VALUES FROM (10) TO (20);
CREATE TABLE spans_2 PARTITION OF spans FOR VALUES FROM (20) TO (30);
CREATE TABLE refs (span integer CONSTRAINT to_spans REFERENCES spans);
ALTER TABLE spans DETACH PARTITION spans_0;
CREATE FOREIGN DATA WRAPPER nothing;
CREATE SERVER nowhere FOREIGN DATA WRAPPER nothing;
CREATE FOREIGN TABLE far (id integer) SERVER nowhere;";

/// Statements that take something away, with everything that must be said of it.
const CHANGES: [(&str, &[&str]); 16] = [
    (
        "DROP INDEX there.idx_users_email",
        &["index there.idx_users_email  missing"],
    ),
    ("DROP VIEW there.names", &["view there.names  missing"]),
    (
        "DROP MATERIALIZED VIEW there.counts",
        &["materialized view there.counts  missing"],
    ),
    (
        "DROP FUNCTION there.half(bigint)",
        &["function there.half(bigint)  missing"],
    ),
    (
        "DROP FUNCTION there.half(bigint); DROP FUNCTION there.half(integer)",
        &[
            "function there.half(bigint)  missing",
            "function there.half(integer)  missing",
        ],
    ),
    (
        "DROP TRIGGER touched ON there.users",
        &["trigger touched of there.users  missing"],
    ),
    (
        "ALTER TABLE there.users DROP CONSTRAINT has_email",
        &["constraint has_email of there.users  missing"],
    ),
    (
        "ALTER TABLE there.users DROP CONSTRAINT users_pkey CASCADE",
        &[
            "constraint events_id_fkey of there.events  missing",
            "constraint users_pkey of there.users  missing",
        ],
    ),
    (
        "ALTER TABLE there.refs DROP CONSTRAINT to_spans",
        &["constraint to_spans of there.refs  missing"],
    ),
    (
        "DROP POLICY mine ON there.users",
        &["policy mine of there.users  missing"],
    ),
    ("DROP TYPE there.mood", &["type there.mood  missing"]),
    (
        "ALTER DOMAIN there.small DROP CONSTRAINT is_small",
        &["constraint is_small of there.small  missing"],
    ),
    (
        "DROP TABLE there.bare",
        &["partitioned table there.bare  missing"],
    ),
    (
        "DROP FOREIGN TABLE there.far",
        &["foreign table there.far  missing"],
    ),
    (
        "DROP SEQUENCE there.tickets",
        &["sequence there.tickets  missing"],
    ),
    (
        "ALTER TABLE there.users DROP COLUMN doubled",
        &["column doubled of there.users  missing"],
    ),
];

/// What stands for the source on a line: the database, its archive, and its archive under new names.
const LINES: [&str; 3] = [
    "verify \"$SOURCE\" \"$TARGET\" --to there",
    "verify plain.tar \"$TARGET\" --to there",
    "verify moved.tar \"$TARGET\"",
];

#[test]
fn objects_that_went_missing_are_named() {
    let bench = Bench::new();
    for line in LINES {
        let (text, json) = bench.run(line, bench.target.name());
        text.assert_success();
        assert_eq!(json["objects"], serde_json::json!([]), "{json:#}");
    }
    for (sql, expected) in CHANGES {
        bench.check(sql, expected);
    }
}

/// A source, its archives, and a target that holds it as schema `there`.
struct Bench {
    tools: Tools,
    source: Database<'static>,
    target: Database<'static>,
    folder: tempfile::TempDir,
}

impl Bench {
    fn new() -> Self {
        let cluster = Cluster::shared();
        let bench = Bench {
            tools: Tools::locate(),
            source: cluster.database("objects").unwrap(),
            target: cluster.database("objects_there").unwrap(),
            folder: tempfile::tempdir().unwrap(),
        };
        bench.source.execute(SOURCE).unwrap();
        let line = "dump \"$SOURCE\" -o plain.tar && remap-schema --to there plain.tar -o moved.tar && \
                    load \"$TARGET\" moved.tar";
        bench.output(line, bench.target.name()).assert_success();
        bench
    }

    /// After `sql` on a copy of the target, exactly the lines `expected` are said, whatever the source is.
    #[track_caller]
    fn check(&self, sql: &str, expected: &[&str]) {
        let (cluster, template) = (self.target.cluster(), self.target.name());
        let copy = format!("{template}_changed");
        let mut admin = cluster.client(POSTGRES, POSTGRES).unwrap();
        for statement in [
            format!("DROP DATABASE IF EXISTS {copy} WITH (FORCE)"),
            format!("CREATE DATABASE {copy} TEMPLATE {template}"),
        ] {
            admin.batch_execute(&statement).unwrap();
        }
        cluster
            .client(&copy, POSTGRES)
            .unwrap()
            .batch_execute(sql)
            .unwrap();
        for line in LINES {
            let (text, json) = self.run(line, &copy);
            text.assert_code(1);
            let found = testkit::finding_lines(&json, &["difference"]);
            let mut lines: Vec<&str> = found
                .iter()
                .filter_map(|it| it.strip_prefix("schema: "))
                .collect();
            lines.sort_unstable();
            assert_eq!(lines, expected, "{sql}\n{text}");
            assert_eq!(json["identical"], false, "{json:#}");
        }
    }

    /// The report as text, and as JSON from a second run that must end with the same code.
    #[track_caller]
    fn run(&self, line: &str, target: &str) -> (Output, Value) {
        let text = self.output(line, target);
        let json = self.output(&format!("{line} --format json"), target);
        assert_eq!(json.code(), text.code(), "{json}");
        let report = serde_json::from_slice(json.stdout()).unwrap_or_else(|error| panic!("{error}\n{json}"));
        (text, report)
    }

    fn output(&self, line: &str, target: &str) -> Output {
        let shell = self
            .tools
            .shell(line)
            .env("SOURCE", self.source.source())
            .env("TARGET", self.target.cluster().conninfo(target, POSTGRES));
        shell.current_dir(self.folder.path()).run()
    }
}
