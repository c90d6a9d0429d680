//! No false alarm: what the tools have loaded is identical, whatever the form and the way of the rows, the names, the jobs
//! and the source's kind, and also while others write on both sides.

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use serde_json::Value;
use testkit::data::{PostgresData, SqliteData};
use testkit::fixtures::{POSTGRES, SQLITE, Scale, build_values, zoo};
use testkit::{
    Cluster, Database, Desk, Output, POSTGRES as SUPERUSER, TARGET_OWNER, is_torture, rounds, target_word,
};

/// More runs than this are the same ones again.
const RUNS_MAX: usize = 100;

/// How the rows travel, what happens to the names, and how `verify` is typed: `{from}` is the source, `{into}` the target.
const WAYS: [(&str, &str); 8] = [
    (
        "dump {from} --rows binary | remap-schema --to kept | load {into}",
        "verify {from} {into} --to kept",
    ),
    (
        "dump {from} --rows csv -o a.tar && remap-schema --prefix p_ a.tar | load {into}",
        "verify {from} {into} --prefix p_ -j 1",
    ),
    (
        "dump {from} --rows csv --compress gzip -o a.tar && load {into} a.tar",
        "verify a.tar {into} -j 4",
    ),
    (
        "dump {from} --rows binary --compress zstd -o folder/ && remap-schema --to kept folder/ -o a.tar && load {into} a.tar",
        "verify a.tar {into}",
    ),
    (
        "dump {from} --rows binary -j 3 -o folder/ && load -j 3 {into} folder/",
        "verify {from} {into} -j 3",
    ),
    (
        "dump {from} --rows csv -o a.tar && remap-schema --to kept a.tar | load {into}",
        "verify a.tar {into} --to kept",
    ),
    (
        "dump {from} --compress none | remap-schema --prefix p_ -o a.tar && load {into} a.tar",
        "<a.tar verify - {into}",
    ),
    (
        "dump {from} --rows binary -o a.tar && remap-schema --to kept a.tar -o b.tar && load {into} b.tar",
        "verify {from} {into} --to kept -j 2",
    ),
];

#[test]
fn what_was_loaded_is_identical_in_every_way() {
    let desk = Desk::shared();
    let (names, _kept) = sources(&desk);
    // In the suite each kind of source has a few ways; other tests go through the others.
    let runs = rounds(2).min(RUNS_MAX);
    thread::scope(|scope| {
        for half in 0..2 {
            let names = &names;
            scope.spawn(move || {
                for run in (half..runs).step_by(2) {
                    let way = WAYS[(run + run / WAYS.len()) % WAYS.len()];
                    clean_run(&names[run % names.len()], way);
                }
            });
        }
    });
    println!("{runs} clean runs of {} sources, no false alarm", names.len());
}

/// What a user types for each source, and what must live as long.
fn sources(desk: &Desk) -> (Vec<String>, Vec<Database<'static>>) {
    let cluster = Cluster::shared();
    let values = cluster.database("values").unwrap();
    build_values(&mut values.admin().unwrap()).unwrap();
    let mut databases = vec![values];
    let mut files = vec![SQLITE[0].create(desk.folder(), Scale::Small).unwrap()];
    if is_torture() {
        databases.extend(
            POSTGRES
                .iter()
                .map(|it| it.database(cluster, Scale::Full).unwrap()),
        );
        databases.push(zoo(cluster).unwrap());
        // It has policies, under which a role that they hold for may not read.
        databases[0]
            .execute("ALTER ROLE source_reader BYPASSRLS")
            .unwrap();
        databases.extend(
            PostgresData::ALL
                .iter()
                .filter_map(|it| it.database(cluster).ok()),
        );
        files.push(SQLITE[1].create(desk.folder(), Scale::Full).unwrap());
        files.extend(
            SqliteData::ALL
                .iter()
                .filter_map(|it| it.file(desk.folder()).ok()),
        );
    }
    let names = databases.iter().map(|it| it.name().to_owned());
    let files = files.iter().map(|it| it.display().to_string());
    (names.chain(files).collect(), databases)
}

fn clean_run(from: &str, (load, verify): (&str, &str)) {
    let desk = Desk::shared();
    // Operator classes and foreign-data wrappers are a superuser's to make.
    let owner = if from.starts_with("zoo") {
        SUPERUSER
    } else {
        TARGET_OWNER
    };
    let target = Cluster::shared().database_owned_by(owner).unwrap();
    let into = format!("'dbname={} user={owner}'", target.name());
    let typed = |line: &str| {
        line.replace("{from}", &format!("'{from}'"))
            .replace("{into}", &into)
    };
    desk.run(&typed(load)).assert_success();
    assert_identical(&desk.run(&format!("{} --format json", typed(verify))));
}

#[track_caller]
fn assert_identical(output: &Output) {
    output.assert_success();
    let report: Value = serde_json::from_slice(output.stdout()).unwrap();
    assert_eq!(report["identical"], true, "{output}");
    let tables = report["tables"].as_array().unwrap();
    assert!(!tables.is_empty(), "{output}");
    for table in tables {
        assert_eq!(table["identical"], true, "{output}");
    }
}

/// Rows that are taken away and put back by each transaction, so that every snapshot has the same and no two find them
/// at the same place.
const PUT_BACK: &str = "WITH gone AS (DELETE FROM SCHEMA_.t WHERE id % 7 = ROUND_ % 7 RETURNING *)
    INSERT INTO SCHEMA_.t SELECT * FROM gone";

/// What another application does in its own schema on the target.
const OTHERS: &str =
    "CREATE SCHEMA IF NOT EXISTS other; DROP TABLE IF EXISTS other.t; CREATE TABLE other.t AS SELECT 1 AS id";

#[test]
fn what_others_write_meanwhile_is_no_difference() {
    // Fault 28.
    let desk = Desk::shared();
    let (source, target) = (
        Cluster::shared().database("busy").unwrap(),
        Cluster::shared().target().unwrap(),
    );
    source
        .execute(
            "CREATE TABLE t (id int, note text); INSERT INTO t SELECT n, repeat('x', n % 90) FROM generate_series(1, 5000) n;
             CREATE TABLE u AS SELECT * FROM t WHERE id < 100",
        )
        .unwrap();
    let (name, into) = (source.name(), target_word(&target));
    desk.run(&format!("dump {name} | remap-schema --to kept | load {into}"))
        .assert_success();
    let writing = AtomicBool::new(true);
    thread::scope(|scope| {
        for (database, schema) in [(&source, "public"), (&target, "kept")] {
            let writing = &writing;
            scope.spawn(move || {
                let mut client = database.admin().unwrap();
                let mut round = 0;
                while writing.load(Ordering::Relaxed) {
                    let sql = PUT_BACK
                        .replace("SCHEMA_", schema)
                        .replace("ROUND_", &round.to_string());
                    client.batch_execute(&sql).unwrap();
                    if schema == "kept" {
                        client.batch_execute(OTHERS).unwrap();
                    }
                    round += 1;
                }
                assert!(round > 0);
            });
        }
        let runs: Vec<Output> = (0..rounds(2).min(RUNS_MAX))
            .map(|_| desk.run(&format!("verify {name} {into} --to kept --format json")))
            .collect();
        writing.store(false, Ordering::Relaxed);
        runs.iter().for_each(assert_identical);
    });
}
