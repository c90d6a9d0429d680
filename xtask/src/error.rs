//! Why a chore failed.

use std::fmt;

/// A chore that did not end well.
#[derive(Debug)]
#[non_exhaustive]
pub(crate) enum Error {
    /// A program could not be started.
    Run {
        line: String,
        cause: std::io::Error,
    },
    /// A program ended badly; it has said why itself.
    Step {
        line: String,
    },
    /// A program did not end in time; it has been ended.
    Endless {
        line: String,
        limit: std::time::Duration,
    },
    /// A file or folder could not be read or written.
    File {
        path: String,
        cause: std::io::Error,
    },
    /// What `cargo metadata` says cannot be understood.
    Metadata(serde_json::Error),
    Testkit(testkit::Error),
    /// Places that break an invariant; they have been printed.
    Findings(usize),
    /// Tests skipped under `--strict`.
    Skipped(usize),
    /// Pairs of versions that failed; they have been printed.
    Pairs(usize),
    /// Pairs of versions skipped under `--strict`.
    SkippedPairs(usize),
    /// Pages with findings; they have been printed.
    Pages(usize),
    /// What the demonstration proves did not hold.
    Differs(String),
}

pub(crate) type Result<T> = std::result::Result<T, Error>;

impl Error {
    pub(crate) fn file(path: &std::path::Path) -> impl FnOnce(std::io::Error) -> Error {
        let path = path.display().to_string();
        move |cause| Error::File { path, cause }
    }

    /// The error and its causes, in one line.
    pub(crate) fn chain(&self) -> String {
        match self {
            Error::Testkit(error) => error.chain(),
            Error::Run { cause, .. } | Error::File { cause, .. } => format!("{self}: {cause}"),
            Error::Metadata(cause) => format!("{self}: {cause}"),
            _ => self.to_string(),
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Error::Endless { line, limit } => {
                let minutes = limit.as_secs() / 60;
                write!(
                    f,
                    "`{line}` did not end within {minutes} minutes; what ran then is shown above"
                )
            }
            Error::Run { line, .. } => write!(f, "cannot run `{line}`"),
            Error::Step { line } => write!(f, "`{line}` failed"),
            Error::File { path, .. } => write!(f, "cannot read or write {path}"),
            Error::Metadata(_) => write!(f, "cannot understand `cargo metadata`"),
            Error::Testkit(error) => write!(f, "{error}"),
            Error::Findings(count) => write!(f, "{count} invariants are broken"),
            Error::Skipped(count) => write!(f, "{count} tests were skipped, and --strict forbids that"),
            Error::Pairs(count) => write!(f, "{count} pairs of versions failed"),
            Error::SkippedPairs(count) => write!(f, "{count} pairs were skipped, and --strict forbids that"),
            Error::Pages(count) => write!(f, "{count} checks in the browser failed"),
            Error::Differs(what) => write!(f, "{what}"),
        }
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Error::Run { cause, .. } | Error::File { cause, .. } => Some(cause),
            Error::Metadata(cause) => Some(cause),
            Error::Testkit(cause) => Some(cause),
            _ => None,
        }
    }
}

impl From<testkit::Error> for Error {
    fn from(error: testkit::Error) -> Self {
        Error::Testkit(error)
    }
}
