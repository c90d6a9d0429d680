//! What all tools share: help, versions, manuals, completions, exit codes, quiet and verbose voices, progress;
//! and what `assess` says of sources that clash.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking, its helpers too")]

use std::os::fd::OwnedFd;
use std::os::unix::net::UnixDatagram;
use std::process::Command;
use std::time::Duration;

use serde_json::Value;
use testkit::fixtures::{MANDIBLE, SHOP, SSO, Scale};
use testkit::{Cluster, Database, Output, TARGET_OWNER, TOOLS, Tools};

#[test]
fn help_shows_examples_and_every_exit_code() {
    let codes = [
        "   0  done",
        "   2  usage",
        "   3  output closed",
        "   4  source failed",
        "   5  target failed",
        "   6  archive damaged",
        "  70  internal error",
        " 130  interrupted (Ctrl-C)",
        " 143  terminated",
    ];
    let tools = [
        (
            "assess",
            "Take stock of sources and find what conflicts between them",
            "[SOURCES]...",
            true,
        ),
        (
            "dump",
            "Write a database as a checksummed archive",
            "[SOURCE]",
            true,
        ),
        (
            "remap-schema",
            "Give every schema in an archive or an SQL dump its new name",
            "[INPUT]...",
            true,
        ),
        (
            "load",
            "Load an archive into a PostgreSQL database, all or nothing",
            "[TARGET] [ARCHIVE]",
            true,
        ),
        (
            "verify",
            "Prove that a target holds every row of a source",
            "[SOURCE] [TARGET]",
            true,
        ),
    ];
    for (tool, about, words, finds) in tools {
        let output = run(&format!("{tool} --help"));
        let help = output.assert_success().stdout_text();
        let (before, after) = help
            .split_once("\nExamples:\n")
            .unwrap_or_else(|| panic!("no examples\n{output}"));
        let (examples, status) = after
            .split_once("\nExit status:\n")
            .unwrap_or_else(|| panic!("{output}"));
        assert!(examples.lines().any(|it| it.contains(tool)), "{output}");
        let usage = format!("\nUsage: {tool} [OPTIONS] {words}\n");
        assert_eq!(help.lines().next(), Some(about));
        assert!(
            before.contains(&usage) && before.contains("--quiet"),
            "no `{usage}`\n{output}"
        );
        let shown: Vec<&str> = status.lines().filter(|it| !it.starts_with("   1  ")).collect();
        assert_eq!(shown, codes, "{output}");
        assert_eq!(status.contains("\n   1  "), finds, "{output}");
        assert_eq!(output.stderr(), "");
    }
}

#[test]
fn a_line_on_stderr_is_written_in_one_piece() {
    // The tools of a pipeline share their stderr, and pieces of lines would mix.
    let folder = tempfile::tempdir().unwrap();
    let shop = SHOP.create(folder.path(), Scale::Small).unwrap();
    let shop = shop.to_str().unwrap();
    let tools = Tools::locate();
    for (tool, arguments) in [
        ("dump", &[shop, "-o", "shop.tar"][..]),
        ("dump", &[shop, "-o", "again.tar", "--progress", "json"]),
        ("load", &["nowhere", "missing.tar"]),
    ] {
        // Whatever is written to such a socket at once is a message of its own.
        let (ours, theirs) = UnixDatagram::pair().unwrap();
        ours.set_read_timeout(Some(Duration::from_millis(20))).unwrap();
        let mut command = Command::new(tools.folder().join(tool));
        command.args(arguments).current_dir(folder.path());
        let mut child = command.stderr(OwnedFd::from(theirs)).spawn().unwrap();
        let (mut messages, mut buffer) = (Vec::new(), vec![0; 1 << 16]);
        loop {
            // Read meanwhile: the socket has room for a few messages alone.
            let has_ended = child.try_wait().unwrap().is_some();
            match ours.recv(&mut buffer) {
                Ok(size) if size > 0 => messages.push(String::from_utf8(buffer[..size].to_vec()).unwrap()),
                _ if has_ended => break,
                _ => {}
            }
        }
        assert!(!messages.is_empty(), "{tool} {arguments:?}");
        assert!(messages.iter().all(|it| it.ends_with('\n')), "{messages:?}");
    }
}

#[test]
fn every_tool_tells_its_version() {
    for tool in TOOLS {
        let output = run(&format!("{tool} --version"));
        assert_eq!(
            output.assert_success().stdout_text(),
            format!("{tool} {}\n", env!("CARGO_PKG_VERSION"))
        );
    }
}

#[test]
fn words_that_mean_nothing_are_usage_errors() {
    for tool in TOOLS {
        run(&format!("{tool} --nonsense"))
            .assert_code(2)
            .assert_stderr_contains("--nonsense");
    }
    for (line, words) in [
        ("dump", "SOURCE"),
        ("load", "TARGET"),
        ("assess", "SOURCES"),
        ("verify", "--archive"),
        ("verify one", "TARGET"),
        ("remap-schema x.tar", "--to"),
        ("dump x --compress lz4", "lz4"),
        ("dump x --jobs 0", "--jobs"),
        ("dump x --quiet --verbose", "--quiet"),
        ("load x --privileges some", "some"),
        ("load --abandon x", "TARGET"),
        ("verify a b --to x --plan p.json", "--plan"),
        ("dump 'dbname=x colour=red'", "colour"),
        ("load nowhere missing.tar", "missing.tar"),
        ("remap-schema --to x missing.tar", "missing.tar"),
        ("remap-schema --map a:b archive.tar", "a:b"),
    ] {
        let output = run(line);
        output.assert_code(2).assert_stderr_contains(words);
        assert_eq!(output.stdout(), b"", "{output}");
    }
}

#[test]
fn manuals_and_completions_are_written() {
    for tool in TOOLS {
        let man = run(&format!("{tool} --generate-man"));
        let text = man.assert_success().stdout_text();
        for part in [
            format!(".TH {tool} 1"),
            ".SH OPTIONS".into(),
            "Exit status:".into(),
        ] {
            assert!(text.contains(&part), "no `{part}`\n{man}");
        }
        for (shell, check) in [
            ("bash", "bash -n"),
            ("zsh", "grep -q '#compdef'"),
            ("fish", "grep -q '^complete -c'"),
        ] {
            let output = run(&format!("{tool} --generate-completions {shell} | {check}"));
            output.assert_success();
            assert_eq!(output.stderr(), "", "{output}");
        }
        run(&format!("{tool} --generate-completions csh")).assert_code(2);
    }
}

#[test]
fn quiet_tools_say_nothing_when_all_is_well() {
    let desk = Desk::new();
    for line in [
        "dump -q \"$SOURCE\" | remap-schema -q --to here | load -q \"$TARGET\"",
        "verify -q \"$SOURCE\" \"$TARGET\" --to here",
        "assess -q \"$SOURCE\" --target \"$TARGET\" --plan plan.json",
        "dump --quiet \"$SOURCE\" --progress json -o archive.tar",
        "dump --quiet \"$SOURCE\" | head -c -1500 | load -q \"$OTHER\" 2>/dev/null; load -q --abandon public \"$OTHER\"",
    ] {
        let output = desk.run(line);
        assert_eq!(
            (output.code(), output.stderr().as_str()),
            (Some(0), ""),
            "{output}"
        );
    }
    let failed = desk.run("load -q \"$TARGET\" nowhere.tar");
    assert!(failed.stderr().starts_with("error: "), "{failed}");
}

#[test]
fn progress_can_be_read_by_programs() {
    let desk = Desk::new();
    for (line, tool) in [
        ("dump --progress json \"$SOURCE\" -o archive.tar", "dump"),
        (
            "remap-schema -q --to here archive.tar | load --progress json \"$TARGET\"",
            "load",
        ),
        (
            "verify --progress json \"$SOURCE\" \"$TARGET\" --to here",
            "verify",
        ),
    ] {
        let output = desk.run(line);
        let said = output.assert_success().stderr();
        let last = said
            .lines()
            .rfind(|it| it.starts_with('{') && it.contains("\"phase\":\"rows\""))
            .unwrap_or_else(|| panic!("no JSON\n{output}"));
        let progress: Value = serde_json::from_str(last).unwrap_or_else(|error| panic!("{error}\n{output}"));
        assert_eq!(
            (&progress["version"], &progress["tool"]),
            (&1.into(), &tool.into()),
            "{output}"
        );
        assert_eq!(progress["rows"], 40, "{output}");
        assert!(
            progress["bytes"].as_u64().unwrap() > 0
                && progress["seconds"].is_number()
                && progress["bytes_per_second"].as_u64().unwrap() > 0
                && progress["seconds_left"] == 0.0,
            "{output}"
        );
    }
}

#[test]
fn rows_in_a_servers_error_are_shown_on_request_only() {
    // Fault 49: DETAIL holds a row.
    let desk = Desk::new();
    let detailed = Cluster::shared().database("detail").unwrap();
    detailed
        .execute(
            "CREATE TABLE t (secret text CHECK (current_database() LIKE 'detail%'));
             INSERT INTO t VALUES ('The butler did it')",
        )
        .unwrap();
    for (flag, shown) in [("", false), ("--verbose", true)] {
        let line = format!(
            "dump \"{}\" | remap-schema --to t | load {flag} \"$TARGET\"",
            detailed.source()
        );
        let output = desk.run(&line);
        assert_eq!(output.stages().last(), Some(&5), "{output}");
        for part in [
            "t.t",
            "violates check constraint",
            "SQLSTATE 23514",
            "DETAIL: ",
            "nothing is live",
            "hint: ",
        ] {
            output.assert_stderr_contains(part);
        }
        assert_eq!(output.stderr().contains("The butler did it"), shown, "{output}");
        assert_eq!(output.stderr().contains("--verbose"), !shown, "{output}");
        desk.run("load --abandon t \"$TARGET\"").assert_success();
    }
}

#[test]
fn names_that_clash_are_listed() {
    let desk = Desk::new();
    let folder = desk.folder.path();
    let [mandible, sso] = [&MANDIBLE, &SSO].map(|it| it.database(Cluster::shared(), Scale::Small).unwrap());
    SHOP.create(folder, Scale::Small).unwrap();
    let sources = format!("\"{}\" \"{}\" shop.sqlite", mandible.source(), sso.source());
    let output = desk.run(&format!(
        "assess {sources} --format json --target \"$TARGET\" --plan plan.json"
    ));
    let report: Value = serde_json::from_slice(output.assert_success().stdout()).unwrap();
    assert_eq!((&report["version"], &report["ready"]), (&1.into(), &true.into()));
    assert_eq!(report["sources"].as_array().unwrap().len(), 3);
    assert_eq!(report["sources"][2]["server"]["kind"], "sqlite");
    let conflicts = report["conflicts"].as_array().unwrap();
    let names: Vec<&str> = conflicts
        .iter()
        .filter(|it| it["topic"] == "name" && it["severity"] == "resolved")
        .map(|it| it["text"].as_str().unwrap())
        .collect();
    let (one, other) = (mandible.name(), sso.name());
    for clash in [
        format!("table users in {one}, {other}"),
        format!("table audit_log in {one}, {other}"),
        format!("domain email in {one}, {other}"),
        format!("table products in {one}, shop.sqlite"),
    ] {
        assert!(names.contains(&clash.as_str()), "no `{clash}` in {names:#?}");
    }

    let text = desk.run(&format!("assess {sources} --target \"$TARGET\""));
    let shown = text.assert_success().stdout_text();
    for part in ["SOURCE", "CONFLICTS", "kept apart by schema", " Ready.\n"] {
        assert!(shown.contains(part), "no `{part}`\n{text}");
    }
    let plan: Value = serde_json::from_slice(&std::fs::read(folder.join("plan.json")).unwrap()).unwrap();
    assert_eq!(plan["sources"].as_array().unwrap().len(), 3, "{plan:#}");
    let planned = "dump shop.sqlite | remap-schema --plan plan.json --source shop | load \"$TARGET\"";
    desk.run(planned)
        .assert_success()
        .assert_stderr_contains("shop is live");
    desk.run(&format!("assess {sources} --plan plan.json"))
        .assert_code(2)
        .assert_stderr_contains("plan.json");
}

#[test]
fn a_schema_that_exists_blocks() {
    let desk = Desk::new();
    let assess = "assess \"$SOURCE\" --target \"$TARGET\"";
    desk.run(&format!("{assess} --ready")).assert_success();
    let schema = desk.source.name();
    let mut owner = desk.target.client(TARGET_OWNER).unwrap();
    owner
        .batch_execute(&format!(
            "CREATE SCHEMA {schema} CREATE TABLE theirs (id integer)"
        ))
        .unwrap();
    let blocked = desk.run(&format!("{assess} --ready"));
    let shown = blocked.assert_code(1).stdout_text();
    assert!(
        shown.contains(&format!("{schema}, planned for {schema}, exists on")),
        "{blocked}"
    );
    assert!(
        shown.contains("1 block, ") && shown.ends_with(" Not ready.\n"),
        "{blocked}"
    );
    desk.run(assess).assert_success();
    let report: Value =
        serde_json::from_slice(desk.run(&format!("{assess} --format json")).stdout()).unwrap();
    assert_eq!(report["ready"], false);
}

fn run(line: &str) -> Output {
    Tools::locate().pipeline(line)
}

/// A source of forty rows, two empty targets and a folder.
struct Desk {
    tools: Tools,
    source: Database<'static>,
    target: Database<'static>,
    other: Database<'static>,
    folder: tempfile::TempDir,
}

impl Desk {
    fn new() -> Self {
        let cluster = Cluster::shared();
        let source = cluster.database("frame").unwrap();
        source
            .execute("CREATE TABLE t AS SELECT n AS id, repeat(md5(n::text), 20) AS text FROM generate_series(1, 40) AS n")
            .unwrap();
        Desk {
            tools: Tools::locate(),
            source,
            target: cluster.target().unwrap(),
            other: cluster.target().unwrap(),
            folder: tempfile::tempdir().unwrap(),
        }
    }

    fn run(&self, line: &str) -> Output {
        self.tools
            .shell(line)
            .env("SOURCE", self.source.source())
            .env("TARGET", self.target.target())
            .env("OTHER", self.other.target())
            .current_dir(self.folder.path())
            .run()
    }
}
