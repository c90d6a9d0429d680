//! The moment that a dump shows: DDL in the window between the snapshot and the locks must never make a table read
//! as empty, and writes during the dump must not show.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking, its helpers too")]
#![allow(clippy::print_stdout, reason = "torture shows what it counted")]

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use postgres::Client;
use postgres::error::SqlState;
use testkit::{Cluster, Database, Output, Tools};

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

/// Ever new DDL in transactions of its own, at any moment of a dump: what was committed last always has a hundred rows,
/// and a view and a function that fit the table.
const CHANGES: [&str; 8] = [
    "TRUNCATE t; INSERT INTO t SELECT n, 'again' FROM generate_series(1, 100) AS n",
    "ALTER TABLE t ALTER COLUMN id TYPE bigint USING id + 0",
    "ALTER TABLE t RENAME TO u; ALTER TABLE u RENAME TO t",
    "ALTER TABLE t RENAME TO was; CREATE TABLE t AS SELECT id, note FROM was; DROP TABLE was",
    "ALTER TABLE t ADD COLUMN more integer DEFAULT 7; UPDATE t SET more = 8; ALTER TABLE t DROP COLUMN more",
    "ALTER TABLE t RENAME note TO remark; ALTER TABLE t RENAME id TO note; ALTER TABLE t RENAME remark TO id;
     ALTER TABLE t RENAME note TO swapped; ALTER TABLE t RENAME id TO note; ALTER TABLE t RENAME swapped TO id",
    "CREATE TABLE new AS SELECT 1 AS a; DROP TABLE new",
    "CREATE OR REPLACE FUNCTION f() RETURNS integer LANGUAGE sql AS 'SELECT ' || n || ''",
];

/// One change, with the view that depends on the table taken away and made again around it.
fn change(round: usize) -> String {
    let change = CHANGES[round % CHANGES.len()].replace("'SELECT ' || n || ''", &format!("'SELECT {round}'"));
    format!("DROP VIEW v; {change}; CREATE VIEW v AS SELECT id AS c{round}, note FROM t;")
}

/// A table of a hundred rows, and a view of it.
const TORN: &str =
    "CREATE TABLE t (id integer, note text); INSERT INTO t SELECT n, 'old' FROM generate_series(1, 100) AS n;
     CREATE VIEW v AS SELECT id, note FROM t";

/// Shows the rows of an archive of `source` and the definition of its view.
fn dump_line(source: &Database<'_>) -> String {
    format!(
        "dump '{}' --rows csv --compress none -o it.tar --jobs 1 && {{ tar xOf it.tar --wildcards 'data/*'; tar xOf \
         it.tar schema/pre-data.sql | grep -A3 'CREATE VIEW'; }}; rm -f it.tar",
        source.source()
    )
}

#[test]
fn ddl_between_the_snapshot_and_the_locks_never_tears_a_table() {
    // Faults 29 and 30. The dump has its snapshot and waits for the lock that the change holds.
    let rounds = testkit::rounds(50);
    let plant = |place: usize| {
        let source = Cluster::shared().database("planted").unwrap();
        source.execute(TORN).unwrap();
        let (folder, line) = (tempfile::tempdir().unwrap(), dump_line(&source));
        let (mut writer, mut looker) = (source.admin().unwrap(), source.admin().unwrap());
        for round in (place..rounds).step_by(2) {
            writer
                .batch_execute(&format!("BEGIN; LOCK TABLE t; {}", change(round)))
                .unwrap();
            let output = thread::scope(|scope| {
                let dump = scope.spawn(|| Tools::locate().shell(&line).current_dir(folder.path()).run());
                wait_for_waiting_lock(&mut looker);
                writer.batch_execute("COMMIT").unwrap();
                dump.join().unwrap()
            });
            assert!(check_whole(&output), "{output}");
        }
    };
    thread::scope(|scope| drop([0, 1].map(|place| scope.spawn(move || plant(place)))));
    println!("{rounds} changes between the snapshot and the locks, every archive whole");
}

#[test]
fn ddl_at_any_moment_never_tears_a_table() {
    // Faults 29 and 30.
    let rounds = testkit::rounds(8);
    let source = Cluster::shared().database("torn").unwrap();
    source.execute(TORN).unwrap();
    let (finished, made, circles) = (AtomicBool::new(false), AtomicUsize::new(0), AtomicUsize::new(0));
    let line = dump_line(&source);
    let undisturbed = Tools::locate()
        .pipeline(&format!("dump '{}' | wc -c", source.source()))
        .elapsed();
    let given_up = thread::scope(|scope| {
        scope.spawn(|| {
            let mut writer = source.admin().unwrap();
            while !finished.load(Ordering::Relaxed) {
                let round = made.fetch_add(1, Ordering::Relaxed);
                if let Err(error) = writer.batch_execute(&format!("BEGIN; {} COMMIT", change(round))) {
                    // Whom the server takes out of a circle is chance; it must not come to that often.
                    assert_eq!(error.code(), Some(&SqlState::T_R_DEADLOCK_DETECTED), "{error}");
                    circles.fetch_add(1, Ordering::Relaxed);
                    writer.batch_execute("ROLLBACK").unwrap();
                }
                // A dump that meets a change at every try gives up, so there are some that meet none.
                thread::sleep(undisturbed * u32::try_from(round * 7 % 40).unwrap() / 10);
            }
        });
        let dumps = |_| {
            let folder = tempfile::tempdir().unwrap();
            let one = || check_whole(&Tools::locate().shell(&line).current_dir(folder.path()).run());
            (0..rounds / 2).filter(|_| !one()).count()
        };
        let dumpers: Vec<_> = (0..2).map(|place| scope.spawn(move || dumps(place))).collect();
        let ended: Vec<_> = dumpers.into_iter().map(thread::ScopedJoinHandle::join).collect();
        finished.store(true, Ordering::Relaxed);
        ended.into_iter().map(|it| it.unwrap()).sum::<usize>()
    });
    let (made, circles) = (made.into_inner(), circles.into_inner());
    println!(
        "{rounds} dumps, {made} changes, {circles} of them ended as deadlocks, {given_up} dumps gave up"
    );
    assert!(circles * 5 <= made, "{circles} of {made} changes met a deadlock");
    assert!(given_up * 2 <= rounds, "{given_up} of {rounds} dumps gave up");
}

#[test]
fn a_change_that_waits_for_the_dump_does_not_stop_it() {
    // Fault 22. Whoever asks for a lock behind the one who waits waits too, but for the session that has it already.
    let source = Cluster::shared().database("queue").unwrap();
    source
        .execute(
            "CREATE TABLE first AS SELECT repeat('x', 1000) AS x FROM generate_series(1, 100);
             CREATE TABLE second AS SELECT n AS id FROM generate_series(1, 100) AS n",
        )
        .unwrap();
    let line = format!(
        "dump '{} application_name=queue' --jobs 1 --where 'first=pg_catalog.pg_sleep(0.01) IS NOT NULL' -o it.tar && \
         tar xOf it.tar --wildcards 'data/*second*' | zcat | wc -l",
        source.source()
    );
    let folder = tempfile::tempdir().unwrap();
    let output = thread::scope(|scope| {
        let dump = scope.spawn(|| Tools::locate().shell(&line).current_dir(folder.path()).run());
        let mut writer = source.admin().unwrap();
        let asleep = "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'queue' AND wait_event = 'PgSleep'";
        while writer.query_one(asleep, &[]).unwrap().get::<_, i64>(0) == 0 {
            assert!(!dump.is_finished(), "{}", dump.join().unwrap());
            thread::sleep(Duration::from_millis(5));
        }
        writer
            .batch_execute("ALTER TABLE second ADD COLUMN more integer")
            .unwrap();
        dump.join().unwrap()
    });
    output.assert_success();
    assert_eq!(output.stdout_text().trim(), "101", "{output}");
}

/// Whether there is an archive; then the table is whole in it, and its view knows its columns. Without one the reason
/// must have been told.
fn check_whole(output: &Output) -> bool {
    if output
        .stderr()
        .contains("were changed during each of 10 snapshots")
    {
        return false;
    }
    output.assert_success();
    let text = output.stdout_text();
    let (rows, view) = text
        .split_once("CREATE VIEW")
        .unwrap_or_else(|| panic!("{output}"));
    let mut rows: Vec<&str> = rows.lines().collect();
    assert!(matches!(rows.remove(0), "id,note" | "note,id"), "{output}");
    let mut ids: Vec<u32> = rows
        .iter()
        .filter_map(|row| row.split(',').find_map(|it| it.parse().ok()))
        .collect();
    ids.sort_unstable();
    assert!(ids.iter().copied().eq(1..=100), "{output}");
    assert!(view.contains("t.id AS c") && view.contains("t.note"), "{output}");
    true
}

#[test]
fn a_lock_that_is_not_given_names_who_holds_it() {
    // Fault 22.
    let source = Cluster::shared().database("held").unwrap();
    source
        .execute("CREATE TABLE free (); CREATE TABLE held ()")
        .unwrap();
    let mut holder = source.admin().unwrap();
    holder.batch_execute("BEGIN; LOCK TABLE held").unwrap();
    let pid: i32 = holder.query_one("SELECT pg_backend_pid()", &[]).unwrap().get(0);
    let line = format!("dump '{}' --lock-wait-timeout 0.2 | wc -c", source.source());
    let output = Tools::locate().pipeline(&line);
    output.assert_stages(&[4, 0]);
    output
        .assert_stderr_contains(&format!("public.held is held by process {pid}"))
        .assert_stderr_contains("--lock-wait-timeout");
    assert_eq!(output.stdout_text().trim(), "0", "{output}");
}

#[test]
fn more_tables_than_the_server_has_locks_for_are_refused_before_the_first_byte() {
    // Fault 27.
    let cluster = Cluster::start_with(&[
        ("max_locks_per_transaction", "10"),
        ("max_connections", "20"),
        ("max_prepared_transactions", "5"),
    ])
    .unwrap();
    let source = cluster.database("crowded").unwrap();
    let tables = |from: u32, to: u32| {
        (from..to).for_each(|n| {
            source
                .execute(&format!("CREATE TABLE t{n} (); CREATE TABLE s{n} ()"))
                .unwrap();
        });
    };
    tables(0, 125);
    let line = format!("dump '{}' --jobs 2 | tar tf - | tail -n 1", source.source());
    Tools::locate().pipeline(&line).assert_success();
    tables(125, 126);
    let output = Tools::locate().pipeline(&format!("dump '{}' | wc -c", source.source()));
    output.assert_stages(&[4, 0]);
    output
        .assert_stderr_contains("252 tables are to be locked, and the server has room for 250 locks")
        .assert_stderr_contains("set max_locks_per_transaction to 11 or more");
    assert_eq!(output.stdout_text().trim(), "0", "{output}");
    let some = format!(
        "dump '{}' --table 't1*' | tar tf - | tail -n 1",
        source.conninfo("postgres")
    );
    Tools::locate().pipeline(&some).assert_success();
}
