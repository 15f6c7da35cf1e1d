//! The certificates that a router shows, and whose certificates of clients it takes. Both may be replaced while it runs:
//! connections that are open go on, new ones get what holds then. One [`ServerConfig`] serves all listeners, of TLS and of
//! whatever else is made of it.

use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard};

use rustls::client::danger::HandshakeSignatureValid;
use rustls::client::verify_server_name;
use rustls::crypto::{CryptoProvider, verify_tls13_signature};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, CertificateRevocationListDer, PrivateKeyDer, ServerName, UnixTime};
use rustls::server::danger::{ClientCertVerified, ClientCertVerifier};
use rustls::server::{
    ClientHello, NoServerSessionStorage, ParsedCertificate, ResolvesServerCert, WebPkiClientVerifier,
};
use rustls::sign::{CertifiedKey, SingleCertAndKey};
use rustls::version::TLS13;
use rustls::{
    CertificateError, DigitallySignedStruct, DistinguishedName, Error, PeerIncompatible, RootCertStore, ServerConfig,
    SignatureScheme,
};

use super::tls::{UnusableError, provider};

/// Why a certificate is not taken, for whoever has to make a better one.
pub(crate) fn why_not_taken(error: &Error) -> String {
    let Error::InvalidCertificate(reason) = error else {
        return error.to_string();
    };
    // What the library has no name of its own for it wraps: only the name inside can be seen.
    let name = format!("{reason:?}");
    let sentence = if name.contains("UnsupportedCertVersion") {
        "it is of X.509 version 1: make it with an extension, such as extendedKeyUsage"
    } else if name.contains("CaUsedAsEndEntity") {
        "it is that of an authority (CA:TRUE), which is nobody's own"
    } else if *reason == CertificateError::UnknownIssuer {
        "no authority that is trusted here has made it"
    } else if *reason == CertificateError::Revoked {
        "its authority has revoked it"
    } else {
        return error.to_string();
    };
    format!("the certificate is not taken: {sentence}")
}

/// A certificate with those that lead to its authority, and its key.
#[derive(Debug, Clone)]
pub struct Chain(Arc<CertifiedKey>);

impl Chain {
    /// From a certificate in DER and its key in DER (PKCS#8, PKCS#1 or SEC1).
    ///
    /// # Errors
    /// One of them cannot be used, or they do not belong together.
    pub fn from_der(certificate: &[u8], key: &[u8]) -> Result<Self, UnusableError> {
        let key = PrivateKeyDer::try_from(key.to_vec()).map_err(UnusableError::Key)?;
        Self::new(vec![CertificateDer::from(certificate.to_vec())], key)
    }

    /// From PEM: the certificate first, then those above it; and the key.
    ///
    /// # Errors
    /// As [`Chain::from_der`].
    pub fn from_pem(certificates: &[u8], key: &[u8]) -> Result<Self, UnusableError> {
        let key = PrivateKeyDer::from_pem_slice(key);
        let key = key.map_err(|_| UnusableError::Key("it is no private key in PEM, or is encrypted"))?;
        Self::new(certificates_of(certificates)?, key)
    }

    fn new(chain: Vec<CertificateDer<'static>>, key: PrivateKeyDer<'static>) -> Result<Self, UnusableError> {
        // An end that cannot be parsed is refused here and not in each handshake.
        let end = chain.first().ok_or(UnusableError::Empty)?;
        ParsedCertificate::try_from(end).map_err(UnusableError::Certificate)?;
        let certified = CertifiedKey::from_der(chain, key, &provider()).map_err(UnusableError::Certificate)?;
        Ok(Self(Arc::new(certified)))
    }

    /// The certificate itself, in DER.
    #[must_use]
    pub fn certificate(&self) -> &[u8] {
        self.0.cert.first().map_or(&[], |certificate| certificate)
    }

    /// For a client's end.
    pub(crate) fn resolver(&self) -> Arc<SingleCertAndKey> {
        Arc::new(SingleCertAndKey::from(Arc::clone(&self.0)))
    }

    fn is_for(&self, name: &str) -> bool {
        let parsed = self.0.end_entity_cert().and_then(ParsedCertificate::try_from);
        match (parsed, ServerName::try_from(name)) {
            (Ok(parsed), Ok(name)) => verify_server_name(&parsed, &name).is_ok(),
            _ => false,
        }
    }
}

fn certificates_of(pem: &[u8]) -> Result<Vec<CertificateDer<'static>>, UnusableError> {
    let certificates: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem).collect();
    let certificates = certificates.map_err(|error| UnusableError::Pem(error.to_string()))?;
    if certificates.is_empty() {
        return Err(UnusableError::Empty);
    }
    Ok(certificates)
}

/// Whose certificates of clients are taken.
#[derive(Debug, Clone)]
pub struct Authorities(Arc<dyn ClientCertVerifier>);

impl Authorities {
    /// From the certificates of the authorities in PEM, and the lists of what they have revoked, in PEM as well.
    ///
    /// # Errors
    /// There is none, or one cannot be used.
    pub fn from_pem(authorities: &[u8], revoked: Option<&[u8]>) -> Result<Self, UnusableError> {
        let mut roots = RootCertStore::empty();
        for certificate in certificates_of(authorities)? {
            roots.add(certificate).map_err(UnusableError::Certificate)?;
        }
        let mut builder = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider());
        if let Some(revoked) = revoked {
            let lists: Result<Vec<_>, _> = CertificateRevocationListDer::pem_slice_iter(revoked).collect();
            let lists = lists.map_err(|error| UnusableError::Pem(error.to_string()))?;
            if lists.is_empty() {
                return Err(UnusableError::Empty);
            }
            // Of an authority without a list nothing is revoked.
            builder = builder.with_crls(lists).allow_unknown_revocation_status();
        }
        let verifier = builder.allow_unauthenticated().build();
        let verifier = verifier.map_err(|error| UnusableError::Authorities(error.to_string()))?;
        Ok(Self(verifier))
    }
}

/// What holds now. Copies are the same.
#[derive(Debug, Clone)]
pub struct Certificates(Arc<RwLock<State>>);

#[derive(Debug)]
struct State {
    /// The router's own, which paired devices know by its key.
    own: Option<Chain>,
    /// One of the user's, for clients that ask for a name it has; for all where there is no other.
    named: Option<Chain>,
    authorities: Option<Authorities>,
}

impl Certificates {
    /// The router's own certificate alone; without it none, until one is given by [`Certificates::replace`].
    #[must_use]
    pub fn new(own: Option<Chain>) -> Self {
        Self(Arc::new(RwLock::new(State {
            own,
            named: None,
            authorities: None,
        })))
    }

    /// What is shown to clients that ask for its name, and whose certificates are taken, from now on.
    pub fn replace(&self, named: Option<Chain>, authorities: Option<Authorities>) {
        let mut state = self.0.write().unwrap_or_else(PoisonError::into_inner);
        state.named = named;
        state.authorities = authorities;
    }

    /// The router's end of TLS, which follows every change.
    ///
    /// # Errors
    /// This build cannot speak TLS 1.3.
    pub fn server_config(&self) -> Result<ServerConfig, UnusableError> {
        let mut config = ServerConfig::builder_with_provider(provider())
            .with_protocol_versions(&[&TLS13])
            .map_err(UnusableError::Certificate)?
            .with_client_cert_verifier(Arc::new(Clients {
                certificates: self.clone(),
                provider: provider(),
            }))
            .with_cert_resolver(Arc::new(self.clone()));
        config.send_tls13_tickets = 0;
        config.session_storage = Arc::new(NoServerSessionStorage {});
        Ok(config)
    }

    fn state(&self) -> RwLockReadGuard<'_, State> {
        self.0.read().unwrap_or_else(PoisonError::into_inner)
    }
}

impl ResolvesServerCert for Certificates {
    fn resolve(&self, hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        let state = self.state();
        let is_asked_for = |named: &&Chain| {
            let name = hello.server_name();
            state.own.is_none() || name.is_some_and(|name| named.is_for(name))
        };
        let chain = state.named.as_ref().filter(is_asked_for).or(state.own.as_ref());
        chain.map(|chain| Arc::clone(&chain.0))
    }
}

/// Asks clients for certificates while there are authorities, and takes none of others. None is needed to connect.
#[derive(Debug)]
struct Clients {
    certificates: Certificates,
    provider: Arc<CryptoProvider>,
}

impl Clients {
    fn authorities(&self) -> Option<Authorities> {
        self.certificates.state().authorities.clone()
    }
}

impl ClientCertVerifier for Clients {
    fn offer_client_auth(&self) -> bool {
        self.authorities().is_some()
    }

    fn client_auth_mandatory(&self) -> bool {
        false
    }

    /// No hints: which authorities there are is nobody's business who has no certificate.
    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        &[]
    }

    fn verify_client_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        now: UnixTime,
    ) -> Result<ClientCertVerified, Error> {
        let authorities = self.authorities().ok_or(Error::NoCertificatesPresented)?;
        authorities.0.verify_client_cert(end_entity, intermediates, now)
    }

    fn verify_tls12_signature(
        &self,
        _message: &[u8],
        _cert: &CertificateDer<'_>,
        _dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        Err(Error::PeerIncompatible(PeerIncompatible::Tls12NotOffered))
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls13_signature(message, cert, dss, &self.provider.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}

#[cfg(test)]
mod tests {
    use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair};

    use super::*;

    /// As `openssl x509 -req` makes it when it is told of no extensions.
    const VERSION_1: &str = "\
-----BEGIN CERTIFICATE-----\n\
MIIBHDCBwwIUMyOaEJK2s2SWy409frLE086bS50wCgYIKoZIzj0EAwIwEDEOMAwG\n\
A1UEAwwFbXkgY2EwHhcNMjYxMTIyMDcxNjI5WhcNMjYxMjAyMDcxNjI5WjASMRAw\n\
DgYDVQQDDAdraXRjaGVuMFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEmmgr/z8n\n\
IK0z9HLudThwiCej+dG2aYqKb+E1fkJglS4DCG3qBKSRRAvJ453ApCKxb26ymyiR\n\
ntt/pDaVLmJVLDAKBggqhkjOPQQDAgNIADBFAiEA2KeK8R6D5+OiIxqGHuYvF5W9\n\
3KzdnHB/Vi5vu3QgkGkCIFQkkrHB92+4UFFHwjZY0jFEXfpHs6uhWUhkv1bhLS4C\n\
-----END CERTIFICATE-----\n";

    fn authority(name: &str) -> CertifiedIssuer<'static, KeyPair> {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.distinguished_name.push(DnType::CommonName, name);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap()
    }

    #[test]
    fn whoever_made_a_certificate_that_is_not_taken_learns_what_is_wrong_with_it() {
        let (own, other) = (authority("own"), authority("other"));
        let authorities = Authorities::from_pem(own.pem().as_bytes(), None).unwrap();
        let key = KeyPair::generate().unwrap();
        let client = |issuer| {
            CertificateParams::new(Vec::new())
                .unwrap()
                .signed_by(&key, issuer)
                .unwrap()
        };
        let judged = |certificate: &CertificateDer<'_>| {
            let verified = authorities.0.verify_client_cert(certificate, &[], UnixTime::now());
            verified.map(drop).map_err(|error| why_not_taken(&error))
        };
        assert_eq!(judged(client(&own).der()), Ok(()));
        let old = CertificateDer::from_pem_slice(VERSION_1.as_bytes()).unwrap();
        for (certificate, words) in [
            (&old, "X.509 version 1"),
            (own.der(), "that of an authority"),
            (client(&other).der(), "no authority that is trusted here"),
        ] {
            assert!(judged(certificate).unwrap_err().contains(words), "{words}");
        }
        let chain = Chain::from_pem(VERSION_1.as_bytes(), key.serialize_pem().as_bytes());
        assert!(chain.unwrap_err().to_string().contains("X.509 version 1"));
    }
}
