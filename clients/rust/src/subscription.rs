//! Subscriptions: streams of events, bounded, that end with the session.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use tokio::sync::mpsc;
use wamp::id::{PublicationId, SubscriptionId};
use wamp::message::{Origin, Retained};
use wamp::uri::Uri;

use crate::args::Args;
use crate::session::Session;

/// Events that wait for a subscriber; one that falls further behind loses the newest, counted.
pub const QUEUE: usize = 1_024;

/// An event.
#[derive(Debug, Clone, PartialEq)]
pub struct Event {
    /// What was published.
    pub args: Args,
    /// The publication.
    pub publication: PublicationId,
    /// The topic, for subscriptions by pattern.
    pub topic: Option<Uri>,
    /// Who published, where that is disclosed.
    pub publisher: Option<Origin>,
    /// Set on an event that the router had kept: it was published before the subscription.
    pub retained: Option<Retained>,
}

/// The sending end, in the session's table.
#[derive(Debug)]
pub(crate) struct Subscriber {
    pub(crate) number: u64,
    pub(crate) events: mpsc::Sender<Event>,
    /// Whether it asked for what is kept. Another subscriber of the same subscription may have, for itself.
    pub(crate) takes_retained: bool,
    pub(crate) dropped: Arc<AtomicU64>,
}

impl Subscriber {
    pub(crate) fn offer(&self, event: &Event) {
        if event.retained.is_some() && !self.takes_retained {
            return;
        }
        if self.events.try_send(event.clone()).is_err() {
            self.dropped.fetch_add(1, Ordering::Relaxed);
        }
    }
}

/// A subscription. Dropping it ends it.
#[derive(Debug)]
pub struct Subscription {
    pub(crate) session: Session,
    pub(crate) id: SubscriptionId,
    pub(crate) number: u64,
    pub(crate) events: mpsc::Receiver<Event>,
    pub(crate) dropped: Arc<AtomicU64>,
}

impl Subscription {
    /// The next event; `None` when the session has ended.
    pub async fn next(&mut self) -> Option<Event> {
        self.events.recv().await
    }

    /// How many events were lost because nobody took them in time.
    #[must_use]
    pub fn dropped(&self) -> u64 {
        self.dropped.load(Ordering::Relaxed)
    }

    /// The router's number for it.
    #[must_use]
    pub const fn id(&self) -> SubscriptionId {
        self.id
    }
}

impl Drop for Subscription {
    fn drop(&mut self) {
        self.session.end_subscription(self.id, self.number);
    }
}
