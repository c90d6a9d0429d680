//! The one error type of the tools: what failed on which object, the state that is left, and the way out.

use std::error::Error;
use std::fmt::Display;

use archive::ErrorKind as ArchiveErrorKind;
use postgres::error::{DbError, SqlState};

use crate::not_written::{Left, NotWritten};
use crate::{Exit, Outcome};

pub type Result<T = Outcome> = std::result::Result<T, Failure>;

/// A failed run.
#[derive(Debug)]
pub struct Failure {
    pub(crate) exit: Exit,
    pub(crate) message: String,
    pub(crate) left: Vec<String>,
    pub(crate) hint: Option<String>,
    pub(crate) source: Option<Box<dyn Error + Send + Sync>>,
}

impl Failure {
    pub fn new(exit: Exit, message: impl Display) -> Self {
        Failure {
            exit,
            message: message.to_string(),
            left: Vec::new(),
            hint: None,
            source: None,
        }
    }

    pub fn usage(message: impl Display) -> Self {
        Failure::new(Exit::Usage, message)
    }

    /// A signal has asked the tool to end.
    pub fn interrupted() -> Self {
        Failure::new(Exit::Interrupted, "interrupted")
    }

    /// A source that could not be read.
    pub fn source(error: database::Error) -> Self {
        Failure::database(Exit::Source, error)
    }

    /// A target that could not be read or written.
    pub fn target(error: database::Error) -> Self {
        Failure::database(Exit::Target, error)
    }

    fn database(exit: Exit, error: database::Error) -> Self {
        let exit = match error.kind() {
            database::ErrorKind::Endpoint | database::ErrorKind::Selection => Exit::Usage,
            _ => exit,
        };
        let hint = error.hint().map(str::to_owned);
        Failure {
            exit,
            message: error.to_string(),
            left: Vec::new(),
            hint,
            source: Some(Box::new(error)),
        }
    }

    /// An archive that could not be read or written.
    pub fn archive(error: archive::Error) -> Self {
        let (exit, hint) = match error.kind() {
            ArchiveErrorKind::Write(cause) if is_closed(cause) => (Exit::OutputClosed, None),
            ArchiveErrorKind::Write(cause) => (Exit::Target, NotWritten::find(cause).map(Left::hint)),
            ArchiveErrorKind::Read(_) => (Exit::Source, None),
            ArchiveErrorKind::Truncated => (
                Exit::Archive,
                Some("the tool that wrote it did not finish; its own message says why"),
            ),
            ArchiveErrorKind::NotAnArchive => (
                Exit::Archive,
                Some("`dump SOURCE` makes one; a tool that failed before this one says why itself"),
            ),
            ArchiveErrorKind::Version { .. } | ArchiveErrorKind::Feature(_) => {
                (Exit::Archive, Some("install a newer version of Coalesce"))
            }
            _ => (
                Exit::Archive,
                Some("make the archive again; `verify --archive FILE` says what is intact"),
            ),
        };
        let message = error.to_string();
        Failure {
            exit,
            message,
            left: Vec::new(),
            hint: hint.map(str::to_owned),
            source: Some(Box::new(error)),
        }
    }

    #[must_use]
    pub fn with_source(mut self, source: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        self.source = Some(source.into());
        self
    }

    #[must_use]
    pub fn with_hint(mut self, hint: impl Display) -> Self {
        self.hint = Some(hint.to_string());
        self
    }

    /// Adds a sentence on the state that is left.
    #[must_use]
    pub fn with_state(mut self, state: impl Display) -> Self {
        self.left.push(state.to_string());
        self
    }

    /// Adds a way out behind the hint that is there already.
    #[must_use]
    pub fn with_way_out(mut self, way: impl Display) -> Self {
        self.hint = Some(match self.hint {
            Some(hint) => format!("{hint}; {way}"),
            None => way.to_string(),
        });
        self
    }

    pub fn exit(&self) -> Exit {
        self.exit
    }

    /// Whether a server, a database or a role has no connection left (SQLSTATE 53300).
    pub fn is_too_many_connections(&self) -> bool {
        self.has_state_among(&[SqlState::TOO_MANY_CONNECTIONS])
    }

    /// Whether a server ended a statement that waited for a lock (SQLSTATE 40P01, 55P03).
    pub fn is_lock_conflict(&self) -> bool {
        self.has_state_among(&[SqlState::T_R_DEADLOCK_DETECTED, SqlState::LOCK_NOT_AVAILABLE])
    }

    /// Whether the session has gone: ended by an administrator or with its server (SQLSTATE class 57P0, 08), or the
    /// connection is closed.
    pub fn is_lost_session(&self) -> bool {
        const STATES: [SqlState; 6] = [
            SqlState::ADMIN_SHUTDOWN,
            SqlState::CRASH_SHUTDOWN,
            SqlState::CANNOT_CONNECT_NOW,
            SqlState::CONNECTION_EXCEPTION,
            SqlState::CONNECTION_DOES_NOT_EXIST,
            SqlState::CONNECTION_FAILURE,
        ];
        self.has_state_among(&STATES)
            || self.causes_of().any(|cause| {
                let closed = |it: &postgres::Error| it.is_closed();
                match cause.downcast_ref::<std::io::Error>() {
                    Some(error) => {
                        let inner = error.get_ref().and_then(|it| it.downcast_ref());
                        inner.is_some_and(closed) || is_lost_connection(error)
                    }
                    None => cause.downcast_ref().is_some_and(closed),
                }
            })
    }

    /// Whether a session that could not be opened may be opened soon: no server listens, it is starting or stopping, or
    /// has no connection left.
    pub fn may_pass(&self) -> bool {
        self.server_error().is_none() || self.is_lost_session() || self.is_too_many_connections()
    }

    /// The message with its causes, in one line.
    pub fn causes(&self) -> String {
        let mut words = vec![self.message.clone()];
        for text in self.causes_of().map(ToString::to_string) {
            if words.last() != Some(&text) {
                words.push(text);
            }
        }
        words.join(": ")
    }

    /// Whether the same transaction may succeed when it is run again (SQLSTATE 40001, 40P01, 55P03).
    pub fn is_transient(&self) -> bool {
        self.is_lock_conflict() || self.has_state_among(&[SqlState::T_R_SERIALIZATION_FAILURE])
    }

    /// Whether a server did not find what a name means (SQLSTATE 3F000, 42P01, 42704, 42883).
    pub fn is_missing_object(&self) -> bool {
        // What functions of the server say that look for definitions outside of the snapshot.
        let is_gone = |it: &DbError| {
            let beginnings = ["could not open relation with OID", "cache lookup failed"];
            *it.code() == SqlState::INTERNAL_ERROR
                && beginnings.iter().any(|words| it.message().starts_with(words))
        };
        self.server_error().is_some_and(is_gone)
            || self.has_state_among(&[
                SqlState::INVALID_SCHEMA_NAME,
                SqlState::UNDEFINED_TABLE,
                SqlState::UNDEFINED_OBJECT,
                SqlState::UNDEFINED_FUNCTION,
            ])
    }

    /// What a server said, if this is one's refusal.
    pub fn server_error(&self) -> Option<&DbError> {
        self.causes_of().find_map(|it| it.downcast_ref())
    }

    fn has_state_among(&self, states: &[SqlState]) -> bool {
        self.server_error().is_some_and(|it| states.contains(it.code()))
    }

    /// Its cause, the cause's cause, and so on.
    fn causes_of(&self) -> impl Iterator<Item = &(dyn Error + 'static)> {
        let first = self.source.as_deref().map(|it| it as &(dyn Error + 'static));
        std::iter::successors(first, |&it| it.source())
    }
}

/// Turns any error into a [`Failure`] that says which step failed.
pub trait FailureContext<T> {
    fn or_fail<M: Display>(self, exit: Exit, step: impl FnOnce() -> M) -> Result<T>;
}

impl<T, E: Into<Box<dyn Error + Send + Sync>>> FailureContext<T> for std::result::Result<T, E> {
    fn or_fail<M: Display>(self, exit: Exit, step: impl FnOnce() -> M) -> Result<T> {
        self.map_err(|error| Failure::new(exit, step()).with_source(error))
    }
}

fn is_lost_connection(error: &std::io::Error) -> bool {
    use std::io::ErrorKind;
    matches!(
        error.kind(),
        ErrorKind::BrokenPipe
            | ErrorKind::ConnectionAborted
            | ErrorKind::ConnectionReset
            | ErrorKind::HostUnreachable
            | ErrorKind::NetworkDown
            | ErrorKind::NetworkUnreachable
            | ErrorKind::NotConnected
            | ErrorKind::TimedOut
            | ErrorKind::UnexpectedEof
    )
}

pub(crate) fn is_closed(error: &std::io::Error) -> bool {
    error.kind() == std::io::ErrorKind::BrokenPipe
}
