//! Whether a server's certificate is accepted.
//!
//! Chains, names and signatures are judged by rustls. Two things that libpq accepts and rustls does not are
//! common with PostgreSQL, since its manual's recipes make them, and are dealt with here: a certificate that
//! is itself trusted although it is marked as an authority's, and one of version 1.

use std::sync::Arc;

use rustls::CertificateError::{BadEncoding, Expired, NotValidYet};
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::{verify_server_cert_signed_by_trust_anchor, verify_server_name};
use rustls::crypto::{
    CryptoProvider, verify_tls12_signature, verify_tls13_signature, verify_tls13_signature_with_raw_key,
};
use rustls::pki_types::{CertificateDer, ServerName, SubjectPublicKeyInfoDer, UnixTime};
use rustls::server::ParsedCertificate;
use rustls::{DigitallySignedStruct, Error, RootCertStore, SignatureScheme};
use x509_cert::Certificate;
use x509_cert::der::{Decode, Encode};

use super::client_certificate::Answer;

/// Under `sslcertmode=require`.
pub(super) const NOT_ASKED: &str = "the server did not ask for a client certificate";

/// The certificates that we trust.
#[derive(Debug)]
pub(super) struct Trusted {
    pub(super) anchors: RootCertStore,
    /// The same certificates whole, to recognise a server that shows one of them.
    pub(super) certificates: Vec<CertificateDer<'static>>,
}

/// What a server's certificate must prove. Handshake signatures are verified in any case.
#[derive(Debug)]
pub(super) enum Demand {
    Nothing,
    /// That it is trusted, or comes from an authority that is.
    Trust(Trusted),
    /// The same, and that it names the host.
    TrustAndName(Trusted),
}

#[derive(Debug)]
pub(super) struct CertificateVerifier {
    pub(super) demand: Demand,
    pub(super) provider: Arc<CryptoProvider>,
    pub(super) answer: Arc<Answer>,
}

impl ServerCertVerifier for CertificateVerifier {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        if !self.answer.is_as_wanted() {
            return Err(Error::General(NOT_ASKED.to_owned()));
        }
        let (Demand::Trust(trusted) | Demand::TrustAndName(trusted)) = &self.demand else {
            return Ok(ServerCertVerified::assertion());
        };
        let parsed = ParsedCertificate::try_from(end_entity)?;
        if trusted.certificates.contains(end_entity) {
            check_validity(end_entity, now)?;
        } else {
            let algorithms = self.provider.signature_verification_algorithms.all;
            verify_server_cert_signed_by_trust_anchor(
                &parsed,
                &trusted.anchors,
                intermediates,
                now,
                algorithms,
            )?;
        }
        if matches!(self.demand, Demand::TrustAndName(_)) {
            verify_server_name(&parsed, server_name)?;
        }
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls12_signature(
            message,
            cert,
            dss,
            &self.provider.signature_verification_algorithms,
        )
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        match self.demand {
            // rustls reads no certificate of version 1, but its key is where every version has it.
            Demand::Nothing => {
                verify_tls13_signature_with_raw_key(message, &public_key(cert)?, dss, algorithms)
            }
            _ => verify_tls13_signature(message, cert, dss, algorithms),
        }
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider
            .signature_verification_algorithms
            .supported_schemes()
    }
}

fn public_key(cert: &CertificateDer<'_>) -> Result<SubjectPublicKeyInfoDer<'static>, Error> {
    let key = &read(cert)?.tbs_certificate.subject_public_key_info;
    Ok(SubjectPublicKeyInfoDer::from(
        key.to_der().map_err(|_| Error::from(BadEncoding))?,
    ))
}

fn check_validity(cert: &CertificateDer<'_>, now: UnixTime) -> Result<(), Error> {
    let validity = read(cert)?.tbs_certificate.validity;
    if now.as_secs() < validity.not_before.to_unix_duration().as_secs() {
        return Err(NotValidYet.into());
    }
    if now.as_secs() > validity.not_after.to_unix_duration().as_secs() {
        return Err(Expired.into());
    }
    Ok(())
}

fn read(cert: &CertificateDer<'_>) -> Result<Certificate, Error> {
    Certificate::from_der(cert).map_err(|_| BadEncoding.into())
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use rustls::crypto::ring;
    use rustls::pki_types::pem::PemObject;

    use super::super::client_certificate::ClientCertificate;
    use super::*;

    const AUTHORITY: &[u8] = include_bytes!("certificates/authority.pem");
    const STRANGER: &[u8] = include_bytes!("certificates/stranger.pem");
    const SERVER: &[u8] = include_bytes!("certificates/server.pem");
    const SELF_SIGNED: &[u8] = include_bytes!("certificates/self_signed.pem");
    const VERSION_1: &[u8] = include_bytes!("certificates/version_1.pem");

    const YEAR: u64 = 365 * 24 * 60 * 60;
    /// The certificates hold from 2026 to 2126.
    const NOW: u64 = 60 * YEAR;

    type NewDemand = fn(Trusted) -> Demand;

    /// What `server` gets from a client that trusts `trusted` and asks for `host` at `second` of Unix time.
    fn verify(
        demand: NewDemand,
        trusted: &[u8],
        server: &[u8],
        host: &str,
        second: u64,
    ) -> Result<(), Error> {
        let read = |pem| CertificateDer::from_pem_slice(pem).expect("a certificate");
        let mut anchors = RootCertStore::empty();
        anchors.add(read(trusted)).expect("a trust anchor");
        let verifier = CertificateVerifier {
            demand: demand(Trusted {
                anchors,
                certificates: vec![read(trusted)],
            }),
            answer: Arc::new(
                ClientCertificate::default()
                    .answer(&ring::default_provider())
                    .expect("no certificate to show"),
            ),
            provider: Arc::new(ring::default_provider()),
        };
        let host = ServerName::try_from(host).expect("a host");
        let now = UnixTime::since_unix_epoch(Duration::from_secs(second));
        verifier
            .verify_server_cert(&read(server), &[], &host, &[], now)
            .map(|_| ())
    }

    #[track_caller]
    fn check(demand: NewDemand, trusted: &[u8], server: &[u8], host: &str, expected: bool) {
        let outcome = verify(demand, trusted, server, host, NOW);
        assert_eq!(outcome.is_ok(), expected, "{outcome:?}");
    }

    #[test]
    fn a_strangers_certificate_is_refused_whenever_trust_is_demanded() {
        for demand in [Demand::Trust as NewDemand, Demand::TrustAndName] {
            check(demand, AUTHORITY, SERVER, "db.test", true);
            check(demand, STRANGER, SERVER, "db.test", false);
            check(demand, AUTHORITY, SELF_SIGNED, "db.test", false);
        }
        check(|_| Demand::Nothing, STRANGER, SERVER, "db.test", true);
    }

    #[test]
    fn another_hosts_certificate_is_refused_when_the_name_is_demanded() {
        for host in ["wrong.test", "common.test", "127.0.0.1"] {
            check(Demand::Trust, AUTHORITY, SERVER, host, true);
            check(Demand::TrustAndName, AUTHORITY, SERVER, host, false);
            check(Demand::TrustAndName, SELF_SIGNED, SELF_SIGNED, host, false);
        }
    }

    #[test]
    fn a_certificate_that_is_trusted_itself_needs_no_authority() {
        check(Demand::Trust, SELF_SIGNED, SELF_SIGNED, "db.test", true);
        check(Demand::TrustAndName, SELF_SIGNED, SELF_SIGNED, "db.test", true);
    }

    #[test]
    fn a_certificate_holds_within_its_dates_only() {
        for (trusted, server) in [(AUTHORITY, SERVER), (SELF_SIGNED, SELF_SIGNED)] {
            for (second, expected) in [(50 * YEAR, false), (NOW, true), (200 * YEAR, false)] {
                let outcome = verify(Demand::Trust, trusted, server, "db.test", second);
                assert_eq!(outcome.is_ok(), expected, "{second} {outcome:?}");
            }
        }
    }

    #[test]
    fn a_certificate_of_version_1_has_a_key_but_cannot_be_verified() {
        check(|_| Demand::Nothing, AUTHORITY, VERSION_1, "db.test", true);
        check(Demand::Trust, AUTHORITY, VERSION_1, "db.test", false);
        let certificate = CertificateDer::from_pem_slice(VERSION_1).expect("a certificate");
        assert!(public_key(&certificate).is_ok());
    }
}
