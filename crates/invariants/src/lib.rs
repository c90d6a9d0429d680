//! What must hold for every input, whoever made it: the archive reader, the row framers, the endpoint parser, the
//! rewriter, the reader of SQLite files and the translator of their SQL, each as a function from bytes that panics where it does not hold.
//!
//! `cargo xtask fuzz` feeds them with inputs that are bred for new paths through the code (`fuzz/`). The inputs in
//! `corpus/`, one folder for each function, are tried by an ordinary test too: what was found once stays found.

mod archive_stream;
mod endpoint_words;
mod forged_members;
mod row_stream;
mod sql_text;
mod sqlite_file;
mod sqlite_sql;

pub use forged_members::{forge, seal_end};

/// What became of an input.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Verdict {
    /// It was understood, or taken as it is.
    Accepted,
    /// It was refused by an error.
    Refused,
}

/// One function over all inputs.
#[derive(Clone, Copy, Debug)]
pub struct Invariant {
    /// The name of its folder in `corpus/`.
    pub name: &'static str,
    /// Panics where the invariant does not hold.
    pub check: fn(&[u8]) -> Verdict,
}

/// All of them.
pub const INVARIANTS: [Invariant; 7] = [
    // Bytes as they come from a pipe or a file.
    Invariant {
        name: "archive",
        check: archive_stream::check,
    },
    // Members whose checksums hold, so that what stands behind the checksums is reached.
    Invariant {
        name: "members",
        check: forged_members::check,
    },
    // What COPY sends, cut anywhere.
    Invariant {
        name: "rows",
        check: row_stream::check,
    },
    // Words on a command line.
    Invariant {
        name: "endpoint",
        check: endpoint_words::check,
    },
    // SQL text.
    Invariant {
        name: "rewriter",
        check: sql_text::check,
    },
    // A whole SQLite file.
    Invariant {
        name: "sqlite",
        check: sqlite_file::check,
    },
    // SQL text of such a file: an expression, a table, an index, a view, a trigger.
    Invariant {
        name: "dialect",
        check: sqlite_sql::check,
    },
];

/// The one of this name.
pub fn find(name: &str) -> Option<Invariant> {
    INVARIANTS.into_iter().find(|it| it.name == name)
}
