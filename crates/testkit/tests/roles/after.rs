//! `--after`: the user's own statements behind a load.

use crate::Place;

const SOURCE: &str = "CREATE EXTENSION citext; CREATE TABLE orders (id integer PRIMARY KEY, name citext);
    INSERT INTO orders VALUES (1, 'a'), (2, 'B'); CREATE VIEW names AS SELECT name FROM orders";

const AFTER: &str = "-- The application's own.
SET maintenance_work_mem = '8MB';
CREATE INDEX CONCURRENTLY by_name
  ON orders (name);
VACUUM (ANALYZE) orders;
CREATE MATERIALIZED VIEW totals AS SELECT count(*) AS number FROM names;
GRANT SELECT ON totals TO after_role;
DO $$ BEGIN PERFORM 1; END $$;
CREATE FUNCTION peek() RETURNS bigint LANGUAGE sql SECURITY DEFINER AS 'SELECT number FROM after_app.totals';
REVOKE EXECUTE ON FUNCTION peek() FROM PUBLIC
";

#[test]
fn statements_of_the_user_run_when_the_rows_are_proved_and_before_anything_is_live() {
    let place = Place::new("after");
    place.archive(SOURCE, "after_app");
    let write = |text: &str| std::fs::write(place.desk.path("after.sql"), text).unwrap();
    let load = |flags: &str| place.load("after_app", &format!("--after after.sql {flags}"));
    let facts: [(&str, i32, &[&str]); 4] = [
        (
            "SELECT 1;\n\\i more.sql\nBEGIN;\nCOPY t FROM STDIN;\nCOMMIT;",
            2,
            &[
                "after.sql:2: \\i is a command of psql",
                "after.sql:3: BEGIN: each statement runs by itself",
                "after.sql:4: COPY through the connection",
                "after.sql:5: COMMIT",
            ],
        ),
        (
            "SELECT 1;\n\nCREATE INDX ON orders (name);\nCREATE INDEX ON nothing_here (x);",
            5,
            &[
                "after.sql:3: syntax error at or near \"INDX\"",
                "nothing was written",
            ],
        ),
        (
            "SELECT 'open",
            2,
            &["after.sql:1: the file ends in the middle of it"],
        ),
        (
            "CREATE TABLE mine ();\n\nCREATE INDEX ON nothing_here\n (x);",
            5,
            &[
                "after.sql:3: statement failed: CREATE INDEX ON nothing_here (x);",
                "relation \"nothing_here\" does not exist",
                "nothing is live",
            ],
        ),
    ];
    for (text, code, said) in facts {
        write(text);
        let refused = load("");
        refused.assert_code(code);
        for it in said {
            refused.assert_stderr_contains(it);
        }
    }
    place.check("SELECT state FROM coalesce.run", &["loading"]);
    place
        .load("after_app", "--after nowhere.sql")
        .assert_code(2)
        .assert_stderr_contains("`nowhere.sql` cannot be read");
    load("--resume --owner nobody_here")
        .assert_code(5)
        .assert_stderr_contains("role nobody_here does not exist");

    write(&format!("CREATE TABLE mine ();\n{AFTER}"));
    place.target.execute("CREATE ROLE after_owner").unwrap();
    place
        .target
        .execute(&format!("GRANT after_owner TO {}", place.admin))
        .unwrap();
    let loaded = load("--resume --owner after_owner --create-role after_role");
    loaded
        .assert_success()
        .assert_stderr_contains("after.sql:1 was done before")
        .assert_stderr_contains("after.sql:4 CREATE INDEX CONCURRENTLY by_name ON orders (name); in ");
    place.check(
        "SELECT c.relname, r.rolname, i.indisvalid FROM pg_class c JOIN pg_roles r ON r.oid = c.relowner
         LEFT JOIN pg_index i ON i.indexrelid = c.oid WHERE c.relname IN ('by_name', 'totals') ORDER BY 1",
        &["by_name | after_owner | t", "totals | after_owner | ∅"],
    );
    place.check_rights(
        "after_role",
        &[
            ("TABLE totals", true),
            ("SELECT peek()", false),
            ("DELETE FROM orders", true),
        ],
    );
}
