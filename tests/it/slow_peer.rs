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
