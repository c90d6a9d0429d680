//! Where a database is: the words that name it, how a session on it is opened, and how a program of
//! PostgreSQL's is told about it.
//!
//! Words and environment are understood as libpq understands them. What libpq knows and we do not is
//! refused by name; nothing is ignored. What is sent where, and where a password may come from, stands in
//! `docs/security.md`.

mod address;
mod certificate;
mod client;
mod client_certificate;
mod connect;
mod conninfo;
mod environment;
mod keyword;
mod neighbour;
mod passfile;
mod password;
mod pooler;
mod program;
mod protection;
mod refusal;
mod row_session;
mod server;
mod service;
mod session;
mod session_kind;
mod settlement;
mod timing;
mod tls;
mod tls_words;

pub use client::Session;
pub use environment::Environment;
pub use password::AskPassword;
pub use program::{ClientCommand, PassFile, command_without_endpoint};
pub use row_session::RowSession;
pub use server::PostgresEndpoint;
pub(crate) use session::run_as_an_application;
pub use session::{pin_session, unrestrict_views};
pub use tls::SslMode;

use std::fmt;
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use crate::error::{Error, ErrorKind, Result};
use crate::sqlite::why_no_database;

/// The first bytes of every SQLite 3 file that is not empty (<https://www.sqlite.org/fileformat.html>).
const SQLITE_HEADER: &[u8; 16] = b"SQLite format 3\0";

/// A database that is read or written.
#[derive(Clone, Debug)]
#[expect(
    clippy::large_enum_variant,
    reason = "a process has a handful of endpoints; a box would only be in the way"
)]
pub enum Endpoint {
    Postgres(PostgresEndpoint),
    Sqlite(PathBuf),
}

impl Endpoint {
    /// Understands a URL, a keyword string, the path of a SQLite file, or the name of a database.
    ///
    /// No error repeats a password. What the user should be told although it is no error stands in
    /// [`Endpoint::warnings`].
    pub fn parse(words: &str, environment: &Environment) -> Result<Endpoint> {
        if words.is_empty() {
            // libpq would take its default database, which a variable left empty in a script rarely means.
            return Err(Error::new(
                ErrorKind::Endpoint,
                "the name of the database is empty",
            ));
        }
        if conninfo::is_url(words) {
            return PostgresEndpoint::new(conninfo::parse_url(words)?, environment).map(Endpoint::Postgres);
        }
        if let Some(scheme) = foreign_scheme(words) {
            return Err(Error::new(
                ErrorKind::Endpoint,
                format!("{scheme}:// names no database that is supported"),
            )
            .with_hint("use postgres://, a keyword string, a database name or the path of a SQLite file"));
        }
        let path = Path::new(words);
        match FileKind::of(path)? {
            FileKind::Sqlite => Ok(Endpoint::Sqlite(path.to_owned())),
            _ if words.contains('=') => {
                let keywords = conninfo::parse_keywords(words)?;
                PostgresEndpoint::new(keywords, environment).map(Endpoint::Postgres)
            }
            FileKind::Other => Err(no_sqlite_file(words, path)),
            FileKind::Folder if is_like_a_path(words) => Err(Error::new(
                ErrorKind::Endpoint,
                format!("{} is a folder, no database", shown(words)),
            )
            .with_hint("name a file in it; a database of this name is written dbname=…")),
            FileKind::Missing if is_like_a_path(words) => Err(Error::new(
                ErrorKind::Endpoint,
                format!("there is no file {}", shown(words)),
            )
            .with_hint("a database of this name is written dbname=…")),
            FileKind::Folder | FileKind::Missing => {
                let mut keywords = keyword::Keywords::default();
                keywords.set("dbname", words.to_owned())?;
                PostgresEndpoint::new(keywords, environment).map(Endpoint::Postgres)
            }
        }
    }

    /// What the user should know about how the words were understood.
    pub fn warnings(&self) -> &[String] {
        match self {
            Endpoint::Postgres(endpoint) => endpoint.warnings(),
            Endpoint::Sqlite(_) => &[],
        }
    }
}

/// A short name for messages, without any secret.
impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Endpoint::Postgres(endpoint) => endpoint.fmt(f),
            Endpoint::Sqlite(path) => path.display().fmt(f),
        }
    }
}

/// What stands at a path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum FileKind {
    Sqlite,
    Other,
    Folder,
    Missing,
}

impl FileKind {
    fn of(path: &Path) -> Result<FileKind> {
        let Ok(metadata) = path.metadata() else {
            return Ok(FileKind::Missing);
        };
        if metadata.is_dir() {
            return Ok(FileKind::Folder);
        }
        // Opening a pipe or a device could wait forever, and none of them is a database.
        if !metadata.is_file() {
            return Ok(FileKind::Other);
        }
        let cannot_read = |source| {
            Error::new(ErrorKind::File, format!("{} cannot be read", path.display())).with_source(source)
        };
        let mut header = Vec::with_capacity(SQLITE_HEADER.len());
        let file = File::open(path).map_err(cannot_read)?;
        file.take(SQLITE_HEADER.len() as u64)
            .read_to_end(&mut header)
            .map_err(cannot_read)?;
        Ok(if header == SQLITE_HEADER {
            FileKind::Sqlite
        } else {
            FileKind::Other
        })
    }
}

/// What the file is instead.
fn no_sqlite_file(words: &str, path: &Path) -> Error {
    let other = "a database of this name is written dbname=…";
    match why_no_database(path) {
        Some(error) if !words.contains('@') => {
            let hint = error
                .hint()
                .map_or(other.to_owned(), |it| format!("{it}; {other}"));
            Error::new(ErrorKind::Endpoint, error.to_string()).with_hint(hint)
        }
        _ => Error::new(ErrorKind::Endpoint, format!("{} is no SQLite file", shown(words))).with_hint(other),
    }
}

fn is_like_a_path(words: &str) -> bool {
    let extension = Path::new(words)
        .extension()
        .and_then(|it| it.to_str())
        .unwrap_or_default();
    words.contains('/')
        || ["db", "sqlite", "sqlite3"]
            .iter()
            .any(|it| extension.eq_ignore_ascii_case(it))
}

/// The scheme of a URL that is not PostgreSQL's.
fn foreign_scheme(words: &str) -> Option<&str> {
    let (scheme, _) = words.split_once("://")?;
    let is_scheme = !scheme.is_empty()
        && scheme
            .bytes()
            .all(|it| it.is_ascii_alphanumeric() || b"+-.".contains(&it));
    is_scheme.then_some(scheme)
}

/// The words as a message may repeat them: what has an `@` may be a URL whose scheme was forgotten.
fn shown(words: &str) -> &str {
    if words.contains('@') {
        "of this name"
    } else {
        words
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn environment() -> Environment {
        Environment::empty()
            .with_user_name("ada")
            .with_socket_directories(["/"])
    }

    /// `expected` is the keyword string of a server, the path of a file, or the error.
    #[track_caller]
    fn check(words: &str, expected: std::result::Result<&str, &str>) {
        let outcome = match Endpoint::parse(words, &environment()) {
            Ok(Endpoint::Postgres(endpoint)) => Ok(endpoint.display_name()),
            Ok(Endpoint::Sqlite(path)) => Ok(path.display().to_string()),
            Err(error) => Err(error.to_string()),
        };
        assert_eq!(outcome.as_deref().map_err(String::as_str), expected, "{words}");
    }

    #[test]
    fn words_are_a_url_keywords_or_a_name() {
        check("mandible", Ok("mandible"));
        check("mandible-dev", Ok("mandible-dev"));
        check("dbname=mandible", Ok("mandible"));
        check("host=db dbname=mandible", Ok("mandible on db"));
        check(
            "postgres://db.example.com/mandible",
            Ok("mandible on db.example.com"),
        );
        check("postgresql://db:5433/mandible", Ok("mandible on db:5433"));
        check("postgres://[::1]:5433/mandible", Ok("mandible on [::1]:5433"));
        check("postgres://", Ok("ada"));
        check("port=5433", Ok("ada on port 5433"));
        check("", Err("the name of the database is empty"));
        check(
            "mysql://u:p@h/d",
            Err("mysql:// names no database that is supported"),
        );
        check("host=a,b port=5433", Ok("ada on a:5433 or b:5433"));
        check("postgres://a,b:5433/d", Ok("d on a or b:5433"));
    }

    #[test]
    fn a_sqlite_file_is_known_by_its_header() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let write = |name: &str, bytes: &[u8]| {
            let path = folder.path().join(name).display().to_string();
            std::fs::write(&path, bytes).expect("a file");
            path
        };
        let file = write("legacy=2.data", b"SQLite format 3\0 and more");
        check(&file, Ok(&file));
        let empty = write("empty.sqlite", b"");
        check(&empty, Err(&format!("{empty} is empty")));
        let text = write("text.db", b"SQLite format 3 is a format");
        check(&text, Err(&format!("{text} is no SQLite file")));
        let path = folder.path().display().to_string();
        check(&path, Err(&format!("{path} is a folder, no database")));
    }

    #[test]
    fn what_looks_like_a_path_and_is_missing_is_no_database_name() {
        check("./gone", Err("there is no file ./gone"));
        check("gone.sqlite", Err("there is no file gone.sqlite"));
        check("gone.DB", Err("there is no file gone.DB"));
        check("u:hunter2@h/d", Err("there is no file of this name"));
        check("gone.sql", Ok("gone.sql"));
    }

    #[test]
    fn no_error_repeats_a_password() {
        let words = [
            "postgres://u:hunter2@h:port/d",
            "postgres://u:hunter2%zz@h/d",
            "postgres://u:hunter2@a,b:port/d",
            "sslpassword=two hunter2=x",
            "postgres://u:hunter2@h/d?sslmode=hunter2",
            "password=hunter2 port=hunter2",
            "password='hunter2",
            "password=two hunter2=x",
            "password=x hunter2",
        ];
        for words in words {
            let error = Endpoint::parse(words, &environment()).expect_err(words);
            assert!(!format!("{error} {error:?}").contains("hunter2"), "{error:?}");
        }
    }
}
