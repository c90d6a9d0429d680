//! The plan: what becomes of each source, and whether the sources fit beside each other.
//!
//! `assess` writes a plan, people edit it, `remap-schema` and `verify` read it. The file format stands in
//! `docs/plan-format.md`.

mod check;
mod column_changes;
mod document;
mod endpoints;
mod error;
mod faults;
mod file_choices;
mod keys;
mod known_keys;
mod lines;
mod mapping;
mod merges;
mod reading;
mod rename;
mod sources;
mod table_pattern;
mod tables;
#[cfg(test)]
mod tests;

pub use document::{Cost, FORMAT_VERSION, Layout, Plan, PlannedConflict, PlannedTarget};
pub use endpoints::{expand, has_password};
pub use error::MappingError;
pub use faults::{Fault, PlanError};
pub use file_choices::{
    BadValues, FileNames, FullTextTables, NocaseText, OrphanRows, PlannedName, PlannedType,
};
pub use keys::Keys;
pub use lines::Lines;
pub use mapping::{
    DEFAULT_EXTENSIONS_SCHEMA, DEFAULT_SCHEMA, ExtensionsPolicy, Mapping, Namespace, check_schema_name,
    is_built_in,
};
pub use merges::{
    DEFAULT_SOURCE_COLUMN, Merge, MergeProblem, MergedKeys, MergedTable, check_merges, parse_table,
    propose_offsets, unite_types,
};
pub use rename::{Renamed, name_part};
pub use sources::PlannedSource;
pub use table_pattern::TablePattern;
pub use tables::{AddedColumn, MadeOf, PlannedColumn, PlannedTable, TableMadeOf};
