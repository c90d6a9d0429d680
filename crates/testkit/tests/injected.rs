//! Every system call by which a tool writes fails: once, and from then on for good. Whatever it was that failed, there
//! is a whole file under the final name, or none, the exit code tells which, and the same line works afterwards.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking, its helpers too")]
#![allow(clippy::print_stdout, reason = "a test says what it counted")]

use std::path::Path;

use testkit::{Desk, Skipped};

/// System calls that write, keep and name files.
const CALLS: [&str; 3] = ["write", "fsync", "renameat2"];

/// More calls of one kind than any of the lines makes.
const CALLS_MAX: usize = 40;

/// A line that writes to a place, and one that says whether what is there is whole.
struct Case {
    line: &'static str,
    place: &'static str,
    judge: &'static str,
    /// Whether a part may be there: nobody can take back what a shell opened.
    may_be_part: bool,
}

const fn case(line: &'static str, place: &'static str, judge: &'static str) -> Case {
    Case {
        line,
        place,
        judge,
        may_be_part: false,
    }
}

const CASES: [Case; 6] = [
    case(
        "dump --quiet few.sqlite -o out.tar",
        "out.tar",
        "verify --archive out.tar",
    ),
    case("dump --quiet few.sqlite -o out/", "out", "verify --archive out/"),
    case(
        "dump --quiet few.sqlite -o old.tar --force",
        "old.tar",
        "verify --archive old.tar",
    ),
    case(
        "remap-schema --quiet --to x source.tar -o out.tar",
        "out.tar",
        "verify --archive out.tar",
    ),
    case(
        "remap-schema --quiet --to x source.tar --report out.json >/dev/null",
        "out.json",
        "grep -q '^}' out.json",
    ),
    Case {
        may_be_part: true,
        ..case(
            "dump --quiet few.sqlite >out.tar",
            "out.tar",
            "verify --archive out.tar",
        )
    },
];

#[test]
fn whatever_call_fails_there_is_a_whole_file_or_none() {
    // Fault 13.
    let desk = Desk::shared();
    if !desk
        .run("strace -f -qqq -o /dev/null -e inject=fsync:error=EIO:when=1 true")
        .success()
    {
        let _ =
            Skipped::because("`strace`, which makes system calls fail, is not installed or may not trace");
        return;
    }
    rusqlite::Connection::open(desk.path("few.sqlite"))
        .unwrap()
        .execute_batch("CREATE TABLE t (id INTEGER PRIMARY KEY, text TEXT); INSERT INTO t VALUES (1, 'one')")
        .unwrap();
    for name in ["source.tar", "old.tar"] {
        desk.run(&format!("dump --quiet few.sqlite -o {name}"))
            .assert_success();
    }
    let mut failed = 0;
    for case in &CASES {
        for call in CALLS {
            for until in ["", "+"] {
                let calls = (1..CALLS_MAX).find(|at| {
                    let is_over = check(&desk, case, call, &format!("{at}{until}"));
                    failed += usize::from(!is_over);
                    is_over
                });
                assert!(calls.is_some(), "{}: always another {call}", case.line);
            }
        }
    }
    println!("{failed} runs with a call that failed");
    assert!(failed > 25, "{failed} runs with a call that failed");
}

/// Runs a line with those calls failing that `when` names; true when there was none of them any more.
fn check(desk: &Desk, case: &Case, call: &str, when: &str) -> bool {
    let before = std::fs::read(desk.path(case.place)).ok();
    let (trace, error) = (desk.path("trace"), if call == "write" { "ENOSPC" } else { "EIO" });
    let output = desk.run(&format!(
        "strace -f -qqq -o trace -e trace={call} -e inject={call}:error={error}:when={when} {}",
        case.line
    ));
    let is_over = !std::fs::read_to_string(&trace).unwrap().contains("(INJECTED)");
    let context = format!("{call} {when}: {output}");
    let judge = || desk.run(case.judge).success();
    let is_there = desk.path(case.place).exists();
    if output.success() {
        // What failed was a message, or what only tidies up.
        assert!(is_there && judge(), "{context}");
    } else {
        output.assert_code(5);
        let after = std::fs::read(desk.path(case.place)).ok();
        let is_whole = is_there && judge();
        assert!(after == before || is_whole || case.may_be_part, "{context}");
    }
    let left: Vec<_> = temporary(desk.folder());
    assert!(left.is_empty(), "{left:?}\n{context}");
    // The next one finds what this line found.
    if case.place != "old.tar" {
        let _ = std::fs::remove_file(desk.path(case.place));
        let _ = std::fs::remove_dir_all(desk.path(case.place));
    }
    is_over
}

fn temporary(folder: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(folder).unwrap();
    let names = entries.map(|it| it.unwrap().file_name().into_string().unwrap());
    names.filter(|it| it.starts_with(".coalesce-")).collect()
}
