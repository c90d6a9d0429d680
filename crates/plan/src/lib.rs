//! The plan: what becomes of each source, and whether the sources fit beside each other.
//!
//! `assess` writes a plan, people edit it, `remap-schema` and `verify` read it. The file format stands in
//! `docs/plan-format.md`.

mod mapping;
mod sources;

pub use mapping::{
    DEFAULT_EXTENSIONS_SCHEMA, DEFAULT_SCHEMA, Mapping, MappingError, check_schema_name, is_built_in,
};
pub use sources::{FORMAT_VERSION, Plan, PlanError, PlannedSource};
