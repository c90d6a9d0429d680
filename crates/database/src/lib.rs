//! Everything that is read from a live source or target: endpoints, TLS, sessions, snapshots, introspection
//! and row streams. Nothing here changes a database.

pub mod endpoint;
mod error;
pub mod postgres;
mod private_folder;
pub mod sqlite;

pub use endpoint::Endpoint;
pub use error::{Error, ErrorKind, Result};

/// The version of the SQLite library that reads SQLite files.
pub fn sqlite_version() -> &'static str {
    rusqlite::version()
}
