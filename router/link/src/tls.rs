//! TLS 1.3 with a certificate that nobody else vouches for: who connects knows the hash of its public key, the pin.
//!
//! Beside it a router may show a certificate of the user's, and take clients' certificates: [`Certificates`].
//!
//! What is fixed: TLS 1.3 alone, one provider of cryptography, no session tickets, no resumption, no early data, since
//! a session that cannot be resumed is one that a revoked device cannot come back with. Making keys and certificates,
//! and knowing which pin is right, is left to others.

use std::fmt;
use std::io;
use std::sync::Arc;

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::{ClientConfig, Resumption};
use rustls::crypto::{CryptoProvider, WebPkiSupportedAlgorithms, ring, verify_tls13_signature};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::server::ParsedCertificate;
use rustls::version::TLS13;
use rustls::{CertificateError, DigitallySignedStruct, Error, InvalidMessage, SignatureScheme};
use sha2::{Digest as _, Sha256};
use tokio::io::AsyncBufReadExt as _;
use tokio::net::TcpStream;
use tokio_rustls::{TlsAcceptor, TlsConnector, TlsStream};

use crate::Stream;

use crate::certificates::why_not_taken;
pub use crate::certificates::{Authorities, Certificates, Chain};
pub use rustls::ServerConfig;

/// The octet with which TLS begins: a record of the type "handshake" (RFC 8446 §5.1).
pub const FIRST_OCTET: u8 = 22;

/// Labels of the exporters, one for each protocol that is bound to the connection.
const PAIR_LABEL: &[u8] = b"EXPORTER-deskconn-pair/1";
const LOGIN_LABEL: &[u8] = b"EXPORTER-deskconn-login/1";
/// The channel binding `tls-exporter` (RFC 9266 §2).
const BINDING_LABEL: &[u8] = b"EXPORTER-Channel-Binding";

/// A certificate or a key that cannot be used.
#[derive(Debug, Clone, thiserror::Error)]
pub enum UnusableError {
    /// The certificate is not DER of X.509, or the key is not the one it is for.
    #[error("the TLS certificate cannot be used: {}", why_not_taken(.0))]
    Certificate(Error),
    /// The key is not DER of PKCS#8, PKCS#1 or SEC1.
    #[error("the TLS key cannot be used: {0}")]
    Key(&'static str),
    /// What should be PEM is none.
    #[error("this is no PEM: {0}")]
    Pem(String),
    /// There is nothing in it.
    #[error("there is no certificate in it, or no list of revoked ones, in PEM")]
    Empty,
    /// No certificates of clients can be verified with these.
    #[error("the authorities for clients cannot be used: {0}")]
    Authorities(String),
}

/// Values that the two ends of one TLS connection have in common and nobody else has (RFC 8446 §7.5, RFC 5705), 32 bytes
/// each, without context. A man in the middle has two connections, and two different sets of them.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Exporters {
    /// That of the label `EXPORTER-deskconn-pair/1`.
    pub pair: [u8; 32],
    /// That of the label `EXPORTER-deskconn-login/1`.
    pub login: [u8; 32],
    /// The channel binding `tls-exporter` of RFC 9266.
    pub binding: [u8; 32],
}

impl fmt::Debug for Exporters {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Exporters(hidden)")
    }
}

/// A connection that a client has opened.
#[derive(Debug)]
pub struct Accepted {
    /// What goes on inside.
    pub stream: Stream,
    /// The first octet inside; it has not been taken from the stream.
    pub first: u8,
    /// What both ends know.
    pub exporters: Exporters,
    /// The certificate that the client has, in DER: it was verified, and it has proved that it has its key.
    pub client: Option<Arc<[u8]>>,
}

/// A connection that was opened here.
#[derive(Debug)]
pub struct Connected {
    /// What goes on inside.
    pub stream: Stream,
    /// SHA-256 of the `SubjectPublicKeyInfo` in the certificate of the other end, which has proved that it has the key.
    pub spki: [u8; 32],
    /// What both ends know.
    pub exporters: Exporters,
}

/// Whom a client takes for its router.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trust {
    /// The one whose key has this hash; see [`spki_hash`].
    Pin([u8; 32]),
    /// Anybody. Only for pairing, where what was seen is compared inside the exchange.
    Anybody,
}

/// Why there is no connection.
#[derive(Debug, thiserror::Error)]
pub enum ConnectError {
    /// Somebody answers who has another key than the pinned one.
    #[error("the other end has another key than the one that was paired with, or pinned")]
    OtherKey,
    /// It does not speak TLS 1.3, or the connection failed.
    #[error("the TLS handshake failed: {0}")]
    Handshake(#[from] io::Error),
}

/// The pin of a certificate: SHA-256 of its `SubjectPublicKeyInfo` in DER (RFC 7469 §2.4). It stays the same when a
/// certificate is issued anew for the same key.
///
/// # Errors
/// It is no X.509 certificate in DER.
pub fn spki_hash(certificate: &[u8]) -> Result<[u8; 32], UnusableError> {
    hash(&CertificateDer::from(certificate)).map_err(UnusableError::Certificate)
}

fn hash(certificate: &CertificateDer<'_>) -> Result<[u8; 32], Error> {
    let parsed = ParsedCertificate::try_from(certificate)?;
    Ok(Sha256::digest(parsed.subject_public_key_info()).into())
}

/// The router's end, from a certificate in DER and its key in DER (PKCS#8, PKCS#1 or SEC1).
///
/// # Errors
/// One of them cannot be used, or they do not belong together.
pub fn server_config(certificate: &[u8], key: &[u8]) -> Result<ServerConfig, UnusableError> {
    Certificates::new(Some(Chain::from_der(certificate, key)?)).server_config()
}

/// The same error, with what is wrong with a certificate.
fn in_words(error: io::Error) -> io::Error {
    let inner = error.get_ref().and_then(|inner| inner.downcast_ref::<Error>());
    match inner {
        Some(inner @ Error::InvalidCertificate(_)) => io::Error::new(error.kind(), why_not_taken(inner)),
        Some(_) | None => error,
    }
}

/// The router's end of the handshake, up to the first octet inside it. The caller sets a time for it.
///
/// # Errors
/// The client does not speak TLS 1.3, or the connection failed.
pub async fn accept(stream: TcpStream, config: Arc<ServerConfig>) -> io::Result<Accepted> {
    // On the heap: a task would be as large as that for the rest of its life.
    let accepted = Box::pin(TlsAcceptor::from(config).accept(stream)).await;
    let accepted = accepted.map_err(in_words)?;
    let connection = accepted.get_ref().1;
    let exporters = exporters(|out, label| connection.export_keying_material(out, label, None).map(drop))?;
    let client = connection.peer_certificates().and_then(<[_]>::first);
    let client = client.map(|certificate| Arc::from(&certificate[..]));
    let mut stream = Box::new(TlsStream::from(accepted));
    let first = *stream.fill_buf().await?.first().ok_or(io::ErrorKind::UnexpectedEof)?;
    Ok(Accepted {
        stream: Stream::Tls(stream),
        first,
        exporters,
        client,
    })
}

/// The client's end of the handshake. That the other end has the key of its certificate is verified in any case.
///
/// # Errors
/// It is not whom the client trusts, does not speak TLS 1.3, or the connection failed.
pub async fn connect(stream: TcpStream, trust: Trust) -> Result<Connected, ConnectError> {
    connect_as(stream, trust, None).await
}

/// The same where a router has several certificates, of which the one for this name is asked for. It is told to whoever
/// listens.
///
/// # Errors
/// As [`connect`]; or it is no name.
pub async fn connect_by_name(stream: TcpStream, trust: Trust, name: Option<&str>) -> Result<Connected, ConnectError> {
    let name = name.map(|name| ServerName::try_from(name.to_owned())).transpose();
    let name = name.map_err(|error| io::Error::new(io::ErrorKind::InvalidInput, error))?;
    handshake(stream, trust, None, name).await
}

/// The same with a certificate of the client's own, which the router gets if it asks for one. Whether it takes it shows only
/// when something is read.
///
/// # Errors
/// As [`connect`].
pub async fn connect_as(stream: TcpStream, trust: Trust, own: Option<&Chain>) -> Result<Connected, ConnectError> {
    handshake(stream, trust, own, None).await
}

async fn handshake(
    stream: TcpStream,
    trust: Trust,
    own: Option<&Chain>,
    name: Option<ServerName<'static>>,
) -> Result<Connected, ConnectError> {
    let mut config = client_config(trust, own)?;
    // Otherwise nobody chooses a certificate by it, and it would be told to whoever listens.
    config.enable_sni = name.is_some();
    let nobody = || ServerName::IpAddress(std::net::IpAddr::from([127, 0, 0, 1]).into());
    let name = name.unwrap_or_else(nobody);
    let connecting = TlsConnector::from(Arc::new(config)).connect(name, stream);
    let stream = Box::pin(connecting).await.map_err(told_apart)?;
    let connection = stream.get_ref().1;
    let certificate = connection.peer_certificates().and_then(<[_]>::first);
    let spki = hash(certificate.ok_or_else(|| failed(Error::NoCertificatesPresented))?).map_err(failed)?;
    let exporters = exporters(|out, label| connection.export_keying_material(out, label, None).map(drop))?;
    Ok(Connected {
        stream: Stream::Tls(Box::new(stream.into())),
        spki,
        exporters,
    })
}

/// The client's end, for whom it trusts, and with a certificate of its own if it has one.
pub(crate) fn client_config(trust: Trust, own: Option<&Chain>) -> io::Result<ClientConfig> {
    let provider = provider();
    let verifier = Verifier {
        trust,
        algorithms: provider.signature_verification_algorithms,
    };
    let config = ClientConfig::builder_with_provider(provider)
        .with_protocol_versions(&[&TLS13])
        .map_err(failed)?
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(verifier));
    let mut config = match own {
        Some(own) => config.with_client_cert_resolver(own.resolver()),
        None => config.with_no_client_auth(),
    };
    config.resumption = Resumption::disabled();
    config.enable_sni = false;
    Ok(config)
}

pub(crate) fn provider() -> Arc<CryptoProvider> {
    Arc::new(ring::default_provider())
}

fn failed(error: Error) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, error)
}

/// A pin that does not match is not told apart from other failures by TLS, but to a person it is another thing; and so is an
/// answer in the clear.
fn told_apart(error: io::Error) -> ConnectError {
    match error.get_ref().and_then(|error| error.downcast_ref::<Error>()) {
        Some(told) if *told == OTHER_KEY => ConnectError::OtherKey,
        Some(Error::InvalidMessage(InvalidMessage::InvalidContentType)) => {
            let why = "the other end does not speak TLS; is this the right port?";
            ConnectError::Handshake(io::Error::new(error.kind(), why))
        }
        _ => ConnectError::Handshake(error),
    }
}

pub(crate) fn exporters(export: impl Fn(&mut [u8; 32], &[u8]) -> Result<(), Error>) -> io::Result<Exporters> {
    let one = |label: &[u8]| {
        let mut out = [0; 32];
        export(&mut out, label).map(|()| out).map_err(failed)
    };
    Ok(Exporters {
        pair: one(PAIR_LABEL)?,
        login: one(LOGIN_LABEL)?,
        binding: one(BINDING_LABEL)?,
    })
}

/// What a verifier answers for a key that is not pinned.
const OTHER_KEY: Error = Error::InvalidCertificate(CertificateError::ApplicationVerificationFailure);

/// Compares the key with the pin. Names and dates in the certificate mean nothing here: the pin is the identity.
#[derive(Debug)]
struct Verifier {
    trust: Trust,
    algorithms: WebPkiSupportedAlgorithms,
}

impl ServerCertVerifier for Verifier {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let seen = hash(end_entity)?;
        match self.trust {
            Trust::Pin(pin) if pin != seen => Err(OTHER_KEY),
            Trust::Pin(_) | Trust::Anybody => Ok(ServerCertVerified::assertion()),
        }
    }

    fn verify_tls12_signature(
        &self,
        _message: &[u8],
        _cert: &CertificateDer<'_>,
        _dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        Err(Error::General("TLS 1.2 is not spoken here".to_owned()))
    }

    /// A certificate can be copied by anybody; only this shows that the other end has its key.
    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls13_signature(message, cert, dss, &self.algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.algorithms.supported_schemes()
    }
}
