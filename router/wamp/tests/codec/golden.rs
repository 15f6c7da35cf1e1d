//! Golden bytes: every message in every serializer, byte for byte. `golden.txt` holds for each message of [`samples`]
//! its name, its JSON, its `MessagePack` and its CBOR in hexadecimal digits. The bytes were compared with what the Python
//! packages msgpack and cbor2 write for the same values, and are the same.

use bytes::BytesMut;
use deskconn_wamp::codec::{self, Apart, Serializer};
use deskconn_wamp::message::Message;
use deskconn_wamp::payload::Payload;

use crate::{decode, encode, samples};

struct Golden {
    name: &'static str,
    bytes: [Vec<u8>; 3],
}

fn golden() -> Vec<Golden> {
    let blocks = include_str!("golden.txt").trim_end().split("\n\n");
    let read = |block: &'static str| {
        let [name, json, msgpack, cbor] = block.lines().collect::<Vec<_>>().try_into().unwrap();
        let bytes = [
            json.as_bytes().to_vec(),
            hex::decode(msgpack).unwrap(),
            hex::decode(cbor).unwrap(),
        ];
        Golden { name, bytes }
    };
    blocks.map(read).collect()
}

fn messages() -> impl Iterator<Item = (Serializer, Message, Vec<u8>)> {
    Serializer::ALL.into_iter().flat_map(|serializer| {
        let messages = samples::all(serializer);
        let golden = golden();
        assert_eq!(messages.len(), golden.len());
        messages.into_iter().zip(golden).map(move |(message, golden)| {
            assert_eq!(message.name(), golden.name);
            (serializer, message, golden.bytes[serializer.index()].clone())
        })
    })
}

#[test]
fn every_message_is_written_byte_for_byte_as_it_always_was() {
    for (serializer, message, bytes) in messages() {
        assert_eq!(
            encode(serializer, &message).unwrap(),
            bytes,
            "{} in {serializer:?}",
            message.name()
        );
    }
}

#[test]
fn arguments_that_are_not_copied_belong_where_it_is_said() {
    let mut apart = 0;
    for (serializer, message, bytes) in messages() {
        let mut out = BytesMut::from(&b"before"[..]);
        let left_out = codec::encode_apart(serializer, &message, 1, &mut out).unwrap();
        if let Some(Apart { at, bytes }) = left_out {
            assert_eq!(Some(bytes.len()), message.payload().map(Payload::len));
            let tail = out.split_off(at);
            out.extend_from_slice(&bytes);
            out.extend_from_slice(&tail);
            apart += 1;
        }
        assert_eq!(
            out,
            [b"before", &bytes[..]].concat(),
            "{} in {serializer:?}",
            message.name()
        );
    }
    assert!(apart > 30);
}

#[test]
fn every_message_is_read_back() {
    for (serializer, message, bytes) in messages() {
        assert_eq!(
            decode(serializer, bytes).unwrap(),
            message,
            "{} in {serializer:?}",
            message.name()
        );
    }
}

#[test]
fn no_message_can_be_cut_short_or_go_on() {
    for (serializer, message, bytes) in messages() {
        for cut in 0..bytes.len() {
            let read = decode(serializer, bytes[..cut].to_vec());
            assert!(
                read.is_err(),
                "{} in {serializer:?}, {cut} bytes of {}",
                message.name(),
                bytes.len()
            );
        }
        for more in [&b"0"[..], b"]", b"\x00", b"\xff"] {
            let read = decode(serializer, [&bytes, more].concat());
            assert!(read.is_err(), "{} in {serializer:?} and {more:?}", message.name());
        }
    }
}

#[test]
fn no_changed_byte_makes_the_decoder_panic_or_read_what_it_cannot_write() {
    for (serializer, _, bytes) in messages() {
        for at in 0..bytes.len() {
            for flip in [0x01, 0x02, 0x04, 0x08, 0x10, 0x20, 0x40, 0x80, 0xff] {
                let mut changed = bytes.clone();
                changed[at] ^= flip;
                let Ok(message) = decode(serializer, changed) else {
                    continue;
                };
                let written = encode(serializer, &message).unwrap();
                assert_eq!(decode(serializer, written).unwrap(), message);
            }
        }
    }
}

#[test]
fn json_may_have_blanks_anywhere() {
    for golden in golden() {
        let text = String::from_utf8(golden.bytes[0].clone()).unwrap();
        let value: serde_json::Value = serde_json::from_str(&text).unwrap();
        let wide = format!(" \r\n\t{}\n", serde_json::to_string_pretty(&value).unwrap());
        let (wide, narrow) = (
            decode(Serializer::Json, wide).unwrap(),
            decode(Serializer::Json, text).unwrap(),
        );
        // Arguments stay as they came, blanks and all.
        let values = |message: &Message| message.payload().map(|payload| payload.to_values().unwrap());
        assert_eq!(values(&wide), values(&narrow));
        assert_eq!(
            encode(Serializer::Cbor, &wide).unwrap(),
            encode(Serializer::Cbor, &narrow).unwrap()
        );
    }
}
