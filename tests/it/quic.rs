//! What QUIC has that TCP has not: addresses that change and addresses that are forged, streams beside the first, packets of
//! anybody. What it has in common with the other transports is in the suites that run over every link.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use client::{ConnectError, Options, Serializer, Session};
use link::quic::ALPN;
use quinn::crypto::rustls::QuicClientConfig;
use quinn::{ClientConfig, Connection, ConnectionError, Endpoint};
use router::{Limits, Origins};
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{DigitallySignedStruct, SignatureScheme};
use tokio::net::UdpSocket;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use crate::support::{Desk, Way, soon};
use crate::vault::{Vault, target};

/// The largest packet; those of QUIC are smaller on loopback too.
const PACKET: usize = 65_536;

/// Somebody between client and router who passes packets on, as a router of a home does that translates addresses.
struct Road {
    address: SocketAddr,
    change: mpsc::Sender<UdpSocket>,
    task: JoinHandle<()>,
}

impl Road {
    async fn to(router: SocketAddr) -> Self {
        let near = UdpSocket::bind("127.0.0.1:0").await.unwrap();
        let address = near.local_addr().unwrap();
        let mut far = Self::socket("127.0.0.1", router).await;
        let (change, mut changes) = mpsc::channel(1);
        let task = tokio::spawn(async move {
            let (mut up, mut down) = (vec![0; PACKET], vec![0; PACKET]);
            let mut client = None;
            loop {
                tokio::select! {
                    Some(other) = changes.recv() => far = other,
                    Ok((count, from)) = near.recv_from(&mut up) => {
                        client = Some(from);
                        let _ = far.send(&up[..count]).await;
                    }
                    Ok(count) = far.recv(&mut down) => {
                        let Some(client) = client else { continue };
                        let _ = near.send_to(&down[..count], client).await;
                    }
                }
            }
        });
        Self { address, change, task }
    }

    async fn socket(from: &str, router: SocketAddr) -> UdpSocket {
        let socket = UdpSocket::bind((from, 0)).await.unwrap();
        socket.connect(router).await.unwrap();
        socket
    }

    /// From now on the router sees another address.
    async fn moves_to(&self, from: &str, router: SocketAddr) {
        self.change.send(Self::socket(from, router).await).await.unwrap();
    }
}

impl Drop for Road {
    fn drop(&mut self) {
        self.task.abort();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_client_whose_address_changes_keeps_its_session() {
    let vault = Vault::start();
    let road = Road::to(vault.quic).await;
    let options = vault.options(Way::Quic, Options::new("realm1"));
    let session = Session::connect(&target(Way::Quic, road.address), options)
        .await
        .unwrap();
    let other = vault.join(Way::WebSocket).await;
    let echo = |call: client::Invocation| async move { Ok(call.args[0].clone().into()) };
    session.register("com.example.echo", echo).await.unwrap();
    let long = "x".repeat(100_000);
    for from in ["127.0.0.1", "127.0.0.2", "127.0.0.3", "127.0.0.1"] {
        road.moves_to(from, vault.quic).await;
        let count = soon("a call", session.call("wamp.session.count", ())).await.unwrap();
        assert_eq!(count.args[0].as_u64(), Some(2));
        let answer = soon("a call back", other.call("com.example.echo", [long.as_str().into()])).await;
        assert_eq!(answer.unwrap().args[0].as_str(), Some(long.as_str()));
    }
    session.leave().await;
}

/// Takes whatever certificate there is.
#[derive(Debug)]
struct Anybody;

impl ServerCertVerifier for Anybody {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn verify_tls13_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        let provider = rustls::crypto::ring::default_provider();
        provider.signature_verification_algorithms.supported_schemes()
    }
}

/// A client that does as it likes.
fn config(alpn: &[u8]) -> ClientConfig {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut config = rustls::ClientConfig::builder_with_provider(provider)
        .with_protocol_versions(&[&rustls::version::TLS13])
        .unwrap()
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(Anybody))
        .with_no_client_auth();
    config.alpn_protocols = vec![alpn.to_vec()];
    config.enable_early_data = true;
    ClientConfig::new(Arc::new(QuicClientConfig::try_from(config).unwrap()))
}

async fn connect(router: SocketAddr, alpn: &[u8]) -> Result<Connection, ConnectionError> {
    let endpoint = Endpoint::client("127.0.0.1:0".parse().unwrap()).unwrap();
    let connecting = endpoint.connect_with(config(alpn), router, "localhost").unwrap();
    soon("a handshake or its end", connecting).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_cannot_be_reached_at_its_address_takes_no_place_and_gets_less_than_it_sent() {
    let limits = Limits {
        joining_total: 1,
        ..Limits::default()
    };
    let vault = Vault::with(limits, Arc::new(Origins::default()));
    // The first packet of a client, as if it came from elsewhere: nobody answers what comes back.
    let ear = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    let endpoint = Endpoint::client("127.0.0.1:0".parse().unwrap()).unwrap();
    let _connecting = endpoint.connect_with(config(ALPN), ear.local_addr().unwrap(), "localhost");
    let mut first = vec![0; PACKET];
    let count = ear.recv(&mut first).await.unwrap();
    for _ in 0..20 {
        let forger = UdpSocket::bind("127.0.0.1:0").await.unwrap();
        forger.send_to(&first[..count], vault.quic).await.unwrap();
        let mut answer = vec![0; PACKET];
        let (answered, from) = soon("an answer", forger.recv_from(&mut answer)).await.unwrap();
        assert_eq!(from, vault.quic);
        // Retry is a long header of type 3 (RFC 9000 §17.2.5).
        assert_eq!(answer[0] & 0xf0, 0xf0, "{:#04x}", answer[0]);
        assert!(answered < count / 3, "{answered} bytes for {count}");
    }
    vault.join(Way::Quic).await.leave().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn another_protocol_than_wamp_is_refused_in_the_handshake() {
    let vault = Vault::start();
    for alpn in [&b"h3"[..], b"wamp/2", b""] {
        let refused = if alpn.is_empty() { b"x" } else { alpn };
        assert!(connect(vault.quic, refused).await.is_err(), "{alpn:?}");
    }
    assert!(connect(vault.quic, ALPN).await.is_ok());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn there_is_one_stream_and_nothing_beside_it() {
    let vault = Vault::start();
    let connection = connect(vault.quic, ALPN).await.unwrap();
    let (mut send, mut receive) = connection.open_bi().await.unwrap();
    send.write_all(&[0x7f, 0xf1, 0, 0]).await.unwrap();
    let mut answer = [0; 4];
    soon("the handshake", receive.read_exact(&mut answer)).await.unwrap();
    assert_eq!(answer[..2], [0x7f, 0xb1]);
    assert_eq!(connection.max_datagram_size(), None);
    // Neither is opened as long as the connection lives, which is until the login has taken too long.
    let (two_ways, one_way) = soon("the end", async {
        tokio::join!(connection.open_bi(), connection.open_uni())
    })
    .await;
    assert!(two_ways.is_err() && one_way.is_err());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_connection_without_a_stream_or_with_something_else_in_it_is_closed_in_time() {
    let limits = Limits {
        handshake: Duration::from_secs(1),
        joining_total: 3,
        ..Limits::default()
    };
    let vault = Vault::with(limits, Arc::new(Origins::default()));
    let silent = connect(vault.quic, ALPN).await.unwrap();
    let half = connect(vault.quic, ALPN).await.unwrap();
    let (mut send, _receive) = half.open_bi().await.unwrap();
    send.write_all(&[0x7f, 0xf1]).await.unwrap();
    let wrong = connect(vault.quic, ALPN).await.unwrap();
    let (mut send, _receive) = wrong.open_bi().await.unwrap();
    send.write_all(b"GET / HTTP/1.1\r\n\r\n").await.unwrap();
    for connection in [silent, half, wrong] {
        soon("the end", connection.closed()).await;
    }
    vault.join(Way::Quic).await.leave().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn connections_beyond_the_limit_are_refused_and_counted_with_those_of_tcp() {
    let limits = Limits {
        joining_per_address: 2,
        ..Limits::default()
    };
    let vault = Vault::with(limits, Arc::new(Origins::default()));
    let _tcp = tokio::net::TcpStream::connect(vault.address).await.unwrap();
    let mut connections = Vec::new();
    // Of TCP's connection the router hears when it hears of it.
    let refused = loop {
        match connect(vault.quic, ALPN).await {
            Ok(connection) => connections.push(connection),
            Err(error) => break error,
        }
        assert!(connections.len() < 3);
    };
    let ConnectionError::ConnectionClosed(close) = refused else {
        panic!("{refused}")
    };
    assert_eq!(close.error_code, quinn::TransportErrorCode::CONNECTION_REFUSED);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn packets_that_mean_nothing_are_not_answered_and_harm_nobody() {
    let vault = Vault::start();
    let session = vault.join(Way::Quic).await;
    let socket = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    for first in 0..=u8::MAX {
        for length in [1, 20, 40, 1199] {
            let mut packet = vec![first; length];
            packet[1..].fill(0x5a);
            socket.send_to(&packet, vault.quic).await.unwrap();
        }
        session.call("wamp.session.count", ()).await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nobody_at_the_other_end_is_said_in_seconds() {
    let silent = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    let address = silent.local_addr().unwrap();
    let options = Options::new("realm1").pin([1; 32]);
    let error = Session::connect(&target(Way::Quic, address), options)
        .await
        .unwrap_err();
    assert!(matches!(error, ConnectError::Tls(..)), "{error}");
    assert!(error.to_string().contains("nobody answers"), "{error}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_configuration_opens_it_and_the_owner_sees_who_came_by_it() {
    let desk = Desk::with("[listen]\nquic = [\"127.0.0.1:0\"]\n").await;
    assert_eq!(desk.daemon.quic_addresses().len(), 1);
    let owner = desk.owner().await;
    let text = "[desktop]\nenabled = false\n[listen]\ntcp = []\nquic = [\"127.0.0.1:0\"]\n";
    let config = deskconnd::config::Config::parse(std::path::Path::new("test.toml"), text).unwrap();
    let home = tempfile::tempdir().unwrap();
    let paths = crate::support::paths(home.path());
    let error = deskconnd::daemon::Daemon::start(&config, &paths, None)
        .await
        .unwrap_err();
    assert!(error.to_string().contains("needs a certificate"), "{error}");
    drop(owner);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_session_by_quic_is_called_so() {
    let desk = Desk::with(crate::support::OPEN_REALM).await;
    let session = desk.join(Way::Quic, Serializer::Cbor, "realm1").await;
    let owner = desk.owner().await;
    let answer = owner.call("org.deskconn.router.sessions", ()).await.unwrap();
    let rows = answer.args[0].as_dict().unwrap()["sessions"]
        .as_list()
        .unwrap()
        .to_vec();
    let mut row = rows.iter().filter_map(client::Value::as_dict);
    let row = row.find(|row| row["id"].as_u64() == Some(session.id().get())).unwrap();
    assert_eq!(
        (row["transport"].as_str(), row["channel"].as_str()),
        (Some("quic"), Some("tls"))
    );
}
