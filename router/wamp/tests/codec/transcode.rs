//! Arguments from one serializer to another: what is the same in all three, what only some can say, and what fails.

use bytes::{BufMut as _, BytesMut};
use deskconn_wamp::codec::{self, Serializer};
use deskconn_wamp::error::Unconvertible;
use deskconn_wamp::limits::Bounds;
use deskconn_wamp::message::Message;

use crate::{decode, encode};
use Serializer::{Cbor, Json, MessagePack};

/// A CALL whose one argument has these bytes: text for JSON, hexadecimal digits for the others.
fn call(serializer: Serializer, value: &str) -> Message {
    let frame = match serializer {
        Json => format!("[48,1,{{}},\"a.b\",[{value}]]").into_bytes(),
        MessagePack => hex::decode(format!("95300180a3612e6291{value}")).unwrap(),
        Cbor => hex::decode(format!("85183001a063612e6281{value}")).unwrap(),
    };
    decode(serializer, frame).unwrap_or_else(|why| panic!("{value} in {serializer:?}: {why}"))
}

/// The one argument as another serializer has it, in the same form.
fn converted(from: Serializer, value: &str, to: Serializer) -> Result<String, Unconvertible> {
    let frame = encode(to, &call(from, value))?;
    if to == Json {
        let text = String::from_utf8(frame.to_vec()).unwrap();
        return Ok(text
            .strip_prefix("[48,1,{},\"a.b\",[")
            .unwrap()
            .strip_suffix("]]")
            .unwrap()
            .to_owned());
    }
    let text = hex::encode(frame);
    // JSON does not say how long a list is; then the length has the longest form.
    let heads = match to {
        MessagePack => ["95300180a3612e6291", "95300180a3612e62dd00000001"],
        Cbor | Json => ["85183001a063612e6281", "85183001a063612e629a00000001"],
    };
    Ok(heads
        .iter()
        .find_map(|head| text.strip_prefix(head))
        .unwrap()
        .to_owned())
}

/// The same value in JSON, `MessagePack` and CBOR, each in its shortest form.
const SAME: [[&str; 3]; 47] = [
    ["null", "c0", "f6"],
    ["true", "c3", "f5"],
    ["false", "c2", "f4"],
    ["0", "00", "00"],
    ["23", "17", "17"],
    ["24", "18", "1818"],
    ["127", "7f", "187f"],
    ["128", "cc80", "1880"],
    ["255", "ccff", "18ff"],
    ["256", "cd0100", "190100"],
    ["65535", "cdffff", "19ffff"],
    ["65536", "ce00010000", "1a00010000"],
    ["4294967295", "ceffffffff", "1affffffff"],
    ["4294967296", "cf0000000100000000", "1b0000000100000000"],
    ["9007199254740993", "cf0020000000000001", "1b0020000000000001"],
    ["9223372036854775808", "cf8000000000000000", "1b8000000000000000"],
    ["18446744073709551615", "cfffffffffffffffff", "1bffffffffffffffff"],
    ["-1", "ff", "20"],
    ["-24", "e8", "37"],
    ["-25", "e7", "3818"],
    ["-32", "e0", "381f"],
    ["-33", "d0df", "3820"],
    ["-128", "d080", "387f"],
    ["-129", "d1ff7f", "3880"],
    ["-32768", "d18000", "397fff"],
    ["-32769", "d2ffff7fff", "398000"],
    ["-2147483648", "d280000000", "3a7fffffff"],
    ["-2147483649", "d3ffffffff7fffffff", "3a80000000"],
    ["-9223372036854775808", "d38000000000000000", "3b7fffffffffffffff"],
    ["0.5", "cb3fe0000000000000", "fb3fe0000000000000"],
    ["1.0", "cb3ff0000000000000", "fb3ff0000000000000"],
    ["-0.0", "cb8000000000000000", "fb8000000000000000"],
    ["0.1", "cb3fb999999999999a", "fb3fb999999999999a"],
    ["1e+300", "cb7e37e43c8800759c", "fb7e37e43c8800759c"],
    ["1.7976931348623157e+308", "cb7fefffffffffffff", "fb7fefffffffffffff"],
    ["5e-324", "cb0000000000000001", "fb0000000000000001"],
    ["9007199254740992.0", "cb4340000000000000", "fb4340000000000000"],
    ["\"\"", "a0", "60"],
    ["\"é\"", "a2c3a9", "62c3a9"],
    ["\"𝄞\"", "a4f09d849e", "64f09d849e"],
    ["\"a\\\"\\\\\\n\\u0001\"", "a561225c0a01", "6561225c0a01"],
    ["\"a\\u0000\"", "a26100", "626100"],
    ["\"\\u0000\"", "c400", "40"],
    ["\"\\u0000AQL/\"", "c4030102ff", "430102ff"],
    ["[]", "90", "80"],
    ["{}", "80", "a0"],
    ["\"\u{7f}\"", "a17f", "617f"],
];

#[test]
fn the_same_value_has_the_same_form_whichever_way_it_comes() {
    for row in SAME {
        for from in Serializer::ALL {
            for to in Serializer::ALL {
                let value = converted(from, row[from.index()], to).unwrap();
                // An empty list of JSON has a length of the longest form, like every list of JSON.
                let is_list = matches!(row[0], "[]" | "{}") && from == Json && to != Json;
                let expected = if is_list {
                    long_head(&row, to)
                } else {
                    row[to.index()].to_owned()
                };
                assert_eq!(value, expected, "{} from {from:?} to {to:?}", row[0]);
            }
        }
    }
}

fn long_head(row: &[&str; 3], to: Serializer) -> String {
    let head = match (row[0], to) {
        ("[]", MessagePack) => "dd",
        ("[]", _) => "9a",
        (_, MessagePack) => "df",
        _ => "ba",
    };
    format!("{head}00000000")
}

/// Other forms of a value: from, the form, to, what it becomes.
const OTHER_FORMS: [(Serializer, &str, Serializer, &str); 34] = [
    (MessagePack, "ca3f000000", Json, "0.5"),
    (MessagePack, "ca3f000000", Cbor, "fb3fe0000000000000"),
    (MessagePack, "cf0000000000000001", Cbor, "01"),
    (MessagePack, "d001", Cbor, "01"),
    (MessagePack, "d3ffffffffffffffff", Cbor, "20"),
    (MessagePack, "d90161", Cbor, "6161"),
    (MessagePack, "db0000000161", Json, "\"a\""),
    (MessagePack, "c6000000020102", Cbor, "420102"),
    (MessagePack, "dc0001c0", Cbor, "81f6"),
    (MessagePack, "de0001a161c0", Json, "{\"a\":null}"),
    (MessagePack, "cb7ff8000000000000", Cbor, "fb7ff8000000000000"),
    (Cbor, "1800", MessagePack, "00"),
    (Cbor, "1b0000000000000001", MessagePack, "01"),
    (Cbor, "f93800", Json, "0.5"),
    (Cbor, "f90001", Json, "5.960464477539063e-8"),
    (Cbor, "f9fbff", MessagePack, "cbc0effc0000000000"),
    (Cbor, "fa3f000000", MessagePack, "cb3fe0000000000000"),
    (Cbor, "f97c00", MessagePack, "cb7ff0000000000000"),
    (Cbor, "f9fc00", MessagePack, "cbfff0000000000000"),
    (Cbor, "f7", Json, "null"),
    (Cbor, "d84043010203", MessagePack, "c403010203"),
    (Cbor, "d84043010203", Json, "\"\\u0000AQID\""),
    (Cbor, "c11a00000001", Json, "1"),
    (Cbor, "d9d9f7d9d9f7616d", Json, "\"m\""),
    (Cbor, "9f0102ff", MessagePack, "dd000000020102"),
    (Cbor, "9f0102ff", Json, "[1,2]"),
    (Cbor, "bf616101616202ff", Json, "{\"a\":1,\"b\":2}"),
    (Cbor, "bf616101ff", MessagePack, "df00000001a16101"),
    (Cbor, "9f9f8101ff80ff", Json, "[[[1]],[]]"),
    (Cbor, "7f61616162ff", MessagePack, "a26162"),
    (Cbor, "7fff", Json, "\"\""),
    (Cbor, "5f41014102ff", MessagePack, "c4020102"),
    (Json, "\"\\u00e9\\ud834\\udd1e\\/\"", Cbor, "67c3a9f09d849e2f"),
    (Json, "1E2", MessagePack, "cb4059000000000000"),
];

#[test]
fn other_forms_of_a_value_become_the_shortest_one() {
    for (from, value, to, expected) in OTHER_FORMS {
        assert_eq!(
            converted(from, value, to).unwrap(),
            expected,
            "{value} from {from:?} to {to:?}"
        );
    }
}

/// What has no form in the other serializer: from, the form, to, words of the reason.
const IMPOSSIBLE: [(Serializer, &str, Serializer, &str); 24] = [
    (MessagePack, "cb7ff8000000000000", Json, "NaN"),
    (MessagePack, "cb7ff0000000000000", Json, "infinite"),
    (MessagePack, "ca7f800000", Json, "infinite"),
    (Cbor, "f97c00", Json, "infinite"),
    (Cbor, "f97e00", Json, "NaN"),
    (MessagePack, "d40102", Json, "extension type"),
    (MessagePack, "d6ff00000000", Cbor, "extension type"),
    (MessagePack, "c7030500aabb", Cbor, "extension type"),
    (MessagePack, "810102", Json, "key that is not a string"),
    (MessagePack, "81c0c0", Cbor, "key that is not a string"),
    (MessagePack, "81c4016101", Cbor, "key that is not a string"),
    (Cbor, "a10102", MessagePack, "key that is not a string"),
    (Cbor, "a1810102", Json, "key that is not a string"),
    (Cbor, "c249010000000000000000", Json, "beyond 64 bits"),
    (Cbor, "c349010000000000000000", MessagePack, "beyond 64 bits"),
    (Cbor, "3bffffffffffffffff", Json, "below -2^63"),
    (Cbor, "3b8000000000000000", MessagePack, "below -2^63"),
    (Cbor, "e0", Json, "simple value"),
    (Cbor, "f8ff", MessagePack, "simple value"),
    (Json, "1e999", Cbor, "too large"),
    (Json, "\"\\ud800\"", MessagePack, "surrogate"),
    (Json, "\"\\u0000!\"", MessagePack, "base64"),
    (MessagePack, "a20061", Json, "U+0000"),
    (Cbor, "620061", Json, "U+0000"),
];

#[test]
fn what_has_no_form_in_the_other_serializer_fails_and_leaves_nothing_behind() {
    for (from, value, to, words) in IMPOSSIBLE {
        let message = call(from, value);
        let mut out = BytesMut::new();
        out.put_slice(b"before");
        let error = codec::encode(to, &message, &mut out).unwrap_err();
        assert!(
            error.to_string().contains(words),
            "{value} from {from:?} to {to:?}: {error}"
        );
        assert_eq!(&out[..], b"before", "{value}");
        // A receiver with the same serializer gets it as it is.
        assert_eq!(decode(from, encode(from, &message).unwrap()).unwrap(), message);
    }
}

#[test]
fn text_of_every_length_gets_the_right_head() {
    for length in [0, 1, 23, 24, 31, 32, 255, 256, 65_535, 65_536] {
        let json = format!("\"{}\"", "a".repeat(length));
        let content = "61".repeat(length);
        let msgpack = match length {
            0..=31 => format!("{:02x}{content}", 0xa0 + length),
            32..=255 => format!("d9{length:02x}{content}"),
            256..=65_535 => format!("da{length:04x}{content}"),
            _ => format!("db{length:08x}{content}"),
        };
        let cbor = match length {
            0..=23 => format!("{:02x}{content}", 0x60 + length),
            24..=255 => format!("78{length:02x}{content}"),
            256..=65_535 => format!("79{length:04x}{content}"),
            _ => format!("7a{length:08x}{content}"),
        };
        let row = [json, msgpack, cbor];
        for from in Serializer::ALL {
            for to in Serializer::ALL {
                assert!(
                    converted(from, &row[from.index()], to).unwrap() == row[to.index()],
                    "{length}"
                );
            }
        }
    }
}

#[test]
fn bytes_of_every_length_get_the_right_head() {
    for length in [0, 23, 24, 255, 256, 65_535, 65_536] {
        let content = "ff".repeat(length);
        let msgpack = match length {
            0..=255 => format!("c4{length:02x}{content}"),
            256..=65_535 => format!("c5{length:04x}{content}"),
            _ => format!("c6{length:08x}{content}"),
        };
        let cbor = match length {
            0..=23 => format!("{:02x}{content}", 0x40 + length),
            24..=255 => format!("58{length:02x}{content}"),
            256..=65_535 => format!("59{length:04x}{content}"),
            _ => format!("5a{length:08x}{content}"),
        };
        assert!(converted(MessagePack, &msgpack, Cbor).unwrap() == cbor, "{length}");
        let json = converted(Cbor, &cbor, Json).unwrap();
        assert!(converted(Json, &json, MessagePack).unwrap() == msgpack, "{length}");
    }
}

#[test]
fn lists_and_dictionaries_of_every_length_get_the_right_head() {
    for length in [0, 1, 15, 16, 23, 24, 255, 256, 65_535 / 4] {
        let list = |head: String, item: &str| head + &item.repeat(length);
        let msgpack = match length {
            0..=15 => list(format!("{:02x}", 0x90 + length), "c0"),
            _ => list(format!("dc{length:04x}"), "c0"),
        };
        let cbor = match length {
            0..=23 => list(format!("{:02x}", 0x80 + length), "f6"),
            24..=255 => list(format!("98{length:02x}"), "f6"),
            _ => list(format!("99{length:04x}"), "f6"),
        };
        assert!(converted(MessagePack, &msgpack, Cbor).unwrap() == cbor, "{length}");
        assert!(converted(Cbor, &cbor, MessagePack).unwrap() == msgpack, "{length}");
        let entries = |head: String, entry: &str| head + &entry.repeat(length);
        let msgpack = match length {
            0..=15 => entries(format!("{:02x}", 0x80 + length), "a161c0"),
            _ => entries(format!("de{length:04x}"), "a161c0"),
        };
        let cbor = match length {
            0..=23 => entries(format!("{:02x}", 0xa0 + length), "6161f6"),
            24..=255 => entries(format!("b8{length:02x}"), "6161f6"),
            _ => entries(format!("b9{length:04x}"), "6161f6"),
        };
        assert!(converted(MessagePack, &msgpack, Cbor).unwrap() == cbor, "{length}");
        assert!(converted(Cbor, &cbor, MessagePack).unwrap() == msgpack, "{length}");
    }
}

#[test]
fn nesting_survives_to_the_depth_that_is_taken() {
    // The message is the first array, its arguments the second.
    let inner = Bounds::JOINED.depth - 2;
    let nested = [
        format!("{}{}", "[".repeat(inner), "]".repeat(inner)),
        format!("{}90", "91".repeat(inner - 1)),
        format!("{}80", "81".repeat(inner - 1)),
    ];
    for from in Serializer::ALL {
        for to in Serializer::ALL {
            let message = call(from, &nested[from.index()]);
            let there = decode(to, encode(to, &message).unwrap()).unwrap();
            let back = decode(from, encode(from, &there).unwrap()).unwrap();
            let values = |message: &Message| message.payload().unwrap().to_values().unwrap();
            assert_eq!(values(&message), values(&back), "{from:?} to {to:?}");
        }
    }
}

#[test]
fn a_text_of_the_header_that_json_would_take_for_binary_fails_too() {
    for (name, frame) in [
        ("HELLO", "8301620061a0"),
        ("CHALLENGE", "8304620061a0"),
        ("ABORT", "8303a0620061"),
        ("ERROR", "850818 3001a0620061"),
        ("CALL", "84183001a0620061"),
        ("EVENT", "8418240102a165746f706963620061"),
        ("EVENT", "8418240102a1707075626c69736865725f617574686964620061"),
        ("INVOCATION", "8418440102a16970726f636564757265620061"),
        ("INTERRUPT", "83184501a166726561736f6e620061"),
    ] {
        let message = decode(Cbor, hex::decode(frame.replace(' ', "")).unwrap()).unwrap();
        assert_eq!(message.name(), name);
        assert!(
            encode(Json, &message).unwrap_err().to_string().contains("U+0000"),
            "{frame}"
        );
        assert!(encode(MessagePack, &message).is_ok(), "{frame}");
    }
}
