//! Exit codes, one list for all tools; `docs/exit-codes.md` and every `--help` show it.

/// How a tool ends when nothing failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    Done,
    /// The tool did its work, and what it found is not what was hoped for.
    Findings,
}

/// Why a tool ends with the code that it ends with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Exit {
    Done = 0,
    Findings = 1,
    Usage = 2,
    OutputClosed = 3,
    Source = 4,
    Target = 5,
    Archive = 6,
    Internal = 70,
    Interrupted = 130,
    Terminated = 143,
}

impl From<Outcome> for Exit {
    fn from(outcome: Outcome) -> Self {
        match outcome {
            Outcome::Done => Exit::Done,
            Outcome::Findings => Exit::Findings,
        }
    }
}

/// Text for `after_help`: the tool's examples, then the exit codes, `findings` saying what 1 means here.
#[must_use]
pub fn after_help(examples: &str, findings: Option<&str>) -> String {
    let findings = findings.map_or(String::new(), |it| format!("\n   1  {it}"));
    format!(
        "Examples:\n{examples}\n\nExit status:\n   0  done{findings}\n   2  usage\n   3  output closed\n   \
         4  source failed\n   5  target failed\n   6  archive damaged\n  70  internal error\n 130  interrupted \
         (Ctrl-C)\n 143  terminated"
    )
}
