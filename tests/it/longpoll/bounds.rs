//! What a client may ask for, and for how long.

use std::time::Duration;

use router::Transport;
use serde_json::json;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use wamp::codec::Serializer;

use super::{Connection, Poller, with};
use crate::support::{Way, soon, until};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_body_is_taken_up_to_the_length_of_a_message_and_no_further() {
    let vault = with(|limits| {
        limits.joining.message_bytes = 500;
        limits.joined.message_bytes = 2_000;
    });
    let hello = |length: usize| {
        let hello = json!([1, "realm1", { "roles": { "caller": {} }, "x": "" }]).to_string();
        let padding = "x".repeat(length - hello.len());
        hello.replace(r#""x":"""#, &format!(r#""x":"{padding}""#))
    };
    let early = Poller::open(&vault, Serializer::Json.into()).await;
    assert_eq!(early.post("send", hello(501).as_bytes()).await.status, 413);
    assert_eq!(early.post("send", hello(500).as_bytes()).await.status, 204);
    assert_eq!(early.heard().await[0], 2);
    let call = |length: usize| {
        let call = json!([48, 1, {}, "wamp.session.count", [], { "x": "" }]).to_string();
        let padding = "x".repeat(length - call.len());
        call.replace(r#""x":"""#, &format!(r#""x":"{padding}""#))
    };
    assert_eq!(early.post("send", call(2_000).as_bytes()).await.status, 204);
    assert!(early.heard().await[0].is_u64());
    assert_eq!(early.post("send", call(2_001).as_bytes()).await.status, 413);
    // Without a length of its own a body is counted while it comes.
    let mut connection = Connection::to(vault.address).await;
    let head = format!(
        "POST /lp/{}/send HTTP/1.1\r\nHost: {}\r\nTransfer-Encoding: chunked\r\n\r\n7d1\r\n{}\r\n",
        early.id,
        vault.address,
        "x".repeat(2_001)
    );
    connection.stream.write_all(head.as_bytes()).await.unwrap();
    assert_eq!(connection.answer().await.status, 413);
    // Nothing of that was taken.
    assert_eq!(early.say(json!([48, 2, {}, "wamp.session.count"])).await, 204);
    assert_eq!(early.heard().await[1], 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_client_that_comes_back_no_more_is_noticed_and_one_that_waits_is_there() {
    let vault = with(|limits| {
        limits.absent = Duration::from_millis(300);
        limits.poll = Duration::from_millis(500);
        limits.ping = None;
        limits.resume = None;
    });
    let realm = vault.router.realm("realm1").unwrap();
    let patient = Poller::joined(&vault).await;
    let _gone = Poller::joined(&vault).await;
    assert_eq!(realm.session_count(), 2);
    let waits = async {
        loop {
            let answer = patient.post("receive", b"").await;
            assert_eq!((answer.status, answer.body.len()), (204, 0));
        }
    };
    tokio::select! {
        () = waits => {}
        () = until("the other to end", || realm.session_count() == 1) => {}
    }
    assert_eq!(patient.say(json!([48, 1, {}, "wamp.session.count"])).await, 204);
    assert_eq!(patient.heard().await[3][0], 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_client_that_fetches_nothing_loses_events_and_holds_nobody_up() {
    let vault = with(|limits| limits.queue_bytes = 20_000);
    let poller = Poller::joined(&vault).await;
    assert_eq!(poller.say(json!([32, 1, {}, "com.example.flood"])).await, 204);
    assert_eq!(poller.heard().await[0], 33);
    let other = vault.join(Way::WebSocket).await;
    let long = "x".repeat(1_000);
    for _ in 0..500 {
        other
            .publish("com.example.flood", [long.as_str().into()])
            .await
            .unwrap();
    }
    soon("a call beside it", other.call("wamp.session.count", ()))
        .await
        .unwrap();
    let reports = vault.router.realm("realm1").unwrap().report(10).sessions;
    let slow = reports
        .iter()
        .find(|session| session.transport == Transport::LongPoll)
        .unwrap();
    assert!(slow.queued_bytes <= 20_000, "{slow:?}");
    assert!(slow.traffic.dropped > 300, "{slow:?}");
    assert_eq!(poller.heard().await[0], 36);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_client_that_fetches_nothing_for_too_long_ends() {
    let vault = with(|limits| {
        limits.write_stall = Duration::from_millis(200);
        limits.resume = None;
    });
    let poller = Poller::joined(&vault).await;
    assert_eq!(poller.say(json!([48, 1, {}, "wamp.session.count"])).await, 204);
    let realm = vault.router.realm("realm1").unwrap();
    until("the session to end", || realm.session_count() == 0).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn transports_that_have_not_joined_are_bounded_and_end_in_time() {
    let vault = with(|limits| {
        limits.joining_per_address = 4;
        limits.login = Duration::from_secs(1);
    });
    let mut connection = Connection::to(vault.address).await;
    let offer = br#"{"protocols":["wamp.2.json"]}"#;
    // The connection has a place too.
    for _ in 0..3 {
        assert_eq!(connection.post("open", offer).await.status, 200);
    }
    assert_eq!(connection.post("open", offer).await.status, 503);
    let free = async {
        loop {
            let mut connection = Connection::to(vault.address).await;
            connection.begin("POST", "open", "", offer).await;
            let mut status = [0; 12];
            let read = connection.stream.read_exact(&mut status).await;
            if read.is_ok() && status.ends_with(b"200") {
                break;
            }
        }
    };
    soon("a place to be free", free).await;
}
