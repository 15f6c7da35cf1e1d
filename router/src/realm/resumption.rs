//! Sessions that outlive their connections: whose connection a session has, what has arrived of it, and how the next
//! connection takes its place. All of it is decided under the realm's lock, so that what WELCOME says is exact.

use std::sync::{Arc, PoisonError};
use std::time::Duration;

use subtle::ConstantTimeEq as _;
use tokio_util::sync::CancellationToken;
use wamp::error::Violation;
use wamp::id::SessionId;
use wamp::message::Message;
use wamp::realm::{Principal, Proceed};
use wamp::resumption::{Granted, Inbound, Outcome, Return, TOKEN_LENGTH};

use super::{Arrival, Joined, RealmHandle, SharedPlace, State};
use crate::gate::Peer;
use crate::limits::Place;
use crate::outbox::Epoch;
use crate::random::random;
use crate::report::Seat;

/// What a session has that can be resumed.
#[derive(Debug)]
pub(crate) struct Lease {
    token: Token,
    inbound: Inbound,
    epoch: Epoch,
    /// Tells the connection that has the session that another one takes it over.
    replaced: CancellationToken,
    place: SharedPlace,
    is_detached: bool,
}

/// What proves that a session is one's own. It stays the same as long as the session lives: a WELCOME with another one
/// might be lost on its way.
struct Token(String);

impl std::fmt::Debug for Token {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Token")
    }
}

impl Token {
    fn new() -> Self {
        Self(hex::encode(random::<{ TOKEN_LENGTH / 2 }>()))
    }

    /// In a time that does not depend on where they differ.
    fn is(&self, other: &str) -> bool {
        self.0.as_bytes().ct_eq(other.as_bytes()).into()
    }
}

/// What one connection has of such a session, as long as no other connection has it.
#[derive(Debug)]
pub(crate) struct Tenure {
    pub(crate) epoch: Epoch,
    /// Another connection has taken the session over.
    pub(crate) replaced: CancellationToken,
    /// Whether the session may not be read yet: as much as may waits for an authorizer, from an earlier connection.
    pub(crate) must_wait: bool,
    /// Held as long as the session lasts, or the connection.
    _place: SharedPlace,
}

/// What came of messages that were routed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Routed {
    /// They were; RECEIVED is due within [`wamp::limits::ACKNOWLEDGED_WITHIN`] if the other end is behind.
    Done {
        /// As the realm says.
        proceed: Proceed,
        /// Whether the other end does not know of all of them.
        is_behind: bool,
    },
    /// None was: the session has another connection.
    Replaced,
}

/// Who returns.
#[derive(Debug)]
pub(crate) struct Returning<'a> {
    pub(crate) back: &'a Return,
    pub(crate) principal: &'a Principal,
    pub(crate) peer: &'a Peer,
    pub(crate) arrival: Arrival,
    pub(crate) place: &'a mut Option<Place>,
}

/// Why a session does not go on.
#[derive(Debug)]
pub(crate) enum Refused {
    /// The client gets another session, and this sentence.
    New(&'static str),
    /// It wanted one that is not its own: the same, and the owner is to know.
    Stranger(&'static str),
    /// Nobody may join like this now.
    Denied,
    /// There is no place for its connection.
    Full(&'static str),
}

impl Lease {
    pub(super) fn new(place: SharedPlace) -> Self {
        Self {
            token: Token::new(),
            inbound: Inbound::default(),
            epoch: 0,
            replaced: CancellationToken::new(),
            place,
            is_detached: false,
        }
    }

    pub(super) fn granted(&self, outcome: Outcome, within: Duration) -> Granted {
        Granted {
            token: self.token.0.clone(),
            within_s: within.as_secs(),
            outcome,
        }
    }

    pub(super) fn tenure(&self) -> Tenure {
        Tenure {
            epoch: self.epoch,
            replaced: self.replaced.clone(),
            must_wait: false,
            _place: Arc::clone(&self.place),
        }
    }

    /// Whether nothing has arrived of it, on its first connection.
    pub(super) const fn is_unheard(&self) -> bool {
        self.epoch == 0 && self.inbound.received() == 0
    }

    pub(super) fn give_place_back(&self) {
        self.place.lock().unwrap_or_else(PoisonError::into_inner).take();
    }

    pub(crate) const fn is_detached(&self) -> bool {
        self.is_detached
    }
}

impl Seat {
    /// Whether this connection still has the session.
    pub(super) fn is_held_by(&self, tenure: &Tenure) -> bool {
        self.lease.as_ref().is_some_and(|lease| lease.epoch == tenure.epoch)
    }
}

impl RealmHandle {
    /// Routes messages of a session that can be resumed, in their order, under one lock, and counts them: exactly those
    /// that the realm got have arrived. The vector is empty afterwards.
    pub(crate) fn route_counted(
        &self,
        from: SessionId,
        tenure: &Tenure,
        messages: &mut Vec<Message>,
    ) -> Result<Routed, Violation> {
        let mut state = self.state();
        let mut proceed = Ok(Proceed::Continue);
        state.begin(messages.len());
        for message in messages.drain(..) {
            match count(&mut state, from, tenure, &message) {
                Ok(Counted::ForTheRealm) => {}
                Ok(Counted::Received) => continue,
                Ok(Counted::Gone) => {
                    proceed = Ok(Proceed::Leave);
                    break;
                }
                Ok(Counted::Replaced) => return Ok(Routed::Replaced),
                Err(violation) => {
                    proceed = Err(violation);
                    break;
                }
            }
            let State { realm, deliveries, .. } = &mut *state;
            proceed = realm.receive(from, message, deliveries);
            self.deliver(&mut state);
            if !matches!(proceed, Ok(Proceed::Continue | Proceed::Wait)) {
                break;
            }
        }
        let lease = state.seats.get(&from).and_then(|seat| seat.lease.as_ref());
        let is_behind = lease.is_some_and(|lease| lease.inbound.is_behind());
        self.report_denied(state);
        proceed.map(|proceed| Routed::Done { proceed, is_behind })
    }

    /// Tells the other end how many messages have arrived, if it does not know.
    pub(crate) fn acknowledge(&self, session: SessionId, tenure: &Tenure) {
        let mut state = self.state();
        let seat = state.seats.get_mut(&session).filter(|seat| seat.is_held_by(tenure));
        if let Some(seat) = seat
            && let Some(lease) = &mut seat.lease
            && lease.inbound.is_behind()
        {
            seat.outbox.tell_received(lease.inbound.acknowledge());
        }
    }

    /// The connection of a session is lost; it waits for its client, unless it has ended or has another connection.
    pub(crate) fn detach(&self, session: SessionId, tenure: &Tenure, principal: &Principal) {
        let mut state = self.state();
        let State {
            realm,
            seats,
            deliveries,
            ..
        } = &mut *state;
        let seat = seats.get_mut(&session).filter(|seat| seat.is_held_by(tenure));
        let Some(lease) = seat.and_then(|seat| seat.lease.as_mut()) else {
            return;
        };
        lease.is_detached = true;
        if let Some(gate) = self.0.gate.upgrade() {
            gate.detached(session, principal);
        }
        realm.detach(session, deliveries);
        self.deliver(&mut state);
    }

    /// Lets a client go on with its session over a new connection. The old one, if it is still there, has it no more.
    pub(crate) fn resume(&self, returning: Returning<'_>) -> Result<Joined, Refused> {
        let Returning {
            back,
            principal,
            peer,
            arrival,
            place,
        } = returning;
        let limits = self.0.limits.get();
        let within = limits.resume.ok_or(Refused::New(ENDED))?;
        let mut state = self.state();
        self.check(&mut state, back, principal)?;
        let State {
            realm,
            seats,
            deliveries,
            ..
        } = &mut *state;
        let seat = seats.get_mut(&back.session).ok_or(Refused::New(ENDED))?;
        let lease = seat.lease.as_mut().ok_or(Refused::New(ENDED))?;
        let mut kept = lease.place.lock().unwrap_or_else(PoisonError::into_inner);
        match (&mut *kept, place.as_mut()) {
            (Some(kept), Some(new)) => kept.move_to(new, &limits),
            (None, Some(new)) => new.join(&limits),
            (_, None) => Ok(()),
        }
        .map_err(Refused::Full)?;
        if kept.is_none() || place.is_none() {
            *kept = place.take();
        }
        drop(kept);
        let gate = self.0.gate.upgrade();
        if !gate.is_some_and(|gate| gate.confirm_return(back.session, principal, peer)) {
            return Err(Refused::Denied);
        }
        lease.is_detached = false;
        lease.replaced.cancel();
        lease.replaced = CancellationToken::new();
        let received = lease.inbound.received();
        // The client reads it in WELCOME.
        lease.inbound.acknowledge();
        let granted = lease.granted(Outcome::Resumed(received), within);
        let transport = arrival.transport();
        let welcome = realm.resume(back.session, principal, transport, &granted, deliveries);
        lease.epoch = seat.outbox.hand_over(welcome);
        let tenure = Some(Tenure {
            must_wait: realm.proceed(back.session) == Proceed::Wait,
            ..lease.tenure()
        });
        seat.arrive_again(arrival);
        let joined = Joined {
            session: back.session,
            outbox: Arc::clone(&seat.outbox),
            released: seat.released(),
            tenure,
            _place: None,
        };
        self.deliver(&mut state);
        Ok(joined)
    }

    /// Whether this session goes on for this client, who says how many messages it got. Whoever has the token and yet
    /// cannot be right about that has no use for the session any more, which ends.
    fn check(&self, state: &mut State, back: &Return, principal: &Principal) -> Result<(), Refused> {
        let State {
            realm,
            seats,
            deliveries,
            ..
        } = &mut *state;
        let seat = seats.get(&back.session).filter(|seat| seat.outbox.is_open());
        let (seat, lease) = seat
            .and_then(|seat| Some((seat, seat.lease.as_ref()?)))
            .ok_or(Refused::New(ENDED))?;
        if !lease.token.is(&back.token) {
            return Err(Refused::Stranger("the token is not that of the session"));
        }
        if !realm.is_of(back.session, principal) {
            return Err(Refused::Stranger(
                "the session belongs to another principal, or was opened by another method of login",
            ));
        }
        if seat.outbox.acknowledged(back.received).is_ok() {
            return Ok(());
        }
        seat.outbox.close(None);
        seats.remove(&back.session);
        realm.leave(back.session, deliveries);
        self.deliver(state);
        Err(Refused::New(
            "so many messages cannot have arrived at the client; the session has ended",
        ))
    }
}

const ENDED: &str = "the session has ended";

/// What is to be done with a message.
enum Counted {
    ForTheRealm,
    /// It was RECEIVED.
    Received,
    /// The session has ended.
    Gone,
    /// The session has another connection.
    Replaced,
}

fn count(state: &mut State, from: SessionId, tenure: &Tenure, message: &Message) -> Result<Counted, Violation> {
    let Some(seat) = state.seats.get_mut(&from) else {
        return Ok(Counted::Gone);
    };
    let Some(lease) = seat.lease.as_mut().filter(|lease| lease.epoch == tenure.epoch) else {
        return Ok(Counted::Replaced);
    };
    if let Message::Received(received) = message {
        seat.outbox.acknowledged(received.count)?;
        return Ok(Counted::Received);
    }
    lease.inbound.arrived(message);
    if lease.inbound.is_due() {
        seat.outbox.tell_received(lease.inbound.acknowledge());
    }
    Ok(Counted::ForTheRealm)
}
