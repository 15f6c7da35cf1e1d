//! How a connection is protected on its way, and the keys that this end needs for it.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use link::{noise, tls};

/// How long a session inside Noise may live: its keys are never renewed, so a new handshake is asked for once a day.
pub const NOISE_SESSION: Duration = Duration::from_secs(24 * 60 * 60);

/// The keys of a router. Where one is missing, that kind of protection is not offered.
#[derive(Debug, Clone, Default)]
pub struct Keys {
    /// The certificate and its key; see [`tls::server_config`].
    pub tls: Option<Arc<tls::ServerConfig>>,
    /// The static key and the desktop's id.
    pub noise: Option<Arc<noise::Responder>>,
}

/// What keeps others from reading and altering what is said on a connection.
#[derive(Clone, PartialEq, Eq, Default)]
pub enum Channel {
    /// Nothing.
    #[default]
    Plain,
    /// TLS 1.3. The router has shown its certificate; the client is known by it where it has one too.
    Tls {
        /// Of the label `EXPORTER-deskconn-pair/1`; see [`tls::Exporters`].
        exporter_pair: [u8; 32],
        /// Of the label `EXPORTER-deskconn-login/1`.
        exporter_login: [u8; 32],
        /// The channel binding `tls-exporter` (RFC 9266).
        binding: [u8; 32],
        /// The client's certificate in DER: verified, and the client has its key.
        client: Option<Arc<[u8]>>,
    },
    /// Noise inside WebSocket. By the time the [`crate::Gate`] is asked, the client has shown that it has its key.
    Noise {
        /// The client's static public key: it decides which device this is.
        key: [u8; 32],
        /// The handshake hash, which no other session has.
        hash: [u8; 32],
    },
}

impl Channel {
    /// The kind in one word: `plain`, `tls`, `noise`.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Plain => "plain",
            Self::Tls { .. } => "tls",
            Self::Noise { .. } => "noise",
        }
    }

    /// TLS with a client that has shown this certificate.
    #[must_use]
    pub const fn of_tls(exporters: tls::Exporters, client: Option<Arc<[u8]>>) -> Self {
        Self::Tls {
            exporter_pair: exporters.pair,
            exporter_login: exporters.login,
            binding: exporters.binding,
            client,
        }
    }

    /// What only the two ends of the connection know, for logins that are bound to it: `tls-exporter` of RFC 9266.
    #[must_use]
    pub const fn binding(&self) -> Option<[u8; 32]> {
        match self {
            Self::Tls { binding, .. } => Some(*binding),
            Self::Plain | Self::Noise { .. } => None,
        }
    }

    /// The certificate by which the client is known.
    #[must_use]
    pub const fn client_certificate(&self) -> Option<&Arc<[u8]>> {
        match self {
            Self::Tls { client, .. } => client.as_ref(),
            Self::Plain | Self::Noise { .. } => None,
        }
    }
}

impl From<noise::Established> for Channel {
    fn from(established: noise::Established) -> Self {
        Self::Noise {
            key: established.key,
            hash: established.hash,
        }
    }
}

/// Only the kind: what both ends alone know does not belong into a log.
impl fmt::Debug for Channel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Plain => "Plain",
            Self::Tls { .. } => "Tls",
            Self::Noise { .. } => "Noise",
        })
    }
}
