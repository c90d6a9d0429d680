//! PostgreSQL's own programs, told about an endpoint without a password in their arguments or environment.

use std::ffi::OsStr;
use std::io::Write;
use std::ops::{Deref, DerefMut};
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use postgres::config::ChannelBinding;
use rustls::{ProtocolVersion, SupportedProtocolVersion};
use tempfile::{Builder, NamedTempFile};

use super::PostgresEndpoint;
use super::address::Server;
use super::client_certificate::CertificateMode;
use super::conninfo::quote;
use super::keyword;
use super::passfile;
use super::password::Secret;
use super::server::Host;
use super::session_kind::SessionKind;
use super::tls::RootCertificates;
use crate::error::{Error, ErrorKind, Result};
use crate::private_folder::in_memory;

/// A file that is never there.
const NO_FILE: &str = "/dev/null/none";

/// What a child calls the service of its own service file.
const SERVICE: &str = "coalesce";

/// A password file for one child process, readable by its owner alone and removed when this is dropped.
#[derive(Debug)]
pub struct PassFile {
    file: NamedTempFile,
}

/// A command for a program of PostgreSQL's. It must be kept until the program has ended, since the
/// program's password files go with it.
#[derive(Debug)]
#[must_use]
pub struct ClientCommand {
    command: Command,
    _passfile: Option<PassFile>,
    _servicefile: Option<NamedTempFile>,
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
        let line = format!("*:*:*:*:{}\n", passfile::escape(password));
        private_file(&line).map(|file| PassFile { file })
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

/// What a session has where nothing is said.
const UNSAID: [(&str, &str); 5] = [
    ("sslmode", "prefer"),
    ("gssencmode", "disable"),
    ("connect_timeout", "30"),
    ("keepalives", "1"),
    ("keepalives_idle", "60"),
];

fn join(words: &[(&str, String)], quoted: impl Fn(&str) -> String) -> String {
    let words: Vec<String> = words
        .iter()
        .map(|(name, value)| format!("{name}={}", quoted(value)))
        .collect();
    words.join(" ")
}

impl PostgresEndpoint {
    /// A password file that holds this endpoint's password, if it has one.
    pub fn passfile(&self) -> Result<Option<PassFile>> {
        let password = self.chosen_host().password;
        password.map(|it| PassFile::new(&it.text.0)).transpose()
    }

    /// A libpq keyword string with everything but secrets, for people: all servers, as they were named.
    pub fn without_password(&self) -> String {
        join(&self.words(&self.hosts, &self.choice_words()), quote)
    }

    /// The same for a plan, which people edit: without what holds where nothing is said, and with quotes only where a
    /// value needs them.
    pub fn brief(&self) -> String {
        let mut words = self.words(&self.hosts, &self.choice_words());
        words.retain(|(name, value)| !UNSAID.contains(&(name, value)));
        join(&words, |value| {
            if value.is_empty() || value.contains([' ', '\'', '\\']) {
                quote(value)
            } else {
                value.to_owned()
            }
        })
    }

    /// The same for the one server that was chosen, so that a program reaches it and no other.
    fn words_of_choice(&self) -> String {
        join(&self.words(&[self.chosen_host()], &[]), quote)
    }

    fn choice_words(&self) -> [(&'static str, Option<String>); 2] {
        let kind = Some(self.kind).filter(|it| *it != SessionKind::Any);
        [
            ("target_session_attrs", kind.map(|it| it.as_str().to_owned())),
            (
                "load_balance_hosts",
                self.is_shuffled.then(|| "random".to_owned()),
            ),
        ]
    }

    fn words(
        &self,
        hosts: &[Host],
        choice: &[(&'static str, Option<String>)],
    ) -> Vec<(&'static str, String)> {
        let which = [
            ("host", list(hosts, host_word)),
            ("hostaddr", list(hosts, hostaddr_word)),
            ("port", Some(port_words(hosts))),
            ("dbname", Some(self.dbname().to_owned())),
            ("user", Some(self.user().to_owned())),
        ];
        let (tls, session) = (self.tls_words(), self.session_words());
        let pairs = which.iter().chain(choice).chain(&tls).chain(&session);
        pairs
            .filter_map(|(name, value)| Some((*name, value.clone()?)))
            .collect()
    }

    fn tls_words(&self) -> [(&'static str, Option<String>); 10] {
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
        let client = &self.tls.client;
        let certificate = match client.mode {
            // Older versions of libpq know no sslcertmode, but none of them minds a file that is not there.
            CertificateMode::Disable => Some(NO_FILE.to_owned()),
            _ => client.path().map(|it| it.display().to_string()),
        };
        let key = client.path().and(client.key.as_ref());
        let bound = |version: Option<&&SupportedProtocolVersion>, default| {
            let version = version.filter(|it| it.version != default)?.version;
            Some(
                if version == ProtocolVersion::TLSv1_2 {
                    "TLSv1.2"
                } else {
                    "TLSv1.3"
                }
                .to_owned(),
            )
        };
        let versions = &self.tls.versions;
        [
            ("sslmode", Some(self.tls.mode.as_str().to_owned())),
            ("sslrootcert", rootcert),
            ("sslcert", certificate),
            ("sslkey", key.map(|it| it.display().to_string())),
            ("sslsni", (!self.tls.sends_name).then(|| "0".to_owned())),
            ("sslnegotiation", self.tls.is_direct.then(|| "direct".to_owned())),
            (
                "ssl_min_protocol_version",
                bound(versions.first(), ProtocolVersion::TLSv1_2),
            ),
            (
                "ssl_max_protocol_version",
                bound(versions.last(), ProtocolVersion::TLSv1_3),
            ),
            // We never use GSS, so a child shall not either.
            ("gssencmode", Some("disable".to_owned())),
            ("channel_binding", binding),
        ]
    }

    fn session_words(&self) -> [(&'static str, Option<String>); 9] {
        let seconds = |it: Duration| it.as_secs().to_string();
        let keepalives = &self.keepalives;
        [
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
        ]
    }

    /// A service file that holds the password of the client certificate's key, if it has one. libpq takes it from
    /// a connection string only, and a service file is the one that other users cannot see.
    fn servicefile(&self) -> Result<Option<NamedTempFile>> {
        let client = &self.tls.client;
        let Some(Secret(password)) = client.key_password.as_ref().filter(|_| client.path().is_some()) else {
            return Ok(None);
        };
        if password.contains(['\n', '\r']) || password.trim_end() != password {
            return Err(Error::new(
                ErrorKind::Program,
                "an sslpassword with a line break, or a space at its end, fits in no service file",
            ));
        }
        private_file(&format!("[{SERVICE}]\nsslpassword={password}\n")).map(Some)
    }

    /// A command that makes `program` (`pg_dump`, `psql`, …) use this endpoint, and nothing of libpq's
    /// environment. It never asks for a password, and speaks English.
    pub fn command(&self, program: impl AsRef<OsStr>) -> Result<ClientCommand> {
        let (passfile, servicefile) = (self.passfile()?, self.servicefile()?);
        let mut words = self.words_of_choice();
        let mut command = command_without_endpoint(program);
        if let Some(passfile) = &passfile {
            command.env("PGPASSFILE", passfile.path());
        }
        if let Some(servicefile) = &servicefile {
            command.env("PGSERVICEFILE", servicefile.path());
            words = format!("service={SERVICE} {words}");
        }
        command
            .env("PGCLIENTENCODING", "UTF8")
            .env("LC_ALL", "C")
            .env_remove("LANGUAGE")
            .arg("--no-password")
            .arg(format!("--dbname={words}"));
        Ok(ClientCommand {
            command,
            _passfile: passfile,
            _servicefile: servicefile,
        })
    }
}

/// A file that its owner alone can read.
fn private_file(content: &str) -> Result<NamedTempFile> {
    let cannot_write =
        |source| Error::new(ErrorKind::Program, "a password file cannot be written").with_source(source);
    // 0600 is what Builder gives a file, and what libpq asks for.
    let builder = || Builder::new().prefix("coalesce-").to_owned();
    let mut file = in_memory()
        .and_then(|it| builder().tempfile_in(it).ok())
        .map_or_else(|| builder().tempfile(), Ok)
        .map_err(cannot_write)?;
    file.write_all(content.as_bytes()).map_err(cannot_write)?;
    file.flush().map_err(cannot_write)?;
    Ok(file)
}

fn host_word(host: &Host) -> String {
    match &host.place.server {
        Server::Socket(directory) => directory.display().to_string(),
        Server::Host { name, .. } => name.clone(),
        Server::Address(_) => String::new(),
    }
}

fn hostaddr_word(host: &Host) -> String {
    match &host.place.server {
        Server::Socket(_) => String::new(),
        Server::Host { address, .. } => address.map(|it| it.to_string()).unwrap_or_default(),
        Server::Address(address) => address.to_string(),
    }
}

/// One port for all of them, or as many as there are hosts.
fn port_words(hosts: &[Host]) -> String {
    let mut ports: Vec<String> = hosts.iter().map(|it| it.place.port.to_string()).collect();
    if ports.iter().all(|it| Some(it) == ports.first()) {
        ports.truncate(1);
    }
    ports.join(",")
}

/// The hosts' parts with commas between them; `None` where all are empty.
fn list(hosts: &[Host], part: fn(&Host) -> String) -> Option<String> {
    let parts: Vec<String> = hosts.iter().map(part).collect();
    parts.iter().any(|it| !it.is_empty()).then(|| parts.join(","))
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

#[cfg(test)]
mod tests {
    use std::collections::HashMap;
    use std::os::unix::fs::PermissionsExt;
    use std::path::PathBuf;

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
    fn a_keys_password_reaches_a_child_by_a_private_file_alone() {
        let endpoint = endpoint("host=db sslcert=a.crt sslkey=a.key sslpassword='hunter 2'");
        let command = endpoint.command("pg_dump").expect("a command");
        let arguments = format!("{:?}", command.get_args().collect::<Vec<_>>());
        assert!(!arguments.contains("hunter"), "{arguments}");
        for words in ["service=coalesce ", "sslcert='a.crt'", "sslkey='a.key'"] {
            assert!(arguments.contains(words), "{arguments}");
        }
        let variables: HashMap<_, _> = command.get_envs().collect();
        let path = variables[OsStr::new("PGSERVICEFILE")].map(PathBuf::from);
        let text = std::fs::read_to_string(path.expect("a service file")).expect("the file");
        assert_eq!(text, "[coalesce]\nsslpassword=hunter 2\n");
        assert!(!format!("{endpoint:?} {}", endpoint.without_password()).contains("hunter"));
        let brief = "host=db port=5432 dbname=ada user=ada sslcert=a.crt sslkey=a.key";
        assert!(endpoint.brief().starts_with(brief), "{}", endpoint.brief());
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
