//! Remote procedure calls over every link and serializer.

use client::{Args, Error, Match, RequestError, Serializer, Value};
use tokio::sync::oneshot;

use crate::support::{Desk, Way, over_every_link, soon};

over_every_link!(a_call_is_answered_with_what_the_callee_gave);

async fn a_call_is_answered_with_what_the_callee_gave(way: Way, serializer: Serializer) {
    let desk = Desk::start().await;
    let callee = desk.join(way, serializer, "realm1").await;
    let caller = desk.join(way, serializer, "realm1").await;
    let echo = |call: client::Invocation| async move {
        Ok(Args {
            args: call.args,
            kwargs: call.kwargs,
        }
        .into())
    };
    callee.register("com.echo", echo).await.unwrap();
    let args = everything();
    let result = soon("the call", caller.call("com.echo", args.clone())).await.unwrap();
    assert_eq!(result, args);
    assert_eq!(caller.call("com.echo", ()).await.unwrap(), Args::default());
}

/// One of every kind of value, at its edges.
fn everything() -> Args {
    let nested = (0..20).fold(Value::Null, |inner, _| Value::List(vec![inner]));
    let args = vec![
        Value::Null,
        true.into(),
        u64::MAX.into(),
        i64::MIN.into(),
        (-1).into(),
        0.1.into(),
        3.0.into(),
        "Zürich \u{1f600} \"quoted\" \\ \n".into(),
        "".into(),
        vec![0_u8, 1, 254, 255].into(),
        nested,
        Value::Dict(client::Dict::from([("ключ".to_owned(), Value::List(vec![]))])),
    ];
    Args::from(args).with("key", "value").with("", 7_u64)
}

over_every_link!(an_error_comes_back_with_its_arguments);

async fn an_error_comes_back_with_its_arguments(way: Way, serializer: Serializer) {
    let desk = Desk::start().await;
    let session = desk.join(way, serializer, "realm1").await;
    let fail = |_| async { Err(RequestError::new("com.error.full", "the disk is full").with("free", 0_u64)) };
    session.register("com.fail", fail).await.unwrap();
    let Err(Error::Request(error)) = soon("the call", session.call("com.fail", ())).await else {
        panic!()
    };
    assert_eq!(
        error,
        RequestError::new("com.error.full", "the disk is full").with("free", 0_u64)
    );
    let Err(Error::Request(error)) = session.call("com.nobody", ()).await else {
        panic!()
    };
    assert_eq!(error.uri, "wamp.error.no_such_procedure");
}

over_every_link!(a_call_whose_callee_leaves_fails);

async fn a_call_whose_callee_leaves_fails(way: Way, serializer: Serializer) {
    let desk = Desk::start().await;
    let callee = desk.join(way, serializer, "realm1").await;
    let caller = desk.join(way, serializer, "realm1").await;
    let (called, was_called) = oneshot::channel();
    let called = std::sync::Mutex::new(Some(called));
    let hang = move |_| {
        called.lock().unwrap().take().unwrap().send(()).unwrap();
        std::future::pending()
    };
    callee.register("com.hang", hang).await.unwrap();
    let call = caller.call("com.hang", ());
    let leave = async {
        was_called.await.unwrap();
        callee.leave().await;
    };
    let (result, ()) = soon("the end of the call", async { tokio::join!(call, leave) }).await;
    let Err(Error::Request(error)) = result else {
        panic!("{result:?}")
    };
    assert_eq!(error.uri, "wamp.error.canceled");
}

over_every_link!(intermediate_results_come_in_order_before_the_last);

async fn intermediate_results_come_in_order_before_the_last(way: Way, serializer: Serializer) {
    let desk = Desk::start().await;
    let session = desk.join(way, serializer, "realm1").await;
    let count = |call: client::Invocation| async move {
        let progress = call
            .progress
            .ok_or_else(|| RequestError::new("com.error", "progress was not asked for"))?;
        for number in 0..10_u64 {
            progress
                .send([number.into()])
                .await
                .map_err(|why| RequestError::new("com.error", why.to_string()))?;
        }
        Ok(Value::from("done").into())
    };
    session.register("com.count", count).await.unwrap();
    let mut seen = Vec::new();
    let call = session.call_progressively("com.count", (), |result| seen.extend(result.into_value().as_u64()));
    let last = soon("the call", call).await.unwrap();
    assert_eq!(last.into_value(), Value::from("done"));
    assert_eq!(seen, (0..10).collect::<Vec<_>>());
}

over_every_link!(a_call_that_nobody_waits_for_is_cancelled);

async fn a_call_that_nobody_waits_for_is_cancelled(way: Way, serializer: Serializer) {
    struct Told(Option<oneshot::Sender<()>>);
    impl Drop for Told {
        fn drop(&mut self) {
            let _ = self.0.take().unwrap().send(());
        }
    }
    let desk = Desk::start().await;
    let session = desk.join(way, serializer, "realm1").await;
    let (called, was_called) = oneshot::channel();
    let (stopped, was_stopped) = oneshot::channel();
    let parts = std::sync::Mutex::new(Some((called, Told(Some(stopped)))));
    let hang = move |_| {
        let (called, told) = parts.lock().unwrap().take().unwrap();
        async move {
            let _told = told;
            called.send(()).unwrap();
            std::future::pending().await
        }
    };
    session.register("com.hang", hang).await.unwrap();
    tokio::select! {
        result = session.call("com.hang", ()) => panic!("{result:?}"),
        called = was_called => called.unwrap(),
    }
    soon("the interruption of the callee", was_stopped).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn arguments_survive_every_pair_of_serializers() {
    let desk = Desk::start().await;
    for (number, from) in Serializer::ALL.into_iter().enumerate() {
        for to in Serializer::ALL {
            let callee = desk.join(Way::WebSocket, to, "realm1").await;
            let caller = desk.join(Way::RawSocket, from, "realm1").await;
            let procedure = format!("com.echo{number}.{}", to.name());
            let echo = |call: client::Invocation| async move {
                Ok(Args {
                    args: call.args,
                    kwargs: call.kwargs,
                }
                .into())
            };
            callee.register(&procedure, echo).await.unwrap();
            let result = soon("the call", caller.call(&procedure, everything())).await.unwrap();
            assert_eq!(result, everything(), "{from:?} to {to:?}");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_json_cannot_say_fails_that_call_and_nothing_else() {
    let desk = Desk::start().await;
    let callee = desk.join(Way::WebSocket, Serializer::Json, "realm1").await;
    let caller = desk.join(Way::WebSocket, Serializer::Cbor, "realm1").await;
    callee
        .register("com.p", |_| async { Ok(Value::from("fine").into()) })
        .await
        .unwrap();
    let Err(Error::Request(error)) = soon("the call", caller.call("com.p", [f64::NAN.into()])).await else {
        panic!()
    };
    assert_eq!(error.uri, "wamp.error.invalid_argument");
    assert_eq!(
        caller.call("com.p", ()).await.unwrap().into_value(),
        Value::from("fine")
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_pattern_tells_its_callee_which_procedure_was_called() {
    let desk = Desk::start().await;
    let session = desk.join(Way::WebSocket, Serializer::Json, "realm1").await;
    let name =
        |call: client::Invocation| async move { Ok(Value::from(call.procedure.map(|uri| uri.to_string())).into()) };
    session
        .register_matching("com.files.", Match::Prefix, name)
        .await
        .unwrap();
    session
        .register_matching("com..open", Match::Wildcard, name)
        .await
        .unwrap();
    session.register("com.files.exact", name).await.unwrap();
    let called = async |uri: &str| session.call(uri, ()).await.unwrap().into_value();
    assert_eq!(called("com.files.a").await, Value::from("com.files.a"));
    assert_eq!(called("com.door.open").await, Value::from("com.door.open"));
    assert_eq!(called("com.files.exact").await, Value::Null);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_thousand_calls_side_by_side_are_all_answered_with_their_own_result() {
    let desk = Desk::with(&format!("{OPEN}[limits]\npending_calls = 2000\n")).await;
    let callee = desk.join(Way::WebSocket, Serializer::MessagePack, "realm1").await;
    let caller = desk.join(Way::RawSocket, Serializer::Cbor, "realm1").await;
    let double = |call: client::Invocation| async move { Ok(Value::from(2 * call.args[0].as_u64().unwrap()).into()) };
    callee.register("com.double", double).await.unwrap();
    let mut calls = tokio::task::JoinSet::new();
    for number in 0..1_000_u64 {
        let caller = caller.clone();
        calls.spawn(async move {
            // The callee serves a bounded number at a time, and says so.
            loop {
                match caller.call("com.double", [number.into()]).await {
                    Ok(result) => return (number, result.into_value()),
                    Err(Error::Request(error)) if error.uri == "wamp.error.no_available_callee" => {}
                    Err(other) => panic!("{other}"),
                }
            }
        });
    }
    let results = soon("the calls", calls.join_all()).await;
    assert_eq!(results.len(), 1_000);
    assert!(
        results
            .into_iter()
            .all(|(number, result)| result == Value::from(2 * number))
    );
}

use crate::support::OPEN_REALM as OPEN;
