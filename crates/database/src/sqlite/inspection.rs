//! The whole inspection of a source: its schema, the census, what becomes of it on the target, and what
//! stands in the way.

use std::collections::HashSet;
use std::fmt;
use std::thread;

use catalog::{Catalog, IDENTIFIER_BYTES_MAX};

use super::census::{self, TableCensus};
use super::choices::Choices;
use super::chosen::Chosen;
use super::ddl;
use super::definitions::Made;
use super::discard::Discard;
use super::expressions;
use super::generated;
use super::keys;
use super::misfits::{self, Outcome};
use super::modules;
use super::naming::Names;
use super::new_names;
use super::nocase;
use super::note::Note;
use super::orphaned_key::OrphanedKey;
use super::refusal;
use super::schema::{Schema, Table};
use super::source::SqliteSource;
use super::text_search;
use super::translate;
use super::utf16;
use super::{program_ddl, programs};
use crate::Result;

/// PostgreSQL's `MaxHeapAttributeNumber`.
pub(super) const COLUMNS_MAX: usize = 1600;

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
    /// What the values are, in the order of the schema's tables.
    pub census: Vec<TableCensus>,
    pub notes: Vec<Note>,
    /// Foreign keys with rows that have no parent, and what becomes of these.
    pub orphans: Vec<OrphanedKey>,
    /// What does not reach the target, as the choices say.
    pub discards: Vec<Discard>,
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
    /// Two names become one.
    NameClash {
        kind: String,
        first: String,
        second: String,
        new_name: String,
    },
    /// Rows without a parent, by foreign key, and nobody said what becomes of them.
    Orphans {
        key: OrphanedKey,
    },
    /// Keys without a parent that cannot become NULL, by the columns that refuse it.
    OrphansNotNull {
        columns: Vec<String>,
    },
    /// Rows without a parent that cannot be told apart from others, by their table.
    NamelessRows {
        table: String,
    },
    /// What a new name was chosen for is not there.
    UnknownName {
        name: String,
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
    /// Values that do not fit the type that was chosen for their column. `reason` says what they are, `rows` names some
    /// of the rows, and `values` says what is there, which is row data.
    Misfits {
        column: String,
        count: u64,
        reason: String,
        rows: String,
        values: Vec<String>,
    },
    /// TEXT values of a UTF-16 file with half of a pair, of which SQLite would make something else.
    BadUtf16 {
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
    /// Reads the schema and all rows once, and checks the file for damage meanwhile.
    ///
    /// Fails with [`ErrorKind::Unsupported`], naming everything, when something cannot be moved.
    pub fn inspect(&self, choices: &Choices) -> Result<Inspection> {
        let inspection = self.survey(choices)?;
        if inspection.blockers.is_empty() {
            return Ok(inspection);
        }
        Err(refusal::of(self.path(), &inspection))
    }

    /// As [`SqliteSource::inspect`], but what cannot be moved is told in [`Inspection::blockers`].
    pub fn survey(&self, choices: &Choices) -> Result<Inspection> {
        if self.is_checked() {
            return self.look_through(choices);
        }
        let Some(damage_check) = self.damage_check_beside() else {
            self.check_for_damage()?;
            return self.look_through(choices);
        };
        thread::scope(|scope| {
            let check = scope.spawn(|| damage_check.run());
            let inspection = self.look_through(choices);
            // What the file's damage did to the inspection says less than the damage.
            match check.join() {
                Ok(checked) => checked.and(inspection),
                Err(panic) => std::panic::resume_unwind(panic),
            }
        })
    }

    fn look_through(&self, choices: &Choices) -> Result<Inspection> {
        let mut schema = Schema::read(self.connection())?;
        let mut outcome = Outcome {
            notes: self.damage_notes().to_vec(),
            ..Outcome::default()
        };
        modules::take_up(
            self.connection(),
            &mut schema,
            choices.full_text,
            &mut outcome.notes,
        )?;
        let chosen = Chosen::find(&schema, choices)?;
        let (connection, on_bad_value) = (self.connection(), choices.on_bad_value);
        let mut census = Vec::with_capacity(schema.tables.len());
        for (at, table) in schema.tables.iter_mut().enumerate() {
            check_column_count(table, &mut outcome.blockers);
            if table.columns.len() > COLUMNS_MAX {
                // SQLite may not give so many at once, and nothing more can become of the table.
                census.push(TableCensus::default());
                continue;
            }
            let found = census::take(connection, table, chosen.of_table(at), on_bad_value)?;
            let Outcome { notes, blockers, .. } = &mut outcome;
            let suspects = census::settle(table, &found, on_bad_value, notes, blockers);
            misfits::settle(connection, table, at, &suspects, on_bad_value, &mut outcome)?;
            census.push(found);
        }
        utf16::check(connection, &schema, &mut outcome.blockers)?;
        let Outcome {
            mut notes,
            mut blockers,
            mut discards,
        } = outcome;
        // After the census, which can give a table columns that keep what does not fit.
        new_names::give(&mut schema, choices, &mut blockers);
        // The rows of such a table were not read, so that its keys cannot be judged.
        let is_unread = |it: &Blocker| matches!(it, Blocker::TooManyColumns { .. });
        if blockers.iter().any(is_unread) {
            return Ok(Inspection::unread(schema, census, notes, discards, blockers));
        }
        nocase::decide(self.connection(), &mut schema, choices.nocase, &mut notes)?;
        let mut names = Names::default();
        let views = schema.views.iter().map(|it| &it.new_name);
        for name in schema.tables.iter().map(|it| &it.new_name).chain(views) {
            names.take(name);
        }
        let identities = translate::identities(&schema, &mut names);
        let (mut keys, orphans) = keys::decide(self.connection(), &schema, choices, &mut names, &mut notes)?;
        let mut orphans =
            orphans.settle(&mut schema, &keys, choices.orphans, &mut discards, &mut blockers)?;
        leave_out_unjudged(&mut orphans, &mut blockers);
        keys.prove_partial(self.connection(), &schema, &mut notes)?;
        generated::generate(self.connection(), &mut schema, &keys, &mut notes)?;
        text_search::settle(&mut schema, &mut names, &mut notes);
        let expressions = expressions::decide(self.connection(), &schema, &keys, &mut names, &mut notes)?;
        let utf16 = utf16::is_encoding(self.connection())?;
        let pre_data = ddl::pre_data(&schema, &keys, &expressions, &identities, utf16, &mut notes);
        let programs = programs::translate(self.connection(), &schema, &keys, choices.names, &mut notes)?;
        notes.extend(modules::shadows(&schema));
        let post_data = ddl::post_data(&schema, &keys, &expressions) + &program_ddl::post_data(&programs);
        let made = Made {
            schema: &schema,
            keys: &keys,
            expressions: &expressions,
            identities: &identities,
            programs: &programs,
            utf16,
        };
        Ok(Inspection {
            catalog: made.catalog(),
            post_data,
            pre_data,
            schema,
            census,
            notes,
            orphans,
            discards,
            blockers,
        })
    }
}

impl Inspection {
    /// Of a file whose rows were not all read.
    fn unread(
        schema: Schema,
        census: Vec<TableCensus>,
        notes: Vec<Note>,
        discards: Vec<Discard>,
        blockers: Vec<Blocker>,
    ) -> Self {
        Inspection {
            schema,
            catalog: Catalog::default(),
            pre_data: String::new(),
            post_data: String::new(),
            census,
            notes,
            orphans: Vec::new(),
            discards,
            blockers,
        }
    }
}

/// Takes back what is said of rows whose parent's key holds values that stand in the way: what becomes of these is open,
/// and with it who has a parent.
fn leave_out_unjudged(orphans: &mut Vec<OrphanedKey>, blockers: &mut Vec<Blocker>) {
    let unjudged: HashSet<String> = blockers
        .iter()
        .filter_map(|it| match it {
            Blocker::BadText { column, .. }
            | Blocker::BadUtf16 { column, .. }
            | Blocker::Misfits { column, .. } => Some(column.clone()),
            _ => None,
        })
        .collect();
    let is_judged = |key: &OrphanedKey| {
        let mut columns = key.parent_columns.iter().map(|it| format!("{}.{it}", key.parent));
        !columns.any(|it| unjudged.contains(&it))
    };
    orphans.retain(is_judged);
    blockers.retain(|it| !matches!(it, Blocker::Orphans { key } if !is_judged(key)));
}

fn check_column_count(table: &Table, blockers: &mut Vec<Blocker>) {
    if table.columns.len() > COLUMNS_MAX {
        blockers.push(Blocker::TooManyColumns {
            table: table.name.clone(),
            count: table.columns.len(),
        });
    }
}

impl Blocker {
    /// What the values are that stand in the way, such as `orders.qty of 17 is 'seven'`: row data.
    pub fn values(&self) -> &[String] {
        match self {
            Blocker::Misfits { values, .. } => values,
            Blocker::Orphans { key } => &key.values,
            _ => &[],
        }
    }

    /// The way out.
    pub fn hint(&self) -> &'static str {
        match self {
            Blocker::LongName { .. } | Blocker::EmptyName { .. } | Blocker::SystemColumn { .. } => {
                "give it another name with --rename"
            }
            Blocker::NameClash { .. } => "give one of the two another name with --rename",
            Blocker::UnknownName { .. } => {
                "--rename wants names as the file has them: TABLE=NEW, TABLE.COLUMN=NEW"
            }
            Blocker::Orphans { .. } => {
                "--orphans keep makes the foreign keys NOT VALID, delete leaves the rows out with those that refer to \
                 them, null makes their keys NULL; --verbose shows the keys"
            }
            Blocker::OrphansNotNull { .. } => "--orphans delete leaves the rows out",
            Blocker::NamelessRows { .. } => "--orphans keep leaves them as they are",
            Blocker::TooManyColumns { .. } => "split the table in a copy of the file",
            Blocker::BadText { .. } => {
                "such a value cannot be text in PostgreSQL: `--type TABLE.COLUMN=bytea` moves the column's bytes, \
                 --on-bad-value says what else becomes of such values"
            }
            Blocker::Misfits { .. } => {
                "choose another type, or say what becomes of such values by --on-bad-value null, text-column or \
                 reject; --verbose shows values"
            }
            Blocker::BadUtf16 { .. } => {
                "half of a surrogate pair is no sign, and SQLite reads another one in its place: repair the texts in a copy \
                 of the file, or keep their bytes there: UPDATE … SET … = CAST(… AS BLOB)"
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
            Blocker::NameClash {
                kind,
                first,
                second,
                new_name,
            } => {
                write!(f, "{kind}: {first} and {second} would both be {new_name}")
            }
            Blocker::Orphans { key } => write!(f, "{key}"),
            Blocker::OrphansNotNull { columns } => {
                write!(
                    f,
                    "keys without a parent cannot become NULL: {}",
                    columns.join(", ")
                )
            }
            Blocker::NamelessRows { table } => write!(
                f,
                "rows of {table} have no parent and cannot be told apart, since columns hide the rowid"
            ),
            Blocker::UnknownName { name } => write!(f, "there is no {name} to be renamed"),
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
            Blocker::Misfits {
                column, reason, rows, ..
            } => write!(f, "{column}: {reason} ({rows})"),
            Blocker::BadUtf16 { column, count, rows } => {
                write!(f, "{count} values of {column} are no UTF-16 ({rows})")
            }
            Blocker::TooLong { column, rows } => write!(f, "values of {column} are too long ({rows})"),
        }
    }
}
