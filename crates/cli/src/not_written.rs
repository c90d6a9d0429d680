//! What is left of an archive that could not be written.

use std::error::Error;
use std::{fmt, io};

/// How much of the archive there is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Left {
    /// What stdout has taken.
    Part,
    Nothing,
    /// All of it is under its name, and what had the name before is still there too.
    Whole,
}

impl Left {
    /// What the user can do.
    pub(crate) fn hint(self) -> &'static str {
        match self {
            Left::Part => {
                "make room or name another place; what stdout took is no whole archive, and no tool takes it for one"
            }
            Left::Nothing => "make room or name another place; no half archive was kept",
            Left::Whole => "the archive is whole; remove the former one, which nobody needs",
        }
    }
}

/// A failure to write that knows what it leaves; it reads like its cause.
#[derive(Debug)]
pub(crate) struct NotWritten {
    cause: io::Error,
    left: Left,
}

impl NotWritten {
    /// An error of the same kind as `cause`, which may know better what is left.
    pub(crate) fn caused_by(cause: io::Error, left: Left) -> io::Error {
        if NotWritten::find(&cause).is_some() {
            return cause;
        }
        io::Error::new(cause.kind(), NotWritten { cause, left })
    }

    /// What `error` leaves, if it knows.
    pub(crate) fn find(error: &io::Error) -> Option<Left> {
        let inner = error.get_ref()?.downcast_ref::<NotWritten>()?;
        Some(inner.left)
    }
}

impl fmt::Display for NotWritten {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.cause.fmt(f)
    }
}

impl Error for NotWritten {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.cause.source()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Failure;

    #[test]
    fn the_hint_says_what_is_left() {
        for (left, hint) in [
            (Left::Part, "what stdout took is no whole archive"),
            (Left::Nothing, "no half archive was kept"),
            (Left::Whole, "remove the former one"),
        ] {
            let inner = NotWritten::caused_by(io::ErrorKind::StorageFull.into(), left);
            // Who knows less does not hide it.
            let cause = NotWritten::caused_by(inner, Left::Nothing);
            assert_eq!(cause.kind(), io::ErrorKind::StorageFull);
            assert_eq!(
                cause.to_string(),
                io::Error::from(io::ErrorKind::StorageFull).to_string()
            );
            let failure = Failure::archive(archive::Error::from_write(cause));
            assert!(failure.hint.unwrap_or_default().contains(hint), "{left:?}");
        }
    }
}
