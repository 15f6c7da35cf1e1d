//! A peer that does not read harms only itself.

use std::time::Duration;

use client::{Error, Serializer, Value};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpSocket, TcpStream};

use crate::support::{Desk, OPEN_REALM, Way, soon, until};

/// A session that sends one request and then reads nothing.
pub(crate) async fn deaf(desk: &Desk, request: &str) -> TcpStream {
    let socket = TcpSocket::new_v4().unwrap();
    // Little room in the kernel, so that the router's own queue fills.
    socket.set_recv_buffer_size(4096).unwrap();
    let mut stream = socket.connect(desk.address()).await.unwrap();
    let mut bytes = vec![0x7f, 0x71, 0, 0];
    for message in [r#"[1,"realm1",{"roles":{"subscriber":{},"callee":{}}}]"#, request] {
        bytes.extend_from_slice(&u32::try_from(message.len()).unwrap().to_be_bytes());
        bytes.extend_from_slice(message.as_bytes());
    }
    stream.write_all(&bytes).await.unwrap();
    let mut answers = [0; 4 + 4];
    soon("the answer", stream.read_exact(&mut answers)).await.unwrap();
    let mut welcome = vec![0; u32::from_be_bytes(answers[4..].try_into().unwrap()) as usize];
    soon("WELCOME", stream.read_exact(&mut welcome)).await.unwrap();
    let length = soon("the answer", stream.read_u32()).await.unwrap();
    let mut answer = vec![0; length as usize];
    soon("the answer", stream.read_exact(&mut answer)).await.unwrap();
    stream
}

pub(crate) const SMALL_QUEUE: &str = "[limits]\nqueue_bytes = 65536\n";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_slow_subscriber_loses_events_and_the_others_get_all() {
    let desk = Desk::with(&format!("{OPEN_REALM}{SMALL_QUEUE}")).await;
    let _deaf = deaf(&desk, r#"[32,1,{},"com.t"]"#).await;
    let healthy = desk.join(Way::WebSocket, Serializer::MessagePack, "realm1").await;
    let mut events = healthy.subscribe("com.t").await.unwrap();
    let publisher = desk.join(Way::WebSocket, Serializer::Json, "realm1").await;
    let text = "x".repeat(4096);
    // More than the kernel can hold for the deaf one: its buffers grow to a few MiB at most.
    for number in 0..4_000_u64 {
        publisher
            .publish_acknowledged("com.t", [number.into(), text.as_str().into()])
            .await
            .unwrap();
        let event = soon("the event", events.next()).await.unwrap();
        assert_eq!(event.args.args[0], Value::from(number));
    }
    let realm = desk.daemon.router().realm("realm1").unwrap();
    assert!(
        realm.dropped_events() > 0,
        "nothing was dropped, so nothing was bounded"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_call_to_a_callee_whose_queue_is_full_fails_at_once() {
    let desk = Desk::with(&format!(
        "{OPEN_REALM}[limits]\nqueue_bytes = 65536\npending_calls = 100000\n"
    ))
    .await;
    let _deaf = deaf(&desk, r#"[64,1,{},"com.deaf"]"#).await;
    let caller = desk.join(Way::WebSocket, Serializer::MessagePack, "realm1").await;
    let text = "x".repeat(32 << 10);
    let mut calls = tokio::task::JoinSet::new();
    for _ in 0..2_000 {
        let (caller, text) = (caller.clone(), text.clone());
        calls.spawn(async move { caller.call("com.deaf", [text.as_str().into()]).await });
    }
    let refused = async {
        loop {
            if let Err(Error::Request(error)) = calls.join_next().await.unwrap().unwrap() {
                return error;
            }
        }
    };
    assert_eq!(soon("the refusal", refused).await.uri, "wamp.error.unavailable");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_peer_that_does_not_take_its_answers_is_cut_off() {
    let desk = Desk::with(&format!("{OPEN_REALM}{SMALL_QUEUE}")).await;
    let mut deaf = deaf(&desk, r#"[64,1,{},"com.deaf"]"#).await;
    let realm = desk.daemon.router().realm("realm1").unwrap();
    assert_eq!(realm.session_count(), 1);
    // Each is answered with an ERROR that nobody reads.
    let request = format!(r#"[48,REQUEST,{{}},"com.{}"]"#, "nobody".repeat(100));
    let flood = async {
        for number in 1_u64.. {
            let message = request.replace("REQUEST", &number.to_string());
            let mut frame = u32::try_from(message.len()).unwrap().to_be_bytes().to_vec();
            frame.extend_from_slice(message.as_bytes());
            if deaf.write_all(&frame).await.is_err() {
                break;
            }
        }
    };
    let cut = until("the session to be cut off", || realm.session_count() == 0);
    let limit = tokio::time::timeout(Duration::from_secs(60), async {
        tokio::select! { () = flood => {}, () = cut => {} }
    });
    limit.await.unwrap();
    until("the session to be forgotten", || realm.session_count() == 0).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_peer_that_sends_without_pause_gets_its_answers_meanwhile() {
    const REQUESTS: u64 = 5_000;
    let desk = Desk::with(&format!("{OPEN_REALM}[limits]\nqueue_bytes = 16384\n")).await;
    let (mut answers, mut requests) = deaf(&desk, r#"[64,1,{},"com.t"]"#).await.into_split();
    // All at once, so that the router never finds nothing to read; each is answered with an ERROR.
    let mut flood = Vec::new();
    for number in 2..2 + REQUESTS {
        let message = format!("[48,{number},{{}},\"com.{}\"]", "nobody".repeat(30));
        flood.extend_from_slice(&u32::try_from(message.len()).unwrap().to_be_bytes());
        flood.extend_from_slice(message.as_bytes());
    }
    let sending = tokio::spawn(async move { requests.write_all(&flood).await.map(|()| requests) });
    for _ in 0..REQUESTS {
        let length = soon("an answer", answers.read_u32()).await.unwrap();
        let mut answer = vec![0; length as usize];
        soon("the answer", answers.read_exact(&mut answer)).await.unwrap();
        assert!(answer.starts_with(b"[8,48,"));
    }
    sending.await.unwrap().unwrap();
}

/// A frame of RawSocket.
async fn say(stream: &mut TcpStream, message: &str) {
    let mut frame = u32::try_from(message.len()).unwrap().to_be_bytes().to_vec();
    frame.extend_from_slice(message.as_bytes());
    stream.write_all(&frame).await.unwrap();
}

async fn hear(stream: &mut TcpStream) -> serde_json::Value {
    let length = soon("a message", stream.read_u32()).await.unwrap();
    let mut message = vec![0; length as usize];
    soon("the message", stream.read_exact(&mut message)).await.unwrap();
    serde_json::from_slice(&message).unwrap()
}

/// Publishes more to a subscriber that reads nothing than is kept for it, then lets it read: the numbers of the events
/// that it gets. What it lost it must have been told.
async fn survivors(when_full: &str) -> Vec<u64> {
    const EVENTS: u64 = 4_000;
    let desk = Desk::with(&realm_that(when_full)).await;
    let mut slow = deaf(&desk, r#"[32,1,{},"wamp.session.on_overflow"]"#).await;
    say(&mut slow, r#"[32,2,{},"com.t"]"#).await;
    let events = hear(&mut slow).await[2].clone();
    let publisher = desk.join(Way::WebSocket, Serializer::Json, "realm1").await;
    let text = "x".repeat(4096);
    for number in 0..EVENTS {
        let args = [number.into(), text.as_str().into()];
        publisher.publish_acknowledged("com.t", args).await.unwrap();
    }
    let (mut numbers, mut dropped) = (Vec::new(), 0);
    while numbers.len() as u64 + dropped < EVENTS {
        let event = hear(&mut slow).await;
        if event[1] == events {
            numbers.push(event[4][0].as_u64().unwrap());
        } else {
            dropped += event[4][1].as_u64().unwrap();
        }
    }
    assert!(dropped > 0, "nothing was dropped, so nothing was bounded");
    let realm = desk.daemon.router().realm("realm1").unwrap();
    assert_eq!(realm.dropped_events(), dropped);
    assert!(numbers.is_sorted(), "events came out of order");
    numbers
}

/// A realm with little room in its queues, and what happens when they are full.
fn realm_that(when_full: &str) -> String {
    let key = format!("name = \"realm1\"\nevents_when_full = {when_full:?}");
    OPEN_REALM.replacen("name = \"realm1\"", &key, 1) + SMALL_QUEUE
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_slow_subscriber_is_told_how_many_of_the_newest_events_it_lost() {
    let numbers = survivors("drop_newest").await;
    assert_eq!(numbers[..10], [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
    assert_ne!(numbers.last(), Some(&3_999));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_slow_subscriber_is_told_how_many_of_the_oldest_events_it_lost() {
    let numbers = survivors("drop_oldest").await;
    assert_eq!(numbers.last(), Some(&3_999));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_slow_subscriber_is_cut_off_where_no_event_may_be_lost() {
    let desk = Desk::with(&realm_that("disconnect")).await;
    let _deaf = deaf(&desk, r#"[32,1,{},"com.t"]"#).await;
    let publisher = desk.join(Way::WebSocket, Serializer::Json, "realm1").await;
    let realm = desk.daemon.router().realm("realm1").unwrap();
    assert_eq!(realm.session_count(), 2);
    let text = "x".repeat(4096);
    let flood = async {
        while realm.session_count() == 2 {
            publisher
                .publish_acknowledged("com.t", [text.as_str().into()])
                .await
                .unwrap();
        }
    };
    soon("the session to be cut off", flood).await;
    assert_eq!(realm.dropped_events(), 0);
    // Itself it hears nothing: it does not read.
    let owner = desk.owner().await;
    let noted = async {
        loop {
            let entries = owner.call("org.deskconn.audit.get", ()).await.unwrap().into_value();
            let mut entries = entries.as_list().unwrap().iter().map(|it| it.as_dict().unwrap());
            if entries.any(|it| {
                it["kind"] == "limit.reached".into() && it["detail"] == "it took its messages too slowly".into()
            }) {
                return;
            }
            tokio::task::yield_now().await;
        }
    };
    soon("the entry of the audit", noted).await;
}
