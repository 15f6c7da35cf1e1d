//! Calls over two links: everything that may happen to a call happens as it does in one router.

use std::time::Duration;

use client::{Args, CallOptions, CancelMode, Error, Passed, RequestError, Serializer, Session, Value};
use tokio::sync::mpsc::{self, Receiver};
use wamp::id::RequestId;
use wamp::message::{Call, Flow, Invocation, Message, Register, RegisterOptions, RequestKind, Yield, YieldOptions};
use wamp::payload::Payload;

use super::{ALL, alone, bare, linked, program};
use crate::support::{Desk, soon};

/// A chain of three: callers are at the first, callees at the last.
async fn chain() -> [Desk; 3] {
    let c = alone().await;
    let b = linked(&[&c], ALL).await;
    let a = linked(&[&b], ALL).await;
    [a, b, c]
}

fn error(result: Result<Args, Error>) -> RequestError {
    match result {
        Err(Error::Request(error)) => error,
        other => panic!("{other:?}"),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn results_and_errors_come_back_as_they_are() {
    let chain = chain().await;
    let callee = program(&chain[2], Serializer::Cbor).await;
    let echo = |call: client::Invocation| async move {
        let caller = call.caller.map(|caller| caller.session.get());
        if call.args.is_empty() {
            return Err(RequestError::new("com.error.empty", "nothing").with("key", Value::Bytes(vec![0, 255])));
        }
        let kwargs = call.kwargs;
        let args = Args {
            args: call.args,
            kwargs,
        };
        Ok(args
            .with("caller", caller)
            .with("procedure", call.procedure.is_some())
            .into())
    };
    callee.register("com.echo", echo).await.unwrap();
    let caller = program(&chain[0], Serializer::Json).await;
    let args = Args::from(vec![Value::Bytes(vec![0, 7]), "é\u{0}".into(), u64::MAX.into()]).with("k", Value::Null);
    let options = CallOptions {
        disclose_me: true,
        ..CallOptions::default()
    };
    let result = soon("the result", caller.call_with("com.echo", args.clone(), options))
        .await
        .unwrap();
    let expected = args.clone().with("caller", caller.id().get()).with("procedure", false);
    assert_eq!(result, expected);
    let result = soon("the result", caller.call("com.echo", args.clone())).await.unwrap();
    assert_eq!(
        result.kwargs["caller"],
        Value::Null,
        "who does not want to be known is not"
    );
    let failed = error(soon("the error", caller.call("com.echo", ())).await);
    assert_eq!(
        (failed.uri.as_str(), failed.sentence()),
        ("com.error.empty", Some("nothing"))
    );
    assert_eq!(failed.kwargs["key"], Value::Bytes(vec![0, 255]));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn intermediate_results_arrive_in_their_order() {
    const MANY: u64 = 200;
    let chain = chain().await;
    let callee = program(&chain[2], Serializer::MessagePack).await;
    let count = |call: client::Invocation| async move {
        let progress = call.progress.unwrap();
        for number in 0..MANY {
            progress.send(Value::from(number)).await.unwrap();
        }
        Ok(Value::from("done").into())
    };
    callee.register("com.count", count).await.unwrap();
    let caller = program(&chain[0], Serializer::Cbor).await;
    let mut got = Vec::new();
    let take = |args: Args| got.push(args.into_value().as_u64().unwrap());
    let result = soon("the result", caller.call_progressively("com.count", (), take))
        .await
        .unwrap();
    assert_eq!(result.into_value().as_str(), Some("done"));
    assert_eq!(got, (0..MANY).collect::<Vec<_>>());
}

/// A callee that says when it is called, and when it is told to stop.
async fn hanging(desk: &Desk) -> (Session, Receiver<&'static str>) {
    let callee = program(desk, Serializer::Json).await;
    let (tell, told) = mpsc::channel(8);
    let hang = move |_| {
        let tell = tell.clone();
        async move {
            tell.send("called").await.unwrap();
            let _stopped = Stopped(tell);
            std::future::pending().await
        }
    };
    callee.register("com.hang", hang).await.unwrap();
    (callee, told)
}

struct Stopped(mpsc::Sender<&'static str>);

impl Drop for Stopped {
    fn drop(&mut self) {
        let _ = self.0.try_send("stopped");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_call_is_cancelled_in_the_way_that_its_caller_chose() {
    let chain = chain().await;
    let (_callee, mut told) = hanging(&chain[2]).await;
    let caller = program(&chain[0], Serializer::Json).await;
    for mode in [CancelMode::Kill, CancelMode::KillNoWait] {
        let call = caller.start_call("com.hang", (), CallOptions::default()).await.unwrap();
        assert_eq!(soon("the call", told.recv()).await, Some("called"));
        let cancelled = error(soon("the end", call.cancel(mode)).await);
        assert_eq!(cancelled.uri.as_str(), "wamp.error.canceled");
        assert_eq!(soon("the stop", told.recv()).await, Some("stopped"), "{mode:?}");
    }
    let call = caller.start_call("com.hang", (), CallOptions::default()).await.unwrap();
    assert_eq!(soon("the call", told.recv()).await, Some("called"));
    let skipped = error(soon("the end", call.cancel(CancelMode::Skip)).await);
    assert_eq!(skipped.uri.as_str(), "wamp.error.canceled");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_time_out_ends_a_call_at_both_ends() {
    let chain = chain().await;
    let (_callee, mut told) = hanging(&chain[2]).await;
    let caller = program(&chain[0], Serializer::Json).await;
    let options = CallOptions {
        timeout: 200,
        ..CallOptions::default()
    };
    let call = caller.start_call("com.hang", (), options).await.unwrap();
    let late = error(soon("the end", call.result()).await);
    assert_eq!(late.uri.as_str(), "wamp.error.timeout");
    assert_eq!(soon("the call", told.recv()).await, Some("called"));
    assert_eq!(soon("the stop", told.recv()).await, Some("stopped"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_caller_that_leaves_stops_its_callee_and_a_callee_that_leaves_ends_the_call() {
    let chain = chain().await;
    let (callee, mut told) = hanging(&chain[2]).await;
    let caller = program(&chain[0], Serializer::Json).await;
    let _call = caller.start_call("com.hang", (), CallOptions::default()).await.unwrap();
    assert_eq!(soon("the call", told.recv()).await, Some("called"));
    caller.leave().await;
    assert_eq!(soon("the stop", told.recv()).await, Some("stopped"));
    let caller = program(&chain[0], Serializer::Json).await;
    let call = caller.start_call("com.hang", (), CallOptions::default()).await.unwrap();
    assert_eq!(soon("the call", told.recv()).await, Some("called"));
    callee.leave().await;
    let ended = error(soon("the end", call.result()).await);
    assert_eq!(ended.uri.as_str(), "wamp.error.canceled");
    let gone = error(soon("the end", caller.call("com.hang", ())).await);
    assert_eq!(gone.uri.as_str(), "wamp.error.no_such_procedure");
}

/// A callee on messages as they are.
async fn bare_callee(desk: &Desk) -> (Session, Receiver<Passed>) {
    let (callee, mut messages) = bare(desk).await;
    let register = |request| {
        Message::Register(Register {
            request,
            options: RegisterOptions::default(),
            procedure: "com.p".into(),
        })
    };
    callee.pass_request(register).await.unwrap();
    let registered = soon("the registration", messages.recv()).await.unwrap().message;
    assert!(matches!(registered, Message::Registered(_)), "{registered:?}");
    (callee, messages)
}

async fn invoked(messages: &mut Receiver<Passed>) -> Invocation {
    let Message::Invocation(invocation) = soon("the invocation", messages.recv()).await.unwrap().message else {
        panic!("something else came")
    };
    invocation
}

fn part(number: u64) -> Payload {
    Payload::from_values(Serializer::MessagePack, &[number.into()], &Default::default()).unwrap()
}

fn part_of(payload: &Payload) -> u64 {
    payload.to_values().unwrap().0[0].as_u64().unwrap()
}

/// A call, or a further part of one.
fn call(request: RequestId, options: CallOptions, payload: Payload) -> Message {
    Message::Call(Call {
        request,
        options,
        procedure: "com.p".into(),
        payload,
    })
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_call_in_several_parts_arrives_in_them() {
    let chain = chain().await;
    let (callee, mut at_callee) = bare_callee(&chain[2]).await;
    let (caller, mut at_caller) = bare(&chain[0]).await;
    let more = |progress| CallOptions {
        progress,
        ..CallOptions::default()
    };
    let mut number = None;
    let first = |request| {
        number = Some(request);
        call(request, more(true), part(0))
    };
    caller.pass_request(first).await.unwrap();
    let number = number.unwrap();
    let invocation = invoked(&mut at_callee).await;
    assert!(invocation.details.progress && part_of(&invocation.payload) == 0);
    for next in 1..=20 {
        caller.pass(call(number, more(next < 20), part(next))).await.unwrap();
        let further = invoked(&mut at_callee).await;
        assert_eq!(
            (further.request, further.details.progress),
            (invocation.request, next < 20)
        );
        assert_eq!(part_of(&further.payload), next);
    }
    let answer = Yield {
        request: invocation.request,
        options: YieldOptions::default(),
        payload: part(99),
    };
    callee.pass(Message::Yield(answer)).await.unwrap();
    let result = soon("the result", at_caller.recv()).await.unwrap().message;
    assert!(matches!(result, Message::Result(it) if it.request == number && part_of(&it.payload) == 99));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn credit_is_granted_from_end_to_end_in_both_directions() {
    let chain = chain().await;
    let (callee, mut at_callee) = bare_callee(&chain[2]).await;
    let (caller, mut at_caller) = bare(&chain[0]).await;
    let flow = |credit, await_credit| Some(Box::new(Flow { credit, await_credit }));
    let mut number = None;
    let first = |request| {
        number = Some(request);
        let options = CallOptions {
            progress: true,
            receive_progress: true,
            flow: flow(2, true),
            ..CallOptions::default()
        };
        call(request, options, part(0))
    };
    caller.pass_request(first).await.unwrap();
    let number = number.unwrap();
    let invocation = invoked(&mut at_callee).await;
    assert_eq!((invocation.details.credit, invocation.details.await_credit), (2, true));
    let yielded = |options, payload| {
        Message::Yield(Yield {
            request: invocation.request,
            options,
            payload,
        })
    };
    // The callee takes three more parts.
    let grant = YieldOptions {
        progress: true,
        credit: 3,
        ..YieldOptions::default()
    };
    callee.pass(yielded(grant, Payload::EMPTY)).await.unwrap();
    let granted = soon("the grant", at_caller.recv()).await.unwrap().message;
    assert!(matches!(granted, Message::Result(it) if it.request == number && it.details.credit == 3));
    // The caller takes five more results.
    let options = CallOptions {
        flow: flow(5, false),
        ..CallOptions::default()
    };
    caller.pass(call(number, options, Payload::EMPTY)).await.unwrap();
    assert_eq!(invoked(&mut at_callee).await.details.credit, 5);
    let progress = YieldOptions {
        progress: true,
        ..YieldOptions::default()
    };
    // More than was granted ends the call, at both ends.
    for sent in 0..8 {
        callee.pass(yielded(progress.clone(), part(sent))).await.unwrap();
    }
    for expected in 0..7 {
        let result = soon("a result", at_caller.recv()).await.unwrap().message;
        assert!(matches!(result, Message::Result(it) if it.details.progress && part_of(&it.payload) == expected));
    }
    let end = soon("the end", at_caller.recv()).await.unwrap().message;
    assert!(matches!(end, Message::Error(it) if it.kind == RequestKind::Call && it.error == "wamp.error.canceled"));
    let stopped = soon("the stop", at_callee.recv()).await.unwrap().message;
    assert!(matches!(stopped, Message::Interrupt(it) if it.request == invocation.request));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn calls_of_a_link_that_is_down_fail_at_once() {
    let [a, b, c] = chain().await;
    let caller = program(&a, Serializer::Json).await;
    let callee = program(&b, Serializer::Json).await;
    callee
        .register("com.p", |_| async { Ok(Value::from("b").into()) })
        .await
        .unwrap();
    soon("the result", caller.call("com.p", ())).await.unwrap();
    soon("the stop", b.daemon.stop()).await;
    super::state(&a, "down").await;
    let started = std::time::Instant::now();
    let refused = error(soon("the refusal", caller.call("com.p", ())).await);
    assert_eq!(refused.uri.as_str(), "wamp.error.no_available_callee");
    assert!(started.elapsed() < Duration::from_secs(2));
    drop(c);
}
