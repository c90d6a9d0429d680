//! Every way to say what becomes of a source's schemas.

use testkit::fixtures::{MANDIBLE, PostgresFixture, SHOP, SPACES, SSO, Scale};
use testkit::{Cluster, Database, Desk, TARGET_OWNER, target_word};

use crate::{application, build, check_answer, consolidate, new_target};

#[test]
fn schemas_go_where_flags_send_them() {
    for (flags, path) in [
        ("--map public=app --map billing=money", "app, money, public"),
        ("--to app", "app, app_billing, public"),
        ("--to app --map billing=money", "app, money, public"),
        ("--map billing=money", "public, money"),
        ("--map public=billing --map billing=app", "billing, app, public"),
        (
            "--map 'public=Two words' --map billing=order",
            "\"Two words\", \"order\", public",
        ),
    ] {
        let (desk, source, target) = (Desk::shared(), build(&SPACES), new_target());
        let (name, word) = (source.name(), target_word(&target));
        for line in [
            format!("dump {name} | remap-schema {flags} | load {word}"),
            format!("verify {name} {word} {flags}"),
        ] {
            desk.run(&line).assert_success();
        }
        check_probes(&SPACES, &source, &target, path);
    }
}

#[test]
fn two_schemas_can_swap_their_names() {
    let (desk, source, target) = (Desk::shared(), build(&SPACES), new_target());
    let (name, word) = (source.name(), target_word(&target));
    let flags = "--map public=billing --map billing=public";
    for line in [
        format!("dump {name} | remap-schema {flags} | load {word}"),
        format!("verify {name} {word} {flags}"),
    ] {
        desk.run(&line).assert_success();
    }
    check_probes(&SPACES, &source, &target, "billing, public");
}

#[test]
fn an_archive_without_new_names_is_a_restore() {
    for fixture in [&MANDIBLE, &SSO, &SPACES] {
        let (desk, source, target) = (Desk::shared(), build(fixture), new_target());
        let (name, word) = (source.name(), target_word(&target));
        for line in [
            format!("dump {name} | load {word}"),
            format!("verify {name} {word}"),
        ] {
            desk.run(&line).assert_success();
        }
        check_probes(fixture, &source, &target, &fixture.source_path());
    }
}

#[test]
fn a_database_can_be_its_own_target() {
    for fixture in [&MANDIBLE, &SSO] {
        let (desk, both) = (Desk::shared(), build(fixture));
        let grant = format!("GRANT CREATE ON DATABASE \"{}\" TO {TARGET_OWNER}", both.name());
        both.execute(&grant).unwrap();
        let (name, word) = (both.name(), target_word(&both));
        let before = both.row_counts().unwrap().len();
        for line in [
            format!("dump {name} -o before.tar"),
            format!("dump {name} | remap-schema --to v2 | load {word}"),
            // The live source has a schema v2 by now; the archive shows it as it was.
            format!("verify before.tar {word} --to v2"),
            "rm before.tar".to_owned(),
        ] {
            desk.run(&line).assert_success();
        }
        assert_eq!(both.row_counts().unwrap().len(), 2 * before);
        // Our own journal is nobody's data.
        desk.run(&format!("dump {name} | remap-schema --to v3 | load {word}"))
            .assert_success();
        let schemas = "SELECT nspname FROM pg_namespace WHERE nspname ~ '^v' ORDER BY 1";
        assert_eq!(both.query(schemas).unwrap(), ["v2", "v3", "v3_v2"]);
        assert_eq!(both.row_counts().unwrap().len(), 4 * before);
        check_probes(fixture, &both, &both, &fixture.target_path("v2"));
    }
}

#[test]
fn a_plan_names_what_becomes_of_each_source() {
    let (desk, target) = (Desk::shared(), new_target());
    let (mandible, spaces) = (build(&MANDIBLE), build(&SPACES));
    SHOP.create(desk.folder(), Scale::Small).unwrap();
    let word = target_word(&target);
    let [first, second] = [mandible.name(), spaces.name()];
    desk.run(&format!(
        "assess {first} {second} shop.sqlite --target {word} --plan plan.json"
    ))
    .assert_success();
    // People edit plans.
    desk.run(&format!(
        "sed -i 's/\"to\": \"{first}\"/\"to\": \"jaw\"/' plan.json && grep -q jaw plan.json"
    ))
    .assert_success();
    for (source, name) in [(first, first), (second, second), ("shop.sqlite", "shop")] {
        let flags = format!("--plan plan.json --source {name}");
        for line in [
            format!("dump {source} | remap-schema {flags} | load {word}"),
            format!("verify {source} {word} {flags}"),
        ] {
            desk.run(&line).assert_success();
        }
    }
    check_probes(&MANDIBLE, &mandible, &target, "jaw, public");
    check_probes(&SPACES, &spaces, &target, &SPACES.target_path(second));
    assert_eq!(
        target.query("SELECT count(*) FROM shop.customers").unwrap(),
        ["80"]
    );
    let output = desk.run("dump shop.sqlite | remap-schema --plan plan.json --source other > /dev/null");
    assert_eq!(output.stages()[1], 2, "{output}");
    output.assert_stderr_contains("the plan has no source `other`");
}

#[track_caller]
fn check_probes(fixture: &PostgresFixture, source: &Database<'_>, target: &Database<'_>, path: &str) {
    let source_path = fixture.source_path();
    let mut from = source.admin().unwrap();
    let mut to = application(target, path);
    for probe in fixture.probes().into_iter().chain(fixture.trigger_probes()) {
        check_answer((&mut from, &source_path), (&mut to, path), probe);
    }
}

/// Words that would do something if they were ever SQL, a shell's line or a command of `psql`.
const HOSTILE: &str = r#"
CREATE TABLE "'; DROP TABLE witness; --" (id int, "
\! touch pwned
" text DEFAULT '
\! touch pwned
:HOME $$ ''; DROP TABLE witness; --');
INSERT INTO "'; DROP TABLE witness; --" VALUES (1), (2);
COMMENT ON TABLE "'; DROP TABLE witness; --" IS '
\! touch pwned
$$; DROP TABLE witness; -- :HOME :"USER" $(touch pwned) `touch pwned`';
CREATE VIEW "
\! touch pwned
; DROP TABLE witness; $(touch pwned)" AS SELECT id, '
\! touch pwned
$$''; DROP TABLE witness' AS words FROM "'; DROP TABLE witness; --";
CREATE FUNCTION ":HOME'; DROP TABLE witness; --"() RETURNS text LANGUAGE sql AS $body$ SELECT '
\! touch pwned
''; $$ DROP TABLE witness; --' $body$;
CREATE TYPE "\." AS ENUM ('''; DROP TABLE witness; --', '
\! touch pwned
');
COMMENT ON FUNCTION ":HOME'; DROP TABLE witness; --"() IS '
\i /etc/passwd
';"#;

#[test]
fn names_comments_and_bodies_are_data() {
    // Fault 50.
    const SEEN: &str = "SELECT concat_ws(' / ', relkind, relname, obj_description(c.oid, 'pg_class'),
        (SELECT string_agg(attname, ',' ORDER BY attnum) FROM pg_attribute WHERE attrelid = c.oid AND attnum > 0))
      FROM pg_class AS c WHERE relnamespace = '$SCHEMA'::regnamespace AND relname <> 'witness'
      UNION ALL SELECT concat_ws(' / ', proname, prosrc, obj_description(oid, 'pg_proc')) FROM pg_proc
      WHERE pronamespace = '$SCHEMA'::regnamespace
      UNION ALL SELECT concat_ws(' / ', typname, enumlabel) FROM pg_type AS t JOIN pg_enum AS e ON enumtypid = t.oid
      WHERE typnamespace = '$SCHEMA'::regnamespace
      ORDER BY 1";
    let (desk, target) = (Desk::shared(), new_target());
    let source = Cluster::shared().database("hostile").unwrap();
    source.execute(HOSTILE).unwrap();
    for database in [&source, &target] {
        database.execute("CREATE TABLE public.witness ()").unwrap();
    }
    consolidate(&desk, source.name(), "kept", &target);
    let seen =
        |database: &Database<'_>, schema: &str| database.query(&SEEN.replace("$SCHEMA", schema)).unwrap();
    let moved = seen(&target, "kept");
    assert_eq!(moved, seen(&source, "public"));
    assert!(moved.len() > 4, "{moved:?}");
    for schema in ["public", "kept"] {
        target
            .query(&format!("SELECT count(*) FROM {schema}.witness"))
            .unwrap();
    }
    assert!(!desk.path("pwned").exists());
}
