//! A callee that is fast and a caller that is slow: the callee waits, nothing is dropped, nobody holds more than was agreed.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use deskconn_client::{CallOptions, CancelMode, Error, Flow, Invocation, Serializer, Session, Value};
use tokio::sync::Notify;
use tokio::task::yield_now;

use crate::support::{Stage, Way, soon};

const ROWS: u64 = 2_000;
/// Bytes of a row.
const ROW: usize = 1_024;
const WINDOW: u32 = 16;

fn takes(credit: u32) -> CallOptions {
    CallOptions {
        receive_progress: true,
        flow: Some(Box::new(Flow {
            credit,
            await_credit: false,
        })),
        ..CallOptions::default()
    }
}

/// Sends rows as fast as it may, and counts them.
async fn offer_rows(callee: &Session) -> Arc<AtomicU64> {
    let sent = Arc::<AtomicU64>::default();
    let count = Arc::clone(&sent);
    let rows = move |call: Invocation| {
        let count = Arc::clone(&count);
        async move {
            let progress = call.progress.unwrap();
            for row in 0..ROWS {
                progress
                    .send([Value::from(row), Value::Bytes(vec![7; ROW])])
                    .await
                    .unwrap();
                count.fetch_add(1, Ordering::Relaxed);
            }
            Ok(Value::from("done").into())
        }
    };
    callee.register("com.example.rows", rows).await.unwrap();
    sent
}

/// A slow caller: others have so many turns before it.
async fn let_others_go(turns: u64) {
    for _ in 0..turns {
        yield_now().await;
    }
}

#[tokio::test]
async fn a_fast_callee_is_never_further_ahead_than_its_slow_caller_allows() {
    for serializer in Serializer::ALL {
        for way in [Way::WebSocket, Way::RawSocket] {
            let stage = Stage::new();
            let callee = stage.session_by(way, serializer).await;
            let sent = offer_rows(&callee).await;
            let caller = stage.session_by(way, serializer).await;
            let mut call = caller.start_call("com.example.rows", (), takes(WINDOW)).await.unwrap();
            for row in 0..ROWS {
                let_others_go(row % 7).await;
                let result = soon(call.next()).await.expect("no row is missing");
                assert_eq!(result.args[0], Value::from(row), "in their order");
                let ahead = sent.load(Ordering::Relaxed).saturating_sub(row + 1);
                assert!(ahead <= u64::from(WINDOW), "{ahead} rows ahead");
            }
            assert!(soon(call.next()).await.is_none());
            assert_eq!(soon(call.result()).await.unwrap().into_value(), Value::from("done"));
        }
    }
}

#[tokio::test]
async fn a_caller_that_takes_nothing_more_may_cancel_a_callee_that_waits() {
    let stage = Stage::new();
    let callee = stage.session_by(Way::WebSocket, Serializer::Json).await;
    let sent = offer_rows(&callee).await;
    let caller = stage.session_by(Way::WebSocket, Serializer::Cbor).await;
    let mut call = caller.start_call("com.example.rows", (), takes(2)).await.unwrap();
    soon(call.next()).await.unwrap();
    let end = soon(call.cancel(CancelMode::Kill)).await.unwrap_err();
    let Error::Request(error) = end else { panic!("{end}") };
    assert_eq!(error.uri, "wamp.error.canceled");
    assert!(sent.load(Ordering::Relaxed) <= 3);
    // Grants that are late begin nothing: the next call is served as the first was.
    let mut call = caller.start_call("com.example.rows", (), takes(100)).await.unwrap();
    assert_eq!(soon(call.next()).await.unwrap().args[0], Value::from(0_u64));
}

#[tokio::test]
async fn who_says_nothing_of_credit_gets_results_as_before() {
    let stage = Stage::new();
    let callee = stage.session_by(Way::RawSocket, Serializer::MessagePack).await;
    offer_rows(&callee).await;
    let caller = stage.session_by(Way::RawSocket, Serializer::MessagePack).await;
    let mut rows = 0;
    let result = caller.call_progressively("com.example.rows", (), |_| rows += 1);
    assert_eq!(soon(result).await.unwrap().into_value(), Value::from("done"));
    assert_eq!(rows, ROWS);
}

#[tokio::test]
async fn a_caller_that_grants_nothing_and_takes_nothing_learns_that_results_were_left_out() {
    const MANY: u64 = 200;
    let stage = Stage::new();
    let (callee, caller) = (stage.session().await, stage.session().await);
    let sent = Arc::new(Notify::new());
    let all = Arc::clone(&sent);
    let count = move |call: Invocation| {
        let all = Arc::clone(&all);
        async move {
            for number in 0..MANY {
                call.progress.as_ref().unwrap().send(Value::from(number)).await.unwrap();
            }
            all.notify_one();
            Ok(Value::from("done").into())
        }
    };
    callee.register("com.example.count", count).await.unwrap();
    for is_taken in [true, false] {
        let options = CallOptions {
            receive_progress: true,
            ..CallOptions::default()
        };
        let mut call = caller.start_call("com.example.count", (), options).await.unwrap();
        if !is_taken {
            // When this is answered they are on their way, and keep back what comes behind them until they are given up.
            soon(sent.notified()).await;
            soon(callee.call("wamp.session.count", ())).await.unwrap();
            soon(caller.call("wamp.session.count", ())).await.unwrap();
        }
        let mut heard = 0;
        while soon(call.next()).await.is_some() {
            heard += 1;
        }
        assert_eq!((heard == MANY, call.has_left_out()), (is_taken, !is_taken), "{heard}");
        assert_eq!(soon(call.result()).await.unwrap().into_value(), Value::from("done"));
        if is_taken {
            soon(sent.notified()).await;
        }
    }
}
