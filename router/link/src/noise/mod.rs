//! WAMP inside `Noise_IK_25519_ChaChaPoly_SHA256` inside WebSocket, the subprotocol `deskconn.noise.1`: for browsers, which
//! cannot pin a certificate. Revision 34 of the Noise Protocol Framework.
//!
//! The client knows the desktop's static key, which it learnt when it was paired, and shows its own. Both mix in the
//! prologue `deskconn.noise.1` and the desktop's id of 32 bytes. The two handshake messages are one binary WebSocket
//! message each: the first carries the WAMP subprotocols that the client offers, as text with commas, the second the one
//! that the router has chosen. `transport` says what follows.
//!
//! A client's first handshake message can be replayed by somebody who has recorded it, who gets as far as the answer:
//! what the peer's key is worth anything for, HELLO included, comes inside the messages that follow, which nobody can
//! make who did not make the first.

mod transport;

use std::fmt;
use std::io;
use std::sync::Arc;

use snow::{Builder, HandshakeState};
use wamp::codec::Serializer;
use wamp::limits::Bounds;
use zeroize::Zeroizing;

pub(crate) use transport::{Opener, Sealer};

use crate::websocket::{self, ConnectError, Frames, subprotocol};
use crate::wire;
use crate::{Link, ReadError, Stream};

/// The name of the WebSocket subprotocol.
pub const SUBPROTOCOL: &str = "deskconn.noise.1";
/// What the two ends run (Noise specification, §8).
const PROTOCOL: &str = "Noise_IK_25519_ChaChaPoly_SHA256";
/// Bytes of a handshake message, at most: 96 are keys and tags of the first, and a list of all subprotocols has 37.
pub const MAX_HANDSHAKE: usize = 512;

/// The private half of a static X25519 key. It is wiped when it is dropped, and not shown.
#[derive(Clone)]
pub struct Secret(Zeroizing<[u8; 32]>);

impl Secret {
    /// A key of these bytes.
    #[must_use]
    pub const fn new(bytes: Zeroizing<[u8; 32]>) -> Self {
        Self(bytes)
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(hidden)")
    }
}

/// What a router needs: its static key and the desktop's id.
#[derive(Debug, Clone)]
pub struct Responder {
    /// The router's static key.
    pub secret: Secret,
    /// The desktop's id.
    pub did: [u8; 32],
}

/// What a client needs: its own static key, and what it learnt about the desktop when it was paired.
#[derive(Debug, Clone)]
pub struct Initiator {
    /// The client's static key.
    pub secret: Secret,
    /// The desktop's static public key.
    pub desktop: [u8; 32],
    /// The desktop's id.
    pub did: [u8; 32],
}

/// What a router knows of a client behind the handshake.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Established {
    /// The client's static public key. That the client has its private half, and is there now, is shown by the first
    /// message of the link and not before.
    pub key: [u8; 32],
    /// The handshake hash, which both ends know and which is another one for each session (Noise specification, §11.2).
    pub hash: [u8; 32],
}

/// Why there is no link.
#[derive(Debug, thiserror::Error)]
pub enum HandshakeError {
    /// The connection failed, or the peer sent what WebSocket does not allow, or too much of it.
    #[error("the connection was lost during the Noise handshake: {0}")]
    Lost(#[from] ReadError),
    /// The peer closed the connection. A router does so when it has another key or id than the client thinks.
    #[error("the peer closed the connection during the Noise handshake; it may have another key than expected")]
    Closed,
    /// The message was not made for this end, or was altered on its way.
    #[error("the Noise handshake failed: the peer has other keys than expected, or somebody altered the message")]
    NotGenuine,
    /// None of the serializers that are offered is spoken, or what was not offered was chosen.
    #[error("the peers have no serializer in common inside Noise")]
    Serializer,
    /// No WebSocket was opened.
    #[error(transparent)]
    WebSocket(#[from] ConnectError),
}

impl From<io::Error> for HandshakeError {
    fn from(error: io::Error) -> Self {
        Self::Lost(error.into())
    }
}

/// The router's end, over a connection that has been upgraded to WebSocket with [`SUBPROTOCOL`]; `already_read` is what
/// was read of it beyond the request. A peer that fails is closed. The caller sets a time for it.
///
/// # Errors
/// The client means another router, or does not speak Noise, or none of our serializers.
pub async fn accept(
    stream: impl Into<Stream>,
    already_read: impl AsRef<[u8]>,
    responder: &Responder,
    bounds: Bounds,
) -> Result<(Link, Established), HandshakeError> {
    let mut frames = websocket::accepted_frames(stream, already_read, MAX_HANDSHAKE);
    let done = respond(&mut frames, responder).await;
    finish(frames, done, bounds).await
}

/// Opens a WebSocket over `stream` and in it a link, and offers these serializers, the most wanted first. `host` is what
/// the router is reached by, with the port.
///
/// # Errors
/// The other end has another key than `initiator` says, refuses, or does not speak WAMP inside Noise.
///
/// # Panics
/// No serializer is offered.
pub async fn connect(
    stream: impl Into<Stream>,
    host: &str,
    path: &str,
    initiator: &Initiator,
    serializers: &[Serializer],
    bounds: Bounds,
) -> Result<Link, HandshakeError> {
    assert!(!serializers.is_empty(), "somebody who connects must speak something");
    let mut frames = websocket::connect_frames(stream, host, path, SUBPROTOCOL, MAX_HANDSHAKE).await?;
    let done = initiate(&mut frames, initiator, serializers).await;
    finish(frames, done, bounds).await.map(|(link, _)| link)
}

async fn respond(frames: &mut Frames, responder: &Responder) -> Result<Agreed, HandshakeError> {
    let prologue = prologue(&responder.did);
    let mut state = Builder::new(protocol())
        .local_private_key(&*responder.secret.0)
        .and_then(|builder| builder.prologue(&prologue))
        .and_then(Builder::build_responder)
        .map_err(|_| HandshakeError::NotGenuine)?;
    let offers = read(frames, &mut state).await?;
    let serializer = std::str::from_utf8(&offers).ok().and_then(websocket::negotiate_plain);
    let serializer = serializer.ok_or(HandshakeError::Serializer)?;
    write(frames, &mut state, subprotocol(serializer).as_bytes()).await?;
    Ok((state, serializer))
}

async fn initiate(
    frames: &mut Frames,
    initiator: &Initiator,
    serializers: &[Serializer],
) -> Result<Agreed, HandshakeError> {
    let prologue = prologue(&initiator.did);
    let mut state = Builder::new(protocol())
        .local_private_key(&*initiator.secret.0)
        .and_then(|builder| builder.remote_public_key(&initiator.desktop))
        .and_then(|builder| builder.prologue(&prologue))
        .and_then(Builder::build_initiator)
        .map_err(|_| HandshakeError::NotGenuine)?;
    let offers: Vec<_> = serializers.iter().map(|serializer| subprotocol(*serializer)).collect();
    write(frames, &mut state, offers.join(",").as_bytes()).await?;
    let chosen = read(frames, &mut state).await?;
    let chosen = serializers
        .iter()
        .find(|serializer| subprotocol(**serializer).as_bytes() == chosen);
    Ok((state, *chosen.ok_or(HandshakeError::Serializer)?))
}

/// What a handshake ends with.
type Agreed = (HandshakeState, Serializer);

async fn write(frames: &mut Frames, state: &mut HandshakeState, payload: &[u8]) -> Result<(), HandshakeError> {
    let mut message = [0; MAX_HANDSHAKE];
    let length = state
        .write_message(payload, &mut message)
        .map_err(|_| HandshakeError::NotGenuine)?;
    frames.send(&message[..length]).await?;
    Ok(())
}

async fn read(frames: &mut Frames, state: &mut HandshakeState) -> Result<Vec<u8>, HandshakeError> {
    let message = frames.next().await?.ok_or(HandshakeError::Closed)?;
    let mut payload = vec![0; message.len()];
    let length = state
        .read_message(&message, &mut payload)
        .map_err(|_| HandshakeError::NotGenuine)?;
    payload.truncate(length);
    Ok(payload)
}

async fn finish(
    mut frames: Frames,
    done: Result<Agreed, HandshakeError>,
    bounds: Bounds,
) -> Result<(Link, Established), HandshakeError> {
    let (state, serializer) = match done {
        Ok(agreed) => agreed,
        Err(error) => {
            // So the peer need not wait until it has had enough. If it has gone, that is no matter.
            let _ = frames.hang_up().await;
            return Err(error);
        }
    };
    let established = Established {
        key: array(state.get_remote_static().unwrap_or_default())?,
        hash: array(state.get_handshake_hash())?,
    };
    let cipher = state.into_stateless_transport_mode();
    let cipher = Arc::new(cipher.map_err(|_| HandshakeError::NotGenuine)?);
    let (reader, writer) = frames.into_parts();
    let link = wire::sealed_link(
        (reader, Opener::new(Arc::clone(&cipher))),
        (writer, Sealer::new(cipher)),
        serializer,
        bounds,
    );
    Ok((link, established))
}

fn array(bytes: &[u8]) -> Result<[u8; 32], HandshakeError> {
    bytes.try_into().map_err(|_| HandshakeError::NotGenuine)
}

fn protocol() -> snow::params::NoiseParams {
    PROTOCOL.parse().expect("the name is one that the library knows")
}

fn prologue(did: &[u8; 32]) -> Vec<u8> {
    [SUBPROTOCOL.as_bytes(), did].concat()
}
