//! A realm that many tasks share: the one lock, and the way from the realm's deliveries into the outboxes.

mod ending;
mod figures;
mod join;
mod opening;
mod overflow;
mod resumption;
mod review;

use std::collections::{HashMap, VecDeque};
use std::sync::atomic::AtomicU64;
use std::sync::{Arc, LazyLock, Mutex, MutexGuard, PoisonError, Weak};
use std::time::{Duration, SystemTime};

use ahash::RandomState;
use link::Octets;
use tokio::sync::Notify;
use tokio::time::Instant;
use wamp::error::Violation;
use wamp::id::{QuestionId, SessionId};
use wamp::message::{Message, Origin};
use wamp::outgoing::{Delivery, Outgoing};
use wamp::realm::role::Role;
use wamp::realm::{Bounce, Clock, Decision, Denied, Journal, Proceed, Realm, Settings, is_end};
use wamp::uri::Uri;

pub use self::join::Joined;
pub(crate) use self::join::{Newcomer, SharedPlace};
use self::opening::Openings;
pub(crate) use self::resumption::{Lease, Refused, Returning, Routed, Tenure};
pub use self::review::{Login, Verdict};

use crate::gate::Gate;
use crate::limits::{InForce, WhenFull};
use crate::outbox::{self, Pushed};
use crate::random::random;
pub(crate) use crate::report::Arrival;
use crate::report::{Seat, Totals, Traffic};

/// A realm of a running router.
#[derive(Debug, Clone)]
pub struct RealmHandle(Arc<Inner>);

struct Inner {
    name: Uri,
    state: Mutex<State>,
    /// Events that found a full queue.
    dropped: AtomicU64,
    limits: Arc<InForce>,
    when_full: WhenFull,
    /// Not held: a gate usually holds realms.
    gate: Weak<dyn Gate>,
    /// What comes and goes over the connections of its sessions.
    octets: Arc<Octets>,
    /// Wakes the timer, when something is due before what it waits for.
    sooner: Arc<Notify>,
}

/// The clock of every realm.
const CLOCK: Clock = Clock {
    time_of_day: SystemTime::now,
    elapsed: || START.elapsed(),
};

/// From where realms count their time.
static START: LazyLock<Instant> = LazyLock::new(Instant::now);

impl std::fmt::Debug for Inner {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Realm")
            .field("name", &self.name)
            .finish_non_exhaustive()
    }
}

#[derive(Debug)]
struct State {
    realm: Realm,
    /// By a hash that needs no secret: session ids are drawn by the realm, so nobody can choose some that collide.
    seats: HashMap<SessionId, Seat, RandomState>,
    /// Which session an opening has led to, as long as it may be that nobody knows of it.
    openings: Openings,
    /// What was delivered to all sessions, those that left too.
    delivered: Traffic,
    totals: Totals,
    /// Kept from message to message, so that routing does not allocate.
    deliveries: Vec<Delivery>,
    /// What the timer waits for. There is no timer while nothing is due.
    deadline: Option<Duration>,
}

impl RealmHandle {
    pub(crate) fn new(
        name: Uri,
        settings: Settings,
        when_full: WhenFull,
        limits: &Arc<InForce>,
        gate: &Arc<dyn Gate>,
    ) -> Self {
        let realm = Realm::new(name.clone(), settings, random(), CLOCK);
        let state = State {
            realm,
            seats: HashMap::with_hasher(RandomState::with_seed(0)),
            openings: Openings::default(),
            delivered: Traffic::default(),
            totals: Totals::default(),
            deliveries: Vec::new(),
            deadline: None,
        };
        Self(Arc::new(Inner {
            name,
            state: Mutex::new(state),
            dropped: AtomicU64::new(0),
            limits: Arc::clone(limits),
            when_full,
            gate: Arc::downgrade(gate),
            octets: Arc::default(),
            sooner: Arc::default(),
        }))
    }

    /// Takes the realm's journal and what is in it.
    pub(crate) fn restore(&self, journal: Box<dyn Journal>, records: Vec<Vec<u8>>) {
        let unknown = self.state().realm.restore(journal, records);
        if unknown > 0 {
            tracing::warn!(realm = %self.0.name, unknown, "records of the journal that nobody understands were left out");
        }
    }

    /// Ends what has lasted as long as it may, until nothing is due any more.
    async fn keep_time(realm: Weak<Inner>, sooner: Arc<Notify>) {
        while let Some(next) = realm.upgrade().and_then(|inner| Self(inner).expire()) {
            let _ = tokio::time::timeout_at(*START + next, sooner.notified()).await;
        }
    }

    /// Ends what is due, and says when something is due next.
    fn expire(&self) -> Option<Duration> {
        let mut state = self.state();
        let State {
            realm,
            deliveries,
            seats,
            ..
        } = &mut *state;
        for session in realm.expire((CLOCK.elapsed)(), deliveries) {
            if let (Proceed::Continue, Some(seat)) = (realm.proceed(session), seats.get(&session)) {
                seat.release();
            }
        }
        self.deliver(&mut state);
        state.deadline = state.realm.deadline();
        state.deadline
    }

    /// The realm's name.
    #[must_use]
    pub fn name(&self) -> &Uri {
        &self.0.name
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Routes messages of a session, in their order, under one lock. The vector is empty afterwards.
    pub(crate) fn route(&self, from: SessionId, messages: &mut Vec<Message>) -> Result<Proceed, Violation> {
        let mut state = self.state();
        let mut proceed = Ok(Proceed::Continue);
        state.begin(messages.len());
        for message in messages.drain(..) {
            let State { realm, deliveries, .. } = &mut *state;
            proceed = realm.receive(from, message, deliveries);
            self.deliver(&mut state);
            if !matches!(proceed, Ok(Proceed::Continue | Proceed::Wait)) {
                break;
            }
        }
        self.report_denied(state);
        proceed
    }

    /// Tells the gate what was denied, without the lock.
    fn report_denied(&self, mut state: MutexGuard<'_, State>) {
        let denied = state.realm.take_denied();
        drop(state);
        if let (false, Some(gate)) = (denied.is_empty(), self.0.gate.upgrade()) {
            for Denied { session, action, uri } in denied {
                gate.denied(session, action, uri.as_str());
            }
        }
    }

    /// Forgets a session; `false` if it goes on over another connection than this one.
    pub(crate) fn leave(&self, session: SessionId, tenure: Option<&Tenure>) -> bool {
        let mut state = self.state();
        if let (Some(tenure), Some(seat)) = (tenure, state.seats.get(&session))
            && !seat.is_held_by(tenure)
        {
            return false;
        }
        state.seats.remove(&session);
        let State { realm, deliveries, .. } = &mut *state;
        realm.leave(session, deliveries);
        self.deliver(&mut state);
        true
    }

    /// Takes back what a writer could not write. What stands behind it, in `behind` and in the session's queue, and makes no
    /// sense without it, is withdrawn; of the former it is given back.
    pub(crate) fn bounce(
        &self,
        to: SessionId,
        message: &Message,
        why: Bounce,
        behind: &mut VecDeque<Outgoing>,
    ) -> Vec<Outgoing> {
        let mut state = self.state();
        let withdrawn = outbox::withdraw(behind, message);
        let waiting = state
            .seats
            .get(&to)
            .map(|seat| seat.outbox.withdraw(message))
            .unwrap_or_default();
        let had_end = withdrawn.iter().chain(&waiting).any(|it| is_end(it.message()));
        if matches!(message, Message::Event(_)) {
            if let Some(seat) = state.seats.get(&to) {
                seat.outbox.note_dropped();
            }
            self.count_dropped(&mut state, to);
        }
        let State { realm, deliveries, .. } = &mut *state;
        realm.bounce(to, message, why, had_end, deliveries);
        self.deliver(&mut state);
        withdrawn
    }

    /// Moves deliveries into outboxes. It happens under the lock, because the specification wants SUBSCRIBED before the
    /// first EVENT and REGISTERED before the first INVOCATION.
    fn deliver(&self, state: &mut State) {
        // A delivery that cannot be made may cause others: answers, which cause no more, or an invocation of the next
        // callee that has not had the call.
        while !state.deliveries.is_empty() {
            let mut batch = std::mem::take(&mut state.deliveries);
            for Delivery { to, outgoing } in batch.drain(..) {
                if let Message::Goodbye(_) = outgoing.message() {
                    Self::close_seat(state, to, outgoing);
                    continue;
                }
                let Some(seat) = state.seats.get_mut(&to) else {
                    continue;
                };
                let kind = Traffic::of(outgoing.message());
                state.totals.ends.count(outgoing.message());
                let pushed = seat.outbox.push(outgoing);
                if !matches!(pushed, Pushed::Full { refused: Some(_), .. }) {
                    state.totals.sent += 1;
                    seat.traffic += kind;
                    state.delivered += kind;
                }
                if let Pushed::Full { refused, displaced } = pushed {
                    self.overflow(state, to, refused.into_iter().chain(displaced));
                }
            }
            if state.deliveries.is_empty() {
                state.deliveries = batch;
                break;
            }
        }
        self.wind(state);
        for news in state.realm.take_consent_news() {
            if let Some(gate) = self.0.gate.upgrade() {
                gate.consent(self, news);
            }
        }
        for question in state.realm.take_authorizations() {
            let id = question.id;
            let gate = self.0.gate.upgrade();
            if !gate.is_some_and(|gate| gate.authorize(self, question)) {
                self.settle(state, id, Decision::Failed("nobody asks authorizers here"));
            }
        }
    }

    /// Starts the timer, or lets it look again.
    fn wind(&self, state: &mut State) {
        let Some(next) = state.realm.deadline() else { return };
        match state.deadline {
            Some(waited_for) if waited_for <= next => {}
            Some(_) => {
                state.deadline = Some(next);
                self.0.sooner.notify_one();
            }
            None => {
                state.deadline = Some(next);
                tokio::spawn(Self::keep_time(Arc::downgrade(&self.0), Arc::clone(&self.0.sooner)));
            }
        }
    }

    /// Nothing follows a GOODBYE: the session's writer sends it and closes.
    fn close_seat(state: &mut State, session: SessionId, goodbye: Outgoing) {
        if let Some(seat) = state.seats.remove(&session) {
            seat.release();
            seat.outbox.close(Some(goodbye));
        }
    }

    /// Changes the role of every session that `is_meant` picks, with what each holds already: subscriptions and
    /// registrations that the new role does not allow end.
    pub fn set_role(&self, role: &Arc<Role>, is_meant: impl Fn(&Origin) -> bool) {
        let mut state = self.state();
        for session in state.realm.sessions() {
            let State { realm, deliveries, .. } = &mut *state;
            if realm.origin(session).is_some_and(&is_meant) {
                realm.set_role(session, Arc::clone(role), deliveries);
                // What waited for an authorizer may not wait under the new role.
                if let Some(seat) = state.seats.get(&session) {
                    seat.release();
                }
            }
        }
        self.deliver(&mut state);
    }

    /// Answers a question of [`Gate::consent`]: yes, or the sentence that the caller is told.
    pub fn decide(&self, question: QuestionId, answer: Result<(), &'static str>) {
        let mut state = self.state();
        let State { realm, deliveries, .. } = &mut *state;
        realm.decide(question, answer, deliveries);
        self.deliver(&mut state);
    }

    /// Answers a question of [`Gate::authorize`].
    pub fn authorize(&self, question: QuestionId, decision: Decision) {
        self.settle(&mut self.state(), question, decision);
    }

    fn settle(&self, state: &mut State, question: QuestionId, decision: Decision) {
        let State { realm, deliveries, .. } = &mut *state;
        let Some((session, proceed)) = realm.authorize(question, decision, deliveries) else {
            return;
        };
        self.deliver(state);
        match proceed {
            Ok(Proceed::Wait) => {}
            Ok(Proceed::Continue | Proceed::Leave) => {
                if let Some(seat) = state.seats.get(&session) {
                    seat.release();
                }
            }
            Err(violation) => {
                let State { realm, deliveries, .. } = &mut *state;
                realm.leave(session, deliveries);
                Self::close_seat(state, session, Message::Abort(violation.abort()).into());
                self.deliver(state);
            }
        }
    }

    /// Forgets the kept events of every topic that begins with `prefix`.
    pub fn forget_retained(&self, prefix: &str) {
        self.state().realm.forget_retained(prefix);
    }

    /// Who is in the realm, in the order of session ids.
    #[must_use]
    pub fn origins(&self) -> Vec<Origin> {
        let state = self.state();
        state
            .realm
            .sessions()
            .into_iter()
            .filter_map(|session| state.realm.origin(session).cloned())
            .collect()
    }
}
