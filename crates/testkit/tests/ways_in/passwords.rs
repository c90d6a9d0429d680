//! Passwords from a file, and from a person at a terminal.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;

use testkit::{Output, Skipped};

use crate::Lab;

#[test]
fn a_password_file_that_others_can_read_is_ignored_with_a_warning() {
    // Fault 49.
    let (lab, home) = (Lab::shared(), tempfile::tempdir().unwrap());
    let file = home.path().join(".pgpass");
    let line = format!(
        "other:*:*:*:wrong\ndb.test:{}:twin:locked:Sesame-right\n",
        lab.port
    );
    fs::write(&file, line).unwrap();
    let words = format!("{} user=locked sslmode=disable", lab.over_tcp("db.test"));
    for (mode, code, text) in [
        (0o644, 4, "is ignored: group or others have access to it"),
        (0o644, 4, "the server asks for a password, and none was found"),
        (0o600, 0, "fingerprint"),
    ] {
        fs::set_permissions(&file, Permissions::from_mode(mode)).unwrap();
        let output = dump(lab, &words, home.path());
        output.assert_code(code).assert_stderr_contains(text);
        assert!(!output.stderr().contains("Sesame"), "{output}");
    }
}

#[test]
fn a_person_at_the_terminal_is_asked_once() {
    // Fault 49.
    if !has_script() {
        return;
    }
    let lab = Lab::shared();
    let words = format!("{} user=locked sslmode=disable", lab.over_tcp("db.test"));
    let question = "Password for user locked on database twin at db.test (127.0.0.1), port";
    // Sessions, and pg_dump, all by one answer; stdin and stdout are no terminal.
    check_typed(
        lab,
        "dump --jobs 3 \"$SOURCE\" </dev/null | wc -c >count",
        &words,
        &["Sesame-right"],
        0,
        &[question, "fingerprint"],
    );
    check_typed(
        lab,
        "dump \"$SOURCE\" | wc -c",
        &words,
        &["Sesame-wrong"],
        4,
        &["authentication failed", "that was typed in"],
    );
    check_typed(
        lab,
        "dump \"$SOURCE\" | wc -c",
        &words,
        &[""],
        4,
        &["asks for a password, and none was found"],
    );
    // Both at once, and yet one after the other.
    let twice = "dump \"$SOURCE\" | wc -c & dump \"$SOURCE\" | wc -c; wait $!";
    check_typed(
        lab,
        twice,
        &words,
        &["Sesame-right", "Sesame-right"],
        0,
        &[question, "fingerprint"],
    );
    check_typed(
        lab,
        "dump \"$SOURCE\" | wc -c",
        &words,
        &["\x03"],
        130,
        &["interrupted"],
    );
}

#[test]
fn a_signal_at_the_question_leaves_the_terminal_as_it_was() {
    if !has_script() {
        return;
    }
    let (lab, folder) = (Lab::shared(), tempfile::tempdir().unwrap());
    // A second signal does not wait for anybody's answer.
    let line = "dump \"$SOURCE\" >/dev/null & \
        until grep -aq 'Password for' typescript; do sleep 0.02; done; sleep 0.1; stty -a; \
        kill -TERM $!; sleep 0.2; kill -TERM $!; wait $!; echo \"code $?\"; stty -a";
    let output = lab
        .shell("sleep 3 | script -qefc \"$LINE\" typescript >/dev/null")
        .env("LINE", line)
        .env("SHELL", "/bin/bash")
        .env(
            "SOURCE",
            format!("{} user=locked sslmode=disable", lab.over_tcp("db.test")),
        )
        .current_dir(folder.path())
        .run();
    let seen = String::from_utf8_lossy(&fs::read(folder.path().join("typescript")).unwrap()).into_owned();
    let (asking, ended) = seen
        .split_once("code 143")
        .unwrap_or_else(|| panic!("{seen}\n{output}"));
    let words = |text: &str| text.split_whitespace().map(str::to_owned).collect::<Vec<_>>();
    assert!(words(asking).contains(&"-echo".to_owned()), "{seen}");
    assert!(words(ended).contains(&"echo".to_owned()), "{seen}");
    assert!(words(ended).contains(&"isig".to_owned()), "{seen}");
}

#[test]
fn nobody_is_asked_without_a_terminal() {
    let lab = Lab::shared();
    let words = format!("{} user=locked sslmode=disable", lab.over_tcp("db.test"));
    let output = dump(lab, &words, &lab.home);
    output.assert_code(4).assert_stderr_contains("none was found");
    let hint = format!("db.test:{}:twin:locked:PASSWORD into ~/.pgpass", lab.port);
    output.assert_stderr_contains(&hint);
}

/// Whether there is what makes a terminal.
fn has_script() -> bool {
    let script = Command::new("script").arg("--version").output();
    let has = script.is_ok_and(|it| it.stdout.starts_with(b"script from util-linux"));
    if !has {
        let _ = Skipped::because("`script` of util-linux, which makes a terminal, is not installed");
    }
    has
}

fn dump(lab: &Lab, words: &str, home: &Path) -> Output {
    lab.shell("dump \"$SOURCE\" | wc -c")
        .env("SOURCE", words)
        .env("HOME", home)
        .run()
}

/// Runs `line` on a terminal of its own and types an answer whenever it is asked. No answer may be seen there.
#[track_caller]
fn check_typed(lab: &Lab, line: &str, words: &str, answers: &[&str], code: i32, texts: &[&str]) {
    let folder = tempfile::tempdir().unwrap();
    let typing: Vec<String> = answers
        .iter()
        .enumerate()
        .map(|(place, answer)| {
            let asked = place + 1;
            format!(
                "until [ \"$(grep -ao 'Password for' typescript | wc -l)\" -ge {asked} ]; do sleep 0.02; done; \
                 sleep 0.1; printf '%s\\r' '{answer}'"
            )
        })
        .collect();
    let typing = typing.join("; ");
    let script = format!("{{ {typing}; }} | script -qefc \"$LINE\" typescript >/dev/null");
    let shell = lab.shell(&script).env("LINE", format!("set -o pipefail; {line}"));
    let shell = shell.env("SHELL", "/bin/bash").env("SOURCE", words);
    let output = shell.current_dir(folder.path()).run();
    let seen = fs::read(folder.path().join("typescript")).unwrap();
    let seen = String::from_utf8_lossy(&seen);
    assert_eq!(output.code(), Some(code), "{seen}\n{output}");
    for text in texts {
        assert!(seen.contains(text), "expected `{text}`\n{seen}");
    }
    assert!(!seen.contains("Sesame"), "{seen}");
    let asked = seen.matches("Password for").count();
    assert_eq!(asked, answers.len(), "{seen}");
}
