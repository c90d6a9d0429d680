//! The plan file: every source with its mapping.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use serde::{Deserialize, Serialize};

use crate::file_choices::{BadValues, FileNames, FullTextTables, NocaseText, OrphanRows, PlannedType};
use crate::{Keys, Mapping, MappingError, Merge, MergeProblem, TablePattern, check_merges};

/// The version of the plan format that this code writes and reads.
pub const FORMAT_VERSION: u32 = 1;

/// What becomes of several sources on one target.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Plan {
    pub version: u32,
    pub sources: Vec<PlannedSource>,
    /// Tables of several sources that become one.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub merges: Vec<Merge>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PlannedSource {
    /// How `--source NAME` refers to it.
    pub name: String,
    /// Where it is, without a password.
    pub endpoint: String,
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
}

/// A plan that cannot be carried out.
#[derive(Debug)]
#[non_exhaustive]
pub enum PlanError {
    Json(serde_json::Error),
    Version(u32),
    SourceTwice(String),
    /// A column has two types.
    TypeTwice {
        source: String,
        column: String,
    },
    /// A table, an index or a column of a file has two names.
    NameTwice {
        source: String,
        object: String,
    },
    SourceUnknown {
        name: String,
        known: Vec<String>,
    },
    Mapping {
        source: String,
        error: MappingError,
    },
    /// Two sources would write the same schema of the target.
    SchemaTaken {
        schema: String,
        first: String,
        second: String,
    },
    Merges(Vec<MergeProblem>),
}

impl Plan {
    /// Reads a plan and checks it whole.
    pub fn parse(json: &str) -> Result<Plan, PlanError> {
        let plan: Plan = serde_json::from_str(json).map_err(PlanError::Json)?;
        plan.validate()?;
        Ok(plan)
    }

    pub fn to_json(&self) -> String {
        serde_json::to_string_pretty(self).expect("a plan holds only strings and maps with string keys")
    }

    /// Refuses a plan in which two sources would meet in one schema, or that names something twice.
    pub fn validate(&self) -> Result<(), PlanError> {
        if self.version != FORMAT_VERSION {
            return Err(PlanError::Version(self.version));
        }
        let mut names = BTreeSet::new();
        let mut taken: BTreeMap<String, &str> = BTreeMap::new();
        for source in &self.sources {
            if !names.insert(&source.name) {
                return Err(PlanError::SourceTwice(source.name.clone()));
            }
            source.check_types()?;
            source.check_names()?;
            source.check_keys()?;
            for schema in source.targets()? {
                if let Some(first) = taken.insert(schema.clone(), &source.name) {
                    let (first, second) = (first.to_owned(), source.name.clone());
                    return Err(PlanError::SchemaTaken {
                        schema,
                        first,
                        second,
                    });
                }
            }
        }
        let problems = check_merges(&self.merges, &self.sources);
        if problems.is_empty() {
            Ok(())
        } else {
            Err(PlanError::Merges(problems))
        }
    }

    pub fn source(&self, name: &str) -> Result<&PlannedSource, PlanError> {
        self.sources
            .iter()
            .find(|it| it.name == name)
            .ok_or_else(|| PlanError::SourceUnknown {
                name: name.to_owned(),
                known: self.sources.iter().map(|it| it.name.clone()).collect(),
            })
    }
}

impl PlannedSource {
    /// Refuses two types for one column; SQLite's names are the same in capital and small letters.
    fn check_types(&self) -> Result<(), PlanError> {
        let mut seen = BTreeSet::new();
        for it in &self.types {
            if !seen.insert((it.table.to_ascii_lowercase(), it.column.to_ascii_lowercase())) {
                return Err(PlanError::TypeTwice {
                    source: self.name.clone(),
                    column: format!("{}.{}", it.table, it.column),
                });
            }
        }
        Ok(())
    }

    /// The same for new names.
    fn check_names(&self) -> Result<(), PlanError> {
        let mut seen = BTreeSet::new();
        for it in self.names.iter().flat_map(|it| &it.rename) {
            let column = it.column.as_ref().map(|it| it.to_ascii_lowercase());
            if !seen.insert((it.table.to_ascii_lowercase(), column)) {
                return Err(PlanError::NameTwice {
                    source: self.name.clone(),
                    object: match &it.column {
                        Some(column) => format!("{}.{column}", it.table),
                        None => it.table.clone(),
                    },
                });
            }
        }
        Ok(())
    }

    fn check_keys(&self) -> Result<(), PlanError> {
        let mut patterns = self.keys.iter().flat_map(|it| &it.uuid);
        patterns
            .try_for_each(|it| TablePattern::parse(it).map(drop))
            .map_err(|error| PlanError::Mapping {
                source: self.name.clone(),
                error,
            })
    }

    /// The schemas that it gets on the target.
    fn targets(&self) -> Result<Vec<String>, PlanError> {
        let wrap = |error| PlanError::Mapping {
            source: self.name.clone(),
            error,
        };
        for name in self.mapping.to.iter().chain(self.mapping.map.values()) {
            crate::check_schema_name(name).map_err(wrap)?;
        }
        self.mapping
            .apply(self.schemas.iter().map(String::as_str))
            .map_err(wrap)
    }
}

impl fmt::Display for PlanError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            PlanError::Json(_) => write!(f, "the plan cannot be read"),
            PlanError::Version(version) => {
                write!(
                    f,
                    "the plan has format version {version}, this tool reads {FORMAT_VERSION}"
                )
            }
            PlanError::SourceTwice(name) => write!(f, "the plan names source `{name}` twice"),
            PlanError::TypeTwice { source, column } => {
                write!(f, "the plan gives {column} of source `{source}` two types")
            }
            PlanError::NameTwice { source, object } => {
                write!(f, "the plan gives {object} of source `{source}` two names")
            }
            PlanError::SourceUnknown { name, known } => {
                write!(f, "the plan has no source `{name}`; it has {}", known.join(", "))
            }
            PlanError::Mapping { source, .. } => write!(f, "the plan's source `{source}` cannot be mapped"),
            PlanError::SchemaTaken {
                schema,
                first,
                second,
            } => {
                write!(
                    f,
                    "sources `{first}` and `{second}` would both become schema `{schema}`"
                )
            }
            PlanError::Merges(problems) => {
                let problems: Vec<String> = problems.iter().map(ToString::to_string).collect();
                write!(f, "the plan's tables cannot be merged: {}", problems.join("; "))
            }
        }
    }
}

impl std::error::Error for PlanError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            PlanError::Json(error) => Some(error),
            PlanError::Mapping { error, .. } => Some(error),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plan(sources: &str) -> Result<Plan, PlanError> {
        Plan::parse(&format!(r#"{{"version": 1, "sources": [{sources}]}}"#))
    }

    #[test]
    fn written_plan_is_read_back() {
        let it = plan(
            r#"{"name":"a","endpoint":"a","schemas":["public"],"to":"x","keys":{"uuid":["*"],"keep_old":"_old"}}"#,
        );
        // `flatten` and `deny_unknown_fields` exclude each other in serde, so this guards the format itself.
        let it = it.unwrap();
        assert_eq!(Plan::parse(&it.to_json()).unwrap(), it);
        assert_eq!(it.sources[0].keys.as_ref().unwrap().uuid, ["*"]);
        assert!(plan(r#"{"name":"a","endpoint":"a","schemas":[],"keys":{"uuid":["a.b.c"]}}"#).is_err());
    }

    #[test]
    fn two_sources_never_share_a_schema() {
        let error = plan(
            r#"{"name":"a","endpoint":"a","schemas":["public"],"to":"x"},
               {"name":"b","endpoint":"b","schemas":["x"]}"#,
        );
        assert_eq!(
            error.unwrap_err().to_string(),
            "sources `a` and `b` would both become schema `x`"
        );
    }

    #[test]
    fn a_column_has_one_type() {
        let with = |second: &str| {
            plan(&format!(
                r#"{{"name":"a","endpoint":"a.sqlite","schemas":["public"],"on_bad_value":"text-column","types":[
                   {{"table":"t","column":"c","type":"date","note":"all are dates"}},
                   {{"table":"T","column":"{second}","type":"text"}}]}}"#
            ))
        };
        let it = with("d").unwrap();
        assert_eq!(Plan::parse(&it.to_json()).unwrap(), it);
        assert_eq!(
            with("C").unwrap_err().to_string(),
            "the plan gives T.C of source `a` two types"
        );
    }

    #[test]
    fn every_choice_for_a_file_is_read_back() {
        let with = |second: &str| {
            plan(&format!(
                r#"{{"name":"a","endpoint":"a.sqlite","schemas":["public"],"orphans":"delete","nocase":"citext",
                   "full_text":"tsvector","salvage":true,"names":{{"snake_case":true,"rename":[
                   {{"table":"t","name":"u"}},{{"table":"t","column":"c","name":"d"}},
                   {{"table":"T","column":"{second}","name":"e"}}]}}}}"#
            ))
        };
        let it = with("b").unwrap();
        assert_eq!(Plan::parse(&it.to_json()).unwrap(), it);
        assert_eq!(it.sources[0].orphans, Some(OrphanRows::Delete));
        assert_eq!(
            with("C").unwrap_err().to_string(),
            "the plan gives T.C of source `a` two names"
        );
        // What is not known is refused, lest a choice be lost by a slip.
        let slip = r#"{"name":"a","endpoint":"a","schemas":[],"orphan":"keep"}"#;
        assert!(plan(slip).is_err());
    }

    #[test]
    fn unknown_source_names_those_that_exist() {
        let it = plan(r#"{"name":"a","endpoint":"a","schemas":[]}"#).unwrap();
        assert_eq!(
            it.source("b").unwrap_err().to_string(),
            "the plan has no source `b`; it has a"
        );
    }
}
