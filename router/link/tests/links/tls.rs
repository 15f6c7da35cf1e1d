//! TLS with a pin: the right other end, and every wrong one.

use std::sync::Arc;

use deskconn_link::ReadError;
use deskconn_link::tls::{self, Accepted, ConnectError, Connected, ServerConfig, Trust};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use wamp::codec::Serializer;
use wamp::limits::Bounds;

use crate::support::{Certificate, Socket, Transport, link, soon, tcp};

/// Both ends of a handshake; the client says one octet.
async fn handshake(config: Arc<ServerConfig>, trust: Trust) -> (Result<Connected, ConnectError>, Option<Accepted>) {
    let (near, far) = tcp().await;
    let client = async {
        let mut connected = tls::connect(near, trust).await?;
        connected.stream.write_all(b"x").await?;
        connected.stream.flush().await?;
        Ok(connected)
    };
    soon(async { tokio::join!(client, async { tls::accept(far, config).await.ok() }) }).await
}

#[tokio::test]
async fn the_pinned_key_is_taken_and_another_is_refused_by_name() {
    let (ours, other) = (Certificate::new(), Certificate::new());
    let (client, router) = handshake(ours.config(), Trust::Pin(ours.pin)).await;
    assert_eq!(client.unwrap().spki, ours.pin);
    assert_eq!(router.unwrap().first, b'x');
    let (client, router) = handshake(other.config(), Trust::Pin(ours.pin)).await;
    assert!(matches!(client, Err(ConnectError::OtherKey)));
    assert!(router.is_none());
}

#[tokio::test]
async fn whoever_pairs_takes_any_key_and_is_told_which_it_was() {
    for _ in 0..2 {
        let somebody = Certificate::new();
        let (client, _) = handshake(somebody.config(), Trust::Anybody).await;
        assert_eq!(client.unwrap().spki, somebody.pin);
    }
}

#[tokio::test]
async fn both_ends_export_the_same_values_and_no_other_connection_does() {
    let certificate = Certificate::new();
    let mut seen = Vec::new();
    for _ in 0..2 {
        let (client, router) = handshake(certificate.config(), Trust::Pin(certificate.pin)).await;
        let (client, router) = (client.unwrap().exporters, router.unwrap().exporters);
        assert!(client == router);
        seen.extend([client.pair, client.login]);
        assert_eq!(format!("{client:?}"), "Exporters(hidden)");
    }
    seen.push([0; 32]);
    for (at, one) in seen.iter().enumerate() {
        assert!(!seen[at + 1..].contains(one));
    }
}

/// A router that shows one certificate and has the key of another.
#[derive(Debug)]
struct Thief(Arc<CertifiedKey>);

impl ResolvesServerCert for Thief {
    fn resolve(&self, _hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(Arc::clone(&self.0))
    }
}

#[tokio::test]
async fn a_copied_certificate_without_its_key_deceives_nobody() {
    let (victim, own) = (Certificate::new(), Certificate::new());
    let key = PrivateKeyDer::try_from(own.key.clone()).unwrap();
    let key = rustls::crypto::ring::sign::any_supported_type(&key).unwrap();
    let shown = CertifiedKey::new(vec![CertificateDer::from(victim.certificate.clone())], key);
    let mut config = ServerConfig::clone(&own.config());
    config.cert_resolver = Arc::new(Thief(Arc::new(shown)));
    let config = Arc::new(config);
    for trust in [Trust::Pin(victim.pin), Trust::Anybody] {
        let (client, router) = handshake(Arc::clone(&config), trust).await;
        let Err(ConnectError::Handshake(error)) = client else {
            panic!("{trust:?}")
        };
        assert!(error.to_string().contains("BadSignature"), "{error}");
        assert!(router.is_none());
    }
}

#[tokio::test]
async fn a_client_that_knows_only_tls_1_2_is_refused() {
    let (mut near, far) = tcp().await;
    let config = Certificate::new().config();
    // A ClientHello of TLS 1.2 (RFC 5246 §7.4.1.2): no extension says that it knows more.
    let mut hello = vec![0x03, 0x03];
    hello.extend([7; 32]);
    hello.extend([0, 0, 2, 0xc0, 0x2b, 1, 0]);
    let length = u8::try_from(hello.len()).unwrap();
    let head = [0x16, 0x03, 0x01, 0, length + 4, 1, 0, 0, length];
    let client = async {
        near.write_all(&[&head[..], &hello].concat()).await.unwrap();
        let mut answer = Vec::new();
        near.read_to_end(&mut answer).await.unwrap();
        answer
    };
    let (answer, accepted) = soon(async { tokio::join!(client, tls::accept(far, config)) }).await;
    assert!(accepted.is_err());
    // An alert (21) that is fatal (2), and no ServerHello.
    assert_eq!((answer[0], answer[5]), (21, 2), "{answer:x?}");
}

#[tokio::test]
async fn a_router_that_answers_with_tls_1_2_or_in_plain_is_refused() {
    // A ServerHello of TLS 1.2 (RFC 5246 §7.4.1.3), and what a plain router says.
    let mut hello = vec![0x16, 0x03, 0x03, 0, 42, 2, 0, 0, 38, 0x03, 0x03];
    hello.extend([7; 32]);
    hello.extend([0, 0xc0, 0x2b, 0]);
    for answer in [
        &hello[..],
        b"HTTP/1.1 400 Bad Request\r\n\r\n",
        &[0x7f, 0xf1, 0, 0],
        b"",
    ] {
        let (near, mut far) = tcp().await;
        let router = async {
            far.read_u8().await.unwrap();
            far.write_all(answer).await.unwrap();
            far.shutdown().await.unwrap();
            // What the client still sends must not reset the connection before it has read.
            let _ = far.read_to_end(&mut Vec::new()).await;
        };
        let (client, ()) = soon(async { tokio::join!(tls::connect(near, Trust::Anybody), router) }).await;
        let Err(ConnectError::Handshake(error)) = client else {
            panic!("{answer:?}")
        };
        let says_so = error.to_string().contains("does not speak TLS");
        assert_eq!(
            says_so,
            answer.starts_with(b"HTTP") || answer.starts_with(&[0x7f]),
            "{error}"
        );
    }
}

#[tokio::test]
async fn a_stream_that_is_cut_off_is_told_from_one_that_has_ended() {
    let certificate = Certificate::new();
    for is_in_order in [true, false] {
        let (client, router) = handshake(certificate.config(), Trust::Pin(certificate.pin)).await;
        let (mut client, mut router) = (client.unwrap().stream, router.unwrap().stream);
        assert_eq!(router.read_u8().await.unwrap(), b'x');
        if is_in_order {
            client.shutdown().await.unwrap();
        } else {
            drop(client);
        }
        let read = soon(router.read_to_end(&mut Vec::new())).await;
        assert_eq!(read.is_ok(), is_in_order);
    }
}

#[tokio::test]
async fn a_link_that_is_cut_off_says_so_in_the_same_words_over_every_socket() {
    for socket in [Socket::Tcp, Socket::Tls] {
        let (near, mut far) = link(Transport::WebSocket, socket, Serializer::Json, Bounds::JOINED).await;
        drop(near);
        let read = soon(far.reader.next()).await;
        let Err(ReadError::Io(error)) = read else {
            panic!("{read:?}")
        };
        assert_eq!(error.to_string(), "the peer closed it in the middle of something");
    }
}

#[tokio::test]
async fn a_client_that_says_nothing_inside_is_no_connection() {
    let certificate = Certificate::new();
    let (near, far) = tcp().await;
    let client = async {
        let mut connected = tls::connect(near, Trust::Pin(certificate.pin)).await.unwrap();
        connected.stream.shutdown().await.unwrap();
    };
    let (accepted, ()) = soon(async { tokio::join!(tls::accept(far, certificate.config()), client) }).await;
    assert_eq!(accepted.unwrap_err().kind(), std::io::ErrorKind::UnexpectedEof);
}

#[test]
fn a_certificate_or_key_that_cannot_be_used_is_named() {
    let (one, other) = (Certificate::new(), Certificate::new());
    let error = |certificate: &[u8], key: &[u8]| tls::server_config(certificate, key).unwrap_err().to_string();
    assert!(error(&one.certificate, b"no key").contains("TLS key"));
    assert!(error(b"no certificate", &one.key).contains("TLS certificate"));
    assert!(error(&one.certificate, &other.key).contains("TLS certificate"));
    assert!(tls::spki_hash(b"no certificate").is_err());
    assert!(tls::spki_hash(&one.certificate[..one.certificate.len() - 1]).is_err());
}

#[test]
fn a_certificate_that_is_issued_anew_for_the_same_key_has_the_same_pin() {
    let key = rcgen::KeyPair::generate().unwrap();
    let issue = |name: &str| {
        let params = rcgen::CertificateParams::new([name.to_owned()]).unwrap();
        params.self_signed(&key).unwrap().der().to_vec()
    };
    let (first, second) = (issue("one.local"), issue("two.local"));
    assert_ne!(first, second);
    assert_eq!(tls::spki_hash(&first).unwrap(), tls::spki_hash(&second).unwrap());
}
