//! What the outbox of a session that can be resumed has beside its queue: what may not have arrived, and what a client
//! that returns gets first.
//!
//! Memory is bounded by the queue's own bounds and by the window of [`Outbound`]: what is held was in the queue before, and
//! what is sent again was held.

use std::collections::VecDeque;
use std::future::poll_fn;
use std::task::Poll;

use wamp::error::Violation;
use wamp::message::Message;
use wamp::outgoing::Outgoing;
use wamp::resumption::Outbound;

use super::{Epoch, IDLE_BATCH, Outbox, Queue, State, Take, wake};

#[derive(Debug, Default)]
pub(super) struct Kept {
    /// The connection that may take.
    epoch: Epoch,
    outbound: Outbound,
    /// WELCOME for a client that has returned, before all else.
    welcome: Option<Message>,
    /// RECEIVED: one, since a later one says more. It waits for no window, or both ends might wait for each other.
    received: Option<Message>,
    /// What was sent over an earlier connection and has not arrived.
    again: VecDeque<Outgoing>,
}

impl Kept {
    /// How many messages are to be sent again, and their bytes.
    pub(super) fn load(&self) -> (usize, usize) {
        (self.again.len(), self.again.iter().map(Outgoing::weight).sum())
    }
}

impl Queue {
    /// Whether there is a message that waits for the window to open.
    fn has_waiting(&self) -> bool {
        !self.messages.is_empty() || self.kept.as_ref().is_some_and(|kept| !kept.again.is_empty())
    }

    fn pop(&mut self) -> Option<Outgoing> {
        let outgoing = self.messages.pop_front()?;
        self.bytes -= outgoing.weight();
        Some(outgoing)
    }
}

impl Outbox {
    /// The other end says how many messages have arrived.
    ///
    /// # Errors
    /// They cannot be so many.
    pub(crate) fn acknowledged(&self, count: u64) -> Result<(), Violation> {
        let mut queue = self.queue();
        if let Some(kept) = &mut queue.kept {
            kept.outbound.acknowledged(count)?;
        }
        if queue.has_waiting() {
            wake(queue);
        }
        Ok(())
    }

    /// Has RECEIVED sent.
    pub(crate) fn tell_received(&self, received: Message) {
        let mut queue = self.queue();
        if let Some(kept) = &mut queue.kept {
            kept.received = Some(received);
            wake(queue);
        }
    }

    /// A message that this connection took had no form that the other end takes. `false` if the session has another
    /// connection by now, which sends it again and will see for itself.
    pub(crate) fn unsent(&self, epoch: Epoch, message: &Message) -> bool {
        match &mut self.queue().kept {
            Some(kept) if kept.epoch == epoch => {
                kept.outbound.unsent(message);
                true
            }
            Some(_) => false,
            None => true,
        }
    }

    /// From now on another connection takes: `welcome` first, then what has not arrived.
    pub(crate) fn hand_over(&self, welcome: Message) -> Epoch {
        let mut queue = self.queue();
        let Some(kept) = &mut queue.kept else { return 0 };
        kept.epoch += 1;
        kept.welcome = Some(welcome);
        kept.received = None;
        let mut again = kept.outbound.take_unacknowledged();
        // An earlier connection may have gone before it had sent all that was to be sent again.
        again.append(&mut kept.again);
        kept.again = again;
        kept.epoch
    }

    /// Whether more may be put in and sent.
    pub(crate) fn is_open(&self) -> bool {
        self.queue().state == State::Open
    }

    /// Waits until nothing more may be put in. Nobody may take meanwhile.
    pub(crate) async fn ended(&self) {
        poll_fn(|cx| {
            let mut queue = self.queue();
            match queue.state {
                State::Open => queue.wait(cx),
                State::Closing | State::Broken => Poll::Ready(()),
            }
        })
        .await;
    }
}

impl Queue {
    pub(super) fn take_kept(&mut self, epoch: Epoch, batch: &mut VecDeque<Outgoing>) -> Option<Take> {
        let mut kept = self.kept.take()?;
        let taken = if kept.epoch == epoch {
            self.take_from(&mut kept, batch)
        } else {
            Some(Take::Replaced)
        };
        self.kept = Some(kept);
        taken
    }

    fn take_from(&mut self, kept: &mut Kept, batch: &mut VecDeque<Outgoing>) -> Option<Take> {
        let is_last = match self.state {
            State::Broken => return Some(Take::Broken),
            // Nobody will return, so nothing is held, and nothing waits.
            State::Closing => true,
            State::Open => false,
        };
        batch.extend(kept.welcome.take().map(Outgoing::from));
        batch.extend(kept.received.take().map(Outgoing::from));
        while is_last || kept.outbound.has_room() {
            let Some(outgoing) = kept.again.pop_front().or_else(|| self.pop()) else {
                break;
            };
            if !is_last {
                kept.outbound.sent(outgoing.clone());
            }
            batch.push_back(outgoing);
        }
        // A burst must not leave its memory with an idle session.
        if self.messages.is_empty() && self.messages.capacity() > IDLE_BATCH {
            self.messages = VecDeque::new();
        }
        if kept.again.is_empty() {
            kept.again = VecDeque::new();
        }
        match (is_last, batch.is_empty()) {
            (true, _) => Some(Take::Last),
            (false, true) => None,
            (false, false) => Some(Take::More),
        }
    }
}

#[cfg(test)]
mod tests;
