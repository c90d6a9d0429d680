//! Definitions that an archive carries, and those that follow from a SQLite file: a target is compared with them as with the
//! database itself.

use testkit::fixtures::zoo;
use testkit::{Cluster, Desk, POSTGRES, target_word};

/// Every kind of object that a file has.
const FILE: &str = "
CREATE TABLE parent (id INTEGER PRIMARY KEY, code TEXT NOT NULL UNIQUE, price REAL DEFAULT 1.5, note TEXT DEFAULT 'it''s',
  made DATETIME DEFAULT CURRENT_TIMESTAMP, \"isOpen\" BOOLEAN NOT NULL DEFAULT 1, kind TEXT CHECK (kind IN ('a', 'b')),
  amount DECIMAL(10,2) DEFAULT 0, twice REAL GENERATED ALWAYS AS (price * 2) STORED,
  CONSTRAINT sane CHECK (length(code) BETWEEN 1 AND 20 AND (price IS NULL OR price >= 0)));
CREATE TABLE child (a INTEGER, b TEXT, parent INTEGER REFERENCES parent (id) ON DELETE CASCADE DEFERRABLE INITIALLY DEFERRED,
  other INTEGER REFERENCES parent (id) ON UPDATE SET NULL, PRIMARY KEY (a, b));
CREATE INDEX child_parent ON child (parent, other DESC);
CREATE UNIQUE INDEX parent_once ON parent (kind) WHERE kind IS NOT NULL AND price > 2;
CREATE INDEX parent_lower ON parent (lower(code));
CREATE VIEW costly AS SELECT p.code, count(*) AS n, max(c.b) AS last FROM parent p JOIN child c ON c.parent = p.id
  WHERE p.price > 1 AND p.kind IN ('a', 'b') GROUP BY p.code ORDER BY n DESC;
CREATE VIEW named AS SELECT code || '!' AS loud, CASE WHEN price > 5 THEN 'dear' END AS word FROM parent;
CREATE TABLE log (what TEXT);
CREATE TRIGGER logged AFTER UPDATE OF price ON parent WHEN new.price > old.price BEGIN
  INSERT INTO log VALUES ('dearer ' || new.code); END;
INSERT INTO parent (id, code, price, made, kind) VALUES (1, 'x', 2.5, '2024-01-01 00:00:00', 'a'),
  (2, 'y', 9.0, '2024-01-02 00:00:00', 'b');
INSERT INTO child VALUES (1, 'one', 1, 2), (2, 'two', 2, NULL);
INSERT INTO log VALUES ('begun');";

/// What somebody does to the file's tables on the target, and the beginning of the line that tells it.
const FILE_CHANGES: [(&str, &str); 12] = [
    (
        "ALTER TABLE lite.parent ALTER code DROP NOT NULL",
        "column code of lite.parent  not null: yes → no",
    ),
    (
        "ALTER TABLE lite.parent ALTER note SET DEFAULT 'other'",
        "column note of lite.parent  default: ",
    ),
    (
        "ALTER TABLE lite.parent ALTER price SET DEFAULT 2.5",
        "column price of lite.parent  default: ",
    ),
    (
        "ALTER TABLE lite.parent ALTER amount DROP DEFAULT",
        "column amount of lite.parent  default: 0",
    ),
    (
        "ALTER TABLE lite.parent DROP CONSTRAINT sane, ADD CONSTRAINT sane CHECK (length(code) >= 1 AND length(code) <= 21)",
        "constraint sane of lite.parent  definition: ",
    ),
    ("DROP INDEX lite.child_parent", "index lite.child_parent  missing"),
    (
        "DROP INDEX lite.parent_once; CREATE UNIQUE INDEX parent_once ON lite.parent (kind) WHERE price > 2",
        "index lite.parent_once  definition: ",
    ),
    (
        "DO $$ DECLARE k text; BEGIN SELECT conname INTO k FROM pg_constraint WHERE confdeltype = 'c' AND contype = 'f';
           EXECUTE format('ALTER TABLE lite.child DROP CONSTRAINT %I, ADD CONSTRAINT %1$I FOREIGN KEY (parent)
             REFERENCES lite.parent (id) ON DELETE SET NULL DEFERRABLE INITIALLY DEFERRED', k); END $$",
        "constraint child_parent_fkey of lite.child  definition: ",
    ),
    (
        "CREATE OR REPLACE VIEW lite.named AS SELECT code || '?' AS loud, CASE WHEN price > 5 THEN 'dear' END AS word
           FROM lite.parent",
        "view lite.named  definition: ",
    ),
    ("DROP TRIGGER logged ON lite.parent", "trigger logged of lite.parent  missing"),
    (
        "ALTER TABLE lite.log ALTER what TYPE varchar(90)",
        "column what of lite.log  type: text → character varying(90)",
    ),
    (
        "COMMENT ON TABLE lite.log IS 'new'",
        "table lite.log  comment: 'new' on the target only",
    ),
];

#[test]
fn an_archive_carries_definitions_under_old_and_new_names() {
    let cluster = Cluster::shared();
    let (source, target) = (zoo(cluster).unwrap(), cluster.target().unwrap());
    let desk = Desk::shared();
    let word = format!("'dbname={} user={POSTGRES}'", target.name());
    let name = format!("'dbname={} user={POSTGRES}'", source.name());
    for line in [
        format!("dump {name} -o plain.tar"),
        "remap-schema --to park --snake-case plain.tar -o park.tar".to_owned(),
        format!("load {word} park.tar"),
    ] {
        desk.run(&line).assert_success();
    }
    let lines = [
        format!("verify plain.tar {word} --to park --snake-case"),
        format!("verify park.tar {word}"),
    ];
    for line in &lines {
        let proved = desk.run(line);
        proved.assert_success();
        let shown = proved.stdout_text();
        assert!(
            !shown.contains("\nSCHEMA\n") && !shown.contains("not compared: schema"),
            "{proved}"
        );
    }
    let mut client = cluster.client(target.name(), POSTGRES).unwrap();
    client
        .batch_execute("ALTER TABLE park.log ALTER what DROP NOT NULL")
        .unwrap();
    for line in &lines {
        let found = desk.run(&format!("{line} --format json"));
        found.assert_code(1);
        let report = serde_json::from_slice(found.stdout()).unwrap();
        let told = testkit::finding_lines(&report, &["difference"]);
        assert_eq!(
            told,
            ["schema: column what of park.log  not null: yes → no"],
            "{found}"
        );
    }
    assert_no_definitions_are_told(&desk, &word);
}

/// An archive of rows alone says nothing of what is defined, and `verify` says so.
fn assert_no_definitions_are_told(desk: &Desk, word: &str) {
    let source = Cluster::shared().database("rows").unwrap();
    source
        .execute("CREATE TABLE t (a int); CREATE VIEW v AS SELECT a FROM t")
        .unwrap();
    let line = format!(
        "dump 'dbname={} user={POSTGRES}' --data-only | verify - {word}",
        source.name()
    );
    let told = desk.run(&line).stdout_text();
    assert!(told.contains("the archive does not hold definitions"), "{told}");
}

#[test]
fn what_a_file_defines_is_compared_with_the_words_of_the_server() {
    let desk = Desk::shared();
    let target = Cluster::shared().target().unwrap();
    let word = target_word(&target);
    rusqlite::Connection::open(desk.path("lite.sqlite"))
        .unwrap()
        .execute_batch(FILE)
        .unwrap();
    for line in [
        "dump lite.sqlite | remap-schema --to lite -o lite.tar".to_owned(),
        format!("load {word} lite.tar"),
    ] {
        desk.run(&line).assert_success();
    }
    let lines = [
        format!("verify lite.sqlite {word} --to lite"),
        format!("verify lite.tar {word}"),
    ];
    for line in &lines {
        let proved = desk.run(line);
        proved.assert_success();
        let shown = proved.stdout_text();
        assert!(
            !shown.contains("\nSCHEMA\n") && !shown.contains("in its own words"),
            "{proved}"
        );
    }
    let mut client = Cluster::shared().client(target.name(), POSTGRES).unwrap();
    for (sql, _) in FILE_CHANGES {
        client
            .batch_execute(sql)
            .unwrap_or_else(|error| panic!("{sql}: {error:?}"));
    }
    for line in &lines {
        let found = desk.run(&format!("{line} --format json"));
        found.assert_code(1);
        let report = serde_json::from_slice(found.stdout()).unwrap();
        let shown = testkit::finding_lines(&report, &["difference"]);
        let told: Vec<&str> = shown
            .iter()
            .filter_map(|it| it.strip_prefix("schema: "))
            .collect();
        for (sql, expected) in FILE_CHANGES {
            assert!(
                told.iter().any(|it| it.starts_with(expected)),
                "{sql}: {expected}\n{found}"
            );
        }
        assert_eq!(told.len(), FILE_CHANGES.len(), "{found}");
    }
}
