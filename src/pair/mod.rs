//! The pairing desk: the state machines of package `pairing` with a clock, a store and somebody to ask.
//!
//! Devices come over `/pair` by key exchange, or, in the legacy form, by a call of `pair` or by logging in with a code; the
//! owner opens a window, is asked, and answers. What
//! there is to tell goes out as [`Told`]; publishing it is not the desk's business.

mod exchange;
mod legacy;
mod noted;
mod place;
mod told;

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

use pairing::exchange::{Facts, Why};
use pairing::legacy::{Legacy, Refusal, Step};
use pairing::question::Request;
use pairing::window::{Secrets, Terms, Windows};
use pairing::{Code, Device, Link};
use rand::rngs::SysRng;
use router::RealmHandle;
use tokio::sync::{Notify, mpsc, oneshot};
use tokio::time::Instant;
use wamp::id::SessionId;

use self::exchange::Running;
pub use self::legacy::code_of;
pub use self::told::{AnswerError, OpenError, Told};
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

/// What the owner shows to the device.
#[derive(Debug)]
pub struct Opened {
    /// To be typed.
    pub code: Code,
    /// To be scanned; the legacy form has none, and neither has a desktop that listens on no port.
    pub link: Option<Link>,
    /// How long both work.
    pub ttl: Duration,
}

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
    /// Where devices reach this desktop, once it listens.
    address: OnceLock<SocketAddr>,
}

#[derive(Debug)]
struct Inner {
    windows: Windows,
    legacy: Legacy,
    exchange: exchange::Machine,
    /// The connection of the device that is at it by key exchange.
    running: Option<Running>,
    /// Codes that came with a login whose key is not proved yet, by key.
    logins: BTreeMap<[u8; 32], Request>,
    /// Where the devices come from that the owner is asked about.
    addresses: BTreeMap<Request, String>,
    /// Who waits for the owner's answer.
    waiting: BTreeMap<Request, oneshot::Sender<Result<(), Refusal>>>,
    /// Sessions that may do nothing but pair.
    strangers: BTreeSet<SessionId>,
    was_open: bool,
    /// The device for which the window closes.
    paired: Option<Box<Device>>,
}

impl Desk {
    /// A desk, and what it has to tell.
    #[must_use]
    pub fn new(store: Arc<Store>, audit: Audit, facts: Facts) -> (Arc<Self>, mpsc::Receiver<Told>) {
        let (news, told) = mpsc::channel(NEWS);
        let inner = Inner {
            windows: Windows::default(),
            legacy: Legacy::new(store.identity().public()),
            exchange: exchange::Machine::new(facts),
            running: None,
            logins: BTreeMap::new(),
            addresses: BTreeMap::new(),
            waiting: BTreeMap::new(),
            strangers: BTreeSet::new(),
            was_open: false,
            paired: None,
        };
        let desk = Self {
            inner: Mutex::new(inner),
            store,
            audit,
            started: Instant::now(),
            changed: Notify::new(),
            news,
            realm: OnceLock::new(),
            address: OnceLock::new(),
        };
        (Arc::new(desk), told)
    }

    /// Tells the desk which realm its strangers are in. Called once, before anybody can join.
    pub fn has_strangers_in(&self, realm: RealmHandle) {
        let _ = self.realm.set(realm);
    }

    /// Whether a window is open in which a code works.
    pub(crate) fn has_window(&self) -> bool {
        self.inner().was_open
    }

    /// Gives the desktop another name.
    pub(crate) fn rename(&self, name: &str) {
        self.inner().exchange.rename(name);
    }

    /// Tells the desk where devices reach the desktop. Called once, when it listens.
    pub fn listens_at(&self, address: SocketAddr) {
        let _ = self.address.set(address);
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
            self.tell(Told::Closed(closed, inner.paired.take()));
        }
        let is_open = inner.windows.is_open(self.now());
        if std::mem::replace(&mut inner.was_open, is_open) != is_open {
            self.tell(Told::IsOpen(is_open));
        }
    }

    /// Opens a window, and gives what the owner shows to the device.
    ///
    /// # Errors
    /// When one is open, the terms are out of range, windows were burned, or nothing can be stored.
    pub fn open(&self, terms: Terms, force: bool) -> Result<Opened, OpenError> {
        if let Some(reason) = self.store.read_only() {
            return Err(OpenError::ReadOnly(reason.to_owned()));
        }
        let secrets = if terms.legacy {
            Secrets::from(Code::generate(&mut SysRng)?)
        } else {
            Secrets::generate(&mut SysRng)?
        };
        let opened = Opened {
            code: secrets.code.clone(),
            link: secrets.link.clone().and_then(|link| self.link(link, terms.ttl)),
            ttl: terms.ttl,
        };
        let noted = noted::opened(&terms);
        let mut inner = self.inner();
        inner.windows.open(secrets, terms, force, self.now())?;
        self.audit.note(noted);
        self.settle(&mut inner);
        Ok(opened)
    }

    /// Closes the window, if one is open.
    pub fn close(&self) {
        let mut inner = self.inner();
        let Inner {
            windows,
            legacy,
            exchange,
            ..
        } = &mut *inner;
        let ended = exchange.close(windows);
        let refused = legacy.close(windows);
        self.end_both(&mut inner, ended, refused.as_ref());
        self.settle(&mut inner);
    }

    /// Ends what was under way in either form: tells whose exchange is over, and who waits for an answer.
    fn end_both(&self, inner: &mut Inner, ended: Option<(Request, Why)>, refused: Option<&Step>) {
        if let Some((request, why)) = ended {
            inner.end_exchange(request, why);
        }
        if let Some(&Step::Refused(request, refusal)) = refused {
            self.finish(inner, request, Err(refusal));
        }
    }

    /// Takes the owner's answer. A device that pairs by key exchange is stored when it has confirmed, which is waited for.
    ///
    /// # Errors
    /// Nobody asks that, the device does not confirm, or it cannot be stored.
    pub async fn answer(
        &self,
        request: Request,
        allow: bool,
        role: Option<&str>,
    ) -> Result<Option<Device>, AnswerError> {
        let outcome = {
            let mut inner = self.inner();
            let outcome = if inner.exchange.is_asking(request) {
                self.answer_exchange(&mut inner, request, allow, role)
            } else {
                let answered = self.answer_legacy(&mut inner, request, allow, role);
                self.settle(&mut inner);
                return answered;
            };
            self.settle(&mut inner);
            outcome?
        };
        outcome.await.unwrap_or(Err(AnswerError::Gone))
    }

    /// Tells that the list of devices was changed by somebody else.
    pub fn devices_changed(&self) {
        self.tell(Told::Devices);
    }

    /// Ends what runs out of time, for as long as the daemon runs.
    pub async fn keep_time(self: Arc<Self>) {
        loop {
            let deadline = {
                let mut inner = self.inner();
                let Inner {
                    windows,
                    legacy,
                    exchange,
                    ..
                } = &mut *inner;
                let ended = exchange.expire(windows, self.now());
                let refused = legacy.expire(windows, self.now());
                self.end_both(&mut inner, ended, refused.as_ref());
                self.tell_changes(&mut inner);
                let deadlines = [inner.legacy.deadline(&inner.windows), inner.exchange.deadline()];
                deadlines.into_iter().flatten().min()
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
