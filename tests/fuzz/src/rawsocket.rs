//! RawSocket, against a second, simple reading of the specification that has the whole input before it.

use bytes::Bytes;
use link::rawsocket::accept;
use wamp::codec::{self, Serializer};
use wamp::limits::Bounds;
use wamp::message::Message;

use crate::connection::{End, Outcome, serve};

const BOUNDS: Bounds = Bounds {
    message_bytes: 1000,
    ..Bounds::JOINED
};
/// The announced length, 2^20.
const LENGTH_FIELD: u8 = 11;

/// Checks one input: where it is cut, the handshake, the frames.
pub fn rawsocket(data: &[u8]) {
    let outcome = serve(data, |stream| async { accept(stream, BOUNDS, 1 << 20).await.ok() });
    let expected = read(data.get(1..).unwrap_or_default());
    assert_eq!(outcome.end, expected.end);
    assert_eq!(format!("{:?}", outcome.messages), format!("{:?}", expected.messages));
    // A connection that is refused with input unread is reset, and its answer may be lost with it.
    if outcome.end.is_some() {
        assert_eq!(outcome.answers, expected.answers);
    } else {
        assert!(outcome.answers.is_empty() || outcome.answers == expected.answers);
    }
}

fn read(data: &[u8]) -> Outcome {
    let mut outcome = Outcome {
        messages: Vec::new(),
        end: None,
        answers: Vec::new(),
    };
    let Some((&[magic, octet, first, second], frames)) = data.split_first_chunk() else {
        return outcome;
    };
    if magic != 0x7f {
        return outcome;
    }
    let serializer = match octet & 15 {
        1 => Serializer::Json,
        2 => Serializer::MessagePack,
        3 => Serializer::Cbor,
        _ if (first, second) == (0, 0) => {
            outcome.answers = vec![0x7f, 0x10, 0, 0];
            return outcome;
        }
        _ => Serializer::Json,
    };
    if (first, second) != (0, 0) {
        outcome.answers = vec![0x7f, 0x30, 0, 0];
        return outcome;
    }
    outcome.answers = vec![0x7f, LENGTH_FIELD << 4 | octet & 15, 0, 0];
    outcome.end = Some(read_frames(
        frames,
        serializer,
        &mut outcome.messages,
        &mut outcome.answers,
    ));
    outcome
}

fn read_frames(mut data: &[u8], serializer: Serializer, messages: &mut Vec<Message>, answers: &mut Vec<u8>) -> End {
    loop {
        let Some((header, rest)) = data.split_first_chunk::<4>() else {
            return if data.is_empty() { End::Closed } else { End::Lost };
        };
        let length = u32::from_be_bytes([0, header[1], header[2], header[3]]) as usize;
        // 16 MiB is longer than these bounds, so the bit that says it is a violation either way.
        if header[0] > 2 || length > BOUNDS.message_bytes {
            return End::Violation;
        }
        let Some((body, rest)) = rest.split_at_checked(length) else {
            return End::Lost;
        };
        data = rest;
        match header[0] {
            0 => match codec::decode(serializer, &Bytes::copy_from_slice(body), &BOUNDS) {
                Ok(message) => messages.push(message),
                Err(_) => return End::Violation,
            },
            1 => answers.extend([&[2, header[1], header[2], header[3]], body].concat()),
            _ => {}
        }
    }
}
