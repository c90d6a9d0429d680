//! Merges that cannot be carried out, refused before anything is written.

use std::collections::{BTreeMap, BTreeSet};

use archive::Header;
use catalog::TableKind;
use cli::{Exit, Failure, Result};

use super::{MergedTable, Merging};
use crate::rejects::Rejects;

/// Rows alone go into tables of somebody else's making.
pub(crate) fn refuse_rows_alone(header: &Header) -> Result<()> {
    let Some(table) = header
        .catalog
        .tables
        .iter()
        .find(|it| it.kind == TableKind::Merged)
    else {
        return Ok(());
    };
    let message = format!(
        "the archive merges rows of several sources into {}, which --data-only does not do",
        table.qualified_name()
    );
    Err(Failure::usage(message).with_hint("load it without --data-only"))
}

/// What of an archive's merges does not fit together, and rows that would be set aside.
pub(crate) fn refuse_what_cannot_be(header: &Header, rejects: &Rejects) -> Result<()> {
    let merging = Merging::new(header);
    merging.check()?;
    if merging.is_empty() || !rejects.are_wanted() {
        return Ok(());
    }
    let message =
        "the archive merges rows of several sources, and rows that are merged cannot be rejected one by one";
    Err(Failure::usage(message)
        .with_hint("leave --on-error out: the first row that does not fit ends the load"))
}

impl Merging<'_> {
    fn check(&self) -> Result<()> {
        self.check_parts()?;
        for table in &self.tables {
            table.check_values()?;
            self.check_follows(table)?;
        }
        self.in_order_of_keys().map(drop)
    }

    /// Every part belongs to a merged table, and every merged table has its parts.
    fn check_parts(&self) -> Result<()> {
        let tables = &self.header.catalog.tables;
        let merged = tables.iter().filter(|it| it.kind == TableKind::Merged).count();
        let parts = tables.iter().filter(|it| it.kind == TableKind::Part).count();
        let known: BTreeSet<u32> = self.staging().into_keys().collect();
        let listed: usize = self.tables.iter().map(|it| it.merged.parts.len()).sum();
        if merged == self.tables.len() && parts == known.len() && parts == listed {
            return Ok(());
        }
        let message = "archive is damaged: merged tables and their parts do not belong together";
        Err(Failure::new(Exit::Archive, message))
    }

    fn check_follows(&self, table: &MergedTable<'_>) -> Result<()> {
        let name = table.table.qualified_name();
        for (followed, parent) in self.follows(table) {
            let has = |it: &MergedTable<'_>, column: &String| {
                it.table.stored_columns().any(|known| known.name == *column)
            };
            let fits = followed.columns.len() == followed.parent_columns.len()
                && followed.columns.iter().all(|it| has(table, it))
                && followed.parent_columns.iter().all(|it| has(parent, it));
            if !fits {
                let message =
                    format!("archive is damaged: a foreign key of {name} does not fit what it refers to");
                return Err(Failure::new(Exit::Archive, message));
            }
            let source_column = table.merged.source_column.as_ref();
            if let Some(column) = source_column.filter(|it| followed.columns.contains(it)) {
                let message = format!(
                    "a foreign key of {name} has the source's column ({column}), and rows of {} are joined: a row that \
                     followed another source's would change its own source",
                    parent.table.qualified_name()
                );
                return Err(Failure::usage(message)
                    .with_hint("merge with keys by offset or UUIDs, or without joining rows (dedupe)"));
            }
            let moved = self.follows(parent).into_iter().flat_map(|(it, _)| &it.columns);
            if let Some(column) = moved.into_iter().find(|it| followed.parent_columns.contains(it)) {
                let message = format!(
                    "{name} refers to {}.{column}, which itself follows rows that are joined: such chains are not followed",
                    parent.table.qualified_name()
                );
                return Err(Failure::usage(message).with_hint("merge without joining rows (dedupe) there"));
            }
        }
        Ok(())
    }

    /// The tables whose rows are joined, each behind those whose keys are in its natural key.
    pub(super) fn in_order_of_keys(&self) -> Result<Vec<&MergedTable<'_>>> {
        let joining = self.tables.iter().filter(|it| it.joins_rows());
        let mut left: BTreeMap<u32, &MergedTable<'_>> = joining.map(|it| (it.table.number, it)).collect();
        let mut ordered = Vec::new();
        while !left.is_empty() {
            let is_free = |it: &&&MergedTable<'_>| {
                let follows = self.follows(it);
                let mut needed = follows.iter().filter(|(followed, _)| {
                    followed
                        .columns
                        .iter()
                        .any(|column| it.merged.dedupe.contains(column))
                });
                needed.all(|(followed, _)| !left.contains_key(&followed.parent))
            };
            let Some(next) = left.values().find(is_free).map(|it| it.table.number) else {
                let names: Vec<String> = left
                    .values()
                    .map(|it| it.table.qualified_name().to_string())
                    .collect();
                let message = format!(
                    "rows of {} cannot be joined: their natural keys have keys of each other in them",
                    names.join(", ")
                );
                return Err(Failure::usage(message).with_hint("choose other columns for dedupe in the plan"));
            };
            ordered.extend(left.remove(&next));
        }
        Ok(ordered)
    }
}

impl MergedTable<'_> {
    fn check_values(&self) -> Result<()> {
        let name = self.table.qualified_name();
        let damaged = |what: &str| {
            let message = format!("archive is damaged: {what} of {name}");
            Err(Failure::new(Exit::Archive, message))
        };
        let has = |column: &String| self.table.stored_columns().any(|it| it.name == *column);
        if !self.merged.dedupe.iter().all(has) {
            return damaged("the natural key has a column that is none");
        }
        if self.table.unlogged {
            // A server that crashes empties it, and the staged rows that it was filled from may be gone by then.
            let message =
                format!("merged table {name} is unlogged, and rows are not merged into such a table");
            return Err(
                Failure::usage(message).with_hint("make it logged in the sources, and dump them again")
            );
        }
        for part in &self.parts {
            let columns = self.table.stored_columns().map(|it| it.name.as_str());
            if !columns.eq(part.part.values.iter().map(|it| it.column.as_str())) {
                return damaged("a part does not have the columns");
            }
            if part.table.stores_names() {
                let message = format!(
                    "{} has columns whose values are names (regclass and its kin), which {name} cannot get from it",
                    part.table.qualified_name()
                );
                return Err(Failure::usage(message).with_hint("leave the table out of the plan's merges"));
            }
            if part.table.columns.iter().all(|it| it.generated.is_some()) {
                return damaged("a part has no stored columns");
            }
        }
        Ok(())
    }
}
