//! Certificates for one test, and their keys.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use pkcs8::LineEnding;
use pkcs8::pkcs5::pbes2::Parameters;
use rcgen::{BasicConstraints, Certificate, CertificateParams, DnType, IsCa, Issuer, KeyPair, date_time_ymd};

/// Two authorities, and what the first one and nobody has issued.
pub(crate) struct Certificates {
    folder: tempfile::TempDir,
    issuer: Issuer<'static, KeyPair>,
}

/// A certificate with its key, both as PEM.
pub(crate) struct Pair {
    pub(crate) certificate: String,
    pub(crate) key: String,
}

impl Certificates {
    pub(crate) fn new() -> Self {
        let (trusted, issuer) = authority("the authority");
        let (stranger, _) = authority("a stranger");
        let certificates = Certificates {
            folder: tempfile::tempdir().unwrap(),
            issuer,
        };
        certificates.write("authority.pem", &trusted.pem(), 0o644);
        certificates.write("stranger.pem", &stranger.pem(), 0o644);
        certificates
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    pub(crate) fn write(&self, name: &str, text: &str, mode: u32) {
        let path = self.path(name);
        fs::write(&path, text).unwrap();
        fs::set_permissions(&path, Permissions::from_mode(mode)).unwrap();
    }

    /// Issued by the authority for these hosts until the end of `year`; the common name is `common.test`.
    pub(crate) fn issue(&self, hosts: &[&str], year: i32) -> Pair {
        let key = KeyPair::generate().unwrap();
        let certificate = params(hosts, year).signed_by(&key, &self.issuer).unwrap();
        Pair::new(&certificate, &key)
    }

    /// Signed by nobody but itself.
    pub(crate) fn self_signed(hosts: &[&str]) -> Pair {
        let key = KeyPair::generate().unwrap();
        Pair::new(&params(hosts, 2999).self_signed(&key).unwrap(), &key)
    }
}

impl Pair {
    fn new(certificate: &Certificate, key: &KeyPair) -> Self {
        Pair {
            certificate: certificate.pem(),
            key: key.serialize_pem(),
        }
    }

    /// The key as `openssl pkcs8 -topk8` would encrypt it.
    pub(crate) fn encrypted_key(&self, password: &str) -> String {
        let der = KeyPair::from_pem(&self.key).unwrap().serialize_der();
        let parameters = Parameters::pbkdf2_sha256_aes256cbc(2048, b"saltsalt", &[7; 16]).unwrap();
        let info = pkcs8::PrivateKeyInfo::try_from(der.as_slice()).unwrap();
        let encrypted = info.encrypt_with_params(parameters, password).unwrap();
        encrypted
            .to_pem("ENCRYPTED PRIVATE KEY", LineEnding::LF)
            .unwrap()
            .to_string()
    }
}

fn authority(name: &str) -> (Certificate, Issuer<'static, KeyPair>) {
    let key = KeyPair::generate().unwrap();
    let mut params = params(&[], 2999);
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.distinguished_name.push(DnType::CommonName, name);
    (params.self_signed(&key).unwrap(), Issuer::new(params, key))
}

fn params(hosts: &[&str], year: i32) -> CertificateParams {
    let hosts: Vec<String> = hosts.iter().map(|it| (*it).to_owned()).collect();
    let mut params = CertificateParams::new(hosts).unwrap();
    params.distinguished_name.push(DnType::CommonName, "common.test");
    params.not_before = date_time_ymd(2020, 1, 1);
    params.not_after = date_time_ymd(year, 12, 31);
    params
}
