//! What can go wrong between us and a database.

use std::fmt;

/// A failure to reach, read or understand a database.
///
/// `Display` describes the step that failed and its object; [`std::error::Error::source`] holds the cause,
/// [`Error::hint`] what the user can do.
#[derive(Debug)]
pub struct Error {
    kind: ErrorKind,
    message: String,
    hint: Option<String>,
    source: Option<Box<dyn std::error::Error + Send + Sync>>,
}

/// Kinds that a caller may tell apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The words that name the endpoint cannot be used.
    Endpoint,
    /// No session could be opened.
    Connect,
    /// A statement or a row stream failed.
    Query,
    /// A program of PostgreSQL's (`pg_dump`, `pg_restore`) is missing or failed.
    Program,
    /// The source holds something that cannot be moved truthfully.
    Unsupported,
    /// A file cannot be read, or is no database.
    File,
}

/// The result of everything in this crate.
pub type Result<T> = std::result::Result<T, Error>;

impl Error {
    pub fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Error {
            kind,
            message: message.into(),
            hint: None,
            source: None,
        }
    }

    #[must_use]
    pub fn with_hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    #[must_use]
    pub fn with_source(mut self, source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        self.source = Some(source.into());
        self
    }

    pub fn kind(&self) -> ErrorKind {
        self.kind
    }

    pub fn hint(&self) -> Option<&str> {
        self.hint.as_deref()
    }

    /// For `map_err`: a failed statement, described by what it was for.
    pub fn query<E>(message: impl Into<String>) -> impl FnOnce(E) -> Error
    where
        E: Into<Box<dyn std::error::Error + Send + Sync>>,
    {
        let message = message.into();
        move |source| Error::new(ErrorKind::Query, message).with_source(source)
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
