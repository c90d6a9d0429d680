//! Runs one line through bash, as typed, with the exit code of every stage.

use std::ffi::OsString;
use std::io::{Read, Write};
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::{Duration, Instant};

use crate::output::Output;

const TIME_LIMIT: Duration = Duration::from_mins(1);

/// A shell line that has not run yet.
#[derive(Debug)]
#[must_use = "nothing runs before `run`"]
pub struct Shell {
    line: String,
    path: OsString,
    folder: Option<PathBuf>,
    variables: Vec<(OsString, OsString)>,
    stdin: Vec<u8>,
    time_limit: Duration,
}

impl Shell {
    pub(crate) fn new(line: &str, path: OsString) -> Self {
        let line = line.to_owned();
        Shell {
            line,
            path,
            folder: None,
            variables: Vec::new(),
            stdin: Vec::new(),
            time_limit: TIME_LIMIT,
        }
    }

    pub fn current_dir(mut self, folder: impl AsRef<Path>) -> Self {
        self.folder = Some(folder.as_ref().to_owned());
        self
    }

    pub fn env(mut self, name: impl Into<OsString>, value: impl Into<OsString>) -> Self {
        self.variables.push((name.into(), value.into()));
        self
    }

    /// What the line's first stage reads; nothing without it.
    pub fn stdin(mut self, bytes: impl Into<Vec<u8>>) -> Self {
        self.stdin = bytes.into();
        self
    }

    /// After this time every process of the line is killed; 60 seconds without it.
    pub fn time_limit(mut self, limit: Duration) -> Self {
        self.time_limit = limit;
        self
    }

    /// Runs the line to its end. Panics when bash cannot be run: the codes of the stages come from it, and
    /// without them a failure early in a pipeline would pass for success.
    pub fn run(self) -> Output {
        let stages_file = match tempfile::NamedTempFile::new() {
            Ok(file) => file,
            Err(error) => panic!("cannot make a file for exit codes: {error}"),
        };
        let begin = Instant::now();
        let mut child = match self.command(stages_file.path()).spawn() {
            Ok(child) => child,
            Err(error) => panic!("cannot run bash for `{}`: {error}", self.line),
        };
        let stdin = child.stdin.take();
        let bytes = self.stdin;
        // A stage that ends without reading all its input closes the pipe; that is its right.
        let writer = thread::spawn(move || stdin.map(|mut it| it.write_all(&bytes)));
        let stdout = drain(child.stdout.take());
        let stderr = drain(child.stderr.take());
        let (code, timed_out) = wait(&mut child, begin + self.time_limit);
        let (Some(stdout), Some(stderr)) = (drained(&stdout), drained(&stderr)) else {
            panic!("what `{}` started keeps an output open, after its end", self.line);
        };
        drop(writer.join());
        let codes = std::fs::read_to_string(stages_file.path()).unwrap_or_default();
        let stages = codes
            .split_whitespace()
            .filter_map(|it| it.parse().ok())
            .collect();
        Output {
            line: self.line,
            code,
            stages,
            stdout,
            stderr,
            elapsed: begin.elapsed(),
            timed_out,
        }
    }

    fn command(&self, stages_file: &Path) -> Command {
        let script = format!(
            "set -o pipefail\n{}\ncode=$? stages=\"${{PIPESTATUS[*]}}\"\n\
             printf '%s\\n' \"$stages\" >\"$0\"\nexit \"$code\"\n",
            self.line
        );
        // A session of its own has no terminal: whoever runs the tests at one is asked for no password.
        let mut command = if has_setsid() {
            let mut command = Command::new("setsid");
            command.arg("bash");
            command
        } else {
            let mut command = Command::new("bash");
            command.process_group(0);
            command
        };
        command
            .args(["--noprofile", "--norc", "-c", &script])
            .arg(stages_file);
        command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        for (name, _) in std::env::vars_os() {
            // The surroundings of whoever runs the tests must not decide which server is reached.
            if name.to_string_lossy().starts_with("PG") {
                command.env_remove(name);
            }
        }
        command
            .env("PATH", &self.path)
            .envs(self.variables.iter().map(|(name, value)| (name, value)));
        if let Some(folder) = &self.folder {
            command.current_dir(folder);
        }
        command
    }
}

/// Whether util-linux is here; a new session is a group of its own too, so that all stages can be killed at once.
fn has_setsid() -> bool {
    static FOUND: OnceLock<bool> = OnceLock::new();
    *FOUND.get_or_init(|| {
        Command::new("setsid")
            .arg("true")
            .status()
            .is_ok_and(|it| it.success())
    })
}

/// Everything that comes from `stream`, read on a thread of its own.
fn drain(stream: Option<impl Read + Send + 'static>) -> Receiver<Vec<u8>> {
    let (sender, receiver) = channel();
    thread::spawn(move || {
        let mut bytes = Vec::new();
        if let Some(mut stream) = stream {
            let _ = stream.read_to_end(&mut bytes);
        }
        let _ = sender.send(bytes);
    });
    receiver
}

/// What was read until every process had closed its end; `None` when one never does.
fn drained(stream: &Receiver<Vec<u8>>) -> Option<Vec<u8>> {
    stream.recv_timeout(TIME_LIMIT).ok()
}

/// The exit code and whether `deadline` was hit.
fn wait(child: &mut Child, deadline: Instant) -> (Option<i32>, bool) {
    loop {
        match child.try_wait() {
            Ok(Some(status)) => return (status.code().or(status.signal().map(|it| 128 + it)), false),
            Ok(None) if Instant::now() < deadline => thread::sleep(Duration::from_millis(5)),
            Ok(None) | Err(_) => {
                let kill = format!("kill -KILL -- -{}", child.id());
                let _ = Command::new("bash").args(["-c", &kill]).status();
                let _ = child.wait();
                return (None, true);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shell(line: &str) -> Shell {
        Shell::new(line, std::env::var_os("PATH").unwrap_or_default())
    }

    #[track_caller]
    fn check(line: &str, code: i32, stages: &[i32]) {
        shell(line).run().assert_code(code).assert_stages(stages);
    }

    #[test]
    fn every_stage_shows_its_exit_code() {
        check("true", 0, &[0]);
        check("true | (exit 3) | true", 3, &[0, 3, 0]);
        check("(exit 4) | (exit 5)", 5, &[4, 5]);
        check("sh -c 'kill -9 $$' | cat", 137, &[137, 0]);
    }

    #[test]
    fn a_failure_in_the_middle_is_no_success() {
        assert!(shell("true | true").run().success());
        assert!(!shell("true | false | true").run().success());
    }

    #[test]
    fn a_line_that_never_ends_is_killed_with_all_its_stages() {
        let output = shell("sleep 600 | sleep 600")
            .time_limit(Duration::from_millis(200))
            .run();
        assert!(
            output.timed_out() && output.elapsed() < Duration::from_secs(20),
            "{output}"
        );
    }

    #[test]
    fn stdin_variables_and_folder_reach_the_line() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("here"), "").unwrap();
        let line = "cat; echo \"$GREETING\"; ls; echo \"[$PGHOST]\"; echo sorrow >&2";
        let output = shell(line)
            .stdin("in ")
            .env("GREETING", "hello")
            .current_dir(folder.path())
            .run();
        assert_eq!(output.assert_success().stdout_text(), "in hello\nhere\n[]\n");
        assert_eq!(output.stderr(), "sorrow\n");
    }

    #[test]
    fn input_larger_than_a_pipe_does_not_block() {
        let output = shell("head -c 5").stdin(vec![b'x'; 10_000_000]).run();
        assert_eq!(output.assert_success().stdout(), b"xxxxx");
    }
}
