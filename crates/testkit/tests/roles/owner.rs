//! `--owner`: what a load makes is given away when everything is proved, and not before.

use crate::Place;

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

const FOR_SUPERUSERS: &str = "
CREATE FUNCTION contrary(integer, integer) RETURNS integer LANGUAGE sql IMMUTABLE AS 'SELECT $2 - $1';
CREATE OPERATOR CLASS backwards FOR TYPE integer USING btree AS
  OPERATOR 1 >, OPERATOR 2 >=, OPERATOR 3 =, OPERATOR 4 <=, OPERATOR 5 <, FUNCTION 1 contrary(integer, integer);
CREATE TABLE sorted_t (id integer); CREATE INDEX ON sorted_t (id backwards);";

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
            "ALTER ROLE {0} NOINHERIT; GRANT {role} TO {0}; GRANT CREATE ON SCHEMA public TO {0}",
            place.admin
        ))
        .unwrap();
    place
        .load("shop", &format!("--owner {role} --apply publications"))
        .assert_code(5)
        .assert_stderr_contains("publications of what belongs to shop_owner need its privileges");
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
    check_superuser(&place, role);
    // The owner of the database sees it as every other role of the database does.
    place.check_rights(&place.admin, &[("SELECT FROM shop.plain", false)]);
}

/// What only a superuser makes is given away like all else; of what it owns itself the server keeps no list.
fn check_superuser(place: &Place, role: &str) {
    place.archive(FOR_SUPERUSERS, "sorted");
    let line = format!(
        "load 'dbname={} user=postgres' sorted.tar --owner {role}",
        place.target.name()
    );
    place.desk.run(&line).assert_success();
    place.check(
        "SELECT opcname, pg_get_userbyid(opcowner), pg_get_userbyid(opfowner), pg_get_userbyid(relowner)
         FROM pg_opclass c JOIN pg_opfamily f ON f.oid = opcfamily, pg_class t WHERE relname = 'sorted_t'
           AND opcnamespace = 'sorted'::regnamespace",
        &["backwards | shop_owner | shop_owner | shop_owner"],
    );
}
