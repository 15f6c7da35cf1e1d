//! Older clients as they are, byte for byte where that is what counts, each with the switch it needs.

use bytes::BytesMut;
use client::{Serializer, Value};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpStream, UnixStream};

use crate::support::{Desk, PATIENCE, soon};

/// A browser's WebSocket, by hand: the extension's Origin is what matters.
struct Extension(TcpStream);

impl Extension {
    async fn connect(desk: &Desk, origin: &str) -> Result<Self, String> {
        let mut stream = TcpStream::connect(desk.address()).await.unwrap();
        let head = format!(
            "GET /ws HTTP/1.1\r\nHost: {}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n\
             Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Protocol: wamp.2.json\r\nOrigin: {origin}\r\n\r\n",
            desk.address()
        );
        stream.write_all(head.as_bytes()).await.unwrap();
        let mut answer = Vec::new();
        while !answer.ends_with(b"\r\n\r\n") {
            let byte = soon("the answer", stream.read_u8()).await.unwrap();
            answer.push(byte);
        }
        let answer = String::from_utf8(answer).unwrap();
        if answer.starts_with("HTTP/1.1 101") {
            Ok(Self(stream))
        } else {
            Err(answer)
        }
    }

    /// Sends a message as a masked text frame (RFC 6455 §5.2); a mask of zeros leaves it readable.
    async fn send(&mut self, message: &str) {
        let length = u8::try_from(message.len()).unwrap();
        let mut frame = vec![0x81];
        if length < 126 {
            frame.push(0x80 | length);
        } else {
            frame.extend([0x80 | 126, 0, length]);
        }
        frame.extend([0; 4]);
        frame.extend(message.bytes());
        self.0.write_all(&frame).await.unwrap();
    }

    async fn receive(&mut self) -> serde_json::Value {
        let read = async {
            assert_eq!(self.0.read_u8().await.unwrap(), 0x81, "a text frame");
            let mut length = usize::from(self.0.read_u8().await.unwrap());
            if length == 126 {
                length = self.0.read_u16().await.unwrap().into();
            }
            let mut text = vec![0; length];
            self.0.read_exact(&mut text).await.unwrap();
            serde_json::from_slice(&text).unwrap()
        };
        soon("a frame", read).await
    }

    async fn call(&mut self, request: u64, procedure: &str, args: &str) -> serde_json::Value {
        self.send(&format!("[48,{request},{{}},\"{procedure}\",{args}]")).await;
        self.receive().await
    }
}

const ORIGIN: &str = "chrome-extension://abcdefghijklmnopabcdefghijklmnop";
const HELLO: &str = r#"[1,"deskconn",{"roles":{"caller":{}},"authmethods":["anonymous"]}]"#;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_brightness_extension_reads_and_sets_it_without_a_key_and_nothing_else() {
    let desk = Desk::with("[compat]\nanonymous_brightness = true\n").await;
    let mut extension = Extension::connect(&desk, ORIGIN).await.unwrap();
    extension.send(HELLO).await;
    let welcome = extension.receive().await;
    assert_eq!(welcome[0], 2, "{welcome}");
    assert_eq!(welcome[2]["authrole"], "brightness");
    let before = extension.call(1, "org.deskconn.deskconn.brightness.get", "[]").await;
    assert_eq!(before[3][0], 50);
    // While a film is in full screen it says the same again and again.
    for request in 2..8 {
        let set = extension
            .call(request, "org.deskconn.deskconn.brightness.set", "[100]")
            .await;
        assert_eq!(set[3][0], 100);
    }
    assert_eq!(desk.machine.writes(), [("panel".to_owned(), 100)]);
    for procedure in [
        "org.deskconn.screen.lock",
        "org.deskconn.info.get",
        "org.deskconn.devices.list",
    ] {
        let refused = extension.call(9, procedure, "[]").await;
        assert_eq!(refused[4], "wamp.error.not_authorized", "{procedure}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_its_switch_no_extension_gets_in_and_with_it_no_page_does() {
    let desk = Desk::start().await;
    let refused = Extension::connect(&desk, ORIGIN).await.err().unwrap();
    assert!(refused.starts_with("HTTP/1.1 403"), "{refused}");

    let desk = Desk::with("[compat]\nanonymous_brightness = true\n").await;
    for origin in ["https://evil.example", "null", "https://chrome-extension.example"] {
        let refused = Extension::connect(&desk, origin).await.err().unwrap();
        assert!(refused.starts_with("HTTP/1.1 403"), "{origin}: {refused}");
    }
    // A page of this desktop itself may connect, and is no extension.
    let mut page = Extension::connect(&desk, &format!("http://{}", desk.address()))
        .await
        .unwrap();
    page.send(HELLO).await;
    assert_eq!(page.receive().await[2], "wamp.error.authentication_required");
}

/// The bytes of piconn's client: the longest messages, CBOR, and four requests in one write.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn piconn_registers_four_procedures_in_one_write_over_its_own_socket() {
    let home = tempfile::tempdir().unwrap();
    let place = home.path().join("deskconnd.sock");
    let desk = Desk::with(&format!("[compat]\nsockets = [{place:?}]\n")).await;
    let mut stream = UnixStream::connect(&place).await.unwrap();
    stream.write_all(&[0x7F, 0xF3, 0, 0]).await.unwrap();
    let mut answer = [0; 4];
    stream.read_exact(&mut answer).await.unwrap();
    assert_eq!((answer[0], answer[1] & 0x0F), (0x7F, 3), "CBOR is taken");
    let roles = Value::Dict([("callee".to_owned(), Value::Dict(Default::default()))].into());
    let hello = [
        1_u64.into(),
        "deskconn".into(),
        Value::Dict([("roles".to_owned(), roles)].into()),
    ];
    stream.write_all(&framed(&hello)).await.unwrap();
    assert_eq!(received(&mut stream).await[0], Value::from(2_u64), "WELCOME");
    let names = ["set_out_high", "set_out_low", "get_state", "get_states"];
    let mut requests = BytesMut::new();
    for (number, name) in (1_u64..).zip(names) {
        let uri = format!("org.deskconn.piconn.board.gpio.{name}");
        let register = [
            64_u64.into(),
            number.into(),
            Value::Dict(Default::default()),
            uri.into(),
        ];
        requests.extend_from_slice(&framed(&register));
    }
    stream.write_all(&requests).await.unwrap();
    for number in 1_u64..=4 {
        let registered = received(&mut stream).await;
        assert_eq!(registered[..2], [65_u64.into(), number.into()], "REGISTERED");
    }
    drop(desk);
}

/// A message with RawSocket's header in front.
fn framed(message: &[Value]) -> Vec<u8> {
    let mut body = Vec::new();
    ciborium::into_writer(&Value::List(message.to_vec()), &mut body).unwrap();
    let length = u32::try_from(body.len()).unwrap();
    [&length.to_be_bytes(), &body[..]].concat()
}

async fn received(stream: &mut UnixStream) -> Vec<Value> {
    let read = async {
        let length = stream.read_u32().await.unwrap();
        let mut body = vec![0; usize::try_from(length).unwrap()];
        stream.read_exact(&mut body).await.unwrap();
        let message: Value = ciborium::from_reader(&body[..]).unwrap();
        message.as_list().expect("a message is a list").to_vec()
    };
    tokio::time::timeout(PATIENCE, read).await.expect("a message")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_owners_older_programs_get_a_code_as_a_number_and_nobody_else_does() {
    let desk = Desk::start().await;
    let owner = desk.join(crate::support::Way::Unix, Serializer::Json, "deskconn").await;
    let code = owner.call("org.deskconn.generate_otp", ()).await.unwrap().into_value();
    let code = code.as_u64().unwrap();
    assert!((10_000_000..=99_999_999).contains(&code));
    let again = owner.call("org.deskconn.generate_otp", ()).await;
    assert!(again.is_err(), "one window is open");
}
