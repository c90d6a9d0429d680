//! The census: what `assess` says of a source is what the source says of itself, and asking does not stand in anybody's way.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking, its helpers too")]

#[path = "inventory/everything.rs"]
mod everything;
#[path = "inventory/schema.rs"]
mod schema;

use std::time::Duration;

use serde_json::Value;
use testkit::{Cluster, Database, Desk, Output};

#[test]
fn an_inventory_says_what_the_server_says() {
    let source = source("everything", everything::SQL);
    let mut client = source.admin().unwrap();
    let version = client.query_one("SELECT current_setting('server_version_num')::integer", &[]);
    if version.unwrap().get::<_, i32>(0) >= 150_000 {
        source.execute(everything::SQL_15).unwrap();
    }
    let name = source.name();
    source
        .execute(&format!(
            "ALTER DATABASE {name} SET search_path = public, \"Odd one\";
             ALTER DATABASE {name} SET app.api_password = 'hunter2';
             ALTER ROLE source_reader IN DATABASE {name} SET \"DateStyle\" = 'German'"
        ))
        .unwrap();
    let output = Desk::shared().run(&format!("assess \"{}\" --format json", source.source()));
    let report = json(&output);
    schema::assert_described(&report);
    assert!(
        !String::from_utf8_lossy(output.stdout()).contains("hunter2"),
        "{output}"
    );
    let found = &report["sources"][0]["inventory"];
    everything::check(&source, found);
}

#[test]
fn nobody_is_waited_for() {
    let source = source(
        "held",
        "CREATE TABLE free (a integer CHECK (a > 0)); CREATE TABLE taken (a integer CHECK (a > 0), s serial);
         CREATE INDEX partial ON taken (a) WHERE a > 1;
         CREATE VIEW of_free AS SELECT a FROM free; CREATE VIEW of_taken AS SELECT a FROM taken;
         ANALYZE",
    );
    let mut locker = source.admin().unwrap();
    locker
        .batch_execute("BEGIN; LOCK TABLE taken IN ACCESS EXCLUSIVE MODE; ALTER SEQUENCE taken_s_seq CACHE 2")
        .unwrap();
    let output = Desk::shared().run(&format!("assess \"{}\" --format json --exact", source.source()));
    let report = json(&output);
    assert!(output.elapsed() < Duration::from_secs(15), "{output}");
    schema::assert_described(&report);
    let found = &report["sources"][0]["inventory"];
    let views = texts(&found["views"], |it| join([&it["name"], &it["definition"]]));
    assert_eq!(views.len(), 2);
    assert!(views[0].contains("FROM public.free"), "{views:?}");
    assert_eq!(views[1], "of_taken|", "{views:?}");
    assert_eq!(table(found, "free")["keys"][0]["definition"], "CHECK ((a > 0))");
    assert_eq!(table(found, "taken")["keys"][0]["definition"], "");
    assert_eq!(table(found, "taken")["columns"][0]["name"], "a");
    assert_eq!(
        (
            &table(found, "free")["rows_exact"],
            &table(found, "taken")["rows_exact"]
        ),
        (&true.into(), &false.into())
    );
    let unread = found["unread"].to_string();
    for part in [
        "ACCESS EXCLUSIVE: public.taken",
        "public.taken were not counted: somebody holds it locked",
    ] {
        assert!(unread.contains(part), "no `{part}` in {unread}");
    }
}

#[test]
fn many_sequences_and_views_fit_where_few_locks_do() {
    let few = [("max_locks_per_transaction", "10"), ("max_connections", "20")];
    let cluster = Cluster::start_with(&few).unwrap();
    let source = cluster.database("many").unwrap();
    source
        .execute(
            "DO $$ BEGIN FOR n IN 1..2500 LOOP
               EXECUTE format('CREATE SEQUENCE s%s START %s', n, n); PERFORM nextval('s' || n); COMMIT; END LOOP;
             FOR n IN 1..500 LOOP
               EXECUTE format('CREATE TABLE t%1$s (a integer); CREATE VIEW v%1$s AS SELECT a FROM t%1$s', n); COMMIT;
             END LOOP; END $$",
        )
        .unwrap();
    let output = Desk::shared().run(&format!("assess \"{}\" --format json", source.source()));
    let found = &json(&output)["sources"][0]["inventory"];
    let sequences = found["sequences"].as_array().unwrap();
    assert_eq!(sequences.len(), 2500);
    for it in sequences {
        assert_eq!(it["name"], format!("s{}", it["last_value"]));
    }
    let views = found["views"].as_array().unwrap();
    assert_eq!(views.len(), 500);
    assert!(views.iter().all(|it| it["definition"] != ""), "{views:?}");
    assert!(
        !found["unread"].to_string().contains("memory"),
        "{}",
        found["unread"]
    );
}

#[test]
fn a_role_with_a_single_connection_gets_an_inventory() {
    let source = source(
        "alone",
        "CREATE TABLE t (a serial); SELECT nextval('t_a_seq'); CREATE VIEW v AS SELECT a FROM t",
    );
    source
        .execute(
            "DROP ROLE IF EXISTS only_one; CREATE ROLE only_one LOGIN CONNECTION LIMIT 1;
             GRANT USAGE ON SEQUENCE t_a_seq TO only_one",
        )
        .unwrap();
    let line = format!("assess \"{}\" --format json", source.conninfo("only_one"));
    let found = &json(&Desk::shared().run(&line))["sources"][0]["inventory"];
    assert_eq!(found["tables"][0]["name"], "t");
    assert_eq!(found["views"][0]["name"], "v");
    assert_eq!(found["sequences"][0]["last_value"], 1);
}

#[test]
fn a_role_without_rights_gets_an_inventory() {
    let source = source(
        "closed_to_all",
        "CREATE TABLE secret (a integer); INSERT INTO secret VALUES (1); ANALYZE",
    );
    source
        .execute("DROP ROLE IF EXISTS nobody_at_all; CREATE ROLE nobody_at_all LOGIN; SELECT lo_create(5000)")
        .unwrap();
    let output = Desk::shared().run(&format!(
        "assess \"{}\" --format json --exact",
        source.conninfo("nobody_at_all")
    ));
    let report = json(&output);
    schema::assert_described(&report);
    let found = &report["sources"][0]["inventory"];
    let secret = table(found, "secret");
    assert_eq!(
        (&secret["rows_estimate"], &secret["rows_exact"]),
        (&1.into(), &false.into())
    );
    assert_eq!(found["large_objects"]["count"], 1);
    assert!(found["large_objects"]["unreadable"].is_string());
    let unread = found["unread"].to_string();
    assert!(
        unread.contains("public.secret were not counted: the role may not read it"),
        "{unread}"
    );
}

#[test]
fn rows_are_estimates_until_they_are_counted() {
    let source = source(
        "estimated",
        "CREATE TABLE t (a integer); INSERT INTO t SELECT generate_series(1, 1000); ANALYZE; INSERT INTO t VALUES (1)",
    );
    let shown = Desk::shared().run(&format!("assess {}", source.name()));
    assert!(shown.assert_success().stdout_text().contains("~1,000"), "{shown}");
    let shown = Desk::shared().run(&format!("assess {} --exact --format table", source.name()));
    let text = shown.assert_success().stdout_text();
    assert!(text.contains(" 1,001 ") && !text.contains('~'), "{shown}");
}

#[test]
fn archives_and_files_have_inventories_too() {
    let source = source(
        "archived",
        "CREATE TABLE p (id integer PRIMARY KEY, name text UNIQUE); INSERT INTO p VALUES (1, 'a'), (2, 'b');
         CREATE TABLE c (p integer REFERENCES p, n integer CHECK (n > 0)); CREATE INDEX on_n ON c (n);
         CREATE VIEW v AS SELECT id FROM p; CREATE FUNCTION f(integer) RETURNS integer LANGUAGE sql AS 'SELECT $1'",
    );
    let desk = Desk::shared();
    let word = source.name();
    rusqlite::Connection::open(desk.path("small.sqlite"))
        .unwrap()
        .execute_batch(
            "CREATE TABLE p (id INTEGER PRIMARY KEY, name TEXT UNIQUE); INSERT INTO p VALUES (1, 'a'), (2, 'b');
             CREATE TABLE c (p INTEGER REFERENCES p, n INTEGER); CREATE INDEX on_n ON c (n)",
        )
        .unwrap();
    desk.run(&format!("dump {word} -o {word}.tar && dump {word} -o {word}.d/"))
        .assert_success();
    for line in [
        format!("assess {word}.tar --format json"),
        format!("assess {word}.d --format json"),
        format!("dump {word} | assess - --format json"),
        "assess small.sqlite --format json".to_owned(),
    ] {
        let output = desk.run(&line);
        let report = json(&output);
        schema::assert_described(&report);
        let found = &report["sources"][0]["inventory"];
        let (p, c) = (table(found, "p"), table(found, "c"));
        assert_eq!(
            (&p["rows_counted"], &p["rows_exact"]),
            (&2.into(), &true.into()),
            "{line}"
        );
        assert_eq!(p["keys"].as_array().unwrap().len(), 2, "{line}");
        let key = &c["foreign_keys"][0];
        assert_eq!(
            join([&key["columns"], &key["parent"], &key["parent_columns"]]),
            "[\"p\"]|p|[\"id\"]",
            "{line}"
        );
        assert_eq!(c["indexes"][0]["name"], "on_n", "{line}");
        assert!(p["usage"].is_null(), "{line}");
    }
    desk.run(&format!("head -c -1500 {word}.tar >torn.tar; assess torn.tar"))
        .assert_code(6);
    let both = desk.run(&format!("assess {word}.tar {word}.d --format markdown"));
    assert!(
        both.assert_success()
            .stdout_text()
            .contains("| archive of PostgreSQL "),
        "{both}"
    );
}

fn source(label: &str, sql: &str) -> Database<'static> {
    let source = Cluster::shared().database(label).unwrap();
    source.execute(sql).unwrap();
    source
}

#[track_caller]
fn json(output: &Output) -> Value {
    serde_json::from_slice(output.assert_success().stdout())
        .unwrap_or_else(|error| panic!("{error}\n{output}"))
}

#[track_caller]
fn table<'a>(inventory: &'a Value, name: &str) -> &'a Value {
    let tables = inventory["tables"].as_array().unwrap();
    tables.iter().find(|it| it["name"] == name).unwrap()
}

fn texts(list: &Value, text: impl Fn(&Value) -> String) -> Vec<String> {
    list.as_array().unwrap().iter().map(text).collect()
}

fn nested(tables: &Value, list: &str, text: impl Fn(&Value, &Value) -> String) -> Vec<String> {
    let tables = tables.as_array().unwrap().iter();
    tables
        .flat_map(|table| table[list].as_array().unwrap().iter().map(move |it| (table, it)))
        .map(|(table, it)| text(table, it))
        .collect()
}

/// As `concat_ws` has it: NULL is left out.
fn join<const N: usize>(values: [&Value; N]) -> String {
    let words = values.into_iter().filter(|it| !it.is_null()).map(|it| match it {
        Value::String(text) => text.clone(),
        Value::Bool(is) => if *is { "t" } else { "f" }.to_owned(),
        other => other.to_string(),
    });
    words.collect::<Vec<_>>().join("|")
}
