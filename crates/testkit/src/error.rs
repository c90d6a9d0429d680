//! What can go wrong before a test has begun.

use std::fmt;

/// A failure to prepare what a test needs. `Display` names the step and its object, the cause stands in
/// [`std::error::Error::source`].
#[derive(Debug)]
pub struct Error {
    kind: ErrorKind,
    message: String,
    source: Option<Box<dyn std::error::Error + Send + Sync>>,
}

/// Kinds that a caller may tell apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ErrorKind {
    /// No usable PostgreSQL is installed; the message names the command that installs it.
    PostgresMissing,
    /// A server did not start.
    Start,
    /// A session could not be opened, or a statement failed.
    Sql,
    /// A program could not be run, or failed.
    Program,
    /// A file could not be read or written.
    File,
}

/// The result of everything in this crate.
pub type Result<T> = std::result::Result<T, Error>;

impl Error {
    pub(crate) fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Error {
            kind,
            message: message.into(),
            source: None,
        }
    }

    /// For `map_err`: `message` describes the step, the error passed on is its cause.
    pub(crate) fn caused<E>(kind: ErrorKind, message: impl Into<String>) -> impl FnOnce(E) -> Error
    where
        E: Into<Box<dyn std::error::Error + Send + Sync>>,
    {
        let message = message.into();
        move |cause| Error {
            kind,
            message,
            source: Some(cause.into()),
        }
    }

    pub fn kind(&self) -> ErrorKind {
        self.kind
    }

    /// The error and its causes, in one line.
    pub fn chain(&self) -> String {
        let mut line = self.to_string();
        let mut cause = std::error::Error::source(self);
        while let Some(it) = cause {
            line.push_str(": ");
            line.push_str(&it.to_string());
            cause = it.source();
        }
        line
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.source
            .as_deref()
            .map(|it| it as &(dyn std::error::Error + 'static))
    }
}
