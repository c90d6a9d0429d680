//! What stands in the way of keeping keys apart as the plan says.

use catalog::TableKind;
use cli::Failure;
use plan::MergedKeys;

use super::group::{Group, Groups, is_converted, table_at};
use super::source::Source;

impl Groups {
    /// Tables that follow and cannot be filled anew, and columns that no offset can be added to.
    pub(super) fn refuse_unfit(&self, sources: &[Source]) -> cli::Result<()> {
        let mut found: Vec<String> = Vec::new();
        for group in self.all.iter().filter(|it| it.merge.is_none()) {
            let table = table_at(sources, group.parts[0]);
            let of = &sources[group.parts[0].source].name;
            let own = table.qualified_name();
            let tables = &sources[group.parts[0].source].catalog.tables;
            let has_heirs = tables.iter().any(|it| it.inherits.contains(&own));
            let is_plain = table.kind == TableKind::Ordinary && table.partition_of.is_none();
            if !is_plain || has_heirs || !table.inherits.is_empty() {
                found.push(format!(
                    "{} of source `{of}` refers to a merged table, and is partitioned, inherits or is inherited from",
                    group.target
                ));
            }
        }
        for group in self.all.iter().filter(|it| it.parts.len() > 1) {
            found.extend(self.keys_that_meet(group, sources));
        }
        for group in &self.all {
            let follows_source = |column: &String| {
                let mut follows = group.follows.iter();
                follows.any(|(columns, ..)| columns.contains(column))
            };
            if let Some(column) = group.source_column.as_ref().filter(|it| follows_source(it)) {
                found.push(format!(
                    "{} refers to joined rows by a key with the column {column}: a row that followed another \
                     source's would change its own source; take \"offset\" or \"uuid\", or no `dedupe`",
                    group.target
                ));
            }
        }
        for ((place, column), shift) in &self.shifts {
            let table = table_at(sources, *place);
            let found_type = table.columns.iter().find(|it| it.name == *column);
            let text = found_type.map_or("", |it| it.column_type.text.as_str());
            let is_converted = is_converted(sources, *place, column);
            let fits = match text {
                "smallint" => *shift < i64::from(i16::MAX),
                "integer" => *shift < i64::from(i32::MAX),
                "bigint" | "numeric" => true,
                _ => false,
            };
            // A type that the plan gives the merged column may have room.
            let has_own = self.group_of(*place).is_some_and(|it| {
                self.all[it]
                    .merge
                    .as_ref()
                    .is_some_and(|it| it.columns.contains_key(column))
            });
            if !fits && !has_own && !is_converted {
                found.push(format!(
                    "{}.{column} of source `{}` has type {text}, to which {shift} cannot be added",
                    table.qualified_name(),
                    sources[place.source].name
                ));
            }
        }
        if found.is_empty() {
            return Ok(());
        }
        let failure = Failure::usage("keys cannot be kept apart as the plan says");
        let failure = found.into_iter().fold(failure, Failure::with_state);
        Err(failure.with_hint(
            "give other offsets, a wider type under `columns`, or another choice under `keys` of the plan's merge",
        ))
    }

    /// Keys of parts that nothing keeps apart, although the plan says so.
    fn keys_that_meet(&self, group: &Group, sources: &[Source]) -> Vec<String> {
        let mut found = Vec::new();
        for part in &group.parts {
            let table = table_at(sources, *part);
            let of = &sources[part.source].name;
            let mut key = table.primary_key.iter();
            let (is_apart, how) = match group.keys() {
                MergedKeys::Offset => (
                    key.any(|it| self.is_kept_apart(*part, it)),
                    "no number can be added to it: take \"composite\" or \"as-is\"",
                ),
                MergedKeys::Uuid => {
                    let is_uuid = |name: &String| {
                        let column = table.columns.iter().find(|it| it.name == *name);
                        column.is_some_and(|it| it.column_type.text == "uuid")
                    };
                    (
                        key.any(is_uuid),
                        "it becomes no UUID: name the table under `keys` of the plan's source",
                    )
                }
                MergedKeys::Composite => (
                    key.next().is_some(),
                    "there is nothing for the source column to stand in front of: take \"as-is\"",
                ),
                MergedKeys::AsIs => continue,
            };
            if !is_apart {
                found.push(format!(
                    "{} has the primary key ({}) in source `{of}`: {how}",
                    group.target,
                    table.primary_key.join(", ")
                ));
            }
        }
        found
    }
}
