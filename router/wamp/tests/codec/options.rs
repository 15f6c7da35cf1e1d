//! Options and Details: known keys of the right type, known keys of a wrong type, and keys that nobody here knows. The
//! specification's vectors name these cases and have no bytes for them yet.

use deskconn_wamp::codec::Serializer;
use deskconn_wamp::message::{CancelMode, Invoke, Match, Message};

use crate::decode;

/// A message written as JSON, read in every serializer.
fn read(json: &str) -> [Result<Message, String>; 3] {
    let value: serde_json::Value = serde_json::from_str(json).unwrap();
    let mut cbor = Vec::new();
    ciborium::into_writer(&value, &mut cbor).unwrap();
    let frames = [json.as_bytes().to_vec(), rmp_serde::to_vec(&value).unwrap(), cbor];
    let mut frames = frames.into_iter();
    Serializer::ALL.map(|serializer| {
        let frame = frames.next().unwrap();
        decode(serializer, frame).map_err(|violation| violation.sentence)
    })
}

/// The same message in every serializer; arguments aside, they are equal.
fn message(json: &str) -> Message {
    let [first, second, third] = read(json).map(|read| read.unwrap_or_else(|why| panic!("{json}: {why}")));
    assert_eq!(first, second);
    assert_eq!(first, third);
    first
}

#[test]
fn flags_are_true_or_false_or_null() {
    for (options, acknowledge, exclude_me, disclose_me) in [
        ("{}", false, true, false),
        (r#"{"acknowledge":true}"#, true, true, false),
        (r#"{"acknowledge":false}"#, false, true, false),
        (r#"{"acknowledge":null}"#, false, true, false),
        (r#"{"exclude_me":false}"#, false, false, false),
        (r#"{"exclude_me":true,"disclose_me":true}"#, false, true, true),
        (
            r#"{"exclude":[1,2],"eligible_authrole":["a"],"retain":true,"_own":{"x":[{}]},"acknowledge":true}"#,
            true,
            true,
            false,
        ),
    ] {
        let Message::Publish(publish) = message(&format!("[16,1,{options},\"a.b\"]")) else {
            panic!()
        };
        let found = publish.options;
        assert_eq!(
            (found.acknowledge, found.exclude_me, found.disclose_me),
            (acknowledge, exclude_me, disclose_me),
            "{options}"
        );
    }
}

#[test]
fn known_keys_of_a_wrong_type_are_refused() {
    for json in [
        r#"[16,1,{"acknowledge":"yes"},"a.b"]"#,
        r#"[16,1,{"acknowledge":1},"a.b"]"#,
        r#"[16,1,{"exclude_me":"no"},"a.b"]"#,
        r#"[16,1,{"disclose_me":[]},"a.b"]"#,
        r#"[32,1,{"match":"regex"},"a.b"]"#,
        r#"[32,1,{"match":"Exact"},"a.b"]"#,
        r#"[32,1,{"match":1},"a.b"]"#,
        r#"[64,1,{"invoke":"all"},"a.b"]"#,
        r#"[64,1,{"invoke":{}},"a.b"]"#,
        r#"[64,1,{"match":false},"a.b"]"#,
        r#"[48,1,{"receive_progress":"yes"},"a.b"]"#,
        r#"[48,1,{"disclose_me":0},"a.b"]"#,
        r#"[49,1,{"mode":"abort"}]"#,
        r#"[49,1,{"mode":1}]"#,
        r#"[69,1,{"mode":[]}]"#,
        r#"[69,1,{"reason":1}]"#,
        r#"[70,1,{"progress":"true"}]"#,
        r#"[50,1,{"progress":2}]"#,
        r#"[36,1,2,{"publisher":"joe"}]"#,
        r#"[36,1,2,{"publisher":0}]"#,
        r#"[36,1,2,{"publisher_authid":7}]"#,
        r#"[36,1,2,{"publisher_authrole":true}]"#,
        r#"[36,1,2,{"topic":1}]"#,
        r#"[68,1,2,{"procedure":1}]"#,
        r#"[68,1,2,{"caller":"joe"}]"#,
        r#"[68,1,2,{"receive_progress":1}]"#,
    ] {
        let message: serde_json::Value = serde_json::from_str(json).unwrap();
        let options = message
            .as_array()
            .unwrap()
            .iter()
            .find_map(|element| element.as_object());
        let key = options.unwrap().keys().next().unwrap();
        for sentence in read(json).map(|read| read.expect_err(json)) {
            assert!(
                sentence.contains(&format!(": {key} in its options or details: ")),
                "{json}: {sentence}"
            );
        }
    }
}

#[test]
fn null_is_as_good_as_nothing_because_javascript_sends_it() {
    for (null, nothing) in [
        (
            r#"[16,1,{"acknowledge":null,"exclude_me":null},"a.b"]"#,
            r#"[16,1,{},"a.b"]"#,
        ),
        (r#"[32,1,{"match":null},"a.b"]"#, r#"[32,1,{},"a.b"]"#),
        (r#"[64,1,{"match":null,"invoke":null},"a.b"]"#, r#"[64,1,{},"a.b"]"#),
        (r#"[49,1,{"mode":null}]"#, r#"[49,1,{}]"#),
        (r#"[36,1,2,{"topic":null}]"#, r#"[36,1,2,{}]"#),
        (r#"[70,1,{"progress":null}]"#, r#"[70,1,{}]"#),
    ] {
        assert_eq!(message(null), message(nothing));
    }
}

#[test]
fn policies_and_modes_have_the_names_of_the_specification() {
    for policy in [Match::Exact, Match::Prefix, Match::Wildcard] {
        let json = format!("[32,1,{{\"match\":\"{}\"}},\"a.b\"]", policy.name());
        assert!(matches!(message(&json), Message::Subscribe(it) if it.options.policy == policy));
    }
    for invoke in [
        Invoke::Single,
        Invoke::RoundRobin,
        Invoke::Random,
        Invoke::First,
        Invoke::Last,
    ] {
        let json = format!("[64,1,{{\"invoke\":\"{}\"}},\"a.b\"]", invoke.name());
        assert!(matches!(message(&json), Message::Register(it) if it.options.invoke == invoke));
    }
    for mode in [CancelMode::Skip, CancelMode::Kill, CancelMode::KillNoWait] {
        let json = format!("[49,1,{{\"mode\":\"{}\"}}]", mode.name());
        assert!(matches!(message(&json), Message::Cancel(it) if it.options.mode == mode));
    }
}

#[test]
fn who_called_or_published_is_read_in_any_order() {
    let Message::Event(event) = message(
        r#"[36,1,2,{"publisher_authrole":"guest","topic":"a.b","publisher_authid":"joe","publisher":7,"retained":true}]"#,
    ) else {
        panic!()
    };
    let publisher = event.details.publisher.unwrap();
    assert_eq!(
        (publisher.session.get(), &*publisher.authid, &*publisher.authrole),
        (7, "joe", "guest")
    );
    assert_eq!(event.details.topic.unwrap().as_str(), "a.b");
    let Message::Invocation(call) = message(r#"[68,1,2,{"caller":7,"caller_authid":null,"timeout":5}]"#) else {
        panic!()
    };
    let caller = call.details.caller.unwrap();
    assert_eq!((caller.session.get(), &*caller.authid), (7, ""));
}

#[test]
fn a_payload_that_only_its_receiver_understands_is_passed_on_as_it_is() {
    let json = "[16,1,{\"enc_algo\":\"cryptobox\"},\"a.b\",\"\\u0000AQID\"]";
    let Message::Publish(publish) = decode(Serializer::Json, json).unwrap() else {
        panic!()
    };
    let (args, kwargs) = publish.payload.to_values().unwrap();
    assert_eq!((args, kwargs.len()), (vec![vec![1_u8, 2, 3].into()], 0));
    let cbor = crate::encode(Serializer::Cbor, &Message::Publish(publish)).unwrap();
    assert_eq!(hex::encode(&cbor), "851001a063612e6243010203");
    // Nothing may stand behind it, and text is no such payload.
    for bad in ["\"\\u0000AQID\",{}", "\"\\u0000!\"", "\"AQID\"", "7"] {
        assert!(
            decode(Serializer::Json, format!("[16,1,{{}},\"a.b\",{bad}]")).is_err(),
            "{bad}"
        );
    }
}

#[test]
fn credit_is_read_and_written_alike_in_every_message_that_has_it() {
    for (json, credit) in [
        (r#"[48,1,{"_await_credit":true,"_credit":5,"progress":true},"a.b"]"#, 5),
        (r#"[68,1,2,{"_await_credit":true,"_credit":5,"progress":true}]"#, 5),
        (r#"[70,1,{"_credit":5,"progress":true}]"#, 5),
        (r#"[50,1,{"_credit":5,"progress":true}]"#, 5),
        (r#"[70,1,{"progress":true}]"#, 0),
    ] {
        let message = message(json);
        let read = if let Message::Call(it) = &message {
            it.options.flow.as_ref().unwrap().credit
        } else if let Message::Invocation(it) = &message {
            it.details.credit
        } else if let Message::Yield(it) = &message {
            it.options.credit
        } else if let Message::Result(it) = &message {
            it.details.credit
        } else {
            panic!("{}", message.name())
        };
        assert_eq!(read, credit, "{json}");
        let written = crate::encode(Serializer::Json, &message).unwrap();
        assert_eq!(std::str::from_utf8(&written).unwrap(), json);
    }
    for bad in [
        r#"[70,1,{"_credit":-1}]"#,
        r#"[48,1,{"_credit":"5"},"a.b"]"#,
        r#"[68,1,2,{"_await_credit":1}]"#,
    ] {
        assert!(read(bad).iter().all(Result::is_err), "{bad}");
    }
}

#[test]
fn the_place_of_a_publication_in_a_queue_is_read_and_written_alike() {
    let json = r#"[16,1,{"_number":9007199254740992,"_queue":"q","acknowledge":true},"a.b"]"#;
    let publish = message(json);
    let Message::Publish(it) = &publish else { panic!() };
    let queued = it.options.queued().unwrap();
    assert_eq!((&*queued.name, queued.number), ("q", 1 << 53));
    assert_eq!(it.options.audience(), None);
    assert_eq!(crate::encode(Serializer::Json, &publish).unwrap(), json.as_bytes());
    for bad in [
        r#"{"_number":9007199254740993}"#,
        r#"{"_number":"1"}"#,
        r#"{"_queue":1}"#,
    ] {
        let read = read(&format!(r#"[16,1,{bad},"a.b"]"#));
        assert!(read.iter().all(Result::is_err), "{bad}");
    }
}

#[test]
fn a_publication_that_forgets_says_so_and_tells_links() {
    for (json, forgets) in [
        (r#"[16,1,{"_forget":true},"a.b"]"#, true),
        (r#"[16,1,{"_forget":true,"exclude":[1]},"a.b"]"#, true),
        (r#"[16,1,{"exclude":[1],"_forget":true},"a.b"]"#, true),
        (r#"[16,1,{"_forget":false},"a.b"]"#, false),
        (r#"[16,1,{"_forget":null},"a.b"]"#, false),
    ] {
        let read = message(json);
        let Message::Publish(publish) = &read else { panic!() };
        assert_eq!(publish.options.forget(), forgets, "{json}");
        assert_eq!(publish.options.special.is_some(), forgets, "{json}");
        for serializer in Serializer::ALL {
            let again = decode(serializer, crate::encode(serializer, &read).unwrap()).unwrap();
            assert_eq!(again, read, "{json}");
        }
    }
    for read in read(r#"[16,1,{"_forget":1},"a.b"]"#) {
        assert!(read.is_err());
    }
}

#[test]
fn the_way_through_other_routers_is_written_as_it_is_read() {
    let route = r#""_via":["0000000000000001","ffffffffffffffff"],"_origin":9,"_from":7,"_from_authid":"joe","_from_authrole":"guest","_kept_at":"2026-01-02T00:00:00.000Z","_again":true,"_forget":true"#;
    for json in [
        format!(r#"[16,1,{{{route}}},"com.t"]"#),
        format!(r#"[36,1,2,{{{route}}}]"#),
        format!(r#"[48,1,{{{route},"ppt_scheme":"x"}},"com.p"]"#),
        format!(r#"[68,1,2,{{{route}}}]"#),
    ] {
        let read = message(&json);
        for serializer in Serializer::ALL {
            let again = decode(serializer, crate::encode(serializer, &read).unwrap()).unwrap();
            assert_eq!(again, read, "{json}");
        }
        assert!(format!("{read:?}").contains("joe"), "{read:?}");
    }
    for wrong in [
        r#""_via":[1]"#,
        r#""_via":["1"]"#,
        r#""_origin":"x""#,
        r#""_again":1"#,
        r#""_from":0"#,
    ] {
        for read in read(&format!(r#"[16,1,{{{wrong}}},"com.t"]"#)) {
            assert!(read.is_err(), "{wrong}");
        }
    }
}
