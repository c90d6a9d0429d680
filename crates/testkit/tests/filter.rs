//! `remap-schema` between `pg_dump` and `psql`, for those who need no archive.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking, its helpers too")]

use testkit::data::{self, PostgresData};
use testkit::fixtures::{MANDIBLE, PostgresFixture, SPACES, SSO, Scale, answers};
use testkit::judge::{Definitions, renamed};
use testkit::{Cluster, Database, Desk, TARGET_OWNER, target_word};

/// Every kind of object that holds a name of another.
const CORNERS: &str = include_str!("../fixtures/corners.sql");

const PSQL: &str = "psql -q -X1 -v ON_ERROR_STOP=1 -o /dev/null -d";

#[test]
fn mandible_passes() {
    check_fixture(&MANDIBLE, &[("public", "mandible")]);
}

#[test]
fn sso_passes() {
    check_fixture(&SSO, &[("public", "sso")]);
}

#[test]
fn spaces_passes() {
    check_fixture(&SPACES, &[("public", "spaces"), ("billing", "spaces_billing")]);
}

#[test]
fn wild_databases_pass() {
    for data in PostgresData::ALL {
        if let Ok(source) = data.database(Cluster::shared()) {
            check(&source, &[("public", data.name())]);
        }
    }
}

#[test]
fn every_kind_of_object_passes() {
    let source = Cluster::shared().database("corners").unwrap();
    source.execute(CORNERS).unwrap();
    check(
        &source,
        &[
            ("public", "cornered"),
            ("audit", "cornered_audit"),
            ("Odd \"name\"", "cornered_Odd \"name\""),
        ],
    );
}

#[test]
fn postgresqls_own_tests_pass() {
    let Ok(source) = data::regression(Cluster::shared()) else {
        return;
    };
    let target = Cluster::shared().database("regressed").unwrap();
    let line = format!(
        "pg_dump -U postgres {} | remap-schema --to regressed | {PSQL} 'dbname={} user=postgres'",
        source.name(),
        target.name()
    );
    Desk::shared().run(&line).assert_success();
    let rows = |database: &Database<'_>| -> Vec<u64> {
        let mut rows: Vec<u64> = database
            .row_counts()
            .unwrap()
            .into_iter()
            .map(|it| it.1)
            .collect();
        rows.sort_unstable();
        rows
    };
    assert_eq!(rows(&target), rows(&source));
    assert!(rows(&target).iter().sum::<u64>() > 400_000);
    let left = "SELECT count(*) FROM pg_class WHERE relnamespace = 'public'::regnamespace";
    assert_eq!(target.query(left).unwrap(), ["0"]);
}

#[test]
fn a_dump_cut_anywhere_leaves_nothing_behind() {
    let (source, target) = (build(&SSO), Cluster::shared().target().unwrap());
    let desk = Desk::shared();
    let dump = format!("pg_dump --no-owner {} > whole.sql", source.name());
    desk.run(&dump).assert_success();
    let whole = std::fs::metadata(desk.path("whole.sql")).unwrap().len();
    // In the preamble, in definitions, in rows, in keys, and just before the closing comment.
    for cut in [
        0,
        30,
        whole / 20,
        whole / 3,
        whole * 2 / 3,
        whole - 2_000,
        whole - 100,
    ] {
        let line = format!(
            "head -c {cut} whole.sql | remap-schema --to sso | {PSQL} {}",
            target_word(&target)
        );
        let output = desk.run(&line);
        let [0, filter, psql] = *output.stages() else {
            panic!("{output}")
        };
        assert!(filter == 6 && psql == 3, "cut at {cut} of {whole}\n{output}");
        assert_empty(&target);
    }
}

#[test]
fn a_pg_dump_that_dies_leaves_nothing_behind() {
    let target = Cluster::shared().target().unwrap();
    let line = format!(
        "pg_dump no_such_database | remap-schema --to x | {PSQL} {}",
        target_word(&target)
    );
    let output = Desk::shared().run(&line);
    output
        .assert_stages(&[1, 6, 3])
        .assert_stderr_contains("the input is empty");
    assert_empty(&target);
}

#[test]
fn a_doubt_under_strict_keeps_everything_back() {
    let source = build(&MANDIBLE);
    check_strict(&source, "count_rows");
    if let Ok(source) = PostgresData::Pagila.database(Cluster::shared()) {
        check_strict(&source, "rewards_report");
    }
}

#[test]
fn strict_without_doubts_loads_as_always() {
    let (source, target) = (build(&SSO), Cluster::shared().target().unwrap());
    let line = format!(
        "pg_dump --no-owner {} | remap-schema --strict --to sso | {PSQL} {}",
        source.name(),
        target_word(&target)
    );
    Desk::shared()
        .run(&line)
        .assert_success()
        .assert_stderr_contains("no doubts");
    assert_eq!(target.query("SELECT count(*) FROM sso.users").unwrap(), ["150"]);
}

#[test]
fn what_is_no_dump_is_refused() {
    for (input, what) in [
        ("CREATE TABLE public.t (id int);\n", "a script"),
        ("id,name\n1,one\n", "CSV"),
        ("PGDMP\x01\x0e", "a custom-format dump"),
    ] {
        let target = Cluster::shared().target().unwrap();
        let line = format!("remap-schema --to x | {PSQL} {}", target_word(&target));
        let output = Desk::shared().shell(&line).stdin(input).run();
        assert_eq!(output.stages(), [4, 3], "{what}\n{output}");
        output.assert_stderr_contains("neither an archive nor a dump");
        assert_empty(&target);
    }
}

#[test]
fn rows_of_any_bytes_pass_untouched() {
    let source = Cluster::shared().database("latin").unwrap();
    source
        .execute(
            "CREATE TABLE notes (id int PRIMARY KEY, a text, b bytea);
             INSERT INTO notes SELECT n, chr(n), decode(to_hex(n), 'hex') FROM generate_series(160, 255) AS n;
             INSERT INTO notes VALUES (1, 'public.notes', '\\x00'), (2, E'\\\\.\\n\\\\.', ''), (3, '', NULL), (4, NULL, ''),
                 (5, E'COPY public.notes (id) FROM stdin;\\n--\\n-- PostgreSQL database dump complete', NULL)",
        )
        .unwrap();
    let desk = Desk::shared();
    let rows = |file: &str| format!("sed -n '/^COPY /,/^\\\\\\.$/p' {file} | tail -n +2");
    let lines = [
        format!("pg_dump --encoding LATIN1 {} > before.sql", source.name()),
        "remap-schema --to x before.sql > after.sql".to_owned(),
        format!("{} > before.rows", rows("before.sql")),
        format!("{} > after.rows", rows("after.sql")),
    ];
    for line in &lines {
        desk.run(line).assert_success();
    }
    let [before, after] = ["before.rows", "after.rows"].map(|it| std::fs::read(desk.path(it)).unwrap());
    assert!(before.len() > 1_000 && std::str::from_utf8(&before).is_err());
    assert_eq!(before, after);
}

#[test]
fn output_is_for_archives() {
    let source = build(&SSO);
    let line = format!("pg_dump {} | remap-schema --to sso -o sso.sql", source.name());
    let output = Desk::shared().run(&line);
    assert_eq!(output.stages()[1], 2, "{output}");
    output.assert_stderr_contains("--output");
}

fn build(fixture: &PostgresFixture) -> Database<'static> {
    fixture.database(Cluster::shared(), Scale::Small).unwrap()
}

#[track_caller]
fn check_fixture(fixture: &PostgresFixture, names: &[(&str, &str)]) {
    let source = build(fixture);
    let target = check(&source, names);
    let (mut from, mut to) = (source.admin().unwrap(), target.client(TARGET_OWNER).unwrap());
    let target_path = fixture.target_path(names[0].1);
    for probe in fixture.probes().into_iter().chain(fixture.trigger_probes()) {
        let expected = answers(&mut from, &fixture.source_path(), probe).unwrap();
        let found = answers(&mut to, &target_path, probe).unwrap_or_else(|error| panic!("{}", error.chain()));
        assert_eq!(found, expected, "{probe}");
    }
}

/// Filters `source` into a new target, and compares rows and definitions with what PostgreSQL makes of it.
#[track_caller]
fn check<'c>(source: &Database<'c>, names: &[(&str, &str)]) -> Database<'c> {
    let target = Cluster::shared().target().unwrap();
    let line = format!(
        "pg_dump --no-owner {} | remap-schema --to {} | {PSQL} {}",
        source.name(),
        names[0].1,
        target_word(&target)
    );
    let output = Desk::shared().run(&line);
    output.assert_success();
    let expected = Definitions::of(&renamed(source, names).unwrap()).unwrap();
    let differences = expected.differences(&Definitions::of(&target).unwrap());
    assert!(differences.is_empty(), "{output}\n{}", differences.join("\n"));
    assert_eq!(
        target.row_counts().unwrap(),
        counts_under(source, names),
        "{output}"
    );
    target
}

/// The rows of `source`, its schemas called as they are on the target.
fn counts_under(source: &Database<'_>, names: &[(&str, &str)]) -> Vec<(String, u64)> {
    let mut counts = source.row_counts().unwrap();
    for (table, _) in &mut counts {
        let (schema, name) = table.split_once('.').unwrap();
        let renamed = names.iter().find(|(old, _)| *old == schema);
        *table = format!("{}.{name}", renamed.map_or(schema, |(_, new)| new));
    }
    counts.sort();
    counts
}

#[track_caller]
fn check_strict(source: &Database<'_>, doubted: &str) {
    let target = Cluster::shared().target().unwrap();
    let line = format!(
        "pg_dump --no-owner {} | remap-schema --strict --to x | {PSQL} {}",
        source.name(),
        target_word(&target)
    );
    let output = Desk::shared().run(&line);
    assert_eq!(output.stages()[1..], [1, 3], "{output}");
    output.assert_stderr_contains(doubted);
    assert_empty(&target);
}

/// Nothing but what every new database has.
#[track_caller]
fn assert_empty(target: &Database<'_>) {
    let sql = "SELECT nspname FROM pg_namespace WHERE nspname !~ '^pg_' AND nspname <> 'information_schema'
               UNION ALL SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace
               UNION ALL SELECT extname FROM pg_extension WHERE extname <> 'plpgsql'";
    assert_eq!(target.query(sql).unwrap(), ["public"]);
}
