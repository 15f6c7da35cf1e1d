//! Calls whose arguments come in parts: all of them come, in their order, no faster than they are taken.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use deskconn_client::{
    CallOptions, Error, Flow, Invocation, PartSender, RegisterOptions, Reply, RequestError, Serializer, Session, Value,
};
use link::Link;
use tokio::sync::Notify;
use wamp::id::{RegistrationId, RequestId};
use wamp::message::{self, InvocationDetails, Message, Registered};
use wamp::payload::Payload;

use crate::script::{joined, receive};
use crate::support::{Stage, Way, soon};

const PARTS: u64 = 1_000;
/// Parts that may wait at a callee: the room of `PartReceiver`.
const ROOM: u64 = 64;

async fn register<F, R>(callee: &Session, handler: F)
where
    F: Fn(Invocation) -> R + Send + Sync + 'static,
    R: Future<Output = Result<Reply, RequestError>> + Send + 'static,
{
    let options = RegisterOptions::default();
    callee
        .register_in_parts("com.example.sum", options, handler)
        .await
        .unwrap();
}

/// Adds up what comes, and says after each part how much it is.
async fn sum(mut call: Invocation) -> Result<Reply, RequestError> {
    let mut sum = call.args[0].as_u64().unwrap();
    let mut parts = call.parts.take();
    while let Some(parts) = &mut parts
        && let Some(part) = parts.next().await
    {
        sum += part.args[0].as_u64().unwrap();
        if let Some(progress) = &call.progress {
            progress.send([Value::from(sum)]).await.unwrap();
        }
    }
    Ok(Value::from(sum).into())
}

/// The same, and says when it is over, however it ends.
fn served_until(
    call: Invocation,
    over: &Arc<Notify>,
) -> impl Future<Output = Result<Reply, RequestError>> + Send + use<> {
    struct Guard(Arc<Notify>);
    impl Drop for Guard {
        fn drop(&mut self) {
            self.0.notify_one();
        }
    }
    let guard = Guard(Arc::clone(over));
    async move {
        let result = sum(call).await;
        drop(guard);
        result
    }
}

fn both_ways() -> CallOptions {
    CallOptions {
        receive_progress: true,
        flow: Some(Box::new(Flow {
            credit: 16,
            await_credit: false,
        })),
        ..CallOptions::default()
    }
}

async fn send(parts: &mut PartSender, part: u64) -> Result<(), Error> {
    parts.send([Value::from(part)]).await
}

#[tokio::test]
async fn a_channel_carries_parts_one_way_and_results_the_other() {
    for serializer in Serializer::ALL {
        for way in [Way::WebSocket, Way::RawSocket, Way::Local] {
            let stage = Stage::new();
            let callee = stage.session_by(way, serializer).await;
            register(&callee, sum).await;
            let caller = stage.session_by(way, serializer).await;
            add_up(&caller).await;
            // A call in one part is served by the same handler.
            let result = soon(caller.call("com.example.sum", [Value::from(5_u64)]))
                .await
                .unwrap();
            assert_eq!(result.into_value().as_u64(), Some(5));
        }
    }
}

/// Has numbers added up, and takes the sum after each while it sends more.
async fn add_up(caller: &Session) {
    let started = caller.start_call_in_parts("com.example.sum", [Value::from(0_u64)], both_ways());
    let (mut parts, mut call) = soon(started).await.unwrap();
    let sending = async {
        for part in 1..PARTS {
            send(&mut parts, part).await.unwrap();
        }
        parts.finish([Value::from(PARTS)]).await.unwrap();
    };
    let taking = async {
        let mut sum = 0;
        for part in 1..=PARTS {
            sum += part;
            let result = call.next().await.unwrap();
            assert_eq!(result.args[0], Value::from(sum), "after part {part}");
        }
        call.result().await.unwrap().into_value()
    };
    let ((), result) = soon(async { tokio::join!(sending, taking) }).await;
    assert_eq!(result.as_u64(), Some(PARTS * (PARTS + 1) / 2));
}

#[tokio::test]
async fn a_caller_is_never_further_ahead_than_a_slow_callee_allows() {
    let stage = Stage::new();
    let callee = stage.session_by(Way::RawSocket, Serializer::Cbor).await;
    let go_on = Arc::new(Notify::new());
    let waits = Arc::clone(&go_on);
    register(&callee, move |call| {
        let waits = Arc::clone(&waits);
        async move {
            waits.notified().await;
            sum(call).await
        }
    })
    .await;
    let caller = stage.session_by(Way::WebSocket, Serializer::Json).await;
    let options = CallOptions::default();
    let started = caller.start_call_in_parts("com.example.sum", [Value::from(0_u64)], options);
    let (mut parts, call) = soon(started).await.unwrap();
    let sent = AtomicU64::new(0);
    let sending = async {
        for part in 1..PARTS {
            send(&mut parts, part).await.unwrap();
            sent.fetch_add(1, Ordering::Relaxed);
        }
        parts.finish([Value::from(PARTS)]).await.unwrap();
    };
    let watching = async {
        // A call of another kind goes to the callee and back while the parts wait.
        for _ in 0..20 {
            caller.call("com.example.nobody", ()).await.unwrap_err();
        }
        assert_eq!(
            sent.load(Ordering::Relaxed),
            0,
            "nothing is granted before the handler takes parts"
        );
        go_on.notify_one();
        call.result().await.unwrap().into_value()
    };
    let ((), result) = soon(async { tokio::join!(sending, watching) }).await;
    assert_eq!(result.as_u64(), Some(PARTS * (PARTS + 1) / 2));
}

#[tokio::test]
async fn parts_that_nobody_will_take_end_with_the_call() {
    let stage = Stage::new();
    let callee = stage.session_by(Way::WebSocket, Serializer::MessagePack).await;
    register(&callee, |mut call| async move {
        let first = call.parts.as_mut().unwrap().next().await.unwrap();
        Ok(first.into_value().into())
    })
    .await;
    let caller = stage.session_by(Way::WebSocket, Serializer::MessagePack).await;
    let options = CallOptions::default();
    let started = caller.start_call_in_parts("com.example.sum", [Value::from(1_u64)], options);
    let (mut parts, call) = soon(started).await.unwrap();
    let mut sent = 0;
    let error = soon(async {
        loop {
            if let Err(error) = send(&mut parts, 7).await {
                break error;
            }
            sent += 1;
        }
    })
    .await;
    assert!((1..=ROOM).contains(&sent), "{sent} parts were sent");
    let Error::Request(error) = error else {
        panic!("{error}")
    };
    assert_eq!(error.uri, "wamp.error.canceled");
    assert_eq!(soon(call.result()).await.unwrap().into_value().as_u64(), Some(7));
}

#[tokio::test]
async fn a_caller_that_stops_before_the_last_part_cancels_the_call() {
    let stage = Stage::new();
    let callee = stage.session_by(Way::Unix, Serializer::Cbor).await;
    let stopped = Arc::new(Notify::new());
    let stop = Arc::clone(&stopped);
    register(&callee, move |call| served_until(call, &stop)).await;
    let caller = stage.session_by(Way::Unix, Serializer::Cbor).await;
    let options = CallOptions::default();
    let started = caller.start_call_in_parts("com.example.sum", [Value::from(1_u64)], options);
    let (mut parts, call) = soon(started).await.unwrap();
    soon(send(&mut parts, 2)).await.unwrap();
    drop(parts);
    let Error::Request(error) = soon(call.result()).await.unwrap_err() else {
        panic!()
    };
    assert_eq!(error.uri, "wamp.error.canceled");
    soon(stopped.notified()).await;
}

#[tokio::test]
async fn a_procedure_that_takes_no_parts_refuses_them_and_is_not_begun() {
    let stage = Stage::new();
    let callee = stage.session_by(Way::WebSocket, Serializer::Json).await;
    let begun = Arc::<AtomicU64>::default();
    let count = Arc::clone(&begun);
    let handler = move |_| {
        count.fetch_add(1, Ordering::Relaxed);
        async { Ok(().into()) }
    };
    callee.register("com.example.whole", handler).await.unwrap();
    let caller = stage.session_by(Way::WebSocket, Serializer::Json).await;
    let started = caller.start_call_in_parts("com.example.whole", (), CallOptions::default());
    let (_parts, call) = soon(started).await.unwrap();
    let Error::Request(error) = soon(call.result()).await.unwrap_err() else {
        panic!()
    };
    assert_eq!(error.uri, "wamp.error.feature_not_supported");
    assert_eq!(begun.load(Ordering::Relaxed), 0);
}

#[tokio::test]
async fn a_part_that_is_too_long_ends_the_call_at_both_ends() {
    let limits = router::Limits::default();
    let stage = Stage::new();
    let callee = stage.session_by(Way::RawSocket, Serializer::Cbor).await;
    let stopped = Arc::new(Notify::new());
    let stop = Arc::clone(&stopped);
    register(&callee, move |call| served_until(call, &stop)).await;
    let caller = stage.session_by(Way::RawSocket, Serializer::Cbor).await;
    let options = CallOptions::default();
    let started = caller.start_call_in_parts("com.example.sum", [Value::from(1_u64)], options);
    let (mut parts, call) = soon(started).await.unwrap();
    soon(send(&mut parts, 1)).await.unwrap();
    let long = Value::Bytes(vec![0; limits.joined.message_bytes + 1]);
    soon(parts.send([long])).await.unwrap();
    let Error::Request(error) = soon(call.result()).await.unwrap_err() else {
        panic!()
    };
    assert_eq!(error.uri, "wamp.error.payload_size_exceeded");
    soon(stopped.notified()).await;
}

#[tokio::test]
async fn a_handler_that_does_not_take_parts_in_time_ends_a_call_whose_caller_does_not_wait() {
    let (callee, mut router) = joined().await;
    let serving = register(&callee, |call| async move {
        let _parts = call.parts;
        std::future::pending().await
    });
    let routing = async {
        let Message::Register(register) = receive(&mut router).await else {
            panic!()
        };
        let registered = Registered {
            request: register.request,
            registration: RegistrationId::FIRST,
        };
        send_all(&mut router, [Message::Registered(registered)]).await;
    };
    tokio::join!(serving, routing);
    // The first, those for which there is room, and one more.
    let parts = (0..=ROOM + 1).map(|_| {
        Message::Invocation(message::Invocation {
            request: RequestId::FIRST,
            registration: RegistrationId::FIRST,
            details: InvocationDetails {
                progress: true,
                ..InvocationDetails::default()
            },
            payload: Payload::EMPTY,
        })
    });
    send_all(&mut router, parts).await;
    let Message::Error(error) = receive(&mut router).await else {
        panic!()
    };
    assert_eq!(error.error.as_str(), "wamp.error.unavailable");
}

async fn send_all(router: &mut Link, messages: impl IntoIterator<Item = Message>) {
    for message in messages {
        soon(router.writer.send(message)).await.unwrap();
    }
}
