//! How many intermediate results a second a caller takes that keeps up, with and without saying how many it takes
//! (`docs/BACKPRESSURE.md`): caller, router and callee in one process, over loopback. `cargo bench --bench stream`.

#![allow(clippy::print_stdout, clippy::unwrap_used, reason = "it is a program that measures")]

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Instant;

use client::{CallOptions, Flow, Invocation, Options, Serializer, Session, Value};
use router::{Limits, OpenGate, Origins, RealmSettings, Role, Router};

/// Results of one call, and their bytes: together they fit into the queue of a session, so that a caller that says nothing of
/// what it takes is not cut off when it falls behind.
const ROWS: u64 = 20_000;
const ROW: usize = 64;
/// Rounds, of which the median counts: one after the other, so that whatever else the machine does concerns all alike.
const ROUNDS: usize = 41;
/// What a caller takes at a time; 0 says nothing.
const WINDOWS: [u32; 4] = [0, 64, 256, 1_024];

#[tokio::main(flavor = "multi_thread", worker_threads = 2)]
async fn main() {
    let gate = OpenGate::new(Role::unrestricted("anonymous"));
    let router = Router::new(Arc::new(gate), Arc::new(Origins::default()), Limits::default());
    router.open_realm("realm1", RealmSettings::default());
    let listening = router.listen_tcp(&["127.0.0.1:0".parse().unwrap()]).unwrap();
    let address = listening.addresses()[0];
    for serializer in [Serializer::Json, Serializer::MessagePack, Serializer::Cbor] {
        measure(address, serializer).await;
    }
}

async fn measure(address: SocketAddr, serializer: Serializer) {
    let options = Options {
        serializers: vec![serializer],
        ..Options::new("realm1")
    };
    let target = format!("rs://{address}").parse().unwrap();
    let callee = Session::connect(&target, options.clone()).await.unwrap();
    callee.register("com.example.rows", rows).await.unwrap();
    let caller = Session::connect(&target, options).await.unwrap();
    let mut rates = WINDOWS.map(|_| Vec::new());
    for _ in 0..ROUNDS {
        for (rates, window) in rates.iter_mut().zip(WINDOWS) {
            rates.push(rate(&caller, window).await);
        }
    }
    for (rates, window) in rates.iter_mut().zip(WINDOWS) {
        rates.sort_by(f64::total_cmp);
        let rate = rates[ROUNDS / 2];
        println!("{serializer:?}, window {window}: {rate:.0} results a second");
    }
    caller.leave().await;
    callee.leave().await;
}

async fn rows(call: Invocation) -> Result<client::Reply, client::RequestError> {
    let progress = call.progress.unwrap();
    let row = Value::Text("x".repeat(ROW));
    for _ in 0..ROWS {
        progress.send([row.clone()]).await.unwrap();
    }
    Ok(().into())
}

async fn rate(caller: &Session, window: u32) -> f64 {
    let flow = Flow {
        credit: window,
        await_credit: false,
    };
    let options = CallOptions {
        receive_progress: true,
        flow: (window > 0).then(|| Box::new(flow)),
        ..CallOptions::default()
    };
    let begin = Instant::now();
    let mut call = caller.start_call("com.example.rows", (), options).await.unwrap();
    let mut taken = 0;
    while call.next().await.is_some() {
        taken += 1;
    }
    call.result().await.unwrap();
    assert_eq!(taken, ROWS, "all of them");
    f64::from(u32::try_from(taken).unwrap()) / begin.elapsed().as_secs_f64()
}
