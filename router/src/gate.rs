//! What the program around the router decides: who may join and as what, and what plain HTTP requests get.

use std::fmt;
use std::future::Future;
use std::net::{IpAddr, SocketAddr};
use std::pin::Pin;
use std::sync::Arc;

use bytes::Bytes;
use http_body_util::Full;
use hyper::StatusCode;
use hyper::body::Incoming;
use wamp::acceptor::{Asked, Proof};
use wamp::auth::Method;
use wamp::error::NO_SUCH_REALM;
use wamp::id::SessionId;
use wamp::message::Abort;
use wamp::realm::role::{Action, Role};
use wamp::realm::{Authorization, ConsentNews, Principal};
use wamp::value::Dict;

use crate::channel::Channel;
use crate::rate::Rate;
use crate::realm::RealmHandle;

/// A future that a trait gives back.
pub type Pending<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// An HTTP request.
pub type Request = hyper::Request<Incoming>;

/// An HTTP response.
pub type Response = hyper::Response<Full<Bytes>>;

/// The other end of a connection, as far as the operating system knows it.
#[derive(Debug, Clone)]
pub struct Peer {
    /// What the connection runs over.
    pub transport: Transport,
    /// Its address, on a network.
    pub address: Option<SocketAddr>,
    /// The user it belongs to, on a Unix socket.
    pub uid: Option<u32>,
    /// The web page it comes from, if a browser says so.
    pub origin: Option<Arc<str>>,
    /// What protects the connection on its way.
    pub channel: Channel,
}

/// What a connection runs over.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Transport {
    /// WebSocket on TCP.
    WebSocket,
    /// RawSocket on TCP.
    RawSocket,
    /// RawSocket in QUIC, on UDP.
    Quic,
    /// The bodies of HTTP requests; address and channel are those of the first.
    LongPoll,
    /// A session in this process that serves HTTP requests of somebody else; address and channel are those of the first.
    Bridge,
    /// RawSocket on a Unix socket.
    Unix,
    /// In this process; the name is that of the component.
    Local(Arc<str>),
}

impl Transport {
    /// The names of all of them.
    pub const NAMES: [&'static str; 7] = ["websocket", "rawsocket", "quic", "longpoll", "bridge", "unix", "local"];

    /// The name that the meta API tells.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        Self::NAMES[self.index()]
    }

    /// Its place among [`Transport::NAMES`].
    pub(crate) const fn index(&self) -> usize {
        match self {
            Self::WebSocket => 0,
            Self::RawSocket => 1,
            Self::Quic => 2,
            Self::LongPoll => 3,
            Self::Bridge => 4,
            Self::Unix => 5,
            Self::Local(_) => 6,
        }
    }
}

impl Peer {
    /// Whether it is in this process.
    pub(crate) const fn is_local(&self) -> bool {
        matches!(self.transport, Transport::Local(_))
    }

    /// A peer in this process.
    #[must_use]
    pub fn local(name: &str) -> Self {
        Self {
            transport: Transport::Local(name.into()),
            address: None,
            uid: None,
            origin: None,
            channel: Channel::Plain,
        }
    }

    /// Whether nobody on the way can read or alter what is said: inside this process, on a Unix socket, inside TLS or
    /// Noise. A connection over loopback alone is not: other users of the machine may have made it.
    #[must_use]
    pub fn is_private(&self) -> bool {
        match (&self.transport, &self.channel) {
            (Transport::Unix | Transport::Local(_), _) | (_, Channel::Tls { .. } | Channel::Noise { .. }) => true,
            (
                Transport::WebSocket | Transport::RawSocket | Transport::Quic | Transport::LongPoll | Transport::Bridge,
                Channel::Plain,
            ) => false,
        }
    }

    /// Whether the peer is on this machine.
    #[must_use]
    pub fn is_on_this_machine(&self) -> bool {
        self.address
            .is_none_or(|address| address.ip().to_canonical().is_loopback())
    }

    /// Its address without the port, which says nothing to people.
    #[must_use]
    pub fn host(&self) -> Option<String> {
        self.ip().map(|address| address.to_string())
    }

    pub(crate) fn ip(&self) -> Option<IpAddr> {
        self.address.map(|address| address.ip().to_canonical())
    }
}

impl fmt::Display for Peer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (&self.transport, self.address, self.uid) {
            (Transport::Local(name), ..) => write!(f, "local {name}"),
            (_, Some(address), _) => address.fmt(f),
            (_, None, Some(uid)) => write!(f, "uid {uid}"),
            (_, None, None) => f.write_str("unknown"),
        }
    }
}

/// Says who a client is. The router asks three times: how the client is to prove itself, whether it may join now that
/// it has, and, at the moment of joining, whether that still holds.
pub trait Gate: Send + Sync + 'static {
    /// Whether somebody may connect at all, as far as the operating system knows.
    fn is_welcome(&self, peer: &Peer) -> bool {
        let _ = peer;
        true
    }

    /// Which proof this client must give. May take a moment, if somebody else must be asked: what the client sends
    /// meanwhile ends the login, and so does its going, upon which the future is dropped.
    ///
    /// # Errors
    /// It cannot join at all: the ABORT that says why. For a key that is not known answer
    /// [`Proof::Cryptosign`] with `None` instead, for a name that is not known a credential that nobody has, so that
    /// nobody can find out who is.
    fn find<'a>(&'a self, asked: &'a Asked, peer: &'a Peer) -> Pending<'a, Result<Proof, Abort>>;

    /// Who the client is, now that it has given its proof. May take long, if a person must be asked.
    fn admit<'a>(&'a self, asked: &'a Asked, peer: &'a Peer) -> Pending<'a, Result<Principal, Abort>>;

    /// Whether the principal may still join. Called under the realm's lock, so whoever revokes it and then ends the
    /// sessions of its authid misses none.
    fn confirm(&self, principal: &Principal) -> bool {
        let _ = principal;
        true
    }

    /// Whether a client may go on with its session over this connection. Called under the realm's lock, when nothing else
    /// speaks against it; the session may be detached or not. A gate that counts in [`Gate::confirm`] must not count here.
    fn confirm_return(&self, session: SessionId, principal: &Principal, peer: &Peer) -> bool {
        let _ = (session, peer);
        self.confirm(principal)
    }

    /// The connection of a session is lost, and its client may return: [`Gate::confirm_return`] or [`Gate::left`] follows.
    /// Called under the realm's lock: it must not wait, and not call the realm.
    fn detached(&self, session: SessionId, principal: &Principal) {
        let _ = (session, principal);
    }

    /// A client goes on with its session.
    fn resumed(&self, session: SessionId, principal: &Principal, peer: &Peer) {
        let _ = (session, principal, peer);
    }

    /// Somebody who may join wanted to go on with a session that is not theirs, or had a wrong token; `why` is a sentence.
    fn return_refused(&self, principal: &Principal, peer: &Peer, why: &str) {
        let _ = (principal, peer, why);
    }

    /// How fast a session may send messages. Who is faster is read more slowly; nothing is lost.
    fn message_rate(&self, principal: &Principal, peer: &Peer) -> Option<Rate> {
        let _ = (principal, peer);
        None
    }

    /// A call waits for consent, or does no longer: the answer goes to [`RealmHandle::decide`]. Called under the realm's
    /// lock: it must not wait, and not call the realm. Who never makes a rule with [`Consent::Ask`] is never asked.
    ///
    /// [`Consent::Ask`]: crate::Consent::Ask
    fn consent(&self, realm: &RealmHandle, news: ConsentNews) {
        let _ = (realm, news);
    }

    /// A role leaves a request to its authorizer: whoever takes this calls it, and gives the answer to
    /// [`RealmHandle::authorize`]. Called under the realm's lock, as [`Gate::consent`] is. Whoever says that it takes the
    /// question must answer it: requests of the same session wait behind this one. A question that nobody takes is denied.
    fn authorize(&self, realm: &RealmHandle, question: Authorization) -> bool {
        let _ = (realm, question);
        false
    }

    /// A session was opened.
    fn joined(&self, session: SessionId, principal: &Principal, peer: &Peer) {
        let _ = (session, principal, peer);
    }

    /// Somebody was told no before a session was opened, with this ABORT.
    fn refused(&self, peer: &Peer, abort: &Abort) {
        let _ = (peer, abort);
    }

    /// A connection was closed because it went past a limit or broke the protocol; `why` is a sentence.
    fn limited(&self, peer: &Peer, why: &str) {
        let _ = (peer, why);
    }

    /// A session tried what its role does not allow. Called as often as it tries, so it must be quick.
    fn denied(&self, session: SessionId, action: Action, uri: &str) {
        let _ = (session, action, uri);
    }

    /// It ended.
    fn left(&self, session: SessionId, principal: &Principal) {
        let _ = (session, principal);
    }
}

/// A gate that lets everybody in without proof, as one role. For tests, examples and closed networks.
#[derive(Debug, Clone)]
pub struct OpenGate {
    role: Arc<Role>,
}

impl OpenGate {
    /// Everybody has this role.
    #[must_use]
    pub fn new(role: Role) -> Self {
        Self { role: Arc::new(role) }
    }
}

impl Gate for OpenGate {
    fn find<'a>(&'a self, asked: &'a Asked, _peer: &'a Peer) -> Pending<'a, Result<Proof, Abort>> {
        Box::pin(async {
            if asked.offers(Method::Anonymous) {
                Ok(Proof::None)
            } else {
                Err(asked.no_matching_method(&[Method::Anonymous]))
            }
        })
    }

    fn admit<'a>(&'a self, asked: &'a Asked, _peer: &'a Peer) -> Pending<'a, Result<Principal, Abort>> {
        Box::pin(async {
            Ok(Principal {
                authid: asked.authid.as_deref().unwrap_or("anonymous").into(),
                role: Arc::clone(&self.role),
                method: Method::Anonymous.name(),
                provider: "static",
                authextra: Dict::new(),
            })
        })
    }
}

/// Which web pages may connect, and by which names the router is reached.
#[derive(Debug, Clone, Default)]
pub struct Origins {
    /// Host names beside `localhost` and the addresses of this machine.
    pub hosts: Vec<String>,
    /// Origins beside the router's own, such as `https://example.org`.
    pub allowed: Vec<String>,
    /// Whether every extension of a browser on this machine may connect. What it may do then is the gate's business.
    pub extensions: bool,
}

impl Origins {
    /// Whether an origin is that of a browser extension, which no web page can have.
    #[must_use]
    pub fn is_of_extension(origin: &str) -> bool {
        ["chrome-extension://", "moz-extension://"]
            .iter()
            .any(|scheme| origin.starts_with(scheme))
    }
}

/// What came from a browser without being the router's own page or one that the user named.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Visitor {
    /// A page of the router under another name or address of the same machine.
    Sibling,
    /// A browser extension.
    Extension,
}

/// Answers HTTP requests that open no WAMP session.
pub trait FrontDoor: Send + Sync + 'static {
    /// The answer to a request that passed the checks of its Host and Origin. For a WebSocket of another protocol than
    /// WAMP see [`crate::accept_frames`].
    fn respond(&self, request: Request, peer: Peer) -> Pending<'static, Response> {
        let _ = (request, peer);
        let mut response = Response::new(Full::from("WAMP is at /ws\n"));
        *response.status_mut() = StatusCode::NOT_FOUND;
        Box::pin(async { response })
    }

    /// Whether requests to this path may have other methods than GET and HEAD. None may, unless the door says so.
    fn takes_posts(&self, path: &str) -> bool {
        let _ = path;
        false
    }

    /// Which hosts and origins are let through.
    fn origins(&self) -> Arc<Origins>;

    /// The answer to a request over the Unix socket, by a program of somebody whom [`Gate::is_welcome`] lets in. No page of the
    /// web comes this way.
    fn respond_to_program(&self, request: Request, peer: Peer) -> Pending<'static, Response> {
        let _ = (request, peer);
        let mut response = Response::new(Full::from("there is nothing here\n"));
        *response.status_mut() = StatusCode::NOT_FOUND;
        Box::pin(async { response })
    }

    /// Whether such a visitor may ask for this path. Nobody may, unless the door says so.
    fn admits(&self, visitor: Visitor, path: &str) -> bool {
        let _ = (visitor, path);
        false
    }
}

/// The plain front door: nothing but WAMP.
impl FrontDoor for Origins {
    fn origins(&self) -> Arc<Origins> {
        Arc::new(self.clone())
    }
}

/// The ABORT for a realm that is not there.
pub(crate) fn no_such_realm(asked: &Asked) -> Abort {
    Abort::new(NO_SUCH_REALM, format!("there is no realm \"{}\" here", asked.realm))
}
