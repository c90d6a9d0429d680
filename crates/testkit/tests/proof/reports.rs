//! Reports that can be filed, and repairs that make what was found different identical.

use serde_json::Value;
use testkit::{Cluster, POSTGRES, TARGET_OWNER, Tools};

use crate::{Bench, Kind};

/// Says which of the forms has a SHA-256 that is not its own.
const CHECK_SEALS: &str = "
for form in text markdown junit; do
  sum=$(head -n -1 report.$form | sha256sum | cut -c1-64)
  tail -n 1 report.$form | grep -q \"sha256 $sum\" || echo \"$form is not as it says\"
done
if command -v jq >/dev/null; then
  sum=$(jq -cjS 'del(.sha256)' report.json | sha256sum | cut -c1-64)
  test \"$sum\" = \"$(jq -r .sha256 report.json)\" || echo 'json is not as it says'
fi";

#[test]
fn reports_can_be_filed_and_repairs_make_the_target_identical() {
    let bench = Bench::new(Kind::Postgres);
    let damaged = bench.changed("SELECT setval(pg_get_serial_sequence('there.plain', 'id'), 3)");
    let verify = "verify \"$SOURCE\" \"$TARGET\" --to there";
    for form in ["text", "markdown", "junit"] {
        bench
            .run(&format!("{verify} --format {form} -o report.{form}"), &damaged)
            .assert_code(1);
    }
    let line = format!("{verify} --format json -o report.json --repair-sql repair.sql");
    assert_eq!(bench.run(&line, &damaged).assert_code(1).stdout_text(), "");
    let checked = bench.run(CHECK_SEALS, &damaged);
    assert_eq!(checked.stdout_text(), "", "{checked}");
    let report = std::fs::read(bench.folder.path().join("report.json")).unwrap();
    let report: Value = serde_json::from_slice(&report).unwrap();
    for side in ["source_identity", "target_identity"] {
        assert_eq!(report[side]["kind"], "postgresql", "{report:#}");
        assert!(report[side]["lsn"].is_string(), "{report:#}");
    }

    let repair = std::fs::read_to_string(bench.folder.path().join("repair.sql")).unwrap();
    assert!(repair.contains(report["sha256"].as_str().unwrap()), "{repair}");

    // Nothing is written over, and nothing is looked at before that is known.
    bench
        .run(&line, &damaged)
        .assert_code(2)
        .assert_stderr_contains("replace it with --force");
    bench.run(&format!("{line} --force"), &damaged).assert_code(1);
    let script = std::fs::read_to_string(bench.folder.path().join("repair.sql")).unwrap();
    let name = format!("{}_changed", bench.target.name());
    let mut owner = bench.target.cluster().client(&name, TARGET_OWNER).unwrap();
    owner.batch_execute(&script).unwrap();
    let sequences = bench.run(&format!("{verify} --format json"), &damaged);
    let report: Value = serde_json::from_slice(sequences.stdout()).unwrap();
    assert!(!report.to_string().contains("plain_id_seq"), "{report:#}");
}

/// Tables whose rows cannot be set right one statement after the other.
const AWKWARD: &str = "
CREATE TYPE pair AS (a int, b text);
CREATE TABLE swapped (id int PRIMARY KEY, u int UNIQUE, low text);
CREATE UNIQUE INDEX ON swapped (lower(low)) WHERE u > 0;
INSERT INTO swapped SELECT n, n, 'A' || n FROM generate_series(1, 9) n;
CREATE TABLE reserved (id int PRIMARY KEY, r int4range, EXCLUDE USING gist (r WITH &&));
INSERT INTO reserved SELECT n, int4range(n * 10, n * 10 + 10) FROM generate_series(1, 9) n;
CREATE TABLE parent (id int PRIMARY KEY, u int UNIQUE);
INSERT INTO parent SELECT n, n FROM generate_series(1, 9) n;
CREATE TABLE child (id int PRIMARY KEY, p int REFERENCES parent ON DELETE CASCADE, u int REFERENCES parent (u)
  ON UPDATE CASCADE);
INSERT INTO child SELECT n, n, n FROM generate_series(1, 9) n;
CREATE TABLE tree (id int PRIMARY KEY, up int REFERENCES tree);
INSERT INTO tree SELECT n, nullif(n / 2, 0) FROM generate_series(1, 9) n;
CREATE TABLE one (id int PRIMARY KEY, o int);
CREATE TABLE other (id int PRIMARY KEY, o int CONSTRAINT k REFERENCES one);
INSERT INTO one SELECT n, n FROM generate_series(1, 9) n;
INSERT INTO other SELECT n, n FROM generate_series(1, 9) n;
ALTER TABLE one ADD FOREIGN KEY (o) REFERENCES other;
COMMENT ON CONSTRAINT k ON other IS 'it''s here';
CREATE TABLE guarded (id int GENERATED ALWAYS AS IDENTITY, k pair PRIMARY KEY, v text);
INSERT INTO guarded (k, v) SELECT (n, 'b c')::pair, 'v' FROM generate_series(1, 9) n;
CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NULL; END $$;
CREATE TRIGGER refuse BEFORE INSERT OR UPDATE ON guarded FOR EACH ROW EXECUTE FUNCTION refuse();
CREATE RULE nothing AS ON DELETE TO guarded DO INSTEAD NOTHING;
ALTER TABLE guarded ENABLE ROW LEVEL SECURITY;
ALTER TABLE guarded FORCE ROW LEVEL SECURITY;
CREATE TABLE keyless (doc json, n numeric, f float8, note text);
INSERT INTO keyless SELECT '{\"a\":  1}', 1.0, 0, NULL FROM generate_series(1, 4);
CREATE TABLE nothing ();
INSERT INTO nothing DEFAULT VALUES;";

const DAMAGE: &str = "
SET search_path = there; SET session_replication_role = replica;
UPDATE swapped SET u = u + 100, low = low || 'q';
UPDATE swapped SET u = 1 + id % 9, low = CASE id WHEN 1 THEN 'a2' WHEN 2 THEN 'A1' ELSE 'A' || id END;
UPDATE reserved SET r = int4range(1000 + id * 10, 1010 + id * 10);
UPDATE reserved SET r = int4range((10 - id) * 10, (10 - id) * 10 + 10);
UPDATE parent SET u = -u; UPDATE parent SET u = 10 - id; DELETE FROM parent WHERE id = 3; INSERT INTO parent VALUES (50, 7);
UPDATE child SET p = 50 WHERE id IN (1, 2); DELETE FROM child WHERE id = 3; INSERT INTO child VALUES (55, 50, 7);
INSERT INTO tree VALUES (16, 9), (17, 16); UPDATE tree SET up = 17 WHERE id = 2; DELETE FROM tree WHERE id IN (4, 8);
INSERT INTO one VALUES (20, 20); INSERT INTO other VALUES (20, 20); UPDATE one SET o = 20 WHERE id = 1;
DELETE FROM one WHERE id = 3; DELETE FROM other WHERE id = 3;
ALTER TABLE guarded ALTER id SET GENERATED BY DEFAULT, DISABLE RULE nothing;
UPDATE guarded SET v = 'other' WHERE id = 1; UPDATE guarded SET id = 70 WHERE id = 2; DELETE FROM guarded WHERE id = 7;
INSERT INTO guarded VALUES (99, (99, NULL), 'new'); ALTER TABLE guarded ALTER id SET GENERATED ALWAYS, ENABLE RULE nothing;
UPDATE keyless SET n = 1.00 WHERE ctid = '(0,1)'; UPDATE keyless SET f = '-0' WHERE ctid = '(0,2)';
UPDATE keyless SET doc = '{\"a\": 1}' WHERE ctid = '(0,3)'; UPDATE keyless SET note = '' WHERE ctid = '(0,4)';
INSERT INTO nothing DEFAULT VALUES;";

#[test]
fn a_repair_sets_right_what_no_single_statements_could() {
    // Row level security hides nothing from a superuser.
    let folder = tempfile::tempdir().unwrap();
    let source = Cluster::shared().database("repair").unwrap();
    source.execute(AWKWARD).unwrap();
    let target = Cluster::shared().target().unwrap();
    let tools = Tools::locate();
    let run = |line: &str| {
        let shell = tools.shell(line);
        let shell = shell
            .env("SOURCE", source.conninfo(POSTGRES))
            .env("TARGET", target.target())
            .env("ADMIN", target.conninfo(POSTGRES));
        shell.current_dir(folder.path()).run()
    };
    let verify = "verify \"$SOURCE\" \"$ADMIN\" --to there";
    run("dump \"$SOURCE\" | remap-schema --to there | load \"$TARGET\"").assert_success();
    target.execute(DAMAGE).unwrap();
    run(&format!("{verify} --repair-sql repair.sql")).assert_code(1);
    let script = std::fs::read_to_string(folder.path().join("repair.sql")).unwrap();
    let mut owner = target.cluster().client(target.name(), TARGET_OWNER).unwrap();
    if let Err(error) = owner.batch_execute(&script) {
        panic!("{error:?}\n{script}");
    }
    // Guards and comments are as they were: the schema is compared, too.
    run(verify).assert_success();
}
