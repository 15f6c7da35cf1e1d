//! The queue in front of a session's writer, bounded in messages and in bytes.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;
use wamp::message::Message;
use wamp::outgoing::Outgoing;

use crate::limits::Limits;

/// What waits for one peer. Whoever routes to the peer pushes, its writer takes.
#[derive(Debug)]
pub(crate) struct Outbox {
    queue: Mutex<Queue>,
    /// Wakes the writer, only when the queue was empty.
    filled: Notify,
    /// Wakes the session of a peer that was too slow, also while a write waits for that peer.
    broken: Notify,
    most_messages: usize,
    most_bytes: usize,
}

#[derive(Debug, Default)]
struct Queue {
    messages: VecDeque<Outgoing>,
    bytes: usize,
    state: State,
}

#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
enum State {
    #[default]
    Open,
    /// What is in it is still sent, then the session ends.
    Closing,
    /// The peer was too slow: the session ends at once.
    Broken,
}

/// What the writer is to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Take {
    /// Send the batch and come back.
    More,
    /// Send the batch; nothing follows it.
    Last,
    /// Send nothing.
    Broken,
}

impl Outbox {
    pub(crate) fn new(limits: &Limits) -> Self {
        Self {
            queue: Mutex::default(),
            filled: Notify::new(),
            broken: Notify::new(),
            most_messages: limits.queue_messages,
            most_bytes: limits.queue_bytes,
        }
    }

    fn queue(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Puts a message at the end, or gives it back when the queue is full. A message into an empty queue is always
    /// taken, so that one that is longer than the queue can be delivered at all. After [`Outbox::close`] messages are
    /// dropped: their session is over.
    pub(crate) fn push(&self, message: Outgoing) -> Result<(), Outgoing> {
        let weight = message.weight();
        let mut queue = self.queue();
        if queue.state != State::Open {
            return Ok(());
        }
        let is_first = queue.messages.is_empty();
        let is_full = queue.messages.len() >= self.most_messages || queue.bytes + weight > self.most_bytes;
        // The realm sends one to an invocation at most, so they are no more than what the peer has to do. Whoever fills a
        // callee's queue with calls and cancels them must not end its session.
        let is_interrupt = matches!(message.message(), Message::Interrupt(_));
        if is_full && !is_first && !is_interrupt {
            return Err(message);
        }
        queue.bytes += weight;
        queue.messages.push_back(message);
        drop(queue);
        if is_first {
            self.filled.notify_one();
        }
        Ok(())
    }

    /// Ends the session after this last message.
    pub(crate) fn close(&self, last: Option<Outgoing>) {
        let mut queue = self.queue();
        if queue.state == State::Open {
            queue.state = State::Closing;
            queue.messages.extend(last);
            drop(queue);
            self.filled.notify_one();
        }
    }

    /// Ends the session at once.
    pub(crate) fn break_off(&self) {
        let mut queue = self.queue();
        queue.state = State::Broken;
        queue.messages = VecDeque::new();
        queue.bytes = 0;
        drop(queue);
        self.filled.notify_one();
        self.broken.notify_one();
    }

    /// How many messages wait, and their bytes.
    pub(crate) fn load(&self) -> (usize, usize) {
        let queue = self.queue();
        (queue.messages.len(), queue.bytes)
    }

    /// Waits for [`Outbox::break_off`].
    pub(crate) async fn broken(&self) {
        self.broken.notified().await;
    }

    /// Waits until there is something, and moves all of it into `batch`, which must be empty. Cancel-safe.
    pub(crate) async fn take(&self, batch: &mut VecDeque<Outgoing>) -> Take {
        loop {
            {
                let mut queue = self.queue();
                let taken = match queue.state {
                    State::Broken => Some(Take::Broken),
                    State::Closing => Some(Take::Last),
                    State::Open if queue.messages.is_empty() => None,
                    State::Open => Some(Take::More),
                };
                if let Some(taken) = taken {
                    std::mem::swap(&mut queue.messages, batch);
                    queue.bytes = 0;
                    return taken;
                }
            }
            self.filled.notified().await;
        }
    }
}

#[cfg(test)]
mod tests {
    use wamp::id::RequestId;
    use wamp::message::{Message, Unsubscribed};

    use super::*;

    fn message() -> Outgoing {
        Message::Unsubscribed(Unsubscribed {
            request: RequestId::FIRST,
        })
        .into()
    }

    fn outbox(queue_messages: usize, queue_bytes: usize) -> Outbox {
        Outbox::new(&Limits {
            queue_messages,
            queue_bytes,
            ..Limits::default()
        })
    }

    #[tokio::test]
    async fn the_last_message_that_fits_is_taken_and_the_next_comes_back() {
        let outbox = outbox(2, usize::MAX);
        assert!(outbox.push(message()).is_ok());
        assert!(outbox.push(message()).is_ok());
        assert!(outbox.push(message()).is_err());
        let mut batch = VecDeque::new();
        assert_eq!(outbox.take(&mut batch).await, Take::More);
        assert_eq!(batch.len(), 2);
        assert!(outbox.push(message()).is_ok());
    }

    #[tokio::test]
    async fn bytes_bound_the_queue_but_an_empty_one_takes_anything() {
        let outbox = outbox(usize::MAX, message().weight() + 1);
        assert!(outbox.push(message()).is_ok());
        assert!(outbox.push(message()).is_err());
        let narrow = self::outbox(usize::MAX, 1);
        assert!(narrow.push(message()).is_ok());
        assert!(narrow.push(message()).is_err());
    }

    #[tokio::test]
    async fn a_full_queue_still_takes_what_spares_its_peer_work() {
        use wamp::message::{Interrupt, InterruptOptions};
        let outbox = outbox(1, 1);
        assert!(outbox.push(message()).is_ok());
        let interrupt = Message::Interrupt(Interrupt {
            request: RequestId::FIRST,
            options: InterruptOptions::default(),
        });
        assert!(outbox.push(interrupt.into()).is_ok());
        assert!(outbox.push(message()).is_err());
        assert_eq!(outbox.load().0, 2);
    }

    #[tokio::test]
    async fn a_closed_queue_still_gives_what_is_in_it_and_its_last_message() {
        let outbox = outbox(1, 1);
        outbox.push(message()).unwrap();
        outbox.close(Some(message()));
        assert!(outbox.push(message()).is_ok(), "dropped, its session is over");
        let mut batch = VecDeque::new();
        assert_eq!(outbox.take(&mut batch).await, Take::Last);
        assert_eq!(batch.len(), 2);
    }

    #[tokio::test]
    async fn a_broken_queue_gives_nothing() {
        let outbox = outbox(9, 9999);
        outbox.push(message()).unwrap();
        outbox.break_off();
        let mut batch = VecDeque::new();
        assert_eq!(outbox.take(&mut batch).await, Take::Broken);
        assert!(batch.is_empty());
    }

    #[tokio::test]
    async fn a_waiting_writer_is_woken_by_the_first_message() {
        let outbox = outbox(9, 9999);
        let mut batch = VecDeque::new();
        let (taken, ()) = tokio::join!(outbox.take(&mut batch), async { outbox.push(message()).unwrap() });
        assert_eq!((taken, batch.len()), (Take::More, 1));
    }
}
