//! The door for HTTP: checks Host and Origin, upgrades to WebSocket, knows the paths of long-poll, and hands everything else
//! to the front door.
//!
//! A browser lets any page try to connect to the machine it runs on. Two checks keep them out (RFC 6455 §10.2): the Host
//! must be a name or address of this machine, or a page could point its own name here (DNS rebinding); and the Origin,
//! which only browsers send, must be this router itself or one that the user allowed. Of others only extensions get
//! further, which no web page can pretend to be, and only to where a key has to be proved.

use std::convert::Infallible;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use hyper::header::{
    ALLOW, CONTENT_SECURITY_POLICY, HOST, HeaderName, HeaderValue, ORIGIN, REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS,
};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{HeaderMap, Method, StatusCode, Uri};
use hyper_util::rt::{TokioIo, TokioTimer};
use link::Stream;
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpStream;
use tokio::time::timeout;
use wamp::error::NOT_AUTHORIZED;
use wamp::message::Abort;

use crate::channel::Channel;
use crate::gate::{Origins, Peer, Request, Response, Visitor};
use crate::limits::{Limits, Place};
use crate::upgrade::{self, Ticket, is_upgrade, refusal};
use crate::{Shared, linger, longpoll};

/// What every answer says, so that a browser makes nothing else of it than it is: no frame, no script or style of
/// strangers, no guessing of types, no address given to other sites, nothing for pages of other origins. There are no
/// cookies, and no CORS headers but those of the front door. An answer that has one of these keeps its own.
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

/// The two forms of HTTP, as a browser sees them.
#[derive(Debug, Clone, Copy)]
struct Scheme {
    /// What an origin begins with.
    prefix: &'static str,
    /// The port that addresses leave out.
    port: u16,
}

const HTTP: Scheme = Scheme {
    prefix: "http://",
    port: 80,
};
const HTTPS: Scheme = Scheme {
    prefix: "https://",
    port: 443,
};

/// Serves HTTP on a connection until it is closed or becomes a WebSocket.
pub(crate) async fn serve(shared: Arc<Shared>, stream: Stream, local: SocketAddr, peer: Peer, place: Place) {
    let connections = connections(&shared.limits());
    // The place goes to the WebSocket with the upgrade, or is given back when the connection closes.
    let ticket = Arc::new(Ticket::new(Arc::clone(&shared), place));
    let service = {
        let shared = Arc::clone(&shared);
        service_fn(move |mut request: Request| {
            let shared = Arc::clone(&shared);
            let peer = peer.clone();
            request.extensions_mut().insert(Arc::clone(&ticket));
            async move {
                let mut response = answer(shared, request, local, peer).await;
                protect(response.headers_mut());
                Ok::<_, Infallible>(response)
            }
        })
    };
    let (stream, rest) = linger::watch(stream);
    {
        let connection = connections
            .serve_connection(TokioIo::new(stream), service)
            .with_upgrades();
        let mut connection = std::pin::pin!(connection);
        tokio::select! {
            served = connection.as_mut() => {
                if let Err(error) = served {
                    tracing::debug!(%error, "HTTP connection failed");
                }
            }
            () = shared.stopping.cancelled() => {
                // Whoever waits for messages gets GOODBYE yet.
                connection.as_mut().graceful_shutdown();
                let _ = timeout(shared.limits().farewell, connection).await;
            }
        }
    }
    rest.drain(&shared.lingering, &shared.stopping).await;
}

/// Serves connections with heads of requests within these limits.
pub(crate) fn connections(limits: &Limits) -> http1::Builder {
    let mut builder = http1::Builder::new();
    builder
        .timer(TokioTimer::new())
        .header_read_timeout(limits.handshake)
        .max_headers(limits.http_headers)
        .max_buf_size(limits.http_head_bytes.max(MIN_BUFFER));
    builder
}

/// Tells a client for which there is no place that it may come again, before it has said what it wants.
pub(crate) async fn turn_away(mut stream: TcpStream) -> io::Result<()> {
    let sentence = "there are as many connections as are taken; try again later\n";
    let mut answer = format!(
        "HTTP/1.1 503 Service Unavailable\r\nconnection: close\r\nretry-after: 1\r\ncache-control: no-store\r\n\
         content-type: text/plain; charset=utf-8\r\ncontent-length: {}\r\n",
        sentence.len()
    );
    for (name, value) in PROTECTION {
        answer += &format!("{name}: {value}\r\n");
    }
    answer += "\r\n";
    answer += sentence;
    stream.write_all(answer.as_bytes()).await?;
    stream.shutdown().await?;
    linger::swallow(stream).await.map(drop)
}

fn protect(headers: &mut HeaderMap) {
    for (name, value) in PROTECTION {
        headers.entry(name).or_insert(HeaderValue::from_static(value));
    }
}

/// The smallest buffer that hyper takes.
const MIN_BUFFER: usize = 8 << 10;

async fn answer(shared: Arc<Shared>, request: Request, local: SocketAddr, mut peer: Peer) -> Response {
    let origins = shared.door.origins();
    let scheme = match peer.channel {
        Channel::Tls { .. } => HTTPS,
        Channel::Plain | Channel::Noise { .. } => HTTP,
    };
    let headers = request.headers();
    let host = host(headers).filter(|host| is_ours(host, local, scheme, &origins) && names(request.uri(), host));
    let Some(host) = host else {
        tracing::info!(%peer, host = ?headers.get(HOST), path = request.uri().path(), "a request for another host was refused");
        return refusal(
            StatusCode::MISDIRECTED_REQUEST,
            "this is not a name or address of this machine\n",
        );
    };
    if let Some(origin) = headers.get(ORIGIN) {
        let page = Page::of(origin, &host, local, scheme, &origins);
        let is_let_in = match page {
            Page::Own => true,
            Page::Visitor(visitor) => is_welcome(&shared, visitor, &request, &peer),
            Page::Stranger => false,
        };
        if !is_let_in {
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
    if longpoll::is_meant(request.uri().path()) {
        return longpoll::answer(shared, request, peer).await;
    }
    let is_read = matches!(*request.method(), Method::GET | Method::HEAD);
    if !is_read && !shared.door.takes_posts(request.uri().path()) {
        let mut response = refusal(StatusCode::METHOD_NOT_ALLOWED, "GET and HEAD are understood here\n");
        response
            .headers_mut()
            .insert(ALLOW, HeaderValue::from_static("GET, HEAD"));
        return response;
    }
    if !WAMP_PATHS.contains(&request.uri().path()) || !is_upgrade(headers) {
        return shared.door.respond(request, peer).await;
    }
    upgrade::wamp(shared, request, peer).unwrap_or_else(|refusal| *refusal)
}

/// The Host of a request: exactly one (RFC 9112 §3.2).
fn host(headers: &HeaderMap) -> Option<String> {
    let mut hosts = headers.get_all(HOST).iter();
    let host = hosts.next()?.to_str().ok()?.to_ascii_lowercase();
    hosts.next().is_none().then_some(host)
}

/// Whether the target of a request, where it is a whole address, has this host too: what is there counts (RFC 9112 §3.2.2).
fn names(target: &Uri, host: &str) -> bool {
    target
        .authority()
        .is_none_or(|authority| authority.as_str().eq_ignore_ascii_case(host))
}

/// Whether `host` names this machine and the port the request came to.
fn is_ours(host: &str, local: SocketAddr, scheme: Scheme, origins: &Origins) -> bool {
    let is_bracketed_alone = host.ends_with(']');
    let (name, port) = match host.rsplit_once(':') {
        Some((name, port)) if !is_bracketed_alone => match port.parse() {
            Ok(port) => (name, port),
            Err(_) => return false,
        },
        _ => (host, scheme.port),
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

/// Whose page a request comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Page {
    /// The router's own at this very address, or one that the user named.
    Own,
    Visitor(Visitor),
    Stranger,
}

impl Page {
    fn of(origin: &HeaderValue, host: &str, local: SocketAddr, scheme: Scheme, origins: &Origins) -> Self {
        let Ok(origin) = origin.to_str() else {
            return Self::Stranger;
        };
        let named = || {
            origins
                .allowed
                .iter()
                .any(|allowed| allowed.eq_ignore_ascii_case(origin))
        };
        let start = scheme.prefix.len();
        let has_scheme = origin
            .get(..start)
            .is_some_and(|it| it.eq_ignore_ascii_case(scheme.prefix));
        let rest = origin.get(start..).filter(|_| has_scheme).map(str::to_ascii_lowercase);
        match rest {
            Some(rest) if rest == host => Self::Own,
            _ if named() => Self::Own,
            Some(rest) if is_ours(&rest, local, scheme, origins) => Self::Visitor(Visitor::Sibling),
            None if Origins::is_of_extension(origin) => Self::Visitor(Visitor::Extension),
            _ => Self::Stranger,
        }
    }
}

/// Whether a visitor may have what it asks for. An extension may always speak Noise, which proves a paired key or gives
/// nothing; WAMP without it only on this machine, where the user wants that.
fn is_welcome(shared: &Shared, visitor: Visitor, request: &Request, peer: &Peer) -> bool {
    let path = request.uri().path();
    if WAMP_PATHS.contains(&path) && is_upgrade(request.headers()) {
        let takes_plain = shared.door.origins().extensions && peer.is_on_this_machine();
        return visitor == Visitor::Extension && (takes_plain || upgrade::offers_noise_alone(request.headers()));
    }
    shared.door.admits(visitor, path)
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
        let ours = |host| is_ours(host, local(), HTTP, &origins);
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
        for (scheme, port, other) in [(HTTP, 80, HTTPS), (HTTPS, 443, HTTP)] {
            let local = SocketAddr::from(([127, 0, 0, 1], port));
            for host in ["localhost", "[::1]"] {
                assert!(is_ours(host, local, scheme, &origins), "{host} {scheme:?}");
                assert!(!is_ours(host, local, other, &origins), "{host} {other:?}");
            }
        }
    }

    #[test]
    fn an_origin_is_the_host_itself_or_named_by_the_user_or_a_visitor() {
        let origins = Origins {
            allowed: vec!["https://app.example".to_owned()],
            hosts: vec!["deskconn-1234.local".to_owned()],
            ..Origins::default()
        };
        let page = |origin, scheme| {
            let origin = HeaderValue::from_static(origin);
            Page::of(&origin, "192.0.2.7:5020", local(), scheme, &origins)
        };
        assert_eq!(page("http://192.0.2.7:5020", HTTP), Page::Own);
        assert_eq!(page("HTTPS://192.0.2.7:5020", HTTPS), Page::Own);
        for (origin, scheme) in [("https://192.0.2.7:5020", HTTP), ("http://192.0.2.7:5020", HTTPS)] {
            assert_eq!(page(origin, scheme), Page::Stranger, "{origin}");
        }
        for scheme in [HTTP, HTTPS] {
            assert_eq!(page("https://app.example", scheme), Page::Own);
            for origin in [
                "null",
                "",
                "http://",
                "http://192.0.2.7",
                "http://192.0.2.8:5020",
                "http://evil.example",
                "https://app.example.evil",
                "http://deskconn-1234.local.evil:5020",
            ] {
                assert_eq!(page(origin, scheme), Page::Stranger, "{origin}");
            }
            for origin in ["chrome-extension://abc", "moz-extension://abc"] {
                assert_eq!(page(origin, scheme), Page::Visitor(Visitor::Extension), "{origin}");
            }
        }
        for origin in ["http://deskconn-1234.local:5020", "http://localhost:5020"] {
            assert_eq!(page(origin, HTTP), Page::Visitor(Visitor::Sibling), "{origin}");
        }
    }

    #[test]
    fn the_address_that_is_asked_for_has_the_host() {
        for (target, is_same) in [
            ("/healthz", true),
            ("*", true),
            ("http://LOCALHOST:5020/healthz", true),
            ("http://evil.example/healthz", false),
            ("http://localhost/healthz", false),
            ("localhost:5021", false),
        ] {
            assert_eq!(names(&Uri::from_static(target), "localhost:5020"), is_same, "{target}");
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
