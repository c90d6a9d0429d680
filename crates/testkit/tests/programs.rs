//! Views and triggers of SQLite files, judged by both databases: the same rows, and the same rows after the same
//! statements.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking, its helpers too")]

use std::collections::HashMap;
use std::path::Path;

use postgres::{Client, SimpleQueryMessage};
use rusqlite::Connection;
use rusqlite::types::ValueRef;
use testkit::data::SqliteData;
use testkit::{Cluster, Database, Desk, TARGET_OWNER, target_word};

const FIXTURE: &str = include_str!("../fixtures/programs.sql");

/// Statements that both databases read alike; some of them fail in both.
const STATEMENTS: &[&str] = &[
    "INSERT INTO customers (name, city) VALUES ('Neu', 'Bonn')",
    "UPDATE customers SET name = 'Ada L', born = NULL WHERE id = 1",
    "UPDATE customers SET name = '' WHERE id = 3",
    "UPDATE customers SET born = NULL WHERE id = 5",
    "INSERT INTO log (what) VALUES ('forget Zoe')",
    "DELETE FROM customers WHERE id = 4",
    "DELETE FROM customers WHERE id = 2",
    "INSERT INTO orders (id, customer_id, total) VALUES (20, 1, -5)",
    "INSERT INTO orders (id, customer_id, total, state) VALUES (21, 1, 5, 'skip'), (24, 1, 2, 'new')",
    "INSERT INTO orders (id, customer_id, total) VALUES (22, 99, 5)",
    "INSERT INTO orders (id, customer_id, total) VALUES (23, 1, 7.25)",
    "INSERT INTO customers (name) VALUES ('banned')",
    "INSERT INTO orders (id, customer_id) VALUES (25, 7)",
    "INSERT INTO stamps (v) VALUES (1), (2)",
    "UPDATE stamps SET v = v + 1",
    "INSERT INTO pairs (a, b) VALUES (1, 1), (2, 2)",
    "UPDATE pairs SET b = b + 10",
    "UPDATE pairs SET a = a + 10",
    "INSERT INTO zz_base (name, active) VALUES ('Viewy', TRUE)",
    "UPDATE zz_base SET name = 'Viewed' WHERE name = 'Viewy'",
    "UPDATE zz_base SET name = 'Viewed' WHERE name = 'Viewed'",
    "DELETE FROM zz_base WHERE name = 'Viewed'",
    "INSERT INTO loud (id, v) VALUES (1, 3)",
    "INSERT INTO loud (id, v) VALUES (2, 2)",
    "INSERT INTO measures (i, who) VALUES (9007199254740993, 'bob')",
    "INSERT INTO measures (i, who) VALUES (5, 'ada')",
    "INSERT INTO \"Odd Names\" (\"Id\", \"new\", \"select\") VALUES (3, 'odd', 5)",
    "INSERT INTO \"Odd Names\" (\"Id\", \"new\", \"select\") VALUES (4, 'odd', 6)",
];

struct Moved {
    file: Connection,
    target: Client,
    /// What `dump` said.
    said: String,
    _database: Database<'static>,
}

/// Moves the file into the schema `shop`, so that every name in a view or a body has to move as well.
fn moved(desk: &Desk, path: &Path) -> Moved {
    let database = Cluster::shared().target().unwrap();
    let said = desk.run(&format!(
        "dump --verbose {} | remap-schema --to shop --strict | load {}",
        path.display(),
        target_word(&database)
    ));
    said.assert_success();
    let file = Connection::open(path).unwrap();
    file.execute_batch("PRAGMA foreign_keys = ON").unwrap();
    let mut target = database.client(TARGET_OWNER).unwrap();
    target
        .batch_execute("SET search_path = shop; SET TimeZone = 'UTC'")
        .unwrap();
    Moved {
        file,
        target,
        said: said.stderr(),
        _database: database,
    }
}

impl Moved {
    /// What is called so in the file, of that kind.
    fn names(&self, kind: &str) -> Vec<String> {
        let sql = format!(
            "SELECT name FROM sqlite_schema WHERE type = '{kind}' AND name NOT LIKE 'sqlite%' ORDER BY name"
        );
        let mut statement = self.file.prepare(&sql).unwrap();
        let names = statement.query_map([], |row| row.get(0)).unwrap();
        names.collect::<rusqlite::Result<_>>().unwrap()
    }

    /// Compares the rows of a table or view, by their order if it has one.
    #[track_caller]
    fn check(&mut self, relation: &str) {
        let name = format!("\"{}\"", relation.replace('"', "\"\""));
        let (names, mut expected) = rows_of_file(&self.file, &name);
        let (own_names, mut found) = rows_of_target(&mut self.target, relation, &name);
        assert_eq!(own_names, names, "columns of {relation}");
        if !relation.starts_with("sorted") {
            expected.sort();
            found.sort();
        }
        assert_eq!(found, expected, "rows of {relation}");
    }
}

type Rows = (Vec<String>, Vec<Vec<String>>);

fn rows_of_file(file: &Connection, relation: &str) -> Rows {
    let mut statement = file.prepare(&format!("SELECT * FROM {relation}")).unwrap();
    let names: Vec<String> = statement.column_names().map(str::to_owned).collect();
    let mut rows = statement.query([]).unwrap();
    let mut texts = Vec::new();
    while let Some(row) = rows.next().unwrap() {
        let value = |place: usize| match row.get_ref(place).unwrap() {
            ValueRef::Null => "NULL".to_owned(),
            ValueRef::Integer(it) => it.to_string(),
            ValueRef::Real(it) => number(it),
            ValueRef::Text(it) => String::from_utf8(it.to_vec()).unwrap(),
            ValueRef::Blob(it) => it
                .iter()
                .fold("\\x".to_owned(), |text, byte| format!("{text}{byte:02x}")),
        };
        texts.push((0..names.len()).map(value).collect());
    }
    (names, texts)
}

fn rows_of_target(target: &mut Client, relation: &str, quoted: &str) -> Rows {
    let statement = target.prepare(&format!("SELECT * FROM {quoted}")).unwrap();
    let types: Vec<String> = statement
        .columns()
        .iter()
        .map(|it| it.type_().name().to_owned())
        .collect();
    let names = statement
        .columns()
        .iter()
        .map(|it| it.name().to_owned())
        .collect();
    let mut texts = Vec::new();
    for message in target.simple_query(&format!("SELECT * FROM {quoted}")).unwrap() {
        let SimpleQueryMessage::Row(row) = message else {
            continue;
        };
        let value = |place: usize| match (row.get(place), types[place].as_str()) {
            (None, _) => "NULL".to_owned(),
            (Some(text), "bool") => if text == "t" { "1" } else { "0" }.to_owned(),
            (Some(text), "float8" | "numeric") => number(text.parse().unwrap()),
            (Some(text), _) => text.to_owned(),
        };
        texts.push((0..types.len()).map(value).collect());
    }
    assert!(!types.is_empty(), "{relation}");
    (names, texts)
}

/// Sums of floating-point numbers may differ in the last digits, and a whole real is an integer where it is exact.
fn number(it: f64) -> String {
    let rounded = format!("{it:.9}");
    rounded.trim_end_matches('0').trim_end_matches('.').to_owned()
}

/// Statements of the fixture that begin so, with the comment behind each.
fn comments(prefix: &str) -> HashMap<&'static str, &'static str> {
    let lines = FIXTURE.lines().filter_map(|line| line.strip_prefix(prefix));
    let left = lines.filter(|line| line.starts_with("left_") && line.contains("; -- "));
    left.map(|line| {
        (
            line.split(' ').next().unwrap(),
            line.rsplit(" -- ").next().unwrap(),
        )
    })
    .collect()
}

#[test]
fn views_and_triggers_do_on_the_target_what_they_do_in_the_file() {
    // Fault 47.
    let desk = Desk::shared();
    let path = desk.path("programs.sqlite");
    Connection::open(&path).unwrap().execute_batch(FIXTURE).unwrap();
    let mut moved = moved(&desk, &path);
    for (kind, prefix) in [("view", "CREATE VIEW "), ("trigger", "CREATE TRIGGER ")] {
        let reasons = comments(prefix);
        for name in moved.names(kind) {
            let left_out = format!("{name}: the {kind} is left out: ");
            let line = moved
                .said
                .lines()
                .find_map(|line| Some(line.split_once(&left_out)?.1));
            match reasons.get(name.as_str()) {
                Some(reason) => assert!(line.unwrap().contains(reason), "{name}: {line:?}"),
                None => assert_eq!(line, None, "{name}"),
            }
        }
    }
    let views = moved.names("view");
    let judged: Vec<&String> = views
        .iter()
        .filter(|it| !it.starts_with("left_") || it.as_str() == "left_join_is_kept")
        .collect();
    for view in &judged {
        moved.check(view);
    }
    for statement in STATEMENTS {
        let file = moved.file.execute_batch(statement);
        let target = moved.target.batch_execute(statement);
        assert_eq!(
            target.is_err(),
            file.is_err(),
            "{statement}: {target:?}, {file:?}"
        );
    }
    for table in moved.names("table").iter().filter(|it| !it.starts_with("search")) {
        moved.check(table);
    }
    for view in &judged {
        moved.check(view);
    }
}

#[test]
fn sakila_keeps_its_views_and_triggers() {
    let desk = Desk::shared();
    let Ok(path) = SqliteData::Sakila.file(desk.folder()) else {
        return;
    };
    let mut moved = moved(&desk, &path);
    assert!(!moved.said.contains("left out"), "{}", moved.said);
    for view in moved.names("view") {
        moved.check(&view);
    }
}
