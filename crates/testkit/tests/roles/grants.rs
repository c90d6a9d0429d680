//! `--privileges keep`: what the source granted, and to whom the new schemas are open.

use crate::Place;

const ROLES: &str = "CREATE ROLE k_column LOGIN; CREATE ROLE k_routine LOGIN; CREATE ROLE k_type LOGIN;
        CREATE ROLE k_grantor LOGIN; CREATE ROLE k_second LOGIN; CREATE ROLE k_sequence LOGIN; CREATE ROLE k_nobody LOGIN;";

const SOURCE: &str = "CREATE TABLE t (id integer, secret text); INSERT INTO t VALUES (1, 'x'); CREATE SEQUENCE q;
         CREATE FUNCTION f() RETURNS integer LANGUAGE sql AS 'SELECT 1'; REVOKE ALL ON FUNCTION f() FROM PUBLIC;
         CREATE DOMAIN d AS integer; REVOKE ALL ON TYPE d FROM PUBLIC;
         GRANT SELECT (id) ON t TO k_column; GRANT EXECUTE ON FUNCTION f() TO k_routine;
         GRANT USAGE ON TYPE d TO k_type; GRANT USAGE ON SEQUENCE q TO k_sequence;
         GRANT SELECT ON t TO k_grantor WITH GRANT OPTION;
         SET ROLE k_grantor; GRANT SELECT ON t TO k_second; RESET ROLE;
         CREATE SCHEMA open; GRANT USAGE, CREATE ON SCHEMA open TO PUBLIC; CREATE TABLE open.o (id integer);
         GRANT SELECT ON open.o TO PUBLIC; GRANT INSERT ON open.o TO k_column;
         ALTER DEFAULT PRIVILEGES GRANT SELECT ON TABLES TO k_nobody";

#[test]
fn grants_of_every_kind_are_kept_and_public_reaches_nothing() {
    let place = Place::new("keep");
    place.target.execute(ROLES).unwrap();
    place.archive(SOURCE, "kept");
    place
        .target
        .execute("ALTER ROLE k_second RENAME TO k_gone")
        .unwrap();
    place
        .load("kept", "--privileges keep")
        .assert_code(5)
        .assert_stderr_contains("role k_second does not exist: create it, or load with --privileges drop");
    // Unless the load itself makes it.
    place
        .load("kept", "--privileges keep --create-role k_second")
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
        ("k_second", &[("TABLE kept.t", true), ("TRUNCATE kept.t", false)]),
        (
            "k_nobody",
            &[
                ("TABLE kept.t", false),
                ("SELECT nextval('kept.q')", false),
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
