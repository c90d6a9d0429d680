//! Large tables are read in parts by several sessions, and a session that dies is replaced where that is safe.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking, its helpers too")]

use std::sync::OnceLock;
use std::thread;
use std::time::{Duration, Instant};

use testkit::{Cluster, Database, Desk, Output};

/// 25 MiB in one table, with holes, dead rows, long values elsewhere and rows that moved; and some others.
const SOURCE: &str = "
CREATE TABLE big (id integer, note text, body text);
INSERT INTO big SELECT n, 'row ' || n, CASE WHEN n % 2000 = 0 THEN string_agg(md5(n::text || m), '') ELSE repeat('x', 150) END
  FROM generate_series(1, 100000) n LEFT JOIN generate_series(1, 300) m ON n % 2000 = 0 GROUP BY n ORDER BY n;
DELETE FROM big WHERE id BETWEEN 20000 AND 40000 OR id > 95000;
UPDATE big SET note = note || '!' WHERE id % 7 = 0;
CREATE TABLE empty (id integer); CREATE TABLE emptied AS SELECT 1 AS id; DELETE FROM emptied;
CREATE TABLE few AS SELECT n AS id FROM generate_series(1, 60) n;";

fn source() -> &'static Database<'static> {
    static SOURCE_DATABASE: OnceLock<Database<'static>> = OnceLock::new();
    SOURCE_DATABASE.get_or_init(|| {
        let database = Cluster::shared().database("parts").unwrap();
        database.execute(SOURCE).unwrap();
        database
    })
}

/// The fingerprint in the closing line.
fn fingerprint(output: &Output) -> String {
    output.assert_success();
    let said = output.stderr();
    said.split("fingerprint ").nth(1).unwrap().trim().to_owned()
}

#[test]
fn parts_hold_the_same_rows_as_the_whole() {
    let (desk, name) = (Desk::shared(), source().name());
    for form in ["csv", "binary"] {
        let dump = |options: &str| {
            desk.run(&format!(
                "dump {name} --rows {form} {options} | tee it.tar | tar tf - | grep -c big/"
            ))
        };
        let whole = dump("--split-size 0 --jobs 1 --chunk-size 255");
        assert_eq!(whole.stdout_text().trim(), "1", "{whole}");
        for options in [
            "--split-size 1 --jobs 4",
            "--split-size 3 --jobs 2 --chunk-size 1",
            "--split-size 1 --jobs 1",
        ] {
            let parts = dump(options);
            assert!(parts.stdout_text().trim().parse::<u32>().unwrap() > 4, "{parts}");
            assert_eq!(fingerprint(&parts), fingerprint(&whole), "{options}\n{parts}");
            desk.run("verify --archive it.tar").assert_success();
        }
    }
}

/// Ends the server process of the one reader while it sleeps in its COPY; `sleeps` is the condition that makes it
/// sleep. `name` tells the sessions from those of other tests.
fn dump_with_killed_reader(name: &str, options: &str, sleeps: &str, kills: usize) -> Output {
    const ASLEEP: &str = "SELECT pid FROM pg_stat_activity
        WHERE application_name = $1 AND query LIKE 'COPY%' AND wait_event = 'PgSleep'";
    let desk = Desk::shared();
    let line = format!(
        "dump 'dbname={} application_name={name}' --jobs 1 {options} --where '{sleeps}' -o it.tar",
        source().name()
    );
    thread::scope(|scope| {
        let dump = scope.spawn(|| desk.run(&line));
        let mut admin = source().admin().unwrap();
        let mut ended = 0;
        let deadline = Instant::now() + Duration::from_secs(20);
        while !dump.is_finished() && ended < kills && Instant::now() < deadline {
            for row in admin.query(ASLEEP, &[&name]).unwrap() {
                let pid: i32 = row.get(0);
                let is_ended = "SELECT pg_terminate_backend($1, 1000)";
                ended += usize::from(admin.query_one(is_ended, &[&pid]).unwrap().get::<_, bool>(0));
            }
            thread::sleep(Duration::from_millis(2));
        }
        let output = dump.join().unwrap();
        assert_eq!(ended, kills, "{output}");
        output
    })
}

#[test]
fn a_reader_that_dies_before_its_first_chunk_is_replaced() {
    // Fault 18.
    let output = dump_with_killed_reader(
        "once",
        "",
        "few=id < 60 OR pg_catalog.pg_sleep(0.3) IS NOT NULL",
        1,
    );
    output.assert_success();
}

#[test]
fn a_reader_that_always_dies_ends_the_dump() {
    // Fault 18.
    let output = dump_with_killed_reader(
        "always",
        "",
        "few=id < 60 OR pg_catalog.pg_sleep(0.3) IS NOT NULL",
        3,
    );
    output.assert_code(4).assert_stderr_contains("rows of public.few");
}

#[test]
fn a_reader_that_dies_after_its_first_chunk_ends_the_dump() {
    // Fault 18.
    let output = dump_with_killed_reader(
        "late",
        "--chunk-size 1 --split-size 0",
        "big=id <> 94999 OR pg_catalog.pg_sleep(2) IS NOT NULL",
        1,
    );
    output
        .assert_code(4)
        .assert_stderr_contains("rows of public.big")
        .assert_stderr_contains("a part of them is written already");
}

#[test]
fn rows_read_after_the_locks_were_lost_are_no_archive() {
    // Faults 19 and 29. Without the session that has the locks a table can be truncated, and read as empty.
    let source = Cluster::shared().database("unlocked").unwrap();
    source
        .execute(
            "CREATE TABLE first AS SELECT repeat('x', 1000) AS x FROM generate_series(1, 60);
             CREATE TABLE second AS SELECT n AS id FROM generate_series(1, 100) AS n",
        )
        .unwrap();
    let desk = Desk::shared();
    let line = format!(
        "dump 'dbname={} application_name=unlocked' --jobs 1 --where 'first=pg_catalog.pg_sleep(0.01) IS NOT NULL' \
         -o it.tar",
        source.name()
    );
    let output = thread::scope(|scope| {
        let dump = scope.spawn(|| desk.run(&line));
        let mut admin = source.admin().unwrap();
        let asleep = "SELECT count(*) > 0 FROM pg_stat_activity
            WHERE application_name = 'unlocked' AND wait_event = 'PgSleep'";
        while !admin.query_one(asleep, &[]).unwrap().get::<_, bool>(0) {
            assert!(!dump.is_finished(), "{}", dump.join().unwrap());
            thread::sleep(Duration::from_millis(5));
        }
        let keeper = "SELECT pg_terminate_backend(pid, 1000) FROM pg_stat_activity
            WHERE application_name = 'unlocked' AND state = 'idle in transaction'";
        assert_eq!(admin.query(keeper, &[]).unwrap().len(), 1);
        admin.batch_execute("TRUNCATE second").unwrap();
        dump.join().unwrap()
    });
    output
        .assert_code(4)
        .assert_stderr_contains("the session that held the tables' locks was ended");
    assert!(!desk.path("it.tar").exists());
}

#[test]
fn writes_while_a_part_is_read_change_nothing() {
    // Fault 28.
    const ROWS: &str = "SELECT count(*), md5(string_agg(md5(t::text), '' ORDER BY id)) FROM moving AS t";
    let cluster = Cluster::shared();
    let (source, target) = (cluster.database("moving").unwrap(), cluster.target().unwrap());
    source
        .execute(
            "CREATE TABLE moving AS SELECT n AS id, 'before' AS note, repeat('x', 150) AS filler
               FROM generate_series(1, 20000) AS n",
        )
        .unwrap();
    let expected = source.query(ROWS).unwrap();
    let desk = Desk::shared();
    let line = format!(
        "dump 'dbname={} application_name=moving' --split-size 1 --jobs 2 \
         --where 'moving=id NOT IN (1, 19999) OR pg_catalog.pg_sleep(0.6) IS NOT NULL' -o it.tar; tar tf it.tar",
        source.name()
    );
    let output = thread::scope(|scope| {
        let dump = scope.spawn(|| desk.run(&line));
        let mut admin = source.admin().unwrap();
        let asleep = "SELECT count(*) > 0 FROM pg_stat_activity
            WHERE application_name = 'moving' AND wait_event = 'PgSleep'";
        while !admin.query_one(asleep, &[]).unwrap().get::<_, bool>(0) {
            assert!(!dump.is_finished(), "{}", dump.join().unwrap());
            thread::sleep(Duration::from_millis(5));
        }
        for write in [
            "UPDATE moving SET note = 'after'",
            "DELETE FROM moving WHERE id % 3 = 0",
            "INSERT INTO moving SELECT n, 'new', '' FROM generate_series(20001, 30000) AS n",
        ] {
            admin.batch_execute(write).unwrap();
        }
        assert!(!dump.is_finished(), "it was over before the rows were written");
        dump.join().unwrap()
    });
    output.assert_success();
    assert!(output.stdout_text().matches("moving/").count() > 2, "{output}");
    desk.run(&format!("load {} it.tar", testkit::target_word(&target)))
        .assert_success();
    assert_eq!(target.query(ROWS).unwrap(), expected);
    assert_ne!(source.query(ROWS).unwrap(), expected);
}
