//! Rows that a target refuses: the first one is named without its values, or each stands in a file with its reason and
//! all others are in. Refused rows come from functions that say on the target what they did not say in the source,
//! and from archives that were changed by hand.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking, its helpers too")]

use std::collections::BTreeMap;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::sync::OnceLock;

use archive::{Reader, TarSink, TarStore, Writer, compress, decompress};
use fingerprint::{Fingerprint, scan_chunk};
use serde_json::Value;
use testkit::{Cluster, Database, Output, Tools};

mod remains;

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

#[test]
fn refused_rows_stand_in_files_and_all_others_go_live() {
    for form in ["binary", "csv"] {
        let bench = Bench::new(form);
        let output = bench.load("--on-error reject --rejects rejected --format json");
        output.assert_code(1).assert_stderr_contains("92 more rejected");
        let report: Value = serde_json::from_slice(output.stdout()).unwrap();
        assert_eq!(report["rejected"]["rows"], 92, "{report:#}");
        assert_eq!(bench.reported(&report), bench.expected(), "{report:#}");
        assert_eq!(
            report["rejected"]["not_valid"],
            serde_json::json!(["foreign key lines_person_fkey of there.lines"])
        );
        output.assert_stderr_contains(
            "there.people: 37 of 10,000 rows rejected (SQLSTATE 23514: 37), see rejected (",
        );
        output.assert_stderr_contains("foreign key lines_person_fkey of there.lines is NOT VALID");
        assert_eq!(
            bench
                .target
                .query("SELECT conname, convalidated FROM pg_constraint WHERE contype = 'f' ORDER BY 1")
                .unwrap(),
            ["fine_lines_person_fkey | t", "lines_person_fkey | f"]
        );
        bench.check_journal(&report);
        let files = bench.files("rejected");
        assert!(
            files.keys().filter(|it| it.contains("there.people-")).count() > 1,
            "{:?}",
            files.keys()
        );
        let told = files.iter().find(|(it, _)| it.contains("there.told-")).unwrap().1;
        assert_eq!(
            *told,
            "id,secret,coalesce_row,coalesce_sqlstate,coalesce_column,coalesce_message,coalesce_hex\n\
             7,hush7,7,P0001,,no hush7 here,\n17,hush17,17,P0001,,no hush17 here,\n"
        );

        // What a person does with them.
        bench.put_back("rejected");
        bench
            .run("verify \"$SOURCE\" \"$TARGET\" --to there")
            .assert_success();
        bench
            .target
            .execute("ALTER TABLE there.lines VALIDATE CONSTRAINT lines_person_fkey")
            .unwrap();
    }
}

#[test]
fn the_same_rows_are_rejected_again_unless_they_are_too_many() {
    let bench = Bench::new("binary");
    let refused = bench.load("--on-error reject --rejects first --reject-max 91");
    refused
        .assert_code(5)
        .assert_stderr_contains("more than 91 rows were refused")
        .assert_stderr_contains("the last one is of there.");
    remains::assert_nothing_live(&bench.target, "there", &refused);
    remains::abandon(&bench.tools, &bench.target, "there");
    assert_eq!(
        bench
            .target
            .query("SELECT count(*) FROM coalesce.rejected")
            .unwrap(),
        ["0"]
    );

    bench
        .load("--on-error reject --rejects first")
        .assert_code(2)
        .assert_stderr_contains("is not empty");
    bench
        .load("--on-error reject --rejects second --reject-max 92")
        .assert_code(1);
    let (first, second) = (bench.files("first"), bench.files("second"));
    assert!(!first.is_empty());
    for (name, rows) in &first {
        assert_eq!(second.get(name), Some(rows), "{name}");
    }
    for (path, mode) in [
        (bench.folder.path().join("second"), 0o700),
        (
            bench
                .folder
                .path()
                .join("second")
                .join(second.keys().next().unwrap()),
            0o600,
        ),
    ] {
        assert_eq!(
            path.metadata().unwrap().permissions().mode() & 0o777,
            mode,
            "{}",
            path.display()
        );
    }
}

#[test]
fn values_that_a_type_does_not_read_are_found_in_both_forms() {
    let bench = Bench::new("csv");
    let edit = |table: &str, rows: &[u8]| -> Vec<u8> {
        let text = String::from_utf8(rows.to_vec()).unwrap();
        match table {
            "edges" => text
                .replace("\n20,row", "\n2O,row")
                .replace("\n1,", "\n\"\",")
                .replace("\n50,", "\nL,"),
            "tagged" => text.replacen("\n10,\"{calm,NULL}\"", "\n10,\"{calm,grim}\"", 1),
            "wide" => text.replace("it's, \"\"odd\"\"", "even"),
            "seen" => text.replace("there.tagged", "there.absent"),
            _ => text,
        }
        .into_bytes()
    };
    bench.forge(str::to_owned, edit);
    bench.load("--on-error reject --rejects rejected").assert_code(1);
    let files = bench.files("rejected");
    let reasons = |table: &str| -> Vec<String> {
        let file = files
            .iter()
            .find(|(it, _)| it.contains(&format!("there.{table}-")))
            .unwrap()
            .1;
        let words = ["22P02", "23514", "42P01"];
        file.lines()
            .flat_map(|line| words.iter().filter(move |it| line.contains(*it)))
            .map(|it| (*it).to_owned())
            .collect()
    };
    assert_eq!(reasons("edges"), ["22P02"; 3]);
    assert_eq!(reasons("wide"), ["22P02", "23514"]);
    assert_eq!(reasons("tagged").iter().filter(|it| *it == "22P02").count(), 1);
    assert_eq!(reasons("seen"), ["42P01"]);
    let tagged = files
        .iter()
        .find(|(it, _)| it.contains("there.tagged-"))
        .unwrap()
        .1;
    let line = "\n10,\"{calm,grim}\",\"\",10,22P02,moods,\"invalid input value for enum there.mood: \"\"grim\"\"\",\n";
    assert!(tagged.contains(line), "{tagged}");
}

#[test]
fn bytes_that_no_type_reads_are_shown_as_they_are() {
    let bench = Bench::new("binary");
    let (address, strange) = (
        b"\x02\x08\x00\x04\x0a\x00\x00\x01",
        b"\x09\x08\x00\x04\x0a\x00\x00\x01",
    );
    bench.forge(
        |sql| sql.replace("n % 271 <> 5", "true"),
        |table, rows| {
            let mut rows = rows.to_vec();
            let Some(place) = rows.windows(8).position(|it| it == address) else {
                return Vec::new();
            };
            assert_eq!(table, "wide");
            rows[place..place + 8].copy_from_slice(strange);
            rows
        },
    );
    bench
        .load("--on-error reject --rejects rejected")
        .assert_code(1)
        .assert_stderr_contains("there.wide: 1 of 3 rows rejected (SQLSTATE 22P03: 1), see rejected/");
    let files = bench.files("rejected");
    let shown = files.values().next().unwrap().lines().nth(1).unwrap();
    let readable = "276,\\x00ff,12.50000,-0,0044-03-15 00:00:00 BC,1 mon -2 days,\"[2:3]={1,NULL}\",ab  ,xyz,101,\
                    \"it's, \"\"odd\"\"\",\"{\"\"a\"\": 1}\",a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11,\\x090800040a000001,1,";
    assert!(shown.starts_with(readable), "{shown}");
    assert!(
        shown.contains("1,22P03,net,") && shown.ends_with(",net"),
        "{shown}"
    );
}

#[test]
fn the_first_refused_row_is_named_without_its_values() {
    let bench = Bench::new("csv");
    let only = |wanted: &'static str, from: &'static str, to: &'static str| {
        move |table: &str, rows: &[u8]| {
            if table == wanted {
                String::from_utf8(rows.to_vec())
                    .unwrap()
                    .replace(from, to)
                    .into_bytes()
            } else {
                Vec::new()
            }
        }
    };
    let harmless = |sql: &str| sql.replace("n % 271 <> 5", "true");
    bench.forge(harmless, only("people", "\n9000,", "\nhush,"));
    let stopped = bench.load("--jobs 2");
    stopped.assert_code(5);
    let said = ", row 9,000 of the table, column id of type integer\n  ERROR: invalid input syntax for type integer: … \
                (SQLSTATE 22P02)\n";
    stopped.assert_stderr_contains("rows of there.people could not be written: row ");
    stopped
        .assert_stderr_contains(said)
        .assert_stderr_contains("--on-error reject --rejects DIR");
    assert!(!stopped.stderr().contains("hush"), "{stopped}");
    remains::assert_nothing_live(&bench.target, "there", &stopped);
    remains::abandon(&bench.tools, &bench.target, "there");

    bench.forge(harmless, only("told", "hush", "hush"));
    let stopped = bench.load("");
    let said = "rows of there.told could not be written: row 7 of chunk 0\n  ERROR: (SQLSTATE P0001)\n";
    stopped.assert_code(5).assert_stderr_contains(said);
    assert!(!stopped.stderr().contains("hush"), "{stopped}");
    remains::abandon(&bench.tools, &bench.target, "there");
    bench
        .load("--verbose")
        .assert_code(5)
        .assert_stderr_contains("no hush7 here");
    remains::abandon(&bench.tools, &bench.target, "there");

    // What is not the row's fault is not taken for it.
    let full = |sql: &str| sql.replace("'no % here', t;", "'no % here', t USING ERRCODE = '53100';");
    bench.forge(full, only("told", "hush", "hush"));
    let stopped = bench.load("--on-error reject --rejects rejected");
    stopped.assert_code(5).assert_stderr_contains("SQLSTATE 53100");
    assert!(bench.files("rejected").is_empty());
    remains::assert_nothing_live(&bench.target, "there", &stopped);
}

/// A source's archive under new names, and a target of its own.
struct Bench {
    tools: Tools,
    target: Database<'static>,
    folder: tempfile::TempDir,
    form: &'static str,
}

impl Bench {
    fn new(form: &'static str) -> Self {
        let bench = Bench {
            tools: Tools::locate(),
            target: Cluster::shared().target().unwrap(),
            folder: tempfile::tempdir().unwrap(),
            form,
        };
        std::fs::write(bench.folder.path().join("there.tar"), archive(form)).unwrap();
        bench
    }

    fn run(&self, line: &str) -> Output {
        self.tools
            .shell(line)
            .env("SOURCE", source().source())
            .env("TARGET", self.target.target())
            .current_dir(self.folder.path())
            .run()
    }

    fn load(&self, options: &str) -> Output {
        self.run(&format!("load \"$TARGET\" there.tar {options}"))
    }

    fn expected(&self) -> BTreeMap<String, Value> {
        let reasons = |(table, rows, sqlstate): &(&str, usize, &str)| {
            (format!("there.{table}"), serde_json::json!({ *sqlstate: rows }))
        };
        REFUSED.iter().map(reasons).collect()
    }

    fn reported(&self, report: &Value) -> BTreeMap<String, Value> {
        let tables = report["rejected"]["tables"].as_array().unwrap().iter();
        tables
            .map(|it| (it["table"].as_str().unwrap().to_owned(), it["reasons"].clone()))
            .collect()
    }

    /// What the journal keeps and what the target holds is what the archive had.
    fn check_journal(&self, report: &Value) {
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

    fn files(&self, folder: &str) -> BTreeMap<String, String> {
        let files = std::fs::read_dir(self.folder.path().join(folder)).unwrap();
        files
            .map(|it| it.unwrap().path())
            .map(|it| (file_name(&it), std::fs::read_to_string(&it).unwrap()))
            .collect()
    }

    /// Loads the files by `\copy`, as the documentation says, when nothing refuses their rows any more.
    fn put_back(&self, folder: &str) {
        let mut script = String::from(
            "CREATE OR REPLACE FUNCTION there.fits(n integer) RETURNS boolean IMMUTABLE LANGUAGE sql AS 'SELECT true';
             CREATE OR REPLACE FUNCTION there.suits(t text) RETURNS boolean IMMUTABLE LANGUAGE sql AS 'SELECT true';\n",
        );
        for name in self.files(folder).keys() {
            let path = self.folder.path().join(folder).join(name);
            let table = REFUSED
                .iter()
                .find(|it| name.contains(&format!("there.{}-", it.0)))
                .unwrap()
                .0;
            script += &format!(
                "CREATE TEMP TABLE mended AS TABLE there.{table} WITH NO DATA;
                 ALTER TABLE mended ADD coalesce_row bigint, ADD coalesce_sqlstate text, ADD coalesce_column text,
                   ADD coalesce_message text, ADD coalesce_hex text;
                 \\copy mended FROM '{}' WITH (FORMAT csv, HEADER)
                 ALTER TABLE mended DROP coalesce_row, DROP coalesce_sqlstate, DROP coalesce_column,
                   DROP coalesce_message, DROP coalesce_hex;
                 INSERT INTO there.{table} TABLE mended;
                 DROP TABLE mended;\n",
                path.display()
            );
        }
        self.target.psql(script.as_bytes()).unwrap();
    }

    /// Changes definitions and rows of the archive, with everything that vouches for them; no bytes, no chunk.
    fn forge(&self, edit_sql: impl Fn(&str) -> String, edit: impl Fn(&str, &[u8]) -> Vec<u8>) {
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
