//! Users of this machine who own the desktop only while they sit at it, and the agent of the session in front.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use router::{Peer, Router, Transport};
use tokio::sync::{Notify, watch};
use wamp::error::KILLED;
use wamp::id::SessionId;
use wamp::message::Goodbye;

use super::Access;

/// What is known of them.
#[derive(Debug, Default)]
pub(super) struct Seated {
    /// Somebody joined in the moment in which they stood up.
    overlooked: Notify,
    /// The session of the agent that serves.
    agent: Mutex<Option<SessionId>>,
    has_agent: watch::Sender<bool>,
}

impl Seated {
    fn agent(&self) -> MutexGuard<'_, Option<SessionId>> {
        self.agent.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A session ended.
    pub(super) fn left(&self, session: SessionId) {
        if self.agent().take_if(|agent| *agent == session).is_some() {
            self.has_agent.send_replace(false);
        }
    }

    /// Has the sessions looked at once more.
    pub(super) fn look_again(&self) {
        self.overlooked.notify_one();
    }
}

impl Access {
    /// Whether a peer of the Unix socket may be here now.
    pub(super) fn is_of_household(&self, peer: &Peer) -> bool {
        peer.transport != Transport::Unix || peer.uid.is_none_or(|uid| self.household.has(uid))
    }

    /// Ends the sessions of users as soon as they do not sit at the machine any more, for as long as the daemon runs.
    pub async fn keep_seat(self: Arc<Self>, router: Router) {
        let Some(mut occupant) = self.household.occupant() else {
            return;
        };
        loop {
            let gone = self.presence.those(|visitor| !self.is_of_household(&visitor.peer));
            if !gone.is_empty() {
                end(&router, &gone);
            }
            tokio::select! {
                changed = occupant.changed() => if changed.is_err() { return },
                () = self.seated.overlooked.notified() => {}
            }
        }
    }

    /// A session serves the functions of the desktop session from now on.
    pub fn agent_serves(&self, session: SessionId) {
        *self.seated.agent() = Some(session);
        // It may have gone while it said so.
        let is_there = self.presence.visitor(session).is_some();
        self.seated.has_agent.send_replace(is_there);
    }

    /// Whether an agent serves the desktop session in front, as it changes.
    pub fn agent(&self) -> watch::Receiver<bool> {
        self.seated.has_agent.subscribe()
    }
}

fn end(router: &Router, gone: &BTreeSet<SessionId>) {
    let goodbye = Goodbye::new(KILLED, "this user does not sit at the machine any more");
    for realm in router.realms() {
        realm.end_sessions(&goodbye, |origin| gone.contains(&origin.session));
    }
}
