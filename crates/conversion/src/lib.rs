//! What becomes of values between a source and its target: integer keys that become UUIDs, and every column that
//! refers to one with them.
//!
//! A conversion is chosen by `remap-schema` ([`choose`]), recorded in the archive ([`TableConversion`]), done by `load`
//! in SQL ([`Namespace::sql`]) and judged by `verify` in Rust ([`RowConversion`]). Both must give the same bytes.

mod choice;
mod definitions;
mod follow;
mod namespace;
mod obstacle;
mod part_record;
mod record;
mod rows;
mod target;

pub use choice::{Choice, choose};
pub use definitions::redefine;
pub use namespace::Namespace;
pub use obstacle::{Obstacle, Unfit};
pub use part_record::{Comparable, PartRecord};
pub use record::{ColumnConversion, ConversionKind, IntegerType, KeptColumn, TableConversion, conversion_of};
pub use rows::{NotConvertible, RowConversion};
pub use target::{KeptIndex, kept_indexes, own_sequences, rename_kept, reshape, settle};
