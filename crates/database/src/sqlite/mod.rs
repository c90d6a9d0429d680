//! SQLite as a source: a file is opened without being written, inspected, and its rows are read as PostgreSQL itself
//! would print or send them.
//!
//! A declared type in SQLite is a wish, not a promise: any value may stand in any column. So a declared type
//! only proposes a PostgreSQL type; a census over all values then proves that every one of them fits exactly,
//! or finds the next wider type that holds them all, and says so in a note. The proof and the rows use one
//! reader of values behind [`TargetType`], and one read transaction, so that a row cannot be refused later.
//! `docs/type-mapping.md` tells the rules.

mod batch;
mod calculator;
mod census;
mod choices;
mod chosen;
mod collisions;
mod datetime;
mod ddl;
mod default;
mod definitions;
mod discard;
mod epoch;
mod exact;
mod expressions;
mod foreign_key;
mod generated;
mod inspection;
mod jsonb;
mod keyed_rows;
mod keys;
mod links;
mod long_line;
mod misfits;
mod modules;
mod moved_rows;
mod naming;
mod new_names;
mod nocase;
mod note;
mod number;
mod numeric;
mod orphaned_key;
mod orphans;
mod predicate;
mod program_ddl;
mod program_rows;
mod programs;
mod proof;
mod proposal;
mod references;
mod refusal;
mod rejected;
mod row_encoder;
mod row_label;
mod rows;
mod rule;
mod schema;
mod scope;
mod scratch;
mod source;
mod sql_text;
mod target_type;
mod text_search;
mod translate;
mod type_text;
mod uniqueness;
mod utf16;
mod view_names;

#[cfg(test)]
mod tests;

pub use batch::{Batch, BatchRow, Values};
pub use census::{
    ColumnCensus, ColumnReport, Misfits, Profile, Refused, Suggestion, TableCensus, TableReport, ValueKind,
};
pub use choices::{Choices, FullText, NameStyle, Nocase, OnBadValue, Orphans, Rename, TypeChoice};
pub use discard::{Discard, Fate};
pub use epoch::Reading;
pub use foreign_key::{Deferral, ForeignKey};
pub use inspection::{Blocker, Inspection};
pub use long_line::LongLine;
pub use nocase::Comparison;
pub use note::{Note, NoteKind};
pub use orphaned_key::{ORPHANS_NAMED_MAX, OrphanedKey};
pub use orphans::Omission;
pub use proposal::Proposal;
pub use rejected::RejectedRow;
pub use row_encoder::RowEncoder;
pub use rule::{ColumnRule, OnMisfit, Taken};
pub use schema::{
    Column, Generated, Index, IndexColumn, IndexOrigin, Schema, Table, Trigger, View, VirtualTable,
};
pub use source::{Interrupter, Opening, SqliteSource, is_sqlite_file, why_no_database};
pub use target_type::{NumericBounds, TargetType};
pub use text_search::TextSearch;
pub use type_text::UnknownType;
