//! From an address to an open session.

use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::time::Duration;

use ed25519_dalek::SigningKey;
use link::noise::Initiator as NoiseLogin;
use link::tls::{self, Trust};
use link::{Link, Stream};
use tokio::net::TcpStream;
use tokio::sync::mpsc;
use tokio::time::timeout;
use wamp::codec::Serializer;
use wamp::limits::Bounds;
use wamp::uri::Uri;
use wamp::value::Dict;

use crate::error::ConnectError;
use crate::login::{Secret, join};
use crate::passing::Passed;
use crate::pulse::KEEP_ALIVE;
use crate::session::Session;

/// How long opening a session may take. Where a person must first approve, [`Options::patience`] says more.
const PATIENCE: Duration = Duration::from_secs(10);

/// Where a router is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Target {
    /// `ws://HOST:PORT/PATH`.
    WebSocket {
        /// Host and port.
        host: String,
        /// The path, with its slash.
        path: String,
    },
    /// `rs://HOST:PORT`.
    RawSocket {
        /// Host and port.
        host: String,
    },
    /// `wss://HOST:PORT/PATH`: WebSocket inside TLS. Needs [`Options::pin`].
    SecureWebSocket {
        /// Host and port.
        host: String,
        /// The path, with its slash.
        path: String,
    },
    /// `rss://HOST:PORT`: RawSocket inside TLS. Needs [`Options::pin`].
    SecureRawSocket {
        /// Host and port.
        host: String,
    },
    /// `quic://HOST:PORT`: RawSocket inside QUIC, on UDP. Needs [`Options::pin`].
    Quic {
        /// Host and port.
        host: String,
    },
    /// `unix:/PATH`.
    Unix(PathBuf),
}

impl FromStr for Target {
    type Err = ConnectError;

    fn from_str(text: &str) -> Result<Self, ConnectError> {
        let wrong = || ConnectError::Target(text.to_owned());
        if let Some(path) = text.strip_prefix("unix:") {
            let path = path.strip_prefix("//").unwrap_or(path);
            return if path.starts_with('/') {
                Ok(Self::Unix(path.into()))
            } else {
                Err(wrong())
            };
        }
        let (scheme, rest) = text.split_once("://").ok_or_else(wrong)?;
        let (host, path) = rest.find('/').map_or((rest, ""), |at| rest.split_at(at));
        let is_host = host
            .rsplit_once(':')
            .is_some_and(|(name, port)| !name.is_empty() && port.parse::<u16>().is_ok());
        if !is_host {
            return Err(wrong());
        }
        let host = host.to_owned();
        let path_or = |default: &str| if path.is_empty() { default } else { path }.to_owned();
        match (scheme, path) {
            ("ws", _) => Ok(Self::WebSocket {
                host,
                path: path_or(WAMP_PATH),
            }),
            ("wss", _) => Ok(Self::SecureWebSocket {
                host,
                path: path_or(WAMP_PATH),
            }),
            ("rs" | "tcp", "" | "/") => Ok(Self::RawSocket { host }),
            ("rss", "" | "/") => Ok(Self::SecureRawSocket { host }),
            ("quic", "" | "/") => Ok(Self::Quic { host }),
            _ => Err(wrong()),
        }
    }
}

impl Target {
    /// The port, where there is one.
    pub(crate) fn port(&self) -> Option<&str> {
        self.host()?.rsplit_once(':').map(|(_, port)| port)
    }

    /// Host and port, where there are.
    #[must_use]
    pub fn host(&self) -> Option<&str> {
        match self {
            Self::WebSocket { host, .. }
            | Self::RawSocket { host }
            | Self::SecureWebSocket { host, .. }
            | Self::SecureRawSocket { host }
            | Self::Quic { host } => Some(host),
            Self::Unix(_) => None,
        }
    }

    /// The same at another host and port.
    pub(crate) fn at_host(&self, other: &str) -> Option<Self> {
        let mut target = self.clone();
        match &mut target {
            Self::WebSocket { host, .. }
            | Self::RawSocket { host }
            | Self::SecureWebSocket { host, .. }
            | Self::SecureRawSocket { host }
            | Self::Quic { host } => other.clone_into(host),
            Self::Unix(_) => return None,
        }
        Some(target)
    }
}

/// Where routers have WAMP, if nothing else is said.
const WAMP_PATH: &str = "/ws";

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::WebSocket { host, path } => write!(f, "ws://{host}{path}"),
            Self::SecureWebSocket { host, path } => write!(f, "wss://{host}{path}"),
            Self::RawSocket { host } => write!(f, "rs://{host}"),
            Self::SecureRawSocket { host } => write!(f, "rss://{host}"),
            Self::Quic { host } => write!(f, "quic://{host}"),
            Self::Unix(path) => write!(f, "unix:{}", path.display()),
        }
    }
}

/// What a session is opened with.
#[derive(Debug, Clone)]
pub struct Options {
    /// The realm.
    pub realm: Uri,
    /// The name to ask for.
    pub authid: Option<String>,
    /// The role to ask for.
    pub authrole: Option<String>,
    /// What goes along, such as a pairing code under `otp`.
    pub authextra: Dict,
    /// The key to log in with; without one, and without a secret, the client is anonymous.
    pub key: Option<SigningKey>,
    /// A ticket or a password to log in with, as [`Options::authid`].
    pub secret: Option<Secret>,
    /// The pin of the desktop's certificate, SHA-256 of its `SubjectPublicKeyInfo`, which pairing tells. With it `wss`, `rss`
    /// and `quic` are spoken, and plain `ws` and `rs` never.
    pub pin: Option<[u8; 32]>,
    /// A certificate of the client's own, which it shows inside TLS where it is asked for one, and logs in by where the router
    /// takes that.
    pub certificate: Option<tls::Chain>,
    /// What both ends of a connection inside TLS know (RFC 9266, `tls-exporter`): signatures are bound to it where the router does
    /// that too. Whoever connects by [`Session::connect`] or a [`crate::Client`] need not set it.
    pub channel: Option<[u8; 32]>,
    /// With it `ws` is spoken inside Noise alone, and plain `rs` never.
    pub noise: Option<NoiseLogin>,
    /// The serializer; the first that the router takes, where there is a choice.
    pub serializers: Vec<Serializer>,
    /// What is accepted from the router.
    pub bounds: Bounds,
    /// How long opening the session may take.
    pub patience: Duration,
    /// After so much silence the router is asked for a sign of life, and if none comes the connection counts as lost;
    /// [`KEEP_ALIVE`] if nothing else is said. Links inside a process are never silent.
    pub keep_alive: Option<Duration>,
    /// Where messages go that the session itself has no use for, for a program that passes them on ([`Passed`]). While it is
    /// full nothing is read. With it the client announces all that other clients may send.
    pub passed: Option<mpsc::Sender<Passed>>,
}

impl Options {
    /// Anonymously, in `MessagePack` if the router has it.
    #[must_use]
    pub fn new(realm: &str) -> Self {
        Self {
            realm: realm.into(),
            authid: None,
            authrole: None,
            authextra: Dict::new(),
            key: None,
            secret: None,
            pin: None,
            certificate: None,
            channel: None,
            noise: None,
            serializers: vec![Serializer::MessagePack, Serializer::Json, Serializer::Cbor],
            bounds: Bounds {
                message_bytes: 16 << 20,
                ..Bounds::JOINED
            },
            patience: PATIENCE,
            keep_alive: Some(KEEP_ALIVE),
            passed: None,
        }
    }

    pub(crate) fn keep_alive_over(&self, link: &Link) -> Option<Duration> {
        self.keep_alive.filter(|_| link.writer.serializer().is_some())
    }

    /// The same with the pin of a desktop's certificate.
    #[must_use]
    pub fn pin(mut self, spki: [u8; 32]) -> Self {
        self.pin = Some(spki);
        self
    }

    /// The same with what Noise needs.
    #[must_use]
    pub fn noise(mut self, login: NoiseLogin) -> Self {
        self.noise = Some(login);
        self
    }
}

impl Session {
    /// Connects to a router and opens a session.
    ///
    /// # Errors
    /// Nobody answers, or the router does not let this client in.
    pub async fn connect(target: &Target, mut options: Options) -> Result<Self, ConnectError> {
        let patience = options.patience;
        let opening = async {
            let link = connect(target, &mut options).await?;
            Self::over(link, options).await
        };
        let late = || ConnectError::TooSlow(target.to_string(), patience.as_secs());
        timeout(patience, opening).await.unwrap_or_else(|_| Err(late()))
    }

    /// Opens a session over a link that is connected.
    ///
    /// # Errors
    /// The router does not let this client in, or the link breaks.
    pub async fn over(mut link: Link, options: Options) -> Result<Self, ConnectError> {
        link.reader.set_bounds(options.bounds);
        let keep_alive = options.keep_alive_over(&link);
        let passed = options.passed.clone();
        let welcome = join(&mut link, options, None).await?;
        Ok(Self::start(link, keep_alive, welcome, passed))
    }
}

/// A link to a router. Inside TLS the options get what binds the login to it.
pub(crate) async fn connect(target: &Target, options: &mut Options) -> Result<Link, ConnectError> {
    let mut channel = None;
    let link = connect_and_note(target, options, &mut channel).await;
    options.channel = channel;
    link
}

async fn connect_and_note(
    target: &Target,
    options: &Options,
    channel: &mut Option<[u8; 32]>,
) -> Result<Link, ConnectError> {
    let Options {
        serializers,
        bounds,
        noise,
        pin,
        ..
    } = options;
    let serializer = serializers.first().copied().unwrap_or(Serializer::MessagePack);
    let not_wamp = |error: &dyn fmt::Display| ConnectError::NotWamp(target.to_string(), error.to_string());
    // Whoever knows a key of the desktop is not to be talked out of using it.
    let may_be_plain = pin.is_none() && noise.is_none();
    let plain = || ConnectError::WouldBePlain(target.to_string());
    match (target, noise) {
        (Target::WebSocket { host, path }, Some(login)) => {
            let stream = tcp(target, host).await?;
            let link = link::noise::connect(stream, host, path, login, serializers, *bounds).await;
            link.map_err(|error| ConnectError::Noise(target.to_string(), error))
        }
        (Target::WebSocket { .. } | Target::RawSocket { .. }, _) if !may_be_plain => Err(plain()),
        (Target::WebSocket { host, path }, None) => {
            let link = link::websocket::connect(tcp(target, host).await?, host, path, serializers, *bounds).await;
            link.map_err(|error| not_wamp(&error))
        }
        (Target::SecureWebSocket { host, path }, _) => {
            let stream = pinned(target, host, options, channel).await?;
            let link = link::websocket::connect(stream, host, path, serializers, *bounds).await;
            link.map_err(|error| not_wamp(&error))
        }
        (Target::RawSocket { host }, _) => {
            let link = link::rawsocket::connect(tcp(target, host).await?, serializer, *bounds).await;
            link.map_err(|error| not_wamp(&error))
        }
        (Target::SecureRawSocket { host }, _) => {
            let link =
                link::rawsocket::connect(pinned(target, host, options, channel).await?, serializer, *bounds).await;
            link.map_err(|error| not_wamp(&error))
        }
        (Target::Quic { host }, _) => {
            let pin = pin.ok_or_else(|| ConnectError::NoPin(target.to_string()))?;
            let own = options.certificate.as_ref();
            let connected = Box::pin(link::quic::connect_as(host, Trust::Pin(pin), own)).await;
            let (stream, exporters) = connected.map_err(|error| ConnectError::Tls(target.to_string(), error))?;
            *channel = Some(exporters.binding);
            let link = link::rawsocket::connect(stream, serializer, *bounds).await;
            link.map_err(|error| not_wamp(&error))
        }
        (Target::Unix(path), _) => {
            let stream = unix(target, path).await?;
            let link = link::rawsocket::connect(stream, serializer, *bounds).await;
            link.map_err(|error| not_wamp(&error))
        }
    }
}

/// A TCP connection.
pub(crate) async fn tcp(target: &Target, host: &str) -> Result<TcpStream, ConnectError> {
    let unreachable = |error| ConnectError::Unreachable(target.to_string(), error);
    let stream = TcpStream::connect(host).await.map_err(unreachable)?;
    // Small messages must not wait for the answer to the last one.
    stream.set_nodelay(true).map_err(unreachable)?;
    Ok(stream)
}

/// A connection to a Unix socket.
#[cfg(unix)]
async fn unix(target: &Target, path: &Path) -> Result<Stream, ConnectError> {
    let connected = tokio::net::UnixStream::connect(path).await;
    connected
        .map(Stream::Unix)
        .map_err(|error| ConnectError::Unreachable(target.to_string(), error))
}

/// Refused: tokio has Unix sockets on Unix only.
#[cfg(not(unix))]
fn unix(target: &Target, _path: &Path) -> std::future::Ready<Result<Stream, ConnectError>> {
    let why = "on this system there are no Unix sockets for it; name the desktop by an address that begins with ws:// or rs://";
    let error = std::io::Error::new(std::io::ErrorKind::Unsupported, why);
    std::future::ready(Err(ConnectError::Unreachable(target.to_string(), error)))
}

/// A TLS connection to the one whose key is pinned.
async fn pinned(
    target: &Target,
    host: &str,
    options: &Options,
    channel: &mut Option<[u8; 32]>,
) -> Result<Stream, ConnectError> {
    let pin = options.pin.ok_or_else(|| ConnectError::NoPin(target.to_string()))?;
    let own = options.certificate.as_ref();
    let connected = tls::connect_as(tcp(target, host).await?, Trust::Pin(pin), own).await;
    let connected = connected.map_err(|error| ConnectError::Tls(target.to_string(), error))?;
    *channel = Some(connected.exporters.binding);
    Ok(connected.stream)
}

#[cfg(test)]
mod tests;
