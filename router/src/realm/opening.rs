//! Sessions that were opened and that nobody knows of, because their WELCOME was lost on its way.

use std::collections::HashMap;

use wamp::id::SessionId;
use wamp::realm::Principal;

use super::{RealmHandle, State};

/// Openings of sessions that have ended, until they are looked for and forgotten; as many as there are sessions beside.
const FORGOTTEN: usize = 64;

/// By what the client said, the session that came of it.
#[derive(Debug, Default)]
pub(super) struct Openings(HashMap<Box<str>, SessionId>);

impl Openings {
    /// Remembers one. Those of sessions that are there no more are looked for only when there may be many of them.
    pub(super) fn insert(
        &mut self,
        opening: Box<str>,
        session: SessionId,
        sessions: usize,
        is_there: impl Fn(SessionId) -> bool,
    ) {
        if self.0.len() >= 2 * sessions + FORGOTTEN {
            self.0.retain(|_, session| is_there(*session));
        }
        self.0.insert(opening, session);
    }
}

impl RealmHandle {
    /// A client opens a session, and may say how it has tried to before. A session of its own that came of that, and of which
    /// nothing was ever heard, ends: WELCOME was lost with the connection, so that nobody can return to it, and yet it would
    /// take a place as long as one that is waited for.
    pub(crate) fn give_up(&self, opening: Option<&str>, principal: &Principal) {
        let Some(opening) = opening else { return };
        let mut state = self.state();
        let State {
            realm,
            seats,
            openings,
            deliveries,
            ..
        } = &mut *state;
        let Some(&session) = openings.0.get(opening) else {
            return;
        };
        let lease = seats.get(&session).and_then(|seat| seat.lease.as_ref());
        let is_nobodys = lease.is_some_and(|lease| lease.is_unheard());
        if !is_nobodys || !realm.is_of(session, principal) {
            return;
        }
        openings.0.remove(opening);
        if let Some(seat) = seats.remove(&session) {
            seat.outbox.close(None);
            // At once, and not when the task that waits for the client has seen that it need not.
            if let Some(lease) = &seat.lease {
                lease.give_place_back();
            }
        }
        realm.leave(session, deliveries);
        self.deliver(&mut state);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn openings_of_sessions_that_have_ended_are_forgotten_before_they_are_many() {
        let mut openings = Openings::default();
        let id = |number: u64| SessionId::new(number).expect("an id");
        for number in 1..=10_000 {
            openings.insert(number.to_string().into(), id(number), 2, |it| {
                it == id(7) || it == id(number)
            });
            assert!(openings.0.len() <= FORGOTTEN + 4);
        }
        assert_eq!(openings.0.get("7"), Some(&id(7)));
    }
}
