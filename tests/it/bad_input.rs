//! What the router does with peers that break the protocol, with raw frames over RawSocket and WebSocket.

use std::net::SocketAddr;
use std::time::Duration;

use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::apart::Apart;
use crate::support::{Desk, OPEN_REALM, soon};

const RAWSOCKET_JSON: [u8; 4] = [0x7f, 0xf1, 0, 0];

/// A RawSocket peer that sends whatever it likes.
struct Raw(TcpStream);

impl Raw {
    async fn connect(desk: &Desk) -> Self {
        Self::connect_to(desk.address()).await
    }

    async fn connect_to(address: SocketAddr) -> Self {
        let mut stream = TcpStream::connect(address).await.unwrap();
        stream.write_all(&RAWSOCKET_JSON).await.unwrap();
        let mut answer = [0; 4];
        soon("the handshake", stream.read_exact(&mut answer)).await.unwrap();
        assert_eq!((answer[0], answer[1] & 0xf, answer[2], answer[3]), (0x7f, 1, 0, 0));
        Self(stream)
    }

    async fn join(desk: &Desk) -> Self {
        Self::join_at(desk.address()).await
    }

    async fn join_at(address: SocketAddr) -> Self {
        let mut raw = Self::connect_to(address).await;
        raw.send(&json!([1, "realm1", { "roles": { "caller": {}, "callee": {} } }]))
            .await;
        assert_eq!(raw.receive().await.unwrap()[0], 2);
        raw
    }

    async fn send(&mut self, message: &Value) {
        self.send_bytes(message.to_string().as_bytes()).await;
    }

    async fn send_bytes(&mut self, message: &[u8]) {
        let mut frame = u32::try_from(message.len()).unwrap().to_be_bytes().to_vec();
        frame.extend_from_slice(message);
        // The router may have closed already, which the next read shows.
        let _ = self.0.write_all(&frame).await;
    }

    /// The next message, or nothing when the router closed.
    async fn receive(&mut self) -> Option<Value> {
        let read = async {
            let length = self.0.read_u32().await.ok()?;
            let mut message = vec![0; length as usize];
            self.0.read_exact(&mut message).await.ok()?;
            serde_json::from_slice(&message).ok()
        };
        soon("a message", read).await
    }

    /// The next message is an ABORT with this reason, and then the connection is closed. Returns what it says.
    async fn expect_abort(&mut self, reason: &str, why: &str) -> String {
        let abort = self
            .receive()
            .await
            .unwrap_or_else(|| panic!("closed without a word: {why}"));
        assert_eq!(
            (abort[0].as_u64(), abort[2].as_str()),
            (Some(3), Some(reason)),
            "{why}: {abort}"
        );
        let sentence = abort[1]["message"].as_str().unwrap_or_default().to_owned();
        assert!(!sentence.is_empty(), "{why}: {abort}");
        assert_eq!(self.receive().await, None, "{why}");
        sentence
    }
}

const VIOLATION: &str = "wamp.error.protocol_violation";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_message_that_breaks_the_protocol_is_answered_with_abort() {
    let desk = Desk::with(&format!(
        "{OPEN_REALM}[limits]\nsessions_per_ip = 1000\nsessions = 1000\n"
    ))
    .await;
    let deep = format!("[48,1,{{}},\"com.p\",{}{}]", "[".repeat(40), "]".repeat(40));
    let many = format!("[48,1,{{}},\"com.p\",[{}0]]", "0,".repeat(70_000));
    for message in [
        "",
        "nonsense",
        "{}",
        "[]",
        "[\"1\"]",
        "[48]",
        "[48,0,{},\"com.p\"]",
        "[48,1,[],\"com.p\"]",
        "[48,1,{},7]",
        "[48,1,{},\"com.p\",{}]",
        "[48,1,{},\"com.p\",[],[]]",
        "[48,1,{},\"com.p\",[],{},1]",
        "[48,1,{},\"com.p\"]]",
        "[48,1,{},\"com.p\",[",
        "[48,9007199254740993,{},\"com.p\"]",
        "[48,1.5,{},\"com.p\"]",
        "[48,1,{\"receive_progress\":7},\"com.p\"]",
        "[32,1,{\"match\":\"fuzzy\"},\"com.t\"]",
        "[999,1]",
        "[2,1,{}]",
        "[36,1,1,{}]",
        "[8,48,1,{},\"com.error\"]",
        "[1,\"realm1\",{\"roles\":{\"caller\":{}}}]",
        "[5,\"signature\",{}]",
        "[48,1,{},\"com.p\",[\"\u{1}\"]]",
        "[48,1,{},\"com.p\",[01]]",
        &deep,
        &many,
    ] {
        let mut raw = Raw::join(&desk).await;
        raw.send_bytes(message.as_bytes()).await;
        raw.expect_abort(VIOLATION, &message.chars().take(60).collect::<String>())
            .await;
    }
    let mut raw = Raw::join(&desk).await;
    raw.send_bytes(b"[48,1,{},\"com.p\",[\"\xff\"]]").await;
    raw.expect_abort(VIOLATION, "invalid UTF-8").await;
    Raw::join(&desk).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn anything_but_hello_comes_too_early() {
    let desk = Desk::start().await;
    for message in [
        json!([48, 1, {}, "com.p"]),
        json!([6, {}, "wamp.close.normal"]),
        json!([5, "x", {}]),
    ] {
        let mut raw = Raw::connect(&desk).await;
        raw.send(&message).await;
        raw.expect_abort(VIOLATION, &message.to_string()).await;
    }
    let mut raw = Raw::connect(&desk).await;
    raw.send(&json!([1, "nowhere", { "roles": { "caller": {} } }])).await;
    raw.expect_abort("wamp.error.no_such_realm", "no such realm").await;
    let mut raw = Raw::connect(&desk).await;
    raw.send(&json!([1, "realm1", {}])).await;
    raw.expect_abort(VIOLATION, "no roles").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_longest_message_is_taken_and_one_byte_more_is_not() {
    let desk = Desk::with(&format!(
        "{OPEN_REALM}[limits]\nmessage_bytes = 2000\nmessage_bytes_before_auth = 1000\n"
    ))
    .await;
    let hello = |length: usize| padded(r#"[1,"realm1",{"roles":{"caller":{}},"x":"#, length);
    let call = |length: usize| padded(r#"[48,1,{"x":"#, length).replace("}]", "},\"com.p\"]");
    let mut raw = Raw::connect(&desk).await;
    raw.send_bytes(hello(1000).as_bytes()).await;
    assert_eq!(raw.receive().await.unwrap()[0], 2);
    let call = call(1992);
    assert_eq!(call.len(), 2000);
    raw.send_bytes(call.as_bytes()).await;
    assert_eq!(raw.receive().await.unwrap()[4], "wamp.error.no_such_procedure");
    raw.send_bytes(call.replace("com.p", "com.pp").as_bytes()).await;
    raw.expect_abort("wamp.error.payload_size_exceeded", "one byte more")
        .await;
    let mut raw = Raw::connect(&desk).await;
    raw.send_bytes(hello(1001).as_bytes()).await;
    raw.expect_abort("wamp.error.payload_size_exceeded", "one byte more before the join")
        .await;
}

/// A message of exactly this length, filled up in a string.
fn padded(start: &str, length: usize) -> String {
    let end = "\"}]";
    format!("{start}\"{}{end}", "x".repeat(length - start.len() - end.len() - 1))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_declared_length_costs_nothing_before_the_bytes_are_there() {
    let desk = Desk::start().await;
    let mut raw = Raw::connect(&desk).await;
    raw.0.write_all(&[0, 0xff, 0xff, 0xff]).await.unwrap();
    raw.expect_abort("wamp.error.payload_size_exceeded", "16 MiB before the join")
        .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_peer_that_stops_in_the_middle_is_closed_in_time() {
    let desk = Desk::with(&format!("{OPEN_REALM}[limits]\nhandshake_s = 1\nhello_s = 1\n")).await;
    for beginning in [
        &b""[..],
        b"\x7f",
        b"\x7f\xf1\0",
        b"GET /ws HT",
        b"\x7f\xf1\0\0",
        b"\x7f\xf1\0\0\0\0\0\x09[1,",
    ] {
        let mut stream = TcpStream::connect(desk.address()).await.unwrap();
        stream.write_all(beginning).await.unwrap();
        let mut rest = Vec::new();
        let closed = tokio::time::timeout(Duration::from_secs(10), stream.read_to_end(&mut rest)).await;
        assert!(closed.is_ok(), "{beginning:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ill_formed_rawsocket_handshakes_are_answered_with_their_error() {
    let desk = Desk::start().await;
    for (handshake, error) in [
        ([0x7f, 0xf0, 0, 0], 1),
        ([0x7f, 0xf7, 0, 0], 1),
        ([0x7f, 0xf1, 1, 0], 3),
        ([0x7f, 0xf1, 0, 1], 3),
    ] {
        let mut stream = TcpStream::connect(desk.address()).await.unwrap();
        stream.write_all(&handshake).await.unwrap();
        let mut answer = Vec::new();
        soon("the answer", stream.read_to_end(&mut answer)).await.unwrap();
        assert_eq!(answer, [0x7f, error << 4, 0, 0], "{handshake:x?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_abort_says_which_bound_or_which_option_it_was() {
    let desk = Desk::start().await;
    let nested = |levels: usize| format!("[48,1,{{}},\"com.p\",{}{}]", "[".repeat(levels), "]".repeat(levels));
    // Beside the arguments: the message, its code, id, options, URI and list.
    let values = |count: usize| format!("[48,1,{{}},\"com.p\",[{}0]]", "0,".repeat(count - 7));
    for (at, past, says) in [
        (nested(31), nested(32), "too deeply: 32 levels"),
        (values(65_536), values(65_537), "too many values: 65536 are taken"),
        (
            "[48,1,{\"timeout\":null},\"com.p\"]".to_owned(),
            "[48,1,{\"timeout\":\"1 s\"},\"com.p\"]".to_owned(),
            "CALL: timeout in its options or details: a number",
        ),
    ] {
        let mut raw = Raw::join(&desk).await;
        raw.send_bytes(at.as_bytes()).await;
        assert_eq!(
            raw.receive().await.unwrap()[4],
            "wamp.error.no_such_procedure",
            "{says}"
        );
        raw.send_bytes(past.as_bytes()).await;
        let sentence = raw.expect_abort(VIOLATION, says).await;
        assert!(sentence.contains(says), "{sentence}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_callee_that_answers_what_it_was_not_asked_harms_nobody() {
    let desk = Desk::start().await;
    let mut raw = Raw::join(&desk).await;
    raw.send(&json!([70, 1, {}, ["unasked"]])).await;
    raw.send(&json!([8, 68, 2, {}, "com.error"])).await;
    raw.send(&json!([49, 3, {}])).await;
    raw.send(&json!([34, 4, 77])).await;
    let error = raw.receive().await.unwrap();
    assert_eq!(
        (error[0].as_u64(), error[4].as_str()),
        (Some(8), Some("wamp.error.no_such_subscription"))
    );
    raw.send(&json!([66, 5, 77])).await;
    assert_eq!(raw.receive().await.unwrap()[4], "wamp.error.no_such_registration");
}

async fn connections(router: &Apart, count: usize) {
    for number in 0..count {
        match number % 4 {
            0 => drop(Raw::connect_to(router.address).await),
            1 => drop(Raw::join_at(router.address).await),
            2 => drop(TcpStream::connect(router.address).await.unwrap()),
            _ => {
                let mut raw = Raw::connect_to(router.address).await;
                raw.send_bytes(b"garbage").await;
                raw.expect_abort(VIOLATION, "garbage").await;
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ten_thousand_connections_in_a_row_leave_nothing_behind() {
    let plain = "[desktop]\nenabled = false\n";
    // A connection that was just dropped here may still count there.
    let limits =
        "[limits]\nunauthenticated_per_ip = 1000\nunauthenticated = 1000\nsessions_per_ip = 1000\nsessions = 1000\n";
    let router = Apart::start(&format!("{plain}{limits}{OPEN_REALM}"));
    // The first thousand fill the allocator's and the runtime's own stores.
    connections(&router, 1_000).await;
    let before = router.resident();
    connections(&router, 9_000).await;
    let grown = router.resident().saturating_sub(before);
    assert!(grown < 4 << 10, "{grown} KiB more after 9,000 connections");
    Raw::join_at(router.address).await;
}
