//! The queue in front of a session's writer, bounded in messages and in bytes.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;
use wamp::message::Message;
use wamp::outgoing::Outgoing;

use crate::limits::{Limits, WhenFull};

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
    when_full: WhenFull,
    /// Events that were lost, and of which the peer was not told yet.
    dropped: AtomicU64,
}

/// What became of a message that was pushed.
#[derive(Debug)]
pub(crate) enum Pushed {
    /// It is in the queue, or its session is over.
    Taken,
    /// The queue was full, and had to change.
    Full {
        /// The message, if it found no place.
        refused: Option<Outgoing>,
        /// Older events that were taken out for it.
        displaced: Vec<Outgoing>,
    },
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
    pub(crate) fn new(limits: &Limits, when_full: WhenFull) -> Self {
        Self {
            queue: Mutex::default(),
            filled: Notify::new(),
            broken: Notify::new(),
            most_messages: limits.queue_messages,
            most_bytes: limits.queue_bytes,
            when_full,
            dropped: AtomicU64::new(0),
        }
    }

    fn queue(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Puts a message at the end, or gives it back when the queue is full. A message into an empty queue is always
    /// taken, so that one that is longer than the queue can be delivered at all. After [`Outbox::close`] messages are
    /// dropped: their session is over.
    pub(crate) fn push(&self, message: Outgoing) -> Pushed {
        let weight = message.weight();
        let mut queue = self.queue();
        if queue.state != State::Open {
            return Pushed::Taken;
        }
        // The realm sends one to an invocation at most, so they are no more than what the peer has to do. Whoever fills a
        // callee's queue with calls and cancels them must not end its session.
        let is_interrupt = matches!(message.message(), Message::Interrupt(_));
        if !is_interrupt && !self.has_room(&queue, weight) {
            return self.push_into_full(&mut queue, message, weight);
        }
        let is_first = queue.messages.is_empty();
        queue.bytes += weight;
        queue.messages.push_back(message);
        drop(queue);
        if is_first {
            self.filled.notify_one();
        }
        Pushed::Taken
    }

    fn has_room(&self, queue: &Queue, weight: usize) -> bool {
        let is_full = queue.messages.len() >= self.most_messages || queue.bytes + weight > self.most_bytes;
        !is_full || queue.messages.is_empty()
    }

    /// Takes out the oldest events until the message fits, if that is how this queue is kept. What is no event stays: it
    /// is an answer that somebody waits for.
    fn push_into_full(&self, queue: &mut Queue, message: Outgoing, weight: usize) -> Pushed {
        let mut displaced = Vec::new();
        let mut place = 0;
        while self.when_full == WhenFull::DropOldest && !self.has_room(queue, weight) {
            let is_event = |outgoing: &Outgoing| matches!(outgoing.message(), Message::Event(_));
            let Some(next) = queue.messages.iter().skip(place).position(is_event) else {
                break;
            };
            place += next;
            let Some(oldest) = queue.messages.remove(place) else {
                break;
            };
            queue.bytes -= oldest.weight();
            displaced.push(oldest);
        }
        let refused = if self.has_room(queue, weight) {
            queue.bytes += weight;
            queue.messages.push_back(message);
            // The queue was not empty before, but it may have been emptied here: its writer is awake all the same.
            None
        } else {
            Some(message)
        };
        Pushed::Full { refused, displaced }
    }

    /// What happens to events for which there is no room.
    pub(crate) const fn when_full(&self) -> WhenFull {
        self.when_full
    }

    /// Notes that an event was lost.
    pub(crate) fn note_dropped(&self) {
        self.dropped.fetch_add(1, Ordering::Relaxed);
    }

    /// How many events were lost since this was last asked, once everything that waited has been taken.
    pub(crate) fn take_dropped(&self) -> Option<u64> {
        // All but always zero: one look at memory of the writer's own.
        if self.dropped.load(Ordering::Relaxed) == 0 || !self.queue().messages.is_empty() {
            return None;
        }
        Some(self.dropped.swap(0, Ordering::Relaxed))
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
    use wamp::id::{PublicationId, RequestId, SubscriptionId};
    use wamp::message::{Event, EventDetails, Unsubscribed};
    use wamp::payload::Payload;

    use super::*;

    fn message() -> Outgoing {
        Message::Unsubscribed(Unsubscribed {
            request: RequestId::FIRST,
        })
        .into()
    }

    fn outbox(queue_messages: usize, queue_bytes: usize) -> Outbox {
        outbox_that(WhenFull::DropNewest, queue_messages, queue_bytes)
    }

    fn outbox_that(when_full: WhenFull, queue_messages: usize, queue_bytes: usize) -> Outbox {
        let limits = Limits {
            queue_messages,
            queue_bytes,
            ..Limits::default()
        };
        Outbox::new(&limits, when_full)
    }

    /// Whether a push went in, and what fell out for it.
    fn push(outbox: &Outbox, message: Outgoing) -> (bool, Vec<Outgoing>) {
        match outbox.push(message) {
            Pushed::Taken => (true, Vec::new()),
            Pushed::Full { refused, displaced } => (refused.is_none(), displaced),
        }
    }

    fn fits(outbox: &Outbox) -> bool {
        push(outbox, message()).0
    }

    /// An event with this number as its id.
    fn event(number: u64) -> Outgoing {
        Message::Event(Event {
            subscription: SubscriptionId::FIRST,
            publication: PublicationId::new(number).unwrap(),
            details: EventDetails::default(),
            payload: Payload::EMPTY,
        })
        .into()
    }

    fn numbers<'a>(messages: impl IntoIterator<Item = &'a Outgoing>) -> Vec<u64> {
        let number = |outgoing: &Outgoing| {
            let Message::Event(event) = outgoing.message() else {
                return 0;
            };
            event.publication.get()
        };
        messages.into_iter().map(number).collect()
    }

    #[tokio::test]
    async fn where_the_oldest_go_the_oldest_event_makes_room_and_no_answer_does() {
        let outbox = outbox_that(WhenFull::DropOldest, 3, usize::MAX);
        for outgoing in [message(), event(1), event(2)] {
            assert!(push(&outbox, outgoing).0);
        }
        let (went_in, displaced) = push(&outbox, event(3));
        assert!(went_in && numbers(&displaced) == [1]);
        let (went_in, displaced) = push(&outbox, message());
        assert!(
            went_in && numbers(&displaced) == [2],
            "an answer takes the place of an event too"
        );
        let mut batch = VecDeque::new();
        outbox.take(&mut batch).await;
        assert_eq!(numbers(&batch), [0, 3, 0]);
    }

    #[test]
    fn where_the_oldest_go_and_only_answers_wait_the_new_event_comes_back() {
        let outbox = outbox_that(WhenFull::DropOldest, 2, usize::MAX);
        assert!(fits(&outbox) && fits(&outbox));
        let (went_in, displaced) = push(&outbox, event(1));
        assert!(!went_in && displaced.is_empty());
    }

    #[tokio::test]
    async fn a_long_event_makes_as_much_room_as_it_needs() {
        let long = Payload::sentence(&"x".repeat(message().weight() * 2));
        let long: Outgoing = Message::Event(Event {
            subscription: SubscriptionId::FIRST,
            publication: PublicationId::new(9).unwrap(),
            details: EventDetails::default(),
            payload: long,
        })
        .into();
        let outbox = outbox_that(WhenFull::DropOldest, usize::MAX, long.weight() + message().weight());
        for number in 1..=4 {
            assert!(push(&outbox, event(number)).0);
        }
        let (went_in, displaced) = push(&outbox, long);
        assert!(went_in && numbers(&displaced) == [1, 2, 3]);
        let mut batch = VecDeque::new();
        outbox.take(&mut batch).await;
        assert_eq!(numbers(&batch), [4, 9]);
        assert_eq!(outbox.load(), (0, 0));
    }

    #[tokio::test]
    async fn what_was_lost_is_told_once_and_when_the_queue_is_empty() {
        let outbox = outbox(2, usize::MAX);
        assert_eq!(outbox.take_dropped(), None);
        assert!(fits(&outbox));
        outbox.note_dropped();
        outbox.note_dropped();
        assert_eq!(outbox.take_dropped(), None, "something waits");
        outbox.take(&mut VecDeque::new()).await;
        assert_eq!(outbox.take_dropped(), Some(2));
        assert_eq!(outbox.take_dropped(), None);
    }

    #[tokio::test]
    async fn the_last_message_that_fits_is_taken_and_the_next_comes_back() {
        let outbox = outbox(2, usize::MAX);
        assert!(fits(&outbox));
        assert!(fits(&outbox));
        assert!(!fits(&outbox));
        let mut batch = VecDeque::new();
        assert_eq!(outbox.take(&mut batch).await, Take::More);
        assert_eq!(batch.len(), 2);
        assert!(fits(&outbox));
    }

    #[tokio::test]
    async fn bytes_bound_the_queue_but_an_empty_one_takes_anything() {
        let outbox = outbox(usize::MAX, message().weight() + 1);
        assert!(fits(&outbox));
        assert!(!fits(&outbox));
        let narrow = self::outbox(usize::MAX, 1);
        assert!(fits(&narrow));
        assert!(!fits(&narrow));
    }

    #[tokio::test]
    async fn a_full_queue_still_takes_what_spares_its_peer_work() {
        use wamp::message::{Interrupt, InterruptOptions};
        let outbox = outbox(1, 1);
        assert!(fits(&outbox));
        let interrupt = Message::Interrupt(Interrupt {
            request: RequestId::FIRST,
            options: InterruptOptions::default(),
        });
        assert!(push(&outbox, interrupt.into()).0);
        assert!(!fits(&outbox));
        assert_eq!(outbox.load().0, 2);
    }

    #[tokio::test]
    async fn a_closed_queue_still_gives_what_is_in_it_and_its_last_message() {
        let outbox = outbox(1, 1);
        assert!(fits(&outbox));
        outbox.close(Some(message()));
        assert!(fits(&outbox), "dropped, its session is over");
        let mut batch = VecDeque::new();
        assert_eq!(outbox.take(&mut batch).await, Take::Last);
        assert_eq!(batch.len(), 2);
    }

    #[tokio::test]
    async fn a_broken_queue_gives_nothing() {
        let outbox = outbox(9, 9999);
        assert!(fits(&outbox));
        outbox.break_off();
        let mut batch = VecDeque::new();
        assert_eq!(outbox.take(&mut batch).await, Take::Broken);
        assert!(batch.is_empty());
    }

    #[tokio::test]
    async fn a_waiting_writer_is_woken_by_the_first_message() {
        let outbox = outbox(9, 9999);
        let mut batch = VecDeque::new();
        let (taken, ()) = tokio::join!(outbox.take(&mut batch), async { assert!(fits(&outbox)) });
        assert_eq!((taken, batch.len()), (Take::More, 1));
    }
}
