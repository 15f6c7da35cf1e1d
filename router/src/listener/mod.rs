//! Accepts connections on TCP, and finds out by the first byte what they speak. Unix sockets, where there are any, have
//! `unix`, and QUIC has `quic`.

mod quic;
mod unaccepted;
#[cfg(unix)]
mod unix;

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use link::rawsocket::{self, Refusal};
use link::{Stream, tls};
use rustix::net::sockopt;
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::time::timeout;

pub use self::unaccepted::Unaccepted;
use crate::channel::Channel;
use crate::error::ListenError;
use crate::gate::{Peer, Transport};
use crate::limits::{LONGEST_PING, REFUSAL};
use crate::{Router, Shared, http, session};

/// Connections that the kernel holds until they are accepted. A burst of clients comes back after a restart.
const BACKLOG: u32 = 1_024;

/// What a router listens on.
#[derive(Debug)]
pub struct Listening {
    addresses: Vec<SocketAddr>,
}

impl Listening {
    /// The addresses, with the ports that were really opened.
    #[must_use]
    pub fn addresses(&self) -> &[SocketAddr] {
        &self.addresses
    }
}

impl Router {
    /// Listens on TCP for WebSocket, HTTP and RawSocket, and where there is a certificate for the same inside TLS.
    ///
    /// # Errors
    /// One of the addresses cannot be listened on. An address family that this machine does not have is left out,
    /// unless it was the only one.
    pub fn listen_tcp(&self, addresses: &[SocketAddr]) -> Result<Listening, ListenError> {
        let failed = |address, error: io::Error| {
            if error.kind() == io::ErrorKind::AddrInUse {
                ListenError::PortTaken(address)
            } else {
                ListenError::Tcp(address, error)
            }
        };
        let mut opened = Vec::new();
        for (address, listener) in bind_each(addresses, bind, failed)? {
            let local = listener.local_addr();
            opened.push(local.map_err(|error| ListenError::Tcp(address, error))?);
            self.0.tasks.spawn(accept_tcp(Arc::clone(&self.0), listener));
        }
        Ok(Listening { addresses: opened })
    }
}

/// Opens each address that this machine has the family of; one must be left.
fn bind_each<T>(
    addresses: &[SocketAddr],
    bind: impl Fn(SocketAddr) -> io::Result<T>,
    failed: impl Fn(SocketAddr, io::Error) -> ListenError,
) -> Result<Vec<(SocketAddr, T)>, ListenError> {
    let mut listening = Vec::new();
    let mut missing = None;
    for &address in addresses {
        match bind(address) {
            Ok(listener) => listening.push((address, listener)),
            Err(error) if is_missing_family(&error) => {
                tracing::info!(%address, %error, "this machine does not have that kind of address");
                missing = Some(failed(address, error));
            }
            Err(error) => return Err(failed(address, error)),
        }
    }
    match missing {
        Some(error) if listening.is_empty() => Err(error),
        Some(_) | None => Ok(listening),
    }
}

fn bind(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = if address.is_ipv4() {
        TcpSocket::new_v4()
    } else {
        TcpSocket::new_v6()
    }?;
    socket.set_reuseaddr(true)?;
    if address.is_ipv6() {
        only_v6(&socket)?;
    }
    socket.bind(address)?;
    socket.listen(BACKLOG)
}

/// `[::]` and `0.0.0.0` are listened on side by side, which needs two sockets that do not overlap.
fn only_v6(socket: &TcpSocket) -> io::Result<()> {
    sockopt::set_ipv6_v6only(socket, true).map_err(Into::into)
}

fn is_missing_family(error: &io::Error) -> bool {
    use rustix::io::Errno;
    let errno = error.raw_os_error().map(Errno::from_raw_os_error);
    matches!(
        errno,
        Some(Errno::AFNOSUPPORT | Errno::ADDRNOTAVAIL | Errno::PROTONOSUPPORT)
    )
}

async fn accept_tcp(shared: Arc<Shared>, listener: TcpListener) {
    let mut unaccepted = Unaccepted::default();
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            () = shared.stopping.cancelled() => return,
        };
        match accepted {
            Ok((stream, address)) => {
                unaccepted.accepted();
                shared.tasks.spawn(serve_tcp(Arc::clone(&shared), stream, address));
            }
            Err(error) => unaccepted.wait(&error).await,
        }
    }
}

async fn serve_tcp(shared: Arc<Shared>, stream: TcpStream, address: SocketAddr) {
    let mut peer = Peer {
        transport: Transport::WebSocket,
        address: Some(address),
        uid: None,
        origin: None,
        channel: Channel::Plain,
    };
    let place = match shared.counters.connect(peer.ip(), &shared.limits()) {
        Ok(place) => place,
        Err(why) => {
            note_turned_away(&shared, &peer, why);
            return turn_away(&shared, stream).await;
        }
    };
    let Ok(local) = stream.local_addr() else { return };
    // Small messages must not wait for the answer to the last one.
    let _ = stream.set_nodelay(true);
    if let Some(dead) = shared.limits().dead
        && let Err(error) = watch(&stream, dead, shared.limits().ping.is_some())
    {
        tracing::debug!(%peer, %error, "a silent peer will not be noticed");
    }
    let begun = tokio::select! {
        begun = begin(&shared, stream, &mut peer) => begun,
        () = shared.stopping.cancelled() => return,
    };
    match begun {
        Some((rawsocket::MAGIC, stream)) => {
            peer.transport = Transport::RawSocket;
            serve_rawsocket(shared, stream, peer, Some(place)).await;
        }
        Some((_, stream)) => http::serve(shared, stream, local, peer, place).await,
        None => {}
    }
}

pub(crate) fn note_turned_away(shared: &Shared, peer: &Peer, why: &str) {
    shared.gate.limited(peer, why);
    // Said at 1, 2, 4, 8…: whoever floods the port must not fill the log as well.
    let number = shared.counters.turned_away();
    if number.is_power_of_two() {
        tracing::warn!(%peer, why, number, "connections were closed at once");
    }
}

/// Has the kernel ask a silent peer whether it is there, three times, and give the connection up when nothing comes back
/// (RFC 9293 §3.8.4). It costs neither a timer nor a message here, and serves every kind of link alike. Where sessions are
/// asked by PINGs, the kernel asks no earlier than those, or it would wake a phone that wants to be asked less often.
fn watch(stream: &TcpStream, dead: Duration, has_pings: bool) -> io::Result<()> {
    /// Questions after the first, before the connection counts as lost.
    const MORE: u32 = 2;
    let pause = (dead / (MORE + 1)).max(Duration::from_secs(1));
    sockopt::set_socket_keepalive(stream, true)?;
    sockopt::set_tcp_keepidle(stream, if has_pings { LONGEST_PING.max(pause) } else { pause })?;
    sockopt::set_tcp_keepintvl(stream, pause)?;
    sockopt::set_tcp_keepcnt(stream, MORE)?;
    #[cfg(target_os = "linux")]
    {
        // What was sent and never confirmed counts as well (RFC 5482).
        let unconfirmed = u32::try_from(dead.as_millis()).unwrap_or(u32::MAX);
        sockopt::set_tcp_user_timeout(stream, unconfirmed)?;
    }
    Ok(())
}

/// Waits for the first byte, and inside TLS for the first byte there.
async fn begin(shared: &Shared, stream: TcpStream, peer: &mut Peer) -> Option<(u8, Stream)> {
    let mut first = [0];
    let peeked = timeout(shared.limits().handshake, stream.peek(&mut first)).await;
    if !matches!(peeked, Ok(Ok(1..))) {
        tracing::debug!(%peer, "a connection said nothing");
        return None;
    }
    let config = match &shared.keys.tls {
        Some(config) if first == [tls::FIRST_OCTET] => Arc::clone(config),
        _ => return Some((first[0], Stream::Tcp(stream))),
    };
    match timeout(shared.limits().handshake, Box::pin(tls::accept(stream, config))).await {
        Ok(Ok(accepted)) => {
            peer.channel = Channel::of_tls(accepted.exporters, accepted.client);
            Some((accepted.first, accepted.stream))
        }
        Ok(Err(error)) => {
            tracing::info!(%peer, %error, "the TLS handshake failed");
            None
        }
        Err(_) => {
            tracing::info!(%peer, "the TLS handshake took too long");
            None
        }
    }
}

/// Tells a client of RawSocket or HTTP that there is no place for it; TLS would cost a handshake first. What that costs is
/// bounded; who comes beyond that is closed.
async fn turn_away(shared: &Shared, stream: TcpStream) {
    let Ok(_turn) = shared.refusals.try_acquire() else {
        return;
    };
    let refuse = async {
        let mut first = [0];
        let _ = match (stream.peek(&mut first).await, first) {
            (Ok(1), [rawsocket::MAGIC]) => rawsocket::refuse(stream, Refusal::TooManyConnections).await,
            // A method of HTTP.
            (Ok(1), [b'A'..=b'Z']) => http::turn_away(stream).await,
            _ => Ok(()),
        };
    };
    let _ = timeout(REFUSAL, refuse).await;
}

async fn serve_rawsocket(shared: Arc<Shared>, stream: Stream, peer: Peer, place: Option<crate::limits::Place>) {
    let accept = rawsocket::accept(stream, shared.limits().joining, shared.limits().joined.message_bytes);
    let accepted = tokio::select! {
        accepted = timeout(shared.limits().handshake, accept) => accepted,
        () = shared.stopping.cancelled() => return,
    };
    match accepted {
        Ok(Ok(link)) => session::serve(shared, link, peer, place).await,
        Ok(Err(error)) => tracing::info!(%peer, %error, "the RawSocket handshake failed"),
        Err(_) => tracing::info!(%peer, "the RawSocket handshake took too long"),
    }
}
