//! Foreign keys: which of them PostgreSQL accepts, and which rows have no parent there.

use std::collections::BTreeSet;
use std::ops::ControlFlow;

use super::fingerprints::Fingerprints;
use super::keys::{Decision, Keys, Reference, places};
use super::rows::canonical_rows;
use super::schema::{ForeignKey, Table};
use super::sql_text;
use super::target_type::TargetType;
use crate::Result;

impl Decision<'_> {
    pub(super) fn foreign_key(
        &mut self,
        at: usize,
        key: &ForeignKey,
        keys: &Keys,
    ) -> Result<Option<Reference>> {
        let table = &self.schema.tables[at];
        let label = format!("{} ({})", table.name, key.columns.join(", "));
        let resolved = match self.resolve(table, key, keys) {
            Ok(resolved) => resolved,
            Err(reason) => {
                self.note(
                    label,
                    format!("the foreign key to {} is left out: {reason}", key.parent),
                );
                return Ok(None);
            }
        };
        let (columns, parent, parent_columns) = resolved;
        let orphans = self.orphans(table, &columns, &self.schema.tables[parent], &parent_columns)?;
        if orphans > 0 {
            let text = format!(
                "{orphans} rows have no parent in {}: the foreign key becomes NOT VALID",
                key.parent
            );
            self.note(&label, text);
        }
        if sql_text::has_word(&table.sql, "DEFERRABLE") {
            self.note(
                &label,
                "whether the foreign key is DEFERRABLE is not told by SQLite: becomes NOT DEFERRABLE",
            );
        }
        let column_names: Vec<String> = columns
            .iter()
            .map(|&place| table.columns[place].name.clone())
            .collect();
        Ok(Some(Reference {
            table: at,
            name: self.names.choose(&table.name, &column_names, "fkey"),
            columns,
            parent,
            parent_columns,
            on_update: key.on_update.clone(),
            on_delete: key.on_delete.clone(),
            valid: orphans == 0,
        }))
    }

    /// Places of the columns, the parent and places of its columns; or why there is no such foreign key.
    fn resolve(
        &self,
        table: &Table,
        key: &ForeignKey,
        keys: &Keys,
    ) -> std::result::Result<(Vec<usize>, usize, Vec<usize>), String> {
        let parent_at = self
            .schema
            .tables
            .iter()
            .position(|it| it.name.eq_ignore_ascii_case(&key.parent))
            .ok_or("there is no such table")?;
        let parent = &self.schema.tables[parent_at];
        let parent_names: Vec<String> = if key.parent_columns.iter().all(Option::is_none) {
            parent.primary_key.clone()
        } else {
            key.parent_columns.iter().flatten().cloned().collect()
        };
        if parent_names.len() != key.columns.len() {
            return Err("its columns do not match the primary key there".to_owned());
        }
        if let Some(name) = parent_names.iter().find(|name| parent.column(name).is_none()) {
            return Err(format!("there is no column {name}"));
        }
        let (columns, parent_columns) = (places(table, &key.columns), places(parent, &parent_names));
        let wanted: BTreeSet<usize> = parent_columns.iter().copied().collect();
        let same = |found: BTreeSet<usize>| found == wanted;
        let unique = keys
            .uniques
            .iter()
            .any(|it| it.table == parent_at && same(it.columns.iter().copied().collect()))
            || keys.indexes.iter().any(|it| {
                it.table == parent_at
                    && it.unique
                    && it.predicate.is_empty()
                    && same(it.columns.iter().map(|(place, _)| *place).collect())
            });
        if !unique || wanted.len() != parent_columns.len() {
            return Err(format!("({}) is not unique there", parent_names.join(", ")));
        }
        for (&own, &other) in columns.iter().zip(&parent_columns) {
            let (own, other) = (&table.columns[own], &parent.columns[other]);
            if !own.target.compares_with(other.target) {
                let (from, to) = (own.target.to_sql(), other.target.to_sql());
                return Err(format!("{} is {from}, {} there is {to}", own.name, other.name));
            }
        }
        Ok((columns, parent_at, parent_columns))
    }

    /// Rows whose key is complete and has no parent as PostgreSQL compares.
    fn orphans(
        &self,
        table: &Table,
        columns: &[usize],
        parent: &Table,
        parent_columns: &[usize],
    ) -> Result<u64> {
        if table.row_count == 0 {
            return Ok(0);
        }
        let mut parents = Fingerprints::default();
        canonical_rows(self.connection, parent, parent_columns, &mut |row| {
            parents.insert(&comparable(parent, parent_columns, row));
            ControlFlow::Continue(())
        })?;
        let mut orphans = 0;
        canonical_rows(self.connection, table, columns, &mut |row| {
            let is_complete = row.iter().all(Option::is_some);
            orphans += u64::from(is_complete && !parents.contains(&comparable(table, columns, row)));
            ControlFlow::Continue(())
        })?;
        Ok(orphans)
    }
}

/// The row as PostgreSQL compares it with a row of another table: a numeric without its trailing zeros.
fn comparable<'a>(table: &Table, columns: &[usize], row: &[Option<&'a [u8]>]) -> Vec<Option<&'a [u8]>> {
    let mut row = row.to_vec();
    for (field, &place) in row.iter_mut().zip(columns) {
        if let (TargetType::Numeric(_) | TargetType::MixedNumeric(_), Some(text)) =
            (table.columns[place].target, field)
            && text.contains(&b'.')
        {
            let len = text
                .iter()
                .rposition(|&byte| byte != b'0')
                .map_or(0, |last| last + 1);
            *text = text[..len].strip_suffix(b".").unwrap_or(&text[..len]);
        }
    }
    row
}
