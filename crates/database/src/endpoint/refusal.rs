//! What is said when no session could be opened: where, in whose words, and what can be done.

use std::error::Error as StdError;
use std::{fmt, io};

use postgres::error::SqlState;
use rustls::CertificateError;

use super::PostgresEndpoint;
use super::address::Server;
use super::passfile;
use super::pooler;
use super::server::PasswordOrigin;
use crate::error::{Error, ErrorKind};

/// Why one attempt opened no session.
pub(super) type Cause = Box<dyn StdError + Send + Sync>;

/// The client's words for a server that asks for a password when there is none; no kind tells them apart.
const PASSWORD_MISSING: &str = "password missing";

/// The server asks for a password, and none was found.
#[derive(Debug)]
struct PasswordMissing;

impl PostgresEndpoint {
    /// The error for a connection that was not made.
    pub(super) fn refused(&self, cause: Option<Cause>) -> Error {
        let place = match &self.server {
            Server::Socket(directory) => format!("the socket in {}, port {}", directory.display(), self.port),
            Server::Host {
                name,
                address: Some(address),
            } if *name != address.to_string() => {
                format!("{name} ({address}), port {}", self.port)
            }
            Server::Host { name, .. } => format!("{name}, port {}", self.port),
            Server::Address(address) => format!("{address}, port {}", self.port),
        };
        let message = format!(
            "no session on database {} at {place}, as user {}",
            self.dbname(),
            self.user()
        );
        let error = Error::new(ErrorKind::Connect, message);
        let Some(cause) = cause else {
            return error;
        };
        let is_without_password = innermost(&*cause) == PASSWORD_MISSING;
        let error = match self.hint(&*cause) {
            Some(hint) => error.with_hint(hint),
            None => error,
        };
        // A server's own words need no "db error" in front of them.
        match cause.downcast::<postgres::Error>() {
            Ok(_) if is_without_password => error.with_source(PasswordMissing),
            Ok(cause) if cause.as_db_error().is_some() => match cause.into_source() {
                Some(words) => error.with_source(words),
                None => error,
            },
            Ok(cause) => error.with_source(*cause),
            Err(cause) => error.with_source(cause),
        }
    }

    fn hint(&self, cause: &(dyn StdError + Send + Sync + 'static)) -> Option<String> {
        let answer = cause.downcast_ref().and_then(postgres::Error::as_db_error);
        if let Some(hint) = answer.and_then(pooler::hint_for_refusal) {
            return Some(hint);
        }
        if let Some(code) = cause
            .downcast_ref::<postgres::Error>()
            .and_then(postgres::Error::code)
        {
            return self.hint_for_answer(code);
        }
        if let Some(error) = find_cause::<rustls::Error>(cause) {
            return hint_for_tls(error).map(str::to_owned);
        }
        if let Some(error) = find_cause::<io::Error>(cause) {
            return self.hint_for_io(error.kind());
        }
        let words = innermost(cause);
        match words.as_str() {
            PASSWORD_MISSING => Some(self.hint_for_password()),
            "server does not support TLS" => Some(
                "turn TLS on at the server, or say sslmode=disable where the network can be trusted"
                    .to_owned(),
            ),
            _ => None,
        }
    }

    fn hint_for_answer(&self, code: &SqlState) -> Option<String> {
        if *code == SqlState::INVALID_PASSWORD {
            return Some(self.hint_for_password());
        }
        let hint = if *code == SqlState::INVALID_AUTHORIZATION_SPECIFICATION {
            "the server's pg_hba.conf has no line that lets this user in from here, for this database and with \
             this kind of encryption, or there is no such role"
        } else if *code == SqlState::INVALID_CATALOG_NAME {
            "psql -l lists the databases of a server; the path of a file must contain a slash or end in .sqlite"
        } else if *code == SqlState::TOO_MANY_CONNECTIONS {
            "ask for fewer workers, or raise max_connections at the server"
        } else if *code == SqlState::CANNOT_CONNECT_NOW {
            "the server is starting or stopping; try again"
        } else {
            return None;
        };
        Some(hint.to_owned())
    }

    fn hint_for_password(&self) -> String {
        match self.password_origin() {
            None => {
                let fields = [
                    self.passfile_host(),
                    &self.port.to_string(),
                    self.dbname(),
                    self.user(),
                ];
                let line = fields.map(passfile::escape).join(":");
                format!("put the line {line}:PASSWORD into ~/.pgpass, with mode 0600")
            }
            Some(PasswordOrigin::Words) => {
                "the password stands in the words that name the database".to_owned()
            }
            Some(PasswordOrigin::Variable) => "the password came from PGPASSWORD".to_owned(),
            Some(PasswordOrigin::PassFile { path, line }) => {
                format!("the password came from line {line} of {}", path.display())
            }
        }
    }

    fn hint_for_io(&self, kind: io::ErrorKind) -> Option<String> {
        let is_socket = self.server.socket_directory().is_some();
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
                "a firewall may be in the way, or the server too busy; connect_timeout= allows more"
                    .to_owned(),
            ),
            io::ErrorKind::PermissionDenied => Some("the socket's folder is closed to this user".to_owned()),
            _ => None,
        }
    }
}

impl fmt::Display for PasswordMissing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the server asks for a password, and none was found")
    }
}

impl StdError for PasswordMissing {}

fn hint_for_tls(error: &rustls::Error) -> Option<&'static str> {
    let rustls::Error::InvalidCertificate(error) = error else {
        return None;
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
