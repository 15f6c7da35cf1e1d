//! Opening a session: the handshake, who the client is, its place in the realm or the session that it returns to.

use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use link::{Link, ReadError};
use tokio::time::{Instant, timeout_at};
use wamp::acceptor::{Acceptor, Asked, Step};
use wamp::error::{self, AUTHENTICATION_DENIED, AUTHENTICATION_FAILED};
use wamp::message::{Abort, Message};
use wamp::realm::Principal;
use wamp::resumption::{Outcome, Wanted};

use super::claim::Claim;
use crate::Shared;
use crate::gate::{Peer, Transport, no_such_realm};
use crate::limits::Place;
use crate::random::random;
use crate::realm::{Arrival, Joined, Newcomer, RealmHandle, Refused, Returning};

/// What a handshake ends with.
pub(super) struct Opened {
    pub(super) realm: RealmHandle,
    pub(super) joined: Joined,
    pub(super) principal: Principal,
    /// It is the session of an earlier connection.
    pub(super) is_return: bool,
    /// As the client wishes; see [`Asked::ping`].
    pub(super) ping: Option<u64>,
}

/// The ABORT with which a client is refused; none if it has gone.
pub(super) type Refusal = Option<Box<Abort>>;

/// Opens a session, or gives the ABORT with which the client is refused (none if it has gone). What it claimed is noted as soon
/// as it is known.
pub(super) async fn open(
    shared: &Shared,
    link: &mut Link,
    peer: &Peer,
    (mut place, claim): (Option<Place>, &mut Option<Claim>),
) -> Result<Opened, Refusal> {
    let refused = |abort| Some(Box::new(abort));
    let logins = || shared.logins.load(Ordering::SeqCst);
    let begun = logins();
    if let Some(wait) = shared.counters.login_wait(peer.ip()) {
        let sentence = format!("too many logins failed; try again in {} s", wait.as_secs() + 1);
        return Err(refused(Abort::new(AUTHENTICATION_DENIED, sentence)));
    }
    let asked = handshake(shared, link, peer, claim).await;
    let has_failed = |abort: &Refusal| abort.as_ref().is_some_and(|it| it.reason == AUTHENTICATION_FAILED);
    if asked.as_ref().is_err_and(has_failed) {
        shared.counters.login_failed(peer.ip(), &shared.limits());
    }
    let asked = asked?;
    let realm = shared.realm(asked.realm.as_bytes());
    let realm = realm.ok_or_else(|| refused(no_such_realm(&asked)))?;
    let principal = admit(shared, &asked, peer).await.map_err(refused)?;
    let mut outcome = None;
    if shared.limits().resume.is_some() && !matches!(peer.transport, Transport::Local(_)) {
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
                        link.reader.set_bounds(shared.limits().joined);
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
        place.join(&shared.limits()).map_err(full).map_err(refused)?;
    }
    let newcomer = Newcomer {
        promised: asked.proved.session,
        features: asked.features,
        arrival: Arrival::now(peer, &link.writer),
        outcome,
        place: Arc::new(Mutex::new(place)),
        opening: asked.opening,
    };
    let confirm = || logins() == begun && shared.gate.confirm(&principal);
    let joined = realm.join(principal.clone(), newcomer, confirm);
    // Whoever was overtaken by a change is to try again.
    let joined = joined.ok_or_else(|| (logins() == begun).then(|| Box::new(withdrawn())))?;
    link.reader.set_bounds(shared.limits().joined);
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
        shared.counters.login_failed(peer.ip(), &shared.limits());
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
            shared.counters.login_failed(peer.ip(), &shared.limits());
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
async fn handshake(
    shared: &Shared,
    link: &mut Link,
    peer: &Peer,
    claim: &mut Option<Claim>,
) -> Result<Box<Asked>, Refusal> {
    let limit = shared.limits().login;
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
            let claim = claim.insert(Claim::of(asked));
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
            if let Ok(proof) = &proof {
                claim.is_asked_for(proof);
            }
            step = acceptor.found(proof, random());
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

fn too_late(limit: Duration) -> Refusal {
    let sentence = format!("logging in took longer than {limit:?}");
    Some(Box::new(Abort::new(error::TIMEOUT, sentence)))
}
