//! What came of rewriting a text.

use std::ops::AddAssign;

use serde::Serialize;

/// The new text, and an account of every change and of every place that could not be proved.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Rewritten {
    pub text: String,
    /// In the order of the text.
    pub edits: Vec<Edit>,
    pub doubts: Vec<Doubt>,
    /// Statements and bodies that the parser does not know and that name no schema which moves; they pass as
    /// they are.
    pub notes: Vec<Note>,
    /// Passwords that were cut; they are no edits, since nobody may see what stood there.
    pub secrets: Vec<Secret>,
    pub counts: Counts,
    /// Routines that got the search path which their bodies lean on.
    pub pins: Vec<Pin>,
    /// Routines defined here whose bodies lean on the search path of whoever calls them.
    pub leaning: Vec<Leaning>,
    /// Offsets in the old text, in order, with how many bytes were written there and how many stood there.
    #[serde(skip)]
    pub(crate) shifts: Vec<(usize, usize, usize)>,
}

impl Rewritten {
    /// Where a place of the old text, which is inside of nothing that was changed, stands in the new one.
    pub fn new_offset(&self, old: usize) -> usize {
        let before = self.shifts.iter().take_while(|(offset, ..)| *offset < old);
        before.fold(old, |at, (_, written, replaced)| at + written - replaced)
    }
}

/// A routine with a search path of its own from now on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Pin {
    pub object: String,
    /// Line of its definition in the old text, or of the statement that needs it; from 1.
    pub line: usize,
    /// The schemas under their new names.
    pub path: Vec<String>,
}

/// A routine that finds names by the search path and was left as it is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Leaning {
    pub object: String,
    /// Line of its definition in the old text, from 1.
    pub line: usize,
}

/// One name that was changed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Edit {
    /// The object whose definition holds the name, such as `view public.open_orders`.
    pub object: String,
    /// Line of the old text, from 1.
    pub line: usize,
    /// Where it stands in the body of a routine: the line as PL/pgSQL counts, 1 being what follows the opening
    /// quote.
    pub body_line: Option<usize>,
    /// Offset in bytes in the old text.
    pub offset: usize,
    /// What stood there.
    pub old: String,
    pub new: String,
    /// Whether it stands in the body of a routine.
    pub in_body: bool,
}

/// A place whose meaning after the move cannot be proved. The text there was left alone.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Doubt {
    pub object: String,
    /// Line of the old text, from 1.
    pub line: usize,
    /// Where it stands in the body of a routine: the line as PL/pgSQL counts, 1 being what follows the opening
    /// quote.
    pub body_line: Option<usize>,
    pub reason: String,
}

/// Something worth knowing that changes no meaning.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Note {
    pub object: String,
    /// Line of the old text, from 1.
    pub line: usize,
    /// Where it stands in the body of a routine: the line as PL/pgSQL counts, 1 being what follows the opening
    /// quote.
    pub body_line: Option<usize>,
    pub text: String,
}

/// A password that was cut.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Secret {
    /// The object that holds it, such as `user mapping for bob server s`.
    pub object: String,
    /// Line of the old text, from 1.
    pub line: usize,
}

/// How much was changed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Counts {
    /// Names outside the bodies of routines.
    pub names: usize,
    /// Statements that hold such names.
    pub statements: usize,
    /// Names in bodies of routines.
    pub body_names: usize,
    /// Routines whose bodies hold such names.
    pub bodies: usize,
}

impl AddAssign for Counts {
    fn add_assign(&mut self, other: Counts) {
        self.names += other.names;
        self.statements += other.statements;
        self.body_names += other.body_names;
        self.bodies += other.bodies;
    }
}
