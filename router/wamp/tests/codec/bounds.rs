//! Every bound of the decoder, at it and past it, in every serializer, in the header and in the arguments.

use bytes::Bytes;
use deskconn_wamp::codec::{self, Serializer};
use deskconn_wamp::error::{PAYLOAD_SIZE_EXCEEDED, PROTOCOL_VIOLATION};
use deskconn_wamp::limits::{Bounds, MAX_NUMBER};
use deskconn_wamp::message::Message;

use Serializer::{Cbor, Json, MessagePack};

const WIDE: Bounds = Bounds {
    message_bytes: 1 << 24,
    depth: 1 << 20,
    values: 1 << 24,
};

/// `CALL` with these arguments: a list of `count` nulls, inside of `depth` more lists.
fn call(serializer: Serializer, depth: usize, count: usize) -> Bytes {
    match serializer {
        Json => json(("[48,1,{},\"a.b\",", "]"), depth, count),
        MessagePack => binary(b"\x95\x30\x01\x80\xa3a.b", &MSGPACK, depth, count),
        Cbor => binary(b"\x85\x18\x30\x01\xa0\x63a.b", &CBOR, depth, count),
    }
}

/// `HELLO` whose details have such a list.
fn hello(serializer: Serializer, depth: usize, count: usize) -> Bytes {
    match serializer {
        Json => json(("[1,\"r\",{\"k\":", "}]"), depth, count),
        MessagePack => binary(b"\x93\x01\xa1r\x81\xa1k", &MSGPACK, depth, count),
        Cbor => binary(b"\x83\x01\x61r\xa1\x61k", &CBOR, depth, count),
    }
}

/// A list of one, a long list, and null.
const MSGPACK: [u8; 3] = [0x91, 0xdd, 0xc0];
const CBOR: [u8; 3] = [0x81, 0x9a, 0xf6];

fn binary(head: &[u8], [one, long, null]: &[u8; 3], depth: usize, count: usize) -> Bytes {
    let length = u32::try_from(count).unwrap().to_be_bytes();
    [head, &vec![*one; depth], &[*long], &length, &vec![*null; count]]
        .concat()
        .into()
}

fn json((head, tail): (&str, &str), depth: usize, count: usize) -> Bytes {
    let nulls = vec!["null"; count].join(",");
    let (open, close) = ("[".repeat(depth + 1), "]".repeat(depth + 1));
    format!("{head}{open}{nulls}{close}{tail}").into()
}

fn sentence(serializer: Serializer, frame: &Bytes, bounds: &Bounds) -> Option<String> {
    let violation = codec::decode(serializer, frame, bounds).err()?;
    assert_eq!(violation.reason, PROTOCOL_VIOLATION);
    Some(violation.sentence)
}

#[test]
fn the_deepest_message_is_taken_and_one_level_more_is_refused() {
    for serializer in Serializer::ALL {
        for limit in [2, 3, 16, 32, 256] {
            let bounds = Bounds { depth: limit, ..WIDE };
            // The message is one level, its arguments the next.
            assert_eq!(
                sentence(serializer, &call(serializer, limit - 2, 0), &bounds),
                None,
                "{serializer:?} {limit}"
            );
            let error = sentence(serializer, &call(serializer, limit - 1, 0), &bounds).unwrap();
            let says = format!("nested too deeply: {limit} levels are taken");
            assert!(error.contains(&says), "{error}");
            if limit > 2 {
                assert_eq!(sentence(serializer, &hello(serializer, limit - 3, 0), &bounds), None);
                assert!(sentence(serializer, &hello(serializer, limit - 2, 0), &bounds).is_some());
            }
        }
    }
}

#[test]
fn no_bounds_allow_a_depth_that_exhausts_the_stack() {
    for serializer in Serializer::ALL {
        assert_eq!(sentence(serializer, &call(serializer, 254, 0), &WIDE), None);
        for depth in [255, 100_000] {
            assert!(
                sentence(serializer, &call(serializer, depth, 0), &WIDE)
                    .unwrap()
                    .contains("too deeply: 256 levels")
            );
            assert!(
                sentence(serializer, &hello(serializer, depth, 0), &WIDE)
                    .unwrap()
                    .contains("too deeply")
            );
        }
    }
}

#[test]
fn as_many_values_as_are_allowed_are_taken_and_one_more_is_refused() {
    // The message itself, code, id, options, URI, list.
    const HEADER: usize = 6;
    // The message itself, code, realm, details, key, list.
    const HELLO_HEADER: usize = 6;
    for serializer in Serializer::ALL {
        for limit in [HEADER, 256, 65_536] {
            let bounds = Bounds { values: limit, ..WIDE };
            assert_eq!(
                sentence(serializer, &call(serializer, 0, limit - HEADER), &bounds),
                None,
                "{serializer:?}"
            );
            let error = sentence(serializer, &call(serializer, 0, limit - HEADER + 1), &bounds).unwrap();
            let says = format!("too many values: {limit} are taken");
            assert!(error.contains(&says), "{error}");
            assert_eq!(
                sentence(serializer, &hello(serializer, 0, limit - HELLO_HEADER), &bounds),
                None
            );
            assert!(sentence(serializer, &hello(serializer, 0, limit - HELLO_HEADER + 1), &bounds).is_some());
        }
    }
}

#[test]
fn keys_and_chunks_count_as_values() {
    let bounds = Bounds { values: 100, ..WIDE };
    let entries = |count: usize| -> String { (0..count).map(|i| format!(",\"k{i}\":0")).skip(1).collect() };
    let json = |count: usize| Bytes::from(format!("[48,1,{{}},\"a.b\",[],{{\"k0\":0{}}}]", entries(count)));
    assert_eq!(sentence(Json, &json(46), &bounds), None);
    assert!(sentence(Json, &json(47), &bounds).is_some());
    let msgpack = |count: u8| {
        let head = [b"\x96\x30\x01\x80\xa3a.b\x90\xde\x00".as_slice(), &[count]].concat();
        Bytes::from([head, b"\xa1k\x00".repeat(count.into())].concat())
    };
    assert_eq!(sentence(MessagePack, &msgpack(46), &bounds), None);
    assert!(sentence(MessagePack, &msgpack(47), &bounds).is_some());
    let chunks = |count: usize| {
        let head = b"\x85\x18\x30\x01\xa0\x63a.b\x81\x7f".as_slice();
        Bytes::from([head, &b"\x61c".repeat(count), b"\xff"].concat())
    };
    assert_eq!(sentence(Cbor, &chunks(93), &bounds), None);
    assert!(sentence(Cbor, &chunks(94), &bounds).is_some());
    // A tag in front of a tag in front of a tag.
    let tags = |count: usize| {
        let head = b"\x85\x18\x30\x01\xa0\x63a.b\x81".as_slice();
        Bytes::from([head, &b"\xc1".repeat(count), b"\x00"].concat())
    };
    assert_eq!(sentence(Cbor, &tags(93), &bounds), None);
    assert!(sentence(Cbor, &tags(94), &bounds).is_some());
}

#[test]
fn tags_are_levels_of_nesting_like_the_lists_between_them() {
    // In the arguments, which are passed over, and in details, which are read.
    let heads = [&b"\x85\x18\x30\x01\xa0\x63a.b\x81"[..], b"\x83\x01\x61r\xa1\x61k"];
    for head in heads {
        let nested = |levels: &[u8]| {
            let within = Bytes::from([head, levels, b"\x00"].concat());
            sentence(Cbor, &within, &Bounds { depth: 32, ..WIDE })
        };
        for one in [&b"\xc6"[..], b"\x81", b"\xc6\x81", b"\xd9\xd9\xf7\x9f"] {
            let levels = if one.len() > 1 { 2 } else { 1 };
            let (fits, is_open) = (30 / levels, one.ends_with(b"\x9f"));
            let close = |count: usize| vec![0xff; if is_open { count } else { 0 }];
            let taken = [head, &one.repeat(fits), b"\x00", &close(fits)].concat();
            assert_eq!(
                sentence(Cbor, &taken.into(), &Bounds { depth: 32, ..WIDE }),
                None,
                "{one:02x?}"
            );
            let error = nested(&one.repeat(fits + 1)).unwrap();
            assert!(error.contains("nested too deeply"), "{one:02x?}: {error}");
        }
        // A level ends with its value: beside each other there may be any number.
        let beside = [&b"\x98\x64"[..], &b"\xc6\x80".repeat(99), b"\xc6"].concat();
        assert_eq!(nested(&beside), None);
        assert!(nested(&b"\xc6".repeat(1 << 20)).is_some());
    }
}

#[test]
fn the_longest_number_of_json_is_taken_and_one_digit_more_is_refused() {
    let number = |number: &str| Bytes::from(format!("[48,1,{{}},\"a.b\",[{number}]]"));
    let digits = |count: usize| "7".repeat(count);
    for (before, behind) in [("", ""), ("-", ""), ("0.", ""), ("1.5e", ""), ("", "e1")] {
        let most = MAX_NUMBER - before.len() - behind.len();
        let at = number(&format!("{before}{}{behind}", digits(most)));
        assert_eq!(sentence(Json, &at, &Bounds::JOINED), None, "{before}{behind}");
        let past = number(&format!("{before}{}{behind}", digits(most + 1)));
        let error = sentence(Json, &past, &Bounds::JOINED).unwrap();
        assert!(error.contains("more than 1,000 characters"), "{error}");
    }
    let in_details = format!("[1,\"r\",{{\"k\":{}}}]", digits(MAX_NUMBER + 1));
    assert!(sentence(Json, &in_details.into(), &Bounds::JOINED).is_some());
}

#[test]
fn the_longest_message_is_taken_and_one_byte_more_is_refused() {
    for serializer in Serializer::ALL {
        let frame = call(serializer, 0, 100);
        let at = Bounds {
            message_bytes: frame.len(),
            ..WIDE
        };
        assert!(codec::decode(serializer, &frame, &at).is_ok());
        let past = Bounds {
            message_bytes: frame.len() - 1,
            ..WIDE
        };
        let violation = codec::decode(serializer, &frame, &past).unwrap_err();
        assert_eq!(violation.reason, PAYLOAD_SIZE_EXCEEDED);
        assert!(
            violation.sentence.contains(&format!("{} bytes", frame.len())),
            "{violation}"
        );
    }
}

#[test]
fn a_length_that_is_only_announced_takes_no_memory_and_no_time() {
    for (serializer, head) in [
        (MessagePack, &b"\x95\x30\x01\x80\xa3a.b\xdd\xff\xff\xff\xff"[..]),
        (MessagePack, b"\x95\x30\x01\x80\xa3a.b\x91\xdf\xff\xff\xff\xff"),
        (MessagePack, b"\x95\x30\x01\x80\xa3a.b\x91\xdb\xff\xff\xff\xff"),
        (MessagePack, b"\x95\x30\x01\x80\xa3a.b\x91\xc6\xff\xff\xff\xff"),
        (MessagePack, b"\x95\x30\x01\x80\xa3a.b\x91\xc9\xff\xff\xff\xff"),
        (MessagePack, b"\xdd\xff\xff\xff\xff\x30"),
        (MessagePack, b"\x93\x01\xa1r\xdf\xff\xff\xff\xff"),
        (Cbor, b"\x85\x18\x30\x01\xa0\x63a.b\x9b\xff\xff\xff\xff\xff\xff\xff\xff"),
        (
            Cbor,
            b"\x85\x18\x30\x01\xa0\x63a.b\x81\xbb\xff\xff\xff\xff\xff\xff\xff\xff",
        ),
        (
            Cbor,
            b"\x85\x18\x30\x01\xa0\x63a.b\x81\x7b\xff\xff\xff\xff\xff\xff\xff\xff",
        ),
        (
            Cbor,
            b"\x85\x18\x30\x01\xa0\x63a.b\x81\x5b\x7f\xff\xff\xff\xff\xff\xff\xff",
        ),
        (Cbor, b"\x9b\xff\xff\xff\xff\xff\xff\xff\xff\x18\x30"),
        (Cbor, b"\x83\x01\x61r\xbb\x00\x00\x00\x01\x00\x00\x00\x00"),
    ] {
        let error = sentence(serializer, &Bytes::from_static(head), &Bounds::JOINED);
        assert!(error.is_some(), "{head:?}");
    }
}

#[test]
fn a_hello_with_every_feature_fits_before_a_peer_has_joined() {
    let hello = deskconn_wamp::joiner::Joiner::new(deskconn_wamp::joiner::JoinOptions::anonymous("realm1")).hello();
    for serializer in Serializer::ALL {
        let frame = crate::encode(serializer, &hello).unwrap();
        assert!(matches!(
            codec::decode(serializer, &frame, &Bounds::JOINING),
            Ok(Message::Hello(_))
        ));
    }
}
