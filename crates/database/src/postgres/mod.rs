//! PostgreSQL as a source and as a target that is read: one snapshot, its catalog, its DDL, its rows.

mod binary_safe;
mod catalog_queries;
mod ddl;
mod identity;
mod introspect;
mod locks;
mod objects;
mod offers;
mod outside;
mod oversize;
mod packages;
mod pattern;
mod programs;
mod rows;
mod selection;
mod snapshot;
mod stored_names;

pub use ddl::{OnInterrupt, SchemaRequest, SchemaText, read_schema_text};
pub use identity::Identity;
pub use introspect::{hidden_tables, left_behind, read_catalog};
pub use offers::{ExtensionOffer, InstalledExtension, Offers, SchemaOffer};
pub use outside::{CutForeignKey, find_cut_foreign_keys};
pub use oversize::{OversizedRow, could_hold_oversized_row, find_oversized_row};
pub use pattern::{Pattern, split_condition};
pub use rows::{Extent, check_condition, copy_out_sql, count_rows, read_blocks, read_rows};
pub use selection::{Chosen, RowFilter, Selection};
pub use snapshot::{Snapshot, SnapshotRequest, SnapshotSession};
