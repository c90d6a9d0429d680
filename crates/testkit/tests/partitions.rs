//! Partitions whose rows belong elsewhere on the target: hashes over OIDs, text under another collation.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking, its helpers too")]

use testkit::{Cluster, Database, Desk, POSTGRES, TARGET_OWNER, target_word};

/// Every tree has rows in all of its leaves. Among the leaves is one whose columns stand in another order.
const SOURCE: &str = "
CREATE TYPE mood AS ENUM ('calm', 'wild', 'sad', 'odd', 'shy', 'mad', 'coy', 'bad');
CREATE TYPE pair AS (label mood, place int);
CREATE DOMAIN moods AS mood[];
CREATE TABLE by_enum (mood mood, n int, label text) PARTITION BY HASH (mood);
CREATE TABLE by_enum_0 PARTITION OF by_enum FOR VALUES WITH (MODULUS 2, REMAINDER 0);
CREATE TABLE by_enum_1 (label text, gone int, n int, mood mood);
ALTER TABLE by_enum_1 DROP gone;
ALTER TABLE by_enum ATTACH PARTITION by_enum_1 FOR VALUES WITH (MODULUS 2, REMAINDER 1);
CREATE TABLE by_list (n int, mood mood, rel regclass) PARTITION BY LIST (n);
CREATE TABLE by_list_1 PARTITION OF by_list FOR VALUES IN (1) PARTITION BY HASH ((mood));
CREATE TABLE by_list_1_0 PARTITION OF by_list_1 FOR VALUES WITH (MODULUS 2, REMAINDER 0) PARTITION BY HASH (mood);
CREATE TABLE by_list_1_0_0 PARTITION OF by_list_1_0 FOR VALUES WITH (MODULUS 1, REMAINDER 0);
CREATE TABLE by_list_1_1 PARTITION OF by_list_1 FOR VALUES WITH (MODULUS 2, REMAINDER 1);
CREATE TABLE by_list_2 PARTITION OF by_list DEFAULT;
CREATE TABLE by_array (moods moods, twice int GENERATED ALWAYS AS (2) STORED) PARTITION BY HASH (moods);
CREATE TABLE by_array_0 PARTITION OF by_array FOR VALUES WITH (MODULUS 2, REMAINDER 0);
CREATE TABLE by_array_1 PARTITION OF by_array FOR VALUES WITH (MODULUS 2, REMAINDER 1);
CREATE TABLE by_pair (pair pair) PARTITION BY HASH (pair);
CREATE TABLE by_pair_0 PARTITION OF by_pair FOR VALUES WITH (MODULUS 2, REMAINDER 0);
CREATE TABLE by_pair_1 PARTITION OF by_pair FOR VALUES WITH (MODULUS 2, REMAINDER 1);
CREATE TABLE by_number (n int) PARTITION BY HASH (n);
CREATE TABLE by_number_0 PARTITION OF by_number FOR VALUES WITH (MODULUS 2, REMAINDER 0);
CREATE TABLE by_number_1 PARTITION OF by_number FOR VALUES WITH (MODULUS 2, REMAINDER 1);
CREATE TABLE by_text (word text, n int) PARTITION BY RANGE (word);
CREATE TABLE by_text_low PARTITION OF by_text FOR VALUES FROM (MINVALUE) TO ('a');
CREATE TABLE by_text_high PARTITION OF by_text FOR VALUES FROM ('a') TO (MAXVALUE);
INSERT INTO by_enum SELECT enumlabel::mood, oid::int % 7, 'x' FROM pg_enum, generate_series(1, 9);
INSERT INTO by_list SELECT n, enumlabel::mood, 'by_text' FROM pg_enum, generate_series(1, 3) AS n;
INSERT INTO by_array SELECT ARRAY[enumlabel::mood, 'calm'] FROM pg_enum;
INSERT INTO by_pair SELECT ROW(enumlabel::mood, 1)::pair FROM pg_enum;
INSERT INTO by_number SELECT generate_series(1, 40);
INSERT INTO by_text SELECT chr(c) || c, c FROM generate_series(65, 122) AS c;
-- More types, so that OIDs differ here from those of a target.
CREATE TYPE more AS ENUM ('a', 'b', 'c');";

/// The tables that have rows of their own in an archive of [`SOURCE`].
const WITH_ROWS: &str = "public.by_array public.by_enum public.by_list_1 public.by_list_2 public.by_number_0 \
                         public.by_number_1 public.by_pair public.by_text_high public.by_text_low";

fn source() -> Database<'static> {
    let source = Cluster::shared().database("parted").unwrap();
    source.execute(SOURCE).unwrap();
    source
}

/// Rows that stand in another partition than the one that PostgreSQL would choose would not be found by it.
const FOUND: &str = "SELECT count(*) FROM (SELECT DISTINCT mood FROM shop.by_enum) m
    WHERE (SELECT count(*) FROM shop.by_enum e WHERE e.mood = m.mood) = 9";

// Fault 40.
#[test]
fn rows_find_the_partitions_that_the_target_gives_them() {
    let (desk, source, target) = (Desk::shared(), source(), Cluster::shared().target().unwrap());
    let (from, to) = (source.name(), target_word(&target));
    desk.run(&format!("dump {from} -o parted.tar")).assert_success();
    let listed = desk.run("verify --archive parted.tar").stdout_text();
    let tables = listed.lines().filter_map(|it| it.split_whitespace().next());
    let tables: Vec<&str> = tables.filter(|it| it.starts_with("public.")).collect();
    assert_eq!(tables.join(" "), WITH_ROWS);
    desk.run(&format!(
        "remap-schema --to shop parted.tar | load --read-back {to} && verify {from} {to} --to shop && verify parted.tar {to} --to shop"
    ))
    .assert_success();
    assert_eq!(target.query(FOUND).unwrap(), ["8"]);
    for lost in [
        "by_enum SET n = 99 WHERE mood = 'sad'",
        "by_list_1 SET mood = 'coy' WHERE mood = 'bad'",
    ] {
        target.execute(&format!("UPDATE shop.{lost}")).unwrap();
        let table = lost.split_whitespace().next().unwrap();
        let verified = desk.run(&format!("verify {from} {to} --to shop"));
        verified.assert_code(1);
        let line = verified
            .stdout_text()
            .lines()
            .find(|it| it.contains(&format!("shop.{table} ")))
            .map(str::to_owned);
        assert!(line.is_some_and(|it| it.contains("values differ")), "{verified}");
    }
    // A policy counts where the rows are read: at the root of such a tree, not at its leaves.
    source
        .execute(
            "ALTER TABLE by_pair ENABLE ROW LEVEL SECURITY; ALTER TABLE by_enum_0 ENABLE ROW LEVEL SECURITY",
        )
        .unwrap();
    let refused = desk.run(&format!("dump {from} | cat"));
    refused
        .assert_stages(&[4, 0])
        .assert_stderr_contains("of public.by_pair\n");
}

// Fault 40.
#[test]
fn text_finds_its_partition_under_another_collation() {
    let (desk, source) = (Desk::shared(), source());
    let (from, to) = (source.name(), format!("{}_icu", source.name()));
    source
        .execute(&format!(
            "CREATE DATABASE {to} OWNER {TARGET_OWNER} TEMPLATE template0 LOCALE_PROVIDER icu ICU_LOCALE 'en'"
        ))
        .unwrap();
    let word = format!("'dbname={to} user={TARGET_OWNER}'");
    desk.run(&format!(
        "dump {from} >parted.tar && remap-schema --to shop parted.tar | load --read-back {word} \
         && verify {from} {word} --to shop && verify parted.tar {word} --to shop"
    ))
    .assert_success();
    let mut client = Cluster::shared().client(&to, POSTGRES).unwrap();
    let mut low = |table: &str| -> i64 {
        let sql = format!("SELECT count(*) FROM {table} WHERE word ~ '^[A-Z]'");
        client.query_one(&sql, &[]).unwrap().get(0)
    };
    // Capital letters stand before small ones in C, and beside them in English.
    assert_eq!((low("shop.by_text_low"), low("shop.by_text_high")), (0, 26));
    // Attached with its columns in another order, a partition is read through its root in the root's.
    source
        .execute(
            "CREATE TABLE turned (n int, word text); INSERT INTO turned SELECT n, word FROM by_text_low;
             DROP TABLE by_text_low; ALTER TABLE turned RENAME TO by_text_low;
             ALTER TABLE by_text ATTACH PARTITION by_text_low FOR VALUES FROM (MINVALUE) TO ('a')",
        )
        .unwrap();
    desk.run(&format!(
        "dump {from} >turned.tar && verify {from} {word} --to shop --no-schema \
         && verify turned.tar {word} --to shop --no-schema"
    ))
    .assert_success();
    client
        .execute("UPDATE shop.by_text SET n = 0 WHERE word = 'B66'", &[])
        .unwrap();
    drop(client);
    let verified = desk.run(&format!("verify parted.tar {word} --to shop"));
    verified.assert_code(1);
    assert!(
        verified.stdout_text().contains("7 of 8 tables identical"),
        "{verified}"
    );
    desk.run(&format!("verify turned.tar {word} --to shop"))
        .assert_code(1);
    source.execute(&format!("DROP DATABASE {to}")).unwrap();
}
