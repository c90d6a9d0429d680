//! A standby as a source: what it has is read as from a primary, what it cannot have is refused, and when it gives way
//! to its primary the error says so.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking, its helpers too")]

use std::thread;
use std::time::{Duration, Instant};

use testkit::{Cluster, Desk, Output, SOURCE_READER, Standby, target_word};

const SOURCE: &str = "
CREATE TABLE kept (id serial PRIMARY KEY, note text); INSERT INTO kept (note) SELECT 'n' FROM generate_series(1, 500);
CREATE TABLE other AS SELECT n AS id FROM generate_series(1, 50) AS n;
CREATE VIEW seen AS SELECT * FROM kept; CREATE UNLOGGED TABLE gone (id integer); INSERT INTO gone VALUES (1);";

#[test]
fn a_standby_is_a_source() {
    // Fault 23, on both sides.
    let primary = Cluster::start().unwrap();
    let source = primary.database("standby").unwrap();
    source.execute(SOURCE).unwrap();
    let standby = primary.standby(&[("max_standby_streaming_delay", "0")]).unwrap();
    let words = conninfo(&standby, source.name(), SOURCE_READER);
    wait_for(&standby, source.name(), "SELECT count(*) = 50 FROM other");
    let (desk, target) = (Desk::shared(), Cluster::shared().target().unwrap());
    let run = |line: &str| desk.shell(line).env("STANDBY", &words).run();

    let refused = run("dump \"$STANDBY\" | wc -c");
    refused.assert_stages(&[4, 0]);
    refused
        .assert_stderr_contains("a standby has no rows of unlogged tables: public.gone")
        .assert_stderr_contains("--exclude-table");
    assert_eq!(refused.stdout_text().trim(), "0", "{refused}");

    let line = format!(
        "dump \"$STANDBY\" --exclude-table-data public.gone --split-size 1 | tee it.tar | load {}",
        target_word(&target)
    );
    run(&line).assert_success();
    run(&format!("verify \"$STANDBY\" {}", target_word(&target)))
        .assert_code(4)
        .assert_stderr_contains("unlogged");
    run(&format!("verify it.tar {}", target_word(&target))).assert_success();
    source.execute("DROP TABLE gone").unwrap();
    wait_for(&standby, source.name(), "SELECT to_regclass('gone') IS NULL");
    for option in ["--jobs 2", "--quick", "--sample 50"] {
        let word = target_word(&target);
        run(&format!(
            "verify \"$STANDBY\" {word} --table public.kept --table 'other' {option}"
        ))
        .assert_success();
    }
    let superuser = conninfo(&standby, source.name(), "postgres");
    run(&format!("remap-schema --to new it.tar | load '{superuser}'"))
        .assert_code(5)
        .assert_stderr_contains("the server is a standby: name its primary")
        .assert_stderr_contains("nothing was written");
    let lsn = run("tar xOf it.tar archive.json | grep -o '\"lsn\":\"[0-9A-F]*/[0-9A-F]*\"'");
    lsn.assert_success();
    assert!(!lsn.stdout_text().contains("\"0/0\""), "{lsn}");

    let conflict = dump_while(&desk, &words, || source.execute("TRUNCATE other").unwrap());
    conflict
        .assert_code(4)
        .assert_stderr_contains("hot_standby_feedback");
    assert!(!desk.path("never.tar").exists());
}

/// Dumps slowly, and changes the primary meanwhile.
fn dump_while(desk: &Desk, words: &str, change: impl FnOnce()) -> Output {
    let line = "dump \"$STANDBY application_name=slow\" --jobs 1 -T gone \
                --where 'public.kept=pg_catalog.pg_sleep(0.01) IS NOT NULL' -o never.tar";
    thread::scope(|scope| {
        let dump = scope.spawn(|| desk.shell(line).env("STANDBY", words).run());
        let mut admin = postgres::Client::connect(words, postgres::NoTls).unwrap();
        let asleep = "SELECT count(*) > 0 FROM pg_stat_activity
            WHERE application_name = 'slow' AND wait_event = 'PgSleep'";
        let deadline = Instant::now() + Duration::from_secs(20);
        while !admin.query_one(asleep, &[]).unwrap().get::<_, bool>(0) {
            assert!(
                !dump.is_finished() && Instant::now() < deadline,
                "{}",
                dump.join().unwrap()
            );
            thread::sleep(Duration::from_millis(5));
        }
        change();
        dump.join().unwrap()
    })
}

fn conninfo(standby: &Standby, database: &str, user: &str) -> String {
    format!(
        "host={} port=5432 dbname={database} user={user}",
        standby.root().display()
    )
}

fn wait_for(standby: &Standby, database: &str, question: &str) {
    let deadline = Instant::now() + Duration::from_secs(20);
    loop {
        let client = postgres::Client::connect(&conninfo(standby, database, "postgres"), postgres::NoTls);
        let answer = client.ok().and_then(|mut it| it.query_one(question, &[]).ok());
        if answer.is_some_and(|it| it.get(0)) {
            return;
        }
        assert!(Instant::now() < deadline, "the standby does not follow");
        thread::sleep(Duration::from_millis(20));
    }
}
