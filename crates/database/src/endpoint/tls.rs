//! TLS to a server: libpq's `sslmode`s, and which certificates each of them accepts.
//!
//! Whatever a mode does not check, the server always proves that it holds the key of the certificate that
//! it shows: handshake signatures are verified in every mode.

use std::io;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::sync::Arc;

use rustls::client::Resumption;
use rustls::crypto::ring;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, pem};
use rustls::{ClientConfig, RootCertStore, SupportedProtocolVersion};

use super::certificate::{CertificateVerifier, Demand, Trusted};
use super::client_certificate::ClientCertificate;
use crate::error::{Error, ErrorKind, Result};

/// PostgreSQL's name where the handshake itself says what is spoken
/// (<https://www.iana.org/assignments/tls-extensiontype-values>).
const ALPN: &[u8] = b"postgresql";

/// How much a connection over TCP relies on TLS; the words are libpq's.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum SslMode {
    /// Never TLS.
    Disable,
    /// TLS only if the server refuses a session without.
    Allow,
    /// TLS if the server offers it; any certificate will do.
    #[default]
    Prefer,
    /// Always TLS; any certificate will do unless there is a root certificate file.
    Require,
    /// The certificate must come from a trusted authority.
    VerifyCa,
    /// The certificate must come from a trusted authority and name the host.
    VerifyFull,
}

/// `sslrootcert`: whom we trust.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum RootCertificates {
    /// Not written down: this file, if it exists.
    Default(Option<PathBuf>),
    File(PathBuf),
    /// What the operating system trusts.
    System,
}

/// Everything that decides how a TLS session is made.
#[derive(Clone, Debug)]
pub(super) struct TlsSettings {
    pub(super) mode: SslMode,
    pub(super) roots: RootCertificates,
    /// libpq reads revocation lists from here; we do not, so a file here stops whoever verifies.
    pub(super) revocation_list: Option<PathBuf>,
    /// What we speak.
    pub(super) versions: Vec<&'static SupportedProtocolVersion>,
    /// Whether the server is told the host's name before anything is encrypted (`sslsni`).
    pub(super) sends_name: bool,
    /// Whether the handshake comes first, without asking for it (`sslnegotiation=direct`).
    pub(super) is_direct: bool,
    pub(super) client: ClientCertificate,
}

impl SslMode {
    pub fn as_str(self) -> &'static str {
        match self {
            SslMode::Disable => "disable",
            SslMode::Allow => "allow",
            SslMode::Prefer => "prefer",
            SslMode::Require => "require",
            SslMode::VerifyCa => "verify-ca",
            SslMode::VerifyFull => "verify-full",
        }
    }
}

impl FromStr for SslMode {
    type Err = Error;

    fn from_str(word: &str) -> Result<SslMode> {
        use SslMode::{Allow, Disable, Prefer, Require, VerifyCa, VerifyFull};
        let modes = [Disable, Allow, Prefer, Require, VerifyCa, VerifyFull];
        modes.into_iter().find(|it| it.as_str() == word).ok_or_else(|| {
            Error::new(ErrorKind::Endpoint, "the value of sslmode is none of libpq's")
                .with_hint(format!("one of {}", modes.map(SslMode::as_str).join(", ")))
        })
    }
}

impl TlsSettings {
    /// The client's side of TLS under these settings.
    pub(super) fn client_config(&self) -> Result<ClientConfig> {
        let provider = Arc::new(ring::default_provider());
        let answer = Arc::new(self.client.answer(&provider)?);
        let verifier = CertificateVerifier {
            demand: self.demand()?,
            provider: Arc::clone(&provider),
            answer: Arc::clone(&answer),
        };
        let builder = ClientConfig::builder_with_provider(provider)
            .with_protocol_versions(&self.versions)
            .map_err(|source| Error::new(ErrorKind::Connect, "TLS cannot be set up").with_source(source))?;
        let mut config = builder
            .dangerous()
            .with_custom_certificate_verifier(Arc::new(verifier))
            .with_client_cert_resolver(answer);
        config.enable_sni = self.sends_name;
        // A session that is resumed would be judged by an earlier handshake.
        config.resumption = Resumption::disabled();
        if self.is_direct {
            config.alpn_protocols = vec![ALPN.to_vec()];
        }
        Ok(config)
    }

    fn demand(&self) -> Result<Demand> {
        let Some(trusted) = self.trusted()? else {
            return Ok(Demand::Nothing);
        };
        self.refuse_revocation_list()?;
        let is_full = self.mode == SslMode::VerifyFull;
        Ok(if is_full {
            Demand::TrustAndName(trusted)
        } else {
            Demand::Trust(trusted)
        })
    }

    /// The certificates to verify against; `None` where the mode verifies nothing.
    fn trusted(&self) -> Result<Option<Trusted>> {
        match (self.mode, &self.roots) {
            // libpq would check a root file here too and, when it does not fit, go on without encryption,
            // which protects less than a session with a certificate that nobody checked.
            (SslMode::Disable | SslMode::Allow | SslMode::Prefer, _) => Ok(None),
            (_, RootCertificates::System) => system_roots().map(Some),
            (_, RootCertificates::File(path)) => read_roots(path).map(Some),
            (_, RootCertificates::Default(Some(path))) if path.exists() => read_roots(path).map(Some),
            (SslMode::Require, RootCertificates::Default(_)) => Ok(None),
            (mode, RootCertificates::Default(path)) => {
                let path = path
                    .as_ref()
                    .map_or("~/.postgresql/root.crt".into(), |it| it.display().to_string());
                let message = format!(
                    "sslmode={} needs a root certificate, and {path} does not exist",
                    mode.as_str()
                );
                Err(Error::new(ErrorKind::Endpoint, message).with_hint(
                    "name one with sslrootcert=FILE, or trust the system's with sslrootcert=system",
                ))
            }
        }
    }

    fn refuse_revocation_list(&self) -> Result<()> {
        match self.revocation_list.as_ref().filter(|it| it.exists()) {
            Some(path) => Err(Error::new(
                ErrorKind::Endpoint,
                format!(
                    "{} exists, and revocation lists are not supported",
                    path.display()
                ),
            )
            .with_hint("check revocation where the server is, or move the file away")),
            None => Ok(()),
        }
    }
}

fn system_roots() -> Result<Trusted> {
    let mut found = rustls_native_certs::load_native_certs();
    let mut anchors = RootCertStore::empty();
    let (added, _) = anchors.add_parsable_certificates(found.certs);
    if added > 0 {
        return Ok(Trusted {
            anchors,
            certificates: Vec::new(),
        });
    }
    let error = Error::new(
        ErrorKind::Endpoint,
        "the operating system has no trusted certificates",
    )
    .with_hint("install them (package ca-certificates), or name a file with sslrootcert=FILE");
    Err(match found.errors.pop() {
        Some(source) => error.with_source(source),
        None => error,
    })
}

fn read_roots(path: &Path) -> Result<Trusted> {
    let unusable = |source: Box<dyn std::error::Error + Send + Sync>| {
        Error::new(
            ErrorKind::Endpoint,
            format!("the root certificates in {} cannot be used", path.display()),
        )
        .with_source(source)
    };
    let unreadable = |error| match error {
        pem::Error::Io(source) => unusable(source.into()),
        other => unusable(other.into()),
    };
    let mut trusted = Trusted {
        anchors: RootCertStore::empty(),
        certificates: Vec::new(),
    };
    for certificate in CertificateDer::pem_file_iter(path).map_err(unreadable)? {
        let certificate = certificate.map_err(unreadable)?;
        trusted
            .anchors
            .add(certificate.clone())
            .map_err(|source| unusable(source.into()))?;
        trusted.certificates.push(certificate);
    }
    if trusted.certificates.is_empty() {
        return Err(unusable(
            io::Error::new(io::ErrorKind::InvalidData, "it holds no certificate").into(),
        ));
    }
    Ok(trusted)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(mode: SslMode, roots: RootCertificates, expected: std::result::Result<(), &str>) {
        let settings = TlsSettings {
            mode,
            roots,
            revocation_list: None,
            versions: vec![&rustls::version::TLS13],
            sends_name: true,
            is_direct: false,
            client: ClientCertificate::default(),
        };
        let outcome = settings.client_config().map(|_| ()).map_err(|it| it.to_string());
        assert_eq!(outcome, expected.map_err(str::to_owned), "{settings:?}");
    }

    #[test]
    fn verifying_needs_certificates_to_verify_against() {
        let missing = || RootCertificates::Default(Some("/nonexistent/root.crt".into()));
        for mode in [SslMode::Allow, SslMode::Prefer, SslMode::Require] {
            check(mode, missing(), Ok(()));
        }
        let message = "sslmode=verify-ca needs a root certificate, and /nonexistent/root.crt does not exist";
        check(SslMode::VerifyCa, missing(), Err(message));
        let message =
            "sslmode=verify-full needs a root certificate, and ~/.postgresql/root.crt does not exist";
        check(SslMode::VerifyFull, RootCertificates::Default(None), Err(message));
    }

    #[test]
    fn a_root_file_that_is_named_must_be_usable() {
        let message = "the root certificates in /nonexistent/ca cannot be used";
        check(
            SslMode::Require,
            RootCertificates::File("/nonexistent/ca".into()),
            Err(message),
        );
        let file = tempfile::NamedTempFile::new().expect("a temporary file");
        let message = format!(
            "the root certificates in {} cannot be used",
            file.path().display()
        );
        check(
            SslMode::VerifyCa,
            RootCertificates::File(file.path().into()),
            Err(&message),
        );
    }

    #[test]
    fn every_mode_is_read_as_it_is_written() {
        for word in [
            "disable",
            "allow",
            "prefer",
            "require",
            "verify-ca",
            "verify-full",
        ] {
            assert_eq!(word.parse::<SslMode>().map(SslMode::as_str).ok(), Some(word));
        }
        assert!("Require".parse::<SslMode>().is_err());
    }
}
