//! `remap-schema` on everything that `pg_dump` and `pg_dumpall` write as SQL: restored by psql and used.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking, its helpers too")]

use testkit::{Cluster, Database, Desk, Output};

const PSQL: &str = "psql -q -X -v ON_ERROR_STOP=1 -o /dev/null -d";

/// A password that must never be seen again.
const CANARY: &str = "CANARY-4711";

/// What stands in the values of the rows, and would be harmed by whoever takes it for SQL.
const SOURCE: &str = r#"
CREATE SCHEMA app;
CREATE SCHEMA "Odd ""x""";
CREATE TABLE public.notes (id int PRIMARY KEY, note text, b bytea, f float8, bits bit(3));
CREATE TABLE app.orders (
  id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  note_id int REFERENCES public.notes, twice int GENERATED ALWAYS AS (note_id * 2) STORED, "a;
b" text);
CREATE TABLE "Odd ""x""".empty ();
CREATE VIEW app.seen AS SELECT n.note FROM public.notes n JOIN app.orders o ON o.note_id = n.id;
CREATE FUNCTION app.count_notes() RETURNS bigint LANGUAGE plpgsql AS $$
BEGIN
INSERT INTO public.notes VALUES (-1, 'from a body');
DELETE FROM public.notes WHERE id = -1;
RETURN (SELECT count(*) FROM public.notes);
END $$;
INSERT INTO public.notes VALUES
  (1, E'public.notes; ''quoted''\n\\.\nINSERT INTO public.notes VALUES (2, ''x'');', '\x00ff', 'NaN', B'101'),
  (2, E'COPY public.notes (id) FROM stdin;\n--\n-- PostgreSQL database dump complete\n--', NULL, -0, NULL),
  (3, '', '', 1e300, NULL), (4, E'tab\there\\', NULL, NULL, NULL);
INSERT INTO app.orders (note_id, "a;
b") SELECT 1 + n % 4, 'app.orders ' || n FROM generate_series(1, 100) n;
INSERT INTO "Odd ""x""".empty DEFAULT VALUES;
"#;

/// What must be the same on both sides, whatever the schemas are called.
const ANSWERS: [&str; 4] = [
    "SELECT md5(string_agg(t::text, '|' ORDER BY id)) FROM PUBLIC_.notes t",
    "SELECT md5(string_agg(t::text, '|' ORDER BY id)), max(id) FROM APP_.orders t",
    "SELECT count(*), APP_.count_notes() FROM APP_.seen",
    "SELECT count(*) FROM ODD_.empty",
];

fn source() -> Database<'static> {
    let source = Cluster::shared().database("plain").unwrap();
    source.execute(SOURCE).unwrap();
    source
}

fn answers(database: &Database<'_>, [public, app, odd]: [&str; 3]) -> Vec<String> {
    let named = |sql: &&str| {
        sql.replace("PUBLIC_", public)
            .replace("APP_", app)
            .replace("ODD_", odd)
    };
    let sql = ANSWERS.iter().map(named);
    sql.flat_map(|it| database.query(&it).unwrap()).collect()
}

fn as_postgres(line: &str) -> Output {
    Desk::shared().shell(line).env("PGUSER", "postgres").run()
}

/// A dump with `flags`, filtered and restored, answers like its source; and its new identities go on.
#[track_caller]
fn check(flags: &str, psql_flags: &str) {
    let (source, target) = (source(), Cluster::shared().database("plained").unwrap());
    let line = format!(
        "pg_dump {flags} {} | remap-schema --strict --to x | {PSQL} {} {psql_flags}",
        source.name(),
        target.name()
    );
    as_postgres(&line).assert_success();
    let names = ["x", "x_app", "\"x_Odd \"\"x\"\"\""];
    let expected = answers(&source, ["public", "app", "\"Odd \"\"x\"\"\""]);
    assert_eq!(answers(&target, names), expected, "{flags}");
    let next = "INSERT INTO x_app.orders (note_id) VALUES (1) RETURNING id";
    assert_eq!(target.query(next).unwrap(), ["101"], "{flags}");
}

#[test]
fn copied_rows_arrive() {
    check("", "-1");
    check("--no-owner --no-privileges --quote-all-identifiers", "-1");
}

#[test]
fn inserted_rows_arrive() {
    check("--inserts", "-1");
    check("--column-inserts", "-1");
    check("--rows-per-insert=7", "-1");
    check(
        "--inserts --on-conflict-do-nothing --disable-dollar-quoting",
        "-1",
    );
}

#[test]
fn clean_dump_can_be_restored_twice() {
    let (source, target) = (source(), Cluster::shared().database("plained").unwrap());
    let line = format!(
        "pg_dump --clean --if-exists {} | remap-schema --to x | PGOPTIONS='-c client_min_messages=error' {PSQL} {} -1",
        source.name(),
        target.name()
    );
    for _ in 0..2 {
        as_postgres(&line).assert_success();
    }
    assert_eq!(
        target.query("SELECT count(*) FROM x_app.orders").unwrap(),
        ["100"]
    );
}

#[test]
fn dump_that_creates_its_database_arrives_there() {
    let source = source();
    let name = source.name();
    source
        .execute(&format!(
            "ALTER DATABASE {name} SET search_path TO app, \"$user\", public"
        ))
        .unwrap();
    let expected = answers(&source, ["public", "app", "\"Odd \"\"x\"\"\""]);
    let line = format!(
        "pg_dump -C --clean --if-exists {name} | remap-schema --to x > created.sql && {PSQL} postgres -f created.sql"
    );
    as_postgres(&line).assert_success();
    let names = ["x", "x_app", "\"x_Odd \"\"x\"\"\""];
    assert_eq!(answers(&source, names), expected);
    assert_eq!(source.query("SHOW search_path").unwrap(), ["x_app, \"$user\", x"]);
}

#[test]
fn one_table_of_a_schema_that_the_dump_does_not_create_arrives() {
    let (source, target) = (source(), Cluster::shared().database("plained").unwrap());
    let line = |flags: &str| {
        format!(
            "pg_dump {flags} {} | remap-schema --strict --to x | {PSQL} {} -1",
            source.name(),
            target.name()
        )
    };
    as_postgres(&line("-t '\"Odd \"\"x\"\"\".empty' -t public.notes")).assert_success();
    assert_eq!(target.query("SELECT count(*) FROM x.notes").unwrap(), ["4"]);
    assert_eq!(
        target
            .query(r#"SELECT count(*) FROM "x_Odd ""x""".empty"#)
            .unwrap(),
        ["1"]
    );
    // Rows alone go into what is there.
    target.execute("TRUNCATE x.notes").unwrap();
    as_postgres(&line("--data-only --disable-triggers -t public.notes")).assert_success();
    assert_eq!(target.query("SELECT count(*) FROM x.notes").unwrap(), ["4"]);
}

#[test]
fn another_schema_becomes_public() {
    let (source, target) = (source(), Cluster::shared().database("plained").unwrap());
    let line = format!(
        "pg_dump {} | remap-schema --strict --map app=public --map public=x | {PSQL} {} -1",
        source.name(),
        target.name()
    );
    as_postgres(&line).assert_success();
    let odd = "\"Odd \"\"x\"\"\"";
    assert_eq!(
        answers(&target, ["x", "public", odd]),
        answers(&source, ["public", "app", odd])
    );
}

#[test]
fn large_objects_arrive_and_the_commit_among_them_is_told() {
    let (source, target) = (source(), Cluster::shared().database("plained").unwrap());
    let sql = "SELECT lo_from_bytea(777, decode(repeat('00ff', 30000), 'hex'))";
    source.execute(sql).unwrap();
    let line = format!(
        "pg_dump {} | remap-schema --to x | {PSQL} {}",
        source.name(),
        target.name()
    );
    as_postgres(&line)
        .assert_success()
        .assert_stderr_contains("the dump commits here");
    let sum = "SELECT md5(lo_get(777)), length(lo_get(777))";
    assert_eq!(target.query(sum).unwrap(), source.query(sum).unwrap());
}

#[test]
fn roles_of_a_cluster_arrive_without_their_passwords() {
    let (there, here) = (Cluster::start().unwrap(), Cluster::start().unwrap());
    let sql = format!(
        "CREATE ROLE plain_login LOGIN PASSWORD '{CANARY}' CONNECTION LIMIT 7;
         CREATE ROLE plain_group; GRANT plain_group TO plain_login;
         ALTER ROLE plain_login SET search_path = app, public;
         ALTER ROLE plain_login IN DATABASE template1 SET search_path = 'app';"
    );
    there
        .client("postgres", "postgres")
        .unwrap()
        .batch_execute(&sql)
        .unwrap();
    let hash = "SELECT rolpassword FROM pg_authid WHERE rolname = 'plain_login'";
    let hash: String = there
        .client("postgres", "postgres")
        .unwrap()
        .query_one(hash, &[])
        .unwrap()
        .get(0);
    let desk = Desk::shared();
    for flags in ["--globals-only", "--roles-only", "--tablespaces-only"] {
        let line = format!(
            "pg_dumpall {flags} --database \"$THERE\" | remap-schema --strict --to x --report ./{flags}.json | \
             grep -v 'ROLE \\(postgres\\|source_reader\\|target_owner\\)' > globals.sql"
        );
        let output = desk
            .shell(&line)
            .env("THERE", there.conninfo("postgres", "postgres"))
            .run();
        output.assert_success();
        let sql = std::fs::read_to_string(desk.path("globals.sql")).unwrap();
        let report = std::fs::read_to_string(desk.path(&format!("{flags}.json"))).unwrap();
        let said = format!("{sql}{report}{output}");
        assert!(!said.contains(&hash) && !said.contains("SCRAM"), "{said}");
        if flags == "--globals-only" {
            output.assert_stderr_contains("role plain_login line");
            let line = format!("{PSQL} \"$HERE\" -f globals.sql");
            desk.shell(&line)
                .env("HERE", here.conninfo("postgres", "postgres"))
                .run()
                .assert_success();
        }
    }
    let made = "SELECT rolcanlogin, rolconnlimit, rolpassword IS NULL, s.setconfig::text
                FROM pg_authid r JOIN pg_db_role_setting s ON s.setrole = r.oid WHERE rolname = 'plain_login'";
    let row = here
        .client("postgres", "postgres")
        .unwrap()
        .query_one(made, &[])
        .unwrap();
    assert!(row.get::<_, bool>(0) && row.get::<_, bool>(2));
    assert_eq!(row.get::<_, i32>(1), 7);
    assert_eq!(row.get::<_, String>(3), r#"{"search_path=x_app, x, public"}"#);
}

#[test]
fn passwords_are_seen_nowhere() {
    let source = source();
    let sql = format!(
        "CREATE FOREIGN DATA WRAPPER w;
         CREATE SERVER s FOREIGN DATA WRAPPER w OPTIONS (host 'h', password '{CANARY}');
         CREATE USER MAPPING FOR target_owner SERVER s OPTIONS (\"user\" 'u', password '{CANARY}');
         CREATE USER MAPPING FOR PUBLIC SERVER s OPTIONS (password '{CANARY}');
         CREATE SUBSCRIPTION {0}_sub CONNECTION 'host=h password={CANARY} user=u' PUBLICATION p
           WITH (connect = false, slot_name = NONE);",
        source.name()
    );
    source.execute(&sql).unwrap();
    let desk = Desk::shared();
    let line = format!(
        "pg_dump {} | tee before.sql | remap-schema --to x --report report.json > after.sql",
        source.name()
    );
    let output = desk.shell(&line).env("PGUSER", "postgres").run();
    source
        .execute(&format!("DROP SUBSCRIPTION {}_sub", source.name()))
        .unwrap();
    output
        .assert_success()
        .assert_stderr_contains("user mapping for target_owner SERVER s line")
        .assert_stderr_contains("server s line");
    let text = |name: &str| std::fs::read_to_string(desk.path(name)).unwrap();
    assert_eq!(text("before.sql").matches(CANARY).count(), 4);
    let said = format!("{}{}{output}", text("after.sql"), text("report.json"));
    assert!(!said.contains(CANARY), "{said}");
    assert!(text("after.sql").contains("CONNECTION 'host=h user=u' PUBLICATION"));
    let target = Cluster::shared().database("plained").unwrap();
    let line = format!("{PSQL} {} -1 -f after.sql", target.name());
    desk.shell(&line).env("PGUSER", "postgres").run().assert_success();
    target
        .execute(&format!("DROP SUBSCRIPTION {}_sub", source.name()))
        .unwrap();
    assert_eq!(
        target.query("SELECT count(*) FROM pg_user_mappings").unwrap(),
        ["2"]
    );
}

#[test]
fn a_whole_cluster_is_refused() {
    let source = source();
    let output = as_postgres("pg_dumpall | remap-schema --to x | grep -v '^$'");
    assert_eq!(output.stages()[1], 4, "{output}");
    output.assert_stderr_contains("pg_dumpall --globals-only");
    let written = output.stdout_text();
    assert_eq!(written.lines().count(), 1, "{written}");
    assert!(written.contains("RAISE EXCEPTION"), "{written}");
    let line = format!("(pg_dump {0}; pg_dump {0}) | remap-schema --to x", source.name());
    let output = as_postgres(&line);
    assert_eq!(output.stages()[1], 4, "{output}");
    output.assert_stderr_contains("more than one database");
}

#[test]
fn a_check_writes_nothing_and_reports_all() {
    let source = source();
    let doubtful = "CREATE FUNCTION public.built() RETURNS void LANGUAGE plpgsql AS $$
        BEGIN
          EXECUTE 'SELECT 1 FROM ' || 'x';
        END $$";
    source.execute(doubtful).unwrap();
    let desk = Desk::shared();
    let made = format!(
        "pg_dump {0} > plain.sql && dump 'dbname={0} user=postgres' | cat > archive.tar",
        source.name()
    );
    desk.shell(&made).env("PGUSER", "postgres").run().assert_success();
    for (input, kind) in [("plain.sql", "sql"), ("archive.tar", "archive")] {
        for (strict, code) in [("", 0), ("--strict", 1)] {
            let report = format!("{kind}{strict}.json");
            let line = format!("remap-schema -q --check {strict} --to x --report {report} {input}");
            let output = desk.run(&line);
            output.assert_code(code);
            assert!(output.stdout().is_empty(), "{output}");
            output.assert_stderr_contains("function public.built() line 3: EXECUTE builds");
            let json = std::fs::read_to_string(desk.path(&report)).unwrap();
            let report: serde_json::Value = serde_json::from_str(&json).unwrap();
            assert_eq!(report["input"], kind);
            assert_eq!(report["doubts"].as_array().unwrap().len(), 1);
            assert_eq!(report["doubts"][0]["body_line"], 3);
            assert!(report["doubts"][0]["line"].as_u64() > Some(3));
            assert!(report["edits"].as_array().unwrap().len() > 10);
        }
        let again = desk.run(&format!(
            "remap-schema --check --to x --report {kind}.json {input}"
        ));
        again.assert_code(2).assert_stderr_contains("exists already");
    }
    desk.run("head -c -3000 archive.tar | remap-schema --check --to x")
        .assert_code(6);
    desk.run("head -c 3000 plain.sql | remap-schema --check --to x")
        .assert_code(6);
    desk.run("remap-schema --check --to x -o y.tar archive.tar")
        .assert_code(2);
}

#[test]
fn strict_output_is_the_same_from_a_file_and_from_stdin() {
    let desk = Desk::shared();
    let source = source();
    let line = format!("pg_dump {} > plain.sql", source.name());
    desk.shell(&line).env("PGUSER", "postgres").run().assert_success();
    let from_file = desk.run("remap-schema --strict --to x plain.sql");
    let from_stdin = desk.run("cat plain.sql | remap-schema --strict --to x");
    assert_eq!(
        from_file.assert_success().stdout(),
        from_stdin.assert_success().stdout()
    );
}

#[test]
fn a_filter_that_is_ended_among_the_rows_leaves_nothing_behind() {
    let target = Cluster::shared().database("plained").unwrap();
    for start in ["COPY public.t (a) FROM stdin;", "INSERT INTO public.t VALUES ('"] {
        let header = "-- PostgreSQL database dump\nCREATE TABLE public.t (a text);\n";
        let line = format!(
            "(printf '%s\\n' \"$START\"; yes) | timeout --foreground --preserve-status 0.5 remap-schema --to x | {PSQL} {} -1",
            target.name()
        );
        let desk = Desk::shared();
        let shell = desk.shell(&line).env("PGUSER", "postgres");
        let output = shell.env("START", format!("{header}{start}")).run();
        assert_eq!(output.stages()[1..], [143, 3], "{output}");
        let left = "SELECT count(*) FROM pg_namespace WHERE nspname = 'x'";
        assert_eq!(target.query(left).unwrap(), ["0"], "{output}");
    }
}
