//! A decoder: what it reads can be written and read again, and means the same in the other serializers.

use bytes::{Bytes, BytesMut};
use serde::de::IgnoredAny;
use wamp::codec::{self, Serializer};
use wamp::limits::Bounds;
use wamp::message::Message;
use wamp::value::{Dict, Value};

/// A conversion may make a message longer, and count what was one value as two.
const WIDE: Bounds = Bounds {
    message_bytes: usize::MAX,
    values: usize::MAX,
    ..Bounds::JOINED
};

/// Checks one input.
pub fn decoding(serializer: Serializer, data: &[u8]) {
    let frame = Bytes::copy_from_slice(data);
    let decoded = codec::decode(serializer, &frame, &Bounds::JOINED);
    let strict = codec::decode(serializer, &frame, &Bounds::JOINING);
    let message = match decoded {
        Ok(message) => message,
        Err(violation) => {
            assert!(!violation.sentence.is_empty());
            assert!(strict.is_err(), "tighter bounds accept what wider ones refuse");
            return;
        }
    };
    if let Ok(strict) = strict {
        assert_same(&strict, &message);
    }
    if serializer == Serializer::Json {
        // Another reader of JSON must find it well formed too.
        assert!(serde_json::from_slice::<IgnoredAny>(data).is_ok(), "this is no JSON");
    }
    let again = encode(serializer, &message).expect("a message can be written as it came");
    let again = codec::decode(serializer, &again, &WIDE).expect("what was written can be read");
    assert_same(&again, &message);
    for other in Serializer::ALL.into_iter().filter(|other| *other != serializer) {
        let Some(converted) = encode(other, &message) else {
            continue;
        };
        let there = codec::decode(other, &converted, &WIDE).expect("what was converted can be read");
        assert_same_meaning(&there, &message);
        let back = encode(serializer, &there).expect("what was converted can go back");
        let back = codec::decode(serializer, &back, &WIDE).expect("what came back can be read");
        assert_same_meaning(&back, &message);
    }
}

fn encode(serializer: Serializer, message: &Message) -> Option<Bytes> {
    let mut out = BytesMut::from(&b"before"[..]);
    let encoded = codec::encode(serializer, message, &mut out);
    assert!(out.starts_with(b"before"));
    let written = out.split_off(b"before".len());
    if encoded.is_err() {
        assert!(written.is_empty(), "a failed attempt leaves nothing behind");
        return None;
    }
    Some(written.freeze())
}

/// Messages with the same header and, byte for byte, the same arguments.
fn assert_same(one: &Message, other: &Message) {
    // Not by equality: a NaN in the details of a HELLO does not equal itself.
    assert_eq!(format!("{one:?}"), format!("{other:?}"));
}

/// Messages of the same kind with arguments of the same values.
fn assert_same_meaning(one: &Message, other: &Message) {
    assert_eq!(one.name(), other.name());
    let (Some(one), Some(other)) = (one.payload(), other.payload()) else {
        return;
    };
    let (one, other) = (
        one.to_values().expect("it was converted"),
        other.to_values().expect("it was converted"),
    );
    assert!(
        same_lists(&one.0, &other.0) && same_dicts(&one.1, &other.1),
        "{one:?} is not {other:?}"
    );
}

fn same(one: &Value, other: &Value) -> bool {
    match (one, other) {
        (Value::Float(one), Value::Float(other)) => {
            one.to_bits() == other.to_bits() || (one.is_nan() && other.is_nan())
        }
        (Value::List(one), Value::List(other)) => same_lists(one, other),
        (Value::Dict(one), Value::Dict(other)) => same_dicts(one, other),
        (one, other) => one == other,
    }
}

fn same_lists(one: &[Value], other: &[Value]) -> bool {
    one.len() == other.len() && one.iter().zip(other).all(|(one, other)| same(one, other))
}

fn same_dicts(one: &Dict, other: &Dict) -> bool {
    let same = |(one, other): ((&String, &Value), (&String, &Value))| one.0 == other.0 && same(one.1, other.1);
    one.len() == other.len() && one.iter().zip(other).all(same)
}
