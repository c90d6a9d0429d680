//! Whose is what on a target: nothing of others is touched, nothing is open before its time, nothing secret travels.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking, its helpers too")]

use testkit::{Cluster, Database, Desk, Output, target_word};

/// A source made by `sql`, as the superuser, and an empty target.
struct Pair {
    desk: Desk,
    source: Database<'static>,
    target: Database<'static>,
}

impl Pair {
    fn new(sql: &str) -> Self {
        let cluster = Cluster::shared();
        let source = cluster.database("owned").unwrap();
        source.execute(sql).unwrap();
        Pair {
            desk: Desk::shared(),
            source,
            target: cluster.target().unwrap(),
        }
    }

    /// Runs a line in which `$SOURCE` and `$TARGET` stand for the two databases.
    fn run(&self, line: &str) -> Output {
        let line = line
            .replace("$SOURCE", self.source.name())
            .replace("$TARGET", &target_word(&self.target));
        self.desk.run(&line)
    }

    fn load(&self, flags: &str) -> Output {
        self.run(&format!(
            "dump $SOURCE | remap-schema --to shop | load $TARGET {flags}"
        ))
    }

    /// A load that fails before its end and leaves what it had loaded.
    fn fail_to_load(&self, remap: &str) -> Output {
        let output = self.run(&format!(
            "dump $SOURCE {remap} >whole.tar; head -c -1500 whole.tar | load $TARGET"
        ));
        output.assert_code(6);
        output
    }

    /// Makes a role that may log in, under a name that no other test has.
    fn role(&self, label: &str) -> String {
        let name = format!("{label}_{}", self.target.name());
        self.target.execute(&format!("CREATE ROLE {name} LOGIN")).unwrap();
        name
    }

    fn answers(&self, sql: &str) -> Vec<String> {
        self.target.query(sql).unwrap()
    }
}

const ONE_TABLE: &str =
    "CREATE TABLE t (id integer PRIMARY KEY, note text); INSERT INTO t VALUES (1, 'one'), (2, NULL)";

#[test]
fn schema_that_was_made_again_is_not_abandoned() {
    let pair = Pair::new(ONE_TABLE);
    pair.fail_to_load("| remap-schema --to shop");
    pair.target.execute("DROP SCHEMA shop CASCADE").unwrap();
    pair.load("").assert_success();
    pair.run("load --abandon shop $TARGET")
        .assert_code(5)
        .assert_stderr_contains("no unfinished load");
    assert_eq!(pair.answers("SELECT count(*) FROM shop.t"), ["2"]);
}

#[test]
fn what_others_made_in_public_stops_its_removal() {
    let pair = Pair::new(ONE_TABLE);
    let other = pair.role("other");
    pair.target
        .execute(&format!("GRANT CREATE ON SCHEMA public TO {other}"))
        .unwrap();
    pair.fail_to_load("");
    let mut client = pair.target.client(&other).unwrap();
    client
        .batch_execute("CREATE TABLE public.precious AS SELECT 1 AS x")
        .unwrap();
    pair.run("load --abandon public $TARGET")
        .assert_code(5)
        .assert_stderr_contains("table public.precious")
        .assert_stderr_contains("nothing was removed");
    client.batch_execute("DROP TABLE public.precious").unwrap();
    pair.run("load --abandon public $TARGET").assert_success();
    pair.run("load $TARGET whole.tar").assert_success();
}

#[test]
fn passwords_of_the_source_are_in_no_archive() {
    let pair = Pair::new(
        "CREATE EXTENSION postgres_fdw;
         CREATE SERVER elsewhere FOREIGN DATA WRAPPER postgres_fdw OPTIONS (host 'db.example.com');
         CREATE USER MAPPING FOR PUBLIC SERVER elsewhere OPTIONS (user 'it', password 'canary-one');
         CREATE SUBSCRIPTION feed CONNECTION 'host=db.example.com password=canary-two' PUBLICATION p
           WITH (connect = false, slot_name = NONE);
         CREATE TABLE t (id integer)",
    );
    let dumped = pair.run("dump $SOURCE --compress none -o whole.tar");
    dumped
        .assert_success()
        .assert_stderr_contains("since it can hold a password");
    let archive = std::fs::read(pair.desk.path("whole.tar")).unwrap();
    let text = String::from_utf8_lossy(&archive);
    assert!(!text.contains("canary"), "a password is in the archive");
    pair.source.execute("DROP SUBSCRIPTION feed").unwrap();
}

#[test]
fn default_privileges_of_the_source_stay_there() {
    let pair = Pair::new(ONE_TABLE);
    let reader = pair.role("reader");
    pair.source
        .execute(&format!(
            "ALTER DEFAULT PRIVILEGES GRANT SELECT ON TABLES TO {reader}; GRANT SELECT ON t TO {reader}"
        ))
        .unwrap();
    pair.load("--privileges keep")
        .assert_success()
        .assert_stderr_contains("default privileges");
    assert_eq!(pair.answers("SELECT count(*) FROM pg_default_acl"), ["0"]);
    let mut client = pair.target.client(&reader).unwrap();
    assert_eq!(client.query("SELECT FROM shop.t", &[]).unwrap().len(), 2);
}

#[test]
fn privilege_on_a_column_is_kept_with_usage() {
    let pair = Pair::new(ONE_TABLE);
    let reader = pair.role("reader");
    pair.source
        .execute(&format!("GRANT SELECT (id) ON t TO {reader}"))
        .unwrap();
    pair.load("--privileges keep").assert_success();
    let mut client = pair.target.client(&reader).unwrap();
    assert_eq!(client.query("SELECT id FROM shop.t", &[]).unwrap().len(), 2);
    assert!(client.query("SELECT note FROM shop.t", &[]).is_err());
}

#[test]
fn default_privileges_of_the_target_open_nothing() {
    let pair = Pair::new(ONE_TABLE);
    let reader = pair.role("reader");
    pair.target
        .client("target_owner")
        .unwrap()
        .batch_execute(&format!(
            "ALTER DEFAULT PRIVILEGES GRANT SELECT ON TABLES TO {reader};
             ALTER DEFAULT PRIVILEGES GRANT USAGE ON SCHEMAS TO {reader}"
        ))
        .unwrap();
    pair.fail_to_load("| remap-schema --to shop");
    let mut client = pair.target.client(&reader).unwrap();
    assert!(client.query("SELECT FROM shop.t", &[]).is_err());
    assert!(client.query("SELECT FROM coalesce.run", &[]).is_err());
}

const DEFINER: &str = "CREATE TABLE t (id integer); INSERT INTO t VALUES (42);
    CREATE FUNCTION peek() RETURNS integer LANGUAGE sql SECURITY DEFINER SET search_path = public
      AS 'SELECT id FROM t';
    CREATE FUNCTION hello() RETURNS text LANGUAGE sql AS 'SELECT ''hello''::text';
    REVOKE ALL ON FUNCTION peek() FROM PUBLIC;";

#[test]
fn functions_in_an_open_schema_wait_for_the_end_and_stay_closed_where_the_source_closed_them() {
    let pair = Pair::new(DEFINER);
    let reader = pair.role("reader");
    let mut client = pair.target.client(&reader).unwrap();
    pair.fail_to_load("");
    for call in ["SELECT public.peek()", "SELECT public.hello()"] {
        assert!(client.query(call, &[]).is_err(), "{call} before the end");
    }
    pair.run("load --abandon public $TARGET").assert_success();
    pair.run("load $TARGET whole.tar").assert_success();
    assert!(client.query("SELECT public.hello()", &[]).is_ok());
    assert!(
        client.query("SELECT public.peek()", &[]).is_err(),
        "what PUBLIC lost in the source"
    );
}

#[test]
fn schema_of_a_user_that_is_called_like_the_journal_is_no_journal() {
    let pair = Pair::new("CREATE SCHEMA coalesce; CREATE TABLE coalesce.customers (id integer)");
    pair.run("dump $SOURCE | cat")
        .assert_stages(&[4, 0])
        .assert_stderr_contains("schema coalesce is not the journal");
    let planted = Pair::new(ONE_TABLE);
    let stranger = planted.role("stranger");
    planted
        .target
        .execute(&format!(
            "GRANT CREATE ON DATABASE {} TO {stranger}",
            planted.target.name()
        ))
        .unwrap();
    let mut client = planted.target.client(&stranger).unwrap();
    client
        .batch_execute(
            "CREATE SCHEMA coalesce; COMMENT ON SCHEMA coalesce IS 'journal of Coalesce: loads into this database';
             GRANT ALL ON SCHEMA coalesce TO PUBLIC",
        )
        .unwrap();
    planted
        .load("")
        .assert_code(5)
        .assert_stderr_contains("not as load made it");
}

#[test]
fn second_role_is_told_whose_the_journal_is() {
    let pair = Pair::new(ONE_TABLE);
    pair.load("").assert_success();
    let second = pair.role("second");
    pair.target
        .execute(&format!(
            "GRANT CREATE ON DATABASE {} TO {second}",
            pair.target.name()
        ))
        .unwrap();
    let line = format!(
        "dump $SOURCE | remap-schema --to again | load 'dbname={} user={second}'",
        pair.target.name()
    );
    pair.run(&line)
        .assert_code(5)
        .assert_stderr_contains("the journal (schema coalesce) belongs to target_owner");
    // What an older journal lacks is made by whoever comes next, and stays its owner's.
    pair.target
        .execute(&format!(
            "DROP TABLE coalesce.large_object; GRANT target_owner TO {second}"
        ))
        .unwrap();
    pair.run(&line).assert_success();
    pair.run("dump $SOURCE | remap-schema --to third | load $TARGET")
        .assert_success();
}

#[test]
fn sequences_that_cannot_follow_their_column_stay_where_they_were() {
    let pair = Pair::new(
        "CREATE TABLE codes (code text, wide bigint, round integer);
         CREATE SEQUENCE code_seq OWNED BY codes.code;
         CREATE SEQUENCE wide_seq AS integer OWNED BY codes.wide;
         CREATE SEQUENCE round_seq MAXVALUE 9 CYCLE OWNED BY codes.round;
         CREATE TABLE plain (id serial); INSERT INTO plain VALUES (70);
         INSERT INTO codes VALUES ('A1', 9999999999, 9);
         SELECT setval('code_seq', 5), setval('wide_seq', 6), setval('round_seq', 7)",
    );
    pair.load("")
        .assert_success()
        .assert_stderr_contains("wide_seq stands at 6");
    let positions = "SELECT last_value FROM shop.code_seq UNION ALL SELECT last_value FROM shop.wide_seq
        UNION ALL SELECT last_value FROM shop.round_seq UNION ALL SELECT last_value FROM shop.plain_id_seq";
    assert_eq!(pair.answers(positions), ["5", "6", "7", "70"]);
}

#[test]
fn forced_row_security_comes_after_all_that_reads_rows() {
    let pair = Pair::new(
        "CREATE TABLE parents (id serial PRIMARY KEY); INSERT INTO parents DEFAULT VALUES;
         CREATE TABLE children (id serial, parent integer REFERENCES parents); INSERT INTO children VALUES (1, 1);
         ALTER TABLE parents ENABLE ROW LEVEL SECURITY; ALTER TABLE parents FORCE ROW LEVEL SECURITY;
         ALTER TABLE children ENABLE ROW LEVEL SECURITY; ALTER TABLE children FORCE ROW LEVEL SECURITY;
         CREATE POLICY nobody ON parents USING (false)",
    );
    // Only the owner and BYPASSRLS may read such tables whole.
    pair.run("dump \"user=postgres dbname=$SOURCE\" | remap-schema --to shop | load $TARGET")
        .assert_success();
    let switched =
        "SELECT count(*) FROM pg_class WHERE relnamespace = 'shop'::regnamespace AND relrowsecurity
        AND relforcerowsecurity";
    assert_eq!(pair.answers(switched), ["2"]);
}

#[test]
fn rows_that_a_policy_hides_are_named_before_the_first_byte() {
    let pair = Pair::new("CREATE TABLE t (id integer); ALTER TABLE t ENABLE ROW LEVEL SECURITY");
    let output = pair.run("dump $SOURCE | cat");
    output
        .assert_stages(&[4, 0])
        .assert_stderr_contains("of public.t")
        .assert_stderr_contains("BYPASSRLS");
    assert!(output.stdout().is_empty());
}

#[test]
fn role_of_a_policy_is_asked_for_before_anything_is_written() {
    let pair = Pair::new(ONE_TABLE);
    let gone = pair.role("gone");
    pair.source
        .execute(&format!("CREATE POLICY p ON t TO {gone} USING (true)"))
        .unwrap();
    pair.run("dump $SOURCE -o whole.tar").assert_success();
    pair.source
        .execute(&format!("DROP POLICY p ON t; DROP ROLE {gone}"))
        .unwrap();
    pair.run("remap-schema --to shop whole.tar | load $TARGET")
        .assert_code(5)
        .assert_stderr_contains(&format!("role {gone}, which a policy names, does not exist"));
    assert_eq!(pair.answers("SELECT to_regnamespace('shop') IS NULL"), ["t"]);
}

#[test]
fn empty_public_of_a_source_is_in_nobodys_way() {
    let pair = Pair::new("CREATE SCHEMA foo; CREATE TABLE foo.t (id integer)");
    pair.target
        .execute("CREATE TABLE public.mine (id integer)")
        .unwrap();
    pair.run("dump $SOURCE | load $TARGET").assert_success();
    assert_eq!(pair.answers("SELECT to_regclass('foo.t') IS NOT NULL"), ["t"]);
}

#[test]
fn source_without_anything_leaves_nothing_to_load() {
    let pair = Pair::new("SELECT");
    pair.run("dump $SOURCE | remap-schema --to shop | load $TARGET")
        .assert_success()
        .assert_stderr_contains("nothing to load");
}

#[test]
fn extensions_are_used_where_the_target_keeps_them() {
    let pair =
        Pair::new("CREATE EXTENSION citext; CREATE TABLE t (email citext); INSERT INTO t VALUES ('A@b')");
    pair.target
        .execute(
            "CREATE SCHEMA extensions; GRANT USAGE ON SCHEMA extensions TO PUBLIC;
             CREATE EXTENSION citext SCHEMA extensions",
        )
        .unwrap();
    pair.load("")
        .assert_code(5)
        .assert_stderr_contains("remap-schema --extensions-schema citext=extensions");
    pair.run("dump $SOURCE | remap-schema --to shop --extensions-schema extensions | load $TARGET")
        .assert_success();
    assert_eq!(
        pair.answers("SELECT count(*) FROM shop.t WHERE email OPERATOR(extensions.=) 'a@B'"),
        ["1"]
    );
    pair.run("verify $SOURCE $TARGET --to shop").assert_success();
}

#[test]
fn table_of_another_role_in_an_unfinished_schema_stops_its_removal() {
    let pair = Pair::new(ONE_TABLE);
    pair.fail_to_load("| remap-schema --to shop");
    pair.target
        .execute("CREATE TABLE shop.precious (id integer)")
        .unwrap();
    pair.run("load --abandon shop $TARGET")
        .assert_code(5)
        .assert_stderr_contains("table shop.precious");
}
