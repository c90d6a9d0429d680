//! Whether a file is damaged, and what of it: SQLite's own `quick_check`, told in names.

use std::collections::{BTreeSet, HashMap};
use std::path::{Path, PathBuf};

use rusqlite::Connection;

use super::header::Header;
use super::trouble::read_error;
use crate::{Error, ErrorKind, Result};

/// Messages of `quick_check` that an error repeats.
const MESSAGES_SHOWN: usize = 5;
/// After so many messages it ends.
const MESSAGES_MAX: usize = 100;

/// What is damaged.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Damage {
    /// Whose pages or rows are damaged.
    pub(super) objects: BTreeSet<Object>,
    /// What SQLite said.
    pub(super) messages: Vec<String>,
    /// Whether the end of the file is missing, with the words for it.
    pub(super) truncated: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Object {
    Table(String),
    Index {
        name: String,
        table: String,
    },
    /// Pages that hold no rows: the list of free pages, and pages that nothing leads to.
    FreePages,
    /// SQLite did not say.
    Unknown,
}

/// The check on a connection of its own, for a thread beside the reading. Until [`DamageCheck::run`] has said yes,
/// nothing that was read of the file may leave the process.
#[derive(Debug)]
pub(in super::super) struct DamageCheck {
    connection: Connection,
    /// What the file is called, also where a copy is read.
    path: PathBuf,
}

impl DamageCheck {
    pub(super) fn new(connection: Connection, path: &Path) -> DamageCheck {
        DamageCheck {
            connection,
            path: path.to_owned(),
        }
    }

    /// Fails with what is damaged.
    pub(in super::super) fn run(self) -> Result<()> {
        let damage = find(&self.connection, &self.path)?;
        damage.map_or(Ok(()), |damage| Err(damage.to_error(&self.path)))
    }
}

/// Looks through the whole file.
pub(super) fn find(connection: &Connection, path: &Path) -> Result<Option<Damage>> {
    let context = |error| read_error(format!("cannot check {} for damage", path.display()), error);
    let names = names_of_trees(connection).map_err(context)?;
    let mut statement = connection
        .prepare(&format!("PRAGMA quick_check({MESSAGES_MAX})"))
        .map_err(context)?;
    let mut damage = Damage::default();
    let answers = statement
        .query_map([], |row| {
            // Names in it are the file's own.
            let bytes = row.get_ref(0)?.as_bytes().unwrap_or_default();
            Ok(String::from_utf8_lossy(bytes).into_owned())
        })
        .map_err(context)?;
    for answer in answers {
        let answer = match answer {
            Ok(answer) => answer,
            // Some damage ends the check itself.
            Err(error) if error.sqlite_error_code() == Some(rusqlite::ErrorCode::DatabaseCorrupt) => {
                if damage.messages.is_empty() {
                    damage.objects.insert(Object::Unknown);
                    damage.messages.push(error.to_string());
                }
                break;
            }
            Err(error) => return Err(context(error)),
        };
        for line in answer.lines() {
            if line != "ok" && !line.starts_with("***") && !is_about_a_row(line) {
                damage.objects.insert(object_of(line, &names));
                damage.messages.push(line.to_owned());
            }
        }
    }
    // Where a table is damaged, its indexes do not agree with it.
    let found = damage.objects.clone();
    damage.objects.retain(|it| match it {
        Object::Index { table, .. } => !found.contains(&Object::Table(table.clone())),
        _ => true,
    });
    Ok((!damage.messages.is_empty()).then_some(damage))
}

impl Damage {
    /// What is wrong before SQLite is asked.
    pub(super) fn of_truncated(header: &Header) -> Damage {
        let there = header.file_bytes / u64::from(header.page_bytes);
        Damage::of_missing_end(there, header.page_count.unwrap_or_default())
    }

    /// Of so many pages only the first are whole.
    pub(super) fn of_missing_end(there: u64, pages: u32) -> Damage {
        Damage {
            truncated: Some(format!("{there} of {pages} pages are there")),
            ..Damage::default()
        }
    }

    /// Whether every row can be read all the same.
    pub(super) fn spares_rows(&self) -> bool {
        self.truncated.is_none()
            && self
                .objects
                .iter()
                .all(|it| matches!(it, Object::Index { .. } | Object::FreePages))
    }

    pub(super) fn to_error(&self, path: &Path) -> Error {
        let shown = path.display();
        let message = if let Some(words) = &self.truncated {
            format!("{shown} is truncated: {words}")
        } else {
            let objects: Vec<String> = self.objects.iter().map(Object::to_string).collect();
            format!("{shown} is damaged: {}", objects.join(", "))
        };
        let hint = if self.spares_rows() {
            "no table is: --salvage reads all rows around it; REINDEX or VACUUM in a copy of the file mend it"
        } else {
            "restore it from a backup, or read what can be read with --salvage, which says what is lost"
        };
        let error = Error::new(ErrorKind::File, message).with_hint(hint);
        if self.messages.is_empty() {
            return error;
        }
        let shown = &self.messages[..self.messages.len().min(MESSAGES_SHOWN)];
        let more = if shown.len() < self.messages.len() {
            "; …"
        } else {
            ""
        };
        error.with_source(format!("{}{more}", shown.join("; ")))
    }
}

impl std::fmt::Display for Object {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Object::Table(name) => write!(f, "table {name}"),
            Object::Index { name, table } => write!(f, "index {name} of table {table}"),
            Object::FreePages => f.write_str("pages that hold no rows"),
            Object::Unknown => f.write_str("the file as a whole"),
        }
    }
}

struct Names {
    of_roots: HashMap<u32, Object>,
    of_indexes: HashMap<String, Object>,
}

fn names_of_trees(connection: &Connection) -> rusqlite::Result<Names> {
    let mut names = Names {
        of_roots: HashMap::from([(1, Object::Table("sqlite_schema".to_owned()))]),
        of_indexes: HashMap::new(),
    };
    let sql = "SELECT CAST(name AS TEXT), CAST(tbl_name AS TEXT), type = 'index', CAST(rootpage AS INT), sql FROM sqlite_schema
               WHERE type IN ('table', 'index')";
    let mut statement = connection.prepare(sql)?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        // The file is untrusted: a name need not be one.
        let text = |at: usize| {
            row.get_ref(at)
                .map(|it| String::from_utf8_lossy(it.as_bytes().unwrap_or_default()).into_owned())
        };
        let (name, table) = (text(0)?, text(1)?);
        let root: u32 = row.get(3).unwrap_or_default();
        // The index of a primary key is the table itself where there is no rowid: it has the table's page.
        if row.get::<_, Option<bool>>(2)? == Some(true) {
            let index = Object::Index {
                name: name.clone(),
                table,
            };
            names.of_indexes.insert(name, index.clone());
            names.of_roots.entry(root).or_insert(index);
        } else {
            names.of_roots.insert(root, Object::Table(name));
        }
    }
    Ok(names)
}

/// What a line of `quick_check` is about: `Tree 4 page 7 cell 2: …`, `row 3 missing from index i`.
fn object_of(line: &str, names: &Names) -> Object {
    let number = |text: &str| {
        let digits = text.bytes().take_while(u8::is_ascii_digit).count();
        text[..digits].parse::<u32>().ok()
    };
    if let Some(root) = line.strip_prefix("Tree ").and_then(number) {
        return names.of_roots.get(&root).cloned().unwrap_or(Object::Unknown);
    }
    let tail = line.split_once("index ").map(|(_, name)| name.trim_end());
    if let Some(object) = tail.and_then(|name| names.of_indexes.get(name)) {
        return object.clone();
    }
    let is_unused = line.starts_with("Page ") && line.ends_with("never used");
    if line.starts_with("Freelist: ") || is_unused {
        return Object::FreePages;
    }
    Object::Unknown
}

/// Whether `quick_check` found only that a row breaks a constraint of its table: the file itself is sound.
fn is_about_a_row(answer: &str) -> bool {
    answer.starts_with("CHECK constraint failed in ")
        || answer.split_once(" value in ").is_some_and(|(kind, _)| {
            matches!(kind, "NULL" | "NUMERIC" | "TEXT" | "BLOB") || kind.starts_with("non-")
        })
}
