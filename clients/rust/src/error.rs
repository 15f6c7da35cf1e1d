//! What can go wrong for a client.

use std::fmt;
use std::io;

use wamp::error::Unconvertible;
use wamp::joiner::JoinError;
use wamp::payload::ArgumentsError;
use wamp::uri::Uri;
use wamp::value::{Dict, Value};

/// An ERROR of WAMP: what a call ended with, or what a handler answers with.
#[derive(Debug, Clone, PartialEq)]
pub struct RequestError {
    /// Which error.
    pub uri: Uri,
    /// The arguments; the first is a sentence for people, by convention.
    pub args: Vec<Value>,
    /// Details for programs.
    pub kwargs: Dict,
}

impl RequestError {
    /// An error with a sentence for people.
    #[must_use]
    pub fn new(uri: impl Into<Uri>, sentence: impl Into<String>) -> Self {
        Self {
            uri: uri.into(),
            args: vec![Value::Text(sentence.into())],
            kwargs: Dict::new(),
        }
    }

    /// The same with a detail for programs.
    #[must_use]
    pub fn with(mut self, key: &str, value: impl Into<Value>) -> Self {
        self.kwargs.insert(key.to_owned(), value.into());
        self
    }

    /// The sentence, if there is one.
    #[must_use]
    pub fn sentence(&self) -> Option<&str> {
        self.args.first().and_then(Value::as_str)
    }
}

impl fmt::Display for RequestError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.sentence() {
            Some(sentence) => write!(f, "{sentence} ({})", self.uri),
            None => self.uri.fmt(f),
        }
    }
}

impl std::error::Error for RequestError {}

/// A request failed, or could not be made.
#[derive(Debug, Clone, thiserror::Error)]
pub enum Error {
    /// The router or the callee answered with an error: nothing is wrong with the session.
    #[error(transparent)]
    Request(#[from] RequestError),
    /// The session has ended; open another one.
    #[error("the session has ended: {0}")]
    Closed(Closed),
    /// The arguments cannot be sent in this session's serializer.
    #[error(transparent)]
    Unconvertible(#[from] Unconvertible),
}

/// Why a session ended.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Closed {
    /// This side left.
    #[error("this side left")]
    Left,
    /// The router said goodbye: a URI and its sentence.
    #[error("the router closed it: {1} ({0})")]
    ByRouter(Uri, String),
    /// The router broke the protocol.
    #[error("the router broke the protocol: {0}")]
    Violation(String),
    /// The connection failed, or was closed without a word, and the session could not go on.
    #[error("the connection was lost: {0}")]
    Lost(String),
    /// The router does not let this client in, and will not unless somebody does something about it.
    #[error("{0}")]
    Refused(String),
}

/// A session could not be opened.
#[derive(Debug, thiserror::Error)]
pub enum ConnectError {
    /// The address is not one.
    #[error(
        "\"{0}\" is no address: use wss://HOST:PORT/ws, rss://HOST:PORT, quic://HOST:PORT, ws://HOST:PORT/ws, rs://HOST:PORT or unix:/PATH"
    )]
    Target(String),
    /// Nobody answers there.
    #[error("cannot connect to {0}: {1}")]
    Unreachable(String, #[source] io::Error),
    /// Somebody answers who does not speak WAMP.
    #[error("{0} does not speak WAMP here: {1}")]
    NotWamp(String, String),
    /// A desktop answers that nobody there waits for a device.
    #[error("{0} does not wait for a device now; open pairing there with `deskconnctl pair`")]
    PairingClosed(String),
    /// The connection is to be inside TLS, and nothing says whose certificate is right.
    #[error("there is no pin for {0}: a desktop's certificate is its own, and pairing tells which one is right")]
    NoPin(String),
    /// The client knows a key of the desktop, and the address would have it speak without.
    #[error(
        "{0} is not encrypted, and this client knows a key of the other end: use wss://, rss:// or quic:// with a pin, or ws:// with Noise keys"
    )]
    WouldBePlain(String),
    /// TLS failed; somebody may be between.
    #[error("no secure connection to {0}: {1}")]
    Tls(String, #[source] link::tls::ConnectError),
    /// Noise failed; somebody may be between.
    #[error("no secure connection to {0}: {1}")]
    Noise(String, #[source] link::noise::HandshakeError),
    /// The router does not let this client in.
    #[error(transparent)]
    Join(#[from] JoinError),
    /// The connection broke before the session was open.
    #[error("the connection was lost before the session was open: {0}")]
    Lost(String),
    /// It took too long.
    #[error("{0} did not answer within {1} s")]
    TooSlow(String, u64),
}

/// For programs that mix own types into arguments.
impl From<ArgumentsError> for RequestError {
    fn from(error: ArgumentsError) -> Self {
        Self::new(wamp::error::INVALID_ARGUMENT, error.to_string())
    }
}
