//! What a realm and its sessions do, in figures, and whether it answers.

use std::sync::Arc;

use wamp::id::SessionId;

use super::{RealmHandle, State};
use crate::report::{RealmReport, RealmTotals, SessionsNow, Traffic};

impl State {
    /// So many messages come, together.
    pub(super) const fn begin(&mut self, messages: usize) {
        self.realm.begin();
        self.totals.received += messages as u64;
    }
}

impl RealmHandle {
    /// Has a connection counted with those of this realm.
    pub(crate) fn count_octets(&self, link: &mut link::Link) {
        link.reader.count_in(Arc::clone(&self.0.octets));
        link.writer.count_in(Arc::clone(&self.0.octets));
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
            queue_bytes: self.0.limits.get().queue_bytes,
            sessions: sessions.iter().take(most).filter_map(row).collect(),
        }
    }

    /// How many sessions there are.
    #[must_use]
    pub fn session_count(&self) -> usize {
        self.state().realm.session_count()
    }

    /// Whether the realm answers: waits for its lock.
    pub fn probe(&self) {
        drop(self.state());
    }

    /// Whether anybody would get an event of this topic now.
    #[must_use]
    pub fn has_audience(&self, topic: &str) -> bool {
        self.state().realm.has_audience(&topic.into())
    }

    /// What the realm counts and holds. Looks at every session, but without the lock where it takes longer.
    #[must_use]
    pub fn totals(&self) -> RealmTotals {
        let state = self.state();
        let mut now = SessionsNow::default();
        let mut outboxes = Vec::with_capacity(state.seats.len());
        #[allow(clippy::disallowed_methods, reason = "sums have no order")]
        for seat in state.seats.values() {
            now.count(seat.transport(), seat.is_detached());
            outboxes.push(Arc::clone(&seat.outbox));
        }
        let mut totals = RealmTotals {
            name: self.0.name.clone(),
            sessions: now,
            joined: state.totals.joined,
            requests: state.realm.requests(),
            traffic: Traffic {
                dropped: self.dropped_events(),
                ..state.delivered
            },
            ends: state.totals.ends,
            messages: [state.totals.received, state.totals.sent],
            octets: self.0.octets.read(),
            figures: state.realm.figures(),
            queued: (0, 0),
        };
        drop(state);
        for outbox in outboxes {
            let (messages, bytes) = outbox.load();
            totals.queued.0 += messages;
            totals.queued.1 += bytes;
        }
        totals
    }
}
