//! Values that are names of objects name the same objects on the target, as they do after PostgreSQL's own
//! `ALTER SCHEMA … RENAME`.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking, its helpers too")]

use std::path::Path;

use serde_json::{Value, json};
use testkit::{Cluster, Database, Desk, POSTGRES, target_word};

const SOURCE: &str = include_str!("../fixtures/stored_names.sql");

const TABLES: [&str; 4] = ["of_relations", "of_tables", "of_others", "of_none"];

fn source() -> Database<'static> {
    let source = Cluster::shared().database("named").unwrap();
    source.execute(SOURCE).unwrap();
    source
}

fn source_of(sql: &str) -> Database<'static> {
    let source = Cluster::shared().database("named").unwrap();
    source.execute(sql).unwrap();
    source
}

fn new_target() -> Database<'static> {
    Cluster::shared().target().unwrap()
}

fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

/// What PostgreSQL makes of the values when it renames the schemas itself; extensions stay in `public`.
fn rename(source: &Database<'_>, names: &[(&str, &str)]) {
    let extensions = |to: &str| {
        ["citext", "pg_trgm"]
            .map(|it| format!("ALTER EXTENSION {it} SET SCHEMA {to};"))
            .concat()
    };
    let renames: Vec<String> = names
        .iter()
        .map(|(old, new)| format!("ALTER SCHEMA {} RENAME TO {};", quoted(old), quoted(new)))
        .collect();
    source
        .execute(&format!(
            "CREATE SCHEMA waiting; {} {} CREATE SCHEMA public; {} DROP SCHEMA waiting",
            extensions("waiting"),
            renames.concat(),
            extensions("public"),
        ))
        .unwrap();
}

/// All rows as PostgreSQL writes them, in order; what an OID by itself means is nobody's to say.
fn rows(database: &Database<'_>, schema: &str) -> Vec<String> {
    let mut found = Vec::new();
    for table in TABLES {
        let values = if table == "of_others" {
            "(id, p, f, o, b, t, c, g, d, n, r)"
        } else {
            "it"
        };
        let sql = format!(
            "SET search_path = ''; SELECT {values} FROM {}.{table} it ORDER BY id",
            quoted(schema)
        );
        found.extend(database.query(&sql).unwrap());
    }
    found
}

#[track_caller]
fn check(to: &str) {
    let (desk, source, target) = (Desk::shared(), source(), new_target());
    let (name, word) = (source.name(), target_word(&target));
    for line in [
        format!("dump {name} -o before.tar"),
        format!("dump {name} | remap-schema --strict --to '{to}' | load {word}"),
        format!("remap-schema --strict --to '{to}' before.tar -o after.tar"),
        format!("verify {name} {word} --to '{to}'"),
        format!("verify before.tar {word} --to '{to}'"),
        format!("verify after.tar {word}"),
        "verify --archive after.tar".to_owned(),
    ] {
        desk.run(&line).assert_success();
    }
    let other = format!("{to}_Odd \"name\"");
    rename(&source, &[("public", to), ("Odd \"name\"", &other)]);
    let (expected, found) = (rows(&source, to), rows(&target, to));
    assert_eq!(found, expected);
    // Other places than those that are meant still say what they said.
    let said = format!(
        "SELECT count(*) FROM {}.of_none WHERE note = 'public.people'",
        quoted(to)
    );
    assert_eq!(target.query(&said).unwrap(), ["100"]);
    let fires = format!(
        "INSERT INTO {}.of_relations (id, self) VALUES (2000, 0)",
        quoted(to)
    );
    let refused = target.execute(&fires).unwrap_err();
    assert!(
        refused.chain().contains("a trigger was fired"),
        "{}",
        refused.chain()
    );
}

#[test]
fn every_value_names_the_object_that_postgresql_names() {
    check("shop");
}

#[test]
fn every_value_is_quoted_as_postgresql_quotes_it() {
    check("Two, \"words\" {\\}");
}

#[test]
fn values_follow_objects_that_get_a_prefix() {
    let (desk, source, target) = (Desk::shared(), source(), new_target());
    // With the prefix its name would be too long.
    let long = format!("\"{}3\"", "s".repeat(62));
    source
        .execute(&format!(
            "DELETE FROM of_relations WHERE self = '{long}'::regclass; DELETE FROM of_others WHERE t IS NOT NULL; DROP TABLE {long}"
        ))
        .unwrap();
    let (name, word) = (source.name(), target_word(&target));
    let flags = "--to shop --prefix p_";
    for line in [
        format!("dump {name} | remap-schema --strict {flags} | load {word}"),
        format!("verify {name} {word} {flags}"),
    ] {
        desk.run(&line).assert_success();
    }
    let named = |database: &Database<'_>, table: &str, prefix: &str| {
        let sql = format!(
            "SELECT it.id, CASE WHEN c.oid >= 16384 THEN '{prefix}' ELSE '' END || c.relname
             FROM {table} it JOIN pg_class c ON c.oid = it.self AND it.named IS NOT DISTINCT FROM it.several[1]
               AND (it.row).what IS NOT DISTINCT FROM it.named ORDER BY it.id"
        );
        database.query(&sql).unwrap()
    };
    let expected = named(&source, "public.of_relations", "p_");
    assert!(expected.len() > 25, "{expected:?}");
    assert_eq!(named(&target, "shop.p_of_relations", ""), expected);
}

#[test]
fn values_of_a_plain_restore_find_the_indexes_that_they_name() {
    let (desk, source, target) = (Desk::shared(), source(), new_target());
    let (name, word) = (source.name(), target_word(&target));
    for line in [
        format!("dump {name} | load {word}"),
        format!("verify {name} {word}"),
    ] {
        desk.run(&line).assert_success();
    }
    assert_eq!(rows(&target, "public"), rows(&source, "public"));
}

#[test]
fn another_object_in_a_value_is_a_difference() {
    for (table, change) in [
        (
            "of_tables",
            "UPDATE shop.of_tables SET what = 'shop.of_none' WHERE id = 7",
        ),
        (
            "of_relations",
            "UPDATE shop.of_relations SET rows[1].what = 'shop.of_none' WHERE id = 3",
        ),
        (
            "of_others",
            "UPDATE shop.of_others SET n = 'public' WHERE n = 'shop'::regnamespace",
        ),
    ] {
        let (desk, source, target) = (Desk::shared(), source(), new_target());
        let (name, word) = (source.name(), target_word(&target));
        for line in [
            format!("dump {name} -o it.tar"),
            format!("remap-schema --to shop it.tar | load {word}"),
        ] {
            desk.run(&line).assert_success();
        }
        target.execute(change).unwrap();
        for line in [
            format!("verify {name} {word} --to shop"),
            format!("verify it.tar {word} --to shop"),
            format!("remap-schema --to shop it.tar | verify - {word}"),
        ] {
            let output = desk.run(&line);
            assert_eq!(output.stages().last(), Some(&1), "{output}");
            let said = output.stdout_text();
            let different: Vec<&str> = said.lines().filter(|it| it.contains(" differ")).collect();
            assert!(different[0].starts_with(&format!("shop.{table} ")), "{output}");
        }
    }
}

fn end(path: &Path) -> Value {
    serde_json::from_slice(&std::fs::read(path.join("end.json")).unwrap()).unwrap()
}

/// What the end member says of the table called `name`: its record, and the checksums of its chunks.
fn of_table(path: &Path, name: &str) -> (Value, Vec<String>) {
    let header: Value = serde_json::from_slice(&std::fs::read(path.join("archive.json")).unwrap()).unwrap();
    let tables = header["catalog"]["tables"].as_array().unwrap();
    let number = tables.iter().position(|it| it["name"] == name).unwrap();
    let end = end(path);
    let record = end["tables"]
        .as_array()
        .unwrap()
        .iter()
        .find(|it| it["table"] == number);
    let chunks = end["members"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|it| it["rows"]["table"] == number);
    let sums = chunks.map(|it| it["sha256"].as_str().unwrap().to_owned());
    (record.unwrap().clone(), sums.collect())
}

#[test]
fn both_fingerprints_are_recorded_and_other_chunks_keep_their_bytes() {
    let (desk, source, target) = (Desk::shared(), source(), new_target());
    let (name, word) = (source.name(), target_word(&target));
    for line in [
        format!("dump {name} -o first/"),
        "remap-schema --map 'public=once' first -o second/".to_owned(),
        "remap-schema --map 'once=twice' second -o third/".to_owned(),
        "remap-schema --map 'Odd \"name\"=odd' third -o fourth/".to_owned(),
        format!("load {word} fourth"),
        format!("verify {name} {word} --map public=twice --map 'Odd \"name\"=odd'"),
    ] {
        desk.run(&line).assert_success();
    }
    let [first, second, third, fourth] = ["first", "second", "third", "fourth"].map(|it| desk.path(it));
    let (of_source, stored) = of_table(&first, "of_tables");
    assert_eq!(of_source["source_fingerprint"], Value::Null);
    let mut seen = vec![(of_source["fingerprint"].clone(), stored)];
    for archive in [&second, &third] {
        let (record, stored) = of_table(archive, "of_tables");
        assert_eq!(record["source_fingerprint"], of_source["fingerprint"]);
        let now = (record["fingerprint"].clone(), stored);
        assert!(seen.iter().all(|it| it.0 != now.0 && it.1 != now.1), "{now:?}");
        seen.push(now);
    }
    // Nothing in these rows has a new name this time, and other tables never have any.
    assert_eq!(of_table(&fourth, "of_tables"), of_table(&third, "of_tables"));
    for archive in [&second, &third, &fourth] {
        assert_eq!(of_table(archive, "of_none"), of_table(&first, "of_none"));
    }
}

#[test]
fn the_archive_says_where_names_stand() {
    let (desk, source) = (Desk::shared(), source());
    desk.run(&format!("dump {} --rows binary -o it/", source.name()))
        .assert_success();
    let header: Value =
        serde_json::from_slice(&std::fs::read(desk.path("it/archive.json")).unwrap()).unwrap();
    let tables = header["catalog"]["tables"].as_array().unwrap();
    let number = tables.iter().position(|it| it["name"] == "of_relations").unwrap();
    let class = json!({"object": "regclass"});
    let seen = json!({"composite": [class, null, {"array": {"object": "regtype"}}]});
    let deep = json!({"composite": [null, seen, {"array": seen}]});
    for (column, expected) in [
        ("id", &Value::Null),
        ("named", &class),
        ("square", &json!({"array": class})),
        ("holders", &json!({"array": {"array": class}})),
        ("rows", &json!({"array": seen})),
        ("depth", &deep),
    ] {
        let columns = tables[number]["columns"].as_array().unwrap();
        let found = columns.iter().find(|it| it["name"] == column).unwrap();
        assert_eq!(&found["names"], expected, "{column}");
    }
    let forms = header["forms"].as_array().unwrap();
    let form = |name: &str| {
        let number = tables.iter().position(|it| it["name"] == name).unwrap();
        forms.iter().find(|it| it["table"] == number).unwrap()["form"].clone()
    };
    assert_eq!([form("of_relations"), form("of_none")], ["text", "binary"]);
}

#[test]
fn every_codec_is_written_as_it_was_read() {
    for codec in ["none", "gzip", "zstd"] {
        let target = new_target();
        let source = source_of(
            "CREATE TABLE big (id integer PRIMARY KEY, what regclass, note text);
             INSERT INTO big SELECT n, 'big', repeat(md5(n::text), 4) FROM generate_series(1, 20000) n",
        );
        let (desk, name, word) = (Desk::shared(), source.name(), target_word(&target));
        for line in [
            format!("dump {name} --compress {codec} --chunk-size 1 -o old/"),
            "remap-schema --to shop old -o new/".to_owned(),
            format!("load {word} new"),
            format!("verify {name} {word} --to shop"),
        ] {
            desk.run(&line).assert_success();
        }
        let records = |folder: &str| -> Vec<(Value, Value)> {
            let end = end(&desk.path(folder));
            let members = end["members"].as_array().unwrap();
            let of_rows = members.iter().filter(|it| it["kind"] == "rows");
            of_rows
                .map(|it| (it["rows"]["codec"].clone(), it["rows"]["rows"].clone()))
                .collect()
        };
        assert_eq!(records("new"), records("old"));
        assert!(records("new").len() > 2 && records("new")[0].0 == codec);
    }
}

/// A value of `seen.what` that means nothing on the target.
#[track_caller]
fn check_unresolved(sql: &str, says: &str) {
    let (desk, target) = (Desk::shared(), new_target());
    let source = source_of(sql);
    let (name, word) = (source.name(), target_word(&target));
    let output = desk.run(&format!("dump {name} | remap-schema --to x -o it.tar"));
    output.assert_success().assert_stderr_contains(says);
    let output = desk.run(&format!(
        "dump {name} | remap-schema --strict --to x -o strict.tar"
    ));
    assert_eq!(output.stages(), [0, 1], "{output}");
    output.assert_stderr_contains(says);
    assert!(!desk.path("strict.tar").exists());
    // What is downstream has had its rows already, and must not make them live.
    let output = desk.run(&format!(
        "dump {name} | remap-schema --strict --to x | load {word}"
    ));
    assert_eq!(output.stages()[1], 1, "{output}");
    assert!(matches!(output.stages()[2], 5 | 6), "{output}");
    let granted = "SELECT count(*) FROM coalesce.run WHERE state = 'live'";
    assert_eq!(target.query(granted).unwrap(), ["0"]);
}

#[test]
fn values_that_resolve_to_nothing_are_findings() {
    check_unresolved(
        "CREATE TABLE gone (); CREATE TABLE seen (id int, what regclass);
         INSERT INTO seen VALUES (1, 'gone'), (2, 'gone'), (3, 'seen'); DROP TABLE gone",
        "public.seen: 2 values of column what resolve to nothing: ",
    );
    check_unresolved(
        "CREATE TABLE seen (id int, what regproc[]); INSERT INTO seen VALUES (1, ARRAY['pg_catalog.abs(int)'::regprocedure::oid])",
        "public.seen: 1 value of column what resolves to nothing: pg_catalog.abs (there are several pg_catalog.abs)",
    );
    check_unresolved(
        "CREATE FUNCTION f() RETURNS int LANGUAGE sql AS 'SELECT 1'; CREATE FUNCTION f(int) RETURNS int LANGUAGE sql AS 'SELECT 1';
         CREATE TABLE seen (id int, what regproc); INSERT INTO seen VALUES (1, 'f(int)'::regprocedure::oid)",
        "1 value of column what resolves to nothing: public.f (there are several public.f)",
    );
    check_unresolved(
        "CREATE TYPE span AS RANGE (SUBTYPE = regclass);
         CREATE TABLE seen (id int, what span); INSERT INTO seen VALUES (1, '[seen,seen]'), (2, 'empty')",
        "1 value of column what resolves to nothing: the bounds of a range",
    );
    check_unresolved(
        "CREATE TABLE seen (id int, what regclass, note text);
         INSERT INTO seen SELECT 1, reltoastrelid FROM pg_class WHERE oid = 'seen'::regclass",
        "it belongs to one database alone",
    );
    check_unresolved(
        "CREATE EXTENSION citext; CREATE TABLE seen (id int, what regclass[]);
         CREATE SCHEMA coalesce; COMMENT ON SCHEMA coalesce IS 'journal of Coalesce: loads into this database';
         CREATE TABLE coalesce.run (); INSERT INTO seen VALUES (1, '{coalesce.run}')",
        "coalesce.run is not in the archive",
    );
}

#[test]
fn a_gone_object_stays_a_number() {
    let (desk, target) = (Desk::shared(), new_target());
    let source = source_of(
        "CREATE TABLE seen (id int PRIMARY KEY, what regclass); INSERT INTO seen VALUES (1, 4000000000), (2, 'seen_pkey')",
    );
    let (name, word) = (source.name(), target_word(&target));
    for line in [
        format!("dump {name} | remap-schema --to x | load {word}"),
        format!("verify {name} {word} --to x"),
    ] {
        desk.run(&line).assert_success();
    }
    let found = target
        .query("SET search_path = ''; SELECT what FROM x.seen ORDER BY id")
        .unwrap();
    assert_eq!(found, ["4000000000", "x.seen_pkey"]);
}

#[test]
fn a_value_that_names_nothing_on_the_target_is_an_error_of_the_load() {
    let (desk, target) = (Desk::shared(), new_target());
    let source = source_of(
        "CREATE TABLE seen (id int PRIMARY KEY, what regclass, note text);
         INSERT INTO seen SELECT 1, reltoastrelid FROM pg_class WHERE oid = 'seen'::regclass",
    );
    // Whoever is no superuser is not even told that it is not there.
    let output = desk.run(&format!(
        "dump {} | load 'dbname={} user={POSTGRES}'",
        source.name(),
        target.name()
    ));
    output
        .assert_stages(&[0, 5])
        .assert_stderr_contains("rows of public.seen could not be written (chunk 0)")
        .assert_stderr_contains("a value names an object that the archive does not have");
}

#[test]
fn columns_of_oids_are_a_note() {
    let source = source_of("CREATE TABLE seen (id int PRIMARY KEY, what oid)");
    let desk = Desk::shared();
    let output = desk.run(&format!(
        "dump {} | remap-schema --verbose --to x -o it.tar",
        source.name()
    ));
    output
        .assert_success()
        .assert_stderr_contains("public.seen: column what holds OIDs, which stay as they are");
}
