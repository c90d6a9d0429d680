//! A source with rows that its target will refuse, its archive, honest or changed by hand, and a target.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::OnceLock;

use archive::{Reader, TarSink, TarStore, Writer, compress, decompress};
use fingerprint::{Fingerprint, scan_chunk};
use serde_json::Value;
use testkit::{Cluster, Database, Output, Tools};

/// Rows go in while `fits` takes everything. Of `people` 37 are refused later, in several chunks.
const SOURCE: &str = "
CREATE FUNCTION fits(n integer) RETURNS boolean IMMUTABLE LANGUAGE sql AS 'SELECT true';
CREATE FUNCTION suits(t text) RETURNS boolean IMMUTABLE LANGUAGE sql AS 'SELECT true';
CREATE DOMAIN even AS integer CHECK (fits(VALUE));
CREATE TYPE mood AS ENUM ('calm', 'cross', 'it''s, \"odd\"');
CREATE TABLE people (id integer PRIMARY KEY CHECK (fits(id)), note text);
INSERT INTO people SELECT n, repeat('x', 220) || n FROM generate_series(1, 10000) AS n;
CREATE TABLE tagged (id integer CHECK (fits(id)), moods mood[], note text);
INSERT INTO tagged SELECT n, '{calm,NULL}', CASE n % 3 WHEN 0 THEN NULL WHEN 1 THEN '' ELSE E'a\\n\"b\",\\\\.' END
  FROM generate_series(1, 2000) AS n;
CREATE TABLE edges (id integer CHECK (fits(id + 999000)), note text);
INSERT INTO edges SELECT n, 'row ' || n FROM generate_series(1, 50) AS n;
CREATE TABLE nothing (id even, at timestamptz);
INSERT INTO nothing SELECT 5 + 271 * n, '2024-02-29 12:00+00' FROM generate_series(1, 40) AS n;
CREATE TABLE wide (id integer CHECK (fits(id)), b bytea, n numeric(20,5), f float8, t timestamp, i interval,
  a integer[], c char(4), v varchar(3), bits bit(3), m mood, j jsonb, u uuid, net inet, d even);
INSERT INTO wide VALUES
  (276, '\\x00ff', '12.50000', '-0', '0044-03-15 BC', '1 mon -2 days', '[2:3]={1,NULL}', 'ab', 'xyz', '101',
   'it''s, \"odd\"', '{\"a\": 1}', 'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11', '10.0.0.1/8', 1),
  (276, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL),
  (2, '', 0, 1, now()::timestamp, '0', '{}', '', '', '000', 'calm', '[]', NULL, '::1', 2);
CREATE TABLE told (id integer, secret text CHECK (suits(secret)));
INSERT INTO told SELECT n, 'hush' || n FROM generate_series(1, 20) AS n;
CREATE TABLE lines (person integer REFERENCES people, edge integer);
INSERT INTO lines SELECT n FROM generate_series(1, 300) AS n;
CREATE TABLE fine_lines (person integer REFERENCES people);
INSERT INTO fine_lines VALUES (1);
CREATE TABLE parts (id integer CHECK (fits(id))) PARTITION BY RANGE (id);
CREATE TABLE parts_low PARTITION OF parts FOR VALUES FROM (0) TO (276);
CREATE TABLE parts_high PARTITION OF parts DEFAULT;
INSERT INTO parts SELECT generate_series(270, 280);
CREATE TABLE seen (id integer, relation regclass);
INSERT INTO seen VALUES (1, 'people'), (2, 'people_pkey'), (3, 'tagged');
CREATE OR REPLACE FUNCTION fits(n integer) RETURNS boolean IMMUTABLE LANGUAGE sql
  AS 'SELECT n % 271 <> 5 AND n NOT IN (999001, 999050)';
CREATE OR REPLACE FUNCTION suits(t text) RETURNS boolean IMMUTABLE LANGUAGE plpgsql AS $$
BEGIN IF t LIKE '%7' THEN RAISE EXCEPTION 'no % here', t; END IF; RETURN true; END $$;";

/// What is refused of each table, with the SQLSTATE.
const REFUSED: [(&str, usize, &str); 7] = [
    ("people", 37, "23514"),
    ("tagged", 8, "23514"),
    ("edges", 2, "23514"),
    ("nothing", 40, "23514"),
    ("wide", 2, "23514"),
    ("told", 2, "P0001"),
    ("parts_high", 1, "23514"),
];

/// A source's archive under new names, and a target of its own.
pub(crate) struct Bench {
    pub(crate) tools: Tools,
    pub(crate) target: Database<'static>,
    pub(crate) folder: tempfile::TempDir,
    form: &'static str,
}

impl Bench {
    pub(crate) fn new(form: &'static str) -> Self {
        let bench = Bench {
            tools: Tools::locate(),
            target: Cluster::shared().target().unwrap(),
            folder: tempfile::tempdir().unwrap(),
            form,
        };
        std::fs::write(bench.folder.path().join("there.tar"), archive(form)).unwrap();
        bench
    }

    pub(crate) fn run(&self, line: &str) -> Output {
        self.tools
            .shell(line)
            .env("SOURCE", source().source())
            .env("TARGET", self.target.target())
            .current_dir(self.folder.path())
            .run()
    }

    pub(crate) fn load(&self, options: &str) -> Output {
        self.run(&format!("load \"$TARGET\" there.tar {options}"))
    }

    pub(crate) fn expected() -> BTreeMap<String, Value> {
        let reasons = |(table, rows, sqlstate): &(&str, usize, &str)| {
            (format!("there.{table}"), serde_json::json!({ *sqlstate: rows }))
        };
        REFUSED.iter().map(reasons).collect()
    }

    pub(crate) fn reported(report: &Value) -> BTreeMap<String, Value> {
        let tables = report["rejected"]["tables"].as_array().unwrap().iter();
        tables
            .map(|it| (it["table"].as_str().unwrap().to_owned(), it["reasons"].clone()))
            .collect()
    }

    /// What the journal keeps and what the target holds is what the archive had.
    pub(crate) fn check_journal(&self, report: &Value) {
        for table in report["rejected"]["tables"].as_array().unwrap() {
            let name = table["table"].as_str().unwrap();
            let all = report["tables"]
                .as_array()
                .unwrap()
                .iter()
                .find(|it| it["table"] == name)
                .unwrap();
            let kept = self
                .target
                .query(&format!("SELECT count(*) FROM ONLY {name}"))
                .unwrap();
            let kept: u64 = kept[0].parse().unwrap();
            assert_eq!(
                kept + table["rows"].as_u64().unwrap(),
                all["rows"].as_u64().unwrap(),
                "{name}"
            );
            let noted = self
                .target
                .query(&format!(
                    "SELECT sum(rows), min(length(sum)) FROM coalesce.rejected WHERE table_name = '{name}'"
                ))
                .unwrap();
            assert_eq!(noted, [format!("{} | 32", table["rows"])]);
        }
    }

    pub(crate) fn files(&self, folder: &str) -> BTreeMap<String, String> {
        let files = std::fs::read_dir(self.folder.path().join(folder)).unwrap();
        files
            .map(|it| it.unwrap().path())
            .map(|it| (file_name(&it), std::fs::read_to_string(&it).unwrap()))
            .collect()
    }

    /// Loads the files by `\copy`, as the documentation says, when nothing refuses their rows any more.
    pub(crate) fn put_back(&self, folder: &str) {
        let mut script = String::from(
            "CREATE OR REPLACE FUNCTION there.fits(n integer) RETURNS boolean IMMUTABLE LANGUAGE sql AS 'SELECT true';
             CREATE OR REPLACE FUNCTION there.suits(t text) RETURNS boolean IMMUTABLE LANGUAGE sql AS 'SELECT true';\n",
        );
        let parts = self.files(folder).into_keys().map(|name| {
            let path = self.folder.path().join(folder).join(&name);
            let table = REFUSED
                .iter()
                .find(|it| name.contains(&format!("there.{}-", it.0)))
                .unwrap()
                .0;
            format!(
                "CREATE TEMP TABLE mended AS TABLE there.{table} WITH NO DATA;
                 ALTER TABLE mended ADD coalesce_row bigint, ADD coalesce_sqlstate text, ADD coalesce_column text,
                   ADD coalesce_message text, ADD coalesce_hex text;
                 \\copy mended FROM '{}' WITH (FORMAT csv, HEADER)
                 ALTER TABLE mended DROP coalesce_row, DROP coalesce_sqlstate, DROP coalesce_column,
                   DROP coalesce_message, DROP coalesce_hex;
                 INSERT INTO there.{table} TABLE mended;
                 DROP TABLE mended;\n",
                path.display()
            )
        });
        script.extend(parts);
        self.target.psql(script.as_bytes()).unwrap();
    }

    /// Changes definitions and rows of the archive, with everything that vouches for them; no bytes, no chunk.
    pub(crate) fn forge(&self, edit_sql: impl Fn(&str) -> String, edit: impl Fn(&str, &[u8]) -> Vec<u8>) {
        let mut reader = Reader::new(TarStore::new(archive(self.form))).unwrap();
        let texts = reader.schema().unwrap();
        let header = reader.header().clone();
        let mut writer = Writer::new(TarSink::new(Vec::new()), &header).unwrap();
        for (member, sql) in texts {
            writer.schema(member, &edit_sql(&sql)).unwrap();
        }
        while let Some((rows, _)) = reader.next_chunk().unwrap() {
            let chunk = decompress(rows.codec, reader.chunk_bytes().unwrap(), rows.raw).unwrap();
            let table = &header.catalog.tables[usize::try_from(rows.table).unwrap()];
            let chunk = edit(&table.name, &chunk);
            if chunk.is_empty() {
                continue;
            }
            let names: Vec<&str> = table.stored_columns().map(|it| it.name.as_str()).collect();
            let fingerprint: Fingerprint = scan_chunk(rows.form, names, &chunk).unwrap();
            let (raw, stored) = (chunk.len() as u64, compress(rows.codec, chunk).unwrap());
            writer
                .chunk(rows.table, rows.codec, raw, &stored, &fingerprint)
                .unwrap();
        }
        reader.finish().unwrap();
        let forged = writer.finish().unwrap().0;
        std::fs::write(self.folder.path().join("there.tar"), forged).unwrap();
    }
}

fn file_name(path: &Path) -> String {
    path.file_name().unwrap().to_str().unwrap().to_owned()
}

/// The source in this form, as schema `there`.
fn archive(form: &str) -> &'static [u8] {
    static ARCHIVES: [OnceLock<Vec<u8>>; 2] = [const { OnceLock::new() }; 2];
    ARCHIVES[usize::from(form == "csv")].get_or_init(|| {
        let line = format!("dump \"$SOURCE\" --rows {form} --chunk-size 1 | remap-schema --to there");
        let dumped = Tools::locate()
            .shell(&line)
            .env("SOURCE", source().source())
            .run();
        dumped.assert_success().stdout().to_vec()
    })
}

fn source() -> &'static Database<'static> {
    static DATABASE: OnceLock<Database<'static>> = OnceLock::new();
    DATABASE.get_or_init(|| {
        let database = Cluster::shared().database("rejects").unwrap();
        database.execute(SOURCE).unwrap();
        database
    })
}
