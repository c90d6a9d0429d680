//! What the rows of a part become, as SQL.

use std::fmt::Write as _;

use catalog::{Followed, quote_ident, quote_literal};

use super::{MergedTable, Merging, StagedPart};

/// Expressions over staged rows, and where they come from.
pub(super) struct Select {
    /// Each in brackets, without its column's type.
    pub(super) values: Vec<String>,
    /// `FROM …`, with the alias `s` for the staged row.
    pub(super) from: String,
}

impl Merging<'_> {
    /// The values that `columns` of the merged table get from the rows of `part`; those that follow joined rows follow.
    pub(super) fn select<'c>(
        &self,
        table: &MergedTable<'_>,
        part: &StagedPart<'_>,
        columns: impl IntoIterator<Item = &'c str>,
    ) -> Select {
        let columns: Vec<&str> = columns.into_iter().collect();
        let mut follows = self.follows(table);
        follows.retain(|(it, _)| it.columns.iter().any(|column| columns.contains(&column.as_str())));
        let value = |column: &str| {
            let mut value = format!("({})", part.value(column));
            for (number, (followed, parent)) in follows.iter().enumerate() {
                let Some(key) = key_of(followed, parent, column) else {
                    continue;
                };
                value = format!("(CASE WHEN r{number}.part IS NULL THEN {value} ELSE r{number}.w{key} END)");
            }
            value
        };
        let mut from = format!("FROM {} s", part.name);
        for (number, (followed, parent)) in follows.iter().enumerate() {
            let mut conditions = vec![format!("r{number}.source = {}", quote_literal(&part.part.source))];
            for column in &followed.columns {
                if let Some(key) = key_of(followed, parent, column) {
                    conditions.push(format!("r{number}.o{key} = ({})", part.value(column)));
                }
            }
            let joins = &parent.joins;
            let _ = write!(
                from,
                " LEFT JOIN {joins} r{number} ON {}",
                conditions.join(" AND ")
            );
        }
        Select {
            values: columns.iter().map(|it| value(it)).collect(),
            from,
        }
    }

    /// Fills the merged table with the rows of a part that are not joined to others.
    pub(super) fn insertion(&self, table: &MergedTable<'_>, part: &StagedPart<'_>) -> String {
        let columns: Vec<&str> = table.table.stored_columns().map(|it| it.name.as_str()).collect();
        let select = self.select(table, part, columns.iter().copied());
        let names: Vec<String> = columns.iter().map(|it| quote_ident(it)).collect();
        format!(
            "INSERT INTO {} ({}) OVERRIDING SYSTEM VALUE SELECT {} {}{}",
            table.table.qualified_name(),
            names.join(", "),
            select.values.join(", "),
            select.from,
            table.without_joined(part),
        )
    }

    /// The rows of a part as they stand in the merged table.
    pub(super) fn merged_rows(&self, table: &MergedTable<'_>, part: &StagedPart<'_>) -> String {
        let columns: Vec<&str> = table.table.stored_columns().map(|it| it.name.as_str()).collect();
        let select = self.select(table, part, columns.iter().copied());
        let values: Vec<String> = columns
            .iter()
            .zip(&select.values)
            .map(|(column, value)| format!("{value}::{}", table.type_of(column)))
            .collect();
        format!(
            "SELECT {} {}{}",
            values.join(", "),
            select.from,
            table.without_joined(part)
        )
    }

    /// The foreign keys that follow joined rows, with the tables that they lead to.
    pub(super) fn follows<'m>(
        &'m self,
        table: &'m MergedTable<'_>,
    ) -> Vec<(&'m Followed, &'m MergedTable<'m>)> {
        let follows = table.merged.follows.iter();
        follows
            .filter_map(|it| Some((it, self.table(it.parent).filter(|it| it.joins_rows())?)))
            .collect()
    }
}

impl MergedTable<'_> {
    /// A condition that leaves out the rows that are joined to others.
    fn without_joined(&self, part: &StagedPart<'_>) -> String {
        if !self.joins_rows() {
            return String::new();
        }
        format!(
            " WHERE NOT EXISTS (SELECT FROM {} j WHERE j.part = {} AND j.spot = s.ctid)",
            self.joins, part.table.number
        )
    }
}

/// The place, among the keys of `parent`, of what `column` refers to.
fn key_of(followed: &Followed, parent: &MergedTable<'_>, column: &str) -> Option<usize> {
    let place = followed.columns.iter().position(|it| it == column)?;
    let referred = followed.parent_columns.get(place)?;
    parent.keyed_columns().iter().position(|it| it == referred)
}
