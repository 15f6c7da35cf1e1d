//! What happens when a session takes its messages too slowly: what is lost, and who is told.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use wamp::id::SessionId;
use wamp::message::Message;
use wamp::outgoing::Outgoing;
use wamp::realm::Bounce;

use super::{RealmHandle, State};
use crate::limits::WhenFull;
use crate::outbox::Outbox;

impl RealmHandle {
    /// A queue is full: an event is lost and counted, a call fails at once, and a peer that does not even take its
    /// answers is cut off.
    pub(super) fn overflow(&self, state: &mut State, to: SessionId, lost: impl Iterator<Item = Outgoing>) {
        for outgoing in lost {
            let message = outgoing.message();
            let Some(seat) = state.seats.get(&to) else { return };
            let outbox = Arc::clone(&seat.outbox);
            let State { realm, deliveries, .. } = &mut *state;
            if let Message::Event(event) = message
                && outbox.when_full() != WhenFull::Disconnect
            {
                if event.details.acknowledge {
                    realm.bounce(to, message, Bounce::Full, false, deliveries);
                }
                self.count_dropped(state, to);
            } else if let Message::Invocation(_) = message {
                realm.bounce(to, message, Bounce::Full, false, deliveries);
            } else {
                tracing::warn!(
                    session = to.get(),
                    message_type = message.name(),
                    "the peer is too slow and is cut off"
                );
                outbox.break_off();
            }
        }
    }

    /// Tells who wants to know that a session has lost events, when it has taken what it did not lose.
    pub(crate) fn overflowed(&self, session: SessionId, outbox: &Outbox) {
        let mut state = self.state();
        let Some(dropped) = outbox.take_dropped() else { return };
        let State { realm, deliveries, .. } = &mut *state;
        realm.overflowed(session, dropped, deliveries);
        self.deliver(&mut state);
    }

    pub(super) fn count_dropped(&self, state: &mut State, to: SessionId) {
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
}
