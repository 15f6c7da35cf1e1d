//! QUIC (RFC 9000): one connection is one link, RawSocket on the first stream that the client opens.
//!
//! What is fixed: TLS 1.3 with the same certificate and the same pin as over TCP (`tls`), ALPN [`ALPN`], one stream, no
//! datagrams, no early data, since what can be replayed must not be a request. Whoever connects has to show first that
//! packets reach the address it names: until then nothing is kept for it, and nobody can be flooded in its name.
//! A client may come to have another address, as a phone does that leaves the house: the connection goes on.

use std::fmt;
use std::future::Future;
use std::io;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use quinn::crypto::rustls::{QuicClientConfig, QuicServerConfig};
use quinn::{ConnectionError, Endpoint, EndpointConfig, TransportConfig, TransportErrorCode, VarInt};
use rustls::pki_types::CertificateDer;
use rustls::{AlertDescription, ServerConfig};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use crate::Stream;
use crate::tls::{self, Chain, ConnectError, Exporters, Trust};

/// What both ends call the protocol inside (RFC 7301); RFC 9001 §8.1 demands a name. It is WAMP's RawSocket.
pub const ALPN: &[u8] = b"wamp";
/// Bytes that the other end may send before they are read, of a stream and so of a connection: 20 MB/s at a round trip of
/// 12 ms. It is what a client can make the router hold before anybody knows who it is.
const RECEIVE_WINDOW: u32 = 256 << 10;
/// Bytes that are kept until the other end has confirmed them, for the same rate the other way.
const SEND_WINDOW: u64 = 256 << 10;
/// Streams that a client may have open: the one.
const STREAMS: u32 = 1;
/// Connections that have come in and are not looked at yet. Each is looked at as soon as the listener has its turn, and what
/// comes beyond is turned away.
const INCOMING: usize = 64;
/// Bytes that are kept of such a connection: what a client sends in its first flight.
const INCOMING_BYTES: u64 = 16 << 10;
/// How long a client waits for anybody to answer. UDP does not say that nobody is there; in this time three packets are sent,
/// at 0, 1 and 3 s (RFC 9002 §6.2).
const PATIENCE: Duration = Duration::from_secs(5);

/// The router's end: a UDP socket.
#[derive(Debug)]
pub struct Listener(Endpoint);

/// How it is found out that nobody is there any more.
#[derive(Debug, Clone, Copy)]
pub struct Silence {
    /// How long nothing may come. `None`: for ever.
    pub dead: Option<Duration>,
    /// After how much silence the other end is asked, by QUIC itself. `None`: never.
    pub ask: Option<Duration>,
}

/// A client that wants to connect, and has shown that it gets what is sent to its address.
#[derive(Debug)]
pub struct Incoming(quinn::Incoming);

/// A connection that a client has opened, with its stream.
#[derive(Debug)]
pub struct Accepted {
    /// What goes on inside: RawSocket begins.
    pub stream: Stream,
    /// What both ends know.
    pub exporters: Exporters,
    /// The certificate that the client has, in DER: it was verified, and it has proved that it has its key.
    pub client: Option<Arc<[u8]>>,
}

/// The stream of a connection.
#[derive(Debug)]
pub struct Ends {
    pub(crate) incoming: quinn::RecvStream,
    pub(crate) outgoing: Outgoing,
}

/// Its outgoing half. Closing it waits until the other end has everything: with the last handle of a connection goes what
/// was not confirmed.
pub(crate) struct Outgoing {
    stream: quinn::SendStream,
    taken: Option<Pin<Box<dyn Future<Output = io::Result<()>> + Send + Sync>>>,
}

impl fmt::Debug for Outgoing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Outgoing").field(&self.stream.id()).finish()
    }
}

impl Listener {
    /// Listens on this socket, with the certificate of `config`, in the runtime that this is called in.
    ///
    /// # Errors
    /// The socket or the certificate cannot be used.
    pub fn new(socket: UdpSocket, config: &ServerConfig, silence: Silence) -> io::Result<Self> {
        let mut config = config.clone();
        config.alpn_protocols = vec![ALPN.to_vec()];
        config.max_early_data_size = 0;
        let crypto = QuicServerConfig::try_from(config).map_err(io::Error::other)?;
        let mut config = quinn::ServerConfig::with_crypto(Arc::new(crypto));
        config
            .transport_config(Arc::new(transport(silence)?))
            .max_incoming(INCOMING)
            .incoming_buffer_size(INCOMING_BYTES)
            .incoming_buffer_size_total(INCOMING_BYTES * INCOMING as u64)
            .migration(true);
        let runtime = Arc::new(quinn::TokioRuntime);
        let endpoint = Endpoint::new(EndpointConfig::default(), Some(config), socket, runtime)?;
        Ok(Self(endpoint))
    }

    /// Where it listens.
    ///
    /// # Errors
    /// The operating system does not say.
    pub fn local_addr(&self) -> io::Result<SocketAddr> {
        self.0.local_addr()
    }

    /// The next client. Those that have not shown that they have their address are asked to (RFC 9000 §8.1.2), which costs
    /// them a round trip and this end no memory. `None` when the socket is closed.
    pub async fn accept(&self) -> Option<Incoming> {
        loop {
            let incoming = self.0.accept().await?;
            if incoming.remote_address_validated() {
                return Some(Incoming(incoming));
            }
            // Whoever cannot be asked has a token that is wrong, and gets nothing.
            let _ = incoming.retry();
        }
    }
}

impl Incoming {
    /// Whence it comes.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.0.remote_address()
    }

    /// Tells it that it is not taken.
    pub fn refuse(self) {
        self.0.refuse();
    }

    /// The router's end of the handshake, up to the stream. The caller sets a time for it.
    ///
    /// # Errors
    /// The client speaks something else, or the connection failed.
    pub async fn accept(self) -> io::Result<Accepted> {
        let connection = self.0.accept()?.await?;
        let exporters = exporters(&connection)?;
        let shown = connection.peer_identity();
        let shown = shown.and_then(|shown| shown.downcast::<Vec<CertificateDer<'static>>>().ok());
        let client = shown.and_then(|chain| chain.first().map(|certificate| Arc::from(&certificate[..])));
        let (send, receive) = connection.accept_bi().await?;
        Ok(Accepted {
            stream: Ends::of(send, receive),
            exporters,
            client,
        })
    }
}

/// The client's end: connects to `HOST:PORT`, and opens the stream. That the other end has the key of its certificate is
/// verified in any case.
///
/// # Errors
/// Nobody answers, or it is not whom the client trusts.
pub async fn connect(host: &str, trust: Trust) -> Result<Stream, ConnectError> {
    connect_as(host, trust, None).await.map(|(stream, _)| stream)
}

/// The same with a certificate of the client's own, which the router gets if it asks for one, and with what both ends know.
///
/// # Errors
/// As [`connect`].
pub async fn connect_as(host: &str, trust: Trust, own: Option<&Chain>) -> Result<(Stream, Exporters), ConnectError> {
    let mut config = tls::client_config(trust, own)?;
    config.alpn_protocols = vec![ALPN.to_vec()];
    let crypto = QuicClientConfig::try_from(config).map_err(io::Error::other)?;
    let mut config = quinn::ClientConfig::new(Arc::new(crypto));
    // Whether the router is there is the business of whoever has the link, as over TCP.
    let silence = Silence { dead: None, ask: None };
    config.transport_config(Arc::new(transport(silence)?));
    let mut failed = ConnectError::Handshake(io::Error::new(io::ErrorKind::NotFound, "the name has no address"));
    for address in tokio::net::lookup_host(host).await? {
        match tokio::time::timeout(PATIENCE, connect_to(address, config.clone())).await {
            Ok(Ok(connected)) => return Ok(connected),
            Ok(Err(error)) => failed = error,
            Err(_) => {
                let why = format!("nobody answers QUIC at {address}");
                failed = ConnectError::Handshake(io::Error::new(io::ErrorKind::TimedOut, why));
            }
        }
    }
    Err(failed)
}

async fn connect_to(address: SocketAddr, config: quinn::ClientConfig) -> Result<(Stream, Exporters), ConnectError> {
    let any: SocketAddr = match address {
        SocketAddr::V4(_) => (Ipv4Addr::UNSPECIFIED, 0).into(),
        SocketAddr::V6(_) => (Ipv6Addr::UNSPECIFIED, 0).into(),
    };
    let endpoint = Endpoint::client(any)?;
    // The name chooses nothing, and is not sent.
    let connecting = endpoint.connect_with(config, address, "127.0.0.1");
    let connection = connecting.map_err(io::Error::other)?.await.map_err(told_apart)?;
    let exporters = exporters(&connection)?;
    let (send, receive) = connection.open_bi().await.map_err(io::Error::from)?;
    Ok((Ends::of(send, receive), exporters))
}

/// A pin that does not match is an alert of its own (`tls`), which nothing else ends with.
fn told_apart(error: ConnectionError) -> ConnectError {
    let other_key = TransportErrorCode::crypto(u8::from(AlertDescription::AccessDenied));
    if let ConnectionError::TransportError(error) = &error
        && error.code == other_key
    {
        return ConnectError::OtherKey;
    }
    ConnectError::Handshake(error.into())
}

fn transport(silence: Silence) -> io::Result<TransportConfig> {
    let dead = silence
        .dead
        .map(TryInto::try_into)
        .transpose()
        .map_err(io::Error::other)?;
    let mut config = TransportConfig::default();
    config
        .max_concurrent_bidi_streams(STREAMS.into())
        .max_concurrent_uni_streams(VarInt::from_u32(0))
        .stream_receive_window(RECEIVE_WINDOW.into())
        .receive_window(RECEIVE_WINDOW.into())
        .send_window(SEND_WINDOW)
        .datagram_receive_buffer_size(None)
        .max_idle_timeout(dead)
        .keep_alive_interval(silence.ask);
    Ok(config)
}

fn exporters(connection: &quinn::Connection) -> io::Result<Exporters> {
    tls::exporters(|out, label| {
        let exported = connection.export_keying_material(out, label, &[]);
        exported.map_err(|_| rustls::Error::General("nothing can be exported".to_owned()))
    })
}

impl Ends {
    fn of(stream: quinn::SendStream, incoming: quinn::RecvStream) -> Stream {
        let outgoing = Outgoing { stream, taken: None };
        Stream::Quic(Box::new(Self { incoming, outgoing }))
    }
}

impl AsyncWrite for Outgoing {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        AsyncWrite::poll_write(Pin::new(&mut self.stream), cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        AsyncWrite::poll_flush(Pin::new(&mut self.stream), cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let Self { stream, taken } = &mut *self;
        let taking = taken.get_or_insert_with(|| {
            // It may be finished already; what counts is that it has arrived.
            let _ = stream.finish();
            let stopped = stream.stopped();
            Box::pin(async move { stopped.await.map(drop).map_err(io::Error::from) })
        });
        let done = ready!(taking.as_mut().poll(cx));
        // Whoever asks again is told the same.
        *taken = Some(Box::pin(std::future::ready(Ok(()))));
        Poll::Ready(done)
    }
}

impl AsyncRead for Ends {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, into: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        AsyncRead::poll_read(Pin::new(&mut self.incoming), cx, into)
    }
}

impl AsyncWrite for Ends {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.outgoing).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.outgoing).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.outgoing).poll_shutdown(cx)
    }
}
