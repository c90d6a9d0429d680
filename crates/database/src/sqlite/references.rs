//! Foreign keys: which of them PostgreSQL accepts, and which rows have no parent there.

use std::collections::BTreeSet;

use catalog::QualifiedName;

use super::choices::Orphans;
use super::foreign_key::{Deferral, ForeignKey};
use super::keys::{Decision, Keys, Reference, places};
use super::links::Link;
use super::new_names::is_name;
use super::schema::{Schema, Table};
use super::sql_text;
use super::translate::SCHEMA;
use crate::Result;

impl Decision<'_, '_> {
    /// The foreign key on the target and what compares its rows; `None` where there is none.
    pub(super) fn foreign_key(
        &mut self,
        at: usize,
        key: &ForeignKey,
        keys: &Keys,
    ) -> Result<Option<(Reference, Link)>> {
        let table = &self.schema.tables[at];
        let label = format!("{} ({})", table.name, key.columns.join(", "));
        let (columns, parent, parent_columns) = match self.resolve(table, key, keys) {
            Ok(resolved) => resolved,
            Err(reason) => {
                self.note(
                    label,
                    format!("the foreign key to {} is left out: {reason}", key.parent),
                );
                return Ok(None);
            }
        };
        let number = keys.references.len();
        let link = Link::new(
            self.connection,
            self.schema,
            number,
            (at, &columns),
            (parent, &parent_columns),
        )?;
        let orphans = self.orphans.count(self.schema, &link)?;
        let keeps = self.choices.orphans == Orphans::Keep;
        if orphans > 0 && keeps {
            let text = format!(
                "{} no parent in {}: the foreign key becomes NOT VALID",
                if orphans == 1 {
                    "1 row has".to_owned()
                } else {
                    format!("{orphans} rows have")
                },
                key.parent
            );
            self.note(&label, text);
        }
        if key.deferral.is_none() && sql_text::has_word(&table.sql, "DEFERRABLE") {
            let text = "whether the foreign key is DEFERRABLE cannot be read: becomes NOT DEFERRABLE";
            self.note(&label, text);
        }
        if let Some(name) = key
            .match_name
            .as_ref()
            .filter(|it| !it.eq_ignore_ascii_case("SIMPLE"))
        {
            let text = format!("MATCH {name} becomes MATCH SIMPLE, by which SQLite goes too");
            self.note(&label, text);
        }
        let column_names: Vec<String> = columns
            .iter()
            .map(|&place| table.columns[place].new_name.clone())
            .collect();
        let reference = Reference {
            table: at,
            name: self.given_name(key.name.as_deref(), &table.new_name, &column_names),
            columns,
            parent,
            parent_columns,
            on_update: key.on_update.clone(),
            on_delete: key.on_delete.clone(),
            deferral: key.deferral.unwrap_or(Deferral::NotDeferrable),
            valid: orphans == 0 || !keeps,
        };
        Ok(Some((reference, link)))
    }

    /// The name that the foreign key has, if that can be kept, or one as PostgreSQL chooses it.
    fn given_name(&mut self, given: Option<&str>, table: &str, columns: &[String]) -> String {
        let given = given.map(|it| self.choices.names.apply(it));
        match given {
            Some(name) if is_name(&name) && self.names.take(&name) => name,
            _ => self.names.choose(table, columns, "fkey"),
        }
    }

    /// Places of the columns, the parent and places of its columns; or why PostgreSQL takes no such foreign key.
    fn resolve(&self, table: &Table, key: &ForeignKey, keys: &Keys) -> std::result::Result<Declared, String> {
        let declared = declared(self.schema, table, key)?;
        let (columns, parent_at, parent_columns) = &declared;
        let parent = &self.schema.tables[*parent_at];
        let wanted: BTreeSet<usize> = parent_columns.iter().copied().collect();
        let same = |found: BTreeSet<usize>| found == wanted;
        let unique = keys
            .uniques
            .iter()
            .any(|it| it.table == *parent_at && same(it.columns.iter().copied().collect()))
            || keys.indexes.iter().any(|it| {
                it.table == *parent_at
                    && it.unique
                    && it.predicate.is_empty()
                    && it.comparisons.iter().all(Option::is_none)
                    && same(it.columns.iter().map(|(place, _)| *place).collect())
            });
        if !unique || wanted.len() != parent_columns.len() {
            let names: Vec<&str> = parent_columns
                .iter()
                .map(|&it| parent.columns[it].name.as_str())
                .collect();
            return Err(format!("({}) is not unique there", names.join(", ")));
        }
        for (&own, &other) in columns.iter().zip(parent_columns) {
            let (own, other) = (&table.columns[own], &parent.columns[other]);
            if !own.target.compares_with(other.target) || own.comparison != other.comparison {
                let (from, to) = (own.type_sql(), other.type_sql());
                return Err(format!("{} is {from}, {} there is {to}", own.name, other.name));
            }
        }
        Ok(declared)
    }
}

/// Places of a foreign key's columns, the parent, and places of its columns.
type Declared = (Vec<usize>, usize, Vec<usize>);

/// What a foreign key refers to, if it is there; else why not.
fn declared(schema: &Schema, table: &Table, key: &ForeignKey) -> std::result::Result<Declared, String> {
    let mut tables = schema.tables.iter();
    let parent_at = tables
        .position(|it| it.name.eq_ignore_ascii_case(&key.parent))
        .ok_or("there is no such table")?;
    let parent = &schema.tables[parent_at];
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
    Ok((
        places(table, &key.columns),
        parent_at,
        places(parent, &parent_names),
    ))
}

/// The foreign keys that the file declares and that are not among `keys`, though what they refer to is there.
pub(super) fn left_out(schema: &Schema, keys: &Keys) -> Vec<catalog::ForeignKey> {
    let names = |table: &Table, places: &[usize]| {
        let name = |&place: &usize| table.columns[place].new_name.clone();
        places.iter().map(name).collect()
    };
    let mut left_out = Vec::new();
    for (at, table) in schema.tables.iter().enumerate() {
        for key in &table.foreign_keys {
            let Ok((columns, parent, parent_columns)) = declared(schema, table, key) else {
                continue;
            };
            let is_made = keys.references.iter().any(|it| {
                (it.table, it.parent) == (at, parent)
                    && (&it.columns, &it.parent_columns) == (&columns, &parent_columns)
            });
            if !is_made {
                let other = &schema.tables[parent];
                left_out.push(catalog::ForeignKey {
                    table: QualifiedName::new(SCHEMA, &table.new_name),
                    columns: names(table, &columns),
                    parent: QualifiedName::new(SCHEMA, &other.new_name),
                    parent_columns: names(other, &parent_columns),
                });
            }
        }
    }
    left_out
}
