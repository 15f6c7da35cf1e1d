//! What a session that can be resumed counts and keeps (`docs/RESUMPTION.md`), for the two halves of its driver.

use std::collections::VecDeque;
use std::future::pending;
use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;
use tokio::time::{Instant, sleep_until};
use wamp::error::Violation;
use wamp::limits::ACKNOWLEDGED_WITHIN;
use wamp::message::Message;
use wamp::outgoing::Outgoing;
use wamp::resumption::{Inbound, Outbound};

/// The books of one session. Where it cannot be resumed there are none, and nothing is counted.
#[derive(Debug, Default)]
pub(crate) struct Books {
    counted: Mutex<Counted>,
    /// The writer has something to do.
    news: Notify,
}

#[derive(Debug, Default)]
struct Counted {
    inbound: Inbound,
    outbound: Outbound,
    /// When the router is told at the latest what has arrived.
    tell_at: Option<Instant>,
}

impl Books {
    fn counted(&self) -> MutexGuard<'_, Counted> {
        self.counted.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Messages of the session that have arrived here.
    pub(crate) fn received(&self) -> u64 {
        self.counted().inbound.received()
    }

    /// A message has arrived. From now on it is taken to its end, whatever happens to the connection.
    pub(crate) fn arrived(&self, message: &Message) {
        let mut counted = self.counted();
        counted.inbound.arrived(message);
        let is_first = counted.tell_at.is_none() && counted.inbound.is_behind();
        if is_first {
            counted.tell_at = Some(Instant::now() + ACKNOWLEDGED_WITHIN);
        }
        if is_first || counted.inbound.is_due() {
            self.news.notify_one();
        }
    }

    /// The router says how many have arrived there.
    pub(crate) fn acknowledged(&self, count: u64) -> Result<(), Violation> {
        let mut counted = self.counted();
        let had_room = counted.outbound.has_room();
        counted.outbound.acknowledged(count)?;
        if !had_room {
            self.news.notify_one();
        }
        Ok(())
    }

    /// Whether the writer may send another message.
    pub(crate) fn has_room(&self) -> bool {
        self.counted().outbound.has_room()
    }

    /// A message goes out.
    pub(crate) fn sent(&self, message: &Message) {
        self.counted().outbound.sent(message.clone().into());
    }

    /// It did not, after all.
    pub(crate) fn unsent(&self, message: &Message) {
        self.counted().outbound.unsent(message);
    }

    /// What is to be sent again, after the router has said how many arrived.
    pub(crate) fn again(&self, arrived: u64) -> Result<VecDeque<Outgoing>, Violation> {
        let mut counted = self.counted();
        counted.outbound.acknowledged(arrived)?;
        let unacknowledged = counted.outbound.take_unacknowledged();
        for outgoing in &unacknowledged {
            counted.outbound.sent(outgoing.clone());
        }
        // HELLO has told what has arrived here.
        let _ = counted.inbound.acknowledge();
        counted.tell_at = None;
        Ok(unacknowledged)
    }

    /// RECEIVED, if it is time for it.
    pub(crate) fn due(&self) -> Option<Message> {
        let mut counted = self.counted();
        let is_time = counted.tell_at.is_some_and(|at| at <= Instant::now());
        (counted.inbound.is_due() || is_time).then(|| {
            counted.tell_at = None;
            counted.inbound.acknowledge()
        })
    }

    /// Waits until there is news for the writer: room, or something to tell. It may be dropped and called again.
    pub(crate) async fn news(&self) {
        let tell_at = self.counted().tell_at;
        let time = async {
            match tell_at {
                Some(at) => sleep_until(at).await,
                None => pending().await,
            }
        };
        tokio::select! {
            () = self.news.notified() => {}
            () = time => {}
        }
    }
}
