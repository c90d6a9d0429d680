//! The whole inspection of a source: its schema, the census, what becomes of it on the target, and what
//! stands in the way.

use std::fmt;

use catalog::{Catalog, IDENTIFIER_BYTES_MAX};

use super::census;
use super::choices::Choices;
use super::ddl;
use super::expressions;
use super::keys;
use super::naming::Names;
use super::note::{Note, NoteKind};
use super::schema::{Schema, Table};
use super::source::SqliteSource;
use super::translate;
use super::{program_ddl, programs};
use crate::{Error, ErrorKind, Result};

/// PostgreSQL's `MaxHeapAttributeNumber`.
const COLUMNS_MAX: usize = 1600;

/// Names that every PostgreSQL table has already.
const SYSTEM_COLUMNS: [&str; 6] = ["tableoid", "cmax", "xmax", "cmin", "xmin", "ctid"];

/// What a SQLite database contains and what becomes of it.
#[derive(Clone, Debug)]
pub struct Inspection {
    /// In SQLite's terms; the tables stand in the order of [`Catalog::tables`].
    pub schema: Schema,
    /// In the target's terms.
    pub catalog: Catalog,
    /// DDL that must stand before the rows.
    pub pre_data: String,
    /// DDL that comes after the rows.
    pub post_data: String,
    pub notes: Vec<Note>,
    /// What cannot be moved truthfully; [`SqliteSource::inspect`] returns only inspections without any.
    pub blockers: Vec<Blocker>,
}

/// Something that PostgreSQL cannot hold.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Blocker {
    /// A name of more than 63 bytes.
    LongName {
        object: String,
    },
    EmptyName {
        table: String,
    },
    /// A column with the name of a system column.
    SystemColumn {
        column: String,
    },
    TooManyColumns {
        table: String,
        count: usize,
    },
    /// TEXT values with a NUL or malformed UTF-8; `rows` names some of them.
    BadText {
        column: String,
        count: u64,
        rows: String,
    },
    /// Values beyond the size of a message to the server.
    TooLong {
        column: String,
        rows: String,
    },
}

impl SqliteSource {
    /// Reads the schema and all rows once, or twice where values do not fit their declared types.
    ///
    /// Fails with [`ErrorKind::Unsupported`], naming everything, when something cannot be moved.
    pub fn inspect(&self, choices: &Choices) -> Result<Inspection> {
        let inspection = self.survey(choices)?;
        if inspection.blockers.is_empty() {
            return Ok(inspection);
        }
        let blockers: Vec<String> = inspection.blockers.iter().map(Blocker::to_string).collect();
        let message = format!(
            "{} cannot be moved as it is: {}",
            self.path().display(),
            blockers.join("; ")
        );
        let hints: std::collections::BTreeSet<&str> = inspection.blockers.iter().map(Blocker::hint).collect();
        let hints: Vec<&str> = hints.into_iter().collect();
        Err(Error::new(ErrorKind::Unsupported, message).with_hint(hints.join("; ")))
    }

    /// As [`SqliteSource::inspect`], but what cannot be moved is told in [`Inspection::blockers`].
    pub fn survey(&self, _choices: &Choices) -> Result<Inspection> {
        let mut schema = Schema::read(self.connection())?;
        let (mut notes, mut blockers) = (Vec::new(), Vec::new());
        for table in &mut schema.tables {
            check_names(table, &mut blockers);
            census::take(self.connection(), table, &mut notes, &mut blockers)?;
        }
        for index in schema.tables.iter().flat_map(|it| &it.indexes) {
            if index.origin == super::IndexOrigin::CreateIndex {
                check_name(&index.name, &format!("index {}", index.name), &mut blockers);
            }
        }
        if blockers.iter().any(|it| matches!(it, Blocker::BadText { .. })) {
            // The rows of such a table have no canonical text, so that its keys cannot be judged.
            return Ok(Inspection {
                schema,
                catalog: Catalog::default(),
                pre_data: String::new(),
                post_data: String::new(),
                notes,
                blockers,
            });
        }
        expressions::generate(self.connection(), &mut schema, &mut notes);
        let mut names = Names::default();
        let views = schema.views.iter().map(|it| &it.name);
        for name in schema.tables.iter().map(|it| &it.name).chain(views) {
            names.take(name);
        }
        let identities = translate::identities(&schema, &mut names);
        let keys = keys::decide(self.connection(), &schema, &mut names, &mut notes)?;
        let expressions = expressions::decide(self.connection(), &schema, &keys, &mut names, &mut notes);
        let pre_data = ddl::pre_data(&schema, &keys, &expressions, &identities, &mut notes);
        let programs = programs::translate(self.connection(), &schema, &keys, &mut notes)?;
        notes.extend(left_behind(&schema));
        let post_data = ddl::post_data(&schema, &keys, &expressions) + &program_ddl::post_data(&programs);
        Ok(Inspection {
            catalog: translate::catalog(&schema, &keys, &expressions, &identities, &programs),
            post_data,
            pre_data,
            schema,
            notes,
            blockers,
        })
    }
}

fn check_names(table: &Table, blockers: &mut Vec<Blocker>) {
    check_name(&table.name, &format!("table {}", table.name), blockers);
    if table.columns.len() > COLUMNS_MAX {
        blockers.push(Blocker::TooManyColumns {
            table: table.name.clone(),
            count: table.columns.len(),
        });
    }
    for column in &table.columns {
        let label = format!("{}.{}", table.name, column.name);
        check_name(&column.name, &format!("column {label}"), blockers);
        if SYSTEM_COLUMNS.contains(&column.name.as_str()) {
            blockers.push(Blocker::SystemColumn { column: label });
        }
    }
}

fn check_name(name: &str, label: &str, blockers: &mut Vec<Blocker>) {
    if name.is_empty() {
        blockers.push(Blocker::EmptyName {
            table: label.to_owned(),
        });
    } else if name.len() > IDENTIFIER_BYTES_MAX {
        blockers.push(Blocker::LongName {
            object: label.to_owned(),
        });
    }
}

fn left_behind(schema: &Schema) -> Vec<Note> {
    let note = |name: &str, text: String| Note::new(NoteKind::LeftBehind, name, text);
    let mut notes = Vec::new();
    notes.extend(schema.virtual_tables.iter().map(|it| {
        let kind = if it.shadow {
            "shadow table of a virtual table"
        } else {
            "virtual table"
        };
        note(&it.name, format!("the {kind} is left out"))
    }));
    notes
}

impl Blocker {
    fn hint(&self) -> &'static str {
        match self {
            Blocker::LongName { .. } | Blocker::EmptyName { .. } | Blocker::SystemColumn { .. } => {
                "rename it in a copy of the file (ALTER TABLE … RENAME)"
            }
            Blocker::TooManyColumns { .. } => "split the table in a copy of the file",
            Blocker::BadText { .. } => {
                "such a value cannot be text in PostgreSQL: repair it, or store it as a BLOB, in a copy of the file"
            }
            Blocker::TooLong { .. } => "shorten the value in a copy of the file",
        }
    }
}

impl fmt::Display for Blocker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Blocker::LongName { object } => {
                write!(
                    f,
                    "the name of {object} has more than {IDENTIFIER_BYTES_MAX} bytes"
                )
            }
            Blocker::EmptyName { table } => write!(f, "{table} has no name"),
            Blocker::SystemColumn { column } => write!(f, "{column} has the name of a system column"),
            Blocker::TooManyColumns { table, count } => {
                write!(
                    f,
                    "table {table} has {count} columns, PostgreSQL takes {COLUMNS_MAX}"
                )
            }
            Blocker::BadText { column, count, rows } => {
                write!(
                    f,
                    "{count} values of {column} hold a NUL or are not UTF-8 ({rows})"
                )
            }
            Blocker::TooLong { column, rows } => write!(f, "values of {column} are too long ({rows})"),
        }
    }
}
