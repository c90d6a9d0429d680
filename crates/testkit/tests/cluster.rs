//! Throwaway servers: what they allow, and that nothing of them remains.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking, its helpers too")]
#![expect(clippy::print_stdout, reason = "a child process speaks to its test")]

use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use testkit::{Cluster, POSTGRES, SOURCE_READER, TARGET_OWNER};

/// Set for the process that is to be killed.
const VICTIM: &str = "TESTKIT_VICTIM";

#[test]
fn a_cluster_is_gone_after_drop() {
    let cluster = Cluster::start().unwrap();
    let (root, server) = (cluster.root().to_owned(), server_of(cluster.root()));
    assert!(is_running(server));
    drop(cluster);
    assert!(!root.exists());
    wait_until_gone(&root, server);
}

#[test]
fn a_cluster_is_gone_after_a_panic() {
    let (sender, receiver) = std::sync::mpsc::channel();
    let thread = std::thread::spawn(move || {
        let cluster = Cluster::start().unwrap();
        sender
            .send((cluster.root().to_owned(), server_of(cluster.root())))
            .unwrap();
        std::panic::resume_unwind(Box::new("a failed test"));
    });
    assert!(thread.join().is_err());
    let (root, server) = receiver.recv().unwrap();
    assert!(!root.exists());
    wait_until_gone(&root, server);
}

#[test]
fn a_cluster_is_gone_after_its_process_is_killed() {
    check_killed(|victim| signal("KILL", &victim.to_string()));
}

#[test]
fn a_cluster_is_gone_after_its_process_is_terminated() {
    check_killed(|victim| signal("TERM", &victim.to_string()));
}

#[test]
fn a_cluster_is_gone_after_ctrl_c_to_the_whole_group() {
    check_killed(|victim| signal("INT", &format!("-{victim}")));
}

#[test]
fn a_kept_cluster_stays_until_it_is_told_to_go() {
    let cluster = Cluster::start().unwrap();
    let (server, (root, stop)) = (server_of(cluster.root()), cluster.keep());
    assert!(root.exists() && is_running(server));
    let stopped = Command::new("bash").args(["-c", &stop]).status().unwrap();
    assert!(stopped.success() && !root.exists(), "{stop}");
    wait_until_gone(&root, server);
}

#[test]
#[ignore = "the process that others kill: it waits for that, and does nothing when run by itself"]
fn victim() {
    if std::env::var_os(VICTIM).is_some() {
        let cluster = Cluster::shared();
        let server = server_of(cluster.root());
        // The watchdog has to remove files of ours as well.
        std::fs::write(cluster.folder("files").unwrap().join("shop.sqlite"), "rows").unwrap();
        std::fs::write(
            std::env::var_os(VICTIM).unwrap(),
            format!("{server} {}", cluster.root().display()),
        )
        .unwrap();
        println!("\nstarted");
        std::thread::sleep(Duration::from_mins(2));
    }
}

#[test]
fn the_source_reader_reads_and_does_nothing_else() {
    let database = Cluster::shared().database("readable").unwrap();
    database
        .execute("CREATE TABLE notes (id int); INSERT INTO notes VALUES (1), (2)")
        .unwrap();
    let mut reader = database.client(SOURCE_READER).unwrap();
    assert_eq!(reader.query("SELECT id FROM notes", &[]).unwrap().len(), 2);
    for refused in [
        "INSERT INTO notes VALUES (3)",
        "CREATE TABLE mine (id int)",
        "CREATE SCHEMA mine",
    ] {
        assert_eq!(state(reader.batch_execute(refused)), "42501", "{refused}");
    }
}

#[test]
fn the_target_owner_has_a_managed_servers_limits() {
    let database = Cluster::shared().target().unwrap();
    let mut owner = database.client(TARGET_OWNER).unwrap();
    owner
        .batch_execute("CREATE SCHEMA mine; CREATE EXTENSION citext; CREATE EXTENSION pg_trgm")
        .unwrap();
    for refused in [
        "CREATE EXTENSION file_fdw",
        "CREATE ROLE other",
        "CREATE DATABASE other",
    ] {
        assert_eq!(state(owner.batch_execute(refused)), "42501", "{refused}");
    }
}

#[test]
fn settings_reach_the_server() {
    let cluster =
        Cluster::start_with(&[("timezone", "America/St_Johns"), ("search_path", "'it''s'")]).unwrap();
    let mut client = cluster.client(POSTGRES, POSTGRES).unwrap();
    for (name, expected) in [
        ("timezone", "America/St_Johns"),
        ("search_path", "'it''s'"),
        ("fsync", "off"),
    ] {
        let value: String = client
            .query_one("SELECT current_setting($1)", &[&name])
            .unwrap()
            .get(0);
        assert_eq!(value, expected);
    }
}

#[test]
fn a_database_is_dropped_with_its_handle_even_in_use() {
    let cluster = Cluster::shared();
    let database = cluster.database("used").unwrap();
    let name = database.name().to_owned();
    let _session = database.admin().unwrap();
    drop(database);
    assert!(cluster.client(&name, POSTGRES).is_err());
}

#[test]
fn psql_runs_scripts_with_copy_and_reports_their_errors() {
    let database = Cluster::shared().database("script").unwrap();
    database
        .psql(b"CREATE TABLE t (a text);\nCOPY t FROM stdin;\none\n\\N\n\\.\n\\echo done\n")
        .unwrap();
    assert_eq!(
        database.query("SELECT a FROM t ORDER BY a").unwrap(),
        ["one", "∅"]
    );
    let error = database.psql(b"SELECT 1;\nSELECT nonsense;\n").unwrap_err();
    assert!(error.to_string().contains("nonsense"), "{error}");
}

/// Starts a process with a cluster of its own, ends it by `kill`, and waits until nothing is left.
fn check_killed(kill: impl Fn(u32)) {
    use std::os::unix::process::CommandExt;
    let folder = tempfile::tempdir().unwrap();
    let report = folder.path().join("report");
    let mut victim = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "victim", "--ignored", "--nocapture"])
        .env(VICTIM, &report)
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .process_group(0)
        .spawn()
        .unwrap();
    wait_for_line(&mut victim, "started");
    let report = std::fs::read_to_string(&report).unwrap();
    let (server, root) = report.split_once(' ').unwrap();
    let (server, root) = (server.parse().unwrap(), PathBuf::from(root));
    assert!(root.exists() && is_running(server));
    kill(victim.id());
    victim.wait().unwrap();
    wait_until_gone(&root, server);
}

/// A server's last moments follow its pid file's end, and those of a killed process nobody announces.
fn wait_until_gone(root: &Path, server: u32) {
    let deadline = Instant::now() + Duration::from_secs(30);
    while root.exists() || is_running(server) {
        assert!(
            Instant::now() < deadline,
            "{} or server {server} is still there",
            root.display()
        );
        std::thread::sleep(Duration::from_millis(20));
    }
}

fn wait_for_line(child: &mut Child, line: &str) {
    let mut lines = BufReader::new(child.stdout.take().unwrap());
    let mut read = String::new();
    while lines.read_line(&mut read).unwrap() > 0 {
        if read.trim_end().ends_with(line) {
            // The pipe stays open behind this function, or the child's next line would kill it.
            std::thread::spawn(move || lines.read_to_end(&mut Vec::new()));
            return;
        }
        read.clear();
    }
    panic!("the child ended without saying `{line}`");
}

fn server_of(root: &Path) -> u32 {
    let file = std::fs::read_to_string(root.join("data/postmaster.pid")).unwrap();
    file.lines().next().unwrap().parse().unwrap()
}

fn is_running(pid: u32) -> bool {
    Command::new("bash")
        .args(["-c", &format!("kill -0 {pid} 2>&1")])
        .output()
        .unwrap()
        .status
        .success()
}

fn signal(name: &str, pid: &str) {
    assert!(
        Command::new("bash")
            .args(["-c", &format!("kill -{name} -- {pid}")])
            .status()
            .unwrap()
            .success()
    );
}

fn state(result: Result<(), postgres::Error>) -> String {
    result
        .unwrap_err()
        .code()
        .map_or_else(String::new, |it| it.code().to_owned())
}
