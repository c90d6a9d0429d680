//! COLLATE NOCASE on the target: not at all, as the type `citext`, or as a collation of ICU.
//!
//! SQLite's NOCASE folds the 26 letters of ASCII. PostgreSQL's two ways fold all letters, so that `É` and `é`, which
//! are two values to SQLite, become one: keys are proved under the target's rule, and it is said.

use catalog::{Collation, ColumnType, Extension, Member, Object, ObjectKind};
use rusqlite::Connection;

use super::choices::Nocase;
use super::keys::Keys;
use super::note::{Note, NoteKind};
use super::rows::{failed, itself, quote};
use super::schema::{Column, Index, Schema, Table};
use super::target_type::TargetType;
use super::translate::SCHEMA;
use crate::Result;

/// The collation that [`Nocase::Icu`] makes.
pub(super) const COLLATION: &str = "nocase";
/// Level 2 tells accents apart and not case.
pub(super) const LOCALE: &str = "und-u-ks-level2";
/// The extension of [`Nocase::Citext`], and its type.
pub(super) const CITEXT: &str = "citext";

/// How the target compares values of a column.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Comparison {
    /// As the database does: text letter by letter.
    #[default]
    Exact,
    /// By the type `citext`.
    Citext,
    /// By a collation of ICU that takes no notice of case.
    Icu,
}

impl Comparison {
    /// The text with its case taken away, at least as far as PostgreSQL takes it.
    pub(super) fn fold(self, text: &[u8]) -> Vec<u8> {
        let Ok(text) = std::str::from_utf8(text) else {
            return text.to_vec();
        };
        match self {
            Comparison::Exact => text.to_owned(),
            Comparison::Citext => text.to_lowercase(),
            // `ß` and `SS` differ only by case there.
            Comparison::Icu => text.to_uppercase().to_lowercase(),
        }
        .into_bytes()
    }
}

impl Comparison {
    /// A key of an index on `column`, whose own comparison is another one.
    pub(super) fn key_sql(self, name: &str, column: &Column) -> String {
        match (self, column.comparison) {
            (Comparison::Citext, _) => format!("(({name})::{SCHEMA}.{CITEXT})"),
            (Comparison::Icu, _) => format!("{name} COLLATE {SCHEMA}.{COLLATION}"),
            (Comparison::Exact, Comparison::Citext) => format!("(({name})::text)"),
            (Comparison::Exact, _) => format!("{name} COLLATE pg_catalog.\"default\""),
        }
    }
}

impl Nocase {
    /// How the index compares each of its columns on the target.
    pub(super) fn comparisons(self, table: &Table, index: &Index, columns: &[usize]) -> Vec<Comparison> {
        let chosen = match self {
            Nocase::Ignore => Comparison::Exact,
            Nocase::Citext => Comparison::Citext,
            Nocase::Icu => Comparison::Icu,
        };
        let keys = index.columns.iter().zip(columns);
        keys.map(|(key, &place)| {
            let column = &table.columns[place];
            if column.is_text() && key.collation.eq_ignore_ascii_case("NOCASE") {
                chosen
            } else if column.is_nocase() || !column.is_text() {
                Comparison::Exact
            } else {
                // A column that took over the rule of the key that it refers to.
                column.comparison
            }
        })
        .collect()
    }
}

/// How each of the columns compares.
pub(super) fn comparisons_of(table: &Table, columns: &[usize]) -> Vec<Comparison> {
    columns
        .iter()
        .map(|&place| table.columns[place].comparison)
        .collect()
}

impl Column {
    /// Whether SQLite compares its values without regard to case.
    pub(super) fn is_nocase(&self) -> bool {
        self.collation.eq_ignore_ascii_case("NOCASE")
    }

    /// The column's type in the catalog.
    pub(super) fn column_type(&self) -> ColumnType {
        match self.comparison {
            Comparison::Citext => ColumnType {
                schema: SCHEMA.to_owned(),
                name: CITEXT.to_owned(),
                text: format!("{SCHEMA}.{CITEXT}"),
                base: None,
            },
            Comparison::Exact | Comparison::Icu => self.target.column_type(),
        }
    }

    /// The column's type as its definition has it.
    pub(super) fn type_sql(&self) -> String {
        match self.comparison {
            Comparison::Exact => self.target.to_sql(),
            Comparison::Citext => format!("{SCHEMA}.{CITEXT}"),
            Comparison::Icu => format!("{} COLLATE {SCHEMA}.{COLLATION}", self.target.to_sql()),
        }
    }

    pub(super) fn is_text(&self) -> bool {
        matches!(
            self.target,
            TargetType::Text | TargetType::MixedText | TargetType::Varchar(_) | TargetType::Citext
        )
    }
}

/// Gives each column that is NOCASE, and each that refers to one, its way to compare.
pub(super) fn decide(
    connection: &Connection,
    schema: &mut Schema,
    choice: Nocase,
    notes: &mut Vec<Note>,
) -> Result<()> {
    // Columns whose type was chosen compare by it.
    for table in &mut schema.tables {
        for column in &mut table.columns {
            if column.target == TargetType::Citext {
                column.comparison = Comparison::Citext;
            }
        }
    }
    let comparison = match choice {
        Nocase::Ignore => {
            note_ignored(schema, notes);
            return Ok(());
        }
        Nocase::Citext => Comparison::Citext,
        Nocase::Icu => Comparison::Icu,
    };
    let mut chosen: Vec<(usize, usize)> = Vec::new();
    for (at, table) in schema.tables.iter().enumerate() {
        let is_meant = |it: &&(usize, &Column)| {
            it.1.is_nocase() && it.1.is_text() && it.1.comparison == Comparison::Exact
        };
        let columns = table.columns.iter().enumerate();
        chosen.extend(columns.filter(|it| is_meant(&it)).map(|(place, _)| (at, place)));
    }
    // A foreign key compares by the rule of the key that it refers to, so its columns take that over.
    let mut next = 0;
    while let Some(&(parent, place)) = chosen.get(next) {
        next += 1;
        for (at, referring) in referring_columns(schema, parent, place) {
            if schema.tables[at].columns[referring].is_text() && !chosen.contains(&(at, referring)) {
                chosen.push((at, referring));
            }
        }
    }
    for (at, place) in chosen {
        let table = &mut schema.tables[at];
        let column = &mut table.columns[place];
        let label = format!("{}.{}", table.name, column.name);
        if let (Comparison::Citext, TargetType::Varchar(len)) = (comparison, column.target) {
            let text = format!("becomes citext, which has no greatest length ({len})");
            notes.push(Note::new(NoteKind::Constraint, &label, text));
        }
        column.comparison = comparison;
        if !is_ascii(connection, table, place)? {
            let text = "holds letters beyond ASCII: NOCASE tells their case apart, PostgreSQL does not";
            notes.push(Note::new(NoteKind::Constraint, &label, text));
        }
    }
    Ok(())
}

fn note_ignored(schema: &Schema, notes: &mut Vec<Note>) {
    for table in &schema.tables {
        let columns = table.columns.iter();
        let is_exact = |it: &&Column| it.comparison == Comparison::Exact;
        for column in columns
            .filter(|it| it.is_nocase() && it.is_text())
            .filter(is_exact)
        {
            let text = "COLLATE NOCASE becomes the database's collation, to which case matters (--nocase)";
            let label = format!("{}.{}", table.name, column.name);
            notes.push(Note::new(NoteKind::Constraint, label, text));
        }
    }
}

/// Whether all text in a column is of ASCII's letters, of which SQLite and PostgreSQL take the same as equal.
pub(super) fn is_ascii(connection: &Connection, table: &Table, place: usize) -> Result<bool> {
    let column = quote(&table.columns[place].name);
    // Control characters do not count to ICU: they are among what is not proved.
    let sql = format!(
        "SELECT EXISTS (SELECT 1 FROM {} WHERE s.{column} GLOB '*[^ -~]*')",
        itself(table, "s")
    );
    let found = connection.query_row(&sql, [], |row| row.get::<_, bool>(0));
    Ok(!found.map_err(failed(table))?)
}

/// Whether a comparison is used by a column or an index.
pub(super) fn uses(schema: &Schema, keys: &Keys, comparison: Comparison) -> bool {
    let columns = || schema.tables.iter().flat_map(|it| &it.columns);
    columns().any(|it| it.comparison == comparison)
        || keys
            .indexes
            .iter()
            .any(|it| it.comparisons.contains(&Some(comparison)))
}

/// Enters what the comparisons need into the catalog.
pub(super) fn enter(catalog: &mut catalog::Catalog, schema: &Schema, keys: &Keys) {
    if uses(schema, keys, Comparison::Citext) {
        catalog.extensions.push(Extension {
            name: CITEXT.to_owned(),
            version: "1.0".to_owned(),
            schema: SCHEMA.to_owned(),
            trusted: true,
            members: vec![Member {
                kind: ObjectKind::Type,
                schema: SCHEMA.to_owned(),
                name: CITEXT.to_owned(),
            }],
        });
    }
    if uses(schema, keys, Comparison::Icu) {
        catalog.objects.push(Object {
            kind: ObjectKind::Collation,
            schema: SCHEMA.to_owned(),
            name: COLLATION.to_owned(),
            table: None,
            indexed: false,
        });
        let columns = schema.tables.iter().flat_map(|it| &it.columns);
        let users = columns.filter(|it| it.comparison == Comparison::Icu).count();
        catalog.collations.push(Collation {
            schema: SCHEMA.to_owned(),
            name: COLLATION.to_owned(),
            order: format!("icu:{LOCALE}"),
            indexes: u32::try_from(users).unwrap_or(u32::MAX),
        });
    }
}

/// Columns that refer to the column at `place` of table `parent`.
fn referring_columns(schema: &Schema, parent: usize, place: usize) -> Vec<(usize, usize)> {
    let target = &schema.tables[parent];
    let mut found = Vec::new();
    for (at, table) in schema.tables.iter().enumerate() {
        for key in table
            .foreign_keys
            .iter()
            .filter(|it| it.parent.eq_ignore_ascii_case(&target.name))
        {
            for (field, own) in key.columns.iter().enumerate() {
                let other = key
                    .parent_columns
                    .get(field)
                    .and_then(Option::as_ref)
                    .or(target.primary_key.get(field));
                let is_it = other.is_some_and(|it| it.eq_ignore_ascii_case(&target.columns[place].name));
                let own = table
                    .columns
                    .iter()
                    .position(|it| it.name.eq_ignore_ascii_case(own));
                found.extend(own.filter(|_| is_it).map(|own| (at, own)));
            }
        }
    }
    found
}
