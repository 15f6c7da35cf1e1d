//! Sessions that go on after their connection, against a peer that keeps to a script.

use std::time::Duration;

use deskconn_client::{CallOptions, Client, Closed, Error, Opened, PublishOptions, Status, Value};
use link::Link;
use wamp::error::{AUTHENTICATION_FAILED, GOODBYE_AND_OUT, PROTOCOL_VIOLATION};
use wamp::id::{RegistrationId, RequestId, SubscriptionId};
use wamp::limits::{ACKNOWLEDGED_MESSAGES, UNACKNOWLEDGED_MESSAGES};
use wamp::message::{
    Abort, CallResult, Event, EventDetails, Goodbye, Invocation, InvocationDetails, Message, Received, Registered,
    ResultDetails, Subscribed,
};
use wamp::payload::Payload;
use wamp::resumption::{Outcome, Wanted};

use crate::peer::{Peer, receive, send, welcome};
use crate::support::soon;

/// The next CALL: its number and the procedure.
async fn call(link: &mut Link) -> (RequestId, String) {
    let Message::Call(call) = receive(link).await else {
        panic!("no CALL")
    };
    (call.request, call.procedure.to_string())
}

fn result(request: RequestId) -> Message {
    Message::Result(CallResult {
        request,
        details: ResultDetails::default(),
        payload: Payload::EMPTY,
    })
}

fn request(number: u64) -> RequestId {
    RequestId::new(number).unwrap()
}

fn event() -> Message {
    Message::Event(Event {
        subscription: SubscriptionId::FIRST,
        publication: wamp::id::PublicationId::FIRST,
        details: EventDetails::default(),
        payload: Payload::EMPTY,
    })
}

async fn opened(client: &Client) -> Opened {
    let mut status = client.status();
    let status = soon(status.wait_for(Status::is_open)).await.unwrap().clone();
    let Status::Open(opened) = status else {
        panic!("{status:?}")
    };
    opened
}

#[tokio::test]
async fn what_may_not_have_arrived_is_sent_again_in_its_order_and_calls_get_their_results() {
    let peer = Peer::new().await;
    let (client, mut link) = soon(async { tokio::join!(peer.client().open(), peer.open(1, Outcome::New)) }).await;
    let client = client.unwrap();
    let calls: Vec<_> = (1..=4)
        .map(|number| {
            let client = client.clone();
            tokio::spawn(async move { client.call(&format!("com.example.x{number}"), ()).await })
        })
        .collect();
    let mut asked = Vec::new();
    for _ in 0..4 {
        asked.push(call(&mut link).await);
    }
    send(&mut link, result(request(1))).await;
    assert!(soon(calls.into_iter().next().unwrap()).await.unwrap().is_ok());
    drop(link);
    // Two of the four had arrived.
    let (mut link, received) = peer.resume(2).await;
    assert_eq!(received, 1, "the one result");
    assert_eq!(call(&mut link).await, asked[2]);
    assert_eq!(call(&mut link).await, asked[3]);
    let again = client.call("com.example.x5", ());
    let answer = async {
        let (number, uri) = call(&mut link).await;
        assert_eq!((number.get(), &*uri), (5, "com.example.x5"), "nothing comes between");
        send(&mut link, result(number)).await;
    };
    assert!(soon(async { tokio::join!(again, answer) }).await.0.is_ok());
    assert!(matches!(opened(&client).await, Opened::Resumed));
}

#[tokio::test]
async fn an_invocation_is_answered_on_the_next_connection() {
    let peer = Peer::new().await;
    let (client, mut link) = soon(async { tokio::join!(peer.client().open(), peer.open(1, Outcome::New)) }).await;
    let client = client.unwrap();
    let (go, wait) = tokio::sync::watch::channel(false);
    let serve = move |_| {
        let mut wait = wait.clone();
        async move {
            let _ = wait.wait_for(|go| *go).await;
            Ok(Value::from("done").into())
        }
    };
    let grant = async {
        let Message::Register(register) = receive(&mut link).await else {
            panic!()
        };
        let registration = RegistrationId::FIRST;
        let request = register.request;
        send(&mut link, Message::Registered(Registered { request, registration })).await;
    };
    soon(async { tokio::join!(client.register("com.example.x", serve), grant) })
        .await
        .0
        .unwrap();
    let invocation = Invocation {
        request: RequestId::FIRST,
        registration: RegistrationId::FIRST,
        details: InvocationDetails::default(),
        payload: Payload::EMPTY,
    };
    send(&mut link, Message::Invocation(invocation)).await;
    drop(link);
    let (mut link, received) = peer.resume(1).await;
    go.send_replace(true);
    assert_eq!(received, 2, "REGISTERED and INVOCATION");
    let Message::Yield(answer) = receive(&mut link).await else {
        panic!()
    };
    assert_eq!(answer.request, RequestId::FIRST);
}

#[tokio::test]
async fn no_more_is_sent_than_may_be_unacknowledged() {
    let peer = Peer::new().await;
    let (client, mut link) = soon(async { tokio::join!(peer.client().open(), peer.open(1, Outcome::New)) }).await;
    let client = client.unwrap();
    let publishing = tokio::spawn(async move {
        for number in 0..UNACKNOWLEDGED_MESSAGES as u64 + 1 {
            client.publish("com.example.x", [number.into()]).await.unwrap();
        }
        client
    });
    for _ in 0..UNACKNOWLEDGED_MESSAGES {
        assert_eq!(receive(&mut link).await.name(), "PUBLISH");
    }
    let client = soon(publishing).await.unwrap();
    let moment = Duration::from_millis(200);
    let more = tokio::time::timeout(moment, link.reader.next()).await;
    assert!(more.is_err(), "nothing comes without room");
    send(&mut link, Message::Received(Received { count: 1 })).await;
    let Message::Publish(last) = receive(&mut link).await else {
        panic!()
    };
    let number = UNACKNOWLEDGED_MESSAGES as u64;
    assert_eq!(last.payload.to_values().unwrap().0, [Value::from(number)]);
    drop(client);
}

#[tokio::test]
async fn the_router_is_told_what_has_arrived_after_many_messages_and_after_two_seconds() {
    let peer = Peer::new().await;
    let (client, mut link) = soon(async { tokio::join!(peer.client().open(), peer.open(1, Outcome::New)) }).await;
    for _ in 0..ACKNOWLEDGED_MESSAGES {
        send(&mut link, event()).await;
    }
    let count = ACKNOWLEDGED_MESSAGES;
    assert_eq!(receive(&mut link).await, Message::Received(Received { count }));
    send(&mut link, event()).await;
    let count = count + 1;
    assert_eq!(receive(&mut link).await, Message::Received(Received { count }));
    drop(client);
}

#[tokio::test]
async fn a_count_that_cannot_be_ends_the_session_and_another_begins() {
    let peer = Peer::new().await;
    let (client, mut link) = soon(async { tokio::join!(peer.client().open(), peer.open(1, Outcome::New)) }).await;
    let client = client.unwrap();
    send(&mut link, Message::Received(Received { count: 1 })).await;
    let Message::Abort(abort) = receive(&mut link).await else {
        panic!()
    };
    assert_eq!(abort.reason, PROTOCOL_VIOLATION);
    let (mut link, wanted) = peer.accept().await;
    assert_eq!(wanted, Some(Wanted::Resumable));
    welcome(&mut link, 2, Outcome::New).await;
    let session = async {
        loop {
            let session = client.session().await.unwrap();
            if session.id().get() == 2 {
                return;
            }
            tokio::task::yield_now().await;
        }
    };
    soon(session).await;
}

#[tokio::test]
async fn a_session_that_cannot_go_on_fails_its_calls_and_all_that_stood_is_asked_for_again() {
    let peer = Peer::new().await;
    let (client, mut link) = soon(async { tokio::join!(peer.client().open(), peer.open(1, Outcome::New)) }).await;
    let client = client.unwrap();
    let ask = async {
        let events = client.subscribe("com.example.news").await.unwrap();
        client
            .register("com.example.x", |_| async { Ok(().into()) })
            .await
            .unwrap();
        events
    };
    let (mut events, ()) = soon(async { tokio::join!(ask, grant(&mut link)) }).await;
    let under_way = {
        let client = client.clone();
        tokio::spawn(async move { client.call("com.example.y", ()).await })
    };
    call(&mut link).await;
    drop(link);
    let mut link = peer.open(2, Outcome::Refused("it was too late".to_owned())).await;
    grant(&mut link).await;
    let error = soon(under_way).await.unwrap().unwrap_err();
    assert!(
        matches!(&error, Error::Closed(Closed::Lost(why)) if why.contains("it was too late")),
        "{error}"
    );
    assert!(matches!(opened(&client).await, Opened::Anew { missing, .. } if missing.is_empty()));
    send(&mut link, event()).await;
    assert!(soon(events.next()).await.is_some(), "the stream of events goes on");
}

/// Grants a subscription and a registration, which come in this order.
async fn grant(link: &mut Link) {
    let Message::Subscribe(subscribe) = receive(link).await else {
        panic!()
    };
    assert_eq!(subscribe.topic, "com.example.news");
    let subscribed = Subscribed {
        request: subscribe.request,
        subscription: SubscriptionId::FIRST,
    };
    send(link, Message::Subscribed(subscribed)).await;
    let Message::Register(register) = receive(link).await else {
        panic!()
    };
    assert_eq!(register.procedure, "com.example.x");
    let registered = Registered {
        request: register.request,
        registration: RegistrationId::FIRST,
    };
    send(link, Message::Registered(registered)).await;
}

#[tokio::test]
async fn calls_fail_when_nobody_is_reached_in_the_time_in_which_the_session_could_go_on() {
    let peer = Peer::new().await;
    let (client, mut link) = soon(async { tokio::join!(peer.client().open(), peer.open(1, Outcome::New)) }).await;
    let client = client.unwrap();
    let answer = tokio::spawn(async move { client.call("com.example.x", ()).await });
    call(&mut link).await;
    drop((link, peer));
    let error = soon(answer).await.unwrap().unwrap_err();
    assert!(error.to_string().contains("nobody was reached within 1 s"), "{error}");
}

#[tokio::test]
async fn a_device_that_is_not_let_in_any_more_tries_no_further_until_it_is_told_to() {
    let peer = Peer::new().await;
    let (client, mut link) = soon(async { tokio::join!(peer.client().open(), peer.open(1, Outcome::New)) }).await;
    let client = client.unwrap();
    let under_way = {
        let client = client.clone();
        tokio::spawn(async move { client.call("com.example.x", ()).await })
    };
    call(&mut link).await;
    drop(link);
    let (mut link, _) = peer.accept().await;
    let abort = Abort::new(AUTHENTICATION_FAILED, "the device was revoked");
    send(&mut link, Message::Abort(abort)).await;
    assert!(matches!(
        soon(under_way).await.unwrap(),
        Err(Error::Closed(Closed::Lost(_)))
    ));
    let mut status = client.status();
    let is_final =
        |status: &Status| matches!(status, Status::Refused { until: None, reason } if reason.contains("was revoked"));
    soon(status.wait_for(is_final)).await.unwrap();
    let error = soon(client.call("com.example.x", ())).await.unwrap_err();
    assert!(matches!(error, Error::Closed(Closed::Refused(_))), "{error}");
    let moment = Duration::from_millis(200);
    let more = tokio::time::timeout(moment, peer.listener.accept()).await;
    assert!(more.is_err(), "it does not try by itself");
    client.retry();
    let _link = peer.open(2, Outcome::New).await;
    assert!(matches!(opened(&client).await, Opened::Anew { .. }));
}

#[tokio::test]
async fn a_call_with_a_time_out_ends_in_time_also_without_a_connection() {
    let peer = Peer::new().await;
    let client = peer.client().start();
    let options = CallOptions {
        timeout: 100,
        ..CallOptions::default()
    };
    let error = soon(client.call_with("com.example.x", (), options)).await.unwrap_err();
    assert!(matches!(error, Error::Request(error) if error.uri == wamp::error::TIMEOUT));
}

#[tokio::test]
async fn a_client_that_is_closed_says_goodbye_and_comes_no_more() {
    let peer = Peer::new().await;
    let (client, mut link) = soon(async { tokio::join!(peer.client().open(), peer.open(1, Outcome::New)) }).await;
    let client = client.unwrap();
    let closing = async {
        assert_eq!(receive(&mut link).await.name(), "GOODBYE");
        send(&mut link, Message::Goodbye(Goodbye::new(GOODBYE_AND_OUT, ""))).await;
    };
    soon(async { tokio::join!(client.close(), closing) }).await;
    let error = soon(client.publish_with("com.example.x", (), PublishOptions::default())).await;
    assert!(matches!(error, Err(Error::Closed(Closed::Left))));
    drop(client);
    let moment = Duration::from_millis(200);
    assert!(tokio::time::timeout(moment, peer.listener.accept()).await.is_err());
}

#[tokio::test]
async fn the_last_handle_of_a_client_that_is_dropped_says_goodbye() {
    let peer = Peer::new().await;
    let (client, mut link) = soon(async { tokio::join!(peer.client().open(), peer.open(1, Outcome::New)) }).await;
    drop(client);
    assert_eq!(receive(&mut link).await.name(), "GOODBYE");
}
