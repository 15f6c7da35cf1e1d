//! Ends sessions for whoever runs the router.

use wamp::id::SessionId;
use wamp::message::{Goodbye, Origin};
use wamp::outgoing::Delivery;
use wamp::realm::Realm;

use super::{RealmHandle, State};

impl RealmHandle {
    /// Ends every session that `is_meant` picks, with this message, and says how many they were. Each is forgotten at
    /// once: nothing that it sends afterwards counts.
    pub fn end_sessions(&self, goodbye: &Goodbye, is_meant: impl Fn(&Origin) -> bool) -> usize {
        self.end(goodbye, is_meant, Realm::dismiss)
    }

    /// The same for sessions of whom nothing is wanted any more: their testaments are dropped.
    pub fn revoke_sessions(&self, goodbye: &Goodbye, is_meant: impl Fn(&Origin) -> bool) -> usize {
        self.end(goodbye, is_meant, |realm, session, goodbye, out| {
            realm.drop_testaments(session);
            realm.dismiss(session, goodbye, out);
        })
    }

    fn end(
        &self,
        goodbye: &Goodbye,
        is_meant: impl Fn(&Origin) -> bool,
        dismiss: impl Fn(&mut Realm, SessionId, Goodbye, &mut Vec<Delivery>),
    ) -> usize {
        let mut state = self.state();
        let sessions = state.realm.sessions();
        let mut ended = 0;
        for session in sessions {
            let State { realm, deliveries, .. } = &mut *state;
            if !realm.origin(session).is_some_and(&is_meant) {
                continue;
            }
            dismiss(realm, session, goodbye.clone(), deliveries);
            ended += 1;
        }
        self.deliver(&mut state);
        ended
    }
}
