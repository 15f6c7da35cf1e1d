//! A realm that many tasks share: the one lock, and the way from the realm's deliveries into the outboxes.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::SystemTime;

use rand::TryRng as _;
use wamp::acceptor::Features;
use wamp::error::Violation;
use wamp::id::{QuestionId, SessionId};
use wamp::message::{Goodbye, Message, Origin};
use wamp::outgoing::{Delivery, Outgoing};
use wamp::realm::role::Role;
use wamp::realm::{Bounce, Denied, Flow, Principal, Realm, Settings};
use wamp::uri::Uri;

use crate::gate::Gate;
use crate::limits::Limits;
use crate::outbox::Outbox;
pub(crate) use crate::report::Arrival;
use crate::report::{RealmReport, Seat, Traffic};

/// A realm of a running router.
#[derive(Debug, Clone)]
pub struct RealmHandle(Arc<Inner>);

struct Inner {
    name: Uri,
    state: Mutex<State>,
    /// Events that found a full queue.
    dropped: AtomicU64,
    limits: Limits,
    /// Not held: a gate usually holds realms.
    gate: Weak<dyn Gate>,
}

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
    seats: HashMap<SessionId, Seat>,
    /// What was delivered to all sessions, those that left too.
    delivered: Traffic,
    /// Kept from message to message, so that routing does not allocate.
    deliveries: Vec<Delivery>,
}

/// A session that was opened, for the task that serves it.
#[derive(Debug)]
pub struct Joined {
    /// Its id.
    pub session: SessionId,
    pub(crate) outbox: Arc<Outbox>,
}

impl RealmHandle {
    pub(crate) fn new(name: Uri, settings: Settings, limits: &Limits, gate: &Arc<dyn Gate>) -> Self {
        let mut seed = [0; 32];
        rand::rngs::SysRng
            .try_fill_bytes(&mut seed)
            .expect("the operating system has random bytes");
        let realm = Realm::new(name.clone(), settings, seed, SystemTime::now);
        let state = State {
            realm,
            seats: HashMap::new(),
            delivered: Traffic::default(),
            deliveries: Vec::new(),
        };
        Self(Arc::new(Inner {
            name,
            state: Mutex::new(state),
            dropped: AtomicU64::new(0),
            limits: limits.clone(),
            gate: Arc::downgrade(gate),
        }))
    }

    /// The realm's name.
    #[must_use]
    pub fn name(&self) -> &Uri {
        &self.0.name
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Opens a session, unless `confirm`, which is asked under the lock, says no.
    pub(crate) fn join(
        &self,
        principal: Principal,
        features: Features,
        arrival: Arrival,
        confirm: impl FnOnce() -> bool,
    ) -> Option<Joined> {
        let outbox = Arc::new(Outbox::new(&self.0.limits));
        let mut state = self.state();
        if !confirm() {
            return None;
        }
        let State {
            realm,
            seats,
            deliveries,
            ..
        } = &mut *state;
        let session = realm.join(principal, features, deliveries);
        seats.insert(session, Seat::new(Arc::clone(&outbox), arrival));
        self.deliver(&mut state);
        Some(Joined { session, outbox })
    }

    /// Routes messages of a session, in their order, under one lock. The vector is empty afterwards.
    pub(crate) fn route(&self, from: SessionId, messages: &mut Vec<Message>) -> Result<Flow, Violation> {
        let mut state = self.state();
        let mut flow = Ok(Flow::Continue);
        for message in messages.drain(..) {
            let State { realm, deliveries, .. } = &mut *state;
            flow = realm.receive(from, message, deliveries);
            self.deliver(&mut state);
            if !matches!(flow, Ok(Flow::Continue)) {
                break;
            }
        }
        let denied = state.realm.take_denied();
        drop(state);
        if let (false, Some(gate)) = (denied.is_empty(), self.0.gate.upgrade()) {
            for Denied { session, action, uri } in denied {
                gate.denied(session, action, uri.as_str());
            }
        }
        flow
    }

    /// Forgets a session.
    pub(crate) fn leave(&self, session: SessionId) {
        let mut state = self.state();
        state.seats.remove(&session);
        let State { realm, deliveries, .. } = &mut *state;
        realm.leave(session, deliveries);
        self.deliver(&mut state);
    }

    /// Takes back what a writer could not write.
    pub(crate) fn bounce(&self, to: SessionId, message: &Message, why: Bounce) {
        let mut state = self.state();
        if matches!(message, Message::Event(_)) {
            self.count_dropped(&mut state, to);
        }
        let State { realm, deliveries, .. } = &mut *state;
        realm.bounce(to, message, why, deliveries);
        self.deliver(&mut state);
    }

    /// Moves deliveries into outboxes. It happens under the lock, because the specification wants SUBSCRIBED before the
    /// first EVENT and REGISTERED before the first INVOCATION.
    fn deliver(&self, state: &mut State) {
        // A delivery that cannot be made may cause others, but those are answers, which cause no more.
        while !state.deliveries.is_empty() {
            let mut batch = std::mem::take(&mut state.deliveries);
            for Delivery { to, outgoing } in batch.drain(..) {
                let Some(seat) = state.seats.get_mut(&to) else {
                    continue;
                };
                let kind = Traffic::of(outgoing.message());
                match seat.outbox.push(outgoing) {
                    Ok(()) => {
                        seat.traffic += kind;
                        state.delivered += kind;
                    }
                    Err(outgoing) => {
                        let outbox = Arc::clone(&seat.outbox);
                        self.overflow(state, to, &outbox, &outgoing);
                    }
                }
            }
            if state.deliveries.is_empty() {
                state.deliveries = batch;
                break;
            }
        }
        for news in state.realm.take_consent_news() {
            if let Some(gate) = self.0.gate.upgrade() {
                gate.consent(self, news);
            }
        }
    }

    /// A queue is full: an event is lost and counted, a call fails at once, and a peer that does not even take its
    /// answers is cut off.
    fn overflow(&self, state: &mut State, to: SessionId, outbox: &Outbox, outgoing: &Outgoing) {
        let message = outgoing.message();
        if let Message::Event(_) = message {
            self.count_dropped(state, to);
        } else if let Message::Invocation(_) = message {
            let State { realm, deliveries, .. } = state;
            realm.bounce(to, message, Bounce::Full, deliveries);
        } else {
            tracing::warn!(
                session = to.get(),
                message = message.name(),
                "the peer is too slow and is cut off"
            );
            outbox.break_off();
        }
    }

    fn count_dropped(&self, state: &mut State, to: SessionId) {
        if let Some(seat) = state.seats.get_mut(&to) {
            seat.traffic.dropped += 1;
        }
        // Said at 1, 2, 4, 8…: a slow subscriber must not fill the log.
        let dropped = self.0.dropped.fetch_add(1, Ordering::Relaxed) + 1;
        if dropped.is_power_of_two() {
            tracing::warn!(realm = %self.0.name, dropped, "events were dropped because a subscriber was too slow");
        }
    }

    /// Events dropped since the realm was opened.
    #[must_use]
    pub fn dropped_events(&self) -> u64 {
        self.0.dropped.load(Ordering::Relaxed)
    }

    /// Ends every session that `is_meant` picks, with this message, and says how many they were. Each is forgotten at
    /// once: nothing that it sends afterwards counts.
    pub fn end_sessions(&self, goodbye: &Goodbye, is_meant: impl Fn(&Origin) -> bool) -> usize {
        let mut state = self.state();
        let sessions = state.realm.sessions();
        let mut ended = 0;
        for session in sessions {
            let State {
                realm,
                seats,
                deliveries,
                ..
            } = &mut *state;
            if !realm.origin(session).is_some_and(&is_meant) {
                continue;
            }
            if let Some(seat) = seats.remove(&session) {
                seat.outbox.close(Some(Message::Goodbye(goodbye.clone()).into()));
            }
            realm.leave(session, deliveries);
            ended += 1;
        }
        self.deliver(&mut state);
        ended
    }

    /// Changes the role of every session that `is_meant` picks, with what each holds already: subscriptions and
    /// registrations that the new role does not allow end.
    pub fn set_role(&self, role: &Arc<Role>, is_meant: impl Fn(&Origin) -> bool) {
        let mut state = self.state();
        for session in state.realm.sessions() {
            let State { realm, deliveries, .. } = &mut *state;
            if realm.origin(session).is_some_and(&is_meant) {
                realm.set_role(session, Arc::clone(role), deliveries);
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

    /// What the realm and its sessions do, in figures; of more than `most` sessions, those with the lowest ids.
    #[must_use]
    pub fn report(&self, most: usize) -> RealmReport {
        let state = self.state();
        let sessions = state.realm.sessions();
        let row = |session: &SessionId| state.seats.get(session)?.report(&state.realm, *session);
        RealmReport {
            name: self.0.name.clone(),
            session_count: sessions.len(),
            requests: state.realm.requests(),
            traffic: Traffic {
                dropped: self.dropped_events(),
                ..state.delivered
            },
            queue_bytes: self.0.limits.queue_bytes,
            sessions: sessions.iter().take(most).filter_map(row).collect(),
        }
    }

    /// How many sessions there are.
    #[must_use]
    pub fn session_count(&self) -> usize {
        self.state().realm.session_count()
    }
}
