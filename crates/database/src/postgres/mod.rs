//! PostgreSQL as a source and as a target that is read: one snapshot, its catalog, its DDL, its rows.

mod binary_safe;
mod catalog_queries;
mod ddl;
mod introspect;
mod objects;
mod offers;
mod partitions;
mod programs;
mod rows;
mod settings;
mod snapshot;
mod stored_names;

pub use ddl::{OnInterrupt, SchemaText, read_schema_text};
pub use introspect::{hidden_tables, left_behind, read_catalog};
pub use offers::{ExtensionOffer, InstalledExtension, Offers, SchemaOffer};
pub use partitions::read_partition_keys;
pub use rows::{copy_out_sql, count_rows, read_rows};
pub use settings::read_settings;
pub use snapshot::{Identity, Snapshot, SnapshotSession};
