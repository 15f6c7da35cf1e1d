//! What goes over one connection, and in what form.

use std::fmt::Write as _;

use serde_json::json;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use super::{BEARER, CONFIGURATION, ask, ask_with};
use crate::support::{Desk, soon};

/// Sends bytes, all of them, and then reads to the end.
async fn exchange(desk: &Desk, bytes: &[u8]) -> String {
    let mut stream = TcpStream::connect(desk.address()).await.unwrap();
    let mut answer = String::new();
    soon("all to be sent", stream.write_all(bytes)).await.unwrap();
    soon("the answer", stream.read_to_string(&mut answer)).await.unwrap();
    answer
}

fn head(desk: &Desk, path: &str, more: &str, length: usize) -> String {
    format!(
        "POST {path} HTTP/1.1\r\nHost: {}\r\n{more}Content-Length: {length}\r\n\r\n",
        desk.address()
    )
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_may_ask_asks_on_over_the_same_connection_after_an_error_and_who_may_not_does_not() {
    let desk = Desk::with(CONFIGURATION).await;
    let publication = json!({ "topic": "com.example.news" }).to_string();
    let mut requests = String::new();
    for (path, more, body) in [
        ("call", BEARER, r#"{"procedure":"com.example.nobody"}"#),
        ("call", BEARER, "no JSON"),
        ("publish", BEARER, publication.as_str()),
        ("publish", "Authorization: Bearer wrong\r\n", publication.as_str()),
        ("publish", BEARER, publication.as_str()),
    ] {
        let head = head(&desk, &format!("/api/home/{path}"), more, body.len());
        write!(requests, "{head}{body}").unwrap();
    }
    let answers = exchange(&desk, requests.as_bytes()).await;
    let statuses: Vec<_> = answers
        .split("HTTP/1.1 ")
        .skip(1)
        .filter_map(|answer| answer.get(..3))
        .collect();
    assert_eq!(statuses, ["404", "400", "200", "401"], "{answers}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_sends_a_body_that_is_refused_hears_why_though_it_sends_all_of_it_first() {
    let desk = Desk::with(CONFIGURATION).await;
    let part = [b' '; 64 << 10];
    for (more, status) in [(BEARER, "413"), ("", "401")] {
        let mut stream = TcpStream::connect(desk.address()).await.unwrap();
        let head = head(&desk, "/api/home/call", more, 48 * part.len());
        stream.write_all(head.as_bytes()).await.unwrap();
        let mut answer = String::new();
        soon("the answer", stream.read_to_string(&mut answer)).await.unwrap();
        assert_eq!(answer.split(' ').nth(1), Some(status), "{answer}");
        // A client that does not look yet sends on, and the connection must not break: the answer would be lost with it.
        for _ in 0..48 {
            stream.write_all(&part).await.unwrap();
        }
    }
    // One that asks before it sends is not told to go on.
    let more = format!("{BEARER}Expect: 100-continue\r\n");
    let answer = exchange(&desk, head(&desk, "/api/home/call", &more, 20_001).as_bytes()).await;
    assert!(answer.starts_with("HTTP/1.1 413"), "{answer}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_realm_is_named_in_the_path_as_addresses_write_it() {
    let desk = Desk::with(&CONFIGURATION.replace("\"home\"", "\"zu.höme\"")).await;
    let body = json!({ "topic": "com.example.news" }).to_string();
    for path in ["/api/zu.h%C3%B6me/publish", "/api/%7Au%2eh%c3%b6me/publish"] {
        assert_eq!(ask(&desk, path, BEARER, &body).await.status, 200, "{path}");
    }
    for path in ["/api/zu.h%C3%B6/publish", "/api/zu.h%C3me/publish", "/api/%/publish"] {
        assert_eq!(ask(&desk, path, BEARER, &body).await.status, 404, "{path}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_page_that_the_user_named_calls_and_reads_what_comes_of_it() {
    let configuration = CONFIGURATION.replace(
        "bridge = true",
        "bridge = true\nallowed_origins = [\"https://app.example\"]",
    );
    let desk = Desk::with(&configuration).await;
    let origin = "Origin: https://app.example\r\n";
    let asked = ask_with(&desk, "OPTIONS", "/api/home/publish", origin, "").await;
    assert_eq!(asked.status, 204);
    let readable = "access-control-allow-origin: https://app.example";
    for line in [
        readable,
        "access-control-allow-methods: post",
        "access-control-allow-headers: authorization, content-type",
        "vary: origin",
    ] {
        assert!(asked.head.lines().any(|it| it == line), "{line}: {}", asked.head);
    }
    let body = json!({ "topic": "com.example.news" }).to_string();
    for (authorization, status) in [(BEARER, 200), ("Authorization: Bearer wrong\r\n", 401)] {
        let answer = ask(&desk, "/api/home/publish", &format!("{origin}{authorization}"), &body).await;
        assert_eq!(answer.status, status);
        assert!(answer.head.lines().any(|it| it == readable), "{}", answer.head);
        assert!(!answer.head.contains("allow-credentials"), "{}", answer.head);
    }
    let answer = ask_with(&desk, "OPTIONS", "/api/home/publish", "", "").await;
    assert!(
        answer.status == 204 && answer.head.contains("allow: post, options") && !answer.head.contains("access-control"),
        "{}",
        answer.head
    );
}
