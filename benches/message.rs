//! What one message costs in the pure core: decoding, routing, encoding. `cargo bench --bench message`.

use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use divan::{Bencher, black_box};
use wamp::acceptor::Features;
use wamp::codec::{self, Serializer};
use wamp::id::SessionId;
use wamp::limits::Bounds;
use wamp::message::Message;
use wamp::outgoing::Delivery;
use wamp::realm::role::Role;
use wamp::realm::{Clock, Principal, Realm, Settings};

fn main() {
    divan::main();
}

/// A frame in this serializer, from JSON.
fn frame(serializer: Serializer, json: &str) -> Bytes {
    let message = codec::decode(
        Serializer::Json,
        &Bytes::copy_from_slice(json.as_bytes()),
        &Bounds::JOINED,
    );
    let mut out = BytesMut::new();
    codec::encode(serializer, &message.expect("the bench is well formed"), &mut out).expect("plain values");
    out.freeze()
}

fn call(serializer: Serializer, bytes: usize) -> Bytes {
    frame(
        serializer,
        &format!(r#"[48,7814135,{{}},"com.example.procedure",["{}"]]"#, "x".repeat(bytes)),
    )
}

fn decoded(serializer: Serializer, frame: &Bytes) -> Message {
    codec::decode(serializer, frame, &Bounds::JOINED).expect("the bench is well formed")
}

#[divan::bench(args = Serializer::ALL, consts = [16, 1024, 65536])]
fn decode_a_call<const BYTES: usize>(bencher: Bencher<'_, '_>, serializer: &Serializer) {
    let frame = call(*serializer, BYTES);
    bencher.bench(|| decoded(*serializer, black_box(&frame)));
}

#[divan::bench(args = Serializer::ALL, consts = [16, 65536])]
fn encode_a_call<const BYTES: usize>(bencher: Bencher<'_, '_>, serializer: &Serializer) {
    let message = decoded(*serializer, &call(*serializer, BYTES));
    let mut out = BytesMut::new();
    bencher.bench_local(|| {
        out.clear();
        codec::encode(*serializer, black_box(&message), &mut out)
    });
}

#[divan::bench(args = [Serializer::MessagePack, Serializer::Cbor])]
fn convert_a_call_of_a_kilobyte_from_json(bencher: Bencher<'_, '_>, serializer: &Serializer) {
    let message = decoded(Serializer::Json, &call(Serializer::Json, 1024));
    let mut out = BytesMut::new();
    bencher.bench_local(|| {
        out.clear();
        codec::encode(*serializer, black_box(&message), &mut out)
    });
}

/// A realm with this many sessions, and their ids.
fn realm(sessions: usize) -> (Realm, Vec<SessionId>) {
    let mut realm = Realm::new(
        "realm1".into(),
        Settings::default(),
        [1; 32],
        Clock {
            time_of_day: std::time::SystemTime::now,
            elapsed: || std::time::Duration::ZERO,
        },
    );
    let role = Arc::new(Role::unrestricted("anonymous"));
    let mut out = Vec::new();
    let mut join = || {
        let principal = Principal {
            authid: "x".into(),
            role: Arc::clone(&role),
            method: "anonymous",
            provider: "static",
            authextra: Default::default(),
        };
        realm.join(None, principal, Default::default(), Features::default(), None, &mut out)
    };
    let sessions = (0..sessions).map(|_| join()).collect();
    (realm, sessions)
}

fn send(realm: &mut Realm, from: SessionId, json: &str, out: &mut Vec<Delivery>) {
    let message = decoded(Serializer::Json, &Bytes::copy_from_slice(json.as_bytes()));
    realm
        .receive(from, message, out)
        .expect("the bench keeps to the protocol");
}

#[divan::bench]
fn route_a_call_and_its_result(bencher: Bencher<'_, '_>) {
    let (mut realm, sessions) = realm(2);
    let mut out = Vec::new();
    send(
        &mut realm,
        sessions[0],
        r#"[64,1,{},"com.example.procedure"]"#,
        &mut out,
    );
    let call = decoded(Serializer::Json, &call(Serializer::Json, 16));
    bencher.bench_local(|| {
        out.clear();
        let sent = realm.receive(sessions[1], call.clone(), &mut out);
        let Some(Message::Invocation(invocation)) = out.pop().map(|delivery| delivery.outgoing.into_message()) else {
            unreachable!("the callee is registered");
        };
        let payload = invocation.payload;
        let options = Default::default();
        let answer = Message::Yield(wamp::message::Yield {
            request: invocation.request,
            options,
            payload,
        });
        (sent, realm.receive(sessions[0], answer, &mut out))
    });
}

#[divan::bench(args = [1, 10, 100, 1000])]
fn route_an_event_to(bencher: Bencher<'_, '_>, subscribers: usize) {
    let (mut realm, sessions) = realm(subscribers + 1);
    let mut out = Vec::new();
    for subscriber in &sessions[1..] {
        send(&mut realm, *subscriber, r#"[32,1,{},"com.example.topic"]"#, &mut out);
    }
    let publish = decoded(
        Serializer::Json,
        &frame(Serializer::Json, r#"[16,1,{},"com.example.topic",["x"]]"#),
    );
    bencher.bench_local(|| {
        out.clear();
        realm.receive(sessions[0], publish.clone(), &mut out)
    });
}
