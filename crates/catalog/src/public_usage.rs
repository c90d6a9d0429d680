//! Schemas that every role may use, and who lives by that.

use serde::{Deserialize, Serialize};

/// A schema on which PUBLIC has USAGE. `pg_dump` does not say so of `public`, which has it from the start.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PublicUsage {
    pub schema: String,
    /// The schema is the one that every database has, called `public` in the source: nobody decided to open it.
    pub built_in: bool,
    /// Roles, no owners and no superusers, that hold a privilege on something in the schema and have USAGE on it
    /// only because everybody has; in byte order.
    pub relied_on_by: Vec<String>,
}
