//! PostgreSQL as a source and as a target that is read: one snapshot, its catalog, its DDL, its rows.

mod binary_safe;
mod catalog_queries;
mod ddl;
mod extension_rows;
mod introspect;
mod large_objects;
mod objects;
mod offers;
mod programs;
mod rows;
mod snapshot;
mod stored_names;

pub use ddl::{OnInterrupt, SchemaText, read_schema_text};
pub use extension_rows::{ConfigurationOffer, add_extension_rows, find_configuration_table};
pub use introspect::{hidden_tables, left_behind, read_catalog};
pub use large_objects::{
    add_large_objects, check_large_objects_readable, large_object_oids, large_object_parts,
    large_objects_among,
};
pub use offers::{ExtensionOffer, InstalledExtension, Offers, SchemaOffer};
pub use rows::{copy_out_sql, count_rows, read_rows};
pub use snapshot::{Identity, Snapshot, SnapshotSession};
