//! What an archive says of tables that come out of several sources, and whether it fits together.

use catalog::{Table, TableKind};
use plan::Mapping;
use serde::{Deserialize, Serialize};

use crate::{Error, Result, SourceIdentity};

/// One of the sources whose archives have become one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MergedSource {
    /// Its name in the plan.
    pub name: String,
    /// The run of `dump` that read it.
    pub run: String,
    pub identity: SourceIdentity,
    /// The new names of what is not merged.
    pub mapping: Mapping,
    /// Numbers of its tables in this archive, parts among them, in order.
    pub tables: Vec<u32>,
}

/// Refuses parts without their table, and tables without their parts.
pub(crate) fn check(tables: &[Table]) -> Result<()> {
    let at = |number: u32| usize::try_from(number).ok().and_then(|it| tables.get(it));
    for table in tables {
        let fits = match table.kind {
            TableKind::Merged => table.merged.as_ref().is_some_and(|it| {
                let is_part = |number: &u32| {
                    let part = at(*number).and_then(|it| it.part.as_ref());
                    part.is_some_and(|it| it.into == table.number)
                };
                let follows = it.follows.iter().all(|it| {
                    let parent = at(it.parent).is_some_and(|it| it.kind == TableKind::Merged);
                    parent && it.columns.len() == it.parent_columns.len() && !it.columns.is_empty()
                });
                !it.parts.is_empty() && it.parts.iter().all(is_part) && follows && table.part.is_none()
            }),
            TableKind::Part => table.part.as_ref().is_some_and(|it| {
                let into = at(it.into).filter(|into| into.kind == TableKind::Merged);
                into.is_some_and(|into| {
                    let is_listed = into
                        .merged
                        .as_ref()
                        .is_some_and(|it| it.parts.contains(&table.number));
                    let columns = into.stored_columns().map(|column| column.name.as_str());
                    let has = |from: &String| table.stored_columns().any(|it| it.name == *from);
                    is_listed
                        && columns.eq(it.values.iter().map(|value| value.column.as_str()))
                        && it.values.iter().filter_map(|value| value.from.as_ref()).all(has)
                }) && table.merged.is_none()
            }),
            _ => table.merged.is_none() && table.part.is_none(),
        };
        if !fits {
            return Err(Error::damaged("merged tables do not fit their parts"));
        }
    }
    Ok(())
}
