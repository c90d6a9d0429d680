//! Values that must come through bit for bit, in both forms of rows, by pipe, file and directory, with PostgreSQL
//! as the judge: both sides write their rows themselves.
//!
//! Each test moves all of the fixture, which holds every item of faults 35 to 39 and 42, in tables that carry the
//! numbers; the numbers in the tests are shared out among them so that each is found.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking, its helpers too")]

use std::sync::LazyLock;

use testkit::fixtures::{answers, build_values, value_probes};
use testkit::{Cluster, Database, Desk, POSTGRES, judge_rows, target_word};

/// A database with every value of the fixture, as this server knows them.
static SOURCE: LazyLock<Database<'static>> = LazyLock::new(|| {
    let source = Cluster::shared().database("values").unwrap();
    build_values(&mut source.admin().unwrap()).unwrap();
    source
});

/// Types the lines of `way`, in which `{source}` and `{target}` stand for the databases, and judges the target.
/// `prefix` is what the schemas got.
#[track_caller]
fn check(way: &str, prefix: Option<&str>) {
    let target = Cluster::shared().target().unwrap();
    let desk = Desk::shared();
    for line in way.lines() {
        let line = line
            .replace("{source}", SOURCE.name())
            .replace("{target}", &target_word(&target));
        desk.run(&line).assert_success();
    }
    let renamed = |schema: &str| match (prefix, schema) {
        (None, _) => schema.to_owned(),
        (Some(prefix), "public") => prefix.to_owned(),
        (Some(prefix), _) => format!("{prefix}_{schema}"),
    };
    let (mut from, mut to) = (SOURCE.admin().unwrap(), target.admin().unwrap());
    let judgement = judge_rows(&mut from, &mut to, renamed).unwrap();
    assert_eq!(judgement.differing, [""; 0], "{way}");
    assert!(judgement.tables >= 46 && judgement.rows > 300, "{judgement:?}");
    let path = prefix.map_or("public".to_owned(), |it| format!("{it}, public"));
    for probe in value_probes(Cluster::shared().programs().major()) {
        let expected = answers(&mut from, "public", probe).unwrap();
        assert_eq!(
            answers(&mut to, &path, probe).unwrap(),
            expected,
            "{way}: {probe}"
        );
    }
}

#[test]
fn values_come_through_a_pipe_as_csv() {
    // Fault 35.
    check(
        "dump {source} --rows csv | remap-schema --to kept | load {target}\n\
         verify {source} {target} --to kept",
        Some("kept"),
    );
}

#[test]
fn values_come_through_a_pipe_as_binary() {
    // Fault 36.
    check(
        "dump {source} --rows binary | remap-schema --to kept | load {target}\n\
         verify {source} {target} --to kept",
        Some("kept"),
    );
}

#[test]
fn values_come_through_a_file_as_csv() {
    // Fault 37.
    check(
        "dump {source} --rows csv -o values.tar\nload {target} values.tar\nverify values.tar {target}",
        None,
    );
}

#[test]
fn values_come_through_a_file_as_binary() {
    // Fault 38.
    check(
        "dump {source} --rows binary --compress zstd -o values.tar\n\
         remap-schema --to kept values.tar > renamed.tar\nload {target} renamed.tar",
        Some("kept"),
    );
}

#[test]
fn values_come_through_a_directory_as_csv() {
    // Fault 39.
    check(
        "dump {source} --rows csv -o values/\nremap-schema --to kept values/ | load {target}",
        Some("kept"),
    );
}

#[test]
fn values_come_through_a_directory_as_binary() {
    // Fault 42: names too, which are in every member and on every statement.
    check(
        "dump {source} --rows binary -o values/\nload {target} values/\nverify {source} {target}",
        None,
    );
}

#[test]
fn the_fixture_has_values_of_every_number() {
    // Faults 35 to 39 and 42.
    let numbers = "SELECT DISTINCT substring(relname FROM '^f(\\d\\d)') FROM pg_class
        WHERE relkind = 'r' AND relname ~ '^f\\d\\d' AND relnamespace = 'public'::regnamespace ORDER BY 1";
    let found = SOURCE.query(numbers).unwrap();
    for number in ["35", "36", "37", "38", "39", "42"] {
        assert!(
            found.iter().any(|it| it == number),
            "no table is about fault {number}: {found:?}"
        );
    }
}

#[test]
fn both_forms_hold_most_of_the_values() {
    let line = format!("dump {} --rows binary | tar t", SOURCE.name());
    let listed = Desk::shared().run(&line);
    let count = |ending: &str| {
        listed
            .stdout_text()
            .lines()
            .filter(|it| it.ends_with(ending))
            .count()
    };
    assert!(count(".bin") > 25 && count(".csv") >= 8, "{listed}");
}

#[test]
fn a_judge_that_sees_one_other_bit_says_so() {
    let (one, other) = (
        Cluster::shared().database("a").unwrap(),
        Cluster::shared().database("b").unwrap(),
    );
    for (first, second) in [
        ("'1.0'::numeric", "'1.00'::numeric"),
        ("'-0'::float8", "'0'::float8"),
        ("NULL::text", "''::text"),
        ("'{}'::int[]", "NULL::int[]"),
        ("'[0:0]={1}'::int[]", "'{1}'::int[]"),
        ("'a '::text", "'a'::text"),
    ] {
        for (database, value) in [(&one, first), (&other, second)] {
            let sql = format!("DROP TABLE IF EXISTS t; CREATE TABLE t AS SELECT {value} AS t");
            database.client(POSTGRES).unwrap().batch_execute(&sql).unwrap();
        }
        let mut clients = [one.admin().unwrap(), other.admin().unwrap()];
        let [from, to] = &mut clients;
        let judgement = judge_rows(from, to, str::to_owned).unwrap();
        assert_eq!(judgement.differing.len(), 1, "{first} {second}");
    }
}
