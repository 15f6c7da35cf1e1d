//! The queue in front of a session's writer, bounded in messages and in bytes.

mod kept;

use std::collections::VecDeque;
use std::future::poll_fn;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

use tokio::sync::Notify;
use wamp::message::Message;
use wamp::outgoing::Outgoing;
use wamp::realm::follows;

use self::kept::Kept;
use crate::limits::{Limits, WhenFull};

/// The connection of a session, counted from its first.
pub(crate) type Epoch = u64;

/// Messages for which an idle session keeps room.
pub(crate) const IDLE_BATCH: usize = 64;

/// What waits for one peer. Whoever routes to the peer pushes, its writer takes.
#[derive(Debug)]
pub(crate) struct Outbox {
    queue: Mutex<Queue>,
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
    /// Who waits for something to take, or for the end. Of several the last: the others were replaced, and know it.
    waiting: Option<Waker>,
    /// Of a session that can be resumed.
    kept: Option<Box<Kept>>,
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
    /// Send nothing: another connection of the session does.
    Replaced,
}

impl Outbox {
    /// An empty queue; of a session that can be resumed it keeps what may not have arrived.
    pub(crate) fn new(limits: &Limits, when_full: WhenFull, is_resumable: bool) -> Self {
        let queue = Queue {
            kept: is_resumable.then(Box::default),
            ..Queue::default()
        };
        Self {
            queue: Mutex::new(queue),
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
        let most = if is_answer(message.message()) {
            usize::MAX
        } else {
            self.most_messages
        };
        if !is_interrupt && !self.has_room(&queue, weight, most) {
            return self.push_into_full(&mut queue, message, weight, most);
        }
        let is_first = queue.messages.is_empty();
        queue.bytes += weight;
        queue.messages.push_back(message);
        if is_first {
            wake(queue);
        }
        Pushed::Taken
    }

    fn has_room(&self, queue: &Queue, weight: usize, most: usize) -> bool {
        let is_full = queue.messages.len() >= most || queue.bytes + weight > self.most_bytes;
        !is_full || queue.messages.is_empty()
    }

    /// Takes out the oldest events until the message fits, if that is how this queue is kept. What is no event stays: it
    /// is an answer that somebody waits for.
    fn push_into_full(&self, queue: &mut Queue, message: Outgoing, weight: usize, most: usize) -> Pushed {
        let mut displaced = Vec::new();
        let mut place = 0;
        while self.when_full == WhenFull::DropOldest && !self.has_room(queue, weight, most) {
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
        let refused = if self.has_room(queue, weight, most) {
            queue.bytes += weight;
            queue.messages.push_back(message);
            // The queue was not empty before, but it may have been emptied here: its writer is awake all the same.
            None
        } else {
            Some(message)
        };
        if self.when_full != WhenFull::Disconnect {
            // While its writer cannot take what waits: it looks after that, and nothing else would wake it.
            let lost = displaced.iter().chain(&refused);
            let lost = lost.filter(|it| matches!(it.message(), Message::Event(_))).count();
            self.dropped.fetch_add(lost as u64, Ordering::Relaxed);
        }
        Pushed::Full { refused, displaced }
    }

    /// What happens to events for which there is no room.
    pub(crate) const fn when_full(&self) -> WhenFull {
        self.when_full
    }

    /// Notes that an event was lost that had been taken from here.
    pub(crate) fn note_dropped(&self) {
        self.dropped.fetch_add(1, Ordering::Relaxed);
    }

    /// Whether events were lost that nobody was told of yet, and everything that waited has been taken.
    pub(crate) fn has_dropped(&self) -> bool {
        // All but always zero: one look at memory of the writer's own.
        self.dropped.load(Ordering::Relaxed) != 0 && self.queue().messages.is_empty()
    }

    /// How many they are, once. To be asked under the realm's lock: before that is taken the queue may be full again, and
    /// there would be no room to tell it.
    pub(crate) fn take_dropped(&self) -> Option<u64> {
        self.has_dropped().then(|| self.dropped.swap(0, Ordering::Relaxed))
    }

    /// Ends the session after this last message.
    pub(crate) fn close(&self, last: Option<Outgoing>) {
        let mut queue = self.queue();
        if queue.state == State::Open {
            queue.state = State::Closing;
            queue.bytes += last.as_ref().map_or(0, Outgoing::weight);
            queue.messages.extend(last);
            wake(queue);
        }
    }

    /// Ends the session at once.
    pub(crate) fn break_off(&self) {
        let mut queue = self.queue();
        queue.state = State::Broken;
        queue.messages = VecDeque::new();
        queue.bytes = 0;
        wake(queue);
        self.broken.notify_one();
    }

    /// Takes out what makes no sense behind a message that could not be delivered.
    pub(crate) fn withdraw(&self, bounced: &Message) -> Vec<Outgoing> {
        let mut queue = self.queue();
        let withdrawn = withdraw(&mut queue.messages, bounced);
        queue.bytes -= withdrawn.iter().map(Outgoing::weight).sum::<usize>();
        withdrawn
    }

    /// How many messages wait, and their bytes.
    pub(crate) fn load(&self) -> (usize, usize) {
        let queue = self.queue();
        let (messages, bytes) = queue.kept.as_ref().map_or((0, 0), |kept| kept.load());
        (queue.messages.len() + messages, queue.bytes + bytes)
    }

    /// Waits for [`Outbox::break_off`].
    pub(crate) async fn broken(&self) {
        self.broken.notified().await;
    }

    /// Waits until there is something, and moves all of it into `batch`; of a session that can be
    /// resumed as much as may be sent before more has arrived. Cancel-safe.
    pub(crate) async fn take(&self, epoch: Epoch, batch: &mut VecDeque<Outgoing>) -> Take {
        poll_fn(|cx| {
            let mut queue = self.queue();
            let taken = queue.take(epoch, batch);
            taken.map_or_else(|| queue.wait(cx), Poll::Ready)
        })
        .await
    }

    /// Moves what is there by now into `batch`, behind what was taken before.
    pub(crate) fn take_more(&self, epoch: Epoch, batch: &mut VecDeque<Outgoing>) -> Option<Take> {
        self.queue().take(epoch, batch)
    }
}

/// Wakes whoever waits, without the lock.
fn wake(mut queue: MutexGuard<'_, Queue>) {
    let waiting = queue.waiting.take();
    drop(queue);
    if let Some(waiting) = waiting {
        waiting.wake();
    }
}

impl Queue {
    fn take(&mut self, epoch: Epoch, batch: &mut VecDeque<Outgoing>) -> Option<Take> {
        if self.kept.is_none() {
            self.take_all(batch)
        } else {
            self.take_kept(epoch, batch)
        }
    }

    fn take_all(&mut self, batch: &mut VecDeque<Outgoing>) -> Option<Take> {
        let taken = match self.state {
            State::Broken => Take::Broken,
            State::Closing => Take::Last,
            State::Open if self.messages.is_empty() => return None,
            State::Open => Take::More,
        };
        if batch.is_empty() {
            std::mem::swap(&mut self.messages, batch);
        } else {
            batch.append(&mut self.messages);
        }
        self.bytes = 0;
        Some(taken)
    }

    /// Has this task woken by [`wake`].
    fn wait<T>(&mut self, cx: &Context<'_>) -> Poll<T> {
        if !self.waiting.as_ref().is_some_and(|known| known.will_wake(cx.waker())) {
            self.waiting = Some(cx.waker().clone());
        }
        Poll::Pending
    }
}

/// Takes out of a queue what makes no sense behind a message that could not be delivered.
pub(crate) fn withdraw(queue: &mut VecDeque<Outgoing>, bounced: &Message) -> Vec<Outgoing> {
    if !queue.iter().any(|it| follows(bounced, it.message())) {
        return Vec::new();
    }
    let (withdrawn, rest) = std::mem::take(queue)
        .into_iter()
        .partition::<Vec<_>, _>(|it| follows(bounced, it.message()));
    *queue = rest.into();
    withdrawn
}

/// Whether a message answers a request for good. Its peer made the request, and cannot have more of them open than its
/// quota: however many are answered at once, only their bytes count.
const fn is_answer(message: &Message) -> bool {
    match message {
        Message::Result(it) => !it.details.progress,
        Message::Error(_)
        | Message::Published(_)
        | Message::Subscribed(_)
        | Message::Unsubscribed(_)
        | Message::Registered(_)
        | Message::Unregistered(_) => true,
        Message::Hello(_)
        | Message::Welcome(_)
        | Message::Abort(_)
        | Message::Challenge(_)
        | Message::Authenticate(_)
        | Message::Goodbye(_)
        | Message::Publish(_)
        | Message::Subscribe(_)
        | Message::Unsubscribe(_)
        | Message::SubscriptionRevoked(_)
        | Message::Event(_)
        | Message::Call(_)
        | Message::Cancel(_)
        | Message::Register(_)
        | Message::Unregister(_)
        | Message::RegistrationRevoked(_)
        | Message::Invocation(_)
        | Message::Interrupt(_)
        | Message::Yield(_)
        | Message::EventReceived(_)
        | Message::Received(_) => false,
    }
}

#[cfg(test)]
mod tests;
