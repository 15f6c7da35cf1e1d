//! Calls and the handlers that serve them.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use deskconn_client::{
    Args, Closed, Error, Invocation, MAX_INVOCATIONS, Match, Reply, RequestError, Serializer, Session, Value,
};
use router::Limits;
use tokio::sync::{Notify, Semaphore};

use crate::support::{Stage, Way, soon, until};

async fn echo(call: Invocation) -> Result<Reply, RequestError> {
    Ok(Args::from((call.args, call.kwargs)).into())
}

fn uri(error: Error) -> String {
    match error {
        Error::Request(error) => error.uri.to_string(),
        Error::Closed(_) | Error::Unconvertible(_) => panic!("{error:?}"),
    }
}

#[tokio::test]
async fn arguments_come_back_as_they_were_over_every_link_in_every_serializer() {
    let stage = Stage::new();
    let callee = stage.session().await;
    callee.register("com.example.echo", echo).await.unwrap();
    let list = Value::List(vec![
        Value::Null,
        true.into(),
        Value::UInt(u64::MAX),
        Value::Int(i64::MIN),
        0.5.into(),
    ]);
    let args = Args::from(vec![list, "é\"\\".into(), Value::Bytes(vec![0, 255])]).with("key", "value");
    for way in [Way::WebSocket, Way::RawSocket, Way::Unix, Way::Local] {
        for serializer in Serializer::ALL {
            let caller = stage.session_by(way, serializer).await;
            let result = soon(caller.call("com.example.echo", args.clone())).await.unwrap();
            assert_eq!(result, args, "{way:?} {serializer:?}");
            assert!(caller.detail("authrole").is_some());
            caller.leave().await;
            assert_eq!(caller.closed().await, Closed::Left);
        }
    }
}

#[tokio::test]
async fn an_error_reaches_its_caller_with_sentence_and_details() {
    let stage = Stage::new();
    let session = stage.session().await;
    let fail = |_| async { Err(RequestError::new("com.example.error.no", "no, and here is why").with("code", 7_u64)) };
    session.register("com.example.fail", fail).await.unwrap();
    let error = soon(session.call("com.example.fail", ())).await.unwrap_err();
    assert_eq!(error.to_string(), "no, and here is why (com.example.error.no)");
    let Error::Request(error) = error else { panic!() };
    assert_eq!(error.kwargs["code"].as_u64(), Some(7));
}

#[tokio::test]
async fn what_the_router_refuses_is_an_error_and_the_session_goes_on() {
    let stage = Stage::new();
    let session = stage.session().await;
    assert_eq!(
        uri(soon(session.call("com.example.nobody", ())).await.unwrap_err()),
        "wamp.error.no_such_procedure"
    );
    assert_eq!(
        uri(soon(session.call("com..bad uri", ())).await.unwrap_err()),
        "wamp.error.invalid_uri"
    );
    session.register("com.example.echo", echo).await.unwrap();
    let twice = soon(session.register("com.example.echo", echo)).await;
    assert_eq!(uri(twice.unwrap_err()), "wamp.error.procedure_already_exists");
    assert!(soon(session.call("com.example.echo", ())).await.is_ok());
}

#[tokio::test]
async fn a_withdrawn_procedure_can_be_offered_again() {
    let stage = Stage::new();
    let session = stage.session().await;
    for _ in 0..3 {
        let registration = session.register("com.example.echo", echo).await.unwrap();
        assert!(soon(session.call("com.example.echo", ())).await.is_ok());
        session.unregister(registration).await.unwrap();
        assert!(session.call("com.example.echo", ()).await.is_err());
        assert!(session.unregister(registration).await.is_err());
    }
}

#[tokio::test]
async fn a_handler_for_a_prefix_learns_which_procedure_was_called() {
    let stage = Stage::new();
    let session = stage.session().await;
    let name = |call: Invocation| async move { Ok(Value::from(call.procedure.unwrap().as_str()).into()) };
    session
        .register_matching("com.example.", Match::Prefix, name)
        .await
        .unwrap();
    let result = soon(session.call("com.example.some.name", ())).await.unwrap();
    assert_eq!(result.into_value().as_str(), Some("com.example.some.name"));
}

#[tokio::test]
async fn intermediate_results_come_in_order_and_before_the_last() {
    let stage = Stage::new();
    let session = stage.session().await;
    let count = |call: Invocation| async move {
        let progress = call.progress.expect("the caller takes progress");
        for number in 0..10_u64 {
            progress.send(Value::from(number)).await.unwrap();
        }
        Ok(Value::from("done").into())
    };
    session.register("com.example.count", count).await.unwrap();
    let mut seen = Vec::new();
    let progress = |args: Args| seen.push(args.into_value().as_u64().unwrap());
    let result = soon(session.call_progressively("com.example.count", (), progress))
        .await
        .unwrap();
    assert_eq!(result.into_value().as_str(), Some("done"));
    assert_eq!(seen, (0..10).collect::<Vec<_>>());
}

#[tokio::test]
async fn a_burst_of_intermediate_results_arrives_whole() {
    const MANY: u64 = 10_000;
    let stage = Stage::new();
    let callee = stage.session().await;
    let count = |call: Invocation| async move {
        let progress = call.progress.expect("the caller takes progress");
        for number in 0..MANY {
            progress.send(Value::from(number)).await.unwrap();
        }
        Ok(Value::Null.into())
    };
    callee.register("com.example.count", count).await.unwrap();
    for way in [Way::Local, Way::Unix, Way::RawSocket, Way::WebSocket] {
        let session = stage.session_by(way, Serializer::Json).await;
        let mut next = 0;
        let progress = |args: Args| {
            assert_eq!(args.into_value().as_u64(), Some(next));
            next += 1;
        };
        soon(session.call_progressively("com.example.count", (), progress))
            .await
            .unwrap();
        assert_eq!(next, MANY, "over {way:?}");
    }
}

#[tokio::test]
async fn a_caller_who_does_not_look_at_its_call_holds_up_the_session_for_a_moment_only() {
    let stage = Stage::new();
    let callee = stage.session().await;
    let count = |call: Invocation| async move {
        let progress = call.progress.expect("the caller takes progress");
        for number in 0..1000_u64 {
            progress.send(Value::from(number)).await.unwrap();
        }
        Ok(Value::from("done").into())
    };
    callee.register("com.example.count", count).await.unwrap();
    callee.register("com.example.echo", echo).await.unwrap();
    let session = stage.session().await;
    let mut call = std::pin::pin!(session.call_progressively("com.example.count", (), |_| {}));
    tokio::select! {
        biased;
        ended = &mut call => panic!("it was not looked at again: {ended:?}"),
        () = tokio::task::yield_now() => {}
    }
    soon(session.call("com.example.echo", ())).await.unwrap();
    assert_eq!(soon(call).await.unwrap().into_value().as_str(), Some("done"));
}

/// Tells when it is dropped.
struct Dropped(Arc<Notify>);

impl Drop for Dropped {
    fn drop(&mut self) {
        self.0.notify_one();
    }
}

/// Registers a procedure that never answers; gives what tells that it began and that it was stopped.
async fn register_endless(session: &Session) -> (Arc<Notify>, Arc<Notify>) {
    let (begun, stopped) = (Arc::<Notify>::default(), Arc::<Notify>::default());
    let told = (Arc::clone(&begun), Arc::clone(&stopped));
    let endless = move |_| {
        let (begun, stopped) = (Arc::clone(&begun), Dropped(Arc::clone(&stopped)));
        async move {
            begun.notify_one();
            std::future::pending::<()>().await;
            drop(stopped);
            Ok(().into())
        }
    };
    session.register("com.example.endless", endless).await.unwrap();
    told
}

#[tokio::test]
async fn dropping_a_call_stops_its_handler() {
    let stage = Stage::new();
    let (callee, caller) = (stage.session().await, stage.session().await);
    let (begun, stopped) = register_endless(&callee).await;
    {
        let mut call = Box::pin(caller.call("com.example.endless", ()));
        tokio::select! {
            result = &mut call => panic!("{result:?}"),
            () = soon(begun.notified()) => {}
        }
    }
    soon(stopped.notified()).await;
}

#[tokio::test]
async fn the_end_of_a_session_ends_its_calls_and_stops_its_handlers() {
    let stage = Stage::new();
    let (callee, caller) = (stage.session().await, stage.session().await);
    let (begun, stopped) = register_endless(&callee).await;
    let call = caller.call("com.example.endless", ());
    let leave = async {
        begun.notified().await;
        callee.leave().await;
    };
    let (result, ()) = soon(async { tokio::join!(call, leave) }).await;
    assert_eq!(uri(result.unwrap_err()), "wamp.error.canceled");
    soon(stopped.notified()).await;
    assert!(matches!(callee.call("x", ()).await, Err(Error::Closed(Closed::Left))));
}

#[tokio::test]
async fn when_the_router_stops_everything_that_waits_ends_with_its_reason() {
    let stage = Stage::new();
    let (callee, caller) = (
        stage.session().await,
        stage.session_by(Way::Unix, Serializer::Json).await,
    );
    let (begun, _) = register_endless(&callee).await;
    let call = caller.call("com.example.endless", ());
    let stop = async {
        begun.notified().await;
        stage.router.stop(std::time::Duration::from_secs(5)).await;
    };
    let (result, ()) = soon(async { tokio::join!(call, stop) }).await;
    // Either the callee goes first, or the caller's own session.
    let error = result.unwrap_err();
    if let Error::Closed(Closed::ByRouter(reason, _)) = &error {
        assert_eq!(*reason, wamp::error::SYSTEM_SHUTDOWN);
    } else {
        assert_eq!(uri(error), "wamp.error.canceled");
    }
    let closed = soon(caller.closed()).await;
    assert!(matches!(closed, Closed::ByRouter(reason, _) if reason == wamp::error::SYSTEM_SHUTDOWN));
}

#[tokio::test]
async fn a_slow_handler_holds_up_no_other_call() {
    let stage = Stage::new();
    let session = stage.session().await;
    let (begun, _) = register_endless(&session).await;
    session.register("com.example.echo", echo).await.unwrap();
    let slow = session.clone();
    let waiting = tokio::spawn(async move { slow.call("com.example.endless", ()).await });
    soon(begun.notified()).await;
    for _ in 0..100 {
        assert!(soon(session.call("com.example.echo", ())).await.is_ok());
    }
    waiting.abort();
}

#[tokio::test]
async fn a_handler_that_panics_fails_its_call_and_no_other() {
    let stage = Stage::new();
    let session = stage.session().await;
    let is_bad = Arc::new(AtomicBool::new(true));
    let panics = Arc::clone(&is_bad);
    let handler = move |_| {
        let panics = panics.swap(false, Ordering::SeqCst);
        async move {
            assert!(!panics, "this panic belongs to the test");
            Ok(().into())
        }
    };
    session.register("com.example.fragile", handler).await.unwrap();
    assert_eq!(
        uri(soon(session.call("com.example.fragile", ())).await.unwrap_err()),
        "wamp.error.canceled"
    );
    assert!(soon(session.call("com.example.fragile", ())).await.is_ok());
}

#[tokio::test]
async fn as_many_calls_as_are_allowed_are_served_at_a_time_and_one_more_is_refused() {
    let stage = Stage::new();
    let (callee, caller) = (stage.session().await, stage.session().await);
    let other_caller = stage.session().await;
    let gate = Arc::new(Semaphore::new(0));
    let running = Arc::new(AtomicUsize::new(0));
    let (opened, counted) = (Arc::clone(&gate), Arc::clone(&running));
    let wait = move |_| {
        let (gate, running) = (Arc::clone(&opened), Arc::clone(&counted));
        async move {
            running.fetch_add(1, Ordering::SeqCst);
            gate.acquire().await.unwrap().forget();
            Ok(().into())
        }
    };
    callee.register("com.example.wait", wait).await.unwrap();
    let calls: Vec<_> = (0..MAX_INVOCATIONS)
        .map(|_| {
            let caller = caller.clone();
            tokio::spawn(async move { caller.call("com.example.wait", ()).await })
        })
        .collect();
    until(|| running.load(Ordering::SeqCst) == MAX_INVOCATIONS).await;
    let refused = soon(other_caller.call("com.example.wait", ())).await;
    // There is no other callee to whom the router could give the call.
    assert_eq!(uri(refused.unwrap_err()), "wamp.error.no_available_callee");
    gate.add_permits(MAX_INVOCATIONS + 1);
    for call in calls {
        assert!(soon(call).await.unwrap().is_ok());
    }
    assert!(soon(other_caller.call("com.example.wait", ())).await.is_ok());
}

#[tokio::test]
async fn arguments_without_a_form_in_the_serializer_are_refused_before_they_are_sent() {
    let stage = Stage::new();
    let session = stage.session_by(Way::Unix, Serializer::Json).await;
    let infinite = Value::Float(f64::INFINITY);
    assert!(matches!(
        session.call("com.example.x", infinite.clone()).await,
        Err(Error::Unconvertible(_))
    ));
    let give = move |_| {
        let infinite = infinite.clone();
        async move { Ok(infinite.into()) }
    };
    session.register("com.example.give", give).await.unwrap();
    assert_eq!(
        uri(soon(session.call("com.example.give", ())).await.unwrap_err()),
        "wamp.error.invalid_argument"
    );
}

#[tokio::test]
async fn a_message_that_is_longer_than_the_router_takes_fails_alone_over_every_link() {
    let limits = Limits::default();
    let longest = limits.joined.message_bytes;
    let stage = Stage::with(limits);
    let callee = stage.session().await;
    callee.register("com.example.echo", echo).await.unwrap();
    let blob = |bytes: usize| Value::Bytes(vec![0; bytes]);
    for way in [Way::WebSocket, Way::RawSocket, Way::Unix] {
        let caller = stage.session_by(way, Serializer::Cbor).await;
        let call = soon(caller.call("com.example.echo", blob(longest))).await;
        assert_eq!(uri(call.unwrap_err()), "wamp.error.payload_size_exceeded", "{way:?}");
        let publish = caller.publish("com.example.news", blob(longest)).await;
        assert_eq!(uri(publish.unwrap_err()), "wamp.error.payload_size_exceeded", "{way:?}");
        // What else the message has takes a little.
        soon(caller.call("com.example.echo", blob(longest - 100)))
            .await
            .unwrap();
        assert!(!caller.has_ended(), "{way:?}");
    }
}
