//! Whose the new schemas are and who uses them: owners, roles that a load creates, grants that it keeps.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking, its helpers too")]

mod after;
mod script;

use testkit::{Cluster, Database, Desk, Output, POSTGRES};

/// A target that belongs to a role which may create roles and is no superuser, as on a managed server.
struct Place {
    desk: Desk,
    target: Database<'static>,
    admin: String,
}

impl Place {
    fn new(label: &str) -> Self {
        let cluster = Cluster::shared();
        let admin = format!("admin_{label}");
        cluster
            .client(POSTGRES, POSTGRES)
            .unwrap()
            .batch_execute(&format!("CREATE ROLE {admin} LOGIN CREATEROLE"))
            .unwrap();
        Place {
            desk: Desk::shared(),
            target: cluster.database_owned_by(&admin).unwrap(),
            admin,
        }
    }

    fn word(&self) -> String {
        format!("'dbname={} user={}'", self.target.name(), self.admin)
    }

    /// Dumps what `sql` makes, under the name `schema`.
    fn archive(&self, sql: &str, schema: &str) {
        let source = Cluster::shared().database("owned").unwrap();
        source.execute(sql).unwrap();
        let name = source.name();
        self.desk
            .run(&format!(
                "dump 'user=postgres dbname={name}' | remap-schema --to {schema} >{schema}.tar"
            ))
            .assert_success();
    }

    fn load(&self, schema: &str, flags: &str) -> Output {
        self.desk
            .run(&format!("load {} {schema}.tar {flags}", self.word()))
    }

    #[track_caller]
    fn check(&self, sql: &str, expected: &[&str]) {
        assert_eq!(self.target.query(sql).unwrap(), expected, "{sql}");
    }

    /// Whether `role` may run each statement.
    #[track_caller]
    fn check_rights(&self, role: &str, facts: &[(&str, bool)]) {
        let mut client = self.target.client(role).unwrap();
        for (sql, expected) in facts {
            let done = client.batch_execute(sql);
            assert_eq!(done.is_ok(), *expected, "{sql} as {role}: {done:?}");
        }
    }
}

/// Of everything that an application has; `$OID` is its large object.
const APPLICATION: &str = "
CREATE EXTENSION citext;
CREATE TYPE mood AS ENUM ('good', 'bad');
CREATE DOMAIN name AS citext;
CREATE TABLE notes (id serial PRIMARY KEY, mood mood, name name, at integer GENERATED ALWAYS AS IDENTITY);
INSERT INTO notes (mood, name) VALUES ('good', 'Ada'), ('bad', 'Bob');
CREATE VIEW names AS SELECT name FROM notes;
CREATE SEQUENCE tickets;
CREATE FUNCTION hello() RETURNS text LANGUAGE sql AS 'SELECT ''hello''::text';
CREATE FUNCTION peek() RETURNS bigint LANGUAGE sql SECURITY DEFINER AS 'SELECT count(*) FROM public.notes';
REVOKE ALL ON FUNCTION peek() FROM PUBLIC;
SELECT lo_from_bytea($OID, 'x');";

#[test]
fn two_applications_in_one_database_do_not_see_each_other() {
    let place = Place::new("two");
    for (schema, oid, flags) in [
        ("left_app", "910001", ""),
        ("right_app", "910002", "--create-role-as owner"),
    ] {
        place.archive(&APPLICATION.replace("$OID", oid), schema);
        place
            .load(schema, &format!("--create-role {schema}_role {flags}"))
            .assert_success()
            .assert_stderr_contains(&format!("with search_path {schema}, public"))
            .assert_stderr_contains("no password yet");
    }
    for (own, other, own_oid, other_oid) in [
        ("left_app", "right_app", 910_001, 910_002),
        ("right_app", "left_app", 910_002, 910_001),
    ] {
        let sees = |name: &str, oid: i32, expected: bool| {
            let is_owner = name == "right_app" && expected;
            let facts = [
                (format!("SELECT * FROM {name}.notes"), expected),
                (format!("INSERT INTO {name}.notes (name) VALUES ('Cy')"), expected),
                (format!("UPDATE {name}.notes SET mood = 'bad'"), expected),
                (format!("DELETE FROM {name}.notes WHERE name = 'Cy'"), expected),
                (format!("SELECT * FROM {name}.names"), expected),
                (format!("SELECT nextval('{name}.tickets')"), expected),
                (format!("SELECT setval('{name}.tickets', 3)"), expected),
                (format!("SELECT {name}.hello()"), expected),
                (format!("SELECT {name}.peek()"), expected),
                (format!("SELECT 'good'::{name}.mood"), expected),
                (format!("SELECT lo_get({oid})"), expected),
                (format!("SELECT lo_put({oid}, 0, 'y')"), expected),
                (format!("TRUNCATE {name}.notes"), is_owner),
                (
                    format!("CREATE TABLE {name}.mine (); DROP TABLE {name}.mine"),
                    is_owner,
                ),
            ];
            let facts: Vec<(&str, bool)> = facts.iter().map(|(sql, may)| (sql.as_str(), *may)).collect();
            place.check_rights(&format!("{own}_role"), &facts);
        };
        sees(other, other_oid, false);
        sees(own, own_oid, true);
        // Names without a schema mean the application's own, and the extension's type is found.
        let mut client = place.target.client(&format!("{own}_role")).unwrap();
        let path: String = client.query_one("SHOW search_path", &[]).unwrap().get(0);
        assert_eq!(path, format!("{own}, public"));
        let row = client.query_one(
            "SELECT count(*) FROM information_schema.tables WHERE table_schema LIKE '%_app' AND table_schema <> $1",
            &[&own],
        );
        assert_eq!(row.unwrap().get::<_, i64>(0), 0, "tables of others are listed");
        let found: String = client
            .query_one(
                "SELECT 'notes'::regclass::oid::regclass || hello() || peek() || 'A'::citext::text",
                &[],
            )
            .unwrap()
            .get(0);
        assert!(found.starts_with("noteshello"), "{found}");
    }
    place.check(
        "SELECT rolname, rolcanlogin, rolsuper, rolcreaterole FROM pg_roles WHERE rolname LIKE '%_app_role' ORDER BY 1",
        &["left_app_role | t | f | f", "right_app_role | t | f | f"],
    );
    place.check(
        "SELECT count(*) FROM pg_namespace n WHERE nspname LIKE '%_app' AND has_schema_privilege('public', oid, 'USAGE')",
        &["0"],
    );
}

/// One of each kind of object that has an owner.
const EVERYTHING: &str = "
CREATE TYPE pair AS (a integer, b integer); CREATE TYPE span AS RANGE (subtype = integer);
CREATE TYPE level AS ENUM ('low'); CREATE DOMAIN digit AS integer CHECK (VALUE < 10);
CREATE TABLE plain (id serial PRIMARY KEY, at integer GENERATED ALWAYS AS IDENTITY, span span, note text);
CREATE TABLE tree (id integer) PARTITION BY LIST (id); CREATE TABLE branch PARTITION OF tree FOR VALUES IN (1);
CREATE TABLE heir () INHERITS (plain); CREATE SEQUENCE free;
CREATE STATISTICS facts ON id, note FROM plain;
CREATE VIEW seen AS SELECT id FROM plain; CREATE MATERIALIZED VIEW kept AS SELECT id FROM plain;
CREATE FUNCTION f(integer) RETURNS integer LANGUAGE sql AS 'SELECT $1'; CREATE PROCEDURE p() LANGUAGE sql AS '';
CREATE AGGREGATE total(integer) (SFUNC = int4pl, STYPE = integer, INITCOND = '0');
CREATE FUNCTION below(pair, pair) RETURNS boolean LANGUAGE sql IMMUTABLE AS 'SELECT $1.a < $2.a';
CREATE FUNCTION compare(pair, pair) RETURNS integer LANGUAGE sql IMMUTABLE AS 'SELECT $1.a - $2.a';
CREATE OPERATOR <<< (LEFTARG = pair, RIGHTARG = pair, FUNCTION = below);
CREATE COLLATION plainly FROM \"C\"; CREATE CONVERSION turned FOR 'LATIN1' TO 'UTF8' FROM iso8859_1_to_utf8;
CREATE TEXT SEARCH DICTIONARY words (TEMPLATE = simple); CREATE TEXT SEARCH CONFIGURATION search (COPY = simple);
CREATE EXTENSION pg_trgm; INSERT INTO plain (note) VALUES ('x'); SELECT lo_create(910003);
CREATE SCHEMA second; CREATE TABLE second.t (id integer);";

/// Everything in schema `$1` that has an owner and no extension, by the catalogs' own columns.
const OWNERS: &str = "
WITH n AS (SELECT oid FROM pg_namespace WHERE nspname IN ('shop', 'shop_second', 'public')), x AS (
  SELECT 'pg_class'::regclass AS class, oid, relowner AS owner, relname::text AS name FROM pg_class WHERE relnamespace IN (TABLE n)
  UNION ALL SELECT 'pg_type'::regclass, oid, typowner, typname FROM pg_type WHERE typnamespace IN (TABLE n)
  UNION ALL SELECT 'pg_proc'::regclass, oid, proowner, proname FROM pg_proc WHERE pronamespace IN (TABLE n) AND prolang <> 12
  UNION ALL SELECT 'pg_operator'::regclass, oid, oprowner, oprname FROM pg_operator WHERE oprnamespace IN (TABLE n)
  UNION ALL SELECT 'pg_opfamily'::regclass, oid, opfowner, opfname FROM pg_opfamily WHERE opfnamespace IN (TABLE n)
  UNION ALL SELECT 'pg_collation'::regclass, oid, collowner, collname FROM pg_collation WHERE collnamespace IN (TABLE n)
  UNION ALL SELECT 'pg_conversion'::regclass, oid, conowner, conname FROM pg_conversion WHERE connamespace IN (TABLE n)
  UNION ALL SELECT 'pg_statistic_ext'::regclass, oid, stxowner, stxname FROM pg_statistic_ext WHERE stxnamespace IN (TABLE n)
  UNION ALL SELECT 'pg_ts_dict'::regclass, oid, dictowner, dictname FROM pg_ts_dict WHERE dictnamespace IN (TABLE n)
  UNION ALL SELECT 'pg_ts_config'::regclass, oid, cfgowner, cfgname FROM pg_ts_config WHERE cfgnamespace IN (TABLE n)
  UNION ALL SELECT 'pg_largeobject_metadata'::regclass, oid, lomowner, 'large object' FROM pg_largeobject_metadata
  UNION ALL SELECT 'pg_namespace'::regclass, oid, nspowner, nspname FROM pg_namespace WHERE nspname LIKE 'shop%'
)
SELECT pg_get_userbyid(owner), count(*) > 30, string_agg(CASE WHEN pg_get_userbyid(owner) <> $ROLE THEN name END, ' ')
FROM x WHERE NOT EXISTS (SELECT FROM pg_depend d WHERE d.classid = x.class AND d.objid = x.oid AND d.deptype = 'e')
  AND NOT (class = 'pg_type'::regclass AND EXISTS (SELECT FROM pg_depend d WHERE d.classid = class AND d.objid = x.oid AND d.deptype = 'i'
           AND d.refobjid IN (SELECT objid FROM pg_depend WHERE deptype = 'e')))
GROUP BY owner";

#[test]
fn everything_that_a_load_makes_belongs_to_the_owner_and_nothing_does_before() {
    let place = Place::new("owner");
    let role = "shop_owner";
    place.archive(EVERYTHING, "shop");
    place
        .load("shop", &format!("--owner {role}"))
        .assert_code(5)
        .assert_stderr_contains("role shop_owner does not exist: create it, or let the load do it");
    place
        .target
        .execute(&format!("CREATE ROLE {role} LOGIN NOINHERIT"))
        .unwrap();
    place
        .load("shop", &format!("--owner {role}"))
        .assert_code(5)
        .assert_stderr_contains(
            "role admin_owner cannot SET ROLE to shop_owner, so it can give it nothing: GRANT shop_owner TO admin_owner",
        )
        .assert_stderr_contains("nothing was written");
    place
        .target
        .execute(&format!(
            "GRANT {role} TO {}; ALTER ROLE {} NOINHERIT",
            place.admin, place.admin
        ))
        .unwrap();
    // What fails at the last moment leaves nothing to the owner, and is removed like any other load.
    let trip = "CREATE FUNCTION public.trip() RETURNS event_trigger LANGUAGE plpgsql AS $$BEGIN RAISE 'tripped'; END$$;
        CREATE EVENT TRIGGER trip ON ddl_command_end WHEN TAG IN ('ALTER SCHEMA') EXECUTE FUNCTION public.trip()";
    place.target.execute(trip).unwrap();
    let failing = format!("--owner {role} --create-role shop_user");
    place
        .load("shop", &failing)
        .assert_code(5)
        .assert_stderr_contains("tripped")
        .assert_stderr_contains("nothing is live");
    place.check(
        "SELECT count(*) FROM pg_roles WHERE rolname = 'shop_user'",
        &["0"],
    );
    place.check_rights(role, &[("SELECT FROM shop.plain", false)]);
    place
        .desk
        .run(&format!("load --abandon shop {}", place.word()))
        .assert_success();
    place
        .target
        .execute("DROP EVENT TRIGGER trip; DROP FUNCTION public.trip()")
        .unwrap();
    place
        .load("shop", &failing)
        .assert_success()
        .assert_stderr_contains("shop, shop_second: owner is shop_owner");
    place.check(&OWNERS.replace("$ROLE", "'shop_owner'"), &["shop_owner | t | ∅"]);
    place.check_rights(
        role,
        &[
            ("INSERT INTO shop.plain (note) VALUES ('y')", true),
            ("ALTER TABLE shop.heir ADD COLUMN more text", true),
            ("DROP TABLE shop_second.t", true),
        ],
    );
    place.check_rights(
        "shop_user",
        &[("TABLE shop.plain", true), ("DROP TABLE shop.heir", false)],
    );
    // The owner of the database sees it as every other role of the database does.
    place.check_rights(&place.admin, &[("SELECT FROM shop.plain", false)]);
}

#[test]
fn what_roles_lack_is_told_at_once_before_anything_is_written() {
    let place = Place::new("lacking");
    place.archive(
        "CREATE EXTENSION citext SCHEMA public; CREATE TABLE t (id citext)",
        "bare",
    );
    place
        .target
        .execute(&format!(
            "CREATE SCHEMA bare; GRANT CREATE, USAGE ON SCHEMA bare TO {0}; REVOKE CONNECT ON DATABASE {1} FROM PUBLIC;
             CREATE ROLE taken; ALTER ROLE {0} NOCREATEROLE; ALTER SCHEMA public OWNER TO postgres;
             GRANT CREATE ON SCHEMA public TO PUBLIC; REVOKE USAGE ON SCHEMA public FROM PUBLIC;
             CREATE EXTENSION citext; ALTER DATABASE {1} OWNER TO postgres; GRANT CREATE, CONNECT ON DATABASE {1} TO {0}",
            place.admin,
            place.target.name()
        ))
        .unwrap();
    let refused = place.load(
        "bare",
        "--create-role taken --create-role-as owner --revoke-public-create",
    );
    refused.assert_code(5);
    for said in [
        "role taken exists: name another one",
        "role admin_lacking lacks CREATEROLE",
        "PUBLIC has no CONNECT on the database",
        "schema public, where extensions are, is closed to PUBLIC",
        "schema bare exists, role taken lacks USAGE on it",
        "schema bare exists, role taken lacks CREATE on it",
        "does not own schema public, so it cannot take CREATE",
        "nothing was written",
    ] {
        refused.assert_stderr_contains(said);
    }
    for (flags, said) in [
        ("--create-role pg_app", "PostgreSQL keeps this name for itself"),
        ("--create-role-as owner", "--create-role"),
        (
            "--owner a --create-role b --create-role-as owner",
            "name two owners",
        ),
    ] {
        place
            .load("bare", flags)
            .assert_code(2)
            .assert_stderr_contains(said);
    }
    place.check("SELECT to_regnamespace('coalesce') IS NULL", &["t"]);

    // Where the role may, what is closed is opened to the new role alone, and `public` is closed to its objects.
    place
        .target
        .execute(&format!(
            "ALTER ROLE {0} CREATEROLE; ALTER DATABASE {1} OWNER TO {0}; ALTER SCHEMA public OWNER TO {0};
             ALTER SCHEMA bare OWNER TO {0}",
            place.admin,
            place.target.name()
        ))
        .unwrap();
    place
        .load("bare", "--create-role bare_role --revoke-public-create")
        .assert_success();
    place.check_rights("bare_role", &[("SELECT 'x'::citext, id FROM t", true)]);
    place.check(
        "SELECT has_schema_privilege('public', 'public', 'CREATE'), has_schema_privilege('public', 'public', 'USAGE'),
           has_database_privilege('public', current_database(), 'CONNECT')",
        &["f | f | f"],
    );
}

#[test]
fn grants_of_every_kind_are_kept_and_public_reaches_nothing() {
    let place = Place::new("keep");
    let roles = "CREATE ROLE k_column LOGIN; CREATE ROLE k_routine LOGIN; CREATE ROLE k_type LOGIN;
        CREATE ROLE k_grantor LOGIN; CREATE ROLE k_second LOGIN; CREATE ROLE k_sequence LOGIN; CREATE ROLE k_nobody LOGIN;";
    place.target.execute(roles).unwrap();
    place.archive(
        "CREATE TABLE t (id integer, secret text); INSERT INTO t VALUES (1, 'x'); CREATE SEQUENCE q;
         CREATE FUNCTION f() RETURNS integer LANGUAGE sql AS 'SELECT 1'; REVOKE ALL ON FUNCTION f() FROM PUBLIC;
         CREATE DOMAIN d AS integer; REVOKE ALL ON TYPE d FROM PUBLIC;
         GRANT SELECT (id) ON t TO k_column; GRANT EXECUTE ON FUNCTION f() TO k_routine;
         GRANT USAGE ON TYPE d TO k_type; GRANT USAGE ON SEQUENCE q TO k_sequence;
         GRANT SELECT ON t TO k_grantor WITH GRANT OPTION;
         SET ROLE k_grantor; GRANT SELECT ON t TO k_second; RESET ROLE;
         CREATE SCHEMA open; GRANT USAGE, CREATE ON SCHEMA open TO PUBLIC; CREATE TABLE open.o (id integer);
         GRANT SELECT ON open.o TO PUBLIC; GRANT INSERT ON open.o TO k_column;
         ALTER DEFAULT PRIVILEGES GRANT SELECT ON TABLES TO k_nobody",
        "kept",
    );
    place
        .target
        .execute("ALTER ROLE k_second RENAME TO k_gone")
        .unwrap();
    place
        .load("kept", "--privileges keep")
        .assert_code(5)
        .assert_stderr_contains("role k_second does not exist: create it, or load with --privileges drop");
    place
        .target
        .execute("ALTER ROLE k_gone RENAME TO k_second")
        .unwrap();
    place
        .load("kept", "--privileges keep")
        .assert_success()
        .assert_stderr_contains(
            "schema kept_open was open to PUBLIC in the source and is not here; roles to whom",
        );
    for (role, facts) in [
        (
            "k_column",
            &[
                ("SELECT id FROM kept.t", true),
                ("SELECT secret FROM kept.t", false),
                ("SELECT kept.f()", false),
                ("INSERT INTO kept_open.o VALUES (1)", true),
                ("TABLE kept_open.o", true),
                ("CREATE TABLE kept_open.mine ()", false),
            ][..],
        ),
        ("k_routine", &[("SELECT kept.f()", true), ("TABLE kept.t", false)]),
        (
            "k_type",
            &[
                ("CREATE TEMP TABLE x (d kept.d)", true),
                ("SELECT kept.f()", false),
            ],
        ),
        (
            "k_sequence",
            &[
                ("SELECT nextval('kept.q')", true),
                ("SELECT setval('kept.q', 9)", false),
                ("CREATE TEMP TABLE x (d kept.d)", false),
            ],
        ),
        (
            "k_grantor",
            &[("TABLE kept.t", true), ("DELETE FROM kept.t", false)],
        ),
        ("k_second", &[("TABLE kept.t", true), ("SELECT kept.f()", false)]),
        (
            "k_nobody",
            &[
                ("TABLE kept.t", false),
                ("SELECT kept.hello()", false),
                ("TABLE kept_open.o", false),
            ],
        ),
    ] {
        place.check_rights(role, facts);
    }
    place.check(
        "SELECT r, has_table_privilege(r, 'kept.t', 'SELECT WITH GRANT OPTION') FROM unnest(ARRAY['k_grantor', 'k_second']) r",
        &["k_grantor | t", "k_second | f"],
    );
    place.check("SELECT count(*) FROM pg_default_acl", &["0"]);
}
