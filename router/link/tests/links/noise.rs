//! Noise inside WebSocket: handshakes that must fail, and a raw peer that does what ours never does.

use deskconn_link::noise::{self, Established, HandshakeError, Initiator, MAX_HANDSHAKE, Responder};
use deskconn_link::{Link, ReadError};
use snow::{HandshakeState, StatelessTransportState};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::UnixStream;
use wamp::codec::{self, Serializer};
use wamp::error::Violation;
use wamp::limits::Bounds;
use wamp::message::Message;

use crate::support::{Socket, call, introduced, receive, soon, static_key, upgraded_to_noise, violation};

const JSON: [Serializer; 1] = [Serializer::Json];

/// Both ends of a handshake between our own ends.
async fn handshake(
    responder: &Responder,
    initiator: &Initiator,
) -> (
    Result<Link, HandshakeError>,
    Result<(Link, Established), HandshakeError>,
) {
    let (near, far) = Socket::Unix.pair().await;
    let client = noise::connect(near, "localhost", "/ws", initiator, &JSON, Bounds::JOINED);
    let router = async {
        let far = upgraded_to_noise(far).await;
        noise::accept(far, [], responder, Bounds::JOINED).await
    };
    soon(async { tokio::join!(client, router) }).await
}

#[tokio::test]
async fn the_router_learns_who_the_client_is_and_each_session_has_another_hash() {
    let (responder, initiator, public) = introduced();
    let mut hashes = Vec::new();
    for _ in 0..2 {
        let (client, router) = handshake(&responder, &initiator).await;
        assert!(client.is_ok());
        let (_, established) = router.unwrap();
        assert_eq!(established.key, public);
        hashes.push(established.hash);
    }
    assert_ne!(hashes[0], hashes[1]);
    assert!(!format!("{responder:?}{initiator:?}").contains("Zeroizing"));
}

#[tokio::test]
async fn a_router_with_another_key_or_another_id_is_no_router_for_this_client() {
    let (responder, initiator, _) = introduced();
    let other_key = Responder {
        secret: static_key().0,
        ..responder.clone()
    };
    let other_id = Responder {
        did: [8; 32],
        ..responder
    };
    for wrong in [other_key, other_id] {
        let (client, router) = handshake(&wrong, &initiator).await;
        assert!(matches!(client, Err(HandshakeError::Closed)), "{client:?}");
        assert!(matches!(router, Err(HandshakeError::NotGenuine)), "{router:?}");
    }
}

/// A client made of the Noise library and bytes, on a connection that is already upgraded.
struct Raw {
    stream: UnixStream,
    state: HandshakeState,
}

/// The same behind its handshake.
pub(crate) struct Past {
    pub(crate) stream: UnixStream,
    cipher: StatelessTransportState,
    nonce: u64,
}

/// A client's frame, hidden with a key of zeros, which changes nothing.
fn frame(first: u8, payload: &[u8]) -> Vec<u8> {
    let mut frame = vec![first];
    match u16::try_from(payload.len()) {
        Ok(length @ 0..=125) => frame.push(0x80 | length.to_be_bytes()[1]),
        Ok(length) => frame.extend([&[0x80 | 126][..], &length.to_be_bytes()].concat()),
        Err(_) => frame.extend([&[0x80 | 127][..], &(payload.len() as u64).to_be_bytes()].concat()),
    }
    frame.extend([0; 4]);
    frame.extend_from_slice(payload);
    frame
}

impl Raw {
    fn new(stream: UnixStream, initiator: &Initiator, secret: &[u8]) -> Self {
        let prologue = [&b"deskconn.noise.1"[..], &initiator.did].concat();
        let state = snow::Builder::new("Noise_IK_25519_ChaChaPoly_SHA256".parse().unwrap())
            .local_private_key(secret)
            .and_then(|builder| builder.remote_public_key(&initiator.desktop))
            .and_then(|builder| builder.prologue(&prologue))
            .and_then(snow::Builder::build_initiator)
            .unwrap();
        Self { stream, state }
    }

    fn first(&mut self, payload: &[u8]) -> Vec<u8> {
        let mut message = vec![0; 65_535];
        let length = self.state.write_message(payload, &mut message).unwrap();
        message.truncate(length);
        message
    }

    /// Reads the router's answer.
    async fn finish(mut self) -> (Past, Vec<u8>) {
        let mut head = [0; 2];
        self.stream.read_exact(&mut head).await.unwrap();
        assert_eq!(head[0], 0x82, "one binary message");
        let mut message = vec![0; usize::from(head[1])];
        self.stream.read_exact(&mut message).await.unwrap();
        let mut payload = vec![0; message.len()];
        let length = self.state.read_message(&message, &mut payload).unwrap();
        payload.truncate(length);
        let cipher = self.state.into_stateless_transport_mode().unwrap();
        let past = Past {
            stream: self.stream,
            cipher,
            nonce: 0,
        };
        (past, payload)
    }
}

impl Past {
    /// A frame with this plaintext.
    fn sealed(&mut self, plain: &[u8]) -> Vec<u8> {
        let mut message = vec![0; plain.len() + 16];
        self.cipher.write_message(self.nonce, plain, &mut message).unwrap();
        self.nonce += 1;
        frame(0x82, &message)
    }

    async fn send(&mut self, bytes: &[u8]) {
        self.stream.write_all(bytes).await.unwrap();
    }
}

/// A raw client in front of our router.
fn raw() -> (Raw, Responder, UnixStream) {
    let (near, far) = UnixStream::pair().unwrap();
    let (responder, initiator, _) = introduced();
    (Raw::new(near, &initiator, &[9; 32]), responder, far)
}

/// The router's end past the handshake, and the raw client.
pub(crate) async fn past_handshake(bounds: Bounds) -> (Link, Past) {
    let (mut client, responder, far) = raw();
    let first = frame(0x82, &client.first(b"wamp.2.json"));
    client.stream.write_all(&first).await.unwrap();
    let accept = noise::accept(far, [], &responder, bounds);
    let (accepted, (past, chosen)) = soon(async { tokio::join!(accept, client.finish()) }).await;
    assert_eq!(chosen, b"wamp.2.json");
    (accepted.unwrap().0, past)
}

fn encoded(message: &Message) -> Vec<u8> {
    let mut bytes = bytes::BytesMut::new();
    codec::encode(Serializer::Json, message, &mut bytes).unwrap();
    bytes.to_vec()
}

#[tokio::test]
async fn the_first_subprotocol_that_is_spoken_here_is_chosen() {
    for (offers, chosen) in [
        ("wamp.2.cbor.batched,wamp.2.cbor,wamp.2.json", "wamp.2.cbor"),
        ("wamp.2.msgpack", "wamp.2.msgpack"),
        ("wamp.2.json, wamp.2.cbor", "wamp.2.json"),
    ] {
        let (mut client, responder, far) = raw();
        let first = frame(0x82, &client.first(offers.as_bytes()));
        client.stream.write_all(&first).await.unwrap();
        let accept = noise::accept(far, [], &responder, Bounds::JOINED);
        let (accepted, (_, answer)) = soon(async { tokio::join!(accept, client.finish()) }).await;
        assert_eq!(String::from_utf8(answer).unwrap(), chosen);
        let serializer = accepted.unwrap().0.writer.serializer().unwrap();
        assert_eq!(deskconn_link::websocket::subprotocol(serializer), chosen);
    }
}

#[tokio::test]
async fn a_first_message_that_offers_nothing_spoken_or_is_altered_is_refused_and_closed() {
    type Change = fn(&mut Vec<u8>);
    let flip: Change = |message| message[40] ^= 1;
    let cut: Change = |message| message.truncate(95);
    let lengthen: Change = |message| message.push(0);
    let empty: Change = Vec::clear;
    let keep: Change = |_| ();
    for (payload, change) in [
        (&b""[..], keep),
        (b"wamp.2.flatbuffers", keep),
        (b"\xff\xfe", keep),
        (b"wamp.2.json", flip),
        (b"wamp.2.json", cut),
        (b"wamp.2.json", lengthen),
        (b"wamp.2.json", empty),
    ] {
        let (mut client, responder, far) = raw();
        let mut first = client.first(payload);
        change(&mut first);
        client.stream.write_all(&frame(0x82, &first)).await.unwrap();
        let accepted = soon(noise::accept(far, [], &responder, Bounds::JOINED)).await;
        assert!(accepted.is_err(), "{payload:?}");
        let mut answer = Vec::new();
        soon(client.stream.read_to_end(&mut answer)).await.unwrap();
        assert_eq!(answer, [0x88, 2, 3, 232], "a Close frame and nothing else");
    }
}

#[tokio::test]
async fn every_bit_of_the_first_message_is_covered() {
    let (responder, initiator, _) = introduced();
    let (near, _far) = UnixStream::pair().unwrap();
    let first = Raw::new(near, &initiator, &[9; 32]).first(b"wamp.2.json");
    for at in 0..first.len() {
        let (mut near, far) = UnixStream::pair().unwrap();
        let mut altered = first.clone();
        altered[at] ^= 0x10;
        near.write_all(&frame(0x82, &altered)).await.unwrap();
        let accepted = soon(noise::accept(far, [], &responder, Bounds::JOINED)).await;
        assert!(accepted.is_err(), "byte {at}");
    }
}

#[tokio::test]
async fn a_handshake_message_may_have_so_many_bytes_and_one_more_is_refused_before_it_is_read() {
    for more in [0, 1] {
        let (mut client, responder, far) = raw();
        let padding = MAX_HANDSHAKE - 96 - "wamp.2.json,".len() + more;
        let payload = format!("wamp.2.json,{}", "x".repeat(padding));
        let first = client.first(payload.as_bytes());
        assert_eq!(first.len(), MAX_HANDSHAKE + more);
        client.stream.write_all(&frame(0x82, &first)).await.unwrap();
        let accepted = soon(noise::accept(far, [], &responder, Bounds::JOINED)).await;
        match (more, accepted) {
            (0, Ok(_)) | (1, Err(HandshakeError::Lost(ReadError::Violation(_)))) => {}
            (_, other) => panic!("{other:?}"),
        }
    }
    // Only the header of a frame of 2^31 and of 2^63 - 1 bytes.
    for length in [1_u64 << 31, (1 << 63) - 1] {
        let (mut near, far) = UnixStream::pair().unwrap();
        let head = [&[0x82, 0x80 | 127][..], &length.to_be_bytes(), &[0; 4]].concat();
        near.write_all(&head).await.unwrap();
        let accepted = soon(noise::accept(far, [], &introduced().0, Bounds::JOINED)).await;
        assert!(matches!(accepted, Err(HandshakeError::Lost(ReadError::Violation(_)))));
    }
}

#[tokio::test]
async fn a_first_message_that_somebody_recorded_opens_no_session() {
    let (responder, initiator, _) = introduced();
    let (near, far) = UnixStream::pair().unwrap();
    let mut client = Raw::new(near, &initiator, &[9; 32]);
    let first = frame(0x82, &client.first(b"wamp.2.json"));
    client.stream.write_all(&first).await.unwrap();
    let accept = noise::accept(far, [], &responder, Bounds::JOINED);
    let (_, (mut past, _)) = soon(async { tokio::join!(accept, client.finish()) }).await;
    let hello = past.sealed(&[&[0][..], &encoded(&call(Serializer::Json, 10))].concat());
    // Who recorded both replays both: the answer has another ephemeral key, so the second does not fit.
    let (mut near, far) = UnixStream::pair().unwrap();
    near.write_all(&[first, hello].concat()).await.unwrap();
    let (mut link, _) = soon(noise::accept(far, [], &responder, Bounds::JOINED)).await.unwrap();
    let read = soon(link.reader.next()).await;
    assert!(matches!(read, Err(ReadError::Io(_))), "{read:?}");
}

#[tokio::test]
async fn a_message_in_pieces_of_any_size_is_put_together() {
    let (mut link, mut client) = past_handshake(Bounds::JOINED).await;
    let message = call(Serializer::Json, 300);
    let bytes = encoded(&message);
    for size in [1, 2, 7, 100, bytes.len()] {
        let pieces: Vec<_> = bytes.chunks(size).collect();
        let mut sealed = Vec::new();
        for (number, piece) in pieces.iter().enumerate() {
            let more = u8::from(number + 1 < pieces.len());
            sealed.extend(client.sealed(&[&[more][..], piece].concat()));
        }
        let (received, ()) = tokio::join!(receive(&mut link), client.send(&sealed));
        assert_eq!(received, message);
    }
}

#[tokio::test]
async fn pieces_may_add_up_to_the_bound_and_to_no_byte_more() {
    let bounds = Bounds {
        message_bytes: 1000,
        ..Bounds::JOINED
    };
    for more in [0, 1] {
        let (mut link, mut client) = past_handshake(bounds).await;
        let empty = encoded(&call(Serializer::Json, 0)).len();
        let message = call(Serializer::Json, 1000 - empty + more);
        for (number, piece) in encoded(&message).chunks(200).enumerate() {
            let flag = u8::from(number < 4 + more);
            let sealed = client.sealed(&[&[flag][..], piece].concat());
            client.send(&sealed).await;
        }
        if more == 0 {
            assert_eq!(receive(&mut link).await, message);
        } else {
            let Violation { reason, .. } = violation(&mut link).await;
            assert_eq!(reason, wamp::error::PAYLOAD_SIZE_EXCEEDED);
        }
    }
}

#[tokio::test]
async fn frames_that_are_not_noise_end_the_session_and_deliver_nothing() {
    let plain = encoded(&call(Serializer::Json, 10));
    let huge = |length: u64| [&[0x82, 0x80 | 127][..], &length.to_be_bytes(), &[0; 4]].concat();
    for (bytes, is_violation) in [
        (frame(0x82, &plain), false),
        (frame(0x82, &[]), false),
        (frame(0x82, &[0; 16]), false),
        (frame(0x82, &[0; 17]), false),
        // A text message, and lengths that no Noise message has.
        (frame(0x81, &plain), true),
        (frame(0x82, &vec![0; 65_536]), true),
        (huge(1 << 31), true),
        (huge((1 << 63) - 1), true),
    ] {
        let (mut link, mut client) = past_handshake(Bounds::JOINED).await;
        // The router stops reading when it has seen enough.
        let (read, _) = soon(async { tokio::join!(link.reader.next(), client.stream.write_all(&bytes)) }).await;
        match read {
            Err(ReadError::Violation(_)) if is_violation => {}
            Err(ReadError::Io(_)) if !is_violation => {}
            other => panic!("{other:?} for {:x?}", &bytes[..bytes.len().min(20)]),
        }
        assert!(matches!(soon(link.reader.next()).await, Ok(None)));
    }
}
