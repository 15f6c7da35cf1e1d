//! What one call costs over each transport: CPU time of caller, router and callee together, all in one thread over
//! loopback. `cargo bench --bench transport`; `-- NAME` measures only the transports with that in their name.
//!
//! Beside them stands an echo that moves as many bytes as a call does, without any router: what TLS adds to a call
//! cannot be less than what it adds there.

#![allow(clippy::print_stdout, clippy::unwrap_used, reason = "it is a program that measures")]

mod echo;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Instant;

use client::{NoiseLogin, NoiseSecret, Options, Serializer, Session};
use router::{Keys, Limits, OpenGate, Origins, RealmSettings, Role, Router, noise, tls};

/// Calls in flight at a time, and rounds of them.
const AT_ONCE: usize = 16;
const ROUNDS: usize = 2_000;

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let certificate = made.cert.der();
    let config = tls::server_config(certificate, &made.signing_key.serialize_der()).unwrap();
    let (secret, desktop) = static_key();
    let did = [1; 32];
    let keys = Keys {
        tls: Some(Arc::new(config)),
        noise: Some(Arc::new(noise::Responder { secret, did })),
    };
    let gate = OpenGate::new(Role::unrestricted("anonymous"));
    let router = Router::with_keys(Arc::new(gate), Arc::new(Origins::default()), keys, Limits::default());
    router.open_realm("realm1", RealmSettings::default());
    let address = router
        .listen_tcp(&["127.0.0.1:0".parse().unwrap()])
        .unwrap()
        .addresses()[0];
    let quic = router.listen_quic(&["127.0.0.1:0".parse().unwrap()]).unwrap();
    let quic = format!("quic://{}", quic.addresses()[0]);
    let folder = tempfile::tempdir().unwrap();
    let socket = folder.path().join("router.sock");
    router.listen_unix(&socket, 0o600).unwrap();
    let unix = format!("unix:{}", socket.display());
    let speaking = |serializer| Options {
        serializers: vec![serializer],
        ..Options::new("realm1")
    };
    let open = || speaking(Serializer::Json);
    let cbor = speaking(Serializer::Cbor);
    let pinned = open().pin(tls::spki_hash(certificate).unwrap());
    let secret = static_key().0;
    let noisy = open().noise(NoiseLogin { secret, desktop, did });
    for bytes in [16, 1024, 65_536] {
        let plain = format!("ws://{address}");
        measure("plain WebSocket", &plain, &open(), bytes).await;
        measure("plain WebSocket in CBOR", &plain, &cbor, bytes).await;
        measure_between("from JSON to CBOR and back", &plain, (&open(), &cbor), bytes).await;
        measure("plain RawSocket", &format!("rs://{address}"), &open(), bytes).await;
        measure("RawSocket over a Unix socket", &unix, &open(), bytes).await;
        measure("TLS WebSocket", &format!("wss://{address}"), &pinned, bytes).await;
        measure("TLS RawSocket", &format!("rss://{address}"), &pinned, bytes).await;
        measure("QUIC", &quic, &pinned, bytes).await;
        measure("Noise", &plain, &noisy, bytes).await;
        for (name, is_secret) in [("plain TCP", false), ("TLS", true)] {
            if is_asked_for("echo") {
                let before = cpu_ns();
                let rounds = rounds_of(bytes);
                echo::run(&made, is_secret, rounds, AT_ONCE * bytes).await;
                report(
                    &format!("an echo of {bytes} bytes, twice, {name}"),
                    before,
                    rounds * AT_ONCE,
                );
            }
        }
    }
    for (name, target) in [("TLS RawSocket", format!("rss://{address}")), ("QUIC", quic.clone())] {
        one_by_one(name, &target, &pinned).await;
    }
    handshakes(address, &quic, &pinned, &noisy).await;
}

/// Whether a transport of this name is to be measured.
fn is_asked_for(name: &str) -> bool {
    let only = std::env::args().skip(1).find(|argument| !argument.starts_with('-'));
    only.is_none_or(|only| name.contains(&only))
}

fn rounds_of(bytes: usize) -> usize {
    if bytes > 10_000 { ROUNDS / 20 } else { ROUNDS }
}

async fn measure(name: &str, target: &str, options: &Options, bytes: usize) {
    measure_between(name, target, (options, options), bytes).await;
}

/// Calls between two sessions of the same router.
async fn measure_between(name: &str, target: &str, (caller, callee): (&Options, &Options), bytes: usize) {
    if !is_asked_for(name) {
        return;
    }
    let target = target.parse().unwrap();
    let caller = Session::connect(&target, caller.clone()).await.unwrap();
    let callee = Session::connect(&target, callee.clone()).await.unwrap();
    let echo = |call: client::Invocation| async move { Ok(call.args[0].clone().into()) };
    callee.register("com.example.echo", echo).await.unwrap();
    let argument = "x".repeat(bytes);
    let rounds = rounds_of(bytes);
    let before = cpu_ns();
    for _ in 0..rounds {
        let calls = (0..AT_ONCE).map(|_| caller.call("com.example.echo", [argument.as_str().into()]));
        for answer in futures_util::future::join_all(calls).await {
            answer.unwrap();
        }
    }
    report(&format!("a call of {bytes} bytes, {name}"), before, rounds * AT_ONCE);
    callee.leave().await;
    caller.leave().await;
}

/// One call after the other: how long each takes, and what it costs.
async fn one_by_one(name: &str, target: &str, options: &Options) {
    if !is_asked_for(name) {
        return;
    }
    let session = Session::connect(&target.parse().unwrap(), options.clone())
        .await
        .unwrap();
    let echo = |call: client::Invocation| async move { Ok(call.args[0].clone().into()) };
    session.register("com.example.echo", echo).await.unwrap();
    let (begun, before) = (Instant::now(), cpu_ns());
    for _ in 0..ROUNDS {
        session.call("com.example.echo", ["x".into()]).await.unwrap();
    }
    let each = begun.elapsed() / u32::try_from(ROUNDS).unwrap();
    println!("a call alone, {name}: {} us", each.as_micros());
    report(&format!("a call alone, {name}"), before, ROUNDS);
    session.leave().await;
}

/// Opening and closing a session, keys and all.
async fn handshakes(address: SocketAddr, quic: &str, pinned: &Options, noisy: &Options) {
    for (name, target, options) in [
        ("plain WebSocket", format!("ws://{address}"), Options::new("realm1")),
        ("TLS WebSocket", format!("wss://{address}"), pinned.clone()),
        ("QUIC", quic.to_owned(), pinned.clone()),
        ("Noise", format!("ws://{address}"), noisy.clone()),
    ] {
        if !is_asked_for(name) {
            continue;
        }
        let target = target.parse().unwrap();
        let before = cpu_ns();
        for _ in 0..ROUNDS / 4 {
            Session::connect(&target, options.clone()).await.unwrap().leave().await;
        }
        report(&format!("a session opened and left, {name}"), before, ROUNDS / 4);
    }
}

fn report(what: &str, before: u64, count: usize) {
    println!("{what}: {} ns of CPU time", (cpu_ns() - before) / count as u64);
}

/// What this thread has spent on a processor, in nanoseconds: the first field of `schedstat` (the kernel's
/// documentation, "Scheduler Statistics").
fn cpu_ns() -> u64 {
    let spent = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap();
    spent.split(' ').next().unwrap().parse().unwrap()
}

fn static_key() -> (NoiseSecret, [u8; 32]) {
    let params = "Noise_IK_25519_ChaChaPoly_SHA256".parse().unwrap();
    let pair = snow::Builder::new(params).generate_keypair().unwrap();
    let secret: [u8; 32] = pair.private.try_into().unwrap();
    (NoiseSecret::new(secret.into()), pair.public.try_into().unwrap())
}
