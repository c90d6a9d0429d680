//! What can be wrong with the framing of rows.

use std::fmt;

/// Rows that are not framed as their form demands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FrameError {
    kind: FrameErrorKind,
    /// Offset of the row in the bytes that were scanned.
    offset: usize,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum FrameErrorKind {
    /// The binary signature or the CSV header line is missing or not the expected one.
    Header,
    /// A row has another number of columns than its table.
    Columns { expected: usize, found: usize },
    /// A negative length other than that of NULL.
    Length,
    /// A quote where none can stand.
    Quote,
    /// The rows end within a row, or the binary trailer is missing.
    Truncated,
    /// Something follows the binary trailer.
    Trailing,
}

impl FrameError {
    pub(crate) fn new(kind: FrameErrorKind, offset: usize) -> Self {
        FrameError { kind, offset }
    }

    pub fn kind(&self) -> FrameErrorKind {
        self.kind
    }
}

impl fmt::Display for FrameError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.kind {
            FrameErrorKind::Header => write!(f, "the rows do not start with their header")?,
            FrameErrorKind::Columns { expected, found } => {
                write!(f, "a row has {found} columns instead of {expected}")?;
            }
            FrameErrorKind::Length => write!(f, "a value has a negative length")?,
            FrameErrorKind::Quote => write!(f, "a value has a quote where none can stand")?,
            FrameErrorKind::Truncated => write!(f, "the rows end in the middle of one")?,
            FrameErrorKind::Trailing => write!(f, "something follows the end of the rows")?,
        }
        write!(f, " (at byte {})", self.offset)
    }
}

impl std::error::Error for FrameError {}
