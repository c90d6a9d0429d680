//! New names inside SQL text: definitions, views, bodies of functions, as `pg_dump` and `pg_restore` write
//! them.
//!
//! Everything goes through the syntax tree. A name is changed where it stands in the role of a name, and the
//! rest of the text keeps its bytes; what cannot be proved is left alone and becomes a [`Doubt`].

mod alter_table;
mod apart;
mod body;
mod body_columns;
mod body_pass;
pub mod built_in;
mod canon;
mod compared;
mod converted_keys;
mod definitions;
mod demand;
mod depth;
mod foreign_keys;
mod key;
mod known;
mod label;
mod layer;
mod literal;
mod mention;
mod merging;
pub mod moves;
mod object_pass;
mod outcome;
mod output_name;
mod outside;
mod parse;
mod policies;
mod query;
mod reference;
mod relation;
mod rewriter;
mod role_names;
mod role_path;
mod run_time;
mod scope;
mod search_path;
mod secrets;
mod split;
mod statement;
mod statement_pass;
mod stored_names;
mod unqualified;
mod verdict;
mod written;

pub use apart::{ApartKind, ApartStatement, apart_statements, for_provider, label_providers};
pub use canon::{Said, said_by_server};
pub use converted_keys::ConvertedKeys;
pub use definitions::cut_passwords;
pub use demand::{Demand, DemandKind, demands, later_features};
pub use foreign_keys::foreign_keys;
pub use key::{PlainKey, plain_key, referenced_table};
pub use known::Known;
pub use merging::{
    About, CheckText, ColumnText, ForeignKeyText, TablePart, TableStatement, TableText, table_statements,
};
pub use outcome::{Counts, Doubt, Edit, Leaning, Note, Pin, Rewritten, Secret};
pub use outside::{OutsideKind, OutsideObject, far_reaching, outside_objects};
pub use policies::without_policies_for;
pub use query::{Chance, Query, Refusal};
pub use relation::ColumnRename;
pub use rewriter::Rewriter;
pub use role_names::{
    RolesRenamed, rename_roles, rename_roles_of_definitions, roles_in_rows, roles_in_settings,
};
pub use search_path::SearchPath;
pub use secrets::{Archivable, archivable, is_secret_setting};
pub use split::{Ending, ending, is_complete, statement_ranges};
pub use statement::{ConstraintKind, Statement, StatementKind, statements};
pub use stored_names::{NameMap, TableNames, Unresolved};
pub use written::{Misfit, WrittenStatement, written_statements};
