//! What a shell line left behind.

use std::fmt;
use std::time::Duration;

/// Exit codes, both streams and the time of one line. Shown with `Display` it tells everything.
#[derive(Debug)]
pub struct Output {
    pub(crate) line: String,
    pub(crate) code: Option<i32>,
    pub(crate) stages: Vec<i32>,
    pub(crate) stdout: Vec<u8>,
    pub(crate) stderr: Vec<u8>,
    pub(crate) elapsed: Duration,
    pub(crate) timed_out: bool,
}

impl Output {
    /// The line's exit code under `pipefail`: that of the last stage that failed, or 0.
    /// `None` when the shell itself was killed.
    pub fn code(&self) -> Option<i32> {
        self.code
    }

    /// The exit code of every stage of the line's last pipeline; 128 and the signal's number for a killed one.
    pub fn stages(&self) -> &[i32] {
        &self.stages
    }

    pub fn stdout(&self) -> &[u8] {
        &self.stdout
    }

    pub fn stdout_text(&self) -> String {
        String::from_utf8_lossy(&self.stdout).into_owned()
    }

    /// What all stages wrote to stderr.
    pub fn stderr(&self) -> String {
        String::from_utf8_lossy(&self.stderr).into_owned()
    }

    pub fn elapsed(&self) -> Duration {
        self.elapsed
    }

    /// Whether the line was killed because it ran too long.
    pub fn timed_out(&self) -> bool {
        self.timed_out
    }

    pub fn success(&self) -> bool {
        !self.timed_out && self.code == Some(0) && self.stages.iter().all(|it| *it == 0)
    }

    /// Panics with everything known unless every stage ended with 0.
    #[track_caller]
    pub fn assert_success(&self) -> &Self {
        assert!(self.success(), "{self}");
        self
    }

    /// Panics with everything known unless the line ended with `code`.
    #[track_caller]
    pub fn assert_code(&self, code: i32) -> &Self {
        assert!(
            !self.timed_out && self.code == Some(code),
            "expected exit code {code}\n{self}"
        );
        self
    }

    /// Panics with everything known unless the stages ended with exactly `codes`.
    #[track_caller]
    pub fn assert_stages(&self, codes: &[i32]) -> &Self {
        assert!(
            !self.timed_out && self.stages == codes,
            "expected stages {codes:?}\n{self}"
        );
        self
    }

    /// Panics with everything known unless stderr contains `text`.
    #[track_caller]
    pub fn assert_stderr_contains(&self, text: &str) -> &Self {
        assert!(
            self.stderr().contains(text),
            "expected `{text}` on stderr\n{self}"
        );
        self
    }
}

impl fmt::Display for Output {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "$ {}", self.line)?;
        let end = if self.timed_out {
            "killed at the time limit"
        } else {
            "ended"
        };
        let (code, stages, elapsed) = (self.code, &self.stages, self.elapsed);
        writeln!(f, "{end} after {elapsed:.1?}, code {code:?}, stages {stages:?}")?;
        writeln!(f, "--- stdout ---\n{}", String::from_utf8_lossy(&self.stdout))?;
        write!(f, "--- stderr ---\n{}", self.stderr())
    }
}
