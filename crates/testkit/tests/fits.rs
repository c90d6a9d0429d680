//! What a load looks at before it writes, and a load that is only tried.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking, its helpers too")]

use testkit::{Cluster, Database, Output, POSTGRES, TARGET_OWNER, Tools};

#[test]
fn all_that_a_role_lacks_is_told_at_once() {
    // Fault 24.
    let lab = Lab::new(
        "CREATE EXTENSION citext; CREATE TABLE t (name citext COLLATE \"de-x-icu\"); CREATE INDEX ON t (name);
         CREATE FUNCTION absolute(int) RETURNS int LANGUAGE internal AS 'int4abs';
         CREATE FUNCTION sealed() RETURNS int LEAKPROOF LANGUAGE sql AS 'SELECT 1';
         CREATE FUNCTION spoken() RETURNS int LANGUAGE plpgsql AS 'BEGIN RETURN 1; END';
         CREATE TYPE hollow; CREATE COLLATION ours (provider = icu, locale = 'de');
         CREATE OPERATOR CLASS own FOR TYPE int4 USING hash AS OPERATOR 1 =, FUNCTION 1 hashint4(int4);",
    );
    lab.target
        .execute(
            "CREATE SCHEMA ext; CREATE EXTENSION citext SCHEMA ext; REVOKE USAGE ON LANGUAGE plpgsql FROM PUBLIC;
             DROP COLLATION pg_catalog.\"de-x-icu\"",
        )
        .unwrap();
    let line = "dump \"$SOURCE\" | remap-schema --to fit --extensions-schema ext | load \"$TARGET\"";
    let before = lab.definitions();
    let refused = lab.run(&format!("{line} --space 0.001MiB"));
    assert_eq!(refused.stages().last(), Some(&5), "{refused}");
    for words in [
        "fit.absolute() is written in internal, a language that is not trusted",
        "fit.sealed() needs a superuser, as all LEAKPROOF functions do",
        "the role lacks USAGE on language plpgsql, which function fit.spoken() is written in",
        "type fit.hollow needs a superuser, as all base types do",
        "needs a superuser, as all operator classes and families do",
        "the role lacks USAGE on schema ext, where extension citext is",
        "collation pg_catalog.\"de-x-icu\" does not exist here",
        "are needed and --space says 1.02 KiB",
        "nothing was written",
    ] {
        refused.assert_stderr_contains(words);
    }
    assert_eq!(lab.definitions(), before);

    lab.target
        .execute("CREATE COLLATION pg_catalog.\"de-x-icu\" (provider = icu, locale = 'de')")
        .unwrap();
    let as_superuser = lab.target.conninfo(POSTGRES);
    lab.run(&line.replace("$TARGET", &as_superuser))
        .assert_success()
        .assert_stderr_contains("space needed: about");
    lab.run("load \"$TARGET\" nothing.tar --space 20")
        .assert_code(2)
        .assert_stderr_contains("20GiB");
}

#[test]
fn another_order_of_text_is_said() {
    let lab = Lab::new("CREATE TABLE t (name text PRIMARY KEY); INSERT INTO t VALUES ('a'), ('B');");
    let other = format!("{}_other", lab.target.name());
    let sql = format!(
        "CREATE DATABASE {other} OWNER {TARGET_OWNER} TEMPLATE template0 ENCODING 'UTF8' \
         LOCALE_PROVIDER icu ICU_LOCALE 'de' LOCALE 'C'"
    );
    let mut admin = Cluster::shared().client(POSTGRES, POSTGRES).unwrap();
    admin.batch_execute(&sql).unwrap();
    let endpoint = Cluster::shared().conninfo(&other, TARGET_OWNER);
    let loaded = lab.run(&format!(
        "dump \"$SOURCE\" | remap-schema --to fit | load --quiet \"{endpoint}\""
    ));
    admin
        .batch_execute(&format!("DROP DATABASE {other} (FORCE)"))
        .unwrap();
    loaded
        .assert_success()
        .assert_stderr_contains("the database orders text by icu:de")
        .assert_stderr_contains("built in the new order (1)");
}

#[test]
fn locks_of_others_are_named_instead_of_waited_for() {
    // Faults 22 and 32: the schema is there, empty, and somebody is about to drop it.
    let lab = Lab::new("CREATE TABLE t (id int)");
    lab.target
        .execute(&format!("CREATE SCHEMA fit AUTHORIZATION {TARGET_OWNER}"))
        .unwrap();
    let line = "dump \"$SOURCE\" | remap-schema --to fit | load \"$TARGET\"";
    let mut other = lab.target.admin().unwrap();
    let mut dropping = other.transaction().unwrap();
    dropping.batch_execute("DROP SCHEMA fit").unwrap();
    let refused = lab.run(line);
    assert_eq!(refused.stages().last(), Some(&5), "{refused}");
    refused
        .assert_stderr_contains("schema fit is locked by process")
        .assert_stderr_contains("nothing was written");
    dropping.rollback().unwrap();
    lab.run(line).assert_success();
}

#[test]
fn a_server_with_few_locks_gets_small_transactions() {
    // Fault 27.
    let few_locks = Cluster::start_with(&[
        ("max_locks_per_transaction", "10"),
        ("max_connections", "15"),
        ("max_wal_senders", "0"),
        ("max_worker_processes", "1"),
    ])
    .unwrap();
    let target = few_locks.target().unwrap();
    let tables =
        "DO $$ BEGIN FOR n IN 1..400 LOOP EXECUTE format('CREATE TABLE t%s (a text)', n); END LOOP; END $$;";
    let lab = Lab::new(tables);
    let together = target.execute(tables).unwrap_err();
    assert!(
        together.chain().contains("out of shared memory"),
        "{}",
        together.chain()
    );
    let line = format!(
        "dump \"$SOURCE\" | remap-schema --to fit | load \"{}\"",
        target.target()
    );
    lab.run(&format!("{line} --dry-run"))
        .assert_code(5)
        .assert_stderr_contains("a dry run needs about 1,200 locks")
        .assert_stderr_contains("max_locks_per_transaction to 80 or more");
    // So does what removes them again.
    lab.run(&format!("echo 'SELECT 1/0' >bad.sql; {line} --after bad.sql"))
        .assert_stderr_contains("division by zero");
    lab.run(&format!("load --abandon fit \"{}\"", target.target()))
        .assert_success()
        .assert_stderr_contains("tables go in several transactions");
    lab.run(&line).assert_success();

    let tree = Lab::new(
        "CREATE TABLE tree (id int) PARTITION BY LIST (id); CREATE INDEX ON tree (id);
         DO $$ BEGIN FOR n IN 1..80 LOOP
           EXECUTE format('CREATE TABLE leaf%s PARTITION OF tree FOR VALUES IN (%s)', n, n); END LOOP; END $$;",
    );
    let line = format!(
        "dump \"$SOURCE\" | remap-schema --to tree | load \"{}\"",
        target.target()
    );
    let refused = tree.run(&line);
    refused
        .assert_stderr_contains("the partitions of tree.tree and their indexes are 162 locks")
        .assert_stderr_contains("set max_locks_per_transaction to 11 or more");
    assert_eq!(refused.stages().last(), Some(&5), "{refused}");
}

#[test]
fn doors_that_are_closed_are_named_with_their_key() {
    // Faults 20 and 21.
    let lab = Lab::new("");
    let name = lab.target.name();
    lab.target
        .execute("CREATE ROLE fit_mute NOLOGIN; CREATE ROLE fit_stranger LOGIN")
        .unwrap();
    let admin = |sql: &str| {
        let mut client = Cluster::shared().client(POSTGRES, POSTGRES).unwrap();
        client.batch_execute(sql).unwrap();
    };
    let check = |role: &str, hint: &str| {
        let line = format!("load \"{}\" nothing.tar </dev/null", lab.target.conninfo(role));
        lab.run(&line).assert_code(5).assert_stderr_contains(hint);
    };
    std::fs::write(lab.folder.path().join("nothing.tar"), lab.archive()).unwrap();
    check("fit_mute", "ALTER ROLE … LOGIN");
    admin(&format!("REVOKE CONNECT ON DATABASE {name} FROM PUBLIC"));
    check("fit_stranger", "GRANT CONNECT ON DATABASE");
    admin(&format!("ALTER DATABASE {name} CONNECTION LIMIT 0"));
    check(TARGET_OWNER, "ALTER DATABASE … CONNECTION LIMIT");
    admin(&format!(
        "ALTER DATABASE {name} CONNECTION LIMIT -1 ALLOW_CONNECTIONS false"
    ));
    check(TARGET_OWNER, "ALTER DATABASE … ALLOW_CONNECTIONS true");
    admin(&format!("ALTER DATABASE {name} ALLOW_CONNECTIONS true"));
}

/// Everything that a load makes, with rows beyond a sample: those of `child` refer to what a sample of `parent` lacks.
const WHOLE: &str = "
CREATE EXTENSION citext; CREATE TYPE mood AS ENUM ('sad', 'happy');
CREATE TABLE parent (id int PRIMARY KEY, mood mood, twice int GENERATED ALWAYS AS (id * 2) STORED);
CREATE TABLE child (id serial PRIMARY KEY, parent int REFERENCES parent, name citext UNIQUE, \"Odd\" text);
CREATE TABLE tree (id int, at date) PARTITION BY RANGE (at);
CREATE TABLE leaf PARTITION OF tree FOR VALUES FROM ('2024-01-01') TO ('2025-01-01');
CREATE TABLE named (it regclass);
CREATE INDEX of_mood ON parent (mood);
CREATE VIEW seen AS SELECT c.id, p.mood FROM child c JOIN parent p ON p.id = c.parent;
CREATE MATERIALIZED VIEW counted AS SELECT count(*) FROM child;
CREATE FUNCTION touch() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RAISE EXCEPTION ''fired''; END';
CREATE TRIGGER touched BEFORE INSERT ON child FOR EACH ROW EXECUTE FUNCTION touch();
ALTER TABLE child DISABLE TRIGGER touched;
INSERT INTO parent SELECT n, 'happy' FROM generate_series(1, 3000) AS n;
INSERT INTO child (parent, name) SELECT 3001 - n, 'it' || n FROM generate_series(1, 3000) AS n;
INSERT INTO tree SELECT n, date '2024-01-01' + n FROM generate_series(1, 300) AS n;
INSERT INTO named VALUES ('of_mood'); ALTER TABLE child ENABLE TRIGGER touched;
ALTER TABLE child ENABLE ROW LEVEL SECURITY; CREATE POLICY all_of_it ON child USING (true);
GRANT SELECT ON parent TO source_reader; SELECT lo_from_bytea(0, 'large');";

#[test]
fn a_load_that_is_tried_leaves_nothing_and_tells_the_truth() {
    let lab = Lab::new(WHOLE);
    lab.target
        .execute("CREATE TABLE theirs AS SELECT 1 AS id")
        .unwrap();
    let line = "dump \"$OWNER\" | remap-schema --to fit --snake-case | load \"$TARGET\" --privileges keep";
    let before = lab.definitions();
    let tried = lab.run(&format!("{line} --dry-run"));
    tried
        .assert_success()
        .assert_stderr_contains("tried on")
        .assert_stderr_contains("4 tables, 2,301 of 6,301 rows")
        .assert_stderr_contains("all fingerprints hold")
        .assert_stderr_contains("a load opens");
    assert_eq!(lab.definitions(), before);
    lab.run("dump \"$OWNER\" | remap-schema --to fit | head -c -1500 | load \"$TARGET\" --dry-run")
        .assert_code(6)
        .assert_stderr_contains("truncated");
    assert_eq!(lab.definitions(), before);
    lab.run(line).assert_success();
}

#[test]
fn a_load_that_is_tried_tells_every_failure() {
    let lab = Lab::new(
        "CREATE FUNCTION picky(int) RETURNS int IMMUTABLE LANGUAGE plpgsql AS $$ BEGIN
           IF current_database() LIKE 'target%' THEN RAISE EXCEPTION 'not here'; END IF; RETURN $1; END $$;
         CREATE DOMAIN doubtful AS int CHECK (picky(value) > 0);
         CREATE TABLE fine (id int PRIMARY KEY); INSERT INTO fine VALUES (1);
         CREATE TABLE poor (id int); INSERT INTO poor VALUES (1); CREATE INDEX by_picky ON poor (picky(id));
         CREATE TABLE worse (id doubtful); INSERT INTO worse VALUES (1);
         CREATE TABLE many (id int PRIMARY KEY); INSERT INTO many SELECT generate_series(1, 1100);
         CREATE TABLE part (many int CONSTRAINT of_many REFERENCES many) PARTITION BY RANGE (many);
         CREATE TABLE part_1 PARTITION OF part DEFAULT; INSERT INTO part VALUES (1100);
         COMMENT ON CONSTRAINT of_many ON part IS 'not in a sample'",
    );
    let before = lab.definitions();
    let line = "dump \"$SOURCE\" --rows csv | remap-schema --to fit | load \"$TARGET\"";
    let tried = lab.run(&format!("{line} --dry-run"));
    assert_eq!(tried.stages().last(), Some(&5), "{tried}");
    tried
        .assert_stderr_contains("a load would fail on")
        .assert_stderr_contains("2 refused")
        .assert_stderr_contains("rows of fit.worse: ERROR: message shown with --verbose, since it can hold row data (SQLSTATE P0001)")
        .assert_stderr_contains("CREATE INDEX by_picky ON fit.poor")
        .assert_stderr_contains("ERROR: not here (SQLSTATE P0001)")
        .assert_stderr_contains("nothing was written");
    assert_eq!(lab.definitions(), before);
    let failed = lab.run(line);
    assert_eq!(failed.stages().last(), Some(&5), "{failed}");
}

/// A source, a target and a folder for one test.
struct Lab {
    source: Database<'static>,
    target: Database<'static>,
    folder: tempfile::TempDir,
}

impl Lab {
    fn new(sql: &str) -> Self {
        let lab = Lab {
            source: Cluster::shared().database("fits").unwrap(),
            target: Cluster::shared().target().unwrap(),
            folder: tempfile::tempdir().unwrap(),
        };
        lab.source.execute(sql).unwrap();
        lab
    }

    fn run(&self, line: &str) -> Output {
        Tools::locate()
            .shell(line)
            .env("SOURCE", self.source.source())
            .env("OWNER", self.source.conninfo(POSTGRES))
            .env("TARGET", self.target.target())
            .env("ADMIN", self.target.conninfo(POSTGRES))
            .current_dir(self.folder.path())
            .run()
    }

    fn archive(&self) -> Vec<u8> {
        let output = self.run("dump \"$SOURCE\"");
        output.assert_success().stdout().to_vec()
    }

    /// All of the target as `pg_dump` sees it, large objects too; what it makes up anew each time is left out.
    fn definitions(&self) -> String {
        let line = r#"pg_dump -b "$ADMIN" | grep -v '^.\(un\)\?restrict '"#;
        self.run(line).assert_success().stdout_text()
    }
}
