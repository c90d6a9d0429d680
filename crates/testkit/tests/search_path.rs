//! Databases whose functions name things without a schema: they restore, and work for whoever comes without a
//! search path of theirs.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking, its helpers too")]

use testkit::{Cluster, Database, Desk, Output, SOURCE_READER, TARGET_OWNER, target_word};

const LEANING: &str = include_str!("../fixtures/leaning.sql");

const PSQL: &str = "psql -q -X1 -v ON_ERROR_STOP=1 -o /dev/null -d";

#[test]
fn database_with_a_schema_and_path_of_its_own_passes_as_an_archive() {
    let (source, target) = (build("musicbrainz"), Cluster::shared().target().unwrap());
    let output = move_archive(&source, "--map musicbrainz=mb", &target);
    check(&output, &target, "9 functions pinned to mb, public; 2 more lean");
}

#[test]
fn database_in_public_passes_as_an_archive() {
    let (source, target) = (build("public"), Cluster::shared().target().unwrap());
    let output = move_archive(&source, "--to mb", &target);
    check(&output, &target, "9 functions pinned to mb, public; 2 more lean");
}

#[test]
fn database_with_a_schema_and_path_of_its_own_passes_as_sql() {
    let (source, target) = (build("musicbrainz"), Cluster::shared().target().unwrap());
    let output = move_sql(&source, "--map musicbrainz=mb", &target);
    check(&output, &target, "functions pinned to mb, public; ");
}

#[test]
fn database_in_public_passes_as_sql() {
    let (source, target) = (build("public"), Cluster::shared().target().unwrap());
    let output = move_sql(&source, "--to mb", &target);
    check(&output, &target, "functions pinned to mb, public; ");
}

#[test]
fn path_that_the_dump_says_is_taken() {
    let source = build("musicbrainz");
    let line = format!(
        "pg_dump -U postgres -C {} | remap-schema --map musicbrainz=mb | grep -c \"SET search_path TO 'mb', 'public', 'pg_temp'\"",
        source.name()
    );
    let output = Desk::shared().run(&line);
    output.assert_success();
    assert_ne!(output.stdout_text().trim(), "0");
}

#[test]
fn path_is_the_databases_else_its_owners() {
    let source = Cluster::shared().database("paths").unwrap();
    source
        .execute("CREATE SCHEMA a CREATE TABLE t (); CREATE SCHEMA \"Odd, name\" CREATE TABLE t (); CREATE SCHEMA postgres")
        .unwrap();
    let name = source.name();
    check_path(name, "cat", &["postgres", "public"]);
    let set = |whose: &str, path: &str| {
        source
            .execute(&format!("ALTER {whose} SET search_path = {path}"))
            .unwrap();
    };
    set(
        &format!("ROLE postgres IN DATABASE \"{name}\""),
        "a, gone, \"$user\"",
    );
    check_path(name, "cat", &["a", "postgres"]);
    set(
        &format!("DATABASE \"{name}\""),
        "\"Odd, name\", Public, \"$user\"",
    );
    check_path(name, "cat", &["Odd, name", "public", "postgres"]);
    check_path(name, "remap-schema --to x", &["x_Odd, name", "x", "x_postgres"]);
}

#[test]
fn without_a_path_such_a_database_does_not_restore() {
    for schema in ["musicbrainz", "public"] {
        let source = build(schema);
        let target = || Cluster::shared().target().unwrap();
        let (name, first, second) = (source.name(), target(), target());
        let map = if schema == "public" {
            "--to mb"
        } else {
            "--map musicbrainz=mb"
        };
        for line in [
            format!(
                "pg_dump -U postgres --no-owner {name} | {PSQL} {}",
                target_word(&first)
            ),
            format!(
                "pg_dump -U postgres --no-owner {name} | remap-schema --search-path leave {map} | {PSQL} {}",
                target_word(&second)
            ),
        ] {
            let output = Desk::shared().run(&line);
            assert_eq!(output.stages().last(), Some(&3), "{output}");
            output.assert_stderr_contains("does not exist");
        }
    }
}

#[test]
fn verbose_names_each_function() {
    let source = build("public");
    let line = format!(
        "PGUSER=postgres dump {} | remap-schema -v --to mb > /dev/null",
        source.name()
    );
    let output = Desk::shared().run(&line);
    output
        .assert_success()
        .assert_stderr_contains("function public.sort_name() line ")
        .assert_stderr_contains("pinned to mb, public, pg_temp")
        .assert_stderr_contains("procedure public.clear_log() line ")
        .assert_stderr_contains("finds names by the search_path of its callers");
}

/// What the archive of `source` says behind `filter`.
#[track_caller]
fn check_path(source: &str, filter: &str, expected: &[&str]) {
    let line = format!("PGUSER=postgres dump {source} | {filter} | tar -xOf - archive.json");
    let output = Desk::shared().run(&line);
    output.assert_success();
    let archive: serde_json::Value = serde_json::from_slice(output.stdout()).unwrap();
    let found = archive["catalog"]["search_path"].as_array().unwrap();
    assert_eq!(found, expected, "{output}");
}

/// The database as an application would have made it, under the path that its roles get.
fn build(schema: &str) -> Database<'static> {
    let database = Cluster::shared().database("leaning").unwrap();
    let (name, path) = (
        database.name().to_owned(),
        if schema == "public" {
            "public".to_owned()
        } else {
            format!("{schema}, public")
        },
    );
    database
        .execute(&format!(
            "CREATE EXTENSION citext; CREATE EXTENSION pg_trgm;
             CREATE SCHEMA IF NOT EXISTS {schema};
             ALTER DATABASE \"{name}\" SET search_path = {path}"
        ))
        .unwrap();
    database.execute(LEANING).unwrap();
    database
}

#[track_caller]
fn move_archive(source: &Database<'_>, map: &str, target: &Database<'_>) -> Output {
    let (name, word) = (source.name(), target_word(target));
    let output = Desk::shared().run(&format!(
        "PGUSER=postgres dump {name} | remap-schema {map} | load {word}"
    ));
    output.assert_success();
    Desk::shared()
        .run(&format!("PGUSER=postgres verify {name} {word} {map}"))
        .assert_success();
    output
}

#[track_caller]
fn move_sql(source: &Database<'_>, map: &str, target: &Database<'_>) -> Output {
    let line = format!(
        "pg_dump -U postgres --no-owner {} | remap-schema {map} | {PSQL} {}",
        source.name(),
        target_word(target)
    );
    let output = Desk::shared().run(&line);
    output.assert_success();
    output
}

/// Everything that calls a function is used in a session whose path leads nowhere.
#[track_caller]
fn check(output: &Output, target: &Database<'_>, says: &str) {
    output.assert_stderr_contains(says);
    let mut client = target.client(TARGET_OWNER).unwrap();
    let path: String = client.query_one("SHOW search_path", &[]).unwrap().get(0);
    assert_eq!(path, "\"$user\", public");
    for path in ["\"$user\", public", "pg_catalog, pg_temp"] {
        client
            .batch_execute(&format!("BEGIN; SET LOCAL search_path = {path}"))
            .unwrap();
        use_everything(&mut client);
        client.batch_execute("ROLLBACK").unwrap();
    }
    // Policies hold for whoever is not the owner.
    let notes = target
        .client(SOURCE_READER)
        .unwrap()
        .query("SELECT body FROM mb.note", &[])
        .unwrap();
    let notes: Vec<&str> = notes.iter().map(|it| it.get(0)).collect();
    assert_eq!(notes, ["a note"]);
}

fn use_everything(client: &mut postgres::Client) {
    client
        .batch_execute(
            "DELETE FROM mb.log;
             INSERT INTO mb.area VALUES (3, 'Japan', 'JP');
             INSERT INTO mb.artist (id, name, area, gender) VALUES (5, ' Takemitsu', 3, 'male');
             REFRESH MATERIALIZED VIEW mb.report; REINDEX TABLE mb.artist; ANALYZE mb.artist",
        )
        .unwrap();
    let mut ask = |sql: &str| -> Vec<String> {
        let rows = client.query(sql, &[]).unwrap();
        rows.iter().map(|row| row.get(0)).collect()
    };
    assert_eq!(
        ask("SELECT sort_name FROM mb.artist WHERE id = 5 AND code ~ '^A10.$'"),
        ["TAKEMITSU."]
    );
    assert_eq!(
        ask("SELECT entry FROM mb.log ORDER BY 1"),
        ["TAKEMITSU", "new:  Takemitsu"]
    );
    assert_eq!(ask("SELECT artists::text FROM mb.area WHERE id = 3"), ["1"]);
    assert_eq!(
        ask("SELECT pg_catalog.format('%s: %s', area, count) FROM mb.report ORDER BY 1"),
        [": 1", "France: 1", "Germany: 2", "Japan: 1"]
    );
    let pinned =
        "SELECT proname::text FROM pg_proc WHERE pronamespace = 'mb'::regnamespace AND proconfig IS NOT NULL";
    let pinned = ask(&format!("{pinned} ORDER BY 1"));
    assert!(!pinned.contains(&"clear_log".to_owned()) && !pinned.contains(&"artists_in".to_owned()));
    for (statement, constraint) in [
        ("INSERT INTO mb.area VALUES (4, 'Nowhere', 'xx')", "iso_is_known"),
        (
            "UPDATE mb.artist SET gender = 'male' WHERE id = 5; INSERT INTO mb.area VALUES (4, 'Nowhere', '')",
            "iso_is_known",
        ),
    ] {
        let mut transaction = client.transaction().unwrap();
        let error = transaction.batch_execute(statement).unwrap_err();
        let error = error.as_db_error().unwrap();
        assert_eq!(error.constraint(), Some(constraint), "{error:?}");
    }
}
