//! Roles with new names in statements as `pg_dump` writes them.

use super::*;

fn names() -> RoleNames {
    let pair = |old: &str, new: Option<&str>| (old.to_owned(), new.map(str::to_owned));
    RoleNames::new([
        pair("a", Some("b")),
        pair("b", Some("a")),
        pair("Odd \"r\"", Some("odd")),
        pair("plain", Some("Has Space")),
        pair("gone", None),
        pair("usage", Some("used")),
        pair("same", Some("same")),
        pair("x", Some("one")),
        pair("y", Some("one")),
    ])
}

#[test]
fn roles_follow_wherever_the_grammar_has_them() {
    for (old, new) in [
        (
            "GRANT SELECT ON TABLE s.a TO a;",
            "GRANT SELECT ON TABLE s.a TO b;",
        ),
        (
            "GRANT SELECT(a),UPDATE(b) ON TABLE s.t TO b WITH GRANT OPTION;",
            "GRANT SELECT(a),UPDATE(b) ON TABLE s.t TO a WITH GRANT OPTION;",
        ),
        (
            "GRANT ALL ON SCHEMA a TO \"Odd \"\"r\"\"\";",
            "GRANT ALL ON SCHEMA a TO odd;",
        ),
        (
            "REVOKE ALL ON FUNCTION s.f(a s.a) FROM plain;",
            "REVOKE ALL ON FUNCTION s.f(a s.a) FROM \"Has Space\";",
        ),
        (
            "GRANT SELECT ON TABLE s.t TO a, gone, PUBLIC, c;",
            "GRANT SELECT ON TABLE s.t TO b, PUBLIC, c;",
        ),
        (
            "GRANT SELECT ON TABLE s.t TO x, y;",
            "GRANT SELECT ON TABLE s.t TO one;",
        ),
        ("GRANT SELECT ON TABLE s.t TO gone;", ""),
        (
            "GRANT SELECT ON TABLE s.a TO PUBLIC;",
            "GRANT SELECT ON TABLE s.a TO PUBLIC;",
        ),
        (
            "ALTER DEFAULT PRIVILEGES FOR ROLE a IN SCHEMA s GRANT SELECT ON TABLES TO b;",
            "ALTER DEFAULT PRIVILEGES FOR ROLE b IN SCHEMA s GRANT SELECT ON TABLES TO a;",
        ),
        (
            "ALTER DEFAULT PRIVILEGES FOR ROLE a REVOKE ALL ON FUNCTIONS FROM PUBLIC;",
            "ALTER DEFAULT PRIVILEGES FOR ROLE b REVOKE ALL ON FUNCTIONS FROM PUBLIC;",
        ),
        (
            "ALTER DEFAULT PRIVILEGES FOR ROLE gone GRANT SELECT ON TABLES TO a;",
            "",
        ),
        (
            "ALTER DEFAULT PRIVILEGES FOR ROLE a GRANT SELECT ON TABLES TO gone;",
            "",
        ),
        ("ALTER TABLE s.a OWNER TO a;", "ALTER TABLE s.a OWNER TO b;"),
        ("ALTER TABLE s.a OWNER TO gone;", ""),
        (
            "CREATE POLICY a ON s.b FOR SELECT TO a, gone USING ((a = 1));",
            "CREATE POLICY a ON s.b FOR SELECT TO b USING ((a = 1));",
        ),
        (
            "CREATE USER MAPPING FOR a SERVER a;",
            "CREATE USER MAPPING FOR b SERVER a;",
        ),
        ("SET SESSION AUTHORIZATION a;", "SET SESSION AUTHORIZATION b;"),
        (
            "COMMENT ON TABLE s.t IS 'for a, current_user';",
            "COMMENT ON TABLE s.t IS 'for a, current_user';",
        ),
        (
            "CREATE FUNCTION s.f() RETURNS integer LANGUAGE sql SET role TO 'a' AS $$SELECT 1$$;",
            "CREATE FUNCTION s.f() RETURNS integer LANGUAGE sql SET role TO 'b' AS $$SELECT 1$$;",
        ),
    ] {
        let renamed = rename_roles(old, &names());
        assert_eq!(renamed.rewritten.text, new, "{old}");
        assert_eq!(renamed.rewritten.doubts, [], "{old}");
        assert!(renamed.for_nobody.is_empty(), "{old}");
    }
}

#[test]
fn policies_for_nobody_are_named() {
    let renamed = rename_roles("CREATE POLICY p ON s.t TO gone USING (true);", &names());
    assert_eq!(renamed.for_nobody, ["policy p on s.t"]);
}

#[test]
fn lines_stay_where_they_are() {
    let sql = "GRANT SELECT ON TABLE s.t\n  TO gone;\nGRANT SELECT ON TABLE s.t TO a;";
    let renamed = rename_roles(sql, &names());
    assert_eq!(renamed.rewritten.text, "\n\nGRANT SELECT ON TABLE s.t TO b;");
}

#[test]
fn roles_in_expressions_and_bodies_are_doubts() {
    for (sql, expected) in [
        ("CREATE POLICY p ON s.t USING ((CURRENT_USER = 'a'::name));", true),
        (
            "CREATE POLICY p ON s.t USING (pg_has_role('gone'::name, 'USAGE'::text));",
            true,
        ),
        ("CREATE POLICY p ON s.t TO a USING ((who = 'z'::text));", false),
        ("CREATE VIEW s.v AS SELECT 'a'::text AS kind;", false),
        (
            "CREATE VIEW s.v AS SELECT (SESSION_USER = 'a'::name) AS mine;",
            true,
        ),
        (
            "CREATE FUNCTION s.f() RETURNS void LANGUAGE plpgsql AS $$BEGIN SET ROLE a; END$$;",
            true,
        ),
        (
            "CREATE FUNCTION s.f() RETURNS void LANGUAGE plpgsql AS $$BEGIN EXECUTE 'GRANT SELECT ON s.t TO plain'; END$$;",
            true,
        ),
        (
            "CREATE FUNCTION s.f() RETURNS text LANGUAGE sql AS $$SELECT a.id FROM s.t a$$;",
            false,
        ),
        (
            "CREATE FUNCTION s.f() RETURNS text LANGUAGE sql AS $$SELECT CURRENT_USER$$;",
            false,
        ),
        (
            "CREATE FUNCTION s.f() RETURNS boolean LANGUAGE sql BEGIN ATOMIC SELECT (CURRENT_USER = 'a'::name); END;",
            true,
        ),
    ] {
        let renamed = rename_roles(sql, &names());
        assert_eq!(!renamed.rewritten.doubts.is_empty(), expected, "{sql}");
    }
}
