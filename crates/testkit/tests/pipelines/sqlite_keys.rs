//! SQLite files whose keys, names and full-text tables need a choice, from the file to the target and proved there.

use rusqlite::Connection;
use testkit::{Database, Desk, target_word};

use crate::new_target;

const FAMILY: &str = "
    CREATE TABLE person (id INTEGER PRIMARY KEY, boss INT REFERENCES person DEFERRABLE INITIALLY DEFERRED, code TEXT UNIQUE);
    INSERT INTO person VALUES (1, 1, 'a'), (2, 99, 'b'), (3, 2, 'c'), (5, NULL, 'e');
    CREATE TABLE place (x INT, y TEXT, owner TEXT REFERENCES person (code), PRIMARY KEY (x, y)) WITHOUT ROWID;
    INSERT INTO place VALUES (1, 'p', 'c'), (1, 'q', 'a'), (2, 'it''s', 'nobody');
    CREATE TABLE visit (px INT, py TEXT, FOREIGN KEY (px, py) REFERENCES place);
    INSERT INTO visit VALUES (1, 'p'), (1, 'q'), (2, 'it''s'), (7, 'x'), (7, NULL);
    CREATE TABLE task (id INTEGER PRIMARY KEY, person INT REFERENCES person, title TEXT,
        twice INT NOT NULL AS (person * 2) STORED, CONSTRAINT owned CHECK (person IS NOT NULL));
    INSERT INTO task VALUES (1, 1, 'a'), (2, 77, 'b'), (3, 78, 'b');
    CREATE UNIQUE INDEX open_tasks ON task (title) WHERE person IS NULL;
    CREATE UNIQUE INDEX low_tasks ON task (lower(title)) WHERE person IS NULL";

const WORDS: &str = "
    CREATE TABLE \"Order Items\" (ItemId INTEGER PRIMARY KEY, ctid INT, eMail TEXT COLLATE NOCASE UNIQUE);
    INSERT INTO \"Order Items\" VALUES (1, 2, 'Anna@x'), (2, 3, 'bob@x');
    CREATE TABLE a_name_that_is_longer_than_the_sixty_three_bytes_that_a_name_may_have (mail TEXT REFERENCES \"Order Items\" (email));
    INSERT INTO a_name_that_is_longer_than_the_sixty_three_bytes_that_a_name_may_have VALUES ('ANNA@X');
    CREATE VIRTUAL TABLE Notes USING fts5(title, body, tokenize = 'porter'); INSERT INTO Notes VALUES ('One', 'quick foxes');
    CREATE VIRTUAL TABLE Item_Search USING fts5(email, content='Order Items', content_rowid='ItemId');
    CREATE VIRTUAL TABLE box USING rtree(id, x0, x1); INSERT INTO box VALUES (3, -1.5, 2)";

fn make(desk: &Desk, name: &str, sql: &str) {
    Connection::open(desk.path(name))
        .unwrap()
        .execute_batch(&format!("PRAGMA foreign_keys = OFF; {sql}"))
        .unwrap();
}

/// Moves the file into a schema, and has it proved.
#[track_caller]
fn check(
    desk: &Desk,
    target: &Database<'_>,
    schema: &str,
    (file, options): (&str, &str),
    expected: &[(&str, &str)],
) {
    let word = target_word(target);
    desk.run(&format!(
        "dump {file} {options} | remap-schema --to {schema} | load {word}"
    ))
    .assert_success();
    desk.run(&format!("verify {file} {word} {options} --to {schema}"))
        .assert_success();
    for (question, answer) in expected {
        let question = question.replace("S.", &format!("{schema}."));
        assert_eq!(target.query(&question).unwrap().join(" "), *answer, "{question}");
    }
}

const KEYS: &str = "SELECT string_agg(conname, ',' ORDER BY conname) FROM pg_constraint
    WHERE contype = 'f' AND NOT convalidated AND connamespace = 'S.'::regnamespace";

const UNPROVED: &str =
    "SELECT count(*) FROM pg_constraint WHERE conrelid = 'S.task'::regclass AND NOT convalidated";

// Fault 48.
#[test]
fn orphans_stop_stay_go_or_lose_their_key() {
    let (desk, target) = (Desk::shared(), new_target());
    make(&desk, "family.sqlite", FAMILY);
    let output = desk.run("dump family.sqlite -o family.tar");
    output.assert_code(4);
    output.assert_stderr_contains("1 row of person (boss) has no parent in person (id): rowid 2");
    assert!(!output.stderr().contains("(99)"), "{output}");
    let output = desk.run("dump family.sqlite -v -o family.tar");
    output.assert_stderr_contains("person (boss) of rowid 2 is (99)");
    output.assert_stderr_contains("--orphans keep");
    assert!(!desk.path("family.tar").exists());
    let assessed = desk.run("assess family.sqlite --format json");
    let found = assessed.stdout_text().matches("\"fate\": \"stop\"").count();
    assert_eq!(found, 4, "{assessed}");

    let keys = KEYS.replace("'S.'", "'kept'");
    check(
        &desk,
        &target,
        "kept",
        ("family.sqlite", "--orphans keep"),
        &[
            ("SELECT count(*) FROM S.visit", "5"),
            (
                &keys,
                "person_boss_fkey,place_owner_fkey,task_person_fkey,visit_px_py_fkey",
            ),
        ],
    );
    let keys = KEYS.replace("'S.'", "'gone'");
    check(
        &desk,
        &target,
        "gone",
        ("family.sqlite", "--orphans delete"),
        &[
            (
                "SELECT string_agg(id::text, ',' ORDER BY id) FROM S.person",
                "1,5",
            ),
            ("SELECT string_agg(y, ',') FROM S.place", "q"),
            ("SELECT count(*) FROM S.visit", "2"),
            (&keys, "∅"),
            (
                "SELECT condeferred::text FROM pg_constraint WHERE conrelid = 'S.person'::regclass AND contype = 'f'",
                "true",
            ),
            ("INSERT INTO S.person DEFAULT VALUES RETURNING id", "6"),
            (
                "SELECT count(*) FROM pg_index WHERE indrelid = 'S.task'::regclass",
                "3",
            ),
            (UNPROVED, "0"),
        ],
    );
    let keys = KEYS.replace("'S.'", "'nulls'");
    check(
        &desk,
        &target,
        "nulls",
        ("family.sqlite", "--orphans null"),
        &[
            ("SELECT count(*) FROM S.person WHERE boss IS NULL", "2"),
            ("SELECT count(*) FROM S.visit WHERE px IS NULL", "1"),
            (&keys, "∅"),
            // Rows without a person are two now, with one title.
            ("SELECT count(*) FROM S.task WHERE twice IS NULL", "2"),
            (
                "SELECT count(*) FROM pg_index WHERE indrelid = 'S.task'::regclass",
                "1",
            ),
            (UNPROVED, "1"),
        ],
    );
}

// Fault 48.
#[test]
fn names_case_and_words_are_as_they_were_chosen() {
    let (desk, target) = (Desk::shared(), new_target());
    make(&desk, "words.sqlite", WORDS);
    let renames = "--snake-case --full-text tsvector --rename '\"order items\".CTID=number' \
                   --rename a_name_that_is_longer_than_the_sixty_three_bytes_that_a_name_may_have=mails";
    let output = desk.run("dump words.sqlite --nocase citext -o words.tar");
    output.assert_code(4);
    output.assert_stderr_contains("Order Items.ctid has the name of a system column");
    output.assert_stderr_contains("--rename");
    for (schema, nocase) in [("by_type", "citext"), ("by_rule", "icu")] {
        check(
            &desk,
            &target,
            schema,
            ("words.sqlite", &format!("{renames} --nocase {nocase}")),
            &[
                ("SELECT number FROM S.order_items WHERE e_mail = 'ANNA@X'", "2"),
                (
                    "SELECT count(*) FROM S.mails JOIN S.order_items ON e_mail = mail",
                    "1",
                ),
                (
                    "SELECT rowid FROM S.notes WHERE tsv @@ to_tsquery('english', 'fox')",
                    "1",
                ),
                (
                    "SELECT (indexdef LIKE '%USING gin (to_tsvector%')::text FROM pg_indexes WHERE indexname = 'item_search' AND schemaname || '.' = 'S.'",
                    "true",
                ),
                ("SELECT x0 FROM S.box", "-1.5"),
            ],
        );
        let twice = format!("INSERT INTO {schema}.order_items (e_mail) VALUES ('BOB@X')");
        assert!(target.execute(&twice).is_err());
    }
}
