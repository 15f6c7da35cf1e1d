//! What cannot be delivered to a peer takes along what makes no sense without it: nobody takes a call with a hole for a whole
//! one.

use client::{CallOptions, Error, Invocation, Serializer, Session, Value};
use link::Link;
use wamp::id::RequestId;
use wamp::joiner::Joiner;
use wamp::limits::Bounds;
use wamp::message::{Call, Message, RequestKind};
use wamp::payload::Payload;
use wamp::value::Dict;

use crate::resumption::client::{Client, Road, anonymous, register};
use crate::support::{Desk, Way, soon, until};
use crate::vault::Vault;

/// Often enough that the writer meets what cannot be written alone, and with others behind it.
const ROUNDS: usize = 30;

async fn offer(callee: &Session) {
    let rows = |call: Invocation| async move {
        let progress = call.progress.unwrap();
        // JSON has no form for the second.
        for row in [Value::from("row 1"), f64::INFINITY.into(), "row 3".into()] {
            progress.send(row).await.unwrap();
        }
        Ok(Value::from("end").into())
    };
    callee.register("com.rows", rows).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_call_of_which_an_intermediate_result_cannot_be_delivered_fails() {
    let desk = Desk::start().await;
    for way in [Way::WebSocket, Way::RawSocket] {
        let callee = desk.join(Way::RawSocket, Serializer::Cbor, "realm1").await;
        offer(&callee).await;
        let caller = desk.join(way, Serializer::Json, "realm1").await;
        for _ in 0..ROUNDS {
            let options = CallOptions {
                receive_progress: true,
                ..CallOptions::default()
            };
            let mut call = caller.start_call("com.rows", (), options).await.unwrap();
            let mut rows = Vec::new();
            while let Some(row) = soon("a row", call.next()).await {
                rows.push(row.into_value());
            }
            assert_eq!(rows, [Value::from("row 1")]);
            let Err(Error::Request(error)) = soon("the end", call.result()).await else {
                panic!("a call with a hole has succeeded")
            };
            assert_eq!(error.uri, "wamp.error.invalid_argument");
        }
        callee.leave().await;
    }
}

fn part(request: RequestId, value: &Value, progress: bool) -> Message {
    let options = CallOptions {
        progress,
        ..CallOptions::default()
    };
    let payload = Payload::from_values(Serializer::Cbor, std::slice::from_ref(value), &Dict::new()).unwrap();
    Message::Call(Call {
        request,
        options,
        procedure: "com.store".into(),
        payload,
    })
}

async fn next(link: &mut Link) -> Message {
    soon("a message", link.reader.next()).await.unwrap().unwrap()
}

/// A callee in JSON that takes calls in parts, and offers to store them.
async fn takes_parts(vault: &Vault) -> Link {
    let mut link = Road::to(vault, Way::RawSocket, Serializer::Json)
        .connect()
        .await
        .unwrap();
    let Message::Hello(mut hello) = Joiner::new(anonymous()).hello() else {
        panic!()
    };
    let features = ["call_canceling", "progressive_call_invocations"].map(|name| (name.to_owned(), true.into()));
    let callee = Dict::from([("features".to_owned(), Dict::from(features).into())]);
    let roles = Dict::from([("callee".to_owned(), callee.into())]);
    hello.details.insert("roles".to_owned(), roles.into());
    link.writer.send(Message::Hello(hello)).await.unwrap();
    let welcome = next(&mut link).await;
    assert!(matches!(welcome, Message::Welcome(_)), "{welcome:?}");
    link.writer.send(register(RequestId::FIRST, "com.store")).await.unwrap();
    assert!(matches!(next(&mut link).await, Message::Registered(_)));
    link
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_callee_gets_no_further_part_of_a_call_of_which_one_cannot_be_delivered() {
    let vault = Vault::start();
    let mut callee = soon("the callee", takes_parts(&vault)).await;
    let mut caller = Client::join(Road::to(&vault, Way::RawSocket, Serializer::Cbor)).await;
    for _ in 0..ROUNDS {
        let request = caller.request();
        for (value, progress) in [
            (Value::from("part 1"), true),
            (f64::INFINITY.into(), true),
            ("part 3".into(), true),
            ("last".into(), false),
        ] {
            caller.send(part(request, &value, progress)).await;
        }
        let Message::Error(error) = caller.next().await else {
            panic!("no error")
        };
        assert_eq!(
            (error.kind, error.error.as_str()),
            (RequestKind::Call, "wamp.error.invalid_argument")
        );
        let Message::Invocation(first) = next(&mut callee).await else {
            panic!("no first part")
        };
        assert!(first.details.progress);
        assert!(matches!(next(&mut callee).await, Message::Interrupt(it) if it.request == first.request));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_client_that_takes_no_message_as_long_as_welcome_is_told_so() {
    let vault = Vault::start();
    let stream = tokio::net::TcpStream::connect(vault.address).await.unwrap();
    let bounds = Bounds {
        message_bytes: 512,
        ..Bounds::JOINED
    };
    let mut link = link::rawsocket::connect(stream, Serializer::Json, bounds)
        .await
        .unwrap();
    link.writer.send(Joiner::new(anonymous()).hello()).await.unwrap();
    let Message::Abort(abort) = next(&mut link).await else {
        panic!("no ABORT")
    };
    assert_eq!(abort.reason, "wamp.error.payload_size_exceeded");
    assert!(soon("the end", link.reader.next()).await.unwrap().is_none());
    until("the session to end", || {
        vault.router.realm("realm1").unwrap().session_count() == 0
    })
    .await;
}
