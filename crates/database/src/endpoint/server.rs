//! A database on a PostgreSQL server: everything that a session needs, with libpq's defaults filled in.

use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use postgres::config::ChannelBinding;

use super::address::Server;
use super::conninfo::several_hosts;
use super::environment::Environment;
use super::keyword::{Keywords, check_environment};
use super::passfile::{self, Key, Lookup};
use super::timing::{Keepalives, connect_timeout};
use super::tls::{RootCertificates, SslMode, TlsSettings};
use crate::error::{Error, ErrorKind, Result};

const DEFAULT_PORT: u16 = 5432;

/// A database on a PostgreSQL server. Neither `Debug` nor `Display` shows its password.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PostgresEndpoint {
    pub(super) server: Server,
    pub(super) port: u16,
    dbname: String,
    user: String,
    password: Option<Password>,
    /// What a password file calls the server.
    passfile_host: String,
    pub(super) tls: TlsSettings,
    pub(super) channel_binding: ChannelBinding,
    /// `None` waits for ever.
    pub(super) connect_timeout: Option<Duration>,
    pub(super) application_name: Option<String>,
    pub(super) fallback_application_name: Option<String>,
    pub(super) options: Option<String>,
    pub(super) keepalives: Keepalives,
    warnings: Vec<String>,
    pub(super) way: super::pooler::WayIsClear,
}

/// A password and where it was found.
#[derive(Clone, PartialEq, Eq)]
struct Password {
    text: String,
    origin: PasswordOrigin,
}

/// Where a password was found, for the hint of an error.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum PasswordOrigin {
    Words,
    Variable,
    PassFile { path: PathBuf, line: usize },
}

impl PostgresEndpoint {
    pub(super) fn new(keywords: &Keywords, environment: &Environment) -> Result<Self> {
        check_environment(environment)?;
        let get = |name| keywords.get(name, environment);
        let port = get("port").map_or(Ok(DEFAULT_PORT), parse_port)?;
        let server = Server::new(get("host"), get("hostaddr"), port, environment)?;
        let user = get("user").or(environment.user_name()).ok_or_else(|| {
            Error::new(
                ErrorKind::Endpoint,
                "the operating system does not tell the user's name",
            )
            .with_hint("say user=…")
        })?;
        let dbname = get("dbname").unwrap_or(user);
        let tls = tls_settings(keywords, environment, &server)?;
        let mut endpoint = PostgresEndpoint {
            passfile_host: server.passfile_host(environment),
            server,
            port,
            dbname: dbname.to_owned(),
            user: user.to_owned(),
            password: None,
            tls,
            channel_binding: get("channel_binding")
                .map_or(Ok(ChannelBinding::Prefer), parse_channel_binding)?,
            connect_timeout: connect_timeout(keywords, environment)?,
            application_name: get("application_name").map(str::to_owned),
            fallback_application_name: get("fallback_application_name").map(str::to_owned),
            options: get("options").map(str::to_owned),
            keepalives: Keepalives::new(keywords, environment)?,
            warnings: Vec::new(),
            way: super::pooler::WayIsClear::default(),
        };
        endpoint.find_password(keywords, environment);
        Ok(endpoint)
    }

    pub fn dbname(&self) -> &str {
        &self.dbname
    }

    pub fn user(&self) -> &str {
        &self.user
    }

    /// The host's name or address; `None` for a server that is reached through a socket.
    pub fn host(&self) -> Option<String> {
        match &self.server {
            Server::Socket(_) => None,
            Server::Host { name, .. } => Some(name.clone()),
            Server::Address(address) => Some(address.to_string()),
        }
    }

    /// The database and, if it is another machine or port, the server: `mandible on db.example.com`.
    pub fn display_name(&self) -> String {
        let is_default_port = self.port == DEFAULT_PORT;
        match self.host() {
            None if is_default_port => self.dbname.clone(),
            None => format!("{} on port {}", self.dbname, self.port),
            Some(host) if is_default_port => format!("{} on {host}", self.dbname),
            Some(host) if host.contains(':') => format!("{} on [{host}]:{}", self.dbname, self.port),
            Some(host) => format!("{} on {host}:{}", self.dbname, self.port),
        }
    }

    /// What the user should know about how the words were understood, such as a password file that is
    /// ignored.
    pub fn warnings(&self) -> &[String] {
        &self.warnings
    }

    pub(super) fn password(&self) -> Option<&str> {
        self.password.as_ref().map(|it| it.text.as_str())
    }

    pub(super) fn passfile_host(&self) -> &str {
        &self.passfile_host
    }

    pub(super) fn password_origin(&self) -> Option<&PasswordOrigin> {
        self.password.as_ref().map(|it| &it.origin)
    }

    fn find_password(&mut self, keywords: &Keywords, environment: &Environment) {
        if let Some(text) = keywords.get("password", environment) {
            let is_written = keywords.is_written("password");
            let origin = if is_written {
                PasswordOrigin::Words
            } else {
                PasswordOrigin::Variable
            };
            self.password = Some(Password {
                text: text.to_owned(),
                origin,
            });
            return;
        }
        let named = keywords.get("passfile", environment).map(PathBuf::from);
        let Some(path) = named.clone().or_else(|| environment.home_file(".pgpass")) else {
            return;
        };
        let key = Key {
            host: &self.passfile_host,
            port: self.port,
            dbname: &self.dbname,
            user: &self.user,
        };
        match passfile::look_up(&path, &key) {
            Lookup::Found(text, line) => {
                self.password = Some(Password {
                    text,
                    origin: PasswordOrigin::PassFile { path, line },
                });
            }
            Lookup::Missing if named.is_some() => {
                self.warnings
                    .push(format!("password file {} does not exist", path.display()));
            }
            Lookup::Ignored(warning) => self.warnings.push(warning),
            Lookup::Missing | Lookup::NotFound => {}
        }
    }
}

impl fmt::Display for PostgresEndpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.display_name())
    }
}

impl fmt::Debug for Password {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "******** from {:?}", self.origin)
    }
}

/// As libpq from version 16 on, trusting the system's certificates means `verify-full`: anyone can have a
/// certificate from an authority that everyone trusts.
fn tls_settings(keywords: &Keywords, environment: &Environment, server: &Server) -> Result<TlsSettings> {
    let mode = keywords
        .get("sslmode", environment)
        .map(str::parse::<SslMode>)
        .transpose()?;
    let roots = match keywords.get("sslrootcert", environment) {
        None => RootCertificates::Default(environment.home_file(".postgresql/root.crt")),
        Some("system") => RootCertificates::System,
        Some(path) => RootCertificates::File(path.into()),
    };
    let mode = match (mode, &roots) {
        (None, RootCertificates::System) => SslMode::VerifyFull,
        (Some(mode), RootCertificates::System) if mode != SslMode::VerifyFull => {
            let message = format!("sslmode={} is too weak for sslrootcert=system", mode.as_str());
            return Err(Error::new(ErrorKind::Endpoint, message).with_hint("use sslmode=verify-full"));
        }
        (mode, _) => mode.unwrap_or_default(),
    };
    if mode == SslMode::VerifyFull && matches!(server, Server::Address(_)) {
        return Err(
            Error::new(ErrorKind::Endpoint, "sslmode=verify-full needs the host's name")
                .with_hint("say host=… as well as hostaddr=…"),
        );
    }
    Ok(TlsSettings {
        mode,
        roots,
        revocation_list: environment.home_file(".postgresql/root.crl"),
    })
}

fn parse_port(text: &str) -> Result<u16> {
    if text.contains(',') {
        return Err(several_hosts());
    }
    text.trim()
        .parse()
        .ok()
        .filter(|it| *it > 0)
        .ok_or_else(|| Error::new(ErrorKind::Endpoint, "the port is no number from 1 to 65535"))
}

fn parse_channel_binding(word: &str) -> Result<ChannelBinding> {
    match word {
        "disable" => Ok(ChannelBinding::Disable),
        "prefer" => Ok(ChannelBinding::Prefer),
        "require" => Ok(ChannelBinding::Require),
        _ => Err(Error::new(
            ErrorKind::Endpoint,
            "the value of channel_binding is none of libpq's",
        )
        .with_hint("one of disable, prefer, require")),
    }
}

#[cfg(test)]
mod tests {
    use std::fs::{self, Permissions};
    use std::os::unix::fs::PermissionsExt;

    use super::super::conninfo::{is_url, parse_keywords, parse_url};
    use super::*;

    fn environment() -> Environment {
        Environment::empty()
            .with_user_name("ada")
            .with_socket_directories(["/"])
    }

    fn parse(words: &str, environment: &Environment) -> Result<PostgresEndpoint> {
        let keywords = if is_url(words) {
            parse_url(words)?
        } else {
            parse_keywords(words)?
        };
        PostgresEndpoint::new(&keywords, environment)
    }

    /// `expected` is what the keyword string begins with.
    #[track_caller]
    fn check(words: &str, variables: &[(&str, &str)], expected: std::result::Result<&str, &str>) {
        let environment = variables
            .iter()
            .fold(environment(), |it, (name, value)| it.with_variable(name, value));
        match (parse(words, &environment), expected) {
            (Ok(endpoint), Ok(expected)) => {
                let text = endpoint.without_password().replace(" gssencmode='disable'", "");
                assert!(text.starts_with(expected), "{words}: {text}");
            }
            (outcome, expected) => {
                let text = outcome
                    .map(|it| it.without_password())
                    .map_err(|it| it.to_string());
                assert_eq!(text.as_deref().map_err(String::as_str), expected, "{words}");
            }
        }
    }

    #[test]
    fn defaults_are_libpqs() {
        check(
            "",
            &[],
            Ok("host='/' port='5432' dbname='ada' user='ada' sslmode='prefer' connect_timeout='30'"),
        );
        check(
            "user=bob",
            &[],
            Ok("host='/' port='5432' dbname='bob' user='bob'"),
        );
        check("host=/s", &[], Ok("host='/s' port='5432'"));
        check("hostaddr=::1", &[], Ok("hostaddr='::1' port='5432'"));
        check(
            "host=db hostaddr=10.0.0.1",
            &[],
            Ok("host='db' hostaddr='10.0.0.1' port='5432'"),
        );
    }

    #[test]
    fn the_environment_fills_in_what_is_not_written() {
        let variables = [
            ("PGHOST", "db"),
            ("PGPORT", "1"),
            ("PGDATABASE", "d"),
            ("PGUSER", "u"),
            ("PGSSLMODE", "require"),
        ];
        check(
            "",
            &variables,
            Ok("host='db' port='1' dbname='d' user='u' sslmode='require'"),
        );
        check(
            "port=2 dbname=x",
            &variables,
            Ok("host='db' port='2' dbname='x' user='u'"),
        );
        check(
            "postgres://h/x?sslmode=disable",
            &variables,
            Ok("host='h' port='1' dbname='x' user='u' sslmode='disable'"),
        );
    }

    #[test]
    fn values_that_mean_nothing_are_refused() {
        check("port=x", &[], Err("the port is no number from 1 to 65535"));
        check("port=0", &[], Err("the port is no number from 1 to 65535"));
        check(
            "port=1,2",
            &[],
            Err("several hosts in one endpoint are not supported"),
        );
        check("hostaddr=db", &[], Err("hostaddr is no IP address"));
        check(
            "host=@abstract",
            &[],
            Err("sockets in the abstract namespace are not supported"),
        );
        check(
            "connect_timeout=soon",
            &[],
            Err("the value of connect_timeout is no number that fits"),
        );
        check("sslmode=yes", &[], Err("the value of sslmode is none of libpq's"));
        check("", &[("PGSERVICE", "x")], Err("PGSERVICE is not supported"));
    }

    #[test]
    fn trusting_the_system_means_verifying_the_name() {
        check(
            "host=h sslrootcert=system",
            &[],
            Ok("host='h' port='5432' dbname='ada' user='ada' sslmode='verify-full'"),
        );
        check(
            "sslrootcert=system sslmode=verify-ca",
            &[],
            Err("sslmode=verify-ca is too weak for sslrootcert=system"),
        );
        check(
            "hostaddr=::1 sslmode=verify-full",
            &[],
            Err("sslmode=verify-full needs the host's name"),
        );
    }

    #[test]
    fn a_timeout_of_zero_waits_for_ever() {
        for (words, seconds) in [
            ("", Some(30)),
            ("connect_timeout=0", None),
            ("connect_timeout=-1", None),
        ] {
            let endpoint = parse(words, &environment()).expect("an endpoint");
            assert_eq!(
                endpoint.connect_timeout,
                seconds.map(Duration::from_secs),
                "{words}"
            );
        }
    }

    #[test]
    fn a_password_is_never_shown() {
        let words = "postgres://ada:hunter2@db/mandible";
        let variable = environment().with_variable("PGPASSWORD", "hunter2");
        for endpoint in [parse(words, &environment()), parse("host=db", &variable)] {
            let endpoint = endpoint.expect("an endpoint");
            assert_eq!(endpoint.password(), Some("hunter2"));
            let text = format!(
                "{endpoint} {endpoint:?} {} {}",
                endpoint.display_name(),
                endpoint.without_password()
            );
            assert!(!text.contains("hunter2"), "{text}");
        }
    }

    #[test]
    fn a_password_comes_from_words_then_variable_then_file() {
        let home = tempfile::tempdir().expect("a temporary folder");
        let path = home.path().join(".pgpass");
        fs::write(
            &path,
            "localhost:5432:*:*:socket\n/other:5432:*:*:other\ndb:*:*:*:file\n",
        )
        .expect("a file");
        fs::set_permissions(&path, Permissions::from_mode(0o600)).expect("permissions");
        let sockets = tempfile::tempdir().expect("a temporary folder");
        let environment = environment()
            .with_home(home.path())
            .with_socket_directories([sockets.path()]);
        let variable = environment.clone().with_variable("PGPASSWORD", "variable");
        let check = |words, environment: &Environment, expected| {
            let endpoint = parse(words, environment).expect("an endpoint");
            assert_eq!(endpoint.password(), expected, "{words}");
            assert!(endpoint.warnings().is_empty());
        };
        check("host=db password=words", &variable, Some("words"));
        check("host=db", &variable, Some("variable"));
        check("host=db", &environment, Some("file"));
        check("", &environment, Some("socket"));
        check("host=/other", &environment, Some("other"));
        check("host=elsewhere", &environment, None);
        check("host=db password=''", &variable, Some("file"));

        fs::set_permissions(&path, Permissions::from_mode(0o644)).expect("permissions");
        let endpoint = parse("host=db", &environment).expect("an endpoint");
        assert_eq!((endpoint.password(), endpoint.warnings().len()), (None, 1));
        let endpoint = parse("host=db passfile=/nonexistent", &environment).expect("an endpoint");
        assert_eq!(endpoint.warnings(), ["password file /nonexistent does not exist"]);
    }
}
