//! One connection's life: handshake, reading and writing side by side in one task, farewell.

use std::collections::VecDeque;
use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt as _;
use link::{BounceReason, Link, ReadError, Reader, Writer};
use rand::TryRng as _;
use tokio::time::{Instant, timeout};
use tracing::Instrument as _;
use wamp::acceptor::{Acceptor, Asked, Step};
use wamp::error::{self, AUTHENTICATION_DENIED, AUTHENTICATION_FAILED, Violation};
use wamp::message::{Abort, Goodbye, Message};
use wamp::realm::{Bounce, Flow, Principal};
use wamp::value::Value;

use crate::Shared;
use crate::channel::Channel;
use crate::error::SessionEnd;
use crate::gate::{Peer, no_such_realm};
use crate::limits::Place;
use crate::outbox::Take;
use crate::rate::{Meter, Rate};
use crate::realm::{Arrival, Joined, RealmHandle};

/// Messages that are routed under one lock at most: enough to share its cost, few enough to let others in between.
const READ_BATCH: usize = 32;

/// Serves a connection from its first message to its end.
pub(crate) async fn serve(shared: Arc<Shared>, mut link: Link, peer: Peer, place: Option<Place>) {
    let span = tracing::info_span!("session", %peer, id = tracing::field::Empty);
    async {
        let opened = tokio::select! {
            opened = open(&shared, &mut link, &peer, place) => opened,
            () = shared.stopping.cancelled() => Err(Some(stopping().into())),
        };
        match opened {
            Ok(opened) => run(&shared, link, &peer, opened).await,
            Err(refusal) => {
                if let Some(abort) = &refusal {
                    shared.gate.refused(&peer, abort);
                }
                refuse(&shared, link, refusal).await;
            }
        }
    }
    .instrument(span)
    .await;
}

/// What a handshake ends with.
struct Opened {
    realm: RealmHandle,
    joined: Joined,
    principal: Principal,
    /// Held as long as the session lasts.
    _place: Option<Place>,
}

/// Opens a session, or gives the ABORT with which the client is refused (none if it has gone).
async fn open(
    shared: &Shared,
    link: &mut Link,
    peer: &Peer,
    mut place: Option<Place>,
) -> Result<Opened, Option<Box<Abort>>> {
    let refused = |abort| Some(Box::new(abort));
    if let Some(wait) = shared.counters.login_wait(peer.ip()) {
        let sentence = format!("too many logins failed; try again in {} s", wait.as_secs() + 1);
        return Err(refused(Abort::new(AUTHENTICATION_DENIED, sentence)));
    }
    let asked = within(shared.limits.login, handshake(shared, link, peer)).await;
    let has_failed = |abort: &Option<Box<Abort>>| abort.as_ref().is_some_and(|it| it.reason == AUTHENTICATION_FAILED);
    if asked.as_ref().is_err_and(has_failed) {
        shared.counters.login_failed(peer.ip(), &shared.limits);
    }
    let asked = asked?;
    let realm = shared
        .realm(asked.realm.as_bytes())
        .ok_or_else(|| refused(no_such_realm(&asked)))?;
    // A person may have to be asked: the gate has time-outs of its own.
    let principal = shared.gate.admit(&asked, peer).await.map_err(refused)?;
    if let Some(place) = &mut place {
        let full = |why| Abort::new(AUTHENTICATION_DENIED, format!("no more sessions are taken: {why}"));
        place.join(&shared.limits).map_err(|why| refused(full(why)))?;
    }
    let confirm = || shared.gate.confirm(&principal);
    let arrival = Arrival::now(peer, &link.writer);
    let joined = realm.join(principal.clone(), asked.features, arrival, confirm);
    let denied = || Abort::new(AUTHENTICATION_DENIED, "the permission to join was withdrawn");
    let joined = joined.ok_or_else(|| refused(denied()))?;
    link.reader.set_bounds(shared.limits.joined);
    Ok(Opened {
        realm,
        joined,
        principal,
        _place: place,
    })
}

/// Exchanges messages until the client has proved who it is.
async fn handshake(shared: &Shared, link: &mut Link, peer: &Peer) -> Result<Box<Asked>, Option<Box<Abort>>> {
    let mut acceptor = Acceptor::default();
    loop {
        let message = match link.reader.next().await {
            Ok(Some(message)) => message,
            Ok(None) | Err(ReadError::Io(_)) => return Err(None),
            Err(ReadError::Violation(violation)) => return Err(Some(violation.abort().into())),
        };
        let mut step = acceptor.receive(message);
        if let Step::Find(asked) = &step {
            let proof = match shared.realm(asked.realm.as_bytes()) {
                Some(_) => shared.gate.find(asked, peer),
                None => Err(no_such_realm(asked)),
            };
            step = acceptor.found(proof, challenge());
        }
        match step {
            Step::Send(message) => link.writer.send(message).await.map_err(|_| None)?,
            Step::Admit(asked) => return Ok(asked),
            Step::Refuse(abort) => return Err(Some(abort.into())),
            Step::Find(_) | Step::Gone => return Err(None),
        }
    }
}

fn challenge() -> [u8; 32] {
    let mut challenge = [0; 32];
    rand::rngs::SysRng
        .try_fill_bytes(&mut challenge)
        .expect("the operating system has random bytes");
    challenge
}

async fn within<T>(
    limit: Duration,
    login: impl Future<Output = Result<T, Option<Box<Abort>>>>,
) -> Result<T, Option<Box<Abort>>> {
    let late = || {
        Some(Box::new(Abort::new(
            error::TIMEOUT,
            format!("logging in took longer than {limit:?}"),
        )))
    };
    timeout(limit, login).await.unwrap_or_else(|_| Err(late()))
}

/// Tells a client that it does not get in, and closes.
async fn refuse(shared: &Shared, mut link: Link, abort: Option<Box<Abort>>) {
    if let Some(abort) = abort {
        let message = abort.details.get("message").and_then(Value::as_str).unwrap_or_default();
        tracing::info!(reason = %abort.reason, message, "refused");
        let farewell = async {
            let _ = link.writer.send(Message::Abort(*abort)).await;
            let _ = link.writer.close().await;
            // What the client still sends would otherwise make the kernel destroy the ABORT on its way.
            link.reader.drain().await;
        };
        let _ = timeout(shared.limits.farewell, farewell).await;
    }
}

/// Serves a session that is open.
async fn run(shared: &Shared, link: Link, peer: &Peer, opened: Opened) {
    let Opened {
        realm,
        joined,
        principal,
        _place,
    } = opened;
    let session = joined.session;
    tracing::Span::current().record("id", session.get());
    tracing::info!(realm = %realm.name(), authid = %principal.authid, role = %principal.role.name(), "joined");
    shared.gate.joined(session, &principal, peer);
    let rate = shared.gate.message_rate(&principal, peer);
    let Link { mut reader, writer } = link;
    let mut outgoing = Outgoing {
        writer,
        batch: VecDeque::new(),
        bounced: Vec::new(),
    };
    let end = tokio::select! {
        biased;
        end = exchange(shared, &realm, &joined, &mut reader, &mut outgoing, rate) => end,
        () = shared.stopping.cancelled() => {
            joined.outbox.close(Some(Message::Goodbye(stopping_goodbye()).into()));
            SessionEnd::Dismissed
        }
        () = expired(shared, peer) => {
            let goodbye = Goodbye::new(error::CLOSE_NORMAL, "the keys of this session are used up; open another one");
            joined.outbox.close(Some(Message::Goodbye(goodbye).into()));
            SessionEnd::Dismissed
        }
    };
    realm.leave(session);
    farewell(shared, &realm, &joined, reader, outgoing, &end).await;
    shared.gate.left(session, &principal);
    match &end {
        SessionEnd::Violation(violation) => shared.gate.limited(peer, &violation.to_string()),
        SessionEnd::TooSlow => shared.gate.limited(peer, "it took its messages too slowly"),
        SessionEnd::Left | SessionEnd::Dismissed | SessionEnd::Failed(_) => {}
    }
    end.log();
}

/// Waits until the session has lived as long as it may, if that is bounded.
async fn expired(shared: &Shared, peer: &Peer) {
    match peer.channel {
        Channel::Noise { .. } => tokio::time::sleep(shared.limits.noise_session).await,
        Channel::Plain | Channel::Tls { .. } => std::future::pending().await,
    }
}

/// Reads and writes until the session ends. Writing has its turn before each batch that is read: a peer that sends
/// without pause would otherwise not get its answers, and be cut off for not taking them.
async fn exchange(
    shared: &Shared,
    realm: &RealmHandle,
    joined: &Joined,
    reader: &mut Reader,
    outgoing: &mut Outgoing,
    rate: Option<Rate>,
) -> SessionEnd {
    let mut writing = pin!(write_loop(shared, realm, joined, outgoing));
    let mut broken = pin!(joined.outbox.broken());
    let mut batch = Vec::new();
    let mut pace = Pace(rate.map(|rate| Meter::new(rate, Instant::now())));
    loop {
        let end = tokio::select! {
            biased;
            () = &mut broken => Some(SessionEnd::TooSlow),
            end = &mut writing => Some(end),
            end = read_batch(realm, joined, reader, &mut batch, &mut pace) => end,
        };
        if let Some(end) = end {
            return end;
        }
    }
}

/// Reads messages and routes all that have arrived together under one lock.
async fn read_batch(
    realm: &RealmHandle,
    joined: &Joined,
    reader: &mut Reader,
    batch: &mut Vec<Message>,
    pace: &mut Pace,
) -> Option<SessionEnd> {
    let mut next = Some(reader.next().await);
    let mut ended = None;
    while let Some(read) = next.take() {
        match read {
            Ok(Some(message)) => {
                tracing::trace!(message = message.name(), "received");
                batch.push(message);
                if batch.len() < READ_BATCH {
                    next = reader.next().now_or_never();
                }
            }
            Ok(None) => ended = Some(SessionEnd::Left),
            Err(ReadError::Violation(violation)) => ended = Some(SessionEnd::Violation(violation)),
            Err(ReadError::Io(error)) => ended = Some(SessionEnd::Failed(error)),
        }
    }
    let number = batch.len();
    match realm.route(joined.session, batch) {
        Ok(Flow::Continue) => {}
        // A release that came before counts too, and one too many lets it read a batch more.
        Ok(Flow::Wait) => joined.released.notified().await,
        Ok(Flow::Leave) => return Some(SessionEnd::Left),
        Err(violation) => return Some(SessionEnd::Violation(violation)),
    }
    if ended.is_none() {
        pace.keep(number).await;
        // A peer that sends without pause must not keep the others of this thread waiting.
        tokio::task::consume_budget().await;
    }
    ended
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
struct Outgoing {
    writer: Writer,
    batch: VecDeque<wamp::outgoing::Outgoing>,
    bounced: Vec<(wamp::outgoing::Outgoing, BounceReason)>,
}

/// Writes what the outbox holds, a batch at a time.
async fn write_loop(shared: &Shared, realm: &RealmHandle, joined: &Joined, outgoing: &mut Outgoing) -> SessionEnd {
    let Outgoing { writer, batch, bounced } = outgoing;
    loop {
        let take = if batch.is_empty() {
            joined.outbox.take(batch).await
        } else {
            Take::More
        };
        if take == Take::Broken {
            return SessionEnd::TooSlow;
        }
        let sent = unless_stalled(shared.limits.write_stall, writer.send_all(batch, bounced)).await;
        for (outgoing, reason) in bounced.drain(..) {
            let why = match reason {
                BounceReason::Unconvertible(why) => Bounce::Unconvertible(why),
                BounceReason::TooLong => Bounce::TooLong,
            };
            realm.bounce(joined.session, outgoing.message(), why);
        }
        match sent {
            None => return SessionEnd::TooSlow,
            Some(Err(error)) => return SessionEnd::Failed(error),
            Some(Ok(())) if take == Take::Last => return SessionEnd::Dismissed,
            Some(Ok(())) => {}
        }
        if let Some(dropped) = joined.outbox.take_dropped() {
            realm.overflowed(joined.session, dropped);
        }
        // A burst must not leave its memory with an idle session.
        if batch.capacity() > IDLE_BATCH {
            *batch = VecDeque::new();
        }
    }
}

/// Messages for which an idle session keeps room.
const IDLE_BATCH: usize = 64;

/// Waits for a write, but not for ever; a timer is set only for one that does not end at once.
async fn unless_stalled<T>(limit: Duration, write: impl Future<Output = T>) -> Option<T> {
    let mut write = pin!(write);
    match write.as_mut().now_or_never() {
        Some(done) => Some(done),
        None => timeout(limit, write).await.ok(),
    }
}

/// Sends what is still to be said, and closes.
async fn farewell(
    shared: &Shared,
    realm: &RealmHandle,
    joined: &Joined,
    mut reader: Reader,
    mut outgoing: Outgoing,
    end: &SessionEnd,
) {
    let last = async {
        match end {
            SessionEnd::Violation(violation) => {
                let abort = Message::Abort(Violation::clone(violation).abort());
                joined.outbox.close(Some(abort.into()));
            }
            SessionEnd::Left => joined.outbox.close(None),
            SessionEnd::Dismissed => {}
            SessionEnd::Failed(_) | SessionEnd::TooSlow => return,
        }
        write_loop(shared, realm, joined, &mut outgoing).await;
        if matches!(end, SessionEnd::Dismissed) {
            // The client answers with GOODBYE, or closes.
            while let Ok(Some(message)) = reader.next().await {
                if matches!(message, Message::Goodbye(_) | Message::Abort(_)) {
                    break;
                }
            }
        }
        let _ = outgoing.writer.close().await;
        if matches!(end, SessionEnd::Violation(_)) {
            reader.drain().await;
        }
    };
    let _ = timeout(shared.limits.farewell, last).await;
}

fn stopping() -> Abort {
    Abort::new(error::SYSTEM_SHUTDOWN, "the router stops")
}

fn stopping_goodbye() -> Goodbye {
    Goodbye::new(error::SYSTEM_SHUTDOWN, "the router stops")
}
