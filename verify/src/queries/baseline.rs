//! The source's side in a file, for a time when there is no source any more. It holds no answer, but what answers add
//! up to.

use std::path::Path;

use catalog::Catalog;
use cli::{Exit, Failure, FailureContext, Result};
use serde::{Deserialize, Serialize};

use super::clients::Load;
use super::record::Record;
use super::statements::Statement;

/// The version of the file.
const VERSION: u32 = 1;

const KIND: &str = "coalesce verify queries";

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Baseline {
    kind: String,
    version: u32,
    pub(crate) origin: Origin,
    /// Names alone: without what objects are defined as.
    pub(crate) catalog: Catalog,
    pub(crate) statements: Vec<Kept>,
    pub(crate) load: Option<Load>,
}

/// Which database, at which moment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Origin {
    pub(crate) database: String,
    pub(crate) server_version: String,
    /// As in `server_version_num`.
    pub(crate) version_number: i32,
    pub(crate) collation: String,
    pub(crate) snapshot_time: String,
}

/// A statement with what came of it.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Kept {
    pub(crate) statement: Statement,
    pub(crate) search_path: Vec<String>,
    pub(crate) record: Record,
}

impl Baseline {
    pub(crate) fn new(
        origin: Origin,
        mut catalog: Catalog,
        statements: Vec<Kept>,
        load: Option<Load>,
    ) -> Self {
        catalog.definitions.clear();
        catalog.settings.clear();
        Baseline {
            kind: KIND.to_owned(),
            version: VERSION,
            origin,
            catalog,
            statements,
            load,
        }
    }

    pub(crate) fn read(path: &Path) -> Result<Baseline> {
        let unusable = || format!("baseline `{}` cannot be used", path.display());
        let text = std::fs::read_to_string(path).or_fail(Exit::Usage, unusable)?;
        let value: serde_json::Value = serde_json::from_str(&text).or_fail(Exit::Usage, unusable)?;
        if value.get("kind").and_then(serde_json::Value::as_str) != Some(KIND) {
            return Err(
                Failure::usage(unusable()).with_state("it is none that `verify queries --save` wrote")
            );
        }
        let version = value.get("version").and_then(serde_json::Value::as_u64);
        if version != Some(u64::from(VERSION)) {
            return Err(Failure::usage(unusable())
                .with_state("it has another version than this tool knows")
                .with_hint("read it by the version of Coalesce that wrote it"));
        }
        serde_json::from_value(value).or_fail(Exit::Usage, unusable)
    }

    pub(crate) fn text(&self) -> Result<String> {
        let text = serde_json::to_string_pretty(self);
        text.map(|it| it + "\n")
            .or_fail(Exit::Internal, || "the baseline cannot be written as JSON")
    }
}
