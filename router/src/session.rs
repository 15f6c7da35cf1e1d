//! One connection's life: handshake, reading and writing side by side in one task, farewell.

mod exchange;
mod upkeep;

use std::sync::{Arc, Mutex};
use std::time::Duration;

use link::{Link, ReadError};
use rand::TryRng as _;
use tokio::time::{Instant, timeout, timeout_at};
use tracing::Instrument as _;
use wamp::acceptor::{Acceptor, Asked, Step};
use wamp::error::{self, AUTHENTICATION_DENIED, AUTHENTICATION_FAILED};
use wamp::message::{Abort, Goodbye, Message};
use wamp::realm::Principal;
use wamp::resumption::{Outcome, Wanted};
use wamp::value::Value;

use self::exchange::{Connected, exchange, farewell};
use self::upkeep::Upkeep;
use crate::Shared;
use crate::channel::Channel;
use crate::error::SessionEnd;
use crate::gate::{Peer, Transport, no_such_realm};
use crate::limits::Place;
use crate::realm::{Arrival, Joined, Newcomer, RealmHandle, Refused, Returning, Tenure};

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
    /// It is the session of an earlier connection.
    is_return: bool,
    /// As the client wishes; see [`Asked::ping`].
    ping: Option<u64>,
}

/// The ABORT with which a client is refused; none if it has gone.
type Refusal = Option<Box<Abort>>;

/// Opens a session, or gives the ABORT with which the client is refused (none if it has gone).
async fn open(shared: &Shared, link: &mut Link, peer: &Peer, mut place: Option<Place>) -> Result<Opened, Refusal> {
    let refused = |abort| Some(Box::new(abort));
    if let Some(wait) = shared.counters.login_wait(peer.ip()) {
        let sentence = format!("too many logins failed; try again in {} s", wait.as_secs() + 1);
        return Err(refused(Abort::new(AUTHENTICATION_DENIED, sentence)));
    }
    let asked = handshake(shared, link, peer).await;
    let has_failed = |abort: &Refusal| abort.as_ref().is_some_and(|it| it.reason == AUTHENTICATION_FAILED);
    if asked.as_ref().is_err_and(has_failed) {
        shared.counters.login_failed(peer.ip(), &shared.limits);
    }
    let asked = asked?;
    let realm = shared
        .realm(asked.realm.as_bytes())
        .ok_or_else(|| refused(no_such_realm(&asked)))?;
    let principal = admit(shared, &asked, peer).await.map_err(refused)?;
    let mut outcome = None;
    if shared.limits.resume.is_some() && !matches!(peer.transport, Transport::Local(_)) {
        outcome = match &asked.resumption {
            None => None,
            Some(Wanted::Resumable) => Some(Outcome::New),
            Some(Wanted::Return(back)) => {
                let returning = Returning {
                    back,
                    principal: &principal,
                    peer,
                    arrival: Arrival::now(peer, &link.writer),
                    place: &mut place,
                };
                match go_on(shared, &realm, returning)? {
                    Ok(joined) => {
                        link.reader.set_bounds(shared.limits.joined);
                        return Ok(Opened {
                            realm,
                            joined,
                            principal,
                            is_return: true,
                            ping: asked.ping,
                        });
                    }
                    Err(why) => Some(Outcome::Refused(why.to_owned())),
                }
            }
        };
    }
    // First, so that it does not take the place that this one needs.
    realm.give_up(asked.opening.as_deref(), &principal);
    if let Some(place) = &mut place {
        place.join(&shared.limits).map_err(full).map_err(refused)?;
    }
    let newcomer = Newcomer {
        promised: asked.proved.session,
        features: asked.features,
        arrival: Arrival::now(peer, &link.writer),
        outcome,
        place: Arc::new(Mutex::new(place)),
        opening: asked.opening,
    };
    let confirm = || shared.gate.confirm(&principal);
    let joined = realm.join(principal.clone(), newcomer, confirm);
    let joined = joined.ok_or_else(|| refused(withdrawn()))?;
    link.reader.set_bounds(shared.limits.joined);
    Ok(Opened {
        realm,
        joined,
        principal,
        is_return: false,
        ping: asked.ping,
    })
}

/// Who the client is. A person may have to be asked: the gate has time-outs of its own.
async fn admit(shared: &Shared, asked: &Asked, peer: &Peer) -> Result<Principal, Abort> {
    let principal = shared.gate.admit(asked, peer).await;
    let has_failed = |abort: &Abort| asked.proved.ticket.is_some() && abort.reason == AUTHENTICATION_FAILED;
    if principal.as_ref().is_err_and(has_failed) {
        shared.counters.login_failed(peer.ip(), &shared.limits);
    }
    principal
}

/// Lets a client go on with its session, or says why it gets another one.
fn go_on(
    shared: &Shared,
    realm: &RealmHandle,
    returning: Returning<'_>,
) -> Result<Result<Joined, &'static str>, Refusal> {
    let (principal, peer) = (returning.principal, returning.peer);
    match realm.resume(returning) {
        Ok(joined) => Ok(Ok(joined)),
        Err(Refused::New(why)) => Ok(Err(why)),
        Err(Refused::Stranger(why)) => {
            // Nobody comes by this without trying.
            shared.counters.login_failed(peer.ip(), &shared.limits);
            shared.gate.return_refused(principal, peer, why);
            Ok(Err(why))
        }
        Err(Refused::Denied) => Err(Some(Box::new(withdrawn()))),
        Err(Refused::Full(why)) => Err(Some(Box::new(full(why)))),
    }
}

fn full(why: &str) -> Abort {
    Abort::new(AUTHENTICATION_DENIED, format!("no more sessions are taken: {why}"))
}

fn withdrawn() -> Abort {
    Abort::new(AUTHENTICATION_DENIED, "the permission to join was withdrawn")
}

/// Exchanges messages until the client has proved who it is. Time in which the gate asks somebody else is not the client's.
async fn handshake(shared: &Shared, link: &mut Link, peer: &Peer) -> Result<Box<Asked>, Refusal> {
    let limit = shared.limits.login;
    let mut until = Instant::now() + limit;
    let mut acceptor = Acceptor::inside(peer.channel.binding());
    loop {
        let read = timeout_at(until, link.reader.next()).await;
        let message = match read.map_err(|_| too_late(limit))? {
            Ok(Some(message)) => message,
            Ok(None) | Err(ReadError::Io(_)) => return Err(None),
            Err(ReadError::Violation(violation)) => return Err(Some(violation.abort().into())),
        };
        let mut step = acceptor.receive(message);
        if let Step::Find(asked) = &step {
            let asking = Instant::now();
            let proof = match shared.realm(asked.realm.as_bytes()) {
                Some(_) => tokio::select! {
                    biased;
                    proof = shared.gate.find(asked, peer) => proof,
                    early = link.reader.next() => return Err(too_early(&mut acceptor, early)),
                },
                None => Err(no_such_realm(asked)),
            };
            until += asking.elapsed();
            step = acceptor.found(proof, challenge());
        }
        match step {
            Step::Send(message) => {
                let sent = timeout_at(until, link.writer.send(message)).await;
                sent.map_err(|_| too_late(limit))?.map_err(|_| None)?;
            }
            Step::Admit(asked) => return Ok(asked),
            Step::Refuse(abort) => return Err(Some(abort.into())),
            Step::Find(_) | Step::Gone => return Err(None),
        }
    }
}

/// What a client is told that does not wait until it is known how it is to prove itself; nothing if it has gone.
fn too_early(acceptor: &mut Acceptor, early: Result<Option<Message>, ReadError>) -> Refusal {
    match early {
        Ok(Some(message)) => match acceptor.receive(message) {
            Step::Refuse(abort) => Some(abort.into()),
            Step::Find(_) | Step::Send(_) | Step::Admit(_) | Step::Gone => None,
        },
        Ok(None) | Err(ReadError::Io(_)) => None,
        Err(ReadError::Violation(violation)) => Some(violation.abort().into()),
    }
}

fn challenge() -> [u8; 32] {
    let mut challenge = [0; 32];
    rand::rngs::SysRng
        .try_fill_bytes(&mut challenge)
        .expect("the operating system has random bytes");
    challenge
}

fn too_late(limit: Duration) -> Refusal {
    let sentence = format!("logging in took longer than {limit:?}");
    Some(Box::new(Abort::new(error::TIMEOUT, sentence)))
}

/// Tells a client that it does not get in, and closes.
async fn refuse(shared: &Shared, mut link: Link, abort: Refusal) {
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

/// Serves a session that is open, until it ends or goes on over another connection.
async fn run(shared: &Shared, link: Link, peer: &Peer, opened: Opened) {
    let Opened {
        realm,
        joined,
        principal,
        is_return,
        ping,
    } = opened;
    let session = joined.session;
    tracing::Span::current().record("id", session.get());
    if is_return {
        tracing::info!(realm = %realm.name(), authid = %principal.authid, "returned");
        shared.gate.resumed(session, &principal, peer);
    } else {
        tracing::info!(realm = %realm.name(), authid = %principal.authid, role = %principal.role.name(), "joined");
        shared.gate.joined(session, &principal, peer);
    }
    let rate = shared.gate.message_rate(&principal, peer);
    let upkeep = Upkeep::of(&joined, peer, &shared.limits, ping);
    let mut connected = Connected::new(link, rate, upkeep);
    let mut end = tokio::select! {
        biased;
        () = replaced(&joined) => SessionEnd::Replaced,
        end = exchange(shared, &realm, &joined, &mut connected) => end,
        () = shared.stopping.cancelled() => {
            joined.outbox.close(Some(Message::Goodbye(stopping_goodbye()).into()));
            SessionEnd::Dismissed
        }
        () = expired(shared, peer) => used_up(&joined),
    };
    let mut connected = Some(connected);
    if let (true, Some(tenure)) = (end.is_lost(), &joined.tenure) {
        // Whoever is still there sees that nobody is here.
        connected = None;
        realm.detach(session, tenure, &principal);
        end.log();
        end = returned(shared, &joined, tenure, end).await;
    }
    if matches!(end, SessionEnd::Replaced) || !realm.leave(session, joined.tenure.as_ref()) {
        return SessionEnd::Replaced.log();
    }
    if let Some(connected) = connected {
        farewell(shared, &realm, &joined, connected, &end).await;
    }
    shared.gate.left(session, &principal);
    match &end {
        SessionEnd::Violation(violation) => shared.gate.limited(peer, &violation.to_string()),
        SessionEnd::TooSlow | SessionEnd::Stalled => shared.gate.limited(peer, "it took its messages too slowly"),
        SessionEnd::Left
        | SessionEnd::Closed
        | SessionEnd::Dismissed
        | SessionEnd::Failed(_)
        | SessionEnd::Silent
        | SessionEnd::UsedUp
        | SessionEnd::Replaced => {}
    }
    end.log();
}

/// Waits until another connection has the session.
async fn replaced(joined: &Joined) {
    match &joined.tenure {
        Some(tenure) => tenure.replaced.cancelled().await,
        None => std::future::pending().await,
    }
}

/// Waits for the client of a session whose connection is lost: until it returns, the session is ended, or the time is over.
async fn returned(shared: &Shared, joined: &Joined, tenure: &Tenure, lost: SessionEnd) -> SessionEnd {
    tokio::select! {
        biased;
        () = tenure.replaced.cancelled() => SessionEnd::Replaced,
        () = joined.outbox.ended() => SessionEnd::Dismissed,
        () = shared.stopping.cancelled() => SessionEnd::Dismissed,
        () = tokio::time::sleep(shared.limits.resume.unwrap_or_default()) => lost,
    }
}

/// Waits until the connection has lived as long as it may, if that is bounded.
async fn expired(shared: &Shared, peer: &Peer) {
    match peer.channel {
        Channel::Noise { .. } => tokio::time::sleep(shared.limits.noise_session).await,
        Channel::Plain | Channel::Tls { .. } => std::future::pending().await,
    }
}

/// The keys of the connection are used up. Where the session can be resumed its client returns with others.
fn used_up(joined: &Joined) -> SessionEnd {
    if joined.tenure.is_some() {
        return SessionEnd::UsedUp;
    }
    let goodbye = Goodbye::new(
        error::CLOSE_NORMAL,
        "the keys of this session are used up; open another one",
    );
    joined.outbox.close(Some(Message::Goodbye(goodbye).into()));
    SessionEnd::Dismissed
}

fn stopping() -> Abort {
    Abort::new(error::SYSTEM_SHUTDOWN, "the router stops")
}

fn stopping_goodbye() -> Goodbye {
    Goodbye::new(error::SYSTEM_SHUTDOWN, "the router stops")
}
