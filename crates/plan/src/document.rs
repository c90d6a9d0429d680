//! The plan file as a whole: targets, sources, merges and what was decided about conflicts.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::reading;
use crate::{Merge, PlanError, PlannedSource, check};

/// The version of the plan format that this code writes and reads.
pub const FORMAT_VERSION: u32 = 1;

/// What becomes of several sources.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Plan {
    pub version: u32,
    /// Why, for people; so everywhere.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
    /// Where everything goes; empty where only the command line says it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub targets: Vec<PlannedTarget>,
    pub sources: Vec<PlannedSource>,
    /// Tables of several sources that become one.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub merges: Vec<Merge>,
    /// What was decided about each conflict.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub conflicts: Vec<PlannedConflict>,
}

/// A database that takes sources in.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PlannedTarget {
    /// How `sources[].target` and `--to-target` refer to it.
    pub name: String,
    /// Where it is; a password only as `${NAME}` of the environment.
    pub endpoint: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cost_per_month: Option<Cost>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
}

/// An amount of money for a month, in whatever currency all amounts of the plan have.
pub type Cost = serde_json::Number;

/// How the names of several sources are kept apart on one target.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Layout {
    /// Every source has schemas of its own.
    #[default]
    Schema,
    /// Sources share a schema; names that clash get a prefix.
    Prefix,
    /// Sources share a schema; tables of the same meaning become one, other names that clash get a prefix.
    Merge,
}

impl fmt::Display for Layout {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Layout::Schema => "schema",
            Layout::Prefix => "prefix",
            Layout::Merge => "merge",
        })
    }
}

/// One conflict that `assess` found, and what was decided about it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PlannedConflict {
    /// The same whenever the same conflict is found.
    pub id: String,
    /// `blocks`, `warns`, `notes` or `resolved`.
    pub severity: String,
    pub topic: String,
    /// What it is, as a sentence.
    pub text: String,
    /// What `assess` proposes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub proposed: Option<String>,
    /// The words that `resolution` may have; empty where any will do.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub choices: Vec<String>,
    /// What was decided; without it nobody has.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resolution: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
}

impl Plan {
    /// Reads a plan and checks it whole; the error has everything that is wrong, each with its line.
    pub fn parse(json: &str) -> Result<Plan, PlanError> {
        reading::read(json)
    }

    pub fn to_json(&self) -> String {
        serde_json::to_string_pretty(self).expect("a plan holds only strings and maps with string keys")
    }

    /// Refuses a plan that contradicts itself: the error has everything that is wrong.
    pub fn validate(&self) -> Result<(), PlanError> {
        PlanError::unless_empty(check::faults(self))
    }

    pub fn source(&self, name: &str) -> Result<&PlannedSource, PlanError> {
        let found = self.sources.iter().find(|it| it.name == name);
        found.ok_or_else(|| {
            let known: Vec<&str> = self.sources.iter().map(|it| it.name.as_str()).collect();
            PlanError::one(
                "sources",
                format!("the plan has no source `{name}`; it has {}", known.join(", ")),
            )
        })
    }

    pub fn target(&self, name: &str) -> Result<&PlannedTarget, PlanError> {
        let found = self.targets.iter().find(|it| it.name == name);
        found.ok_or_else(|| {
            let known: Vec<&str> = self.targets.iter().map(|it| it.name.as_str()).collect();
            let known = if known.is_empty() {
                "none".to_owned()
            } else {
                known.join(", ")
            };
            PlanError::one(
                "targets",
                format!("the plan has no target `{name}`; it has {known}"),
            )
        })
    }

    /// Where `source` goes: the target that it names, or the only one.
    pub fn target_of(&self, source: &PlannedSource) -> Result<&PlannedTarget, PlanError> {
        match (&source.target, self.targets.as_slice()) {
            (Some(name), _) => self.target(name),
            (None, [only]) => Ok(only),
            (None, []) => Err(PlanError::one("targets", "the plan names no target".to_owned())),
            (None, _) => Err(PlanError::one(
                "targets",
                format!(
                    "the plan has several targets, and source `{}` names none",
                    source.name
                ),
            )),
        }
    }

    /// The sources that go to the target called `name`, in the order in which they are moved.
    pub fn sources_of<'a>(&'a self, name: &'a str) -> Vec<&'a PlannedSource> {
        let mut sources: Vec<&PlannedSource> = self
            .sources
            .iter()
            .filter(|it| self.target_of(it).is_ok_and(|target| target.name == name))
            .collect();
        sources.sort_by_key(|it| it.order);
        sources
    }

    /// What all sources cost in a month, and all targets; `None` where nothing says what the sources cost.
    pub fn costs(&self) -> Option<(f64, f64)> {
        let sum = |costs: Vec<&Option<Cost>>| -> Option<f64> {
            let known: Vec<f64> = costs.into_iter().flatten().filter_map(Cost::as_f64).collect();
            (!known.is_empty()).then(|| known.iter().sum())
        };
        let sources = sum(self.sources.iter().map(|it| &it.cost_per_month).collect())?;
        let targets = sum(self.targets.iter().map(|it| &it.cost_per_month).collect()).unwrap_or(0.0);
        Some((sources, targets))
    }
}
