//! Work that ends before its time: a server is not asked for what nobody takes any more, the true reason is the
//! one that is told, and no tool waits for those that are silent.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking, its helpers too")]

use std::sync::OnceLock;
use std::time::{Duration, Instant};

use testkit::{Cluster, Database, Output, Tools};

mod proxy;
mod remains;

use proxy::Proxy;

/// Twice about 50 MiB of rows, and two small tables.
const SOURCE: &str = "
CREATE TABLE big AS SELECT n AS id, md5(n::text) AS one, md5((-n)::text) AS two, repeat('x', 60) AS filler
  FROM generate_series(1, 300000) AS n;
CREATE TABLE large AS SELECT * FROM big;
CREATE TABLE few AS SELECT n AS id FROM generate_series(1, 10) AS n;
CREATE TABLE one AS SELECT 1 AS id;";

/// Less than one of the large tables, and more than all buffers between the server and the pipe can hold.
const SOON: u64 = 48_000_000;

const LOAD: &str = "sh -c 'echo $$ >load.pid; exec load \"$TARGET\"'";

#[test]
fn a_closed_output_ends_the_copy_on_the_server() {
    // Fault 11.
    let lab = Lab::new();
    for line in [
        "dump \"$PROXIED_SOURCE\" --jobs 1 | head -c 100",
        "dump \"$PROXIED_SOURCE\" --jobs 2 --rows csv | head -c 3000000",
    ] {
        let before = lab.source.received();
        let output = lab.run(line);
        output.assert_stages(&[3, 0]);
        let received = lab.source.received() - before;
        assert!(received < SOON, "the server sent {received} bytes\n{output}");
    }
}

#[test]
fn a_failed_reader_ends_the_others() {
    // Fault 18.
    let lab = Lab::new();
    let name = lab.target.name();
    let reader = format!("application_name = '{name}' AND query LIKE 'COPY %' LIMIT 1");
    let terminate = terminate(&reader, source().name());
    let line =
        format!("dump \"$PROXIED_SOURCE\" --jobs 2 | {{ head -c 6000000; {terminate}; cat; }} | wc -c");
    let output = lab.run(&line);
    output.assert_stages(&[4, 0, 0]);
    let passed: u64 = output.stdout_text().trim().parse().unwrap();
    assert!(passed < SOON, "dump went on for {passed} bytes\n{output}");
}

#[test]
fn a_failed_session_of_load_is_told_before_the_truncated_archive() {
    // Fault 18.
    let lab = Lab::new();
    let terminate = terminate("application_name LIKE 'coalesce load %'", lab.target.name());
    // Without a new session there is no other way out.
    let close = format!(
        "psql -Xq \"{}\" -c 'ALTER DATABASE {} ALLOW_CONNECTIONS false'",
        admin(),
        lab.target.name()
    );
    for end in ["true", "while kill -0 $(cat load.pid); do sleep 0.1; done"] {
        let output = lab.run(&format!(
            "dump \"$SOURCE\" | remap-schema --to big | {{ head -c 9000000; {close}; {terminate}; head -c 5000000; {end}; }} \
             2>/dev/null | {LOAD}"
        ));
        allow_connections(&lab.target);
        assert_eq!(output.stages().last(), Some(&5), "{output}");
        output.assert_stderr_contains("not currently accepting connections");
        output.assert_stderr_contains("nothing is live");
        assert!(!output.timed_out(), "{output}");
        remains::abandon(&lab.tools, &lab.target, "big");
    }
}

#[test]
fn a_load_goes_on_when_its_sessions_are_ended() {
    // Faults 18 and 25.
    let lab = Lab::new();
    let terminate = terminate("application_name LIKE 'coalesce load %'", lab.target.name());
    let output = lab.run(&format!(
        "dump \"$SOURCE\" | remap-schema --to big | {{ head -c 6000000; {terminate}; head -c 6000000; {terminate}; cat; }} \
         | {LOAD}"
    ));
    output.assert_success();
    lab.run("verify \"$SOURCE\" \"$TARGET\" --to big")
        .assert_success();
}

#[test]
fn an_interrupted_load_says_what_is_left() {
    // Fault 17.
    let lab = Lab::new();
    let interrupt = "kill -INT $(cat load.pid)";
    let wait = "while kill -0 $(cat load.pid); do sleep 0.1; done";
    let (archive, whole) = ("dump \"$SOURCE\" | remap-schema --to big", "cat");
    for (passed, act) in [
        // The upstream is silent in the middle, then after the end member.
        ("head -c 6000000", format!("{interrupt}; {wait}")),
        (whole, format!("sleep 1; {interrupt}; {wait}")),
    ] {
        let begun = "while ! [ -e load.pid ]; do sleep 0.1; done";
        let output = lab.run(&format!(
            "{archive} 2>/dev/null | {{ {passed}; {begun}; {act}; }} 2>/dev/null | {LOAD}"
        ));
        assert_eq!(output.stages().last(), Some(&130), "{output}");
        output
            .assert_stderr_contains("interrupted")
            .assert_stderr_contains("nothing is live")
            .assert_stderr_contains("load --abandon big");
        remains::abandon(&lab.tools, &lab.target, "big");
    }
}

/// Each phase after the rows waits in it at a gate of its own, an advisory lock of the target.
const GATED: &str = "
CREATE FUNCTION gate(n integer) RETURNS integer IMMUTABLE LANGUAGE plpgsql AS $$
DECLARE phase text := split_part(current_query(), ' ', 1);
BEGIN
  IF current_setting('application_name') LIKE 'coalesce load%' THEN
    PERFORM pg_catalog.pg_advisory_lock_shared(ascii(phase));
    PERFORM pg_catalog.pg_advisory_unlock_shared(ascii(phase));
  END IF;
  RETURN n;
END $$;
CREATE TABLE a_none (n integer);
CREATE TABLE z_gated AS SELECT n FROM generate_series(1, 5) AS n;
CREATE INDEX gated ON z_gated (gate(n));
CREATE MATERIALIZED VIEW gates AS SELECT gate(1) AS n;";

const GATED_LOAD: &str = "sh -c 'echo $$ >load.pid; exec load --jobs 1 --read-back \"$TARGET\" gated.tar'";

#[test]
fn a_load_can_be_interrupted_in_every_phase_after_the_rows() {
    // Fault 17.
    let lab = Lab::new();
    let gated = Cluster::shared().database("gated").unwrap();
    gated.execute(GATED).unwrap();
    lab.run(&format!(
        "dump -q \"{}\" | remap-schema -q --to gated -o gated.tar",
        gated.source()
    ))
    .assert_success();
    let mut admin = lab.target.admin().unwrap();
    for phase in ["CREATE", "REFRESH", "ANALYZE", "COPY"] {
        // What reads waits for a lock of a table without rows, which ANALYZE leaves alone and waits for another one.
        let gate = if phase == "COPY" { "ANALYZE" } else { phase };
        let lock = format!("SELECT pg_advisory_lock(ascii('{gate}'))");
        admin.batch_execute(&lock).unwrap();
        std::thread::scope(|scope| {
            let loading = scope.spawn(|| lab.run(GATED_LOAD));
            if phase == "COPY" {
                wait_for(&lab.target, "ANALYZE");
                admin
                    .batch_execute("BEGIN; LOCK TABLE gated.a_none; SELECT pg_advisory_unlock_all()")
                    .unwrap();
            }
            wait_for(&lab.target, phase);
            let killed = lab
                .tools
                .shell("kill -INT $(cat load.pid)")
                .current_dir(lab.folder.path())
                .run();
            killed.assert_success();
            let output = loading.join().unwrap();
            output
                .assert_code(130)
                .assert_stderr_contains("nothing is live")
                .assert_stderr_contains("load --abandon gated");
            assert!(output.elapsed().as_secs() < 30, "{output}");
            let running = "SELECT 1 FROM pg_stat_activity
                WHERE datname = current_database() AND application_name LIKE 'coalesce load%' AND state = 'active'";
            assert_eq!(
                lab.target.query(running).unwrap(),
                Vec::<String>::new(),
                "{phase}"
            );
        });
        admin
            .batch_execute("COMMIT; SELECT pg_advisory_unlock_all()")
            .unwrap();
        remains::assert_nothing_live(&lab.target, "gated", &lab.run("true"));
        remains::abandon(&lab.tools, &lab.target, "gated");
    }
}

/// Waits until a session of `load` waits for a lock in a statement that begins with `words`. Asked in a session of its
/// own: in a transaction what sessions do is what it was at the first look.
fn wait_for(target: &Database, words: &str) {
    let waiting = format!(
        "SELECT 1 FROM pg_stat_activity WHERE application_name LIKE 'coalesce load%'
         AND datname = current_database() AND wait_event_type = 'Lock' AND query LIKE '{words} %'"
    );
    let deadline = Instant::now() + Duration::from_secs(20);
    while target.query(&waiting).unwrap().is_empty() {
        assert!(Instant::now() < deadline, "no session waits in {words}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

#[test]
fn a_load_whose_server_is_silent_says_what_is_left_too() {
    // Faults 17 and 20.
    let lab = Lab::new();
    let output = lab.run(
        "dump \"$SOURCE\" 2>/dev/null | remap-schema --to big 2>/dev/null \
         | { head -c 6000000; touch silent; (sleep 1; kill -INT $(cat load.pid)) & cat; } 2>/dev/null \
         | sh -c 'echo $$ >load.pid; exec load \"$PROXIED_TARGET\"'",
    );
    assert_eq!(output.stages().last(), Some(&130), "{output}");
    output
        .assert_stderr_contains("interrupted")
        .assert_stderr_contains("nothing is live")
        .assert_stderr_contains("load --abandon big");
    remains::assert_nothing_live(&lab.target, "big", &output);
}

#[test]
fn an_interrupt_ends_the_wait_for_locks_on_the_server() {
    let lab = Lab::new();
    lab.target.execute("CREATE TABLE held (id integer)").unwrap();
    let mut holder = lab.target.admin().unwrap();
    let mut held = holder.transaction().unwrap();
    held.batch_execute("LOCK TABLE held").unwrap();
    for tool in [
        "dump \"$HELD\" -o x.tar",
        "verify \"$HELD\" \"$HELD\"",
        "assess --exact \"$HELD\"",
    ] {
        let line = format!(
            "HELD='{}'; export HELD; (sleep 0.7; kill -INT $(cat tool.pid)) & \
             sh -c 'echo $$ >tool.pid; exec {tool}'",
            lab.target.conninfo(testkit::POSTGRES)
        );
        lab.run(&line).assert_code(130);
        let waiting = "SELECT query FROM pg_stat_activity
            WHERE datname = current_database() AND wait_event_type = 'Lock'";
        assert_eq!(lab.target.query(waiting).unwrap(), Vec::<String>::new(), "{tool}");
    }
}

#[test]
fn a_stderr_that_takes_nothing_changes_no_exit_code() {
    let lab = Lab::new();
    for (line, code) in [
        ("dump \"$SOURCE dbname=nosuch\" 2>/dev/full", 4),
        ("dump \"$SOURCE dbname=nosuch\" 2>&-", 4),
        ("dump --nonsense 2>/dev/full", 2),
        ("load \"$TARGET\" nowhere.tar 2>/dev/full", 2),
        ("dump --generate-man >/dev/full", 0),
        ("dump --help >/dev/full", 0),
    ] {
        lab.run(line).assert_code(code);
    }
}

#[test]
fn an_archive_that_is_kept_nowhere_is_no_secret() {
    let lab = Lab::new();
    for redirection in [">/dev/null", ">&-"] {
        lab.run(&format!("dump \"$SOURCE\" {redirection}"))
            .assert_success()
            .assert_stderr_contains("kept nowhere");
    }
}

#[test]
fn fewer_connections_than_jobs_are_enough() {
    // Fault 21.
    let lab = Lab::new();
    let name = lab.target.name();
    lab.target
        .execute(&format!(
            "CREATE ROLE narrow LOGIN CONNECTION LIMIT 2; GRANT pg_read_all_data TO narrow;
             GRANT CREATE ON DATABASE {name} TO narrow"
        ))
        .unwrap();
    let output = lab.run(&format!(
        "dump --jobs 4 \"{}\" -o x.tar",
        source().conninfo("narrow")
    ));
    output
        .assert_success()
        .assert_stderr_contains("no room for 4 sessions, 1 read its rows");
    let output = lab.run(&format!(
        "remap-schema --to big x.tar | load --jobs 4 \"{}\"",
        lab.target.conninfo("narrow")
    ));
    output
        .assert_success()
        .assert_stderr_contains("no room for 4 sessions, 1 write its rows");
    let rows = lab.target.query("SELECT count(*) FROM big.large").unwrap();
    assert_eq!(rows, ["300000"]);
}

/// A target, a folder and ways to both servers for each test; the source is one for all.
struct Lab {
    tools: Tools,
    target: Database<'static>,
    folder: tempfile::TempDir,
    source: Proxy,
    /// Falls silent when the folder has a file `silent`.
    way_to_target: Proxy,
}

impl Lab {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let server = Cluster::shared().root().join(".s.PGSQL.5432");
        Lab {
            tools: Tools::locate(),
            target: Cluster::shared().target().unwrap(),
            source: Proxy::start(&server, &folder.path().join("never")),
            way_to_target: Proxy::start(&server, &folder.path().join("silent")),
            folder,
        }
    }

    fn run(&self, line: &str) -> Output {
        let proxied = |words: String, proxy: &Proxy| format!("{words} host=127.0.0.1 port={}", proxy.port());
        // The name tells this test's sessions on the source from those of others.
        let named = format!("{} application_name={}", source().source(), self.target.name());
        let _ = std::fs::remove_file(self.folder.path().join("load.pid"));
        self.tools
            .shell(line)
            .env("SOURCE", source().source())
            .env("TARGET", self.target.target())
            .env("PROXIED_SOURCE", proxied(named, &self.source))
            .env(
                "PROXIED_TARGET",
                proxied(self.target.target(), &self.way_to_target),
            )
            .current_dir(self.folder.path())
            .run()
    }
}

/// A command that ends sessions in `database`.
fn terminate(sessions: &str, database: &str) -> String {
    let sql = format!(
        "SELECT pg_terminate_backend(pid) FROM
         (SELECT pid FROM pg_stat_activity WHERE datname = '{database}' AND {sessions}) AS s"
    );
    format!("psql -Xq \"{}\" -c \"{sql}\" >/dev/null", admin())
}

/// A superuser beside the databases of the tests.
fn admin() -> String {
    Cluster::shared().conninfo("postgres", testkit::POSTGRES)
}

fn allow_connections(database: &Database<'_>) {
    let sql = format!("ALTER DATABASE {} ALLOW_CONNECTIONS true", database.name());
    let mut client = Cluster::shared().client("postgres", testkit::POSTGRES).unwrap();
    client.batch_execute(&sql).unwrap();
}

fn source() -> &'static Database<'static> {
    static DATABASE: OnceLock<Database<'static>> = OnceLock::new();
    DATABASE.get_or_init(|| {
        let database = Cluster::shared().database("large").unwrap();
        database.execute(SOURCE).unwrap();
        database
    })
}
