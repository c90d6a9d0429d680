//! How an attempt to connect protects what is sent, and which attempts `sslmode` allows.

use std::error::Error as StdError;

use postgres::error::SqlState;
use rustls::ClientConfig;

use super::PostgresEndpoint;
use super::address::Place;
use super::client_certificate::CertificateMode;
use super::refusal::find_cause;
use super::tls::SslMode;
use crate::error::{Error, ErrorKind, Result};

/// How one attempt protects what is sent.
#[derive(Clone)]
pub(super) enum Protection {
    Plain,
    TlsIfOffered(ClientConfig),
    Tls(ClientConfig),
}

impl PostgresEndpoint {
    /// The attempts that the mode allows, in their order.
    pub(super) fn protections(&self, place: &Place) -> Result<Vec<Protection>> {
        // As libpq: a certificate that must be asked for needs a session in which it can be.
        let needs_tls = self.tls.client.mode == CertificateMode::Require;
        if place.server.socket_directory().is_some() || self.tls.mode == SslMode::Disable {
            if needs_tls {
                let message = format!("sslcertmode=require needs TLS, which is not used at {place}");
                return Err(Error::new(ErrorKind::Endpoint, message)
                    .with_hint("sslcertmode=allow goes without, over sockets and under sslmode=disable"));
            }
            return Ok(vec![Protection::Plain]);
        }
        let tls = self.tls.client_config()?;
        Ok(match self.tls.mode {
            SslMode::Allow if !needs_tls => vec![Protection::Plain, Protection::Tls(tls)],
            SslMode::Prefer if !needs_tls => vec![Protection::TlsIfOffered(tls), Protection::Plain],
            _ => vec![Protection::Tls(tls)],
        })
    }
}

/// Whether `sslmode` allows the other way after this failure.
///
/// libpq tries again after every refusal; we do so only where the other way can be what the server asked
/// for. A wrong password is not sent a second time without encryption, and a certificate that we cannot
/// read does not make a session without any.
pub(super) fn allows_another_try(
    protection: &Protection,
    cause: &(dyn StdError + Send + Sync + 'static),
) -> bool {
    let code = cause
        .downcast_ref::<postgres::Error>()
        .and_then(postgres::Error::code);
    let is_refused = code == Some(&SqlState::INVALID_AUTHORIZATION_SPECIFICATION);
    match (protection, find_cause::<rustls::Error>(cause)) {
        (Protection::TlsIfOffered(_), Some(error)) => !matches!(error, rustls::Error::InvalidCertificate(_)),
        (Protection::TlsIfOffered(_) | Protection::Plain, None) => is_refused,
        _ => false,
    }
}
