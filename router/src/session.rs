//! One connection's life: handshake, reading and writing side by side in one task, farewell.

mod claim;
mod exchange;
mod opening;
mod upkeep;

use std::future::Future;
use std::pin::{Pin, pin};
use std::sync::Arc;

use link::Link;
use tokio::time::timeout;
use tracing::field::Empty;
use tracing::{Instrument as _, Span};
use wamp::error;
use wamp::message::{Abort, Goodbye, Message};
use wamp::realm::Principal;
use wamp::value::Value;

use self::claim::Claim;
use self::exchange::{Connected, exchange, farewell};
use self::opening::{Opened, Refusal, open};
use self::upkeep::Upkeep;
use crate::Shared;
use crate::apart::Apart;
use crate::channel::Channel;
use crate::error::SessionEnd;
use crate::gate::Peer;
use crate::limits::Place;
use crate::realm::{Joined, RealmHandle, Tenure};

/// Serves a connection from its first message to its end. Most connections are idle, so what comes before the exchange
/// and after it has memory of its own, and only while it lasts.
pub(crate) fn serve(
    shared: Arc<Shared>,
    mut link: Link,
    peer: Peer,
    place: Option<Place>,
) -> Pin<Box<impl Future<Output = ()> + Send>> {
    Box::pin(async move {
        let span = tracing::info_span!("session", %peer, session = Empty, realm = Empty, authid = Empty);
        let mut claim = None;
        let opened = Box::pin(async {
            tokio::select! {
                opened = open(&shared, &mut link, &peer, (place, &mut claim)) => opened,
                () = shared.stopping.cancelled() => Err(Some(stopping().into())),
            }
        });
        match opened.instrument(span.clone()).await {
            Ok(opened) => {
                opened.realm.count_octets(&mut link);
                run(&shared, link, &peer, opened, &span).await;
            }
            Err(refusal) => {
                if let Some(abort) = &refusal {
                    shared.counters.refused(&abort.reason);
                    span.in_scope(|| shared.gate.refused(&peer, abort));
                }
                Box::pin(refuse(&shared, link, refusal, claim)).instrument(span).await;
            }
        }
    })
}

/// Tells a client that it does not get in, and closes.
async fn refuse(shared: &Shared, mut link: Link, abort: Refusal, claim: Option<Claim>) {
    if let Some(abort) = abort {
        let why = abort.details.get("message").and_then(Value::as_str).unwrap_or_default();
        let (realm, authid, method) = match &claim {
            Some(claim) => (Some(&*claim.realm), claim.authid.as_deref(), Some(&*claim.method)),
            // It has not even said where it wants in.
            None => (None, None, None),
        };
        tracing::info!(realm, authid, method, reason = %abort.reason, why, "refused");
        let farewell = async {
            let _ = link.writer.send(Message::Abort(*abort)).await;
            let _ = link.writer.close().await;
            // What the client still sends would otherwise make the kernel destroy the ABORT on its way.
            link.reader.drain().await;
        };
        let _ = timeout(shared.limits().farewell, farewell).await;
    }
}

/// Serves a session that is open, until it ends or goes on over another connection. Only its beginning and its end are
/// in the span: entering it costs as much as passing a message on, and the exchange has nothing to log.
fn run<'a>(
    shared: &'a Shared,
    link: Link,
    peer: &'a Peer,
    opened: Opened,
    span: &'a Span,
) -> impl Future<Output = ()> + 'a {
    let Opened {
        realm,
        joined,
        principal,
        is_return,
        ping,
    } = opened;
    let session = joined.session;
    span.record("session", session.get());
    span.record("realm", realm.name().as_str());
    span.record("authid", &*principal.authid);
    span.in_scope(|| {
        if is_return {
            tracing::info!("returned");
            shared.gate.resumed(session, &principal, peer);
        } else {
            let role = principal.role.name();
            match peer.is_local() {
                // Those of the daemon's own functions come with every start and go with every end.
                true => tracing::debug!(%role, "joined"),
                false => tracing::info!(%role, "joined"),
            }
            shared.gate.joined(session, &principal, peer);
        }
    });
    let rate = shared.gate.message_rate(&principal, peer);
    let upkeep = Upkeep::of(&joined, peer, &shared.limits(), (link.reader.heard(), ping));
    let mut connected = Connected::new(link, rate, upkeep);
    async move {
        let end = {
            let called_off = pin!(called_off(shared, &joined, peer));
            tokio::select! {
                biased;
                end = Apart::new(called_off) => end,
                end = exchange(shared, &realm, &joined, &mut connected) => end,
            }
        };
        let opened = (&realm, &joined, &principal);
        let concluded = Box::pin(conclude(shared, connected, peer, opened, end));
        concluded.instrument(span.clone()).await;
    }
}

/// Ends a session, unless it goes on over another connection.
async fn conclude(
    shared: &Shared,
    connected: Connected,
    peer: &Peer,
    (realm, joined, principal): (&RealmHandle, &Joined, &Principal),
    mut end: SessionEnd,
) {
    let session = joined.session;
    let mut connected = Some(connected);
    if let (true, Some(tenure)) = (end.is_lost(), &joined.tenure) {
        // Whoever is still there sees that nobody is here.
        connected = None;
        realm.detach(session, tenure, principal);
        log(&end, peer);
        end = returned(shared, joined, tenure, end).await;
    }
    if matches!(end, SessionEnd::Replaced) || !realm.leave(session, joined.tenure.as_ref()) {
        return log(&SessionEnd::Replaced, peer);
    }
    if let Some(connected) = connected {
        farewell(shared, realm, joined, connected, &end).await;
    }
    shared.gate.left(session, principal);
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
    log(&end, peer);
}

/// Puts the end of a session into the log.
fn log(end: &SessionEnd, peer: &Peer) {
    match end {
        SessionEnd::Left | SessionEnd::Closed if peer.is_local() => tracing::debug!("left"),
        SessionEnd::Dismissed if peer.is_local() => tracing::debug!("dismissed"),
        SessionEnd::Left | SessionEnd::Closed => tracing::info!("left"),
        SessionEnd::Dismissed => tracing::info!("dismissed"),
        SessionEnd::Violation(violation) => tracing::warn!(%violation, "broke the protocol"),
        SessionEnd::Failed(error) => tracing::info!(%error, "connection lost"),
        SessionEnd::TooSlow | SessionEnd::Stalled => tracing::warn!("took its messages too slowly"),
        SessionEnd::Silent => tracing::info!("connection lost: the peer was silent for too long"),
        SessionEnd::UsedUp => tracing::info!("its keys are used up"),
        SessionEnd::Replaced => tracing::info!("goes on over another connection"),
    }
}

/// Waits until something else than this connection or its client ends the exchange.
async fn called_off(shared: &Shared, joined: &Joined, peer: &Peer) -> SessionEnd {
    tokio::select! {
        biased;
        () = replaced(joined) => SessionEnd::Replaced,
        () = joined.outbox.broken() => SessionEnd::TooSlow,
        () = shared.stopping.cancelled() => {
            joined.outbox.close(Some(Message::Goodbye(stopping_goodbye()).into()));
            SessionEnd::Dismissed
        }
        () = expired(shared, peer) => used_up(joined),
    }
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
        () = tokio::time::sleep(shared.limits().resume.unwrap_or_default()) => lost,
    }
}

/// Waits until the connection has lived as long as it may, if that is bounded.
async fn expired(shared: &Shared, peer: &Peer) {
    match peer.channel {
        Channel::Noise { .. } => tokio::time::sleep(shared.limits().noise_session).await,
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
