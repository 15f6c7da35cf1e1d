//! Connected sockets, and links over them.

use std::future::Future;
use std::sync::{Arc, LazyLock};
use std::time::Duration;

use deskconn_link::noise::{Initiator, Responder, Secret};
use deskconn_link::tls::{self, Trust};
use deskconn_link::{Link, ReadError, Stream, noise, rawsocket, websocket};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream, UnixStream};
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;
use wamp::codec::Serializer;
use wamp::error::Violation;
use wamp::id::RequestId;
use wamp::limits::Bounds;
use wamp::message::{Call, CallOptions, Message};
use wamp::payload::Payload;
use wamp::value::Dict;

/// Nothing here takes longer, unless it hangs.
const PATIENCE: Duration = Duration::from_secs(20);

/// Waits for what must come.
pub(crate) async fn soon<T>(what: impl Future<Output = T>) -> T {
    tokio::time::timeout(PATIENCE, what).await.expect("this takes too long")
}

pub(crate) async fn tcp() -> (TcpStream, TcpStream) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let near = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
    let (far, _) = listener.accept().await.unwrap();
    near.set_nodelay(true).unwrap();
    far.set_nodelay(true).unwrap();
    (near, far)
}

/// What bytes run over.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Socket {
    Tcp,
    Unix,
    Tls,
}

impl Socket {
    pub(crate) async fn pair(self) -> (Stream, Stream) {
        match self {
            Self::Tcp => {
                let (near, far) = tcp().await;
                (near.into(), far.into())
            }
            Self::Unix => {
                let (near, far) = UnixStream::pair().unwrap();
                (near.into(), far.into())
            }
            Self::Tls => {
                let (near, far) = tcp().await;
                // The router's end is there when something has come inside, so this one must say the first word.
                let near = async {
                    let mut near = tls::connect(near, Trust::Pin(CERTIFICATE.pin)).await.unwrap().stream;
                    near.write_all(b"!").await.unwrap();
                    near.flush().await.unwrap();
                    near
                };
                let far = async {
                    let mut far = tls::accept(far, CERTIFICATE.config()).await.unwrap().stream;
                    assert_eq!(far.read_u8().await.unwrap(), b'!');
                    far
                };
                soon(async { tokio::join!(near, far) }).await
            }
        }
    }
}

/// A certificate with its key.
pub(crate) struct Certificate {
    pub(crate) certificate: Vec<u8>,
    pub(crate) key: Vec<u8>,
    pub(crate) pin: [u8; 32],
}

impl Certificate {
    pub(crate) fn new() -> Self {
        let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
        let certificate = made.cert.der().to_vec();
        Self {
            pin: tls::spki_hash(&certificate).unwrap(),
            certificate,
            key: made.signing_key.serialize_der(),
        }
    }

    pub(crate) fn config(&self) -> Arc<tls::ServerConfig> {
        Arc::new(tls::server_config(&self.certificate, &self.key).unwrap())
    }
}

/// One for all tests that need but one.
static CERTIFICATE: LazyLock<Certificate> = LazyLock::new(Certificate::new);

/// A static key pair, secret and public.
pub(crate) fn static_key() -> (Secret, [u8; 32]) {
    let params = "Noise_IK_25519_ChaChaPoly_SHA256".parse().unwrap();
    let pair = snow::Builder::new(params).generate_keypair().unwrap();
    let secret: [u8; 32] = pair.private.try_into().unwrap();
    (Secret::new(secret.into()), pair.public.try_into().unwrap())
}

/// A router's keys, and a client that knows them, with its public key.
pub(crate) fn introduced() -> (Responder, Initiator, [u8; 32]) {
    let did = [7; 32];
    let (secret, desktop) = static_key();
    let responder = Responder { secret, did };
    let (secret, public) = static_key();
    let initiator = Initiator { secret, desktop, did };
    (responder, initiator, public)
}

/// What messages run over.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Transport {
    WebSocket,
    Batched,
    RawSocket,
    Noise,
}

pub(crate) const TRANSPORTS: [(Transport, Socket); 7] = [
    (Transport::WebSocket, Socket::Tcp),
    (Transport::Batched, Socket::Tcp),
    (Transport::RawSocket, Socket::Tcp),
    (Transport::RawSocket, Socket::Unix),
    (Transport::WebSocket, Socket::Tls),
    (Transport::RawSocket, Socket::Tls),
    (Transport::Noise, Socket::Tcp),
];

/// Every link with every serializer.
pub(crate) fn combinations() -> impl Iterator<Item = (Transport, Socket, Serializer)> {
    let with_all = |(transport, socket)| Serializer::ALL.map(|serializer| (transport, socket, serializer));
    TRANSPORTS.into_iter().flat_map(with_all)
}

/// The client's and the router's end of a link.
pub(crate) async fn link(transport: Transport, socket: Socket, serializer: Serializer, bounds: Bounds) -> (Link, Link) {
    let (near, far) = socket.pair().await;
    soon(async {
        match transport {
            Transport::WebSocket => {
                let serializers = [serializer];
                let client = websocket::connect(near, "localhost", "/ws", &serializers, bounds);
                let (client, router) = tokio::join!(client, upgrade(far, bounds));
                (client.unwrap(), router)
            }
            Transport::Batched => {
                let formats = [websocket::Format::batched(serializer)];
                let client = websocket::connect_as(near, "localhost", "/ws", &formats, bounds);
                let (client, router) = tokio::join!(client, upgrade(far, bounds));
                (client.unwrap(), router)
            }
            Transport::RawSocket => {
                let client = rawsocket::connect(near, serializer, bounds);
                let (client, router) = tokio::join!(client, rawsocket::accept(far, bounds, bounds.message_bytes));
                (client.unwrap(), router.unwrap())
            }
            Transport::Noise => {
                let (responder, initiator, public) = introduced();
                let serializers = [serializer];
                let client = noise::connect(near, "localhost", "/ws", &initiator, &serializers, bounds);
                let router = async {
                    let far = upgraded_to_noise(far).await;
                    noise::accept(far, [], &responder, bounds).await
                };
                let (client, router) = tokio::join!(client, router);
                let (router, established) = router.unwrap();
                assert_eq!(established.key, public);
                (client.unwrap(), router)
            }
        }
    })
    .await
}

/// The router's end behind an HTTP upgrade.
pub(crate) async fn upgrade(mut stream: Stream, bounds: Bounds) -> Link {
    let serializer = answer_upgrade(&mut stream, b"").await;
    websocket::accepted(stream, [], serializer, bounds)
}

/// The router's side of the HTTP upgrade, as short as can be, and what it sends right behind it.
pub(crate) async fn answer_upgrade(stream: &mut Stream, behind: &[u8]) -> websocket::Format {
    let mut chosen = None;
    let choose = |offers: &str| {
        chosen = websocket::negotiate(offers);
        chosen.unwrap().subprotocol()
    };
    answer_upgrade_with(stream, behind, choose).await;
    chosen.unwrap()
}

/// The same for Noise.
pub(crate) async fn upgraded_to_noise(mut stream: Stream) -> Stream {
    let choose = |offers: &str| {
        assert_eq!(offers, noise::SUBPROTOCOL);
        noise::SUBPROTOCOL
    };
    answer_upgrade_with(&mut stream, b"", choose).await;
    stream
}

async fn answer_upgrade_with(stream: &mut Stream, behind: &[u8], choose: impl FnOnce(&str) -> &'static str) {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await.unwrap());
    }
    let head = String::from_utf8(head).unwrap();
    let value = |name: &str| {
        let line = head.lines().find_map(|line| line.strip_prefix(name));
        line.unwrap_or_else(|| panic!("{name} is missing in {head}"))
    };
    let accept = derive_accept_key(value("Sec-WebSocket-Key: ").as_bytes());
    let protocol = choose(value("Sec-WebSocket-Protocol: "));
    let response = format!(
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
         Sec-WebSocket-Accept: {accept}\r\nSec-WebSocket-Protocol: {protocol}\r\n\r\n"
    );
    stream.write_all(&[response.as_bytes(), behind].concat()).await.unwrap();
    stream.flush().await.unwrap();
}

/// The next message, which must come.
pub(crate) async fn receive(link: &mut Link) -> Message {
    soon(link.reader.next()).await.unwrap().expect("the link was closed")
}

/// The violation that the peer is told of, which must come.
pub(crate) async fn violation(link: &mut Link) -> Violation {
    match soon(link.reader.next()).await {
        Err(ReadError::Violation(violation)) => violation,
        other => panic!("no violation but {other:?}"),
    }
}

/// That the peer has closed in order.
pub(crate) async fn closed(link: &mut Link) {
    let read = soon(link.reader.next()).await;
    assert!(matches!(read, Ok(None)), "{read:?}");
}

/// That the connection broke off.
pub(crate) async fn broken_off(link: &mut Link) {
    let read = soon(link.reader.next()).await;
    assert!(matches!(read, Err(ReadError::Io(_))), "{read:?}");
}

/// A CALL with one argument of about `size` bytes.
pub(crate) fn call(serializer: Serializer, size: usize) -> Message {
    let payload = Payload::from_values(serializer, &["x".repeat(size).into()], &Dict::new()).unwrap();
    let options = CallOptions::default();
    Message::Call(Call {
        request: RequestId::FIRST,
        options,
        procedure: "com.myapp.echo".into(),
        payload,
    })
}
