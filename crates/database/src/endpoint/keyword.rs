//! libpq's connection keywords: which of them we hold, and that no other is ever ignored.
//!
//! The list is that of the PostgreSQL 18 manual, "Database Connection Control Functions" and "Environment
//! Variables".

use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;

use super::environment::Environment;
use super::service::Service;
use crate::error::{Error, ErrorKind, Result};

/// Settings that were written down for one endpoint, by keyword. The last one of a name holds.
#[derive(Clone, Default, PartialEq, Eq)]
pub(super) struct Keywords {
    words: BTreeMap<&'static str, String>,
    /// What a service file says; the words go first.
    service: Option<Service>,
}

/// Where a value was written down.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Origin {
    Words,
    Variable,
    ServiceFile { path: PathBuf, line: usize },
}

/// How far a keyword is supported.
enum Support {
    Held,
    /// Accepted where the value asks for nothing but what we do anyway (compared without case).
    Only(&'static [&'static str]),
    /// With what can be done instead.
    Refused(&'static str),
}

struct Keyword {
    name: &'static str,
    variable: Option<&'static str>,
    support: Support,
}

use Support::{Held, Only, Refused};

const KERBEROS: &str = "sign in with a password or a client certificate";
const OAUTH: &str = "sign in with a password or a client certificate";
const METHODS: &str = "channel_binding=require takes nothing but SCRAM that is bound to TLS";
const PEER: &str = "sslmode=verify-full over TCP proves which server it is";
const SCRAM: &str = "give the password itself: password=, PGPASSWORD or a password file";
const REVOCATION: &str = "check revocation where the server is";
const KEY_LOG: &str = "the secrets of a session are written nowhere";

#[rustfmt::skip]
const KEYWORDS: &[Keyword] = &[
    keyword("application_name", Some("PGAPPNAME"), Held),
    keyword("channel_binding", Some("PGCHANNELBINDING"), Held),
    keyword("client_encoding", None, Only(&["utf8", "utf-8", "unicode", "auto"])),
    keyword("connect_timeout", Some("PGCONNECT_TIMEOUT"), Held),
    keyword("dbname", Some("PGDATABASE"), Held),
    keyword("fallback_application_name", None, Held),
    keyword("gssdelegation", Some("PGGSSDELEGATION"), Only(&["0"])),
    keyword("gssencmode", Some("PGGSSENCMODE"), Only(&["disable", "prefer"])),
    keyword("gsslib", Some("PGGSSLIB"), Refused(KERBEROS)),
    keyword("host", Some("PGHOST"), Held),
    keyword("hostaddr", Some("PGHOSTADDR"), Held),
    keyword("keepalives", None, Held),
    keyword("keepalives_count", None, Held),
    keyword("keepalives_idle", None, Held),
    keyword("keepalives_interval", None, Held),
    keyword("krbsrvname", Some("PGKRBSRVNAME"), Refused(KERBEROS)),
    keyword("load_balance_hosts", Some("PGLOADBALANCEHOSTS"), Held),
    keyword("max_protocol_version", Some("PGMAXPROTOCOLVERSION"), Only(&["3.0", "3.2", "latest"])),
    keyword("min_protocol_version", Some("PGMINPROTOCOLVERSION"), Only(&["3.0"])),
    keyword("oauth_client_id", None, Refused(OAUTH)),
    keyword("oauth_client_secret", None, Refused(OAUTH)),
    keyword("oauth_issuer", None, Refused(OAUTH)),
    keyword("oauth_scope", None, Refused(OAUTH)),
    keyword("options", Some("PGOPTIONS"), Held),
    keyword("passfile", Some("PGPASSFILE"), Held),
    keyword("password", Some("PGPASSWORD"), Held),
    keyword("port", Some("PGPORT"), Held),
    keyword("replication", None, Only(&["false", "off", "no", "0"])),
    keyword("require_auth", Some("PGREQUIREAUTH"), Refused(METHODS)),
    keyword("requirepeer", Some("PGREQUIREPEER"), Refused(PEER)),
    keyword("requiressl", Some("PGREQUIRESSL"), Only(&["0"])),
    keyword("scram_client_key", None, Refused(SCRAM)),
    keyword("scram_server_key", None, Refused(SCRAM)),
    keyword("service", Some("PGSERVICE"), Held),
    keyword("servicefile", Some("PGSERVICEFILE"), Held),
    keyword("ssl_max_protocol_version", Some("PGSSLMAXPROTOCOLVERSION"), Held),
    keyword("ssl_min_protocol_version", Some("PGSSLMINPROTOCOLVERSION"), Held),
    keyword("sslcert", Some("PGSSLCERT"), Held),
    keyword("sslcertmode", Some("PGSSLCERTMODE"), Held),
    keyword("sslcompression", Some("PGSSLCOMPRESSION"), Only(&["0"])),
    keyword("sslcrl", Some("PGSSLCRL"), Refused(REVOCATION)),
    keyword("sslcrldir", Some("PGSSLCRLDIR"), Refused(REVOCATION)),
    keyword("sslkey", Some("PGSSLKEY"), Held),
    keyword("sslkeylogfile", None, Refused(KEY_LOG)),
    keyword("sslmode", Some("PGSSLMODE"), Held),
    keyword("sslnegotiation", Some("PGSSLNEGOTIATION"), Held),
    keyword("sslpassword", None, Held),
    keyword("sslrootcert", Some("PGSSLROOTCERT"), Held),
    keyword("sslsni", Some("PGSSLSNI"), Held),
    keyword("target_session_attrs", Some("PGTARGETSESSIONATTRS"), Held),
    keyword("tcp_user_timeout", None, Held),
    keyword("user", Some("PGUSER"), Held),
];

/// Variables that stand for no keyword of ours but would change what a child process of ours sees.
const OTHER_VARIABLES: [&str; 5] = [
    "PGCLIENTENCODING",
    "PGDATESTYLE",
    "PGTZ",
    "PGGEQO",
    "PGSYSCONFDIR",
];

const fn keyword(name: &'static str, variable: Option<&'static str>, support: Support) -> Keyword {
    Keyword {
        name,
        variable,
        support,
    }
}

impl Keywords {
    /// Takes one setting, or says why it cannot be held.
    ///
    /// An unknown name is not repeated once a password has been read, since it may be the rest of one that
    /// was not quoted.
    pub(super) fn set(&mut self, name: &str, value: String) -> Result<()> {
        let keyword = match find(name, &value) {
            Some(keyword) => keyword?,
            None => return Err(self.unknown(name)),
        };
        self.words.insert(keyword, value);
        Ok(())
    }

    /// These words with what the service that they or the environment name says of itself.
    pub(super) fn with_service(mut self, environment: &Environment) -> Result<Keywords> {
        let Some(name) = self.get("service", environment).map(str::to_owned) else {
            return Ok(self);
        };
        let file = self.get("servicefile", environment).map(PathBuf::from);
        self.service = Some(Service::find(&name, file, environment)?);
        Ok(self)
    }

    /// What holds for `name`: what is written down, else the service's, else libpq's variable. An empty value
    /// that is written down means the default and hides the others, as in libpq.
    pub(super) fn get<'a>(&'a self, name: &str, environment: &'a Environment) -> Option<&'a str> {
        self.get_with_origin(name, environment).map(|(value, _)| value)
    }

    /// The same, and where it stands.
    pub(super) fn get_with_origin<'a>(
        &'a self,
        name: &str,
        environment: &'a Environment,
    ) -> Option<(&'a str, Origin)> {
        let written = self.words.get(name).map(|it| (it.as_str(), Origin::Words));
        let service = || {
            let service = self.service.as_ref()?;
            let (value, line) = service.get(name)?;
            let path = service.path().to_owned();
            Some((value, Origin::ServiceFile { path, line }))
        };
        let variable = || {
            let value = environment.variable(variable_of(name)?)?;
            Some((value, Origin::Variable))
        };
        let found = written.or_else(service).or_else(variable);
        found.filter(|(value, _)| !value.is_empty())
    }

    fn unknown(&self, name: &str) -> Error {
        let is_plain = !name.is_empty() && name.bytes().all(|it| it.is_ascii_alphanumeric() || it == b'_');
        let has_secret = self.words.contains_key("password") || self.words.contains_key("sslpassword");
        if is_plain && !has_secret {
            return Error::new(ErrorKind::Endpoint, format!("{name} is no connection keyword"));
        }
        Error::new(
            ErrorKind::Endpoint,
            "the connection words hold something that is no keyword",
        )
        .with_hint("quote a value that contains spaces: password='two words'")
    }
}

/// Values may be secret.
impl fmt::Debug for Keywords {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set()
            .entries(self.words.keys())
            .entries(&self.service)
            .finish()
    }
}

impl Keyword {
    /// `shown` is the name that the user gave: the keyword's or the variable's.
    fn check(&self, shown: &str, value: &str) -> Result<()> {
        match self.support {
            _ if value.is_empty() => Ok(()),
            Held => Ok(()),
            Only(values) if values.iter().any(|it| it.eq_ignore_ascii_case(value)) => Ok(()),
            Only(values) => Err(Error::new(
                ErrorKind::Endpoint,
                format!("this value of {shown} is not supported"),
            )
            .with_hint(format!("supported: {}", values.join(", ")))),
            Refused(instead) => Err(
                Error::new(ErrorKind::Endpoint, format!("{shown} is not supported"))
                    .with_hint(format!("{instead}; leave it out, or unset the variable")),
            ),
        }
    }
}

/// The keyword of this name as we keep it, unless the value asks for what we do not do; `None` for a name that
/// is no keyword.
pub(super) fn find(name: &str, value: &str) -> Option<Result<&'static str>> {
    let keyword = KEYWORDS.iter().find(|it| it.name == name)?;
    if value.contains('\0') {
        let message = format!("the value of {name} holds a NUL byte");
        return Some(Err(Error::new(ErrorKind::Endpoint, message)));
    }
    Some(keyword.check(name, value).map(|()| keyword.name))
}

/// Refuses what the environment asks for and we do not do.
pub(super) fn check_environment(environment: &Environment) -> Result<()> {
    for keyword in KEYWORDS {
        if let Some((variable, value)) = keyword
            .variable
            .and_then(|it| Some((it, environment.variable(it)?)))
        {
            keyword.check(variable, value)?;
        }
    }
    Ok(())
}

/// Every variable that libpq would read, for a child process that shall read none.
pub(super) fn variables() -> impl Iterator<Item = &'static str> {
    KEYWORDS
        .iter()
        .filter_map(|it| it.variable)
        .chain(OTHER_VARIABLES)
}

fn variable_of(name: &str) -> Option<&'static str> {
    KEYWORDS
        .iter()
        .find(|it| it.name == name)
        .and_then(|it| it.variable)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(name: &str, value: &str, expected: std::result::Result<(), &str>) {
        let outcome = Keywords::default().set(name, value.to_owned());
        assert_eq!(
            outcome.map_err(|it| it.to_string()),
            expected.map_err(str::to_owned)
        );
    }

    #[test]
    fn what_is_not_supported_is_refused_by_name() {
        check("host", "db", Ok(()));
        check("service", "prod", Ok(()));
        check("sslcert", "a.crt", Ok(()));
        for name in [
            "gsslib",
            "krbsrvname",
            "oauth_client_id",
            "oauth_client_secret",
            "oauth_issuer",
            "oauth_scope",
            "require_auth",
            "requirepeer",
            "scram_client_key",
            "scram_server_key",
            "sslcrl",
            "sslcrldir",
            "sslkeylogfile",
        ] {
            check(name, "x", Err(&format!("{name} is not supported")));
        }
        check("max_protocol_version", "3.2", Ok(()));
        check(
            "min_protocol_version",
            "3.2",
            Err("this value of min_protocol_version is not supported"),
        );
        check(
            "gssencmode",
            "require",
            Err("this value of gssencmode is not supported"),
        );
        check("client_encoding", "UTF8", Ok(()));
        check(
            "client_encoding",
            "LATIN1",
            Err("this value of client_encoding is not supported"),
        );
        check("colour", "red", Err("colour is no connection keyword"));
        check("host", "a\0b", Err("the value of host holds a NUL byte"));
    }

    #[test]
    fn a_variable_is_refused_as_its_keyword_is() {
        for (name, value) in [
            ("PGREQUIREPEER", "postgres"),
            ("PGSSLCRL", "k"),
            ("PGGSSENCMODE", "require"),
        ] {
            let environment = Environment::empty().with_variable(name, value);
            let error = check_environment(&environment).expect_err("refused");
            assert!(error.to_string().contains(name), "{error}");
        }
        let neutral = Environment::empty()
            .with_variable("PGGSSENCMODE", "prefer")
            .with_variable("PGSERVICE", "");
        assert!(check_environment(&neutral).is_ok());
    }

    #[test]
    fn what_is_written_hides_the_variable_even_when_it_is_empty() {
        let environment = Environment::empty().with_variable("PGHOST", "outer");
        let mut keywords = Keywords::default();
        assert_eq!(keywords.get("host", &environment), Some("outer"));
        keywords.set("host", "inner".to_owned()).expect("a keyword");
        assert_eq!(keywords.get("host", &environment), Some("inner"));
        keywords.set("host", String::new()).expect("a keyword");
        assert_eq!(keywords.get("host", &environment), None);
    }

    #[test]
    fn the_rest_of_an_unquoted_password_is_not_repeated() {
        let mut keywords = Keywords::default();
        keywords.set("password", "two".to_owned()).expect("a keyword");
        let error = keywords.set("words", "x".to_owned()).expect_err("no keyword");
        assert!(!error.to_string().contains("words="), "{error}");
        assert_eq!(
            error.to_string(),
            "the connection words hold something that is no keyword"
        );
    }
}
