//! What one message costs in the pure core: decoding, routing, encoding, and what each allocates.
//! `cargo bench --bench message`.

mod core;

use bytes::{Bytes, BytesMut};
use divan::{AllocProfiler, Bencher, black_box};
use wamp::codec::{self, Serializer};
use wamp::limits::Bounds;

use self::core::{call_and_answer, decoded, realm, send};

/// Counts.
#[global_allocator]
static ALLOCATOR: AllocProfiler = AllocProfiler::system();

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
    let ends = (sessions[1], sessions[0]);
    bencher.bench_local(|| call_and_answer(&mut realm, ends, &call, &mut out));
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
