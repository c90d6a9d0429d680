//! PostgreSQL's own programs, told about an endpoint without a password in their arguments or environment.

use std::env;
use std::ffi::OsStr;
use std::io::Write;
use std::ops::{Deref, DerefMut};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use postgres::config::ChannelBinding;
use tempfile::{Builder, NamedTempFile};

use super::PostgresEndpoint;
use super::address::Server;
use super::conninfo::quote;
use super::keyword;
use super::passfile;
use super::tls::RootCertificates;
use crate::error::{Error, ErrorKind, Result};

/// A password file for one child process, readable by its owner alone and removed when this is dropped.
#[derive(Debug)]
pub struct PassFile {
    file: NamedTempFile,
}

/// A command for a program of PostgreSQL's. It must be kept until the program has ended, since the
/// program's password file goes with it.
#[derive(Debug)]
#[must_use]
pub struct ClientCommand {
    command: Command,
    _passfile: Option<PassFile>,
}

impl PassFile {
    /// For the child's `PGPASSFILE`.
    pub fn path(&self) -> &Path {
        self.file.path()
    }

    fn new(password: &str) -> Result<PassFile> {
        if password.contains(['\n', '\r']) {
            return Err(Error::new(
                ErrorKind::Program,
                "a password with a line break fits in no password file",
            ));
        }
        let cannot_write =
            |source| Error::new(ErrorKind::Program, "a password file cannot be written").with_source(source);
        // 0600 is what Builder gives a file, and what libpq asks for.
        let builder = || Builder::new().prefix("coalesce-").to_owned();
        let mut file = private_directory()
            .and_then(|it| builder().tempfile_in(it).ok())
            .map_or_else(|| builder().tempfile(), Ok)
            .map_err(cannot_write)?;
        writeln!(file, "*:*:*:*:{}", passfile::escape(password)).map_err(cannot_write)?;
        file.flush().map_err(cannot_write)?;
        Ok(PassFile { file })
    }
}

impl Deref for ClientCommand {
    type Target = Command;

    fn deref(&self) -> &Command {
        &self.command
    }
}

impl DerefMut for ClientCommand {
    fn deref_mut(&mut self) -> &mut Command {
        &mut self.command
    }
}

impl PostgresEndpoint {
    /// A password file that holds this endpoint's password, if it has one.
    pub fn passfile(&self) -> Result<Option<PassFile>> {
        self.password().map(PassFile::new).transpose()
    }

    /// A libpq keyword string with everything but the password, fit for the command line of `pg_dump`.
    pub fn without_password(&self) -> String {
        let seconds = |it: Duration| it.as_secs().to_string();
        let keepalives = &self.keepalives;
        let (host, hostaddr) = match &self.server {
            Server::Socket(directory) => (Some(directory.display().to_string()), None),
            Server::Host { name, address } => (Some(name.clone()), address.map(|it| it.to_string())),
            Server::Address(address) => (None, Some(address.to_string())),
        };
        let rootcert = match &self.tls.roots {
            RootCertificates::Default(_) => None,
            RootCertificates::File(path) => Some(path.display().to_string()),
            RootCertificates::System => Some("system".to_owned()),
        };
        let binding = match self.channel_binding {
            ChannelBinding::Disable => Some("disable".to_owned()),
            ChannelBinding::Require => Some("require".to_owned()),
            _ => None,
        };
        let pairs = [
            ("host", host),
            ("hostaddr", hostaddr),
            ("port", Some(self.port.to_string())),
            ("dbname", Some(self.dbname().to_owned())),
            ("user", Some(self.user().to_owned())),
            ("sslmode", Some(self.tls.mode.as_str().to_owned())),
            ("sslrootcert", rootcert),
            // We never use GSS, so a child shall not either.
            ("gssencmode", Some("disable".to_owned())),
            ("channel_binding", binding),
            (
                "connect_timeout",
                Some(self.connect_timeout.map_or_else(|| "0".to_owned(), seconds)),
            ),
            ("application_name", self.application_name.clone()),
            (
                "fallback_application_name",
                self.fallback_application_name.clone(),
            ),
            ("options", self.options.clone()),
            ("keepalives", Some(u8::from(keepalives.enabled).to_string())),
            ("keepalives_idle", keepalives.idle.map(seconds)),
            ("keepalives_interval", keepalives.interval.map(seconds)),
            ("keepalives_count", keepalives.count.map(|it| it.to_string())),
            (
                "tcp_user_timeout",
                keepalives.user_timeout.map(|it| it.as_millis().to_string()),
            ),
        ];
        let words: Vec<String> = pairs
            .into_iter()
            .filter_map(|(name, value)| Some(format!("{name}={}", quote(&value?))))
            .collect();
        words.join(" ")
    }

    /// A command that makes `program` (`pg_dump`, `psql`, …) use this endpoint, and nothing of libpq's
    /// environment. It never asks for a password, and speaks English.
    pub fn command(&self, program: impl AsRef<OsStr>) -> Result<ClientCommand> {
        let passfile = self.passfile()?;
        let mut command = command_without_endpoint(program);
        if let Some(passfile) = &passfile {
            command.env("PGPASSFILE", passfile.path());
        }
        command
            .env("PGCLIENTENCODING", "UTF8")
            .env("LC_ALL", "C")
            .env_remove("LANGUAGE")
            .arg("--no-password")
            .arg(format!("--dbname={}", self.without_password()));
        Ok(ClientCommand {
            command,
            _passfile: passfile,
        })
    }
}

/// A command for a program of PostgreSQL's that connects to no server: it inherits nothing of libpq's environment, where
/// a password may stand.
pub fn command_without_endpoint(program: impl AsRef<OsStr>) -> Command {
    let mut command = Command::new(program);
    for variable in keyword::variables() {
        command.env_remove(variable);
    }
    command
}

/// The user's folder in memory, where there is one: there the password reaches no disk.
fn private_directory() -> Option<PathBuf> {
    env::var_os("XDG_RUNTIME_DIR").map(PathBuf::from)
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;
    use std::os::unix::fs::PermissionsExt;

    use super::super::{Endpoint, Environment};
    use super::*;

    fn endpoint(words: &str) -> PostgresEndpoint {
        match Endpoint::parse(words, &Environment::empty().with_user_name("ada")) {
            Ok(Endpoint::Postgres(endpoint)) => endpoint,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_password_reaches_a_child_by_a_private_file_alone() {
        let command = endpoint(r"host=db password='hun:t\\er2'")
            .command("pg_dump")
            .expect("a command");
        let text = format!(
            "{:?}",
            command
                .get_args()
                .chain(command.get_envs().filter_map(|it| it.1))
                .collect::<Vec<_>>()
        );
        assert!(!text.contains("er2"), "{text}");

        let variables: HashMap<_, _> = command.get_envs().collect();
        assert_eq!(variables.get(OsStr::new("PGPASSWORD")), Some(&None));
        assert_eq!(variables.get(OsStr::new("PGSERVICE")), Some(&None));
        let path = variables[OsStr::new("PGPASSFILE")]
            .map(PathBuf::from)
            .expect("a password file");
        assert_eq!(
            std::fs::read_to_string(&path).expect("the file"),
            "*:*:*:*:hun\\:t\\\\er2\n"
        );
        assert_eq!(
            path.metadata().expect("the file").permissions().mode() & 0o777,
            0o600
        );
        drop(command);
        assert!(!path.exists());
    }

    #[test]
    fn without_a_password_there_is_no_file() {
        assert!(endpoint("host=db").passfile().expect("no error").is_none());
    }

    #[test]
    fn a_password_with_a_line_break_is_refused_for_a_child() {
        let error = endpoint("host=db password='hunter\n2'")
            .passfile()
            .expect_err("refused");
        assert!(!error.to_string().contains("hunter"));
    }
}
