//! Large objects from end to end: their bytes, OIDs, grants and comments, and what is refused.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking, its helpers too")]

use testkit::{Cluster, Database, Desk, Output, target_word};

/// Objects of every shape: nothing, one byte, a piece less one byte, a piece, several, a hole, zeros alone, a hole at
/// the end, and sixty small ones. All may be read by everybody, as `pg_read_all_data` does not give that.
const OBJECTS: &str = "
    CREATE TABLE files (id integer PRIMARY KEY, name text, content oid);
    SELECT lo_from_bytea(5001, ''), lo_from_bytea(5002, 'x'),
      lo_from_bytea(5003, convert_to(repeat('a', 262143), 'UTF8')),
      lo_from_bytea(5004, convert_to(repeat('b', 262144), 'UTF8')),
      lo_from_bytea(5005, (SELECT string_agg(sha512(n::text::bytea), NULL) FROM generate_series(1, 20000) AS n)),
      lo_from_bytea(5006, 'start'), lo_from_bytea(5007, decode(repeat('00', 600000), 'hex')),
      lo_from_bytea(5008, ''), lo_from_bytea(4000000000, '\\x00ff5c0a22');
    SELECT lo_put(5006, 20000000, 'far behind'), lo_put(5008, 262144, '\\x00');
    SELECT lo_from_bytea(6000 + n, convert_to('object ' || n, 'UTF8')) FROM generate_series(1, 60) AS n;
    INSERT INTO files SELECT row_number() OVER (), 'file ' || oid, oid FROM pg_largeobject_metadata;
    COMMENT ON LARGE OBJECT 5002 IS 'one ''byte''';
    DO $$ DECLARE o oid; BEGIN
      FOR o IN SELECT oid FROM pg_largeobject_metadata LOOP
        EXECUTE format('GRANT SELECT ON LARGE OBJECT %s TO PUBLIC', o);
      END LOOP; END $$";

/// What everybody can see of large objects, whoever owns them.
const CONTENT: &str =
    "SELECT oid, length(lo_get(oid)), md5(lo_get(oid)) FROM pg_largeobject_metadata ORDER BY oid";

/// A source made by `sql`, as the superuser, and an empty target.
struct Pair {
    desk: Desk,
    source: Database<'static>,
    target: Database<'static>,
}

impl Pair {
    fn new(sql: &str) -> Self {
        let cluster = Cluster::shared();
        let source = cluster.database("blobs").unwrap();
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

    fn answers(&self, sql: &str) -> Vec<String> {
        self.target.query(sql).unwrap()
    }

    /// Makes a role under a name that no other test has.
    fn role(&self, label: &str) -> String {
        let name = format!("{label}_{}", self.target.name());
        self.target.execute(&format!("CREATE ROLE {name}")).unwrap();
        name
    }
}

#[test]
fn large_objects_come_through_with_their_oids_in_every_form_and_hold_what_they_held() {
    // Fault 40.
    let pair = Pair::new(OBJECTS);
    pair.target
        .execute("SELECT lo_from_bytea(77, 'another team''s')")
        .unwrap();
    let expected = pair.source.query(CONTENT).unwrap();
    assert_eq!(expected.len(), 69);
    let found =
        "SELECT oid, length(lo_get(oid)), md5(lo_get(oid)) FROM pg_largeobject_metadata WHERE oid <> 77
        ORDER BY oid";
    let owners = "SELECT DISTINCT lomowner::regrole, lomacl FROM pg_largeobject_metadata WHERE oid <> 77";
    for line in [
        "dump $SOURCE --jobs 3 | remap-schema --to shop | load --read-back $TARGET",
        "dump $SOURCE --rows csv --compress zstd -o blobs.tar; verify --archive blobs.tar; \
         remap-schema --to shop blobs.tar | load $TARGET --jobs 1",
    ] {
        let output = pair.run(line);
        output
            .assert_success()
            .assert_stderr_contains("1 tables, 69 rows, 69 large objects");
        assert_eq!(pair.answers(found), expected, "{line}");
        assert_eq!(pair.answers(owners), ["target_owner | ∅"], "{line}");
        let comments =
            "SELECT objoid, description FROM pg_description WHERE classoid = 'pg_largeobject'::regclass";
        assert_eq!(pair.answers(comments), ["5002 | one 'byte'"]);
        // A hole stays a hole: 20 MB would have 9766 pages.
        assert_eq!(
            pair.answers("SELECT count(*) < 300 FROM pg_largeobject WHERE loid = 5006"),
            ["t"]
        );
        assert_eq!(pair.answers("SELECT count(*) FROM coalesce.large_object"), ["0"]);
        pair.run("verify $SOURCE $TARGET --to shop")
            .assert_success()
            .assert_code(0);
        pair.target
            .execute("DROP SCHEMA shop CASCADE; SELECT lo_unlink(oid) FROM pg_largeobject_metadata WHERE oid <> 77")
            .unwrap();
    }
}

#[test]
fn a_changed_byte_a_lost_hole_and_a_missing_object_are_found() {
    let pair = Pair::new(OBJECTS);
    pair.run("dump $SOURCE -o blobs.tar; load $TARGET blobs.tar")
        .assert_success();
    pair.target
        .execute(
            "SELECT lo_put(5005, 700000, '\\x00'), lo_put(6007, 0, 'O'), lo_truncate(lo_open(5008, 131072), 262144),
               lo_unlink(6060), lo_unlink(6059), lo_put(5001, 0, '\\x00')",
        )
        .unwrap();
    for source in ["$SOURCE", "blobs.tar"] {
        let output = pair.run(&format!("verify {source} $TARGET"));
        output.assert_code(1);
        let text = output.stdout_text();
        assert!(
            text.contains("large objects that differ: 5001, 5005, 5008, 6007\n"),
            "{output}"
        );
        assert!(
            text.contains("large objects that are missing on the target: 6059, 6060\n"),
            "{output}"
        );
        assert!(text.contains("of 69 large objects 6 differ"), "{output}");
    }
    let json = pair.run("verify $SOURCE $TARGET --format json").stdout_text();
    let report: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!(
        report["large_objects"]["missing"],
        serde_json::json!([6059, 6060])
    );
    pair.run("verify $SOURCE $TARGET --no-large-objects")
        .assert_success();
}

#[test]
fn grants_follow_when_they_are_kept_and_never_before_the_end() {
    let pair = Pair::new(
        "CREATE TABLE t (id integer); SELECT lo_from_bytea(900, 'secret'), lo_from_bytea(901, 'open')",
    );
    let (reader, gone) = (pair.role("reader"), pair.role("gone"));
    let grants = format!(
        "GRANT SELECT, UPDATE ON LARGE OBJECT 900 TO {reader} WITH GRANT OPTION;
         GRANT SELECT ON LARGE OBJECT 900 TO source_reader; GRANT SELECT ON LARGE OBJECT 901 TO PUBLIC, {gone}"
    );
    pair.source.execute(&grants).unwrap();
    pair.run("dump $SOURCE -o blobs.tar").assert_success();
    pair.run("head -c -1500 blobs.tar | load $TARGET").assert_code(6);
    let acls = "SELECT oid, lomacl FROM pg_largeobject_metadata ORDER BY oid";
    assert_eq!(pair.answers(acls), ["900 | ∅", "901 | ∅"]);
    pair.run("load --abandon public $TARGET").assert_success();
    pair.source
        .execute(&format!("DROP OWNED BY {gone}; DROP ROLE {gone}"))
        .unwrap();
    pair.run("load $TARGET blobs.tar --privileges keep")
        .assert_code(5)
        .assert_stderr_contains(&format!("role {gone} does not exist"));
    pair.target.execute(&format!("CREATE ROLE {gone}")).unwrap();
    pair.run("load $TARGET blobs.tar --privileges keep")
        .assert_success();
    let owner = "target_owner=rw/target_owner";
    let expected = [
        format!("900 | {{{owner},{reader}=r*w*/target_owner,source_reader=r/target_owner}}"),
        format!("901 | {{{owner},=r/target_owner,{gone}=r/target_owner}}"),
    ];
    let mut found = pair.answers(acls);
    for line in &mut found {
        let (oid, acl) = line.split_once(" | {").unwrap();
        let mut entries: Vec<&str> = acl.trim_end_matches('}').split(',').collect();
        entries.sort_by_key(|it| {
            (
                !it.starts_with("target_owner"),
                it.starts_with("source"),
                it.starts_with("gone"),
            )
        });
        *line = format!("{oid} | {{{}}}", entries.join(","));
    }
    assert_eq!(found, expected);
}

#[test]
fn large_objects_that_the_role_may_not_read_are_listed_before_the_first_byte() {
    // Fault 24.
    let pair = Pair::new(
        "CREATE TABLE t (id integer);
         SELECT lo_create(n) FROM generate_series(7000, 7040) AS n WHERE n <> 7002 AND n % 4 <> 3;
         GRANT SELECT ON LARGE OBJECT 7001 TO source_reader",
    );
    let output = pair.run("dump $SOURCE | cat");
    output
        .assert_stages(&[4, 0])
        .assert_stderr_contains(
            "29 large objects may not be read by this role: 7000, 7004 to 7006, 7008 to 7010,",
        )
        .assert_stderr_contains("(--verbose names each)")
        .assert_stderr_contains("GRANT SELECT ON LARGE OBJECT 7000")
        .assert_stderr_contains("--no-large-objects");
    assert!(output.stdout().is_empty());
    pair.run("dump $SOURCE --verbose | cat")
        .assert_stderr_contains("7036 to 7038, 7040");
    pair.run("verify $SOURCE $TARGET").assert_code(4);
    pair.run("dump \"user=postgres dbname=$SOURCE\" >whole.tar")
        .assert_success();
    let setting = "IN DATABASE $SOURCE SET lo_compat_privileges = on".replace("$SOURCE", pair.source.name());
    pair.source
        .execute(&format!("ALTER ROLE source_reader {setting}"))
        .unwrap();
    pair.run("dump $SOURCE -o readable.tar").assert_success();
    pair.source
        .execute(&format!(
            "ALTER ROLE source_reader {}",
            setting.replace("= on", "= off")
        ))
        .unwrap();
    pair.run("dump $SOURCE --no-large-objects -o without.tar")
        .assert_success();
    let json = pair.run("tar xOf without.tar archive.json").stdout_text();
    let header: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!(header["filters"], serde_json::json!(["--no-large-objects"]));
    assert_eq!(header["requires"], serde_json::json!([]));
    pair.run("load $TARGET without.tar").assert_success();
    assert_eq!(
        pair.answers("SELECT count(*) FROM pg_largeobject_metadata"),
        ["0"]
    );
}

#[test]
fn oids_that_the_target_has_are_refused_before_anything_is_written() {
    let pair =
        Pair::new("CREATE TABLE t (id integer); SELECT lo_create(n) FROM generate_series(300, 310) AS n");
    pair.target
        .execute("SELECT lo_create(304), lo_create(308), lo_create(309), lo_create(310)")
        .unwrap();
    pair.run("dump \"user=postgres dbname=$SOURCE\" | remap-schema --to shop | load $TARGET")
        .assert_code(5)
        .assert_stderr_contains("large objects 304, 308 to 310 exist")
        .assert_stderr_contains("nothing was written");
    assert_eq!(pair.answers("SELECT to_regnamespace('shop') IS NULL"), ["t"]);
}

#[test]
fn database_with_nothing_but_large_objects_moves_and_is_abandoned() {
    let pair =
        Pair::new("SELECT lo_from_bytea(40, 'all there is'); GRANT SELECT ON LARGE OBJECT 40 TO PUBLIC");
    pair.run("dump $SOURCE -o blobs.tar; head -c -1500 blobs.tar | load $TARGET")
        .assert_code(6)
        .assert_stderr_contains("load --abandon pg_largeobject");
    pair.run("load $TARGET blobs.tar")
        .assert_code(5)
        .assert_stderr_contains("large object 40 exists, of what run 1 left unfinished")
        .assert_stderr_contains("`load --abandon pg_largeobject …` removes it");
    pair.run("load --abandon pg_largeobject $TARGET").assert_success();
    pair.run("load $TARGET blobs.tar")
        .assert_success()
        .assert_stderr_contains("large objects are live");
    pair.run("load --resume $TARGET blobs.tar")
        .assert_success()
        .assert_stderr_contains("this archive has been loaded");
    pair.run("verify $SOURCE $TARGET").assert_success();
    let assessed = pair.run("assess $SOURCE --target $TARGET --ready");
    let text = assessed.assert_code(1).stdout_text();
    assert!(
        text.contains(&format!("LARGE OBJECTS\n  {}: 1\n", pair.source.name())),
        "{assessed}"
    );
    assert!(
        text.contains(&format!("40 of {} exist on", pair.source.name())),
        "{assessed}"
    );
}

#[test]
fn abandon_removes_what_the_load_made_and_nothing_that_was_made_again() {
    let pair = Pair::new(
        "CREATE TABLE t (id integer); SELECT lo_from_bytea(n, 'x') FROM generate_series(2000, 2600) AS n",
    );
    let superuser =
        "dump \"user=postgres dbname=$SOURCE\" >whole.tar; head -c -1500 whole.tar | load $TARGET";
    pair.run(superuser).assert_code(6);
    assert_eq!(
        pair.answers("SELECT count(*) FROM pg_largeobject_metadata"),
        ["601"]
    );
    // One of another role's, one of the same role's, both under OIDs that the load had.
    pair.target
        .execute("SELECT lo_unlink(2000), lo_unlink(2500); SELECT lo_create(2000)")
        .unwrap();
    pair.target
        .client("target_owner")
        .unwrap()
        .batch_execute("SELECT lo_create(2500)")
        .unwrap();
    pair.run("load --abandon public $TARGET")
        .assert_success()
        .assert_stderr_contains("are not as the load made them stay (2): 2000, 2500");
    assert_eq!(
        pair.answers("SELECT oid FROM pg_largeobject_metadata ORDER BY oid"),
        ["2000", "2500"]
    );
    pair.target
        .execute("SELECT lo_unlink(2000), lo_unlink(2500)")
        .unwrap();
    pair.run("load $TARGET whole.tar").assert_success();
}
