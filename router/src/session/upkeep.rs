//! What is to be done now and then while a connection lasts, with one timer that is set only when there is something to
//! do: never for a message.

use std::pin::Pin;

use tokio::time::{Instant, Sleep, sleep_until};
use wamp::limits::ACKNOWLEDGED_WITHIN;

use crate::realm::{Joined, RealmHandle};

/// The timer of a connection, and what it runs for.
#[derive(Default)]
pub(super) struct Upkeep {
    timer: Option<Pin<Box<Sleep>>>,
    /// When the peer is told how many messages have arrived, if it does not know.
    acknowledge_at: Option<Instant>,
}

impl Upkeep {
    /// Messages have arrived of which the peer was not told.
    pub(super) fn acknowledge_soon(&mut self) {
        if self.acknowledge_at.is_none() {
            self.acknowledge_at = Some(Instant::now() + ACKNOWLEDGED_WITHIN);
            self.wind();
        }
    }

    /// Sets the timer to what is due first.
    fn wind(&mut self) {
        let Some(at) = self.acknowledge_at else { return };
        match &mut self.timer {
            Some(timer) => timer.as_mut().reset(at),
            None => self.timer = Some(Box::pin(sleep_until(at))),
        }
    }

    /// Waits until there is something to do.
    pub(super) async fn due(&mut self) {
        match (&mut self.timer, self.acknowledge_at) {
            (Some(timer), Some(_)) => timer.as_mut().await,
            _ => std::future::pending().await,
        }
    }

    /// Does what is due.
    pub(super) fn attend(&mut self, realm: &RealmHandle, joined: &Joined) {
        self.acknowledge_at = None;
        if let Some(tenure) = &joined.tenure {
            realm.acknowledge(joined.session, tenure);
        }
    }
}
