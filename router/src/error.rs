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
    /// The client said goodbye, or closed the connection.
    Left,
    /// The router said goodbye: it stops, or somebody ended the session.
    Dismissed,
    /// The client broke the protocol.
    Violation(Violation),
    /// The connection failed.
    Failed(io::Error),
    /// The client did not take what was waiting for it.
    TooSlow,
}

impl SessionEnd {
    /// Puts it into the log.
    pub(crate) fn log(&self) {
        match self {
            Self::Left => tracing::info!("left"),
            Self::Dismissed => tracing::info!("dismissed"),
            Self::Violation(violation) => tracing::warn!(%violation, "broke the protocol"),
            Self::Failed(error) => tracing::info!(%error, "connection lost"),
            Self::TooSlow => tracing::warn!("took its messages too slowly"),
        }
    }
}
