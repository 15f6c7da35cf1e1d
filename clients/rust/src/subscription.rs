//! Subscriptions: streams of events, bounded.

use std::future::{Future, poll_fn};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use wamp::id::{PublicationId, SubscriptionId};
use wamp::message::{Origin, Retained};
use wamp::uri::Uri;

use crate::args::Args;
use crate::client::Client;
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

/// Where the events of a subscription go, whatever session they come in.
#[derive(Debug, Clone)]
pub(crate) struct Feed {
    events: mpsc::Sender<Event>,
    pub(crate) dropped: Arc<AtomicU64>,
}

/// Both ends of one.
pub(crate) fn feed() -> (Feed, mpsc::Receiver<Event>) {
    let (events, received) = mpsc::channel(QUEUE);
    let dropped = Arc::default();
    (Feed { events, dropped }, received)
}

/// The sending end, in the session's table.
#[derive(Debug)]
pub(crate) struct Subscriber {
    pub(crate) number: u64,
    pub(crate) feed: Feed,
    /// Whether it asked for what is kept. Another subscriber of the same subscription may have, for itself.
    pub(crate) takes_retained: bool,
}

impl Subscriber {
    pub(crate) fn offer(&self, event: &Event) {
        if event.retained.is_some() && !self.takes_retained {
            return;
        }
        if self.feed.events.try_send(event.clone()).is_err() {
            self.feed.dropped.fetch_add(1, Ordering::Relaxed);
        }
    }
}

/// Who holds a subscription.
#[derive(Debug)]
pub(crate) enum Held {
    /// A session, under the router's number and its own.
    BySession(Session, SubscriptionId, u64),
    /// A client, in one session after the other, under its own number.
    ByClient(Client, u64),
}

/// A subscription. Dropping it ends it.
#[derive(Debug)]
pub struct Subscription {
    pub(crate) held: Held,
    pub(crate) events: mpsc::Receiver<Event>,
    pub(crate) dropped: Arc<AtomicU64>,
}

impl Subscription {
    /// The next event; `None` when the session has ended, or the client is closed, or the router has taken the subscription
    /// away.
    pub async fn next(&mut self) -> Option<Event> {
        self.events.recv().await
    }

    /// How many events were lost because nobody took them in time.
    #[must_use]
    pub fn dropped(&self) -> u64 {
        self.dropped.load(Ordering::Relaxed)
    }

    /// The router's number for it, where it is a session's: those of a client have another one in each session.
    #[must_use]
    pub const fn id(&self) -> Option<SubscriptionId> {
        match &self.held {
            Held::BySession(_, id, _) => Some(*id),
            Held::ByClient(..) => None,
        }
    }

    /// Has a function called with each event, one after the other. One event that it panics at is no reason to be deaf to all
    /// that follow: as with a procedure, the next one is tried.
    pub(crate) fn handled_by<F, R>(mut self, mut handler: F) -> Listener
    where
        F: FnMut(Event) -> R + Send + 'static,
        R: Future<Output = ()> + Send + 'static,
    {
        Listener(tokio::spawn(async move {
            while let Some(event) = self.next().await {
                let publication = event.publication;
                if !is_survived(|| handler(event)).await {
                    tracing::error!(%publication, "a function that is called with events panicked");
                }
            }
        }))
    }
}

/// Waits for what a function begins; `false` if either panics.
async fn is_survived<R: Future<Output = ()>>(begin: impl FnOnce() -> R) -> bool {
    let Ok(handling) = catch_unwind(AssertUnwindSafe(begin)) else {
        return false;
    };
    let mut handling = pin!(handling);
    poll_fn(|context| {
        let polled = catch_unwind(AssertUnwindSafe(|| handling.as_mut().poll(context)));
        polled.map_or(std::task::Poll::Ready(false), |polled| polled.map(|()| true))
    })
    .await
}

impl Drop for Subscription {
    fn drop(&mut self) {
        match &self.held {
            Held::BySession(session, id, number) => session.end_subscription(*id, *number),
            Held::ByClient(client, number) => client.end_subscription(*number),
        }
    }
}

/// A function that is called with events. Dropping this changes nothing: like a registration it goes on.
#[derive(Debug)]
pub struct Listener(JoinHandle<()>);

impl Listener {
    /// Ends the subscription, also in the middle of an event.
    pub fn stop(self) {
        self.0.abort();
    }
}
