//! What is said when no session could be opened: where, in whose words, and what can be done.

use std::error::Error as StdError;
use std::{fmt, io};

use postgres::error::{DbError, SqlState};
use rustls::CertificateError;

use super::PostgresEndpoint;
use super::address::Place;
use super::certificate::NOT_ASKED;
use super::connect::Failure;
use super::passfile;
use super::pooler;
use super::server::Host;
use super::session_kind::WrongKind;
use crate::error::{Error, ErrorKind};

/// Why one attempt opened no session.
pub(super) type Cause = Box<dyn StdError + Send + Sync>;

/// The client's words for a server that asks for a password when there is none; no kind tells them apart.
const PASSWORD_MISSING: &str = "password missing";

/// The server asks for a password, and none was found.
#[derive(Debug)]
struct PasswordMissing;

/// Why each of several hosts has no session for us.
#[derive(Debug)]
struct Attempts(Vec<String>);

impl PostgresEndpoint {
    /// The error for a connection that was not made, of whose hosts all fell away or the last one refused.
    pub(super) fn refused(&self, mut failures: Vec<(Host, Failure)>) -> Error {
        let (host, cause) = match failures.pop() {
            Some((host, Failure::Passed(cause) | Failure::Refused(cause))) => (host, cause),
            Some((_, Failure::Unusable(error))) => return error,
            None => return Error::new(ErrorKind::Connect, "no server was tried"),
        };
        let (place, hint) = (&host.place, self.hint(&host, &*cause));
        let (where_to, source) = if failures.is_empty() {
            (place.to_string(), worded(cause))
        } else {
            let line = |(host, failure): (Host, Failure)| match failure {
                Failure::Passed(cause) | Failure::Refused(cause) => {
                    format!("{}: {}", host.place, chain(&*worded(cause)))
                }
                Failure::Unusable(error) => format!("{}: {error}", host.place),
            };
            let mut lines: Vec<String> = failures.into_iter().map(line).collect();
            lines.push(format!("{place}: {}", chain(&*worded(cause))));
            let count = lines.len();
            let source: Cause = Box::new(Attempts(lines));
            (format!("any of {count} servers"), source)
        };
        let message = format!(
            "no session on database {} at {where_to}, as user {}",
            self.dbname(),
            self.user()
        );
        let error = Error::new(ErrorKind::Connect, message).with_source(source);
        match hint {
            Some(hint) => error.with_hint(hint),
            None => error,
        }
    }

    fn hint(&self, host: &Host, cause: &(dyn StdError + Send + Sync + 'static)) -> Option<String> {
        if let Some(answer) = cause
            .downcast_ref::<postgres::Error>()
            .and_then(postgres::Error::as_db_error)
        {
            return pooler::hint_for_refusal(answer).or_else(|| self.hint_for_answer(host, answer));
        }
        if cause.is::<WrongKind>() {
            return Some("name the server that is meant, or see target_session_attrs".to_owned());
        }
        if let Some(error) = find_cause::<rustls::Error>(cause) {
            return hint_for_tls(error).map(str::to_owned);
        }
        if let Some(error) = find_cause::<io::Error>(cause) {
            return hint_for_io(&host.place, error.kind());
        }
        let words = innermost(cause);
        match words.as_str() {
            PASSWORD_MISSING => Some(self.hint_for_password(host)),
            "server did not use channel binding" => Some(
                "channel_binding=require needs TLS and a password that the server checks by SCRAM".to_owned(),
            ),
            "server does not support TLS" => Some(
                "turn TLS on at the server, or say sslmode=disable where the network can be trusted"
                    .to_owned(),
            ),
            _ => None,
        }
    }

    fn hint_for_answer(&self, host: &Host, answer: &DbError) -> Option<String> {
        let code = answer.code();
        if *code == SqlState::INVALID_PASSWORD {
            return Some(self.hint_for_password(host));
        }
        let wants_certificate = answer.message().contains("client certificate");
        let hint = if wants_certificate && *code == SqlState::INVALID_AUTHORIZATION_SPECIFICATION {
            "name the certificate with sslcert=FILE and its key with sslkey=FILE"
        } else if answer.message().contains("not permitted to log in") {
            "connect as another role, or have an administrator run ALTER ROLE … LOGIN"
        } else if *code == SqlState::INVALID_AUTHORIZATION_SPECIFICATION {
            "the server's pg_hba.conf has no line that lets this user in from here, for this database and with \
             this kind of encryption, or there is no such role"
        } else if *code == SqlState::INVALID_CATALOG_NAME {
            "psql -l lists the databases of a server; the path of a file must contain a slash or end in .sqlite"
        } else if *code == SqlState::OBJECT_NOT_IN_PREREQUISITE_STATE {
            "the database lets nobody in: name another one, or have an administrator run \
             ALTER DATABASE … ALLOW_CONNECTIONS true"
        } else if *code == SqlState::INSUFFICIENT_PRIVILEGE {
            "have the database's owner run GRANT CONNECT ON DATABASE … TO the role"
        } else if *code == SqlState::TOO_MANY_CONNECTIONS && answer.message().contains("for role") {
            "ask for fewer workers, or have an administrator run ALTER ROLE … CONNECTION LIMIT"
        } else if *code == SqlState::TOO_MANY_CONNECTIONS && answer.message().contains("for database") {
            "ask for fewer workers, or have an administrator run ALTER DATABASE … CONNECTION LIMIT"
        } else if *code == SqlState::TOO_MANY_CONNECTIONS {
            "ask for fewer workers, or raise max_connections at the server"
        } else if *code == SqlState::CANNOT_CONNECT_NOW {
            "the server is starting or stopping; try again"
        } else {
            return None;
        };
        Some(hint.to_owned())
    }

    fn hint_for_password(&self, host: &Host) -> String {
        match &host.password {
            None => {
                let fields = [
                    host.name_in_passfile.as_str(),
                    &host.place.port.to_string(),
                    self.dbname(),
                    self.user(),
                ];
                let line = fields.map(passfile::escape).join(":");
                format!("put the line {line}:PASSWORD into ~/.pgpass, with mode 0600")
            }
            Some(password) => password.origin.to_string(),
        }
    }
}

fn hint_for_io(place: &Place, kind: io::ErrorKind) -> Option<String> {
    let is_socket = place.server.socket_directory().is_some();
    match kind {
        io::ErrorKind::ConnectionRefused | io::ErrorKind::NotFound if is_socket => {
            let hint = "no server listens there; one on this machine may have another port, one elsewhere \
                        needs host=…";
            Some(hint.to_owned())
        }
        io::ErrorKind::ConnectionRefused => {
            Some("no server listens there; see its port and listen_addresses".to_owned())
        }
        io::ErrorKind::NotFound => {
            Some("check how the host is spelled, and that this machine can look it up".to_owned())
        }
        io::ErrorKind::TimedOut => Some(
            "a firewall may be in the way, or the server too busy; connect_timeout= allows more".to_owned(),
        ),
        io::ErrorKind::PermissionDenied => Some("the socket's folder is closed to this user".to_owned()),
        _ => None,
    }
}

impl fmt::Display for PasswordMissing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the server asks for a password, and none was found")
    }
}

impl StdError for PasswordMissing {}

impl fmt::Display for Attempts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.join("\n"))
    }
}

impl StdError for Attempts {}

/// Whether the server asks for a password and there was none.
pub(super) fn is_password_missing(cause: &(dyn StdError + Send + Sync + 'static)) -> bool {
    innermost(cause) == PASSWORD_MISSING
}

/// The cause in the words of whoever said them: a server's own need no "db error" in front of them.
fn worded(cause: Cause) -> Cause {
    if is_password_missing(&*cause) {
        return Box::new(PasswordMissing);
    }
    match cause.downcast::<postgres::Error>() {
        Ok(cause) => match cause.as_db_error().cloned() {
            Some(words) => Box::new(words),
            None => cause,
        },
        Err(cause) => cause,
    }
}

/// An error with its causes, on one line.
fn chain(error: &(dyn StdError + Send + Sync + 'static)) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(cause) = next {
        let words = cause.to_string();
        if !text.contains(&words) {
            text = format!("{text}: {words}");
        }
        next = cause.source();
    }
    text
}

fn hint_for_tls(error: &rustls::Error) -> Option<&'static str> {
    let error = match error {
        rustls::Error::InvalidCertificate(error) => error,
        rustls::Error::General(words) if words == NOT_ASKED => {
            return Some("sslcertmode=allow takes a server that asks for none");
        }
        rustls::Error::AlertReceived(_) => {
            return Some("the server's log says why it broke off; see sslcert= if it wants a certificate");
        }
        _ => return None,
    };
    match error {
        CertificateError::UnknownIssuer => Some(
            "no trusted authority has issued the server's certificate; name the one that has: sslrootcert=FILE",
        ),
        CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => Some(
            "the server's certificate names other hosts in subjectAltName (its common name does not count); \
             connect by one of them",
        ),
        CertificateError::Expired | CertificateError::ExpiredContext { .. } => {
            Some("the server's certificate has run out; it must be renewed")
        }
        CertificateError::Other(_) => Some(
            "a certificate that is verified must be of version 3, and no authority's own unless sslrootcert \
             holds it: issue one by openssl x509 -req -extfile",
        ),
        _ => None,
    }
}

/// The first error of this type behind `error`. What an `io::Error` wraps is no part of its chain.
pub(super) fn find_cause<'a, T: StdError + 'static>(
    error: &'a (dyn StdError + Send + Sync + 'static),
) -> Option<&'a T> {
    let mut next: Option<&'a (dyn StdError + 'static)> = Some(error);
    while let Some(error) = next {
        if let Some(found) = error.downcast_ref::<T>() {
            return Some(found);
        }
        next = match error.downcast_ref::<io::Error>().and_then(io::Error::get_ref) {
            Some(wrapped) => Some(wrapped),
            None => error.source(),
        };
    }
    None
}

fn innermost(error: &(dyn StdError + Send + Sync + 'static)) -> String {
    let mut last: &(dyn StdError + 'static) = error;
    while let Some(next) = last.source() {
        last = next;
    }
    last.to_string()
}
