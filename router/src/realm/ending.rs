//! Ends sessions for whoever runs the router.

use wamp::id::SessionId;
use wamp::message::{Goodbye, Origin};
use wamp::realm::Realm;

use super::{RealmHandle, State};

impl RealmHandle {
    /// Ends every session that `is_meant` picks, with this message, and says how many they were. Each is forgotten at
    /// once: nothing that it sends afterwards counts.
    pub fn end_sessions(&self, goodbye: &Goodbye, is_meant: impl Fn(&Origin) -> bool) -> usize {
        self.end(goodbye, is_meant, |_, _| {})
    }

    /// The same for sessions of whom nothing is wanted any more: their testaments are dropped.
    pub fn revoke_sessions(&self, goodbye: &Goodbye, is_meant: impl Fn(&Origin) -> bool) -> usize {
        self.end(goodbye, is_meant, Realm::drop_testaments)
    }

    fn end(
        &self,
        goodbye: &Goodbye,
        is_meant: impl Fn(&Origin) -> bool,
        before: impl Fn(&mut Realm, SessionId),
    ) -> usize {
        let mut state = self.state();
        let State { realm, deliveries, .. } = &mut *state;
        let mut sessions = realm.sessions();
        sessions.retain(|session| realm.origin(*session).is_some_and(&is_meant));
        sessions.iter().for_each(|session| before(realm, *session));
        realm.dismiss(&sessions, goodbye, deliveries);
        self.deliver(&mut state);
        sessions.len()
    }
}
