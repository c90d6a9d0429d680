//! Processes that are killed, pipes that break and disks that fill: in the middle of a pipeline each leaves
//! nothing live, no half file and no statement that keeps running.
//!
//! The middle is made exact by a stage that lets some megabytes pass and then acts: what follows is far more
//! than a pipe holds, so the stages around it cannot have finished.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking, its helpers too")]

use std::sync::OnceLock;
use std::time::{Duration, Instant};

use testkit::{Cluster, Database, Output, Skipped, Tools};

mod remains;

/// About 50 MiB of rows.
const SOURCE: &str = "
CREATE TABLE big AS SELECT n AS id, md5(n::text) AS one, md5((-n)::text) AS two, repeat('x', 60) AS filler
  FROM generate_series(1, 300000) AS n;
CREATE INDEX ON big (one);
CREATE TABLE few (id integer PRIMARY KEY);
INSERT INTO few SELECT generate_series(1, 10);";

/// Stages that a test can act upon write their process number to a file first.
const DUMP: &str = "sh -c 'echo $$ >dump.pid; exec dump --chunk-size 1 \"$SOURCE\"'";
const REMAP: &str = "sh -c 'echo $$ >remap.pid; exec remap-schema --to big'";
const LOAD: &str = "sh -c 'echo $$ >load.pid; exec load \"$TARGET\"'";

#[test]
fn a_killed_dump_leaves_nothing_live() {
    // Fault 12.
    let lab = Lab::new();
    let output = lab.run(&format!(
        "{DUMP} | {} | remap-schema --to big | {LOAD}",
        act("kill -9 $(cat dump.pid)")
    ));
    output
        .assert_stages(&[137, 0, 6, 6])
        .assert_stderr_contains("archive is truncated");
    lab.check_way_back(&output);
}

#[test]
fn a_killed_remap_schema_leaves_nothing_live() {
    // Faults 11 and 12.
    let lab = Lab::new();
    let output = lab.run(&format!(
        "dump --chunk-size 1 \"$SOURCE\" | {REMAP} | {} | {LOAD}",
        act("kill -9 $(cat remap.pid)")
    ));
    output
        .assert_stages(&[3, 137, 0, 6])
        .assert_stderr_contains("archive is truncated");
    lab.check_way_back(&output);
}

#[test]
fn a_killed_load_leaves_nothing_live() {
    // Fault 12.
    let lab = Lab::new();
    let output = lab.run(&format!(
        "dump \"$SOURCE\" | {REMAP} | {} | {LOAD}",
        act("kill -9 $(cat load.pid)")
    ));
    assert_eq!(output.stages().last(), Some(&137), "{output}");
    lab.check_way_back(&output);
}

#[test]
fn an_interrupted_load_cancels_its_statements() {
    // Fault 17.
    for (signal, code) in [("INT", 130), ("TERM", 143)] {
        let lab = Lab::new();
        let line = format!(
            "dump \"$SOURCE\" | {REMAP} | {} | {LOAD}",
            act(&format!("kill -{signal} $(cat load.pid)"))
        );
        let output = lab.run(&line);
        assert_eq!(output.stages().last(), Some(&code), "{output}");
        output.assert_stderr_contains("interrupted");
        lab.check_no_session_is_left();
        lab.check_way_back(&output);
    }
}

#[test]
fn a_load_interrupted_while_it_waits_for_rows_ends_too() {
    // Fault 17.
    let lab = Lab::new();
    let stall =
        "{ head -c 6000000; kill -INT $(cat load.pid); while kill -0 $(cat load.pid); do sleep 0.1; done; }";
    let output = lab.run(&format!(
        "dump \"$SOURCE\" | {REMAP} | {stall} 2>/dev/null | {LOAD}"
    ));
    assert_eq!(output.stages().last(), Some(&130), "{output}");
    lab.check_no_session_is_left();
    lab.check_way_back(&output);
}

#[test]
fn an_interrupted_dump_leaves_no_session() {
    // Fault 17.
    for (signal, code) in [("INT", 130), ("TERM", 143)] {
        let lab = Lab::new();
        let output = lab.run(&format!(
            "{DUMP} | {} | wc -c",
            act(&format!("kill -{signal} $(cat dump.pid)"))
        ));
        output
            .assert_stages(&[code, 0, 0])
            .assert_stderr_contains("interrupted");
        let passed: u64 = output.stdout_text().trim().parse().unwrap();
        assert!(passed < 30_000_000, "dump went on for {passed} bytes\n{output}");
        lab.check_no_session_is_left();
    }
}

#[test]
fn an_interrupted_dump_takes_its_file_away() {
    // Faults 13 and 17.
    let lab = Lab::new();
    let line = "(while ! ls -A out | grep -q .; do sleep 0.01; done; sleep 0.1; kill -INT $(cat dump.pid)) & \
                mkdir out; sh -c 'echo $$ >dump.pid; exec dump \"$SOURCE\" --compress zstd:19 -o out/big.tar'";
    lab.run(line).assert_code(130);
    lab.check_empty("out");
}

#[test]
fn a_reader_that_goes_away_is_no_news() {
    // Fault 11.
    let lab = Lab::new();
    for line in [
        "dump \"$SOURCE\" | head -c 100",
        "dump \"$SOURCE\" --rows csv | head -c 3000000",
        "dump \"$SOURCE\" | true",
    ] {
        let output = lab.run(line);
        output.assert_stages(&[3, 0]);
        assert_eq!(output.stderr(), "", "{output}");
    }
    let output =
        lab.run("dump \"$SOURCE\" 2>/dev/null | remap-schema --to big --quiet | head -c 2000000 >/dev/null");
    output.assert_stages(&[3, 3, 0]);
    assert_eq!(output.stderr(), "", "{output}");
}

#[test]
fn a_full_device_is_named() {
    // Fault 13.
    let lab = Lab::new();
    for line in [
        "dump \"$SOURCE\" >/dev/full",
        "dump \"$SOURCE\" | remap-schema --to big >/dev/full",
        "verify \"$SOURCE\" \"$SOURCE\" >/dev/full",
        "assess \"$SOURCE\" >/dev/full",
    ] {
        lab.run(line)
            .assert_code(5)
            .assert_stderr_contains("No space left on device");
    }
}

#[test]
fn a_failed_dump_leaves_no_file() {
    // Fault 13: a limit on the size of files stands for a full disk.
    let lab = Lab::new();
    for destination in ["out/big.tar", "out/big/"] {
        let line = format!(
            "mkdir out; (trap '' XFSZ; ulimit -f 200; exec dump \"$SOURCE\" --compress none -o {destination})"
        );
        lab.run(&line)
            .assert_code(5)
            .assert_stderr_contains("File too large");
        lab.check_empty("out");
    }
    let line = "mkdir out; (trap '' XFSZ; ulimit -f 200; exec remap-schema --to big big.tar -o out/x.tar)";
    lab.run("dump \"$SOURCE\" -o big.tar").assert_success();
    lab.run(line)
        .assert_code(5)
        .assert_stderr_contains("File too large");
    lab.check_empty("out");
}

#[test]
fn what_exists_is_not_overwritten() {
    let lab = Lab::new();
    std::fs::write(lab.folder.path().join("here.tar"), "precious").unwrap();
    std::fs::create_dir(lab.folder.path().join("full")).unwrap();
    std::fs::write(lab.folder.path().join("full/file"), "precious").unwrap();
    for (destination, words) in [
        ("here.tar", "exists"),
        ("full/", "not empty"),
        ("here.tar/", "Not a directory"),
        ("nowhere/x.tar", "No such file or directory"),
        ("/dev/full/x.tar", "Not a directory"),
    ] {
        let output = lab.run(&format!("dump \"$SOURCE\" -o {destination}"));
        output
            .assert_code(2)
            .assert_stderr_contains(destination.trim_end_matches('/'));
        assert!(output.stderr().contains(words), "expected `{words}`\n{output}");
    }
    for file in ["here.tar", "full/file"] {
        assert_eq!(
            std::fs::read_to_string(lab.folder.path().join(file)).unwrap(),
            "precious"
        );
    }
}

#[test]
fn a_terminal_gets_no_archive() {
    // Fault 16.
    let lab = Lab::new();
    if !lab
        .run("command -v script && script --version | grep -q util-linux")
        .success()
    {
        let _ = Skipped::because("`script` of util-linux, which makes a terminal, is not installed");
        return;
    }
    let output = lab.run("script -qec 'dump \"$SOURCE\"' /dev/null");
    output.assert_code(2);
    assert!(output.stdout_text().contains("stdout is a terminal"), "{output}");
    let output = lab.run("script -qec 'load \"$TARGET\"' /dev/null");
    output.assert_code(2);
    assert!(output.stdout_text().contains("stdin is a terminal"), "{output}");
}

/// A stage that lets six megabytes pass, acts, and lets the rest pass.
fn act(command: &str) -> String {
    format!("{{ head -c 6000000; {command}; cat; }}")
}

/// A target and a folder of its own for each test; the source is one for all.
struct Lab {
    tools: Tools,
    target: Database<'static>,
    folder: tempfile::TempDir,
}

impl Lab {
    fn new() -> Self {
        Lab {
            tools: Tools::locate(),
            target: Cluster::shared().target().unwrap(),
            folder: tempfile::tempdir().unwrap(),
        }
    }

    fn run(&self, line: &str) -> Output {
        self.tools
            .shell(line)
            // The name tells this test's sessions on the source from those of others.
            .env(
                "SOURCE",
                format!("{} application_name={}", source().source(), self.target.name()),
            )
            .env("TARGET", self.target.target())
            .current_dir(self.folder.path())
            .run()
    }

    /// Nothing is live, `--abandon` removes the remains, and the next load succeeds.
    #[track_caller]
    fn check_way_back(&self, failed: &Output) {
        remains::assert_nothing_live(&self.target, "big", failed);
        assert_eq!(
            remains::states(&self.target),
            ["loading"],
            "the load had not begun\n{failed}"
        );
        remains::abandon(&self.tools, &self.target, "big");
        self.run("dump \"$SOURCE\" | remap-schema --to big | load \"$TARGET\"")
            .assert_success();
        assert_eq!(
            self.target.query("SELECT count(*) FROM big.big").unwrap(),
            ["300000"]
        );
    }

    /// Soon after a tool has ended, its sessions have too.
    #[track_caller]
    fn check_no_session_is_left(&self) {
        let name = self.target.name();
        let sessions = format!(
            "SELECT state, query FROM pg_stat_activity
             WHERE application_name = '{name}' OR datname = '{name}' AND pid <> pg_backend_pid()"
        );
        let deadline = Instant::now() + Duration::from_secs(2);
        let mut left = Vec::new();
        while Instant::now() < deadline {
            left = self.target.query(&sessions).unwrap();
            if left.is_empty() {
                return;
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        panic!("still there: {left:?}");
    }

    #[track_caller]
    fn check_empty(&self, folder: &str) {
        let folder = self.folder.path().join(folder);
        let left: Vec<_> = std::fs::read_dir(&folder)
            .unwrap()
            .map(|it| it.unwrap().file_name())
            .collect();
        assert!(left.is_empty(), "{left:?}");
        std::fs::remove_dir(folder).unwrap();
    }
}

fn source() -> &'static Database<'static> {
    static DATABASE: OnceLock<Database<'static>> = OnceLock::new();
    DATABASE.get_or_init(|| {
        let database = Cluster::shared().database("big").unwrap();
        database.execute(SOURCE).unwrap();
        database
    })
}
