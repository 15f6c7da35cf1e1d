//! WebSocket against another library, and against raw frames.

use deskconn_link::websocket::{ConnectError, accepted, connect};
use deskconn_link::{Link, Stream};
use futures_util::{SinkExt as _, StreamExt as _};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::handshake::server::{ErrorResponse, Request, Response};
use tokio_tungstenite::tungstenite::protocol::Role;
use tokio_tungstenite::tungstenite::{Error, Message as Frame};
use wamp::codec::Serializer;
use wamp::limits::Bounds;

use crate::samples;
use crate::support::{answer_upgrade, broken_off, call, closed, receive, soon, tcp, violation};

const GOODBYE: &str = r#"[6,{},"wamp.close.normal"]"#;

/// Our router's end, and the client of another library.
async fn foreign_client(serializer: Serializer, bounds: Bounds) -> (Link, WebSocketStream<TcpStream>) {
    let (near, far) = tcp().await;
    let client = WebSocketStream::from_raw_socket(near, Role::Client, None).await;
    (accepted(far, [], serializer, bounds), client)
}

/// Our router's end, and a client that sends raw bytes.
async fn raw_client(serializer: Serializer) -> (Link, TcpStream) {
    let (near, far) = tcp().await;
    (accepted(far, [], serializer, Bounds::JOINED), near)
}

/// A client's frame, masked by zeros, which change nothing.
fn frame(first: u8, body: &[u8]) -> Vec<u8> {
    let length = u8::try_from(body.len()).unwrap();
    assert!(length <= 125);
    [&[first, 0x80 | length, 0, 0, 0, 0], body].concat()
}

/// The status in the Close frame that the router's end sends.
async fn close_status(mut link: Link, mut peer: TcpStream) -> Option<u16> {
    link.writer.close().await.unwrap();
    // What is still unread would destroy what was sent.
    let mut sent = Vec::new();
    peer.shutdown().await.unwrap();
    let (_, read) = soon(async { tokio::join!(link.reader.drain(), peer.read_to_end(&mut sent)) }).await;
    read.unwrap();
    let [.., 0x88, 2, first, second] = sent[..] else {
        return None;
    };
    Some(u16::from_be_bytes([first, second]))
}

#[tokio::test]
async fn another_librarys_client_and_our_router_understand_each_other() {
    for serializer in Serializer::ALL {
        let (mut link, mut client) = foreign_client(serializer, Bounds::JOINED).await;
        for message in samples::all(serializer).into_iter().chain([call(serializer, 100_000)]) {
            link.writer.send(message.clone()).await.unwrap();
            let echo = soon(client.next()).await.unwrap().unwrap();
            assert_eq!(echo.is_text(), serializer == Serializer::Json);
            soon(client.send(echo)).await.unwrap();
            assert!(receive(&mut link).await == message);
        }
        client.close(None).await.unwrap();
        closed(&mut link).await;
        assert!(matches!(soon(client.next()).await, Some(Ok(Frame::Close(None)))));
        assert!(
            link.writer.send(call(serializer, 1)).await.is_err(),
            "nothing follows a Close frame"
        );
    }
}

#[tokio::test]
async fn our_client_and_another_librarys_server_understand_each_other() {
    #[allow(clippy::result_large_err, reason = "the library demands this type")]
    fn choose(request: &Request, mut response: Response) -> Result<Response, ErrorResponse> {
        let offers = &request.headers()["Sec-WebSocket-Protocol"];
        assert_eq!(offers, "wamp.2.msgpack, wamp.2.json");
        response
            .headers_mut()
            .insert("Sec-WebSocket-Protocol", "wamp.2.json".parse().unwrap());
        Ok(response)
    }
    let (near, far) = tcp().await;
    let server = async { tokio_tungstenite::accept_hdr_async(far, choose).await.unwrap() };
    let offers = [Serializer::MessagePack, Serializer::Json];
    let client = connect(near, "localhost:80", "/ws", &offers, Bounds::JOINED);
    let (mut server, client) = soon(async { tokio::join!(server, client) }).await;
    let mut client = client.unwrap();
    assert_eq!(client.writer.serializer(), Some(Serializer::Json));
    for message in samples::all(Serializer::Json)
        .into_iter()
        .chain([call(Serializer::Json, 100_000)])
    {
        client.writer.send(message.clone()).await.unwrap();
        let echo = soon(server.next()).await.unwrap().unwrap();
        soon(server.send(echo)).await.unwrap();
        assert!(receive(&mut client).await == message);
    }
    client.writer.close().await.unwrap();
    assert!(matches!(soon(server.next()).await, Some(Ok(Frame::Close(Some(_))))));
    // The library answers when it is asked for what comes next.
    let (_, read) = soon(async { tokio::join!(server.next(), client.reader.next()) }).await;
    assert!(matches!(read, Ok(None)), "{read:?}");
}

#[tokio::test]
async fn what_the_server_sends_right_behind_its_answer_is_not_lost() {
    let mut client = client_of(&[&[0x81, 26][..], GOODBYE.as_bytes()].concat()).await.0;
    assert_eq!(receive(&mut client).await.name(), "GOODBYE");
}

/// Our client's end, and a router that has sent these bytes right behind its answer to the upgrade.
async fn client_of(behind: &[u8]) -> (Link, Stream) {
    let (near, far) = tcp().await;
    let mut far = far.into();
    let connecting = connect(near, "localhost", "/ws", &[Serializer::Json], Bounds::JOINED);
    let (client, _) = soon(async { tokio::join!(connecting, answer_upgrade(&mut far, behind)) }).await;
    (client.unwrap(), far)
}

#[tokio::test]
async fn a_server_that_is_no_wamp_router_is_named() {
    for (answer, expected) in [
        ("HTTP/1.1 403 Forbidden\r\n\r\nnot from here", "403"),
        ("SSH-2.0-OpenSSH\r\n", "does not speak HTTP"),
        (
            "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n",
            "Accept",
        ),
        ("", "lost"),
    ] {
        let (near, mut far) = tcp().await;
        far.write_all(answer.as_bytes()).await.unwrap();
        far.shutdown().await.unwrap();
        let connecting = connect(near, "localhost", "/ws", &[Serializer::Json], Bounds::JOINED);
        let error = soon(connecting).await.unwrap_err();
        assert!(error.to_string().contains(expected), "{answer}: {error}");
    }
}

#[tokio::test]
async fn a_head_without_end_is_given_up() {
    let (near, mut far) = tcp().await;
    let endless = format!("HTTP/1.1 101 Switching Protocols\r\nX: {}", "x".repeat(1 << 16));
    let send = async {
        // It fails when the client has gone.
        let _ = far.write_all(endless.as_bytes()).await;
    };
    let connecting = connect(near, "localhost", "/ws", &[Serializer::Json], Bounds::JOINED);
    let (connected, ()) = soon(async { tokio::join!(connecting, send) }).await;
    assert!(matches!(connected, Err(ConnectError::NotHttp)));
}

#[tokio::test]
async fn messages_in_pieces_with_pings_between_them_are_put_together() {
    let (mut link, mut peer) = raw_client(Serializer::Json).await;
    let (start, end) = GOODBYE.split_at(7);
    for bytes in [
        frame(0x01, start.as_bytes()),
        frame(0x89, b"ping"),
        frame(0x00, b""),
        frame(0x80, end.as_bytes()),
        frame(0x81, GOODBYE.as_bytes()),
    ] {
        peer.write_all(&bytes).await.unwrap();
    }
    assert_eq!(receive(&mut link).await.name(), "GOODBYE");
    assert_eq!(receive(&mut link).await.name(), "GOODBYE");
    let mut pong = [0; 6];
    soon(peer.read_exact(&mut pong)).await.unwrap();
    assert_eq!(&pong, b"\x8a\x04ping");
}

#[tokio::test]
async fn a_ping_is_answered_though_the_writer_is_idle_and_nothing_else_comes() {
    let (mut link, mut client) = foreign_client(Serializer::Cbor, Bounds::JOINED).await;
    client.send(Frame::Ping("are you there".into())).await.unwrap();
    tokio::select! {
        read = link.reader.next() => panic!("{read:?}"),
        answer = soon(client.next()) => assert_eq!(answer.unwrap().unwrap(), Frame::Pong("are you there".into())),
    }
}

#[tokio::test]
async fn masked_bytes_of_every_length_are_uncovered() {
    let (mut link, mut client) = foreign_client(Serializer::Json, Bounds::JOINED).await;
    for size in (0..40).chain([120, 130, 65_530, 65_540]) {
        let text = format!("{}{GOODBYE}", " ".repeat(size));
        soon(client.send(Frame::text(text))).await.unwrap();
        assert_eq!(receive(&mut link).await.name(), "GOODBYE", "{size}");
    }
}

#[tokio::test]
async fn each_broken_rule_is_a_violation_with_its_status() {
    let text = GOODBYE.as_bytes();
    let unmasked = [&[0x81, 26][..], text].concat();
    let too_long_ping = [&[0x89, 0x80 | 126, 0, 126, 0, 0, 0, 0][..], &[0; 126]].concat();
    for (name, bytes, status) in [
        ("unmasked", unmasked, 1002),
        ("reserved bit", frame(0xc1, text), 1002),
        ("reserved opcode", frame(0x83, text), 1002),
        ("ping in pieces", frame(0x09, b""), 1002),
        ("long ping", too_long_ping, 1002),
        ("continuation of nothing", frame(0x80, text), 1002),
        ("two beginnings", [frame(0x01, b"["), frame(0x01, b"[")].concat(), 1002),
        ("binary for text", frame(0x82, text), 1003),
        ("bad UTF-8", frame(0x81, b"[6,{},\"\xff\"]"), 1007),
        ("no JSON", frame(0x81, b"hello"), 1007),
        ("no WAMP", frame(0x81, b"[99]"), 1007),
        (
            "too long",
            [0x81, 0xff, 0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0].to_vec(),
            1009,
        ),
        (
            "length with its highest bit",
            [&[0x81, 0xff][..], &[0xff; 8], &[0; 4]].concat(),
            1009,
        ),
    ] {
        let (mut link, mut peer) = raw_client(Serializer::Json).await;
        peer.write_all(&bytes).await.unwrap();
        let violation = violation(&mut link).await;
        assert!(!violation.sentence.is_empty());
        closed(&mut link).await;
        assert_eq!(close_status(link, peer).await, Some(status), "{name}");
    }
}

#[tokio::test]
async fn text_where_binary_was_agreed_on_is_a_violation() {
    let (mut link, mut peer) = raw_client(Serializer::Cbor).await;
    peer.write_all(&frame(0x81, GOODBYE.as_bytes())).await.unwrap();
    assert!(violation(&mut link).await.sentence.contains("text"));
    assert_eq!(close_status(link, peer).await, Some(1003));
}

#[tokio::test]
async fn a_masked_frame_of_the_server_is_a_violation() {
    let (mut client, _far) = client_of(&frame(0x81, GOODBYE.as_bytes())).await;
    assert!(violation(&mut client).await.sentence.contains("masked"));
}

#[tokio::test]
async fn the_limit_holds_for_one_frame_and_for_all_pieces_together() {
    let bounds = Bounds {
        message_bytes: 200,
        ..Bounds::JOINED
    };
    let padded = |size: usize| format!("{GOODBYE}{}", " ".repeat(size - GOODBYE.len()));
    let (mut link, mut client) = foreign_client(Serializer::Json, bounds).await;
    client.send(Frame::text(padded(200))).await.unwrap();
    assert_eq!(receive(&mut link).await.name(), "GOODBYE");
    client.send(Frame::text(padded(201))).await.unwrap();
    assert_eq!(violation(&mut link).await.reason, wamp::error::PAYLOAD_SIZE_EXCEEDED);

    let (near, far) = tcp().await;
    let (mut link, mut peer) = (accepted(far, [], Serializer::Json, bounds), near);
    let text = padded(201);
    let (first, rest) = text.as_bytes().split_at(101);
    peer.write_all(&[frame(0x01, first), frame(0x80, &rest[..99])].concat())
        .await
        .unwrap();
    assert_eq!(receive(&mut link).await.name(), "GOODBYE");
    peer.write_all(&[frame(0x01, first), frame(0x80, rest)].concat())
        .await
        .unwrap();
    assert_eq!(violation(&mut link).await.reason, wamp::error::PAYLOAD_SIZE_EXCEEDED);
}

#[tokio::test]
async fn a_close_frame_is_answered_with_its_status_or_with_what_is_wrong_with_it() {
    for (sent, answer) in [
        (&b""[..], &b"\x88\x00"[..]),
        (b"\x03\xe8", b"\x88\x02\x03\xe8"),
        (b"\x03\xe9going away", b"\x88\x02\x03\xe9"),
        (b"\x0f\xa0", b"\x88\x02\x0f\xa0"),
        (b"\x03", b"\x88\x02\x03\xea"),
        (b"\x03\xed", b"\x88\x02\x03\xea"),
        (b"\xff\xff", b"\x88\x02\x03\xea"),
        (b"\x03\xe8caf\xc3\xa9", b"\x88\x02\x03\xe8"),
        (b"\x03\xe8\xff\xfe", b"\x88\x02\x03\xef"),
        (b"\x03\xe8caf\xc3", b"\x88\x02\x03\xef"),
        (b"\x03\xed\xff", b"\x88\x02\x03\xea"),
    ] {
        let (mut link, mut peer) = raw_client(Serializer::Json).await;
        peer.write_all(&frame(0x88, sent)).await.unwrap();
        closed(&mut link).await;
        link.writer.close().await.unwrap();
        let mut received = Vec::new();
        soon(peer.read_to_end(&mut received)).await.unwrap();
        assert_eq!(received, answer, "{sent:?}");
    }
}

#[tokio::test]
async fn a_connection_that_ends_without_a_close_frame_was_lost() {
    let (mut link, peer) = raw_client(Serializer::Json).await;
    drop(peer);
    broken_off(&mut link).await;
}

#[tokio::test]
async fn both_ends_close_in_order() {
    let (mut link, mut client) = foreign_client(Serializer::Json, Bounds::JOINED).await;
    link.writer.send(call(Serializer::Json, 1)).await.unwrap();
    link.writer.close().await.unwrap();
    assert!(soon(client.next()).await.unwrap().unwrap().is_text());
    assert!(soon(client.next()).await.unwrap().unwrap().is_close());
    let last = soon(client.next()).await;
    assert!(matches!(last, None | Some(Err(Error::ConnectionClosed))), "{last:?}");
    closed(&mut link).await;
}
