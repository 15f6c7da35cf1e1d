//! Connected sockets, and links over them.

use std::future::Future;
use std::time::Duration;

use deskconn_link::{Link, ReadError, Stream, rawsocket, websocket};
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
        }
    }
}

/// What messages run over.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Transport {
    WebSocket,
    RawSocket,
}

pub(crate) const TRANSPORTS: [(Transport, Socket); 3] = [
    (Transport::WebSocket, Socket::Tcp),
    (Transport::RawSocket, Socket::Tcp),
    (Transport::RawSocket, Socket::Unix),
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
            Transport::RawSocket => {
                let client = rawsocket::connect(near, serializer, bounds);
                let (client, router) = tokio::join!(client, rawsocket::accept(far, bounds, bounds.message_bytes));
                (client.unwrap(), router.unwrap())
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
pub(crate) async fn answer_upgrade(stream: &mut Stream, behind: &[u8]) -> Serializer {
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
    let serializer = websocket::negotiate(value("Sec-WebSocket-Protocol: ")).unwrap();
    let protocol = websocket::subprotocol(serializer);
    let response = format!(
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
         Sec-WebSocket-Accept: {accept}\r\nSec-WebSocket-Protocol: {protocol}\r\n\r\n"
    );
    stream.write_all(&[response.as_bytes(), behind].concat()).await.unwrap();
    serializer
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
