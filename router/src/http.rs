//! The door for HTTP: checks Host and Origin, upgrades to WebSocket, and hands everything else to the front door.
//!
//! A browser lets any page try to connect to the machine it runs on. Two checks keep them out (RFC 6455 §10.2): the Host
//! must be a name or address of this machine, or a page could point its own name here (DNS rebinding); and the Origin,
//! which only browsers send, must be this router itself or one that the user allowed.

use std::convert::Infallible;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::header::{
    ALLOW, CONNECTION, CONTENT_SECURITY_POLICY, HOST, HeaderName, HeaderValue, ORIGIN, REFERRER_POLICY,
    SEC_WEBSOCKET_ACCEPT, SEC_WEBSOCKET_KEY, SEC_WEBSOCKET_PROTOCOL, SEC_WEBSOCKET_VERSION, UPGRADE,
    X_CONTENT_TYPE_OPTIONS,
};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::upgrade::OnUpgrade;
use hyper::{HeaderMap, Method, Request, StatusCode};
use hyper_util::rt::{TokioIo, TokioTimer};
use link::Stream;
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;
use wamp::codec::Serializer;
use wamp::error::NOT_AUTHORIZED;
use wamp::message::Abort;

use crate::gate::{Origins, Peer, Response};
use crate::limits::Place;
use crate::{Shared, session};

/// What every answer says, so that a browser makes nothing else of it than it is: no frame, no script or style of
/// strangers, no guessing of types, no address given to other sites, nothing for pages of other origins. There are no
/// CORS headers and no cookies. An answer that has one of these keeps its own.
const PROTECTION: [(HeaderName, &str); 5] = [
    (
        CONTENT_SECURITY_POLICY,
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; \
         frame-ancestors 'none'; base-uri 'none'; form-action 'none'",
    ),
    (X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (REFERRER_POLICY, "no-referrer"),
    (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
    (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
];

/// Where WAMP is. The root is taken too, because many clients' examples connect there.
const WAMP_PATHS: [&str; 2] = ["/ws", "/"];
/// Bytes of a `Sec-WebSocket-Key` when decoded (RFC 6455 §4.1).
const KEY_LENGTH: usize = 16;

/// Serves HTTP on a connection until it is closed or becomes a WebSocket.
pub(crate) async fn serve(shared: Arc<Shared>, stream: Stream, local: SocketAddr, peer: Peer, place: Place) {
    let limits = &shared.limits;
    let mut builder = http1::Builder::new();
    builder
        .timer(TokioTimer::new())
        .header_read_timeout(limits.handshake)
        .max_headers(limits.http_headers)
        .max_buf_size(limits.http_head_bytes.max(MIN_BUFFER));
    // The place goes to the session with the upgrade, or is given back when the connection closes.
    let place = std::sync::Mutex::new(Some(place));
    let service = {
        let shared = Arc::clone(&shared);
        service_fn(move |request| {
            let shared = Arc::clone(&shared);
            let peer = peer.clone();
            let place = is_upgrade(request.headers())
                .then(|| place.lock().unwrap_or_else(std::sync::PoisonError::into_inner).take())
                .flatten();
            async move {
                let mut response = answer(shared, request, local, peer, place).await;
                protect(response.headers_mut());
                Ok::<_, Infallible>(response)
            }
        })
    };
    let connection = builder.serve_connection(TokioIo::new(stream), service).with_upgrades();
    tokio::select! {
        served = connection => {
            if let Err(error) = served {
                tracing::debug!(%error, "HTTP connection failed");
            }
        }
        () = shared.stopping.cancelled() => {}
    }
}

fn protect(headers: &mut HeaderMap) {
    for (name, value) in PROTECTION {
        headers.entry(name).or_insert(HeaderValue::from_static(value));
    }
}

/// The smallest buffer that hyper takes.
const MIN_BUFFER: usize = 8 << 10;

async fn answer(
    shared: Arc<Shared>,
    request: Request<Incoming>,
    local: SocketAddr,
    mut peer: Peer,
    place: Option<Place>,
) -> Response {
    let origins = shared.door.origins();
    let headers = request.headers();
    let Some(host) = host(headers).filter(|host| is_ours(host, local, origins)) else {
        tracing::info!(%peer, host = ?headers.get(HOST), path = request.uri().path(), "a request for another host was refused");
        return refusal(
            StatusCode::MISDIRECTED_REQUEST,
            "this is not a name or address of this machine\n",
        );
    };
    if let Some(origin) = headers.get(ORIGIN) {
        if !is_allowed(origin, &host, origins) {
            tracing::info!(%peer, ?origin, path = request.uri().path(), "a page of another origin was refused");
            let sentence = format!("a page of the origin {origin:?} may not connect");
            shared.gate.refused(&peer, &Abort::new(NOT_AUTHORIZED, sentence));
            return refusal(
                StatusCode::FORBIDDEN,
                "pages of this origin may not connect; see [http] allowed_origins\n",
            );
        }
        peer.origin = origin.to_str().ok().map(Into::into);
    }
    if !matches!(*request.method(), Method::GET | Method::HEAD) {
        let mut response = refusal(StatusCode::METHOD_NOT_ALLOWED, "GET and HEAD are understood here\n");
        response
            .headers_mut()
            .insert(ALLOW, HeaderValue::from_static("GET, HEAD"));
        return response;
    }
    if !WAMP_PATHS.contains(&request.uri().path()) || !is_upgrade(headers) {
        return shared.door.respond(request, peer).await;
    }
    upgrade(shared, request, peer, place).unwrap_or_else(|refusal| *refusal)
}

/// Answers 101 and lets a session begin on the connection.
fn upgrade(
    shared: Arc<Shared>,
    mut request: Request<Incoming>,
    peer: Peer,
    place: Option<Place>,
) -> Result<Response, Box<Response>> {
    let (serializer, accept) = negotiate(request.headers())?;
    let upgraded: OnUpgrade = hyper::upgrade::on(&mut request);
    let tasks = shared.tasks.clone();
    tasks.spawn(async move {
        let parts = match upgraded.await.map(|upgraded| upgraded.downcast::<TokioIo<Stream>>()) {
            Ok(Ok(parts)) => parts,
            Ok(Err(_)) => return tracing::error!("the upgraded connection is not of the type it was accepted as"),
            Err(error) => return tracing::debug!(%error, "the connection closed before it was upgraded"),
        };
        let link = link::websocket::accepted(parts.io.into_inner(), parts.read_buf, serializer, shared.limits.joining);
        session::serve(shared, link, peer, place).await;
    });
    let mut response = Response::new(Full::default());
    *response.status_mut() = StatusCode::SWITCHING_PROTOCOLS;
    let headers = response.headers_mut();
    headers.insert(UPGRADE, HeaderValue::from_static("websocket"));
    headers.insert(CONNECTION, HeaderValue::from_static("Upgrade"));
    headers.insert(SEC_WEBSOCKET_ACCEPT, accept);
    let protocol = link::websocket::subprotocol(serializer);
    headers.insert(SEC_WEBSOCKET_PROTOCOL, HeaderValue::from_static(protocol));
    Ok(response)
}

/// The serializer, and the proof that this end understands WebSocket (RFC 6455 §4.2.2).
fn negotiate(headers: &HeaderMap) -> Result<(Serializer, HeaderValue), Box<Response>> {
    let refuse = |status, sentence| Box::new(refusal(status, sentence));
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
        return Err(refuse(
            StatusCode::BAD_REQUEST,
            "Sec-WebSocket-Key is missing or wrong\n",
        ));
    }
    let offers = headers
        .get_all(SEC_WEBSOCKET_PROTOCOL)
        .iter()
        .filter_map(|offers| offers.to_str().ok());
    let Some(serializer) = offers.filter_map(link::websocket::negotiate).next() else {
        let sentence = "offer one of the subprotocols wamp.2.json, wamp.2.msgpack, wamp.2.cbor\n";
        return Err(refuse(StatusCode::BAD_REQUEST, sentence));
    };
    let accept = HeaderValue::from_str(&derive_accept_key(key)).expect("base64 is a header value");
    Ok((serializer, accept))
}

fn is_upgrade(headers: &HeaderMap) -> bool {
    let names = |header, token: &str| {
        let values = headers.get_all(header).iter().filter_map(|value| value.to_str().ok());
        values
            .flat_map(|value| value.split(','))
            .any(|name| name.trim().eq_ignore_ascii_case(token))
    };
    names(CONNECTION, "upgrade") && names(UPGRADE, "websocket")
}

fn refusal(status: StatusCode, sentence: &'static str) -> Response {
    let mut response = Response::new(Full::new(Bytes::from_static(sentence.as_bytes())));
    *response.status_mut() = status;
    response
}

/// The Host of a request: exactly one (RFC 9112 §3.2).
fn host(headers: &HeaderMap) -> Option<String> {
    let mut hosts = headers.get_all(HOST).iter();
    let host = hosts.next()?.to_str().ok()?.to_ascii_lowercase();
    hosts.next().is_none().then_some(host)
}

/// Whether `host` names this machine and the port the request came to.
fn is_ours(host: &str, local: SocketAddr, origins: &Origins) -> bool {
    /// The port a browser leaves out of `http://` addresses.
    const HTTP_PORT: u16 = 80;
    let is_bracketed_alone = host.ends_with(']');
    let (name, port) = match host.rsplit_once(':') {
        Some((name, port)) if !is_bracketed_alone => match port.parse() {
            Ok(port) => (name, port),
            Err(_) => return false,
        },
        _ => (host, HTTP_PORT),
    };
    if port != local.port() {
        return false;
    }
    let bare = name
        .strip_prefix('[')
        .and_then(|name| name.strip_suffix(']'))
        .unwrap_or(name);
    match bare.parse::<IpAddr>() {
        Ok(address) => {
            let address = address.to_canonical();
            address.is_loopback() || address == local.ip().to_canonical()
        }
        Err(_) => name == "localhost" || origins.hosts.iter().any(|known| known.eq_ignore_ascii_case(name)),
    }
}

/// Whether a page of `origin` may connect to `host`.
fn is_allowed(origin: &HeaderValue, host: &str, origins: &Origins) -> bool {
    let Ok(origin) = origin.to_str() else { return false };
    let own = ["http://", "https://"].iter().any(|scheme| {
        origin
            .get(..scheme.len())
            .is_some_and(|start| start.eq_ignore_ascii_case(scheme))
            && origin
                .get(scheme.len()..)
                .is_some_and(|rest| rest.eq_ignore_ascii_case(host))
    });
    own || origins
        .allowed
        .iter()
        .any(|allowed| allowed.eq_ignore_ascii_case(origin))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn local() -> SocketAddr {
        SocketAddr::from(([192, 0, 2, 7], 5020))
    }

    #[test]
    fn only_names_and_addresses_of_this_machine_are_hosts() {
        let origins = Origins {
            hosts: vec!["deskconn-1234.local".to_owned()],
            ..Origins::default()
        };
        let ours = |host| is_ours(host, local(), &origins);
        for host in [
            "localhost:5020",
            "127.0.0.1:5020",
            "[::1]:5020",
            "192.0.2.7:5020",
            "deskconn-1234.local:5020",
        ] {
            assert!(ours(host), "{host}");
        }
        for host in [
            "evil.example:5020",
            "192.0.2.8:5020",
            "127.0.0.1",
            "127.0.0.1:80",
            "[::1]",
            "",
            ":",
            "localhost:x",
        ] {
            assert!(!ours(host), "{host}");
        }
        assert!(is_ours("localhost", SocketAddr::from(([127, 0, 0, 1], 80)), &origins));
        assert!(is_ours("[::1]", SocketAddr::from(([127, 0, 0, 1], 80)), &origins));
    }

    #[test]
    fn an_origin_must_be_the_host_itself_or_allowed_by_the_user() {
        let origins = Origins {
            allowed: vec!["https://app.example".to_owned()],
            ..Origins::default()
        };
        let allowed = |origin| is_allowed(&HeaderValue::from_static(origin), "192.0.2.7:5020", &origins);
        assert!(
            allowed("http://192.0.2.7:5020") && allowed("HTTPS://192.0.2.7:5020") && allowed("https://app.example")
        );
        for origin in [
            "null",
            "",
            "http://",
            "http://192.0.2.7",
            "http://evil.example",
            "https://app.example.evil",
        ] {
            assert!(!allowed(origin), "{origin}");
        }
    }

    #[test]
    fn two_hosts_are_no_host() {
        let mut headers = HeaderMap::new();
        assert_eq!(host(&headers), None);
        headers.append(HOST, HeaderValue::from_static("LocalHost:5020"));
        assert_eq!(host(&headers).as_deref(), Some("localhost:5020"));
        headers.append(HOST, HeaderValue::from_static("evil.example"));
        assert_eq!(host(&headers), None);
    }
}
