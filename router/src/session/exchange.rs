//! Reading and writing side by side while a connection lasts, and what is said at its end.

use std::collections::VecDeque;
use std::future::{Future, poll_fn};
use std::io;
use std::pin::{Pin, pin};
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::Poll;
use std::time::Duration;

use futures_util::FutureExt as _;
use link::{BounceReason, Link, ReadError, Reader, Writer};
use tokio::time::{Instant, timeout};
use wamp::error::{PAYLOAD_SIZE_EXCEEDED, Violation};
use wamp::message::{Abort, Message};
use wamp::outgoing::Outgoing;
use wamp::realm::{Bounce, Proceed};

use super::upkeep::Upkeep;
use crate::Shared;
use crate::apart::Apart;
use crate::error::SessionEnd;
use crate::outbox::{IDLE_BATCH, Take};
use crate::rate::{Meter, Rate};
use crate::realm::{Joined, RealmHandle, Routed};

/// Messages that are routed under one lock at most: enough to share its cost, few enough to let others in between.
const READ_BATCH: usize = 32;

/// Between two writes of a session that may as well be one: far less than anybody notices, and longer than it takes to hear a
/// few dozen others who write to the same peer.
const BURST: Duration = Duration::from_micros(100);

/// A connection of a session.
pub(super) struct Connected {
    reader: Reader,
    writing: Writing,
    pace: Pace,
    upkeep: Option<Upkeep>,
}

impl Connected {
    pub(super) fn new(link: Link, rate: Option<Rate>, upkeep: Option<Upkeep>) -> Self {
        let Link { reader, writer } = link;
        Self {
            reader,
            writing: Writing {
                writer,
                batch: VecDeque::new(),
                bounced: Vec::new(),
            },
            pace: Pace(rate.map(|rate| Meter::new(rate, Instant::now()))),
            upkeep,
        }
    }
}

/// Reads and writes until the connection ends. Writing has its turn before each batch that is read: a peer that sends
/// without pause would otherwise not get its answers, and be cut off for not taking them. A task that is woken to write
/// does not look whether there is something to read.
pub(super) async fn exchange(
    shared: &Shared,
    realm: &RealmHandle,
    joined: &Joined,
    connected: &mut Connected,
) -> SessionEnd {
    let Connected {
        reader,
        writing,
        pace,
        upkeep,
    } = connected;
    let mut writing = pin!(write_loop(shared, realm, joined, writing));
    let reading = Reading {
        reader,
        pace,
        batch: Vec::new(),
        upkeep: upkeep.as_mut(),
        must_wait: joined.tenure.as_ref().is_some_and(|tenure| tenure.must_wait),
    };
    let turn = Turn::default();
    let reading = pin!(reading.read_loop(realm, joined, &turn));
    let mut reading = Apart::new(reading);
    poll_fn(|cx| {
        loop {
            if let Poll::Ready(end) = writing.as_mut().poll(cx) {
                return Poll::Ready(end);
            }
            match Pin::new(&mut reading).poll(cx) {
                Poll::Ready(end) => return Poll::Ready(end),
                Poll::Pending if turn.was_given() => reading.poll_again(),
                Poll::Pending => return Poll::Pending,
            }
        }
    })
    .await
}

/// By which reading says that writing has its turn, and is to be polled again at once.
#[derive(Default)]
struct Turn(AtomicBool);

impl Turn {
    async fn give(&self) {
        let mut is_given = false;
        poll_fn(|_| {
            if is_given {
                return Poll::Ready(());
            }
            is_given = true;
            self.0.store(true, Ordering::Relaxed);
            Poll::Pending
        })
        .await;
    }

    fn was_given(&self) -> bool {
        self.0.load(Ordering::Relaxed) && self.0.swap(false, Ordering::Relaxed)
    }
}

type Read = Result<Option<Message>, ReadError>;

/// The reading half.
struct Reading<'a> {
    reader: &'a mut Reader,
    pace: &'a mut Pace,
    batch: Vec<Message>,
    upkeep: Option<&'a mut Upkeep>,
    /// Nothing is read until the realm says so.
    must_wait: bool,
}

impl Reading<'_> {
    async fn read_loop(mut self, realm: &RealmHandle, joined: &Joined, turn: &Turn) -> SessionEnd {
        loop {
            if let Some(end) = self.read_batch(realm, joined).await {
                return end;
            }
            turn.give().await;
        }
    }

    /// Reads messages and routes all that have arrived together under one lock.
    async fn read_batch(&mut self, realm: &RealmHandle, joined: &Joined) -> Option<SessionEnd> {
        if std::mem::take(&mut self.must_wait) {
            joined.released.notified().await;
        }
        let mut next = match self.next(realm, joined).await {
            Ok(read) => Some(read),
            Err(end) => return end,
        };
        let mut ended = None;
        while let Some(read) = next.take() {
            match read {
                Ok(Some(message)) => {
                    tracing::trace!(message_type = message.name(), "received");
                    self.batch.push(message);
                    if self.batch.len() < READ_BATCH {
                        next = self.reader.next_now();
                    }
                }
                Ok(None) => ended = Some(SessionEnd::Closed),
                Err(ReadError::Violation(violation)) => ended = Some(SessionEnd::Violation(violation)),
                Err(ReadError::Io(error)) => ended = Some(SessionEnd::Failed(error)),
            }
        }
        let number = self.batch.len();
        match self.route(realm, joined) {
            Ok(Routed::Done { proceed, .. }) => match proceed {
                Proceed::Continue => {}
                // A release that came before counts too, and one too many lets it read a batch more.
                Proceed::Wait => joined.released.notified().await,
                Proceed::Leave => return Some(SessionEnd::Left),
            },
            Ok(Routed::Replaced) => return Some(SessionEnd::Replaced),
            Err(violation) => return Some(SessionEnd::Violation(violation)),
        }
        if ended.is_none() {
            self.pace.keep(number).await;
            // A peer that sends without pause must not keep the others of this thread waiting.
            tokio::task::consume_budget().await;
        }
        ended
    }

    /// The next message; an error when something else was due meanwhile, which may be the end.
    async fn next(&mut self, realm: &RealmHandle, joined: &Joined) -> Result<Read, Option<SessionEnd>> {
        let Some(upkeep) = &mut self.upkeep else {
            return Ok(self.reader.next().await);
        };
        tokio::select! {
            biased;
            read = self.reader.next() => Ok(read),
            () = upkeep.due() => Err(upkeep.attend(realm, joined, self.reader)),
        }
    }

    fn route(&mut self, realm: &RealmHandle, joined: &Joined) -> Result<Routed, Violation> {
        let Some(tenure) = &joined.tenure else {
            let proceed = realm.route(joined.session, &mut self.batch)?;
            let is_behind = false;
            return Ok(Routed::Done { proceed, is_behind });
        };
        let routed = realm.route_counted(joined.session, tenure, &mut self.batch)?;
        if let (Routed::Done { is_behind: true, .. }, Some(upkeep)) = (routed, &mut self.upkeep) {
            upkeep.acknowledge_soon();
        }
        Ok(routed)
    }
}

/// Keeps a session to its rate of messages: reading waits, and with it, in the end, the peer. Nothing is lost.
struct Pace(Option<Meter>);

impl Pace {
    async fn keep(&mut self, number: usize) {
        let Some(meter) = &mut self.0 else { return };
        let number = u32::try_from(number).unwrap_or(u32::MAX);
        let wait = meter.count(number, Instant::now());
        if !wait.is_zero() {
            tokio::time::sleep(wait).await;
        }
    }
}

/// The writer and what it has taken from the outbox. It outlives a [`write_loop`] that is cut short, so that the
/// farewell goes on where that stopped.
struct Writing {
    writer: Writer,
    batch: VecDeque<Outgoing>,
    bounced: Vec<(Outgoing, BounceReason)>,
}

impl Writing {
    /// Sends the batch.
    async fn send(&mut self, realm: &RealmHandle, joined: &Joined) -> io::Result<()> {
        loop {
            if joined.tenure.is_none() {
                self.writer.send_all(&mut self.batch, &mut self.bounced).await?;
                self.bounce(realm, joined);
                if self.batch.is_empty() {
                    return Ok(());
                }
                continue;
            }
            // What cannot be sent does not count, so the outbox must know before the peer can say how much has arrived.
            self.writer.put(&mut self.batch, &mut self.bounced)?;
            self.bounce(realm, joined);
            self.writer.flush().await?;
            if self.batch.is_empty() {
                return Ok(());
            }
        }
    }

    /// Gives back what this peer cannot take.
    fn bounce(&mut self, realm: &RealmHandle, joined: &Joined) {
        if !self.bounced.is_empty() {
            self.bounce_all(realm, joined);
        }
    }

    #[cold]
    fn bounce_all(&mut self, realm: &RealmHandle, joined: &Joined) {
        for (outgoing, reason) in self.bounced.drain(..) {
            let why = match reason {
                BounceReason::Unconvertible(why) => Bounce::Unconvertible(why),
                BounceReason::TooLong => Bounce::TooLong,
            };
            let message = outgoing.message();
            if let Message::Welcome(_) = message {
                joined.outbox.close(Some(Message::Abort(too_short()).into()));
            }
            let is_ours = joined
                .tenure
                .as_ref()
                .is_none_or(|tenure| joined.outbox.unsent(tenure.epoch, message));
            if !is_ours {
                continue;
            }
            let withdrawn = realm.bounce(joined.session, message, why, &mut self.batch);
            let epoch = joined.tenure.as_ref().map(|tenure| tenure.epoch);
            for (outgoing, epoch) in withdrawn.iter().zip(epoch.into_iter().cycle()) {
                joined.outbox.unsent(epoch, outgoing.message());
            }
        }
    }
}

/// For a client that takes no message as long as WELCOME is: it would wait for ever.
fn too_short() -> Abort {
    Abort::new(PAYLOAD_SIZE_EXCEEDED, "WELCOME is longer than this client takes")
}

/// Writes what the outbox holds, a batch at a time.
async fn write_loop(shared: &Shared, realm: &RealmHandle, joined: &Joined, writing: &mut Writing) -> SessionEnd {
    let epoch = joined.tenure.as_ref().map_or(0, |tenure| tenure.epoch);
    let (mut burst, stall) = (Burst::default(), shared.limits().write_stall);
    loop {
        let mut take = Take::More;
        if writing.batch.is_empty() {
            take = joined.outbox.take(epoch, &mut writing.batch).await;
            if burst.goes_on() {
                // Whoever has more for this peer is about to run, but whom they have woken runs first: a write for each message.
                tokio::task::yield_now().await;
                take = joined.outbox.take_more(epoch, &mut writing.batch).unwrap_or(take);
            }
        }
        match take {
            Take::More | Take::Last => {}
            Take::Broken => return SessionEnd::TooSlow,
            Take::Replaced => return SessionEnd::Replaced,
        }
        let sent = unless_stalled(stall, writing.send(realm, joined)).await;
        writing.bounce(realm, joined);
        match sent {
            None => return SessionEnd::Stalled,
            Some(Err(error)) => return SessionEnd::Failed(error),
            Some(Ok(())) if take == Take::Last => return SessionEnd::Dismissed,
            Some(Ok(())) => {}
        }
        if joined.outbox.has_dropped() {
            realm.overflowed(joined.session, &joined.outbox);
        }
        // A burst must not leave its memory with an idle session.
        if writing.batch.capacity() > IDLE_BATCH {
            writing.batch = VecDeque::new();
        }
    }
}

/// Whether writes follow each other closely.
#[derive(Default)]
struct Burst {
    last: Option<std::time::Instant>,
}

impl Burst {
    /// Notes that there is something to write now, and says whether there was only just before.
    fn goes_on(&mut self) -> bool {
        let now = std::time::Instant::now();
        self.last.replace(now).is_some_and(|last| now - last < BURST)
    }
}

/// Waits for a write, but not for ever; a timer is set only for one that does not end at once.
async fn unless_stalled<T>(limit: Duration, write: impl Future<Output = T>) -> Option<T> {
    let mut write = pin!(write);
    match write.as_mut().now_or_never() {
        Some(done) => Some(done),
        None => timeout(limit, write).await.ok(),
    }
}

/// Sends what is still to be said, and closes.
pub(super) async fn farewell(
    shared: &Shared,
    realm: &RealmHandle,
    joined: &Joined,
    connected: Connected,
    end: &SessionEnd,
) {
    let Connected {
        mut reader,
        mut writing,
        ..
    } = connected;
    let last = async {
        match end {
            SessionEnd::Violation(violation) => {
                let abort = Message::Abort(Violation::clone(violation).abort());
                joined.outbox.close(Some(abort.into()));
            }
            SessionEnd::Left | SessionEnd::Closed => joined.outbox.close(None),
            SessionEnd::Dismissed => {}
            SessionEnd::Failed(_)
            | SessionEnd::TooSlow
            | SessionEnd::Stalled
            | SessionEnd::Silent
            | SessionEnd::UsedUp
            | SessionEnd::Replaced => return,
        }
        write_loop(shared, realm, joined, &mut writing).await;
        if matches!(end, SessionEnd::Dismissed) {
            // The client answers with GOODBYE, or closes.
            while let Ok(Some(message)) = reader.next().await {
                if matches!(message, Message::Goodbye(_) | Message::Abort(_)) {
                    break;
                }
            }
        }
        let _ = writing.writer.close().await;
        if matches!(end, SessionEnd::Violation(_)) {
            reader.drain().await;
        }
    };
    let _ = timeout(shared.limits().farewell, last).await;
}
