//! What can go wrong between us and a database.

use std::fmt;

use postgres::error::{DbError, SqlState};

/// A failure to reach, read or understand a database.
///
/// `Display` describes the step that failed and its object; [`std::error::Error::source`] holds the cause,
/// [`Error::hint`] what the user can do.
#[derive(Debug)]
pub struct Error {
    kind: ErrorKind,
    message: String,
    hint: Option<String>,
    names: Vec<String>,
    source: Option<Box<dyn std::error::Error + Send + Sync>>,
}

/// Kinds that a caller may tell apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The words that name the endpoint cannot be used.
    Endpoint,
    /// What was chosen of a database cannot be read as it was asked for.
    Selection,
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

/// What helps where a standby has ended a session that was in the way of what its primary sends.
pub(crate) const GAVE_WAY: &str = "the standby gave way to its primary, which removed or locked what was being read: set \
    hot_standby_feedback = on, allow more by max_standby_streaming_delay, or read from the primary";

fn has_state(source: &(dyn std::error::Error + 'static), state: &SqlState) -> bool {
    let mut cause = Some(source);
    while let Some(error) = cause {
        let answer = error.downcast_ref::<DbError>();
        if answer.is_some_and(|it| it.code() == state) {
            return true;
        }
        cause = error.source();
    }
    false
}

/// The result of everything in this crate.
pub type Result<T> = std::result::Result<T, Error>;

impl Error {
    pub fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Error {
            kind,
            message: message.into(),
            hint: None,
            names: Vec::new(),
            source: None,
        }
    }

    #[must_use]
    pub fn with_hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// All that the failure is about, of which the message may spell out the first only.
    #[must_use]
    pub fn with_names(mut self, names: Vec<String>) -> Self {
        self.names = names;
        self
    }

    #[must_use]
    pub fn with_source(mut self, source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        let source = source.into();
        // Nothing else gives this SQLSTATE to a transaction that only reads ("Hot Standby" in the manual).
        if self.hint.is_none() && has_state(&*source, &SqlState::T_R_SERIALIZATION_FAILURE) {
            self.hint = Some(GAVE_WAY.to_owned());
        }
        self.source = Some(source);
        self
    }

    /// Whether a server gave this SQLSTATE.
    pub(crate) fn has_state(&self, state: &SqlState) -> bool {
        self.source.as_deref().is_some_and(|it| has_state(it, state))
    }

    pub fn kind(&self) -> ErrorKind {
        self.kind
    }

    pub fn hint(&self) -> Option<&str> {
        self.hint.as_deref()
    }

    /// What [`Error::with_names`] was given, for those who want to see all of it.
    pub fn names(&self) -> &[String] {
        &self.names
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
