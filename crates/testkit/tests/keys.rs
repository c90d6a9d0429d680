//! What is made after the rows of large tables: keys of indexes that were built beside each other, foreign keys checked
//! afterwards, and nothing about them lost; long values compressed as asked for.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking, its helpers too")]

use testkit::{Cluster, Database, Desk, Output, target_word};

/// Tables of more than a mebibyte have their indexes built beside each other.
const SOURCE: &str = "
CREATE TABLE plain (
  id integer NOT NULL, code integer NOT NULL, parent integer, span int4range, words text, filler text,
  \"A b\" integer, CONSTRAINT plain_code_check CHECK (code >= 0));
INSERT INTO plain SELECT n, n, n, int4range(n, n + 1), 'word' || n, repeat('x', 300), NULL FROM generate_series(1, 5000) n;
ALTER TABLE plain ADD CONSTRAINT \"Plain's key\" PRIMARY KEY (id) INCLUDE (code) WITH (fillfactor = 71);
ALTER TABLE plain ADD CONSTRAINT plain_later UNIQUE (code) DEFERRABLE INITIALLY DEFERRED;
ALTER TABLE plain ADD CONSTRAINT plain_soon UNIQUE (code, id) DEFERRABLE;
ALTER TABLE plain ADD CONSTRAINT plain_target UNIQUE (id, code);
ALTER TABLE plain ADD CONSTRAINT plain_span EXCLUDE USING gist (span WITH &&);
CREATE UNIQUE INDEX plain_words ON plain (lower(words) COLLATE \"C\" DESC) WHERE code > 10;
CREATE INDEX plain_gin ON plain USING gin (to_tsvector('simple', words));
ALTER INDEX plain_words ALTER COLUMN 1 SET STATISTICS 55;
ALTER TABLE plain CLUSTER ON plain_target;
ALTER TABLE plain REPLICA IDENTITY USING INDEX plain_target;
COMMENT ON CONSTRAINT \"Plain's key\" ON plain IS 'the key';
COMMENT ON INDEX plain_target IS 'the index';
ALTER TABLE plain ADD CONSTRAINT plain_parent FOREIGN KEY (parent) REFERENCES plain (id) DEFERRABLE;
ALTER TABLE plain ADD CONSTRAINT plain_unproved FOREIGN KEY (\"A b\") REFERENCES plain (id) NOT VALID;
CREATE TABLE tree (id integer NOT NULL, at integer NOT NULL, filler text) PARTITION BY RANGE (id);
CREATE TABLE tree_1 PARTITION OF tree FOR VALUES FROM (0) TO (100000);
INSERT INTO tree SELECT n, n, repeat('y', 300) FROM generate_series(1, 5000) n;
ALTER TABLE tree ADD CONSTRAINT tree_key PRIMARY KEY (id);
ALTER TABLE tree ADD CONSTRAINT tree_pair UNIQUE (id, at);
CREATE INDEX tree_at ON tree (at);
ALTER TABLE tree ADD CONSTRAINT tree_plain FOREIGN KEY (at) REFERENCES plain (id);
-- A foreign key to a tree has parts of its own, which VALIDATE does not reach.
CREATE TABLE small (id integer PRIMARY KEY, tree integer UNIQUE REFERENCES tree);
CREATE TABLE empty (id integer PRIMARY KEY);
CREATE TABLE long (id integer PRIMARY KEY, as_said text COMPRESSION pglz, as_asked text);
INSERT INTO long VALUES (1, repeat('long ', 2000), repeat('long ', 2000));";

/// All that is known of indexes, constraints and what hangs on them.
const FACTS: [&str; 4] = [
    "SELECT concat_ws(' ', c.relname, i.indisunique, i.indisprimary, i.indimmediate, i.indisclustered, i.indisvalid,
            i.indisreplident, c.reloptions, pg_get_indexdef(c.oid), obj_description(c.oid, 'pg_class'),
            (SELECT string_agg(a.attstattarget::text, ',') FROM pg_attribute a WHERE a.attrelid = c.oid))
     FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid
     WHERE c.relnamespace = 'SCHEMA'::regnamespace ORDER BY 1",
    "SELECT concat_ws(' ', conrelid::regclass, conname, contype, condeferrable, condeferred, convalidated, conislocal,
            coninhcount, conindid::regclass, pg_get_constraintdef(oid), obj_description(oid, 'pg_constraint'))
     FROM pg_constraint WHERE connamespace = 'SCHEMA'::regnamespace ORDER BY 1",
    "SELECT concat_ws(' ', inhrelid::regclass, inhparent::regclass) FROM pg_inherits
     JOIN pg_class c ON c.oid = inhrelid WHERE c.relnamespace = 'SCHEMA'::regnamespace ORDER BY 1",
    "SELECT concat_ws(' ', relname, relreplident, relhasindex, reltuples > 0) FROM pg_class
     WHERE relnamespace = 'SCHEMA'::regnamespace AND relkind IN ('r', 'p') ORDER BY 1",
];

struct Pair {
    source: Database<'static>,
    target: Database<'static>,
}

fn load(pair: &Pair, flags: &str) -> Output {
    Desk::shared().run(&format!(
        "dump {} | remap-schema --to moved | load {} --jobs 4 {flags}",
        pair.source.name(),
        target_word(&pair.target)
    ))
}

#[track_caller]
fn check(pair: &Pair, facts: &str) {
    let of = |database: &Database<'_>, schema: &str| {
        let facts = database.query(&facts.replace("SCHEMA", schema)).unwrap();
        let renamed = facts.iter().map(|it| it.replace("moved.", "public."));
        let mut renamed: Vec<String> = renamed.map(|it| it.replace("public.", "")).collect();
        renamed.sort();
        renamed
    };
    let expected = of(&pair.source, "public");
    assert!(!expected.is_empty(), "{facts}");
    assert_eq!(of(&pair.target, "moved"), expected, "{facts}");
}

#[test]
fn keys_and_all_that_hangs_on_them_come_as_they_were() {
    let cluster = Cluster::shared();
    let pair = Pair {
        source: cluster.database("keys").unwrap(),
        target: cluster.target().unwrap(),
    };
    pair.source.execute(SOURCE).unwrap();
    pair.source.execute("ANALYZE").unwrap();
    load(&pair, "--toast-compression lz4 -v").assert_success();
    for facts in FACTS {
        check(&pair, facts);
    }
    let methods =
        "SELECT pg_column_compression(as_said) || ' ' || pg_column_compression(as_asked) FROM moved.long";
    assert_eq!(pair.target.query(methods).unwrap(), ["pglz lz4"]);
    // An empty table is left to the server's guess.
    let guess = "SELECT reltuples::text FROM pg_class WHERE oid = 'moved.empty'::regclass";
    assert_eq!(pair.target.query(guess).unwrap(), ["-1"]);
}
