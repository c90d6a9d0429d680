//! A database on a PostgreSQL server: everything that a session needs, with libpq's defaults filled in.

use std::fmt;
use std::time::Duration;

use postgres::config::ChannelBinding;

use super::address::Place;
use super::environment::Environment;
use super::keyword::{Keywords, check_environment};
use super::passfile::Key;
use super::password::{AskPassword, Password, PasswordSource};
use super::session_kind::SessionKind;
use super::settlement::Settlement;
use super::timing::{Keepalives, connect_timeout};
use super::tls::TlsSettings;
use super::tls_words::tls_settings;
use crate::error::{Error, ErrorKind, Result};

/// A database on a PostgreSQL server. Neither `Debug` nor `Display` shows its password.
///
/// Where several servers are named, the first session decides which one is meant: it, its clones, their
/// sessions, their requests to cancel and the programs that they run all stay with that one.
#[derive(Clone, Debug)]
pub struct PostgresEndpoint {
    /// In the order of the words, one at least.
    pub(super) hosts: Vec<Host>,
    /// Whether the hosts are tried in any order.
    pub(super) is_shuffled: bool,
    pub(super) kind: SessionKind,
    pub(super) settlement: Settlement,
    pub(super) dbname: String,
    user: String,
    pub(super) ask_password: Option<AskPassword>,
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

/// One of the servers, with the password for it.
#[derive(Clone, Debug)]
pub(super) struct Host {
    pub(super) place: Place,
    /// What a password file calls the server.
    pub(super) name_in_passfile: String,
    pub(super) password: Option<Password>,
}

impl PostgresEndpoint {
    /// The same endpoint for one session that can be told from all others: by its own name, and by `mark` behind it.
    pub(crate) fn marked(&self, mark: &str) -> (PostgresEndpoint, String) {
        let own = self.application_name.as_deref().unwrap_or("coalesce");
        let room = catalog::IDENTIFIER_BYTES_MAX.saturating_sub(mark.len() + 1);
        let own: String = own.chars().filter(char::is_ascii).take(room).collect();
        let name = format!("{own} {mark}");
        let endpoint = PostgresEndpoint {
            application_name: Some(name.clone()),
            ..self.clone()
        };
        (endpoint, name)
    }

    /// `words` are what was written down for this endpoint.
    pub(super) fn new(words: Keywords, environment: &Environment) -> Result<Self> {
        check_environment(environment)?;
        let keywords = &words.with_service(environment)?;
        let get = |name| keywords.get(name, environment);
        let user = get("user").or(environment.user_name()).ok_or_else(|| {
            Error::new(
                ErrorKind::Endpoint,
                "the operating system does not tell the user's name",
            )
            .with_hint("say user=…")
        })?;
        let dbname = get("dbname").unwrap_or(user);
        for (name, value) in [
            ("dbname", Some(dbname)),
            ("user", Some(user)),
            ("host", get("host")),
        ] {
            refuse_connection_string(name, value.unwrap_or_default())?;
        }
        let places = Place::all(get("host"), get("hostaddr"), get("port"), environment)?;
        let tls = tls_settings(keywords, environment, &places)?;
        let passwords = PasswordSource::new(keywords, environment);
        let mut warnings = Vec::new();
        let mut host = |place: Place| {
            let name_in_passfile = place.server.passfile_host(environment);
            let key = Key {
                host: &name_in_passfile,
                port: place.port,
                dbname,
                user,
            };
            let password = passwords.find(&key, &mut warnings);
            Host {
                place,
                name_in_passfile,
                password,
            }
        };
        Ok(PostgresEndpoint {
            hosts: places.into_iter().map(&mut host).collect(),
            is_shuffled: match get("load_balance_hosts") {
                None | Some("disable") => false,
                Some("random") => true,
                Some(_) => return Err(unknown("load_balance_hosts", "disable, random")),
            },
            kind: get("target_session_attrs").map_or(Ok(SessionKind::Any), str::parse)?,
            settlement: Settlement::default(),
            dbname: dbname.to_owned(),
            user: user.to_owned(),
            ask_password: environment.ask_password(),
            tls,
            channel_binding: get("channel_binding")
                .map_or(Ok(ChannelBinding::Prefer), parse_channel_binding)?,
            connect_timeout: connect_timeout(keywords, environment)?,
            application_name: get("application_name").map(str::to_owned),
            fallback_application_name: get("fallback_application_name").map(str::to_owned),
            options: get("options").map(str::to_owned),
            keepalives: Keepalives::new(keywords, environment)?,
            warnings,
            way: super::pooler::WayIsClear::default(),
        })
    }

    /// The database, as it was named or by libpq's default: the user's name.
    pub fn dbname(&self) -> &str {
        &self.dbname
    }

    /// The role that sessions have.
    pub fn user(&self) -> &str {
        &self.user
    }

    /// The database and, if it is another machine or port, the server: `mandible on db.example.com`. Before
    /// the first session it names all servers that come into question.
    pub fn display_name(&self) -> String {
        let settled = self.settlement.host().map(|it| vec![it]);
        let hosts = settled.unwrap_or_else(|| self.hosts.clone());
        let local = || "this machine".to_owned();
        let names: Vec<String> = match hosts.as_slice() {
            [host] => host.place.short_name().into_iter().collect(),
            hosts => {
                let name = |it: &Host| it.place.short_name().unwrap_or_else(local);
                hosts.iter().map(name).collect()
            }
        };
        if names.is_empty() {
            return self.dbname.clone();
        }
        format!("{} on {}", self.dbname, names.join(" or "))
    }

    /// What the user should know about how the words were understood, such as a password file that is
    /// ignored.
    pub fn warnings(&self) -> &[String] {
        &self.warnings
    }

    /// The server that the first session chose; before it the first that is named.
    pub(super) fn chosen_host(&self) -> Host {
        let first = || self.hosts.first().cloned();
        self.settlement
            .host()
            .or_else(first)
            .unwrap_or_else(|| unreachable!("an endpoint has one host at least"))
    }
}

impl fmt::Display for PostgresEndpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.display_name())
    }
}

/// A name that is a connection string can hold a password, and names are repeated in messages.
fn refuse_connection_string(name: &str, value: &str) -> Result<()> {
    let is_address_with_user = name == "host" && value.contains('@') && !value.starts_with(['@', '/']);
    if !value.contains("://") && !value.contains("password=") && !is_address_with_user {
        return Ok(());
    }
    let message = format!("the value of {name} looks like a whole connection string, or a part of one");
    Err(Error::new(ErrorKind::Endpoint, message)
        .with_hint("give the URL or the keywords as the endpoint itself; in a URL @ and : of a password are written %40 and %3A"))
}

fn parse_channel_binding(word: &str) -> Result<ChannelBinding> {
    match word {
        "disable" => Ok(ChannelBinding::Disable),
        "prefer" => Ok(ChannelBinding::Prefer),
        "require" => Ok(ChannelBinding::Require),
        _ => Err(unknown("channel_binding", "disable, prefer, require")),
    }
}

fn unknown(name: &str, words: &str) -> Error {
    let message = format!("the value of {name} is none of libpq's");
    Error::new(ErrorKind::Endpoint, message).with_hint(format!("one of {words}"))
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
        PostgresEndpoint::new(keywords, environment)
    }

    /// That of the first host.
    fn password(endpoint: &PostgresEndpoint) -> Option<String> {
        endpoint.hosts[0].password.as_ref().map(|it| it.text.0.clone())
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
    fn several_hosts_are_kept_in_their_order() {
        check(
            "host=a,/s,b hostaddr=,,::1 port=1,2,3 target_session_attrs=primary load_balance_hosts=random",
            &[],
            Ok(
                "host='a,/s,b' hostaddr=',,::1' port='1,2,3' dbname='ada' user='ada' \
                target_session_attrs='primary' load_balance_hosts='random'",
            ),
        );
        check(
            "postgres://a,b/d",
            &[("PGPORT", "1")],
            Ok("host='a,b' port='5432' dbname='d'"),
        );
        check(
            "host=a,b",
            &[("PGPORT", "1")],
            Ok("host='a,b' port='1' dbname='ada'"),
        );
        let endpoint =
            parse("host=a,::1,/s port=5432,5433,5432 dbname=d", &environment()).expect("an endpoint");
        assert_eq!(endpoint.display_name(), "d on a or [::1]:5433 or this machine");
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
        check("port=1,2", &[], Err("1 values of host do not go with 2 of port"));
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
        check(
            "",
            &[("PGREQUIREPEER", "x")],
            Err("PGREQUIREPEER is not supported"),
        );
        check(
            "load_balance_hosts=maybe",
            &[],
            Err("the value of load_balance_hosts is none of libpq's"),
        );
        check(
            "target_session_attrs=maybe",
            &[],
            Err("the value of target_session_attrs is none of libpq's"),
        );
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
            assert_eq!(password(&endpoint).as_deref(), Some("hunter2"));
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
        let check = |words, environment: &Environment, expected: Option<&str>| {
            let endpoint = parse(words, environment).expect("an endpoint");
            assert_eq!(password(&endpoint), expected.map(str::to_owned), "{words}");
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
        assert_eq!((password(&endpoint), endpoint.warnings().len()), (None, 1));
        let endpoint = parse("host=db passfile=/nonexistent", &environment).expect("an endpoint");
        assert_eq!(endpoint.warnings(), ["password file /nonexistent does not exist"]);
    }
}
