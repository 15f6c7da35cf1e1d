//! Who is there: the sessions of the desktop's realm, and which devices they belong to.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use router::Peer;
use tokio::sync::Notify;
use wamp::id::SessionId;

/// A session of the desktop's realm, as far as more is known of it than the realm knows.
#[derive(Debug, Clone)]
pub struct Visitor {
    /// Where it comes from.
    pub peer: Peer,
    /// Who it is.
    pub authid: Arc<str>,
}

/// The sessions, and the devices that came or went since the last look.
#[derive(Debug, Default)]
pub struct Presence {
    state: Mutex<State>,
    changed: Notify,
}

#[derive(Debug, Default)]
struct State {
    visitors: BTreeMap<SessionId, Visitor>,
    /// Sessions of each device.
    devices: BTreeMap<Arc<str>, Sessions>,
    /// Sessions of devices whose connection is lost.
    detached: BTreeSet<SessionId>,
    /// Devices whose presence was not told yet. A set: who comes and goes quickly is told once.
    news: BTreeSet<Arc<str>>,
}

/// How many sessions a device has.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Sessions {
    /// In all.
    pub all: usize,
    /// Those whose connection is lost, and that wait for the device to return.
    pub detached: usize,
}

impl Sessions {
    /// Whether the device can be reached.
    const fn is_there(self) -> bool {
        self.all > self.detached
    }
}

impl State {
    /// Changes the sessions of a device, and notes news when it comes or goes by that.
    fn change(&mut self, device: &Arc<str>, change: impl FnOnce(&mut Sessions)) -> bool {
        let sessions = self.devices.entry(Arc::clone(device)).or_default();
        let was_there = sessions.is_there();
        change(sessions);
        let sessions = *sessions;
        if sessions.all == 0 {
            self.devices.remove(device);
        }
        let is_news = sessions.is_there() != was_there;
        if is_news {
            self.news.insert(Arc::clone(device));
        }
        is_news
    }
}

impl Presence {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Counts a session of a device, unless it has as many as it may. [`Presence::exit`] takes it back.
    pub fn enter(&self, device: &Arc<str>, most: usize) -> bool {
        let mut state = self.state();
        if state.devices.get(device).is_some_and(|sessions| sessions.all >= most) {
            return false;
        }
        if state.change(device, |sessions| sessions.all += 1) {
            self.changed.notify_one();
        }
        true
    }

    /// A session of a device has lost its connection: it still counts, but the device is not there by it.
    pub fn detach(&self, session: SessionId, device: &Arc<str>) {
        let mut state = self.state();
        if state.detached.insert(session) && state.change(device, |sessions| sessions.detached += 1) {
            self.changed.notify_one();
        }
    }

    /// A session of a device has a connection again.
    pub fn attach(&self, session: SessionId, device: &Arc<str>) {
        let mut state = self.state();
        if state.detached.remove(&session) && state.change(device, |sessions| sessions.detached -= 1) {
            self.changed.notify_one();
        }
    }

    /// Takes back one session of a device; `true` if it was the last.
    pub fn exit(&self, session: SessionId, device: &Arc<str>) -> bool {
        let mut state = self.state();
        if !state.devices.contains_key(device) {
            return false;
        }
        let was_detached = usize::from(state.detached.remove(&session));
        let is_news = state.change(device, |sessions| {
            sessions.all -= 1;
            sessions.detached -= was_detached;
        });
        if is_news {
            self.changed.notify_one();
        }
        !state.devices.contains_key(device)
    }

    /// Notes a session.
    pub fn note(&self, session: SessionId, visitor: Visitor) {
        self.state().visitors.insert(session, visitor);
    }

    /// Forgets a session.
    pub fn forget(&self, session: SessionId) {
        self.state().visitors.remove(&session);
    }

    /// Where a session comes from.
    #[must_use]
    pub fn visitor(&self, session: SessionId) -> Option<Visitor> {
        self.state().visitors.get(&session).cloned()
    }

    /// The sessions that `is_meant` picks.
    pub fn those(&self, is_meant: impl Fn(&Visitor) -> bool) -> BTreeSet<SessionId> {
        let state = self.state();
        let meant = state.visitors.iter().filter(|(_, visitor)| is_meant(visitor));
        meant.map(|(session, _)| *session).collect()
    }

    /// How many sessions a device has.
    #[must_use]
    pub fn sessions_of(&self, device: &str) -> Sessions {
        self.state().devices.get(device).copied().unwrap_or_default()
    }

    /// The devices that have sessions.
    #[must_use]
    pub fn devices(&self) -> Vec<Arc<str>> {
        self.state().devices.keys().cloned().collect()
    }

    /// Has every device of these told, as when the daemon starts.
    pub fn tell(&self, devices: impl Iterator<Item = Arc<str>>) {
        self.state().news.extend(devices);
        self.changed.notify_one();
    }

    /// Waits for devices that came or went, and says whether each is there now.
    pub async fn news(&self) -> Vec<(Arc<str>, bool)> {
        loop {
            let news = self.take_news();
            if !news.is_empty() {
                return news;
            }
            self.changed.notified().await;
        }
    }

    fn take_news(&self) -> Vec<(Arc<str>, bool)> {
        let mut state = self.state();
        let news = std::mem::take(&mut state.news);
        let is_there = |device: &Arc<str>| state.devices.get(device).is_some_and(|it| it.is_there());
        news.into_iter()
            .map(|device| (Arc::clone(&device), is_there(&device)))
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn device() -> Arc<str> {
        "d_1".into()
    }

    fn session(number: u64) -> SessionId {
        SessionId::new(number).unwrap()
    }

    #[test]
    fn a_device_whose_connections_are_lost_is_not_there_until_it_returns() {
        let presence = Presence::default();
        assert!(presence.enter(&device(), 2) && presence.enter(&device(), 2));
        presence.take_news();
        presence.detach(session(1), &device());
        presence.detach(session(1), &device());
        assert!(presence.take_news().is_empty(), "the other session has its connection");
        presence.detach(session(2), &device());
        assert_eq!(presence.take_news(), [(device(), false)]);
        assert!(!presence.enter(&device(), 2), "both still count");
        presence.attach(session(1), &device());
        presence.attach(session(1), &device());
        assert_eq!(presence.take_news(), [(device(), true)]);
        assert_eq!(presence.sessions_of("d_1"), Sessions { all: 2, detached: 1 });
        assert!(!presence.exit(session(1), &device()));
        assert_eq!(presence.take_news(), [(device(), false)]);
        assert!(presence.exit(session(2), &device()));
        assert!(presence.take_news().is_empty(), "it was not there before");
        assert!(presence.state().detached.is_empty());
    }

    #[test]
    fn a_device_comes_with_its_first_session_and_goes_with_its_last() {
        let presence = Presence::default();
        assert!(presence.enter(&device(), 8));
        assert!(presence.enter(&device(), 8));
        assert_eq!(presence.take_news(), [(device(), true)]);
        assert!(!presence.exit(session(1), &device()));
        assert!(presence.take_news().is_empty(), "one session is left");
        assert!(presence.exit(session(2), &device()));
        assert_eq!(presence.take_news(), [(device(), false)]);
    }

    #[test]
    fn who_comes_and_goes_between_two_looks_is_told_as_it_is_now() {
        let presence = Presence::default();
        presence.enter(&device(), 8);
        presence.exit(session(1), &device());
        presence.enter(&device(), 8);
        assert_eq!(presence.take_news(), [(device(), true)]);
        assert!(presence.take_news().is_empty());
    }

    #[test]
    fn the_last_session_of_the_limit_is_taken_and_the_next_is_not_until_one_goes() {
        let presence = Presence::default();
        assert!(presence.enter(&device(), 2) && presence.enter(&device(), 2));
        assert!(!presence.enter(&device(), 2));
        assert_eq!(presence.sessions_of("d_1").all, 2);
        presence.exit(session(1), &device());
        assert!(presence.enter(&device(), 2));
        assert!(
            presence.enter(&"d_2".into(), 2),
            "another device has a limit of its own"
        );
    }
}
