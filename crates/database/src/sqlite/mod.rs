//! SQLite as a source: a file is opened without being written, inspected, and its rows are read as the text
//! that PostgreSQL itself would print for them.
//!
//! A declared type in SQLite is a wish, not a promise: any value may stand in any column. So a declared type
//! only proposes a PostgreSQL type; a census over all values then proves that every one of them fits exactly,
//! or finds the next wider type that holds them all, and says so in a note. The proof and the rows use one
//! function, [`TargetType`]'s writer, and one read transaction, so that a row cannot be refused later.
//! `docs/type-mapping.md` tells the rules.

mod census;
mod choices;
mod datetime;
mod ddl;
mod default;
mod expressions;
mod fingerprints;
mod inspection;
mod keys;
mod naming;
mod note;
mod number;
mod predicate;
mod program_ddl;
mod programs;
mod proof;
mod proposal;
mod references;
mod rows;
mod schema;
mod source;
mod sql_text;
mod target_type;
mod translate;
mod view_names;

#[cfg(test)]
mod tests;

pub use choices::{Choices, FullText, NameStyle, Nocase, OnBadValue, Orphans, Rename, TypeChoice};
pub use inspection::{Blocker, Inspection};
pub use note::{Note, NoteKind};
pub use rows::Visit;
pub use schema::{
    Column, ForeignKey, Generated, Index, IndexColumn, IndexOrigin, Schema, Table, Trigger, View,
    VirtualTable,
};
pub use source::{SqliteSource, is_sqlite_file};
pub use target_type::{NumericBounds, TargetType};
