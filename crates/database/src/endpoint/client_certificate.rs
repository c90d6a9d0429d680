//! The certificate that we show a server: libpq's `sslcert`, `sslkey`, `sslpassword` and `sslcertmode`.

use std::fs::{self, Metadata};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::{io, str};

use pkcs8::{EncryptedPrivateKeyInfo, SecretDocument};
use rustls::SignatureScheme;
use rustls::client::ResolvesClientCert;
use rustls::crypto::CryptoProvider;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::sign::CertifiedKey;

use super::environment::Environment;
use super::keyword::Keywords;
use super::password::Secret;
use crate::error::{Error, ErrorKind, Result};

/// Where the certificate and its key are, and whether they are shown.
#[derive(Clone, Debug, Default)]
pub(super) struct ClientCertificate {
    pub(super) mode: CertificateMode,
    /// As it was written down, which means that it must be there.
    pub(super) named: Option<PathBuf>,
    default: Option<PathBuf>,
    pub(super) key: Option<PathBuf>,
    pub(super) key_password: Option<Secret>,
}

/// `sslcertmode`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum CertificateMode {
    /// Never shown.
    Disable,
    /// Shown where there is one and the server asks.
    #[default]
    Allow,
    /// The server must ask.
    Require,
}

/// The answer to a server that asks for a certificate; it remembers that it was asked.
#[derive(Debug)]
pub(super) struct Answer {
    certified: Option<Arc<CertifiedKey>>,
    pub(super) must_be_asked: bool,
    was_asked: AtomicBool,
}

impl ClientCertificate {
    pub(super) fn new(keywords: &Keywords, environment: &Environment) -> Result<Self> {
        let path = |name| keywords.get(name, environment).map(PathBuf::from);
        let mode = match keywords.get("sslcertmode", environment) {
            None | Some("allow") => CertificateMode::Allow,
            Some("disable") => CertificateMode::Disable,
            Some("require") => CertificateMode::Require,
            Some(_) => {
                let message = "the value of sslcertmode is none of libpq's";
                return Err(
                    Error::new(ErrorKind::Endpoint, message).with_hint("one of disable, allow, require")
                );
            }
        };
        Ok(ClientCertificate {
            mode,
            named: path("sslcert"),
            default: environment.home_file(".postgresql/postgresql.crt"),
            key: path("sslkey").or_else(|| environment.home_file(".postgresql/postgresql.key")),
            key_password: keywords
                .get("sslpassword", environment)
                .map(|it| Secret(it.to_owned())),
        })
    }

    /// The certificate's file, if there is one to show.
    pub(super) fn path(&self) -> Option<&Path> {
        if self.mode == CertificateMode::Disable {
            return None;
        }
        let default = || self.default.as_deref().filter(|it| it.exists());
        self.named.as_deref().or_else(default)
    }

    /// Reads the files.
    pub(super) fn answer(&self, provider: &CryptoProvider) -> Result<Answer> {
        let must_be_asked = self.mode == CertificateMode::Require;
        let certified = match self.path() {
            Some(path) => Some(Arc::new(self.certified(path, provider)?)),
            None if must_be_asked => {
                let path = self
                    .default
                    .as_ref()
                    .map_or("~/.postgresql/postgresql.crt".into(), |it| {
                        it.display().to_string()
                    });
                let message =
                    format!("sslcertmode=require needs a client certificate, and {path} does not exist");
                return Err(Error::new(ErrorKind::Endpoint, message)
                    .with_hint("name it with sslcert=FILE, and its key with sslkey=FILE"));
            }
            None => None,
        };
        Ok(Answer {
            certified,
            must_be_asked,
            was_asked: AtomicBool::new(false),
        })
    }

    fn certified(&self, path: &Path, provider: &CryptoProvider) -> Result<CertifiedKey> {
        let certificates: Vec<CertificateDer<'static>> = CertificateDer::pem_file_iter(path)
            .and_then(Iterator::collect)
            .map_err(|source| unusable("client certificate", path).with_source(source))?;
        if certificates.is_empty() {
            let empty = io::Error::new(io::ErrorKind::InvalidData, "it holds no certificate");
            return Err(unusable("client certificate", path).with_source(empty));
        }
        let key_path = self.key.as_deref().filter(|it| it.exists()).ok_or_else(|| {
            let key = self
                .key
                .as_ref()
                .map_or("~/.postgresql/postgresql.key".into(), |it| {
                    it.display().to_string()
                });
            Error::new(
                ErrorKind::Endpoint,
                format!(
                    "there is a client certificate, {}, but not its key, {key}",
                    path.display()
                ),
            )
            .with_hint("name the key with sslkey=FILE, or show no certificate: sslcertmode=disable")
        })?;
        let key = self.read_key(key_path)?;
        CertifiedKey::from_der(certificates, key, provider).map_err(|source| {
            let message = format!(
                "the key in {} does not go with the client certificate in {}",
                key_path.display(),
                path.display()
            );
            Error::new(ErrorKind::Endpoint, message)
                .with_hint("name the key that was made with the certificate: sslkey=FILE")
                .with_source(source)
        })
    }

    fn read_key(&self, path: &Path) -> Result<PrivateKeyDer<'static>> {
        let unreadable = |source: io::Error| unusable("key", path).with_source(source);
        let metadata = fs::metadata(path).map_err(unreadable)?;
        check_mode(path, &metadata)?;
        let bytes = fs::read(path).map_err(unreadable)?;
        let Some(text) = str::from_utf8(&bytes)
            .ok()
            .filter(|it| it.contains("-----BEGIN "))
        else {
            return PrivateKeyDer::try_from(bytes).map_err(|words| unusable("key", path).with_source(words));
        };
        if text.contains("Proc-Type: 4,ENCRYPTED") {
            let hint = "openssl pkcs8 -topk8 turns it into one whose way to encrypt is supported";
            let message = format!("the key in {} is encrypted in OpenSSL's old way", path.display());
            return Err(Error::new(ErrorKind::Endpoint, message).with_hint(hint));
        }
        match text.find("-----BEGIN ENCRYPTED PRIVATE KEY-----") {
            Some(start) => self.decrypt(path, &text[start..]),
            None => PrivateKeyDer::from_pem_slice(text.as_bytes())
                .map_err(|source| unusable("key", path).with_source(source)),
        }
    }

    fn decrypt(&self, path: &Path, pem: &str) -> Result<PrivateKeyDer<'static>> {
        let Some(Secret(password)) = &self.key_password else {
            let message = format!("the key in {} is encrypted", path.display());
            return Err(Error::new(ErrorKind::Endpoint, message).with_hint(
                "give its password with sslpassword=, best in a service file, or decrypt it: openssl pkey",
            ));
        };
        let undecryptable = |source: Box<dyn std::error::Error + Send + Sync>| {
            let message = format!("the key in {} cannot be decrypted", path.display());
            Error::new(ErrorKind::Endpoint, message)
                .with_hint(
                    "see sslpassword=; ways to encrypt are those of PBES2, as openssl pkcs8 -topk8 has them",
                )
                .with_source(source)
        };
        let (_, document) = SecretDocument::from_pem(pem).map_err(|it| undecryptable(it.into()))?;
        let info = EncryptedPrivateKeyInfo::try_from(document.as_bytes())
            .map_err(|it| undecryptable(it.to_string().into()))?;
        let key = info
            .decrypt(password)
            .map_err(|it| undecryptable(it.to_string().into()))?;
        PrivateKeyDer::try_from(key.as_bytes().to_vec()).map_err(|it| undecryptable(it.into()))
    }
}

impl Answer {
    /// Whether the server does what `sslcertmode` wants of it; asked when its own certificate is judged,
    /// which comes after its question in every version of TLS.
    pub(super) fn is_as_wanted(&self) -> bool {
        !self.must_be_asked || self.was_asked.load(Ordering::Relaxed)
    }
}

impl ResolvesClientCert for Answer {
    fn resolve(&self, _authorities: &[&[u8]], schemes: &[SignatureScheme]) -> Option<Arc<CertifiedKey>> {
        self.was_asked.store(true, Ordering::Relaxed);
        let certified = self.certified.as_ref()?;
        certified.key.choose_scheme(schemes)?;
        Some(Arc::clone(certified))
    }

    fn has_certs(&self) -> bool {
        self.certified.is_some()
    }
}

/// As libpq has it: the owner alone, and the group of a file that is root's may read.
fn check_mode(path: &Path, metadata: &Metadata) -> Result<()> {
    if !metadata.is_file() {
        let message = format!("the key {} is no plain file", path.display());
        return Err(Error::new(ErrorKind::Endpoint, message));
    }
    let forbidden = if metadata.uid() == 0 { 0o037 } else { 0o077 };
    if metadata.mode() & forbidden == 0 {
        return Ok(());
    }
    let message = format!("the key in {} is open to group or others", path.display());
    Err(Error::new(ErrorKind::Endpoint, message)
        .with_hint("chmod 0600 makes it usable; a file of root's may have 0640"))
}

fn unusable(what: &str, path: &Path) -> Error {
    Error::new(
        ErrorKind::Endpoint,
        format!("the {what} in {} cannot be used", path.display()),
    )
}
