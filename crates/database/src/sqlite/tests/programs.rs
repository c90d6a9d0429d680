//! Facts about views and what they take for granted of the rows.

use super::source;
use crate::sqlite::Choices;

/// The notes about `sql`'s file, each with its object.
fn notes(sql: &str) -> Vec<String> {
    let (source, _folder) = source(sql);
    let notes = source.inspect(&Choices::default()).unwrap().notes;
    notes.iter().map(ToString::to_string).collect()
}

#[track_caller]
fn check(notes: &[String], object: &str, expected: &[&str]) {
    let own: Vec<&String> = notes
        .iter()
        .filter(|it| it.starts_with(&format!("{object}: ")))
        .collect();
    assert_eq!(own.len(), expected.len(), "{object}: {notes:#?}");
    for text in expected {
        assert!(
            own.iter().any(|it| it.contains(text)),
            "{object}: {text}: {own:#?}"
        );
    }
}

#[test]
fn a_utf16_file_is_asked_where_its_texts_are_sorted() {
    // Fault 48.
    let notes = notes(
        "PRAGMA encoding = 'UTF-16le'; CREATE TABLE t (a TEXT CHECK (a > ''), b TEXT CHECK (b < 'zz'), c TEXT AS (max(b, 'c')));
         CREATE TABLE bytes (h TEXT DEFAULT (hex('a')), o INT DEFAULT (octet_length('a')), l INT DEFAULT (length('a')),
             s INT DEFAULT ('b' < '日'));
         INSERT INTO bytes (h) VALUES (replace(hex(zeroblob(450)), '00', '日本'));
         CREATE INDEX long ON bytes (lower(h));
         INSERT INTO t VALUES ('\u{e9}', '\u{100}'), ('z', 'y');
         CREATE VIEW by_a AS SELECT x.a FROM t AS x ORDER BY x.a;
         CREATE VIEW by_b AS SELECT * FROM t ORDER BY b;
         CREATE VIEW by_folded AS SELECT b FROM t ORDER BY b COLLATE NOCASE;
         CREATE VIEW greatest AS SELECT max(b) FROM t;
         CREATE VIEW equal AS SELECT a, count(*) FROM t WHERE b = a OR b IN ('\u{100}') GROUP BY a;
         CREATE VIEW united AS SELECT a AS s FROM t UNION SELECT b FROM t ORDER BY s;
         CREATE TRIGGER later AFTER INSERT ON t WHEN new.a < 'm' BEGIN DELETE FROM t; END;",
    );
    check(
        &notes,
        "t",
        &["CHECK constraint (b < 'zz') is left out: 1 row holds signs beyond U+00FF in b"],
    );
    check(&notes, "t.c", &["1 row holds signs beyond U+00FF in b"]);
    check(
        &notes,
        "by_a",
        &["means the same as long as no row of t holds signs beyond U+00FF in x.a"],
    );
    check(
        &notes,
        "by_b",
        &["left out: in t, 1 row holds signs beyond U+00FF in b"],
    );
    check(&notes, "by_folded", &[]);
    check(&notes, "greatest", &["left out: in t, 1 row holds signs"]);
    check(&notes, "equal", &[]);
    for column in ["h", "o", "s"] {
        check(&notes, &format!("bytes.{column}"), &["the default"]);
    }
    check(&notes, "bytes.l", &[]);
    check(&notes, "long", &["more bytes than an index entry takes"]);
    check(&notes, "united", &["left out: PostgreSQL cannot compare"]);
    check(&notes, "later", &["left out: it means the same only where"]);
}

#[test]
fn views_say_what_later_rows_must_not_hold() {
    let notes = notes(
        "CREATE TABLE t (i INT, r REAL, j TEXT, n NUMERIC); CREATE TABLE u (n NUMERIC);
         INSERT INTO t VALUES (1, 2.5, '{\"a\":1}', 1.5); INSERT INTO u VALUES (3), (0.5);
         CREATE VIEW typed AS SELECT i * 1.5, i / 2.0, n * 1.19, count(*) * 100.0 / 3 FROM t GROUP BY i, n;
         CREATE VIEW mixed AS SELECT x.i FROM t x WHERE x.i < x.r;
         CREATE VIEW both AS SELECT t.n * u.n AS p FROM t, u;
         CREATE VIEW derived AS SELECT s FROM (SELECT sum(i) AS s FROM t) WHERE s > (SELECT max(r) FROM t);",
    );
    check(&notes, "typed", &[]);
    check(
        &notes,
        "mixed",
        &["means the same as long as no row of t holds a number beyond 2^53 in x.i; today it is so"],
    );
    check(&notes, "both", &["no row of u holds a number beyond 2^53 in u.n"]);
    check(&notes, "derived", &["left out: it means the same only where"]);
}
