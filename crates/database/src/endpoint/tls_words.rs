//! What the words and the environment say of TLS.

use rustls::SupportedProtocolVersion;
use rustls::version::{TLS12, TLS13};

use super::address::{Place, Server};
use super::client_certificate::ClientCertificate;
use super::environment::Environment;
use super::keyword::Keywords;
use super::tls::{RootCertificates, SslMode, TlsSettings};
use crate::error::{Error, ErrorKind, Result};

/// libpq's words for versions of TLS, oldest first.
const VERSIONS: [&str; 4] = ["TLSv1", "TLSv1.1", "TLSv1.2", "TLSv1.3"];

/// As libpq from version 16 on, trusting the system's certificates means `verify-full`: anyone can have a
/// certificate from an authority that everyone trusts.
pub(super) fn tls_settings(
    keywords: &Keywords,
    environment: &Environment,
    places: &[Place],
) -> Result<TlsSettings> {
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
            return Err(too_weak(mode, "sslrootcert=system", "verify-full"));
        }
        (mode, _) => mode.unwrap_or_default(),
    };
    let is_direct = match keywords.get("sslnegotiation", environment) {
        None | Some("postgres") => false,
        Some("direct") => true,
        Some(_) => return Err(unknown("sslnegotiation", "postgres, direct")),
    };
    if is_direct && matches!(mode, SslMode::Disable | SslMode::Allow | SslMode::Prefer) {
        return Err(too_weak(
            mode,
            "sslnegotiation=direct",
            "require, verify-ca or verify-full",
        ));
    }
    let is_nameless = |it: &Place| matches!(it.server, Server::Address(_));
    if mode == SslMode::VerifyFull && places.iter().any(is_nameless) {
        return Err(
            Error::new(ErrorKind::Endpoint, "sslmode=verify-full needs the host's name")
                .with_hint("say host=… as well as hostaddr=…"),
        );
    }
    Ok(TlsSettings {
        mode,
        roots,
        revocation_list: environment.home_file(".postgresql/root.crl"),
        versions: versions(keywords, environment)?,
        sends_name: match keywords.get("sslsni", environment) {
            None | Some("1") => true,
            Some("0") => false,
            Some(_) => return Err(unknown("sslsni", "0, 1")),
        },
        is_direct,
        client: ClientCertificate::new(keywords, environment)?,
    })
}

/// The versions from `ssl_min_protocol_version` to `ssl_max_protocol_version` that we speak.
fn versions(
    keywords: &Keywords,
    environment: &Environment,
) -> Result<Vec<&'static SupportedProtocolVersion>> {
    let rank = |name: &str, default: usize| match keywords.get(name, environment) {
        None => Ok(default),
        Some(word) => VERSIONS
            .iter()
            .position(|it| it.eq_ignore_ascii_case(word))
            .ok_or_else(|| unknown(name, &VERSIONS.join(", "))),
    };
    let (oldest, newest) = (
        rank("ssl_min_protocol_version", 2)?,
        rank("ssl_max_protocol_version", 3)?,
    );
    let spoken = [(2, &TLS12), (3, &TLS13)];
    let wanted = spoken
        .into_iter()
        .filter(|(it, _)| (oldest..=newest).contains(it));
    let versions: Vec<_> = wanted.map(|(_, version)| version).collect();
    if versions.is_empty() {
        let message =
            "no version of TLS is left between ssl_min_protocol_version and ssl_max_protocol_version";
        return Err(Error::new(ErrorKind::Endpoint, message).with_hint("TLSv1.2 and TLSv1.3 are spoken"));
    }
    Ok(versions)
}

fn too_weak(mode: SslMode, what: &str, needed: &str) -> Error {
    let message = format!("sslmode={} is too weak for {what}", mode.as_str());
    Error::new(ErrorKind::Endpoint, message).with_hint(format!("use sslmode={needed}"))
}

fn unknown(name: &str, words: &str) -> Error {
    let message = format!("the value of {name} is none of libpq's");
    Error::new(ErrorKind::Endpoint, message).with_hint(format!("one of {words}"))
}

#[cfg(test)]
mod tests {
    use super::super::conninfo::parse_keywords;
    use super::*;

    #[track_caller]
    fn check(words: &str, expected: std::result::Result<usize, &str>) {
        let environment = Environment::empty();
        let outcome = parse_keywords(words).and_then(|it| tls_settings(&it, &environment, &[]));
        let outcome = outcome.map(|it| it.versions.len()).map_err(|it| it.to_string());
        assert_eq!(outcome, expected.map_err(str::to_owned), "{words}");
    }

    #[test]
    fn versions_are_those_that_both_bounds_allow() {
        check("", Ok(2));
        check("ssl_min_protocol_version=TLSv1", Ok(2));
        check("ssl_min_protocol_version=tlsv1.3", Ok(1));
        check("ssl_max_protocol_version=TLSv1.2", Ok(1));
        let none = "no version of TLS is left between ssl_min_protocol_version and ssl_max_protocol_version";
        check("ssl_max_protocol_version=TLSv1.1", Err(none));
        check(
            "ssl_min_protocol_version=TLSv1.3 ssl_max_protocol_version=TLSv1.2",
            Err(none),
        );
        let unknown = "the value of ssl_min_protocol_version is none of libpq's";
        check("ssl_min_protocol_version=SSLv3", Err(unknown));
    }

    #[test]
    fn a_direct_handshake_needs_a_mode_that_insists_on_it() {
        check("sslnegotiation=direct sslmode=require", Ok(2));
        check("sslnegotiation=direct sslrootcert=system", Ok(2));
        check(
            "sslnegotiation=direct",
            Err("sslmode=prefer is too weak for sslnegotiation=direct"),
        );
        check(
            "sslnegotiation=maybe",
            Err("the value of sslnegotiation is none of libpq's"),
        );
        check("sslsni=2", Err("the value of sslsni is none of libpq's"));
        check(
            "sslcertmode=maybe",
            Err("the value of sslcertmode is none of libpq's"),
        );
    }
}
