//! From the plan to the proof, by the tools alone.

use std::fs;

use serde_json::{Value, json};
use testkit::{Cluster, Database, target_word};

use crate::{Shops, check, verify};

#[test]
fn a_plan_folds_two_shops_into_one_and_each_is_proved() {
    let shops = Shops::new(
        "CREATE TABLE settings (key text PRIMARY KEY, value text); INSERT INTO settings VALUES ('currency', 'EUR');
         CREATE SEQUENCE customers_id_seq OWNED BY customers.id;
         SELECT setval('customers_id_seq', 200);
         ALTER TABLE customers ALTER id SET DEFAULT nextval('customers_id_seq');
         CREATE TABLE notes (about integer REFERENCES orders, body text); INSERT INTO notes VALUES (1, 'late');
         CREATE VIEW spending AS SELECT c.email, sum(o.total) FROM customers c JOIN orders o ON o.customer = c.id GROUP BY 1",
    );
    let plan = json!({
        "version": 1,
        "sources": [
            {"name": "first", "endpoint": shops.a.name(), "schemas": ["public"], "to": "one"},
            {"name": "second", "endpoint": shops.b.name(), "schemas": ["public"], "to": "two"},
        ],
        "merges": [
            {"into": "app.customers", "keys": "offset", "offsets": {"first": 0, "second": 1_000_000}, "dedupe": ["email"],
             "tables": [{"source": "first", "table": "public.customers"}, {"source": "second", "table": "public.customers"}]},
            {"into": "app.orders", "keys": "offset", "offsets": {"first": 0, "second": 1_000_000},
             "tables": [{"source": "first", "table": "public.orders"}, {"source": "second", "table": "public.orders"}]},
        ],
    });
    fs::write(shops.desk.path("plan.json"), plan.to_string()).unwrap();
    let target = Cluster::shared().target().unwrap();
    let word = target_word(&target);
    for line in [
        "remap-schema --merge --plan plan.json first=a.tar second=b.tar -o merged.tar".to_owned(),
        format!("load {word} merged.tar --read-back"),
        format!("verify merged.tar {word}"),
        format!("verify {} {word} --plan plan.json --source first", shops.a.name()),
        format!(
            "verify {} {word} --plan plan.json --source second",
            shops.b.name()
        ),
    ] {
        let output = shops.desk.run(&line);
        output.assert_success();
    }
    check(&target, "SELECT count(*) FROM app.customers", &["302"]);
    let next = "INSERT INTO app.customers (name, source) VALUES ('new', 'first') RETURNING id > 1000200";
    check(&target, next, &["t"]);
    // The source's view reads the merged tables, and another one is not taken for it.
    target
        .execute(
            "CREATE OR REPLACE VIEW one.spending AS SELECT c.email, max(o.total) AS sum FROM app.customers c
            JOIN app.orders o ON o.customer = c.id GROUP BY 1",
        )
        .unwrap();
    let line = format!("{} {word} --plan plan.json --source first", shops.a.name());
    let found = verify(&shops, &line, 1);
    assert!(found.contains("view one.spending"), "{found}");
}

/// Small keys, keys that are foreign keys, a column that is called like the source column, and parents that do not fit.
#[test]
fn what_assess_proposes_to_merge_is_taken_and_proved() {
    let shops = Shops::new(
        "CREATE TABLE colours (id smallint PRIMARY KEY, word text); INSERT INTO colours VALUES (1, 'red');
         CREATE TABLE profiles (customer integer PRIMARY KEY REFERENCES customers, source text);
         INSERT INTO profiles VALUES (1, 'web'), (2, 'shop');
         CREATE TABLE parcels (id integer PRIMARY KEY, size integer); INSERT INTO parcels VALUES (1, 1);
         CREATE TABLE contents (id integer PRIMARY KEY, parcel integer REFERENCES parcels);
         INSERT INTO contents VALUES (1, 1)",
    );
    shops
        .b
        .execute("ALTER TABLE parcels ALTER size TYPE date USING date '2024-02-29'")
        .unwrap();
    let target = Cluster::shared().target().unwrap();
    let (a, b, word) = (shops.a.name(), shops.b.name(), target_word(&target));
    let mut lines = vec![format!(
        "assess {a} {b} --target {word} --layout merge --into app --plan proposed.json"
    )];
    lines.extend([a, b].map(|it| format!("dump {it} --force -o {it}.tar")));
    lines.push(format!(
        "remap-schema --merge --plan proposed.json {a}={a}.tar {b}={b}.tar | load {word}"
    ));
    lines.extend([a, b].map(|it| format!("verify --plan proposed.json --source {it}")));
    for line in lines {
        shops.desk.run(&line).assert_success();
    }
    let plan: Value =
        serde_json::from_str(&fs::read_to_string(shops.desk.path("proposed.json")).unwrap()).unwrap();
    let merges: Vec<(&str, &str)> = plan["merges"]
        .as_array()
        .unwrap()
        .iter()
        .map(|it| (it["into"].as_str().unwrap(), it["keys"].as_str().unwrap()))
        .collect();
    assert_eq!(
        merges,
        [
            ("app.colours", "composite"),
            ("app.customers", "offset"),
            ("app.orders", "offset"),
            ("app.profiles", "offset")
        ]
    );
}

/// Keys of two columns and UUIDs, and a SQLite file among the sources.
#[test]
fn composite_keys_uuids_and_sqlite_files_are_proved_too() {
    let shops = Shops::new("");
    let file = shops.desk.path("lite.sqlite");
    let lite = "CREATE TABLE customers (id INTEGER PRIMARY KEY, email TEXT, name TEXT NOT NULL,
          boss INTEGER REFERENCES customers (id), since TEXT);
        INSERT INTO customers VALUES (1, '5@example.com', 'person 5', NULL, NULL),
          (2, 'x@example.com', 'x', 1, '2024-02-29T10:00:00+02:00');";
    rusqlite::Connection::open(&file)
        .unwrap()
        .execute_batch(lite)
        .unwrap();
    shops.desk.run("dump lite.sqlite -o lite.tar").assert_success();
    for (keys, dedupe, sources) in [
        ("composite", false, &["first", "second"][..]),
        ("uuid", true, &["first", "second"]),
        ("offset", true, &["first", "second", "lite"]),
    ] {
        let tables = |table: &str, sources: &[&str]| -> Value {
            let table = |it: &&str| json!({"source": it, "table": format!("public.{table}")});
            sources.iter().map(table).collect()
        };
        let merge = |table: &str, sources: &[&str], dedupe: bool| {
            let mut merge = json!({
                "into": format!("app.{table}"), "keys": keys, "tables": tables(table, sources),
                "dedupe": if dedupe { vec!["email"] } else { Vec::new() },
            });
            if keys == "offset" {
                if table == "customers" {
                    merge["columns"] = json!({"since": "timestamptz"});
                }
                let offsets = sources
                    .iter()
                    .zip(0..)
                    .map(|(it, place)| ((*it).to_owned(), (place * 1_000_000).into()));
                merge["offsets"] = Value::Object(offsets.collect());
            }
            merge
        };
        let source = |name: &str, endpoint: &str| {
            let mut source = json!({
                "name": name, "endpoint": endpoint, "schemas": ["public"], "to": format!("of_{name}"),
            });
            if keys == "uuid" {
                source["keys"] = json!({"uuid": ["*"], "source": name});
            }
            source
        };
        let (a, b) = (shops.a.name(), shops.b.name());
        let all = [
            ("first", a, "a.tar"),
            ("second", b, "b.tar"),
            ("lite", "lite.sqlite", "lite.tar"),
        ];
        let all = all.iter().filter(|it| sources.contains(&it.0));
        let plan = json!({
            "version": 1, "sources": all.clone().map(|it| source(it.0, it.1)).collect::<Vec<_>>(),
            "merges": [merge("customers", sources, dedupe), merge("orders", &["first", "second"], false)],
        });
        fs::write(shops.desk.path("plan.json"), plan.to_string()).unwrap();
        let archives: Vec<String> = all.clone().map(|it| format!("{}={}", it.0, it.2)).collect();
        let target = Cluster::shared().target().unwrap();
        let word = target_word(&target);
        let mut lines = vec![
            format!(
                "remap-schema --merge --plan plan.json {} -o merged.tar --force",
                archives.join(" ")
            ),
            format!("load {word} merged.tar"),
            format!("verify merged.tar {word}"),
        ];
        lines.extend(all.map(|it| format!("verify {} {word} --plan plan.json --source {}", it.1, it.0)));
        for line in lines {
            let output = shops.desk.run(&line);
            output.assert_success();
        }
        if keys == "offset" {
            times_are_proved_however_they_are_written(&shops, &target);
        }
    }
}

/// A text that became a time is written otherwise, and another time is another one.
fn times_are_proved_however_they_are_written(shops: &Shops, target: &Database<'_>) {
    let since = "SELECT since FROM app.customers WHERE since IS NOT NULL";
    check(target, since, &["2024-02-29 08:00:00+00"]);
    let line = format!(
        "lite.sqlite {} --plan plan.json --source lite",
        target_word(target)
    );
    let found = verify(shops, &line, 0);
    assert!(found.contains("how 1 value of since were written"), "{found}");
    target
        .execute("UPDATE app.customers SET since = since + interval '1 s'")
        .unwrap();
    let found = verify(shops, &line, 1);
    assert!(found.contains("~ (2) since: "), "{found}");
}
