//! PostgreSQL as a source and as a target that is read: one snapshot, its catalog, its DDL, its rows.

mod asking;
mod bin_condition;
mod binary_safe;
mod catalog_queries;
mod collations;
mod ddl;
mod definitions;
mod extension_rows;
mod finder;
mod foreign_keys;
mod hashes;
pub mod health;
mod heaviest;
mod identity;
mod introspect;
mod inventory;
pub mod isolation;
mod large_objects;
mod locks;
mod matching;
mod objects;
mod obstacles;
mod offers;
mod outside;
mod oversize;
mod packages;
mod partitions;
mod pattern;
mod programs;
mod query_session;
mod row_keys;
mod row_source;
mod row_values;
mod rows;
mod schema_loads;
mod selection;
mod settings;
mod snapshot;
mod stored_names;
mod target_facts;

pub use asking::TextRow;
pub use bin_condition::bins_condition;
pub use collations::find_collations;
pub use ddl::{OnInterrupt, SchemaRequest, SchemaText, read_schema_text};
pub use definitions::{DefinitionWishes, read_chosen_definitions, read_definitions};
pub use extension_rows::{
    ConfigurationOffer, add_extension_rows, extension_tables_left_out, find_configuration_table,
};
pub use foreign_keys::read_foreign_keys;
pub use hashes::{HASHES_RECORDS, HashSum, HashableColumns, read_hashable_columns, sum_hashes};
pub use heaviest::{HeavyStatement, read_heaviest};
pub use identity::Identity;
pub use introspect::{hidden_tables, left_behind, read_catalog};
pub use inventory::{Census, CensusRequest, Counting, take_census};
pub use large_objects::{
    add_large_objects, check_large_objects_readable, large_object_oids, large_object_parts,
    large_objects_among,
};
pub use locks::Standing;
pub use matching::find_matching;
pub use obstacles::{Obstacles, read_obstacles};
pub use offers::{ExtensionOffer, InstalledExtension, Offers, SchemaOffer};
pub use outside::{
    CutForeignKey, find_cut_foreign_keys, find_keys_in_doubt, find_left_out_partitions, refuse_torn_trees,
};
pub use oversize::{OversizedRow, OversizedRows, could_hold_oversized_row, find_oversized_row};
pub use partitions::read_partition_keys;
pub use pattern::{Pattern, split_condition};
pub use query_session::{Description, QuerySession, Surroundings, Trouble};
pub use row_keys::{
    ColumnShape, can_be_queried, ordered_kind, read_bounds, read_column_shapes, read_unique_keys,
};
pub use row_source::RowSource;
pub use row_values::{render_values, sent_types};
pub use rows::{Extent, check_condition, copy_out_sql, count_rows, read_blocks, read_rows, read_rows_as};
pub use schema_loads::{SchemaLoad, read_schema_loads};
pub use selection::{Chosen, RowFilter, Selection};
pub use settings::read_settings;
pub use snapshot::{Snapshot, SnapshotRequest, SnapshotSession, Watch};
pub use target_facts::{MEANING, NameSpace, TakenName, TargetFacts};
