//! One source of a plan: where it is, what it had, and what becomes of its names, roles and tables.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::document::{Cost, Layout};
use crate::file_choices::{BadValues, FileNames, FullTextTables, NocaseText, OrphanRows, PlannedType};
use crate::tables::{MadeOf, PlannedTable};
use crate::{Keys, Mapping, Renamed};

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PlannedSource {
    /// How `--source NAME` refers to it.
    pub name: String,
    /// Where it is; a password only as `${NAME}` of the environment.
    pub endpoint: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
    /// The name of the target that it goes to; without it the only one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub target: Option<String>,
    /// How its names are kept apart from those of other sources; the mapping carries it out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub layout: Option<Layout>,
    /// Lower numbers are moved first, equal ones at the same time.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub order: i64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cost_per_month: Option<Cost>,
    /// The schemas it has.
    pub schemas: Vec<String>,
    /// Of a SQLite file: types that columns get instead of the proposed ones.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub types: Vec<PlannedType>,
    /// Of a SQLite file: what becomes of values that do not fit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub on_bad_value: Option<BadValues>,
    /// Of a SQLite file: what becomes of rows without a parent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub orphans: Option<OrphanRows>,
    /// Of a SQLite file: what becomes of COLLATE NOCASE.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub nocase: Option<NocaseText>,
    /// Of a SQLite file: what becomes of full-text tables.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub full_text: Option<FullTextTables>,
    /// Of a SQLite file: the names that it is read under; the mapping gives those that follow.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub names: Option<FileNames>,
    /// Of a SQLite file: whether what can be read of a damaged one is all that is wanted.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub salvage: bool,
    /// Which of its keys become UUIDs; `None` for none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub keys: Option<Keys>,
    #[serde(flatten)]
    pub mapping: Mapping,
    /// New names of roles in grants, owners and policies; a role that becomes none loses its grants.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub roles: BTreeMap<String, Option<String>>,
    /// What becomes of single tables, by their names in the source.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub tables: BTreeMap<Renamed, PlannedTable>,
    /// What it had when the plan was made.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub made_of: Option<MadeOf>,
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
fn is_zero(number: &i64) -> bool {
    *number == 0
}

impl PlannedSource {
    /// Whether other sources may have objects in its schemas on the target.
    pub fn shares_schemas(&self) -> bool {
        matches!(self.layout, Some(Layout::Prefix | Layout::Merge))
    }

    /// The mapping with the new names of single columns.
    pub fn whole_mapping(&self) -> Mapping {
        let mut mapping = self.mapping.clone();
        for (table, said) in &self.tables {
            let renamed = said
                .columns
                .iter()
                .filter_map(|(old, it)| Some((old.clone(), it.rename.clone()?)));
            let renamed: BTreeMap<String, String> = renamed.collect();
            if !renamed.is_empty() {
                mapping.columns.insert(table.clone(), renamed);
            }
        }
        mapping
    }

    /// Tables that stay behind.
    pub fn left_out(&self) -> impl Iterator<Item = &Renamed> {
        self.tables
            .iter()
            .filter(|(_, it)| it.leave_out)
            .map(|(name, _)| name)
    }
}
