//! Sessions that are opened.

use std::sync::{Arc, Mutex};

use tokio::sync::Notify;
use wamp::acceptor::Features;
use wamp::id::SessionId;
use wamp::realm::Principal;
use wamp::resumption::Outcome;

use super::{Arrival, Lease, RealmHandle, State, Tenure};
use crate::limits::Place;
use crate::outbox::Outbox;
use crate::report::Seat;

/// A session that was opened, for the task that serves it.
#[derive(Debug)]
pub struct Joined {
    /// Its id.
    pub session: SessionId,
    pub(crate) outbox: Arc<Outbox>,
    /// Says that the session may be read again, after [`Flow::Wait`].
    pub(crate) released: Arc<Notify>,
    /// What this connection has of a session that can be resumed.
    pub(crate) tenure: Option<Tenure>,
    /// Held as long as the connection of a session that cannot be resumed; [`Tenure`] holds that of others.
    pub(crate) _place: Option<SharedPlace>,
}

/// The place among the sessions, which goes over to the next connection of a session that is resumed.
pub(crate) type SharedPlace = Arc<Mutex<Option<Place>>>;

/// Who comes in, beside the principal.
#[derive(Debug)]
pub(crate) struct Newcomer {
    /// The id that its login named.
    pub(crate) promised: Option<SessionId>,
    pub(crate) features: Features,
    pub(crate) arrival: Arrival,
    /// If the session can be resumed, what its client is told: that it is new, or why it is.
    pub(crate) outcome: Option<Outcome>,
    pub(crate) place: SharedPlace,
    /// What its client says in each attempt to open it.
    pub(crate) opening: Option<Box<str>>,
}

impl RealmHandle {
    /// Opens a session, unless `confirm`, which is asked under the lock, says no.
    pub(crate) fn join(
        &self,
        principal: Principal,
        newcomer: Newcomer,
        confirm: impl FnOnce() -> bool,
    ) -> Option<Joined> {
        let Newcomer {
            promised,
            features,
            arrival,
            outcome,
            place,
            opening,
        } = newcomer;
        let limits = self.0.limits.get();
        let lease = outcome.zip(limits.resume);
        // Without a lease nobody but the connection has the place, and a place that is dropped is free.
        let (lease, place) = match lease {
            Some((outcome, within)) => (Some((Box::new(Lease::new(place)), outcome, within)), None),
            None => (None, Some(place)),
        };
        let granted = lease
            .as_ref()
            .map(|(lease, outcome, within)| lease.granted(outcome.clone(), *within));
        let lease = lease.map(|(lease, ..)| lease);
        let outbox = Arc::new(Outbox::new(&limits, self.0.when_full, lease.is_some()));
        let tenure = lease.as_ref().map(|lease| lease.tenure());
        let mut state = self.state();
        if !confirm() {
            return None;
        }
        let State {
            realm,
            seats,
            openings,
            deliveries,
            totals,
            ..
        } = &mut *state;
        totals.joined[arrival.transport_index()] += 1;
        let session = realm.join(
            promised,
            principal,
            arrival.transport(),
            features,
            granted.as_ref(),
            deliveries,
        );
        let seat = Seat::new(Arc::clone(&outbox), arrival, lease);
        let released = seat.released();
        if let Some(opening) = opening.filter(|_| seat.lease.is_some()) {
            openings.insert(opening, session, seats.len(), |it| seats.contains_key(&it));
        }
        seats.insert(session, seat);
        self.deliver(&mut state);
        Some(Joined {
            session,
            outbox,
            released,
            tenure,
            _place: place,
        })
    }
}
