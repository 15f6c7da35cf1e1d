//! QUIC: the same RawSocket as over TCP, with the router's own certificate, on UDP.

use std::io;
use std::net::{SocketAddr, UdpSocket};
use std::sync::Arc;

use link::quic::{Incoming, Listener, Silence};
use rustix::net::{AddressFamily, SocketType, bind, ipproto, socket, sockopt};
use tokio::time::timeout;

use super::{Listening, bind_each, note_turned_away, serve_rawsocket};
use crate::channel::Channel;
use crate::error::ListenError;
use crate::gate::{Peer, Transport};
use crate::limits::{LONGEST_PING, Limits};
use crate::{Router, Shared};

impl Router {
    /// Listens for QUIC on these UDP addresses, with the certificate of TLS. To be called in a runtime.
    ///
    /// # Errors
    /// There is no certificate, or one of the addresses cannot be listened on. An address family that this machine does not
    /// have is left out, unless it was the only one.
    pub fn listen_quic(&self, addresses: &[SocketAddr]) -> Result<Listening, ListenError> {
        let config = self.0.keys.tls.as_ref().ok_or(ListenError::NoCertificate)?;
        let silence = silence(&self.0.limits());
        let open = |address| Listener::new(open(address)?, config, silence);
        let mut opened = Vec::new();
        for (address, listener) in bind_each(addresses, open, ListenError::Quic)? {
            let local = listener.local_addr();
            opened.push(local.map_err(|error| ListenError::Quic(address, error))?);
            self.0.tasks.spawn(accept(Arc::clone(&self.0), listener));
        }
        Ok(Listening { addresses: opened })
    }
}

/// How a silent client is noticed. Where sessions are asked by PINGs it is those that notice it, and QUIC only sees to it that
/// no connection stays for ever: a client may have wished to be asked as seldom as can be.
fn silence(limits: &Limits) -> Silence {
    /// Questions before a connection counts as lost: one packet may be lost.
    const QUESTIONS: u32 = 3;
    match (limits.dead, limits.ping) {
        (None, _) => Silence { dead: None, ask: None },
        (Some(dead), Some(_)) => Silence {
            dead: Some(LONGEST_PING + dead),
            ask: None,
        },
        (Some(dead), None) => Silence {
            dead: Some(dead),
            ask: Some(dead / QUESTIONS),
        },
    }
}

fn open(address: SocketAddr) -> io::Result<UdpSocket> {
    let family = if address.is_ipv4() {
        AddressFamily::INET
    } else {
        AddressFamily::INET6
    };
    let socket = socket(family, SocketType::DGRAM, Some(ipproto::UDP))?;
    if address.is_ipv6() {
        // As over TCP: both families side by side.
        sockopt::set_ipv6_v6only(&socket, true)?;
    }
    bind(&socket, &address)?;
    Ok(socket.into())
}

async fn accept(shared: Arc<Shared>, listener: Listener) {
    loop {
        let incoming = tokio::select! {
            incoming = listener.accept() => incoming,
            () = shared.stopping.cancelled() => return,
        };
        let Some(incoming) = incoming else { return };
        shared.tasks.spawn(serve(Arc::clone(&shared), incoming));
    }
}

async fn serve(shared: Arc<Shared>, incoming: Incoming) {
    let mut peer = Peer {
        transport: Transport::Quic,
        address: Some(incoming.address()),
        uid: None,
        origin: None,
        channel: Channel::Plain,
    };
    let place = match shared.counters.connect(peer.ip(), &shared.limits()) {
        Ok(place) => place,
        Err(why) => {
            note_turned_away(&shared, &peer, why);
            return incoming.refuse();
        }
    };
    let accepted = tokio::select! {
        accepted = timeout(shared.limits().handshake, Box::pin(incoming.accept())) => accepted,
        () = shared.stopping.cancelled() => return,
    };
    match accepted {
        Ok(Ok(accepted)) => {
            peer.channel = Channel::of_tls(accepted.exporters, accepted.client);
            serve_rawsocket(shared, accepted.stream, peer, Some(place)).await;
        }
        Ok(Err(error)) => tracing::info!(%peer, %error, "the QUIC handshake failed"),
        Err(_) => tracing::info!(%peer, "the QUIC handshake took too long"),
    }
}
