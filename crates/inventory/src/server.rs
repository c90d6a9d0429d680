//! The server or the file itself, and what changes the meaning of its text.

use serde::{Deserialize, Serialize};

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Engine {
    #[default]
    Postgres,
    Sqlite,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Server {
    pub engine: Engine,
    /// Whether it was read from an archive, so that nothing is known of its use.
    pub archive: bool,
    /// `15.8`; of SQLite the library's that read it.
    pub version: String,
    /// As `server_version_num`; 0 for SQLite.
    pub version_number: u32,
    pub database: String,
    /// `pg_control_system().system_identifier` where it may be read; tells one cluster from another.
    pub cluster: Option<String>,
    /// Host and port, or a socket's folder and port; `None` for files.
    pub address: Option<String>,
    /// `pg_encoding_to_char(datencoding)`, of SQLite `UTF8`, `UTF16LE` or `UTF16BE`.
    pub encoding: String,
    pub collation: Collation,
    pub ctype: String,
    pub time_zone: String,
    pub owner: String,
    pub in_recovery: bool,
    /// Bytes of the whole database; of a file its size.
    pub bytes: u64,
    pub max_connections: u32,
    pub superuser_reserved_connections: u32,
    /// `datconnlimit`; `None` without a limit.
    pub connection_limit: Option<u32>,
    /// Connections to this database at the moment of the census, ours left out.
    pub connections: u32,
    /// Connections to the whole server, ours left out.
    pub server_connections: u32,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Collation {
    /// `libc`, `icu` or `builtin`; of SQLite `binary`.
    pub provider: String,
    /// `en_US.UTF-8`, or ICU's locale.
    pub name: String,
    /// `datcollversion`; `None` for C and POSIX.
    pub version: Option<String>,
    /// `pg_database_collation_actual_version`: what the operating system has now.
    pub actual_version: Option<String>,
}

/// `provider:name@version`, as messages and archives have it.
impl std::fmt::Display for Collation {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}:{}", self.provider, self.name)?;
        match &self.version {
            Some(version) => write!(f, "@{version}"),
            None => Ok(()),
        }
    }
}

/// A setting with the place where it was made.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Setting {
    pub scope: Scope,
    /// Of the scopes that name one.
    pub role: Option<String>,
    pub name: String,
    pub value: String,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Scope {
    /// `postgresql.conf`, `ALTER SYSTEM` or the command line.
    #[default]
    Server,
    Database,
    Role,
    RoleInDatabase,
}
