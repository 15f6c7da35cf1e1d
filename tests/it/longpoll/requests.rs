//! Requests in an order, or of a content, that no client has.

use std::sync::Arc;

use client::tls::{self, Trust};
use link::websocket::Format;
use router::{Limits, Origins};
use serde_json::{Value, json};
use tokio::net::TcpStream;
use wamp::codec::Serializer;
use wamp::joiner::JoinOptions;
use wamp::message::Message;

use super::{Connection, Poller, waiting, with};
use crate::vault::Vault;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_later_of_two_requests_that_fetch_gets_the_message_and_the_other_nothing() {
    let vault = with(|_| {});
    let poller = Poller::joined(&vault).await;
    let mut later = waiting(&poller).await;
    assert_eq!(poller.say(json!([48, 1, {}, "wamp.session.count"])).await, 204);
    let answer = later.answer().await;
    assert_eq!(answer.status, 200);
    assert!(answer.head.contains("content-type: application/json"), "{answer:?}");
    assert!(answer.head.contains("cache-control: no-store"), "{answer:?}");
    assert_eq!(serde_json::from_slice::<Value>(&answer.body).unwrap()[0], 50);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_request_that_went_away_takes_nothing_from_the_next() {
    let vault = with(|_| {});
    let poller = Poller::joined(&vault).await;
    for _ in 0..20 {
        drop(waiting(&poller).await);
    }
    let mut last = waiting(&poller).await;
    assert_eq!(poller.say(json!([48, 1, {}, "wamp.session.count"])).await, 204);
    assert_eq!(last.answer().await.status, 200);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn requests_behind_each_other_on_one_connection_are_done_in_their_order() {
    let vault = with(|_| {});
    let poller = Poller::joined(&vault).await;
    let mut connection = Connection::to(vault.address).await;
    for request in 1..=20 {
        let call = json!([48, request, {}, "wamp.session.count"]).to_string();
        connection
            .begin("POST", &format!("{}/send", poller.id), "", call.as_bytes())
            .await;
    }
    for _ in 0..20 {
        connection
            .begin("POST", &format!("{}/receive", poller.id), "", b"")
            .await;
    }
    for _ in 0..20 {
        assert_eq!(connection.answer().await.status, 204);
    }
    for request in 1..=20 {
        let answer: Value = serde_json::from_slice(&connection.answer().await.body).unwrap();
        assert_eq!((&answer[0], &answer[1]), (&json!(50), &json!(request)));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_no_message_is_400_and_the_session_is_told_why_it_ends() {
    let vault = with(|_| {});
    for body in [&b""[..], b"x", b"[", b"[1,2,3]", b"[48,1,{},\"a\"] ", b"\xff"] {
        let poller = Poller::joined(&vault).await;
        let answer = poller.post("send", body).await;
        let is_message = body.ends_with(b" ");
        assert_eq!(answer.status, if is_message { 204 } else { 400 }, "{answer:?}");
        assert_eq!(answer.body.is_empty(), is_message);
        if !is_message {
            let abort = poller.heard().await;
            assert_eq!(
                (&abort[0], &abort[2]),
                (&json!(3), &json!("wamp.error.protocol_violation"))
            );
            assert_eq!(poller.post("receive", b"").await.status, 404);
            assert_eq!(poller.post("send", b"[]").await.status, 404);
        }
    }
    // A batch is taken as a whole, or not at all.
    let poller = Poller::open(&vault, Format::batched(Serializer::Json)).await;
    poller.join_as(JoinOptions::anonymous("realm1")).await;
    let half = b"[48,1,{},\"wamp.session.count\"]\x1e[48,2,{},";
    assert_eq!(poller.post("send", half).await.status, 400);
    assert!(matches!(poller.receive().await.pop(), Some(Message::Abort(_))));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_opens_no_transport_is_told_so() {
    let vault = with(|_| {});
    let mut status = Vec::new();
    for body in [
        &b""[..],
        b"{}",
        b"[]",
        br#"{"protocols":"wamp.2.json"}"#,
        br#"{"protocols":["wamp.2.ubjson",7]}"#,
        &[b' '; 4_097],
    ] {
        status.push(Connection::to(vault.address).await.post("open", body).await.status);
    }
    assert_eq!(status, [400, 400, 400, 400, 400, 413]);
    let padded = format!("{:4096}", r#"{"protocols":["wamp.2.json"]}"#);
    let answer = Connection::to(vault.address)
        .await
        .post("open", padded.as_bytes())
        .await;
    assert_eq!(answer.status, 200);
    for (method, path, expected) in [
        ("GET", "open", 405),
        ("PUT", "open", 405),
        ("POST", "", 404),
        ("POST", "x/receive", 404),
        ("POST", "/receive", 404),
    ] {
        let mut connection = Connection::to(vault.address).await;
        connection.begin(method, path, "", b"").await;
        assert_eq!(connection.answer().await.status, expected, "{method} {path}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_id_is_long_and_random_and_counts_only_where_it_was_made() {
    let vault = with(|_| {});
    let (poller, other) = (Poller::joined(&vault).await, Poller::joined(&vault).await);
    assert_eq!((poller.id.len(), other.id.len()), (64, 64));
    assert_ne!(poller.id, other.id);
    let mut guessed = poller.id.clone();
    guessed.replace_range(63.., if guessed.ends_with('0') { "1" } else { "0" });
    for id in [
        &guessed,
        "",
        "..",
        &poller.id.to_uppercase().replace(|c: char| c.is_ascii_digit(), "A"),
    ] {
        let answer = Connection::to(vault.address)
            .await
            .post(&format!("{id}/receive"), b"")
            .await;
        assert_eq!(answer.status, 404, "{id}");
    }
    // What was made in the clear is nobody's inside TLS.
    let stream = TcpStream::connect(vault.address).await.unwrap();
    let stream = tls::connect(stream, Trust::Anybody).await.unwrap().stream;
    let mut secure = Connection {
        stream,
        address: vault.address,
    };
    assert_eq!(secure.post(&format!("{}/receive", poller.id), b"").await.status, 404);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn pages_may_use_it_that_may_use_websocket() {
    let origins = Origins {
        allowed: vec!["https://app.example".to_owned()],
        ..Origins::default()
    };
    let vault = Vault::with(Limits::default(), Arc::new(origins));
    let offer = br#"{"protocols":["wamp.2.json"]}"#;
    let own = format!("http://{}", vault.address);
    for (origin, is_let_in) in [
        ("https://app.example", true),
        (&*own, true),
        ("https://evil.example", false),
        ("null", false),
    ] {
        for method in ["OPTIONS", "POST"] {
            let mut connection = Connection::to(vault.address).await;
            connection
                .begin(method, "open", &format!("Origin: {origin}\r\n"), offer)
                .await;
            let answer = connection.answer().await;
            assert_eq!(answer.status < 300, is_let_in, "{method} {origin}: {answer:?}");
            let allows = answer
                .head
                .contains(&format!("access-control-allow-origin: {origin}\r\n"));
            assert_eq!(allows, is_let_in, "{method} {origin}: {answer:?}");
        }
    }
}
