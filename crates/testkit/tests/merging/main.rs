//! Rows of several sources in one table: kept apart, joined where they are the same, followed by what refers to them, and
//! every one of them proved.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking, its helpers too")]

mod archives;
mod failures;
mod planned;

use std::fs;

use archives::{Keys, Wish, merge};
use testkit::{Cluster, Database, Desk, target_word};

/// A shop whose customers have a boss among them, and orders. Some have no email, and are nobody else.
const SHOP: &str = "
CREATE TABLE customers (id integer PRIMARY KEY, email text, name text NOT NULL, boss integer REFERENCES customers);
CREATE TABLE orders (id integer PRIMARY KEY, customer integer NOT NULL REFERENCES customers, total numeric(10,2));";

/// Emails 101 to 150 are those of the second shop's customers 1 to 50, of which every second has another name there.
const FIRST: &str = "
INSERT INTO customers SELECT n, CASE WHEN n % 20 > 0 THEN n || '@example.com' END, 'person ' || n, NULLIF(n / 2, 0)
  FROM generate_series(1, 150) n;
INSERT INTO orders SELECT n, 1 + n % 150, n FROM generate_series(1, 400) n;";

const SECOND: &str = "
ALTER TABLE customers ADD vip boolean;
INSERT INTO customers SELECT n, CASE WHEN n % 20 > 0 THEN n + 100 || '@example.com' END,
    CASE n % 2 WHEN 0 THEN 'someone ' ELSE 'person ' END || n + 100, NULLIF(n / 2, 0), n % 3 = 0
  FROM generate_series(1, 200) n;
INSERT INTO orders SELECT n, 1 + n % 200, n FROM generate_series(1, 300) n;";

const MODEL: &str = "
CREATE SCHEMA app;
CREATE TABLE app.customers (id {key} PRIMARY KEY, email text, name text NOT NULL, boss {key}, vip boolean,
  source text NOT NULL);
CREATE TABLE app.orders (id {key} PRIMARY KEY, customer {key} NOT NULL, total numeric(10,2), source text NOT NULL);
CREATE TABLE app.colours (word text PRIMARY KEY);
INSERT INTO app.colours VALUES ('red'), ('blue');
ALTER TABLE app.customers ADD FOREIGN KEY (boss) REFERENCES app.customers;
ALTER TABLE app.orders ADD FOREIGN KEY (customer) REFERENCES app.customers;
CREATE INDEX ON app.orders (customer);
DROP SCHEMA public;";

const KEYS_OF_CUSTOMERS: &[(&str, &str)] = &[("id", "customers"), ("boss", "customers")];
const KEYS_OF_ORDERS: &[(&str, &str)] = &[("id", "orders"), ("customer", "customers")];

/// Both tables, with customers joined by their emails.
pub(crate) const JOINED: [Wish<'static>; 2] = [
    Wish {
        table: "customers",
        dedupe: &["email"],
        follows: &[("boss", "customers", "id")],
        keys: KEYS_OF_CUSTOMERS,
    },
    Wish {
        table: "orders",
        dedupe: &[],
        follows: &[("customer", "customers", "id")],
        keys: KEYS_OF_ORDERS,
    },
];

/// The same with every row by itself.
const APART: [Wish<'static>; 2] = [
    Wish {
        dedupe: &[],
        follows: &[],
        ..JOINED[0]
    },
    Wish {
        follows: &[],
        ..JOINED[1]
    },
];

/// Two shops, and their archives as `a.tar` and `b.tar`.
pub(crate) struct Shops {
    pub(crate) desk: Desk,
    pub(crate) a: Database<'static>,
    pub(crate) b: Database<'static>,
}

impl Shops {
    pub(crate) fn new(rows: &str) -> Self {
        let (desk, cluster) = (Desk::shared(), Cluster::shared());
        let (a, b) = (
            cluster.database("shop_a").unwrap(),
            cluster.database("shop_b").unwrap(),
        );
        a.execute(&[SHOP, FIRST].concat()).unwrap();
        b.execute(&[SHOP, SECOND].concat()).unwrap();
        for (shop, file, form) in [(&a, "a.tar", "binary"), (&b, "b.tar", "csv")] {
            shop.execute(rows).unwrap();
            desk.run(&format!("dump {} --rows {form} -o {file}", shop.name()))
                .assert_success();
        }
        Shops { desk, a, b }
    }

    pub(crate) fn merge(&self, keys: Keys, wishes: &[Wish<'_>]) {
        let model = Cluster::shared().database("model").unwrap();
        let key = if keys == Keys::Uuid { "uuid" } else { "bigint" };
        model.execute(&MODEL.replace("{key}", key)).unwrap();
        self.desk
            .run(&format!("dump {} -o model.tar", model.name()))
            .assert_success();
        let sources = [("first", "a.tar"), ("second", "b.tar")];
        merge(&self.desk, "model.tar", &sources, keys, wishes, "merged.tar");
    }

    /// A target with the merged archive.
    pub(crate) fn loaded(&self, options: &str) -> Database<'static> {
        let target = Cluster::shared().target().unwrap();
        let word = target_word(&target);
        self.desk
            .run(&format!("load {word} merged.tar {options}"))
            .assert_success();
        target
    }
}

#[track_caller]
pub(crate) fn check(target: &Database<'_>, sql: &str, expected: &[&str]) {
    assert_eq!(target.query(sql).unwrap(), expected, "{sql}");
}

/// Every order has the customer and the boss, by email or name, that it has in its source.
fn check_orders(shops: &Shops, target: &Database<'_>, name: &str) {
    let ask = |schema: &str, condition: &str| {
        format!(
            "SELECT o.total, COALESCE(c.email, c.name), COALESCE(b.email, b.name) FROM {schema}.orders o
             JOIN {schema}.customers c ON c.id = o.customer LEFT JOIN {schema}.customers b ON b.id = c.boss {condition}
             ORDER BY 1, 2, 3"
        )
    };
    // A joined customer has the boss of the row that stays.
    let only = |it: &str| format!("WHERE o.source = '{it}' AND c.source = '{name}'");
    let here = if name == "first" { &shops.a } else { &shops.b };
    let there = target.query(&ask("app", &only(name))).unwrap();
    let all = here.query(&ask("public", "")).unwrap();
    assert!(
        !there.is_empty() && there.iter().all(|it| all.contains(it)),
        "{name}"
    );
}

#[test]
fn rows_that_are_the_same_are_joined_and_followed() {
    let shops = Shops::new("");
    shops.merge(Keys::Offset(1_000_000), &JOINED);
    let dry = Cluster::shared().target().unwrap();
    let line = format!("load {} merged.tar --dry-run", target_word(&dry));
    shops.desk.run(&line).assert_success();
    let target = shops.loaded("--read-back --joined joined.csv --joined-values --format json > report.json");
    // 50 emails less the three that are none: numbers 20, 40 here are 120, 140 there, which have none either.
    let counts = "SELECT source, count(*) FROM app.customers GROUP BY 1 ORDER BY 1";
    check(&target, counts, &["first | 150", "second | 152"]);
    check(&target, "SELECT count(*) FROM app.orders", &["700"]);
    check(&target, "SELECT count(*) FROM app.colours", &["2"]);
    let followed = "SELECT count(*) FROM app.orders o JOIN app.customers c ON c.id = o.customer
        WHERE o.source = 'second' AND c.source = 'first'";
    let expected = shops
        .b
        .query("SELECT count(*) FROM orders WHERE customer <= 50 AND customer % 20 > 0")
        .unwrap();
    assert_eq!(target.query(followed).unwrap(), expected);
    for name in ["first", "second"] {
        check_orders(&shops, &target, name);
    }
    check(
        &target,
        "SELECT count(*) FROM app.customers WHERE vip IS NULL AND source = 'second'",
        &["0"],
    );
    check(
        &target,
        "SELECT count(*) FROM pg_class WHERE relname LIKE 'coalesce_%'",
        &["0"],
    );
    let csv = fs::read_to_string(shops.desk.path("joined.csv")).unwrap();
    assert_eq!(csv.lines().count(), 1 + 48, "{csv}");
    assert!(
        csv.contains("app.customers,second,2,first,102,\"name, boss"),
        "{csv}"
    );
    assert!(csv.contains("someone 102 → person 102"), "{csv}");
    let report: serde_json::Value =
        serde_json::from_str(&fs::read_to_string(shops.desk.path("report.json")).unwrap()).unwrap();
    let customers = &report["merged"][0];
    assert_eq!(
        (&customers["rows"], &customers["joined"]),
        (&302.into(), &48.into()),
        "{report}"
    );
}

/// Lines of the report of `verify`, which ends with `code`.
#[track_caller]
pub(crate) fn verify(shops: &Shops, line: &str, code: i32) -> String {
    let output = shops.desk.run(&format!("verify {line}"));
    output.assert_code(code);
    output.stdout_text()
}

#[test]
fn every_row_is_proved_against_each_source_and_against_the_archive() {
    let shops = Shops::new("");
    shops.merge(Keys::Offset(1_000_000), &JOINED);
    let target = shops.loaded("");
    let word = target_word(&target);
    let joined = "identical but for 48 rows joined to another source's";
    let all = verify(&shops, &format!("merged.tar {word}"), 0);
    assert!(all.contains(joined), "{all}");
    let some = verify(&shops, &format!("merged.tar {word} --table app.orders"), 0);
    assert!(
        some.contains("app.orders of second") && !some.contains("app.customers of"),
        "{some}"
    );
    let second = format!("{} {word} --to app", shops.b.name());
    let found = verify(&shops, &format!("{} {word} --to app", shops.a.name()), 0);
    assert!(
        found.contains("table app.colours  not in this source") || found.contains("app.colours"),
        "{found}"
    );
    assert!(verify(&shops, &second, 0).contains(joined));
    for change in [
        // Gone, changed, and there twice.
        "DELETE FROM app.orders WHERE id = 1000007",
        "UPDATE app.customers SET name = 'nobody' WHERE id = 1000061",
        "INSERT INTO app.orders SELECT 1009999, customer, total, source FROM app.orders WHERE id = 1000008",
        // Of another source, and of none.
        "UPDATE app.orders SET source = 'first' WHERE id = 1000009",
        "UPDATE app.orders SET source = 'third' WHERE id = 1000010",
        // Another customer than the one that its own is joined to.
        "UPDATE app.orders SET customer = 3 WHERE id = 1000001",
        // A row that another is joined to, and a column that its source does not have.
        "UPDATE app.customers SET email = 'other@example.com' WHERE id = 102",
        "UPDATE app.customers SET vip = true WHERE id = 1",
    ] {
        target.execute(change).unwrap();
    }
    let of_one = verify(&shops, &second, 1);
    let of_all = verify(&shops, &format!("merged.tar {word}"), 1);
    for words in [
        "- (7) ",
        "~ (61) name: person 161 → nobody",
        "+ (9999) ",
        "- (9) ",
        "- (10) ",
        "~ (1) customer: 2 → ",
        "rows of no source",
        "joined rows without the row that stays",
    ] {
        assert!(of_one.contains(words), "{words}\n{of_one}");
        assert!(of_all.contains(words), "{words}\n{of_all}");
    }
    for words in [
        "~ (102) email: ",
        "+ (1000009) ",
        "column vip of app.customers of source first",
    ] {
        assert!(of_all.contains(words), "{words}\n{of_all}");
    }
    assert!(
        !of_one.contains("- (2) "),
        "a joined row is not missing\n{of_one}"
    );
}

/// UUIDs have no way back: the source's keys are made again, and compared.
#[test]
fn merged_keys_become_uuids_and_are_proved() {
    let shops = Shops::new("");
    shops.merge(Keys::Uuid, &JOINED);
    let target = shops.loaded("--read-back");
    let word = target_word(&target);
    let counts = "SELECT source, count(*) FROM app.customers GROUP BY 1 ORDER BY 1";
    check(&target, counts, &["first | 150", "second | 152"]);
    for name in ["first", "second"] {
        check_orders(&shops, &target, name);
    }
    let second = format!("{} {word} --to app", shops.b.name());
    for line in [&format!("merged.tar {word}"), &second] {
        let found = verify(&shops, line, 0);
        assert!(found.contains("48 rows joined"), "{found}");
    }
    target
        .execute("UPDATE app.orders SET customer = (SELECT id FROM app.customers WHERE name = 'person 9') WHERE total = 150")
        .unwrap();
    for line in [&format!("merged.tar {word}"), &second] {
        let found = verify(&shops, line, 1);
        assert!(found.contains(" customer: "), "{found}");
        assert!(
            !found.contains("app.customers of second     200     152  48"),
            "{found}"
        );
    }
}

/// Keys that do not meet stay what they are, and nothing is joined.
#[test]
fn a_merge_without_joined_rows_keeps_all_of_them() {
    let shops = Shops::new("");
    for (shop, table) in [(&shops.b, "orders"), (&shops.b, "customers")] {
        shop.execute("ALTER TABLE orders DROP CONSTRAINT IF EXISTS orders_customer_fkey")
            .unwrap();
        shop.execute("ALTER TABLE customers DROP CONSTRAINT IF EXISTS customers_boss_fkey")
            .unwrap();
        shop.execute(&format!("UPDATE {table} SET id = id + 5000"))
            .unwrap();
    }
    shops
        .b
        .execute("UPDATE orders SET customer = customer + 5000; UPDATE customers SET boss = boss + 5000")
        .unwrap();
    shops
        .desk
        .run(&format!("dump {} -o b.tar --force", shops.b.name()))
        .assert_success();
    shops.merge(Keys::AsIs, &APART);
    let target = shops.loaded("--jobs 1");
    check(&target, "SELECT count(*) FROM app.customers", &["350"]);
    let word = target_word(&target);
    let found = verify(&shops, &format!("merged.tar {word} --rows 0"), 0);
    assert!(!found.contains("joined"), "{found}");
}
