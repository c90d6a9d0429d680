//! What becomes different on the target, or stays behind, said in full.

use std::fmt;

/// One remark about the source, for a report.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Note {
    pub kind: NoteKind,
    /// The object concerned: `table`, `table.column`, or the name of an index, view or trigger.
    pub object: String,
    /// What it is about, without the object's name.
    pub text: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum NoteKind {
    /// Values do not fit the declared type: a wider one is used.
    Widened,
    /// Texts or numbers become bytes, since blobs stand among them.
    Bytes,
    /// Values keep their meaning but change their form, such as offsets that become UTC.
    Changed,
    /// Values could mean more than their type says; somebody may choose.
    Suggested,
    /// A constraint or index is left out, or is weaker than in the source.
    Constraint,
    /// A default is left out.
    Default,
    /// A generated column becomes an ordinary one with its present values.
    Generated,
    /// A view or trigger does not do quite the same.
    Program,
    /// A view, trigger or virtual table stays behind.
    LeftBehind,
    /// Rows or definitions of a damaged file could not be read.
    Lost,
    /// Damage that cost no row.
    Damaged,
}

impl Note {
    pub(super) fn new(kind: NoteKind, object: impl Into<String>, text: impl Into<String>) -> Note {
        Note {
            kind,
            object: object.into(),
            text: text.into(),
        }
    }
}

impl fmt::Display for Note {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.object, self.text)
    }
}
