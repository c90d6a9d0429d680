//! Databases that exist in the wild, where they lie beside the workspace.
//!
//! A folder that is missing is a skip; a folder that is there and does not load is a failure.

use std::io::Read;
use std::path::{Path, PathBuf};

use crate::cluster::Cluster;
use crate::database::Database;
use crate::error::{Error, ErrorKind, Result};
use crate::skipped::Skipped;

/// Names the folder; without it `shared/data` beside the workspace is used.
const FOLDER_VARIABLE: &str = "COALESCE_DATA";

/// A PostgreSQL database, as scripts for psql.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PostgresData {
    Pagila,
    Chinook,
    Northwind,
}

/// A SQLite database. [`SqliteData::ALL`] are those whose every value fits what it is declared as.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SqliteData {
    Chinook,
    Sakila,
    /// Awkward but legal content.
    Dirty,
}

impl PostgresData {
    pub const ALL: [PostgresData; 3] = [
        PostgresData::Pagila,
        PostgresData::Chinook,
        PostgresData::Northwind,
    ];

    pub fn name(self) -> &'static str {
        match self {
            PostgresData::Pagila => "pagila",
            PostgresData::Chinook => "chinook",
            PostgresData::Northwind => "northwind",
        }
    }

    fn files(self) -> &'static [&'static str] {
        match self {
            PostgresData::Pagila => &["pagila/pagila-schema.sql.gz", "pagila/pagila-data.sql.gz"],
            PostgresData::Chinook => &["chinook_pg/Chinook_PostgreSql.sql.gz"],
            PostgresData::Northwind => &["northwind_pg/northwind.sql.gz"],
        }
    }

    /// Loads it into a new database. Panics when the files are there and do not load.
    pub fn database(self, cluster: &Cluster) -> std::result::Result<Database<'_>, Skipped> {
        let files = present(self.files())?;
        let load = || -> Result<Database<'_>> {
            let database = cluster.database(self.name())?;
            let mut script = Vec::new();
            for file in &files {
                script.extend(decompress(file)?);
            }
            database.psql(&script)?;
            Ok(database)
        };
        Ok(load().unwrap_or_else(|error| panic!("{} does not load: {}", self.name(), error.chain())))
    }
}

impl SqliteData {
    pub const ALL: [SqliteData; 2] = [SqliteData::Chinook, SqliteData::Sakila];

    pub fn name(self) -> &'static str {
        match self {
            SqliteData::Chinook => "chinook",
            SqliteData::Sakila => "sakila",
            SqliteData::Dirty => "dirty",
        }
    }

    /// Writes it as a new file into `folder` and returns its path. Panics when the data is there and is bad.
    pub fn file(self, folder: &Path) -> std::result::Result<PathBuf, Skipped> {
        let file = match self {
            SqliteData::Chinook => "chinook_sqlite/Chinook_Sqlite.sqlite",
            SqliteData::Sakila => "sakila_sqlite/sakila.sqlite.sql.gz",
            SqliteData::Dirty => "dirty_sqlite/dirty.sqlite.sql",
        };
        let [from] = &present(&[file])?[..] else {
            unreachable!("one file was asked for")
        };
        let to = folder.join(format!("{}.sqlite", self.name()));
        let made = match self {
            SqliteData::Chinook => copy(from, &to),
            SqliteData::Sakila => decompress(from).and_then(|it| build(from, it, &to)),
            SqliteData::Dirty => std::fs::read(from)
                .map_err(Error::caused(
                    ErrorKind::File,
                    format!("cannot read {}", from.display()),
                ))
                .and_then(|it| build(from, it, &to)),
        };
        if let Err(error) = made {
            panic!("{} does not load: {}", self.name(), error.chain());
        }
        Ok(to)
    }
}

/// What PostgreSQL's own regression tests leave behind, in a new database: nearly everything that one can hold.
/// Row security and functions in C keep others than a superuser away. Panics when the file is there and does not
/// load.
pub fn regression(cluster: &Cluster) -> std::result::Result<Database<'_>, Skipped> {
    let files = present(&["pg_regression/pg_regression.sql.gz"])?;
    let load = || -> Result<Database<'_>> {
        let database = cluster.database("regression")?;
        for file in &files {
            database.psql(&decompress(file)?)?;
        }
        Ok(database)
    };
    Ok(load().unwrap_or_else(|error| panic!("regression does not load: {}", error.chain())))
}

/// The folder with the data, if there is one.
pub fn folder() -> std::result::Result<PathBuf, Skipped> {
    let folder = match std::env::var_os(FOLDER_VARIABLE) {
        Some(named) => PathBuf::from(named),
        None => Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data"),
    };
    if folder.is_dir() {
        return Ok(folder);
    }
    let shown = folder.display();
    Err(Skipped::because(format!(
        "no test data in {shown}; {FOLDER_VARIABLE} can name another folder"
    )))
}

/// The text of one gzip file of the data folder.
pub fn decompress(path: &Path) -> Result<Vec<u8>> {
    let failed = || Error::caused(ErrorKind::File, format!("cannot read {}", path.display()));
    let file = std::fs::File::open(path).map_err(failed())?;
    let mut text = Vec::new();
    flate2::read::MultiGzDecoder::new(file)
        .read_to_end(&mut text)
        .map_err(failed())?;
    Ok(text)
}

fn present(files: &[&str]) -> std::result::Result<Vec<PathBuf>, Skipped> {
    let folder = folder()?;
    let paths: Vec<PathBuf> = files.iter().map(|it| folder.join(it)).collect();
    match paths.iter().find(|it| !it.is_file()) {
        Some(missing) => Err(Skipped::because(format!("{} is not there", missing.display()))),
        None => Ok(paths),
    }
}

fn copy(from: &Path, to: &Path) -> Result<()> {
    // Written anew rather than copied, so that the original's read-only mode does not come along.
    std::fs::read(from)
        .and_then(|bytes| std::fs::write(to, bytes))
        .map_err(Error::caused(
            ErrorKind::File,
            format!("cannot copy {}", from.display()),
        ))
}

fn build(from: &Path, script: Vec<u8>, to: &Path) -> Result<()> {
    let text = String::from_utf8(script).map_err(Error::caused(
        ErrorKind::File,
        format!("{} is not UTF-8", from.display()),
    ))?;
    // Without a NUL at its end SQLite copies the whole rest of a script for every statement of it.
    let script = format!("PRAGMA synchronous = OFF;\n{text}\0");
    rusqlite::Connection::open(to)
        .and_then(|it| it.execute_batch(&script))
        .map_err(Error::caused(
            ErrorKind::Sql,
            format!("cannot build {}", to.display()),
        ))
}
