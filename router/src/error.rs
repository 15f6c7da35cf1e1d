//! Why a door could not be opened, and why a session ended.

use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;

use wamp::error::Violation;

/// A listener could not be opened.
#[derive(Debug, thiserror::Error)]
pub enum ListenError {
    /// Somebody else has the port.
    #[error("port {} on {} is taken by another program; stop that program, or choose another port with --port or [listen] tcp in the configuration", .0.port(), .0.ip())]
    PortTaken(SocketAddr),
    /// The address cannot be listened on.
    #[error("cannot listen on {0}: {1}; choose other addresses with [listen] tcp in the configuration")]
    Tcp(SocketAddr, #[source] io::Error),
    /// The address cannot be listened on for QUIC.
    #[error("cannot listen on UDP {0}: {1}; choose other addresses with [listen] quic in the configuration")]
    Quic(SocketAddr, #[source] io::Error),
    /// There is no certificate, without which there is no QUIC.
    #[error(
        "[listen] quic needs a certificate, and a router without a desktop has none of its own; name one below [tls], or leave quic out"
    )]
    NoCertificate,
    /// Another router is running on that socket.
    #[error("another program is listening on {}; stop it, or choose another path with [listen] unix in the configuration", .0.display())]
    SocketTaken(PathBuf),
    /// The socket cannot be made.
    #[error("cannot listen on {}: {error}; choose another path with [listen] unix in the configuration", path.display())]
    Unix {
        /// The path.
        path: PathBuf,
        /// What the system said.
        #[source]
        error: io::Error,
    },
}

/// Why a session ended.
#[derive(Debug)]
pub(crate) enum SessionEnd {
    /// The client said goodbye.
    Left,
    /// The client closed the connection without a word.
    Closed,
    /// The router said goodbye: it stops, or somebody ended the session.
    Dismissed,
    /// The client broke the protocol.
    Violation(Violation),
    /// The connection failed.
    Failed(io::Error),
    /// The client did not take what was waiting for it, and more than events was lost.
    TooSlow,
    /// The client took nothing for so long that it counts as gone.
    Stalled,
    /// The client gave no sign of life for so long that it counts as gone.
    Silent,
    /// The keys of the connection may be used no longer.
    UsedUp,
    /// The session goes on over another connection.
    Replaced,
}

impl SessionEnd {
    /// Whether only the connection is lost: a session that can be resumed waits for its client then.
    pub(crate) const fn is_lost(&self) -> bool {
        match self {
            Self::Closed | Self::Failed(_) | Self::Stalled | Self::Silent | Self::UsedUp => true,
            Self::Left | Self::Dismissed | Self::Violation(_) | Self::TooSlow | Self::Replaced => false,
        }
    }
}
