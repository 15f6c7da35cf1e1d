//! RawSocket against raw bytes.

use deskconn_link::rawsocket::{HandshakeError, Refusal, accept, connect, refuse};
use deskconn_link::{BounceReason, Link};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::UnixStream;
use wamp::codec::Serializer;
use wamp::limits::Bounds;
use wamp::outgoing::Outgoing;

use crate::support::{broken_off, call, closed, receive, soon, violation};

/// What the router answers to these octets, and what becomes of the link.
async fn handshake(request: &[u8], most: usize) -> (Vec<u8>, Result<Link, HandshakeError>) {
    let (mut peer, stream) = UnixStream::pair().unwrap();
    peer.write_all(request).await.unwrap();
    let accepted = soon(accept(stream, Bounds::JOINING, most)).await;
    let mut reply = vec![0; 4];
    let count = match &accepted {
        Ok(_) => peer.read_exact(&mut reply).await.unwrap(),
        // The connection is closed behind the reply.
        Err(_) => {
            reply.clear();
            soon(peer.read_to_end(&mut reply)).await.unwrap()
        }
    };
    reply.truncate(count);
    (reply, accepted)
}

#[tokio::test]
async fn every_second_octet_is_answered_as_the_specification_says() {
    for octet in 0..=u8::MAX {
        let (reply, accepted) = handshake(&[0x7f, octet, 0, 0], 1 << 20).await;
        match octet & 0x0f {
            number @ 1..=3 => {
                assert_eq!(reply, [0x7f, 0xb0 | number, 0, 0], "{octet:#04x}");
                let serializer = [Serializer::Json, Serializer::MessagePack, Serializer::Cbor][usize::from(number) - 1];
                assert_eq!(accepted.unwrap().writer.serializer(), Some(serializer));
            }
            number => {
                assert_eq!(reply, [0x7f, 0x10, 0, 0], "{octet:#04x}");
                assert!(matches!(accepted, Err(HandshakeError::Serializer(told)) if told == number));
            }
        }
    }
}

#[tokio::test]
async fn reserved_octets_are_answered_with_error_3() {
    for reserved in [[0, 1], [1, 0], [0xff, 0xff]] {
        let (reply, accepted) = handshake(&[0x7f, 0xf1, reserved[0], reserved[1]], 1 << 20).await;
        assert_eq!(reply, [0x7f, 0x30, 0, 0]);
        assert!(matches!(accepted, Err(HandshakeError::Reserved(told)) if told == reserved));
    }
}

#[tokio::test]
async fn another_protocol_gets_no_answer() {
    for first in [0, b'G', 0x16, 0x7e, 0x80, 0xff] {
        let (reply, accepted) = handshake(&[first], 1 << 20).await;
        assert!(reply.is_empty());
        assert!(matches!(accepted, Err(HandshakeError::NotRawSocket(told)) if told == first));
    }
}

#[tokio::test]
async fn a_full_router_answers_with_error_4() {
    let (peer, stream) = UnixStream::pair().unwrap();
    let refusing = refuse(stream, Refusal::TooManyConnections);
    let connecting = connect(peer, Serializer::Cbor, Bounds::JOINED);
    let (told, refused) = soon(async { tokio::join!(refusing, connecting) }).await;
    told.unwrap();
    assert!(matches!(
        refused,
        Err(HandshakeError::Refused(Refusal::TooManyConnections))
    ));
}

#[tokio::test]
async fn a_client_understands_every_reply() {
    for octet in 0..=u8::MAX {
        let (mut router, stream) = UnixStream::pair().unwrap();
        router.write_all(&[0x7f, octet, 0, 0]).await.unwrap();
        let connected = soon(connect(stream, Serializer::MessagePack, Bounds::JOINED)).await;
        match (octet >> 4, octet & 0x0f) {
            (_, 2) => assert!(connected.is_ok()),
            (code, 0) => {
                let expected = match code {
                    1 => Refusal::Serializer,
                    2 => Refusal::Length,
                    3 => Refusal::Reserved,
                    4 => Refusal::TooManyConnections,
                    other => Refusal::Other(other),
                };
                assert!(
                    matches!(connected, Err(HandshakeError::Refused(why)) if why == expected),
                    "{octet:#04x}"
                );
            }
            (_, other) => {
                assert!(matches!(connected, Err(HandshakeError::OtherSerializer(told)) if told == other));
            }
        }
    }
    for (reply, is_expected) in [([b'H', b'T', b'T', b'P'], "0x48"), ([0x7f, 0xf2, 0, 1], "0x0001")] {
        let (mut router, stream) = UnixStream::pair().unwrap();
        router.write_all(&reply).await.unwrap();
        let error = soon(connect(stream, Serializer::MessagePack, Bounds::JOINED))
            .await
            .unwrap_err();
        assert!(error.to_string().contains(is_expected), "{error}");
    }
}

#[tokio::test]
async fn a_handshake_that_comes_octet_by_octet_is_understood_and_one_that_breaks_off_is_an_error() {
    let (mut peer, stream) = UnixStream::pair().unwrap();
    let send = async {
        for octet in [0x7f, 0xf3, 0, 0] {
            peer.write_all(&[octet]).await.unwrap();
            tokio::task::yield_now().await;
        }
    };
    let (accepted, ()) = soon(async { tokio::join!(accept(stream, Bounds::JOINING, 1 << 20), send) }).await;
    assert_eq!(accepted.unwrap().writer.serializer(), Some(Serializer::Cbor));
    for count in 0..4 {
        let (mut peer, stream) = UnixStream::pair().unwrap();
        peer.write_all(&[0x7f, 0xf3, 0, 0][..count]).await.unwrap();
        drop(peer);
        assert!(matches!(
            soon(accept(stream, Bounds::JOINING, 1 << 20)).await,
            Err(HandshakeError::Io(_))
        ));
    }
}

/// A raw peer that has shaken hands, and the router's end.
async fn joined(length: u8, bounds: Bounds) -> (UnixStream, Link) {
    let (mut peer, stream) = UnixStream::pair().unwrap();
    peer.write_all(&[0x7f, length << 4 | 1, 0, 0]).await.unwrap();
    let link = soon(accept(stream, bounds, bounds.message_bytes)).await.unwrap();
    let mut reply = [0; 4];
    peer.read_exact(&mut reply).await.unwrap();
    (peer, link)
}

fn frame(first: u8, body: &[u8]) -> Vec<u8> {
    let [_, a, b, c] = u32::try_from(body.len()).unwrap().to_be_bytes();
    [&[first, a, b, c], body].concat()
}

const GOODBYE: &[u8] = br#"[6,{},"wamp.close.normal"]"#;

#[tokio::test]
async fn pings_are_answered_in_order_and_other_frames_are_passed_over() {
    let (mut peer, mut link) = joined(15, Bounds::JOINED).await;
    let mut expected = Vec::new();
    for payload in [&b""[..], b"a", &[0x7f; 1000]] {
        peer.write_all(&frame(1, payload)).await.unwrap();
        expected.extend(frame(2, payload));
    }
    peer.write_all(&frame(2, b"nobody asked for this")).await.unwrap();
    peer.write_all(&frame(0, GOODBYE)).await.unwrap();
    assert_eq!(receive(&mut link).await.name(), "GOODBYE");
    let mut answers = vec![0; expected.len()];
    soon(peer.read_exact(&mut answers)).await.unwrap();
    assert_eq!(answers, expected);
}

#[tokio::test]
async fn a_ping_is_answered_though_the_writer_is_idle_and_nothing_else_comes() {
    let (mut peer, mut link) = joined(15, Bounds::JOINED).await;
    peer.write_all(&frame(1, b"are you there")).await.unwrap();
    let mut answer = vec![0; 17];
    tokio::select! {
        read = link.reader.next() => panic!("{read:?}"),
        answered = soon(peer.read_exact(&mut answer)) => { answered.unwrap(); }
    }
    assert_eq!(answer, frame(2, b"are you there"));
}

#[tokio::test]
async fn reserved_bits_and_types_are_violations() {
    for first in [0x10, 0x80, 3, 7] {
        let (mut peer, mut link) = joined(15, Bounds::JOINED).await;
        peer.write_all(&frame(first, GOODBYE)).await.unwrap();
        assert_eq!(violation(&mut link).await.reason, wamp::error::PROTOCOL_VIOLATION);
        closed(&mut link).await;
    }
}

#[tokio::test]
async fn the_longest_message_is_taken_and_one_byte_more_is_refused_by_its_length_alone() {
    let bounds = Bounds {
        message_bytes: 1024,
        ..Bounds::JOINED
    };
    let padded = |size: usize| [GOODBYE, &vec![b' '; size - GOODBYE.len()]].concat();
    let (mut peer, mut link) = joined(15, bounds).await;
    peer.write_all(&frame(0, &padded(1024))).await.unwrap();
    assert_eq!(receive(&mut link).await.name(), "GOODBYE");
    // Only the header comes; the body is never waited for.
    peer.write_all(&frame(0, &padded(1025))[..4]).await.unwrap();
    let violation = violation(&mut link).await;
    assert_eq!(violation.reason, wamp::error::PAYLOAD_SIZE_EXCEEDED);
    assert!(violation.sentence.contains("1025"), "{violation}");
}

#[tokio::test]
async fn bounds_can_be_widened_when_the_peer_has_joined() {
    let bounds = Bounds {
        message_bytes: 64,
        ..Bounds::JOINED
    };
    let padded = [GOODBYE, &[b' '; 100]].concat();
    let (mut peer, mut link) = joined(15, bounds).await;
    link.reader.set_bounds(Bounds::JOINED);
    peer.write_all(&frame(0, &padded)).await.unwrap();
    assert_eq!(receive(&mut link).await.name(), "GOODBYE");
    link.reader.set_bounds(bounds);
    peer.write_all(&frame(0, &padded)).await.unwrap();
    assert_eq!(violation(&mut link).await.reason, wamp::error::PAYLOAD_SIZE_EXCEEDED);
}

#[tokio::test]
async fn a_message_longer_than_the_peer_takes_bounces_and_the_next_arrives() {
    // LENGTH 0: 512 bytes at most.
    let (mut peer, mut link) = joined(0, Bounds::JOINED).await;
    let empty = call(Serializer::Json, 0);
    let mut encoded = bytes::BytesMut::new();
    wamp::codec::encode(Serializer::Json, &empty, &mut encoded).unwrap();
    let fitting = call(Serializer::Json, 512 - encoded.len());
    let longer = call(Serializer::Json, 513 - encoded.len());
    let mut batch = [&longer, &fitting].map(|message| Outgoing::One(message.clone())).into();
    let mut bounced = Vec::new();
    soon(link.writer.send_all(&mut batch, &mut bounced)).await.unwrap();
    assert!(matches!(&bounced[..], [(Outgoing::One(one), BounceReason::TooLong)] if *one == longer));
    bounced.clear();
    soon(link.writer.send_all(&mut batch, &mut bounced)).await.unwrap();
    assert!(batch.is_empty() && bounced.is_empty());
    let mut received = vec![0; 516];
    soon(peer.read_exact(&mut received)).await.unwrap();
    assert_eq!(received[..4], [0, 0, 2, 0]);
    assert!(link.writer.send(longer).await.is_err());
}

#[tokio::test]
async fn a_message_of_exactly_16_mib_goes_both_ways_and_one_byte_more_does_not() {
    const MOST: usize = 1 << 24;
    let bounds = Bounds {
        message_bytes: MOST,
        ..Bounds::JOINED
    };
    let (near, far) = UnixStream::pair().unwrap();
    let client = connect(near, Serializer::Json, bounds);
    let (client, router) = soon(async { tokio::join!(client, accept(far, bounds, MOST)) }).await;
    let (mut client, mut router) = (client.unwrap(), router.unwrap());
    let mut encoded = bytes::BytesMut::new();
    wamp::codec::encode(Serializer::Json, &call(Serializer::Json, 0), &mut encoded).unwrap();
    let message = call(Serializer::Json, MOST - encoded.len());
    let longer = call(Serializer::Json, MOST - encoded.len() + 1);
    assert!(client.writer.send(longer).await.is_err());
    let (sent, received) =
        soon(async { tokio::join!(client.writer.send(message.clone()), router.reader.next()) }).await;
    sent.unwrap();
    assert!(received.unwrap().is_some_and(|received| received == message));
}

#[tokio::test]
async fn a_peer_that_has_closed_its_half_still_gets_what_is_sent() {
    let (mut peer, mut link) = joined(15, Bounds::JOINED).await;
    peer.write_all(&frame(0, GOODBYE)).await.unwrap();
    peer.shutdown().await.unwrap();
    assert_eq!(receive(&mut link).await.name(), "GOODBYE");
    closed(&mut link).await;
    link.writer.send(call(Serializer::Json, 1)).await.unwrap();
    link.writer.close().await.unwrap();
    let mut received = Vec::new();
    soon(peer.read_to_end(&mut received)).await.unwrap();
    assert!(received.ends_with(b"x\"]]"), "{received:?}");
}

#[tokio::test]
async fn a_connection_that_breaks_off_in_a_frame_is_an_error() {
    let whole = frame(0, GOODBYE);
    for count in [1, 3, 4, 5, whole.len() - 1] {
        let (mut peer, mut link) = joined(15, Bounds::JOINED).await;
        peer.write_all(&whole[..count]).await.unwrap();
        drop(peer);
        broken_off(&mut link).await;
    }
}

#[tokio::test]
async fn answers_that_wait_when_a_rule_is_broken_go_out_with_the_close() {
    // More than the runtime lets a task do in one turn, so that some answers are still waiting.
    const PINGS: usize = 500;
    let (mut peer, mut link) = joined(15, Bounds::JOINED).await;
    peer.write_all(&frame(1, b"ping").repeat(PINGS)).await.unwrap();
    peer.write_all(&frame(7, b"")).await.unwrap();
    violation(&mut link).await;
    link.writer.close().await.unwrap();
    let mut answers = Vec::new();
    soon(peer.read_to_end(&mut answers)).await.unwrap();
    assert_eq!(answers, frame(2, b"ping").repeat(PINGS));
}
