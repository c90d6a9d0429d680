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
         CREATE TABLE part PARTITION OF parts FOR VALUES FROM ('2026-01-01') TO ('2027-01-01');
         CREATE VIEW named AS SELECT name FROM users",
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
            json!({"public.users": {"columns": {"id": {"drop": true}}}}),
            "constraint users_pkey on users mentions it",
        ),
        (
            json!({"public.users": {"columns": {"name": {"drop": true}}}}),
            "column name of public.users cannot be dropped: view public.named mentions it",
        ),
        (
            json!({"public.users": {"columns": {"name": {"type": "varchar(5)"}}}}),
            "column name of public.users cannot be given another type: view public.named mentions it",
        ),
        (
            json!({"public.users": {"add": {"x": {"type": "mood", "value": "1"}}}}),
            "`mood` is none of PostgreSQL's own types",
        ),
        (
            json!({"public.parts": {"add": {"x": {"type": "int", "value": "1"}}}}),
            "columns of public.parts cannot be dropped, added or get another type: it",
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

#[test]
fn changed_columns_are_proved_for_a_database_and_an_archive() {
    let (cluster, desk) = (Cluster::shared(), Desk::shared());
    let source = source(
        "columns_changed",
        "CREATE TABLE items (id serial PRIMARY KEY, usr int REFERENCES users (id), note text, amount int DEFAULT 3,
                             code text, label varchar(20), old text);
         CREATE INDEX ON items (amount) WHERE amount > 1;
         CREATE VIEW labels AS SELECT i.label, u.name FROM items i JOIN users u ON u.id = i.usr;
         CREATE FUNCTION twice(n int) RETURNS int LANGUAGE sql IMMUTABLE RETURN n * 2;
         INSERT INTO items (usr, note, amount, code, label, old)
             VALUES (1, 'x', 7, '007', 'one', 'a'), (2, NULL, NULL, '12', 'two', 'b')",
    );
    let target = cluster.target().unwrap();
    let name = source.name();
    let planned = json!({"public.items": {
        "columns": {
            "note": {"drop": true},
            "amount": {"type": "numeric(10,2)"},
            "code": {"type": "int", "using": "code::int + coalesce(length(note), 0)"},
            "label": {"rename": "title"},
            "old": {"type": "varchar(9)", "rename": "older"}
        },
        "add": {
            "origin": {"type": "text", "value": "'it''s ' || 'here'"},
            "doubled": {"type": "int8", "value": "public.twice(usr)"},
            "shown": {"type": "text", "value": "label || coalesce(note, '-')"},
            "moved_at": {"type": "timestamptz", "value": "now()"}
        }
    }});
    plan(&desk, &source, &target, planned).assert_success();
    let load = format!(
        "dump --plan p.json --source {name} | remap-schema --plan p.json --source {name} -o {name}.tar && load --plan p.json --source {name} --dry-run {name}.tar && load --plan p.json --source {name} --read-back {name}.tar"
    );
    desk.run(&load).assert_success();
    let rows = format!(
        "SELECT id || '|' || usr || '|' || coalesce(amount::text, '') || '|' || code || '|' || title || '|' || older || '|' || origin
             || '|' || doubled || '|' || shown || '|' || (moved_at IS NOT NULL) FROM {name}.items ORDER BY id"
    );
    assert_eq!(
        target.query(&rows).unwrap(),
        [
            "1|1|7.00|8|one|a|it's here|2|onex|true",
            "2|2||12|two|b|it's here|4|two-|true"
        ]
    );
    let live = format!("verify --plan p.json --source {name}");
    let archive = format!("verify {name}.tar {}", testkit::target_word(&target));
    let output = desk.run(&live);
    output.assert_success();
    let text = output.stdout_text();
    assert!(
        text.contains("column note of ") && text.contains("it is dropped on the way"),
        "{output}"
    );
    assert!(text.contains("`now` is another value with each look"), "{output}");
    let output = desk.run(&archive);
    output.assert_success();
    assert!(output.stdout_text().contains("column code of "), "{output}");
    changed_values_are_found(&desk, &target, name, (&live, &archive));
}

fn changed_values_are_found(desk: &Desk, target: &Database<'_>, name: &str, (live, archive): (&str, &str)) {
    target
        .execute(&format!(
            "UPDATE {name}.items SET origin = 'x', doubled = 5, shown = 'x', code = 7, older = 'c', amount = 7.01 WHERE id = 1"
        ))
        .unwrap();
    let output = desk.run(live);
    output.assert_code(1);
    for column in ["origin", "doubled", "shown", "code", "older", "amount"] {
        assert!(output.stdout_text().contains(column), "{column}: {output}");
    }
    target
        .execute(&format!(
            "UPDATE {name}.items SET older = 'a', amount = 7 WHERE id = 1"
        ))
        .unwrap();
    let output = desk.run(archive);
    output.assert_code(1);
    assert!(
        output.stdout_text().contains("columns differ: doubled, origin"),
        "{output}"
    );
    target
        .execute(&format!(
            "ALTER TABLE {name}.items ALTER COLUMN code TYPE int8, ADD COLUMN note text"
        ))
        .unwrap();
    let output = desk.run(live);
    output.assert_code(1);
    let text = output.stdout_text();
    assert!(text.contains("bigint") && text.contains("note"), "{output}");
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
