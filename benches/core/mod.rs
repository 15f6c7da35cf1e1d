//! A realm without a router around it, for benches.

use std::sync::Arc;

use bytes::Bytes;
use wamp::acceptor::Features;
use wamp::codec::{self, Serializer};
use wamp::id::SessionId;
use wamp::limits::Bounds;
use wamp::message::{Message, Yield};
use wamp::outgoing::Delivery;
use wamp::realm::role::Role;
use wamp::realm::{Clock, Principal, Realm, Settings};

/// A message from its frame.
pub(crate) fn decoded(serializer: Serializer, frame: &Bytes) -> Message {
    codec::decode(serializer, frame, &Bounds::JOINED).expect("the bench is well formed")
}

/// A realm with this many sessions who may do everything, and their ids.
pub(crate) fn realm(sessions: usize) -> (Realm, Vec<SessionId>) {
    realm_for(&Arc::new(Role::unrestricted("anonymous")), sessions)
}

/// A realm with this many sessions of one role, and their ids.
pub(crate) fn realm_for(role: &Arc<Role>, sessions: usize) -> (Realm, Vec<SessionId>) {
    let mut realm = Realm::new(
        "realm1".into(),
        Settings::default(),
        [1; 32],
        Clock {
            time_of_day: std::time::SystemTime::now,
            elapsed: || std::time::Duration::ZERO,
        },
    );
    let mut out = Vec::new();
    let mut join = || {
        let principal = Principal {
            authid: "x".into(),
            role: Arc::clone(role),
            method: "anonymous",
            provider: "static",
            authextra: Default::default(),
        };
        realm.join(None, principal, Default::default(), Features::default(), None, &mut out)
    };
    let sessions = (0..sessions).map(|_| join()).collect();
    (realm, sessions)
}

/// Sends a message in JSON.
pub(crate) fn send(realm: &mut Realm, from: SessionId, json: &str, out: &mut Vec<Delivery>) {
    let message = decoded(Serializer::Json, &Bytes::copy_from_slice(json.as_bytes()));
    realm
        .receive(from, message, out)
        .expect("the bench keeps to the protocol");
}

/// Has a call routed to its callee, and the result back.
pub(crate) fn call_and_answer(
    realm: &mut Realm,
    (caller, callee): (SessionId, SessionId),
    call: &Message,
    out: &mut Vec<Delivery>,
) {
    out.clear();
    realm.receive(caller, call.clone(), out).expect("a call");
    let Some(Message::Invocation(invocation)) = out.pop().map(|delivery| delivery.outgoing.into_message()) else {
        unreachable!("the callee is registered");
    };
    let answer = Message::Yield(Yield {
        request: invocation.request,
        options: Default::default(),
        payload: invocation.payload,
    });
    realm.receive(callee, answer, out).expect("an answer");
}
