//! The moment that a dump shows: DDL in the window between the snapshot and the locks must never make a table read
//! as empty, and writes during the dump must not show.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking, its helpers too")]

use std::thread;
use std::time::{Duration, Instant};

use postgres::Client;
use testkit::{Cluster, Tools};

/// Runs `change` in a transaction that a dump runs into: it has its snapshot, waits for the lock that the change
/// holds, and gets it when the change is committed. Returns the archive's CSV rows.
fn dump_across(change: &str) -> String {
    let cluster = Cluster::shared();
    let source = cluster.database("window").unwrap();
    source
        .execute("CREATE TABLE t (id integer, note text); INSERT INTO t SELECT n, 'old' FROM generate_series(1, 100) AS n")
        .unwrap();
    let mut writer = source.admin().unwrap();
    writer.batch_execute(&format!("BEGIN; {change}")).unwrap();
    let line = format!(
        "dump '{}' --rows csv --compress none | tar xO --wildcards 'data/*'",
        source.source()
    );
    let output = thread::scope(|scope| {
        let dump = scope.spawn(|| Tools::locate().pipeline(&line));
        wait_for_waiting_lock(&mut source.admin().unwrap());
        writer.batch_execute("COMMIT").unwrap();
        dump.join().unwrap()
    });
    output.assert_success();
    output.stdout_text()
}

fn wait_for_waiting_lock(client: &mut Client) {
    const WAITING: &str = "SELECT count(*) FROM pg_locks l JOIN pg_stat_activity a USING (pid)
        WHERE NOT l.granted AND a.application_name = 'coalesce dump' AND a.datname = current_database()";
    let deadline = Instant::now() + Duration::from_secs(20);
    while client.query_one(WAITING, &[]).unwrap().get::<_, i64>(0) == 0 {
        assert!(Instant::now() < deadline, "the dump never waited for a lock");
        thread::yield_now();
    }
}

#[test]
fn truncated_and_filled_again_shows_the_new_rows() {
    let rows = dump_across("TRUNCATE t; INSERT INTO t VALUES (1, 'new'), (2, 'new')");
    assert_eq!(rows, "id,note\n1,new\n2,new\n");
}

#[test]
fn rewritten_table_is_whole() {
    let rows = dump_across("ALTER TABLE t ALTER COLUMN id TYPE bigint");
    assert_eq!(rows.lines().filter(|line| line.ends_with(",old")).count(), 100);
}

#[test]
fn renamed_table_is_found_under_its_new_name() {
    let rows = dump_across("ALTER TABLE t RENAME TO u");
    assert_eq!(rows.lines().filter(|line| line.ends_with(",old")).count(), 100);
}

#[test]
fn columns_that_swapped_their_names_are_not_mixed_up() {
    let rows = dump_across(
        "ALTER TABLE t ADD COLUMN twice integer; UPDATE t SET twice = 2 * id; ALTER TABLE t RENAME id TO other;
         ALTER TABLE t RENAME twice TO id",
    );
    assert!(rows.starts_with("other,note,id\n1,old,2\n"), "{rows}");
}

#[test]
fn dropped_table_and_its_successor_are_told_apart() {
    let rows =
        dump_across("DROP TABLE t; CREATE TABLE t (id integer, note text); INSERT INTO t VALUES (7, 'next')");
    assert_eq!(rows, "id,note\n7,next\n");
}

#[test]
fn writes_behind_the_snapshot_do_not_show() {
    // The change only locks; what it writes is committed after the dump has taken its snapshot.
    let rows = dump_across("LOCK TABLE t IN ACCESS EXCLUSIVE MODE; INSERT INTO t VALUES (0, 'late')");
    assert!(!rows.contains("late"), "{rows}");
    assert_eq!(rows.lines().filter(|line| line.ends_with(",old")).count(), 100);
}
