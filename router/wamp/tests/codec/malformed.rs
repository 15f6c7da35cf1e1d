//! What is no message: of the format, of the shape, of the types. Each is a violation with a sentence that helps.

use deskconn_wamp::codec::Serializer;
use deskconn_wamp::error::PROTOCOL_VIOLATION;
use deskconn_wamp::message::Message;

use crate::{decode, encode, samples};
use Serializer::{Cbor, Json, MessagePack};

/// The sentence with which a frame is refused.
fn refused(serializer: Serializer, frame: &[u8]) -> String {
    match decode(serializer, frame.to_vec()) {
        Ok(message) => panic!("{serializer:?} {frame:02x?} was read as {message:?}"),
        Err(violation) => {
            assert_eq!(violation.reason, PROTOCOL_VIOLATION);
            violation.sentence
        }
    }
}

#[test]
fn what_is_no_json_is_refused() {
    for (frame, words) in [
        (&b""[..], "breaks off"),
        (b"   ", "breaks off"),
        (b"hello", "not well formed"),
        (b"[48,1,{},\"a.b\",[nul]]", "unknown word"),
        (b"[48,1,{},\"a.b\",[truefalse]]", "comma"),
        (b"[48 1]", "comma"),
        (b"[48,,1]", "value was expected"),
        (b"[48,1,{},\"a.b\",[1,]]", "value was expected"),
        (b"[48,1,{},\"a.b\",[],{\"a\"}]", "colon"),
        (b"[48,1,{},\"a.b\",[],{a:1}]", "string was expected"),
        (b"[48,1,{},\"a.b\",[],{1:1}]", "string was expected"),
        (b"[48,1,{},\"a.b\",[01]]", "value was expected"),
        (b"[48,1,{},\"a.b\",[-]]", "value was expected"),
        (b"[48,1,{},\"a.b\",[+1]]", "value was expected"),
        (b"[48,1,{},\"a.b\",[.5]]", "value was expected"),
        (b"[48,1,{},\"a.b\",[1.]]", "behind the point"),
        (b"[48,1,{},\"a.b\",[1e]]", "exponent"),
        (b"[48,1,{},\"a.b\",[1e+]]", "exponent"),
        (b"[48,1,{},\"a.b\",[NaN]]", "value was expected"),
        (b"[48,1,{},\"a.b\",[\"a\nb\"]]", "control character"),
        (b"[48,1,{},\"a.b\",[\"\\x41\"]]", "unknown escape"),
        (b"[48,1,{},\"a.b\",[\"\\u00g0\"]]", "four hexadecimal"),
        (b"[48,1,{},\"a.b\",[\"\\u00", "breaks off"),
        (b"[48,1,{},\"a.b\",[\"\xff\"]]", "UTF-8"),
        (b"[48,1,{},\"a.b\",[\"\xc0\x80\"]]", "UTF-8"),
        (b"[48,1,{},\"a.b\",[\"\xed\xa0\x80\"]]", "UTF-8"),
        (b"[48,1,{},\"a.b\"]]", "follows"),
        (b"[48,1,{},\"a.b\"] 1", "follows"),
        (b"[48,1,{},\"a.b\",['a']]", "value was expected"),
        (b"[48,1,{},\"a.b\",[1}]", "comma"),
        (b"[48,1,{},\"a.b\"/*c*/]", "comma"),
        (b"\xef\xbb\xbf[48,1,{},\"a.b\"]", "value was expected"),
    ] {
        let sentence = refused(Json, frame);
        assert!(
            sentence.contains(words),
            "{}: {sentence}",
            String::from_utf8_lossy(frame)
        );
    }
}

#[test]
fn what_is_no_message_pack_is_refused() {
    let call = |value: &[u8]| [b"\x95\x30\x01\x80\xa3a.b\x91", value].concat();
    for (frame, words) in [
        (Vec::new(), "breaks off"),
        (b"\xc1".to_vec(), "0xc1"),
        (call(b"\xc1"), "0xc1"),
        (call(b"\xa1\xff"), "UTF-8"),
        (call(b"\xd9\x02\xc3"), "breaks off"),
        (call(b"\xa2\xc3"), "breaks off"),
        (call(b"\x92\x01"), "breaks off"),
        (call(b"\x81\xa1a"), "breaks off"),
        (call(b"\xc4\x02\x01"), "breaks off"),
        (call(b"\xd8\x01\x00"), "breaks off"),
        (call(b"\xcf\x00"), "breaks off"),
        (call(b"\xcb"), "breaks off"),
        (call(b"\xdc\x00"), "breaks off"),
        (call(b"\x01\x01"), "follows"),
    ] {
        let sentence = refused(MessagePack, &frame);
        assert!(sentence.contains(words), "{frame:02x?}: {sentence}");
    }
}

#[test]
fn what_is_no_cbor_is_refused() {
    let call = |value: &[u8]| [b"\x85\x18\x30\x01\xa0\x63a.b\x81", value].concat();
    for (frame, words) in [
        (Vec::new(), "breaks off"),
        (b"\xff".to_vec(), "break where a value"),
        (call(b"\xff"), "break where a value"),
        (call(b"\x1c"), "ill-formed head"),
        (call(b"\x1f"), "ill-formed head"),
        (call(b"\x3f"), "ill-formed head"),
        (call(b"\xdf"), "ill-formed head"),
        (call(b"\x5d"), "ill-formed head"),
        (call(b"\xf8\x1f"), "simple value"),
        (call(b"\xf8\x00"), "simple value"),
        (call(b"\xfc"), "ill-formed head"),
        (call(b"\x61\xff"), "UTF-8"),
        (call(b"\x7f\x62\xc3"), "breaks off"),
        (call(b"\x7f\x61\xc3\x61\xa9\xff"), "UTF-8"),
        (call(b"\x7f\x41a\xff"), "chunk of another type"),
        (call(b"\x7f\x7f\xff\xff"), "chunk of another type"),
        (call(b"\x5f\x61a\xff"), "chunk of another type"),
        (call(b"\x7f\x61a"), "breaks off"),
        (call(b"\x82\x01"), "breaks off"),
        (call(b"\x9f\x01"), "breaks off"),
        (call(b"\xbf\x61a\xff"), "break where a value"),
        (call(b"\xc1"), "breaks off"),
        (call(b"\xc1\xff"), "break where a value"),
        (call(b"\x19\x00"), "breaks off"),
        (call(b"\x01\x01"), "follows"),
    ] {
        let sentence = refused(Cbor, &frame);
        assert!(sentence.contains(words), "{frame:02x?}: {sentence}");
    }
}

#[test]
fn keys_of_keyword_arguments_must_be_strings_and_those_within_them_are_the_applications() {
    let msgpack = |kwargs: &[u8]| (MessagePack, [b"\x96\x30\x01\x80\xa3a.b\x90", kwargs].concat());
    let cbor = |kwargs: &[u8]| (Cbor, [b"\x86\x18\x30\x01\xa0\x63a.b\x80", kwargs].concat());
    for (serializer, frame) in [
        msgpack(b"\x81\x01\x02"),
        msgpack(b"\x82\xa1k\x01\xc4\x01x\x03"),
        msgpack(b"\xde\x00\x01\xc0\xc0"),
        cbor(b"\xa1\x01\x02"),
        cbor(b"\xa2\x61k\x01\x41x\x03"),
        cbor(b"\xbf\x80\x01\xff"),
    ] {
        let sentence = refused(serializer, &frame);
        assert!(
            sentence.contains("key that is not a string"),
            "{frame:02x?}: {sentence}"
        );
    }
    for (serializer, frame) in [
        msgpack(b"\x81\xa1k\x81\x01\x02"),
        cbor(b"\xa1\x61k\xa1\x01\x02"),
        cbor(b"\xbf\x7f\x61k\xff\xa1\x01\x02\xff"),
    ] {
        let message = decode(serializer, frame.clone()).unwrap();
        assert_eq!(encode(serializer, &message).unwrap(), frame);
    }
}

#[test]
fn what_is_no_wamp_message_is_refused_in_every_serializer() {
    for (json, words) in [
        ("null", "not an array"),
        ("{}", "not an array"),
        ("48", "not an array"),
        ("[]", "too few"),
        ("[null]", "code is not an integer"),
        ("[\"HELLO\"]", "code is not an integer"),
        ("[-1]", "code is not an integer"),
        ("[1.5]", "code is not an integer"),
        ("[[1]]", "code is not an integer"),
        ("[0]", "no message with code 0"),
        ("[7,{}]", "no message with code 7"),
        ("[9,{}]", "no message with code 9"),
        ("[37]", "no message with code 37"),
        ("[71]", "no message with code 71"),
        ("[256]", "no message with code 256"),
        ("[18446744073709551615]", "no message with code"),
        ("[1]", "HELLO"),
        ("[1,\"r\"]", "too few"),
        ("[1,1,{}]", "URI is not a string"),
        ("[1,null,{}]", "URI is not a string"),
        ("[1,\"r\",[]]", "dictionary"),
        ("[1,\"r\",null]", "dictionary"),
        ("[1,\"r\",{},1]", "too many"),
        ("[2,0,{}]", "1 to 2^53"),
        ("[2,9007199254740993,{}]", "1 to 2^53"),
        ("[2,-1,{}]", "1 to 2^53"),
        ("[2,\"1\",{}]", "1 to 2^53"),
        ("[2,1.5,{}]", "1 to 2^53"),
        ("[2,true,{}]", "1 to 2^53"),
        ("[4,1,{}]", "string"),
        ("[8,47,1,{},\"e\"]", "type"),
        ("[8,\"48\",1,{},\"e\"]", "type"),
        ("[48,1,[],\"a.b\"]", "not a dictionary"),
        ("[48,1,{},\"a.b\",{}]", "Arguments must be a list"),
        ("[48,1,{},\"a.b\",\"text\"]", "Arguments must be a list"),
        ("[48,1,{},\"a.b\",null]", "Arguments must be a list"),
        ("[48,1,{},\"a.b\",[],[]]", "ArgumentsKw a dictionary"),
        ("[48,1,{},\"a.b\",[],null]", "ArgumentsKw a dictionary"),
        ("[48,1,{},\"a.b\",[],{},[]]", "too many"),
        ("[17,1]", "too few"),
        ("[17,1,2,3]", "too many"),
        ("[33,1,0]", "1 to 2^53"),
    ] {
        let value: serde_json::Value = serde_json::from_str(json).unwrap();
        let mut cbor = Vec::new();
        ciborium::into_writer(&value, &mut cbor).unwrap();
        let frames = [json.as_bytes().to_vec(), rmp_serde::to_vec(&value).unwrap(), cbor];
        for (serializer, frame) in Serializer::ALL.into_iter().zip(frames) {
            let sentence = refused(serializer, &frame);
            assert!(sentence.contains(words), "{json} in {serializer:?}: {sentence}");
        }
    }
}

#[test]
fn an_element_too_many_or_too_few_is_refused_for_every_message() {
    for message in samples::all(Json) {
        let frame = encode(Json, &message).unwrap();
        let elements: Vec<serde_json::Value> = serde_json::from_slice(&frame).unwrap();
        let arguments = message.payload().map_or(0, |_| 2);
        let given = match (message.payload(), elements.last()) {
            (Some(payload), _) if payload.is_empty() => 0,
            (Some(_), Some(serde_json::Value::Object(_))) => 2,
            (Some(_), _) => 1,
            (None, _) => 0,
        };
        let mandatory = elements.len() - given;
        for count in 0..mandatory {
            refused(Json, &serde_json::to_vec(&elements[..count]).unwrap());
        }
        assert!(
            decode(Json, serde_json::to_vec(&elements[..mandatory]).unwrap()).is_ok(),
            "{}",
            message.name()
        );
        // Where they answer a request, UNSUBSCRIBED and UNREGISTERED may have details all the same.
        let mut more = elements[..mandatory].to_vec();
        let may_have = match message {
            Message::Unsubscribed(_) | Message::Unregistered(_) => 1,
            _ => arguments,
        };
        more.extend((0..=may_have).map(|number| {
            if number == 1 {
                serde_json::json!({})
            } else {
                serde_json::json!([])
            }
        }));
        let sentence = refused(Json, &serde_json::to_vec(&more).unwrap());
        assert!(sentence.contains("too many"), "{}: {sentence}", message.name());
    }
}

#[test]
fn integral_floats_pass_for_integers_because_some_peers_have_no_others() {
    let plain = decode(Json, &b"[48,7,{},\"a.b\"]"[..]).unwrap();
    assert_eq!(decode(Json, &b"[48.0,7.0,{},\"a.b\"]"[..]).unwrap(), plain);
    let float = hex::decode("94cb4048000000000000cb401c00000000000080a3612e62").unwrap();
    assert_eq!(decode(MessagePack, float).unwrap(), plain);
    let float = hex::decode("84fb4048000000000000fb401c000000000000a063612e62").unwrap();
    assert_eq!(decode(Cbor, float).unwrap(), plain);
}
