//! Extensions and what belongs to them. A member never moves with a source's schema: it lives where the
//! target keeps the extension.

use serde::{Deserialize, Serialize};

use crate::ObjectKind;

/// An installed extension.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Extension {
    pub name: String,
    pub version: String,
    pub schema: String,
    /// Whether an ordinary role with CREATE on the database may install it (`pg_available_extension_versions`).
    pub trusted: bool,
    pub members: Vec<Member>,
}

/// An object that belongs to an extension (`pg_depend.deptype = 'e'`).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Member {
    /// Domains of an extension are members of kind [`ObjectKind::Type`].
    pub kind: ObjectKind,
    pub schema: String,
    pub name: String,
}
