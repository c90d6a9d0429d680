//! libpq's connection keywords: which of them we hold, and that no other is ever ignored.
//!
//! The list is that of the PostgreSQL 18 manual, "Database Connection Control Functions" and "Environment
//! Variables".

use std::collections::BTreeMap;
use std::fmt;

use super::environment::Environment;
use crate::error::{Error, ErrorKind, Result};

/// Settings that were written down for one endpoint, by keyword. The last one of a name holds.
#[derive(Clone, Default, PartialEq, Eq)]
pub(super) struct Keywords(BTreeMap<&'static str, String>);

/// How far a keyword is supported.
enum Support {
    Held,
    /// Accepted where the value asks for nothing but what we do anyway (compared without case).
    Only(&'static [&'static str]),
    Refused,
}

struct Keyword {
    name: &'static str,
    variable: Option<&'static str>,
    support: Support,
}

use Support::{Held, Only, Refused};

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
    keyword("gsslib", Some("PGGSSLIB"), Refused),
    keyword("host", Some("PGHOST"), Held),
    keyword("hostaddr", Some("PGHOSTADDR"), Held),
    keyword("keepalives", None, Held),
    keyword("keepalives_count", None, Held),
    keyword("keepalives_idle", None, Held),
    keyword("keepalives_interval", None, Held),
    keyword("krbsrvname", Some("PGKRBSRVNAME"), Refused),
    keyword("load_balance_hosts", Some("PGLOADBALANCEHOSTS"), Only(&["disable"])),
    keyword("max_protocol_version", Some("PGMAXPROTOCOLVERSION"), Only(&["3.0", "latest"])),
    keyword("min_protocol_version", Some("PGMINPROTOCOLVERSION"), Only(&["3.0"])),
    keyword("oauth_client_id", None, Refused),
    keyword("oauth_client_secret", None, Refused),
    keyword("oauth_issuer", None, Refused),
    keyword("oauth_scope", None, Refused),
    keyword("options", Some("PGOPTIONS"), Held),
    keyword("passfile", Some("PGPASSFILE"), Held),
    keyword("password", Some("PGPASSWORD"), Held),
    keyword("port", Some("PGPORT"), Held),
    keyword("replication", None, Only(&["false", "off", "no", "0"])),
    keyword("require_auth", Some("PGREQUIREAUTH"), Refused),
    keyword("requirepeer", Some("PGREQUIREPEER"), Refused),
    keyword("requiressl", Some("PGREQUIRESSL"), Only(&["0"])),
    keyword("scram_client_key", None, Refused),
    keyword("scram_server_key", None, Refused),
    keyword("service", Some("PGSERVICE"), Refused),
    keyword("servicefile", Some("PGSERVICEFILE"), Refused),
    keyword("ssl_max_protocol_version", Some("PGSSLMAXPROTOCOLVERSION"), Only(&["tlsv1.3"])),
    keyword("ssl_min_protocol_version", Some("PGSSLMINPROTOCOLVERSION"), Only(&["tlsv1.2"])),
    keyword("sslcert", Some("PGSSLCERT"), Refused),
    keyword("sslcertmode", Some("PGSSLCERTMODE"), Only(&["allow", "disable"])),
    keyword("sslcompression", Some("PGSSLCOMPRESSION"), Only(&["0"])),
    keyword("sslcrl", Some("PGSSLCRL"), Refused),
    keyword("sslcrldir", Some("PGSSLCRLDIR"), Refused),
    keyword("sslkey", Some("PGSSLKEY"), Refused),
    keyword("sslkeylogfile", None, Refused),
    keyword("sslmode", Some("PGSSLMODE"), Held),
    keyword("sslnegotiation", Some("PGSSLNEGOTIATION"), Only(&["postgres"])),
    keyword("sslpassword", None, Refused),
    keyword("sslrootcert", Some("PGSSLROOTCERT"), Held),
    keyword("sslsni", Some("PGSSLSNI"), Only(&["1"])),
    keyword("target_session_attrs", Some("PGTARGETSESSIONATTRS"), Only(&["any"])),
    keyword("tcp_user_timeout", None, Held),
    keyword("user", Some("PGUSER"), Held),
];

/// Variables that stand for no keyword of ours but would change what a child process of ours sees.
const OTHER_VARIABLES: [&str; 4] = ["PGCLIENTENCODING", "PGDATESTYLE", "PGTZ", "PGGEQO"];

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
        let Some(keyword) = KEYWORDS.iter().find(|it| it.name == name) else {
            return Err(self.unknown(name));
        };
        if value.contains('\0') {
            return Err(Error::new(
                ErrorKind::Endpoint,
                format!("the value of {name} holds a NUL byte"),
            ));
        }
        keyword.check(name, &value)?;
        self.0.insert(keyword.name, value);
        Ok(())
    }

    /// What holds for `name`: what is written down, else libpq's variable. An empty value that is written
    /// down means the default and hides the variable, as in libpq.
    pub(super) fn get<'a>(&'a self, name: &str, environment: &'a Environment) -> Option<&'a str> {
        match self.0.get(name) {
            Some(value) => Some(value.as_str()).filter(|it| !it.is_empty()),
            None => variable_of(name).and_then(|it| environment.variable(it)),
        }
    }

    pub(super) fn is_written(&self, name: &str) -> bool {
        self.0.get(name).is_some_and(|it| !it.is_empty())
    }

    fn unknown(&self, name: &str) -> Error {
        let is_plain = !name.is_empty() && name.bytes().all(|it| it.is_ascii_alphanumeric() || it == b'_');
        if is_plain && !self.0.contains_key("password") {
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
        f.debug_set().entries(self.0.keys()).finish()
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
            Refused => Err(
                Error::new(ErrorKind::Endpoint, format!("{shown} is not supported"))
                    .with_hint("nothing is ignored in silence: leave it out, or unset the variable"),
            ),
        }
    }
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
        check("service", "prod", Err("service is not supported"));
        check("sslcert", "a.crt", Err("sslcert is not supported"));
        check("target_session_attrs", "any", Ok(()));
        check(
            "target_session_attrs",
            "read-write",
            Err("this value of target_session_attrs is not supported"),
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
            ("PGSERVICE", "prod"),
            ("PGSSLKEY", "k"),
            ("PGTARGETSESSIONATTRS", "primary"),
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
