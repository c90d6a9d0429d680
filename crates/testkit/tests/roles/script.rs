//! `--script`: what a run sends is what stands in the file.

use std::collections::BTreeMap;

use testkit::Cluster;

use crate::Place;

const SOURCE: &str = "CREATE TABLE parents (id serial PRIMARY KEY, note text);
    CREATE TABLE children (id integer, parent integer REFERENCES parents, at timestamptz DEFAULT now());
    INSERT INTO parents (note) VALUES ('canary-row'); INSERT INTO children VALUES (1, 1);
    CREATE INDEX by_parent ON children (parent); CREATE VIEW v AS SELECT note FROM parents;
    CREATE MATERIALIZED VIEW m AS SELECT note FROM v;
    CREATE FUNCTION f() RETURNS integer LANGUAGE plpgsql AS $$ BEGIN
      RETURN 1;
    END $$;
    SELECT lo_from_bytea(910004, 'canary-object')";

/// The statements that the server has logged since `log` had `from` bytes, but those that only ask, each with its number.
fn logged(from: usize) -> BTreeMap<String, usize> {
    let log = Cluster::shared().log();
    // What continues an entry is indented.
    let log = log[from..].replace("\n\t", "\u{1}");
    let mut found = BTreeMap::new();
    for line in log.lines() {
        let Some((_, entry)) = line.split_once(" LOG:  ") else {
            continue;
        };
        let is_prepared = entry.starts_with("execute ");
        let Some(sql) = entry
            .strip_prefix("statement: ")
            .or_else(|| entry.strip_prefix("execute ")?.split_once(": ").map(|it| it.1))
        else {
            continue;
        };
        let sql = sql.replace('\u{1}', "\n");
        let sql = sql.trim().trim_end_matches(';').to_owned();
        let asks = is_prepared && (sql.starts_with("SELECT") || sql.starts_with("WITH"));
        if !asks || sql.contains("lo_") || sql.contains("advisory") {
            *found.entry(sql).or_default() += 1;
        }
    }
    found
}

#[test]
fn script_holds_what_the_server_logged_and_no_rows() {
    let place = Place::new("script");
    place.archive(SOURCE, "told");
    place
        .target
        .execute(&format!("ALTER ROLE {} SET log_statement = 'all'", place.admin))
        .unwrap();
    std::fs::write(
        place.desk.path("more.sql"),
        "CREATE INDEX CONCURRENTLY i ON parents (note)",
    )
    .unwrap();
    let from = Cluster::shared().log().len();
    place
        .load(
            "told",
            "--script told.sql --after more.sql --create-role told_role --create-role-as owner --jobs 3",
        )
        .assert_success();
    let script = std::fs::read_to_string(place.desk.path("told.sql")).unwrap();
    // Neighbours must not share the line break between them.
    let doubled = |text: &str| text.replace('\n', "\n\n");
    let lines = doubled(&script);
    let logged = logged(from);
    assert!(logged.len() > 40 && logged["COMMIT"] > 10, "{logged:#?}");
    for (sql, number) in &logged {
        let found = lines.matches(&format!("\n{};\n", doubled(sql))).count();
        assert_eq!(found, *number, "`{sql}` in the script:\n{script}");
    }
    assert!(!script.contains("canary"), "{script}");
    let copy = "COPY told.parents (id, note) FROM STDIN";
    let rows = script.lines().skip_while(|it| !it.starts_with(copy)).nth(1);
    assert!(rows.is_some_and(|it| it.starts_with("-- 1 rows, ")), "{script}");

    place.archive("CREATE TABLE t (id integer)", "failing");
    std::fs::write(place.desk.path("more.sql"), "SELECT 1/0").unwrap();
    place
        .load("failing", "--script told.sql")
        .assert_code(2)
        .assert_stderr_contains("told.sql");
    place
        .load("failing", "--script failed.sql --after more.sql")
        .assert_code(5);
    let script = std::fs::read_to_string(place.desk.path("failed.sql")).unwrap();
    assert!(script.ends_with("-- The run failed here; what it had not committed is undone.\n"));
    assert!(script.contains("\nSELECT 1/0;\n"), "{script}");
}
