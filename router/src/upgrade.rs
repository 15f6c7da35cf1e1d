//! From an HTTP request to a WebSocket: for WAMP, for WAMP inside Noise, and for frames that are the front door's business.

use std::io;
use std::sync::{Arc, Mutex, PoisonError};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http_body_util::Full;
use hyper::header::{
    CONNECTION, HeaderValue, SEC_WEBSOCKET_ACCEPT, SEC_WEBSOCKET_KEY, SEC_WEBSOCKET_PROTOCOL, SEC_WEBSOCKET_VERSION,
    UPGRADE,
};
use hyper::upgrade::{OnUpgrade, Parts};
use hyper::{HeaderMap, StatusCode, Version};
use hyper_util::rt::TokioIo;
use link::{Link, ReadError, noise, websocket};
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;
use tokio_util::task::task_tracker::TaskTrackerToken;

use crate::gate::{Peer, Pending, Request, Response};
use crate::limits::Place;
use crate::linger::Watched;
use crate::{Shared, session};

/// Bytes of a `Sec-WebSocket-Key` when decoded (RFC 6455 §4.1).
const KEY_LENGTH: usize = 16;

/// What a request on this connection needs to become a WebSocket. The connection's place is in it until then, so a
/// connection that goes on with HTTP keeps being counted.
pub(crate) struct Ticket {
    shared: Arc<Shared>,
    place: Mutex<Option<Place>>,
}

impl Ticket {
    pub(crate) fn new(shared: Arc<Shared>, place: Place) -> Self {
        Self {
            shared,
            place: Mutex::new(Some(place)),
        }
    }

    fn take(&self) -> Option<Place> {
        self.place.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

/// What goes on inside a WebSocket that was asked for WAMP.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Inside {
    Wamp(websocket::Format),
    Noise,
}

impl Inside {
    /// What the first of the client's offers means that is spoken here.
    fn of<'a>(mut offers: impl Iterator<Item = &'a str>, has_noise: bool) -> Option<Self> {
        offers.find_map(|offer| match offer {
            noise::SUBPROTOCOL => has_noise.then_some(Self::Noise),
            other => websocket::negotiate(other).map(Self::Wamp),
        })
    }

    const fn subprotocol(self) -> &'static str {
        match self {
            Self::Wamp(format) => format.subprotocol(),
            Self::Noise => noise::SUBPROTOCOL,
        }
    }
}

/// Answers 101 and lets a session begin on the connection.
pub(crate) fn wamp(shared: Arc<Shared>, mut request: Request, mut peer: Peer) -> Result<Response, Box<Response>> {
    let accept = accept_key(request.version(), request.headers())?;
    let inside = Inside::of(offers(request.headers()), shared.keys.noise.is_some()).ok_or_else(|| {
        let sentence =
            "offer one of the subprotocols wamp.2.json, wamp.2.msgpack, wamp.2.cbor, or one of these with .batched\n";
        Box::new(refusal(StatusCode::BAD_REQUEST, sentence))
    })?;
    let (_, place, upgraded) = take_over(&mut request)?;
    let tasks = shared.tasks.clone();
    tasks.spawn(async move {
        match taken_over(upgraded).await {
            Ok(parts) => {
                if let Some(link) = Box::pin(begin(&shared, parts, inside, &mut peer)).await {
                    session::serve(shared, link, peer, Some(place)).await;
                }
            }
            Err(error) => tracing::debug!(%error, "the connection closed before it was upgraded"),
        }
    });
    Ok(switching(accept, inside.subprotocol()))
}

/// The link inside a WebSocket; with Noise there is a handshake first, which may fail.
async fn begin(shared: &Shared, parts: Parts<TokioIo<Watched>>, inside: Inside, peer: &mut Peer) -> Option<Link> {
    let (stream, already_read) = (parts.io.into_inner().into_stream(), parts.read_buf);
    let bounds = shared.limits().joining;
    let responder = match (inside, shared.keys.noise.clone()) {
        (Inside::Wamp(format), _) => return Some(websocket::accepted(stream, already_read, format, bounds)),
        (Inside::Noise, None) => unreachable!("it is offered only where there is a key"),
        (Inside::Noise, Some(responder)) => responder,
    };
    let accept = noise::accept(stream, already_read, &responder, bounds);
    let accepted = tokio::select! {
        accepted = timeout(shared.limits().handshake, accept) => accepted,
        () = shared.stopping.cancelled() => return None,
    };
    match accepted {
        Ok(Ok((link, established))) => {
            peer.channel = established.into();
            return Some(link);
        }
        Ok(Err(error)) => tracing::info!(%peer, %error, "the Noise handshake failed"),
        Err(_) => tracing::info!(%peer, "the Noise handshake took too long"),
    }
    None
}

/// A WebSocket that the front door has taken over: binary messages of a protocol of its own. It counts as a connection
/// that has not joined as long as it lives, so whoever holds it must end it in time.
#[derive(Debug)]
pub struct Frames {
    frames: websocket::Frames,
    shared: Arc<Shared>,
    _place: Place,
    /// The router waits for it when it stops.
    _token: TaskTrackerToken,
}

/// What [`accept_frames`] gives: the answer to the request, and the WebSocket that comes to be when it has been sent.
pub type AcceptedFrames = (Response, Pending<'static, io::Result<Frames>>);

/// Takes over a connection from [`crate::FrontDoor::respond`] as a WebSocket with this subprotocol, for binary messages
/// of at most `longest` bytes. The future must run beside the answer, in a task of its own.
///
/// # Errors
/// The request does not ask for such a WebSocket; the answer says so.
pub fn accept_frames(
    mut request: Request,
    subprotocol: &'static str,
    longest: usize,
) -> Result<AcceptedFrames, Box<Response>> {
    if !is_upgrade(request.headers()) {
        let sentence = "only WebSocket is spoken here\n";
        return Err(Box::new(refusal(StatusCode::UPGRADE_REQUIRED, sentence)));
    }
    let accept = accept_key(request.version(), request.headers())?;
    if !offers(request.headers()).any(|offer| offer == subprotocol) {
        let sentence = "this subprotocol is not spoken here\n";
        return Err(Box::new(refusal(StatusCode::BAD_REQUEST, sentence)));
    }
    let (shared, place, upgraded) = take_over(&mut request)?;
    let frames = async move {
        let parts = timeout(shared.limits().handshake, taken_over(upgraded)).await??;
        Ok(Frames {
            frames: websocket::accepted_frames(parts.io.into_inner().into_stream(), parts.read_buf, longest),
            _token: shared.tasks.token(),
            shared,
            _place: place,
        })
    };
    Ok((switching(accept, subprotocol), Box::pin(frames)))
}

impl Frames {
    /// The next message; `None` when the peer has closed the connection in order, or the router stops. It may be
    /// dropped and called again. PINGs are answered meanwhile.
    ///
    /// # Errors
    /// The peer sent too much, or what is no binary message, or the connection failed. Nothing more can be read.
    pub async fn next(&mut self) -> io::Result<Option<Bytes>> {
        let read = tokio::select! {
            read = self.frames.next() => read,
            () = self.shared.stopping.cancelled() => Ok(None),
        };
        read.map_err(|error| match error {
            ReadError::Io(error) => error,
            ReadError::Violation(violation) => io::Error::new(io::ErrorKind::InvalidData, violation),
        })
    }

    /// Sends a message.
    ///
    /// # Errors
    /// It is longer than what was agreed, the peer takes nothing, or the connection failed or was closed.
    pub async fn send(&mut self, message: &[u8]) -> io::Result<()> {
        timeout(self.shared.limits().write_stall, self.frames.send(message)).await?
    }

    /// Closes the connection, and gives the peer a moment to take what was sent last.
    pub async fn close(mut self) {
        let _ = timeout(self.shared.limits().farewell, self.frames.close()).await;
    }
}

/// Takes the connection's place, and the promise of the connection itself.
fn take_over(request: &mut Request) -> Result<(Arc<Shared>, Place, OnUpgrade), Box<Response>> {
    let ticket = request.extensions().get::<Arc<Ticket>>();
    let Some((shared, place)) = ticket.and_then(|ticket| Some((Arc::clone(&ticket.shared), ticket.take()?))) else {
        let sentence = "this connection cannot become a WebSocket\n";
        return Err(Box::new(refusal(StatusCode::INTERNAL_SERVER_ERROR, sentence)));
    };
    Ok((shared, place, hyper::upgrade::on(request)))
}

/// The connection, when the answer has been sent.
async fn taken_over(upgraded: OnUpgrade) -> io::Result<Parts<TokioIo<Watched>>> {
    let upgraded = upgraded.await.map_err(io::Error::other)?;
    upgraded
        .downcast()
        .map_err(|_| io::Error::other("the upgraded connection is not of the type it was accepted as"))
}

fn switching(accept: HeaderValue, subprotocol: &'static str) -> Response {
    let mut response = Response::new(Full::default());
    *response.status_mut() = StatusCode::SWITCHING_PROTOCOLS;
    let headers = response.headers_mut();
    headers.insert(UPGRADE, HeaderValue::from_static("websocket"));
    headers.insert(CONNECTION, HeaderValue::from_static("Upgrade"));
    headers.insert(SEC_WEBSOCKET_ACCEPT, accept);
    headers.insert(SEC_WEBSOCKET_PROTOCOL, HeaderValue::from_static(subprotocol));
    response
}

/// The proof that this end understands WebSocket (RFC 6455 §4.2.2), for a request that asks for it as it must (§4.2.1).
fn accept_key(version: Version, headers: &HeaderMap) -> Result<HeaderValue, Box<Response>> {
    // HTTP/1.0 has no answer that switches protocols.
    if version < Version::HTTP_11 {
        let sentence = "a WebSocket is asked for with HTTP/1.1\n";
        return Err(Box::new(refusal(StatusCode::BAD_REQUEST, sentence)));
    }
    if headers.get(SEC_WEBSOCKET_VERSION).is_none_or(|version| version != "13") {
        let mut response = refusal(StatusCode::UPGRADE_REQUIRED, "WebSocket version 13 is spoken here\n");
        response
            .headers_mut()
            .insert(SEC_WEBSOCKET_VERSION, HeaderValue::from_static("13"));
        return Err(Box::new(response));
    }
    let key = headers
        .get(SEC_WEBSOCKET_KEY)
        .map(HeaderValue::as_bytes)
        .unwrap_or_default();
    if STANDARD.decode(key).map_or(0, |key| key.len()) != KEY_LENGTH {
        let sentence = "Sec-WebSocket-Key is missing or wrong\n";
        return Err(Box::new(refusal(StatusCode::BAD_REQUEST, sentence)));
    }
    Ok(HeaderValue::from_str(&derive_accept_key(key)).expect("base64 is a header value"))
}

/// The subprotocols that the client offers, in its order of preference (RFC 6455 §4.1).
fn offers(headers: &HeaderMap) -> impl Iterator<Item = &str> {
    let values = headers.get_all(SEC_WEBSOCKET_PROTOCOL).iter();
    let values = values.filter_map(|offers| offers.to_str().ok());
    values.flat_map(|offers| offers.split(',')).map(str::trim)
}

/// Whether nothing but Noise is asked for, so that whoever asks gets nothing without a key.
pub(crate) fn offers_noise_alone(headers: &HeaderMap) -> bool {
    let mut offers = offers(headers).peekable();
    offers.peek().is_some() && offers.all(|offer| offer == noise::SUBPROTOCOL)
}

pub(crate) fn is_upgrade(headers: &HeaderMap) -> bool {
    let names = |header, token: &str| {
        let values = headers.get_all(header).iter().filter_map(|value| value.to_str().ok());
        values
            .flat_map(|value| value.split(','))
            .any(|name| name.trim().eq_ignore_ascii_case(token))
    };
    names(CONNECTION, "upgrade") && names(UPGRADE, "websocket")
}

/// An answer that says no. The connection is closed after it: a page that is refused must not hold a place among the
/// connections of its address.
pub(crate) fn refusal(status: StatusCode, sentence: &'static str) -> Response {
    let mut response = Response::new(Full::new(Bytes::from_static(sentence.as_bytes())));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(CONNECTION, HeaderValue::from_static("close"));
    response
}

#[cfg(test)]
mod tests {
    use wamp::codec::Serializer;

    use super::*;

    #[test]
    fn a_websocket_is_asked_for_with_http_1_1_and_version_13_and_a_key() {
        let right = [
            ("sec-websocket-version", "13"),
            ("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ=="),
        ];
        let asked = |version, fields: [(&'static str, &'static str); 2]| {
            let fields = fields.map(|(name, value)| (name.parse().unwrap(), HeaderValue::from_static(value)));
            let key = accept_key(version, &HeaderMap::from_iter(fields));
            key.map_err(|refusal| refusal.status().as_u16())
        };
        assert_eq!(asked(Version::HTTP_11, right).unwrap(), "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
        assert_eq!(asked(Version::HTTP_10, right), Err(400));
        assert_eq!(
            asked(Version::HTTP_11, [("sec-websocket-version", "8"), right[1]]),
            Err(426)
        );
        assert_eq!(
            asked(Version::HTTP_11, [right[0], ("sec-websocket-key", "short")]),
            Err(400)
        );
    }

    #[test]
    fn the_first_offer_that_is_spoken_is_taken_and_noise_only_where_there_is_a_key() {
        let inside = |offers: &str, has_noise| Inside::of(offers.split(", "), has_noise);
        let json = Some(Inside::Wamp(Serializer::Json.into()));
        assert_eq!(inside("deskconn.noise.1, wamp.2.json", true), Some(Inside::Noise));
        assert_eq!(inside("deskconn.noise.1, wamp.2.json", false), json);
        assert_eq!(inside("wamp.2.json, deskconn.noise.1", true), json);
        assert_eq!(inside("deskconn.noise.1", false), None);
        assert_eq!(inside("deskconn.noise.2, chat", true), None);
    }
}
