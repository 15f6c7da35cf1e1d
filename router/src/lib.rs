//! A WAMP v2 router for tokio: the shell around the pure realm of `deskconn-wamp`.
#![doc = include_str!("../README.md")]
//!
//! | file | what it does |
//! |---|---|
//! | `listener` | accepts on TCP, UDP (QUIC) and Unix sockets, tells TLS, HTTP and RawSocket apart by the first byte |
//! | `http` | the door for browsers: Host and Origin; other paths are the [`FrontDoor`]'s |
//! | `longpoll` | a session in the bodies of HTTP requests |
//! | `linger` | reads on for a moment after the last answer, which a reset would destroy |
//! | `upgrade` | from an HTTP request to a WebSocket: WAMP, WAMP inside Noise, the front door's own frames |
//! | `channel` | what protects a connection, and the keys for it |
//! | `apart` | wakes the futures of a session one by one |
//! | `session` | one connection's life: handshake, reading, writing, keep-alive, farewell, or waiting for the client's return |
//! | `realm` | the one lock of a realm, under which messages are routed and queued |
//! | `outbox` | the bounded queue in front of every writer |
//! | `gate` | who may join and as what: the trait that the program implements |
//! | `report` | what the sessions of a realm do, in figures |
//! | `limits` | connections, queues and time-outs |
//! | `rate` | how often logins may fail, and messages come |
//! | `random` | bytes that nobody may guess |
//! | `error` | why a door could not be opened, and why a session ended |
//!
//! A message takes two tasks and one lock: the reader of the session it came from routes it into the outbox of the
//! session it goes to, whose writer encodes it.

mod apart;
mod channel;
mod error;
mod gate;
mod http;
mod limits;
mod linger;
mod listener;
mod longpoll;
mod outbox;
mod random;
mod rate;
mod realm;
mod report;
mod session;
mod upgrade;

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::sync::Semaphore;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use wamp::error::CLOSE_REALM;
use wamp::limits::Quota;
use wamp::message::Goodbye;
use wamp::uri::Uri;

pub use channel::{Channel, Keys, NOISE_SESSION};
pub use error::ListenError;
pub use gate::{FrontDoor, Gate, OpenGate, Origins, Peer, Pending, Request, Response, Transport, Visitor};
pub use limits::{LONGEST_PING, Limits, REFUSED_FOR, WhenFull};
pub use link::local::pair as local_link;
pub use link::{noise, tls};
pub use listener::{Listening, Unaccepted};
pub use rate::Rate;
pub use realm::{Joined, Login, RealmHandle, Verdict};
pub use report::{Connections, Ends, RealmReport, RealmTotals, SessionReport, SessionsNow, Traffic};
pub use upgrade::{AcceptedFrames, Frames, accept_frames};
pub use wamp::realm::role::{Action, Actions, Consent, Disclose, Role, Rule, RuleError};
pub use wamp::realm::{
    Authorization, ConsentNews, Decision, HistoryRule, Journal, NotWritten, Principal, Question, RetainedRule,
    Settings as RealmSettings, Store,
};

use crate::limits::{Counters, InForce};

/// A realm's journal and all that is in it, oldest first.
pub type Restored = (Box<dyn Journal>, Vec<Vec<u8>>);

/// A router: realms, and the doors to them.
#[derive(Debug, Clone)]
pub struct Router(Arc<Shared>);

pub(crate) struct Shared {
    realms: Mutex<BTreeMap<Uri, RealmHandle>>,
    gate: Arc<dyn Gate>,
    door: Arc<dyn FrontDoor>,
    keys: Keys,
    limits: Arc<InForce>,
    /// How often it was changed who may log in: a login that began before comes to nothing.
    logins: AtomicU64,
    /// Places for telling somebody that there is no place.
    refusals: Semaphore,
    /// Connections that are read after their last answer.
    lingering: Semaphore,
    counters: Arc<Counters>,
    /// The sessions in bodies of HTTP requests.
    polls: longpoll::Polls,
    tasks: TaskTracker,
    /// Says that the router stops: no new connections, sessions say goodbye.
    stopping: CancellationToken,
}

impl std::fmt::Debug for Shared {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Shared")
            .field("limits", &self.limits)
            .finish_non_exhaustive()
    }
}

impl Router {
    /// A router without realms, whose gate says who may join and whose front door answers plain HTTP. It has no keys, so
    /// it offers neither TLS nor Noise.
    #[must_use]
    pub fn new(gate: Arc<dyn Gate>, door: Arc<dyn FrontDoor>, limits: Limits) -> Self {
        Self::with_keys(gate, door, Keys::default(), limits)
    }

    /// The same with the keys for TLS and Noise, each of which is offered on every TCP port if it is there.
    #[must_use]
    pub fn with_keys(gate: Arc<dyn Gate>, door: Arc<dyn FrontDoor>, keys: Keys, limits: Limits) -> Self {
        Self(Arc::new(Shared {
            realms: Mutex::default(),
            gate,
            door,
            keys,
            limits: Arc::new(InForce::new(limits)),
            logins: AtomicU64::new(0),
            refusals: Semaphore::new(limits::REFUSALS),
            lingering: Semaphore::new(linger::LINGERING),
            counters: Arc::default(),
            polls: longpoll::Polls::default(),
            tasks: TaskTracker::new(),
            stopping: CancellationToken::new(),
        }))
    }

    /// Opens a realm, or gives the one that is open under this name.
    ///
    /// # Panics
    /// The operating system has no random bytes to give: nothing could be secure then.
    pub fn open_realm(&self, name: &str, settings: RealmSettings) -> RealmHandle {
        self.open_realm_with(name, settings, WhenFull::default(), None)
    }

    /// The same with what happens to events for which a session is too slow, and with the realm's journal and all that is
    /// in it.
    ///
    /// # Panics
    /// As [`Router::open_realm`].
    pub fn open_realm_with(
        &self,
        name: &str,
        settings: RealmSettings,
        when_full: WhenFull,
        journal: Option<Restored>,
    ) -> RealmHandle {
        let name = Uri::from(name);
        let mut realms = self.0.realms();
        if let Some(realm) = realms.get(&name) {
            return realm.clone();
        }
        let settings = RealmSettings {
            message_bytes: Some(self.0.limits().joined.message_bytes),
            ..settings
        };
        let realm = RealmHandle::new(name.clone(), settings, when_full, &self.0.limits, &self.0.gate);
        if let Some((journal, records)) = journal {
            realm.restore(journal, records);
        }
        realms.insert(name, realm.clone());
        realm
    }

    /// The realm of this name.
    #[must_use]
    pub fn realm(&self, name: &str) -> Option<RealmHandle> {
        self.0.realm(name.as_bytes())
    }

    /// Every realm that is open.
    #[must_use]
    pub fn realms(&self) -> Vec<RealmHandle> {
        self.0.realms().values().cloned().collect()
    }

    /// Closes a realm: its sessions are told, and nobody finds it any more.
    pub fn close_realm(&self, name: &str) {
        let closed = self.0.realms().remove(&Uri::from(name));
        // Whoever is about to join it must not come after those who are told.
        self.renew_logins();
        if let Some(realm) = closed {
            let goodbye = Goodbye::new(CLOSE_REALM, "the realm is not in the configuration any more");
            realm.end_sessions(&goodbye, |_| true);
        }
    }

    /// Has logins come to nothing that are under way: who may come in was changed since they began. Their connections are
    /// closed, so that clients try again.
    pub fn renew_logins(&self) {
        self.0.logins.fetch_add(1, Ordering::SeqCst);
    }

    /// Takes these limits for connections from now on. What sessions of all realms may hold counts at once; what they hold
    /// beyond that stays.
    pub fn set_limits(&self, limits: Limits, quota: Quota) {
        let message_bytes = limits.joined.message_bytes;
        self.0.limits.set(limits);
        for realm in self.realms() {
            realm.set_quota(quota, message_bytes);
        }
    }

    /// Serves one connection that is not accepted by a listener, such as an in-process link.
    pub fn serve(&self, link: link::Link, peer: Peer) -> JoinHandle<()> {
        self.0
            .tasks
            .spawn(session::serve(Arc::clone(&self.0), link, peer, None))
    }

    /// An in-process connection: the end for a client.
    #[must_use]
    pub fn connect_local(&self, name: &str) -> link::Link {
        let (near, far) = link::local::pair(self.0.limits().local_messages);
        self.serve(near, Peer::local(name));
        far
    }

    /// How long whoever comes from this address must wait, because too many logins from there failed.
    #[must_use]
    pub fn login_wait(&self, peer: &Peer) -> Option<Duration> {
        self.0.counters.login_wait(peer.ip())
    }

    /// What comes before there are sessions.
    #[must_use]
    pub fn connections(&self) -> Connections {
        let (turned_away, joining) = self.0.counters.connections();
        let reasons = REFUSED_FOR.into_iter().map(Some).chain([None]);
        Connections {
            joining,
            turned_away,
            refused: reasons.zip(self.0.counters.refusals()).collect(),
        }
    }

    /// Says goodbye to every session, takes no more, and waits until all have gone, but not longer than `at_most`.
    /// Sessions that have not gone by then are cut off when the program ends.
    pub async fn stop(&self, at_most: Duration) {
        self.0.stopping.cancel();
        self.0.tasks.close();
        if tokio::time::timeout(at_most, self.0.tasks.wait()).await.is_err() {
            tracing::warn!(
                connections = self.0.tasks.len(),
                "connections did not close in time and are cut off"
            );
        }
    }
}

impl Shared {
    /// The limits of this moment, for a connection that begins.
    pub(crate) fn limits(&self) -> Arc<Limits> {
        self.limits.get()
    }

    fn realms(&self) -> std::sync::MutexGuard<'_, BTreeMap<Uri, RealmHandle>> {
        self.realms.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    fn realm(&self, name: &[u8]) -> Option<RealmHandle> {
        self.realms().get(name).cloned()
    }
}
