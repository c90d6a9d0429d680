//! Which keys, indexes and foreign keys the target gets, and under which names. What PostgreSQL would refuse
//! for the rows as they are is found here, not when the rows have been loaded.

use rusqlite::Connection;

use super::choices::{Choices, Nocase};
use super::collisions;
use super::expressions::has_expressions;
use super::foreign_key::Deferral;
use super::keyed_rows::RowKey;
use super::links::Link;
use super::naming::Names;
use super::new_names::is_name;
use super::nocase::{self, Comparison};
use super::note::{Note, NoteKind};
use super::orphans::OrphanRows;
use super::predicate::null_tests;
use super::schema::{Index, IndexOrigin, Schema, Table};
use super::target_type::TargetType;
use super::uniqueness::is_proved;
use crate::Result;

/// An entry of a btree index must fit a third of a page (`BTMaxItemSize`, 2704 bytes with the page size that
/// nearly every server has); the rest is room for headers and alignment.
pub(super) const INDEX_ENTRY_BYTES_MAX: usize = 2600;
/// `INDEX_MAX_KEYS`
pub(super) const INDEX_COLUMNS_MAX: usize = 32;

/// What comes after the rows, in the order in which it is made.
#[derive(Debug, Default)]
pub(super) struct Keys {
    pub(super) uniques: Vec<UniqueKey>,
    pub(super) indexes: Vec<PlainIndex>,
    pub(super) references: Vec<Reference>,
}

/// How to compare the rows of each of [`Keys::references`], and those of them that have no parent.
#[derive(Debug)]
pub(super) struct Orphanage<'a> {
    pub(super) links: Vec<Link>,
    pub(super) rows: OrphanRows<'a>,
}

/// A primary key or unique constraint.
#[derive(Debug)]
pub(super) struct UniqueKey {
    pub(super) table: usize,
    pub(super) name: String,
    pub(super) primary: bool,
    /// Places of its columns.
    pub(super) columns: Vec<usize>,
}

#[derive(Debug)]
pub(super) struct PlainIndex {
    pub(super) table: usize,
    pub(super) name: String,
    pub(super) unique: bool,
    /// Places of its columns, and whether they descend.
    pub(super) columns: Vec<(usize, bool)>,
    /// Of each column, how it is compared where that is not the column's own way.
    pub(super) comparisons: Vec<Option<Comparison>>,
    /// Columns that the predicate asks to be NULL (false) or not (true).
    pub(super) predicate: Vec<(usize, bool)>,
    /// Whether SQLite's own index proves that it is unique, as long as no value becomes NULL.
    pub(super) proved: bool,
}

#[derive(Debug)]
pub(super) struct Reference {
    pub(super) table: usize,
    pub(super) name: String,
    pub(super) columns: Vec<usize>,
    pub(super) parent: usize,
    pub(super) parent_columns: Vec<usize>,
    pub(super) on_update: String,
    pub(super) on_delete: String,
    pub(super) deferral: Deferral,
    /// False where rows without a parent exist.
    pub(super) valid: bool,
}

/// Decides on all of them; `names` holds the names of tables and sequences already.
pub(super) fn decide<'a>(
    connection: &'a Connection,
    schema: &Schema,
    choices: &Choices,
    names: &mut Names,
    notes: &mut Vec<Note>,
) -> Result<(Keys, Orphanage<'a>)> {
    let (mut keys, mut links) = (Keys::default(), Vec::new());
    let mut decision = Decision {
        connection,
        schema,
        choices,
        names,
        notes,
        orphans: OrphanRows::new(connection)?,
    };
    // Names that the source chose stay; those that are chosen here go around them.
    let tables = || schema.tables.iter().enumerate();
    for (table, index) in tables().flat_map(|(at, it)| it.indexes.iter().map(move |index| (at, index))) {
        if index.origin == IndexOrigin::CreateIndex && !has_expressions(index) {
            keys.indexes.extend(decision.index(table, index)?);
        }
    }
    for (at, table) in tables() {
        keys.uniques.extend(decision.primary_key(at, table)?);
        for index in table
            .indexes
            .iter()
            .filter(|it| it.origin == IndexOrigin::UniqueConstraint)
        {
            if let Some(index) = decision.index_of_constraint(at, index)? {
                keys.indexes.push(index);
            } else {
                keys.uniques.extend(decision.unique_constraint(at, index)?);
            }
        }
    }
    for (at, key) in tables().flat_map(|(at, it)| it.foreign_keys.iter().map(move |key| (at, key))) {
        if let Some((reference, link)) = decision.foreign_key(at, key, &keys)? {
            keys.references.push(reference);
            links.push(link);
        }
    }
    let rows = decision.orphans;
    Ok((keys, Orphanage { links, rows }))
}

pub(super) struct Decision<'c, 'a> {
    pub(super) connection: &'c Connection,
    pub(super) schema: &'a Schema,
    pub(super) choices: &'a Choices,
    pub(super) names: &'a mut Names,
    pub(super) orphans: OrphanRows<'c>,
    notes: &'a mut Vec<Note>,
}

impl Decision<'_, '_> {
    pub(super) fn note(&mut self, object: impl Into<String>, text: impl Into<String>) {
        self.notes.push(Note::new(NoteKind::Constraint, object, text));
    }

    fn primary_key(&mut self, at: usize, table: &Table) -> Result<Option<UniqueKey>> {
        let columns = places(table, &table.primary_key);
        if columns.is_empty() {
            return Ok(None);
        }
        let comparisons = nocase::comparisons_of(table, &columns);
        let mut indexes = table.indexes.iter();
        let index = indexes.find(|it| it.origin == IndexOrigin::PrimaryKey);
        if let Some(obstacle) = self.obstacle(table, &columns, Some((index, &comparisons)))? {
            self.note(&table.name, format!("the primary key is left out: {obstacle}"));
            return Ok(None);
        }
        if let Some(index) = index {
            self.note_collations(index, &format!("primary key of {}", table.name));
        }
        let nulls: u64 = columns.iter().map(|&place| table.columns[place].nulls).sum();
        if nulls > 0 {
            let text = format!(
                "the primary key holds {nulls} NULLs, which PostgreSQL refuses: becomes UNIQUE ({})",
                collisions::rows_with_null(self.connection, table, &columns)?
            );
            self.note(&table.name, text);
            let name = self
                .names
                .choose(&table.new_name, &new_names(table, &columns), "key");
            return Ok(Some(UniqueKey {
                table: at,
                name,
                primary: false,
                columns,
            }));
        }
        let name = self.names.choose(&table.new_name, &[], "pkey");
        Ok(Some(UniqueKey {
            table: at,
            name,
            primary: true,
            columns,
        }))
    }

    fn unique_constraint(&mut self, at: usize, index: &Index) -> Result<Option<UniqueKey>> {
        let table = &self.schema.tables[at];
        let column_names: Vec<String> = index.columns.iter().filter_map(|it| it.name.clone()).collect();
        let columns = places(table, &column_names);
        let label = format!("{} ({})", table.name, column_names.join(", "));
        let comparisons = nocase::comparisons_of(table, &columns);
        if let Some(obstacle) = self.obstacle(table, &columns, Some((Some(index), &comparisons)))? {
            self.note(label, format!("the unique constraint is left out: {obstacle}"));
            return Ok(None);
        }
        self.note_collations(index, &label);
        let name = self
            .names
            .choose(&table.new_name, &new_names(table, &columns), "key");
        Ok(Some(UniqueKey {
            table: at,
            name,
            primary: false,
            columns,
        }))
    }

    fn index(&mut self, at: usize, index: &Index) -> Result<Option<PlainIndex>> {
        let table = &self.schema.tables[at];
        let place_of = |name: &str| {
            table
                .columns
                .iter()
                .position(|it| it.name.eq_ignore_ascii_case(name))
        };
        let columns: Option<Vec<(usize, bool)>> = index
            .columns
            .iter()
            .map(|it| Some((place_of(it.name.as_deref()?)?, it.descending)))
            .collect();
        let kind = if index.unique {
            "the unique index"
        } else {
            "the index"
        };
        let Some(columns) = columns else {
            self.note(
                &index.name,
                format!("{kind} on {} is left out: it is on an expression", table.name),
            );
            return Ok(None);
        };
        let predicate = match &index.predicate {
            None => Some(Vec::new()),
            Some(text) => null_tests(text).and_then(|tests| {
                tests
                    .into_iter()
                    .map(|(name, test)| Some((place_of(&name)?, test)))
                    .collect()
            }),
        };
        let Some(predicate) = predicate else {
            let text = format!(
                "{kind} on {} is left out: its WHERE is not translated",
                table.name
            );
            self.note(&index.name, text);
            return Ok(None);
        };
        let key: Vec<usize> = columns.iter().map(|(place, _)| *place).collect();
        let wanted = self.choices.nocase.comparisons(table, index, &key);
        // One on a part of the rows is proved when it is known which these are.
        let unique = index.unique && predicate.is_empty();
        let unique = unique.then_some((Some(index), wanted.as_slice()));
        if let Some(obstacle) = self.obstacle(table, &key, unique)? {
            self.note(
                &index.name,
                format!("{kind} on {} is left out: {obstacle}", table.name),
            );
            return Ok(None);
        }
        self.note_collations(index, &index.name);
        let name = if is_name(&index.new_name) && self.names.take(&index.new_name) {
            index.new_name.clone()
        } else {
            let chosen = self.names.choose(&table.new_name, &new_names(table, &key), "idx");
            let text = format!(
                "becomes {chosen}: something else is called {} too",
                index.new_name
            );
            self.note(&index.name, text);
            chosen
        };
        // Asked for in `prove_partial` alone.
        let is_partial = index.unique && !predicate.is_empty();
        let proved = is_partial && is_proved(self.connection, table, &key, Some(index), &wanted)?;
        let own = nocase::comparisons_of(table, &key);
        let comparisons = wanted.into_iter().zip(own);
        Ok(Some(PlainIndex {
            table: at,
            name,
            unique: index.unique,
            columns,
            comparisons: comparisons
                .map(|(wanted, own)| (wanted != own).then_some(wanted))
                .collect(),
            predicate,
            proved,
        }))
    }

    /// The unique index that a constraint becomes when it compares otherwise than its columns; a constraint goes by
    /// them.
    fn index_of_constraint(&mut self, at: usize, index: &Index) -> Result<Option<PlainIndex>> {
        let table = &self.schema.tables[at];
        let names: Vec<String> = index.columns.iter().filter_map(|it| it.name.clone()).collect();
        let columns = places(table, &names);
        if self.choices.nocase.comparisons(table, index, &columns) == nocase::comparisons_of(table, &columns)
        {
            return Ok(None);
        }
        let new_name = self
            .names
            .choose(&table.new_name, &new_names(table, &columns), "key");
        self.names.release(&new_name);
        let index = Index {
            new_name,
            ..index.clone()
        };
        self.index(at, &index)
    }

    /// Why PostgreSQL would refuse an index on these columns; `unique` has SQLite's index for a unique one, and says how
    /// the target compares them.
    fn obstacle(
        &self,
        table: &Table,
        columns: &[usize],
        unique: Option<(Option<&Index>, &[Comparison])>,
    ) -> Result<Option<String>> {
        if columns.len() > INDEX_COLUMNS_MAX {
            return Ok(Some(format!(
                "PostgreSQL takes at most {INDEX_COLUMNS_MAX} columns"
            )));
        }
        if let Some(column) = columns
            .iter()
            .map(|&it| &table.columns[it])
            .find(|it| !it.target.is_ordered())
        {
            return Ok(Some(format!("{} is {}", column.name, column.target.to_sql())));
        }
        let bytes: usize = columns.iter().map(|&place| stored_bytes(table, place)).sum();
        if bytes > INDEX_ENTRY_BYTES_MAX {
            return Ok(Some(format!(
                "its values have up to {bytes} bytes, too many for an index entry"
            )));
        }
        let Some((index, comparisons)) = unique else {
            return Ok(None);
        };
        if is_proved(self.connection, table, columns, index, comparisons)? {
            return Ok(None);
        }
        let key = RowKey {
            places: columns,
            comparisons,
            predicate: &[],
        };
        let twice = collisions::find(self.connection, table, key)?;
        Ok(twice.map(|rows| format!("different values become the same: {rows}")))
    }

    fn note_collations(&mut self, index: &Index, label: &str) {
        let mut collations: Vec<&str> = index.columns.iter().map(|it| it.collation.as_str()).collect();
        let is_kept = |it: &str| self.choices.nocase != Nocase::Ignore && it.eq_ignore_ascii_case("NOCASE");
        collations.retain(|it| !it.eq_ignore_ascii_case("BINARY") && !it.is_empty() && !is_kept(it));
        collations.dedup();
        if !collations.is_empty() {
            let effect = if index.unique {
                "values that differ only for PostgreSQL become possible"
            } else {
                "order"
            };
            self.note(
                label,
                format!(
                    "collation {} becomes the database's: {effect}",
                    collations.join(", ")
                ),
            );
        }
    }
}

fn new_names(table: &Table, columns: &[usize]) -> Vec<String> {
    columns
        .iter()
        .map(|&place| table.columns[place].new_name.clone())
        .collect()
}

/// Places of the columns with these names.
pub(super) fn places(table: &Table, names: &[String]) -> Vec<usize> {
    let place_of = |name: &String| {
        table
            .columns
            .iter()
            .position(|it| it.name.eq_ignore_ascii_case(name))
    };
    names.iter().filter_map(place_of).collect()
}

/// The longest value as the server stores it, from the longest text.
fn stored_bytes(table: &Table, place: usize) -> usize {
    let column = &table.columns[place];
    match column.target {
        TargetType::Bytea | TargetType::MixedBytea => column.bytes_max.saturating_sub(2) / 2,
        TargetType::Text | TargetType::MixedText | TargetType::Varchar(_) | TargetType::Citext => {
            column.bytes_max
        }
        TargetType::Numeric(_) | TargetType::MixedNumeric(_) => column.bytes_max / 2 + 8,
        _ => 16,
    }
}
