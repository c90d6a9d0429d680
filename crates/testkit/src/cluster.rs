//! Throwaway PostgreSQL servers, with the roles that a managed service would give.

use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};

use postgres::{Client, Config, NoTls};
use tempfile::TempDir;

use crate::database::Database;
use crate::error::{Error, ErrorKind, Result};
use crate::install::{find_or_install, is_root};
use crate::programs::Programs;
use crate::rounds::is_torture;
use crate::standby::Standby;
use crate::watchdog::{ServerUser, Watchdog};

/// The superuser.
pub const POSTGRES: &str = "postgres";

/// May sign in and read every database; nothing else.
pub const SOURCE_READER: &str = "source_reader";

/// May sign in and owns the databases given to it; no superuser, creates neither databases nor roles.
pub const TARGET_OWNER: &str = "target_owner";

/// Contrib extensions that the fixtures create.
const EXTENSIONS: [&str; 3] = ["citext", "pg_trgm", "pgcrypto"];

/// A socket's path has room for 107 bytes, on macOS for 103; `.s.PGSQL.5432.lock` takes its part.
const ROOT_BYTES_MAX: usize = 80;

/// What waits longer would wait for ever: a test fails by it, instead of never ending.
const STATEMENT_LIMIT: &str = "-c statement_timeout=2min";

/// Durability is worth nothing in a server that is thrown away.
const SETTINGS: &str = "
listen_addresses = ''
fsync = off
synchronous_commit = off
full_page_writes = off
autovacuum = off
shared_buffers = 32MB
max_connections = 100
timezone = 'UTC'
log_timezone = 'UTC'
lc_messages = 'C'
";

/// A server in a temporary folder, reached by a Unix socket, without passwords.
///
/// It is gone after drop, and also when the process that started it ends in any way, SIGKILL included.
#[derive(Debug)]
pub struct Cluster {
    // Fields drop in this order: the server is stopped before its folder goes.
    watchdog: Watchdog,
    root: TempDir,
    programs: Programs,
    user: Option<ServerUser>,
    port: String,
    numbers: AtomicU32,
}

impl Cluster {
    /// Starts a server of the newest PostgreSQL; installs one where none is and we are root.
    pub fn start() -> Result<Self> {
        Cluster::start_with(&[])
    }

    /// As [`Cluster::start`], with settings of `postgresql.conf` on top of ours.
    pub fn start_with(settings: &[(&str, &str)]) -> Result<Self> {
        let cluster = Cluster::start_of(find_or_install()?, settings)?;
        cluster.check_extensions()?;
        Ok(cluster)
    }

    /// As [`Cluster::start_with`], of a version at hand, with or without contrib extensions. The server's user
    /// must be able to read its programs.
    pub fn start_of(programs: Programs, settings: &[(&str, &str)]) -> Result<Self> {
        let user = if is_root() {
            Some(ServerUser::find()?)
        } else {
            None
        };
        let root = new_root(user)?;
        let port = settings.iter().find(|(name, _)| *name == "port");
        let port = port.map_or("5432", |(_, port)| port).to_owned();
        let ours = format!(
            "{SETTINGS}unix_socket_directories = '{}'
",
            root.path().display()
        );
        let theirs = settings.iter().map(|(name, value)| {
            format!(
                "{name} = '{}'
",
                value.replace('\'', "''")
            )
        });
        let text: String = std::iter::once(ours).chain(theirs).collect();
        let file = root.path().join("settings");
        std::fs::write(&file, text).map_err(Error::caused(
            ErrorKind::File,
            format!("cannot write {}", file.display()),
        ))?;
        let watchdog = Watchdog::start(root.path(), &programs, user)?;
        let cluster = Cluster {
            watchdog,
            root,
            programs,
            user,
            port,
            numbers: AtomicU32::new(0),
        };
        cluster.create_roles()?;
        Ok(cluster)
    }

    /// The one server that all tests of this process share. Panics with the reason when it does not start.
    pub fn shared() -> &'static Cluster {
        static SHARED: OnceLock<Cluster> = OnceLock::new();
        SHARED.get_or_init(|| match Cluster::start() {
            Ok(cluster) => cluster,
            Err(error) => panic!("{}", error.chain()),
        })
    }

    /// The folder that holds the socket, the data and the log.
    pub fn root(&self) -> &Path {
        self.root.path()
    }

    /// PostgreSQL's programs that this server was made with.
    pub fn programs(&self) -> &Programs {
        &self.programs
    }

    /// A libpq keyword string.
    pub fn conninfo(&self, dbname: &str, user: &str) -> String {
        let host = self.root.path().display().to_string();
        format!(
            "host={} port={} dbname={} user={}",
            keyword(&host),
            self.port,
            keyword(dbname),
            keyword(user)
        )
    }

    pub fn client(&self, dbname: &str, user: &str) -> Result<Client> {
        let failed = Error::caused(
            ErrorKind::Sql,
            format!("cannot connect to database {dbname} as {user}"),
        );
        let mut config: Config = self
            .conninfo(dbname, user)
            .parse()
            .map_err(Error::caused(ErrorKind::Sql, "a keyword string is malformed"))?;
        if !is_torture() {
            config.options(STATEMENT_LIMIT);
        }
        config.connect(NoTls).map_err(failed)
    }

    /// Makes an empty database whose name is exactly `name`.
    pub fn create_database(&self, name: &str, owner: &str) -> Result<()> {
        let sql = format!("CREATE DATABASE {} OWNER {}", identifier(name), identifier(owner));
        let failed = Error::caused(ErrorKind::Sql, format!("cannot create database {name}"));
        self.client(POSTGRES, POSTGRES)?
            .batch_execute(&sql)
            .map_err(failed)
    }

    /// Makes an empty database of the superuser's for one test; its name begins with `label`.
    pub fn database(&self, label: &str) -> Result<Database<'_>> {
        self.database_of(label, POSTGRES)
    }

    /// Makes an empty database that [`TARGET_OWNER`] owns, for one test.
    pub fn target(&self) -> Result<Database<'_>> {
        self.database_of("target", TARGET_OWNER)
    }

    /// Makes an empty database for one test that `owner` owns.
    pub fn database_owned_by(&self, owner: &str) -> Result<Database<'_>> {
        self.database_of("target", owner)
    }

    /// The handle of a database that [`Cluster::create_database`] or a statement has made.
    pub fn existing(&self, name: &str) -> Database<'_> {
        Database::new(self, name.to_owned())
    }

    fn database_of(&self, label: &str, owner: &str) -> Result<Database<'_>> {
        let name = format!("{label}_{}", self.numbers.fetch_add(1, Ordering::Relaxed));
        self.create_database(&name, owner)?;
        Ok(Database::new(self, name))
    }

    /// A standby of this server, with these settings on top of its own; its `port` is ours unless they say
    /// otherwise, in a folder of its own.
    pub fn standby(&self, settings: &[(&str, &str)]) -> Result<Standby> {
        let root = new_root(self.user)?;
        Standby::start(
            root,
            &self.programs,
            self.user,
            &self.conninfo(POSTGRES, POSTGRES),
            settings,
        )
    }

    /// A new folder for files that go when the server goes.
    pub fn folder(&self, name: &str) -> Result<PathBuf> {
        let path = self.root.path().join(name);
        std::fs::create_dir(&path).map_err(Error::caused(
            ErrorKind::File,
            format!("cannot make {}", path.display()),
        ))?;
        give(&path, self.user)?;
        Ok(path)
    }

    /// Ends the server as a crash of it does, with all sessions and without a checkpoint, and starts it again.
    pub fn crash(&self) -> Result<()> {
        let data = self.root.path().join("data");
        let mut command = self.programs.command("pg_ctl");
        command
            .arg("-D")
            .arg(&data)
            .arg("-l")
            .arg(self.root.path().join("log"));
        command
            .args(["-m", "immediate", "-w", "-t", "60", "-s", "restart"])
            .current_dir("/")
            .env("LC_ALL", "C")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        if let Some(ServerUser { uid, gid }) = self.user {
            command.uid(uid).gid(gid);
        }
        let status = command
            .status()
            .map_err(Error::caused(ErrorKind::Program, "cannot run pg_ctl"))?;
        if status.success() {
            return Ok(());
        }
        let message = format!("PostgreSQL did not start again in {}", data.display());
        Err(Error::new(ErrorKind::Start, message))
    }

    /// What the server has logged until now.
    pub fn log(&self) -> String {
        std::fs::read_to_string(self.root.path().join("log")).unwrap_or_default()
    }

    /// Leaves the server running after this process; returns its folder and the command that ends both.
    pub fn keep(mut self) -> (PathBuf, String) {
        self.watchdog.keep();
        self.root.disable_cleanup(true);
        let root = self.root.path().to_owned();
        let shown = root.display();
        let stop = format!("kill -INT $(head -n 1 {shown}/data/postmaster.pid) && sleep 1 && rm -r {shown}");
        (root, stop)
    }

    /// Those of `extensions` that the server cannot create.
    pub fn missing_extensions(&self, extensions: &[&str]) -> Result<Vec<String>> {
        let sql = "SELECT name FROM unnest($1::text[]) AS name
                   WHERE name NOT IN (SELECT name FROM pg_catalog.pg_available_extensions)";
        let failed = Error::caused(ErrorKind::Sql, "cannot list the server's extensions");
        let rows = self
            .client(POSTGRES, POSTGRES)?
            .query(sql, &[&extensions])
            .map_err(failed)?;
        Ok(rows.iter().map(|row| row.get(0)).collect())
    }

    fn check_extensions(&self) -> Result<()> {
        let missing = self.missing_extensions(&EXTENSIONS)?;
        let Some(name) = missing.first() else {
            return Ok(());
        };
        let folder = self.programs.folder().display();
        let message = format!("PostgreSQL in {folder} lacks extension {name}; install its contrib package");
        Err(Error::new(ErrorKind::PostgresMissing, message))
    }

    fn create_roles(&self) -> Result<()> {
        let sql = format!(
            "CREATE ROLE {SOURCE_READER} LOGIN;
             {}
             CREATE ROLE {TARGET_OWNER} LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE",
            if self.programs.major() < 14 {
                // There is no role that reads everything.
                format!("ALTER ROLE {SOURCE_READER} SUPERUSER;")
            } else {
                format!("GRANT pg_read_all_data TO {SOURCE_READER};")
            }
        );
        let failed = Error::caused(ErrorKind::Sql, "cannot create the roles of a managed server");
        self.client(POSTGRES, POSTGRES)?
            .batch_execute(&sql)
            .map_err(failed)
    }
}

/// A new folder that only the server's user may enter, near enough to the root for a socket's path.
fn new_root(user: Option<ServerUser>) -> Result<TempDir> {
    // Root's own TMPDIR may be closed to the user who runs the server.
    let preferred = if user.is_some() {
        PathBuf::from("/tmp")
    } else {
        std::env::temp_dir()
    };
    let folder = if preferred.as_os_str().len() > ROOT_BYTES_MAX {
        PathBuf::from("/tmp")
    } else {
        preferred
    };
    let root = tempfile::Builder::new()
        .prefix("coalesce-")
        .tempdir_in(&folder)
        .map_err(Error::caused(
            ErrorKind::File,
            format!("cannot make a folder in {}", folder.display()),
        ))?;
    give(root.path(), user)?;
    Ok(root)
}

/// Lets the server's user remove what is in `folder`, whoever puts it there.
fn give(folder: &Path, user: Option<ServerUser>) -> Result<()> {
    let Some(ServerUser { uid, gid }) = user else {
        return Ok(());
    };
    std::os::unix::fs::chown(folder, Some(uid), Some(gid)).map_err(Error::caused(
        ErrorKind::File,
        format!("cannot give away {}", folder.display()),
    ))
}

/// A value in a libpq keyword string: <https://www.postgresql.org/docs/current/libpq-connect.html>.
fn keyword(value: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"_-./".contains(&byte);
    if !value.is_empty() && value.bytes().all(plain) {
        return value.to_owned();
    }
    format!("'{}'", value.replace('\\', "\\\\").replace('\'', "\\'"))
}

pub(crate) fn identifier(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn awkward_values_are_quoted_in_a_keyword_string() {
        for (value, expected) in [
            ("shop", "shop"),
            ("", "''"),
            ("a b", "'a b'"),
            ("it's", r"'it\'s'"),
            (r"a\b", r"'a\\b'"),
        ] {
            assert_eq!(keyword(value), expected);
        }
    }
}
