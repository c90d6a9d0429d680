//! Whose the new schemas are and who uses them: owners, roles that a load creates, grants that it keeps.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking, its helpers too")]

mod after;
mod grants;
mod isolation;
mod owner;
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
    isolation::check(&place);
}

#[test]
fn what_roles_lack_is_told_at_once_before_anything_is_written() {
    // Fault 24.
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
        .load(
            "bare",
            "--create-role bare_role --create-role-as owner --revoke-public-create",
        )
        .assert_success();
    place.check_rights(
        "bare_role",
        &[
            ("SELECT 'x'::citext, id FROM t", true),
            ("DROP TABLE t; CREATE TABLE bare.mine ()", true),
        ],
    );
    place.check(
        "SELECT pg_get_userbyid(nspowner) FROM pg_namespace WHERE nspname = 'bare'",
        &["admin_lacking"],
    );
    place.check(
        "SELECT has_schema_privilege('public', 'public', 'CREATE'), has_schema_privilege('public', 'public', 'USAGE'),
           has_database_privilege('public', current_database(), 'CONNECT')",
        &["f | f | f"],
    );
}
