//! The pairing desk: the state machines of package `pairing` with a clock, a store and somebody to ask.
//!
//! Devices come by a call of `pair` or by logging in with a code; the owner opens a window, is asked, and answers. What
//! there is to tell goes out as [`Told`]; publishing it is not the desk's business.

mod noted;
mod told;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

use ed25519_dalek::VerifyingKey;
use pairing::legacy::{Claim, Legacy, PROOF_TIME, Refusal, Request, Step};
use pairing::window::{Terms, Windows};
use pairing::{Code, Device, Kind};
use rand::rngs::SysRng;
use router::{Peer, RealmHandle};
use time::OffsetDateTime;
use tokio::sync::{Notify, mpsc, oneshot};
use tokio::time::Instant;
use wamp::acceptor::Asked;
use wamp::error::{AUTHENTICATION_DENIED, CLOSE_NORMAL};
use wamp::id::SessionId;
use wamp::message::{Abort, Goodbye};
use wamp::value::Value;

pub use self::told::{AnswerError, OpenError, Told};
use crate::access::extra_text;
use crate::audit::Audit;
use crate::store::Store;

/// The procedure by which a plain WAMP library pairs, and its names in older clients.
pub const PAIR_PROCEDURES: [&str; 3] = [
    "org.deskconn.pair",
    "org.deskconn.pairing.pair",
    "org.deskconn.deskconnd.pairing.pair",
];
/// Strangers that may be at the desk at once; more than one device at a time is a mistake or an attack.
pub const PAIRING_SESSIONS: usize = 4;
/// News that wait to be published. A person makes a handful; a full queue means that nobody publishes them.
const NEWS: usize = 64;

/// The desk.
#[derive(Debug)]
pub struct Desk {
    inner: Mutex<Inner>,
    store: Arc<Store>,
    audit: Audit,
    /// The zero of the state machines' clock.
    started: Instant,
    /// Something changed that the timer must know.
    changed: Notify,
    news: mpsc::Sender<Told>,
    realm: OnceLock<RealmHandle>,
}

#[derive(Debug)]
struct Inner {
    windows: Windows,
    legacy: Legacy,
    /// Codes that came with a login whose key is not proved yet, by key.
    logins: BTreeMap<[u8; 32], Request>,
    /// Where the devices come from that the owner is asked about.
    addresses: BTreeMap<Request, String>,
    /// Who waits for the owner's answer.
    waiting: BTreeMap<Request, oneshot::Sender<Result<(), Refusal>>>,
    /// Sessions that may do nothing but pair.
    strangers: BTreeSet<SessionId>,
    was_open: bool,
}

impl Desk {
    /// A desk, and what it has to tell.
    #[must_use]
    pub fn new(store: Arc<Store>, audit: Audit) -> (Arc<Self>, mpsc::Receiver<Told>) {
        let (news, told) = mpsc::channel(NEWS);
        let inner = Inner {
            windows: Windows::default(),
            legacy: Legacy::new(store.identity().public()),
            logins: BTreeMap::new(),
            addresses: BTreeMap::new(),
            waiting: BTreeMap::new(),
            strangers: BTreeSet::new(),
            was_open: false,
        };
        let desk = Self {
            inner: Mutex::new(inner),
            store,
            audit,
            started: Instant::now(),
            changed: Notify::new(),
            news,
            realm: OnceLock::new(),
        };
        (Arc::new(desk), told)
    }

    /// Tells the desk which realm its strangers are in. Called once, before anybody can join.
    pub fn serve(&self, realm: RealmHandle) {
        let _ = self.realm.set(realm);
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn now(&self) -> Duration {
        self.started.elapsed()
    }

    fn tell(&self, news: Told) {
        if self.news.try_send(news).is_err() {
            tracing::warn!("news of pairing are lost, because nobody publishes them");
        }
    }

    /// Tells what changed with the window, and wakes the timer.
    fn settle(&self, inner: &mut Inner) {
        self.tell_changes(inner);
        self.changed.notify_one();
    }

    fn tell_changes(&self, inner: &mut Inner) {
        if let Some(closed) = inner.windows.take_closed() {
            self.audit.note(noted::closed(closed));
            self.tell(Told::Closed(closed));
        }
        let is_open = inner.windows.is_open(self.now());
        if std::mem::replace(&mut inner.was_open, is_open) != is_open {
            self.tell(Told::IsOpen(is_open));
        }
    }

    /// Opens a window and gives its code and how long it lasts.
    ///
    /// # Errors
    /// When one is open, the terms are out of range, windows were burned, or nothing can be stored.
    ///
    /// # Panics
    /// Never: a code is made of its own number.
    pub fn open(&self, terms: Terms, force: bool) -> Result<(Code, Duration), OpenError> {
        if let Some(reason) = self.store.read_only() {
            return Err(OpenError::ReadOnly(reason.to_owned()));
        }
        let code = Code::generate(&mut SysRng)?;
        let shown = Code::from_number(code.number().into()).expect("a code is made of its own number");
        let ttl = terms.ttl;
        let opened = noted::opened(&terms);
        let mut inner = self.inner();
        inner.windows.open(code, terms, force, self.now())?;
        self.audit.note(opened);
        self.settle(&mut inner);
        Ok((shown, ttl))
    }

    /// Closes the window, if one is open.
    pub fn close(&self) {
        let mut inner = self.inner();
        let Inner { windows, legacy, .. } = &mut *inner;
        if let Some(Step::Refused(request, refusal)) = legacy.close(windows) {
            self.finish(&mut inner, request, Err(refusal));
        }
        self.settle(&mut inner);
    }

    /// Takes the owner's answer.
    ///
    /// # Errors
    /// Nobody asks that, or the device cannot be stored.
    pub fn answer(&self, request: Request, allow: bool, role: Option<&str>) -> Result<Option<Device>, AnswerError> {
        let mut inner = self.inner();
        let Inner { windows, legacy, .. } = &mut *inner;
        let step = legacy.answer(windows, request, allow, role, self.now())?;
        let result = match step {
            Step::Granted(request, new) => {
                let now = OffsetDateTime::now_utc();
                let stored = self.store.change_trust(|trust| trust.add(*new, now, &mut SysRng));
                let answer = match &stored {
                    Ok(device) => {
                        self.audit.note(noted::granted(device));
                        Ok(())
                    }
                    Err(_) => Err(Refusal::Cancelled),
                };
                self.finish(&mut inner, request, answer);
                self.tell(Told::Devices);
                Ok(Some(stored?))
            }
            Step::Refused(request, refusal) => {
                self.finish(&mut inner, request, Err(refusal));
                Ok(None)
            }
            Step::Ask(_) => Ok(None),
        };
        self.settle(&mut inner);
        result
    }

    /// Whether a stranger from there may come to the desk now.
    #[must_use]
    pub fn admits(&self, peer: &Peer) -> bool {
        let now = self.now();
        let inner = self.inner();
        let terms = inner.windows.terms(now).filter(|terms| terms.legacy);
        terms.is_some_and(|terms| peer.is_on_this_machine() || terms.insecure_network)
    }

    /// Tells that the list of devices was changed by somebody else.
    pub fn devices_changed(&self) {
        self.tell(Told::Devices);
    }

    /// Whether there is room for one stranger more.
    #[must_use]
    pub fn has_room(&self) -> bool {
        self.inner().strangers.len() < PAIRING_SESSIONS
    }

    /// Looks at the code in a login. The key must then be proved, and [`Desk::finish_login`] asks the owner.
    ///
    /// # Errors
    /// The ABORT for a device whose code is not taken.
    pub fn claim_login(&self, asked: &Asked, key: &VerifyingKey, peer: &Peer) -> Result<(), Abort> {
        let claim = Claim {
            otp: asked.authextra.get("otp").and_then(code_of),
            key: key.to_bytes(),
            session_key: Some(key.to_bytes()),
            name: extra_text(asked, "name").map(str::to_owned),
            kind: Kind::default(),
            address: peer.address.map(|address| address.to_string()),
            is_private: peer.is_on_this_machine(),
        };
        let mut inner = self.inner();
        let request = self.claim(&mut inner, claim).map_err(refused)?;
        inner.logins.insert(key.to_bytes(), request);
        Ok(())
    }

    fn claim(&self, inner: &mut Inner, claim: Claim) -> Result<Request, Refusal> {
        let address = claim.address.clone();
        let claimed = inner.legacy.claim(&mut inner.windows, claim, self.now());
        if let Err(refusal) = &claimed {
            self.not_paired(address.as_deref(), *refusal);
        }
        self.settle(inner);
        claimed
    }

    /// Asks the owner about a device that has proved its key.
    ///
    /// # Errors
    /// The ABORT for a device that is not let in.
    pub async fn finish_login(&self, key: &VerifyingKey) -> Result<(), Abort> {
        let request = self.inner().logins.remove(key.as_bytes());
        let request = request.ok_or_else(|| refused(Refusal::Unproved))?;
        self.ask(request).await.map_err(refused)
    }

    /// Serves a call of `pair(otp, pubkey)`.
    ///
    /// # Errors
    /// Why the device is refused.
    pub async fn pair(&self, claim: Claim) -> Result<(), Refusal> {
        let request = self.claim(&mut self.inner(), claim)?;
        self.ask(request).await
    }

    /// Asks the owner and waits for the answer. A device that does not wait is withdrawn.
    async fn ask(&self, request: Request) -> Result<(), Refusal> {
        let (answered, answer) = oneshot::channel();
        {
            let mut inner = self.inner();
            let Inner { windows, legacy, .. } = &mut *inner;
            match legacy.ask(windows, request, self.now()) {
                Step::Ask(question) => {
                    let address = question.address.clone().unwrap_or_default();
                    inner.addresses.insert(request, address);
                    self.tell(Told::Asked(question));
                }
                Step::Refused(_, refusal) => {
                    self.settle(&mut inner);
                    return Err(refusal);
                }
                Step::Granted(..) => return Ok(()),
            }
            inner.waiting.insert(request, answered);
            self.settle(&mut inner);
        }
        let waiting = Waiting { desk: self, request };
        let answer = answer.await.unwrap_or(Err(Refusal::Cancelled));
        drop(waiting);
        answer
    }

    /// Gives a stranger's session the time to prove its key, or to be approved; then it ends.
    pub fn watch_stranger(self: &Arc<Self>, session: SessionId) {
        self.inner().strangers.insert(session);
        let desk = Arc::clone(self);
        tokio::spawn(async move {
            loop {
                tokio::time::sleep(PROOF_TIME).await;
                let inner = desk.inner();
                if !inner.strangers.contains(&session) {
                    return;
                }
                // While the owner is asked the clock stands still.
                if inner.waiting.is_empty() {
                    break;
                }
            }
            let goodbye = Goodbye::new(CLOSE_NORMAL, "the time for pairing is over");
            if let Some(realm) = desk.realm.get() {
                realm.end_sessions(&goodbye, |origin| origin.session == session);
            }
        });
    }

    /// A session ended.
    pub fn stranger_left(&self, session: SessionId) {
        self.inner().strangers.remove(&session);
    }

    /// Ends what runs out of time, for as long as the daemon runs.
    pub async fn keep_time(self: Arc<Self>) {
        loop {
            let deadline = {
                let mut inner = self.inner();
                let Inner { windows, legacy, .. } = &mut *inner;
                if let Some(Step::Refused(request, refusal)) = legacy.expire(windows, self.now()) {
                    self.finish(&mut inner, request, Err(refusal));
                }
                self.tell_changes(&mut inner);
                inner.legacy.deadline(&inner.windows)
            };
            match deadline {
                Some(deadline) => {
                    let until = tokio::time::sleep_until(self.started + deadline);
                    tokio::select! { () = until => {}, () = self.changed.notified() => {} }
                }
                None => self.changed.notified().await,
            }
        }
    }
}

impl Inner {
    fn finish(&mut self, request: Request, answer: Result<(), Refusal>) {
        self.logins.retain(|_, login| *login != request);
        self.addresses.remove(&request);
        if let Some(waiting) = self.waiting.remove(&request) {
            // Who no longer waits has been withdrawn already.
            let _ = waiting.send(answer);
        }
    }
}

/// A device that waits for the owner; when it goes, its request goes with it.
struct Waiting<'a> {
    desk: &'a Desk,
    request: Request,
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        let mut inner = self.desk.inner();
        inner.waiting.remove(&self.request);
        inner.addresses.remove(&self.request);
        let Inner { windows, legacy, .. } = &mut *inner;
        legacy.withdraw(windows, self.request);
        self.desk.settle(&mut inner);
    }
}

/// The code that a client sent, as an integer or as text.
#[must_use]
pub fn code_of(value: &Value) -> Option<Code> {
    match value.as_str() {
        Some(text) => text.parse().ok(),
        None => Code::from_number(value.as_u64()?).ok(),
    }
}

fn refused(refusal: Refusal) -> Abort {
    Abort::new(AUTHENTICATION_DENIED, refusal.told())
}
