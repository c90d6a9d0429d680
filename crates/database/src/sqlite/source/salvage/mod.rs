//! What can still be read of a damaged file, put into a sound one: a temporary database with the same definitions,
//! rowids and values, from which everything goes on as from any other file. Whatever is missing is told, table by
//! table. The damaged file itself is copied first.
//!
//! SQLite's files have no checksums: bytes that were changed into other valid ones cannot be found.

mod lost;
mod rows;
mod tree;

use std::fs::OpenOptions;
use std::path::{Path, PathBuf};

use rusqlite::config::DbConfig;
use rusqlite::limits::Limit;
use rusqlite::{Connection, ErrorCode, OpenFlags};

use super::copy::Copy;
use super::damage::{Damage, Object};
use super::header::{Encoding, Header};
use super::interrupter::Interrupter;
use super::session;
use super::trouble::read_error;
use crate::sqlite::note::{Note, NoteKind};
use crate::{Error, ErrorKind, Result};

use lost::Lost;
use tree::Pages;

const NAME: &str = "salvaged.sqlite";

/// The sound database.
#[derive(Debug)]
pub(super) struct Salvaged {
    pub(super) copy: Copy,
    pub(super) database: PathBuf,
    pub(super) notes: Vec<Note>,
    pub(super) lost_rows: bool,
}

/// Reads what can be read.
pub(super) fn salvage(path: &Path, damage: Option<&Damage>, interrupter: &Interrupter) -> Result<Salvaged> {
    let copy = Copy::make(path, 2, interrupter)?;
    let failed = |error: rusqlite::Error| {
        let context = format!("nothing can be salvaged from {}", path.display());
        let code = error.sqlite_error_code();
        let error = read_error(context, error);
        if code == Some(ErrorCode::DatabaseCorrupt) || code == Some(ErrorCode::NotADatabase) {
            return error.with_hint("its first page is damaged: restore the file from a backup");
        }
        error
    };
    let header = settle(&copy.database(), path, interrupter)?;
    let database = copy.folder().join(NAME);
    let connect = |new: &str| connect(new, &copy.database(), &header, interrupter).map_err(failed);
    let reader = connect(":memory:")?;
    let connection = connect(&session::uri(&database, "mode=rwc"))?;
    let mut pages = Pages::open(&copy.database(), &header).map_err(|error| copy_error(path, error))?;
    let mut work = Work {
        path,
        connection: &connection,
        reader: &reader,
        interrupter,
        notes: Vec::new(),
        lost_rows: false,
    };
    connection.execute_batch("BEGIN").map_err(failed)?;
    work.run(&mut pages)?;
    connection.execute_batch("COMMIT").map_err(failed)?;
    let Work {
        mut notes, lost_rows, ..
    } = work;
    notes.extend(damage.map(|it| remarks(it, &notes)).unwrap_or_default());
    drop((connection, reader));
    Ok(Salvaged {
        copy,
        database,
        notes,
        lost_rows,
    })
}

/// Damage that cost nothing is told too.
fn remarks(damage: &Damage, notes: &[Note]) -> Vec<Note> {
    let mut remarks = Vec::new();
    for object in &damage.objects {
        let (name, text) = match object {
            Object::Table(name) if !notes.iter().any(|it| it.object == *name) => {
                (name.clone(), "is damaged, but all its rows could be read")
            }
            Object::Index { name, .. } => (
                name.clone(),
                "the index is damaged; it is made from the rows again",
            ),
            _ => continue,
        };
        remarks.push(Note::new(NoteKind::Damaged, name, text));
    }
    remarks
}

fn copy_error(path: &Path, error: std::io::Error) -> Error {
    Error::new(
        ErrorKind::File,
        format!("cannot read the copy of {}", path.display()),
    )
    .with_source(error)
}

/// Brings the journal or log of the copy into it, as far as that goes, and leaves it its whole pages. What is missing
/// must stay so: zeros in its place would be a valid end of a long value. With a schema that can be written SQLite reads
/// a file that is shorter than its header says, and fails at the pages that are not there.
fn settle(database: &Path, path: &Path, interrupter: &Interrupter) -> Result<Header> {
    let trim = || -> Result<Header> {
        let header = Header::read(database)?;
        let page_bytes = u64::from(header.page_bytes);
        // Of the first page a part may do, and an empty file would be an empty database.
        let length = (header.file_bytes - header.file_bytes % page_bytes).max(page_bytes);
        let file = OpenOptions::new().write(true).open(database);
        file.and_then(|it| it.set_len(length))
            .map_err(|error| copy_error(path, error))?;
        Ok(header)
    };
    trim()?;
    if let Ok(connection) = Connection::open_with_flags(database, OpenFlags::SQLITE_OPEN_READ_WRITE) {
        interrupter.watch(&connection);
        // What fails here is found again page by page.
        for step in [
            "PRAGMA writable_schema = ON",
            "SELECT count(*) FROM sqlite_schema",
            "PRAGMA wal_checkpoint(TRUNCATE)",
            "PRAGMA journal_mode = DELETE",
        ] {
            let _ = connection.query_row(step, [], |_| Ok(()));
        }
    }
    trim()
}

/// A new database, with the damaged one beside it.
fn connect(
    new: &str,
    damaged: &Path,
    header: &Header,
    interrupter: &Interrupter,
) -> rusqlite::Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE
        | OpenFlags::SQLITE_OPEN_CREATE
        | OpenFlags::SQLITE_OPEN_URI
        | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(new, flags)?;
    session::limit(&connection)?;
    connection.set_limit(Limit::SQLITE_LIMIT_ATTACHED, 1)?;
    interrupter.watch(&connection);
    for (config, value) in [
        (DbConfig::SQLITE_DBCONFIG_TRUSTED_SCHEMA, false),
        (DbConfig::SQLITE_DBCONFIG_ENABLE_TRIGGER, false),
        (DbConfig::SQLITE_DBCONFIG_ENABLE_VIEW, false),
    ] {
        connection.set_db_config(config, value)?;
    }
    let encoding = match header.encoding {
        Encoding::Utf8 => "UTF-8",
        Encoding::Utf16Le => "UTF-16le",
        Encoding::Utf16Be => "UTF-16be",
    };
    // With a schema that can be written a definition that cannot be understood costs that definition alone.
    connection.execute_batch(&format!(
        "PRAGMA encoding = '{encoding}'; PRAGMA page_size = {}; PRAGMA foreign_keys = OFF;
         PRAGMA ignore_check_constraints = ON; PRAGMA journal_mode = MEMORY; PRAGMA synchronous = OFF;
         PRAGMA cell_size_check = ON; PRAGMA writable_schema = ON",
        header.page_bytes
    ))?;
    connection.execute("ATTACH ?1 AS damaged", [session::uri(damaged, "mode=ro")])?;
    connection
        .query_row("SELECT count(*) FROM damaged.sqlite_schema LIMIT 1", [], |_| {
            Ok(())
        })
        .or_else(|error| {
            // Of a schema in several pages some may be left.
            if error.sqlite_error_code() == Some(ErrorCode::DatabaseCorrupt) {
                Ok(())
            } else {
                Err(error)
            }
        })?;
    Ok(connection)
}

struct Work<'a> {
    path: &'a Path,
    connection: &'a Connection,
    /// Another one to the damaged database, which writes nothing.
    reader: &'a Connection,
    interrupter: &'a Interrupter,
    notes: Vec<Note>,
    lost_rows: bool,
}

/// A row of `sqlite_schema`, as far as it is one.
struct Definition {
    kind: String,
    name: String,
    table: String,
    root: u32,
    sql: String,
}

impl Work<'_> {
    fn run(&mut self, pages: &mut Pages) -> Result<()> {
        let definitions = self.definitions(pages)?;
        let kinds = self.kinds()?;
        for definition in definitions.iter().filter(|it| it.kind == "table") {
            self.interrupter.check()?;
            if definition.name.starts_with("sqlite_") {
                continue;
            }
            match kinds
                .iter()
                .find(|(name, _)| *name == definition.name)
                .map(|(_, kind)| kind.as_str())
            {
                Some("virtual") => self.note(
                    NoteKind::Lost,
                    &definition.name,
                    "virtual tables are not salvaged",
                ),
                Some("shadow") => {}
                Some(_) => self.table(definition, pages)?,
                None => self.lose(
                    &definition.name,
                    "its definition cannot be understood: all its rows are lost",
                ),
            }
        }
        self.sequences();
        let later = definitions
            .iter()
            .filter(|it| ["index", "view", "trigger"].contains(&it.kind.as_str()));
        for definition in later.filter(|it| !it.sql.is_empty()) {
            let is_there = kinds.iter().any(|(name, kind)| {
                *name == definition.table && !matches!(kind.as_str(), "shadow" | "virtual")
            });
            if !is_there && definition.kind == "index" {
                continue;
            }
            if let Err(error) = self.make(definition) {
                let text = format!("the {} cannot be made again: {error}", definition.kind);
                self.note(NoteKind::Lost, &definition.name, text);
            }
        }
        Ok(())
    }

    fn table(&mut self, definition: &Definition, pages: &mut Pages) -> Result<()> {
        if let Err(error) = self.make(definition) {
            let text = format!("its definition cannot be used ({error}): all its rows are lost");
            self.lose(&definition.name, text);
            return Ok(());
        }
        let mut lost = Lost::default();
        let read = self.rows(definition, pages, &mut lost)?;
        if let Some(text) = lost.describe(read) {
            self.lose(&definition.name, text);
        }
        Ok(())
    }

    /// Runs a definition of the file, which must make what it is said to make.
    fn make(&self, definition: &Definition) -> rusqlite::Result<()> {
        let words: Vec<&str> = definition.sql.split_whitespace().take(2).collect();
        let is_fit = match words.as_slice() {
            [create, kind] if create.eq_ignore_ascii_case("CREATE") => {
                kind.eq_ignore_ascii_case(&definition.kind)
                    || (definition.kind == "index" && kind.eq_ignore_ascii_case("UNIQUE"))
            }
            _ => false,
        };
        if is_fit {
            self.connection.execute(&definition.sql, [])?;
        }
        let sql = "SELECT count(*) FROM main.sqlite_schema WHERE type = ?1 AND name = ?2";
        let made: i64 = self
            .connection
            .query_row(sql, [&definition.kind, &definition.name], |row| row.get(0))?;
        if made == 1 {
            Ok(())
        } else {
            Err(rusqlite::Error::InvalidQuery)
        }
    }

    /// What AUTOINCREMENT has given out, unless that is damaged too: then the largest rowids count.
    fn sequences(&mut self) {
        let exists = "SELECT count(*) FROM main.sqlite_schema WHERE name = 'sqlite_sequence'";
        if self
            .connection
            .query_row(exists, [], |row| row.get::<_, i64>(0))
            .unwrap_or_default()
            == 0
        {
            return;
        }
        let can_be_read = self.reader.query_row(
            "SELECT count(name), count(seq) FROM damaged.sqlite_sequence",
            [],
            |_| Ok(()),
        );
        let copied = can_be_read.and_then(|()| {
            self.connection.execute_batch(
                "DELETE FROM main.sqlite_sequence;
                 INSERT INTO main.sqlite_sequence SELECT * FROM damaged.sqlite_sequence",
            )
        });
        if copied.is_err() {
            let text = "cannot be read: numbers go on after the largest that are left";
            self.note(NoteKind::Lost, "sqlite_sequence", text);
        }
    }

    /// The names of the damaged database's tables, with what SQLite takes them for.
    fn kinds(&self) -> Result<Vec<(String, String)>> {
        let sql = "SELECT name, type FROM pragma_table_list WHERE schema = 'damaged'";
        let read = || -> rusqlite::Result<Vec<(String, String)>> {
            self.reader
                .prepare(sql)?
                .query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?
                .collect()
        };
        read().map_err(|error| self.failed(error))
    }

    /// All rows of `sqlite_schema` that can be read.
    fn definitions(&mut self, pages: &mut Pages) -> Result<Vec<Definition>> {
        let (mut rowids, mut damaged) = (Vec::new(), Vec::new());
        let walked = pages.each_leaf(1, &mut |leaf| -> std::io::Result<()> {
            match leaf.rowids {
                Some(found) => rowids.extend(found),
                None => damaged.push(leaf.page.to_string()),
            }
            Ok(())
        });
        walked.map_err(|error| copy_error(self.path, error))?;
        let sql = "SELECT type, name, tbl_name, rootpage, sql FROM damaged.sqlite_schema WHERE rowid = ?1";
        let mut definitions = Vec::new();
        let mut statement = self.reader.prepare(sql).map_err(|error| self.failed(error))?;
        for rowid in rowids {
            let read = statement.query_row([rowid], |row| {
                Ok(Definition {
                    kind: row.get(0)?,
                    name: row.get(1)?,
                    table: row.get(2)?,
                    root: row.get(3)?,
                    sql: row.get::<_, Option<String>>(4)?.unwrap_or_default(),
                })
            });
            match read {
                Ok(definition) => definitions.push(definition),
                Err(_) => damaged.push(format!("1, entry {rowid}")),
            }
        }
        if !damaged.is_empty() {
            let text = format!(
                "definitions are lost, and with them tables or indexes (page {})",
                damaged.join(", page ")
            );
            self.lose("sqlite_schema", text);
        }
        Ok(definitions)
    }

    fn note(&mut self, kind: NoteKind, object: &str, text: impl Into<String>) {
        self.notes.push(Note::new(kind, object, text));
    }

    fn lose(&mut self, object: &str, text: impl Into<String>) {
        self.lost_rows = true;
        self.note(NoteKind::Lost, object, text);
    }

    fn failed(&self, error: rusqlite::Error) -> Error {
        read_error(format!("cannot salvage {}", self.path.display()), error)
    }
}
