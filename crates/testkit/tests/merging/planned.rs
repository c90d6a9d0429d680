//! From the plan to the proof, by the tools alone.

use std::fs;

use serde_json::{Value, json};
use testkit::{Cluster, target_word};

use crate::{Shops, check};

#[test]
fn a_plan_folds_two_shops_into_one_and_each_is_proved() {
    let shops = Shops::new(
        "CREATE TABLE settings (key text PRIMARY KEY, value text); INSERT INTO settings VALUES ('currency', 'EUR');
         CREATE SEQUENCE customers_id_seq OWNED BY customers.id;
         SELECT setval('customers_id_seq', 200);
         ALTER TABLE customers ALTER id SET DEFAULT nextval('customers_id_seq')",
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
}

/// Keys of two columns and UUIDs, and a SQLite file among the sources.
#[test]
fn composite_keys_uuids_and_sqlite_files_are_proved_too() {
    let shops = Shops::new("");
    let file = shops.desk.path("lite.sqlite");
    let lite = "CREATE TABLE customers (id INTEGER PRIMARY KEY, email TEXT, name TEXT NOT NULL,
          boss INTEGER REFERENCES customers (id));
        INSERT INTO customers VALUES (1, '5@example.com', 'person 5', NULL), (2, 'x@example.com', 'x', 1);";
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
    }
}
