//! The plan: what becomes of each source, and whether the sources fit beside each other.
//!
//! `assess` writes a plan, people edit it, `remap-schema` and `verify` read it. The file format stands in
//! `docs/plan-format.md`.

mod error;
mod file_choices;
mod keys;
mod mapping;
mod merges;
mod rename;
mod sources;
mod table_pattern;

pub use error::MappingError;
pub use file_choices::{
    BadValues, FileNames, FullTextTables, NocaseText, OrphanRows, PlannedName, PlannedType,
};
pub use keys::Keys;
pub use mapping::{
    DEFAULT_EXTENSIONS_SCHEMA, DEFAULT_SCHEMA, ExtensionsPolicy, Mapping, Namespace, check_schema_name,
    is_built_in,
};
pub use merges::{
    DEFAULT_SOURCE_COLUMN, Merge, MergeProblem, MergedKeys, MergedTable, check_merges, parse_table,
    propose_offsets, unite_types,
};
pub use rename::{Renamed, name_part};
pub use sources::{FORMAT_VERSION, Plan, PlanError, PlannedSource};
pub use table_pattern::TablePattern;
