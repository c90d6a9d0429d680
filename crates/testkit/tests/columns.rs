//! Columns that a plan gives other names: PostgreSQL follows them in all that mentions them, and the move is proved.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking, its helpers too")]

use serde_json::{Value, json};
use testkit::{Cluster, Database, Desk, Output};

#[test]
fn a_renamed_column_is_followed_and_proved() {
    let (cluster, desk) = (Cluster::shared(), Desk::shared());
    let source = source(
        "columns_renamed",
        "CREATE TABLE orders (id serial PRIMARY KEY, usr int REFERENCES users (id), name text DEFAULT 'x');
         INSERT INTO orders (usr) VALUES (1), (2);
         CREATE INDEX ON users (name);
         CREATE VIEW named AS SELECT name FROM users WHERE name IS NOT NULL;
         GRANT SELECT (name) ON users TO PUBLIC;
         ALTER TABLE users ADD CHECK (name <> '')",
    );
    let target = cluster.target().unwrap();
    let name = source.name();
    let planned = json!({"public.users": {"columns": {"name": {"rename": "full_name"}}}});
    plan(&desk, &source, &target, planned).assert_success();
    let load = format!(
        "dump --plan p.json --source {name} | remap-schema --plan p.json --source {name} -o {name}.tar && load --plan p.json --source {name} --privileges keep --read-back {name}.tar"
    );
    desk.run(&load).assert_success();
    desk.run(&format!("verify --plan p.json --source {name}"))
        .assert_success();
    desk.run(&format!("verify {name}.tar {}", testkit::target_word(&target)))
        .assert_success();
    // The other table has a column of that name, too, which keeps it.
    assert_eq!(
        target
            .query(&format!(
                "SELECT attrelid::regclass || '.' || attname FROM pg_attribute
                 WHERE attrelid IN ('{name}.users'::regclass, '{name}.orders'::regclass) AND attname LIKE '%name' ORDER BY 1"
            ))
            .unwrap(),
        [format!("{name}.orders.name"), format!("{name}.users.full_name")]
    );
    let granted =
        format!("SELECT has_column_privilege('public', '{name}.users', 'full_name', 'SELECT')::text");
    assert_eq!(target.query(&granted).unwrap(), ["true"]);
    target
        .execute(&format!(
            "UPDATE {name}.users SET full_name = 'other' WHERE id = 2"
        ))
        .unwrap();
    let output = desk.run(&format!("verify --plan p.json --source {name}"));
    output.assert_code(1);
    assert!(output.stdout_text().contains("full_name: b → other"), "{output}");
}

#[test]
fn what_cannot_be_renamed_is_refused_by_name() {
    let (cluster, desk) = (Cluster::shared(), Desk::shared());
    let source = source(
        "columns_refused",
        "CREATE TABLE parts (id int, at date) PARTITION BY RANGE (at);
         CREATE TABLE part PARTITION OF parts FOR VALUES FROM ('2026-01-01') TO ('2027-01-01')",
    );
    let target = cluster.target().unwrap();
    for (planned, expected) in [
        (
            json!({"public.users": {"columns": {"gone": {"rename": "x"}}}}),
            "no object `column gone of public.users`",
        ),
        (
            json!({"public.users": {"columns": {"name": {"rename": "id"}}}}),
            "would both become `id`",
        ),
        (
            json!({"public.parts": {"columns": {"at": {"rename": "day"}}}}),
            "partitions, heirs or parents",
        ),
        (
            json!({"public.users": {"columns": {"name": {"drop": true}}}}),
            "only new names",
        ),
    ] {
        plan(&desk, &source, &target, planned);
        let name = source.name();
        desk.run(&format!(
            "dump --plan p.json --source {name} | remap-schema --plan p.json --source {name} > refused.tar"
        ))
        .assert_code(2)
        .assert_stderr_contains(expected);
    }
}

/// Writes a plan of one source with what is said of its tables.
fn plan(desk: &Desk, source: &Database<'_>, target: &Database<'_>, tables: Value) -> Output {
    let word = testkit::target_word(target);
    desk.run(&format!(
        "rm -f p.json; assess {} --target {word} --plan p.json",
        source.name()
    ))
    .assert_success();
    let path = desk.path("p.json");
    let mut plan: Value = serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
    plan["sources"][0]["tables"] = tables;
    std::fs::write(&path, format!("{plan:#}")).unwrap();
    desk.run("assess --check-plan p.json")
}

/// A database with a table of two rows.
fn source(label: &str, sql: &str) -> Database<'static> {
    let source = Cluster::shared().database(label).unwrap();
    source
        .execute(&format!(
            "CREATE TABLE users (id serial PRIMARY KEY, name text); INSERT INTO users (name) VALUES ('a'), ('b'); {sql}"
        ))
        .unwrap();
    source
}
