//! What others do on the target while a load runs: they hold locks, want the same ones the other way round, and take
//! the connections.

use std::thread;
use std::time::{Duration, Instant};

use postgres::Client;
use testkit::{POSTGRES, TARGET_OWNER};

use crate::lab::{DUMP, LOAD, Lab, REMAP, SCHEMA};
use crate::remains;

const PATIENCE: Duration = Duration::from_secs(20);

/// Calls `look` until it says yes.
#[track_caller]
fn wait_for(what: &str, mut look: impl FnMut() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !look() {
        assert!(Instant::now() < deadline, "{what} did not happen");
        thread::sleep(Duration::from_millis(1));
    }
}

fn says(client: &mut Client, question: &str) -> bool {
    client.query_one(question, &[]).unwrap().get(0)
}

/// Some session of the load waits for a lock.
const WAITS: &str = "SELECT count(*) > 0 FROM pg_stat_activity
    WHERE datname = current_database() AND application_name LIKE 'coalesce load%' AND wait_event_type = 'Lock'";

#[test]
fn a_lock_on_a_new_table_delays_a_load_whatever_its_role_has_set() {
    // Fault 22. The role's own lock_timeout and statement_timeout do not end a load: its sessions pin them.
    let lab = Lab::shared();
    let mut admin = lab.target.client(POSTGRES).unwrap();
    let name = lab.target.name();
    for setting in ["lock_timeout", "statement_timeout"] {
        let sql = format!("ALTER ROLE {TARGET_OWNER} IN DATABASE {name} SET {setting} = '50ms'");
        admin.batch_execute(&sql).unwrap();
    }
    let output = thread::scope(|scope| {
        let running = scope.spawn(|| lab.run(&format!("{DUMP} | {REMAP} | {LOAD}")));
        wait_for("the tables", || {
            says(&mut admin, "SELECT to_regclass('k.doubled') IS NOT NULL")
        });
        let mut held = admin.transaction().unwrap();
        held.batch_execute("LOCK TABLE k.doubled, k.kind").unwrap();
        let mut other = lab.target.client(POSTGRES).unwrap();
        wait_for("the wait", || says(&mut other, WAITS));
        // More than either timeout.
        thread::sleep(Duration::from_millis(150));
        held.rollback().unwrap();
        running.join().unwrap()
    });
    output.assert_success();
    lab.check_rows(&output);
}

/// Lets a load and a neighbour wait for each other; none where the load was through before.
///
/// The neighbour holds `zone`, for which the last of the load's foreign keys waits; then it wants `item`, which the same
/// transaction of the load has locked. PostgreSQL ends the one whose `deadlock_timeout` is over first: the load.
fn load_with_deadlock(lab: &Lab) -> Option<testkit::Output> {
    lab.clear();
    let mut holder = lab.target.client(POSTGRES).unwrap();
    let mut looker = lab.target.client(POSTGRES).unwrap();
    let rows_are_in = "SELECT COALESCE((SELECT reltuples >= 0 OR pg_relation_size(oid) > 0 FROM pg_class
        WHERE oid = to_regclass('k.zone')), false)";
    thread::scope(|scope| {
        let running = scope.spawn(|| lab.run(&format!("{DUMP} | {REMAP} | {LOAD}")));
        wait_for("the rows", || says(&mut looker, rows_are_in));
        let mut held = holder.transaction().unwrap();
        held.batch_execute("SET LOCAL deadlock_timeout = '20s'; LOCK TABLE k.zone IN ROW EXCLUSIVE MODE")
            .unwrap();
        wait_for("the wait", || running.is_finished() || says(&mut looker, WAITS));
        let is_waiting = !running.is_finished();
        held.batch_execute("LOCK TABLE k.item").unwrap();
        held.rollback().unwrap();
        let output = running.join().unwrap();
        is_waiting.then_some(output)
    })
}

#[test]
fn a_deadlock_with_a_neighbour_costs_a_load_nothing() {
    // Fault 22.
    let lab = Lab::shared();
    let deadlocks = || {
        let sql = format!(
            "SELECT deadlocks FROM pg_stat_database WHERE datname = '{}'",
            lab.target.name()
        );
        lab.target.query(&sql).unwrap()
    };
    let before = deadlocks();
    let output = (0..5).find_map(|_| load_with_deadlock(&lab)).unwrap();
    output.assert_success();
    lab.check_rows(&output);
    assert_ne!(deadlocks(), before, "there was no deadlock\n{output}");
}

#[test]
fn connections_taken_by_others_in_the_middle_are_named_or_done_without() {
    // Fault 21.
    let lab = Lab::shared();
    let mut admin = lab.target.client(POSTGRES).unwrap();
    let name = lab.target.name().to_owned();
    admin
        .batch_execute(&format!(
            "CREATE ROLE squeezed LOGIN; GRANT CREATE ON DATABASE {name} TO squeezed"
        ))
        .unwrap();
    let limit = |admin: &mut Client, count: i32| {
        let sql = format!("ALTER ROLE squeezed CONNECTION LIMIT {count}");
        admin.batch_execute(&sql).unwrap();
    };
    lab.run(&format!("{DUMP} | {REMAP} -o k.tar")).assert_success();
    // From the first session on, while rows come in, and while keys are built.
    for moment in [
        "SELECT to_regclass('coalesce.run') IS NOT NULL",
        "SELECT COALESCE(pg_relation_size(to_regclass('k.item')) > 0, false)",
        "SELECT to_regclass('k.kind_pkey') IS NOT NULL",
    ] {
        lab.clear();
        lab.run(&format!("{DUMP} | {REMAP} -o k.tar")).assert_success();
        limit(&mut admin, -1);
        let line = format!("load --jobs 3 '{}' k.tar", lab.target.conninfo("squeezed"));
        let output = thread::scope(|scope| {
            let running = scope.spawn(|| lab.run(&line));
            wait_for(moment, || running.is_finished() || says(&mut admin, moment));
            limit(&mut admin, 1);
            running.join().unwrap()
        });
        limit(&mut admin, -1);
        if output.success() {
            lab.check_rows(&output);
            continue;
        }
        output
            .assert_code(5)
            .assert_stderr_contains("too many connections for role \"squeezed\"")
            .assert_stderr_contains("nothing is live");
        remains::assert_nothing_live(&lab.target, SCHEMA, &output);
    }
}
