//! What browsers get from the daemon beside WAMP: the phone app, the library for pages of others, whether the daemon is
//! there, and the way to pairing.
//!
//! Host, Origin, methods and the headers of every answer are the router's business (`router/src/http.rs`).

use std::sync::{Arc, OnceLock, PoisonError, RwLock, Weak};

use bytes::Bytes;
use http_body_util::Full;
use hyper::header::{
    ACCESS_CONTROL_ALLOW_ORIGIN, CONTENT_SECURITY_POLICY, CONTENT_TYPE, HOST, HeaderName, HeaderValue, VARY,
};
use hyper::{HeaderMap, StatusCode};
use router::{Channel, FrontDoor, Origins, Peer, Pending, Request, Response, Visitor};

use crate::bridge::Bridge;
use crate::metrics::{Collector, exposition};
use crate::pair::Desk;
use crate::site::{LIBRARY, Site};

/// Where a monitor or a phone asks whether the daemon answers.
const HEALTH: &str = "/healthz";

/// Where devices pair.
const PAIR: &str = "/pair";

const CROSS_ORIGIN_RESOURCE_POLICY: HeaderName = HeaderName::from_static("cross-origin-resource-policy");

/// The door.
#[derive(Debug)]
pub(crate) struct Front {
    origins: RwLock<Arc<Origins>>,
    /// What a desktop has and a plain router has not.
    desktop: Option<Desktop>,
    /// Calls and publications by single requests, where they are wanted.
    bridge: Option<Arc<Bridge>>,
    /// Not held: it holds the router, which holds this door.
    figures: OnceLock<Weak<Collector>>,
}

#[derive(Debug)]
pub(crate) struct Desktop {
    /// Where devices pair.
    pub(crate) desk: Arc<Desk>,
    pub(crate) site: Site,
    /// By which it is found wherever its address goes: `deskconn-<id8>.local`.
    pub(crate) local_name: String,
}

impl Front {
    /// The door for these hosts and origins.
    pub(crate) fn new(origins: Origins, desktop: Option<Desktop>, bridge: Option<Arc<Bridge>>) -> Self {
        Self {
            origins: RwLock::new(Arc::new(origins)),
            desktop,
            bridge,
            figures: OnceLock::new(),
        }
    }

    /// Lets these hosts and origins in from now on.
    pub(crate) fn set_origins(&self, origins: Origins) {
        *self.origins.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(origins);
    }

    /// Tells these figures to programs of the owner. Called once, when there are any.
    pub(crate) fn tell(&self, figures: &Arc<Collector>) {
        let _ = self.figures.set(Arc::downgrade(figures));
    }
}

impl FrontDoor for Front {
    fn respond(&self, request: Request, peer: Peer) -> Pending<'static, Response> {
        let bridge = self.bridge.as_ref().filter(|_| Bridge::is_meant(request.uri().path()));
        if let Some(bridge) = bridge.map(Arc::clone) {
            return Box::pin(async move { bridge.answer(request, &peer).await });
        }
        let response = self.answer(request, &peer);
        Box::pin(async { response })
    }

    fn origins(&self) -> Arc<Origins> {
        Arc::clone(&self.origins.read().unwrap_or_else(PoisonError::into_inner))
    }

    fn respond_to_program(&self, request: Request, _peer: Peer) -> Pending<'static, Response> {
        let response = match (request.uri().path(), self.figures.get().and_then(Weak::upgrade)) {
            (HEALTH, _) => text(StatusCode::OK, "ok\n"),
            (_, Some(figures)) => exposition::answer(&request, &figures),
            (_, None) => text(StatusCode::SERVICE_UNAVAILABLE, "the daemon is starting\n"),
        };
        Box::pin(async { response })
    }

    fn takes_posts(&self, path: &str) -> bool {
        self.bridge.is_some() && Bridge::is_meant(path)
    }

    /// A page of ours asks under one name whether the other one leads here too. An extension may pair.
    fn admits(&self, visitor: Visitor, path: &str) -> bool {
        match visitor {
            Visitor::Sibling => path == HEALTH,
            Visitor::Extension => path == HEALTH || path == PAIR,
        }
    }
}

impl Front {
    fn answer(&self, request: Request, peer: &Peer) -> Response {
        let path = request.uri().path();
        if path == PAIR && !self.may_pair(request.headers(), peer) {
            tracing::info!(%peer, path, "a page of another site was refused");
            return text(StatusCode::FORBIDDEN, "pages of other sites may not pair\n");
        }
        let desk = self.desktop.as_ref().map(|desktop| &desktop.desk);
        match (path, desk.filter(|desk| path == PAIR && desk.takes_exchanges())) {
            (_, Some(desk)) => desk.welcome(request, peer),
            (HEALTH, None) => readable(text(StatusCode::OK, "ok\n"), peer),
            (_, None) => self.file(&request, peer),
        }
    }

    /// A file of the site.
    fn file(&self, request: &Request, peer: &Peer) -> Response {
        let path = request.uri().path();
        let found = self.desktop.as_ref().and_then(|desktop| {
            let response = desktop.site.answer(path, request.headers())?;
            Some((desktop, response))
        });
        let Some((desktop, mut response)) = found else {
            return text(StatusCode::NOT_FOUND, "WAMP is at /ws\n");
        };
        if path == LIBRARY {
            return readable(response, peer);
        }
        let policy = policy(request.headers(), &desktop.local_name, peer);
        response.headers_mut().insert(CONTENT_SECURITY_POLICY, policy);
        response
    }

    /// Whether a page may pair: of this daemon, one that the user named, or an extension; the router knows the Origin of the
    /// last two to be such. What is no page may too.
    fn may_pair(&self, headers: &HeaderMap, peer: &Peer) -> bool {
        let (origin, origins) = (peer.origin.as_deref(), self.origins());
        let is_named = |origin: &str| origins.allowed.iter().any(|it| it.eq_ignore_ascii_case(origin));
        is_of_this_site(headers) || origin.is_some_and(|origin| is_named(origin) || Origins::is_of_extension(origin))
    }
}

/// Whether the request comes from a page of this daemon, from a person who typed the address, or from no browser. The
/// header is the browser's own word (Fetch Metadata Request Headers, section 2); an older one does not say it, and the
/// check of the Origin holds for it all the same.
fn is_of_this_site(headers: &HeaderMap) -> bool {
    let mut sites = headers.get_all("sec-fetch-site").iter();
    sites.all(|site| site == "same-origin" || site == "none")
}

/// What the app may do in a browser (Content Security Policy Level 3). It connects to where it came from, said with the
/// scheme of WebSocket too, which older browsers do not count as the page's own; and to the desktop's other name, to see
/// whether that leads here. Pictures are what the desktop sent.
fn policy(headers: &HeaderMap, local_name: &str, peer: &Peer) -> HeaderValue {
    let host = headers
        .get(HOST)
        .and_then(|host| host.to_str().ok())
        .unwrap_or_default();
    let port = host.rsplit_once(':').map_or("", |(_, port)| port);
    let s = match peer.channel {
        Channel::Tls { .. } => "s",
        Channel::Plain | Channel::Noise { .. } => "",
    };
    let policy = format!(
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; manifest-src 'self'; \
         connect-src 'self' ws{s}://{host} http{s}://{local_name}:{port}; frame-ancestors 'none'; base-uri 'none'; \
         form-action 'none'"
    );
    HeaderValue::try_from(policy).expect("the router let this host in: a name or address of this machine")
}

/// Lets the page that asked read the answer. The router knows its Origin to be one that may.
fn readable(mut response: Response, peer: &Peer) -> Response {
    let headers = response.headers_mut();
    headers.insert(VARY, HeaderValue::from_static("Accept-Encoding, Origin"));
    let origin = peer
        .origin
        .as_deref()
        .and_then(|origin| HeaderValue::from_str(origin).ok());
    if let Some(origin) = origin {
        headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, origin);
        headers.insert(CROSS_ORIGIN_RESOURCE_POLICY, HeaderValue::from_static("cross-origin"));
    }
    response
}

fn text(status: StatusCode, sentence: &'static str) -> Response {
    let mut response = Response::new(Full::new(Bytes::from_static(sentence.as_bytes())));
    *response.status_mut() = status;
    let plain = HeaderValue::from_static("text/plain; charset=utf-8");
    response.headers_mut().insert(CONTENT_TYPE, plain);
    response
}
