//! A source of some megabytes, a target, and the way on from a load that was cut off.

use std::path::PathBuf;
use std::sync::OnceLock;
use std::time::{Duration, Instant};

use testkit::{Cluster, Database, Output, POSTGRES, Shell, Tools, judge_rows};

use crate::remains;

/// About 4 MiB in tables of all sizes, with all that is made after rows.
pub(crate) const SOURCE: &str = "
CREATE TABLE kind (id integer PRIMARY KEY, name text UNIQUE NOT NULL);
INSERT INTO kind SELECT n, 'kind ' || n FROM generate_series(1, 40) AS n;
CREATE TABLE item (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, kind integer NOT NULL REFERENCES kind,
  note text NOT NULL, price numeric(10, 2));
INSERT INTO item (kind, note, price) SELECT 1 + n % 40, md5(n::text) || repeat('x', n % 60), n / 7.0
  FROM generate_series(1, 16000) AS n;
CREATE INDEX ON item (kind, note);
CREATE TABLE event (at timestamptz NOT NULL, item bigint REFERENCES item, body text);
INSERT INTO event SELECT timestamptz '2024-02-29 12:00+00' + n * interval '7 min', 1 + n % 16000, repeat(md5(n::text), 3)
  FROM generate_series(1, 9000) AS n;
CREATE TABLE doubled (a integer, b text);
INSERT INTO doubled SELECT n % 3, CASE WHEN n % 2 = 0 THEN 'same' END FROM generate_series(1, 4000) AS n;
CREATE UNLOGGED TABLE session (id integer, data text);
INSERT INTO session SELECT n, repeat('s', 90) FROM generate_series(1, 5000) AS n;
CREATE TABLE zone (kind integer REFERENCES kind, code text);
INSERT INTO zone SELECT 1 + n % 40, 'zone ' || n FROM generate_series(1, 200) AS n;
CREATE TABLE nothing (id integer);
CREATE VIEW dear AS SELECT * FROM item WHERE price > 1000;
CREATE MATERIALIZED VIEW per_kind AS SELECT kind, count(*) FROM item GROUP BY kind;";

pub(crate) const ROWS: u64 = 34_240;

/// Archives of the source under its new name, which stay from round to round.
pub(crate) const KEPT_FILE: &str = "kept.tar";
pub(crate) const KEPT_DIRECTORY: &str = "kept";

/// The schema that the source becomes.
pub(crate) const SCHEMA: &str = "k";

/// Many chunks for few rows.
pub(crate) const DUMP: &str = "dump --jobs 2 --chunk-size 1 --split-size 1 \"$SOURCE\"";
pub(crate) const REMAP: &str = "remap-schema --quiet --to k";
pub(crate) const LOAD: &str = "load --jobs 3 \"$TARGET\"";

/// How long the sessions of a load that was killed may keep its locks.
const SERVER_NOTICES_WITHIN: Duration = Duration::from_secs(20);

/// A target and a folder for one test.
pub(crate) struct Lab<'c> {
    tools: Tools,
    source: &'c Database<'c>,
    pub(crate) target: Database<'c>,
    folder: tempfile::TempDir,
    resumes: bool,
}

impl Lab<'static> {
    /// On the server that all tests share.
    pub(crate) fn shared() -> Self {
        Lab::new(source(), Cluster::shared())
    }
}

/// The source that all tests share.
pub(crate) fn source() -> &'static Database<'static> {
    static SOURCE_DATABASE: OnceLock<Database<'static>> = OnceLock::new();
    SOURCE_DATABASE.get_or_init(|| build(Cluster::shared()))
}

/// Makes the source.
pub(crate) fn build(cluster: &Cluster) -> Database<'_> {
    let database = cluster.database("crashes").unwrap();
    database.execute(SOURCE).unwrap();
    database
}

impl<'c> Lab<'c> {
    pub(crate) fn new(source: &'c Database<'c>, cluster: &'c Cluster) -> Self {
        Lab::with_target(source, cluster.target().unwrap())
    }

    pub(crate) fn with_target(source: &'c Database<'c>, target: Database<'c>) -> Self {
        let tools = Tools::locate();
        let resumes = tools.pipeline("load --help").stdout_text().contains("--resume");
        Lab {
            tools,
            source,
            target,
            folder: tempfile::tempdir().unwrap(),
            resumes,
        }
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(crate) fn shell(&self, line: &str) -> Shell {
        self.tools
            .shell(line)
            // The name tells this test's sessions on the source from those of others.
            .env(
                "SOURCE",
                format!("{} application_name={}", self.source.source(), self.target.name()),
            )
            .env("TARGET", self.target.target())
            .current_dir(self.folder.path())
    }

    pub(crate) fn run(&self, line: &str) -> Output {
        self.shell(line).run()
    }

    /// Runs a line that must succeed; how long it took.
    pub(crate) fn time(&self, line: &str) -> Duration {
        let output = self.run(line);
        output.assert_success();
        output.elapsed()
    }

    /// Whether the journal calls the load live.
    pub(crate) fn is_live(&self) -> bool {
        remains::states(&self.target).iter().any(|it| it == "live")
    }

    /// Makes [`KEPT_FILE`]; how long a load of it takes.
    pub(crate) fn keep_archive(&self) -> Duration {
        self.run(&format!("{DUMP} | {REMAP} -o {KEPT_FILE}"))
            .assert_success();
        self.time(&format!("{LOAD} {KEPT_FILE}"))
    }

    /// As [`Lab::check_way_on`] after a load that was killed; whatever was in then is not written again.
    #[track_caller]
    pub(crate) fn check_goes_on(&self, first: &Output, archive: &str) {
        let is_known = "SELECT to_regclass('coalesce.chunk') IS NOT NULL";
        if self.target.query(is_known).unwrap() == ["f"] {
            return self.check_way_on(first, None, archive);
        }
        let number = |sql: &str| self.target.query(sql).unwrap()[0].parse::<u64>().unwrap();
        let rows_in = number("SELECT COALESCE(sum(rows), 0) FROM coalesce.chunk");
        let now = number("SELECT pg_current_xact_id()");
        self.check_way_on(first, None, archive);
        let tables = ["kind", "item", "event", "doubled", "session", "zone"];
        let older =
            tables.map(|it| format!("(SELECT count(*) FROM k.{it} WHERE xmin::text::bigint < {now})"));
        let kept = number(&format!("SELECT {}", older.join(" + ")));
        assert!(
            kept >= rows_in,
            "of {rows_in} rows that were in {kept} are as they were\n{first}"
        );
    }

    /// After a line that may have loaded everything or not: goes on with `upstream | load` or `load ARCHIVE` where it
    /// has not, and then every row is there once.
    #[track_caller]
    pub(crate) fn check_way_on(&self, first: &Output, upstream: Option<&str>, archive: &str) {
        if !self.is_live() {
            assert!(!first.success(), "{first}");
            remains::assert_nothing_live(&self.target, SCHEMA, first);
            self.go_on(upstream, archive);
        }
        self.check_rows(first);
    }

    #[track_caller]
    fn go_on(&self, upstream: Option<&str>, archive: &str) {
        let (before, resume) = (
            upstream.map_or(String::new(), |it| format!("{it} | ")),
            self.resumes,
        );
        let line = format!(
            "{before}{LOAD} {} {archive}",
            if resume { "--resume" } else { "" }
        );
        if !resume && remains::states(&self.target).iter().any(|it| it == "loading") {
            remains::abandon(&self.tools, &self.target, SCHEMA);
        }
        let deadline = Instant::now() + SERVER_NOTICES_WITHIN;
        loop {
            let output = self.run(&line);
            let is_held = output.stderr().contains("another load is writing");
            if !is_held || Instant::now() > deadline {
                output.assert_success();
                return;
            }
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    /// Every row is there once, and the journal holds nothing but the run.
    #[track_caller]
    pub(crate) fn check_rows(&self, context: &Output) {
        let renamed = |_: &str| SCHEMA.to_owned();
        let (mut source, mut target) = (self.source.admin().unwrap(), self.target.admin().unwrap());
        let mut judgement = judge_rows(&mut source, &mut target, renamed).unwrap();
        if self.crashed_after_the_end() {
            // Then the server empties unlogged tables, as it does with everybody's.
            judgement
                .differing
                .retain(|it| !it.starts_with("public.session:"));
        }
        assert_eq!(judgement.differing, Vec::<String>::new(), "{context}");
        assert!(judgement.tables > 1 && judgement.rows > 100, "{judgement:?}");
        let made = |schema: &str| {
            format!(
                "SELECT (SELECT count(*) FROM {schema}.per_kind), (SELECT last_value FROM {schema}.item_id_seq),
                 (SELECT count(*) FROM pg_class WHERE relnamespace = '{schema}'::regnamespace),
                 (SELECT count(*) FROM pg_constraint
                  WHERE connamespace = '{schema}'::regnamespace AND convalidated)"
            )
        };
        let (expected, found) = (
            self.source.query(&made("public")),
            self.target.query(&made(SCHEMA)),
        );
        assert_eq!(found.unwrap(), expected.unwrap(), "{context}");
        let left = "SELECT (SELECT count(*) FROM coalesce.run WHERE state = 'loading'),
            (SELECT count(*) FROM coalesce.chunk)";
        assert_eq!(self.target.query(left).unwrap(), ["0 | 0"], "{context}");
    }

    fn crashed_after_the_end(&self) -> bool {
        let sql = "SELECT pg_postmaster_start_time() > ended_at FROM coalesce.run WHERE state = 'live'";
        self.target.query(sql).unwrap() == ["t"]
    }

    /// Removes everything that loads have left, for the next round.
    pub(crate) fn clear(&self) {
        let sql = "SET client_min_messages = warning;
            DROP SCHEMA IF EXISTS k CASCADE; DROP SCHEMA IF EXISTS coalesce CASCADE";
        self.target.client(POSTGRES).unwrap().batch_execute(sql).unwrap();
        for entry in std::fs::read_dir(self.folder.path()).unwrap() {
            let path = entry.unwrap().path();
            if path.ends_with(KEPT_FILE) || path.ends_with(KEPT_DIRECTORY) {
                continue;
            }
            if path.is_dir() {
                std::fs::remove_dir_all(path).unwrap();
            } else {
                std::fs::remove_file(path).unwrap();
            }
        }
    }
}
