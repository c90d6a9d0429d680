//! Sessions that an administrator ends, and servers that crash, at random moments of a dump and of a load.

use std::thread;
use std::time::Duration;

use testkit::{Cluster, Database, Output};

use crate::lab::{DUMP, KEPT_FILE, LOAD, Lab, REMAP, ROWS, build};

/// Runs a line and does something at a random moment of it, `latest` after its start at most.
fn run_and(lab: &Lab, line: &str, latest: Duration, act: impl FnOnce()) -> Output {
    thread::scope(|scope| {
        let running = scope.spawn(|| lab.run(line));
        let micros = u64::try_from(latest.as_micros()).unwrap();
        thread::sleep(Duration::from_micros(fastrand::u64(0..=micros)));
        act();
        running.join().unwrap()
    })
}

/// Ends one session that has this condition, whichever.
fn end_one(database: &Database, condition: &str) {
    let sql = format!(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity
         WHERE pid <> pg_backend_pid() AND {condition} ORDER BY random() LIMIT 1"
    );
    database.query(&sql).unwrap();
}

/// A dump that was disturbed is whole, or it has failed and there is no archive.
#[track_caller]
fn check_dump(lab: &Lab, output: &Output) {
    if !lab.path("k.tar").exists() {
        output.assert_code(4);
        return;
    }
    output.assert_success();
    let counted = lab.run("verify --archive k.tar");
    counted.assert_success();
    let words = format!("{},{:03} rows", ROWS / 1000, ROWS % 1000);
    assert!(output.stderr().contains(&words), "not `{words}`\n{output}");
}

#[test]
fn sessions_ended_at_any_moment_tear_nothing() {
    // Faults 18 and 19.
    let lab = Lab::shared();
    let source = crate::lab::source();
    let latest = lab.time(&format!("{DUMP} -o k.tar"));
    let rounds = testkit::rounds(6);
    for _ in 0..rounds {
        lab.clear();
        let condition = format!("application_name = '{}'", lab.target.name());
        let line = format!("{DUMP} -o k.tar");
        let output = run_and(&lab, &line, latest, || end_one(source, &condition));
        check_dump(&lab, &output);
    }
    lab.clear();
    let latest = lab.keep_archive();
    let mut failed = 0;
    for _ in 0..rounds {
        lab.clear();
        let output = run_and(&lab, &format!("{LOAD} {KEPT_FILE}"), latest, || {
            end_one(&lab.target, &format!("datname = '{}'", lab.target.name()));
        });
        failed += usize::from(!output.success());
        assert!(output.success() || output.code() == Some(5), "{output}");
        lab.check_way_on(&output, None, KEPT_FILE);
    }
    println!("{rounds} dumps and {rounds} loads, of which {failed} failed, every row once");
}

/// Passes half of the archive, and the rest when it may.
const HALVES: &str =
    "{ head -c $(($(wc -c <kept.tar) / 2)); touch half; while [ -e half ]; do sleep 0.02; done; cat; }";

#[test]
fn a_load_goes_on_by_itself_when_its_sessions_are_ended() {
    // Fault 18.
    let lab = Lab::shared();
    lab.keep_archive();
    lab.clear();
    let of_load = format!(
        "datname = '{}' AND application_name LIKE 'coalesce load%'",
        lab.target.name()
    );
    let end_all = |condition: &str| {
        let sql = format!(
            "SELECT count(pg_terminate_backend(pid, 5000)) FROM pg_stat_activity WHERE {of_load} AND {condition}"
        );
        lab.target.query(&sql).unwrap()[0].parse::<u32>().unwrap()
    };
    let line = format!("{HALVES} <{KEPT_FILE} | {LOAD} --whole-max 0");
    let output = thread::scope(|scope| {
        let running = scope.spawn(|| lab.run(&line));
        let wait_for = |is_so: &dyn Fn() -> bool| {
            while !is_so() {
                assert!(!running.is_finished(), "it did not wait");
                thread::sleep(Duration::from_millis(5));
            }
        };
        let half = lab.path("half");
        wait_for(&|| half.exists());
        // While there are rows to come.
        wait_for(&|| end_all("true") > 1);
        // An index of the table has to wait, and its rows do not.
        let mut other = lab.target.admin().unwrap();
        let mut transaction = other.transaction().unwrap();
        transaction
            .batch_execute("LOCK TABLE k.item IN ROW EXCLUSIVE MODE")
            .unwrap();
        std::fs::remove_file(&half).unwrap();
        wait_for(&|| end_all("wait_event_type = 'Lock' AND query LIKE '%INDEX%'") > 0);
        transaction.rollback().unwrap();
        running.join().unwrap()
    });
    output.assert_success();
    lab.check_rows(&output);
}

#[test]
fn a_server_that_crashes_at_any_moment_of_a_load_costs_no_row() {
    // Faults 18 and 25. What was committed without waiting for the disk may be lost, rows and journal together, and
    // unlogged tables are empty when the server is there again.
    // The server writes nothing by itself that nobody waits for: a crash costs as much as it can.
    let lazy = [("wal_writer_delay", "10s"), ("wal_buffers", "16MB")];
    let cluster = Cluster::start_with(&lazy).unwrap();
    let source = Cluster::shared().database("logged").unwrap();
    source.execute(crate::lab::SOURCE).unwrap();
    source.execute("ALTER TABLE session SET LOGGED").unwrap();
    let (rounds, mut failed, mut lived) = (testkit::rounds(6), 0, 0);
    for (source, rounds) in [(&source, rounds - rounds / 3), (crate::lab::source(), rounds / 3)] {
        let lab = Lab::new(source, &cluster);
        let latest = lab.keep_archive();
        for _ in 0..rounds {
            lab.clear();
            let output = run_and(&lab, &format!("{LOAD} {KEPT_FILE}"), latest, || {
                cluster.crash().unwrap();
            });
            failed += usize::from(!output.success());
            lived += usize::from(output.success());
            assert!(output.success() || output.code() == Some(5), "{output}");
            lab.check_way_on(&output, None, KEPT_FILE);
        }
    }
    println!("{rounds} crashes during a load: {failed} loads failed, {lived} went on, every row once");
}

/// Passes a part of the archive that the server keeps on its disk, then one that it has only promised to keep; waits
/// for the crash, and passes the rest.
const WITH_CRASH: &str = "{ head -c $1; sleep 0.4; psql -Xq \"$ADMIN\" -c CHECKPOINT; head -c $2; sleep 0.4; \
    touch crash; while [ -e crash ]; do sleep 0.02; done; cat; }";

#[test]
fn rows_that_a_crash_has_taken_back_are_missed() {
    // Faults 18 and 25.
    let lazy = [
        ("wal_writer_delay", "10s"),
        ("wal_writer_flush_after", "1GB"),
        ("wal_buffers", "16MB"),
    ];
    let cluster = Cluster::start_with(&lazy).unwrap();
    let source = Cluster::shared().database("promised").unwrap();
    source.execute(crate::lab::SOURCE).unwrap();
    // No foreign key shall tell what is missing.
    source
        .execute(
            "ALTER TABLE session SET LOGGED; ALTER TABLE item DROP CONSTRAINT item_kind_fkey;
             ALTER TABLE event DROP CONSTRAINT event_item_fkey; ALTER TABLE zone DROP CONSTRAINT zone_kind_fkey",
        )
        .unwrap();
    let lab = Lab::new(&source, &cluster);
    lab.run(&format!("{DUMP} | {REMAP} -o {KEPT_FILE}"))
        .assert_success();
    // The server's own writer wakes every ten seconds and may keep the promise just before the crash, which nothing
    // can forbid it, and a slow machine may have promised nothing yet: then the load is right to go on, and the crash
    // comes once more.
    let taken_back = (0..6).any(|_| {
        lab.clear();
        let output = load_with_a_crash(&lab, &cluster);
        let missed = output
            .stderr()
            .contains("taken back what it had called committed");
        if missed {
            output.assert_code(5).assert_stderr_contains("nothing is live");
        } else {
            output.assert_success();
        }
        lab.check_way_on(&output, None, KEPT_FILE);
        missed
    });
    assert!(taken_back, "none of the crashes took anything back");
}

/// Loads an archive from a pipe, of which the second third is committed and not yet on the disk when the server
/// crashes.
fn load_with_a_crash(lab: &Lab, cluster: &Cluster) -> Output {
    let third = std::fs::metadata(lab.path(KEPT_FILE)).unwrap().len() / 3;
    let line = format!("set -- {third} {third}; {WITH_CRASH} <{KEPT_FILE} | {LOAD} --whole-max 0");
    thread::scope(|scope| {
        let admin = lab.target.conninfo(testkit::POSTGRES);
        let running = scope.spawn(|| lab.shell(&line).env("ADMIN", admin).run());
        let mark = lab.path("crash");
        while !mark.exists() {
            assert!(!running.is_finished(), "{}", running.join().unwrap());
            thread::sleep(Duration::from_millis(5));
        }
        cluster.crash().unwrap();
        std::fs::remove_file(mark).unwrap();
        running.join().unwrap()
    })
}

#[test]
fn a_server_that_crashes_at_any_moment_of_a_dump_gives_no_archive() {
    // Fault 19.
    let cluster = Cluster::start_with(&[]).unwrap();
    let source = build(&cluster);
    source.execute("ALTER TABLE session SET LOGGED").unwrap();
    let lab = Lab::new(&source, &cluster);
    let latest = lab.time(&format!("{DUMP} -o k.tar"));
    let (rounds, mut failed) = (testkit::rounds(3), 0);
    for _ in 0..rounds {
        lab.clear();
        let output = run_and(&lab, &format!("{DUMP} -o k.tar"), latest, || {
            cluster.crash().unwrap();
        });
        failed += usize::from(!output.success());
        check_dump(&lab, &output);
    }
    println!("{rounds} crashes during a dump, {failed} dumps failed, no archive torn");
}
