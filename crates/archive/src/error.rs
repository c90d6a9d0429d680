//! What can be wrong with an archive.

use std::fmt;
use std::io;

pub type Result<T> = std::result::Result<T, Error>;

/// An archive that cannot be read or written.
#[derive(Debug)]
pub struct Error {
    kind: ErrorKind,
    /// The member that was being read or written, when known.
    member: Option<String>,
}

#[derive(Debug)]
#[non_exhaustive]
pub enum ErrorKind {
    /// It ends before its end member.
    Truncated,
    /// Bytes that no writer of ours would have written.
    Damaged(&'static str),
    /// The bytes do not match their SHA-256.
    Checksum,
    /// Made by a newer version.
    Version { found: u32, known: u32 },
    /// It needs a feature that this version does not know.
    Feature(String),
    /// It is not an archive at all.
    NotAnArchive,
    /// JSON that does not describe what it should.
    Json(serde_json::Error),
    /// Reading failed.
    Read(io::Error),
    /// Writing failed.
    Write(io::Error),
}

impl Error {
    pub(crate) fn new(kind: ErrorKind) -> Self {
        Error { kind, member: None }
    }

    pub(crate) fn damaged(what: &'static str) -> Self {
        Error::new(ErrorKind::Damaged(what))
    }

    #[must_use]
    pub(crate) fn in_member(mut self, name: &str) -> Self {
        self.member.get_or_insert_with(|| name.to_owned());
        self
    }

    /// Reading failed; an unexpected end is a truncated archive.
    pub fn from_read(error: io::Error) -> Self {
        Error::new(match error.kind() {
            io::ErrorKind::UnexpectedEof => ErrorKind::Truncated,
            _ => ErrorKind::Read(error),
        })
    }

    /// Writing failed.
    pub fn from_write(error: io::Error) -> Self {
        Error::new(ErrorKind::Write(error))
    }

    /// The same with what `change` makes of the cause, where writing failed.
    #[must_use]
    pub fn map_write(self, change: impl FnOnce(io::Error) -> io::Error) -> Self {
        let kind = match self.kind {
            ErrorKind::Write(cause) => ErrorKind::Write(change(cause)),
            kind => kind,
        };
        Error { kind, ..self }
    }

    /// For a [`crate::Store`] without an end member.
    pub fn truncated() -> Self {
        Error::new(ErrorKind::Truncated)
    }

    /// For a [`crate::Store`] that lacks a member that its end names.
    pub fn missing(name: &str) -> Self {
        Error::damaged("a member is missing").in_member(name)
    }

    /// For a [`crate::Store`] whose member has more bytes than its record says.
    pub fn longer(name: &str) -> Self {
        Error::damaged("a member is longer than its record says").in_member(name)
    }

    pub fn kind(&self) -> &ErrorKind {
        &self.kind
    }

    pub fn member(&self) -> Option<&str> {
        self.member.as_deref()
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.kind {
            ErrorKind::Truncated => write!(f, "archive is truncated: it has no end member")?,
            ErrorKind::Damaged(what) => write!(f, "archive is damaged: {what}")?,
            ErrorKind::Checksum => write!(f, "archive is damaged: bytes do not match their SHA-256")?,
            ErrorKind::Version { found, known } => {
                write!(
                    f,
                    "archive has format version {found}, this tool reads up to {known}"
                )?;
            }
            ErrorKind::Feature(name) => write!(f, "archive needs feature `{name}`, which this tool lacks")?,
            ErrorKind::NotAnArchive => write!(f, "input is no archive")?,
            ErrorKind::Json(_) => write!(f, "archive is damaged: JSON cannot be understood")?,
            ErrorKind::Read(_) => write!(f, "archive cannot be read")?,
            ErrorKind::Write(_) => write!(f, "archive cannot be written")?,
        }
        self.member
            .iter()
            .try_for_each(|name| write!(f, " (member {name})"))
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match &self.kind {
            ErrorKind::Json(error) => Some(error),
            ErrorKind::Read(error) | ErrorKind::Write(error) => Some(error),
            _ => None,
        }
    }
}
