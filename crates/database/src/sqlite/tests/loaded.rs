//! Facts about constraints of which the file's rows and those that are loaded say different things.

use super::*;

fn notes(inspection: &Inspection) -> Vec<String> {
    inspection.notes.iter().map(ToString::to_string).collect()
}

fn check(inspection: &Inspection, expected: &[(&str, bool)]) {
    let sql = format!("{}{}", inspection.pre_data, inspection.post_data);
    for (part, is_there) in expected {
        assert_eq!(
            sql.contains(part),
            *is_there,
            "{part}: {sql}\n{:#?}",
            notes(inspection)
        );
    }
}

// Fault 48.
#[test]
fn constraints_are_proved_without_the_keys_of_orphans() {
    let (source, _folder) = source(
        "CREATE TABLE p (id INTEGER PRIMARY KEY); INSERT INTO p VALUES (1);
         CREATE TABLE t (id INTEGER PRIMARY KEY, p INT REFERENCES p, name TEXT COLLATE NOCASE,
           twice INT NOT NULL GENERATED ALWAYS AS (p * 2) STORED, other INT AS (coalesce(p, 0)) UNIQUE,
           CONSTRAINT has_parent CHECK (t.p IS NOT NULL), CONSTRAINT calculated CHECK (twice IS NOT NULL),
           CONSTRAINT named CHECK (name <> 'B' OR p IS NULL));
         PRAGMA ignore_check_constraints = ON;
         INSERT INTO t (id, p, name) VALUES (1, 1, 'a'), (2, 7, 'b'), (3, 8, 'B');
         CREATE UNIQUE INDEX roots ON t (name) WHERE p IS NULL;
         CREATE UNIQUE INDEX low_roots ON t (lower(name)) WHERE p IS NULL;
         CREATE UNIQUE INDEX any_case_roots ON t (name) WHERE +p IS NULL;
         CREATE UNIQUE INDEX apart ON t (lower(name), id) WHERE p IS NULL;
         CREATE VIEW low AS SELECT id, p + 1 AS next FROM t",
    );
    let with = |orphans| {
        let choices = Choices {
            orphans,
            ..Choices::default()
        };
        source.inspect(&choices).unwrap()
    };
    let inspection = with(Orphans::Null);
    check(
        &inspection,
        &[
            ("has_parent CHECK (p IS NOT NULL) NOT VALID", true),
            ("calculated CHECK (twice IS NOT NULL) NOT VALID", true),
            ("CONSTRAINT named CHECK", true),
            ("ADD CONSTRAINT named", false),
            ("low_roots", false),
            ("any_case_roots", false),
            // They differ as PostgreSQL compares them.
            ("INDEX roots", true),
            ("INDEX apart", true),
            ("twice bigint GENERATED ALWAYS AS (p * '2'::bigint) STORED,", true),
            // Its values are proved as they are in the file.
            ("other bigint GENERATED", false),
        ],
    );
    let told = notes(&inspection);
    for expected in [
        "t: 2 rows break the CHECK constraint has_parent (t.p IS NOT NULL): becomes NOT VALID",
        "t.twice: loses NOT NULL, since values that it is calculated from become NULL",
        "different values become the same: rowid 2 and rowid 3: CREATE UNIQUE INDEX low_roots",
    ] {
        assert!(
            told.iter().any(|it| it.contains(expected)),
            "{expected}: {told:#?}"
        );
    }
    check(
        &with(Orphans::Delete),
        &[
            ("NOT VALID", false),
            ("has_parent", true),
            ("low_roots", true),
            ("any_case_roots", true),
            ("INDEX roots", true),
            ("STORED NOT NULL", true),
            ("other bigint GENERATED", true),
        ],
    );
}

// Fault 48.
#[test]
fn constraints_are_proved_without_bad_values() {
    let (source, _folder) = source(
        "PRAGMA ignore_check_constraints = ON;
         CREATE TABLE t (id INTEGER PRIMARY KEY, qty INT, price INT, code TEXT,
           total INT AS (qty * price), CONSTRAINT few CHECK (qty < 100), CONSTRAINT paid CHECK (price > 0));
         INSERT INTO t VALUES (1, 2, 3, 'a'), (2, 'seven', -1, 'b'), (3, NULL, 4, 'b');
         CREATE UNIQUE INDEX open ON t (code) WHERE qty IS NULL;
         CREATE UNIQUE INDEX sums ON t (qty + price);
         CREATE VIEW more AS SELECT qty + 1 AS more FROM t",
    );
    let target = "bigint".parse().unwrap();
    let with = |on_bad_value| {
        let choices = Choices {
            types: vec![TypeChoice {
                table: "t".to_owned(),
                column: "qty".to_owned(),
                target,
            }],
            on_bad_value,
            ..Choices::default()
        };
        source.inspect(&choices).unwrap()
    };
    let whole = [
        ("few CHECK", true),
        ("total bigint GENERATED", true),
        ("INDEX sums", true),
        ("CREATE VIEW public.more", true),
    ];
    let rejected = with(OnBadValue::Reject);
    check(&rejected, &whole);
    check(
        &rejected,
        &[("NOT VALID", false), ("paid CHECK", true), ("INDEX open", true)],
    );
    for fate in [OnBadValue::Null, OnBadValue::TextColumn] {
        let changed = with(fate);
        check(&changed, &whole);
        check(
            &changed,
            &[
                ("few CHECK (qty < 100) NOT VALID", false),
                ("paid CHECK (price > 0) NOT VALID", true),
                ("INDEX open", false),
            ],
        );
    }
}

// Fault 48.
#[test]
fn unique_indexes_stay_where_the_target_tells_their_values_apart() {
    let make = |last: &str| {
        source(&format!(
            "CREATE TABLE t (code TEXT, ts DATETIME, active INT);
             INSERT INTO t VALUES ('a', '2024-01-01', 1), ('a', '2024-01-01 10:00:00', 1), ('a', '{last}', 1), ('a', '2024-01-01', 0);
             CREATE UNIQUE INDEX of_active ON t (code, ts) WHERE active = 1;
             CREATE UNIQUE INDEX of_inactive ON t (code, ts) WHERE active = 0;
             CREATE UNIQUE INDEX lower_codes ON t (lower(code), ts, active);
             CREATE UNIQUE INDEX plain ON t (code, ts, active) WHERE ts IS NOT NULL"
        ))
    };
    let (source, _folder) = make("2024-01-02");
    let names = ["of_active", "of_inactive", "lower_codes", "plain"];
    let inspection = source.inspect(&Choices::default()).unwrap();
    check(&inspection, &names.map(|it| (it, true)));
    let (source, _folder) = make("2024-01-01 00:00:00");
    let inspection = source.inspect(&Choices::default()).unwrap();
    check(&inspection, &names.map(|it| (it, it == "of_inactive")));
    let told = notes(&inspection);
    let pairs = told.iter().filter(|it| it.contains("rowid 1 and rowid 3"));
    assert_eq!(pairs.count(), 3, "{told:#?}");
}

// Fault 48.
#[test]
fn keys_are_proved_as_the_target_compares_case() {
    let (source, _folder) = source(
        "CREATE TABLE p (name TEXT COLLATE NOCASE PRIMARY KEY); INSERT INTO p VALUES ('Anna');
         CREATE TABLE met (parent TEXT UNIQUE REFERENCES p); INSERT INTO met VALUES ('anna'), ('ANNA');
         CREATE TABLE apart (parent TEXT UNIQUE REFERENCES p); INSERT INTO apart VALUES ('anna'), (NULL);
         CREATE TABLE exact (name TEXT COLLATE NOCASE, PRIMARY KEY (name COLLATE BINARY)); INSERT INTO exact VALUES ('a'), ('A')",
    );
    for nocase in [Nocase::Citext, Nocase::Icu] {
        let choices = Choices {
            nocase,
            ..Choices::default()
        };
        // SQLite's own index tells values apart that differ by case, so that it proves nothing.
        let inspection = source.inspect(&choices).unwrap();
        check(
            &inspection,
            &[
                ("p_pkey PRIMARY KEY (name)", true),
                ("apart_parent_key UNIQUE (parent)", true),
                ("met_parent_key", false),
                ("exact_pkey", false),
            ],
        );
        let told = notes(&inspection);
        for expected in ["met (parent): the unique constraint", "exact: the primary key"] {
            let expected = format!("{expected} is left out: different values become the same");
            assert!(told.iter().any(|it| it.starts_with(&expected)), "{told:#?}");
        }
    }
}
