//! Every conflict that `assess` tells is made to happen, with real servers and real files.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking, its helpers too")]

use std::sync::OnceLock;

use serde_json::Value;
use testkit::{Cluster, Database, Desk, Output, POSTGRES, SOURCE_READER, TARGET_OWNER};

/// Severity, the beginning of the id, and words of the text.
type Expected<'a> = (&'a str, &'a str, &'a str);

/// A second server, which logical replication could read.
fn far() -> &'static Cluster {
    static FAR: OnceLock<Cluster> = OnceLock::new();
    FAR.get_or_init(|| Cluster::start_with(&[("wal_level", "logical")]).unwrap())
}

#[test]
fn names_that_sources_share_are_kept_apart_by_schema() {
    let near = Cluster::shared();
    let (one, other, target) = (
        near.database("apart_one").unwrap(),
        near.database("apart_other").unwrap(),
        near.target().unwrap(),
    );
    one.execute("CREATE TABLE users (id serial PRIMARY KEY, name text UNIQUE); CREATE FUNCTION f(int) RETURNS int LANGUAGE sql AS 'SELECT 1'")
        .unwrap();
    other.execute("CREATE VIEW users AS SELECT 1 AS id; CREATE FUNCTION f(text) RETURNS int LANGUAGE sql AS 'SELECT 1'").unwrap();
    let report = check(
        &[&one, &other],
        &target,
        &[
            ("resolved", "name:shared:users", "table and view users in"),
            ("resolved", "name:shared:f()", "function f in"),
            ("notes", "space:disk", "the sources hold"),
        ],
    );
    let names: Vec<&Value> = of_topic(&report, "name");
    assert_eq!(
        names.len(),
        2,
        "what belongs to a table is told with it: {names:#?}"
    );
    assert_eq!(report["ready"], true);
    // The same in a second run, so that a plan can refer to it.
    let again = check(&[&one, &other], &target, &[]);
    let ids = |report: &Value| -> Vec<String> {
        let all = report["conflicts"].as_array().unwrap();
        all.iter()
            .map(|it| it["id"].as_str().unwrap().to_owned())
            .collect()
    };
    assert_eq!(ids(&report), ids(&again));
    let mut unique = ids(&report);
    unique.sort();
    unique.dedup();
    assert_eq!(unique.len(), ids(&report).len(), "no id stands for two conflicts");
}

#[test]
fn roles_policies_and_paths_are_told() {
    let near = Cluster::shared();
    for cluster in [near, far()] {
        let mut client = cluster.client(POSTGRES, POSTGRES).unwrap();
        let attributes = if std::ptr::eq(cluster, near) {
            "LOGIN"
        } else {
            "NOLOGIN BYPASSRLS"
        };
        client
            .batch_execute(&format!("CREATE ROLE ada {attributes}"))
            .unwrap();
    }
    let mut client = far().client(POSTGRES, POSTGRES).unwrap();
    client
        .batch_execute("CREATE ROLE only_far LOGIN; CREATE ROLE readers")
        .unwrap();
    let (one, other, target) = (
        near.database("roles_near").unwrap(),
        far().database("roles_far").unwrap(),
        near.target().unwrap(),
    );
    one.execute("CREATE TABLE t (id int); GRANT SELECT ON t TO ada")
        .unwrap();
    other
        .execute(
            "CREATE TABLE t (id int); GRANT SELECT ON t TO ada, only_far;
             CREATE POLICY p ON t TO readers USING (true);
             ALTER ROLE only_far SET search_path = public;
             ALTER ROLE ada SET statement_timeout = '5s';
             CREATE FUNCTION leans() RETURNS bigint LANGUAGE sql AS 'SELECT count(*) FROM t';
             CREATE FUNCTION names_it() RETURNS bigint LANGUAGE sql AS 'SELECT count(*) FROM public.t';
             CREATE FUNCTION pinned() RETURNS bigint LANGUAGE sql SET search_path = public AS 'SELECT count(*) FROM t'",
        )
        .unwrap();
    other
        .execute(&format!(
            "ALTER DATABASE {} SET \"TimeZone\" = 'Asia/Tokyo'",
            other.name()
        ))
        .unwrap();
    let source = other.name();
    check(
        &[&one, &other],
        &target,
        &[
            ("warns", "role:ada:sources", "LOGIN in"),
            ("warns", &format!("role:ada:target:{source}"), "BYPASSRLS in"),
            ("blocks", &format!("role:{source}:policies"), "1 policy of"),
            ("warns", &format!("role:{source}:missing"), "only_far"),
            (
                "warns",
                &format!("search_path:{source}:role only_far"),
                "search_path of role only_far",
            ),
            ("warns", &format!("search_path:{source}:functions"), "leans()"),
            (
                "resolved",
                &format!("search_path:{source}:pinned"),
                "1 function of",
            ),
            (
                "warns",
                &format!("search_path:{}:applications", one.name()),
                "applications as ada find 1 table",
            ),
            ("warns", "setting:TimeZone", "Asia/Tokyo in"),
            (
                "notes",
                &format!("setting:{source}:roles"),
                "statement_timeout of role ada",
            ),
        ],
    );
}

#[test]
fn what_leads_in_and_out_is_told() {
    let (near, far) = (Cluster::shared(), far());
    let (one, other, target) = (
        near.database("leads_out").unwrap(),
        far.database("is_read").unwrap(),
        near.target().unwrap(),
    );
    let root = far.root().display();
    one.execute(&format!(
        "CREATE EXTENSION postgres_fdw;
         CREATE SERVER to_other FOREIGN DATA WRAPPER postgres_fdw OPTIONS (host '{root}', dbname '{}');
         CREATE SERVER elsewhere FOREIGN DATA WRAPPER postgres_fdw OPTIONS (host 'x.example', dbname 'x');
         CREATE FOREIGN TABLE f (id int) SERVER to_other;
         CREATE FUNCTION reads() RETURNS text LANGUAGE plpgsql AS
           $$ BEGIN RETURN dblink('host={root} dbname={} password=geheim', 'SELECT 1'); END $$;
         SELECT lo_create(424242)",
        other.name(),
        other.name()
    ))
    .unwrap();
    other
        .execute(
            "CREATE TABLE t (id int PRIMARY KEY); CREATE PUBLICATION p FOR TABLE t; SELECT lo_create(424242)",
        )
        .unwrap();
    other
        .execute("SELECT pg_create_logical_replication_slot('forgotten', 'pgoutput')")
        .unwrap();
    target
        .execute(&format!("ALTER DATABASE {} CONNECTION LIMIT 2", target.name()))
        .unwrap();
    let mut sessions = Vec::new();
    for _ in 0..3 {
        let text = format!("{} application_name=shop", far.conninfo(other.name(), POSTGRES));
        sessions.push(postgres::Client::connect(&text, postgres::NoTls).unwrap());
    }
    let (source, read) = (one.name(), other.name());
    let report = check(
        &[&one, &other],
        &target,
        &[
            (
                "warns",
                &format!("foreign_server:{source}:server to_other"),
                "which moves too",
            ),
            (
                "warns",
                &format!("foreign_server:{source}:dblink"),
                "function public.reads()",
            ),
            (
                "notes",
                &format!("foreign_server:{source}:server elsewhere"),
                "x.example",
            ),
            ("blocks", &format!("large_object:{source}:{read}"), "424242 in"),
            (
                "warns",
                &format!("replication:{read}:publications"),
                "publishes p",
            ),
            (
                "notes",
                &format!("replication:{read}:slot:forgotten"),
                "read by nobody",
            ),
            ("warns", "connections:database", "3 connections in use"),
            ("notes", &format!("application:{read}"), "(3)"),
        ],
    );
    assert!(
        !report.to_string().contains("geheim"),
        "a password is in the report"
    );
    drop(sessions);
    far.client(POSTGRES, POSTGRES)
        .unwrap()
        .batch_execute("SELECT pg_drop_replication_slot('forgotten')")
        .unwrap();
}

#[test]
fn text_that_is_ordered_or_written_otherwise_is_told() {
    let near = Cluster::shared();
    let mut client = near.client(POSTGRES, POSTGRES).unwrap();
    client
        .batch_execute(
            "CREATE DATABASE by_icu TEMPLATE template0 LOCALE_PROVIDER icu ICU_LOCALE 'de' LOCALE 'C'",
        )
        .unwrap();
    client
        .batch_execute("CREATE DATABASE in_latin TEMPLATE template0 ENCODING LATIN1 LOCALE 'C'")
        .unwrap();
    let (one, other, target) = (
        near.existing("by_icu"),
        near.existing("in_latin"),
        near.target().unwrap(),
    );
    target.execute("DROP COLLATION pg_catalog.\"en-x-icu\"").unwrap();
    one.execute(
        "CREATE TABLE t (a text UNIQUE, b varchar(9), c int PRIMARY KEY, d text COLLATE \"C\"); CREATE INDEX ON t (b);
         CREATE TABLE english (a text COLLATE \"en-x-icu\");
         CREATE INDEX ON t (d); CREATE TABLE p (v text) PARTITION BY RANGE (v)",
    )
    .unwrap();
    other.execute("CREATE TABLE t (a text)").unwrap();
    check(
        &[&one, &other],
        &target,
        &[
            (
                "warns",
                "collation:by_icu:order",
                "1 text index, 1 unique text key and 1 table in ranges of text",
            ),
            ("resolved", "encoding:in_latin:LATIN1", "LATIN1"),
            (
                "blocks",
                "collation:by_icu:\"en-x-icu\"",
                "1 column of by_icu has: public.english.a",
            ),
        ],
    );
}

#[test]
fn extensions_and_the_space_of_a_database_are_told() {
    let near = Cluster::shared();
    let (one, other, target) = (
        near.database("ext_one").unwrap(),
        near.database("ext_other").unwrap(),
        near.target().unwrap(),
    );
    one.execute("CREATE EXTENSION pg_trgm VERSION '1.5'; CREATE TABLE t (id int)")
        .unwrap();
    other
        .execute("CREATE SCHEMA ext; CREATE EXTENSION pg_trgm SCHEMA ext; CREATE FUNCTION similarity(text, text) RETURNS real LANGUAGE sql AS 'SELECT 1'")
        .unwrap();
    target.execute("CREATE EXTENSION pg_trgm").unwrap();
    check(
        &[&one, &other],
        &target,
        &[
            ("warns", "extension:pg_trgm:versions", "pg_trgm is 1.5 in"),
            ("resolved", "extension:pg_trgm:schemas", "pg_trgm is in schema"),
            (
                "warns",
                &format!("extension:pg_trgm:{}", one.name()),
                "pg_trgm is 1.5",
            ),
        ],
    );
}

#[test]
fn names_of_a_file_that_sql_has_to_quote_are_told() {
    let desk = Desk::shared();
    rusqlite::Connection::open(desk.path("shop.sqlite"))
        .unwrap()
        .execute_batch("CREATE TABLE Orders (id INTEGER PRIMARY KEY, \"user\" TEXT)")
        .unwrap();
    let target = Cluster::shared().target().unwrap();
    let line = format!(
        "assess shop.sqlite --target 'dbname={} user={TARGET_OWNER}' --format json",
        target.name()
    );
    expect(
        &json(&desk.run(&line)),
        &[
            ("notes", "name:shop:keywords", "column Orders.user"),
            ("notes", "name:shop:capitals", "table public.Orders"),
        ],
    );
}

#[test]
fn the_report_for_people_ends_with_a_verdict() {
    let near = Cluster::shared();
    let (one, target) = (near.database("for_people").unwrap(), near.target().unwrap());
    one.execute("CREATE TABLE t (id int); CREATE PUBLICATION p FOR TABLE t")
        .unwrap();
    let line = line(&[&one], &target);
    let shown = Desk::shared().run(&line).assert_success().stdout_text();
    let (_, conflicts) = shown.split_once("\nCONFLICTS\n").expect("there is a section");
    assert!(conflicts.contains("  ! replication"), "{shown}");
    assert!(shown.contains(" resolved by the plan. Ready."), "{shown}");
    let verbose = Desk::shared().run(&format!("{line} --verbose")).stdout_text();
    assert!(verbose.contains("p: 1 table"), "{verbose}");
}

fn line(sources: &[&Database<'_>], target: &Database<'_>) -> String {
    let words: Vec<String> = sources
        .iter()
        .map(|it| format!("'{}'", it.conninfo(SOURCE_READER)))
        .collect();
    format!(
        "assess {} --target '{}'",
        words.join(" "),
        target.conninfo(TARGET_OWNER)
    )
}

/// Assesses the sources and looks for each conflict; the report.
#[track_caller]
fn check(sources: &[&Database<'_>], target: &Database<'_>, expected: &[Expected<'_>]) -> Value {
    let output = Desk::shared().run(&format!("{} --format json", line(sources, target)));
    output.assert_success();
    let report = json(&output);
    expect(&report, expected);
    report
}

#[track_caller]
fn expect(report: &Value, expected: &[Expected<'_>]) {
    let all = report["conflicts"].as_array().unwrap();
    for (severity, id, text) in expected {
        let found = all.iter().any(|it| {
            let has = |key: &str, words: &str| it[key].as_str().unwrap().contains(words);
            it["severity"] == *severity
                && it["id"].as_str().unwrap().starts_with(id)
                && has("text", text)
                && !it["choices"].as_array().unwrap().is_empty()
        });
        let told: Vec<String> = all
            .iter()
            .map(|it| format!("{} {} {}", it["severity"], it["id"], it["text"]))
            .collect();
        assert!(found, "no {severity} {id} `{text}` in\n{}", told.join("\n"));
    }
}

fn of_topic<'a>(report: &'a Value, topic: &str) -> Vec<&'a Value> {
    let all = report["conflicts"].as_array().unwrap();
    all.iter().filter(|it| it["topic"] == topic).collect()
}

#[track_caller]
fn json(output: &Output) -> Value {
    serde_json::from_slice(output.stdout()).unwrap_or_else(|error| panic!("{error}\n{output}"))
}
