//! `assess` answers as a load would: plans hold, targets are looked at with no more than the right to load, and what
//! they lack is told with a way out.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking, its helpers too")]

use serde_json::Value;
use testkit::{Cluster, Database, Desk, Output, POSTGRES, TARGET_OWNER, target_word};

#[test]
fn a_plan_never_puts_two_sources_into_one_schema() {
    let (cluster, desk) = (Cluster::shared(), Desk::shared());
    let databases = ["planned", "planned_billing"];
    for name in databases {
        cluster.create_database(name, POSTGRES).unwrap();
    }
    let mut client = cluster.client("planned", POSTGRES).unwrap();
    client
        .batch_execute("CREATE TABLE t (id int); CREATE SCHEMA billing CREATE TABLE t (id int)")
        .unwrap();
    let mut client = cluster.client("planned_billing", POSTGRES).unwrap();
    client.batch_execute("CREATE TABLE t (id int)").unwrap();

    let target = cluster.target().unwrap();
    let word = target_word(&target);
    let output = desk.run(&format!(
        "assess planned planned_billing --target {word} --plan plan.json"
    ));
    let shown = output.assert_success().stdout_text();
    assert!(shown.contains("the plan calls it planned_billing_2"), "{output}");
    for (database, source) in [("planned", "planned"), ("planned_billing", "planned_billing_2")] {
        desk.run(&format!(
            "dump {database} | remap-schema --plan plan.json --source {source} | load {word}"
        ))
        .assert_success();
        desk.run(&format!(
            "verify {database} {word} --plan plan.json --source {source}"
        ))
        .assert_success();
    }
    let schemas = "SELECT nspname FROM pg_namespace WHERE nspname LIKE 'planned%' ORDER BY 1";
    assert_eq!(
        target.query(schemas).unwrap(),
        ["planned", "planned_billing", "planned_billing_2"]
    );
}

#[test]
fn planned_names_are_never_longer_than_postgres_keeps() {
    let (cluster, desk) = (Cluster::shared(), Desk::shared());
    let (name, long) = ("n".repeat(40), "s".repeat(30));
    cluster.create_database(&name, POSTGRES).unwrap();
    let mut client = cluster.client(&name, POSTGRES).unwrap();
    client
        .batch_execute(&format!(
            "CREATE TABLE t (id int); CREATE SCHEMA {long}1 CREATE TABLE t (id int);
             CREATE SCHEMA {long}2 CREATE TABLE t (id int)"
        ))
        .unwrap();
    let target = cluster.target().unwrap();
    let word = target_word(&target);
    desk.run(&format!("assess {name} --plan plan.json"))
        .assert_success();
    desk.run(&format!(
        "dump {name} | remap-schema --plan plan.json --source {name} | load {word}"
    ))
    .assert_success();
    desk.run(&format!("verify {name} {word} --plan plan.json --source {name}"))
        .assert_success();
}

#[test]
fn a_role_that_may_only_create_can_ask() {
    let (cluster, desk) = (Cluster::shared(), Desk::shared());
    let source = source("create_only", "");
    let target = cluster.database("others").unwrap();
    target
        .execute(&format!(
            "GRANT CREATE ON DATABASE {} TO {TARGET_OWNER};
             CREATE TABLE theirs AS SELECT 1 AS id;
             CREATE SEQUENCE theirs_too",
            target.name()
        ))
        .unwrap();
    let mut locker = target.admin().unwrap();
    locker.batch_execute("BEGIN; LOCK TABLE theirs").unwrap();

    let line = format!(
        "assess --ready {} --target {}",
        source.name(),
        target_word(&target)
    );
    let output = desk.run(&line);
    let shown = output.assert_success().stdout_text();
    let row = shown.lines().find(|it| it.starts_with("→ ")).unwrap();
    assert_eq!(
        row.split_whitespace().filter(|it| *it == "-").count(),
        5,
        "{output}"
    );

    let report = json(&desk.run(&format!("{line} --format json")));
    let keys: Vec<&String> = report["target"].as_object().unwrap().keys().collect();
    assert_eq!(keys, ["endpoint", "extensions", "name", "server"]);

    let theirs = format!("CREATE SCHEMA {0}; CREATE TABLE {0}.t (id serial)", source.name());
    target.execute(&theirs).unwrap();
    check(&source, &target, "exists on", "choose another name");
}

#[test]
fn an_extension_in_another_schema_blocks() {
    let source = source("wants_citext", "CREATE EXTENSION citext");
    let target = Cluster::shared().target().unwrap();
    target
        .execute("CREATE SCHEMA extensions; CREATE EXTENSION citext SCHEMA extensions")
        .unwrap();
    check(
        &source,
        &target,
        "citext of",
        "ALTER EXTENSION citext SET SCHEMA public",
    );
    target
        .execute("ALTER EXTENSION citext SET SCHEMA public")
        .unwrap();
    check_ready(&source, &target);
}

#[test]
fn an_older_extension_blocks() {
    let source = source("wants_new", "CREATE EXTENSION pg_trgm");
    let target = Cluster::shared().target().unwrap();
    target.execute("CREATE EXTENSION pg_trgm VERSION '1.3'").unwrap();
    check(&source, &target, "pg_trgm is", "ALTER EXTENSION pg_trgm UPDATE");
}

#[test]
fn what_the_target_offers_decides_whether_load_creates_an_extension() {
    let (cluster, desk) = (Cluster::shared(), Desk::shared());
    // Only a superuser may create it.
    let source = source("wants_pageinspect", "CREATE EXTENSION pageinspect");
    let target = cluster.target().unwrap();
    check(
        &source,
        &target,
        "pageinspect of",
        "an administrator runs CREATE EXTENSION pageinspect SCHEMA public",
    );
    let superuser = format!("'dbname={} user={POSTGRES}'", target.name());
    let output = desk.run(&format!("assess --ready {} --target {superuser}", source.name()));
    assert!(
        output.assert_success().stdout_text().contains("load creates it"),
        "{output}"
    );
}

#[test]
fn a_role_without_create_blocks() {
    let source = source("no_create", "");
    let target = Cluster::shared().database("closed").unwrap();
    check(
        &source,
        &target,
        &format!("role {TARGET_OWNER} lacks CREATE"),
        "GRANT CREATE ON DATABASE",
    );
}

#[test]
fn a_read_only_target_blocks() {
    let source = source("read_only_source", "");
    let target = Cluster::shared().target().unwrap();
    let name = target.name();
    target
        .execute(&format!(
            "ALTER DATABASE {name} SET default_transaction_read_only = on"
        ))
        .unwrap();
    check(&source, &target, "are read-only", "default_transaction_read_only");
}

#[test]
fn a_target_that_is_a_file_is_refused() {
    let (desk, source) = (Desk::shared(), source("into_a_file", ""));
    rusqlite::Connection::open(desk.path("file.sqlite"))
        .unwrap()
        .execute_batch("CREATE TABLE t (id INTEGER)")
        .unwrap();
    desk.run(&format!("assess {} --target file.sqlite", source.name()))
        .assert_code(2)
        .assert_stderr_contains("is a SQLite file");
}

/// A database with a table.
fn source(label: &str, sql: &str) -> Database<'static> {
    let source = Cluster::shared().database(label).unwrap();
    source
        .execute(&format!("CREATE TABLE t (id integer); {sql}"))
        .unwrap();
    source
}

/// One thing blocks; it is told with `text` and with a `way_out`.
#[track_caller]
fn check(source: &Database<'_>, target: &Database<'_>, text: &str, way_out: &str) {
    let line = format!(
        "assess --ready {} --target {}",
        source.name(),
        target_word(target)
    );
    let output = Desk::shared().run(&format!("{line} --format json"));
    output.assert_code(1);
    let report = json(&output);
    assert_eq!(report["ready"], false, "{output}");
    let conflicts = report["conflicts"].as_array().unwrap();
    let blocks: Vec<&Value> = conflicts.iter().filter(|it| it["severity"] == "blocks").collect();
    let [only] = blocks[..] else {
        panic!("not one thing blocks\n{output}")
    };
    assert!(
        only["text"].as_str().unwrap().contains(text),
        "no `{text}`\n{output}"
    );
    assert!(
        only["way_out"].as_str().unwrap().contains(way_out),
        "no `{way_out}`\n{output}"
    );
    let shown = Desk::shared().run(&line);
    assert!(
        shown.assert_code(1).stdout_text().ends_with(" Not ready.\n"),
        "{shown}"
    );
}

#[track_caller]
fn check_ready(source: &Database<'_>, target: &Database<'_>) {
    let line = format!(
        "assess --ready {} --target {}",
        source.name(),
        target_word(target)
    );
    Desk::shared().run(&line).assert_success();
}

#[track_caller]
fn json(output: &Output) -> Value {
    serde_json::from_slice(output.stdout()).unwrap_or_else(|error| panic!("{error}\n{output}"))
}
