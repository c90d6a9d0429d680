//! A file after years without anybody who looked, moved by a plan that holds every choice: what is said once, to
//! `assess`, every tool after it follows.

use std::collections::BTreeMap;

use testkit::TablePair;
use testkit::fixtures::{AWKWARD, Scale, SqliteFixture};

use super::Lab;

const LONG: &str = "a_name_that_is_longer_than_the_sixty_three_bytes_that_postgresql_takes";

/// As typed. The copy tells that a plan is for one file, and is read by it all the same.
const LINE: &str = "assess \"$FILE\" --plan plan.json --on-bad-value reject --orphans delete --nocase citext \
    --full-text tsvector --rename $LONG=long --rename $LONG.xmin=xmin_ --rename $LONG.'\"\"'=nameless \
    --type 'moments.seconds=timestamptz from seconds' --type 'moments.julian=timestamp from julian days' \
    --type 'moments.milliseconds=timestamptz from milliseconds' >awkward.report && \
    { dump \"$FILE\" --plan plan.json --source awkward --rejects rejected -o awkward.tar; test $? = 1; } && \
    remap-schema -q --plan plan.json --source awkward <awkward.tar | load -q \"$TARGET\" && \
    cp \"$FILE\" copy.sqlite && verify copy.sqlite \"$TARGET\" --plan plan.json --source awkward >awkward.proof";

// Fault 44.
#[test]
fn an_awkward_file_arrives_value_by_value_as_its_plan_says() {
    let folder = tempfile::tempdir().unwrap();
    let lab = Lab::new(folder.path());
    let path = AWKWARD.create(folder.path(), Scale::Small).unwrap();
    let moved = lab.run(&format!("LONG={LONG}; {LINE}"), &path);
    moved
        .assert_success()
        .assert_stderr_contains("copy.sqlite is read by its choices");

    let apart = pairs_apart();
    let mut rows = 0;
    for (table, number) in SqliteFixture::row_counts(&path).unwrap() {
        // What a full-text table keeps for itself.
        if table.starts_with("notes_") {
            continue;
        }
        let pair = apart.get(table.as_str()).copied();
        let expected = pair.map_or(number, |(_, number)| number);
        let pair = pair.map_or(TablePair::same(&table, "awkward"), |it| it.0);
        let found = lab.check(&path, &pair);
        assert_eq!(found as u64, expected, "{table}");
        rows += found;
    }
    assert_eq!(rows, 48);
    lab.check_same(
        &path,
        "SELECT id || ' | ' || ifnull(seconds, '') || ' | ' || ifnull(milliseconds, '') || ' | '
             || ifnull(datetime(julian), '') FROM moments ORDER BY id",
        "SELECT id, coalesce(extract(epoch FROM seconds)::bigint::text, ''),
             coalesce((extract(epoch FROM milliseconds) * 1000)::bigint::text, ''),
             coalesce(to_char(julian, 'YYYY-MM-DD HH24:MI:SS'), '') FROM awkward.moments ORDER BY id",
    );
    check_rejects(&lab);
    check_definitions(&lab);
}

/// Tables that get another name, lose rows or change values, with the number of rows that are there.
fn pairs_apart() -> BTreeMap<&'static str, (TablePair<'static>, u64)> {
    let same = |table| TablePair::same(table, "awkward");
    let pairs = [
        (
            TablePair {
                target: "long",
                renamed: &[("xmin", "xmin_"), ("", "nameless")],
                ..same(LONG)
            },
            1,
        ),
        (
            TablePair {
                condition: "s.id NOT IN (2, 3, 7)",
                ..same("texts")
            },
            6,
        ),
        (
            TablePair {
                condition: "s.id <> 2",
                ..same("badges")
            },
            2,
        ),
        // The badge of the other one is left out.
        (
            TablePair {
                condition: "s.id <> 2",
                ..same("scratches")
            },
            1,
        ),
        (
            TablePair {
                apart_from: &["seconds", "milliseconds", "julian"],
                ..same("moments")
            },
            4,
        ),
    ];
    pairs.into_iter().map(|it| (it.0.table, it)).collect()
}

/// Texts that no text of PostgreSQL can hold, and the blob among texts.
#[track_caller]
fn check_rejects(lab: &Lab<'_>) {
    let mut files = std::fs::read_dir(lab.folder.join("rejected")).unwrap();
    let file = files.next().unwrap().unwrap();
    assert!(files.next().is_none());
    assert!(file.file_name().to_str().unwrap().ends_with("-texts.csv"));
    let text = std::fs::read_to_string(file.path()).unwrap();
    let rows: Vec<&str> = text.lines().skip(1).collect();
    assert_eq!(rows.len(), 3, "{text}");
    for (row, start) in rows.iter().zip([
        "2,\\x6265666f7265006166746572,2,body,",
        "3,\\xc328,3,body,",
        "7,\\xc3a4,7,body,",
    ]) {
        assert!(row.starts_with(start), "{text}");
    }
}

/// What was chosen of keys and definitions holds there.
#[track_caller]
fn check_definitions(lab: &Lab<'_>) {
    for (question, answer) in [
        ("SELECT title FROM awkward.codes WHERE code = 'aa'", "capital"),
        (
            "SELECT title FROM awkward.notes WHERE tsv @@ to_tsquery('english', 'fox')",
            "First",
        ),
        (
            "INSERT INTO awkward.counters (title) VALUES ('next') RETURNING id",
            "901",
        ),
        (
            "INSERT INTO awkward.teams (title, parent) VALUES ('three', 1) RETURNING id",
            "3",
        ),
        ("SELECT what FROM awkward.log", "team three"),
        (
            "SELECT team || people FROM awkward.people_of_teams WHERE team = 'one'",
            "one2",
        ),
        (
            "SELECT count(*) FROM pg_constraint WHERE connamespace = 'awkward'::regnamespace AND NOT convalidated",
            "0",
        ),
    ] {
        assert_eq!(lab.target.query(question).unwrap(), [answer], "{question}");
    }
}
