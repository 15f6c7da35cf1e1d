//! Long-poll as HTTP shows it: requests by hand, in any order, of any content. A real client is in `tests/interop`.

mod bounds;
mod requests;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::BytesMut;
use link::Stream;
use link::websocket::Format;
use router::{Limits, Origins, Transport};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use wamp::codec::{self, Serializer};
use wamp::joiner::{JoinOptions, Joiner};
use wamp::limits::Bounds;
use wamp::message::Message;
use wamp::resumption::{Granted, Outcome, Return, Wanted};

use crate::support::{Desk, Way, soon, until};
use crate::vault::Vault;

/// An answer of HTTP.
#[derive(Debug)]
struct Answer {
    status: u16,
    head: String,
    body: Vec<u8>,
}

/// A connection on which requests follow each other.
struct Connection {
    stream: Stream,
    address: SocketAddr,
}

impl Connection {
    async fn to(address: SocketAddr) -> Self {
        let stream = TcpStream::connect(address).await.unwrap().into();
        Self { stream, address }
    }

    async fn begin(&mut self, method: &str, path: &str, more: &str, body: &[u8]) {
        let (address, length) = (self.address, body.len());
        let head = format!("{method} /lp/{path} HTTP/1.1\r\nHost: {address}\r\n{more}Content-Length: {length}\r\n\r\n");
        // The router may have answered and closed before it has all.
        let _ = self.stream.write_all(&[head.as_bytes(), body].concat()).await;
    }

    async fn answer(&mut self) -> Answer {
        soon("an answer", async {
            let mut head = Vec::new();
            while !head.ends_with(b"\r\n\r\n") {
                head.push(self.stream.read_u8().await.unwrap());
            }
            let head = String::from_utf8(head).unwrap().to_lowercase();
            let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
            let mut body = vec![0; length.map_or(0, |length| length.parse().unwrap())];
            self.stream.read_exact(&mut body).await.unwrap();
            let status = head.split(' ').nth(1).unwrap().parse().unwrap();
            Answer { status, head, body }
        })
        .await
    }

    async fn post(&mut self, path: &str, body: &[u8]) -> Answer {
        self.begin("POST", path, "", body).await;
        self.answer().await
    }
}

/// A client of a vault.
struct Poller {
    address: SocketAddr,
    id: String,
    format: Format,
}

impl Poller {
    async fn open(vault: &Vault, format: Format) -> Self {
        let mut connection = Connection::to(vault.address).await;
        let offer = json!({ "protocols": ["wamp.9.smoke", format.subprotocol(), "wamp.2.json"] }).to_string();
        let answer = connection.post("open?x=1", offer.as_bytes()).await;
        assert_eq!(answer.status, 200, "{answer:?}");
        let opened: Value = serde_json::from_slice(&answer.body).unwrap();
        assert_eq!(opened["protocol"], format.subprotocol());
        Self {
            address: vault.address,
            id: opened["transport"].as_str().unwrap().to_owned(),
            format,
        }
    }

    async fn post(&self, action: &str, body: &[u8]) -> Answer {
        let mut connection = Connection::to(self.address).await;
        connection.post(&format!("{}/{action}", self.id), body).await
    }

    async fn send(&self, message: &Message) {
        let mut body = BytesMut::new();
        codec::encode(self.format.serializer, message, &mut body).unwrap();
        let body = match self.format {
            Format { is_batched: false, .. } => body.to_vec(),
            Format {
                serializer: Serializer::Json,
                ..
            } => [&body[..], b"\x1e"].concat(),
            _ => [&u32::try_from(body.len()).unwrap().to_be_bytes()[..], &body].concat(),
        };
        let answer = self.post("send", &body).await;
        assert_eq!(answer.status, 204, "{answer:?}");
    }

    /// Sends in JSON.
    async fn say(&self, message: Value) -> u16 {
        self.post("send", message.to_string().as_bytes()).await.status
    }

    /// The messages of an answer that has some.
    fn messages(&self, answer: &Answer) -> Vec<Message> {
        let mut rest = &answer.body[..];
        let mut messages = Vec::new();
        while !rest.is_empty() {
            let (message, next) = match self.format {
                Format { is_batched: false, .. } => (rest, &[][..]),
                Format {
                    serializer: Serializer::Json,
                    ..
                } => {
                    let end = rest.iter().position(|byte| *byte == 0x1e).unwrap();
                    (&rest[..end], &rest[end + 1..])
                }
                _ => {
                    let (length, rest) = rest.split_first_chunk().unwrap();
                    rest.split_at(u32::from_be_bytes(*length) as usize)
                }
            };
            let bytes = bytes::Bytes::copy_from_slice(message);
            messages.push(codec::decode(self.format.serializer, &bytes, &Bounds::JOINED).unwrap());
            rest = next;
        }
        messages
    }

    async fn receive(&self) -> Vec<Message> {
        loop {
            let answer = self.post("receive", b"").await;
            if answer.status != 204 {
                assert_eq!(answer.status, 200, "{answer:?}");
                return self.messages(&answer);
            }
        }
    }

    /// The next message, in JSON.
    async fn heard(&self) -> Value {
        loop {
            let answer = self.post("receive", b"").await;
            if answer.status != 204 {
                assert_eq!(answer.status, 200, "{answer:?}");
                return serde_json::from_slice(&answer.body).unwrap();
            }
        }
    }

    async fn join_as(&self, options: JoinOptions) -> wamp::message::Welcome {
        self.send(&Joiner::new(options).hello()).await;
        match self.receive().await.pop() {
            Some(Message::Welcome(welcome)) => welcome,
            other => panic!("{other:?}"),
        }
    }

    /// One that has joined, in JSON.
    async fn joined(vault: &Vault) -> Self {
        let poller = Self::open(vault, Serializer::Json.into()).await;
        poller.join_as(JoinOptions::anonymous("realm1")).await;
        poller
    }
}

fn with(change: impl FnOnce(&mut Limits)) -> Vault {
    let mut limits = Limits {
        joining_per_address: 32,
        ..Limits::default()
    };
    change(&mut limits);
    Vault::with(limits, Arc::new(Origins::default()))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_session_is_opened_called_and_left_in_every_format() {
    let vault = with(|_| {});
    for serializer in Serializer::ALL {
        for format in [serializer.into(), Format::batched(serializer)] {
            let poller = Poller::open(&vault, format).await;
            let welcome = poller.join_as(JoinOptions::anonymous("realm1")).await;
            assert_eq!(vault.gate.peers().pop().unwrap().transport, Transport::LongPoll);
            let call = br#"[48,1,{},"wamp.session.list"]"#;
            let call = codec::decode(Serializer::Json, &bytes::Bytes::from_static(call), &Bounds::JOINED).unwrap();
            poller.send(&call).await;
            let Some(Message::Result(result)) = poller.receive().await.pop() else {
                panic!()
            };
            let ids = result.payload.to_values().unwrap().0;
            assert_eq!(ids[0].as_list().unwrap()[0].as_u64(), Some(welcome.session.get()));
            poller
                .send(&Message::Goodbye(wamp::message::Goodbye::new(
                    "wamp.close.normal".into(),
                    "",
                )))
                .await;
            assert!(matches!(poller.receive().await.pop(), Some(Message::Goodbye(_))));
            assert_eq!(poller.post("close", b"").await.status, 204);
            let realm = vault.router.realm("realm1").unwrap();
            until("the session to end", || realm.session_count() == 0).await;
            until_gone(&poller).await;
        }
    }
}

/// Waits until nobody knows the transport any more.
async fn until_gone(poller: &Poller) {
    let gone = async {
        while poller.post("close", b"").await.status != 404 {
            tokio::task::yield_now().await;
        }
    };
    soon("the transport to be gone", gone).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_message_comes_once_and_in_order_one_at_a_time_or_all_at_once() {
    const EVENTS: u64 = 300;
    let vault = with(|_| {});
    for format in [Serializer::Json.into(), Format::batched(Serializer::Json)] {
        let poller = Poller::open(&vault, format).await;
        poller.join_as(JoinOptions::anonymous("realm1")).await;
        let subscribe = br#"[32,1,{},"com.example.many"]"#;
        let subscribe =
            codec::decode(Serializer::Json, &bytes::Bytes::from_static(subscribe), &Bounds::JOINED).unwrap();
        poller.send(&subscribe).await;
        assert!(matches!(poller.receive().await.pop(), Some(Message::Subscribed(_))));
        let other = vault.join(Way::WebSocket).await;
        for number in 0..EVENTS {
            other.publish("com.example.many", [number.into()]).await.unwrap();
        }
        let (mut heard, mut answers) = (Vec::new(), 0);
        while heard.len() < 300 {
            answers += 1;
            heard.extend(poller.receive().await.into_iter().map(|message| {
                let Message::Event(event) = message else {
                    panic!("{message:?}")
                };
                event.payload.to_values().unwrap().0[0].as_u64().unwrap()
            }));
        }
        assert!(heard.into_iter().eq(0..EVENTS));
        assert_eq!(answers == EVENTS, !format.is_batched, "{answers} answers");
        poller.post("close", b"").await;
    }
}

/// A connection whose request waits for a message: of two the later one does, and the other is told that there is nothing.
async fn waiting(poller: &Poller) -> Connection {
    let path = format!("{}/receive", poller.id);
    let mut first = Connection::to(poller.address).await;
    let mut second = Connection::to(poller.address).await;
    first.begin("POST", &path, "", b"").await;
    second.begin("POST", &path, "", b"").await;
    let (told, is_first) = tokio::select! {
        told = first.answer() => (told, true),
        told = second.answer() => (told, false),
    };
    assert_eq!((told.status, told.body.len()), (204, 0));
    if is_first { second } else { first }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_session_goes_on_over_another_transport_without_a_loss() {
    let vault = with(|limits| limits.absent = Duration::from_millis(300));
    let options = JoinOptions {
        resumption: Some(Wanted::Resumable),
        ..JoinOptions::anonymous("realm1")
    };
    let poller = Poller::open(&vault, Serializer::Json.into()).await;
    let welcome = poller.join_as(options.clone()).await;
    let granted = Granted::of_welcome(&welcome).unwrap();
    assert_eq!(poller.say(json!([32, 1, {}, "com.example.kept"])).await, 204);
    assert_eq!(poller.heard().await[0], 33);
    // It does not come back. Its session waits, and what is published meanwhile too.
    let realm = vault.router.realm("realm1").unwrap();
    let is_detached = || realm.report(10).sessions.iter().any(|session| session.is_detached);
    until("the session to wait", is_detached).await;
    let other = vault.join(Way::RawSocket).await;
    other.publish("com.example.kept", ["news".into()]).await.unwrap();
    let again = Poller::open(&vault, Serializer::Json.into()).await;
    let ticket = Return {
        session: welcome.session,
        token: granted.token,
        received: 1,
    };
    let welcome = again
        .join_as(JoinOptions {
            resumption: Some(Wanted::Return(ticket)),
            ..options
        })
        .await;
    let granted = Granted::of_welcome(&welcome).unwrap();
    assert!(matches!(granted.outcome, Outcome::Resumed(_)), "{:?}", granted.outcome);
    assert_eq!(again.heard().await[4], json!(["news"]));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_waits_when_the_router_stops_hears_goodbye() {
    let desk = Desk::start().await;
    let address = desk.address();
    let offer = br#"{"protocols":["wamp.2.json"]}"#;
    let opened: Value = serde_json::from_slice(&Connection::to(address).await.post("open", offer).await.body).unwrap();
    let poller = Poller {
        address,
        id: opened["transport"].as_str().unwrap().to_owned(),
        format: Serializer::Json.into(),
    };
    poller.join_as(JoinOptions::anonymous("realm1")).await;
    let mut waits = waiting(&poller).await;
    let (answer, ()) = tokio::join!(waits.answer(), desk.daemon.stop());
    let heard: Value = serde_json::from_slice(&answer.body).unwrap();
    assert_eq!(
        (&heard[0], &heard[2]),
        (&json!(6), &json!("wamp.close.system_shutdown"))
    );
}
