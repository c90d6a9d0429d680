//! Facts about keys: rows without a parent, values that become the same, case, and what statements say of keys.

use super::*;

fn choices(orphans: Orphans) -> Choices {
    Choices {
        orphans,
        ..Choices::default()
    }
}

fn texts(source: &SqliteSource, inspection: &Inspection, table: &str) -> Vec<String> {
    let table = inspection
        .schema
        .tables
        .iter()
        .find(|it| it.name == table)
        .unwrap();
    let rows = rows(source, table);
    assert_eq!(rows.len() as u64, table.row_count, "{}", table.name);
    rows.iter()
        .map(|row| {
            let fields: Vec<&str> = row.iter().map(|it| it.as_deref().unwrap_or("NULL")).collect();
            fields.join(" ")
        })
        .collect()
}

/// A chain, a circle, a composite key to a table without rowids, and a table that nothing is wrong with.
const FAMILY: &str = "
    CREATE TABLE person (id INTEGER PRIMARY KEY, boss INT REFERENCES person, code TEXT UNIQUE);
    INSERT INTO person VALUES (1, 1, 'a'), (2, 99, 'b'), (3, 2, 'c'), (4, 3, 'd'), (5, NULL, 'e');
    CREATE TABLE place (x INT, y TEXT, owner TEXT REFERENCES person (code), PRIMARY KEY (x, y)) WITHOUT ROWID;
    INSERT INTO place VALUES (1, 'p', 'd'), (1, 'q', 'a'), (2, 'it''s, so', 'nobody'), (3, 'r', NULL);
    CREATE TABLE visit (px INT, py TEXT, FOREIGN KEY (px, py) REFERENCES place);
    INSERT INTO visit VALUES (1, 'p'), (1, 'q'), (2, 'it''s, so'), (7, 'x'), (7, NULL);
    CREATE TABLE a (id INTEGER PRIMARY KEY, b INT REFERENCES b); CREATE TABLE b (id INTEGER PRIMARY KEY, a INT REFERENCES a);
    INSERT INTO a VALUES (1, 1), (2, 2); INSERT INTO b VALUES (1, 1), (2, 3);
    CREATE TABLE calm (id INTEGER PRIMARY KEY, person INT REFERENCES person); INSERT INTO calm VALUES (1, 1)";

// Fault 48.
#[test]
fn orphans_stop_the_inspection_and_are_named() {
    let (source, _folder) = source(FAMILY);
    let error = source.inspect(&Choices::default()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unsupported);
    for expected in [
        "1 row of person (boss) has no parent in person (id): rowid 2",
        "1 row of place (owner) has no parent in person (code): key (2, 'it''s, so')",
        "1 row of visit (px, py) has no parent in place (x, y): rowid 4",
        "1 row of b (a) has no parent in a (id): rowid 2",
    ] {
        assert!(error.to_string().contains(expected), "{expected}: {error}");
    }
    assert!(error.hint().unwrap().contains("--orphans keep"));
    // What the keys are is row data.
    assert!(!error.to_string().contains("(99)"), "{error}");
    let blockers = source.survey(&Choices::default()).unwrap().blockers;
    let values: Vec<&str> = blockers
        .iter()
        .flat_map(Blocker::values)
        .map(String::as_str)
        .collect();
    assert!(values.contains(&"person (boss) of rowid 2 is (99)"), "{values:?}");
}

// Fault 48.
#[test]
fn orphans_stay_behind_a_key_that_is_not_valid() {
    let (source, _folder) = source(FAMILY);
    let inspection = source.inspect(&choices(Orphans::Keep)).unwrap();
    assert_eq!(inspection.post_data.matches("NOT VALID").count(), 4);
    assert_eq!(inspection.orphans.len(), 4);
    assert_eq!(texts(&source, &inspection, "visit").len(), 5);
}

// Fault 48.
#[test]
fn orphans_are_left_out_with_all_that_refers_to_them() {
    let (source, _folder) = source(FAMILY);
    let inspection = source.inspect(&choices(Orphans::Delete)).unwrap();
    assert!(!inspection.post_data.contains("NOT VALID"));
    let check = |table: &str, expected: &[&str]| assert_eq!(texts(&source, &inspection, table), expected);
    check("person", &["1 1 a", "5 NULL e"]);
    check("place", &["1 q a", "3 r NULL"]);
    check("visit", &["1 q", "7 NULL"]);
    check("a", &["1 1"]);
    check("b", &["1 1"]);
    check("calm", &["1 1"]);
    let told: Vec<(&str, u64, u64)> = inspection
        .orphans
        .iter()
        .map(|it| (it.table.as_str(), it.count, it.followers))
        .collect();
    assert_eq!(
        told,
        [
            ("a", 0, 1),
            ("b", 1, 0),
            ("person", 1, 2),
            ("place", 1, 1),
            ("visit", 1, 2)
        ]
    );
    let discards: Vec<String> = inspection
        .discards
        .iter()
        .map(|it| {
            format!(
                "{} {} {}: {} ({})",
                it.table, it.column, it.rows, it.reason, it.examples
            )
        })
        .collect();
    assert_eq!(
        discards[2],
        "3 boss 3: no parent in person (id), 2 of them because theirs is left out or loses its key (rowid 2 and 2 more)"
    );
    assert_eq!(discards.len(), 5);
}

// Fault 48.
#[test]
fn keys_of_orphans_become_null() {
    let (source, _folder) = source(&FAMILY.replace("boss INT REFERENCES", "boss INT UNIQUE REFERENCES"));
    let inspection = source.inspect(&choices(Orphans::Null)).unwrap();
    assert!(!inspection.post_data.contains("NOT VALID"));
    let check = |table: &str, expected: &[&str]| assert_eq!(texts(&source, &inspection, table), expected);
    check("person", &["1 1 a", "2 NULL b", "3 2 c", "4 3 d", "5 NULL e"]);
    check("place", &["1 p d", "1 q a", "2 it's, so NULL", "3 r NULL"]);
    check("visit", &["1 p", "1 q", "2 it's, so", "NULL NULL", "7 NULL"]);
    check("b", &["1 1", "2 NULL"]);
}

#[test]
fn a_key_that_becomes_null_takes_those_that_refer_to_it_along() {
    let (source, _folder) = source(
        "CREATE TABLE p (id INTEGER PRIMARY KEY); CREATE TABLE q (id INTEGER PRIMARY KEY, p INT UNIQUE REFERENCES p);
         CREATE TABLE r (q INT REFERENCES q (p)); INSERT INTO q VALUES (1, 7); INSERT INTO r VALUES (7)",
    );
    let inspection = source.inspect(&choices(Orphans::Null)).unwrap();
    assert_eq!(texts(&source, &inspection, "q"), ["1 NULL"]);
    assert_eq!(texts(&source, &inspection, "r"), ["NULL"]);
}

#[test]
fn keys_that_cannot_become_null_are_named() {
    let (source, _folder) = source(
        "CREATE TABLE p (id INTEGER PRIMARY KEY); CREATE TABLE t (id INTEGER PRIMARY KEY REFERENCES p, a INT NOT NULL REFERENCES p);
         INSERT INTO t VALUES (1, 2)",
    );
    let blockers = source.survey(&choices(Orphans::Null)).unwrap().blockers;
    let columns = vec!["t.a".to_owned(), "t.id".to_owned()];
    assert_eq!(blockers, [Blocker::OrphansNotNull { columns }]);
}

#[test]
fn rows_that_cannot_be_told_apart_are_not_left_out() {
    let (source, _folder) = source(
        "CREATE TABLE p (id INTEGER PRIMARY KEY);
         CREATE TABLE t (rowid INT REFERENCES p, _rowid_ INT, oid INT); INSERT INTO t VALUES (1, 1, 1), (1, 1, 1)",
    );
    let survey = source.survey(&choices(Orphans::Delete)).unwrap();
    assert_eq!(
        survey.blockers,
        [Blocker::NamelessRows {
            table: "t".to_owned()
        }]
    );
    assert_eq!(survey.orphans[0].count, 2);
}

// Fault 48.
#[test]
fn parents_are_looked_for_as_the_target_compares() {
    let check = |sql: &str, expected: u64| {
        let (source, _folder) = source(sql);
        let found = source.survey(&choices(Orphans::Keep)).unwrap().orphans;
        assert_eq!(
            found.iter().map(|it| it.count).sum::<u64>(),
            expected,
            "{sql}: {found:?}"
        );
    };
    // SQLite finds the first and the second parent, PostgreSQL none of them.
    check(
        "CREATE TABLE p (a TEXT COLLATE NOCASE UNIQUE, b TEXT COLLATE RTRIM UNIQUE); INSERT INTO p VALUES ('AA', 'x ');
         CREATE TABLE t (a TEXT REFERENCES p (a), b TEXT REFERENCES p (b)); INSERT INTO t VALUES ('aa', 'x'), ('AA', 'x ')",
        2,
    );
    // The other way round.
    check(
        "CREATE TABLE p (a UUID UNIQUE, b DATE UNIQUE, c NUMERIC UNIQUE);
         INSERT INTO p VALUES ('3f333df6-90a4-4fda-8dd3-9485d27cee36', '2024-01-01', 1.5);
         CREATE TABLE t (a UUID REFERENCES p (a), b DATE REFERENCES p (b), c DECIMAL(9, 3) REFERENCES p (c));
         INSERT INTO t VALUES ('3F333DF690A44FDA8DD39485D27CEE36', '2024-01-01 00:00', 1.5), (NULL, '2024-01-02', 2)",
        2,
    );
    check(
        "CREATE TABLE p (a SMALLINT PRIMARY KEY, b REAL UNIQUE); INSERT INTO p VALUES (1, -0.0);
         CREATE TABLE t (a INTEGER REFERENCES p, b REAL REFERENCES p (b)); INSERT INTO t VALUES (1, 0.0), (70000, 1)",
        2,
    );
    // Where the parent's rowids have no gap their ends decide; a gap, and a value that is no integer, are looked for.
    check(
        "CREATE TABLE p (id INTEGER PRIMARY KEY); INSERT INTO p VALUES (-1), (0), (1);
         CREATE TABLE q (id INTEGER PRIMARY KEY); INSERT INTO q VALUES (1), (3);
         CREATE TABLE t (a INTEGER REFERENCES p, b INTEGER REFERENCES q, c INTEGER REFERENCES p, d INTEGER REFERENCES p);
         INSERT INTO t VALUES (-1, 1, -2, 0), (1, 2, 2, 1), (NULL, 3, 0, NULL)",
        3,
    );
    // An index that compares otherwise than its column does not help to find the parent.
    check(
        "CREATE TABLE p (a TEXT COLLATE NOCASE); CREATE UNIQUE INDEX i ON p (a COLLATE BINARY); INSERT INTO p VALUES ('a'), ('A');
         CREATE TABLE t (a TEXT REFERENCES p (a)); INSERT INTO t VALUES ('a'), ('A'), ('b')",
        1,
    );
}

#[test]
fn foreign_keys_keep_what_their_statement_says() {
    let (source, _folder) = source(
        "CREATE TABLE p (x INT, y INT, PRIMARY KEY (x, y));
         CREATE TABLE t (a INT, b INT, c INT REFERENCES t (c) DEFERRABLE, d INT UNIQUE, c2 INT, UNIQUE (c),
           CONSTRAINT \"My Key\" FOREIGN KEY (a, b) REFERENCES P (Y, X) ON UPDATE CASCADE ON DELETE SET NULL
             MATCH FULL DEFERRABLE INITIALLY DEFERRED)",
    );
    let inspection = source.inspect(&Choices::default()).unwrap();
    for expected in [
        "ADD CONSTRAINT \"My Key\" FOREIGN KEY (a, b) REFERENCES public.p(y, x) ON UPDATE CASCADE ON DELETE SET NULL \
         DEFERRABLE INITIALLY DEFERRED;",
        "ADD CONSTRAINT t_c_fkey FOREIGN KEY (c) REFERENCES public.t(c) DEFERRABLE;",
    ] {
        assert!(
            inspection.post_data.contains(expected),
            "{}",
            inspection.post_data
        );
    }
    assert_eq!(
        inspection
            .notes
            .iter()
            .map(ToString::to_string)
            .collect::<Vec<_>>(),
        ["t (a, b): MATCH FULL becomes MATCH SIMPLE, by which SQLite goes too"]
    );
}

// Fault 48.
#[test]
fn keys_that_collide_name_their_rows() {
    let check = |sql: &str, expected: &str| {
        let (source, _folder) = source(sql);
        let notes = source.inspect(&Choices::default()).unwrap().notes;
        assert!(
            notes.iter().any(|it| it.text.contains(expected)),
            "{sql}: {notes:?}"
        );
    };
    check(
        "CREATE TABLE t (a UNIQUE); INSERT INTO t(rowid, a) VALUES (3, 1), (5, '2'), (9, '1')",
        "different values become the same: rowid 3 and rowid 9",
    );
    check(
        "CREATE TABLE t (a DATE, b INT, PRIMARY KEY (a, b)) WITHOUT ROWID;
         INSERT INTO t VALUES ('2024-01-01', 1), ('2024-01-01 00:00', 1), ('2024-01-01', 2)",
        "different values become the same: key ('2024-01-01', 1) and key ('2024-01-01 00:00', 1)",
    );
    check(
        "CREATE TABLE t (a TEXT PRIMARY KEY); INSERT INTO t(rowid, a) VALUES (3, NULL), (4, 'x'), (8, NULL)",
        "the primary key holds 2 NULLs, which PostgreSQL refuses: becomes UNIQUE (rowid 3, rowid 8)",
    );
}

/// Columns, constraints and indexes that are NOCASE in every way that there is.
const CASES: &str = "
    CREATE TABLE p (name TEXT COLLATE NOCASE UNIQUE, exact TEXT, wide TEXT COLLATE NOCASE, UNIQUE (exact COLLATE NOCASE));
    INSERT INTO p VALUES ('Anna', 'x', 'É'), ('Bob', 'y', 'é');
    CREATE UNIQUE INDEX p_wide ON p (wide); CREATE INDEX p_exact ON p (exact COLLATE NOCASE DESC);
    CREATE INDEX p_binary ON p (name COLLATE BINARY);
    CREATE TABLE c (parent TEXT REFERENCES p (name)); INSERT INTO c VALUES ('anna'), ('BOB')";

// Fault 48.
#[test]
fn nocase_becomes_citext_or_a_collation_by_choice() {
    let (source, _folder) = source(CASES);
    let check = |nocase: Nocase, pre_data: &[&str], post_data: &[&str]| {
        let inspection = source
            .inspect(&Choices {
                nocase,
                ..Choices::default()
            })
            .unwrap();
        for expected in pre_data {
            assert!(inspection.pre_data.contains(expected), "{}", inspection.pre_data);
        }
        for expected in post_data {
            assert!(
                inspection.post_data.contains(expected),
                "{}",
                inspection.post_data
            );
        }
        // SQLite tells É and é apart; PostgreSQL does not.
        assert!(
            !inspection.post_data.contains("p_wide"),
            "{}",
            inspection.post_data
        );
        let notes: Vec<String> = inspection.notes.iter().map(ToString::to_string).collect();
        assert!(
            notes.contains(
                &"p_wide: the unique index on p is left out: different values become the same: rowid 1 and rowid 2"
                    .to_owned()
            ),
            "{notes:?}"
        );
        assert!(
            notes
                .iter()
                .any(|it| it.starts_with("p.wide: holds letters beyond ASCII")),
            "{notes:?}"
        );
        assert!(inspection.orphans.is_empty());
        inspection.catalog
    };
    let catalog = check(
        Nocase::Citext,
        &[
            "CREATE EXTENSION IF NOT EXISTS citext WITH SCHEMA public;",
            "name public.citext",
            "parent public.citext",
            "exact text",
        ],
        &[
            "UNIQUE (name)",
            "CREATE UNIQUE INDEX p_exact_key ON public.p USING btree (((exact)::public.citext));",
            "CREATE INDEX p_exact ON public.p USING btree (((exact)::public.citext) DESC);",
            "CREATE INDEX p_binary ON public.p USING btree (((name)::text));",
            "FOREIGN KEY (parent) REFERENCES public.p(name);",
        ],
    );
    assert_eq!(catalog.extensions[0].name, "citext");
    let catalog = check(
        Nocase::Icu,
        &[
            "CREATE COLLATION public.nocase",
            "name text COLLATE public.nocase",
            "parent text COLLATE public.nocase",
        ],
        &[
            "CREATE UNIQUE INDEX p_exact_key ON public.p USING btree (exact COLLATE public.nocase);",
            "CREATE INDEX p_binary ON public.p USING btree (name COLLATE pg_catalog.\"default\");",
        ],
    );
    assert_eq!(catalog.count(catalog::ObjectKind::Collation), 1);
    // Without a choice, case counts: it is said, and Anna's children have lost her.
    let survey = source.survey(&choices(Orphans::Keep)).unwrap();
    assert_eq!(survey.orphans[0].count, 2);
    assert!(survey.post_data.contains("p_wide"));
    assert!(
        survey
            .notes
            .iter()
            .any(|it| it.object == "p.name" && it.text.contains("--nocase"))
    );
}

#[test]
fn only_an_alias_of_the_rowid_fills_itself() {
    let (source, _folder) = source(
        "CREATE TABLE asc (id INTEGER PRIMARY KEY); CREATE TABLE counted (id INTEGER PRIMARY KEY AUTOINCREMENT);
         CREATE TABLE des (id INTEGER PRIMARY KEY DESC); CREATE TABLE plain (id INT PRIMARY KEY);
         CREATE TABLE without (id INTEGER PRIMARY KEY) WITHOUT ROWID; CREATE TABLE strict (id INTEGER PRIMARY KEY, a ANY) STRICT;
         INSERT INTO des VALUES (4); INSERT INTO without VALUES (5); INSERT INTO counted VALUES (9); DELETE FROM counted",
    );
    let catalog = source.inspect(&Choices::default()).unwrap().catalog;
    let identities: Vec<&str> = catalog
        .tables
        .iter()
        .filter(|it| it.columns[0].identity.is_some())
        .map(|it| it.name.as_str())
        .collect();
    assert_eq!(identities, ["asc", "counted", "strict"]);
    assert!(catalog.tables.iter().all(|it| it.primary_key == ["id"]));
    let positions: Vec<(i64, bool)> = catalog
        .sequences
        .iter()
        .map(|it| (it.last_value, it.is_called))
        .collect();
    assert_eq!(positions, [(1, false), (9, true), (1, false)]);
}

#[test]
fn temporary_tables_leave_the_file_and_its_folder_alone() {
    let (source, folder) = source(FAMILY);
    let before = std::fs::read(folder.path().join("source.sqlite")).unwrap();
    source.inspect(&choices(Orphans::Delete)).unwrap();
    let count = std::fs::read_dir(folder.path()).unwrap().count();
    assert_eq!(count, 1);
    assert!(before == std::fs::read(folder.path().join("source.sqlite")).unwrap());
}
